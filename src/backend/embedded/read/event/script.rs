//! The scripts and maps that frames are read with.
//! It uses `rusqlite` and `sourcemaps`.
//! It never fails an event for a map that can't be read: then its frames stay as they are.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::super::engine::{pool::Snapshot, scope::EventFilter};
use crate::{
    backend::embedded::{body::json_to_event, pack::moment, write::Described},
    grouping::group,
    model::EventId,
    sourcemaps::{Script, Wanted, map_event, map_url},
    store::{Scope, StoreError},
};

/// Number of an artifact that is a script, and of one that is a map.
const SCRIPT: i64 = 0;
const MAP: i64 = 1;
/// Issues that are looked at again after an upload.
const ISSUES: usize = 2_000;

impl Snapshot<'_> {
    /// Whether there are any maps.
    pub(in crate::backend::embedded) fn has_maps(&self) -> Result<bool, StoreError> {
        Ok(self.conn.prepare_cached("SELECT EXISTS(SELECT 1 FROM artifact)")?.query_row([], |row| row.get(0))?)
    }

    /// The parts of a bundle that are not here.
    pub(in crate::backend::embedded) fn missing_chunks(
        &self,
        wanted: &[[u8; 20]],
    ) -> Result<Vec<[u8; 20]>, StoreError> {
        let mut here = self.conn.prepare_cached("SELECT EXISTS(SELECT 1 FROM upload WHERE checksum=?1)")?;
        let mut missing = Vec::new();
        for chunk in wanted {
            if !here.query_row([&chunk[..]], |row| row.get::<_, bool>(0))? && !missing.contains(chunk) {
                missing.push(*chunk);
            }
        }
        Ok(missing)
    }

    /// The parts of a bundle in a row; `None` if it would be larger than `most`.
    pub(in crate::backend::embedded) fn chunks(
        &self,
        wanted: &[[u8; 20]],
        most: usize,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT bytes FROM upload WHERE checksum=?1")?;
        let mut whole = Vec::new();
        for chunk in wanted {
            let mut rows = statement.query([&chunk[..]])?;
            let row = rows.next()?.ok_or(StoreError::Invalid("a part of the bundle went away: send it again"))?;
            let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            if whole.len() + bytes.len() > most {
                return Ok(None);
            }
            whole.extend_from_slice(bytes);
        }
        Ok(Some(whole))
    }

    /// The script that a frame ran in, with the number of its map.
    pub(in crate::backend::embedded) fn script(
        &mut self,
        project: u64,
        wanted: &Wanted<'_>,
    ) -> Result<Option<(i64, Arc<Script>)>, StoreError> {
        let found = match wanted.debug_id {
            Some(id) => self.by_debug_id(id)?,
            None => None,
        };
        let found = match (found, wanted.release) {
            (None, Some(release)) => self.by_name(project, release, wanted)?,
            (found, _) => found,
        };
        let Some((map, script)) = found else { return Ok(None) };
        let scripts = Arc::clone(&self.scripts);
        let made: Result<_, StoreError> = scripts.get(map, || {
            let code = script.map(|script| self.artifact(script)).transpose()?;
            let map = self.artifact(map)?;
            match Script::new(&map, code.as_deref()) {
                Ok(script) => Ok(Some(script)),
                Err(error) => {
                    tracing::warn!(%error, "a stored map can't be used");
                    Ok(None)
                }
            }
        });
        Ok(made?.map(|script| (map, script)))
    }

    fn artifact(&mut self, id: i64) -> Result<Vec<u8>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT z FROM artifact WHERE id=?1")?;
        let mut rows = statement.query([id])?;
        let row = rows.next()?.ok_or(StoreError::Invalid("a map vanished while it was read"))?;
        Ok(self.unpacker.body(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?)
    }

    /// Map and script with a debug id: the newest of each.
    fn by_debug_id(&self, id: u128) -> Result<Option<(i64, Option<i64>)>, StoreError> {
        let sql = "SELECT max(id) FROM artifact WHERE debug_id=?1 AND kind=?2";
        let mut newest = self.conn.prepare_cached(sql)?;
        let mut of_kind = |kind: i64| newest.query_row(params![&id.to_be_bytes()[..], kind], |row| row.get(0));
        let map: Option<i64> = of_kind(MAP)?;
        Ok(map.zip(Some(of_kind(SCRIPT)?)))
    }

    /// Map and script by release, distribution and name, as SDKs without debug ids need it.
    fn by_name(
        &self,
        project: u64,
        release: &str,
        wanted: &Wanted<'_>,
    ) -> Result<Option<(i64, Option<i64>)>, StoreError> {
        let dists = [wanted.dist.unwrap_or(""), ""];
        for dist in &dists[..if wanted.dist.is_some() { 2 } else { 1 }] {
            for name in &wanted.names {
                let script = self.uploaded(project, release, dist, name, SCRIPT)?;
                let said = match script {
                    Some(script) => self.map_reference(script)?,
                    None => None,
                };
                let urls = said.map(|said| map_url(name, &said)).into_iter().chain([format!("{name}.map")]);
                for url in urls {
                    if let Some(map) = self.uploaded(project, release, dist, &url, MAP)? {
                        return Ok(Some((map, script)));
                    }
                }
            }
        }
        Ok(None)
    }

    fn uploaded(
        &self,
        project: u64,
        release: &str,
        dist: &str,
        url: &str,
        kind: i64,
    ) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT artifact.id FROM artifact JOIN bundle_use USING(bundle)
                   WHERE artifact.url=?1 AND artifact.kind=?2 AND project=?3 AND release=?4 AND dist=?5
                   ORDER BY bundle_use.at DESC, artifact.id DESC LIMIT 1";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row(params![url, kind, project, release, dist], |row| row.get(0)).optional()?)
    }

    fn map_reference(&self, script: i64) -> Result<Option<String>, StoreError> {
        let sql = "SELECT map_reference FROM artifact WHERE id=?1";
        Ok(self.conn.prepare_cached(sql)?.query_row([script], |row| row.get(0))?)
    }

    /// Reads an event's frames with the maps and symbols that came since; tells whether that changed any.
    pub(super) fn read_late(&mut self, project: u64, id: EventId, json: &mut Value) -> Result<bool, StoreError> {
        Ok(self.map_late(project, json)? | self.name_late(project, id, json)?)
    }

    /// Reads an event's minified frames with the maps that came since; tells whether that changed any.
    fn map_late(&mut self, project: u64, json: &mut Value) -> Result<bool, StoreError> {
        if !self.has_maps()? {
            return Ok(false);
        }
        let mut failed = None;
        let changed = map_event(json, &mut |wanted| match self.script(project, wanted) {
            Ok(found) => found.map(|(_, script)| script),
            Err(error) => {
                failed.get_or_insert(error);
                None
            }
        });
        if changed {
            // Lines of source were not in the event when it was scrubbed.
            self.scrubber.again(json);
        }
        match failed {
            Some(error @ StoreError::Cancelled) => Err(error),
            Some(error) => {
                tracing::warn!(%error, "maps could not be read");
                Ok(changed)
            }
            None => Ok(changed),
        }
    }

    /// What the issues of these projects are called by their newest event, where a map changed that event's frames.
    pub(in crate::backend::embedded) fn described_again(
        &mut self,
        projects: &[String],
    ) -> Result<Vec<Described>, StoreError> {
        let mut found = Vec::new();
        for slug in projects {
            let bounds = self.bounds(&Scope { project: Some(slug.as_str().into()), ..Scope::default() })?;
            let mut issues = self.known_issues(&bounds)?;
            issues.sort_by_key(|known| std::cmp::Reverse(known.id));
            for known in issues.into_iter().take(ISSUES) {
                self.go_on()?;
                let want = EventFilter::of(&bounds, None);
                let Some(seq) = self.newest(&known, &want)? else { continue };
                let Some(stored) = self.stored(seq)? else { continue };
                let Ok(mut json) = serde_json::from_slice::<Value>(&stored.body) else { continue };
                if self.read_late(known.project, stored.id, &mut json)? {
                    let group = group(&json_to_event(&json, stored.id, moment(stored.ts)));
                    found.push(Described { project: known.project, issue: known.id, group });
                }
            }
        }
        Ok(found)
    }
}
