//! Whom crashes hit, by release: as sessions tell, and as events do where no session ever came.
//! It uses `rusqlite` and the packed forms.
//! It never counts a user twice.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use rusqlite::params;

use super::super::engine::{
    chunks::Unpack,
    known::IssueRow,
    pool::Snapshot,
    scope::{EventFilter, ResolvedScope},
};
use crate::{
    answers::Crashed,
    backend::embedded::pack::{UNHANDLED, level_of},
    model::Level,
    store::StoreError,
};

/// The class of a session that crashed, as `write::session` has it.
pub(in crate::backend::embedded::read) const CRASHED: u8 = 2;

impl Snapshot<'_> {
    /// Users with a session that crashed, or with a fatal event that nothing caught of an issue that is fatal.
    pub(in crate::backend::embedded::read) fn crashed_users(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, Crashed>, StoreError> {
        let mut users: HashMap<u32, Crashed> = HashMap::new();
        let want = EventFilter::of(bounds, Some(rels));
        for known in self.known_issues(bounds)?.iter().filter(|known| may_be_crash(known)) {
            self.go_on()?;
            self.each_part(known, want.lo, want.hi, Unpack::Head, |head, _| {
                for row in 0..head.len() {
                    let (bits, user, rel) = (head.bits[row], head.user[row], head.rel[row]);
                    let crash = bits & UNHANDLED != 0 && level_of(bits) == Level::Fatal;
                    if crash && want.takes(head.ts[row], rel, head.env[row]) {
                        users.entry(rel).or_default().see(user);
                    }
                }
            })?;
        }
        self.users_of_crashed_sessions(bounds, rels, &mut users)?;
        Ok(users)
    }

    fn users_of_crashed_sessions(
        &self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
        users: &mut HashMap<u32, Crashed>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT DISTINCT user FROM session WHERE rel=?1 AND (?2 IS NULL OR env=?2) AND class=?3
                     AND started BETWEEN ?4 AND ?5";
        let mut statement = self.conn.prepare_cached(sql)?;
        for rel in rels {
            let hit = statement.query_map(params![rel, bounds.env, CRASHED, bounds.lo, bounds.hi], |row| row.get(0))?;
            for user in hit {
                users.entry(rel).or_default().see(user?);
            }
        }
        Ok(())
    }
}

/// Whether an issue's newest event is fatal: those of others are not looked through.
fn may_be_crash(known: &IssueRow) -> bool {
    known.level == Level::Fatal
}
