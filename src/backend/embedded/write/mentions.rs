//! Keeping the texts that an issue is found by.
//! It uses `rusqlite`.

use rusqlite::params;

use super::commit::Commit;
use crate::{
    answers::{MENTIONS, Mention},
    store::StoreError,
};

impl Commit<'_> {
    /// Keeps the texts of an issue's event.
    pub(super) fn write_mentions(&self, issue: i64, mentions: &[(Mention, String)]) -> Result<(), StoreError> {
        let mut statement = self.conn.prepare_cached(
            "INSERT OR IGNORE INTO mention(issue, kind, text)
             SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM mention WHERE issue=?1) < ?4",
        )?;
        for (kind, text) in mentions {
            statement.execute(params![issue, *kind as i64, text, MENTIONS])?;
        }
        Ok(())
    }
}
