//! Reading the lines of a kind: those of records that are in no block, of traces, sessions, and errors.
//! It uses `rusqlite` and the packed forms.
//! It never reads more lines than an answer can use without saying so.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};
use serde_json::Value as Json;

use super::{found::Found, missed};
use crate::{
    backend::embedded::{
        lines::{Maker, Parsed, Row, Source, Stored, kind_code},
        pack::digest64,
        read::engine::{pool::Snapshot, scope::ResolvedScope},
    },
    store::{Field, ItemKind, Op, SearchQuery, SignalKind, SignalQuery, StoreError, Term, Test, Value},
};

/// Lines that are read one by one, at most: the newest. Those of blocks don't count.
pub(super) const MOST: usize = 300_000;
/// Stands for the source of lines that are in no block ever.
const OTHERS: i64 = i64::MAX;
/// Events that are looked at among all kinds.
const EVENTS: usize = 20_000;

/// Which records are read.
#[derive(Clone, Copy)]
enum Pick {
    /// Those of a trace.
    Trace(i64),
    /// Those that are in no block.
    Loose,
}

impl Snapshot<'_> {
    /// Shows all that is asked for; says what weakens the answer.
    pub(super) fn gather(&mut self, found: &mut Found<'_>) -> Result<Vec<&'static str>, StoreError> {
        let query = found.query;
        let bounds = self.bounds(&query.scope)?;
        let mut maker = Maker::new(self.conn);
        let kinds: &[SignalKind] = match query.kind {
            SignalKind::All => &[
                SignalKind::Log,
                SignalKind::Transaction,
                SignalKind::CheckIn,
                SignalKind::Feedback,
                SignalKind::Session,
            ],
            _ => std::slice::from_ref(&query.kind),
        };
        for kind in kinds {
            for pick in picks(&query.filter) {
                if matches!(pick, Pick::Loose) && kind_code(*kind) != 0 {
                    self.blocks(*kind, &bounds, &mut maker, found)?;
                }
                let rows = self.loose(*kind, pick, &bounds, &mut maker, found)?;
                rows.iter().zip(0..).for_each(|(row, at)| found.line(row, (OTHERS, -at, 0)));
            }
            if *kind == SignalKind::Session {
                let sessions = self.sessions(&bounds, &mut maker)?;
                sessions.iter().zip(0..).for_each(|(row, at)| found.line(row, (OTHERS, -at, 0)));
            }
        }
        if query.kind == SignalKind::All {
            let mut rows = Vec::new();
            self.errors(query, &mut rows)?;
            rows.iter().zip(0..).for_each(|(row, at)| found.line(row, (OTHERS, -at, 0)));
        }
        let whole = found.read < MOST;
        Ok(if whole { Vec::new() } else { vec!["more lines than can be looked at: a shorter period is exact"] })
    }

    /// Lines of records: all but check-ins and feedback are shown at once, those are returned.
    fn loose(
        &mut self,
        kind: SignalKind,
        pick: Pick,
        bounds: &ResolvedScope,
        maker: &mut Maker<'_>,
        found: &mut Found<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for source in Source::of_kind(kind) {
            for (project, slug) in &bounds.projects {
                self.records(*source, (*project, pick), bounds, found.read, |stored, body| {
                    let Some(parsed) = Parsed::of(*source, &body) else { return Ok(true) };
                    for (row, at) in maker.lines(kind, (&stored, &parsed), slug)?.into_iter().zip(0..) {
                        if row.ts < bounds.lo || row.ts > bounds.hi {
                            continue;
                        }
                        found.read += 1;
                        match kind {
                            SignalKind::CheckIn | SignalKind::Feedback => rows.push(row),
                            _ => found.line(&row, (source.code(), stored.id, at)),
                        }
                    }
                    Ok(found.read < MOST)
                })?;
            }
        }
        match kind {
            SignalKind::CheckIn => {
                rows = newest_of_runs(rows);
                let newest = rows.iter().map(|run| run.ts).max().unwrap_or(bounds.hi);
                missed::judge(&mut rows, if bounds.hi == i64::MAX { newest } else { bounds.hi });
            }
            SignalKind::Feedback => self.issues_of(&mut rows, bounds)?,
            _ => {}
        }
        Ok(rows)
    }

    /// Shows records of a project, the newest first, until `see` wants no more.
    fn records(
        &mut self,
        source: Source,
        (project, pick): (u64, Pick),
        bounds: &ResolvedScope,
        read: usize,
        mut see: impl FnMut(Stored, Vec<u8>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let conn = self.conn;
        let key = match pick {
            Pick::Trace(trace) => trace,
            Pick::Loose => self.packed_up_to(project, source)?,
        };
        let most = MOST.saturating_sub(read);
        let mut statement = conn.prepare_cached(&sql_of(source, pick))?;
        let mut rows = statement.query(params![project, bounds.lo, bounds.hi, bounds.env, key, most])?;
        while let Some(row) = rows.next()? {
            let body = self.unpacker.body(row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?)?;
            if !see(Stored::of(row)?, body)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The number of the last record of a project that is in a block, but for those that were kept later.
    fn packed_up_to(&self, project: u64, source: Source) -> Result<i64, StoreError> {
        let sql = "SELECT upto FROM line_mark WHERE project=?1 AND source=?2";
        let found = self.conn.prepare_cached(sql)?.query_row(params![project, source.code()], |row| row.get(0));
        Ok(found.optional()?.unwrap_or(0))
    }

    /// Feedback stands with its issue: that of the event that it is about.
    fn issues_of(&self, rows: &mut [Row], bounds: &ResolvedScope) -> Result<(), StoreError> {
        let sql = "SELECT issue.short_id FROM body JOIN issue ON issue.id=body.issue WHERE body.seq=?1";
        for row in rows {
            let event = row.values.get("event").and_then(Json::as_str).and_then(|id| id.parse().ok());
            let Some(seq) = event.map(|id| self.seq_of(id, bounds)).transpose()?.flatten() else { continue };
            let issue: Option<String> = self.conn.prepare_cached(sql)?.query_row([seq], |row| row.get(0)).optional()?;
            issue.map(|issue| row.values.insert("issue".into(), issue.into()));
        }
        Ok(())
    }

    fn sessions(&mut self, bounds: &ResolvedScope, maker: &mut Maker<'_>) -> Result<Vec<Row>, StoreError> {
        let sql = "SELECT session.started, release.project, session.rel, session.env, session.user, session.class, session.final
                   FROM session JOIN release ON release.id=session.rel
                   WHERE session.started BETWEEN ?1 AND ?2 AND (?3 IS NULL OR session.env=?3) LIMIT ?4";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut found = statement.query(params![bounds.lo, bounds.hi, bounds.env, MOST])?;
        let mut rows = Vec::new();
        while let Some(line) = found.next()? {
            let Some(slug) = bounds.slug(line.get(1)?) else { continue };
            let status = match line.get::<_, i64>(5)? {
                0 => "ok",
                1 => "errored",
                2 => "crashed",
                3 => "abnormal",
                _ => "unhandled",
            };
            let mut row = Row { ts: line.get(0)?, ..Row::default() };
            row.values.insert("kind".into(), "session".into());
            row.values.insert("status".into(), status.into());
            maker.place(&mut row, slug, (line.get(2)?, line.get(3)?, line.get(4)?))?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// Events, as rows among the others.
    fn errors(&mut self, query: &SignalQuery, rows: &mut Vec<Row>) -> Result<(), StoreError> {
        let fields = [
            ("timestamp", Field::Timestamp),
            ("id", Field::EventId),
            ("issue", Field::Issue),
            ("message", Field::Title),
            ("project", Field::Project),
            ("release", Field::Release),
            ("environment", Field::Environment),
            ("user", Field::User),
            ("trace", Field::Trace),
            ("transaction", Field::Transaction),
            ("level", Field::Level),
        ];
        let asked = SearchQuery {
            scope: query.scope.clone(),
            filter: query.filter.iter().filter(|term| is_of_trace(term)).cloned().collect(),
            fields: fields.iter().map(|(_, field)| field.clone()).collect(),
            limit: EVENTS,
            ..SearchQuery::default()
        };
        for found in self.search(&asked)?.items {
            let mut row = Row::default();
            row.values.insert("kind".into(), "error".into());
            for ((key, _), value) in fields.iter().zip(found.values) {
                match value {
                    Value::Time(time) => row.ts = time.as_microsecond(),
                    Value::Text(text) => drop(row.values.insert((*key).to_owned(), text.raw().into())),
                    _ => {}
                }
            }
            rows.push(row);
        }
        Ok(())
    }
}

/// The records that `pick` means: `?1` the project, `?2` and `?3` the time, `?4` the environment, `?5` the trace or the last
/// packed number, `?6` how many.
fn sql_of(source: Source, pick: Pick) -> String {
    let (table, columns, times) = match source {
        Source::Parts => ("part", "id, first, rel, env, 0, z".to_owned(), "last>=?2 AND first<=?3".to_owned()),
        Source::Items(kind) => {
            ("item", "id, ts, rel, env, user, z".to_owned(), format!("kind={} AND ts BETWEEN ?2 AND ?3", kind.code()))
        }
    };
    let which = match (source, pick) {
        (_, Pick::Trace(_)) => "trace=?5",
        (Source::Parts, Pick::Loose) => "keep=1 AND (id>?5 OR id IN (SELECT part FROM part_late))",
        (Source::Items(_), Pick::Loose) => "id>?5",
    };
    // Of runs of a job the newest word counts, whenever it came.
    let order = match source {
        Source::Items(ItemKind::CheckIn | ItemKind::Feedback) => "ts DESC",
        _ => "id DESC",
    };
    format!(
        "SELECT {columns} FROM {table} WHERE project=?1 AND {which} AND {times} AND (?4 IS NULL OR env=?4)
         ORDER BY {order} LIMIT ?6"
    )
}

/// Runs of jobs by their id: the newest word on each counts, with what older ones say of the schedule.
fn newest_of_runs(rows: Vec<Row>) -> Vec<Row> {
    let mut runs: HashMap<String, usize> = HashMap::new();
    let mut newest: Vec<Row> = Vec::new();
    for mut row in rows {
        let run = row.values.get("id").and_then(Json::as_str).filter(|id| id.bytes().any(|b| b != b'0'));
        if let Some(run) = run {
            if let Some(newer) = runs.get(run) {
                let config = row.values.remove("monitor_config");
                config.map(|config| newest[*newer].values.entry("monitor_config").or_insert(config));
                continue;
            }
            runs.insert(run.to_owned(), newest.len());
        }
        newest.push(row);
    }
    newest
}

/// Whether it asks for traces by their ids.
pub(super) fn is_of_trace(term: &Term) -> bool {
    matches!(&term.test, Test::Field { field: Field::Trace, op: Op::Is, .. })
}

/// The records that a filter asks for: those of its traces, as the store keeps them, else all.
fn picks(filter: &[Term]) -> Vec<Pick> {
    let asked = filter.iter().find_map(|term| match &term.test {
        Test::Field { field: Field::Trace, op: Op::Is, values } if !term.negated => Some(values),
        _ => None,
    });
    match asked.filter(|values| values.iter().all(|value| !value.raw().contains('*'))) {
        Some(values) => values.iter().map(|value| Pick::Trace(digest64(value.raw().trim()) as i64)).collect(),
        None => vec![Pick::Loose],
    }
}
