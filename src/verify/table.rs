//! Counted hits and exposure by side and stratum.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    evidence::{Evidence, Interval, Stratum},
    hits::{Clusters, GAP_US, counted},
    window::{Window, hour},
};
use crate::model::{FixHistory, FixHit, Side, Use};

/// What exposure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Distinct users by hour, of sessions.
    UserHours,
    /// Sessions.
    Sessions,
    /// Requests, where there are no sessions.
    Requests,
    /// Distinct users by hour, of events of other issues.
    Events,
}

impl Unit {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserHours => "user_hours",
            Self::Sessions => "sessions",
            // Three words are published: a request is an event of use.
            Self::Requests | Self::Events => "events",
        }
    }

    /// The exposure of a use.
    pub fn of(self, part: &Use) -> u64 {
        match self {
            Self::UserHours => part.users,
            Self::Sessions => part.sessions,
            Self::Requests => part.requests,
            Self::Events => part.events,
        }
    }

    /// The best unit that both sides have; before the new side has any, the best of the control.
    pub fn best(history: &FixHistory, window: &Window) -> Self {
        let sum = |unit: Self, side: Side| -> u64 {
            let of_side = |part: &&Use| history.releases[part.release].side == side;
            let in_time = |part: &&Use| (window.start..window.cut).contains(&part.hour);
            history.uses.iter().filter(of_side).filter(in_time).map(|part| unit.of(part)).sum()
        };
        let all = [Self::UserHours, Self::Sessions, Self::Requests, Self::Events];
        let silent = all.iter().all(|unit| sum(*unit, Side::New) == 0);
        let alone = all.iter().all(|unit| sum(*unit, Side::Control) == 0);
        let fits = |unit: &Self| (alone || sum(*unit, Side::Control) > 0) && (silent || sum(*unit, Side::New) > 0);
        all.into_iter().find(fits).unwrap_or(Self::Events)
    }
}

/// One counted hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) hour: i64,
    pub(super) at: i64,
    pub(super) user: Option<u32>,
    pub(super) side: Side,
    /// Whether it met the condition.
    inside: bool,
}

/// Exposure in one hour.
#[derive(Clone, Copy, Debug)]
struct HourExposure {
    hour: i64,
    side: Side,
    n: f64,
    inside: bool,
}

/// Which part is compared with which.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compare {
    /// First hour of the new side that counts.
    pub(super) new_from: i64,
    /// Only what ran at the same time is the control.
    pub(super) at_once: bool,
}

/// Hits and exposure of both sides, sifted.
pub(super) struct Table {
    pub(super) window: Window,
    unit: Unit,
    pub(super) hits: Vec<Hit>,
    exposure: Vec<HourExposure>,
}

impl Table {
    /// Sifts the hits of the groups that `takes` takes. With a condition, what is outside it is compared apart.
    pub(super) fn of(
        history: &FixHistory,
        window: Window,
        unit: Unit,
        condition: Option<usize>,
        takes: impl Fn(usize) -> bool,
    ) -> Self {
        let mut events: Vec<&FixHit> = history.hits.iter().filter(|hit| takes(hit.group)).collect();
        events.sort_unstable_by_key(|hit| (hit.at, hit.user, hit.release, hit.group));
        let plain: Vec<(i64, Option<u32>)> = events.iter().map(|hit| (hit.at.as_microsecond(), hit.user)).collect();
        let counts = counted(&plain, GAP_US);
        let hit = |hit: &FixHit| Hit {
            hour: hour(hit.at),
            at: hit.at.as_microsecond(),
            user: hit.user,
            side: history.releases[hit.release].side,
            inside: condition.is_none_or(|bit| hit.conditions >> bit & 1 == 1),
        };
        let in_time = |hit: &Hit| hit.side != Side::Neither && (window.start..window.cut).contains(&hit.hour);
        let hits = events.iter().zip(counts).filter(|(_, counts)| *counts).map(|(event, _)| hit(event));
        let hits = hits.filter(in_time).collect();
        Self { window, unit, hits, exposure: exposure(history, &window, unit, condition) }
    }

    /// What exposure is counted in.
    pub(super) fn unit(&self) -> Unit {
        self.unit
    }

    /// Control hits before the deploy.
    fn before(&self) -> Vec<(i64, Option<u32>)> {
        self.moments(|hit| hit.side == Side::Control && hit.hour < self.window.deploy_hour)
    }

    fn moments(&self, takes: impl Fn(&Hit) -> bool) -> Vec<(i64, Option<u32>)> {
        self.hits.iter().filter(|hit| takes(hit)).map(|hit| (hit.at, hit.user)).collect()
    }

    /// Design effects of control and new side.
    pub(super) fn effects(&self, compare: Compare) -> (f64, f64) {
        let clusters = Clusters::of(&self.before());
        let since = compare.new_from.max(self.window.deploy_hour);
        let (elapsed, window) = ((self.window.cut - since).max(0), self.window.before_h());
        let shorter = clusters.effect_over(elapsed as f64, window as f64);
        let own = self.moments(|hit| hit.side == Side::New && hit.hour >= compare.new_from);
        let (mut d0, mut d1) = (clusters.effect(), shorter.max(Clusters::of(&own).effect()));
        if compare.at_once {
            let own = self.moments(|hit| hit.side == Side::Control && hit.hour >= self.window.deploy_hour);
            d0 = d1.max(Clusters::of(&own).effect());
        }
        if self.unit == Unit::Events {
            // Exposure is itself a count, and varies as one.
            let strata = self.strata(compare);
            let (k0, n0): (f64, f64) = (strata.iter().map(|s| s.k0).sum(), strata.iter().map(|s| s.n0).sum());
            let counted = 1.0 + if n0 > 0.0 { k0 / n0 } else { 0.0 };
            (d0, d1) = (d0 * counted, d1 * counted);
        }
        (d0, d1)
    }

    /// Raw counts by stratum. Each is compared with its own past: weekday or weekend by quarter of the UTC day, or,
    /// at once, six-hour blocks since the deploy; within and outside the condition apart.
    pub(super) fn strata(&self, compare: Compare) -> Vec<Stratum> {
        let mut strata: BTreeMap<(bool, i64), Stratum> = BTreeMap::new();
        let takes = |side: Side, hour: i64| match side {
            Side::Control => !compare.at_once || hour >= self.window.deploy_hour,
            Side::New => hour >= compare.new_from,
            Side::Neither => false,
        };
        let block = |hour: i64| match compare.at_once {
            true => (hour - self.window.deploy_hour).div_euclid(6),
            false => week_block(hour),
        };
        for hit in self.hits.iter().filter(|hit| takes(hit.side, hit.hour)) {
            let stratum = strata.entry((hit.inside, block(hit.hour))).or_default();
            *(if hit.side == Side::New { &mut stratum.k1 } else { &mut stratum.k0 }) += 1.0;
        }
        for part in self.exposure.iter().filter(|part| takes(part.side, part.hour)) {
            let stratum = strata.entry((part.inside, block(part.hour))).or_default();
            *(if part.side == Side::New { &mut stratum.n1 } else { &mut stratum.n0 }) += part.n;
        }
        strata.into_values().map(whole).collect()
    }

    /// Strata divided by the design effects.
    pub(super) fn divided(&self, compare: Compare) -> Vec<Stratum> {
        let (d0, d1) = self.effects(compare);
        let divide = |s: Stratum| Stratum { k0: s.k0 / d0, n0: s.n0 / d0, k1: s.k1 / d1, n1: s.n1 / d1 };
        self.strata(compare).into_iter().map(divide).collect()
    }

    /// The interval of the ratio of rates.
    pub(super) fn interval(&self, compare: Compare, alpha: f64) -> Interval {
        Evidence::of(&self.divided(compare)).interval(alpha)
    }

    /// The same, with so many more hits of the new side, spread as its exposure is.
    pub(super) fn interval_with(&self, compare: Compare, alpha: f64, more: f64) -> Interval {
        let (_, d1) = self.effects(compare);
        let mut strata = self.divided(compare);
        let exposure: f64 = strata.iter().map(|s| s.n1).sum();
        if exposure > 0.0 {
            strata.iter_mut().for_each(|s| s.k1 += more / d1 * s.n1 / exposure);
        }
        Evidence::of(&strata).interval(alpha)
    }

    /// How the control's rate after the deploy compares with its rate before; `None` without a control after it.
    pub(super) fn drift(&self, alpha: f64) -> Option<Interval> {
        let mut strata = [Stratum::default(); 2];
        let deploy = self.window.deploy_hour;
        for part in self.exposure.iter().filter(|part| part.side == Side::Control) {
            let stratum = &mut strata[usize::from(part.inside)];
            *(if part.hour < deploy { &mut stratum.n0 } else { &mut stratum.n1 }) += part.n;
        }
        for hit in self.hits.iter().filter(|hit| hit.side == Side::Control) {
            let stratum = &mut strata[usize::from(hit.inside)];
            *(if hit.hour < deploy { &mut stratum.k0 } else { &mut stratum.k1 }) += 1.0;
        }
        if strata.iter().all(|s| s.n1 <= 0.0) {
            return None;
        }
        let clusters = Clusters::of(&self.before());
        let after = self.moments(|hit| hit.side == Side::Control && hit.hour >= deploy);
        let (elapsed, window) = (self.window.elapsed_h() as f64, self.window.before_h() as f64);
        let (d0, d1) = (clusters.effect(), clusters.effect_over(elapsed, window).max(Clusters::of(&after).effect()));
        let divide = |s: Stratum| Stratum { k0: s.k0 / d0, n0: s.n0 / d0, k1: s.k1 / d1, n1: s.n1 / d1 };
        Some(Evidence::of(&strata.map(whole).map(divide)).interval(alpha))
    }

    /// Hits and exposure of a side from an hour on, up to another.
    pub(super) fn sums(&self, side: Side, from: i64, to: i64) -> (f64, f64) {
        let hits = self.hits.iter().filter(|hit| hit.side == side && (from..to).contains(&hit.hour)).count();
        let parts = self.exposure.iter().filter(|part| part.side == side && (from..to).contains(&part.hour));
        // The sum of nothing is -0.
        (hits as f64, parts.map(|part| part.n).sum::<f64>() + 0.0)
    }

    /// Exposure of a side under the condition.
    pub(super) fn inside(&self, side: Side) -> f64 {
        self.exposure.iter().filter(|part| part.side == side && part.inside).map(|part| part.n).sum()
    }

    /// Distinct users hit on a side; hits that name nobody count one each.
    pub(super) fn affected(&self, side: Side) -> u64 {
        let of_side = || self.hits.iter().filter(|hit| hit.side == side);
        let named: BTreeSet<u32> = of_side().filter_map(|hit| hit.user).collect();
        named.len() as u64 + of_side().filter(|hit| hit.user.is_none()).count() as u64
    }
}

/// A hit is exposure too.
fn whole(s: Stratum) -> Stratum {
    Stratum { n0: s.n0.max(s.k0), n1: s.n1.max(s.k1), ..s }
}

/// Weekday or weekend, by quarter of the UTC day. 1970 began on a Thursday.
fn week_block(hour: i64) -> i64 {
    let weekend = (hour.div_euclid(24) + 3).rem_euclid(7) >= 5;
    hour.rem_euclid(24) / 6 + if weekend { 4 } else { 0 }
}

fn exposure(history: &FixHistory, window: &Window, unit: Unit, condition: Option<usize>) -> Vec<HourExposure> {
    let mut sums: BTreeMap<(i64, bool), (f64, f64)> = BTreeMap::new();
    let key = |part: &Use| {
        let side = history.releases[part.release].side;
        let counts = side != Side::Neither && (window.start..window.cut).contains(&part.hour);
        counts.then_some((part.hour, side == Side::New))
    };
    for part in &history.uses {
        if let Some(key) = key(part) {
            sums.entry(key).or_default().0 += unit.of(part) as f64;
        }
    }
    let inside = condition.map_or(&history.uses, |condition| &history.conditions[condition].uses);
    for part in inside {
        if let Some(key) = key(part) {
            sums.entry(key).or_default().1 += unit.of(part) as f64;
        }
    }
    let mut parts = Vec::with_capacity(sums.len());
    for ((hour, new), (all, inside)) in sums {
        let side = if new { Side::New } else { Side::Control };
        parts.push(HourExposure { hour, side, n: inside, inside: true });
        if all > inside {
            parts.push(HourExposure { hour, side, n: all - inside, inside: false });
        }
    }
    parts
}
