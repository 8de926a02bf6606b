//! What changed about an issue, and why.

use prodsignal::change::{History, Hour, InRelease, Series, Weight, classify, impact, may_have_risen, onset};
use prodsignal::model::{Change, ChangeReason, Onset, Resolution, Status, Timestamp};

use crate::steady::{HISTORIES, HOURS, STEADY, Wobble, World, escalates, history as drawn};

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

static NOTHING: Series = Series { start: Timestamp::UNIX_EPOCH, hours: Vec::new() };

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
        series: &NOTHING,
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
    let ChangeReason::Returned { last_bad, absent, expected, back_in, .. } = why else { panic!("{why:?}") };
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

/// Hours from days as (user-days, sessions): spread over the waking hours, each the same every day.
fn hours(days: &[(u64, u64)]) -> Series {
    let hour = |(count, exposure): (u64, u64), of_day: u64| {
        let share = |n: u64| (n * (of_day + 1) / 24) - (n * of_day / 24);
        Hour { count: share(count), exposure: share(exposure) }
    };
    // 1970-01-05 was a Monday.
    Series { start: at(4), hours: days.iter().flat_map(|day| (0..24).map(|of_day| hour(*day, of_day))).collect() }
}

fn grown(series: &Series) -> (Change, ChangeReason) {
    let releases = releases(&[("a@1", 5, 90), ("a@2", 5, 90)]);
    classify(&History { since: Some(1), series, ..history(&releases) })
}

fn rise(series: &Series) -> Onset {
    let (change, why) = grown(series);
    assert_eq!(change, Change::Escalating);
    let ChangeReason::Grew(onset) = why else { panic!("{why:?}") };
    onset
}

#[test]
fn a_rate_that_rises_by_more_than_chance_escalates() {
    let mut days = vec![(24, 1000); 14];
    days.push((96, 1000));
    let onset = rise(&hours(&days));
    assert_eq!((onset.at, onset.recent, onset.going_on), (at(18), 96, true));
    assert!((23.0..25.0).contains(&onset.expected) && (3.9..4.1).contains(&onset.ratio), "{onset:?}");
    assert!(onset.low <= onset.at && onset.at <= onset.high && onset.ln_chance < -13.0, "{onset:?}");
}

#[test]
fn more_traffic_few_hits_or_a_noisy_past_are_no_rise() {
    let steady = |last: (u64, u64)| hours(&[vec![(24, 1000); 14], vec![last]].concat());
    assert_eq!(grown(&steady((96, 4000))).0, Change::Ongoing, "traffic grew as much");
    assert_eq!(grown(&steady((24, 200))).0, Change::Ongoing, "what the traffic is measured by fell");
    assert_eq!(grown(&hours(&[(0, 100), (0, 100), (0, 100), (0, 100), (4, 100)])).0, Change::Ongoing, "four in all");
    let noisy = |day: u64| (if day.is_multiple_of(3) { 120 } else { 0 }, 1000);
    assert_eq!(grown(&hours(&(0..16).map(noisy).collect::<Vec<_>>())).0, Change::Ongoing, "it comes in bursts");
    assert_eq!(grown(&hours(&[(2, 100), (50, 100)])).0, Change::Ongoing, "nothing to compare with");
}

#[test]
fn what_has_calmed_down_or_lasted_for_weeks_does_not_escalate() {
    let mut burst = vec![(24, 1000); 14];
    burst.extend([(240, 1000), (24, 1000), (24, 1000), (24, 1000)]);
    let series = hours(&burst);
    assert_eq!(grown(&series).0, Change::Ongoing, "over");
    assert_eq!(onset(&series).map(|onset| (onset.at, onset.going_on)), Some((at(18), false)));
    let lasting = hours(&[vec![(24, 1000); 14], vec![(96, 1000); 20]].concat());
    assert_eq!(grown(&lasting).0, Change::Ongoing, "the usual rate by now");
    assert_eq!(onset(&lasting).map(|onset| onset.at), Some(at(18)));
}

#[test]
fn weekends_are_compared_with_weekends_and_nights_with_nights() {
    let week = [(24, 1000), (24, 1000), (24, 1000), (24, 1000), (24, 1000), (240, 1000), (240, 1000)];
    for days in [13, 14, 20, 21, 27, 28] {
        let days: Vec<(u64, u64)> = week.into_iter().cycle().take(days).collect();
        assert_eq!(grown(&hours(&days)).0, Change::Ongoing);
    }
    // The first weekend has nothing to be compared with.
    assert_eq!(grown(&hours(&week[..6])).0, Change::Ongoing);
}

#[test]
fn the_hour_of_a_change_is_found_within_its_set() {
    for (step, from) in [(3, 18 * 24 + 3), (5, 17 * 24 + 14), (8, 18 * 24 + 20)] {
        let mut series = hours(&[(48, 1000); 20]);
        series.hours[from..].iter_mut().for_each(|hour| hour.count *= step);
        let found = onset(&series).unwrap();
        let moment = Timestamp::from_second(4 * DAY + from as i64 * 3600).unwrap();
        assert!(found.low <= moment && moment <= found.high, "{step} times: {found:?}");
        assert!((found.at.as_second() - moment.as_second()).abs() <= 3 * 3600, "{step} times: {found:?}");
    }
}

#[test]
fn a_new_issue_of_an_old_project_begins_with_its_first_hit() {
    let mut series = hours(&[(0, 1000); 10]);
    series.hours[220..].iter_mut().step_by(2).for_each(|hour| hour.count = 2);
    let found = onset(&series).unwrap();
    assert_eq!((found.at, found.expected), (Timestamp::from_second(4 * DAY + 220 * 3600).unwrap(), 0.0));
    assert_eq!(onset(&Series::default()), None);
}

#[test]
fn days_say_cheaply_whether_hours_are_worth_counting() {
    assert!(may_have_risen(&[10, 10, 10, 10, 10, 40]) && may_have_risen(&[0, 0, 0, 0, 12]));
    assert!(!may_have_risen(&[10, 10, 10, 10, 10, 12]) && !may_have_risen(&[]) && !may_have_risen(&[40, 10, 10]));
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
        let series = hours(&days);
        let (change, _) = classify(&History { since, series: &series, ..history(&releases) });
        proptest::prop_assert_ne!(change, Change::Resolved);
        if let Some(found) = onset(&series) {
            proptest::prop_assert!(found.low <= found.at && found.at <= found.high && found.ratio.is_finite());
            proptest::prop_assert!(found.recent as f64 >= found.expected && found.ln_chance.is_finite());
        }
    }
}

#[test]
fn steady_rates_hardly_ever_escalate() {
    // Counts of one rate, drawn by a small generator: three weeks each, three hundred times.
    let alarms = (0..300u64).filter(|seed| {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut hit = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state >> 32 & 3 == 0
        };
        let hour = |_| Hour { count: (0..4).filter(|_| hit()).count() as u64, exposure: 40 };
        grown(&Series { start: at(4), hours: (0..21 * 24).map(hour).collect() }).0 == Change::Escalating
    });
    assert_eq!(alarms.count(), 0);
}

/// How many of forty steady histories are ever called escalating in eight weeks, looked at every 41 hours.
fn alarms(world: World) -> usize {
    let ever = |seed: &u64| {
        let series = drawn(world, *seed, 1.0, 0);
        (72..HOURS).step_by(41).any(|hours| escalates(&series, hours))
    };
    (0..HISTORIES).filter(ever).count()
}

#[test]
fn a_rate_that_differs_from_day_to_day_hardly_ever_escalates() {
    for (a_day, wobble) in [
        (100.0, Wobble::Gamma(0.12)),
        (20.0, Wobble::Gamma(0.25)),
        (200.0, Wobble::Gamma(0.5)),
        (100.0, Wobble::LogNormal(0.35)),
    ] {
        let found = alarms(World { a_day, wobble, weekend: 0.5, ..STEADY });
        assert!(found <= 1, "{found} of {HISTORIES} at {a_day} a day");
    }
}

#[test]
fn a_small_step_is_found_within_days() {
    let at = 4 * 7 * 24 + 9;
    let found = |a_day: f64, wobble: Wobble, step: f64, within: usize| {
        let world = World { a_day, wobble, weekend: 0.5, ..STEADY };
        let is = |seed: &u64| {
            let series = drawn(world, 1_000 + seed, step, at);
            (at + 6..=at + within).step_by(6).any(|hours| escalates(&series, hours))
        };
        (0..HISTORIES).filter(is).count()
    };
    let of_forty = [
        found(5.0, Wobble::None, 3.0, 96),
        found(5.0, Wobble::None, 3.0, 168),
        found(5.0, Wobble::None, 5.0, 36),
        found(20.0, Wobble::None, 3.0, 36),
        found(20.0, Wobble::Gamma(0.12), 3.0, 168),
    ];
    let least = [22, 34, 34, 34, 28];
    assert!(of_forty.iter().zip(least).all(|(found, least)| *found >= least), "{of_forty:?}");
}

#[test]
fn what_is_new_weighs_less_from_week_to_week() {
    let weighed = |change: Change, why: &ChangeReason, as_of: i64| {
        let status = Status::Unresolved;
        impact(&Weight { users: 10, events: 0, active: 0, change, why, unhandled: false, status, as_of: at(as_of) })
    };
    let new = ChangeReason::FirstSeen { release: None, at: at(10), clean_releases: 0 };
    let by_age: Vec<f64> = [10, 17, 24, 100].map(|day| weighed(Change::New, &new, day).round()).to_vec();
    assert_eq!(by_age, [30.0, 20.0, 15.0, 10.0]);
    let back_at = Some(at(17));
    let back = ChangeReason::Returned {
        last_bad: "a@1".into(),
        absent: Vec::new(),
        expected: 4.0,
        back_in: "a@3".into(),
        back_at,
    };
    assert_eq!(weighed(Change::Regressed, &back, 17), 30.0);
    let steady = ChangeReason::Steady { since_release: None, since: at(10) };
    assert_eq!(weighed(Change::Ongoing, &steady, 100), 10.0);
}
