use std::{
    sync::atomic::{AtomicBool, AtomicUsize},
    time::Duration,
};

use tokio::sync::Semaphore;

use super::*;
use crate::{
    backend::sentry::operation::{EVENT_ID, ISSUES, PROJECTS},
    model::Untrusted,
};

const LONG: Duration = Duration::from_secs(60);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

fn reply(body: impl Into<Bytes>) -> Reply {
    Reply { body: body.into(), next: None, date: None, loaded: Instant::now() }
}

fn ask(search: &str) -> Ask {
    Ask::new(&ISSUES).param("query", search)
}

fn tenant(n: u8) -> Tenant {
    Tenant::new(&[n; 32], &["https://sentry.example/", "acme"])
}

/// A server that counts what it is asked and answers when it is let.
struct Slow {
    replies: Replies,
    loads: AtomicUsize,
    gate: Semaphore,
    fails: AtomicBool,
}

impl Slow {
    fn new(open: usize, replies: Replies) -> Arc<Self> {
        let (loads, fails) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Self { replies, loads, gate: Semaphore::new(open), fails })
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    async fn get(&self, tenant: &Tenant, ask: &Ask) -> Result<(Reply, bool), RequestError> {
        let load = async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            let _open = self.gate.acquire().await.unwrap();
            if self.fails.load(Ordering::SeqCst) {
                return Err(RequestError::Broken("failed", Untrusted::default()));
            }
            Ok(reply("[]"))
        };
        self.replies.get(tenant, (ask, now()), LONG, load).await
    }
}

fn replies() -> Replies {
    Replies::new(1 << 20, Ttl::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_questions_of_two_tenants_never_cross() {
    let replies = replies();
    let asks = (0..10_000_usize).map(|n| {
        let (replies, own) = (replies.clone(), u8::try_from(n % 2).unwrap());
        tokio::spawn(async move {
            // Some of them new, so that loads and hits mix.
            let ask = ask(&if n.is_multiple_of(7) { (n / 50).to_string() } else { String::new() });
            let load = async {
                tokio::task::yield_now().await;
                Ok(reply(vec![own]))
            };
            let (found, _) = replies.get(&tenant(own), (&ask, now()), LONG, load).await.unwrap();
            assert_eq!(*found.body, [own]);
        })
    });
    for ask in asks.collect::<Vec<_>>() {
        ask.await.unwrap();
    }
}

#[tokio::test]
async fn fifty_equal_questions_in_two_scopes_are_two_requests() {
    let server = Slow::new(0, replies());
    let ask_one = |n: usize| {
        let server = server.clone();
        tokio::spawn(async move { server.get(&tenant(1), &ask(if n.is_multiple_of(2) { "a" } else { "b" })).await })
    };
    let asks: Vec<_> = (0..50).map(ask_one).collect();
    while server.loads() < 2 {
        tokio::task::yield_now().await;
    }
    server.gate.add_permits(50);
    for ask in asks {
        assert!(ask.await.unwrap().is_ok());
    }
    assert_eq!(server.loads(), 2);
}

#[tokio::test]
async fn a_cancelled_leader_leaves_nobody_hanging() {
    let server = Slow::new(0, replies());
    let ask_one = || {
        let server = server.clone();
        tokio::spawn(async move { server.get(&tenant(1), &ask("a")).await })
    };
    let leader = ask_one();
    while server.loads() < 1 {
        tokio::task::yield_now().await;
    }
    let next = ask_one();
    tokio::task::yield_now().await;
    leader.abort();
    while server.loads() < 2 {
        tokio::task::yield_now().await;
    }
    server.gate.add_permits(9);
    assert!(next.await.unwrap().is_ok());
    assert_eq!(server.loads(), 2);
}

#[tokio::test]
async fn only_that_something_is_not_there_is_kept_of_all_failures() {
    let said = Untrusted::default();
    for (fault, loads) in [
        (RequestError::NotThere, 1),
        (RequestError::Forbidden(&ISSUES), 3),
        (RequestError::Refused(said.clone()), 3),
        (RequestError::Unauthorized, 3),
        (RequestError::Limited { retry_after_s: 1 }, 3),
        (RequestError::Timeout, 3),
        (RequestError::Broken("answered with nothing", said), 3),
        (RequestError::Strange("answered with a page"), 3),
    ] {
        let (replies, sent) = (replies(), AtomicUsize::new(0));
        for _ in 0..3 {
            let load = async {
                sent.fetch_add(1, Ordering::SeqCst);
                Err(fault.clone())
            };
            let found = replies.get(&tenant(1), (&ask(""), now()), LONG, load).await;
            assert_eq!(format!("{:?}", found.unwrap_err()), format!("{fault:?}"));
        }
        assert_eq!(sent.load(Ordering::SeqCst), loads, "{fault:?}");
    }
}

#[tokio::test]
async fn a_reply_past_its_time_serves_while_the_server_fails_and_is_marked() {
    let lives = Ttl { moving: Duration::ZERO, ..Ttl::default() };
    let server = Slow::new(9, Replies::new(1 << 20, lives));
    let asked = async || server.get(&tenant(1), &ask("a")).await;
    assert!(!asked().await.unwrap().1);
    server.fails.store(true, Ordering::SeqCst);
    assert!(asked().await.unwrap().1, "stale");
    assert!(server.get(&tenant(1), &ask("b")).await.is_err(), "never known");
    assert_eq!(server.loads(), 3);
    server.replies.forget();
    assert!(asked().await.is_err());
}

#[tokio::test]
async fn a_token_that_is_refused_sees_nothing_any_more() {
    let replies = replies();
    let get = async |search: &str, load| {
        let load = async { load };
        replies.get(&tenant(1), (&ask(search), now()), LONG, load).await
    };
    get("a", Ok(reply("[]"))).await.unwrap();
    assert!(get("b", Err(RequestError::Unauthorized)).await.is_err());
    assert!(get("a", Err(RequestError::Timeout)).await.is_err(), "not even what was fresh");
}

#[tokio::test]
async fn what_was_under_way_at_a_write_is_not_found_after_it() {
    let server = Slow::new(0, replies());
    let slow = {
        let server = server.clone();
        tokio::spawn(async move { server.get(&tenant(1), &ask("a")).await })
    };
    while server.loads() < 1 {
        tokio::task::yield_now().await;
    }
    server.replies.forget();
    server.gate.add_permits(9);
    assert!(slow.await.unwrap().is_ok());
    server.get(&tenant(1), &ask("a")).await.unwrap();
    assert_eq!(server.loads(), 2);
}

#[tokio::test]
async fn a_wait_has_an_end() {
    let replies = replies();
    let never = std::future::pending::<Result<Reply, RequestError>>();
    let found = replies.get(&tenant(1), (&ask("a"), now()), Duration::ZERO, never).await;
    assert!(matches!(found, Err(RequestError::Timeout)));
}

#[tokio::test]
async fn bytes_are_bounded() {
    let replies = Replies::new(100_000, Ttl::default());
    for n in 0..500 {
        let load = async { Ok(reply(vec![b' '; 1_000])) };
        replies.get(&tenant(1), (&ask(&n.to_string()), now()), LONG, load).await.unwrap();
    }
    let mut size = 0;
    for cache in [&replies.fresh, &replies.known] {
        cache.run_pending_tasks().await;
        size += cache.weighted_size();
    }
    assert!((10_000..=100_000).contains(&size), "{size}");
}

#[test]
fn what_ends_now_is_the_same_question_a_moment_later() {
    let replies = replies();
    let key =
        |start: &str, end: &str, now: &str| replies.key(&tenant(1), (&ask("a").between(at(start), at(end)), at(now)));
    let first = key("2026-11-06T12:00:00.5Z", "2026-11-20T12:00:00.5Z", "2026-11-20T12:00:00.6Z");
    assert_eq!(first, key("2026-11-06T12:00:07.9Z", "2026-11-20T12:00:07.9Z", "2026-11-20T12:00:08Z"));
    assert_ne!(first, key("2026-11-07T12:00:07.9Z", "2026-11-20T12:00:07.9Z", "2026-11-20T12:00:08Z"));
    assert_ne!(first, key("2026-11-06T12:00:00.5Z", "2026-11-20T12:00:00.5Z", "2026-11-20T12:10:00Z"));
    let of_day = key("2026-11-06T00:00:00Z", "2026-11-20T12:00:00.5Z", "2026-11-20T12:00:01Z");
    assert_eq!(of_day, key("2026-11-06T00:00:00Z", "2026-11-20T12:00:09.1Z", "2026-11-20T12:00:09.3Z"));
}

#[test]
fn a_key_tells_tenants_operations_and_parameters_apart() {
    let replies = replies();
    let key = |tenant: &Tenant, ask: &Ask| replies.key(tenant, (ask, now()));
    let one = key(&tenant(1), &ask("a").param("b", "c"));
    assert_eq!(one, key(&tenant(1), &ask("a").param("b", "c")));
    for other in [
        key(&tenant(2), &ask("a").param("b", "c")),
        key(&Tenant::new(&[1; 32], &["https://sentry.example/a", "cme"]), &ask("a").param("b", "c")),
        key(&tenant(1), &ask("ab").param("", "c")),
        key(&tenant(1), &Ask::new(&PROJECTS).param("query", "a").param("b", "c")),
    ] {
        assert_ne!(one, other);
    }
}

#[test]
fn lives_follow_the_operation_the_time_asked_about_and_an_events_successor() {
    let lives = Ttl::default();
    let of = |ask: &Ask, body: &'static str| Entry::of(&lives, (ask, now()), reply(body)).life;
    assert_eq!(of(&ask(""), "[]"), lives.moving);
    let hour_ago = at("2026-11-20T10:00:00Z");
    assert_eq!(of(&ask("").between(hour_ago, hour_ago), "[]"), lives.closed);
    assert_eq!(of(&Ask::new(&PROJECTS), "[]"), lives.names);
    let event = Ask::new(&EVENT_ID);
    assert_eq!(of(&event, r#"{"groupId":"1","event":{"nextEventID":null}}"#), lives.slow);
    assert_eq!(of(&event, r#"{"groupId":"1","event":{"nextEventID":"ab"}}"#), lives.fixed);
    assert_eq!(of(&event, r#"{"nextEventID":"ab"}"#), lives.fixed);
}
