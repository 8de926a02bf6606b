//! What changed about an issue, and why.

use prodsignal::change::{Day, History, InRelease, classify};
use prodsignal::model::{Change, ChangeReason, Resolution, Status, Timestamp};

const DAY: i64 = 86_400;

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(day * DAY).unwrap()
}

/// Releases as (name, events, sessions), each two days after the one before.
fn releases(given: &[(&str, u64, u64)]) -> Vec<InRelease> {
    let seen = |i: usize, events: u64, hour: i64| {
        (events > 0).then(|| Timestamp::from_second(i as i64 * 2 * DAY + hour * 3600).unwrap())
    };
    given
        .iter()
        .enumerate()
        .map(|(i, (name, events, exposure))| InRelease {
            release: (*name).into(),
            events: *events,
            exposure: *exposure,
            first: seen(i, *events, 1),
            last: seen(i, *events, 30),
        })
        .collect()
}

fn history(releases: &[InRelease]) -> History<'_> {
    let first_seen = releases.iter().filter_map(|r| r.first).min().unwrap_or(at(0));
    let last_seen = releases.iter().filter_map(|r| r.last).max().unwrap_or(at(0));
    History {
        releases,
        since: None,
        start: None,
        as_of: at(60),
        first_seen,
        last_seen,
        status: Status::Unresolved,
        resolution: None,
        after_resolution: None,
        days: &[],
    }
}

/// The shop's own story: sessions of its API by release.
fn shop(events: [u64; 4]) -> Vec<InRelease> {
    let [a, b, c, d] = events;
    releases(&[("shop@2.1.0", a, 62), ("shop@2.2.0", b, 98), ("shop@2.3.0", c, 280), ("shop@2.3.1", d, 190)])
}

fn since_2_3_0(events: [u64; 4]) -> (Change, ChangeReason) {
    let releases = shop(events);
    classify(&History { since: Some(2), ..history(&releases) })
}

#[test]
fn an_issue_first_seen_in_the_release_or_later_is_new() {
    let (change, why) = since_2_3_0([0, 0, 10, 5]);
    assert_eq!(change, Change::New);
    let ChangeReason::FirstSeen { release, clean_releases, .. } = why else { panic!("{why:?}") };
    assert_eq!((release.unwrap().raw(), clean_releases), ("shop@2.3.0", 2));
    assert_eq!(since_2_3_0([0, 0, 0, 1]).0, Change::New);
}

#[test]
fn an_issue_that_was_absent_from_a_well_used_release_regressed() {
    let (change, why) = since_2_3_0([2, 0, 9, 0]);
    assert_eq!(change, Change::Regressed);
    let ChangeReason::Returned { last_bad, absent, expected, back_in } = why else { panic!("{why:?}") };
    assert_eq!((last_bad.raw(), absent[0].raw(), back_in.raw()), ("shop@2.1.0", "shop@2.2.0", "shop@2.3.0"));
    assert!((3.0..3.5).contains(&expected), "{expected}");
}

#[test]
fn an_absence_that_chance_explains_is_none() {
    for events in [[1, 0, 2, 1], [1, 0, 2, 2], [3, 6, 13, 8], [1, 1, 4, 3], [0, 1, 1, 1]] {
        assert_eq!(since_2_3_0(events).0, Change::Ongoing, "{events:?}");
    }
    let unused = releases(&[("a@1", 20, 100), ("a@2", 0, 0), ("a@3", 20, 100)]);
    assert_eq!(classify(&History { since: Some(2), ..history(&unused) }).0, Change::Ongoing);
}

#[test]
fn a_return_counts_when_it_is_in_the_release_asked_for_or_later() {
    let story = releases(&[("a@1", 9, 90), ("a@2", 0, 90), ("a@3", 0, 90), ("a@4", 9, 90), ("a@5", 9, 90)]);
    for (since, want) in [(1, Change::Regressed), (2, Change::Regressed), (3, Change::Regressed), (4, Change::Ongoing)]
    {
        assert_eq!(classify(&History { since: Some(since), ..history(&story) }).0, want, "{since}");
    }
}

#[test]
fn without_a_release_the_period_decides_what_is_new() {
    let story = releases(&[("a@1", 0, 90), ("a@2", 5, 90), ("a@3", 5, 90)]);
    let asked = |start| classify(&History { start: Some(at(start)), ..history(&story) }).0;
    assert_eq!((asked(1), asked(3)), (Change::New, Change::Ongoing));
    assert_eq!(classify(&History { as_of: at(5), ..history(&story) }).0, Change::New);
    assert_eq!(classify(&history(&story)).0, Change::Ongoing);
}

fn resolved(in_release: Option<&str>, day: i64, events: [u64; 4]) -> Change {
    let releases = shop(events);
    let resolution = Resolution { at: at(day), in_release: in_release.map(Into::into), after_release: None };
    let history = History { status: Status::Resolved, resolution: Some(&resolution), ..history(&releases) };
    classify(&history).0
}

#[test]
fn a_resolved_issue_stays_resolved_until_it_is_seen_again() {
    assert_eq!(resolved(None, 20, [2, 3, 9, 1]), Change::Resolved);
    assert_eq!(resolved(None, 5, [2, 3, 9, 1]), Change::Regressed);
}

#[test]
fn releases_before_the_one_with_the_fix_may_go_on_failing() {
    assert_eq!(resolved(Some("shop@2.3.1"), 3, [2, 3, 9, 0]), Change::Resolved);
    assert_eq!(resolved(Some("shop@2.3.1"), 3, [2, 3, 9, 1]), Change::Regressed);
    assert_eq!(resolved(Some("shop@2.4.0"), 3, [2, 3, 9, 1]), Change::Resolved);
}

#[test]
fn the_store_knows_best_when_it_was_seen_again() {
    let releases = shop([2, 3, 9, 1]);
    let resolution = Resolution { at: at(1), in_release: None, after_release: None };
    let history = History {
        status: Status::Resolved,
        resolution: Some(&resolution),
        after_resolution: Some(at(2)),
        ..history(&releases)
    };
    let (_, why) = classify(&history);
    let want = ChangeReason::SinceResolved { resolved_at: at(1), in_release: None, again_at: at(2) };
    assert_eq!(why, want);
}

fn grown(days: &[(u64, u64)]) -> (Change, ChangeReason) {
    let releases = releases(&[("a@1", 5, 90), ("a@2", 5, 90)]);
    let days: Vec<Day> = days
        .iter()
        .enumerate()
        .map(|(i, (events, exposure))| Day { start: at(20 + i as i64), events: *events, exposure: *exposure })
        .collect();
    classify(&History { since: Some(1), days: &days, ..history(&releases) })
}

#[test]
fn a_rate_that_doubles_by_more_than_chance_escalates() {
    let mut days = vec![(10, 1000); 13];
    days.push((40, 1000));
    let (change, why) = grown(&days);
    assert_eq!(change, Change::Escalating);
    let ChangeReason::Grew { recent, expected, window_h } = why else { panic!("{why:?}") };
    assert_eq!((recent, expected.round() as u64, window_h), (40, 10, 24));
}

#[test]
fn more_traffic_few_events_or_a_noisy_past_are_no_growth() {
    let mut busier = vec![(10, 1000); 13];
    busier.push((40, 4000));
    assert_eq!(grown(&busier).0, Change::Ongoing, "traffic grew as much");
    assert_eq!(grown(&[(1, 100), (1, 100), (1, 100), (1, 100), (4, 100)]).0, Change::Ongoing, "four events");
    let mut noisy: Vec<(u64, u64)> = (0..13).map(|i| (if i % 3 == 0 { 60 } else { 0 }, 1000)).collect();
    noisy.push((60, 1000));
    assert_eq!(grown(&noisy).0, Change::Ongoing, "it comes in bursts");
    assert_eq!(grown(&[(1, 100), (50, 100)]).0, Change::Ongoing, "nothing to compare with");
}

#[test]
fn mondays_are_compared_with_mondays() {
    let week = [(70, 1000), (10, 1000), (10, 1000), (10, 1000), (10, 1000), (10, 1000), (10, 1000)];
    let mut days: Vec<(u64, u64)> = week.into_iter().cycle().take(28).collect();
    days.push((75, 1000));
    assert_eq!(grown(&days).0, Change::Ongoing);
}

#[test]
fn a_slow_rise_over_a_week_is_seen_too() {
    let mut days = vec![(4, 1000); 14];
    days.extend([(10, 1000); 7]);
    let (change, why) = grown(&days);
    assert_eq!(change, Change::Escalating);
    assert!(matches!(why, ChangeReason::Grew { window_h: 168, .. }), "{why:?}");
}

proptest::proptest! {
    #[test]
    fn any_history_has_an_answer(
        counts in proptest::collection::vec((0u64..50, 0u64..500), 0..8),
        days in proptest::collection::vec((0u64..1000, 0u64..1000), 0..40),
        since in proptest::option::of(0usize..9),
    ) {
        let named: Vec<(&str, u64, u64)> = counts.iter().map(|(e, x)| ("r", *e, *x)).collect();
        let releases = releases(&named);
        let days: Vec<Day> = days.iter().enumerate()
            .map(|(i, (events, exposure))| Day { start: at(i as i64), events: *events, exposure: *exposure }).collect();
        let (change, _) = classify(&History { since, days: &days, ..history(&releases) });
        proptest::prop_assert_ne!(change, Change::Resolved);
    }
}

#[test]
fn steady_rates_hardly_ever_escalate() {
    // Counts of one rate, drawn by a small generator: three weeks each, two thousand times.
    let alarms = (0..2000u64).filter(|seed| {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut hit = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state >> 32 & 3 == 0
        };
        let days: Vec<(u64, u64)> = (0..21).map(|_| ((0..40).filter(|_| hit()).count() as u64, 1000)).collect();
        grown(&days).0 == Change::Escalating
    });
    assert!(alarms.count() <= 2);
}
