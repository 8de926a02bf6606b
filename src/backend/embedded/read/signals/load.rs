//! Reading the lines of a kind: items as Sentry SDKs sent them, parts of OpenTelemetry's traces, sessions, events.
//! It uses `rusqlite` and the packed forms.
//! It never reads more lines than an answer can use without saying so.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};
use serde_json::Value as Json;

use super::{missed, row::Row};
use crate::{
    backend::embedded::{
        pack::digest64,
        read::engine::{pool::Snapshot, scope::ResolvedScope},
        write::Word,
    },
    ingest::Part,
    store::{Field, ItemKind, Op, SearchQuery, SignalKind, SignalQuery, StoreError, Term, Test, Value},
};

/// Lines that are looked at, at most: the newest.
const MOST: usize = 300_000;
/// Events that are looked at among all kinds.
const EVENTS: usize = 20_000;

/// Names of what rows hold as numbers.
struct Names {
    releases: HashMap<u32, String>,
    environments: HashMap<u32, String>,
    users: HashMap<u32, String>,
}

/// Project, release, environment, user.
type Place = (u64, u32, u32, u32);

impl Snapshot<'_> {
    pub(super) fn lines(&mut self, query: &SignalQuery) -> Result<(Vec<Row>, Vec<&'static str>), StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let mut names = self.names()?;
        let mut rows = Vec::new();
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
            for trace in traces_of(&query.filter) {
                let begin = rows.len();
                self.items(*kind, trace, &bounds, &mut names, &mut rows)?;
                match kind {
                    SignalKind::CheckIn => {
                        let mut runs = rows.split_off(begin);
                        let newest = runs.iter().map(|run| run.ts).max().unwrap_or(bounds.hi);
                        missed::judge(&mut runs, if bounds.hi == i64::MAX { newest } else { bounds.hi });
                        rows.append(&mut runs);
                    }
                    SignalKind::Feedback => self.issues_of(&mut rows[begin..], &bounds)?,
                    _ => {}
                }
                self.parts(*kind, trace, &bounds, &mut names, &mut rows)?;
            }
            if *kind == SignalKind::Session {
                self.sessions(&bounds, &mut names, &mut rows)?;
            }
        }
        if query.kind == SignalKind::All {
            self.errors(query, &mut rows)?;
        }
        let whole = rows.len() < MOST;
        let said = if whole { Vec::new() } else { vec!["more lines than can be looked at: a shorter period is exact"] };
        Ok((rows, said))
    }

    fn names(&self) -> Result<Names, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT id, version FROM release")?;
        let releases = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let environments = self.words(Word::Environment, 0)?.into_iter().collect();
        Ok(Names { releases, environments, users: HashMap::new() })
    }

    fn place(
        &self,
        row: &mut Row,
        (project, rel, env, user): Place,
        bounds: &ResolvedScope,
        names: &mut Names,
    ) -> Result<(), StoreError> {
        if user != 0 && !names.users.contains_key(&user) {
            names.users.insert(user, self.pseudonym(user)?);
        }
        let texts = [
            ("project", bounds.slug(project)),
            ("release", names.releases.get(&rel).map(String::as_str)),
            ("environment", names.environments.get(&env).map(String::as_str)),
            ("user", names.users.get(&user).map(String::as_str)),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                row.values.insert(key.to_owned(), text.into());
            }
        }
        Ok(())
    }

    fn items(
        &mut self,
        kind: SignalKind,
        trace: Option<i64>,
        bounds: &ResolvedScope,
        names: &mut Names,
        rows: &mut Vec<Row>,
    ) -> Result<(), StoreError> {
        let wanted: &[ItemKind] = match kind {
            SignalKind::Log => &[ItemKind::Log],
            SignalKind::Span => &[ItemKind::Span, ItemKind::Transaction],
            SignalKind::Transaction => &[ItemKind::Transaction, ItemKind::Span],
            SignalKind::CheckIn => &[ItemKind::CheckIn],
            SignalKind::Feedback => &[ItemKind::Feedback],
            SignalKind::Metric => &[ItemKind::Metric],
            SignalKind::Session | SignalKind::All => &[],
        };
        // Spelled twice, so that each takes its index.
        let sql = match trace {
            Some(_) => {
                "SELECT ts, project, rel, env, user, z FROM item WHERE trace=?6 AND kind=?1 AND ts BETWEEN ?2 AND ?3
                 AND (?4 IS NULL OR env=?4) ORDER BY ts DESC LIMIT ?5"
            }
            None => {
                "SELECT ts, project, rel, env, user, z FROM item WHERE ?6 IS NULL AND kind=?1 AND ts BETWEEN ?2 AND ?3
                 AND (?4 IS NULL OR env=?4) ORDER BY ts DESC LIMIT ?5"
            }
        };
        for item in wanted {
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut found = statement.query(params![item.code(), bounds.lo, bounds.hi, bounds.env, MOST, trace])?;
            // Runs of a job by their id: the newest word on each counts, with what older ones say of the schedule.
            let mut runs: HashMap<String, usize> = HashMap::new();
            while let Some(line) = found.next()? {
                let place: Place = (line.get(1)?, line.get(2)?, line.get(3)?, line.get(4)?);
                if bounds.slug(place.0).is_none() || rows.len() >= MOST {
                    continue;
                }
                let body = self.unpacker.body(line.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?)?;
                let Ok(json) = serde_json::from_slice::<Json>(&body) else { continue };
                for mut row in of_item(kind, *item, line.get(0)?, &json) {
                    let run = row.values.get("id").and_then(Json::as_str).filter(|id| id.bytes().any(|b| b != b'0'));
                    if let Some(run) = run.filter(|_| kind == SignalKind::CheckIn) {
                        if let Some(newer) = runs.get(run) {
                            let config = row.values.remove("monitor_config");
                            config.map(|config| rows[*newer].values.entry("monitor_config").or_insert(config));
                            continue;
                        }
                        runs.insert(run.to_owned(), rows.len());
                    }
                    self.place(&mut row, place, bounds, names)?;
                    rows.push(row);
                }
            }
        }
        Ok(())
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

    fn parts(
        &mut self,
        kind: SignalKind,
        trace: Option<i64>,
        bounds: &ResolvedScope,
        names: &mut Names,
        rows: &mut Vec<Row>,
    ) -> Result<(), StoreError> {
        if !matches!(kind, SignalKind::Log | SignalKind::Span | SignalKind::Transaction) {
            return Ok(());
        }
        let sql = match trace {
            Some(_) => {
                "SELECT rel, env, z FROM part WHERE trace=?6 AND project=?1 AND last>=?2 AND first<=?3
                 AND (?4 IS NULL OR env=?4) ORDER BY last DESC LIMIT ?5"
            }
            None => {
                "SELECT rel, env, z FROM part WHERE ?6 IS NULL AND project=?1 AND keep=1 AND last>=?2 AND first<=?3
                 AND (?4 IS NULL OR env=?4) ORDER BY last DESC LIMIT ?5"
            }
        };
        for (project, _) in &bounds.projects {
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut found = statement.query(params![project, bounds.lo, bounds.hi, bounds.env, MOST, trace])?;
            while let Some(line) = found.next()? {
                if rows.len() >= MOST {
                    return Ok(());
                }
                let body = self.unpacker.body(line.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
                let Ok(part) = serde_json::from_slice::<Part>(&body) else { continue };
                for (user, mut row) in of_part(kind, &part) {
                    if row.ts < bounds.lo || row.ts > bounds.hi {
                        continue;
                    }
                    self.place(&mut row, (*project, line.get(0)?, line.get(1)?, 0), bounds, names)?;
                    if let Some(user) = user.as_deref().and_then(|user| u128::from_str_radix(user, 16).ok()) {
                        let shown = crate::guard::show_user(&crate::model::UserKey(user.to_be_bytes()));
                        row.values.insert("user".into(), shown.into());
                    }
                    rows.push(row);
                }
            }
        }
        Ok(())
    }

    fn sessions(&mut self, bounds: &ResolvedScope, names: &mut Names, rows: &mut Vec<Row>) -> Result<(), StoreError> {
        let sql = "SELECT session.started, release.project, session.rel, session.env, session.user, session.class, session.final
                   FROM session JOIN release ON release.id=session.rel
                   WHERE session.started BETWEEN ?1 AND ?2 AND (?3 IS NULL OR session.env=?3) LIMIT ?4";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut found = statement.query(params![bounds.lo, bounds.hi, bounds.env, MOST])?;
        while let Some(line) = found.next()? {
            let place: Place = (line.get(1)?, line.get(2)?, line.get(3)?, line.get(4)?);
            if bounds.slug(place.0).is_none() {
                continue;
            }
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
            self.place(&mut row, place, bounds, names)?;
            rows.push(row);
        }
        Ok(())
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

/// Whether it asks for traces by their ids.
pub(super) fn is_of_trace(term: &Term) -> bool {
    matches!(&term.test, Test::Field { field: Field::Trace, op: Op::Is, .. })
}

/// The traces that a filter asks for, as the store keeps them; `[None]`: it asks for none.
fn traces_of(filter: &[Term]) -> Vec<Option<i64>> {
    let asked = filter.iter().find_map(|term| match &term.test {
        Test::Field { field: Field::Trace, op: Op::Is, values } if !term.negated => Some(values),
        _ => None,
    });
    match asked.filter(|values| values.iter().all(|value| !value.raw().contains('*'))) {
        Some(values) => values.iter().map(|value| Some(digest64(value.raw().trim()) as i64)).collect(),
        None => vec![None],
    }
}

fn of_item(kind: SignalKind, item: ItemKind, ts: i64, json: &Json) -> Vec<Row> {
    let is_segment = json.get("is_segment").and_then(Json::as_bool).unwrap_or(false);
    match (kind, item) {
        (SignalKind::Log, _) => vec![Row::of_line("log", ts, json)],
        (SignalKind::Span, ItemKind::Span) => vec![Row::of_line("span", ts, json)],
        (SignalKind::Span, _) => Row::within(json),
        (SignalKind::Transaction, ItemKind::Transaction) => vec![Row::of_transaction(ts, json)],
        (SignalKind::Transaction, _) if is_segment => vec![Row::of_line("transaction", ts, json)],
        (SignalKind::CheckIn, _) => vec![Row::of_item("check_in", ts, json)],
        (SignalKind::Feedback, _) => vec![Row::of_item("feedback", ts, json)],
        (SignalKind::Metric, _) => vec![Row::of_line("metric", ts, json)],
        _ => Vec::new(),
    }
}

fn of_part(kind: SignalKind, part: &Part) -> Vec<(Option<String>, Row)> {
    match kind {
        SignalKind::Log => part.logs.iter().map(|log| (log.user.clone(), Row::of_log(log, part))).collect(),
        SignalKind::Span => {
            part.spans.iter().map(|span| (span.user.clone(), Row::of_span("span", span, part))).collect()
        }
        SignalKind::Transaction => {
            let entries = part.spans.iter().filter(|span| span.is_served() || span.parent.is_none());
            entries.map(|span| (span.user.clone(), Row::of_span("transaction", span, part))).collect()
        }
        _ => Vec::new(),
    }
}
