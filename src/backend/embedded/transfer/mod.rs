//! Moving a store: all of it as lines, and those lines taken in again.
//! It uses the reader pool and the writer's queue.
//! It never tells of anybody more than the store keeps.

mod counts;
mod envelopes;
mod files;
mod record;
mod words;

pub use record::{
    ActiveLine, DroppedLine, IssueLine, OutcomeLine, PartLine, ProjectLine, ReleaseLine, RequestTagLine, RequestsLine,
    SessionUsersLine, TransferRecord,
};
pub(super) use record::{DebugFileLine, PlaceLine, ScriptLine, UploadLine};

use std::collections::HashMap;

use super::{read::Snapshot, store::EmbeddedStore};
use crate::{guard::Pseudonyms, store::StoreError};

/// One line of an export.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// What it says.
    pub line: Line,
    /// Things of the store that are done with it.
    pub done: u64,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// An envelope.
    Envelope {
        /// Its header names the project by a DSN without a host.
        envelope: Vec<u8>,
        /// The pseudonym of whose it is, where it does not say so itself.
        user: Option<String>,
        /// A hash that the events of its issue share, hexadecimal: what is grouped once stays together.
        group: Option<String>,
        /// Whether nobody asked for what failed: a job ran by itself.
        unattended: bool,
    },
    /// What no envelope carries.
    Record(Box<TransferRecord>),
}

/// Takes one line; `false`: no more is wanted.
pub type Take = Box<dyn FnMut(Exported) -> bool + Send>;

impl EmbeddedStore {
    /// How many things an export tells of.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn exportable(&self) -> Result<u64, StoreError> {
        self.read(|snapshot| {
            let sql = "SELECT (SELECT count(*) FROM body) + (SELECT count(*) FROM item) + (SELECT count(*) FROM session)
                         + (SELECT count(*) FROM artifact) + (SELECT count(*) FROM debug_file) + (SELECT count(*) FROM part)";
            Ok(snapshot.conn.query_row(sql, [], |row| row.get(0))?)
        })
        .await
    }

    /// Hands over projects and releases, every event in the order that they came, what is kept beside them, sessions,
    /// counts, uploaded files, and what is known of issues.
    ///
    /// # Errors
    /// When the store does not answer, or is damaged.
    pub async fn export(&self, mut take: Take) -> Result<(), StoreError> {
        self.read(move |snapshot| snapshot.export(&mut take).map(drop)).await
    }

    /// Takes in what an export tells beside its envelopes, in the order of its lines; returns the places of
    /// records that can't be kept, and why.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn restore(&self, records: Vec<TransferRecord>) -> Result<Vec<(usize, String)>, StoreError> {
        let people = Pseudonyms::new(self.key()).returning();
        self.control(move |writer| writer.restore(records, &people)).await
    }
}

impl Snapshot<'_> {
    fn export(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let mut issues = HashMap::new();
        Ok(self.export_projects(false, take)?
            && self.export_releases(take)?
            && self.export_events(&mut issues, take)?
            && self.export_items(take)?
            && self.export_sessions(take)?
            && self.export_counts(take)?
            && self.export_parts(take)?
            && self.export_tallies(take)?
            && self.export_uploads(take)?
            && self.export_issues(issues, take)?
            && self.export_projects(true, take)?)
    }
}

/// A line that carries a record; `done` things of the store are done with it.
fn of_record(record: TransferRecord, done: u64) -> Exported {
    Exported { line: Line::Record(Box::new(record)), done }
}
