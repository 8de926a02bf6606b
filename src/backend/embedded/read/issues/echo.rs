//! Which issues are mostly another's consequence: their events share traces with what failed in the service they call.
//! It uses `rusqlite`, JSON of single items and the packed forms.
//! It never looks at more rows than an answer may wait for: an issue that was not looked at is nobody's echo.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::params;
use serde_json::Value;

use super::super::{
    engine::{
        known::IssueRow,
        pool::Snapshot,
        scope::{EventFilter, ResolvedScope},
    },
    event::By,
};
use crate::{
    backend::embedded::pack::{Columns, Head, Rest},
    ingest::Part,
    model::IssueId,
    store::{Echo, Scope, StoreError},
};

/// Traces of an issue that are looked at: the newest.
const TRACES: usize = 24;
/// Traces that both must have failed in, beside half of those that were looked at.
const LEAST: usize = 2;
/// Longest time between a cause and its echo, microseconds: clocks of two machines are not the same.
const NEAR_US: i64 = 10_000_000;
/// Issues that may be the root, the largest first.
const ROOTS: usize = 60;
/// Rows that are looked at in one answer.
const ROWS: usize = 200_000;
/// Records of one trace that tell who calls whom.
const RECORDS: i64 = 200;

/// An event of a trace.
#[derive(Clone, Copy)]
struct Traced {
    ts: i64,
    trace: u64,
    seq: i64,
}

/// An issue of another service that shares traces.
#[derive(Default)]
struct Shared {
    traces: HashSet<u64>,
    /// One trace, and the events of both in it.
    sample: Option<(u64, i64, i64)>,
}

impl Snapshot<'_> {
    /// Answers `SignalStore::echoes`.
    pub(in crate::backend::embedded) fn echoes(
        &mut self,
        issues: &[IssueId],
        scope: &Scope,
    ) -> Result<Vec<Echo>, StoreError> {
        let bounds = self.bounds(scope)?;
        if bounds.projects.len() < 2 {
            return Ok(Vec::new());
        }
        let (mut rows, mut asked) = (ROWS, Vec::new());
        for id in issues {
            if let Some(known) = self.known_issue(id.0, &bounds)? {
                let traced = self.traced(&known, &EventFilter::of(&bounds, None), TRACES, &mut rows)?;
                asked.push((known, traced));
            }
        }
        let times = || asked.iter().flat_map(|(_, traced)| traced).map(|event| event.ts);
        let (Some(lo), Some(hi)) = (times().min(), times().max()) else { return Ok(Vec::new()) };
        let around = ResolvedScope { lo: lo - NEAR_US, hi: bounds.hi.min(hi + NEAR_US), ..bounds.clone() };
        let mut roots = self.known_issues(&around)?;
        roots.sort_by_key(|known| std::cmp::Reverse(known.folded + known.tail.len() as u64));
        roots.truncate(ROOTS);
        let mut failed: HashMap<u64, Vec<(usize, Traced)>> = HashMap::new();
        for (at, root) in roots.iter().enumerate() {
            for event in self.traced(root, &EventFilter::of(&around, None), usize::MAX, &mut rows)? {
                failed.entry(event.trace).or_default().push((at, event));
            }
        }
        let mut found = Vec::new();
        for (known, traced) in &asked {
            found.extend(self.echo(known, traced, &roots, &failed, &bounds)?);
        }
        Ok(found)
    }

    fn echo(
        &mut self,
        known: &IssueRow,
        traced: &[Traced],
        roots: &[IssueRow],
        failed: &HashMap<u64, Vec<(usize, Traced)>>,
        bounds: &ResolvedScope,
    ) -> Result<Option<Echo>, StoreError> {
        let mut by_root: BTreeMap<usize, Shared> = BTreeMap::new();
        for event in traced {
            for (at, other) in failed.get(&event.trace).into_iter().flatten() {
                if roots[*at].project != known.project && (other.ts - event.ts).abs() <= NEAR_US {
                    let shared = by_root.entry(*at).or_default();
                    shared.traces.insert(event.trace);
                    shared.sample = Some((event.trace, event.seq, other.seq));
                }
            }
        }
        let looked = traced.iter().map(|event| event.trace).collect::<HashSet<_>>().len();
        let mut best: Vec<(usize, Shared)> = by_root
            .into_iter()
            .filter(|(_, shared)| shared.traces.len() >= LEAST && shared.traces.len() * 2 >= looked)
            .collect();
        best.sort_by_key(|(at, shared)| (std::cmp::Reverse(shared.traces.len()), *at));
        for (at, shared) in best {
            let root = &roots[at];
            let Some((trace, own, other)) = shared.sample else { continue };
            if self.calls(trace, (known.project, own), (root.project, other))? {
                let slug = bounds.slug(root.project).unwrap_or_default();
                return Ok(Some(Echo {
                    issue: IssueId(known.id),
                    root: self.issue_text(root, slug, false)?,
                    traces: shared.traces.len() as u64,
                    looked: looked as u64,
                }));
            }
        }
        Ok(None)
    }

    /// The newest events of an issue that name a trace, the newest first, of so many traces at most.
    fn traced(
        &mut self,
        known: &IssueRow,
        want: &EventFilter<'_>,
        most: usize,
        rows: &mut usize,
    ) -> Result<Vec<Traced>, StoreError> {
        let mut found = Vec::new();
        let mut see = |head: &Head, rest: &Rest| {
            let takes =
                |row: &usize| rest.trace[*row] != 0 && want.takes(head.ts[*row], head.rel[*row], head.env[*row]);
            let event = |row: usize| Traced { ts: head.ts[row], trace: rest.trace[row], seq: head.seq[row] };
            found.extend((0..head.len()).filter(takes).map(event));
            let traces: HashSet<u64> = found.iter().map(|event| event.trace).collect();
            traces.len()
        };
        let tail = Columns::of(&known.tail);
        let mut traces = see(&tail.head, &tail.rest);
        for (at, (chunk, _)) in self.chunk_bounds(known.id, want, By::Newest)?.into_iter().enumerate() {
            // Where the newest rows name no trace, older ones hardly do: most stores have none.
            if traces >= most || *rows == 0 || at > 0 && traces == 0 {
                break;
            }
            self.go_on()?;
            let sql = "SELECT head, rest FROM chunk WHERE issue=?1 AND id=?2";
            let (head, rest): (Vec<u8>, Vec<u8>) = self
                .conn
                .prepare_cached(sql)?
                .query_row(params![known.id, chunk], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (head, rest) = (self.unpacker.head(&head)?, self.unpacker.rest(&rest)?);
            *rows = rows.saturating_sub(head.len());
            traces = see(&head, &rest);
        }
        found.sort_by_key(|event| std::cmp::Reverse((event.ts, event.seq)));
        let mut traces = HashSet::new();
        found.retain(|event| traces.contains(&event.trace) || traces.len() < most && traces.insert(event.trace));
        Ok(found)
    }

    /// Whether the one service calls the other in a trace: by its spans; where none are kept, by what the events say.
    fn calls(&mut self, trace: u64, caller: (u64, i64), callee: (u64, i64)) -> Result<bool, StoreError> {
        let mut spans: HashMap<u64, HashSet<String>> = HashMap::new();
        let mut parents: HashMap<u64, Vec<String>> = HashMap::new();
        for (project, id, parent) in self.spans_of(trace as i64)? {
            parents.entry(project).or_default().extend(parent);
            spans.entry(project).or_default().insert(id);
        }
        let called = |by: u64, whom: u64| -> usize {
            let (Some(spans), Some(parents)) = (spans.get(&by), parents.get(&whom)) else { return 0 };
            parents.iter().filter(|parent| spans.contains(*parent)).count()
        };
        let (there, back) = (called(caller.0, callee.0), called(callee.0, caller.0));
        if there != back {
            return Ok(there > back);
        }
        let (asks, asked) = (self.asks(caller.1)?, self.asks(callee.1)?);
        Ok(asks > asked)
    }

    /// How much an event looks like the beginning of a trace: of a browser, with no span above its own.
    fn asks(&mut self, seq: i64) -> Result<u8, StoreError> {
        let Some(stored) = self.stored(seq)? else { return Ok(0) };
        let Ok(json) = serde_json::from_slice::<Value>(&stored.body) else { return Ok(0) };
        let browser = json.get("platform").and_then(Value::as_str) == Some("javascript");
        let parent = json.pointer("/contexts/trace/parent_span_id").and_then(Value::as_str);
        Ok(if browser { 2 } else { u8::from(parent.is_none_or(str::is_empty)) })
    }

    /// Spans of a trace, as far as they are kept: project, id and parent.
    fn spans_of(&mut self, trace: i64) -> Result<Vec<(u64, String, Option<String>)>, StoreError> {
        let mut found = Vec::new();
        for sql in [
            "SELECT project, z FROM item WHERE trace=?1 AND kind IN (1, 2) LIMIT ?2",
            "SELECT project, z FROM part WHERE trace=?1 LIMIT ?2",
        ] {
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query(params![trace, RECORDS])?;
            while let Some(row) = rows.next()? {
                let project: u64 = row.get(0)?;
                let body = self.unpacker.body(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
                let Ok(json) = serde_json::from_slice::<Value>(&body) else { continue };
                spans_in(&json, |id, parent| found.push((project, id, parent)));
                if let Ok(part) = serde_json::from_value::<Part>(json) {
                    found.extend(part.spans.into_iter().map(|span| (project, span.id, span.parent)));
                }
            }
        }
        Ok(found)
    }
}

/// The spans that a transaction or a span of a Sentry SDK tells of.
fn spans_in(json: &Value, mut see: impl FnMut(String, Option<String>)) {
    let own = json.pointer("/contexts/trace").or(Some(json)).into_iter();
    let within = json.get("spans").and_then(Value::as_array).into_iter().flatten();
    for span in own.chain(within) {
        let text = |key: &str| span.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(id) = text("span_id") {
            see(id, text("parent_span_id"));
        }
    }
}
