//! What is missing, when it will be there, and who runs what.

use std::collections::BTreeMap;

use super::{
    Demand, Proof,
    evidence::{Evidence, Stratum},
    table::{Compare, Table, Unit},
    verdict::Verdict,
    window::hour,
};
use crate::model::{FixHistory, Side, Timestamp};

/// Where nothing tells how long it will take.
pub(super) const UNKNOWN_S: i64 = 30 * 60;
/// Asking sooner brings nothing.
const SOONEST_S: i64 = 5 * 60;
/// Nor is anything gained by waiting longer.
const LATEST_S: i64 = 24 * 3_600;
/// Hours by which the present rate of use is told.
const PRESENT_H: i64 = 24;

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Needed {
    /// Nothing: the verdict stands.
    Nothing,
    /// So much more exposure of the new side without a hit.
    Exposure {
        /// In the unit of exposure.
        exposure: f64,
        /// Seconds until then at the present rate of use; `None` without any.
        eta_s: Option<f64>,
    },
    /// No amount would do: the issue was hardly ever hit on the control.
    ThinBaseline,
    /// There is no control at all to compare with.
    NoControl,
}

/// See [`Evidence::needed`].
pub fn needed(strata: &[Stratum], shares: &[f64], bar: f64, alpha: f64) -> Option<f64> {
    Evidence::needed(strata, shares, bar, alpha)
}

pub(super) fn needed_for(table: &Table, compare: Compare, demand: &Demand, shift: f64, verdict: Verdict) -> Needed {
    if verdict != Verdict::InsufficientExposure {
        return Needed::Nothing;
    }
    let (_, d1) = table.effects(compare);
    let mut strata = table.divided(compare);
    let baseline: f64 = strata.iter().map(|s| s.n0).sum();
    if baseline <= 0.0 {
        return Needed::NoControl;
    }
    if compare.at_once {
        // Blocks of time pass; what is to come will be spread over new ones like the present.
        strata = vec![strata.iter().fold(Stratum::default(), |a, s| Stratum {
            k0: a.k0 + s.k0,
            n0: a.n0 + s.n0,
            k1: a.k1 + s.k1,
            n1: a.n1 + s.n1,
        })];
    }
    let shares: Vec<f64> = strata.iter().map(|s| s.n0 / baseline).collect();
    let Some(more) = Evidence::needed(&strata, &shares, demand.bar() * shift, demand.alpha()) else {
        return Needed::ThinBaseline;
    };
    let exposure = more * d1;
    let hours = PRESENT_H.min(table.window.elapsed_h()).max(1);
    let (_, present) = table.sums(Side::New, table.window.cut - hours, table.window.cut);
    let eta_s = (present > 0.0).then(|| exposure / present * hours as f64 * 3_600.0);
    Needed::Exposure { exposure, eta_s }
}

/// When to ask again: half of the time that is missing. Evidence grows by whole hours, so not before the next.
pub(super) fn again_after_s(proof: &Proof, as_of: Timestamp) -> i64 {
    let next_hour = 3_600 - as_of.as_second().rem_euclid(3_600);
    let soonest = next_hour.max(SOONEST_S);
    match proof.needed {
        Needed::Exposure { eta_s: Some(eta_s), .. } => ((eta_s / 2.0) as i64).clamp(soonest, LATEST_S.max(soonest)),
        Needed::Exposure { eta_s: None, .. } => UNKNOWN_S.max(soonest),
        // What there is to compare with may come with each hour.
        Needed::NoControl => soonest,
        _ => LATEST_S,
    }
}

/// Share of each release in the exposure of the last day, largest first.
pub(super) fn adoption(history: &FixHistory, as_of: Timestamp) -> Vec<(usize, f64)> {
    let cut = hour(as_of);
    let sums = |unit: Unit| {
        let mut sums: BTreeMap<usize, u64> = BTreeMap::new();
        for part in history.uses.iter().filter(|part| (cut - PRESENT_H..cut).contains(&part.hour)) {
            *sums.entry(part.release).or_default() += unit.of(part);
        }
        sums.retain(|_, n| *n > 0);
        sums
    };
    let by_unit = [Unit::UserHours, Unit::Sessions, Unit::Events].map(sums);
    let Some(sums) = by_unit.into_iter().find(|sums| !sums.is_empty()) else { return Vec::new() };
    let all: u64 = sums.values().sum();
    let mut shares: Vec<(usize, f64)> = sums.into_iter().map(|(release, n)| (release, n as f64 / all as f64)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
    shares
}
