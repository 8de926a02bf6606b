//! Since when or since which release users are hit, and the sentence for it.

use super::{
    attribution::{interval, one_digit},
    view::{ConditionView, OnsetView, TagValue, significant, two_digits},
};
use crate::{
    attribution::{WindowMark, window},
    guard::{Clean, Guard, Limit},
    model::{Onset, Release, Timestamp},
    say,
    store::{AffectedFacts, Window, WindowStart},
    view::{Seconds, Word, percent, rounded},
};

const HOUR_S: i64 = 3_600;

/// The window that explains most, if one stands out.
pub(in crate::tools) fn found(facts: &AffectedFacts, guard: &mut Guard) -> Option<ConditionView> {
    let affected = if facts.in_period > 0 { facts.in_period } else { facts.anonymous_events };
    let judge = |of: &Window| window(of.users, affected, (of.used, of.used_in_all), facts.windows.len());
    let judged = facts.windows.iter().filter_map(|window| Some((window, judge(window)?)));
    // Of equals the newest release stands first.
    let (best, mark) = judged.reduce(|best, next| if next.1.gain > best.1.gain { next } else { best })?;
    let unit = if facts.in_period > 0 { "affected users" } else { "events" };
    Some(ConditionView {
        conditions: vec![condition(best, guard)],
        users: best.users,
        coverage: rounded(mark.coverage),
        baseline_share: rounded(mark.used_share),
        lift: two_digits(mark.lift.ratio),
        lift_low: two_digits(mark.lift.low),
        lift_high: two_digits(mark.lift.high),
        q_value: significant(mark.chance),
        statement: statement(best, mark, (affected, unit), guard),
    })
}

/// When the rate rose.
pub(super) fn onset(onset: &Onset) -> OnsetView {
    OnsetView {
        at: onset.at.into(),
        earliest: onset.low.into(),
        latest: onset.high.into(),
        times: (onset.expected >= 0.5).then(|| one_digit(onset.ratio)),
        going_on: onset.going_on,
    }
}

fn condition(window: &Window, guard: &mut Guard) -> TagValue {
    let (tag, value) = match &window.from {
        WindowStart::Moment { onset, .. } => ("time", say!(Seconds(onset.at))),
        WindowStart::Release(release) => ("release", guard.line(release, Limit::Tag)),
    };
    TagValue { tag: Clean::ours(tag), op: Some(Word(">=")), value }
}

/// "58 of 60 affected users (97 %) were hit first in shop@2.3.0 or later, 35 % of the use: 2.8 times as often …".
fn statement(window: &Window, mark: WindowMark, (affected, unit): (u64, &'static str), guard: &mut Guard) -> Clean {
    let (since, around) = match &window.from {
        WindowStart::Release(release) => (say!("in ", guard.line(release, Limit::Tag), " or later"), Clean::default()),
        WindowStart::Moment { onset, release_before, release_after } => (
            say!("since ", Seconds(onset.at)),
            say!("; ", releases_around(onset, release_before.as_deref(), release_after.as_deref(), guard)),
        ),
    };
    say!(
        window.users,
        " of ",
        affected,
        " ",
        unit,
        " (",
        percent(mark.coverage),
        ") came first ",
        since,
        ", with ",
        percent(mark.used_share),
        " of the use: ",
        interval(mark.lift),
        around
    )
}

/// Whether a release can explain the moment.
fn releases_around(onset: &Onset, before: Option<&Release>, after: Option<&Release>, guard: &mut Guard) -> Clean {
    let began = |release: &Release| release.deploys.first().map_or(release.first_seen, |deploy| deploy.at);
    match (before, after) {
        (Some(release), _) => {
            say!(guard.line(&release.version, Limit::Tag), " began ", distance(began(release), onset.at))
        }
        (None, Some(release)) => say!(
            "before any deploy: the next release, ",
            guard.line(&release.version, Limit::Tag),
            ", began ",
            distance(began(release), onset.at)
        ),
        (None, None) => Clean::ours("no release began"),
    }
}

/// `3 h before`, `2 d after`, in the same hour.
fn distance(of: Timestamp, from: Timestamp) -> Clean {
    let apart = from.as_second() - of.as_second();
    let hours = (apart.abs() + HOUR_S / 2) / HOUR_S;
    let (n, unit) = if hours >= 72 { (hours / 24, " d") } else { (hours, " h") };
    match (n, apart > 0) {
        (0, _) => Clean::ours("in the same hour"),
        (n, true) => say!(n as u64, unit, " before"),
        (n, false) => say!(n as u64, unit, " after"),
    }
}
