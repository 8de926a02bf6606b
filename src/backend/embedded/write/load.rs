//! Histories in bulk: events straight into chunks, counts and sets.
//! It uses `rusqlite` and the packed forms.
//! It never keeps a body, and never looks whether an event is there already.

use std::collections::BTreeMap;

use rusqlite::TransactionBehavior;

use super::{
    commit::Commit,
    fold::{Across, append_chunk, count},
    writer::Writer,
};
use crate::{
    backend::embedded::pack::Fact,
    store::{Digest, Record, StoreError},
};

/// Sequence numbers of events without a body: apart from those of events with one, which never get that far.
const FIRST: i64 = 1 << 40;

impl Writer {
    /// Takes a digest's events and sessions into the counts, in one transaction.
    pub(in crate::backend::embedded) fn load(&mut self, digest: &Digest) -> Result<(), StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let loaded: i64 = tx.query_row("SELECT coalesce(sum(n), 0) FROM chunk", [], |row| row.get(0))?;
        let (project, mut seq) = (digest.project.id, FIRST + loaded);
        let mut commit = Commit::new(&tx, &mut self.names);
        let mut facts: BTreeMap<i64, Vec<Fact>> = BTreeMap::new();
        for record in &digest.records {
            match record {
                Record::Event(event) => {
                    let (issue, mut fact) = commit.counted(project, event)?;
                    (fact.seq, seq) = (seq, seq + 1);
                    // Nobody can open it: any event with a body tells more.
                    fact.rich = 0;
                    facts.entry(issue).or_default().push(fact);
                }
                Record::Session(session) => drop(commit.session(project, session)?),
                Record::Sessions(sessions) => drop(commit.session_counts(project, sessions)?),
                Record::Dropped(dropped) => drop(commit.dropped(project, dropped)?),
                Record::Item(_) | Record::Part(_) => {}
            }
        }
        commit.finish()?;
        let mut across = Across::default();
        for (issue, facts) in &facts {
            let facts: Vec<&Fact> = facts.iter().collect();
            append_chunk(&tx, &mut self.unpacker, *issue, &facts)?;
            count(&tx, &mut self.unpacker, *issue, &facts)?;
            across.add(project, &facts);
        }
        across.write(&tx)?;
        tx.commit()?;
        Ok(())
    }
}
