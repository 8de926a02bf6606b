//! Sessions: each counts once, by the worst that became of it.

use prodsignal::{
    model::{SessionCounts, SessionStatus, UserKey},
    store::{Record, ReleaseFacts, ReleaseQuery, SessionsRecord, SignalStore},
};

use crate::world::{World, at, everything, hit, session, user_key};

async fn release(world: &World, version: &str) -> ReleaseFacts {
    let query = ReleaseQuery { scope: everything(), counts: true, ..ReleaseQuery::default() };
    let releases = world.store.releases(&query).await.unwrap();
    releases.into_iter().find(|facts| facts.release.version.raw() == version).unwrap()
}

#[tokio::test]
async fn updates_of_a_session_are_one_session_in_whatever_order_they_come() {
    let (a, b) = (World::new(), World::new());
    let begun = |sid| Record::Session(session(sid, "app@1.0.0", at(1, 0), SessionStatus::Ok));
    let ended = |sid, status| {
        let mut update = session(sid, "app@1.0.0", at(1, 0), status);
        update.timestamp = at(1, 600);
        Record::Session(update)
    };
    let updates = |order: &[usize]| -> Vec<Record> {
        let all = [
            begun(1),
            ended(1, SessionStatus::Crashed),
            begun(2),
            ended(2, SessionStatus::Exited),
            begun(3),
            ended(1, SessionStatus::Crashed),
        ];
        order.iter().map(|i| all[*i].clone()).collect()
    };
    a.write("shop", updates(&[0, 1, 2, 3, 4, 5])).await.unwrap();
    for i in [5, 3, 4, 1, 2, 0] {
        b.write("shop", updates(&[i])).await.unwrap();
    }
    for world in [&a, &b] {
        let facts = release(world, "app@1.0.0").await;
        assert_eq!((facts.sessions.total, facts.sessions.crashed, facts.users), (3, 1, 3));
        let rate = facts.sessions.crash_free_rate().unwrap();
        assert!((rate - 2.0 / 3.0).abs() < 1e-9, "{rate}");
    }
}

#[tokio::test]
async fn counted_sessions_add_up() {
    let world = World::new();
    let line = |user: Option<UserKey>, exited, crashed| {
        Record::Sessions(SessionsRecord {
            started: at(2, 0),
            user,
            exited,
            errored: 0,
            crashed,
            abnormal: 0,
            unhandled: 0,
            release: "app@1.0.0".into(),
            environment: None,
        })
    };
    world.write("shop", vec![line(None, 40, 1), line(Some(user_key(5)), 9, 0)]).await.unwrap();
    world.write("shop", vec![line(None, 10, 0)]).await.unwrap();
    let facts = release(&world, "app@1.0.0").await;
    assert_eq!((facts.sessions.total, facts.sessions.crashed, facts.users), (60, 1, 1));
}

#[tokio::test]
async fn a_release_known_by_events_alone_has_no_sessions_and_no_rate() {
    let world = World::new();
    world.hits(&[hit(1, "pay", at(0, 0)).release("app@1.0.0").user(1)]).await;
    let facts = release(&world, "app@1.0.0").await;
    assert_eq!(facts.sessions, SessionCounts::default());
    assert_eq!((facts.sessions.crash_free_rate(), facts.users, facts.events), (None, 1, 1));
}
