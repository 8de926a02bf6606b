//! What became of the users who had been hit before the fix.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;
use rusqlite::params;

use super::{Asked, Snapshot};
use crate::{
    backend::embedded::{
        pack::{HOUR_US, day_of, decode_users, hour_of},
        write::{BY_REQUESTS, BY_SESSIONS},
    },
    model::{FixHistory, Returning, Side},
    store::StoreError,
};

impl Snapshot<'_> {
    /// Counts them exactly, up to the scope's end; nothing without named users, or where sessions don't name them.
    pub(super) fn add_returning(&mut self, asked: &Asked<'_>, history: &mut FixHistory) -> Result<(), StoreError> {
        let users_on = |new: bool| -> RoaringBitmap {
            let of_side = |place: usize| (history.releases[place].side == Side::New) == new;
            history
                .hits
                .iter()
                .filter(|hit| hit.group == 0 && of_side(hit.release))
                .filter_map(|hit| hit.user)
                .collect()
        };
        let (eligible, again) = (users_on(false), users_on(true));
        let of_new = asked.sided.of(Side::New);
        if !self.users_are_named(asked, !(eligible.is_empty() && again.is_empty()))? {
            return Ok(());
        }
        let active = self.active_on(asked, &of_new, &eligible)?;
        history.returning = Some(Returning {
            eligible: eligible.len(),
            active_after: eligible.intersection_len(&active),
            hit_again: eligible.intersection_len(&again),
        });
        Ok(())
    }

    /// Where there are sessions they must name users: else those who came back unhurt are unseen.
    fn users_are_named(&self, asked: &Asked<'_>, by_events: bool) -> Result<bool, StoreError> {
        let any = |table: &str| -> Result<bool, StoreError> {
            let sql = match table {
                "sess_users" => {
                    "SELECT EXISTS(SELECT 1 FROM sess_users WHERE rel=?1 AND (?2 IS NULL OR env=?2) AND hour<=?3)"
                }
                _ => "SELECT EXISTS(SELECT 1 FROM sess WHERE rel=?1 AND (?2 IS NULL OR env=?2) AND hour<=?3)",
            };
            let mut statement = self.conn.prepare_cached(sql)?;
            for rel in &asked.sided.ids {
                let key = params![rel, asked.bounds.env, hour_of(asked.bounds.hi)];
                if statement.query_row(key, |row| row.get::<_, bool>(0))? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok(any("sess_users")? || (by_events && !any("sess")?))
    }

    /// Users of those releases with an event, a request or a session, up to the scope's end; sessions of the last, begun hour
    /// are looked through only for those of `wanted` who are not known to be active otherwise.
    fn active_on(
        &mut self,
        asked: &Asked<'_>,
        rels: &RoaringBitmap,
        wanted: &RoaringBitmap,
    ) -> Result<RoaringBitmap, StoreError> {
        let hi = asked.bounds.hi;
        let mut active = self.event_users_on(asked, rels)?;
        let sql =
            "SELECT users FROM active WHERE project=?1 AND rel=?2 AND kind=?3 AND (?4 IS NULL OR env=?4) AND day<?5";
        let by_hour = "SELECT users FROM sess_users WHERE rel=?1 AND (?2 IS NULL OR env=?2) AND hour>=?3 AND hour<?4";
        let by_request = "SELECT users FROM traffic
                          WHERE project=?1 AND rel=?2 AND (?3 IS NULL OR env=?3) AND hour BETWEEN ?4 AND ?5";
        let (today, now) = (day_of(hi), hour_of(hi));
        let mut begun = RoaringBitmap::new();
        for rel in rels {
            let days = params![asked.known.project, rel, BY_SESSIONS, asked.bounds.env, today];
            active |= self.united(sql, days)?;
            let days = params![asked.known.project, rel, BY_REQUESTS, asked.bounds.env, today];
            active |= self.united(sql, days)?;
            let hours = params![asked.known.project, rel, asked.bounds.env, today * 24, now];
            active |= self.united(by_request, hours)?;
            active |= self.united(by_hour, params![rel, asked.bounds.env, today * 24, now])?;
            begun |= self.united(by_hour, params![rel, asked.bounds.env, now, now + 1])?;
        }
        let missing = (wanted & &begun) - &active;
        if !missing.is_empty() {
            let sql =
                "SELECT user, rel FROM session WHERE day=?1 AND (?2 IS NULL OR env=?2) AND started BETWEEN ?3 AND ?4";
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query(params![today, asked.bounds.env, now.saturating_mul(HOUR_US), hi])?;
            while let Some(row) = rows.next()? {
                let (user, rel): (u32, u32) = (row.get(0)?, row.get(1)?);
                if rels.contains(rel) && missing.contains(user) {
                    active.insert(user);
                }
            }
        }
        Ok(active)
    }

    fn united(&self, sql: &str, key: &[&dyn rusqlite::ToSql]) -> Result<RoaringBitmap, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(key)?;
        let mut users = RoaringBitmap::new();
        while let Some(row) = rows.next()? {
            users |= decode_users(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
        }
        Ok(users)
    }

    fn event_users_on(&mut self, asked: &Asked<'_>, rels: &RoaringBitmap) -> Result<RoaringBitmap, StoreError> {
        let users = self.active_users_by_events(asked.bounds, rels)?;
        let takes = |ts: i64, rel: u32, env: u32| rels.contains(rel) && asked.takes(ts, env);
        let tails = self.tails()?;
        let tail: BTreeSet<u32> = tails
            .values()
            .flatten()
            .filter(|fact| fact.user != 0 && takes(fact.ts, fact.rel, fact.env))
            .map(|fact| fact.user)
            .collect();
        Ok(users | tail.into_iter().collect::<RoaringBitmap>())
    }
}
