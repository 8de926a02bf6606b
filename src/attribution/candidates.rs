//! Which conditions are tried: values that enough of the affected share, and pairs of them.

use super::{
    Condition, Part, Reach, Table,
    contrast::{Lift, lift},
    exact::false_discovery_rates,
    hypergeometric_tail,
    table::RowSet,
};
use std::collections::{HashMap, hash_map::Entry};

/// A value that enough affected users have, with other values that exactly the same users have.
pub(super) struct Single {
    pub(super) part: Part,
    pub(super) extent: RowSet,
}

/// A condition that is tested: one single or two, with its numbers over the whole table.
pub(super) struct Candidate {
    /// Places in the list of singles: one or two.
    pub(super) singles: Vec<usize>,
    pub(super) hits: u64,
    pub(super) others: u64,
    pub(super) lift: Option<Lift>,
    pub(super) q_value: f64,
    /// How many ways there are to say it.
    pub(super) names: f64,
}

impl Candidate {
    /// The sets of users whose overlap this candidate is.
    pub(super) fn extents<'a>(&self, singles: &'a [Single]) -> Vec<&'a RowSet> {
        self.singles.iter().map(|at| &singles[*at].extent).collect()
    }
}

/// Values with at least `least` affected users. Those with the same users are one condition, named after the first.
pub(super) fn singles(table: &Table, least: u64) -> Vec<Single> {
    let most_values = table.affected() / 2;
    let mut seen: HashMap<RowSet, usize> = HashMap::new();
    let mut singles: Vec<Single> = Vec::new();
    for tag in 0..table.tags() {
        let values = table.common_values(tag, least, most_values);
        for (extent, value) in table.extents(tag, &values).into_iter().zip(values) {
            let condition = Condition::is(tag, table.given(tag, value));
            match seen.entry(extent) {
                Entry::Occupied(known) => singles[*known.get()].part.same_users.push(condition),
                Entry::Vacant(new) => {
                    let extent = new.key().clone();
                    new.insert(singles.len());
                    singles.push(Single { part: Part { condition, same_users: Vec::new() }, extent });
                }
            }
        }
    }
    // A range that is one value, or a whole browser that has a name of its own, is no new condition.
    for tag in 0..table.tags() {
        for (condition, extent) in ranges(table, tag) {
            let enough = RowSet::affected_in(&[&extent]) >= least;
            if let (true, Entry::Vacant(new)) = (enough, seen.entry(extent)) {
                let extent = new.key().clone();
                new.insert(singles.len());
                singles.push(Single { part: Part { condition, same_users: Vec::new() }, extent });
            }
        }
    }
    singles
}

/// From each version of a family on, and up to each; the whole family once.
fn ranges(table: &Table, tag: usize) -> Vec<(Condition, RowSet)> {
    let mut ranges = Vec::new();
    for family in table.families(tag) {
        let extents = table.extents(tag, family);
        let mut grow = |reach: Reach, order: &mut dyn Iterator<Item = usize>, last: usize| {
            let mut sum: Option<RowSet> = None;
            for at in order.take(last) {
                let grown = sum.map_or_else(|| extents[at].clone(), |sum| sum.or(&extents[at]));
                ranges.push((Condition { tag, value: table.given(tag, family[at]), reach }, grown.clone()));
                sum = Some(grown);
            }
        };
        grow(Reach::AtLeast, &mut (0..family.len()).rev(), family.len());
        grow(Reach::AtMost, &mut (0..family.len()), family.len().saturating_sub(1));
    }
    ranges
}

/// Singles, then pairs of values of different tags that hold fewer users than each half, with q-values over all of them.
pub(super) fn candidates(table: &Table, singles: &[Single], least: u64) -> Vec<Candidate> {
    let (affected, baseline) = (table.affected(), table.baseline());
    let mut counted: Vec<(Vec<usize>, u64, u64)> = Vec::new();
    for (at, single) in singles.iter().enumerate() {
        let set = [&single.extent];
        counted.push((vec![at], RowSet::affected_in(&set), RowSet::baseline_in(&set)));
    }
    for second in 1..singles.len() {
        for first in 0..second {
            let (one, other) = (singles[first].part.condition, singles[second].part.condition);
            if one.tag == other.tag || (one.reach, other.reach) != (Reach::Exactly, Reach::Exactly) {
                continue;
            }
            let sets = [&singles[first].extent, &singles[second].extent];
            let hits = RowSet::affected_in(&sets);
            if hits < least {
                continue;
            }
            let others = RowSet::baseline_in(&sets);
            let narrower = |half: usize| hits + others < counted[half].1 + counted[half].2;
            if narrower(first) && narrower(second) {
                counted.push((vec![first, second], hits, others));
            }
        }
    }
    let chances: Vec<(f64, f64)> = counted
        .iter()
        .map(|(parts, hits, others)| {
            let p = hypergeometric_tail(*hits, hits + others, affected, affected + baseline);
            (p, names(parts, singles))
        })
        .collect();
    let corrected = false_discovery_rates(&chances);
    let build = |(((parts, hits, others), q_value), (_, names))| Candidate {
        singles: parts,
        hits,
        others,
        lift: lift(hits, affected, others, baseline),
        q_value,
        names,
    };
    counted.into_iter().zip(corrected).zip(chances).map(build).collect()
}

/// How many ways there are to say a condition. Each counts as a test of its own: someone who reads through the tags
/// would have made it.
fn names(parts: &[usize], singles: &[Single]) -> f64 {
    parts.iter().map(|at| 1.0 + singles[*at].part.same_users.len() as f64).product()
}

/// How many tests the candidates stand for.
pub(super) fn tests(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|candidate| candidate.names).sum()
}
