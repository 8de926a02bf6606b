//! Which issues a text finds: by what they are called, and by what their events mention.
//! Texts are compared ignoring case; `*` stands for anything.

use roaring::RoaringBitmap;
use rusqlite::ToSql;

use super::super::engine::pool::Snapshot;
use crate::{
    answers::{Mention, like, text_fits},
    model::Untrusted,
    store::{Field, Op, StoreError},
};

impl Snapshot<'_> {
    /// Issues whose title, value, culprit or type contain the text, or whose events mention it.
    pub(in crate::backend::embedded::read) fn issues_with(
        &self,
        text: &Untrusted,
    ) -> Result<RoaringBitmap, StoreError> {
        let text = text.raw().trim_matches('*');
        let anywhere = format!("%{}%", like(text));
        let mut found = self.ids("SELECT issue FROM mention WHERE text LIKE ?1 ESCAPE '\\'", &[&anywhere])?;
        if text.chars().count() >= 3 && !text.contains(['*', '\0']) {
            // One phrase in quotes: nothing in it is read as the index's query language.
            let phrase = format!("\"{}\"", text.replace('"', "\"\""));
            found |= self.ids("SELECT rowid FROM issue_fts WHERE issue_fts MATCH ?1", &[&phrase])?;
            return Ok(found);
        }
        let sql = "SELECT id FROM issue WHERE title LIKE ?1 ESCAPE '\\' OR value LIKE ?1 ESCAPE '\\'
             OR culprit LIKE ?1 ESCAPE '\\' OR type LIKE ?1 ESCAPE '\\'";
        found |= self.ids(sql, &[&anywhere])?;
        Ok(found)
    }

    /// Issues with an exception or frame of which a condition holds. A file is also found by the end of its path, a
    /// function by its last name.
    pub(in crate::backend::embedded::read) fn issues_mentioning(
        &self,
        field: &Field,
        op: Op,
        values: &[Untrusted],
    ) -> Result<RoaringBitmap, StoreError> {
        let Some(mention) = Mention::of(field) else { return Ok(RoaringBitmap::new()) };
        let column = match mention {
            Mention::Type => Some("type"),
            Mention::Value => Some("value"),
            _ => None,
        };
        let mut found = RoaringBitmap::new();
        if let Some(column) = column {
            let mut statement = self.conn.prepare_cached(&format!("SELECT id, coalesce({column}, '') FROM issue"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let text: String = row.get(1)?;
                if values.iter().any(|value| text_fits(op, value.raw(), &text)) {
                    found.insert(row.get(0)?);
                }
            }
        }
        let kind = mention as i64;
        for value in values {
            let whole = like(value.raw());
            found |= self.ids(
                "SELECT issue FROM mention WHERE kind=?1 AND (text LIKE ?2 ESCAPE '\\'
                 OR (?1 IN (2, 4) AND (text LIKE '%.' || ?2 ESCAPE '\\' OR text LIKE '%:' || ?2 ESCAPE '\\'))
                 OR (?1=3 AND text LIKE '%/' || ?2 ESCAPE '\\'))",
                &[&kind, &whole],
            )?;
        }
        Ok(found)
    }

    /// Issues whose events mention anything of a kind.
    pub(in crate::backend::embedded::read) fn issues_with_any(
        &self,
        field: &Field,
    ) -> Result<RoaringBitmap, StoreError> {
        let Some(mention) = Mention::of(field) else { return Ok(RoaringBitmap::new()) };
        let kind = mention as i64;
        self.ids("SELECT DISTINCT issue FROM mention WHERE kind=?1", &[&kind])
    }

    fn ids(&self, sql: &str, parameters: &[&dyn ToSql]) -> Result<RoaringBitmap, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let ids = statement.query_map(parameters, |row| row.get::<_, u32>(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }
}
