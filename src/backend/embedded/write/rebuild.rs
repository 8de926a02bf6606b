//! Makes all counts and sets again from the chunks that they were counted from.
//! It uses `rusqlite` and the packed forms.
//! It never changes a chunk.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    fold::{Across, count},
    writer::Writer,
};
use crate::{
    backend::embedded::pack::{Fact, Unpacker},
    store::StoreError,
};

impl Writer {
    /// Counts everything that is folded again, in one transaction.
    pub(in crate::backend::embedded) fn rebuild(&mut self) -> Result<(), StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(
            "DELETE FROM rollup; DELETE FROM issue_users; DELETE FROM base; DELETE FROM used;
             DELETE FROM active WHERE kind=0;",
        )?;
        let mut statement =
            tx.prepare("SELECT DISTINCT chunk.issue, issue.project FROM chunk JOIN issue ON issue.id=chunk.issue")?;
        let issues: Vec<(i64, u64)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        drop(statement);
        for (issue, project) in issues {
            recount(&tx, &mut self.unpacker, issue, |facts| {
                let mut across = Across::default();
                across.add(project, facts);
                across.write(&tx)
            })?;
        }
        tx.commit()?;
        Ok(())
    }
}

/// Counts an issue, which has no counts, from its chunks; `see` gets each chunk's facts as well.
pub(super) fn recount(
    conn: &Connection,
    unpacker: &mut Unpacker,
    issue: i64,
    mut see: impl FnMut(&[&Fact]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached("SELECT id FROM chunk WHERE issue=?1 ORDER BY id")?;
    let chunks: Vec<i64> = statement.query_map([issue], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for chunk in chunks {
        let facts = facts_of(conn, unpacker, issue, chunk)?;
        let facts: Vec<&Fact> = facts.iter().collect();
        count(conn, unpacker, issue, &facts)?;
        see(&facts)?;
    }
    Ok(())
}

/// The facts of one chunk.
pub(super) fn facts_of(
    conn: &Connection,
    unpacker: &mut Unpacker,
    issue: i64,
    chunk: i64,
) -> Result<Vec<Fact>, StoreError> {
    let (head, rest) = conn
        .prepare_cached("SELECT head, rest FROM chunk WHERE issue=?1 AND id=?2")?
        .query_row(params![issue, chunk], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let columns = unpacker.columns(&head, &rest)?;
    Ok((0..columns.head.len()).map(|row| columns.fact(row)).collect())
}
