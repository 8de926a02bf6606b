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
/// Days' worth of prior belief about how counts vary, and what is believed: a little more than by chance.
const PRIOR_DAYS: f64 = 4.0;
const PRIOR_DISPERSION: f64 = 1.1;
/// Standard deviations that one in twenty of a normal distribution lies above.
const ONE_SIDED_95: f64 = 1.644_853_626_951_472;

/// One stratum: counts and exposure before and since.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
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
    cells: [Cell; Series::STRATA],
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
        let mut cells = [Cell::default(); Series::STRATA];
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

    /// Negative logarithm of a bound on the chance of so many since; 0 where less than `least` is beyond doubt.
    pub(super) fn evidence(&self, least: f64) -> f64 {
        let exponent = self.exponent();
        // Dispersion only lowers it.
        if exponent < least { 0.0 } else { exponent / self.dispersion() }
    }

    /// How many times more the days before vary than they would by chance, at least 1: Pearson's statistic of the
    /// whole days before, by its degrees of freedom, drawn a little to the prior. What goes beyond chance may go as far
    /// as so few days allow (Wilson and Hilferty's approximation of chi-square, 1931).
    fn dispersion(&self) -> f64 {
        let (days, of) = (self.at / 24, self.of);
        let mut squares = 0.0;
        for day in 0..days {
            let hours = (self.at - (day + 1) * 24)..(self.at - day * 24);
            let known = hours.filter(|hour| of.exposures[*hour] > 0.0);
            let expected: f64 = known.clone().map(|hour| self.rate_before(of.strata[hour]) * of.exposures[hour]).sum();
            let seen: f64 = known.map(|hour| of.series.hours[hour].count as f64).sum();
            if expected > 0.0 {
                squares += (seen - expected).powi(2) / expected;
            }
        }
        let free = days.saturating_sub(2) as f64 + PRIOR_DAYS;
        let excess = ((squares + PRIOR_DAYS * PRIOR_DISPERSION) / free - 1.0).max(0.0);
        let spread = 2.0 / (9.0 * free);
        1.0 + excess / (1.0 - spread - ONE_SIDED_95 * spread.sqrt()).powi(3)
    }

    fn rate_before(&self, stratum: usize) -> f64 {
        let cell = &self.cells[stratum];
        if cell.exposure[0] > 0.0 { cell.count[0] / cell.exposure[0] } else { 0.0 }
    }

    fn matched(&self) -> impl Iterator<Item = &Cell> {
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
