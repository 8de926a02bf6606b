//! The affected by tag, each value beside its users in the baseline.
//! It uses ClickHouse's SQL.
//! It never breaks down by what differs with every event.

use std::collections::HashMap;

use super::{super::moment::Moment, Asked};
use crate::{
    answers::{MOST_VALUES, TAGS, VALUES},
    backend::cluster::clickhouse::texts,
    store::{AffectedFacts, AffectedQuery, NO_CONDITION, StoreError, TagShare},
};

/// A tag's value among the affected: events and users.
type Count = (String, u64, u64);

impl Moment {
    /// Fills in the breakdown, the baseline's size and the table of conditions.
    pub(super) fn add_breakdown(
        &self,
        facts: &mut AffectedFacts,
        asked: &Asked,
        query: &AffectedQuery,
    ) -> Result<(), StoreError> {
        let named: Vec<String> = query.by.iter().map(|tag| tag.raw().to_owned()).collect();
        let mut keys = if named.is_empty() { self.telling(asked, facts.events)? } else { self.known_tags(&named)? };
        let mut sought = if query.shared_by == 0 { Vec::new() } else { self.shared(asked, query.shared_by)? };
        sought.retain(|tag| !NO_CONDITION.contains(&tag.as_str()));
        let must = if named.is_empty() { Vec::new() } else { keys.clone() };
        let base = self.baseline(query, asked, &[keys.as_slice(), &sought].concat(), &must)?;
        keys.retain(|tag| base.compares(tag));
        sought.retain(|tag| base.compares(tag));
        (facts.baseline_users, facts.active_users) = (base.size, base.active);
        facts.warnings.extend(&base.warnings);
        if query.shared_by > 0 && facts.in_period > 0 {
            let (conditions, warning) = self.conditions(asked, &sought, &base, facts.in_period)?;
            facts.conditions = conditions;
            facts.warnings.extend(warning);
        }
        let (mut counts, shares) = (self.counts_of(asked, &keys)?, self.shares_of(&base, &keys)?);
        for tag in keys {
            let values = counts.remove(&tag).unwrap_or_default();
            let share = |(value, events, users): Count| TagShare {
                baseline_users: shares.get(&(tag.clone(), value.clone())).copied().unwrap_or(0),
                value: value.into(),
                users,
                events,
            };
            let shown = values.into_iter().map(share).collect();
            facts.breakdown.push((tag.as_str().into(), shown));
        }
        Ok(())
    }

    /// Those of the names that are tags of any event.
    fn known_tags(&self, named: &[String]) -> Result<Vec<String>, StoreError> {
        let rows = self.rows("SELECT name FROM tag_key WHERE name=ANY($1)", &[&named])?;
        let known: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        Ok(named.iter().filter(|name| known.contains(name)).cloned().collect())
    }

    /// The tags that tell most: carried by most of the events, with few values, and more than one where there is a choice.
    fn telling(&self, asked: &Asked, events: u64) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT tag, uniqExact(value) AS n, count() FROM event ARRAY JOIN mapKeys(tags) AS tag, mapValues(tags) AS value
             WHERE {} AND tag NOT IN {} GROUP BY tag HAVING n<={MOST_VALUES}",
            asked.within,
            texts(NO_CONDITION)
        );
        let mut found: Vec<(String, usize, u64)> = self.facts(&sql)?;
        let rows = self.rows("SELECT name, id FROM tag_key", &[])?;
        let places: HashMap<String, i32> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        // Coverage in tenths: a few events without a tag must not outweigh a tag of fewer values.
        found.sort_by_key(|(tag, values, covered)| {
            (std::cmp::Reverse(covered * 10 / events.max(1)), *values, places.get(tag).copied())
        });
        Ok(found.into_iter().take(TAGS).map(|(tag, ..)| tag).collect())
    }

    /// Tags with a value that at least `least` of the users share at their first event.
    fn shared(&self, asked: &Asked, least: u64) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT DISTINCT tag FROM (
               SELECT tag, value, count() AS n FROM {} ARRAY JOIN mapKeys(tags) AS tag, mapValues(tags) AS value
               GROUP BY tag, value HAVING n>={least}) ORDER BY tag",
            asked.firsts()
        );
        Ok(self.facts::<(String,)>(&sql)?.into_iter().map(|(tag,)| tag).collect())
    }

    /// The commonest values of those tags, by tag.
    fn counts_of(&self, asked: &Asked, tags: &[String]) -> Result<HashMap<String, Vec<Count>>, StoreError> {
        let sql = format!(
            "SELECT tag, value, count() AS n, uniqExactIf(user, user!=0) AS users
             FROM event ARRAY JOIN mapKeys(tags) AS tag, mapValues(tags) AS value
             WHERE {} AND tag IN {} GROUP BY tag, value ORDER BY tag, users DESC, n DESC, value LIMIT {VALUES} BY tag",
            asked.within,
            texts(tags.iter().map(String::as_str))
        );
        let mut counts: HashMap<String, Vec<Count>> = HashMap::new();
        for (tag, value, events, users) in self.facts::<(String, String, u64, u64)>(&sql)? {
            counts.entry(tag).or_default().push((value, events, users));
        }
        Ok(counts)
    }
}
