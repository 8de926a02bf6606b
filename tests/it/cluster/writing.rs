//! Each event once, whatever fails in between; nothing acknowledged is lost.

use prodsignal::{
    backend::cluster::{ClusterStore, FORMAT, Options},
    model::{EventId, Timestamp},
    store::{IssueQuery, IssueRef, Record, Scope, SignalStore, StoreError},
};

use super::databases::{World, engine, folder, places};
use crate::{
    embedded::exact::block_on,
    world::{Hit, at, everything, hit},
};

/// Events of three issues, a user each.
fn hits(from: u128, n: u128) -> Vec<Hit> {
    hits_from(0, from, n)
}

/// The same, on the days after one.
fn hits_from(day: i64, from: u128, n: u128) -> Vec<Hit> {
    let one = |i: u128| {
        hit(i << 64 | 1, &format!("i{}", i % 3), at(day + (i % 2) as i64, i as i64)).user(i as u64).release("app@1")
    };
    (from..from + n).map(one).collect()
}

fn records(hits: &[Hit]) -> Vec<Record> {
    hits.iter().map(|hit| Record::Event(Box::new(hit.record()))).collect()
}

/// Events and users of all issues, and the issues' names.
async fn counted(store: &ClusterStore) -> (u64, u64, Vec<String>) {
    let page = store.issues(&IssueQuery { scope: everything(), limit: 1_000, ..IssueQuery::default() }).await.unwrap();
    let mut names: Vec<String> = page.items.iter().map(|found| found.issue.short_id.clone()).collect();
    names.sort();
    (page.items.iter().map(|found| found.events).sum(), page.items.iter().map(|found| found.users).sum(), names)
}

async fn sql(options: &Options, statement: &str) {
    let (client, connection) = tokio_postgres::connect(&options.postgres, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
}

#[test]
#[cfg_attr(
    not(all(has_postgres, has_python)),
    ignore = "needs PostgreSQL and Python: apt-get install postgresql python3 python3-pip"
)]
fn a_block_that_comes_again_counts_once() {
    block_on(async {
        let world = World::new().await;
        // What a process leaves that dies after ClickHouse has the block and before it deletes it.
        sql(
            &world.options,
            "CREATE TABLE kept AS SELECT * FROM outbox LIMIT 0;
             CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN INSERT INTO kept SELECT OLD.*; RETURN OLD; END $$;
             CREATE TRIGGER keep BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION keep();",
        )
        .await;
        world.hits(&hits(1, 300)).await;
        let before = counted(&world.store).await;
        assert_eq!((before.0, before.1), (300, 300));
        sql(
            &world.options,
            "DROP TRIGGER keep ON outbox;
             INSERT INTO outbox(destination, token, rows, bytes, block)
               SELECT destination, token, rows, bytes, block FROM kept;",
        )
        .await;
        world.store.settle().await.unwrap();
        assert_eq!(counted(&world.store).await, before);
    });
}

#[test]
#[cfg_attr(
    not(all(has_postgres, has_python)),
    ignore = "needs PostgreSQL and Python: apt-get install postgresql python3 python3-pip"
)]
fn two_processes_take_the_same_events_once_and_number_issues_without_a_gap() {
    block_on(async {
        let world = World::new().await;
        let other = World::open(world.options.clone()).await;
        let all = hits(1, 120);
        world.write("shop", Vec::new()).await.unwrap();
        let (mut stored, mut duplicates) = (0, 0);
        for part in all.chunks(10) {
            let (one, two) = tokio::join!(world.write("shop", records(part)), other.write("shop", records(part)));
            for receipt in [one.unwrap(), two.unwrap()] {
                stored += receipt.stored;
                duplicates += receipt.duplicates;
            }
        }
        assert_eq!((stored, duplicates), (120, 120));
        world.store.settle().await.unwrap();
        let names = vec!["SHOP-1".to_owned(), "SHOP-2".to_owned(), "SHOP-3".to_owned()];
        assert_eq!(counted(&other.store).await, (120, 120, names));
    });
}

#[test]
#[cfg_attr(
    not(all(has_postgres, has_python)),
    ignore = "needs PostgreSQL and Python: apt-get install postgresql python3 python3-pip"
)]
fn what_is_acknowledged_while_clickhouse_is_gone_is_there_when_it_is_back() {
    block_on(async {
        let place = folder("clickhouse-killed");
        let mut engine_of_its_own = engine(&place, 0);
        let port = engine_of_its_own.port;
        let options = Options { clickhouse: format!("http://127.0.0.1:{port}/"), ..places() };
        let world = World::open(options).await;
        world.hits(&hits(1, 60)).await;
        engine_of_its_own.kill();
        // Lately, so that ClickHouse need not be asked whether they came before.
        let receipt = world.write("shop", records(&hits_from(38, 61, 60))).await.unwrap();
        assert_eq!(receipt.stored, 60);
        let gone = world.store.issues(&IssueQuery { scope: everything(), limit: 5, ..IssueQuery::default() }).await;
        assert!(matches!(gone, Err(StoreError::Upstream { .. })), "{gone:?}");
        let _back = engine(&place, port);
        world.store.settle().await.unwrap();
        let (events, users, _) = counted(&world.store).await;
        assert_eq!((events, users), (120, 120));
    });
}

#[test]
#[cfg_attr(
    not(all(has_postgres, has_python)),
    ignore = "needs PostgreSQL and Python: apt-get install postgresql python3 python3-pip"
)]
fn an_event_that_comes_again_after_its_claim_is_gone_counts_once() {
    block_on(async {
        let world = World::new().await;
        world.hits(&hits(1, 30)).await;
        sql(&world.options, "DELETE FROM seen").await;
        // They are weeks older than the moment that they are received at.
        let receipt = world.hits(&hits(1, 31)).await;
        assert_eq!((receipt.stored, receipt.duplicates), (1, 30));
        assert_eq!(counted(&world.store).await.0, 31);
    });
}

#[test]
#[cfg_attr(
    not(all(has_postgres, has_python)),
    ignore = "needs PostgreSQL and Python: apt-get install postgresql python3 python3-pip"
)]
fn a_full_outbox_is_busy_and_a_newer_format_is_refused() {
    block_on(async {
        let world = World::new().await;
        let full = World::open(Options { outbox_bytes: -1, ..world.options.clone() }).await;
        let refused = full.write("shop", records(&hits(1, 1))).await;
        assert!(matches!(refused, Err(StoreError::Busy { .. })), "{refused:?}");
        sql(&world.options, "UPDATE meta SET value='99' WHERE key='format'").await;
        let newer = ClusterStore::open(world.options.clone()).await.err();
        assert!(matches!(newer, Some(StoreError::Newer { found: 99, known: FORMAT })), "{newer:?}");
    });
}

#[test]
#[cfg_attr(
    not(all(has_postgres, has_python)),
    ignore = "needs PostgreSQL and Python: apt-get install postgresql python3 python3-pip"
)]
fn texts_stay_what_they_are() {
    block_on(async {
        let world = World::new().await;
        let odd = ["it's", "a\\'b", "x' OR 1=1 --", "tab\there", "nul\0in", "naïve ✓ \u{1f980}", "100%_"];
        let one = |(n, text): (usize, &&str)| hit((n as u128 + 1) << 64, "odd", at(1, n as i64)).tag("note", text);
        world.hits(&odd.iter().enumerate().map(one).collect::<Vec<_>>()).await;
        for (n, text) in odd.iter().enumerate() {
            let query = prodsignal::store::SearchQuery {
                scope: everything(),
                filter: vec![prodsignal::store::Term {
                    negated: false,
                    test: prodsignal::store::Test::Field {
                        field: prodsignal::store::Field::Tag("note".into()),
                        op: prodsignal::store::Op::Is,
                        values: vec![(*text).into()],
                    },
                }],
                fields: vec![prodsignal::store::Field::Tag("note".into())],
                limit: 10,
                ..Default::default()
            };
            let page = world.store.search(&query).await.unwrap();
            assert_eq!(page.items.len(), 1, "{text:?}");
            assert_eq!(page.items[0].event, Some(EventId((n as u128 + 1) << 64)));
            assert_eq!(page.items[0].values, [prodsignal::store::Value::Text((*text).into())]);
        }
        let scope = Scope { end: Some(Timestamp::MAX), ..Scope::default() };
        let found = world.store.issue(&IssueRef::OfEvent(EventId(1 << 64)), &scope).await.unwrap();
        assert_eq!(found.events, odd.len() as u64);
    });
}
