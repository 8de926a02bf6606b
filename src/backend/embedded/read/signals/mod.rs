//! Signal beside errors as a table: rows, newest first, or groups with aggregates.
//! It uses `rusqlite` and JSON of single lines.
//! It never says that nothing was found for a key that nothing has: that is an error with the nearest names.

mod group;
mod load;
mod missed;
mod row;
mod test;

use std::collections::BTreeSet;

use self::row::{Row, canonical};
use super::engine::pool::Snapshot;
use crate::{
    backend::embedded::pack::moment,
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
        let (mut rows, warnings) = self.lines(query)?;
        known(query, &rows)?;
        let pseudonyms = self.scrubber.pseudonyms().clone();
        rows.retain(|row| test::holds(row, &query.filter, &pseudonyms));
        let (total, values): (usize, Vec<Vec<Value>>) = if query.aggregate.is_empty() {
            rows.sort_by_key(|row| std::cmp::Reverse(row.ts));
            let page = rows.iter().skip(query.skip).take(query.limit);
            (rows.len(), page.map(|row| query.fields.iter().map(|field| cell(row, field.raw())).collect()).collect())
        } else {
            let groups = group::grouped(&rows, query);
            (groups.len(), groups.into_iter().skip(query.skip).take(query.limit).collect())
        };
        let more = query.skip.saturating_add(values.len()) < total;
        let items = values.into_iter().map(|values| SearchRow { event: None, issue: None, values }).collect();
        Ok(Page { items, total: Some(total as u64), more, warnings, by_change: Vec::new() })
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
fn known(query: &SignalQuery, rows: &[Row]) -> Result<(), StoreError> {
    // One trace has few lines: a key that they lack is no mistake.
    if query.filter.iter().any(load::is_of_trace) {
        return Ok(());
    }
    let asked = query.filter.iter().filter_map(test::key_of);
    let columns =
        query.fields.iter().chain(&query.group_by).chain(query.aggregate.iter().filter_map(|stat| stat.key()));
    for key in asked.chain(columns.map(|key| key.raw().to_owned())) {
        let name = canonical(&key);
        if ALWAYS.contains(&name) || rows.is_empty() || rows.iter().any(|row| row.get(&key).is_some()) {
            continue;
        }
        let names: BTreeSet<&str> = rows.iter().flat_map(|row| row.values.keys().map(String::as_str)).collect();
        return Err(StoreError::NotFound { what: "key", asked: key.as_str().into(), near: nearest(name, &names) });
    }
    Ok(())
}

/// Names that share most pairs of letters with the one wanted, and at least a third of its own.
fn nearest(wanted: &str, names: &BTreeSet<&str>) -> Vec<Untrusted> {
    let pairs = |text: &str| -> BTreeSet<(char, char)> {
        let chars: Vec<char> = text.to_lowercase().chars().collect();
        chars.windows(2).map(|two| (two[0], two[1])).collect()
    };
    let asked = pairs(wanted);
    let all = names.iter().copied().chain(ALWAYS.iter().copied());
    let mut list: Vec<(usize, &str)> = all
        .map(|name| (pairs(name).intersection(&asked).count(), name))
        .filter(|(shared, _)| shared * 3 >= asked.len().max(1))
        .collect();
    list.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.len().cmp(&b.1.len())).then(a.1.cmp(b.1)));
    list.dedup();
    list.into_iter().take(NEAR).map(|(_, name)| name.into()).collect()
}
