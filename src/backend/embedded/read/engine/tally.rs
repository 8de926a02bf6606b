//! Distinct users by key, counted while events pass by.
//! It uses `roaring` and the packed forms.
//! It never counts a user twice under one key.

use roaring::RoaringBitmap;

use crate::backend::embedded::pack::{ById, TagColumn};

/// The place of events that name no user.
pub(in crate::backend::embedded::read) const NOBODY: u32 = u32::MAX;

/// Users of a page of [`Places`].
const PAGE: usize = 256;

/// Users numbered in the order in which they came, so that sets of them are short rows of bits. Found by page: users are
/// dense numbers of the store.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct Places {
    /// One more than the place; 0 for who has none.
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    pub(in crate::backend::embedded::read) users: Vec<u32>,
}

impl Places {
    /// The place of a user; user 0 is nobody.
    pub(in crate::backend::embedded::read) fn of(&mut self, user: u32) -> u32 {
        if user == 0 {
            return NOBODY;
        }
        let (page, at) = (user as usize / PAGE, user as usize % PAGE);
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let known = &mut self.pages[page].get_or_insert_with(|| Box::new([0; PAGE]))[at];
        if *known == 0 {
            self.users.push(user);
            *known = self.users.len() as u32;
        }
        *known - 1
    }
}

/// Events and distinct users of one key.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct Row {
    pub(in crate::backend::embedded::read) events: u64,
    pub(in crate::backend::embedded::read) users: u64,
    bits: Vec<u64>,
}

impl Row {
    /// Counts an event of the user at that place.
    pub(in crate::backend::embedded::read) fn see(&mut self, place: u32) {
        self.events += 1;
        if place == NOBODY {
            return;
        }
        let (word, bit) = ((place / 64) as usize, place % 64);
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        // Without a branch: whether a user is new is anybody's guess.
        self.users += (self.bits[word] >> bit & 1) ^ 1;
        self.bits[word] |= 1 << bit;
    }
}

/// Events and distinct users by key.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct Grid {
    slots: ById<usize>,
    rows: Vec<Row>,
}

impl Grid {
    pub(in crate::backend::embedded::read) fn get(&self, key: u32) -> Option<&Row> {
        self.slots.get(&key).map(|slot| &self.rows[*slot])
    }

    pub(in crate::backend::embedded::read) fn keys(&self) -> impl Iterator<Item = u32> {
        self.slots.keys().copied()
    }

    /// Where events of a key are counted.
    pub(in crate::backend::embedded::read) fn row(&mut self, key: u32) -> &mut Row {
        let next = self.rows.len();
        let slot = *self.slots.entry(key).or_insert(next);
        if slot == next {
            self.rows.push(Row::default());
        }
        &mut self.rows[slot]
    }
}

/// Rows of a part that count: those of users, each with its user's place, and those of nobody.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct MatchedRows {
    pub(in crate::backend::embedded::read) named: Vec<(u32, u32)>,
    pub(in crate::backend::embedded::read) nameless: Vec<u32>,
}

impl MatchedRows {
    pub(in crate::backend::embedded::read) fn clear(&mut self) {
        self.named.clear();
        self.nameless.clear();
    }

    pub(in crate::backend::embedded::read) fn push(&mut self, row: usize, place: u32) {
        match place {
            NOBODY => self.nameless.push(row as u32),
            place => self.named.push((row as u32, place)),
        }
    }
}

/// The users of so many values of a tag are rows of bits; those of further ones, of which few have many, are packed.
const ROWS: usize = 256;

/// Events and distinct users by the value of one tag.
pub(in crate::backend::embedded::read) struct Values {
    /// Rows by value; row 0 is for events without the tag.
    slots: ById<usize>,
    /// By slot: the value and its events.
    events: Vec<(u32, u64)>,
    /// By slot: a bit for each place.
    users: Vec<Vec<u64>>,
    more: Vec<RoaringBitmap>,
}

/// One value of a tag.
#[derive(Clone, Copy)]
pub(in crate::backend::embedded::read) struct ValueCount {
    pub(in crate::backend::embedded::read) value: u32,
    pub(in crate::backend::embedded::read) events: u64,
    pub(in crate::backend::embedded::read) users: u64,
}

impl Default for Values {
    fn default() -> Self {
        let slots = std::iter::once((0, 0)).collect();
        Self { slots, events: vec![(0, 0)], users: vec![Vec::new()], more: Vec::new() }
    }
}

impl Values {
    /// Different values.
    pub(in crate::backend::embedded::read) fn len(&self) -> usize {
        self.events[1..].iter().filter(|(_, events)| *events > 0).count()
    }

    /// Events with a value.
    pub(in crate::backend::embedded::read) fn events(&self) -> u64 {
        self.events[1..].iter().map(|(_, events)| events).sum()
    }

    /// Counts those rows, of users at places below `places`; rows without the tag don't count.
    pub(in crate::backend::embedded::read) fn see(&mut self, tag: &TagColumn, taken: &MatchedRows, places: usize) {
        let slots: Vec<usize> = tag.values().iter().map(|value| self.slot(*value, places)).collect();
        let slot = |row: u32| slots[tag.places().get(row as usize).map_or(0, |at| usize::from(*at))];
        let (events, users) = (self.events.as_mut_slice(), self.users.as_mut_slice());
        taken.nameless.iter().for_each(|row| events[slot(*row)].1 += 1);
        for (row, place) in &taken.named {
            let slot = slot(*row);
            events[slot].1 += 1;
            match users.get_mut(slot) {
                Some(users) => users[*place as usize / 64] |= 1 << (place % 64),
                None => drop(self.more[slot - ROWS].insert(*place)),
            }
        }
    }

    /// Where a value is counted, with room for the users of so many places.
    fn slot(&mut self, value: u32, places: usize) -> usize {
        let next = self.events.len();
        let slot = *self.slots.entry(value).or_insert(next);
        if slot == next {
            self.events.push((value, 0));
            match next < ROWS {
                true => self.users.push(Vec::new()),
                false => self.more.push(RoaringBitmap::new()),
            }
        }
        if let Some(users) = self.users.get_mut(slot) {
            users.resize(users.len().max(places.div_ceil(64)), 0);
        }
        slot
    }

    /// What was counted.
    pub(in crate::backend::embedded::read) fn counts(&self) -> Vec<ValueCount> {
        let rows = self.users.iter().map(|users| users.iter().map(|bits| u64::from(bits.count_ones())).sum());
        let users = rows.chain(self.more.iter().map(RoaringBitmap::len));
        let count = |((value, events), users): (&(u32, u64), u64)| ValueCount { value: *value, events: *events, users };
        self.events.iter().zip(users).skip(1).map(count).filter(|count| count.events > 0).collect()
    }
}

/// How many rows have the commonest value.
pub(in crate::backend::embedded::read) fn most_shared(column: &[u32]) -> u64 {
    let mut counts: ById<u64> = ById::default();
    column.iter().filter(|value| **value != 0).for_each(|value| *counts.entry(*value).or_default() += 1);
    counts.into_values().max().unwrap_or(0)
}
