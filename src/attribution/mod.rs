//! What the affected have in common: shares of a value among them and among others, tested exactly; and the few
//! conditions that mark them. It uses nothing else of the crate.
//! It never does IO, never makes sentences, never sees the text of a tag.

mod candidates;
mod choice;
mod contrast;
mod exact;
mod power;
mod table;
mod window;

pub use contrast::{Lift, gain, lift};
pub use exact::{benjamini_hochberg, binomial_bound, hypergeometric_tail};
pub use power::Power;
pub use table::Table;
pub use window::{WindowMark, window};

/// Share of findings that may be false.
pub const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// A condition is named only when the lower end of its lift reaches this.
pub const LEAST_LIFT: f64 = 1.3;

/// Below so many affected users nothing is sought: of two, anything holds.
pub const LEAST_AFFECTED: u64 = 3;

/// Below so many users of the baseline nothing is sought.
pub const LEAST_BASELINE: u64 = 8;

/// One value of one tag, by the numbers they have in the [`Table`], or versions from it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Condition {
    /// Place of the tag, in the order in which tags were added.
    pub tag: usize,
    /// Number of the value.
    pub value: u32,
    /// How far beyond the value it reaches.
    pub reach: Reach,
}

impl Condition {
    /// That value alone.
    pub fn is(tag: usize, value: u32) -> Self {
        Self { tag, value, reach: Reach::Exactly }
    }
}

/// How far a condition reaches beyond its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// That value alone.
    Exactly,
    /// It and later versions of its family.
    AtLeast,
    /// It and earlier versions of its family.
    AtMost,
}

/// A condition, and what else holds for exactly the same users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The one to name: the first by order of tags.
    pub condition: Condition,
    /// Other names of the same set of users.
    pub same_users: Vec<Condition>,
}

/// A condition, or two together, that marks the affected.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// One or two; all must hold.
    pub parts: Vec<Part>,
    /// Affected users who meet it.
    pub users: u64,
    /// Users of the baseline who meet it.
    pub baseline_users: u64,
    /// Share of the affected who meet it.
    pub coverage: f64,
    /// Share of the baseline who meet it.
    pub baseline_share: f64,
    /// How many times as often as in the baseline.
    pub lift: Lift,
    /// False discovery rate at which it is a finding, over all conditions tested on the whole table.
    pub q_value: f64,
    /// Log-likelihood gained among those whom stronger marks leave over: what marks are ranked by.
    pub gain: f64,
}

/// Which conditions mark the affected.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// Affected users.
    pub affected: u64,
    /// Users of the baseline.
    pub baseline: u64,
    /// Whether there were too few users to seek anything.
    pub too_few: bool,
    /// How many conditions were tested.
    pub tested: u64,
    /// Strongest first, at most three; empty when nothing stands out.
    pub marks: Vec<Mark>,
    /// What would have been seen among as many conditions.
    pub power: Option<Power>,
}

/// Seeks the conditions under which users are hit more than others are. Exact and deterministic; the order of rows
/// changes nothing. An invented condition costs more than a missed one, so what is weak is left out.
pub fn attribute(table: &Table) -> Attribution {
    let (affected, baseline) = (table.affected(), table.baseline());
    if affected < LEAST_AFFECTED || baseline < LEAST_BASELINE {
        return Attribution { affected, baseline, too_few: true, tested: 0, marks: Vec::new(), power: None };
    }
    // What covers less than a fifth of the affected explains nothing; of fewer than five, all must share it. The tests
    // are exact, so it needs no more: how little a handful proves stands in the q-value.
    let least = affected.div_ceil(5).max(affected.min(5));
    let singles = candidates::singles(table, least);
    let candidates = candidates::candidates(table, &singles, least);
    let mark = |(at, gain): (usize, f64)| {
        let found = &candidates[at];
        Some(Mark {
            parts: found.singles.iter().map(|single| singles[*single].part.clone()).collect(),
            users: found.hits,
            baseline_users: found.others,
            coverage: ratio(found.hits, affected),
            baseline_share: ratio(found.others, baseline),
            lift: found.lift?,
            q_value: found.q_value,
            gain,
        })
    };
    let marks = choice::choose(table, &singles, &candidates, least).into_iter().filter_map(mark).collect();
    let tested = candidates::tests(&candidates) as u64;
    Attribution { affected, baseline, too_few: false, tested, marks, power: power::power(affected, baseline, tested) }
}

/// How common one value is among the affected and the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Of the affected, 0 to 1.
    pub share: f64,
    /// Of the baseline, 0 to 1; `None` without a baseline.
    pub baseline_share: Option<f64>,
    /// How many times as often as in the baseline; `None` where the baseline has none of it.
    pub lift: Option<f64>,
    /// Chance of at least such a share without a cause, corrected for all values tested (Benjamini and Hochberg, 1995).
    pub q_value: Option<f64>,
}

/// Shares of values, each given as users with it: (affected, baseline). `affected` and `baseline` are all users of
/// each side; one row a user, so that one who fails a hundred times counts once.
pub fn shares(values: &[(u64, u64)], affected: u64, baseline: u64) -> Vec<Share> {
    if baseline == 0 || affected == 0 {
        let share = |(k, _): &(u64, u64)| Share { share: ratio(*k, affected), ..Share::default() };
        return values.iter().map(share).collect();
    }
    let tail = |(k, b): &(u64, u64)| hypergeometric_tail(*k, k + b, affected, affected + baseline);
    let chances: Vec<f64> = values.iter().map(tail).collect();
    let corrected = benjamini_hochberg(&chances);
    let share = |((k, b), q): (&(u64, u64), f64)| {
        let (share, baseline_share) = (ratio(*k, affected), ratio(*b, baseline));
        let lift = (baseline_share > 0.0).then(|| share / baseline_share);
        Share { share, baseline_share: Some(baseline_share), lift, q_value: Some(q) }
    };
    values.iter().zip(corrected).map(share).collect()
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
