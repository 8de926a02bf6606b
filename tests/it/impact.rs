//! Whom an issue hits, since when, and which issues matter most: whole answers over planted histories.

use std::sync::Arc;

use prodsignal::{
    checkout::Checkouts,
    model::{SessionStatus, Timestamp},
    store::{IssueRef, Record, Scope, SignalStore},
    tools::{self, Ctx, Defaults},
};
use serde_json::{Value, json};

use crate::world::{Hit, START_S, World, at, hit, session, user_key};

/// The day after the last event.
const END: i64 = 28;

async fn ask(world: &World, tool: &str, arguments: Value) -> Value {
    let now = || Timestamp::from_second(START_S + END * 86_400).unwrap();
    let ctx = Ctx {
        store: Arc::new(world.second()),
        now,
        defaults: Defaults::default(),
        writes: None,
        code: Checkouts::none(),
    };
    let answer = (tools::find(tool).unwrap().call)(ctx, arguments).await;
    assert!(!answer.is_error, "{}", answer.text);
    answer.data
}

/// Numbers that look random and are the same on every run (SplitMix64).
fn dice(n: u64) -> u64 {
    let n = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n ^ (n >> 31)
}

/// Four weeks of other errors: two hundred users, by day more than by night, at weekends half as many; a new release
/// each week. It is the traffic against which an issue is seen.
fn traffic() -> Vec<Hit> {
    let hours = (0..END as u64 * 24).flat_map(|hour| {
        let (day, of_day) = (hour / 24, hour % 24);
        let busy = if (8..20).contains(&of_day) { 8 } else { 2 } / if day % 7 > 4 { 2 } else { 1 };
        (0..busy).map(move |k| (hour, k))
    });
    hours.map(|(hour, k)| other(hour * 16 + k, hour)).collect()
}

fn release_of(hour: u64) -> String {
    format!("shop@1.{}.0", hour / (7 * 24))
}

fn other(n: u64, hour: u64) -> Hit {
    let user = dice(n) % 200;
    person(hit(u128::from(n) + 1, "Noise", at(0, hour as i64 * 3_600 + (dice(n ^ 5) % 3_600) as i64)), user)
        .release(&release_of(hour))
}

/// A user's own tags: every fifth has Chrome 141, 142 or 143 each, the others Firefox.
fn person(hit: Hit, user: u64) -> Hit {
    let browser = match user % 5 {
        0 => "Chrome 141",
        1 => "Chrome 142",
        2 => "Chrome 143",
        _ => "Firefox 140",
    };
    hit.user(user).tag("browser", browser).tag("plan", if dice(user).is_multiple_of(2) { "free" } else { "paid" })
}

/// Hits of the issue in question, one each few hours, by `who` may be hit.
fn crash(hours: impl Iterator<Item = u64>, who: impl Fn(u64) -> bool) -> Vec<Hit> {
    let user = |hour: u64| (0..).map(|k| dice(hour * 31 + k) % 200).find(|user| who(*user)).unwrap();
    hours
        .map(|hour| {
            let hit = hit((1 << 64) + u128::from(hour), "Crash", at(0, hour as i64 * 3_600 + 1_200));
            person(hit, user(hour)).release(&release_of(hour))
        })
        .collect()
}

async fn world(hits: &[Hit]) -> World {
    let world = World::new();
    for part in hits.chunks(500) {
        world.hits(part).await;
    }
    world
}

async fn about_crash(hits: Vec<Hit>) -> (World, Value) {
    let world = world(&[traffic(), hits].concat()).await;
    let answer = ask(&world, "affected_users", json!({ "issue": "SHOP-2", "max_tokens": 6_000 })).await;
    (world, answer)
}

fn conditions(answer: &Value) -> Vec<String> {
    let said = |mark: &Value| {
        let part = |c: &Value| {
            format!("{}{}{}", c["tag"].as_str().unwrap(), c["op"].as_str().unwrap_or("="), c["value"].as_str().unwrap())
        };
        mark["conditions"].as_array().unwrap().iter().map(part).collect::<Vec<_>>().join(" ")
    };
    answer["attribution"].as_array().unwrap().iter().map(said).collect()
}

#[tokio::test]
async fn versions_from_one_on_mark_the_affected() {
    let (_, answer) = about_crash(crash((12..END as u64 * 24).step_by(9), |user| matches!(user % 5, 1 | 2))).await;
    assert_eq!(conditions(&answer), ["browser>=Chrome 142"]);
    let mark = &answer["attribution"][0];
    let said = mark["statement"].as_str().unwrap();
    assert!(said.contains("browser=Chrome 142 or later") && said.contains("users with other events"), "{said}");
    assert_eq!(mark["coverage"], 1.0);
    assert_eq!(answer["baseline"]["kind"], "other_events");
    assert_eq!(answer["onset"], Value::Null);
}

#[tokio::test]
async fn a_release_marks_those_it_broke_for() {
    let (_, answer) = about_crash(crash((21 * 24 + 3..END as u64 * 24).step_by(3), |_| true)).await;
    assert_eq!(conditions(&answer), ["release>=shop@1.3.0"]);
    let said = answer["attribution"][0]["statement"].as_str().unwrap();
    assert!(said.contains("in shop@1.3.0 or later, with 25 % of the use"), "{said}");
}

#[tokio::test]
async fn a_time_between_releases_is_named_as_such() {
    let begun = 25 * 24 + 9;
    let (world, answer) = about_crash(crash((begun..END as u64 * 24).step_by(1), |_| true)).await;
    assert_eq!(conditions(&answer), ["time>=2026-11-27T09:00:00Z"]);
    let said = answer["attribution"][0]["statement"].as_str().unwrap();
    assert!(said.contains("shop@1.3.0 began 4 d before"), "{said}");
    assert_eq!(answer["onset"]["at"], "2026-11-27T09:00:00Z");
    let scope = Scope { end: Some(at(END, 0)), ..Scope::default() };
    let facts = world.store.issue(&IssueRef::Named("SHOP-2".into()), &scope).await.unwrap();
    assert_eq!(facts.onset.map(|onset| (onset.at, onset.going_on)), Some((at(25, 9 * 3_600), true)));
}

#[tokio::test]
async fn nothing_is_named_where_nothing_was_planted() {
    let (_, answer) = about_crash(crash((5..END as u64 * 24).step_by(7), |_| true)).await;
    assert_eq!((conditions(&answer), &answer["onset"]), (vec![], &Value::Null));
    assert!(answer["attribution_note"].as_str().unwrap().starts_with("no tag or flag sets the affected apart"));
}

async fn change_of_crash(hits: Vec<Hit>) -> Value {
    let world = world(&[traffic(), hits].concat()).await;
    let listed = ask(&world, "list_issues", json!({ "period": "7d", "max_tokens": 6_000 })).await;
    listed["issues"].as_array().unwrap().iter().find(|issue| issue["short_id"] == "SHOP-2").unwrap().clone()
}

#[tokio::test]
async fn an_issue_that_grows_escalates_and_a_heavy_user_does_not_make_it() {
    let steady = || crash((3..END as u64 * 24).step_by(5), |_| true);
    let calm = change_of_crash(steady()).await;
    assert_eq!(calm["change"], "ongoing", "{calm}");
    // Two days of four different users an hour.
    let more = (0..48 * 4).map(|k| {
        let hit = hit((1 << 65) + k as u128, "Crash", at(26, k / 4 * 3_600 + k % 4 * 700));
        person(hit, dice(k as u64) % 200).release("shop@1.3.0")
    });
    let grown = change_of_crash([steady(), more.collect()].concat()).await;
    assert_eq!(grown["change"], "escalating", "{grown}");
    let why = grown["why"].as_str().unwrap();
    assert!(why.contains("since 2026-11-2") && why.contains("expected from the same hours before"), "{why}");
    // As many of one user alone.
    let heavy =
        (0..48 * 4).map(|k| person(hit((1 << 66) + k, "Crash", at(26, k as i64 * 900)), 7).release("shop@1.3.0"));
    let heavy = change_of_crash([steady(), heavy.collect()].concat()).await;
    assert_eq!(heavy["change"], "ongoing", "{heavy}");
}

#[tokio::test]
async fn what_broke_is_listed_and_noise_in_one_line() {
    let world = world(
        &[
            traffic(),
            crash((21 * 24 + 3..END as u64 * 24).step_by(40), |user| user < 9),
            (0..99)
                .map(|k| {
                    person(hit((1 << 67) + k, "Flat", at(k as i64 / 4, k as i64 * 300)), dice(k as u64) % 200)
                        .release(&release_of(k as u64 / 4 * 24))
                })
                .collect(),
        ]
        .concat(),
    )
    .await;
    let listed = ask(&world, "list_issues", json!({ "since_release": "shop@1.3.0", "max_tokens": 6_000 })).await;
    let order: Vec<&str> = listed["issues"].as_array().unwrap().iter().map(|i| i["change"].as_str().unwrap()).collect();
    assert_eq!(order, ["new"]);
    assert_eq!(listed["noise"], "2 unchanged older issues (show with change: [\"ongoing\"])");
    let why = listed["issues"][0]["why"].as_str().unwrap();
    assert!(
        why.starts_with("first seen in shop@1.3.0; absent from the 3 earlier releases; ")
            && why.contains("active users"),
        "{why}"
    );
    let all = ask(&world, "list_issues", json!({ "since_release": "shop@1.3.0", "change": ["new", "ongoing"] })).await;
    assert_eq!((all["issues"].as_array().unwrap().len(), &all["noise"]), (3, &Value::Null));
}

#[tokio::test]
async fn crash_free_rates_are_of_sessions_and_of_users() {
    let world = World::new();
    world.hits(&[hit(1, "Crash", at(1, 50)).release("app@1.0.0").user(1)]).await;
    // Ten sessions of four users; user 1 crashed twice, user 2 had an error that was caught.
    let mut sessions = Vec::new();
    for n in 0..10u8 {
        let user = u64::from(n % 4) + 1;
        let status = if matches!(n, 0 | 4) { SessionStatus::Crashed } else { SessionStatus::Exited };
        let mut state = session(u64::from(n), "app@1.0.0", at(1, i64::from(n)), status);
        (state.user, state.errors) = (Some(user_key(user)), u64::from(n == 1));
        sessions.push(Record::Session(state));
    }
    world.write("shop", sessions).await.unwrap();
    for baseline in ["other_events", "sessions", "all_users"] {
        let answer = ask(&world, "affected_users", json!({ "issue": "SHOP-1", "baseline": baseline })).await;
        let sessions = &answer["sessions"];
        assert_eq!((sessions["total"].as_u64(), sessions["affected"].as_u64()), (Some(10), Some(2)));
        assert_eq!((&sessions["crash_free_rate"], &sessions["crash_free_users"]), (&json!(0.8), &json!(0.75)));
        assert_eq!((&answer["users"]["active"], &answer["users"]["share"]), (&json!(4), &json!(0.25)));
        assert_eq!(answer["users"]["per_release"][0]["active_users"], 4);
        assert_eq!(answer["baseline"]["kind"], baseline);
    }
}
