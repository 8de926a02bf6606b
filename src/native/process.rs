//! Facts of the system and the process at the moment of the crash, as an event's contexts.

use minidump::{
    Minidump, MinidumpHandleDataStream, MinidumpLinuxProcStatus, MinidumpMiscInfo, MinidumpSystemInfo,
    MinidumpThreadList,
};
use serde_json::{Map, Value, json};

/// Numbers of streams that have no reader of their own: `MINIDUMP_SYSTEM_MEMORY_INFO_1` of Windows.
const SYSTEM_MEMORY: u32 = 21;
/// What Breakpad copies of `/proc/PID/cmdline`.
const COMMAND_LINE: u32 = 0x4767_0006;
/// Longest command line that is kept, in characters.
const LONGEST: usize = 2_000;

/// Contexts `os`, `device`, `process` and `memory`, each with what the dump has of it.
pub(super) fn contexts(
    dump: &Minidump<'_, &[u8]>,
    system: Option<&MinidumpSystemInfo>,
    misc: Option<&MinidumpMiscInfo>,
) -> Value {
    let mut contexts = Map::new();
    if let Some(system) = system {
        let (version, build) = system.os_parts();
        let mut os = json!({ "name": system.os.long_name(), "version": version });
        if let Some(build) = build.filter(|build| !build.is_empty()) {
            os["build"] = build.into();
        }
        contexts.insert("os".into(), os);
        contexts.insert(
            "device".into(),
            json!({ "arch": system.cpu.to_string(), "processor_count": system.raw.number_of_processors }),
        );
    }
    contexts.insert("process".into(), Value::Object(process(dump, misc)));
    let memory = memory(dump);
    if !memory.is_empty() {
        contexts.insert("memory".into(), Value::Object(memory));
    }
    Value::Object(contexts)
}

fn process(dump: &Minidump<'_, &[u8]>, misc: Option<&MinidumpMiscInfo>) -> Map<String, Value> {
    let mut process = Map::new();
    if let Some(raw) = misc.map(|misc| &misc.raw) {
        if let Some(id) = raw.process_id() {
            process.insert("pid".into(), (*id).into());
        }
        if let Some(started) = raw.process_create_time().filter(|at| **at > 0) {
            let uptime = dump.header.time_date_stamp.saturating_sub(*started);
            process.insert("uptime_s".into(), uptime.into());
        }
    }
    if let Ok(threads) = dump.get_stream::<MinidumpThreadList<'_>>() {
        process.insert("threads".into(), threads.threads.len().into());
    }
    if let Ok(handles) = dump.get_stream::<MinidumpHandleDataStream>() {
        process.insert("handles".into(), handles.handles.len().into());
    }
    if let Ok(bytes) = dump.get_raw_stream(COMMAND_LINE) {
        let text = String::from_utf8_lossy(bytes);
        let words: Vec<&str> = text.split('\0').filter(|word| !word.is_empty()).collect();
        let line: String = words.join(" ").chars().take(LONGEST).collect();
        if !line.is_empty() {
            process.insert("command_line".into(), line.into());
        }
    }
    process
}

/// Bytes in use and to be had.
fn memory(dump: &Minidump<'_, &[u8]>) -> Map<String, Value> {
    let mut memory = Map::new();
    if let Ok(status) = dump.get_stream::<MinidumpLinuxProcStatus<'_>>() {
        for (key, value) in status.iter() {
            let name = match key.to_string_lossy().as_ref() {
                "VmRSS" => "resident_bytes",
                "VmHWM" => "resident_peak_bytes",
                "VmSize" => "virtual_bytes",
                "VmSwap" => "swapped_bytes",
                _ => continue,
            };
            let text = value.to_string_lossy();
            let number = text.split_whitespace().next().and_then(|n| n.parse::<u64>().ok());
            if let Some(kib) = number {
                memory.insert(name.into(), kib.saturating_mul(1024).into());
            }
        }
    }
    if let Ok(bytes) = dump.get_raw_stream(SYSTEM_MEMORY) {
        windows(bytes, &mut memory);
    }
    memory
}

/// Windows' counts of pages; its structures are packed to four bytes.
fn windows(bytes: &[u8], memory: &mut Map<String, Value>) {
    let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let page = u32_at(8).filter(|size| size.is_power_of_two()).map(u64::from);
    let counts = (u64_at(116), u64_at(124), u64_at(132));
    let (Some(page), (Some(available), Some(committed), Some(limit))) = (page, counts) else { return };
    // Anything else is another layout.
    if committed > limit || limit == 0 {
        return;
    }
    for (name, pages) in [("available_bytes", available), ("committed_bytes", committed), ("commit_limit_bytes", limit)]
    {
        memory.insert(name.into(), pages.saturating_mul(page).into());
    }
}
