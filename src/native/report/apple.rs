//! Crash reports of Apple's systems in their text form, as Xcode, older systems and game engines hand them over.

use super::{FRAMES, Frame, IMAGES, Image, Report, THREADS, Thread, hex};
use crate::native::{
    debug_key,
    messages::kind_of,
    reason::{Crash, Said, kind},
};

/// Whether a text begins as such reports do.
pub(super) fn begins(text: &str) -> bool {
    ["Incident Identifier:", "Process:  ", "CrashReporter Key:"].iter().any(|start| text.starts_with(start))
        && text.contains("\nIdentifier:")
}

/// Name of the stack that an exception was thrown with.
const LAST_EXCEPTION: &str = "Last exception";

/// Which part of a report a line belongs to.
enum Part {
    Head,
    Said,
    LastException,
    Thread,
    Images,
    Other,
}

/// Reads a report. What it doesn't say is left out.
pub(super) fn read(text: &str) -> Report {
    let crash =
        Crash { name: "EXC_CRASH".into(), code: None, address: None, kind: kind("", None, None, None), message: None };
    let mut report = Report::new(crash, "applecrashreport", "cocoa");
    let (mut part, mut said) = (Part::Head, String::new());
    let mut head = Head::default();
    for line in text.lines() {
        if let Some(next) = heading(line, &mut report) {
            part = next;
            continue;
        }
        match part {
            Part::Head => head.line(line, &mut report),
            Part::Said if !line.trim().is_empty() && said.len() < 1_000 => {
                said.push_str(if said.is_empty() { "" } else { " " });
                said.extend(line.trim().chars().take(1_000));
            }
            Part::Said | Part::Other => {}
            Part::LastException | Part::Thread => read_frame(line, &mut report),
            Part::Images => read_image(line, &mut report),
        }
    }
    head.settle(&mut report);
    thrown_first(&mut report);
    if !said.is_empty() {
        report.crash.say(Some(Said { kind: kind_of(&said), text: said }));
    }
    report
}

/// What was thrown says where it began; the thread only says that nobody caught it.
fn thrown_first(report: &mut Report) {
    let thrown = report.threads.iter().position(|thread| thread.name.as_deref() == Some(LAST_EXCEPTION));
    let Some(thrown) = thrown.map(|at| report.threads.remove(at)).filter(|thread| !thread.frames.is_empty()) else {
        return;
    };
    if let Some(thread) = report.threads.iter_mut().find(|thread| thread.crashed) {
        thread.frames = thrown.frames;
    }
}

/// What a line begins, if it begins a part.
fn heading(line: &str, report: &mut Report) -> Option<Part> {
    let start = |words: &str| line.starts_with(words);
    if start("Application Specific Information") {
        return Some(Part::Said);
    }
    if start("Last Exception Backtrace") {
        report.threads.push(Thread { name: Some(LAST_EXCEPTION.into()), ..Thread::default() });
        return Some(Part::LastException);
    }
    if start("Binary Images") {
        return Some(Part::Images);
    }
    if start("External Modification")
        || start("VM Region Summary")
        || start("Thread State")
        || line.contains(" Thread State")
    {
        return Some(Part::Other);
    }
    let rest = line.strip_prefix("Thread ")?;
    let (number, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
    let id: u64 = number.parse().ok()?;
    if let Some(name) = rest.strip_prefix(" name:") {
        let name = name.trim().trim_start_matches("Dispatch queue: ").to_owned();
        push(report, Thread { id, name: Some(name), ..Thread::default() });
        return Some(Part::Thread);
    }
    if !rest.ends_with(':') && !rest.contains(":: ") && !rest.contains("Crashed:") {
        return Some(Part::Other);
    }
    let crashed = rest.contains("Crashed");
    let named =
        report.threads.last_mut().filter(|thread| thread.id == id && thread.name.is_some() && thread.frames.is_empty());
    let name = rest.split_once(":: ").map(|(_, name)| name.trim_start_matches("Dispatch queue: ").to_owned());
    match named {
        Some(thread) => thread.crashed |= crashed,
        None => push(report, Thread { id, crashed, name, ..Thread::default() }),
    }
    Some(Part::Thread)
}

fn push(report: &mut Report, thread: Thread) {
    if report.threads.len() < THREADS {
        report.threads.push(thread);
    }
}

/// What the lines above the stacks said.
#[derive(Default)]
struct Head {
    subtype: Option<String>,
    version: Option<String>,
    identifier: Option<String>,
    terminated: Option<String>,
}

impl Head {
    fn line(&mut self, line: &str, report: &mut Report) {
        let Some((key, value)) = line.split_once(':') else { return };
        let value = value.trim();
        match key {
            "Hardware Model" => report.context("device", "model", Some(value)),
            "Code Type" => report.context("device", "arch", Some(value)),
            "Process" => report.context("process", "name", value.split(" [").next()),
            "Identifier" => self.identifier = Some(value.to_owned()),
            "Version" => self.version = Some(value.to_owned()),
            "OS Version" => {
                let (name, version) = value.rsplit_once(' ').filter(|_| !value.contains('(')).unwrap_or_else(|| {
                    let before = value.split(" (").next().unwrap_or(value);
                    before.rsplit_once(' ').unwrap_or((before, ""))
                });
                report.context("os", "name", Some(name));
                report.context("os", "version", Some(version));
            }
            "Date/Time" => report.timestamp = moment(value),
            "Exception Type" => {
                let (name, signal) =
                    value.split_once(" (").map_or((value, None), |(n, s)| (n, Some(s.trim_end_matches(')'))));
                // A signal is what the same crash is called on other systems.
                report.crash.name = signal.filter(|signal| signal.starts_with("SIG")).unwrap_or(name).to_owned();
                report.context("mach_exception", "name", Some(name));
            }
            "Exception Subtype" => self.subtype = Some(value.to_owned()),
            "Exception Codes" if self.subtype.is_none() => self.subtype = Some(value.to_owned()),
            "Termination Reason" => self.terminated = Some(value.to_owned()),
            _ => {}
        }
    }

    fn settle(self, report: &mut Report) {
        let subtype = self.subtype.unwrap_or_default();
        let (code, address) =
            subtype.split_once(" at ").map_or((subtype.as_str(), None), |(code, at)| (code, hex(at.trim())));
        report.crash.code = (!code.is_empty()).then(|| code.to_owned());
        report.crash.address = address;
        report.crash.kind = kind(&report.crash.name, report.crash.code.as_deref(), address, None);
        if let Some(reason) = self.terminated {
            let watchdog = reason.contains("0x8badf00d") || reason.contains("scene-");
            report.crash.message.get_or_insert_with(|| reason.chars().take(500).collect());
            report.context("termination", "reason", Some(&reason));
            if watchdog {
                report.tags.insert("termination".into(), "watchdog".into());
            }
        }
        report.release = release(self.identifier.as_deref(), self.version.as_deref());
    }
}

/// `com.acme.meadow@1.2.0+345` of an identifier and `1.2.0 (345)`.
pub(super) fn release(identifier: Option<&str>, version: Option<&str>) -> Option<String> {
    let version = version.filter(|version| !version.is_empty() && *version != "???")?;
    let (short, build) = version.split_once(" (").map_or((version, None), |(s, b)| (s, Some(b.trim_end_matches(')'))));
    let build = build.map(|build| format!("+{build}")).unwrap_or_default();
    Some(format!("{}@{short}{build}", identifier?))
}

/// `0   Meadow   0x0000000102a3c4e8 0x102a38000 + 17640`, or with a function in the place of the second address.
fn read_frame(line: &str, report: &mut Report) {
    let Some(thread) = report.threads.last_mut().filter(|thread| thread.frames.len() < FRAMES) else { return };
    // `(0x1a 0x1b 0x1c)`
    if let Some(list) = line.strip_prefix('(') {
        let all = list.trim_end_matches(')').split_whitespace().filter_map(hex);
        thread.frames.extend(all.take(FRAMES).map(|address| Frame { address, ..Frame::default() }));
        return;
    }
    if !line.starts_with(|c: char| c.is_ascii_digit()) {
        return;
    }
    let Some(at) = [" 0x", "\t0x"].iter().filter_map(|start| line.find(start)).min() else { return };
    let rest = &line[at + 1..];
    let (address, what) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let Some(address) = hex(address) else { return };
    let (what, place) = match what.rsplit_once(" (") {
        Some((before, place)) if place.contains(':') => (before, Some(place.trim_end_matches(')'))),
        _ => (what, None),
    };
    let function = what.rsplit_once(" + ").map_or(what, |(name, _)| name).trim();
    let function = (!function.is_empty() && !function.starts_with("0x")).then(|| function.to_owned());
    let (file, line) = place.and_then(|place| place.rsplit_once(':')).unzip();
    thread.frames.push(Frame {
        address,
        within: None,
        function,
        file: file.map(str::to_owned),
        line: line.and_then(|line| line.parse().ok()),
    });
}

/// `0x102a38000 - 0x102a4bfff Meadow arm64  <2a3b…> /var/…/Meadow`
fn read_image(line: &str, report: &mut Report) {
    let mut words = line.split_whitespace();
    let (start, _, end) = (words.next().and_then(hex), words.next(), words.next().and_then(hex));
    let (Some(start), Some(end)) = (start, end) else { return };
    let Some((before, after)) = line.split_once('<') else { return };
    let Some((id, path)) = after.split_once('>') else { return };
    if report.images.len() >= IMAGES {
        return;
    }
    report.images.push(Image {
        file: path.trim().to_owned(),
        debug_id: debug_key(id),
        start: Some(start),
        size: end.saturating_sub(start).saturating_add(1),
        arch: before.split_whitespace().last().map(str::to_owned),
        ..Image::default()
    });
}

/// `2021-11-02 10:11:12.123 +0100` as RFC 3339 has it.
pub(super) fn moment(text: &str) -> Option<String> {
    let mut parts = text.split_whitespace();
    let (day, time, zone) = (parts.next()?, parts.next()?, parts.next()?);
    let zone = (zone.len() == 5 && zone.is_ascii()).then(|| format!("{}:{}", &zone[..3], &zone[3..]))?;
    Some(format!("{day}T{time}{zone}"))
}
