//! Which of the conditions are named: the one that explains most, then what explains those who are left.

use super::{
    FALSE_DISCOVERY_RATE, Reach, Table,
    candidates::{Candidate, Single, tests},
    contrast::gain,
    exact::false_discovery_rates,
    hypergeometric_tail,
    table::RowSet,
};

/// At most so many conditions are named.
const MOST_FOUND: usize = 3;

/// What a pair or a range of versions must gain beyond a value, in log-likelihood, so that of two that explain alike
/// the simpler one wins.
const COST: f64 = 3.0;

/// Those who are not explained yet, and what is tried on them.
struct Rest<'a> {
    alive: RowSet,
    affected: u64,
    all: u64,
    singles: &'a [Single],
    tried: f64,
    least: u64,
}

/// Places of the chosen candidates, strongest first, each with its gain among those it was chosen for.
///
/// A shadow of a chosen condition (the locale of a country, the system of a device) has no more contrast among the
/// users who remain, and is not chosen; a second cause has. Lavrač and others, *Subgroup discovery with CN2-SD*, 2004.
pub(super) fn choose(table: &Table, singles: &[Single], candidates: &[Candidate], least: u64) -> Vec<(usize, f64)> {
    let mut rest = Rest { alive: table.everybody(), affected: 0, all: 0, singles, tried: tests(candidates), least };
    let mut chosen = Vec::new();
    while chosen.len() < MOST_FOUND {
        rest.affected = RowSet::affected_in(&[&rest.alive]);
        rest.all = rest.affected + RowSet::baseline_in(&[&rest.alive]);
        let Some((at, gained)) = rest.strongest(candidates) else { break };
        chosen.push((at, gained));
        rest.alive.remove(&candidates[at].extents(singles));
    }
    chosen
}

impl Rest<'_> {
    fn strongest(&self, candidates: &[Candidate]) -> Option<(usize, f64)> {
        let counts: Vec<Option<(u64, u64)>> = candidates.iter().map(|candidate| self.counts(candidate)).collect();
        let chance = |(counts, candidate): (&Option<(u64, u64)>, &Candidate)| {
            let p = counts.map_or(1.0, |(hits, marked)| hypergeometric_tail(hits, marked, self.affected, self.all));
            (p, candidate.names)
        };
        let corrected = false_discovery_rates(&counts.iter().zip(candidates).map(chance).collect::<Vec<_>>());
        let mut best: Option<(usize, f64)> = None;
        for (at, candidate) in candidates.iter().enumerate() {
            let Some((hits, marked)) = counts[at].filter(|_| corrected[at] <= FALSE_DISCOVERY_RATE) else { continue };
            if !candidate.lift.is_some_and(|lift| lift.is_large(candidate.others)) {
                continue;
            }
            let cost = if self.is_plain(candidate) { 0.0 } else { COST };
            let gained = gain(hits, self.affected, marked, self.all) - cost;
            // Singles come before pairs and names in order, so the first of equals is the one to keep.
            if best.is_none_or(|(_, most)| gained > most) && self.productive(candidate, hits, marked) {
                best = Some((at, gained));
            }
        }
        best
    }

    fn is_plain(&self, candidate: &Candidate) -> bool {
        let reach = |at: &usize| self.singles[*at].part.condition.reach;
        candidate.singles.len() == 1 && candidate.singles.iter().all(|at| reach(at) == Reach::Exactly)
    }

    /// Affected users and all users whom a candidate holds among the rest; `None` where it is out of question.
    fn counts(&self, candidate: &Candidate) -> Option<(u64, u64)> {
        if candidate.q_value > FALSE_DISCOVERY_RATE {
            return None;
        }
        let mut sets = candidate.extents(self.singles);
        sets.push(&self.alive);
        let hits = RowSet::affected_in(&sets);
        (hits >= self.least).then(|| (hits, hits + RowSet::baseline_in(&sets)))
    }

    /// Whether a pair says more than each of its halves alone (Webb, *Discovering significant patterns*, 2007).
    fn productive(&self, candidate: &Candidate, hits: u64, marked: u64) -> bool {
        candidate.singles.len() < 2
            || candidate.singles.iter().all(|half| {
                let sets = [&self.singles[*half].extent, &self.alive];
                let (half_hits, half_others) = (RowSet::affected_in(&sets), RowSet::baseline_in(&sets));
                let chance = hypergeometric_tail(hits, marked, half_hits, half_hits + half_others);
                chance <= FALSE_DISCOVERY_RATE / self.tried
            })
    }
}
