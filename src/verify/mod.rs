//! Does a fix hold? Evidence from production, valid however often it is asked for.
//! It uses `model` alone.
//! It never does IO, never reads a clock, never makes sentences.
//!
//! `docs/verify.md` has the method with its sources, its measured error rates and its limits.

mod chart;
mod cohort;
mod evidence;
mod hits;
mod likeness;
mod loss;
mod moved;
mod outlook;
mod relapse;
mod table;
mod verdict;
mod window;

pub use chart::Bucket;
pub use cohort::Cohort;
pub use evidence::{Evidence, Interval, Stratum};
pub use hits::{Clusters, GAP_US, counted};
pub use likeness::{ALIKE, similarity};
pub use loss::Loss;
pub use moved::Moved;
pub use outlook::{Needed, needed};
pub use relapse::Relapse;
pub use table::Unit;
pub use verdict::Verdict;
pub use window::Window;

use crate::model::{FixHistory, Side, Timestamp};
use table::{Compare, Table};

/// Error rate at which the control after the deploy is compared with that before it.
const DRIFT_ALPHA: f64 = 0.01;

/// What counts as fixed, and how sure an answer has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// The rate has to fall by this share of itself, 0 to 1.
    pub min_reduction: f64,
    /// Chance that no poll ever gives a wrong verdict, 0 to 1.
    pub confidence: f64,
}

impl Default for Demand {
    fn default() -> Self {
        Self { min_reduction: 0.8, confidence: 0.95 }
    }
}

impl Demand {
    /// The highest ratio of rates that counts as fixed.
    pub fn bar(&self) -> f64 {
        1.0 - self.min_reduction
    }

    /// The error rate.
    pub fn alpha(&self) -> f64 {
        1.0 - self.confidence
    }
}

/// The numbers of one side.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Sums {
    /// Exposure.
    pub exposure: f64,
    /// Counted hits: one a user in any 24 hours.
    pub hits: f64,
    /// Distinct users hit; hits that name nobody count one each.
    pub affected: u64,
    /// Events.
    pub events: u64,
}

impl Sums {
    /// Hits a unit of exposure; `None` without exposure.
    pub fn rate(&self) -> Option<f64> {
        (self.exposure > 0.0).then(|| self.hits / self.exposure)
    }
}

/// Exposure of a side within and outside the condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CohortUse {
    /// On the control.
    pub before: f64,
    /// On the new side.
    pub after: f64,
}

/// What is judged once something of the new side has been seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The time that was looked at.
    pub window: Window,
    /// What exposure was counted in.
    pub unit: Unit,
    /// The ratio of rates.
    pub interval: Interval,
    /// Control.
    pub before: Sums,
    /// New side.
    pub after: Sums,
    /// Hits that the new side would have had at the old rate.
    pub expected: f64,
    /// Design effects of control and new side.
    pub effects: (f64, f64),
    /// The condition under which the issue occurs.
    pub cohort: Cohort,
    /// Exposure under it, where it can be told apart.
    pub cohort_use: Option<CohortUse>,
    /// What of the errors arrived at all.
    pub loss: Loss,
    /// Whether the control changed at the deploy, so that only what ran at the same time was compared; `None`: no
    /// control ran after it.
    pub drifted: Option<bool>,
    /// The fix held for a time, and then no longer.
    pub relapse: Option<Relapse>,
    /// It goes on under other issues.
    pub moved: Option<Moved>,
    /// Candidates alone keep it from counting as fixed.
    pub held_back: bool,
    /// What is missing, where too little is known.
    pub needed: Needed,
    /// Rates by time.
    pub chart: Vec<Bucket>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgment {
    /// What became of the failure.
    pub verdict: Verdict,
    /// Why; `None` while nothing of the new side was seen.
    pub proof: Option<Proof>,
    /// Share of the last day's exposure by release, largest first: place in the history's releases, 0 to 1.
    pub adoption: Vec<(usize, f64)>,
    /// Seconds after which asking again may bring more.
    pub again_after_s: i64,
}

/// Judges a history as of a moment: a function of what had happened until then.
pub fn judge(history: &FixHistory, as_of: Timestamp, demand: &Demand) -> Judgment {
    let Some(window) = Window::of(history, as_of) else {
        let adoption = outlook::adoption(history, as_of);
        return Judgment { verdict: Verdict::NotDeployed, proof: None, adoption, again_after_s: outlook::UNKNOWN_S };
    };
    let unit = Unit::best(history, &window);
    let cohort = Cohort::of(history, &window, unit);
    let split = match cohort {
        Cohort::Split(condition) => Some(condition),
        _ => None,
    };
    let table = Table::of(history, window, unit, split, |group| group == 0);
    let drift = table.drift(DRIFT_ALPHA);
    let drifted = drift.map(|interval| interval.low > 1.0 || interval.high_or_infinite() < 1.0);
    let compare = Compare { new_from: i64::MIN, at_once: drifted == Some(true) };
    let loss = Loss::of(history, &window);
    let measure =
        |table: &Table, compare: Compare, alpha: f64| shifted(loss.interval(table, compare, alpha), cohort.shift());
    let interval = measure(&table, compare, demand.alpha());
    let mut verdict = Verdict::of(&interval, demand.bar());
    let relapse = relapse::look(&table, compare, demand, verdict, &interval, measure);
    if let Some(relapse) = &relapse {
        verdict = relapse.verdict;
    }
    let like =
        moved::look(history, &table, split, compare, demand, measure).filter(|_| interval.high_or_infinite() < 1.0);
    let (moved, held_back) = match like {
        Some(found) if found.proven => {
            verdict = Verdict::Moved;
            (Some(found), false)
        }
        Some(_) if verdict == Verdict::Fixed => {
            verdict = Verdict::InsufficientExposure;
            (None, true)
        }
        _ => (None, false),
    };
    let needed = outlook::needed_for(&table, compare, demand, cohort.shift().0 * loss.shift(), verdict);
    let cohort_use = split.map(|_| CohortUse { before: table.inside(Side::Control), after: table.inside(Side::New) });
    let proof = Proof {
        window,
        unit,
        interval,
        before: sums(history, &table, Side::Control),
        after: sums(history, &table, Side::New),
        expected: expected(&table, compare),
        effects: table.effects(compare),
        cohort,
        cohort_use,
        loss,
        drifted,
        relapse,
        moved,
        held_back,
        needed,
        chart: chart::of(&table),
    };
    let again_after_s = outlook::again_after_s(&proof, as_of);
    Judgment { verdict, proof: Some(proof), adoption: outlook::adoption(history, as_of), again_after_s }
}

/// The interval once a condition became more or less common by a factor within bounds.
fn shifted(interval: Interval, (low, high): (f64, f64)) -> Interval {
    let wider = |edge: f64| if low > 0.0 { Some(edge / low) } else { None };
    Interval { ratio: interval.ratio, low: interval.low / high, high: interval.high.and_then(wider) }
}

fn sums(history: &FixHistory, table: &Table, side: Side) -> Sums {
    let (hits, exposure) = table.sums(side, table.window.start, table.window.cut);
    let counts = |hit: &&crate::model::FixHit| {
        let in_time = (table.window.start..table.window.cut).contains(&window::hour(hit.at));
        hit.group == 0 && in_time && history.releases[hit.release].side == side
    };
    let events = history.hits.iter().filter(counts).count() as u64;
    Sums { exposure, hits, affected: table.affected(side), events }
}

/// Hits that the new side would have had at the rates of the control, stratum by stratum.
fn expected(table: &Table, compare: Compare) -> f64 {
    let of = |s: &Stratum| if s.n0 > 0.0 { s.n1 * s.k0 / s.n0 } else { 0.0 };
    table.strata(compare).iter().map(of).sum()
}
