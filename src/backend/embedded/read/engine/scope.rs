//! A scope's names as the store's numbers.
//! It uses `rusqlite`.
//! It never takes a name that the store doesn't hold: then it says which it does.

use roaring::RoaringBitmap;
use rusqlite::params;

use super::{near::not_found, pool::Snapshot};
use crate::{
    backend::embedded::{
        pack::{Cell, DAY_US, day_of, micros},
        write::Word,
    },
    model::Untrusted,
    store::{Scope, StoreError},
};

/// A scope, resolved.
#[derive(Clone, Debug)]
pub(in crate::backend::embedded::read) struct Bounds {
    /// Number and slug of each project, by slug.
    pub(in crate::backend::embedded::read) projects: Vec<(u64, String)>,
    pub(in crate::backend::embedded::read) env: Option<u32>,
    pub(in crate::backend::embedded::read) lo: i64,
    pub(in crate::backend::embedded::read) hi: i64,
}

impl Bounds {
    pub(in crate::backend::embedded::read) fn slug(&self, project: u64) -> Option<&str> {
        self.projects.iter().find(|(id, _)| *id == project).map(|(_, slug)| slug.as_str())
    }

    /// The same, its first day whole: sets of users are kept by day.
    pub(in crate::backend::embedded::read) fn whole_days(&self) -> Self {
        let lo = if self.lo == i64::MIN { self.lo } else { day_of(self.lo).saturating_mul(DAY_US) };
        Self { lo, ..self.clone() }
    }

    /// The same, from the beginning of time.
    pub(in crate::backend::embedded::read) fn all_time(&self) -> Self {
        Self { lo: i64::MIN, ..self.clone() }
    }
}

/// Which events count.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend::embedded::read) struct Want<'a> {
    pub(in crate::backend::embedded::read) lo: i64,
    pub(in crate::backend::embedded::read) hi: i64,
    pub(in crate::backend::embedded::read) env: Option<u32>,
    /// Only of these releases.
    pub(in crate::backend::embedded::read) rels: Option<&'a RoaringBitmap>,
}

impl<'a> Want<'a> {
    pub(in crate::backend::embedded::read) fn of(bounds: &Bounds, rels: Option<&'a RoaringBitmap>) -> Self {
        Self { lo: bounds.lo, hi: bounds.hi, env: bounds.env, rels }
    }

    /// Whether such an event counts.
    pub(in crate::backend::embedded::read) fn takes(&self, ts: i64, rel: u32, env: u32) -> bool {
        (self.lo..=self.hi).contains(&ts) && self.takes_key(rel, env)
    }

    fn takes_key(&self, rel: u32, env: u32) -> bool {
        self.env.is_none_or(|wanted| wanted == env) && self.rels.is_none_or(|rels| rels.contains(rel))
    }

    /// Whether some events of the cell may count.
    pub(in crate::backend::embedded::read) fn touches(&self, cell: &Cell) -> bool {
        cell.last >= self.lo && cell.first <= self.hi && self.takes_key(cell.rel, cell.env)
    }

    /// Whether all events of the cell count.
    pub(in crate::backend::embedded::read) fn holds(&self, cell: &Cell) -> bool {
        cell.first >= self.lo && cell.last <= self.hi && self.takes_key(cell.rel, cell.env)
    }
}

impl Snapshot<'_> {
    /// Resolves a scope.
    pub(in crate::backend::embedded::read) fn bounds(&self, scope: &Scope) -> Result<Bounds, StoreError> {
        let mut projects: Vec<(u64, String)> = self
            .conn
            .prepare_cached("SELECT id, slug FROM project ORDER BY slug")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        if let Some(asked) = &scope.project {
            let wanted = asked.raw().trim();
            if !projects.iter().any(|(_, slug)| slug.eq_ignore_ascii_case(wanted)) {
                return Err(not_found("project", asked, projects.into_iter().map(|(_, slug)| slug)));
            }
            projects.retain(|(_, slug)| slug.eq_ignore_ascii_case(wanted));
        }
        Ok(Bounds {
            projects,
            env: scope.environment.as_ref().map(|asked| self.environment(asked)).transpose()?,
            lo: scope.start.map_or(i64::MIN, micros_up),
            hi: scope.end.map_or(i64::MAX, micros),
        })
    }

    fn environment(&self, asked: &Untrusted) -> Result<u32, StoreError> {
        let known = self.words(Word::Environment, 0)?;
        match known.iter().find(|(_, name)| name == asked.raw()) {
            Some((id, _)) => Ok(*id),
            None => Err(not_found("environment", asked, known.into_iter().map(|(_, name)| name))),
        }
    }

    /// All words of a kind.
    pub(in crate::backend::embedded::read) fn words(
        &self,
        kind: Word,
        parent: u32,
    ) -> Result<Vec<(u32, String)>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT id, text FROM word WHERE kind=?1 AND parent=?2")?;
        let words = statement.query_map(params![kind.code(), parent], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(words.collect::<Result<_, _>>()?)
    }

    /// Names of all tags.
    pub(in crate::backend::embedded) fn tag_names(&mut self) -> Result<Vec<Untrusted>, StoreError> {
        Ok(self.words(Word::TagKey, 0)?.into_iter().map(|(_, name)| name.into()).collect())
    }

    /// The number of a word, if the store has it.
    pub(in crate::backend::embedded::read) fn word_id(
        &self,
        kind: Word,
        parent: u32,
        text: &str,
    ) -> Result<Option<u32>, StoreError> {
        use rusqlite::OptionalExtension;
        let sql = "SELECT id FROM word WHERE kind=?1 AND parent=?2 AND text=?3";
        let found = self.conn.prepare_cached(sql)?.query_row(params![kind.code(), parent, text], |row| row.get(0));
        Ok(found.optional()?)
    }

    /// The text of a word.
    pub(in crate::backend::embedded::read) fn word(&self, id: u32) -> Result<Untrusted, StoreError> {
        let text: String =
            self.conn.prepare_cached("SELECT text FROM word WHERE id=?1")?.query_row([id], |row| row.get(0))?;
        Ok(text.into())
    }

    /// The pseudonym of a user.
    pub(in crate::backend::embedded::read) fn pseudonym(&self, user: u32) -> Result<String, StoreError> {
        let sql = "SELECT 'user-' || lower(hex(substr(key, 1, 6))) FROM user WHERE id=?1";
        Ok(self.conn.prepare_cached(sql)?.query_row([user], |row| row.get(0))?)
    }
}

/// Microseconds, upwards: an event within the first begun microsecond of a scope may lie before it.
fn micros_up(at: crate::model::Timestamp) -> i64 {
    let whole = micros(at);
    whole + i64::from(crate::backend::embedded::pack::moment(whole) < at)
}
