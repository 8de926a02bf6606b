//! Tombstones: what Android's `debuggerd` writes when a native program crashes.

use super::{FRAMES, Frame, IMAGES, Image, Report, THREADS, Thread, hex};
use crate::native::{
    code_key,
    messages::kind_of,
    object::debug_id_of_build,
    reason::{Crash, Said, kind},
};

/// Whether a text begins as tombstones do, or their copy in a log.
pub(super) fn begins(text: &str) -> bool {
    text.starts_with("*** *** *** ***") || text.starts_with("Build fingerprint: '")
}

/// Reads a tombstone. What it doesn't say is left out.
pub(super) fn read(text: &str) -> Report {
    let nothing =
        Crash { name: "SIGNAL".into(), code: None, address: None, kind: kind("", None, None, None), message: None };
    let mut report = Report::new(nothing, "tombstone", "native");
    report.at_calls = true;
    for line in text.lines() {
        // What follows is memory, open files and the log.
        if line.starts_with("memory near") || line.starts_with("memory map") || line.starts_with("--------- log") {
            break;
        }
        read_line(&mut report, line.trim());
    }
    if let Some(first) = report.threads.first_mut() {
        first.crashed = true;
    }
    report
}

fn read_line(report: &mut Report, line: &str) {
    if let Some(rest) = line.strip_prefix('#') {
        return read_frame(report, rest);
    }
    if let Some(rest) = line.strip_prefix("pid: ") {
        return read_thread(report, rest);
    }
    if let Some(rest) = line.strip_prefix("signal ") {
        return read_signal(report, rest);
    }
    let Some((key, value)) = line.split_once(": ") else { return };
    let value = value.trim().trim_matches('\'');
    match key {
        "Build fingerprint" => {
            report.context("os", "name", Some("Android"));
            report.context("os", "build", Some(value));
        }
        "ABI" => report.context("device", "arch", Some(value)),
        "Cmdline" => report.context("process", "command_line", Some(value)),
        "Process uptime" => report.context("process", "uptime", Some(value)),
        "Timestamp" => report.timestamp = moment(value),
        "Abort message" => {
            report.crash.say(Some(Said { kind: kind_of(value), text: value.chars().take(1_000).collect() }));
        }
        // `null pointer dereference`, `stack pointer is not in a rw map; likely due to stack overflow.`
        "Cause" => {
            if value.contains("stack overflow") {
                report.crash.kind = crate::native::reason::Kind::StackOverflow;
            }
            report.crash.message.get_or_insert_with(|| value.chars().take(1_000).collect());
        }
        _ => {}
    }
}

/// `2314, tid: 2331, name: RenderThread  >>> com.acme.kettle <<<`
fn read_thread(report: &mut Report, rest: &str) {
    let part = |key: &str| rest.split_once(key).map(|(_, after)| after);
    let id = part("tid: ").and_then(|text| text.split(',').next()?.trim().parse().ok()).unwrap_or(0);
    let name = part("name: ").map(|text| text.split("  >>>").next().unwrap_or(text).trim().to_owned());
    if let Some(process) = part(">>> ").and_then(|text| text.split(" <<<").next()) {
        report.context("process", "name", Some(process));
    }
    if report.threads.len() < THREADS {
        report.threads.push(Thread { id, name, ..Thread::default() });
    }
}

/// `11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x10`
fn read_signal(report: &mut Report, rest: &str) {
    let within = |text: &str| Some(text.split_once('(')?.1.split_once(')')?.0.to_owned());
    let mut parts = rest.split(", ");
    let name = parts.next().and_then(within);
    let code = parts.next().filter(|text| text.starts_with("code ")).and_then(within);
    // `SI_TKILL from pid 1, uid 2`
    let code = code.map(|code| code.split(' ').next().unwrap_or("").to_owned());
    let address = rest.split_once("fault addr ").and_then(|(_, text)| hex(text.split([' ', ',']).next()?));
    let Some(name) = name else { return };
    let kind = kind(&name, code.as_deref(), address, None);
    // An abort message may stand before; the signal says less.
    let crash = Crash { name, code, address, kind, message: None };
    report.crash = match report.crash.message.take() {
        Some(text) => Crash { kind: kind_of(&text).unwrap_or(kind), message: Some(text), ..crash },
        None => crash,
    };
}

/// `00 pc 000000000004f8b0  /apex/…/libc.so (abort+164) (BuildId: 22b0)`
fn read_frame(report: &mut Report, rest: &str) {
    let mut words = rest.splitn(3, char::is_whitespace);
    let (_, pc) = (words.next(), words.next());
    let Some(rest) = words.next().filter(|_| pc == Some("pc")).map(str::trim) else { return };
    let Some((address, rest)) = rest.split_once(char::is_whitespace) else { return };
    let Some(address) = hex(address) else { return };
    let rest = rest.trim();
    let (rest, build_id) = match rest.rsplit_once(" (BuildId: ") {
        Some((before, id)) => (before.trim(), Some(id.trim_end_matches(')').to_owned())),
        None => (rest, None),
    };
    let (path, function) = path_and_function(rest);
    let within = image(report, path, build_id.as_deref());
    let Some(thread) = report.threads.last_mut() else { return };
    if thread.frames.len() < FRAMES {
        thread.frames.push(Frame { address, within, function, ..Frame::default() });
    }
}

/// A path may have blanks, a function brackets; `(offset 0x1000)` may stand between.
fn path_and_function(text: &str) -> (&str, Option<String>) {
    let Some((path, rest)) = text.split_once(" (") else { return (text, None) };
    let rest = match rest.strip_prefix("offset ").and_then(|rest| rest.split_once(") (")) {
        Some((_, function)) => function,
        None if rest.starts_with("offset ") => return (path, None),
        None => rest,
    };
    let name = rest.strip_suffix(')').unwrap_or(rest);
    let name = match name.rsplit_once('+') {
        Some((name, offset)) if offset.chars().all(|c| c.is_ascii_digit()) => name,
        _ => name,
    };
    (path, (!name.is_empty()).then(|| name.to_owned()))
}

/// The place of a file among the images; it is added when it is new.
pub(super) fn image(report: &mut Report, path: &str, build_id: Option<&str>) -> Option<usize> {
    // A library within a package: its own name is what follows.
    let file = path.rsplit_once('!').map_or(path, |(_, inner)| inner);
    let code_id = build_id.and_then(code_key);
    let known = report.images.iter().position(|image| image.file == file && image.code_id == code_id);
    if known.is_some() || report.images.len() >= IMAGES {
        return known;
    }
    let debug_id = build_id.and_then(debug_id_of_build);
    report.images.push(Image { file: file.to_owned(), debug_id, code_id, ..Image::default() });
    Some(report.images.len() - 1)
}

/// `2021-11-02 10:11:12.123456789+0100` as RFC 3339 has it.
pub(super) fn moment(text: &str) -> Option<String> {
    let (day, time) = text.split_once(' ')?;
    let at = time.rfind(['+', '-'])?;
    let (clock, zone) = time.split_at(at);
    // What is cut or broken may have a letter of several bytes here.
    let (hours, minutes) = zone.split_at_checked(3).filter(|_| zone.len() == 5)?;
    let zone = format!("{hours}:{minutes}");
    let whole = format!("{day}T{clock}{zone}");
    whole.is_ascii().then_some(whole)
}
