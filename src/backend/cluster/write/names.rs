//! Numbers for what repeats: environments, releases, tags, users, keys of issues.
//! It uses `tokio_postgres`.
//! It never trusts its memory after a transaction that failed: [`Names::forget`] empties it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::{
    backend::cluster::{postgres::Lent, store::Caps},
    model::UserKey,
    store::{OTHERS, StoreError},
};

/// Past so many remembered names everything is looked up again: it bounds memory against made-up names.
const MOST: usize = 400_000;

/// Values in the order in which they came first: numbers are given in it, as by the embedded store.
pub(super) struct Ordered<T> {
    order: Vec<T>,
    seen: HashSet<T>,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self { order: Vec::new(), seen: HashSet::new() }
    }
}

impl<T: Copy + Eq + std::hash::Hash> Ordered<T> {
    fn iter(&self) -> impl Iterator<Item = &T> {
        self.order.iter()
    }
}

impl<T: Copy + Eq + std::hash::Hash> Extend<T> for Ordered<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        for value in values {
            if self.seen.insert(value) {
                self.order.push(value);
            }
        }
    }
}

/// What the writer remembers of the tables of names, all of which only ever grow.
#[derive(Default)]
pub(super) struct Names {
    pub(super) caps: Caps,
    environments: HashMap<String, u32>,
    tag_keys: HashSet<String>,
    releases: HashMap<u64, HashMap<String, u32>>,
    users: HashMap<UserKey, u32>,
    issues: HashMap<(u64, [u8; 16]), i64>,
    libraries: HashMap<(u64, i64), Option<i64>>,
    /// Stacks that are kept, or that no more are kept beside.
    pub(super) stacks: HashSet<(i64, i64)>,
}

impl Names {
    pub(super) fn new(caps: Caps) -> Self {
        Self { caps, ..Self::default() }
    }

    pub(super) fn forget(&mut self) {
        *self = Self::new(self.caps);
    }

    /// Forgets where too much is remembered; before a transaction, never within.
    pub(super) fn trim(&mut self) {
        if self.users.len() + self.issues.len() + self.stacks.len() > MOST {
            self.forget();
        }
    }

    /// The number of an environment; 0 for none.
    pub(super) fn environment(&self, name: Option<&str>) -> u32 {
        let known = |name: &str| self.environments.get(name).or_else(|| self.environments.get(OTHERS)).copied();
        name.filter(|name| !name.is_empty()).and_then(known).unwrap_or(0)
    }

    /// The number of a release; 0 for none.
    pub(super) fn release(&self, project: u64, version: Option<&str>) -> u32 {
        let Some(version) = version.filter(|version| !version.is_empty()) else { return 0 };
        let known = self.releases.get(&project);
        known.and_then(|known| known.get(version).or_else(|| known.get(OTHERS))).copied().unwrap_or(0)
    }

    /// The number of a user; 0 for nobody.
    pub(super) fn user(&self, user: Option<UserKey>) -> u32 {
        user.and_then(|user| self.users.get(&user)).copied().unwrap_or(0)
    }

    /// The name that a tag goes by.
    pub(super) fn tag_key<'k>(&self, key: &'k str) -> &'k str {
        if self.tag_keys.contains(key) { key } else { OTHERS }
    }

    /// The issue that has that hash, of those that were learnt.
    pub(super) fn issue(&self, project: u64, hash: [u8; 16]) -> Option<i64> {
        self.issues.get(&(project, hash)).copied()
    }

    /// Notes the issue of a hash.
    pub(super) fn note_issue(&mut self, project: u64, hash: [u8; 16], issue: i64) {
        self.issues.insert((project, hash), issue);
    }

    /// The number of a list of libraries, where it is known whether there is one.
    pub(super) fn library(&self, project: u64, digest: i64) -> Option<Option<i64>> {
        self.libraries.get(&(project, digest)).copied()
    }

    pub(super) fn note_library(&mut self, project: u64, digest: i64, id: Option<i64>) {
        self.libraries.insert((project, digest), id);
    }

    /// Learns environments, making those that may be made.
    pub(super) async fn learn_environments(&mut self, lent: &Lent, names: &Ordered<&str>) -> Result<(), StoreError> {
        let wanted: Vec<&str> = names.iter().copied().filter(|name| !self.environments.contains_key(*name)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let known = named(lent, "SELECT id, name FROM environment WHERE name=ANY($1)", &wanted).await?;
        self.environments.extend(known);
        let fresh = wanted.into_iter().filter(|name| !self.environments.contains_key(*name));
        let room = room(lent, "SELECT count(*) FROM environment", self.caps.environments).await?;
        let make = capped(fresh.collect(), room);
        let made = named(lent, "INSERT INTO environment(name) SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS new(name, place) ORDER BY place
             ON CONFLICT(name) DO UPDATE SET name=excluded.name RETURNING id, name", &make).await?;
        self.environments.extend(made);
        Ok(())
    }

    /// Learns keys of tags, making those that may be made.
    pub(super) async fn learn_tag_keys(&mut self, lent: &Lent, keys: &Ordered<&str>) -> Result<(), StoreError> {
        let wanted: Vec<&str> = keys.iter().copied().filter(|key| !self.tag_keys.contains(*key)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let known = named(lent, "SELECT id, name FROM tag_key WHERE name=ANY($1)", &wanted).await?;
        self.tag_keys.extend(known.into_iter().map(|(key, _)| key));
        let fresh = wanted.into_iter().filter(|key| !self.tag_keys.contains(*key)).collect();
        let room = room(lent, "SELECT count(*) FROM tag_key", self.caps.tag_keys).await?;
        let make = capped(fresh, room);
        let made = named(lent, "INSERT INTO tag_key(name) SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS new(name, place) ORDER BY place
             ON CONFLICT(name) DO UPDATE SET name=excluded.name RETURNING id, name", &make).await?;
        self.tag_keys.extend(made.into_iter().map(|(key, _)| key));
        Ok(())
    }

    /// Learns releases of projects, each with a moment that it was seen at, making those that may be made.
    pub(super) async fn learn_releases(
        &mut self,
        lent: &Lent,
        seen: BTreeMap<(u64, &str), i64>,
    ) -> Result<(), StoreError> {
        let mut by_project: BTreeMap<u64, Vec<(&str, i64)>> = BTreeMap::new();
        for ((project, version), at) in seen {
            if !self.releases.get(&project).is_some_and(|known| known.contains_key(version)) {
                by_project.entry(project).or_default().push((version, at));
            }
        }
        for (project, wanted) in by_project {
            let id = project as i64;
            let versions: Vec<&str> = wanted.iter().map(|(version, _)| *version).collect();
            let sql = "SELECT id, version FROM release WHERE project=$1 AND version=ANY($2)";
            let known = self.releases.entry(project).or_default();
            for row in lent.query(sql, &[&id, &versions]).await? {
                known.insert(row.get(1), number(row.get(0)));
            }
            let mut fresh: Vec<(&str, i64)> =
                wanted.into_iter().filter(|(version, _)| !known.contains_key(*version)).collect();
            if fresh.is_empty() {
                continue;
            }
            let count: i64 = lent.query_one("SELECT count(*) FROM release WHERE project=$1", &[&id]).await?.get(0);
            let room = usize::try_from(self.caps.releases.saturating_sub(count as u64)).unwrap_or(usize::MAX);
            if fresh.len() > room {
                let at = fresh[room].1;
                fresh.truncate(room);
                fresh.push((OTHERS, at));
            }
            let (versions, times): (Vec<&str>, Vec<i64>) = fresh.into_iter().unzip();
            let sql = "INSERT INTO release(project, version, first, last)
                       SELECT $1, version, at, at FROM unnest($2::text[], $3::bigint[]) AS new(version, at)
                       ON CONFLICT(project, version) DO UPDATE SET version=excluded.version RETURNING id, version";
            for row in lent.query(sql, &[&id, &versions, &times]).await? {
                known.insert(row.get(1), number(row.get(0)));
            }
        }
        Ok(())
    }

    /// Learns users, making those that aren't there.
    pub(super) async fn learn_users(&mut self, lent: &Lent, users: &Ordered<UserKey>) -> Result<(), StoreError> {
        let wanted: Vec<UserKey> = users.iter().copied().filter(|user| !self.users.contains_key(user)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let keys: Vec<&[u8]> = wanted.iter().map(|user| &user.0[..]).collect();
        self.take_users(lent.query("SELECT id, key FROM person WHERE key=ANY($1)", &[&keys]).await?);
        let fresh: Vec<&[u8]> =
            wanted.iter().filter(|user| !self.users.contains_key(user)).map(|user| &user.0[..]).collect();
        if !fresh.is_empty() {
            let sql = "INSERT INTO person(key) SELECT key FROM unnest($1::bytea[]) WITH ORDINALITY AS new(key, place) ORDER BY place RETURNING id, key";
            self.take_users(lent.query(sql, &[&fresh]).await?);
        }
        Ok(())
    }

    fn take_users(&mut self, rows: Vec<tokio_postgres::Row>) {
        for row in rows {
            if let Ok(key) = row.get::<_, &[u8]>(1).try_into() {
                self.users.insert(UserKey(key), number(row.get(0)));
            }
        }
    }

    /// Learns which issues have those hashes.
    pub(super) async fn learn_issues(
        &mut self,
        lent: &Lent,
        hashes: BTreeSet<(u64, [u8; 16])>,
    ) -> Result<(), StoreError> {
        let wanted: Vec<_> = hashes.into_iter().filter(|key| !self.issues.contains_key(key)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let projects: Vec<i64> = wanted.iter().map(|(project, _)| *project as i64).collect();
        let keys: Vec<&[u8]> = wanted.iter().map(|(_, hash)| &hash[..]).collect();
        let sql = "SELECT project, hash, issue FROM grouphash
                   JOIN unnest($1::bigint[], $2::bytea[]) AS asked(project, hash) USING(project, hash)";
        for row in lent.query(sql, &[&projects, &keys]).await? {
            if let Ok(hash) = row.get::<_, &[u8]>(1).try_into() {
                self.issues.insert((row.get::<_, i64>(0) as u64, hash), row.get(2));
            }
        }
        Ok(())
    }
}

/// A number that PostgreSQL gave.
fn number(id: i32) -> u32 {
    id.unsigned_abs()
}

async fn named(lent: &Lent, sql: &str, names: &[&str]) -> Result<Vec<(String, u32)>, StoreError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let rows = lent.query(sql, &[&names]).await?;
    Ok(rows.into_iter().map(|row| (row.get(1), number(row.get(0)))).collect())
}

/// How many names more there may be.
async fn room(lent: &Lent, sql: &str, most: u64) -> Result<usize, StoreError> {
    let count: i64 = lent.query_one(sql, &[]).await?.get(0);
    Ok(usize::try_from(most.saturating_sub(count as u64)).unwrap_or(usize::MAX))
}

/// As many as there is room for; with what stands for the rest.
fn capped(mut names: Vec<&str>, room: usize) -> Vec<&str> {
    if names.len() > room {
        names.truncate(room);
        names.push(OTHERS);
        names.dedup();
    }
    names
}
