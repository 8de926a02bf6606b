//! A minidump as the parts of an event.

use std::panic::{AssertUnwindSafe, catch_unwind};

use minidump::{
    Minidump, MinidumpException, MinidumpMiscInfo, MinidumpModule, MinidumpModuleList, MinidumpSystemInfo,
    MinidumpThread, MinidumpThreadList, MinidumpThreadNames, Module, UnifiedMemoryList,
};
use minidump_unwind::SystemInfo;
use serde_json::{Map, Value, json};

use super::{
    NoSymbols, Symbols, annotations,
    code::Code,
    messages, process,
    reason::{self, Crash},
    unwind::{Stack, Walked, Walker, wanted},
};

/// Media type under which a dump is kept.
pub const DUMP_TYPE: &str = "application/x-dmp";
/// Frames that are kept of the crashing thread and of others, half from each end of longer stacks.
const CRASHED_FRAMES: usize = 240;
const OTHER_FRAMES: usize = 60;
/// Threads and modules that are kept.
const THREADS: usize = 500;
const MODULES: usize = 4_000;

/// Whether these are the first bytes of a minidump, in either order.
pub fn is_dump(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MDMP") || bytes.starts_with(b"PMDM")
}

/// Reads a dump: exception, threads, loaded modules, facts of system and process, as an event's JSON has them. Stacks
/// are unwound with the symbols of a project; frames are not named yet.
///
/// `None`: not a minidump, or one without a list of streams.
pub fn read_dump(bytes: &[u8], symbols: &dyn Symbols, project: u64) -> Option<Value> {
    if !is_dump(bytes) {
        return None;
    }
    // The readers are careful, but not ours; a fault in them costs this dump and nothing else.
    let read = || Minidump::read(bytes).ok().map(|dump| Reader::of(&dump, symbols, project).event());
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// All that is read of a dump before its stacks are walked.
struct Reader<'a> {
    dump: &'a Minidump<'a, &'a [u8]>,
    system: Option<MinidumpSystemInfo>,
    misc: Option<MinidumpMiscInfo>,
    modules: MinidumpModuleList,
    threads: Option<MinidumpThreadList<'a>>,
    names: Option<MinidumpThreadNames>,
    exception: Option<MinidumpException<'a>>,
    memory: UnifiedMemoryList<'a>,
    symbols: &'a dyn Symbols,
    project: u64,
}

/// A thread with its stack.
struct ReadThread {
    id: u32,
    name: Option<String>,
    crashed: bool,
    stack: Stack,
    registers: Map<String, Value>,
}

impl<'a> Reader<'a> {
    fn of(dump: &'a Minidump<'a, &'a [u8]>, symbols: &'a dyn Symbols, project: u64) -> Self {
        Self {
            dump,
            system: dump.get_stream().ok(),
            misc: dump.get_stream().ok(),
            modules: dump.get_stream().unwrap_or_default(),
            threads: dump.get_stream().ok(),
            names: dump.get_stream().ok(),
            exception: dump.get_stream().ok(),
            memory: dump.get_memory().unwrap_or_default(),
            symbols,
            project,
        }
    }

    fn event(&self) -> Value {
        let (threads, plain) = self.walked();
        let crashed = threads.iter().find(|thread| thread.crashed);
        let crash = self.crash(crashed);
        let mut event = json!({
            "platform": "native",
            "level": "fatal",
            "timestamp": self.dump.header.time_date_stamp,
            "debug_meta": { "images": self.images() },
            "exception": { "values": [self.exception(&crash, crashed, plain.as_ref())] },
            "threads": { "values": threads.iter().take(THREADS).map(thread).collect::<Vec<_>>() },
            "contexts": process::contexts(self.dump, self.system.as_ref(), self.misc.as_ref()),
            "tags": annotations::tags(self.dump, &self.modules),
        });
        event["contexts"]["crash"] = crash.context();
        if let Some(id) = annotations::installation(self.dump) {
            event["user"] = json!({ "id": id });
        }
        event
    }

    /// The threads, that which crashed first; and its stack as it is without symbols, where those made a difference.
    fn walked(&self) -> (Vec<ReadThread>, Option<Stack>) {
        let Some(system) = &self.system else { return (Vec::new(), None) };
        let info = system_info(system);
        let code = Code::of(self.dump, &self.memory, system.cpu);
        let mut walker = Walker::new(&self.modules, &info, &code, self.symbols, self.project);
        let crashed = self.exception.as_ref().map(MinidumpException::get_crashing_thread_id);
        let all = self.threads.as_ref().map_or(&[][..], |list| &list.threads);
        let mut order: Vec<&MinidumpThread<'_>> = all.iter().collect();
        order.sort_by_key(|thread| Some(thread.raw.thread_id) != crashed);
        let walked = order.iter().take(THREADS).map(|thread| self.thread(thread, crashed, system, &mut walker));
        let walked: Vec<ReadThread> = walked.collect();
        let plain = order.first().filter(|thread| self.symbols.any_symbols() && Some(thread.raw.thread_id) == crashed);
        let plain = plain.map(|thread| {
            let mut walker = Walker::new(&self.modules, &info, &code, &NoSymbols, self.project);
            self.thread(thread, crashed, system, &mut walker).stack
        });
        (walked, plain)
    }

    fn thread(
        &self,
        thread: &MinidumpThread<'_>,
        crashed: Option<u32>,
        system: &MinidumpSystemInfo,
        walker: &mut Walker<'_>,
    ) -> ReadThread {
        let id = thread.raw.thread_id;
        let is_crashed = Some(id) == crashed;
        let misc = self.misc.as_ref();
        // The exception has the registers of the crash; those of the thread are of the handler that wrote the dump.
        let at_crash = self.exception.as_ref().filter(|_| is_crashed).and_then(|e| e.context(system, misc));
        let context = at_crash.or_else(|| thread.context(system, misc)).map(std::borrow::Cow::into_owned);
        let registers = context.as_ref().filter(|_| is_crashed).map(|context| {
            context.registers().map(|(name, value)| (name.to_owned(), format!("{value:#x}").into())).collect()
        });
        let memory = context.as_ref().and_then(|context| {
            let around = self.memory.memory_at_address(context.get_stack_pointer());
            around.or_else(|| thread.stack_memory(&self.memory))
        });
        ReadThread {
            id,
            name: self.names.as_ref().and_then(|names| names.get_name(id)).map(|name| name.into_owned()),
            crashed: is_crashed,
            stack: context.map(|context| walker.walk(context, memory)).unwrap_or_default(),
            registers: registers.unwrap_or_default(),
        }
    }

    fn crash(&self, crashed: Option<&ReadThread>) -> Crash {
        let pointer = crashed.and_then(|thread| stack_pointer(&thread.registers));
        let mut crash = reason::read(self.exception.as_ref(), self.system.as_ref(), pointer);
        crash.say(messages::read(self.dump, &self.memory, pointer, &crash));
        crash
    }

    fn exception(&self, crash: &Crash, crashed: Option<&ReadThread>, plain: Option<&Stack>) -> Value {
        let mut value = json!({
            "type": crash.name,
            "value": crash.text(),
            "mechanism": { "type": "minidump", "handled": false, "synthetic": true },
        });
        if let Some(thread) = crashed {
            value["thread_id"] = thread.id.into();
            value["stacktrace"] = stacktrace(&thread.stack, CRASHED_FRAMES);
            value["stacktrace"]["registers"] = Value::Object(thread.registers.clone());
        }
        let differs = |plain: &&Stack| crashed.is_some_and(|thread| thread.stack.frames != plain.frames);
        if let Some(plain) = plain.filter(differs) {
            value["raw_stacktrace"] = stacktrace(plain, CRASHED_FRAMES);
        }
        value
    }

    fn images(&self) -> Vec<Value> {
        let kind = match self.system.as_ref().map(|system| system.os) {
            Some(minidump::system_info::Os::Windows) => "pe",
            Some(minidump::system_info::Os::MacOs | minidump::system_info::Os::Ios) => "macho",
            _ => "elf",
        };
        self.modules.iter().take(MODULES).map(|module| image(module, kind)).collect()
    }
}

fn image(module: &MinidumpModule, kind: &str) -> Value {
    let wanted = wanted(module);
    let mut image = json!({
        "type": kind,
        "code_file": module.code_file(),
        "image_addr": format!("{:#x}", module.base_address()),
        "image_size": module.size(),
    });
    let debug_file = module.debug_file().map(std::borrow::Cow::into_owned);
    let version = module.version().map(std::borrow::Cow::into_owned);
    for (key, text) in
        [("debug_id", wanted.debug_id), ("code_id", wanted.code_id), ("debug_file", debug_file), ("version", version)]
    {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            image[key] = text.into();
        }
    }
    image
}

fn thread(thread: &ReadThread) -> Value {
    let mut value = json!({ "id": thread.id, "crashed": thread.crashed, "current": thread.crashed });
    if let Some(name) = &thread.name {
        value["name"] = name.as_str().into();
    }
    // The exception has the stack of the thread that crashed.
    if !thread.crashed {
        value["stacktrace"] = stacktrace(&thread.stack, OTHER_FRAMES);
    }
    value
}

/// Frames in the order of payloads, the innermost last.
fn stacktrace(stack: &Stack, most: usize) -> Value {
    let count = stack.frames.len();
    let kept = stack.frames.iter().enumerate().filter(|(at, _)| *at < most / 2 || at + most / 2 >= count);
    let mut frames: Vec<Value> = kept.map(|(_, frame)| frame_of(frame)).collect();
    frames.reverse();
    let mut value = json!({ "frames": frames });
    if count > most {
        value["frames_omitted"] = json!([most / 2, count - most / 2]);
    }
    if stack.cut {
        value["cut"] = true.into();
    }
    value
}

fn frame_of(frame: &Walked) -> Value {
    json!({ "instruction_addr": format!("{:#x}", frame.address), "trust": frame.trust })
}

fn stack_pointer(registers: &Map<String, Value>) -> Option<u64> {
    let text = ["rsp", "esp", "sp"].iter().find_map(|name| registers.get(*name))?.as_str()?;
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn system_info(system: &MinidumpSystemInfo) -> SystemInfo {
    let (version, build) = system.os_parts();
    SystemInfo {
        os: system.os,
        os_version: Some(version),
        os_build: build,
        cpu: system.cpu,
        cpu_info: None,
        cpu_microcode_version: None,
        cpu_count: usize::from(system.raw.number_of_processors),
    }
}
