//! Deleting what one person sent, or what came from one environment or release (a test's events).
//! It uses `rusqlite` and the packed forms.
//! It never leaves counts of issues that include what it deleted.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, TransactionBehavior, params};

use super::{event::id_key, names::Word, writer::Writer};
use crate::{
    backend::embedded::{
        files::random_bytes,
        pack::{Fact, day_of},
    },
    model::{EventId, UserKey},
    store::StoreError,
};

/// Issues a transaction.
const ISSUES: usize = 32;
/// Parts of traces that are looked into at once.
const PARTS: i64 = 500;

/// What is deleted: events of one environment, of one release, or of both at once.
#[derive(Clone, Debug, Default)]
pub struct ErasedScope {
    /// Slug of a project; `None`: all.
    pub project: Option<String>,
    /// Name of an environment; `None`: all.
    pub environment: Option<String>,
    /// Full name of a release; `None`: all.
    pub release: Option<String>,
}

/// How much was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Events.
    pub events: u64,
    /// Replays' parts, attachments, feedback, transactions, spans, logs.
    pub items: u64,
    /// Sessions.
    pub sessions: u64,
}

/// The scope in the store's numbers; `None`: all.
struct Numbers {
    project: Option<u64>,
    environment: Option<u32>,
    releases: Option<Vec<u32>>,
}

impl Writer {
    /// Deletes what a person sent, by the key or the start of it that their pseudonym shows. Sums of sessions and requests
    /// stay, with a number that is nobody's any more.
    pub(in crate::backend::embedded) fn erase_user(&mut self, shown: [u8; 6]) -> Result<Erased, StoreError> {
        self.fold_all()?;
        let users: Vec<(u32, UserKey)> = {
            let sql = "SELECT id, key FROM user WHERE substr(key, 1, 6)=?1";
            let mut statement = self.conn.prepare_cached(sql)?;
            let rows = statement.query_map([&shown[..]], |row| Ok((row.get(0)?, UserKey(row.get(1)?))))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut erased = Erased::default();
        for (user, key) in users {
            erased.events += self.cut_events(None, &|fact| fact.user == user)?;
            erased.items += self.erase_parts_of(&key)?;
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let recordings = "DELETE FROM item WHERE parent IN
                 (SELECT parent FROM item WHERE user=?1 AND kind=9 AND parent IS NOT NULL)";
            erased.items += tx.execute(recordings, [user])? as u64;
            erased.items += tx.execute("DELETE FROM item WHERE user=?1", [user])? as u64;
            erased.sessions += tx.execute("DELETE FROM session WHERE user=?1", [user])? as u64;
            // The number stands in sums of sessions: it must never be another person's.
            tx.execute("UPDATE user SET key=?2 WHERE id=?1", params![user, &random_bytes::<16>()?[..]])?;
            tx.commit()?;
        }
        self.names.forget();
        self.unpack_lines()?;
        self.rebuild()?;
        self.give_back()?;
        Ok(erased)
    }

    /// Deletes all that came from an environment or a release.
    pub(in crate::backend::embedded) fn erase_scope(&mut self, scope: &ErasedScope) -> Result<Erased, StoreError> {
        self.fold_all()?;
        let numbers = self.numbers(scope)?;
        let drops = |fact: &Fact| {
            numbers.environment.is_none_or(|environment| fact.env == environment)
                && numbers.releases.as_ref().is_none_or(|releases| releases.contains(&fact.rel))
        };
        let mut erased = Erased { events: self.cut_events(numbers.project, &drops)?, ..Erased::default() };
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (table, by_project) in TABLES {
            let deleted = erase_rows(&tx, table, by_project, &numbers)?;
            match table {
                "item" | "part" => erased.items += deleted,
                "session" => erased.sessions += deleted,
                _ => {}
            }
        }
        if numbers.releases.is_none() {
            // Users of requests by tag are counted whatever the release.
            let sql = "DELETE FROM base_request WHERE (?1 IS NULL OR project=?1) AND (?2 IS NULL OR env=?2)";
            tx.execute(sql, params![numbers.project, numbers.environment])?;
        }
        if let (Some(releases), None) = (&numbers.releases, numbers.environment) {
            for release in releases {
                for sql in ["DELETE FROM deploy WHERE release=?1", "DELETE FROM release_commit WHERE release=?1"] {
                    tx.execute(sql, [release])?;
                }
                for table in ["library_use", "library_issue"] {
                    tx.execute(&format!("DELETE FROM {table} WHERE rel=?1"), [release])?;
                }
                tx.execute("DELETE FROM release WHERE id=?1", [release])?;
            }
        }
        tx.commit()?;
        self.names.forget();
        self.unpack_lines()?;
        self.rebuild()?;
        self.give_back()?;
        Ok(erased)
    }

    fn numbers(&self, scope: &ErasedScope) -> Result<Numbers, StoreError> {
        let missing =
            |what: &'static str, asked: &str| StoreError::NotFound { what, asked: asked.into(), near: Vec::new() };
        let mut numbers = Numbers { project: None, environment: None, releases: None };
        if let Some(slug) = &scope.project {
            let sql = "SELECT id FROM project WHERE slug=?1";
            let id = self.conn.query_row(sql, [slug], |row| row.get(0)).optional()?;
            numbers.project = Some(id.ok_or_else(|| missing("project", slug))?);
        }
        if let Some(name) = &scope.environment {
            let sql = "SELECT id FROM word WHERE kind=?1 AND parent=0 AND text=?2";
            let id = self.conn.query_row(sql, params![Word::Environment.code(), name], |row| row.get(0)).optional()?;
            numbers.environment = Some(id.ok_or_else(|| missing("environment", name))?);
        }
        if let Some(version) = &scope.release {
            let sql = "SELECT id FROM release WHERE version=?1 AND (?2 IS NULL OR project=?2)";
            let mut statement = self.conn.prepare(sql)?;
            let rows = statement.query_map(params![version, numbers.project], |row| row.get(0))?;
            let releases = rows.collect::<Result<Vec<u32>, _>>()?;
            if releases.is_empty() {
                return Err(missing("release", version));
            }
            numbers.releases = Some(releases);
        }
        Ok(numbers)
    }

    /// Deletes events with their attachments; returns how many events that were.
    fn cut_events(&mut self, project: Option<u64>, drops: &dyn Fn(&Fact) -> bool) -> Result<u64, StoreError> {
        let issues: Vec<i64> = {
            let sql = "SELECT DISTINCT chunk.issue FROM chunk JOIN issue ON issue.id=chunk.issue
                       WHERE ?1 IS NULL OR issue.project=?1";
            let mut statement = self.conn.prepare_cached(sql)?;
            statement.query_map([project], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        let mut events = 0;
        for issues in issues.chunks(ISSUES) {
            events += self.cut_issues(issues, i64::MAX, drops, &forget_event)?;
            self.commit_waiting();
        }
        Ok(events)
    }

    /// Deletes what traces told of a person: a part that names them goes as a whole.
    fn erase_parts_of(&mut self, key: &UserKey) -> Result<u64, StoreError> {
        // What was moved here from another store has the part that is shown, and another end.
        let key = format!("{:032x}", u128::from_be_bytes(key.0));
        let key = &key[..12];
        let (mut last, mut erased) = (0_i64, 0);
        loop {
            let rows: Vec<(i64, Vec<u8>)> = {
                let sql = "SELECT id, z FROM part WHERE id>?1 ORDER BY id LIMIT ?2";
                let mut statement = self.conn.prepare_cached(sql)?;
                let rows = statement.query_map([last, PARTS], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect::<Result<_, _>>()?
            };
            let Some((newest, _)) = rows.last() else { return Ok(erased) };
            last = *newest;
            for (id, z) in rows {
                let body = self.unpacker.body(&z)?;
                if body.windows(key.len()).any(|window| window == key.as_bytes()) {
                    erased += self.conn.execute("DELETE FROM part WHERE id=?1", [id])? as u64;
                }
            }
            self.commit_waiting();
        }
    }
}

/// Tables with what is deleted by release and environment; whether a row names its project beside its release.
const TABLES: [(&str, bool); 8] = [
    ("item", true),
    ("part", true),
    ("traffic", true),
    ("dropped", true),
    ("active", true),
    ("session", false),
    ("sess", false),
    ("sess_users", false),
];

fn erase_rows(conn: &Connection, table: &str, by_project: bool, numbers: &Numbers) -> Result<u64, StoreError> {
    let of_project = if by_project { "project=?1" } else { "rel IN (SELECT id FROM release WHERE release.project=?1)" };
    let releases = numbers.releases.clone().map_or(vec![None], |releases| releases.into_iter().map(Some).collect());
    let sql = format!(
        "DELETE FROM {table} WHERE (?1 IS NULL OR {of_project}) AND (?2 IS NULL OR env=?2) AND (?3 IS NULL OR rel=?3)"
    );
    let mut deleted = 0;
    for release in releases {
        let values: [&dyn ToSql; 3] = [&numbers.project, &numbers.environment, &release];
        deleted += conn.execute(&sql, values)? as u64;
    }
    Ok(deleted)
}

/// What stands beside an event that goes: its attachments, and that its id was seen.
fn forget_event(conn: &Connection, fact: &Fact) -> Result<(), StoreError> {
    let sql = "SELECT body.id, issue.project FROM body JOIN issue ON issue.id=body.issue WHERE seq=?1";
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: Option<([u8; 16], u64)> = conn.prepare_cached(sql)?.query_row([fact.seq], row).optional()?;
    let Some((id, project)) = found else { return Ok(()) };
    conn.prepare_cached("DELETE FROM item WHERE parent=?1")?.execute([&id[..]])?;
    let key = id_key(project, EventId(u128::from_be_bytes(id)));
    conn.prepare_cached("DELETE FROM eid WHERE day=?1 AND k=?2")?.execute(params![day_of(fact.ts), key])?;
    Ok(())
}
