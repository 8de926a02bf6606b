//! What the embedded store tells of an issue around a fix.

use prodsignal::{
    model::{FixHistory, SessionStatus, Side, UserKey},
    store::{DroppedRecord, FixQuery, IssueRef, Record, Scope, SessionRecord, SessionsRecord, SignalSink, SignalStore},
    verify::{Demand, Verdict, Window, judge},
};

use crate::world::{Hit, World, at, hit, session, user_key};

const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15";
const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";

/// A session of a user, in production.
pub fn visit(sid: u64, user: u64, release: &str, day: i64, second: i64) -> SessionRecord {
    SessionRecord {
        user: Some(user_key(user)),
        environment: Some("production".into()),
        user_agent: Some(if user.is_multiple_of(3) { SAFARI } else { CHROME }.into()),
        ..session(sid, release, at(day, second), SessionStatus::Exited)
    }
}

pub fn crash(id: u64, user: u64, release: &str, day: i64, second: i64) -> Hit {
    hit(u128::from(id) << 70, "cart", at(day, second))
        .release(release)
        .environment("production")
        .user(user)
        .tag("browser.name", if user.is_multiple_of(3) { "Safari" } else { "Chrome" })
}

async fn history(world: &World, release: &str, day: i64, second: i64) -> FixHistory {
    let scope = Scope { environment: Some("production".into()), end: Some(at(day, second)), ..Scope::default() };
    let issue = IssueRef::Named("SHOP-1".into());
    world.store.fix_history(&FixQuery { issue, scope, release: release.into(), sealed: false }).await.unwrap()
}

fn used(history: &FixHistory, side: Side) -> (u64, u64) {
    let of_side = history.uses.iter().filter(|part| history.releases[part.release].side == side);
    of_side.fold((0, 0), |(users, sessions), part| (users + part.users, sessions + part.sessions))
}

/// Ten days of 2.2.0 and four of 2.3.0: 20 visits an hour by day, every tenth of a Safari user crashes before.
pub async fn shop(folded: bool) -> World {
    let world = World::new();
    let mut id = 0;
    for day in 0..14 {
        let (mut records, mut crashes) = (Vec::new(), Vec::new());
        let release = if day < 10 { "shop@2.2.0" } else { "shop@2.3.0" };
        for hour in 6..22 {
            for n in 0..20 {
                id += 1;
                let (user, second) = ((id * 7) % 4_001, hour * 3_600 + n * 60);
                records.push(Record::Session(visit(id, user, release, day, second)));
                if day < 10 && user % 3 == 0 && id % 4 == 0 {
                    crashes.push(crash(id, user, release, day, second + 5));
                }
            }
        }
        world.write("shop", records).await.unwrap();
        world.hits(&crashes).await;
        if folded {
            world.store.fold().await.unwrap();
        }
    }
    world
}

#[tokio::test]
async fn use_and_hits_are_exact_folded_or_not() {
    for folded in [false, true] {
        let world = shop(folded).await;
        let history = history(&world, "2.3.0", 14, 0).await;
        assert_eq!(
            used(&history, Side::Control).1 + used(&history, Side::New).1,
            14 * 16 * 20 - 20,
            "the first hour opens the window"
        );
        assert_eq!(used(&history, Side::New), (4 * 16 * 20, 4 * 16 * 20));
        assert!(history.hits.len() > 100 && history.hits.iter().all(|hit| hit.user.is_some()));
        let condition = history.conditions.iter().find(|c| c.tag.raw() == "browser.name").unwrap();
        assert_eq!((condition.value.raw(), condition.of_sessions), ("Safari", true));
        let inside: u64 = condition.uses.iter().map(|part| part.users).sum();
        let share = inside as f64 / (used(&history, Side::Control).0 + used(&history, Side::New).0) as f64;
        assert!((share - 1.0 / 3.0).abs() < 0.02, "{share}");
        let judgment = judge(&history, at(14, 0), &Demand::default());
        assert_eq!(judgment.verdict, Verdict::Fixed);
        assert!(judgment.proof.unwrap().cohort_use.is_some());
    }
}

#[tokio::test]
async fn what_was_dropped_stands_beside_what_arrived() {
    let world = shop(true).await;
    assert!(history(&world, "2.3.0", 14, 0).await.lost.is_empty());
    let dropped = |day, release: Option<&str>, environment: Option<&str>, errors| {
        Record::Dropped(DroppedRecord {
            timestamp: at(day, 7 * 3_600 + 10),
            release: release.map(Into::into),
            environment: environment.map(Into::into),
            errors,
        })
    };
    let production = Some("production");
    let records = vec![
        dropped(11, Some("shop@2.3.0"), production, 2),
        dropped(11, Some("shop@2.3.0"), production, 1),
        dropped(11, None, None, 1),
        dropped(11, Some("shop@2.3.0"), Some("staging"), 50),
        dropped(5, Some("shop@2.2.0"), production, 4),
    ];
    world.write("shop", records).await.unwrap();
    let told = history(&world, "2.3.0", 14, 0).await;
    let sum = |side: Option<Side>| {
        let of_side = told.lost.iter().filter(|part| part.release.map(|place| told.releases[place].side) == side);
        of_side.fold((0, 0), |(arrived, dropped), part| (arrived + part.arrived, dropped + part.dropped))
    };
    let (control, new) = (sum(Some(Side::Control)), sum(Some(Side::New)));
    assert_eq!((control.1, new, sum(None)), (4, (0, 3), (0, 1)));
    assert!(control.0 > 100, "{control:?}");
    assert_eq!(judge(&told, at(14, 0), &Demand::default()).verdict, Verdict::Fixed);
}

#[tokio::test]
async fn an_answer_as_of_a_moment_stays_the_same_whatever_comes_later() {
    let world = shop(true).await;
    let told = |history: &FixHistory| {
        format!("{:?} {:?}", judge(history, at(12, 1_800), &Demand::default()), history.returning)
    };
    let before = told(&history(&world, "2.3.0", 12, 1_800).await);
    let late: Vec<Hit> = (0..40).map(|n| crash(90_000 + n, n * 3, "shop@2.3.0", 13, 40_000 + n as i64)).collect();
    world.hits(&late).await;
    world.write("shop", vec![Record::Session(visit(99_999, 5, "shop@2.4.0", 13, 50_000))]).await.unwrap();
    assert_eq!(told(&history(&world, "2.3.0", 12, 1_800).await), before);
    world.store.fold().await.unwrap();
    assert_eq!(told(&history(&world, "2.3.0", 12, 1_800).await), before);
}

#[tokio::test]
async fn users_who_came_back_are_counted_to_the_second() {
    let world = World::new();
    let crashes: Vec<Hit> = (1..=5).map(|n| crash(n, n, "shop@2.2.0", 1, n as i64 * 100)).collect();
    world.hits(&crashes).await;
    let visits = [
        visit(1, 1, "shop@2.3.0", 3, 4_000),
        visit(2, 2, "shop@2.3.0", 5, 7_260),
        visit(3, 3, "shop@2.3.0", 5, 7_900),
        visit(4, 9, "shop@2.3.0", 5, 7_261),
        visit(5, 4, "shop@2.2.0", 5, 7_262),
    ];
    world.write("shop", visits.into_iter().map(Record::Session).collect()).await.unwrap();
    world.hits(&[crash(50, 5, "shop@2.3.0", 5, 7_300)]).await;
    for folded in [false, true] {
        for (second, want) in
            [(7_259, (5, 1, 0)), (7_260, (5, 2, 0)), (7_299, (5, 2, 0)), (7_300, (5, 3, 1)), (7_900, (5, 4, 1))]
        {
            let returning = history(&world, "2.3.0", 5, second).await.returning.unwrap();
            assert_eq!((returning.eligible, returning.active_after, returning.hit_again), want, "{second} {folded}");
        }
        world.store.fold().await.unwrap();
    }
    let recurrences = history(&world, "2.3.0", 6, 0).await.recurrences;
    assert_eq!(recurrences.iter().map(|again| again.at).collect::<Vec<_>>(), [at(5, 7_300)]);
}

#[tokio::test]
async fn sessions_that_name_nobody_are_counted_and_say_nothing_of_who_came_back() {
    let world = World::new();
    world.hits(&[crash(1, 1, "shop@2.2.0", 1, 0)]).await;
    let counted = |release: &str, day, exited, user: Option<UserKey>| {
        Record::Sessions(SessionsRecord {
            started: at(day, 7_200),
            user,
            exited,
            errored: 0,
            crashed: 2,
            abnormal: 0,
            unhandled: 0,
            release: release.into(),
            environment: Some("production".into()),
        })
    };
    world.write("shop", vec![counted("shop@2.2.0", 2, 98, None), counted("shop@2.3.0", 3, 48, None)]).await.unwrap();
    let told = history(&world, "2.3.0", 4, 0).await;
    assert_eq!((used(&told, Side::Control), used(&told, Side::New)), ((0, 100), (0, 50)));
    assert_eq!(told.returning, None);
}

#[tokio::test]
async fn a_release_of_another_environment_is_not_deployed() {
    let world = shop(false).await;
    let trial = SessionRecord { environment: Some("staging".into()), ..visit(77_777, 1, "shop@2.4.0", 12, 0) };
    world.write("shop", vec![Record::Session(trial)]).await.unwrap();
    let told = history(&world, "2.4.0", 14, 0).await;
    assert!(told.asked_seen && told.signs.is_empty());
    assert_eq!(judge(&told, at(14, 0), &Demand::default()).verdict, Verdict::NotDeployed);
    let told = history(&world, "3.0.0", 14, 0).await;
    assert!(!told.asked_seen);
    assert_eq!(judge(&told, at(14, 0), &Demand::default()).verdict, Verdict::NotDeployed);
}

#[tokio::test]
async fn where_retention_cut_the_baseline_it_is_said() {
    let world = shop(true).await;
    world.store.retain(at(6, 0)).await.unwrap();
    let told = history(&world, "2.3.0", 14, 0).await;
    let window = Window::of(&told, at(14, 0)).unwrap();
    assert!(window.cut_short);
    assert_eq!(window.start * 3_600, at(6, 0).as_second());
    assert_eq!(judge(&told, at(14, 0), &Demand::default()).verdict, Verdict::Fixed);
}

#[tokio::test]
async fn without_sessions_events_of_other_issues_are_the_exposure() {
    let world = World::new();
    let mut events = Vec::new();
    for day in 0..14 {
        let release = if day < 10 { "shop@2.2.0" } else { "shop@2.3.0" };
        for n in 0..120u64 {
            let (id, second) = (day as u64 * 1_000 + n, n as i64 * 600);
            let mut noise = crash(id, n, release, day, second);
            (noise.issue, noise.id) = ("noise".to_owned(), noise.id | 1);
            if day < 10 && n % 8 == 0 {
                events.push(crash(id, day as u64 * 1_000 + n, release, day, second));
            }
            events.push(noise);
        }
        // What is new in the release has no past, and is no exposure.
        if day >= 10 {
            let mut fresh = crash(day as u64 * 1_000 + 900, 5, release, day, 0);
            (fresh.issue, fresh.id) = ("fresh".to_owned(), fresh.id | 2);
            events.push(fresh);
        }
    }
    world.hits(&events).await;
    let told = history(&world, "2.3.0", 14, 0).await;
    let events: u64 = told.uses.iter().filter(|p| told.releases[p.release].side == Side::New).map(|p| p.events).sum();
    assert_eq!(events, 4 * 120);
    assert_eq!(judge(&told, at(14, 0), &Demand::default()).verdict, Verdict::Fixed);
}

#[tokio::test]
async fn the_store_tells_that_it_changed() {
    let world = World::new();
    let other = world.second();
    let before = other.data_version().await.unwrap();
    assert_eq!(other.data_version().await.unwrap(), before);
    world.hits(&[crash(1, 1, "shop@2.2.0", 1, 0)]).await;
    assert_ne!(other.data_version().await.unwrap(), before);
}
