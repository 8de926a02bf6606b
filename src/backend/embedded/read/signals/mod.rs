//! Signal beside errors as a table: rows, newest first, or groups with aggregates.
//! It uses `rusqlite` and JSON of single lines.
//! It never says that nothing was found for a key that nothing has: that is an error with the nearest names.

mod blocks;
mod codes;
mod found;
mod group;
mod load;
mod missed;
mod test;

use std::collections::BTreeSet;

use self::found::{Found, Hit};
use super::engine::pool::Snapshot;
use crate::{
    backend::embedded::{
        lines::{Maker, Row, canonical},
        pack::moment,
    },
    model::Untrusted,
    store::{Page, SearchRow, SignalQuery, StoreError, Value},
};

/// Keys that every line may have; asking for one that none has finds nothing, and is no mistake.
const ALWAYS: &[&str] = &[
    "timestamp",
    "hour",
    "day",
    "kind",
    "project",
    "release",
    "environment",
    "user",
    "trace",
    "message",
    "status",
    "level",
    "duration",
    "op",
    "name",
    "transaction",
    "id",
    "span",
    "event",
    "url",
    "http.status_code",
    "monitor",
    "outcome",
    "missed",
    "issue",
    "replay",
    "error.type",
    "platform",
    "unit",
    "value",
];
/// Nearest names that are told.
const NEAR: usize = 5;

impl Snapshot<'_> {
    /// Answers `SignalStore::signals`.
    pub(in crate::backend::embedded) fn signals(&mut self, query: &SignalQuery) -> Result<Page<SearchRow>, StoreError> {
        let filter = test::with_pseudonyms(&query.filter, self.scrubber.pseudonyms());
        let query = &SignalQuery { filter, ..query.clone() };
        let mut found = Found::new(query);
        let warnings = self.gather(&mut found)?;
        known(query, &found.keys)?;
        let (total, values): (usize, Vec<Vec<Value>>) = match found.groups.take() {
            Some(groups) => {
                let groups = groups.told();
                (groups.len(), groups.into_iter().skip(query.skip).take(query.limit).collect())
            }
            None => (found.total as usize, self.shown(&mut found)?),
        };
        let more = query.skip.saturating_add(values.len()) < total;
        let items = values.into_iter().map(|values| SearchRow { event: None, issue: None, values }).collect();
        Ok(Page { items, total: Some(total as u64), more, warnings, by_change: Vec::new() })
    }

    /// The asked columns of the newest lines.
    fn shown(&mut self, found: &mut Found<'_>) -> Result<Vec<Vec<Value>>, StoreError> {
        let query = found.query;
        let bounds = self.bounds(&query.scope)?;
        let mut maker = Maker::new(self.conn);
        let mut shown = Vec::new();
        for (_, hit) in found.page() {
            let row = match hit {
                Hit::Line(row) => Some(*row),
                Hit::Packed(place) => {
                    let slug = bounds.slug(place.project).unwrap_or_default();
                    self.lines_of((place.source, place.kind), slug, &[(place.record, place.at)], &mut maker)?.pop()
                }
            };
            let Some(row) = row else { continue };
            shown.push(query.fields.iter().map(|field| cell(&row, field.raw())).collect());
        }
        Ok(shown)
    }
}

fn cell(row: &Row, key: &str) -> Value {
    if key == "timestamp" {
        return Value::Time(moment(row.ts));
    }
    match row.get(key) {
        None | Some(serde_json::Value::Null) => Value::None,
        Some(serde_json::Value::Bool(truth)) => Value::Bool(*truth),
        Some(serde_json::Value::Number(number)) => match number.as_u64() {
            Some(count) => Value::Count(count),
            None => Value::Number(number.as_f64().unwrap_or(0.0)),
        },
        Some(other) => Value::Text(test::text_of(other).into()),
    }
}

/// Refuses a key that no line of the scope has.
fn known(query: &SignalQuery, names: &BTreeSet<String>) -> Result<(), StoreError> {
    // One trace has few lines: a key that they lack is no mistake.
    if query.filter.iter().any(load::is_of_trace) {
        return Ok(());
    }
    let asked = query.filter.iter().filter_map(test::key_of);
    let columns =
        query.fields.iter().chain(&query.group_by).chain(query.aggregate.iter().filter_map(|stat| stat.key()));
    for key in asked.chain(columns.map(|key| key.raw().to_owned())) {
        let name = canonical(&key);
        if ALWAYS.contains(&name) || names.is_empty() || names.contains(name) || names.contains(&key) {
            continue;
        }
        return Err(StoreError::NotFound { what: "key", asked: key.as_str().into(), near: nearest(name, names) });
    }
    Ok(())
}

/// Names that share most pairs of letters with the one wanted, and at least a third of its own.
fn nearest(wanted: &str, names: &BTreeSet<String>) -> Vec<Untrusted> {
    let pairs = |text: &str| -> BTreeSet<(char, char)> {
        let chars: Vec<char> = text.to_lowercase().chars().collect();
        chars.windows(2).map(|two| (two[0], two[1])).collect()
    };
    let asked = pairs(wanted);
    let all = names.iter().map(String::as_str).chain(ALWAYS.iter().copied());
    let mut list: Vec<(usize, &str)> = all
        .map(|name| (pairs(name).intersection(&asked).count(), name))
        .filter(|(shared, _)| shared * 3 >= asked.len().max(1))
        .collect();
    list.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.len().cmp(&b.1.len())).then(a.1.cmp(b.1)));
    list.dedup();
    list.into_iter().take(NEAR).map(|(_, name)| name.into()).collect()
}
