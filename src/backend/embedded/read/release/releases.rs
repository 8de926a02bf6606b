//! The releases of a scope, as they are stored.
//! It uses `rusqlite`.
//! It never orders them: `answers` does.

use rusqlite::params;

use super::super::engine::{pool::Snapshot, scope::ResolvedScope};
pub(in crate::backend::embedded::read) use crate::answers::{Releases, first_and_last};
use crate::{
    answers::{self, ReleaseRow, SpokenOf},
    backend::embedded::pack::{hour_of, moment},
    model::{Deploy, SessionCounts},
    store::StoreError,
};

impl Snapshot<'_> {
    /// Releases with a sign of life up to the scope's end, in their order.
    pub(in crate::backend::embedded::read) fn known_releases(
        &self,
        bounds: &ResolvedScope,
    ) -> Result<Releases, StoreError> {
        answers::known_releases(self, bounds)
    }

    /// The same as they are stored.
    pub(in crate::backend::embedded::read) fn release_rows(
        &self,
        bounds: &ResolvedScope,
    ) -> Result<Vec<ReleaseRow>, StoreError> {
        let mut statement =
            self.conn.prepare_cached("SELECT id, project, version, first, last FROM release WHERE first<=?1")?;
        let rows = statement.query_map([bounds.hi], |row| {
            let (id, project, version) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(ReleaseRow { id, project, version, first: row.get(3)?, last: row.get(4)? })
        })?;
        let mut found: Vec<ReleaseRow> = rows.collect::<Result<_, _>>()?;
        found.retain(|row| bounds.slug(row.project).is_some());
        Ok(found)
    }

    /// Releases that somebody announced or deployed within the scope.
    pub(in crate::backend::embedded::read) fn spoken_of(
        &self,
        bounds: &ResolvedScope,
    ) -> Result<Vec<SpokenOf>, StoreError> {
        let sql = "SELECT id, version, coalesce(created, first) FROM release
                   WHERE project=?1 AND coalesce(created, first) BETWEEN ?2 AND ?3
                     AND (created IS NOT NULL OR EXISTS(SELECT 1 FROM deploy WHERE deploy.release=release.id))";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut found = Vec::new();
        for (project, _) in &bounds.projects {
            let rows = statement.query_map(params![project, bounds.lo, bounds.hi], |row| {
                Ok(SpokenOf { id: row.get(0)?, project: *project, version: row.get(1)?, said: row.get(2)? })
            })?;
            for row in rows {
                found.push(row?);
            }
        }
        Ok(found)
    }

    /// Deploys of releases up to the scope's end, oldest first.
    pub(in crate::backend::embedded::read) fn deploys(
        &self,
        ids: &[u32],
        bounds: &ResolvedScope,
    ) -> Result<Vec<Deploy>, StoreError> {
        let sql = "SELECT environment, at FROM deploy WHERE release=?1 AND at<=?2 ORDER BY at";
        let mut deploys = Vec::new();
        for id in ids {
            let mut statement = self.conn.prepare_cached(sql)?;
            let rows = statement.query_map(params![id, bounds.hi], |row| {
                Ok(Deploy { environment: row.get::<_, Option<String>>(0)?.map(Into::into), at: moment(row.get(1)?) })
            })?;
            for deploy in rows {
                deploys.push(deploy?);
            }
        }
        deploys.sort_by_key(|deploy| deploy.at);
        Ok(deploys)
    }

    /// Sessions of a release in the scope, by whole hours.
    pub(in crate::backend::embedded::read) fn sessions_of(
        &self,
        rel: u32,
        bounds: &ResolvedScope,
    ) -> Result<SessionCounts, StoreError> {
        let sql = "SELECT coalesce(sum(total), 0), coalesce(sum(errored), 0), coalesce(sum(crashed), 0),
                     coalesce(sum(abnormal), 0), coalesce(sum(unhandled), 0)
                   FROM sess WHERE rel=?1 AND (?2 IS NULL OR env=?2) AND hour BETWEEN ?3 AND ?4";
        let hours = params![rel, bounds.env, hour_of(bounds.lo), hour_of(bounds.hi)];
        Ok(self.conn.prepare_cached(sql)?.query_row(hours, |row| {
            Ok(SessionCounts {
                total: row.get(0)?,
                errored: row.get(1)?,
                crashed: row.get(2)?,
                abnormal: row.get(3)?,
                unhandled: row.get(4)?,
            })
        })?)
    }
}
