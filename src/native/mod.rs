//! Crashes of native programs: minidumps become events, addresses become functions and lines.
//! It alone uses `minidump`, `minidump_unwind`, `symbolic_*`, `proguard` and `cab`; tombstones are read with `prost`.
//! It never does IO, reads a clock or panics on input: dumps and symbol files come as bytes, and lies in them cost
//! what they are in, nothing more.
//!
//! What systems write down by themselves (tombstones, crash reports of Apple's) goes through [`read_report`].
//! A dump goes through [`read_dump`]: exception, threads, modules and facts of the process are read, stacks unwound by
//! call-frame information where symbols have it, else by frame pointers, else by scanning, within a budget of steps.
//! [`merge`] puts that under what the SDK sent. [`symbolicate`] names the frames of any event that has addresses and
//! images, whether they came from a dump or from an SDK, and does so again when symbols come later.

mod annotations;
mod cabinet;
mod classes;
mod code;
mod context;
mod debug_file;
mod demangle;
mod dump;
mod frames;
mod hang;
mod holders;
mod images;
mod java;
mod memory;
mod merge;
mod messages;
mod object;
mod process;
mod reason;
mod report;
mod rust_name;
mod symbols;
mod unwind;

pub use debug_file::{DebugFile, DebugFileError, Found, Source, read_debug_file};
pub use demangle::demangle;
pub use dump::{DUMP_TYPE, is_dump, read_dump};
pub use frames::symbolicate;
pub use images::{has_found_since, images_of};
pub use merge::{merge, unreadable};
pub use object::{CODE_ID_BYTES, Object, code_key, debug_key};
pub use report::{is_report, read_report, report_type};
pub use symbols::{NoSymbols, Symbols, WantedImage};
