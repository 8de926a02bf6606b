//! Distinct users by key, counted while events pass by.
//! It uses nothing but the standard library.
//! It never counts a user twice under one key.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// Spreads small numbers; ids given by the store need no protection against made-up collisions.
#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }
}

/// A map by ids.
pub(super) type ById<V> = HashMap<u32, V, BuildHasherDefault<Spread>>;

/// Users numbered in the order in which they came, so that sets of them are short rows of bits.
#[derive(Default)]
pub(super) struct Places {
    places: ById<u32>,
    pub(super) users: Vec<u32>,
}

impl Places {
    /// The place of a user.
    pub(super) fn of(&mut self, user: u32) -> u32 {
        *self.places.entry(user).or_insert_with(|| {
            self.users.push(user);
            self.users.len() as u32 - 1
        })
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
    /// Counts an event of the user at that place, of nobody without.
    pub(super) fn see(&mut self, place: Option<u32>) {
        self.events += 1;
        let Some(place) = place else { return };
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
    pub(super) rows: ById<Row>,
}

impl Grid {
    pub(super) fn see(&mut self, key: u32, place: Option<u32>) {
        self.rows.entry(key).or_default().see(place);
    }
}
