//! The hours before a moment against those since, stratum by stratum.
//!
//! If nothing changed, each stratum has a rate of its own, unknown, and given all its counts those since the moment are
//! binomial with the share of its exposure that lies there. Conditioning on the totals takes every daily and weekly
//! pattern out of the question. Strata that one side lacks say nothing. The sum over strata has the Chernoff bound
//! `exp(-sup_t (t k - sum n ln(1 + p (e^t - 1))))`: it holds for every sample size, and its exponent is the
//! log-likelihood gained by one factor common to all strata.

use super::series::Series;

/// Days before without which there is nothing to compare with.
pub(super) const DAYS_BEFORE: usize = 3;
/// Days' worth of prior belief about how the rate differs from one to the next, and what is believed: its squared
/// coefficient of variation.
const PRIOR_DAYS: f64 = 4.0;
const PRIOR_SPREAD: f64 = 0.1;
/// Standard deviations that one in twenty of a normal distribution lies above.
const ONE_SIDED_95: f64 = 1.644_853_626_951_472;

/// What speaks for a rise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// By chance alone, as if each stratum had one rate: it tells moments from each other.
    pub(super) chance: f64,
    /// With all that rates differ by: whether there is a rise.
    pub(super) worth: f64,
}

/// One stratum: counts and exposure before and since.
#[derive(Clone, Copy, Debug, Default)]
struct StratumCounts {
    count: [f64; 2],
    exposure: [f64; 2],
}

/// What counts of a kind of exposure are compared by: one for each hour.
pub(super) struct Compared<'s> {
    pub(super) series: &'s Series,
    pub(super) strata: &'s [usize],
    pub(super) exposures: Vec<f64>,
}

/// A series split at a moment.
pub(super) struct Split<'c> {
    of: &'c Compared<'c>,
    at: usize,
    cells: [StratumCounts; Series::STRATA],
    /// Counts since.
    pub(super) recent: f64,
    /// What the rates before would have given since.
    pub(super) expected: f64,
}

impl<'c> Split<'c> {
    /// Splits before the hour at `at`; `None` where too little lies before, or nothing that can be compared.
    pub(super) fn new(of: &'c Compared<'c>, at: usize) -> Option<Self> {
        if at / 24 < DAYS_BEFORE {
            return None;
        }
        let mut cells = [StratumCounts::default(); Series::STRATA];
        for (hour, used) in of.exposures.iter().enumerate().filter(|(_, used)| **used > 0.0) {
            let (cell, side) = (&mut cells[of.strata[hour]], usize::from(hour >= at));
            cell.count[side] += of.series.hours[hour].count as f64;
            cell.exposure[side] += used;
        }
        let mut split = Self { of, at, cells, recent: 0.0, expected: 0.0 };
        split.matched().next()?;
        split.recent = split.matched().map(|cell| cell.count[1]).sum();
        split.expected = split.matched().map(|cell| cell.count[0] * cell.exposure[1] / cell.exposure[0]).sum();
        Some(split)
    }

    /// How many times as many as expected; half a count stands in for none.
    pub(super) fn ratio(&self) -> f64 {
        self.recent / self.expected.max(0.5)
    }

    /// Negative logarithms of the chance of so many since; none where less than `least` is beyond doubt.
    pub(super) fn evidence(&self, least: f64) -> Evidence {
        let chance = self.exponent();
        // What blocks differ by only lowers it.
        if chance < least {
            return Evidence::default();
        }
        Evidence { chance, worth: together(chance, Blocks::of(self).exponent(self.ratio())) }
    }

    fn rate_before(&self, stratum: usize) -> f64 {
        let cell = &self.cells[stratum];
        if cell.exposure[0] > 0.0 { cell.count[0] / cell.exposure[0] } else { 0.0 }
    }

    fn matched(&self) -> impl Iterator<Item = &StratumCounts> {
        self.cells.iter().filter(|cell| cell.exposure[0] > 0.0 && cell.exposure[1] > 0.0)
    }

    /// Counts from the hour `from` on, and what the rates before would give there.
    pub(super) fn seen_from(&self, from: usize) -> (f64, f64) {
        let of = self.of;
        let hours = (from..of.series.hours.len()).filter(|hour| of.exposures[*hour] > 0.0);
        let known = hours.filter(|hour| self.cells[of.strata[*hour]].exposure[0] > 0.0);
        let seen = known.clone().map(|hour| of.series.hours[hour].count as f64).sum();
        (seen, known.map(|hour| self.rate_before(of.strata[hour]) * of.exposures[hour]).sum())
    }

    /// The exponent of Chernoff's bound on `recent` or more.
    fn exponent(&self) -> f64 {
        let recent = self.recent;
        let terms: Vec<(f64, f64)> = self
            .matched()
            .map(|cell| (cell.count[0] + cell.count[1], cell.exposure[1] / (cell.exposure[0] + cell.exposure[1])))
            .filter(|(all, _)| *all > 0.0)
            .collect();
        let mean = |odds: f64| terms.iter().map(|(all, p)| all * p * odds / (1.0 - p + p * odds)).sum::<f64>();
        let all: f64 = terms.iter().map(|(all, _)| all).sum();
        if recent <= mean(1.0) {
            return 0.0;
        }
        if recent >= all {
            return -terms.iter().map(|(all, p)| all * p.ln()).sum::<f64>();
        }
        // The mean rises with the odds: bisection on their logarithm.
        let (mut low, mut high) = (0.0f64, 30.0f64);
        for _ in 0..40 {
            let middle = (low + high) / 2.0;
            if mean(middle.exp()) < recent { low = middle } else { high = middle }
        }
        let normed: f64 = terms.iter().map(|(all, p)| all * (1.0 - p + p * low.exp()).ln()).sum();
        (low * recent - normed).max(0.0)
    }
}

/// Lengths of blocks, in hours.
const LENGTHS: [usize; 8] = [1, 2, 3, 4, 6, 8, 12, 24];

/// How the rate differs from block to block beyond chance, be it bursts or days. A block is as long as what lies since,
/// a day at most. Each has a factor of its own, gamma distributed around one: counts of blocks are negative binomial.
struct Blocks {
    /// Squared coefficient of variation of the factor.
    spread: f64,
    /// How many blocks' factors the rate before is a mean of, and the rate since.
    before: f64,
    since: f64,
}

/// What lies in one block: counts and what they are expected to be, before the moment; the weight of the block in what
/// is expected since; what is expected since.
#[derive(Clone, Copy, Default)]
struct Block {
    seen: f64,
    expected: f64,
    weight: f64,
    since: f64,
    /// The stratum of an hour of it.
    stratum: usize,
}

impl Blocks {
    fn of(split: &Split<'_>) -> Self {
        let since = split.of.series.hours.len() - split.at;
        let length = LENGTHS.into_iter().find(|length| *length >= since).unwrap_or(24);
        let blocks = Block::all(split, length);
        let mean_of = |part: fn(&Block) -> f64| {
            let (sum, squares) = blocks.iter().fold((0.0, 0.0), |(s, q), one| (s + part(one), q + part(one).powi(2)));
            if squares > 0.0 { sum * sum / squares } else { 1.0 }
        };
        Self { spread: spread(&blocks, length), before: mean_of(|one| one.weight), since: mean_of(|one| one.since) }
    }

    /// Chernoff's bound on one gamma variable being so many times another, both of mean one: the exponent.
    fn exponent(&self, ratio: f64) -> f64 {
        if self.spread <= 0.0 {
            return f64::INFINITY;
        }
        let (a, b) = (self.since / self.spread, self.before / self.spread);
        let (mean, seen) = (a / (a + b), a * ratio / (a * ratio + b));
        (a + b) * (mean * (mean / seen).ln() + (1.0 - mean) * ((1.0 - mean) / (1.0 - seen)).ln())
    }
}

impl Block {
    /// All of a series, which begin with UTC days.
    fn all(split: &Split<'_>, length: usize) -> Vec<Self> {
        let of = split.of;
        let from = of.series.of_day();
        // Where nothing was counted, blocks weigh as much as they were used.
        let least = 0.5 / of.exposures[..split.at].iter().sum::<f64>().max(1.0);
        let mut blocks = vec![Self::default(); (from + of.series.hours.len()) / length + 1];
        for (hour, used) in of.exposures.iter().enumerate().filter(|(_, used)| **used > 0.0) {
            let (block, cell) = (&mut blocks[(from + hour) / length], &split.cells[of.strata[hour]]);
            let rate = split.rate_before(of.strata[hour]);
            if hour < split.at {
                block.stratum = of.strata[hour];
                block.seen += of.series.hours[hour].count as f64;
                block.expected += rate * used;
                block.weight += (rate + least) * used * cell.exposure[1] / cell.exposure[0];
            } else if cell.exposure[0] > 0.0 {
                block.since += (rate + least) * used;
            }
        }
        blocks
    }
}

/// The spread by moments: what squared deviations of blocks have beyond chance. It is drawn a little to the prior; what
/// is left may be as much more as so few blocks allow (Wilson and Hilferty's approximation of chi-square, 1931).
fn spread(blocks: &[Block], length: usize) -> f64 {
    let mut alike = [0.0f64; Series::STRATA];
    let (mut n, mut mean, mut mean_square, mut squares) = (0.0f64, 0.0, 0.0, 0.0);
    for block in blocks.iter().filter(|block| block.expected > 0.0) {
        // Blocks of the same hours of the day, working days and weekends apart, have a rate fitted to them.
        alike[block.stratum / length.min(24)] += 1.0;
        n += 1.0;
        mean += block.expected;
        mean_square += block.expected.powi(2);
        squares += (block.seen - block.expected).powi(2);
    }
    let (mean, mean_square) = (mean / n.max(1.0), mean_square / n.max(1.0));
    let free: f64 = alike.iter().map(|n| (n - 1.0).max(0.0)).sum();
    if free <= 0.0 || mean_square <= 0.0 {
        return PRIOR_SPREAD / certain(PRIOR_DAYS);
    }
    // Blocks of one day may share its factor: it is days that count.
    let days = free * length as f64 / 24.0;
    // A few calm days by chance don't speak against the prior.
    let beyond = ((squares / free - mean) / mean_square).max(0.0);
    let spread = (days * beyond + PRIOR_DAYS * PRIOR_SPREAD) / (days + PRIOR_DAYS);
    // Variances of what is gamma distributed are less certain by its kurtosis.
    spread / certain(days / (1.0 + 3.0 * spread) + PRIOR_DAYS)
}

/// The least that a variance of so many degrees of freedom may be estimated at, as a share of what it is.
fn certain(free: f64) -> f64 {
    let unsure = 2.0 / (9.0 * free);
    (1.0 - unsure - ONE_SIDED_95 * unsure.sqrt()).powi(3)
}

/// The exponent of two deviations together, each by its own: chance takes the cheapest way, and where exponents are
/// squares, that is their harmonic sum.
fn together(one: f64, other: f64) -> f64 {
    if one <= 0.0 || other <= 0.0 { 0.0 } else { 1.0 / (1.0 / one + 1.0 / other) }
}
