//! What ended the program: the signal or exception, its address, and the kind of crash that these tell.

use minidump::{
    MinidumpException, MinidumpSystemInfo,
    system_info::{Cpu, Os},
};
use serde_json::{Value, json};

/// Addresses below this are a null pointer with an offset: no system maps anything there.
const NEAR_NULL: u64 = 64 << 10;
/// A fault that near to the stack's pointer is the end of the stack.
const NEAR_STACK: u64 = 64 << 10;

/// Kinds of crash, as the event's context names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    NullPointer,
    WildPointer,
    StackOverflow,
    Abort,
    Assertion,
    Panic,
    Terminate,
    IllegalInstruction,
    Division,
    BusError,
    HeapCorruption,
    StackCorruption,
    PureVirtualCall,
    OutOfMemory,
    Breakpoint,
    Killed,
    Exception,
    /// The dump was asked for; nothing crashed.
    Snapshot,
}

impl Kind {
    /// The word in the event's context.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::NullPointer => "null_pointer",
            Self::WildPointer => "wild_pointer",
            Self::StackOverflow => "stack_overflow",
            Self::Abort => "abort",
            Self::Assertion => "assertion",
            Self::Panic => "panic",
            Self::Terminate => "terminate",
            Self::IllegalInstruction => "illegal_instruction",
            Self::Division => "division",
            Self::BusError => "bus_error",
            Self::HeapCorruption => "heap_corruption",
            Self::StackCorruption => "stack_corruption",
            Self::PureVirtualCall => "pure_virtual_call",
            Self::OutOfMemory => "out_of_memory",
            Self::Breakpoint => "breakpoint",
            Self::Killed => "killed",
            Self::Exception => "exception",
            Self::Snapshot => "snapshot",
        }
    }

    /// What people call it.
    const fn text(self) -> &'static str {
        match self {
            Self::NullPointer => "Null pointer",
            Self::WildPointer => "Invalid memory access",
            Self::StackOverflow => "Stack overflow",
            Self::Abort => "Aborted",
            Self::Assertion => "Assertion failed",
            Self::Panic => "Panic",
            Self::Terminate => "Terminated by an uncaught exception",
            Self::IllegalInstruction => "Illegal instruction",
            Self::Division => "Division by zero",
            Self::BusError => "Bus error",
            Self::HeapCorruption => "Heap corruption",
            Self::StackCorruption => "Stack corruption",
            Self::PureVirtualCall => "Pure virtual function call",
            Self::OutOfMemory => "Out of memory",
            Self::Breakpoint => "Trap",
            Self::Killed => "Killed",
            Self::Exception => "Unhandled exception",
            Self::Snapshot => "Dump without a crash",
        }
    }
}

/// What ended the program.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Crash {
    /// The signal or exception: `SIGSEGV`, `EXCEPTION_ACCESS_VIOLATION`.
    pub(super) name: String,
    /// What more the system said: `SEGV_MAPERR`.
    pub(super) code: Option<String>,
    /// The address that could not be used.
    pub(super) address: Option<u64>,
    pub(super) kind: Kind,
    /// What the program itself said before it ended.
    pub(super) message: Option<String>,
}

/// What was said, and the kind of crash that it tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) kind: Option<Kind>,
    pub(super) text: String,
}

impl Crash {
    /// Takes what the program said.
    pub(super) fn say(&mut self, said: Option<Said>) {
        let Some(said) = said else { return };
        self.kind = said.kind.unwrap_or(self.kind);
        self.message = Some(said.text);
    }

    /// One line that says what happened.
    pub(super) fn text(&self) -> String {
        match (&self.message, self.address) {
            (Some(message), _) => format!("{}: {message}", self.kind.text()),
            (None, Some(address)) if matches!(self.kind, Kind::NullPointer | Kind::WildPointer | Kind::BusError) => {
                format!("{}: access to {address:#x}", self.kind.text())
            }
            (None, _) => self.kind.text().to_owned(),
        }
    }

    /// The event's context `crash`.
    pub(super) fn context(&self) -> Value {
        let mut context = json!({ "kind": self.kind.word(), "reason": self.name });
        for (key, value) in [
            ("code", self.code.clone()),
            ("address", self.address.map(|address| format!("{address:#x}"))),
            ("message", self.message.clone()),
        ] {
            if let Some(value) = value {
                context[key] = value.into();
            }
        }
        context
    }
}

/// Reads the exception. `pointer`: the stack's.
pub(super) fn read(
    exception: Option<&MinidumpException<'_>>,
    system: Option<&MinidumpSystemInfo>,
    pointer: Option<u64>,
) -> Crash {
    let Some(exception) = exception else {
        return Crash { name: "Minidump".into(), code: None, address: None, kind: Kind::Snapshot, message: None };
    };
    let (os, cpu) = system.map_or((Os::Unknown(0), Cpu::Unknown(0)), |system| (system.os, system.cpu));
    let reason = exception.get_crash_reason(os, cpu);
    let said = reason.to_string();
    let (name, code) = match said.split_once(" / ") {
        Some((name, code)) => (name.to_owned(), Some(code.to_owned())),
        None => (said, None),
    };
    let raw = exception.get_crash_address(os, cpu);
    // The kernel names no address for accesses that no address could mean.
    let named = !format!("{reason:?}").contains("SI_KERNEL");
    let kind = kind(&name, code.as_deref(), named.then_some(raw), pointer);
    let faults = matches!(kind, Kind::NullPointer | Kind::WildPointer | Kind::StackOverflow | Kind::BusError);
    Crash { name, code, address: faults.then_some(raw), kind, message: None }
}

/// The kind of crash that a signal or exception tells. `address`: what could not be used; `pointer`: the stack's.
pub(super) fn kind(name: &str, code: Option<&str>, address: Option<u64>, pointer: Option<u64>) -> Kind {
    let code = code.unwrap_or("");
    let all = format!("{name} {code}").to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| all.contains(part));
    if has(&["STACK_OVERFLOW"]) {
        return Kind::StackOverflow;
    }
    if has(&[
        "OUT_OF_MEMORY",
        "NO_MEMORY",
        "COMMITMENT_LIMIT",
        "0XE0000008",
        "HIGH_WATERMARK",
        "EXC_RESOURCE / RESOURCE_TYPE_MEMORY",
    ]) {
        return Kind::OutOfMemory;
    }
    if has(&["ACCESS_VIOLATION", "SIGSEGV", "EXC_BAD_ACCESS", "IN_PAGE_ERROR"]) {
        return memory_kind(address, pointer);
    }
    match () {
        () if has(&["SIGBUS", "DATATYPE_MISALIGNMENT"]) => Kind::BusError,
        () if has(&["HEAP_CORRUPTION"]) => Kind::HeapCorruption,
        () if has(&["STACK_BUFFER_OVERRUN", "STACK_COOKIE"]) => Kind::StackCorruption,
        () if has(&["SIGFPE", "DIVIDE", "EXC_ARITHMETIC", "INTDIV"]) => Kind::Division,
        () if has(&["SIGILL", "ILLEGAL_INSTRUCTION", "EXC_BAD_INSTRUCTION", "PRIV_INSTRUCTION"]) => {
            Kind::IllegalInstruction
        }
        () if has(&["SIGTRAP", "BREAKPOINT"]) => Kind::Breakpoint,
        () if has(&["SIGABRT", "EXC_CRASH", "FATAL_APP_EXIT", "FATAL_EXIT"]) => Kind::Abort,
        () if has(&["SIGKILL"]) => Kind::Killed,
        () if has(&["DUMP_REQUESTED", "SIMULATED"]) => Kind::Snapshot,
        () => Kind::Exception,
    }
}

/// Which kind of access to memory failed.
fn memory_kind(address: Option<u64>, pointer: Option<u64>) -> Kind {
    let Some(address) = address else { return Kind::WildPointer };
    // Memory that near to the stack's pointer is there, unless the stack has no room left.
    if pointer.is_some_and(|pointer| address.abs_diff(pointer) <= NEAR_STACK) {
        return Kind::StackOverflow;
    }
    if address < NEAR_NULL { Kind::NullPointer } else { Kind::WildPointer }
}
