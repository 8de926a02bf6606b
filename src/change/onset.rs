//! When an issue's rate rose: the change point of its counts by hour.
//!
//! Every whole hour of a horizon is tried as the moment of the change, as in a scan statistic (Kulldorff, *Prospective
//! time periodic geographical disease surveillance using a scan statistic*, 2001) with the likelihood ratio of Page's and
//! Lorden's tests (Lorden, *Procedures for reacting to a change in distribution*, 1971). See `contrast` for the test of
//! one moment. It must hold twice: against the traffic, so that growth of the application raises nothing, and against
//! time, so that a fall of what the traffic is measured by raises nothing. Counts that vary more than by chance
//! are worth less. How improbable it must be is set by simulation over all moments tried and a look every hour, so that
//! an issue polled for months says so by chance less than once in a thousand weeks.

use super::{
    contrast::{Compared, Evidence, Split},
    series::Series,
};
use crate::model::Onset;

/// How improbable a rise must be. Fewer than one in a thousand weeks would need 6.9 + 5.1 + 2.5 if a week's 168 looks and a
/// dozen windows were tests of their own. They overlap: over a thousand simulated weeks of one rate the highest was 9.0,
/// and of rates that differ from day to day none to two histories of eight weeks in forty went beyond 13.
const EVIDENCE: f64 = 13.0;
/// Logarithms of likelihoods that are the same but for rounding.
const SAME: f64 = 1e-6;
/// Below so many times the rate before, a rise is not worth a word.
const RATIO: f64 = 1.5;
/// Fewer user-days than that are no wave.
const FEWEST: f64 = 5.0;
/// Hours that nearly as well fit: within so much of the best likelihood (Siegmund, *Confidence sets in change-point
/// problems*, 1988).
const NEARLY: f64 = 3.0;
/// First every sixth hour is tried and each of the last, then each around the best.
const COARSE: usize = 6;
/// Hours that are tried one by one.
const AROUND: usize = 36;

/// The rise within the whole series; `None` where none is beyond chance. At least three days must lie before it.
pub fn onset(series: &Series) -> Option<Onset> {
    onset_within(series, series.hours.len())
}

/// The rise within the last `horizon` hours: what was raised for longer is the usual rate by then.
pub(super) fn onset_within(series: &Series, horizon: usize) -> Option<Onset> {
    let strata = series.strata();
    let by = |exposures: Vec<f64>| Compared { series, strata: &strata, exposures };
    let traffic = by(series.hours.iter().map(|hour| hour.exposure as f64).collect());
    let time = by(vec![1.0; series.hours.len()]);
    Scan { series, traffic, time }.rise(horizon)
}

struct Scan<'s> {
    series: &'s Series,
    traffic: Compared<'s>,
    time: Compared<'s>,
}

impl Scan<'_> {
    fn rise(&self, horizon: usize) -> Option<Onset> {
        let end = self.series.hours.len();
        let first = end.saturating_sub(horizon);
        let coarse = (first..end).step_by(COARSE).filter(|at| at + AROUND < end);
        let moments = coarse.chain(end.saturating_sub(AROUND).max(first)..end);
        let mut tried: Vec<(usize, Evidence)> = moments.map(|at| (at, self.evidence(at))).collect();
        let (near, _) = likeliest(&tried, f64::MIN_POSITIVE)?;
        let close = near.saturating_sub(AROUND).max(first)..(near + AROUND).min(end);
        tried.retain(|(at, _)| !close.contains(at));
        tried.extend(close.map(|at| (at, self.evidence(at))));
        tried.sort_unstable_by_key(|(at, _)| *at);
        let found = tried.iter().map(|(_, found)| *found).filter(|found| found.worth >= EVIDENCE);
        let found = found.max_by(|a, b| a.worth.total_cmp(&b.worth))?;
        self.told(found, &tried)
    }

    /// The weaker of the two contrasts, against traffic and against time; none where either doesn't call it a rise.
    fn evidence(&self, at: usize) -> Evidence {
        let judged = |split: &Split<'_>| {
            let rose = split.recent >= FEWEST && split.ratio() >= RATIO;
            if rose { split.evidence(EVIDENCE - NEARLY) } else { Evidence::default() }
        };
        let time = Split::new(&self.time, at).as_ref().map_or(Evidence::default(), judged);
        if time.worth == 0.0 {
            return time;
        }
        let Some(traffic) = Split::new(&self.traffic, at).as_ref().map(judged) else { return time };
        Evidence { chance: time.chance.min(traffic.chance), worth: time.worth.min(traffic.worth) }
    }

    /// The likeliest moment: that of the most evidence by chance alone, all of it worth as much less as `found` is.
    fn told(&self, found: Evidence, tried: &[(usize, Evidence)]) -> Option<Onset> {
        let (at, best) = likeliest(tried, EVIDENCE - NEARLY)?;
        let scale = found.worth / found.chance;
        let split = Split::new(&self.traffic, at).or_else(|| Split::new(&self.time, at))?;
        let nearly = |(_, other): &&(usize, Evidence)| (best.chance - other.chance) * scale <= NEARLY;
        let low = tried.iter().find(nearly).map_or(at, |(hour, _)| *hour);
        let high = tried.iter().rfind(nearly).map_or(at, |(hour, _)| *hour);
        Some(Onset {
            at: self.series.moment(at),
            low: self.series.moment(low),
            high: self.series.moment(high),
            recent: split.recent as u64,
            expected: split.expected,
            ratio: split.ratio(),
            ln_chance: -found.worth,
            going_on: self.goes_on(&split, at),
        })
    }

    /// Whether the last quarter is nearer to the raised rate than to the one before, as far as it tells.
    fn goes_on(&self, split: &Split<'_>, at: usize) -> bool {
        let length = self.series.hours.len() - at;
        let from = self.series.hours.len() - (length / 4).max(length.min(6));
        let (seen, expected) = split.seen_from(from);
        expected * split.ratio() < 3.0 || seen >= expected * split.ratio().sqrt()
    }
}

/// The moment of the most evidence by chance among those of enough worth. Hours without a count may be of strata that
/// have none at all: of several that are the same, the last says it best.
fn likeliest(tried: &[(usize, Evidence)], worth: f64) -> Option<(usize, Evidence)> {
    let holds = || tried.iter().filter(|(_, found)| found.worth >= worth);
    let most = holds().map(|(_, found)| found.chance).max_by(f64::total_cmp)?;
    holds().rfind(|(_, found)| found.chance >= most - SAME).copied()
}

/// Whether an issue's events by day, the last day perhaps unfinished, look enough like a rise for its hours to be
/// counted: cheap, and far less strict than [`onset`].
pub fn may_have_risen(days: &[u64]) -> bool {
    (1..=days.len().saturating_sub(super::contrast::DAYS_BEFORE).min(super::RECENT / 24)).any(|window| {
        let (before, since) = days.split_at(days.len() - window);
        let (earlier, recent) = (before.iter().sum::<u64>() as f64, since.iter().sum::<u64>() as f64);
        // Of the last day half has passed, on average.
        let expected = (earlier * (window as f64 - 0.5) / before.len() as f64).max(0.1);
        recent >= FEWEST && recent / expected >= RATIO && recent * (recent / expected).ln() - (recent - expected) >= 6.0
    })
}
