//! Storing sessions, what is kept whole, requests, and what SDKs dropped.
//! It uses `tokio_postgres`.
//! It never looks into a payload.

use super::commit::{Claim, Commit};
use crate::{
    answers::{class, hour_of, micros, rank},
    backend::cluster::rows::Table,
    ingest::tags_of_user_agent,
    model::Untrusted,
    store::{DroppedRecord, EntryUse, ItemRecord, SessionRecord, SessionsRecord, StoreError},
};

/// Longest name of an operation, in characters.
const LONGEST: usize = 200;

impl Commit<'_> {
    /// Takes a session's state.
    pub(super) fn session(&mut self, project: u64, session: &SessionRecord) -> bool {
        let started = micros(session.started);
        let rel = self.names.release(project, Some(session.release.raw()));
        let env = self.names.environment(session.environment.as_ref().map(Untrusted::raw));
        let user = self.names.user(session.user);
        let agent = session.user_agent.as_ref().map_or(String::new(), |agent| agent_tags(agent.raw()));
        self.touched.release(rel, started);
        let block = self.block(Table::Session);
        block.u64(project).u32(rel).u32(env).i64(hour_of(started)).fixed(&session.sid).i64(started).u32(user);
        block.text(&agent).u8(rank(class(session)) as u8).end();
        true
    }

    /// Takes sessions that the SDK counted. They have no names, so a re-sent envelope can't be told from another
    /// minute's twin.
    pub(super) fn session_counts(&mut self, project: u64, sessions: &SessionsRecord) -> bool {
        let started = micros(sessions.started);
        let rel = self.names.release(project, Some(sessions.release.raw()));
        let env = self.names.environment(sessions.environment.as_ref().map(Untrusted::raw));
        let user = self.names.user(sessions.user);
        self.touched.release(rel, started);
        let block = self.block(Table::SessionCount);
        block.u64(project).u32(rel).u32(env).i64(hour_of(started)).i64(started).u32(user);
        block.u64(sessions.exited).u64(sessions.errored).u64(sessions.crashed).u64(sessions.abnormal);
        block.u64(sessions.unhandled).end();
        true
    }

    /// Stores an item; false if it is there already.
    pub(super) fn item(&mut self, project: u64, item: &ItemRecord) -> bool {
        if item.dedupe.is_some_and(|digest| !self.take(project, Claim::Item, &digest)) {
            return false;
        }
        let rel = self.names.release(project, item.release.as_ref().map(Untrusted::raw));
        let env = self.names.environment(item.environment.as_ref().map(Untrusted::raw));
        let user = self.names.user(item.user);
        let raw = |text: &'_ Option<Untrusted>| text.as_ref().map_or(String::new(), |text| text.raw().to_owned());
        let seq = self.next_seq();
        let block = self.block(Table::Item);
        block.u64(project).u8(item.kind.code() as u8).time(item.timestamp).u64(seq);
        block.fixed(&item.parent.map_or([0; 16], |id| id.0.to_be_bytes())).text(&raw(&item.trace_id));
        block.i64(item.segment.map_or(-1, |segment| segment as i64)).u32(rel).u32(env).u32(user);
        block.text(&raw(&item.name)).text(&raw(&item.content_type)).u64(item.body.len() as u64);
        block.bytes(&item.body).end();
        if let Some(used) = &item.used {
            self.request(project, (rel, env), used);
        }
        true
    }

    /// Notes a request, or another sign of use.
    fn request(&mut self, project: u64, (rel, env): (u32, u32), used: &EntryUse) {
        let at = micros(used.at);
        let operation: String = used.operation.iter().flat_map(|name| name.raw().chars()).take(LONGEST).collect();
        let user = self.names.user(used.user);
        self.touched.release(rel, at);
        let block = self.block(Table::Request);
        block.u64(project).u32(rel).u32(env).i64(at).text(&operation).u32(user).u32(used.session.unwrap_or(0));
        block.flag(used.failed).f64(used.weight).u64(used.duration_us);
        block.map(used.tags.iter().map(|(key, value)| (key.raw(), value.raw()))).end();
    }

    /// Counts errors that an SDK dropped. A release that nothing else was seen of is not touched by that.
    pub(super) async fn dropped(&mut self, project: u64, dropped: &DroppedRecord) -> Result<bool, StoreError> {
        let rel = self.names.release(project, dropped.release.as_ref().map(Untrusted::raw)) as i32;
        let env = self.names.environment(dropped.environment.as_ref().map(Untrusted::raw)) as i32;
        let (hour, n) = (hour_of(micros(dropped.timestamp)), i64::try_from(dropped.errors).unwrap_or(i64::MAX));
        let sql = "INSERT INTO dropped(project, hour, rel, env, n) VALUES($1, $2, $3, $4, $5)
                   ON CONFLICT(project, hour, rel, env) DO UPDATE SET n=dropped.n+excluded.n";
        self.lent.execute(sql, &[&(project as i64), &hour, &rel, &env, &n]).await?;
        Ok(true)
    }
}

/// What a session's user agent says: tags, `key<tab>value` a line.
fn agent_tags(agent: &str) -> String {
    let tags = tags_of_user_agent(agent);
    let lines: Vec<String> = tags.iter().map(|(key, value)| format!("{}\t{}", key.raw(), value.raw())).collect();
    lines.join("\n")
}
