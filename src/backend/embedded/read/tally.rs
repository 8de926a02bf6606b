//! Distinct users by key, counted while events pass by.
//! It uses the packed forms.
//! It never counts a user twice under one key.

use crate::backend::embedded::pack::{ById, TagColumn};

/// The place of events that name no user.
pub(super) const NOBODY: u32 = u32::MAX;

/// Users of a page of [`Places`].
const PAGE: usize = 256;

/// Users numbered in the order in which they came, so that sets of them are short rows of bits. Found by page: users are
/// dense numbers of the store.
#[derive(Default)]
pub(super) struct Places {
    /// One more than the place; 0 for who has none.
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    pub(super) users: Vec<u32>,
}

impl Places {
    /// The place of a user; user 0 is nobody.
    pub(super) fn of(&mut self, user: u32) -> u32 {
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
pub(super) struct Row {
    pub(super) events: u64,
    pub(super) users: u64,
    bits: Vec<u64>,
}

impl Row {
    /// Counts an event of the user at that place.
    pub(super) fn see(&mut self, place: u32) {
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
pub(super) struct Grid {
    slots: ById<usize>,
    rows: Vec<Row>,
}

impl Grid {
    pub(super) fn get(&self, key: u32) -> Option<&Row> {
        self.slots.get(&key).map(|slot| &self.rows[*slot])
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = u32> {
        self.slots.keys().copied()
    }

    /// Where events of a key are counted.
    pub(super) fn row(&mut self, key: u32) -> &mut Row {
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
pub(super) struct Taken {
    pub(super) named: Vec<(u32, u32)>,
    pub(super) nameless: Vec<u32>,
}

impl Taken {
    pub(super) fn clear(&mut self) {
        self.named.clear();
        self.nameless.clear();
    }

    pub(super) fn push(&mut self, row: usize, place: u32) {
        match place {
            NOBODY => self.nameless.push(row as u32),
            place => self.named.push((row as u32, place)),
        }
    }
}

/// So many values of a tag are marked by a bit each.
const MARKED: usize = 64;

/// Events and distinct users by the value of one tag.
#[derive(Default)]
pub(super) struct Values {
    slots: ById<usize>,
    /// By slot: the value and its events.
    events: Vec<(u32, u64)>,
    /// By place: which of the first values its user was seen with.
    marks: Vec<u64>,
    /// The users of further values, by slot.
    more: Vec<Row>,
}

/// One value of a tag.
#[derive(Clone, Copy)]
pub(super) struct ValueCount {
    pub(super) value: u32,
    pub(super) events: u64,
    pub(super) users: u64,
}

impl Values {
    /// Different values.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Events with a value.
    pub(super) fn events(&self) -> u64 {
        self.events.iter().map(|(_, events)| events).sum()
    }

    /// Counts those rows, of users at places below `places`; rows without the tag don't count.
    pub(super) fn see(&mut self, tag: &TagColumn, taken: &Taken, places: usize) {
        let at = |row: u32| tag.places().get(row as usize).map_or(0, |at| usize::from(*at));
        let mut seen = vec![0u64; tag.values().len()];
        taken.named.iter().for_each(|(row, _)| seen[at(*row)] += 1);
        taken.nameless.iter().for_each(|row| seen[at(*row)] += 1);
        let slots: Vec<usize> = seen.iter().zip(tag.values()).map(|(n, value)| self.slot(*value, *n)).collect();
        // Nothing for rows without the tag, and for values past those that are marked.
        let bits: Vec<u64> = slots.iter().map(|slot| if *slot < MARKED { 1 << slot } else { 0 }).collect();
        self.marks.resize(places.max(self.marks.len()), 0);
        for (row, place) in &taken.named {
            self.marks[*place as usize] |= bits[at(*row)];
        }
        if !self.more.is_empty() {
            for (row, place) in &taken.named {
                if let Some(more) = slots[at(*row)].checked_sub(MARKED).and_then(|slot| self.more.get_mut(slot)) {
                    more.see(*place);
                }
            }
        }
    }

    /// Where a value of which there are events is counted; nowhere without, and for "none".
    fn slot(&mut self, value: u32, events: u64) -> usize {
        if events == 0 || value == 0 {
            return usize::MAX;
        }
        let next = self.events.len();
        let slot = *self.slots.entry(value).or_insert(next);
        if slot == next {
            self.events.push((value, 0));
            self.more.resize_with((next + 1).saturating_sub(MARKED), Row::default);
        }
        self.events[slot].1 += events;
        slot
    }

    /// What was counted.
    pub(super) fn counts(&self) -> Vec<ValueCount> {
        let mut users = [0u64; MARKED];
        for mut marks in self.marks.iter().copied() {
            while marks != 0 {
                users[marks.trailing_zeros() as usize] += 1;
                marks &= marks - 1;
            }
        }
        let users = users.into_iter().take(self.len()).chain(self.more.iter().map(|row| row.users));
        let count = |((value, events), users): (&(u32, u64), u64)| ValueCount { value: *value, events: *events, users };
        self.events.iter().zip(users).map(count).collect()
    }
}
