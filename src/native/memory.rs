//! Memory that ran out: which words and counters of an event say so, and what grew before it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::holders::put;

/// Words by which engines and systems say that memory ran out: V8, Blink, Electron, Apple's systems and SDK, .NET, JVM, Go,
/// Rust, C++, PHP, Dart, Linux.
const WORDS: &[&str] = &[
    "exited with 'oom'",
    "reason: oom",
    "reason=oom",
    "JavaScript heap out of memory",
    "Reached heap limit",
    "Ineffective mark-compacts near heap limit",
    "Allocation failed - JavaScript heap",
    "invalid array length Allocation failed",
    "invalid table size Allocation failed",
    "Oilpan: Out of memory",
    "Oilpan: Reservation",
    "Array buffer allocation failed",
    "exited with 'memory-eviction'",
    "Worker terminated due to reaching memory limit",
    "runtime: out of memory",
    "memory allocation of ",
    "std::bad_alloc",
    "Allowed memory size of ",
    "Out of memory (allocated ",
    "Exhausted heap space",
    "because it overused RAM",
    "jetsam",
    "per-process-limit",
    "vm-pageshortage",
    "java.lang.OutOfMemoryError",
    "System.OutOfMemoryException",
    "signal: killed (out of memory)",
    "Out of memory: Killed process",
    "OOMKilled",
];
/// Types that runtimes have for it, without their module.
const TYPES: &[&str] = &[
    "OutOfMemoryError",
    "OutOfMemoryException",
    "InsufficientMemoryException",
    "NoMemoryError",
    "MemoryError",
    "_ArrayMemoryError",
];
/// Kinds of crash that say nothing of their cause by themselves.
const SILENT: &[&str] = &["abort", "breakpoint", "illegal_instruction", "exception", "terminate", "killed"];
/// Share of the memory that may be promised at which the next promise fails.
const COMMITTED: f64 = 0.98;
/// Texts that are looked through, in bytes each.
const LONGEST: usize = 4_000;

/// Breadcrumbs that are looked at, different counters, and readings that a counter needs.
const CRUMBS: usize = 500;
const COUNTERS: usize = 200;
const READINGS: usize = 3;
/// A counter grew if it came to this many times its first value at least,
const GREW: f64 = 1.5;
/// and rose or stayed in this share of its steps.
const ROSE: f64 = 0.75;
/// Counters that are told.
const TOLD: usize = 3;
/// Parts of names of numbers that are no counters of anything held.
const NO_COUNTERS: &[&str] = &[
    "time", "date", "duration", "status", "code", "id", "line", "column", "port", "version", "percent", "seq", "index",
];

/// Says in the context `crash` that memory ran out, with what shows it and what grew. Tells whether anything changed.
pub(super) fn say(event: &mut Value) -> bool {
    let mut crash = event.pointer("/contexts/crash").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    let kind = crash.get("kind").and_then(Value::as_str).unwrap_or("").to_owned();
    if crash.get("grew").is_some() {
        return false;
    }
    if kind != "out_of_memory" {
        let counted = SILENT.contains(&kind.as_str()).then(|| committed(event)).flatten();
        let Some(evidence) = words(event).or(counted) else { return false };
        crash["kind"] = "out_of_memory".into();
        crash["evidence"] = evidence.into();
    } else if crash.get("evidence").is_none()
        && let Some(evidence) =
            crash.get("message").and_then(Value::as_str).map(str::to_owned).or_else(|| committed(event))
    {
        crash["evidence"] = evidence.into();
    }
    let grew = grew(event);
    if !grew.is_empty() {
        crash["grew"] = json!(grew);
    }
    if event.pointer("/contexts/crash") == Some(&crash) {
        return false;
    }
    put(event, crash);
    true
}

/// The text that says so.
fn words(event: &Value) -> Option<String> {
    let electron = event.pointer("/contexts/electron/details/reason").and_then(Value::as_str);
    if electron == Some("oom") {
        return Some("the process was gone with the reason oom".to_owned());
    }
    let exceptions = event.pointer("/exception/values").and_then(Value::as_array).into_iter().flatten();
    let said = exceptions.clone().flat_map(|exception| ["type", "value"].map(|key| exception.get(key)));
    let message = [
        event.get("message"),
        event.pointer("/message/formatted"),
        event.pointer("/logentry/formatted"),
        event.pointer("/logentry/message"),
    ];
    let mechanism = event.pointer("/exception/values/0/mechanism/type").and_then(Value::as_str);
    if mechanism == Some("watchdog_termination") {
        return Some(
            "the system ended the program in the foreground without a crash, as it does for memory".to_owned(),
        );
    }
    if let Some(typed) = exceptions.clone().find_map(typed) {
        return Some(typed);
    }
    said.chain(message).flatten().filter_map(Value::as_str).find_map(|text| {
        let text = text.get(..text.len().min(LONGEST)).unwrap_or("");
        WORDS.iter().any(|word| text.contains(word)).then(|| text.chars().take(300).collect())
    })
}

/// What an exception says whose type speaks of memory.
fn typed(exception: &Value) -> Option<String> {
    let text = |key: &str| exception.get(key).and_then(Value::as_str).unwrap_or("");
    let ty = text("type");
    let known = ty.rsplit(['.', ':']).next().is_some_and(|short| TYPES.contains(&short));
    let said = format!("{ty}: {}", text("value"));
    known.then(|| said.trim_end_matches([' ', ':']).chars().take(300).collect())
}

/// What the system had promised, where hardly more could be.
fn committed(event: &Value) -> Option<String> {
    let number = |key: &str| event.pointer(&format!("/contexts/memory/{key}")).and_then(Value::as_f64);
    let (used, limit) = (number("committed_bytes")?, number("commit_limit_bytes")?);
    let gib = |bytes: f64| format!("{:.1} GiB", bytes / f64::from(1 << 30));
    (limit > 0.0 && used / limit >= COMMITTED)
        .then(|| format!("{} of {} that the system can promise were promised", gib(used), gib(limit)))
}

/// One counter over the breadcrumbs.
#[derive(Default)]
struct Counter {
    values: Vec<f64>,
    first_at: Option<f64>,
    last_at: Option<f64>,
}

impl Counter {
    /// How many times its first value it came to, if it grew steadily.
    fn growth(&self) -> Option<f64> {
        let (first, last) = (*self.values.first()?, *self.values.last()?);
        let steps = self.values.len() - 1;
        let rose = self.values.windows(2).filter(|pair| pair[1] >= pair[0]).count();
        let steady = self.values.len() >= READINGS && rose as f64 >= ROSE * steps as f64;
        // From nothing, growth is counted from one.
        (steady && last >= GREW * first.max(1.0)).then(|| last / first.max(1.0))
    }

    fn text(&self, name: &str) -> String {
        let shown = |value: f64| if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        let (first, last) = (self.values.first().copied().unwrap_or(0.0), self.values.last().copied().unwrap_or(0.0));
        let within = match (self.first_at, self.last_at) {
            (Some(first), Some(last)) if last > first => format!(" within {:.0} s", last - first),
            _ => String::new(),
        };
        format!("{name}: {} to {} over {} breadcrumbs{within}", shown(first), shown(last), self.values.len())
    }
}

/// Counters of breadcrumbs that grew, the steepest first.
fn grew(event: &Value) -> Vec<String> {
    let crumbs = event.get("breadcrumbs").map(|crumbs| crumbs.get("values").unwrap_or(crumbs));
    let crumbs = crumbs.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut counters: BTreeMap<String, Counter> = BTreeMap::new();
    for crumb in &crumbs[crumbs.len().saturating_sub(CRUMBS)..] {
        let at = crumb.get("timestamp").and_then(seconds);
        let category = crumb.get("category").and_then(Value::as_str).unwrap_or("");
        let Some(data) = crumb.get("data").and_then(Value::as_object) else { continue };
        numbers(data, category, 0, &mut |name, value| {
            if !counters.contains_key(&name) && counters.len() >= COUNTERS {
                return;
            }
            let counter = counters.entry(name).or_default();
            counter.values.push(value);
            counter.first_at = counter.first_at.or(at);
            counter.last_at = at.or(counter.last_at);
        });
    }
    let mut grown: Vec<(f64, String)> =
        counters.iter().filter_map(|(name, counter)| Some((counter.growth()?, counter.text(name)))).collect();
    grown.sort_by(|a, b| b.0.total_cmp(&a.0));
    grown.into_iter().take(TOLD).map(|(_, text)| text).collect()
}

/// Hands over each number that may count something, by its name with the names around it.
fn numbers(data: &Map<String, Value>, around: &str, depth: usize, found: &mut impl FnMut(String, f64)) {
    for (key, value) in data.iter().take(COUNTERS) {
        let plain = key.to_ascii_lowercase();
        let words = plain.split(|c: char| !c.is_ascii_alphabetic());
        if words.clone().any(|word| NO_COUNTERS.contains(&word)) || key.chars().count() > 60 {
            continue;
        }
        let name = if around.is_empty() { key.clone() } else { format!("{around}.{key}") };
        match value {
            Value::Number(number) => {
                if let Some(value) = number.as_f64().filter(|value| value.is_finite() && *value >= 0.0) {
                    found(name, value);
                }
            }
            Value::Object(inner) if depth < 2 => numbers(inner, &name, depth + 1, found),
            _ => {}
        }
    }
}

/// Seconds since 1970, of a number or of RFC 3339.
fn seconds(value: &Value) -> Option<f64> {
    let text = || value.as_str()?.parse::<jiff::Timestamp>().ok();
    value.as_f64().or_else(|| text().map(|moment| moment.as_millisecond() as f64 / 1_000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_ran_out_is_said_with_what_shows_it_and_what_grew() {
        let crumb = |at: u64, rss: u64| json!({ "timestamp": 1_700_000_000 + at, "category": "memory", "data": { "rss_mb": rss, "status_code": at, "tabs": 3 } });
        let mut event = json!({ "message": "'renderer' process exited with 'oom'",
            "breadcrumbs": { "values": [crumb(0, 210), crumb(60, 800), crumb(120, 790), crumb(180, 1400), crumb(240, 1930)] } });
        assert!(say(&mut event));
        let crash = &event["contexts"]["crash"];
        assert_eq!(crash["kind"], "out_of_memory");
        assert_eq!(crash["evidence"], "'renderer' process exited with 'oom'");
        assert_eq!(crash["grew"], json!(["memory.rss_mb: 210 to 1930 over 5 breadcrumbs within 240 s"]));
        assert!(!say(&mut event));
    }

    #[test]
    fn a_system_that_can_promise_no_more_is_the_cause_of_a_silent_end() {
        let event = |used: u64, kind: &str| {
            let memory = json!({ "committed_bytes": used << 20, "commit_limit_bytes": 16_384_u64 << 20 });
            let mut event = json!({ "contexts": { "memory": memory, "crash": { "kind": kind } } });
            say(&mut event);
            event["contexts"]["crash"]["kind"].clone()
        };
        assert_eq!(event(16_300, "breakpoint"), "out_of_memory");
        assert_eq!(event(9_000, "breakpoint"), "breakpoint");
        assert_eq!(event(16_300, "null_pointer"), "null_pointer");
    }

    #[test]
    fn runtimes_say_it_by_a_type_or_in_words() {
        for (ty, value, evidence) in [
            ("OutOfMemoryError", "Java heap space", "OutOfMemoryError: Java heap space"),
            ("java.lang.OutOfMemoryError", "Metaspace", "java.lang.OutOfMemoryError: Metaspace"),
            (
                "System.OutOfMemoryException",
                "Array dimensions exceeded supported range.",
                "System.OutOfMemoryException: Array dimensions exceeded supported range.",
            ),
            ("MemoryError", "", "MemoryError"),
            ("NoMemoryError", "failed to allocate memory", "NoMemoryError: failed to allocate memory"),
            ("ErrorException", "Allowed memory size of 1 bytes exhausted", "Allowed memory size of 1 bytes exhausted"),
            ("panic", "memory allocation of 9 bytes failed", "memory allocation of 9 bytes failed"),
            (
                "fatal error",
                "runtime: out of memory: cannot allocate 8192-byte block",
                "runtime: out of memory: cannot allocate 8192-byte block",
            ),
            (
                "OutOfMemory",
                "The OS most likely terminated your app because it overused RAM.",
                "The OS most likely terminated your app because it overused RAM.",
            ),
            (
                "SIGABRT",
                "terminate called after throwing an instance of 'std::bad_alloc'",
                "terminate called after throwing an instance of 'std::bad_alloc'",
            ),
        ] {
            let mut event = json!({ "exception": { "values": [{ "type": ty, "value": value }] } });
            assert!(say(&mut event), "{ty}");
            assert_eq!(event["contexts"]["crash"], json!({ "kind": "out_of_memory", "evidence": evidence }));
        }
    }

    #[test]
    fn other_events_are_left_alone() {
        for mut event in [
            json!({ "message": "the room is full" }),
            json!({}),
            json!({ "exception": { "values": [{ "type": "TypeError" }] } }),
        ] {
            let before = event.clone();
            assert!(!say(&mut event));
            assert_eq!(event, before);
        }
    }
}
