//! Maps by the store's own numbers.
//! It uses nothing but the standard library.
//! It never hashes what a stranger chose: ids alone.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// Spreads small numbers; ids given by the store need no protection against made-up collisions.
#[derive(Clone, Debug, Default)]
pub(in crate::backend::embedded) struct IdHasher(u64);

impl Hasher for IdHasher {
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
pub(in crate::backend::embedded) type ById<V> = HashMap<u32, V, BuildHasherDefault<IdHasher>>;
