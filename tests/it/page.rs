//! The page of a replay: escaped, self-contained, and readable in a real browser.

use prodsignal::{
    guard::Guard,
    page,
    script::{self, Wanted},
};
use serde_json::Value;

use crate::{
    program::playwright_node,
    script::{NASTY, made, recorded},
};

/// The tags that the page itself has.
const TAGS: &[&str] = &[
    "a", "b", "body", "circle", "code", "defs", "details", "div", "em", "h1", "h2", "head", "header", "html", "i",
    "kbd", "li", "line", "main", "meta", "ol", "p", "pattern", "pre", "q", "rect", "section", "span", "strong",
    "style", "summary", "svg", "text", "time", "title", "ul",
];

fn written(replay: &prodsignal::replay::Replay) -> String {
    let mut guard = Guard::new();
    let made = script::write(replay, Wanted::All, &mut guard);
    page::write(replay, Some(&made.script), &mut guard)
}

const MARKUP: &[&str] =
    &["<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "</style><script>alert(1)</script>", "&lt;b&gt;"];

fn hostile() -> Vec<String> {
    let pages = NASTY
        .iter()
        .chain(MARKUP)
        .map(|nasty| written(&made::replay(&mut |field| format!("{nasty}{field}\" onclick=\"alert(1)\" {nasty}"), 0)));
    pages.collect()
}

/// Pages in which each field has another hostile text.
fn mixed() -> Vec<String> {
    let all: Vec<&str> = NASTY.iter().chain(MARKUP).copied().collect();
    let page = |start: usize| {
        let mut at = start;
        let mut next = |_: &'static str| {
            at += 1;
            all[at % all.len()].to_owned()
        };
        written(&made::replay(&mut next, 0))
    };
    (0..3).map(|start| page(start * 7)).collect()
}

#[test]
fn only_tags_of_the_page_itself_are_in_it() {
    for page in hostile() {
        let inside = page.split('<').skip(1).map(|after| {
            let name = after.trim_start_matches(['/', '!']);
            name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap().to_owned()
        });
        for tag in inside {
            assert!(TAGS.contains(&tag.to_lowercase().as_str()) || tag == "doctype", "<{tag} in {page}");
        }
        assert!(!page.contains("\" onclick="), "{page}");
    }
}

#[test]
fn a_page_of_nothing_is_a_page() {
    let empty = made::replay(&mut |_| String::new(), 0);
    let empty = prodsignal::replay::Replay { steps: vec![], errors: vec![], gaps: vec![], duration_ms: 0, ..empty };
    assert!(page::write(&empty, None, &mut Guard::new()).contains("No error in this visit"));
}

/// What the browser saw of each page.
fn looked_at(pages: &[String]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let mut command = playwright_node("look_at_page.mjs");
    for (i, page) in pages.iter().enumerate() {
        let file = dir.path().join(format!("{i}.html"));
        std::fs::write(&file, page).unwrap();
        command.arg(file);
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
#[cfg_attr(not(has_chromium), ignore = "needs Node and Chromium: apt-get install nodejs npm chromium")]
fn a_real_browser_shows_a_replay_and_loads_nothing() {
    let replay = recorded::replay("shop-coupon");
    let seen = &looked_at(&[written(&replay)])[0];
    assert_eq!(seen["heading"], "TypeError: Cannot read properties of undefined (reading 'valueOf')");
    assert_eq!(seen["steps"], replay.steps.len());
    assert_eq!((&seen["linked"], &seen["errors"]), (&true.into(), &1.into()), "{seen}");
    assert!(seen["drawn"].as_u64().unwrap() >= replay.steps.len() as u64 - 1, "{seen}");
    assert!(seen["target"].as_str().unwrap().starts_with('s'), "a mark leads to its step: {seen}");
    assert_eq!((&seen["problems"], &seen["requests"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    let text = seen["text"].as_str().unwrap();
    for said in ["Just before the error", "SPRING", "Apply", "POST /api/coupon", "500", "2 failed"] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
    assert!(seen["test"].as_str().unwrap().contains("@playwright/test"));
    for (size, seen) in seen["widths"].as_object().unwrap() {
        assert_eq!(seen["overflow"], 0, "{size}");
    }
    let background = |size: &str| seen["widths"][size]["background"].clone();
    assert_ne!(background("1280 light"), background("1280 dark"), "dark is dark");
}

#[test]
#[cfg_attr(not(has_chromium), ignore = "needs Node and Chromium: apt-get install nodejs npm chromium")]
fn a_real_browser_runs_nothing_of_a_hostile_page() {
    for seen in looked_at(&mixed()) {
        assert_eq!((&seen["problems"], &seen["requests"]), (&Value::Array(vec![]), &Value::Array(vec![])), "{seen}");
        for tag in seen["tags"].as_array().unwrap() {
            assert!(TAGS.contains(&tag.as_str().unwrap()), "{tag}");
        }
        for (size, seen) in seen["widths"].as_object().unwrap() {
            assert_eq!(seen["overflow"], 0, "{size}");
        }
    }
}
