//! Remedies: texts of real errors that carry one, and those that don't.

use prodsignal::{model::Event, remedy::remedies};
use serde_json::{Value, json};

use crate::grouping::read;

/// The event that an SDK makes of an error's text: `Type: value`, or the value alone.
fn event(text: &str) -> Event {
    let (ty, value) = match text.split_once(": ") {
        Some((ty, value)) if !ty.contains(' ') && ty != "ERROR" => (ty, value),
        _ => ("Error", text),
    };
    read::event(&json!({ "exception": { "values": [{ "type": ty, "value": value }] } }))
}

fn evidence(text: &str) -> Vec<String> {
    remedies(&event(text)).iter().map(|remedy| remedy.evidence.raw().to_owned()).collect()
}

#[test]
fn real_texts_give_their_remedy_and_no_other_text_gives_one() {
    let (mut found, mut all) = (0, 0);
    for line in include_str!("../data/remedies.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let quoted = evidence(case["text"].as_str().unwrap());
        if case["remedy"].is_null() {
            assert!(quoted.is_empty(), "{line}: {quoted:?}");
            continue;
        }
        all += 1;
        let must = case["remedy"]["must_contain"].as_array().unwrap();
        let held = must.iter().all(|part| quoted.iter().any(|quote| quote.contains(part.as_str().unwrap())));
        found += usize::from(held);
        if !held {
            eprintln!("missed: {line}: {quoted:?}");
        }
    }
    assert!(found * 100 >= all * 95, "{found} of {all}");
}

#[test]
fn messages_of_other_systems_give_theirs() {
    let cases: Value = serde_json::from_str(include_str!("../data/remedies_other.json")).unwrap();
    for case in cases["with"].as_array().unwrap() {
        let (text, part) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
        let quoted = evidence(text);
        assert!(quoted.iter().any(|quote| quote.contains(part)), "{text}: {quoted:?}");
    }
    for text in cases["without"].as_array().unwrap() {
        let quoted = evidence(text.as_str().unwrap());
        assert!(quoted.is_empty(), "{text}: {quoted:?}");
    }
}

#[test]
fn a_quote_is_the_errors_own_words() {
    for line in include_str!("../data/remedies.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = case["text"].as_str().unwrap();
        for quote in evidence(text) {
            assert!(text.contains(&quote), "{text}: {quote}");
        }
    }
}

#[test]
fn the_drivers_field_hint_is_a_remedy_too() {
    let mut event = event("error: operator does not exist: text = integer");
    let error = json!({ "hint": "You might need to add explicit type casts.", "code": "42883" });
    event.contexts.push(("error".into(), (&error).into()));
    let found = remedies(&event);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, "database_hint");
    assert_eq!(found[0].evidence.raw(), "You might need to add explicit type casts.");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]

    #[test]
    fn any_text_is_read(text in ".{0,200}", before in ".{0,40}") {
        evidence(&text);
        evidence(&format!("{before}\nHINT: {text}"));
        evidence(&format!("{before} please use {text}"));
    }
}
