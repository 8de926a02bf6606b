//! Writing: what counts once, what retention drops, what happens when too much comes.

use std::sync::Arc;

use prodsignal::{
    backend::embedded::Options,
    model::EventId,
    store::{EventQuery, IssueQuery, Pick, ReleaseQuery, SignalSink, SignalStore, StoreError},
};

use crate::world::{Hit, World, at, everything, hit, write_to};

async fn counts(world: &World) -> Vec<(String, u64, u64)> {
    let page =
        world.store.issues(&IssueQuery { scope: everything(), limit: 100, ..IssueQuery::default() }).await.unwrap();
    let mut counts: Vec<_> = page.items.iter().map(|i| (i.issue.title.raw().to_owned(), i.events, i.users)).collect();
    counts.sort();
    counts
}

/// Ten days of one issue, a second that ends on day 2; each user once a day.
fn ten_days() -> Vec<Hit> {
    let day = |day: i64| {
        (0..20u64).map(move |n| {
            let issue = if day < 3 && n % 2 == 0 { "early" } else { "late" };
            hit(((day as u128) << 32) | u128::from(n + 1), issue, at(day, n as i64 * 60)).user(n).release("app@1.0.0")
        })
    };
    (0..10).flat_map(day).collect()
}

#[tokio::test]
async fn retention_leaves_no_count_that_includes_what_it_dropped() {
    let world = World::new();
    world.hits(&ten_days()).await;
    let dropped = world.store.retain(at(5, 3600)).await.unwrap();
    assert_eq!(dropped, 100);
    let kept = World::new();
    let rest: Vec<Hit> = ten_days().into_iter().filter(|hit| hit.at >= at(5, 0)).collect();
    kept.hits(&rest).await;
    assert_eq!(counts(&world).await, counts(&kept).await);
    let releases = |world: &World| {
        let query = ReleaseQuery { scope: everything(), counts: true, ..ReleaseQuery::default() };
        let store = world.second();
        async move { store.releases(&query).await.unwrap().into_iter().map(|r| (r.events, r.users)).collect::<Vec<_>>() }
    };
    assert_eq!(releases(&world).await, releases(&kept).await);
    let gone = EventQuery { scope: everything(), pick: Pick::Id(EventId(1)), release: None, extras: false };
    assert!(matches!(world.store.event(&gone).await, Err(StoreError::NotFound { .. })));
    assert_eq!(world.store.retain(at(5, 3600)).await.unwrap(), 0, "a second time there is nothing to drop");
}

#[tokio::test]
async fn an_event_sent_twice_counts_once_whoever_sends_it() {
    let world = World::new();
    let first = world.hits(&ten_days()).await;
    assert_eq!((first.stored, first.duplicates), (200, 0));
    let again = world.hits(&ten_days()).await;
    assert_eq!((again.stored, again.duplicates), (0, 200));
    let other = world.second();
    let records = ten_days().iter().map(|h| prodsignal::store::Record::Event(Box::new(h.record()))).collect();
    let receipt = write_to(&other, "shop", records).await.unwrap();
    assert_eq!((receipt.stored, receipt.duplicates), (0, 200));
    assert_eq!(counts(&world).await.iter().map(|c| c.1).sum::<u64>(), 200);
}

#[tokio::test]
async fn what_exceeds_the_queue_is_refused_and_the_rest_is_stored() {
    let world = Arc::new(World::with(Options { queue_bytes: 60_000, ..Options::default() }));
    world.store.ensure_project("shop").await.unwrap();
    let writes: Vec<_> = (0..200u128)
        .map(|n| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut record = hit(n + 1, "pay", at(0, 0)).record();
                record.body.resize(10_000, b' ');
                world.write("shop", vec![prodsignal::store::Record::Event(Box::new(record))]).await
            })
        })
        .collect();
    let (mut stored, mut refused) = (0, 0);
    for write in writes {
        match write.await.unwrap() {
            Ok(receipt) => stored += receipt.stored,
            Err(StoreError::Busy { retry_after_s }) => refused += u64::from(retry_after_s > 0),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(stored + refused, 200);
    assert!(stored > 0 && refused > 0, "{stored} stored, {refused} refused");
    assert_eq!(counts(&world).await[0].1, stored);
}

#[tokio::test]
async fn a_project_that_is_there_is_found_without_the_writer() {
    let world = World::new();
    let made = world.store.ensure_project("shop").await.unwrap();
    // Whoever holds the lock keeps the writer out; envelopes that name a known project must not queue for it.
    let held = rusqlite::Connection::open(world.database()).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(world.store.ensure_project("shop").await.unwrap().id, made.id);
}
