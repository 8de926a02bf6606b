//! Taking in parts of traces and counts of an export.
//! It uses `rusqlite` and the packed forms.
//! It never counts twice: where this store has a count of the same place and time, the larger one stands, so that an
//! export may be taken in again.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, ToSql, params};

use super::{names::Word, restore::Restore};
use crate::{
    backend::embedded::{
        pack::{Durations, HOUR_US, ValueSets, decode_sets, decode_users, encode_sets, encode_users},
        transfer::{
            ActiveLine, DroppedLine, OutcomeLine, PartLine, PlaceLine, RequestTagLine, RequestsLine, SessionUsersLine,
            TransferRecord,
        },
    },
    store::StoreError,
};

/// Project, release, environment: the store's numbers.
type Place = (u64, u32, u32);

/// Takes a record of that kind in.
pub(super) fn count(to: &mut Restore<'_>, record: TransferRecord) -> Result<(), StoreError> {
    match record {
        TransferRecord::Part(line) => to.part(&line),
        TransferRecord::Requests(line) => to.requests(&line),
        TransferRecord::Active(line) => to.active(&line),
        TransferRecord::RequestTag(line) => to.request_tag(&line),
        TransferRecord::SessionUsers(line) => to.session_users(&line),
        TransferRecord::Dropped(line) => to.dropped(&line),
        TransferRecord::Outcome(line) => to.outcome(&line),
        _ => Ok(()),
    }
}

impl Restore<'_> {
    fn place(&mut self, line: &PlaceLine, at: i64) -> Result<Place, StoreError> {
        let project = self.project_number(&line.project)?;
        let rel = self.names.release(self.conn, project, line.release.as_deref(), at)?;
        Ok((project, rel, self.environment(line.environment.as_deref())?))
    }

    fn environment(&mut self, name: Option<&str>) -> Result<u32, StoreError> {
        self.names.maybe(self.conn, Word::Environment, 0, name)
    }

    fn users(&mut self, shown: &[String]) -> Result<RoaringBitmap, StoreError> {
        shown
            .iter()
            .map(|name| {
                let key = self.people.user(&name.as_str().into());
                self.names.user(self.conn, Some(key))
            })
            .collect()
    }

    /// A set as this store has it, `None` where the row is not there.
    fn known(&self, sql: &str, key: &[&dyn ToSql]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.conn.prepare_cached(sql)?.query_row(key, |row| row.get(0)).optional()?)
    }

    fn part(&mut self, line: &PartLine) -> Result<(), StoreError> {
        let (project, rel, env) = self.place(&line.place, line.first)?;
        self.conn
            .prepare_cached(
                "INSERT INTO part(trace, project, rel, env, first, last, received, failing, keep, spans, logs, z)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10, ?11 WHERE NOT EXISTS(
                   SELECT 1 FROM part WHERE trace=?1 AND project=?2 AND first=?5 AND last=?6 AND spans=?9 AND logs=?10)",
            )?
            .execute(params![
                line.trace,
                project,
                rel,
                env,
                line.first,
                line.last,
                line.received,
                line.failing,
                line.spans,
                line.logs,
                line.content.0
            ])?;
        Ok(())
    }

    fn requests(&mut self, line: &RequestsLine) -> Result<(), StoreError> {
        let (project, rel, env) = self.place(&line.place, line.hour * HOUR_US)?;
        let op = self.names.maybe(self.conn, Word::Transaction, 0, line.operation.as_deref())?;
        let mut users = self.users(&line.users)?;
        // Refused here rather than met by each later question.
        Durations::decode(&line.durations.0)?;
        let mut sessions = decode_users(&line.sessions.0)?;
        let key: &[&dyn ToSql] = &[&project, &line.hour, &rel, &env, &op];
        let of = |column| {
            format!("SELECT {column} FROM traffic WHERE project=?1 AND hour=?2 AND rel=?3 AND env=?4 AND op=?5")
        };
        if let Some(known) = self.known(&of("users"), key)? {
            users |= decode_users(&known)?;
        }
        if let Some(known) = self.known(&of("sessions"), key)? {
            sessions |= decode_users(&known)?;
        }
        self.conn
            .prepare_cached(
                "INSERT INTO traffic(project, hour, rel, env, op, n, weight, failed, durations, users, sessions)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT DO UPDATE SET durations=CASE WHEN excluded.n>n THEN excluded.durations ELSE durations END,
                   n=max(n, excluded.n), weight=max(weight, excluded.weight), failed=max(failed, excluded.failed),
                   users=excluded.users, sessions=excluded.sessions",
            )?
            .execute(params![
                project,
                line.hour,
                rel,
                env,
                op,
                line.requests,
                line.weight,
                line.failed,
                line.durations.0,
                encode_users(&users),
                encode_users(&sessions)
            ])?;
        Ok(())
    }

    fn active(&mut self, line: &ActiveLine) -> Result<(), StoreError> {
        let (project, rel, env) = self.place(&line.place, line.first)?;
        let mut users = self.users(&line.users)?;
        let sql = "SELECT users FROM active WHERE project=?1 AND rel=?2 AND env=?3 AND day=?4 AND kind=?5";
        if let Some(known) = self.known(sql, &[&project, &rel, &env, &line.day, &line.kind])? {
            users |= decode_users(&known)?;
        }
        self.conn
            .prepare_cached(
                "INSERT INTO active(project, rel, env, day, kind, n, first, last, users)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT DO UPDATE SET n=max(n, excluded.n), first=min(first, excluded.first),
                   last=max(last, excluded.last), users=excluded.users",
            )?
            .execute(params![
                project,
                rel,
                env,
                line.day,
                line.kind.clamp(1, 2),
                line.quantity,
                line.first,
                line.last,
                encode_users(&users)
            ])?;
        self.conn
            .prepare_cached("UPDATE release SET first=min(first, ?2), last=max(last, ?3) WHERE id=?1")?
            .execute(params![rel, line.first, line.last])?;
        Ok(())
    }

    fn request_tag(&mut self, line: &RequestTagLine) -> Result<(), StoreError> {
        let project = self.project_number(&line.project)?;
        let env = self.environment(line.environment.as_deref())?;
        let tag = self.names.maybe(self.conn, Word::TagKey, 0, line.tag.as_deref())?;
        let mut sets = match &line.values {
            None => None,
            Some(values) => {
                let mut sets = ValueSets::new();
                for (value, users) in values {
                    let value = self.names.maybe(self.conn, Word::TagValue, tag, value.as_deref())?;
                    *sets.entry(value).or_default() |= self.users(users)?;
                }
                Some(sets)
            }
        };
        let sql = "SELECT sets FROM base_request WHERE project=?1 AND tag=?2 AND day=?3 AND env=?4";
        if let Some(known) = self.known(sql, &[&project, &tag, &line.day, &env])? {
            let known = decode_sets(&known)?;
            sets = sets.zip(known).map(|(mut sets, known)| {
                for (value, users) in known {
                    *sets.entry(value).or_default() |= users;
                }
                sets
            });
        }
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO base_request(project, day, env, tag, sets) VALUES(?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![project, line.day, env, tag, encode_sets(sets.as_ref())])?;
        // What was remembered of that tag is not all any more.
        self.names.request_tags.clear();
        Ok(())
    }

    fn session_users(&mut self, line: &SessionUsersLine) -> Result<(), StoreError> {
        let (_, rel, env) = self.place(&line.place, line.hour * HOUR_US)?;
        let mut users = self.users(&line.users)?;
        let mut agents = ValueSets::new();
        for (agent, of) in &line.agents {
            let agent = self.names.maybe(self.conn, Word::Agent, 0, Some(agent))?;
            *agents.entry(agent).or_default() |= self.users(of)?;
        }
        let of = |column| format!("SELECT {column} FROM sess_users WHERE rel=?1 AND env=?2 AND hour=?3");
        let key: &[&dyn ToSql] = &[&rel, &env, &line.hour];
        if let Some(known) = self.known(&of("users"), key)? {
            users |= decode_users(&known)?;
        }
        if let Some(known) = self.known(&of("agents"), key)? {
            for (agent, known) in decode_sets(&known)?.unwrap_or_default() {
                *agents.entry(agent).or_default() |= known;
            }
        }
        let sql = "INSERT OR REPLACE INTO sess_users(rel, env, hour, users, agents) VALUES(?1, ?2, ?3, ?4, ?5)";
        let row = params![rel, env, line.hour, encode_users(&users), encode_sets(Some(&agents))];
        self.conn.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn dropped(&mut self, line: &DroppedLine) -> Result<(), StoreError> {
        let (project, rel, env) = self.place(&line.place, line.hour * HOUR_US)?;
        let sql = "INSERT INTO dropped(project, hour, rel, env, n) VALUES(?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT DO UPDATE SET n=max(n, excluded.n)";
        self.conn.prepare_cached(sql)?.execute(params![project, line.hour, rel, env, line.errors])?;
        Ok(())
    }

    fn outcome(&mut self, line: &OutcomeLine) -> Result<(), StoreError> {
        let project = self.project_number(&line.project)?;
        let sql = "INSERT INTO outcome(day, project, item, outcome, reason, n) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT DO UPDATE SET n=max(n, excluded.n)";
        let row = params![line.day, project, line.item, line.outcome, line.reason, line.quantity];
        self.conn.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }
}
