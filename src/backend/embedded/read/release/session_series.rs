//! Sessions by release and span of time, for the API's release health.
//! It uses `rusqlite` and the packed forms.
//! It never looks at a single session.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use rusqlite::{Row, params};

use super::super::engine::{pool::Snapshot, scope::ResolvedScope};
use crate::{
    backend::embedded::pack::{decode_users, hour_of},
    model::SessionCounts,
    store::{SeriesQuery, SessionSpan, StoreError},
};

/// By release, where these are told apart, and span. A release of several projects is one.
type Spans = BTreeMap<(Option<String>, usize), (SessionCounts, RoaringBitmap)>;

const COUNTS: &str = "SELECT version, hour, total, errored, crashed, abnormal, unhandled
    FROM release JOIN sess ON sess.rel=release.id
    WHERE project=?1 AND (?2 IS NULL OR env=?2) AND hour BETWEEN ?3 AND ?4";
const USERS: &str = "SELECT version, hour, users FROM release JOIN sess_users ON sess_users.rel=release.id
    WHERE project=?1 AND (?2 IS NULL OR env=?2) AND hour BETWEEN ?3 AND ?4";

impl Snapshot<'_> {
    /// Answers `HostedStore::session_series`.
    pub(in crate::backend::embedded) fn session_series(
        &mut self,
        query: &SeriesQuery,
    ) -> Result<Vec<SessionSpan>, StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let mut spans = Spans::new();
        self.each_hour(COUNTS, &bounds, query, |row, key| {
            let counts = &mut spans.entry(key).or_default().0;
            counts.total += row.get::<_, u64>(2)?;
            counts.errored += row.get::<_, u64>(3)?;
            counts.crashed += row.get::<_, u64>(4)?;
            counts.abnormal += row.get::<_, u64>(5)?;
            counts.unhandled += row.get::<_, u64>(6)?;
            Ok(())
        })?;
        self.each_hour(USERS, &bounds, query, |row, key| {
            let users = decode_users(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            spans.entry(key).or_default().1 |= users;
            Ok(())
        })?;
        let shown = |((release, span), (counts, users)): ((Option<String>, usize), (SessionCounts, RoaringBitmap))| {
            SessionSpan { release: release.map(Into::into), span, counts, users: users.len() }
        };
        Ok(spans.into_iter().map(shown).collect())
    }

    fn each_hour(
        &self,
        sql: &str,
        bounds: &ResolvedScope,
        query: &SeriesQuery,
        mut see: impl FnMut(&Row<'_>, (Option<String>, usize)) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (first, last) = (hour_of(bounds.lo), hour_of(bounds.hi));
        let mut statement = self.conn.prepare_cached(sql)?;
        for (project, _) in &bounds.projects {
            self.go_on()?;
            let mut rows = statement.query(params![project, bounds.env, first, last])?;
            while let Some(row) = rows.next()? {
                let version: String = row.get(0)?;
                if query.releases.as_ref().is_some_and(|wanted| wanted.iter().all(|name| name.raw() != version)) {
                    continue;
                }
                let span = (row.get::<_, i64>(1)? - first) / query.hours.max(1);
                see(row, (query.by_release.then_some(version), usize::try_from(span).unwrap_or(0)))?;
            }
        }
        Ok(())
    }
}
