//! What lines are read from: parts of OpenTelemetry's traces, and items as Sentry SDKs sent them.
//! It uses `rusqlite` and JSON.
//! It never fails for a record that can't be read: that has no lines.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value as Json;

use super::row::Row;
use crate::{
    ingest::Part,
    store::{ItemKind, SignalKind, StoreError},
};

/// Records of one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::backend::embedded) enum Source {
    /// What requests of OpenTelemetry told of traces.
    Parts,
    /// What Sentry SDKs sent.
    Items(ItemKind),
}

/// Number of a kind of lines in the store's files; never reused.
pub(in crate::backend::embedded) fn kind_code(kind: SignalKind) -> i64 {
    match kind {
        SignalKind::Log => 1,
        SignalKind::Span => 2,
        SignalKind::Transaction => 3,
        SignalKind::Metric => 4,
        SignalKind::CheckIn | SignalKind::Feedback | SignalKind::Session | SignalKind::All => 0,
    }
}

impl Source {
    /// Those whose lines are packed.
    pub(in crate::backend::embedded) const PACKED: [Self; 5] = [
        Self::Parts,
        Self::Items(ItemKind::Log),
        Self::Items(ItemKind::Span),
        Self::Items(ItemKind::Transaction),
        Self::Items(ItemKind::Metric),
    ];

    /// Number in the store's files; never reused.
    pub(in crate::backend::embedded) const fn code(self) -> i64 {
        match self {
            Self::Parts => 0,
            Self::Items(kind) => kind.code(),
        }
    }

    pub(in crate::backend::embedded) fn of_code(code: i64) -> Option<Self> {
        Self::PACKED.into_iter().find(|source| source.code() == code)
    }

    /// Kinds of lines that it has.
    pub(in crate::backend::embedded) fn kinds(self) -> &'static [SignalKind] {
        match self {
            Self::Parts => &[SignalKind::Log, SignalKind::Span, SignalKind::Transaction],
            Self::Items(ItemKind::Span | ItemKind::Transaction) => &[SignalKind::Span, SignalKind::Transaction],
            Self::Items(ItemKind::Log) => &[SignalKind::Log],
            Self::Items(ItemKind::Metric) => &[SignalKind::Metric],
            Self::Items(ItemKind::CheckIn) => &[SignalKind::CheckIn],
            Self::Items(ItemKind::Feedback) => &[SignalKind::Feedback],
            Self::Items(_) => &[],
        }
    }

    /// Where lines of a kind come from.
    pub(in crate::backend::embedded) fn of_kind(kind: SignalKind) -> &'static [Self] {
        match kind {
            SignalKind::Log => &[Self::Items(ItemKind::Log), Self::Parts],
            SignalKind::Span | SignalKind::Transaction => {
                &[Self::Items(ItemKind::Span), Self::Items(ItemKind::Transaction), Self::Parts]
            }
            SignalKind::Metric => &[Self::Items(ItemKind::Metric)],
            SignalKind::CheckIn => &[Self::Items(ItemKind::CheckIn)],
            SignalKind::Feedback => &[Self::Items(ItemKind::Feedback)],
            SignalKind::Session | SignalKind::All => &[],
        }
    }

    /// The records of a project after one and up to another, by their numbers: id, time, release, environment, user, body.
    /// `?1` the project, `?2` and `?3` the numbers.
    pub(in crate::backend::embedded) fn sql(self) -> String {
        match self {
            Self::Parts => {
                "SELECT id, first, rel, env, 0, z FROM part WHERE project=?1 AND keep=1 AND id>?2 AND id<=?3 \
                            AND id NOT IN (SELECT part FROM part_late) ORDER BY id"
                    .to_owned()
            }
            Self::Items(kind) => format!(
                "SELECT id, ts, rel, env, user, z FROM item WHERE project=?1 AND kind={} AND id>?2 AND id<=?3 ORDER BY id",
                kind.code()
            ),
        }
    }
}

/// A record's numbers.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend::embedded) struct Stored {
    pub(in crate::backend::embedded) id: i64,
    pub(in crate::backend::embedded) ts: i64,
    pub(in crate::backend::embedded) rel: u32,
    pub(in crate::backend::embedded) env: u32,
    pub(in crate::backend::embedded) user: u32,
}

impl Stored {
    pub(in crate::backend::embedded) fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, ts: row.get(1)?, rel: row.get(2)?, env: row.get(3)?, user: row.get(4)? })
    }
}

/// A record's body, read.
pub(in crate::backend::embedded) enum Parsed {
    Part(Box<Part>),
    Item(ItemKind, Json),
}

impl Parsed {
    pub(in crate::backend::embedded) fn of(source: Source, body: &[u8]) -> Option<Self> {
        match source {
            Source::Parts => serde_json::from_slice(body).ok().map(|part| Self::Part(Box::new(part))),
            Source::Items(kind) => serde_json::from_slice(body).ok().map(|json| Self::Item(kind, json)),
        }
    }
}

/// Makes lines, by names instead of the store's numbers.
pub(in crate::backend::embedded) struct Maker<'c> {
    conn: &'c Connection,
    names: HashMap<(Name, u32), Option<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    Release,
    Environment,
    User,
}

impl<'c> Maker<'c> {
    pub(in crate::backend::embedded) fn new(conn: &'c Connection) -> Self {
        Self { conn, names: HashMap::new() }
    }

    fn name(&mut self, of: Name, id: u32) -> Result<Option<&str>, StoreError> {
        if id == 0 {
            return Ok(None);
        }
        if !self.names.contains_key(&(of, id)) {
            let sql = match of {
                Name::Release => "SELECT version FROM release WHERE id=?1",
                Name::Environment => "SELECT text FROM word WHERE id=?1",
                Name::User => "SELECT 'user-' || lower(hex(substr(key, 1, 6))) FROM user WHERE id=?1",
            };
            let text = self.conn.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
            self.names.insert((of, id), text);
        }
        Ok(self.names.get(&(of, id)).and_then(Option::as_deref))
    }

    /// Says where a line is from: project, release, environment, and who.
    pub(in crate::backend::embedded) fn place(
        &mut self,
        row: &mut Row,
        project: &str,
        (rel, env, user): (u32, u32, u32),
    ) -> Result<(), StoreError> {
        row.values.insert("project".into(), project.into());
        let names =
            [("release", Name::Release, rel), ("environment", Name::Environment, env), ("user", Name::User, user)];
        for (key, name, id) in names {
            if let Some(text) = self.name(name, id)? {
                row.values.insert(key.into(), text.into());
            }
        }
        Ok(())
    }

    /// The lines of a kind that a record of a project has.
    pub(in crate::backend::embedded) fn lines(
        &mut self,
        kind: SignalKind,
        (stored, parsed): (&Stored, &Parsed),
        project: &str,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = match parsed {
            Parsed::Part(part) => of_part(kind, part),
            Parsed::Item(item, json) => of_item(kind, *item, stored.ts, json),
        };
        for row in &mut rows {
            self.place(row, project, (stored.rel, stored.env, stored.user))?;
        }
        Ok(rows)
    }
}

fn of_item(kind: SignalKind, item: ItemKind, ts: i64, json: &Json) -> Vec<Row> {
    let is_segment = json.get("is_segment").and_then(Json::as_bool).unwrap_or(false);
    match (kind, item) {
        (SignalKind::Log, ItemKind::Log) => vec![Row::of_line("log", ts, json)],
        (SignalKind::Span, ItemKind::Span) => vec![Row::of_line("span", ts, json)],
        (SignalKind::Span, ItemKind::Transaction) => Row::within(json),
        (SignalKind::Transaction, ItemKind::Transaction) => vec![Row::of_transaction(ts, json)],
        (SignalKind::Transaction, ItemKind::Span) if is_segment => vec![Row::of_line("transaction", ts, json)],
        (SignalKind::CheckIn, _) => vec![Row::of_item("check_in", ts, json)],
        (SignalKind::Feedback, _) => vec![Row::of_item("feedback", ts, json)],
        (SignalKind::Metric, ItemKind::Metric) => vec![Row::of_line("metric", ts, json)],
        _ => Vec::new(),
    }
}

fn of_part(kind: SignalKind, part: &Part) -> Vec<Row> {
    let by = |user: &Option<String>, mut row: Row| {
        if let Some(user) = user.as_deref().and_then(|user| u128::from_str_radix(user, 16).ok()) {
            let shown = crate::guard::show_user(&crate::model::UserKey(user.to_be_bytes()));
            row.values.insert("user".into(), shown.into());
        }
        row
    };
    match kind {
        SignalKind::Log => part.logs.iter().map(|log| by(&log.user, Row::of_log(log, part))).collect(),
        SignalKind::Span => part.spans.iter().map(|span| by(&span.user, Row::of_span("span", span, part))).collect(),
        SignalKind::Transaction => {
            let entries = part.spans.iter().filter(|span| span.is_served() || span.parent.is_none());
            entries.map(|span| by(&span.user, Row::of_span("transaction", span, part))).collect()
        }
        _ => Vec::new(),
    }
}
