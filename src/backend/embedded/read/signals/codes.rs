//! A column of a block for those that group by it or add it up.
//! It uses JSON of single values.
//! It never says which values are equal: two places may hold the same one.

use std::collections::HashMap;

use serde_json::Value as Json;

/// A column as places among different values; 0: the line has none.
pub(super) struct Codes {
    pub(super) values: Vec<Json>,
    pub(super) of: Vec<u32>,
}

impl Codes {
    pub(super) fn value(&self, code: u32) -> Option<&Json> {
        self.values.get((code as usize).checked_sub(1)?)
    }

    pub(super) fn of_each(each: impl Iterator<Item = Option<Json>>) -> Self {
        let mut places: HashMap<String, u32> = HashMap::new();
        let mut values = Vec::new();
        let mut of = Vec::new();
        for value in each {
            of.push(value.map_or(0, |value| {
                *places.entry(value.to_string()).or_insert_with(|| {
                    values.push(value);
                    values.len() as u32
                })
            }));
        }
        Self { values, of }
    }
}
