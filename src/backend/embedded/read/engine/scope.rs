//! A scope's names as the store's numbers.
//! It uses `rusqlite`.
//! It never takes a name that the store doesn't hold: then it says which it does.

use rusqlite::params;

use super::pool::Snapshot;
pub(in crate::backend::embedded::read) use crate::answers::{EventFilter, ResolvedScope};
use crate::{
    answers,
    backend::embedded::write::Word,
    model::Untrusted,
    store::{Scope, StoreError},
};

impl Snapshot<'_> {
    /// Resolves a scope.
    pub(in crate::backend::embedded::read) fn bounds(&self, scope: &Scope) -> Result<ResolvedScope, StoreError> {
        answers::resolve(self, scope)
    }

    /// Number and slug of every project, by slug.
    pub(in crate::backend::embedded::read) fn project_slugs(&self) -> Result<Vec<(u64, String)>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT id, slug FROM project ORDER BY slug")?;
        let slugs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(slugs.collect::<Result<_, _>>()?)
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
