//! Tests of feed: each change is told once, to everybody who asked, over restarts; claims; fixes that are stayed with.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use prodsignal::{
    backend::embedded::EmbeddedStore,
    checkout::Checkouts,
    feed::{Choice, Looker},
    model::{Status, Timestamp},
    store::{
        Claim, Delivery, FeedStore, FindingKind, IssueRef, NewFinding, Record, Scope, SignalStore, SignalWrite,
        WatchedFix,
    },
    tools::{self, Ctx, Defaults},
};
use serde_json::{Value, json};

use crate::{
    program::{Server, Store},
    verify::store::{crash, shop, visit},
    world::{Hit, World, at, hit},
};

fn change(n: u64) -> NewFinding {
    NewFinding {
        once: format!("new/{n}"),
        at: at(1, 0),
        kind: FindingKind::New,
        project: "shop".to_owned(),
        issue: None,
        release: None,
        statement: "something".into(),
    }
}

#[tokio::test]
async fn a_thousand_changes_reach_a_hundred_readers_and_two_queues_once_each() {
    let world = World::new();
    let mut readers = vec![(0_u64, Vec::<u64>::new()); 100];
    for target in ["one", "other"] {
        world.store.subscribe(target, None).await.unwrap();
    }
    for batch in 0..20 {
        // Another process finds the same: it is the same.
        let writer = if batch % 2 == 0 { None } else { Some(world.second()) };
        let changes: Vec<_> = (batch * 50..(batch + 1) * 50).map(change).collect();
        let fresh = writer.as_ref().unwrap_or(&world.store).record(changes.clone()).await.unwrap();
        assert_eq!(fresh, 50);
        assert_eq!(world.store.record(changes).await.unwrap(), 0, "written a second time");
        for (at, (after, got)) in readers.iter_mut().enumerate() {
            // A slow one reads rarely, and little at once.
            if at % 10 == 0 && batch % 3 != 0 {
                continue;
            }
            for finding in world.store.findings(*after, if at % 10 == 0 { 7 } else { 1_000 }).await.unwrap() {
                *after = finding.id;
                got.push(finding.id);
            }
        }
    }
    for (after, got) in &mut readers {
        // After a restart it goes on where it was.
        got.extend(world.second().findings(*after, 2_000).await.unwrap().iter().map(|finding| finding.id));
        assert_eq!(*got, (1..=1_000).collect::<Vec<_>>());
    }
    for target in ["one", "other"] {
        let mut got = Vec::new();
        for n in 0..40 {
            let store = world.second();
            let (finding, tries) = store.take(target, at(2, n), at(2, n + 600)).await.unwrap().expect("one more");
            assert_eq!(tries, 0);
            got.push(finding.id);
            store.settle(target, finding.id, Delivery::Done).await.unwrap();
        }
        assert_eq!(got, (1..=40).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_entry_is_one_processs_until_its_time_is_over_and_comes_again_after_a_failure() {
    let world = World::new();
    world.store.subscribe("hook", None).await.unwrap();
    world.store.record(vec![change(1), change(2)]).await.unwrap();
    let (first, _) = world.store.take("hook", at(1, 0), at(1, 60)).await.unwrap().unwrap();
    let (second, _) = world.second().take("hook", at(1, 1), at(1, 60)).await.unwrap().unwrap();
    assert_eq!((first.id, second.id), (1, 2), "two processes get two entries");
    assert_eq!(world.store.take("hook", at(1, 2), at(1, 60)).await.unwrap(), None);
    world.store.settle("hook", 2, Delivery::Done).await.unwrap();
    world.store.settle("hook", 1, Delivery::Again(at(1, 300))).await.unwrap();
    assert_eq!(world.store.take("hook", at(1, 299), at(1, 400)).await.unwrap(), None, "not before its time");
    let (again, tries) = world.store.take("hook", at(1, 300), at(1, 400)).await.unwrap().unwrap();
    assert_eq!((again.id, tries), (1, 1));
    let (crashed, tries) = world.store.take("hook", at(1, 401), at(1, 500)).await.unwrap().unwrap();
    assert_eq!((crashed.id, tries), (1, 2), "its holder is gone");
    world.store.settle("hook", 1, Delivery::Gone).await.unwrap();
    assert_eq!(world.store.take("hook", at(2, 0), at(2, 60)).await.unwrap(), None);
    world.store.subscribe("hook", None).await.unwrap();
    assert_eq!(world.store.take("hook", at(2, 0), at(2, 60)).await.unwrap().unwrap().0.id, 1, "wanted again");
}

#[tokio::test]
async fn two_never_hold_the_same_issue() {
    let world = World::new();
    let claim = |who: &str, until| Claim { issue: 7, who: who.into(), until };
    assert_eq!(world.store.claim(claim("one", at(1, 100)), at(1, 0)).await.unwrap(), None);
    let held = world.second().claim(claim("other", at(1, 200)), at(1, 50)).await.unwrap().unwrap();
    assert_eq!(held.who.raw(), "one");
    assert_eq!(world.store.claim(claim("one", at(1, 150)), at(1, 60)).await.unwrap(), None, "longer for oneself");
    assert_eq!(world.store.claims(at(1, 149)).await.unwrap().len(), 1);
    assert_eq!(world.store.claims(at(1, 150)).await.unwrap(), Vec::new(), "its time is over");
    assert_eq!(world.store.claim(claim("other", at(1, 400)), at(1, 200)).await.unwrap(), None);
}

/// The clock of the loop below.
static CLOCK: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    Timestamp::from_second(CLOCK.load(Ordering::SeqCst)).unwrap()
}

fn set(day: i64, second: i64) {
    CLOCK.store(at(day, second).as_second(), Ordering::SeqCst);
}

async fn status(store: &EmbeddedStore) -> Status {
    store.issue(&IssueRef::Named("SHOP-1".into()), &Scope::default()).await.unwrap().issue.status
}

/// Break, feed, claim, fix, release, verdict, relapse, opened again.
#[tokio::test]
async fn the_loop_is_closed_from_the_break_to_the_relapse() {
    let world = shop(false).await;
    let store = Arc::new(world.second());
    let writes: Arc<dyn SignalWrite> = store.clone();
    let defaults = Defaults { environment: Some("production".to_owned()), ..Defaults::default() };
    let ctx = Ctx { store: store.clone(), now: clock, defaults, writes: Some(writes), code: Checkouts::none() };
    let mut looker = Looker::new(ctx.clone(), store.clone(), Choice { share: Some(0.01) });

    set(9, 80_000);
    assert!(looker.look().await.unwrap() > 0);
    let told = store.findings(0, 100).await.unwrap();
    let broke = told.iter().find(|finding| finding.change.kind == FindingKind::New).expect("told of the new issue");
    assert_eq!(broke.change.issue.as_ref().unwrap().short_id, "SHOP-1");
    assert!(told.iter().any(|finding| finding.change.kind == FindingKind::Share), "{told:?}");
    assert_eq!(looker.look().await.unwrap(), 0, "told once");

    let update = tools::find("update_issue").unwrap();
    let claim =
        |who: &str| (update.call)(ctx.clone(), json!({ "issue": "SHOP-1", "claim": who, "claim_minutes": 10_000 }));
    assert_eq!(claim("first agent").await.data["claimed"]["by"], "first agent");
    let second = claim("second agent").await;
    assert!(second.is_error && second.text.contains("first agent"), "{}", second.text);
    let list = tools::find("list_issues").unwrap();
    let listed = (list.call)(ctx.clone(), json!({ "period": "14d" })).await;
    assert_eq!(listed.data["issues"][0]["claimed"]["by"], "first agent", "{}", listed.data);

    let fix = WatchedFix {
        issue: 1,
        release: "shop@2.3.0".into(),
        environment: "production".into(),
        until: at(60, 0),
        verdict: None,
    };
    store.watch_fix(fix).await.unwrap();
    set(14, 0);
    looker.look().await.unwrap();
    let last = store.findings(0, 100).await.unwrap().pop().unwrap();
    assert_eq!(last.change.kind, FindingKind::Verified, "{last:?}");
    assert_eq!(status(&store).await, Status::Resolved);
    assert_eq!(store.claims(clock()).await.unwrap(), Vec::new(), "what is mended is nobody's work");

    for day in 14..20 {
        let (mut records, mut crashes) = (Vec::new(), Vec::<Hit>::new());
        for n in 0..320_u64 {
            let (id, second) = (1_000_000 + day as u64 * 1_000 + n, 21_600 + n as i64 * 180);
            records.push(Record::Session(visit(id, id % 4_001, "shop@2.3.0", day, second)));
            if n % 3 == 0 {
                crashes.push(crash(id, id % 4_001, "shop@2.3.0", day, second + 5));
            }
        }
        world.write("shop", records).await.unwrap();
        world.hits(&crashes).await;
    }
    set(20, 0);
    looker.look().await.unwrap();
    let told = store.findings(last.id, 100).await.unwrap();
    let relapsed = told.iter().find(|finding| finding.change.kind == FindingKind::Relapsed);
    assert!(relapsed.is_some(), "{told:?}");
    assert_eq!(status(&store).await, Status::Unresolved, "opened again");
}

#[tokio::test]
async fn old_builds_that_go_on_failing_are_no_change() {
    let world = World::new();
    let store = Arc::new(world.second());
    let ctx = Ctx {
        store: store.clone(),
        now: || at(5, 3_600),
        defaults: Defaults::default(),
        writes: None,
        code: Checkouts::none(),
    };
    let old: Vec<Hit> =
        (0..20).map(|n| hit(n + 1, "old", at(1, n as i64)).release("shop@1.0.0").user(n as u64)).collect();
    world.hits(&old).await;
    world.hits(&[hit(100, "other", at(3, 0)).release("shop@1.1.0").user(1)]).await;
    let mut looker = Looker::new(ctx, store.clone(), Choice::default());
    looker.look().await.unwrap();
    let before = store.last_finding().await.unwrap();
    let again: Vec<Hit> =
        (0..20).map(|n| hit(n + 200, "old", at(5, n as i64)).release("shop@1.0.0").user(n as u64)).collect();
    world.hits(&again).await;
    looker.look().await.unwrap();
    let told = store.findings(before, 10).await.unwrap();
    assert!(told.iter().all(|finding| finding.change.kind != FindingKind::Regressed), "{told:?}");
}

/// An envelope with one failure now.
pub fn failure(id: u8, text: &str) -> String {
    // A moment ago, by the clock of the program under test.
    let now = crate::program::now().saturating_sub(jiff::SignedDuration::from_secs(1)).unwrap().to_string();
    let event = json!({
        "event_id": format!("{id:02x}").repeat(16), "timestamp": now, "platform": "node", "release": "till@1.2.0",
        "user": { "id": "17" }, "exception": { "values": [{ "type": text, "value": "failed", "stacktrace": { "frames": [
            { "function": text, "filename": format!("/app/{text}.js"), "lineno": 3, "in_app": true } ] } }] },
    });
    format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n")
}

fn lines(store: &Store, words: &[&str]) -> Vec<Value> {
    store.ok(words).lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn watch_prints_each_change_once_and_resumes() {
    let store = Store::new();
    store.import("till", &[failure(1, "FirstError")]);
    let first = lines(&store, &["watch", "--json", "--once", "--since", "0"]);
    assert_eq!(first.len(), 1, "{first:?}");
    let told = &first[0];
    assert_eq!(
        (&told["kind"], &told["project"], &told["release"]),
        (&json!("new"), &json!("till"), &json!("till@1.2.0"))
    );
    assert_eq!(told["issue"]["short_id"], "TILL-1");
    assert!(told["statement"].as_str().unwrap().contains("TILL-1 is new"), "{told}");
    assert!(told["brief"].as_str().unwrap().contains("FirstError"), "{told}");
    assert!(["high", "medium", "low"].contains(&told["actionable"]["level"].as_str().unwrap()), "{told}");
    assert!(told["next_call"].as_str().unwrap().starts_with("diagnose_issue"), "{told}");
    assert!(store.ok(&["watch", "--once"]).is_empty(), "what was there is no news");
    store.import("till", &[failure(2, "SecondError")]);
    let id = told["id"].to_string();
    let second = lines(&store, &["watch", "--json", "--once", "--since", &id]);
    assert_eq!(second.len(), 1, "{second:?}");
    assert_eq!(second[0]["issue"]["short_id"], "TILL-2");
    assert_eq!(lines(&store, &["watch", "--json", "--once", "--since", "0", "--mute", "till-2"]).len(), 1);
    assert_eq!(lines(&store, &["watch", "--json", "--once", "--since", "0", "--min-users", "5"]).len(), 0);
    assert_eq!(lines(&store, &["watch", "--json", "--once", "--since", "0", "--kinds", "loss"]).len(), 0);
}

#[test]
fn a_running_watch_hears_of_what_serve_takes() {
    let store = Store::new();
    let server = store.serve();
    let dsn = server.dsn(&store, "till");
    let mut child = store.command(&["watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let heard = std::thread::spawn(move || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        line
    });
    // What is there before it looks first is old news to it: failures come until it tells of one.
    for id in 1..=255 {
        if heard.is_finished() {
            break;
        }
        send(&server, &dsn, &failure(id, &format!("Error{id}")));
        store.ok(&["watch", "--once"]);
    }
    let line = heard.join().unwrap();
    let told: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
    assert_eq!(told["kind"], "new", "{told}");
    let _ = child.kill();
    let _ = child.wait();
}

fn send(server: &Server, dsn: &str, envelope: &str) {
    let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let id = place.rsplit('/').next().unwrap();
    let auth = format!("Sentry sentry_key={key}, sentry_version=7");
    let answer = crate::program::http(
        "POST",
        &format!("{}/api/{id}/envelope/", server.url),
        &[("X-Sentry-Auth", &auth)],
        envelope.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
#[cfg(unix)]
fn a_command_gets_the_finding_on_its_input_and_a_claim() {
    let store = Store::new();
    store.import("till", &[failure(1, "FirstError"), failure(2, "$(touch pwned)")]);
    let folder = tempfile::tempdir().unwrap();
    let command = format!("cat >> {}/got", folder.path().display());
    let words = ["--allow-writes", "watch", "--once", "--since", "0", "--exec", &command];
    let done = store.command(&words).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let got = std::fs::read_to_string(folder.path().join("got")).unwrap();
    let got: Vec<Value> = got.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(got.len(), 2, "{got:?}");
    assert!(!folder.path().join("pwned").exists());
    let issues = store.call("list_issues", json!({}));
    assert!(issues["issues"].as_array().unwrap().iter().all(|issue| issue["claimed"]["by"].is_string()), "{issues}");
    // The same command is not run twice for the same entry.
    let again = store.command(&["--allow-writes", "watch", "--once", "--exec", &command]).output().unwrap();
    assert!(again.status.success());
    assert_eq!(std::fs::read_to_string(folder.path().join("got")).unwrap().lines().count(), 2);
}

/// Answers each request with the next status, and gives what was posted.
pub fn receiver(statuses: Vec<u16>) -> (String, std::thread::JoinHandle<Vec<(String, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let mut got = Vec::new();
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
                head += &line;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            got.push((head, String::from_utf8(body).unwrap()));
        }
        got
    });
    (url, heard)
}

#[test]
fn a_webhook_that_fails_is_tried_again_and_one_that_is_gone_is_not() {
    let store = Store::new();
    store.import("till", &[failure(1, "FirstError"), failure(2, "SecondError")]);
    let (url, heard) = receiver(vec![500, 200, 200]);
    let mut command = store.command(&["watch", "--since", "0", "--webhook", &url]);
    let mut child = command.env("PRODSIGNAL_WEBHOOK_SECRET", "Jefe").spawn().unwrap();
    let got = heard.join().unwrap();
    let _ = child.kill();
    let _ = child.wait();
    assert!(got[0].0.to_ascii_lowercase().contains("x-prodsignal-signature: sha256="), "{}", got[0].0);
    let mut ids: Vec<u64> =
        got.iter().map(|(_, body)| serde_json::from_str::<Value>(body).unwrap()["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 1, 2], "the one that failed came again");

    let (url, heard) = receiver(vec![410]);
    store.ok(&["watch", "--since", "0", "--once", "--webhook", &url]);
    assert_eq!(heard.join().unwrap().len(), 1, "told of nothing after it was gone");
}

#[test]
fn a_digest_is_one_message_with_the_worst_first() {
    let store = Store::new();
    let of = |id: u8, text: &str, user: &str| failure(id, text).replace("\"id\":\"17\"", &format!("\"id\":\"{user}\""));
    store.import("till", &[failure(1, "FirstError"), of(2, "SecondError", "a"), of(3, "SecondError", "b")]);
    let text = store.ok(&["watch", "--once", "--since", "0", "--digest", "09:00"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "2 changes in production"), "{text}");
    assert!(lines[1].contains("TILL-2") && lines[2].contains("TILL-1"), "two users before one: {text}");
    let (url, heard) = receiver(vec![200]);
    store.ok(&["watch", "--once", "--since", "0", "--digest", "09:00", "--mute", "TILL-1", "--webhook", &url]);
    let got: Value = serde_json::from_str(&heard.join().unwrap()[0].1).unwrap();
    assert_eq!(got["total"], 1, "what is muted is not posted either: {got}");
    assert_eq!(got["digest"][0]["issue"]["short_id"], "TILL-2");
    // All were told of: the next has nothing to say, and says nothing.
    store.ok(&["watch", "--once", "--digest", "09:00", "--webhook", &url]);
    assert_eq!(store.run(&["watch", "--digest", "9 o'clock"]).status.code(), Some(2));
}

#[test]
fn a_channel_pushes_what_breaks_into_the_session() {
    let store = Store::new();
    store.import("till", &[failure(1, "OldError")]);
    let mut child =
        store.command(&["stdio", "--channel"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let greet = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": { "name": "claude-code", "version": "2.1.80" } } });
    writeln!(stdin, "{greet}\n{}", json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).unwrap();
    let (sender, told) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        let lines = stdout.lines().map_while(Result::ok).filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        lines.for_each(|message| drop(sender.send(message)));
    });
    let next = || told.recv_timeout(std::time::Duration::from_secs(120)).expect("a message");
    let greeted = next();
    assert!(greeted["result"]["capabilities"]["experimental"]["claude/channel"].is_object(), "{greeted}");
    // Until it has looked once, what comes is old news to it.
    let mut pushed = None;
    for id in 2..=60 {
        store.import("till", &[failure(id, &format!("New{id}Error"))]);
        if let Ok(message) = told.recv_timeout(std::time::Duration::from_secs(4)) {
            pushed = Some(message);
            break;
        }
    }
    let pushed = pushed.expect("something is pushed");
    assert_eq!(pushed["method"], "notifications/claude/channel", "{pushed}");
    let content = pushed["params"]["content"].as_str().unwrap();
    assert!(content.contains("is new") && !content.contains("OldError"), "{content}");
    assert!(content.contains("never an instruction") && content.contains("diagnose_issue"), "{content}");
    assert_eq!(pushed["params"]["meta"]["project"], "till");
    drop(stdin);
    assert!(child.wait().unwrap().success());
    reading.join().unwrap();
}

#[test]
fn a_hand_off_says_it_all_in_its_budget() {
    let store = Store::new();
    store.import("till", &[include_str!("../data/till.envelope").to_owned()]);
    let brief = store.ok(&["brief", "TILL-1"]);
    for part in ["TypeError", "chargeCard", "pay.js:12", "Verify after the release", "worth an agent"] {
        assert!(brief.contains(part), "{part}: {brief}");
    }
    let tokens = tiktoken_rs::o200k_base().unwrap().encode_ordinary(&brief).len();
    assert!(tokens <= 1_500, "{tokens}");
    assert_eq!(store.run(&["brief", "TILL-99"]).status.code(), Some(1));
}
