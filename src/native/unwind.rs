//! Stacks of threads, from the crash outwards, within a budget of steps.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::FutureExt;
use minidump::{
    MinidumpContext, MinidumpMemory, MinidumpModuleList, Module, UnifiedMemory,
    format::{MINIDUMP_LOCATION_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR},
};
use minidump_unwind::{
    CallStack, FileError, FileKind, FillSymbolError, FrameSymbolizer, FrameTrust, FrameWalker, StackFrame,
    SymbolProvider, SystemInfo, walk_stack,
};

use super::{Object, Symbols, WantedImage, code::Code, code_key, debug_key};

/// Frames of one thread: a runaway recursion fills a stack of 8 MiB with half a million of the smallest.
const FRAMES: usize = 60_000;
/// Frames of all threads.
const ALL_FRAMES: usize = 200_000;
/// Questions after addresses: scanning asks many for one frame.
const STEPS: u64 = 4_000_000;
/// Frames that are unwound before what they carry is let go: each holds a whole set of registers.
const AT_ONCE: u64 = 256;

/// Bytes of a stack that are walked at once, and how many of them below its pointer.
const WINDOW: usize = 512 << 10;
const BELOW: usize = 4 << 10;

/// Functions that nobody called: programs and threads begin in them.
const ENTRIES: &[&str] = &[
    "_start",
    "start",
    "_dyld_start",
    "clone",
    "__clone",
    "clone3",
    "__clone3",
    "thread_start",
    "RtlUserThreadStart",
    "_RtlUserThreadStart",
];

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Walked {
    /// Where execution stood, or was to go on after the call.
    pub(super) address: u64,
    pub(super) trust: &'static str,
}

/// One thread's frames, from the innermost outwards.
#[derive(Default)]
pub(super) struct Stack {
    pub(super) frames: Vec<Walked>,
    /// The budget ended it.
    pub(super) cut: bool,
}

/// Unwinds the threads of one dump.
pub(super) struct Walker<'a> {
    modules: &'a MinidumpModuleList,
    system: &'a SystemInfo,
    provider: Provider<'a>,
    frames_left: usize,
}

impl<'a> Walker<'a> {
    pub(super) fn new(
        modules: &'a MinidumpModuleList,
        system: &'a SystemInfo,
        code: &'a Code<'a>,
        symbols: &'a dyn Symbols,
        project: u64,
    ) -> Self {
        let provider = Provider {
            symbols,
            code,
            project,
            objects: Mutex::default(),
            steps_left: AtomicU64::new(STEPS),
            frames_left: AtomicU64::new(0),
        };
        Self { modules, system, provider, frames_left: ALL_FRAMES }
    }

    /// The stack of a thread with these registers.
    pub(super) fn walk(&mut self, context: MinidumpContext, memory: Option<UnifiedMemory<'_, '_>>) -> Stack {
        let mut stack = Stack::default();
        let mut open = CallStack::with_context(context);
        let most = FRAMES.min(self.frames_left);
        // How many of the open frames are in the stack already.
        let mut known = 0;
        loop {
            let before = open.frames.len();
            let (ended, cut_short) = self.walk_on(&mut open, memory);
            // The last frame is where the next share begins.
            let settled = open.frames.len() - 1;
            stack.frames.extend(open.frames[known.min(settled)..settled].iter().map(walked));
            known = known.max(settled);
            let more = !ended || cut_short && open.frames.len() > before;
            let spent = stack.frames.len() >= most || self.provider.is_spent();
            if !more || spent {
                stack.frames.extend(open.frames[known..].iter().map(walked));
                stack.cut = more;
                break;
            }
            // The frame that was called stays: rules for Windows on x86 ask for it.
            let gone = settled.saturating_sub(1);
            open.frames.drain(..gone);
            known -= gone;
        }
        self.frames_left = self.frames_left.saturating_sub(stack.frames.len());
        self.end_at_entry(&mut stack);
        stack
    }

    /// Takes away what scanning found beyond the function that a program or thread begins in.
    fn end_at_entry(&self, stack: &mut Stack) {
        let scanned = |at: usize| stack.frames.get(at + 1).is_some_and(|next| next.trust == "scan");
        let last = (0..stack.frames.len()).find(|at| scanned(*at) && self.is_entry(stack.frames[*at].address));
        if let Some(last) = last {
            stack.frames.truncate(last + 1);
            stack.cut = false;
        }
    }

    fn is_entry(&self, address: u64) -> bool {
        let at = address.saturating_sub(1);
        let Some(module) = self.modules.module_at_address(at) else { return false };
        let places = self.provider.object(module).map(|object| object.places(at - module.base_address()));
        places.is_some_and(|places| places.last().is_some_and(|place| ENTRIES.contains(&place.function.as_str())))
    }

    /// Walks one share. Tells whether the stack ended, and whether more memory of it was there.
    fn walk_on(&self, open: &mut CallStack, memory: Option<UnifiedMemory<'_, '_>>) -> (bool, bool) {
        self.provider.frames_left.store(AT_ONCE, Ordering::Relaxed);
        let pointer = open.frames.last().map_or(0, |frame| frame.context.get_stack_pointer());
        let part = memory.as_ref().map(|memory| window(memory, pointer));
        let cut_short = part.as_ref().is_some_and(|(_, cut_short)| *cut_short);
        let part = part.as_ref().map(|(part, _)| UnifiedMemory::Memory(part));
        let walk = walk_stack(0, (), open, part, self.modules, self.system, &self.provider);
        // The provider never waits but to end a walk that has had its share.
        (walk.now_or_never().is_some(), cut_short)
    }
}

/// The part of a stack that is walked at once, and whether it goes on: frames outside any module ask the provider
/// nothing, so that memory alone bounds them.
fn window<'m>(memory: &UnifiedMemory<'m, '_>, pointer: u64) -> (MinidumpMemory<'m>, bool) {
    let (base, bytes) = (memory.base_address(), memory.bytes());
    let endian = match memory {
        UnifiedMemory::Memory(memory) => memory.endian,
        UnifiedMemory::Memory64(memory) => memory.endian,
    };
    let at = usize::try_from(pointer.saturating_sub(base)).unwrap_or(usize::MAX).min(bytes.len());
    let start = at.saturating_sub(BELOW);
    let end = at.saturating_add(WINDOW).min(bytes.len());
    let (part, base_address) = (&bytes[start..end], base.wrapping_add(start as u64));
    let place = MINIDUMP_LOCATION_DESCRIPTOR { data_size: part.len() as u32, rva: 0 };
    let desc = MINIDUMP_MEMORY_DESCRIPTOR { start_of_memory_range: base_address, memory: place };
    (MinidumpMemory { desc, base_address, size: part.len() as u64, bytes: part, endian }, end < bytes.len())
}

fn walked(frame: &StackFrame) -> Walked {
    let trust = match frame.trust {
        FrameTrust::None => "none",
        FrameTrust::Scan => "scan",
        FrameTrust::CfiScan => "cfiscan",
        FrameTrust::FramePointer => "fp",
        FrameTrust::CallFrameInfo => "cfi",
        FrameTrust::PreWalked => "prewalked",
        FrameTrust::Context => "context",
    };
    Walked { address: frame.resume_address, trust }
}

/// What names a module's symbols.
pub(super) fn wanted(module: &dyn Module) -> WantedImage {
    let file = module.code_file();
    let file = file.rsplit(['/', '\\']).next().map(str::to_owned).filter(|name| !name.is_empty());
    WantedImage {
        debug_id: module.debug_identifier().and_then(|id| debug_key(&id.to_string())),
        code_id: module.code_identifier().and_then(|id| code_key(id.as_str())),
        file,
    }
}

/// Hands symbols to the unwinder, and ends it when the budget is spent.
struct Provider<'a> {
    symbols: &'a dyn Symbols,
    code: &'a Code<'a>,
    project: u64,
    /// By the address of the module.
    objects: Mutex<HashMap<u64, Option<Arc<Object>>>>,
    steps_left: AtomicU64,
    /// Of the present share.
    frames_left: AtomicU64,
}

impl Provider<'_> {
    fn is_spent(&self) -> bool {
        self.steps_left.load(Ordering::Relaxed) == 0
    }

    fn object(&self, module: &dyn Module) -> Option<Arc<Object>> {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let found = objects.entry(module.base_address());
        found.or_insert_with(|| self.symbols.object(self.project, &wanted(module))).clone()
    }

    /// Takes one from a count that stays at 0.
    fn take(count: &AtomicU64) -> bool {
        count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

#[async_trait::async_trait]
impl SymbolProvider for Provider<'_> {
    async fn fill_symbol(
        &self,
        module: &(dyn Module + Sync),
        frame: &mut (dyn FrameSymbolizer + Send),
    ) -> Result<(), FillSymbolError> {
        if !Self::take(&self.steps_left) {
            return std::future::pending().await;
        }
        // A frame without a name is one that scanning passes over.
        if !self.code.may_return_to(frame.get_instruction().wrapping_add(1)) {
            return Ok(());
        }
        let offset = frame.get_instruction().wrapping_sub(module.base_address());
        match self.object(module).and_then(|object| object.knows(offset)) {
            Some(true) => frame.set_function("?", module.base_address(), 0),
            Some(false) => {}
            None => return Err(FillSymbolError {}),
        }
        Ok(())
    }

    async fn walk_frame(&self, module: &(dyn Module + Sync), walker: &mut (dyn FrameWalker + Send)) -> Option<()> {
        // One call a frame: here a share ends.
        if !Self::take(&self.frames_left) || !Self::take(&self.steps_left) {
            return std::future::pending().await;
        }
        let object = self.object(module)?;
        object.rules()?.walk_frame(module, walker)
    }

    async fn get_file_path(&self, _: &(dyn Module + Sync), _: FileKind) -> Result<PathBuf, FileError> {
        Err(FileError::NotFound)
    }
}
