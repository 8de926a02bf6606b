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
        let (word, bit) = ((place / 64) as usize, 1 << (place % 64));
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        if self.bits[word] & bit == 0 {
            self.bits[word] |= bit;
            self.users += 1;
        }
    }
}

/// Events and distinct users by key.
#[derive(Default)]
pub(super) struct Grid {
    slots: ById<usize>,
    rows: Vec<Row>,
    /// By place, one more than the slot that the user was seen in first: most are seen in no other.
    firsts: Vec<u32>,
}

impl Grid {
    /// Different keys.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, key: u32) -> Option<&Row> {
        self.slots.get(&key).map(|slot| &self.rows[*slot])
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (u32, &Row)> {
        self.slots.iter().map(|(key, slot)| (*key, &self.rows[*slot]))
    }

    /// Where events of a key are counted.
    pub(super) fn slot(&mut self, key: u32) -> usize {
        let next = self.rows.len();
        let slot = *self.slots.entry(key).or_insert(next);
        if slot == next {
            self.rows.push(Row::default());
        }
        slot
    }

    /// Counts an event of the user at that place.
    pub(super) fn see(&mut self, slot: usize, place: u32) {
        let Some(first) = self.firsts.get_mut(place as usize) else {
            if place != NOBODY {
                self.firsts.resize(place as usize + 1, 0);
                self.firsts[place as usize] = slot as u32 + 1;
            }
            return self.rows[slot].see(place);
        };
        if *first == slot as u32 + 1 {
            self.rows[slot].events += 1;
            return;
        }
        if *first == 0 {
            *first = slot as u32 + 1;
        }
        self.rows[slot].see(place);
    }

    /// Counts those rows of a tag, each with its user's place; rows without the tag don't count.
    pub(super) fn see_tag(&mut self, tag: &TagColumn, taken: &[(u32, u32)]) {
        // A value of other rows alone gets no slot.
        let mut slots: Vec<Option<usize>> = vec![None; tag.values().len()];
        for (row, place) in taken {
            let Some(at) = tag.places().get(*row as usize).map(|at| usize::from(*at)).filter(|at| *at != 0) else {
                continue;
            };
            let slot = *slots[at].get_or_insert_with(|| self.slot(tag.values()[at]));
            self.see(slot, *place);
        }
    }
}
