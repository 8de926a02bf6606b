//! Storing sessions: each counts once, by its newest state.
//! It uses `rusqlite`.
//! It never lets a later state undo a worse one: who crashed has crashed.

use rusqlite::{OptionalExtension, params};

use super::{
    commit::{Commit, SessionTouch},
    names::Word,
};
use crate::{
    answers::{class, rank},
    backend::embedded::pack::{day_of, decode_sets, decode_users, encode_sets, encode_users, hour_of, micros},
    model::{SessionStatus, Untrusted},
    store::{DroppedRecord, SessionRecord, SessionsRecord, StoreError},
};

/// The kind of `active` rows that sessions make.
pub(in crate::backend::embedded) const BY_SESSIONS: i64 = 1;

/// Whether no later state follows.
fn is_final(status: SessionStatus) -> bool {
    matches!(status, SessionStatus::Exited | SessionStatus::Crashed | SessionStatus::Abnormal)
}

impl SessionTouch {
    /// Notes who was there, with what their user agent says; 0 stands for nobody and nothing.
    fn saw(&mut self, user: u32, agent: u32) {
        if user != 0 {
            self.users.insert(user);
            if agent != 0 {
                self.agents.entry(agent).or_default().insert(user);
            }
        }
    }
}

/// A session as it is stored.
struct Stored {
    rel: u32,
    env: u32,
    started: i64,
    at: i64,
    user: u32,
    class: usize,
    is_final: bool,
}

impl Commit<'_> {
    /// Takes a session's state; false if it says nothing newer.
    pub(super) fn session(&mut self, project: u64, session: &SessionRecord) -> Result<bool, StoreError> {
        let started = micros(session.started);
        match self.stored_session(day_of(started), &session.sid)? {
            None => self.first_state(project, session, started).map(|()| true),
            Some(before) => self.later_state(project, session, before),
        }
    }

    fn stored_session(&self, day: i64, sid: &[u8; 16]) -> Result<Option<Stored>, StoreError> {
        let sql = "SELECT rel, env, started, at, user, class, final FROM session WHERE day=?1 AND sid=?2";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Stored {
                rel: row.get(0)?,
                env: row.get(1)?,
                started: row.get(2)?,
                at: row.get(3)?,
                user: row.get(4)?,
                class: row.get(5)?,
                is_final: row.get(6)?,
            })
        };
        Ok(self.conn.prepare_cached(sql)?.query_row(params![day, &sid[..]], read).optional()?)
    }

    fn first_state(&mut self, project: u64, session: &SessionRecord, started: i64) -> Result<(), StoreError> {
        let conn = self.conn;
        let rel = self.names.release(conn, project, Some(session.release.raw()), started)?;
        let env = self.names.maybe(conn, Word::Environment, 0, session.environment.as_ref().map(Untrusted::raw))?;
        let user = self.names.user(conn, session.user)?;
        let agent = self.names.agent(conn, session.user_agent.as_ref().map(Untrusted::raw))?;
        conn.prepare_cached(
            "INSERT INTO session(day, sid, rel, env, started, at, user, class, final, agent)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            day_of(started),
            &session.sid[..],
            rel,
            env,
            started,
            micros(session.timestamp),
            user,
            class(session),
            is_final(session.status),
            agent,
        ])?;
        let touch = self.touch_sessions(project, rel, env, started);
        touch.started += 1;
        touch.classes[class(session)] += 1;
        touch.saw(user, agent);
        Ok(())
    }

    fn later_state(&mut self, project: u64, session: &SessionRecord, before: Stored) -> Result<bool, StoreError> {
        let (at, ends) = (micros(session.timestamp), is_final(session.status));
        let worse = rank(class(session)) > rank(before.class);
        let newer = if before.is_final == ends { at > before.at } else { ends };
        if !newer && !worse {
            return Ok(false);
        }
        let class = if worse { class(session) } else { before.class };
        let (at, ends) = (at.max(before.at), ends || before.is_final);
        let user = if before.user == 0 { self.names.user(self.conn, session.user)? } else { before.user };
        self.conn
            .prepare_cached("UPDATE session SET at=?3, user=?4, class=?5, final=?6 WHERE day=?1 AND sid=?2")?
            .execute(params![day_of(before.started), &session.sid[..], at, user, class, ends])?;
        let agent = self.names.agent(self.conn, session.user_agent.as_ref().map(Untrusted::raw))?;
        let touch = self.touch_sessions(project, before.rel, before.env, before.started);
        touch.classes[before.class] -= 1;
        touch.classes[class] += 1;
        touch.saw(user, agent);
        Ok(true)
    }

    /// Takes sessions that the SDK counted. They have no names, so a re-sent envelope can't be told from another minute's twin.
    pub(super) fn session_counts(&mut self, project: u64, sessions: &SessionsRecord) -> Result<bool, StoreError> {
        let (conn, started) = (self.conn, micros(sessions.started));
        let rel = self.names.release(conn, project, Some(sessions.release.raw()), started)?;
        let env = self.names.maybe(conn, Word::Environment, 0, sessions.environment.as_ref().map(Untrusted::raw))?;
        let user = self.names.user(conn, sessions.user)?;
        let counts = [sessions.exited, sessions.errored, sessions.crashed, sessions.abnormal, sessions.unhandled];
        let touch = self.touch_sessions(project, rel, env, started);
        for (class, n) in touch.classes.iter_mut().zip(counts) {
            *class = class.saturating_add(i64::try_from(n).unwrap_or(i64::MAX));
            touch.started = touch.started.saturating_add(n);
        }
        touch.saw(user, 0);
        Ok(true)
    }

    /// Counts errors that an SDK dropped. A release that nothing else was seen of is not made by that.
    pub(super) fn dropped(&mut self, project: u64, dropped: &DroppedRecord) -> Result<bool, StoreError> {
        let (conn, at) = (self.conn, micros(dropped.timestamp));
        let rel = match &dropped.release {
            Some(release) => self.names.release(conn, project, Some(release.raw()), at)?,
            None => 0,
        };
        let env = self.names.maybe(conn, Word::Environment, 0, dropped.environment.as_ref().map(Untrusted::raw))?;
        conn.prepare_cached(
            "INSERT INTO dropped(project, hour, rel, env, n) VALUES(?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
        )?
        .execute(params![project, hour_of(at), rel, env, dropped.errors])?;
        Ok(true)
    }

    fn touch_sessions(&mut self, project: u64, rel: u32, env: u32, started: i64) -> &mut SessionTouch {
        self.touch_release(rel, started, started);
        let touch = self.sessions.entry((project, rel, env, hour_of(started))).or_default();
        if touch.last == 0 {
            (touch.first, touch.last) = (started, started);
        }
        (touch.first, touch.last) = (touch.first.min(started), touch.last.max(started));
        touch
    }

    /// Writes the sums and sets that the sessions of this transaction changed.
    pub(super) fn write_sessions(&mut self) -> Result<(), StoreError> {
        for ((project, rel, env, hour), touch) in std::mem::take(&mut self.sessions) {
            let [well, errored, crashed, abnormal, unhandled] = touch.classes;
            let total = well + errored + crashed + abnormal + unhandled;
            self.conn
                .prepare_cached(
                    "INSERT INTO sess(rel, env, hour, total, errored, crashed, abnormal, unhandled)
                     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET
                     total=total+excluded.total, errored=errored+excluded.errored, crashed=crashed+excluded.crashed,
                     abnormal=abnormal+excluded.abnormal, unhandled=unhandled+excluded.unhandled",
                )?
                .execute(params![rel, env, hour, total, errored, crashed, abnormal, unhandled])?;
            self.add_hour_users(rel, env, hour, &touch)?;
            add_active(self.conn, (project, rel, env, hour.div_euclid(24), BY_SESSIONS), &touch)?;
        }
        Ok(())
    }

    fn add_hour_users(&self, rel: u32, env: u32, hour: i64, touch: &SessionTouch) -> Result<(), StoreError> {
        if touch.users.is_empty() {
            return Ok(());
        }
        let sql = "SELECT users, agents FROM sess_users WHERE rel=?1 AND env=?2 AND hour=?3";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?));
        let before = self.conn.prepare_cached(sql)?.query_row(params![rel, env, hour], read).optional()?;
        let (mut users, mut agents) = (touch.users.clone(), touch.agents.clone());
        if let Some((had_users, had_agents)) = before {
            users |= decode_users(&had_users)?;
            for (agent, had) in decode_sets(&had_agents)?.unwrap_or_default() {
                *agents.entry(agent).or_default() |= had;
            }
        }
        let sql = "INSERT OR REPLACE INTO sess_users(rel, env, hour, users, agents) VALUES(?1, ?2, ?3, ?4, ?5)";
        let row = params![rel, env, hour, encode_users(&users), encode_sets(Some(&agents))];
        self.conn.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }
}

/// Adds to who was active in (project, release, environment, day, kind).
pub(super) fn add_active(
    conn: &rusqlite::Connection,
    (project, rel, env, day, kind): (u64, u32, u32, i64, i64),
    touch: &SessionTouch,
) -> Result<(), StoreError> {
    let before = conn
        .prepare_cached("SELECT users FROM active WHERE project=?1 AND rel=?2 AND env=?3 AND day=?4 AND kind=?5")?
        .query_row(params![project, rel, env, day, kind], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    let mut users = touch.users.clone();
    if let Some(before) = before {
        users |= decode_users(&before)?;
    }
    conn.prepare_cached(
        "INSERT INTO active(project, rel, env, day, kind, n, first, last, users) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET n=n+excluded.n, first=min(first, excluded.first), last=max(last, excluded.last),
         users=excluded.users",
    )?
    .execute(params![project, rel, env, day, kind, touch.started, touch.first, touch.last, encode_users(&users)])?;
    Ok(())
}
