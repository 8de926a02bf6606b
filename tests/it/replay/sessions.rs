//! Sessions recorded by a real SDK in a real browser: each step, word for word.

use std::{fs, path::Path};

use prodsignal::{
    guard::Guard,
    tools::{LoadedReplay, replay_lines},
};

use crate::script::recorded;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The sessions of `tests/data/replay/sessions`.
pub fn names() -> Vec<String> {
    let files = fs::read_dir(Path::new(ROOT).join("tests/data/replay/sessions")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap().replace(".ndjson.zst", ""));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Compared with what was checked against the truth of each session, action by action. `PRODSIGNAL_ACCEPT=1` writes
/// them anew.
#[test]
fn every_step_of_the_recorded_sessions_is_told() {
    let mut wrong = Vec::new();
    for name in names() {
        let replay = recorded::replay(&name);
        let loaded = LoadedReplay { replay, user: None, browser: None, os: None, device: None };
        let lines: Vec<String> = replay_lines(&loaded, &mut Guard::new()).iter().map(ToString::to_string).collect();
        let told = lines.join("\n") + "\n";
        let file = Path::new(ROOT).join(format!("tests/data/replay/steps/{name}.txt"));
        if std::env::var_os("PRODSIGNAL_ACCEPT").is_some() {
            fs::write(&file, &told).unwrap();
        }
        let wanted = fs::read_to_string(&file).unwrap_or_default();
        let differs = wanted.lines().zip(told.lines()).find(|(wanted, told)| wanted != told);
        if wanted != told {
            wrong.push(format!("{name}: {} lines for {}; {differs:?}", told.lines().count(), wanted.lines().count()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_missing_is_said() {
    let whole = |name: &str| recorded::replay(name).complete;
    assert!(whole("notes-undo") && whole("shop-buffered"));
    assert!(!whole("notes-lost-middle") && !whole("notes-lost-first"));
    let buffered = recorded::replay("shop-buffered");
    assert!(buffered.buffered && !buffered.from_start);
    assert!(recorded::replay("shop-buffered-short").from_start);
    let masked = recorded::replay("shop-masked");
    assert!(masked.masked_text && masked.masked_inputs);
}
