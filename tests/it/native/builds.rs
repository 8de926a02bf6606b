//! Crashes without symbols from build to build: offsets change, what the program said does not.

use serde_json::{Value, json};

use crate::program::Store;

/// A crash of the iOS app at an offset into a build's program, after a library that was called there.
fn crash(number: u64, build: u64, ty: &str, said: &str, offset: u64) -> String {
    let start = 0x1_0000_0000 + build * 0x4_4000;
    let own = json!({ "package": "/private/var/containers/Bundle/Application/0/Meadow.app/Meadow", "in_app": true,
        "image_addr": format!("{start:#x}"), "instruction_addr": format!("{:#x}", start + offset) });
    let library = json!({ "package": "/usr/lib/swift/libswiftCore.dylib", "in_app": false,
        "image_addr": "0x1a2000000", "instruction_addr": format!("{:#x}", 0x1_a200_0000_u64 + build * 64) });
    let image = json!({ "type": "macho", "debug_id": format!("D1F0C0DE-0000-3000-8000-{build:012}"),
        "image_addr": format!("{start:#x}"), "image_size": 0x4_0000, "code_file": own["package"] });
    let event = json!({ "event_id": format!("{number:032x}"), "platform": "cocoa", "level": "fatal",
        "timestamp": 1_795_485_000 + number, "release": format!("com.acme.meadow@3.{build}"),
        "user": { "id": format!("shepherd-{number}") }, "debug_meta": { "images": [image] },
        "exception": { "values": [{ "type": ty, "value": said, "mechanism": { "type": "mach", "handled": false },
            "stacktrace": { "frames": [own, library] } }] } });
    format!("{{\"event_id\":\"{number:032x}\"}}\n{{\"type\":\"event\"}}\n{event}\n")
}

/// Issues of crashes that are given in the order in which they come: events of each issue, the largest first.
fn events_by_issue(crashes: &[(u64, &str, &str, u64)]) -> Vec<u64> {
    let store = Store::new();
    let envelopes = crashes.iter().zip(1..).map(|((build, ty, said, at), n)| crash(n, *build, ty, said, *at));
    store.import("meadow", &envelopes.collect::<Vec<_>>());
    let list = store.call("list_issues", json!({ "period": "3650d", "max_tokens": 20_000 }));
    let issues = list["issues"].as_array().unwrap().iter();
    let mut events: Vec<u64> = issues.map(|issue: &Value| issue["events"].as_u64().unwrap()).collect();
    events.sort_unstable_by_key(|events| std::cmp::Reverse(*events));
    events
}

const INDEX: &str = "Fatal error: Index out of range";
const NIL: &str = "Fatal error: Unexpectedly found nil while unwrapping an Optional value";

#[test]
fn what_was_said_leads_from_one_build_to_the_next() {
    let trap = "EXC_BREAKPOINT";
    let crashes = [
        (1, trap, INDEX, 0x3c30),
        (1, trap, NIL, 0x4d40),
        (1, "EXC_BAD_ACCESS", "mow(field:) > Attempted to dereference null pointer.", 0x2b20),
        (2, trap, INDEX, 0x3c58),
        (2, trap, NIL, 0x4d60),
        (2, "EXC_BAD_ACCESS", "mow(field:) > Attempted to dereference null pointer.", 0x2b44),
    ];
    assert_eq!(events_by_issue(&crashes), [2, 2, 2]);
}

#[test]
fn places_of_one_build_that_say_the_same_stay_apart_and_lead_nowhere() {
    let trap = "EXC_BREAKPOINT";
    let (one, other) = ((1, trap, INDEX, 0x1000), (1, trap, INDEX, 0x2000));
    assert_eq!(events_by_issue(&[one, other, (2, trap, INDEX, 0x2100), (2, trap, INDEX, 0x2100)]), [2, 1, 1]);
    // The next build was seen to say it at one place that was known, so that the other is new.
    assert_eq!(events_by_issue(&[one, (2, trap, INDEX, 0x1000), (2, trap, INDEX, 0x2000)]), [2, 1]);
}

#[test]
fn what_systems_say_by_themselves_leads_nowhere() {
    let access = "EXC_BAD_ACCESS";
    for said in ["Attempted to dereference null pointer.", "KERN_INVALID_ADDRESS at 0x10", "Exception 1, Code 1", ""] {
        assert_eq!(events_by_issue(&[(1, access, said, 0x10), (2, access, said, 0x20)]), [1, 1], "{said}");
    }
}

#[test]
fn a_place_far_off_that_says_the_same_in_a_later_build_is_another_bug() {
    let trap = "EXC_BREAKPOINT";
    assert_eq!(events_by_issue(&[(1, trap, INDEX, 0x3c30), (2, trap, INDEX, 0x3_0000)]), [1, 1]);
    assert_eq!(events_by_issue(&[(1, trap, INDEX, 0x3c30), (2, trap, INDEX, 0x4c30)]), [2]);
}
