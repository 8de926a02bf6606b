//! Small numbers for what repeats: environments, tags, releases, users, group hashes.
//! It uses `rusqlite`.
//! It never trusts its memory after a rollback: [`Names::forget`] empties it.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::{libraries, request_tags::TagDays};
use crate::{
    ingest::tags_of_user_agent,
    model::{Libraries, UserKey},
    store::{OTHERS, StoreError},
};

/// The kinds of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::backend::embedded) enum Word {
    Environment,
    TagKey,
    /// Its parent is the key.
    TagValue,
    Platform,
    Transaction,
    /// What a session's user agent says: tags, `key<tab>value` a line.
    Agent,
}

impl Word {
    /// Number in the store's files; never reused.
    pub(in crate::backend::embedded) const fn code(self) -> i64 {
        match self {
            Self::Environment => 1,
            Self::TagKey => 2,
            Self::TagValue => 3,
            Self::Platform => 4,
            Self::Transaction => 5,
            Self::Agent => 6,
        }
    }
}

/// Past so many remembered names everything is looked up again: it bounds memory against made-up values.
const MOST: usize = 200_000;

/// Most different names of a kind; what comes after goes by [`OTHERS`]. Whoever has a site's public key can make names up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Releases of a project.
    pub releases: u64,
    /// Issues of a project.
    pub issues: u64,
    /// Environments.
    pub environments: u64,
    /// Keys of tags.
    pub tag_keys: u64,
    /// Values of one key, and transactions.
    pub values: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { releases: 10_000, issues: 50_000, environments: 2_000, tag_keys: 2_000, values: 200_000 }
    }
}

impl Caps {
    fn of(self, kind: Word) -> u64 {
        match kind {
            Word::Environment => self.environments,
            Word::TagKey => self.tag_keys,
            Word::TagValue | Word::Platform | Word::Transaction | Word::Agent => self.values,
        }
    }
}

/// What the writer remembers of the tables of names. All of them only ever grow, so what another process adds is found on a miss.
#[derive(Default)]
pub(super) struct Names {
    words: HashMap<(Word, u32), HashMap<String, u32>>,
    releases: HashMap<u64, HashMap<String, u32>>,
    users: HashMap<UserKey, u32>,
    issues: HashMap<(u64, [u8; 16]), i64>,
    agents: HashMap<String, u32>,
    libraries: HashMap<(u64, i64), Option<i64>>,
    /// Who made requests, by day and tag.
    pub(super) request_tags: TagDays,
    remembered: usize,
    caps: Caps,
    /// How many names there are: of words by kind and parent, of releases by project.
    counts: HashMap<(Option<Word>, u64), u64>,
    /// How many issues a project has.
    issue_counts: HashMap<u64, u64>,
}

impl Names {
    pub(super) fn new(caps: Caps) -> Self {
        Self { caps, ..Self::default() }
    }

    pub(super) fn forget(&mut self) {
        *self = Self::new(self.caps);
    }

    /// Whether one name more may be made; counts it.
    fn may_grow(&mut self, conn: &Connection, kind: Option<Word>, of: u64) -> Result<bool, StoreError> {
        let most = kind.map_or(self.caps.releases, |kind| self.caps.of(kind));
        let known = match self.counts.get(&(kind, of)) {
            Some(known) => *known,
            None => match kind {
                Some(kind) => conn
                    .prepare_cached("SELECT count(*) FROM word WHERE kind=?1 AND parent=?2")?
                    .query_row(params![kind.code(), of], |row| row.get(0))?,
                None => conn
                    .prepare_cached("SELECT count(*) FROM release WHERE project=?1")?
                    .query_row(params![of], |row| row.get(0))?,
            },
        };
        self.counts.insert((kind, of), known + u64::from(known < most));
        Ok(known < most)
    }

    /// Whether a project may have one issue more; counts it.
    pub(super) fn may_have_issue(&mut self, conn: &Connection, project: u64) -> Result<bool, StoreError> {
        let known = match self.issue_counts.get(&project) {
            Some(known) => *known,
            None => conn
                .prepare_cached("SELECT count(*) FROM issue WHERE project=?1")?
                .query_row(params![project], |row| row.get(0))?,
        };
        let may = known < self.caps.issues;
        self.issue_counts.insert(project, known + u64::from(may));
        Ok(may)
    }

    /// After an issue is gone.
    pub(super) fn forget_issue(&mut self, issue: i64) {
        self.issue_counts.clear();
        self.issues.retain(|_, known| *known != issue);
    }

    fn grow(&mut self) {
        if self.remembered >= MOST {
            self.forget();
        }
        self.remembered += 1;
    }

    pub(super) fn word(&mut self, conn: &Connection, kind: Word, parent: u32, text: &str) -> Result<u32, StoreError> {
        if let Some(id) = self.words.get(&(kind, parent)).and_then(|words| words.get(text)) {
            return Ok(*id);
        }
        let found = conn
            .prepare_cached("SELECT id FROM word WHERE kind=?1 AND parent=?2 AND text=?3")?
            .query_row(params![kind.code(), parent, text], |row| row.get(0))
            .optional()?;
        let id =
            match found {
                Some(id) => id,
                None if text != OTHERS && !self.may_grow(conn, Some(kind), u64::from(parent))? => {
                    self.word(conn, kind, parent, OTHERS)?
                }
                None => {
                    conn.prepare_cached("INSERT INTO word(kind, parent, text) VALUES(?1, ?2, ?3)")?
                        .execute(params![kind.code(), parent, text])?;
                    fresh(conn)?
                }
            };
        self.grow();
        self.words.entry((kind, parent)).or_default().insert(text.to_owned(), id);
        Ok(id)
    }

    /// Like [`Names::word`]; 0 for none.
    pub(super) fn maybe(
        &mut self,
        conn: &Connection,
        kind: Word,
        parent: u32,
        text: Option<&str>,
    ) -> Result<u32, StoreError> {
        text.filter(|text| !text.is_empty()).map_or(Ok(0), |text| self.word(conn, kind, parent, text))
    }

    /// The number of what a user agent says; 0 where it says nothing.
    pub(super) fn agent(&mut self, conn: &Connection, agent: Option<&str>) -> Result<u32, StoreError> {
        let Some(agent) = agent.filter(|agent| !agent.is_empty()) else { return Ok(0) };
        if let Some(id) = self.agents.get(agent) {
            return Ok(*id);
        }
        let lines: Vec<String> =
            tags_of_user_agent(agent).iter().map(|(key, value)| format!("{}\t{}", key.raw(), value.raw())).collect();
        let id = self.maybe(conn, Word::Agent, 0, Some(&lines.join("\n")))?;
        self.grow();
        self.agents.insert(agent.to_owned(), id);
        Ok(id)
    }

    /// The number of a list of libraries; `None` where the project has too many.
    pub(super) fn libraries(
        &mut self,
        conn: &Connection,
        project: u64,
        list: &Libraries,
    ) -> Result<Option<i64>, StoreError> {
        if let Some(id) = self.libraries.get(&(project, list.digest)) {
            return Ok(*id);
        }
        let id = libraries::number(conn, project, list)?;
        self.grow();
        self.libraries.insert((project, list.digest), id);
        Ok(id)
    }

    /// The number of a release that has a sign of life at `at`; 0 for none.
    pub(super) fn release(
        &mut self,
        conn: &Connection,
        project: u64,
        version: Option<&str>,
        at: i64,
    ) -> Result<u32, StoreError> {
        let Some(version) = version.filter(|version| !version.is_empty()) else { return Ok(0) };
        if let Some(id) = self.releases.get(&project).and_then(|known| known.get(version)) {
            return Ok(*id);
        }
        let found = conn
            .prepare_cached("SELECT id FROM release WHERE project=?1 AND version=?2")?
            .query_row(params![project, version], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None if version != OTHERS && !self.may_grow(conn, None, project)? => {
                self.release(conn, project, Some(OTHERS), at)?
            }
            None => {
                conn.prepare_cached("INSERT INTO release(project, version, first, last) VALUES(?1, ?2, ?3, ?3)")?
                    .execute(params![project, version, at])?;
                fresh(conn)?
            }
        };
        self.grow();
        self.releases.entry(project).or_default().insert(version.to_owned(), id);
        Ok(id)
    }

    /// The number of a user; 0 for nobody.
    pub(super) fn user(&mut self, conn: &Connection, user: Option<UserKey>) -> Result<u32, StoreError> {
        let Some(user) = user else { return Ok(0) };
        if let Some(id) = self.users.get(&user) {
            return Ok(*id);
        }
        let found = conn
            .prepare_cached("SELECT id FROM user WHERE key=?1")?
            .query_row([&user.0[..]], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                conn.prepare_cached("INSERT INTO user(key) VALUES(?1)")?.execute([&user.0[..]])?;
                fresh(conn)?
            }
        };
        self.grow();
        self.users.insert(user, id);
        Ok(id)
    }

    /// The issue that has that hash.
    pub(super) fn issue(&mut self, conn: &Connection, project: u64, hash: [u8; 16]) -> Result<Option<i64>, StoreError> {
        if let Some(id) = self.issues.get(&(project, hash)) {
            return Ok(Some(*id));
        }
        let found = conn
            .prepare_cached("SELECT issue FROM grouphash WHERE project=?1 AND hash=?2")?
            .query_row(params![project, &hash[..]], |row| row.get(0))
            .optional()?;
        if let Some(id) = found {
            self.grow();
            self.issues.insert((project, hash), id);
        }
        Ok(found)
    }

    /// Writes down that events with that hash are of `issue`.
    pub(super) fn join(
        &mut self,
        conn: &Connection,
        project: u64,
        hash: [u8; 16],
        issue: i64,
    ) -> Result<(), StoreError> {
        conn.prepare_cached("INSERT OR IGNORE INTO grouphash(project, hash, issue) VALUES(?1, ?2, ?3)")?
            .execute(params![project, &hash[..], issue])?;
        self.grow();
        self.issues.insert((project, hash), issue);
        Ok(())
    }
}

/// The number that the last insert gave, where columns hold 32 bits.
fn fresh(conn: &Connection) -> Result<u32, StoreError> {
    u32::try_from(conn.last_insert_rowid()).map_err(|_| StoreError::Unsupported("the store holds too many names"))
}
