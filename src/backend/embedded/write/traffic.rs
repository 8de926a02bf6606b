//! Counting the requests that services worked on, sampled or not.
//! It uses `rusqlite` and the packed forms.
//! It never keeps a request: they become counts, durations and sets of users.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, params};

use super::{commit::Commit, names::Word};
use crate::{
    backend::embedded::pack::{Durations, decode_users, encode_users, hour_of, micros},
    store::{EntryUse, StoreError},
};

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
            let name: String = entry.operation.raw().chars().take(LONGEST).collect();
            let op = self.names.maybe(self.conn, Word::Transaction, 0, Some(&name))?;
            let user = self.names.user(self.conn, entry.user)?;
            let touch = self.traffic.entry((project, rel, env, hour_of(at), op)).or_default();
            touch.n += 1;
            touch.weight += entry.weight;
            touch.failed += u64::from(entry.failed);
            touch.durations.add(entry.duration_us);
            if user != 0 {
                touch.users.insert(user);
            }
            touch.sessions.extend(entry.session);
        }
        Ok(())
    }

    /// Writes what was noted.
    pub(super) fn write_traffic(&mut self) -> Result<(), StoreError> {
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
