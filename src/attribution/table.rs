//! The table that conditions are sought in: one row a user, one column a tag.

/// Users, affected or of the baseline, and the value that each has of each tag. Tags and values are numbers that the
/// caller gave out, so that their text stays outside. One row a user: one who fails a hundred times has one vote.
#[derive(Clone, Debug, Default)]
pub struct Table {
    affected: Vec<bool>,
    columns: Vec<Vec<Option<u32>>>,
    /// For each tag the numbers of its values as they were given, ascending; columns and families hold places in it.
    given: Vec<Vec<u32>>,
    /// For each tag, its versions by family, oldest first.
    families: Vec<Vec<Vec<u32>>>,
}

impl Table {
    /// A table of as many users as there are flags; true: affected.
    pub fn new(affected: Vec<bool>) -> Self {
        Self { affected, ..Self::default() }
    }

    /// Adds a tag: the value of each user, in the order of the flags. Missing rows have none, surplus ones are dropped.
    /// Tags that come earlier give their name to equal sets of users, so add them in the order of their names.
    pub fn push_tag(&mut self, values: Vec<Option<u32>>) {
        self.push_versions(values, Vec::new());
    }

    /// Adds a tag whose values are versions: each family, such as one browser's, from its oldest to its newest. Versions
    /// of the baseline that none of the affected has belong there too.
    pub fn push_versions(&mut self, mut values: Vec<Option<u32>>, mut families: Vec<Vec<u32>>) {
        values.resize(self.affected.len(), None);
        let given = different(values.iter().flatten().chain(families.iter().flatten()).copied());
        // Every number is in the list that it was taken from.
        let place = |value: &mut u32| *value = given.partition_point(|before| before < value) as u32;
        if given.last().is_some_and(|last| *last as usize >= given.len()) {
            values.iter_mut().flatten().chain(families.iter_mut().flatten()).for_each(place);
        }
        self.given.push(given);
        self.columns.push(values);
        self.families.push(families);
    }

    /// The number of a value as it was given.
    pub(super) fn given(&self, tag: usize, value: u32) -> u32 {
        self.given[tag][value as usize]
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
        let mut users = vec![0; self.given[tag].len()];
        let rows = self.columns[tag].iter().zip(&self.affected);
        rows.filter(|(_, hit)| **hit).for_each(|(value, _)| value.iter().for_each(|value| users[*value as usize] += 1));
        if users.iter().filter(|users| **users > 0).count() as u64 > most {
            return Vec::new();
        }
        users.iter().zip(0..).filter(|(users, _)| **users >= least.max(1)).map(|(_, value)| value).collect()
    }

    /// The users who have one of the values, for each of them.
    pub(super) fn extents(&self, tag: usize, values: &[u32]) -> Vec<RowSet> {
        let mut found = vec![self.nobody(); values.len()];
        let mut places = vec![usize::MAX; self.given[tag].len()];
        values.iter().zip(0..).for_each(|(value, at)| places[*value as usize] = at);
        let mut next = [0; 2];
        for (value, hit) in self.columns[tag].iter().zip(&self.affected) {
            let bit = next[usize::from(*hit)];
            next[usize::from(*hit)] += 1;
            if let Some(found) = value.and_then(|value| found.get_mut(places[value as usize])) {
                let side = if *hit { &mut found.affected } else { &mut found.baseline };
                side[bit / 64] |= 1 << (bit % 64);
            }
        }
        found
    }

    /// All users.
    pub(super) fn everybody(&self) -> RowSet {
        let full = |bits: u64| {
            let words = (0..bits.div_ceil(64)).map(|word| match bits - word * 64 {
                rest @ 0..64 => (1 << rest) - 1,
                _ => u64::MAX,
            });
            words.collect()
        };
        RowSet { affected: full(self.affected()), baseline: full(self.baseline()) }
    }

    fn nobody(&self) -> RowSet {
        let empty = |bits: u64| vec![0; bits.div_ceil(64) as usize];
        RowSet { affected: empty(self.affected()), baseline: empty(self.baseline()) }
    }
}

/// The different numbers, ascending.
fn different(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    // Nearly all are small and many: they are marked, the others sorted.
    let (mut marks, mut others) = (vec![false; 1 << 16], Vec::new());
    for number in numbers {
        match marks.get_mut(number as usize) {
            Some(mark) => *mark = true,
            None => others.push(number),
        }
    }
    others.sort_unstable();
    others.dedup();
    marks.into_iter().zip(0..).filter(|(mark, _)| *mark).map(|(_, number)| number).chain(others).collect()
}

/// A set of users, a bit each, the two sides apart: most pairs are dismissed by the few words of the affected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RowSet {
    affected: Vec<u64>,
    baseline: Vec<u64>,
}

impl RowSet {
    /// Affected users in all of the sets. There is at least one set.
    pub(super) fn affected_in(sets: &[&RowSet]) -> u64 {
        overlap(sets, |set| &set.affected)
    }

    /// Users of the baseline in all of the sets. There is at least one set.
    pub(super) fn baseline_in(sets: &[&RowSet]) -> u64 {
        overlap(sets, |set| &set.baseline)
    }

    /// Those of either.
    pub(super) fn or(mut self, other: &RowSet) -> Self {
        let join =
            |words: &mut [u64], others: &[u64]| words.iter_mut().zip(others).for_each(|(word, new)| *word |= new);
        join(&mut self.affected, &other.affected);
        join(&mut self.baseline, &other.baseline);
        self
    }

    /// Takes out the users who are in all of the sets.
    pub(super) fn remove(&mut self, sets: &[&RowSet]) {
        let strike = |words: &mut [u64], side: fn(&RowSet) -> &Vec<u64>| {
            for (at, word) in words.iter_mut().enumerate() {
                *word &= !sets.iter().fold(u64::MAX, |all, set| all & side(set)[at]);
            }
        };
        strike(&mut self.affected, |set| &set.affected);
        strike(&mut self.baseline, |set| &set.baseline);
    }
}

fn overlap(sets: &[&RowSet], side: impl Fn(&RowSet) -> &Vec<u64>) -> u64 {
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
        assert_eq!((RowSet::affected_in(&[&alive]), RowSet::baseline_in(&[&alive])), (100, 100));
        alive.remove(&[&extents[0]]);
        assert_eq!((RowSet::affected_in(&[&alive]), RowSet::baseline_in(&[&alive])), (75, 75));
        assert_eq!(RowSet::affected_in(&[&alive, &extents[0]]), 0);
    }

    #[test]
    fn a_short_column_has_no_values_at_its_end() {
        let mut table = Table::new(vec![true; 3]);
        table.push_tag(vec![Some(7)]);
        assert_eq!(table.common_values(0, 1, 9), [0]);
        assert_eq!(table.given(0, 0), 7);
    }
}
