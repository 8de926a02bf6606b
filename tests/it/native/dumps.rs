//! Dumps of real crashes, with symbols and without.

use prodsignal::{
    grouping::group,
    model::{Event, EventId, Group, Timestamp},
    native::{NoSymbols, Symbols, has_found_since, merge, read_dump, symbolicate},
    protocol::{Clock, ClockPolicy, event::parse_event},
};
use serde_json::{Value, json};

use super::{Shelf, data};

const ALL: [&str; 3] = ["press.debug", "kettle.sym", "libc.so.6.sym"];

fn read(dump: &str, symbols: &dyn Symbols) -> Value {
    let mut event = json!({});
    merge(&mut event, read_dump(&data(dump), symbols, 1).unwrap(), &[]);
    symbolicate(&mut event, symbols, 1);
    event
}

fn parsed(json: &Value) -> Event {
    parse_event(json, EventId(1), &Clock::new(ClockPolicy::AsSent, Timestamp::UNIX_EPOCH, None))
}

fn grouped(dump: &str, symbols: &dyn Symbols) -> Group {
    group(&parsed(&read(dump, symbols)))
}

/// Functions of the application, from the crash outwards.
fn own(event: &Event) -> Vec<&str> {
    let frames = event.exceptions[0].frames.iter().filter(|frame| frame.in_app);
    frames.map(|frame| frame.function.as_ref().map_or("", |name| name.raw())).collect()
}

#[test]
fn symbols_name_function_file_and_line_and_unwind_by_their_rules() {
    let symbols = Shelf::of(&ALL);
    for (dump, ty, function, line, kind) in [
        ("null-next-1.dmp", "SIGSEGV", "sheet_width", 8, "null_pointer"),
        ("assert-1.dmp", "SIGABRT", "plate_check", 10, "assertion"),
        ("alloc-1.dmp", "SIGABRT", "paper_alloc", 12, "out_of_memory"),
        ("stack-1.dmp", "SIGSEGV", "fold", 11, "stack_overflow"),
        ("crashpad-e8e8fc68.dmp", "SIGSEGV", "boil", 19, "null_pointer"),
    ] {
        let json = read(dump, &symbols);
        let event = parsed(&json);
        assert_eq!(event.exceptions[0].ty.as_ref().unwrap().raw(), ty, "{dump}");
        assert_eq!(own(&event)[0], function, "{dump}");
        let frame = event.exceptions[0].frames.iter().find(|frame| frame.in_app).unwrap();
        assert_eq!(frame.line, Some(line), "{dump}");
        assert_eq!(json["contexts"]["crash"]["kind"], kind, "{dump}");
        assert!(event.unhandled() && event.level.as_str() == "fatal", "{dump}");
    }
    let event = parsed(&read("alloc-1.dmp", &symbols));
    assert_eq!(own(&event)[..3], ["paper_alloc", "shift_leader", "run_job"]);
    let trusts = event.exceptions[0].frames.iter().map(|f| f.image.as_ref().unwrap().trust.as_ref().unwrap().raw());
    assert_eq!(trusts.take(4).collect::<Vec<_>>(), ["context", "cfi", "cfi", "cfi"]);
    let frame = event.exceptions[0].frames.iter().find(|frame| frame.in_app).unwrap();
    assert_eq!(frame.context_line.as_ref().unwrap().raw(), "line 12");
}

#[test]
fn what_the_program_said_and_what_the_system_knew_is_kept() {
    let json = read("assert-1.dmp", &NoSymbols);
    let said = json["exception"]["values"][0]["value"].as_str().unwrap();
    assert!(said.starts_with("Assertion failed: ") && said.contains("plates < 4"), "{said}");
    assert!(json["contexts"]["memory"]["resident_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(json["contexts"]["os"]["name"] == "Linux" && json["contexts"]["process"]["threads"] == 6);
    assert!(json["exception"]["values"][0]["stacktrace"]["registers"]["rip"].is_string());
    let threads = json["threads"]["values"].as_array().unwrap();
    assert!(threads[0]["crashed"] == true && threads[1]["stacktrace"]["frames"].as_array().unwrap().len() > 1);
}

#[test]
fn without_symbols_bugs_are_told_apart_by_place() {
    let none = |dump: &str| grouped(dump, &NoSymbols);
    assert_eq!(none("null-next-1.dmp").hash, none("null-next-2.dmp").hash);
    let bugs = ["null-next-1.dmp", "assert-1.dmp", "alloc-1.dmp", "stack-1.dmp", "crashpad-e8e8fc68.dmp"];
    let hashes: std::collections::BTreeSet<[u8; 16]> = bugs.iter().map(|dump| none(dump).hash).collect();
    assert_eq!(hashes.len(), bugs.len());
    let top = none("null-next-1.dmp").top_frame.unwrap().function.unwrap();
    assert!(top.raw().starts_with("press+0x"), "{}", top.raw());
}

#[test]
fn a_crash_with_symbols_leads_to_the_issue_that_it_was_without() {
    let symbols = Shelf::of(&ALL);
    for dump in ["null-next-1.dmp", "crashpad-e8e8fc68.dmp"] {
        let (before, after) = (grouped(dump, &NoSymbols), grouped(dump, &symbols));
        assert_ne!(before.hash, after.hash, "{dump}");
        assert!(after.also.contains(&before.hash), "{dump}");
    }
}

#[test]
fn symbols_that_came_later_are_noticed_once() {
    let symbols = Shelf::of(&ALL);
    assert!(has_found_since(&read("assert-1.dmp", &NoSymbols), &symbols, 1));
    let mut named = read("assert-1.dmp", &symbols);
    assert!(!has_found_since(&named, &symbols, 1));
    let again = named.clone();
    assert!(!symbolicate(&mut named, &symbols, 1));
    assert_eq!(named, again);
}

#[test]
fn scanning_names_no_sections_and_ends_where_the_program_began() {
    for dump in ["null-next-1.dmp", "crashpad-e8e8fc68.dmp"] {
        let event = parsed(&read(dump, &Shelf::of(&ALL)));
        let frames = event.exceptions[0].frames.iter();
        let names: Vec<&str> = frames.map(|frame| frame.function.as_ref().map_or("", |name| name.raw())).collect();
        assert!(!names.iter().any(|name| name.contains("ELF section") || *name == "_fini"), "{dump}: {names:?}");
        assert_eq!(names.last(), Some(&"_start"), "{dump}: {names:?}");
    }
}
