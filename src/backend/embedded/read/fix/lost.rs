//! Errors that SDKs dropped, and beside them those that arrived.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{Asked, Snapshot, Unpack};
use crate::{
    backend::embedded::pack::{HOUR_US, hour_of},
    model::{FixHistory, Lost},
    store::StoreError,
};

impl Snapshot<'_> {
    /// Adds both, where any were dropped in the time that is looked at.
    pub(super) fn add_lost(
        &mut self,
        asked: &Asked<'_>,
        sealed: bool,
        history: &mut FixHistory,
    ) -> Result<(), StoreError> {
        let Some(window) = asked.window else { return Ok(()) };
        let mut lost: BTreeMap<(i64, Option<usize>), Lost> = BTreeMap::new();
        let sql = "SELECT hour, rel, n FROM dropped
                   WHERE project=?1 AND hour>=?2 AND hour<?3 AND (?4 IS NULL OR env=?4 OR env=0 AND NOT ?5)";
        {
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows =
                statement.query(params![asked.known.project, window.start, window.cut, asked.bounds.env, sealed])?;
            while let Some(row) = rows.next()? {
                let (hour, rel, n): (i64, u32, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let release = if rel == 0 { None } else { asked.sided.place(rel) };
                let part = lost.entry((hour, release)).or_insert(Lost { hour, release, ..Lost::default() });
                part.dropped += u64::try_from(n).unwrap_or(0);
            }
        }
        if lost.is_empty() {
            return Ok(());
        }
        let (lo, hi) = (window.start.saturating_mul(HOUR_US), window.cut.saturating_mul(HOUR_US) - 1);
        for known in self.known_issues(asked.bounds)? {
            self.each_part(&known, lo, hi.min(asked.bounds.hi), Unpack::Head, |head, _| {
                for row in 0..head.len() {
                    let (ts, rel) = (head.ts[row], head.rel[row]);
                    let Some(place) = asked.sided.place(rel).filter(|_| asked.takes(ts, head.env[row])) else {
                        continue;
                    };
                    if (lo..=hi).contains(&ts) {
                        let (hour, release) = (hour_of(ts), Some(place));
                        let part = lost.entry((hour, release)).or_insert(Lost { hour, release, ..Lost::default() });
                        part.arrived += 1;
                    }
                }
            })?;
        }
        history.lost = lost.into_values().collect();
        Ok(())
    }
}
