//! One world, asked of every tool that counts: the same question has the same number, and what is left out is said.

use std::{collections::BTreeSet, sync::Arc};

use prodsignal::{
    checkout::Checkouts,
    model::SessionStatus,
    store::Record,
    tools::{self, Ctx, Defaults},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Hit, World, at, hit, session};

const RELEASES: [&str; 3] = ["shop@1.0.0", "shop@1.1.0", "shop@1.2.0"];
const ISSUES: [&str; 3] = ["cart", "search", "login"];
const DAYS: i64 = 8;
const AS_OF: (i64, i64) = (8, 1_800);

/// One event: which issue, when, of whom, where.
#[derive(Clone, Debug)]
struct Drawn {
    issue: usize,
    second: i64,
    user: Option<u64>,
    staging: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let user = prop_oneof![3 => (1..12_u64).prop_map(Some), 1 => Just(None)];
    (0..ISSUES.len(), 0..DAYS * 86_400, user, prop::bool::weighted(0.2))
        .prop_map(|(issue, second, user, staging)| Drawn { issue, second, user, staging })
}

fn release_at(second: i64) -> &'static str {
    RELEASES[usize::try_from(second / (3 * 86_400)).unwrap().min(2)]
}

impl Drawn {
    fn environment(&self) -> &'static str {
        if self.staging { "staging" } else { "production" }
    }

    fn hit(&self, id: usize) -> Hit {
        let made = hit((id as u128 + 1) << 64, ISSUES[self.issue], at(0, self.second))
            .release(release_at(self.second))
            .environment(self.environment());
        match self.user {
            Some(user) => made.user(user),
            None => made,
        }
    }
}

/// A scope as a call says it, and whether an event is in it.
struct Asked {
    arguments: Value,
    environment: Option<&'static str>,
    days: i64,
}

impl Asked {
    fn takes(&self, event: &Drawn) -> bool {
        let end = AS_OF.0 * 86_400 + AS_OF.1;
        (end - self.days * 86_400..=end).contains(&event.second)
            && self.environment.is_none_or(|name| name == event.environment())
    }

    fn with(&self, more: Value) -> Value {
        let mut all = self.arguments.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    }
}

fn scopes() -> Vec<Asked> {
    let mut all = Vec::new();
    for environment in [None, Some("production")] {
        for days in [3, 14] {
            let mut arguments = json!({ "period": format!("{days}d"), "max_tokens": 20_000 });
            if let Some(name) = environment {
                arguments["environment"] = json!(name);
            }
            all.push(Asked { arguments, environment, days });
        }
    }
    all
}

async fn call(ctx: &Ctx, tool: &str, arguments: Value) -> Value {
    let answer = (tools::find(tool).unwrap().call)(ctx.clone(), arguments.clone()).await;
    assert!(!answer.is_error, "{tool} {arguments}: {}", answer.text);
    answer.data
}

/// All tools on one issue in one scope, against the events themselves.
async fn compare(ctx: &Ctx, asked: &Asked, events: &[Drawn], row: &Value) {
    let issue = &row["short_id"];
    let name = row["value"].as_str().unwrap().split(' ').next().unwrap();
    let own = || events.iter().filter(|event| ISSUES[event.issue] == name && asked.takes(event));
    let users: BTreeSet<u64> = own().filter_map(|event| event.user).collect();
    let counted = (json!(own().count()), json!(users.len()));
    // Where no event names a user, nobody knows how many they are.
    let wanted = if users.is_empty() { (counted.0.clone(), Value::Null) } else { counted.clone() };
    let hint = |tool: &str| format!("{tool} of {issue} in {}", asked.arguments);
    assert_eq!((row["events"].clone(), row["users"].clone()), wanted, "{}", hint("list_issues"));
    let affected = call(ctx, "affected_users", asked.with(json!({ "issue": issue }))).await;
    assert_eq!(
        (affected["events"].clone(), affected["users"]["in_period"].clone()),
        wanted,
        "{}",
        hint("affected_users")
    );
    let diagnosis = call(ctx, "diagnose_issue", asked.with(json!({ "issue": issue }))).await;
    assert_eq!(
        (diagnosis["who"]["events"].clone(), diagnosis["who"]["users"].clone()),
        wanted,
        "{}",
        hint("diagnose_issue")
    );
    let query = json!({ "query": format!("issue:{}", issue.as_str().unwrap()), "group_by": ["issue"], "aggregate": ["count()", "count_unique(user)"] });
    let found = call(ctx, "search_events", asked.with(query)).await;
    let cells = &found["rows"][0];
    assert_eq!(
        (cells["count()"].clone(), cells["count_unique(user)"].clone()),
        counted,
        "{}: {found}",
        hint("search_events")
    );
    // Shares have the same base, and each answer says what it counts in the same words.
    let active = affected["users"]["active"].as_f64().unwrap();
    let share = users.len() as f64 / active;
    for told in [&row["share"], &affected["users"]["share"]] {
        let alike = told.as_f64().map_or(users.is_empty(), |told| (told - share).abs() < 0.001);
        assert!(alike, "{}: {told} {share}", hint("share"));
    }
    assert_eq!(affected["counted"], diagnosis["who"]["counted"]);
    let by_release: u64 =
        affected["users"]["per_release"].as_array().unwrap().iter().map(|r| r["users"].as_u64().unwrap()).sum();
    assert!(by_release >= users.len() as u64);
}

/// What `verify_fix_since_release` counts on both sides, and what it says that it leaves out, are all events there are.
async fn verified(ctx: &Ctx, events: &[Drawn], row: &Value) {
    let name = row["value"].as_str().unwrap().split(' ').next().unwrap();
    let asked =
        json!({ "issue": row["short_id"], "release": "shop@1.1.0", "environment": "production", "max_tokens": 20_000 });
    let answer = call(ctx, "verify_fix_since_release", asked).await;
    if answer["verdict"] == "not_deployed" {
        return;
    }
    let counted: u64 = ["before", "after"].iter().map(|side| answer[side]["events"].as_u64().unwrap_or(0)).sum();
    let warnings: Vec<&str> = answer["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    let said = warnings.iter().find_map(|warning| warning.strip_prefix("not counted here: ")).unwrap_or("");
    let left_out: u64 = said.split("; ").filter_map(|part| part.split(' ').next()?.parse::<u64>().ok()).sum();
    let own = events.iter().filter(|event| ISSUES[event.issue] == name && !event.staging).count() as u64;
    assert_eq!(counted + left_out, own, "{}: {warnings:?}", row["short_id"]);
}

#[tokio::test]
async fn what_somebody_decided_can_be_read() {
    let world = World::new();
    world.hits(&[hit(1 << 64, "cart", at(1, 0)).release("shop@1.0.0").user(1)]).await;
    let store = Arc::new(world.second());
    let now = || at(2, 0);
    let ctx =
        Ctx { store: store.clone(), now, defaults: Defaults::default(), writes: Some(store), code: Checkouts::none() };
    let asked = json!({ "issue": "SHOP-1", "max_tokens": 8_000 });
    assert_eq!(call(&ctx, "diagnose_issue", asked.clone()).await["decided"], json!({ "status": "unresolved" }));
    let decision =
        json!({ "issue": "SHOP-1", "status": "ignored", "assignee": "team-cart", "comment": "a test shop alone" });
    call(&ctx, "update_issue", decision).await;
    let told = call(&ctx, "diagnose_issue", asked).await;
    assert_eq!((&told["decided"]["status"], &told["decided"]["assignee"]), (&json!("ignored"), &json!("team-cart")));
    assert_eq!(told["decided"]["comments"][0]["text"], "a test shop alone");
    // As of a moment before, nothing had been said.
    let before = json!({ "issue": "SHOP-1", "as_of": at(1, 3_600).to_string(), "max_tokens": 8_000 });
    assert_eq!(call(&ctx, "diagnose_issue", before).await["decided"]["comments"], Value::Null);
}

#[tokio::test]
async fn a_version_of_several_packages_means_the_one_with_the_issue_or_none() {
    let world = World::new();
    let of = |n: u128, issue: &str, release: &str, day| hit(n << 64, issue, at(day, 0)).release(release).user(n as u64);
    world
        .hits(&[
            of(1, "cart", "web@1.0.0", 1),
            of(2, "pay", "api@1.0.0", 1),
            of(3, "both", "web@1.0.0", 1),
            of(4, "both", "api@1.0.0", 1),
            of(5, "other", "web@1.1.0", 3),
            of(6, "other", "api@1.1.0", 4),
        ])
        .await;
    let now = || at(6, 0);
    let store = Arc::new(world.second());
    let ctx = Ctx { store, now, defaults: Defaults::default(), writes: None, code: Checkouts::none() };
    let listed = call(&ctx, "list_issues", json!({ "max_tokens": 8_000 })).await;
    let id = |name: &str| {
        let rows = listed["issues"].as_array().unwrap();
        rows.iter().find(|row| row["value"].as_str().unwrap().starts_with(name)).unwrap()["short_id"].clone()
    };
    for (issue, release) in [("cart", "web@1.1.0"), ("pay", "api@1.1.0")] {
        let told = call(&ctx, "verify_fix_since_release", json!({ "issue": id(issue), "release": "1.1.0" })).await;
        assert!(told["statement"].as_str().unwrap().contains(release), "{}", told["statement"]);
    }
    let asked = json!({ "issue": id("both"), "release": "1.1.0" });
    let refused = (tools::find("verify_fix_since_release").unwrap().call)(ctx.clone(), asked).await;
    assert_eq!(refused.data["error"]["kind"], "invalid_input", "{}", refused.text);
    assert!(refused.text.contains("web@1.1.0") && refused.text.contains("api@1.1.0"), "{}", refused.text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_tools_count_alike(events in prop::collection::vec(drawn(), 1..60), visits in prop::collection::vec((1..20_u64, 0..DAYS * 86_400), 0..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let hits: Vec<Hit> = events.iter().enumerate().map(|(id, event)| event.hit(id)).collect();
            world.hits(&hits).await;
            let visit = |(n, (user, second)): (usize, &(u64, i64))| {
                let mut visit = session(n as u64, release_at(*second), at(0, *second), SessionStatus::Exited);
                visit.user = Some(crate::world::user_key(*user));
                visit.environment = Some("production".into());
                Record::Session(visit)
            };
            world.write("shop", visits.iter().enumerate().map(visit).collect()).await.unwrap();
            let now = || at(AS_OF.0, AS_OF.1);
            let ctx = Ctx { store: Arc::new(world.second()), now, defaults: Defaults::default(), writes: None, code: Checkouts::none() };
            for asked in scopes() {
                if !events.iter().any(|event| asked.environment.is_none_or(|name| name == event.environment())) {
                    continue;
                }
                let listed = call(&ctx, "list_issues", asked.with(json!({}))).await;
                let rows = listed["issues"].as_array().unwrap();
                let names: BTreeSet<usize> = events.iter().filter(|event| asked.takes(event)).map(|event| event.issue).collect();
                assert_eq!(rows.len(), names.len(), "{listed}");
                for row in rows {
                    compare(&ctx, &asked, &events, row).await;
                }
            }
            if events.iter().any(|event| !event.staging) {
                let listed = call(&ctx, "list_issues", json!({ "environment": "production", "max_tokens": 20_000 })).await;
                for row in listed["issues"].as_array().unwrap() {
                    verified(&ctx, &events, row).await;
                }
            }
        });
    }
}
