//! The table that conditions are sought in: one row a user, one column a tag.

/// Users, affected or of the baseline, and the value that each has of each tag. Tags and values are numbers that the
/// caller gave out, so that their text stays outside. One row a user: one who fails a hundred times has one vote.
#[derive(Clone, Debug, Default)]
pub struct Table {
    affected: Vec<bool>,
    columns: Vec<Vec<Option<u32>>>,
    /// For each tag, its versions by family, oldest first.
    families: Vec<Vec<Vec<u32>>>,
}

impl Table {
    /// A table of as many users as there are flags; true: affected.
    pub fn new(affected: Vec<bool>) -> Self {
        Self { affected, columns: Vec::new(), families: Vec::new() }
    }

    /// Adds a tag: the value of each user, in the order of the flags. Missing rows have none, surplus ones are dropped.
    /// Tags that come earlier give their name to equal sets of users, so add them in the order of their names.
    pub fn push_tag(&mut self, values: Vec<Option<u32>>) {
        self.push_versions(values, Vec::new());
    }

    /// Adds a tag whose values are versions: each family, such as one browser's, from its oldest to its newest. Versions
    /// of the baseline that none of the affected has belong there too.
    pub fn push_versions(&mut self, mut values: Vec<Option<u32>>, families: Vec<Vec<u32>>) {
        values.resize(self.affected.len(), None);
        self.columns.push(values);
        self.families.push(families);
    }

    /// Versions by family, oldest first.
    pub(super) fn families(&self, tag: usize) -> &[Vec<u32>] {
        &self.families[tag]
    }

    /// How many users are affected.
    pub fn affected(&self) -> u64 {
        self.affected.iter().filter(|hit| **hit).count() as u64
    }

    /// How many users the baseline has.
    pub fn baseline(&self) -> u64 {
        self.affected.len() as u64 - self.affected()
    }

    /// How many tags there are.
    pub fn tags(&self) -> usize {
        self.columns.len()
    }

    /// Values of a tag that at least `least` affected users have, ascending; none where the tag has more than `most`
    /// values among the affected, since such a tag names users rather than conditions.
    pub(super) fn common_values(&self, tag: usize, least: u64, most: u64) -> Vec<u32> {
        let rows = self.columns[tag].iter().zip(&self.affected);
        let mut values: Vec<u32> = rows.filter_map(|(value, hit)| value.filter(|_| *hit)).collect();
        values.sort_unstable();
        let runs: Vec<&[u32]> = values.chunk_by(|a, b| a == b).collect();
        if runs.len() as u64 > most {
            return Vec::new();
        }
        runs.into_iter().filter(|run| run.len() as u64 >= least).map(|run| run[0]).collect()
    }

    /// The users who have one of the values, for each of them.
    pub(super) fn extents(&self, tag: usize, values: &[u32]) -> Vec<Extent> {
        let mut found = vec![self.nobody(); values.len()];
        let mut next = [0; 2];
        for (value, hit) in self.columns[tag].iter().zip(&self.affected) {
            let bit = next[usize::from(*hit)];
            next[usize::from(*hit)] += 1;
            if let Some(at) = value.and_then(|value| values.iter().position(|wanted| *wanted == value)) {
                let side = if *hit { &mut found[at].affected } else { &mut found[at].baseline };
                side[bit / 64] |= 1 << (bit % 64);
            }
        }
        found
    }

    /// All users.
    pub(super) fn everybody(&self) -> Extent {
        let full = |bits: u64| {
            let words = (0..bits.div_ceil(64)).map(|word| match bits - word * 64 {
                rest @ 0..64 => (1 << rest) - 1,
                _ => u64::MAX,
            });
            words.collect()
        };
        Extent { affected: full(self.affected()), baseline: full(self.baseline()) }
    }

    fn nobody(&self) -> Extent {
        let empty = |bits: u64| vec![0; bits.div_ceil(64) as usize];
        Extent { affected: empty(self.affected()), baseline: empty(self.baseline()) }
    }
}

/// A set of users, a bit each, the two sides apart: most pairs are dismissed by the few words of the affected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Extent {
    affected: Vec<u64>,
    baseline: Vec<u64>,
}

impl Extent {
    /// Affected users in all of the sets. There is at least one set.
    pub(super) fn affected_in(sets: &[&Extent]) -> u64 {
        overlap(sets, |set| &set.affected)
    }

    /// Users of the baseline in all of the sets. There is at least one set.
    pub(super) fn baseline_in(sets: &[&Extent]) -> u64 {
        overlap(sets, |set| &set.baseline)
    }

    /// Those of either.
    pub(super) fn or(mut self, other: &Extent) -> Self {
        let join =
            |words: &mut [u64], others: &[u64]| words.iter_mut().zip(others).for_each(|(word, new)| *word |= new);
        join(&mut self.affected, &other.affected);
        join(&mut self.baseline, &other.baseline);
        self
    }

    /// Takes out the users who are in all of the sets.
    pub(super) fn remove(&mut self, sets: &[&Extent]) {
        let strike = |words: &mut [u64], side: fn(&Extent) -> &Vec<u64>| {
            for (at, word) in words.iter_mut().enumerate() {
                *word &= !sets.iter().fold(u64::MAX, |all, set| all & side(set)[at]);
            }
        };
        strike(&mut self.affected, |set| &set.affected);
        strike(&mut self.baseline, |set| &set.baseline);
    }
}

fn overlap(sets: &[&Extent], side: impl Fn(&Extent) -> &Vec<u64>) -> u64 {
    let words = side(sets[0]).len();
    let both = |at| sets.iter().fold(u64::MAX, |all, set| all & side(set)[at]).count_ones();
    (0..words).map(|at| u64::from(both(at))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_counted_apart() {
        let mut table = Table::new((0..200).map(|row| row % 2 == 0).collect());
        table.push_tag((0..200).map(|row| (row < 150).then_some(row / 50)).collect());
        assert_eq!((table.affected(), table.baseline(), table.tags()), (100, 100, 1));
        assert_eq!(table.common_values(0, 25, 3), [0, 1, 2]);
        assert!(table.common_values(0, 25, 2).is_empty(), "three values are too many");
        let extents = table.extents(0, &[1]);
        let mut alive = table.everybody();
        assert_eq!((Extent::affected_in(&[&alive]), Extent::baseline_in(&[&alive])), (100, 100));
        alive.remove(&[&extents[0]]);
        assert_eq!((Extent::affected_in(&[&alive]), Extent::baseline_in(&[&alive])), (75, 75));
        assert_eq!(Extent::affected_in(&[&alive, &extents[0]]), 0);
    }

    #[test]
    fn a_short_column_has_no_values_at_its_end() {
        let mut table = Table::new(vec![true; 3]);
        table.push_tag(vec![Some(7)]);
        assert_eq!(table.common_values(0, 1, 9), [7]);
    }
}
