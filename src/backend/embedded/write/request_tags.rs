//! Counting who made requests, by the tags of those requests.
//! It uses `rusqlite` and the packed forms.
//! It never writes down again what it knows to be there: most requests say of their users what earlier ones said.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::{commit::Commit, names::Word};
use crate::{
    backend::embedded::pack::{ValueSets, decode_sets, encode_sets},
    model::Untrusted,
    store::StoreError,
};

/// Most tags of a request.
const MOST_TAGS: usize = 40;
/// A tag with more values than that on a day tells requests apart rather than users.
const MOST_VALUES: usize = 200;
/// Tags of days whose users are remembered.
const REMEMBERED: usize = 4_000;

/// Project, day, environment, tag.
pub(super) type TagDay = (u64, i64, u32, u32);

/// Users by value; `None`: too many values.
pub(super) type TagDays = HashMap<TagDay, Option<ValueSets>>;

impl Commit<'_> {
    /// Notes the tags of a request.
    pub(super) fn touch_tags(
        &mut self,
        (project, env, day): (u64, u32, i64),
        user: u32,
        tags: &[(Untrusted, Untrusted)],
    ) -> Result<(), StoreError> {
        if tags.is_empty() {
            return Ok(());
        }
        self.touch_tag((project, day, env, 0), user, None)?;
        for (key, value) in tags.iter().take(MOST_TAGS) {
            let tag = self.names.maybe(self.conn, Word::TagKey, 0, Some(key.raw()))?;
            if tag != 0 {
                self.touch_tag((project, day, env, tag), user, Some(value.raw()))?;
            }
        }
        Ok(())
    }

    fn touch_tag(&mut self, at: TagDay, user: u32, value: Option<&str>) -> Result<(), StoreError> {
        if !self.names.request_tags.contains_key(&at) {
            if self.names.request_tags.len() >= REMEMBERED {
                self.names.request_tags.clear();
            }
            let known = read(self.conn, at)?;
            self.names.request_tags.insert(at, known);
        }
        // Values of a tag with too many get no number either: those would grow with the traffic.
        if self.names.request_tags.get(&at).is_none_or(Option::is_none) {
            return Ok(());
        }
        let value = self.names.maybe(self.conn, Word::TagValue, at.3, value)?;
        let Some(Some(known)) = self.names.request_tags.get_mut(&at) else { return Ok(()) };
        if known.get(&value).is_some_and(|users| users.contains(user)) {
            return Ok(());
        }
        if known.len() >= MOST_VALUES && !known.contains_key(&value) {
            self.names.request_tags.insert(at, None);
            self.request_tags.insert(at, None);
            return Ok(());
        }
        known.entry(value).or_default().insert(user);
        if let Some(new) = self.request_tags.entry(at).or_insert_with(|| Some(ValueSets::new())) {
            new.entry(value).or_default().insert(user);
        }
        Ok(())
    }

    /// Writes what is new.
    pub(super) fn write_request_tags(&mut self) -> Result<(), StoreError> {
        for (at, new) in std::mem::take(&mut self.request_tags) {
            let (project, day, env, tag) = at;
            // Another process may have added to it.
            let sets = match (read(self.conn, at)?, new) {
                (Some(mut sets), Some(new)) => {
                    new.into_iter().for_each(|(value, users)| *sets.entry(value).or_default() |= users);
                    Some(sets)
                }
                _ => None,
            };
            let sql = "INSERT OR REPLACE INTO base_request(project, day, env, tag, sets) VALUES(?1, ?2, ?3, ?4, ?5)";
            self.conn.prepare_cached(sql)?.execute(params![project, day, env, tag, encode_sets(sets.as_ref())])?;
        }
        Ok(())
    }
}

fn read(conn: &Connection, (project, day, env, tag): TagDay) -> Result<Option<ValueSets>, StoreError> {
    let sql = "SELECT sets FROM base_request WHERE project=?1 AND tag=?2 AND day=?3 AND env=?4";
    let known: Option<Vec<u8>> =
        conn.prepare_cached(sql)?.query_row(params![project, tag, day, env], |row| row.get(0)).optional()?;
    Ok(known.map_or(Ok(Some(ValueSets::new())), |known| decode_sets(&known))?)
}
