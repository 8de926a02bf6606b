//! Counting the requests that services worked on, sampled or not.
//! It uses `rusqlite` and the packed forms.
//! It never keeps a request: they become counts, durations and sets of users. Operation 0 stands for signs of use that
//! are no request: it has users and sessions alone.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, params};

use super::{commit::Commit, names::Word, session::add_active};
use crate::{
    backend::embedded::pack::{Durations, day_of, decode_users, encode_users, hour_of, micros},
    store::{EntryUse, StoreError},
};

/// The kind of `active` rows that requests, and other signs of use beside events and sessions, make.
pub(in crate::backend::embedded) const BY_REQUESTS: i64 = 2;
/// Longest name of an operation, in characters.
const LONGEST: usize = 200;

/// Requests of one operation in one hour.
#[derive(Default)]
pub(super) struct TrafficTouch {
    n: u64,
    weight: f64,
    failed: u64,
    durations: Durations,
    users: RoaringBitmap,
    sessions: RoaringBitmap,
}

/// Project, release, environment, hour, operation.
pub(super) type TrafficKey = (u64, u32, u32, i64, u32);

impl Commit<'_> {
    /// Notes requests.
    pub(super) fn touch_traffic(
        &mut self,
        project: u64,
        rel: u32,
        env: u32,
        uses: &[EntryUse],
    ) -> Result<(), StoreError> {
        for entry in uses {
            let at = micros(entry.at);
            let name = entry.operation.as_ref().map(|name| name.raw().chars().take(LONGEST).collect::<String>());
            let op = self.names.maybe(self.conn, Word::Transaction, 0, name.as_deref())?;
            let user = self.names.user(self.conn, entry.user)?;
            self.touch_activity((project, rel, env, at), user, name.is_some());
            if name.is_none() {
                if user != 0 || entry.session.is_some() {
                    let touch = self.traffic.entry((project, rel, env, hour_of(at), 0)).or_default();
                    touch.users.extend((user != 0).then_some(user));
                    touch.sessions.extend(entry.session);
                }
                continue;
            }
            let touch = self.traffic.entry((project, rel, env, hour_of(at), op)).or_default();
            touch.n += 1;
            touch.weight += entry.weight;
            touch.failed += u64::from(entry.failed);
            touch.durations.add(entry.duration_us);
            touch.sessions.extend(entry.session);
            if user != 0 {
                touch.users.insert(user);
                self.touch_tags((project, env, day_of(at)), user, &entry.tags)?;
            }
        }
        Ok(())
    }

    /// Notes who was active on a day, and how many requests there were.
    fn touch_activity(&mut self, (project, rel, env, at): (u64, u32, u32, i64), user: u32, is_request: bool) {
        self.touch_release(rel, at, at);
        let touch = self.requests.entry((project, rel, env, day_of(at))).or_default();
        if touch.last == 0 {
            (touch.first, touch.last) = (at, at);
        }
        (touch.first, touch.last) = (touch.first.min(at), touch.last.max(at));
        touch.started += u64::from(is_request);
        touch.users.extend((user != 0).then_some(user));
    }

    /// Writes what was noted.
    pub(super) fn write_traffic(&mut self) -> Result<(), StoreError> {
        for ((project, rel, env, day), touch) in std::mem::take(&mut self.requests) {
            add_active(self.conn, (project, rel, env, day, BY_REQUESTS), &touch)?;
        }
        for ((project, rel, env, hour, op), touch) in std::mem::take(&mut self.traffic) {
            self.add_traffic((project, rel, env, hour, op), touch)?;
        }
        Ok(())
    }

    fn add_traffic(&self, key: TrafficKey, mut touch: TrafficTouch) -> Result<(), StoreError> {
        let (project, rel, env, hour, op) = key;
        let before = self
            .conn
            .prepare_cached(
                "SELECT n, weight, failed, durations, users, sessions FROM traffic
                 WHERE project=?1 AND hour=?2 AND rel=?3 AND env=?4 AND op=?5",
            )?
            .query_row(params![project, hour, rel, env, op], |row| {
                let blob = |at| row.get::<_, Vec<u8>>(at);
                Ok((row.get::<_, u64>(0)?, row.get::<_, f64>(1)?, row.get::<_, u64>(2)?, blob(3)?, blob(4)?, blob(5)?))
            })
            .optional()?;
        if let Some((n, weight, failed, durations, users, sessions)) = before {
            touch.n += n;
            touch.weight += weight;
            touch.failed += failed;
            touch.durations.merge(&Durations::decode(&durations)?);
            touch.users |= decode_users(&users)?;
            touch.sessions |= decode_users(&sessions)?;
        }
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO traffic(project, rel, env, hour, op, n, weight, failed, durations, users, sessions)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                project,
                rel,
                env,
                hour,
                op,
                touch.n,
                touch.weight,
                touch.failed,
                touch.durations.encode(),
                encode_users(&touch.users),
                encode_users(&touch.sessions),
            ])?;
        Ok(())
    }
}
