//! The table that conditions are sought in: who is affected, who is not, and which tags they had first.
//! It uses ClickHouse's SQL.
//! It never decides what stands out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{super::moment::Moment, Asked, base::Base};
use crate::{
    answers::{MOST_EVENTS, are_versions, families},
    backend::cluster::clickhouse::texts,
    model::Untrusted,
    release::product,
    store::{ConditionTag, Conditions, StoreError},
};

/// What is said where not every user is a row.
const SOME_OF_THEM: &str =
    "there are so many users that conditions are sought among some of them; all counts are of everybody";

/// Which part of a column a value is.
type Rows = Vec<Option<String>>;

impl Moment {
    /// The table of those tags: the affected, then the baseline, each by number.
    pub(super) fn conditions(
        &self,
        asked: &Asked,
        tags: &[String],
        base: &Base,
        affected: u64,
    ) -> Result<(Conditions, Option<&'static str>), StoreError> {
        let mut nth = 1_u64;
        while affected.max(base.size) / nth > MOST_EVENTS as u64 {
            nth *= 2;
        }
        let listed = texts(tags.iter().map(String::as_str));
        let sql = format!(
            "SELECT user, mapFilter((key, value) -> key IN {listed}, tags) FROM {} WHERE user%{nth}=0 ORDER BY user",
            asked.firsts()
        );
        let hit: Vec<(u32, HashMap<String, String>)> = self.facts(&sql)?;
        let sql = format!("SELECT DISTINCT user FROM ({}) WHERE user%{nth}=0 ORDER BY user", base.users);
        let others = self.facts::<(u32,)>(&sql)?;
        let rows: HashMap<u32, usize> = others.iter().zip(hit.len()..).map(|((user,), row)| (*user, row)).collect();
        let all = hit.len() + others.len();
        let mut firsts = if tags.is_empty() { BTreeMap::new() } else { self.first_values(base, tags, nth)? };
        let mut table = Vec::with_capacity(tags.len());
        for tag in tags {
            let mut column: Rows = hit.iter().map(|(_, own)| own.get(tag).cloned()).collect();
            column.resize(all, None);
            for (user, value) in firsts.remove(tag).unwrap_or_default() {
                if let Some(row) = rows.get(&user) {
                    column[*row] = Some(value);
                }
            }
            table.push(condition_tag(tag, &column, hit.len()));
        }
        table.sort_by(|a, b| a.tag.raw().cmp(b.tag.raw()));
        let affected = (0..all).map(|row| row < hit.len()).collect();
        let conditions = Conditions { rows_are_events: false, baseline: base.kind, affected, tags: table };
        Ok((conditions, (nth > 1).then_some(SOME_OF_THEM)))
    }
}

/// A tag with its column, of which the first `own` rows are the affected's: their values, and where those are versions, the
/// baseline's versions of the same things.
pub(super) fn condition_tag(name: &str, rows: &Rows, own: usize) -> ConditionTag {
    let tag = Untrusted::from(name);
    let different = |rows: &[Option<String>]| rows.iter().flatten().cloned().collect::<BTreeSet<String>>();
    let (affected, others) = rows.split_at(own.min(rows.len()));
    let mut values = different(affected);
    let named: Vec<Untrusted> = values.iter().map(|value| value.as_str().into()).collect();
    let versioned = are_versions(&tag, named.iter());
    if versioned {
        let known: BTreeSet<String> =
            values.iter().filter_map(|text| product(text)).map(|(family, _)| family.to_owned()).collect();
        let is_known = |text: &String| product(text).is_some_and(|(family, _)| known.contains(family));
        values.extend(different(others).into_iter().filter(is_known));
    }
    let places: HashMap<&str, u32> = values.iter().zip(0..).map(|(value, place)| (value.as_str(), place)).collect();
    let place = |value: &Option<String>| value.as_deref().and_then(|value| places.get(value)).copied();
    let column = rows.iter().map(place).collect();
    let values: Vec<Untrusted> = values.iter().map(|value| value.as_str().into()).collect();
    let families = if versioned { families(&values) } else { Vec::new() };
    ConditionTag { tag, values, families, column }
}
