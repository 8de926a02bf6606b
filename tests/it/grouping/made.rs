//! Events made to show one rule each.

use prodsignal::grouping::group;
use prodsignal::model::{Event, Exception, Frame, Group};
use serde_json::json;

use super::read;

/// A frame: function, file, line, column.
type At<'a> = (&'a str, &'a str, u64, u64);

/// An exception with in-app frames from the crash outwards.
fn thrown(ty: &str, value: &str, frames: &[At<'_>]) -> Exception {
    let frame = |(function, file, line, column): &At<'_>| Frame {
        function: Some((*function).into()),
        file: Some((*file).into()),
        line: Some(*line),
        column: Some(*column),
        in_app: true,
        ..Frame::default()
    };
    Exception {
        ty: Some(ty.into()),
        value: Some(value.into()),
        frames: frames.iter().map(frame).collect(),
        ..Exception::default()
    }
}

/// An event whose exceptions run from the outermost to the root.
fn event(exceptions: Vec<Exception>) -> Event {
    Event { exceptions, ..read::event(&json!({})) }
}

fn one(ty: &str, value: &str, frames: &[At<'_>]) -> Group {
    group(&event(vec![thrown(ty, value, frames)]))
}

fn message(text: &str) -> Group {
    group(&read::event(&json!({ "message": text })))
}

fn fingerprinted(fingerprint: &[&str], function: &str, tag: &str) -> [u8; 16] {
    let mut event = event(vec![thrown("TypeError", "x is not a function", &[(function, "src/a.js", 9, 9)])]);
    event.fingerprint = fingerprint.iter().map(|part| (*part).into()).collect();
    event.transaction = Some("GET /a".into());
    event.tags = vec![("shard".into(), tag.into())];
    group(&event).hash
}

#[test]
fn lines_columns_directories_and_hashes_of_files_do_not_matter() {
    let nothing = "Cannot read properties of undefined (reading 'total')";
    let hash = |file, line| one("TypeError", nothing, &[("total", file, line, 12), ("serve", file, line + 90, 4)]).hash;
    let first = hash("/app/shop/2.3.0/src/cart.js", 10);
    for (file, line) in
        [("/app/shop/2.4.1/src/cart.js", 99), ("/srv/blue/src/cart.js", 7), ("app:///cart-3f9ac2.js", 70)]
    {
        assert_eq!(hash(file, line), first, "{file}");
    }
    assert_ne!(hash("/app/shop/2.3.0/src/orders.js", 10), first);
}

#[test]
fn the_same_bug_in_two_minified_bundles_is_one_issue() {
    let old = one(
        "TypeError",
        "Cannot read properties of undefined (reading 'total')",
        &[
            ("t", "https://x.example/assets/app-3f9ac2d1.js", 1, 4711),
            ("Xe", "https://x.example/assets/app-3f9ac2d1.js", 1, 9000),
        ],
    );
    let new = one(
        "TypeError",
        "Cannot read properties of undefined (reading 'total')",
        &[
            ("n", "https://x.example/assets/app-b81c0e77.js", 1, 5890),
            ("$r", "https://x.example/assets/app-b81c0e77.js", 1, 9912),
        ],
    );
    assert_eq!(old.hash, new.hash);
    let variable = |name: &str, column| {
        one("TypeError", &format!("{name}.notify is not a function"), &[(name, "dist/app-3f9ac2d1.js", 1, column)]).hash
    };
    assert_eq!(variable("t", 4711), variable("s", 888));
}

#[test]
fn two_bugs_in_one_minified_bundle_are_two_issues() {
    let file = "https://x.example/assets/app-3f9ac2d1.js";
    let bug = |value: &str, frames: &[At<'_>]| one("TypeError", value, frames).hash;
    let total = "Cannot read properties of undefined (reading 'total')";
    let first = bug(total, &[("t", file, 1, 4711), ("e", file, 1, 9000)]);
    for (value, frames) in [
        ("Cannot read properties of undefined (reading 'amount')", vec![("t", file, 1, 4711), ("e", file, 1, 9000)]),
        (total, vec![("o", file, 1, 9500), ("e", file, 1, 9000)]),
        (total, vec![("o", file, 1, 4711), ("Cart.render", file, 1, 9000)]),
        (total, vec![("o", file, 1, 4711), ("e", file, 1, 9000), ("i", file, 1, 9900)]),
    ] {
        assert_ne!(bug(value, &frames), first, "{value} {frames:?}");
    }
}

#[test]
fn two_bugs_in_one_helper_are_two_issues() {
    let helper = ("fail", "src/lib/check.js", 3, 9);
    let by = |value: &str, caller| one("Error", value, &[helper, (caller, "src/orders.js", 40, 3)]).hash;
    assert_ne!(by("order has no lines", "checkout"), by("order has no address", "checkout"));
    assert_ne!(by("not allowed", "checkout"), by("not allowed", "refund"));
    assert_eq!(by("order 7 has no lines", "checkout"), by("order 8 has no lines", "checkout"));
    let typed = |caller| {
        one("GaugeError", "wants a number", &[("gauge", "src/meter.js", 3, 9), (caller, "src/a.js", 1, 90)]).hash
    };
    assert_ne!(typed("fillRate"), typed("shiftRate"));
    let shared = |caller| {
        let value = "Cannot read properties of undefined (reading 'toFixed')";
        one("TypeError", value, &[("money", "src/lib/format.js", 3, 9), (caller, "src/cart.js", 4, 9)]).hash
    };
    assert_ne!(shared("cart"), shared("invoice"));
}

#[test]
fn what_the_language_throws_is_one_issue_whoever_called() {
    let by = |frames: &[At<'_>]| one("ZeroDivisionError", "division by zero", frames).hash;
    let top = ("ratio", "stock.py", 8, 0);
    assert_eq!(by(&[top]), by(&[top, ("sync", "cron.py", 3, 0)]));
    assert_eq!(by(&[top]), by(&[top, ("view", "web.py", 30, 0), ("dispatch", "web.py", 3, 0)]));
    assert_ne!(by(&[top]), by(&[("share", "stock.py", 8, 0)]));
}

#[test]
fn every_link_of_a_chain_counts() {
    let chain = |cause: Exception| {
        let wrapper = thrown("Error", "search failed", &[("search", "src/orders.js", 7, 9)]);
        group(&event(vec![wrapper, cause]))
    };
    let timeout = || thrown("QueryTimeout", "gave up", &[("query", "src/db.js", 7, 9)]);
    let refused = || thrown("ConnectionRefused", "gave up", &[("query", "src/db.js", 7, 9)]);
    assert_eq!(chain(timeout()).by, "chain");
    assert_ne!(chain(timeout()).hash, chain(refused()).hash);
    assert_ne!(chain(timeout()).hash, group(&event(vec![timeout()])).hash);
}

#[test]
fn a_group_is_the_set_of_its_members() {
    let of = |members: &[&str]| {
        let mut exceptions = vec![thrown("ExceptionGroup", "batch", &[("plan", "batch.py", 7, 0)])];
        exceptions[0].mechanism.is_exception_group = true;
        exceptions[0].mechanism.exception_id = Some(0);
        for (i, ty) in members.iter().enumerate() {
            let mut member = thrown(ty, "7 is bad", &[("step", "batch.py", 9, 0)]);
            member.mechanism.exception_id = Some(i as u64 + 1);
            member.mechanism.parent_id = Some(0);
            exceptions.push(member);
        }
        group(&event(exceptions)).hash
    };
    assert_eq!(of(&["KeyError", "OSError"]), of(&["OSError", "KeyError", "OSError"]));
    assert_ne!(of(&["KeyError"]), of(&["KeyError", "OSError"]));
}

#[test]
fn recursion_counts_once_wherever_it_ran_out() {
    let deep = |times: usize, leaf: Option<At<'static>>| {
        let mut frames: Vec<At<'_>> = leaf.into_iter().collect();
        for _ in 0..times {
            frames.extend([("expand", "bundle.py", 3, 0), ("visit", "bundle.py", 9, 0)]);
        }
        one("RecursionError", "maximum recursion depth exceeded", &frames).hash
    };
    assert_eq!(deep(50, None), deep(80, None));
    assert_eq!(deep(50, None), deep(50, Some(("size", "bundle.py", 30, 0))));
}

#[test]
fn fingerprints_decide_and_default_stands_for_the_own_grouping() {
    let own = fingerprinted(&[], "a", "1");
    assert_eq!(fingerprinted(&["{{ default }}"], "a", "1"), own);
    assert_eq!(fingerprinted(&["{{default}}"], "a", "1"), own);
    assert_eq!(fingerprinted(&["pay", "declined"], "a", "1"), fingerprinted(&["pay", "declined"], "b", "1"));
    let parted =
        |function, spaces: &str| fingerprinted(&[&format!("{{{{{spaces}default{spaces}}}}}"), "eu"], function, "1");
    assert_eq!(parted("a", " "), parted("a", ""));
    assert_ne!(parted("a", " "), parted("b", " "));
    assert_ne!(parted("a", " "), own);
}

#[test]
fn variables_in_fingerprints_are_filled_in() {
    assert_ne!(fingerprinted(&["{{ function }}"], "a", "1"), fingerprinted(&["{{ function }}"], "b", "1"));
    assert_eq!(fingerprinted(&["{{ type }}"], "a", "1"), fingerprinted(&["TypeError"], "b", "1"));
    assert_eq!(fingerprinted(&["at {{transaction}}"], "a", "1"), fingerprinted(&["at GET /a"], "b", "1"));
    assert_ne!(fingerprinted(&["{{ tags.shard }}"], "a", "1"), fingerprinted(&["{{ tags.shard }}"], "a", "2"));
    assert_eq!(fingerprinted(&["{{ what"], "a", "1"), fingerprinted(&["{{ what"], "b", "1"));
}

#[test]
fn messages_are_known_by_their_words() {
    assert_eq!(message("order 7 of a@x.example took 12 ms").hash, message("order 8 of b@y.example took 3 ms").hash);
    assert_ne!(message("order 7 was lost").hash, message("order 7 was found").hash);
    let templated = |params: &str| {
        let log = json!({ "message": "paid %s by %s", "formatted": params });
        group(&read::event(&json!({ "logentry": log }))).hash
    };
    assert_eq!(templated("paid 7 by Ada"), templated("paid 8 by Bo"));
    assert_eq!(message("").by, "fallback");
}

#[test]
fn a_source_map_gives_a_better_key_and_keeps_the_old_one() {
    let file = "dist/server-XXVHOFEE.js";
    let value = "Cannot read properties of undefined (reading 'id')";
    let raw = thrown("TypeError", value, &[("g", file, 3, 1123), ("/tickets/assign", file, 4, 336)]);
    let before = group(&event(vec![raw.clone()]));
    let read =
        thrown("TypeError", value, &[("pickAgent", "src/routing.js", 14, 48), ("assign", "src/server.js", 9, 3)]);
    let after = group(&event(vec![Exception { raw_frames: raw.frames, ..read.clone() }]));
    assert_eq!(after.also, [before.hash]);
    let shape = thrown("TypeError", value, &[("g", file, 3, 1123)]);
    assert_eq!(group(&event(vec![Exception { raw_frames: shape.frames, ..read }])).also, [[0; 16]; 0]);
}

#[test]
fn noise_of_browsers_is_one_issue_for_each_kind() {
    let noise = |ty: &str, value: &str, page: &str| one(ty, value, &[("?", page, 0, 0)]).hash;
    let (cart, home) = ("https://x.example/cart?a=1", "https://x.example/");
    assert_eq!(noise("Error", "Script error.", cart), noise("Error", "Script error.", home));
    let loops = ["ResizeObserver loop limit exceeded", "ResizeObserver loop completed with undelivered notifications."];
    assert_eq!(noise("Error", loops[0], cart), noise("Error", loops[1], home));
    let gone = one("TypeError", "Failed to fetch dynamically imported module: https://x.example/a-3f9ac2.js", &[]).hash;
    assert_eq!(one("ChunkLoadError", "Loading chunk 17 failed.", &[]).hash, gone);
    assert_eq!(one("TypeError", "Importing a module script failed.", &[]).hash, gone);
    assert_ne!(noise("Error", "Script error.", cart), gone);
}

#[test]
fn code_of_the_sdk_and_of_extensions_is_looked_past() {
    let value = "Cannot read properties of undefined (reading 'id')";
    let own = ("show", "src/page.js", 3, 9);
    let plain = one("TypeError", value, &[own]);
    let wrapped = [("sentryWrapped", "src/vendor.js", 9, 9), own, ("sentryWrapped", "src/vendor.js", 9, 9)];
    assert_eq!(one("TypeError", value, &wrapped).hash, plain.hash);
    let extension = ("run", "chrome-extension://abcdefgh/content.js", 1, 9);
    assert_eq!(one("TypeError", value, &[extension, own]).hash, plain.hash);
    let elsewhere = ("run", "moz-extension://0f1e2d3c-aaaa-bbbb-cccc-0123456789ab/content.js", 1, 9);
    assert_eq!(one("TypeError", value, &[extension]).hash, one("TypeError", value, &[elsewhere]).hash);
    assert_ne!(one("TypeError", value, &[extension]).hash, plain.hash);
}

#[test]
fn an_unnamed_function_is_told_by_the_one_around_it() {
    let value = "Cannot read properties of undefined (reading 'id')";
    let by =
        |around| one("TypeError", value, &[("<anonymous>", "src/page.js", 3, 9), (around, "src/page.js", 9, 9)]).hash;
    assert_ne!(by("show"), by("hide"));
    assert_eq!(by("show"), by("Object.show"));
}

proptest::proptest! {
    #[test]
    fn any_event_is_grouped_and_always_alike(
        ty in ".{0,12}", value in ".{0,40}", function in ".{0,20}", file in ".{0,30}", line in 0u64..9, column in 0u64..3000,
        fingerprint in proptest::collection::vec(".{0,12}", 0..3), ids in (0u64..4, 0u64..4),
    ) {
        let mut exceptions = vec![
            thrown(&ty, &value, &[(&function, &file, line, column)]),
            thrown(&ty, &value, &[(&function, "a.js", line, column), (&function, &file, column, line)]),
        ];
        for (exception, id) in exceptions.iter_mut().zip([ids.0, ids.1]) {
            exception.mechanism.is_exception_group = id % 2 == 0;
            exception.mechanism.exception_id = Some(id);
            exception.mechanism.parent_id = Some(ids.0);
        }
        let mut event = event(exceptions);
        event.fingerprint = fingerprint.iter().map(|part| part.as_str().into()).collect();
        let first = group(&event);
        proptest::prop_assert!(!first.title.is_empty());
        proptest::prop_assert_eq!(first, group(&event));
    }
}
