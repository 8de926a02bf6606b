//! What `doctor` shows of a store.
//! It uses the reader pool and the file system.
//! It never writes.

use super::{read::Snapshot, schema, store::EmbeddedStore};
use crate::store::StoreError;

/// A store at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Format of its file.
    pub format: i64,
    /// Bytes on disk, the write-ahead log included.
    pub disk_bytes: u64,
    /// Events that it holds.
    pub events: u64,
}

impl EmbeddedStore {
    /// Looks at the store.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn health(&self) -> Result<Health, StoreError> {
        let disk_bytes = self.disk_bytes();
        let (format, events) = self.read(|snapshot| snapshot.format_and_events()).await?;
        Ok(Health { format, disk_bytes, events })
    }
}

/// What tables hold, by the beginnings of their names; the first that fits counts.
const KINDS: [(&str, &str); 20] = [
    ("body", "events"),
    ("eid", "events"),
    ("issue_fts", "search"),
    ("mention", "search"),
    ("session", "sessions"),
    ("sess", "sessions"),
    ("active", "sessions"),
    ("item", "replays, logs, spans, attachments"),
    ("part", "OpenTelemetry"),
    ("line_", "replays, logs, spans, attachments"),
    ("joined", "OpenTelemetry"),
    ("reported", "OpenTelemetry"),
    ("traffic", "OpenTelemetry"),
    ("base_request", "OpenTelemetry"),
    ("artifact", "source maps"),
    ("bundle", "source maps"),
    ("upload", "source maps"),
    ("debug_", "symbols"),
    ("finding", "feed"),
    ("delivery", "feed"),
];

/// Something that was sent and that the program does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownType {
    /// Slug of the project that it was sent to; `None`: to none.
    pub project: Option<String>,
    /// What the sender calls it: the type of an item, or `otlp/SIGNAL`.
    pub name: String,
    /// How often.
    pub n: u64,
}

impl EmbeddedStore {
    /// Types of items and signals that were counted and skipped, the most frequent first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn unknown_types(&self) -> Result<Vec<UnknownType>, StoreError> {
        self.read(|snapshot| snapshot.unknown_types()).await
    }

    /// Bytes of the store by kind of what they hold, most first. It reads every page.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn sizes(&self) -> Result<Vec<(&'static str, u64)>, StoreError> {
        self.read(|snapshot| snapshot.sizes()).await
    }
}

impl Snapshot<'_> {
    fn unknown_types(&mut self) -> Result<Vec<UnknownType>, StoreError> {
        let sql = "SELECT slug, item, sum(n) FROM outcome LEFT JOIN project ON project.id=outcome.project
                   WHERE outcome='unknown' GROUP BY outcome.project, item ORDER BY sum(n) DESC, item LIMIT 20";
        let mut statement = self.conn.prepare(sql)?;
        let rows = statement
            .query_map([], |row| Ok(UnknownType { project: row.get(0)?, name: row.get(1)?, n: row.get(2)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn sizes(&self) -> Result<Vec<(&'static str, u64)>, StoreError> {
        let sql = "SELECT coalesce(kept.tbl_name, pages.name), sum(pages.pgsize) FROM dbstat AS pages
                   LEFT JOIN sqlite_master AS kept ON kept.name=pages.name WHERE pages.aggregate=TRUE GROUP BY 1";
        let mut statement = self.conn.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)))?;
        let mut sizes: std::collections::BTreeMap<&'static str, u64> = std::collections::BTreeMap::new();
        for row in rows {
            let (table, bytes) = row?;
            let kind = KINDS.iter().find(|(start, _)| table.starts_with(start));
            *sizes.entry(kind.map_or("counts and names", |(_, kind)| kind)).or_default() += bytes;
        }
        let mut sizes: Vec<_> = sizes.into_iter().collect();
        sizes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        Ok(sizes)
    }

    fn format_and_events(&mut self) -> Result<(i64, u64), StoreError> {
        let format = schema::found(self.conn)?;
        let events: i64 = self.conn.query_row("SELECT count(*) FROM eid", [], |row| row.get(0))?;
        Ok((format, events.unsigned_abs()))
    }
}
