//! The values of one tag in the rows of a chunk: a list of the different ones, and for each row its place there.
//! It uses the numbers of the floors below.
//! It never holds text: ids alone.

use super::{
    bytes::{Bytes, column, put, put_column},
    ids::ById,
};
use crate::backend::embedded::fault::Corrupt;

/// One tag by row. Who counts looks a value up once a chunk, not once a row.
#[derive(Clone, Debug)]
pub(in crate::backend::embedded) struct TagColumn {
    /// The different values; the first is 0, for rows without the tag.
    values: Vec<u32>,
    /// By row; shorter than the chunk where its last rows lack the tag.
    places: Vec<u16>,
    /// Places by value, once something was pushed.
    index: ById<u16>,
}

impl Default for TagColumn {
    fn default() -> Self {
        Self { values: vec![0], places: Vec::new(), index: ById::default() }
    }
}

impl TagColumn {
    /// The different values, 0 for "none" first.
    pub(in crate::backend::embedded) fn values(&self) -> &[u32] {
        &self.values
    }

    /// For each row its place in [`TagColumn::values`]; rows past the end have none.
    pub(in crate::backend::embedded) fn places(&self) -> &[u16] {
        &self.places
    }

    /// The value in a row; 0 without.
    pub(in crate::backend::embedded) fn value(&self, row: usize) -> u32 {
        self.places.get(row).map_or(0, |place| self.values[usize::from(*place)])
    }

    /// Puts a value into a row past all that have one.
    pub(super) fn push(&mut self, row: usize, value: u32) {
        if self.index.len() < self.values.len() {
            self.index = self.values.iter().copied().zip(0..).collect();
        }
        let (values, next) = (&mut self.values, self.index.len() as u16);
        let place = *self.index.entry(value).or_insert_with(|| {
            values.push(value);
            next
        });
        self.places.resize(row, 0);
        self.places.push(place);
    }

    /// Adds the rows of another column after the first `rows`.
    pub(super) fn append(&mut self, rows: usize, more: &Self) {
        for (row, place) in more.places.iter().enumerate().filter(|(_, place)| **place != 0) {
            self.push(rows + row, more.values[usize::from(*place)]);
        }
    }

    /// Writes it for a chunk of `n` rows.
    pub(super) fn encode(&self, out: &mut Vec<u8>, n: usize) {
        put(out, self.values.len() as u64 - 1);
        self.values[1..].iter().for_each(|value| put(out, u64::from(*value)));
        let padding = std::iter::repeat_n(0, n.saturating_sub(self.places.len()));
        put_column(out, self.places.iter().map(|place| u64::from(*place)).chain(padding));
    }

    /// What [`TagColumn::encode`] wrote.
    pub(super) fn decode(bytes: &mut Bytes<'_>, n: usize) -> Result<Self, Corrupt> {
        let mut values = vec![0];
        for _ in 0..bytes.count()? {
            values.push(bytes.id()?);
        }
        let places = column(bytes, n, |place| place as u16)?;
        if places.iter().any(|place| usize::from(*place) >= values.len()) {
            return Err(Corrupt("chunk"));
        }
        Ok(Self { values, places, index: ById::default() })
    }
}
