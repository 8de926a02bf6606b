//! Events that real SDKs sent: one issue for each bug.

use std::collections::{BTreeMap, BTreeSet};

use prodsignal::grouping::group;
use prodsignal::model::Group;

use super::read;

/// The issues of each bug of a file.
fn issues(file: &str) -> BTreeMap<String, Vec<Group>> {
    let path = format!("{}/tests/data/grouping/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let mut found: BTreeMap<String, Vec<Group>> = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        let bug = json["bug"].as_str().unwrap().to_owned();
        found.entry(bug).or_default().push(group(&read::event(&json["event"])));
    }
    found
}

/// Bugs that a function throws for whoever calls it, or that are one and the same.
fn family(bug: &str) -> &str {
    match bug {
        "ratio-cron" | "ratio-request" | "ratio-thread" => "ratio",
        "low-stock" | "low-stock-cron" => "low-stock",
        "attach" | "big" => "note",
        text if text.starts_with("text-") => "note",
        other => other,
    }
}

fn each_bug_is_one_issue_apart_from_others(file: &str, several: &[&str]) {
    let mut owner: BTreeMap<[u8; 16], String> = BTreeMap::new();
    for (bug, groups) in issues(file) {
        let hashes: BTreeSet<[u8; 16]> = groups.iter().map(|g| g.hash).collect();
        assert!(hashes.len() == 1 || several.contains(&bug.as_str()), "{bug} is {} issues", hashes.len());
        for hash in hashes {
            let owner = owner.entry(hash).or_insert_with(|| family(&bug).to_owned());
            assert_eq!(owner, family(&bug));
        }
    }
}

#[test]
fn each_bug_of_the_shop_is_one_issue_over_its_releases() {
    each_bug_is_one_issue_apart_from_others("shop", &[]);
}

#[test]
fn each_bug_in_a_browser_is_one_issue() {
    each_bug_is_one_issue_apart_from_others("atelier", &[]);
}

#[test]
fn a_bug_in_three_minified_bundles_is_one_issue() {
    each_bug_is_one_issue_apart_from_others("desk", &[]);
}

#[test]
fn bugs_that_surface_in_one_helper_are_apart() {
    // Limits that whoever comes next meets, and broken input that several callers get, surface in several places.
    let several = ["depot-api/broken-file", "depot-jobs/files-open", "depot-jobs/broken-json"];
    each_bug_is_one_issue_apart_from_others("depot", &several);
}

#[test]
fn one_function_called_by_a_request_a_thread_and_a_job_is_one_issue() {
    let shop = issues("shop");
    let hashes: BTreeSet<[u8; 16]> =
        ["ratio-cron", "ratio-request", "ratio-thread"].iter().flat_map(|bug| &shop[*bug]).map(|g| g.hash).collect();
    assert_eq!(hashes.len(), 1);
}

#[test]
fn issues_are_called_what_a_developer_would_call_them() {
    let shop = issues("shop");
    let name = |bug: &str| {
        let group = &shop[bug][0];
        let top = group.top_frame.as_ref().and_then(|f| f.function.as_ref()).map_or("", |f| f.raw());
        (group.by, group.title.raw().to_owned(), top.to_owned())
    };
    let is = |bug, by, title: &str, top: &str| assert_eq!(name(bug), (by, title.to_owned(), top.to_owned()));
    is("discount", "stack", "TypeError: Cannot read properties of undefined (reading 'amount')", "applyDiscount");
    is("order-timeout", "chain", "Error: order search failed", "ordersByEmail");
    is("batch", "chain", "ExceptionGroup: batch had problems", "plan_batch");
    is("log-declined", "message", "payment 900 declined by bank", "");
    is("declined", "fingerprint", "Error: gateway declined card (51-3)", "Object.cardDeclined");
    assert_eq!(shop["discount"][0].culprit.as_ref().unwrap().raw(), "POST /checkout");
    let depot = issues("depot");
    assert_eq!(
        depot["depot-api/quote-size"][0].top_frame.as_ref().unwrap().function.as_ref().unwrap().raw(),
        "bandRate"
    );
}
