//! One event: the one that was named, or the newest, oldest, most telling of an issue.
//! It uses ClickHouse's SQL.
//! It never reads a body but that of the event that is shown.

use serde_json::Value;

use super::{
    history::{environment, places, wanted},
    issues::IssueRow,
    moment::Moment,
    test::id,
};
use crate::{
    answers::{
        self, EventFilter, ResolvedScope, json_to_event, known_releases, log_line, meant_issue, message_of, moment,
    },
    backend::cluster::{
        clickhouse::{list, text},
        fault::corrupt,
    },
    model::{Data, Event, EventId, Issue, Untrusted},
    store::{AttachmentInfo, EventFacts, EventQuery, Feedback, ItemKind, LogLine, Pick, Scope, StoreError},
};

/// Attachments and messages at most.
const MOST: usize = 50;
/// Log lines at most: those nearest before the event.
const LOGS: usize = 100;

/// Where an event lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) issue: i64,
    pub(super) ts: i64,
    pub(super) seq: u64,
    pub(super) rel: u32,
    pub(super) env: u32,
}

/// An event as it is stored.
pub(super) struct Stored {
    pub(super) id: EventId,
    pub(super) ts: i64,
    received: i64,
    pub(super) user: u32,
    pub(super) json: Value,
}

/// Which of an issue's events is the best.
#[derive(Clone, Copy)]
enum By {
    Newest,
    Oldest,
    Richest,
}

impl By {
    const fn order(self) -> &'static str {
        match self {
            Self::Newest => "ts DESC, seq DESC",
            Self::Oldest => "ts, seq",
            Self::Richest => "rich DESC, ts DESC, seq DESC",
        }
    }
}

/// What belongs to an event beside it.
#[derive(Default)]
struct Extras {
    logs: Vec<LogLine>,
    attachments: Vec<AttachmentInfo>,
    feedback: Vec<Feedback>,
}

impl Moment {
    /// Answers `SignalStore::event`.
    pub(in crate::backend::cluster) fn event(&mut self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        let bounds = answers::resolve(self, &query.scope)?;
        let rels = match &query.release {
            Some(name) => Some(known_releases(self, &bounds)?.named(std::slice::from_ref(name))?),
            None => None,
        };
        let want = EventFilter::of(&bounds, rels.as_ref());
        let (known, found) = match &query.pick {
            Pick::Id(id) => self.event_by_id(*id, &bounds, &want)?,
            Pick::Latest(issue) => {
                let known = meant_issue(self, issue, &bounds)?;
                let found = self.best(&known, &wanted(&want), By::Newest)?;
                (known, found)
            }
            Pick::Oldest(issue) => {
                let known = meant_issue(self, issue, &bounds)?;
                let found = self.best(&known, &wanted(&want), By::Oldest)?;
                (known, found)
            }
            Pick::Recommended(issue) => {
                let known = meant_issue(self, issue, &bounds)?;
                let found = self.best(&known, &wanted(&want), By::Richest)?;
                (known, found)
            }
        };
        let Some((ts, seq)) = found else { return Err(missing("none of the issue in this scope".into())) };
        self.event_facts(&known, (ts, seq), &bounds, query.extras)
    }

    /// Answers `HostedStore::events`.
    pub(in crate::backend::cluster) fn events(
        &mut self,
        ids: &[EventId],
        scope: &Scope,
    ) -> Result<Vec<EventFacts>, StoreError> {
        let bounds = answers::resolve(self, scope)?;
        let want = EventFilter::of(&bounds, None);
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match self.event_by_id(*id, &bounds, &want) {
                Ok((known, Some(at))) => found.push(self.event_facts(&known, at, &bounds, false)?),
                Ok((_, None)) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    #[allow(clippy::type_complexity)]
    fn event_by_id(
        &mut self,
        id: EventId,
        bounds: &ResolvedScope,
        want: &EventFilter<'_>,
    ) -> Result<(IssueRow, Option<(i64, u64)>), StoreError> {
        let not_there = || missing(id.to_string().into());
        let place = self.place_of(id, bounds)?.ok_or_else(not_there)?;
        let known = self.known_issue(place.issue, bounds)?.ok_or_else(not_there)?;
        // An id is exact: the scope's start doesn't hide it, its environment and end do.
        let exact = EventFilter { lo: place.ts, ..*want };
        if !exact.takes(place.ts, place.rel, place.env) {
            return Err(not_there());
        }
        Ok((known, Some((place.ts, place.seq))))
    }

    /// Where the event with that id lies, the newest where there are several.
    pub(super) fn place_of(&self, event: EventId, bounds: &ResolvedScope) -> Result<Option<Place>, StoreError> {
        let projects = ResolvedScope { env: None, ..bounds.clone() };
        let sql = format!(
            "SELECT issue, ts, seq, rel, env FROM event WHERE {} AND id={} ORDER BY ts DESC LIMIT 1",
            places(&projects),
            id(event)
        );
        let found = self.fact::<(i64, i64, u64, u32, u32)>(&sql)?;
        Ok(found.map(|(issue, ts, seq, rel, env)| Place { issue, ts, seq, rel, env }))
    }

    /// Time and number of the most telling of an issue's events.
    pub(super) fn richest(&self, known: &IssueRow, at: &str) -> Result<Option<(i64, u64)>, StoreError> {
        self.best(known, at, By::Richest)
    }

    /// Time and number of the newest of an issue's events.
    pub(super) fn newest(&self, known: &IssueRow, at: &str) -> Result<Option<(i64, u64)>, StoreError> {
        self.best(known, at, By::Newest)
    }

    /// Time and number of the best of an issue's events.
    fn best(&self, known: &IssueRow, at: &str, by: By) -> Result<Option<(i64, u64)>, StoreError> {
        let sql = format!(
            "SELECT ts, seq FROM event WHERE project={} AND issue={}{at} ORDER BY {} LIMIT 1",
            known.project,
            known.id,
            by.order()
        );
        self.fact(&sql)
    }

    /// An event as it is stored.
    pub(super) fn stored(&self, known: &IssueRow, (ts, seq): (i64, u64)) -> Result<Option<Stored>, StoreError> {
        let sql = format!(
            "SELECT hex(id), received, user, body FROM event WHERE project={} AND issue={} AND ts={ts} AND seq={seq} LIMIT 1",
            known.project, known.id
        );
        let Some((id, received, user, body)) = self.fact::<(String, i64, u32, String)>(&sql)? else { return Ok(None) };
        let id = EventId(u128::from_str_radix(&id, 16).map_err(|_| corrupt("event"))?);
        let json = serde_json::from_str(&body).map_err(|_| corrupt("event"))?;
        Ok(Some(Stored { id, ts, received, user, json }))
    }

    fn event_facts(
        &mut self,
        known: &IssueRow,
        at: (i64, u64),
        bounds: &ResolvedScope,
        extras: bool,
    ) -> Result<EventFacts, StoreError> {
        let stored = self.stored(known, at)?.ok_or_else(|| missing("of the issue".into()))?;
        let (ts, seq) = at;
        let env = environment(bounds.env);
        let until = if bounds.hi == i64::MAX { String::new() } else { format!(" AND ts<={}", bounds.hi) };
        let before = format!("{env}{until} AND ts<={ts} AND (ts, seq)<({ts}, {seq})");
        let after = format!("{env}{until} AND ts>={ts} AND (ts, seq)>({ts}, {seq})");
        let previous = self.neighbour(known, &before, By::Newest)?;
        let next = self.neighbour(known, &after, By::Oldest)?;
        let event = json_to_event(&stored.json, stored.id, moment(stored.ts));
        let unhandled = self.history(known, bounds)?.iter().any(|cell| cell.unhandled > 0);
        let slug = bounds.slug(known.project).unwrap_or_default();
        let extras = self.extras(known.project, &event, bounds, extras)?;
        Ok(EventFacts {
            event,
            issue: Issue { project: slug.to_owned(), unhandled, ..known.text.clone() },
            project: slug.to_owned(),
            received: moment(stored.received),
            previous,
            next,
            logs: extras.logs,
            attachments: extras.attachments,
            feedback: extras.feedback,
            raw: Some(Data::from(&stored.json)),
        })
    }

    fn neighbour(&self, known: &IssueRow, at: &str, by: By) -> Result<Option<EventId>, StoreError> {
        let sql = format!(
            "SELECT hex(id) FROM event WHERE project={} AND issue={}{at} ORDER BY {} LIMIT 1",
            known.project,
            known.id,
            by.order()
        );
        let found = self.fact::<(String,)>(&sql)?;
        let id = |(hex,): (String,)| u128::from_str_radix(&hex, 16).map(EventId).map_err(|_| corrupt("event"));
        found.map(id).transpose()
    }

    /// What users wrote; with `all`, logs and files as well.
    fn extras(&self, project: u64, event: &Event, bounds: &ResolvedScope, all: bool) -> Result<Extras, StoreError> {
        let of = |kind: ItemKind| {
            format!("project={project} AND kind={} AND parent={} AND ts<={}", kind.code(), id(event.id), bounds.hi)
        };
        let sql = format!("SELECT ts, body FROM item WHERE {} ORDER BY ts, seq LIMIT {MOST}", of(ItemKind::Feedback));
        let messages = self.facts::<(i64, String)>(&sql)?.into_iter().filter_map(|(ts, body)| {
            let message = serde_json::from_str::<Value>(&body).ok().and_then(|body| message_of(&body));
            message.map(|message| Feedback { timestamp: moment(ts), message })
        });
        let feedback = messages.collect();
        if !all {
            return Ok(Extras { feedback, ..Extras::default() });
        }
        let sql = format!(
            "SELECT name, content_type, size FROM item WHERE {} ORDER BY seq LIMIT {MOST}",
            of(ItemKind::Attachment)
        );
        let some = |text: String| (!text.is_empty()).then(|| text.into());
        let attachments = self.facts::<(String, String, u64)>(&sql)?.into_iter();
        let attachments = attachments.map(|(name, content_type, size_bytes)| AttachmentInfo {
            filename: some(name),
            content_type: some(content_type),
            size_bytes,
        });
        let logs = match &event.trace_id {
            Some(trace) => self.logs(project, trace, bounds)?,
            None => Vec::new(),
        };
        Ok(Extras { logs, attachments: attachments.collect(), feedback })
    }

    /// Lines of the trace up to the scope's end, oldest first; those of other projects say which.
    fn logs(&self, project: u64, trace: &Untrusted, bounds: &ResolvedScope) -> Result<Vec<LogLine>, StoreError> {
        let sql = format!(
            "SELECT ts, project, body FROM item WHERE project IN {} AND kind={} AND trace={} AND ts<={}
             ORDER BY ts DESC, seq LIMIT {LOGS}",
            list(bounds.projects.iter().map(|(id, _)| id)),
            ItemKind::Log.code(),
            text(trace.raw()),
            bounds.hi
        );
        let mut found: Vec<(u64, LogLine)> = self
            .facts::<(i64, u64, String)>(&sql)?
            .into_iter()
            .filter_map(|(ts, of, body)| log_line(ts, body.as_bytes()).map(|line| (of, line)))
            .collect();
        found.sort_by_key(|(_, line)| line.timestamp);
        let named = |(of, mut line): (u64, LogLine)| {
            if let Some(slug) = bounds.slug(of).filter(|_| of != project) {
                line.attributes.insert(0, ("project".into(), Data::Text(slug.into())));
            }
            line
        };
        Ok(found.into_iter().map(named).collect())
    }
}

fn missing(asked: Untrusted) -> StoreError {
    StoreError::NotFound { what: "event", asked, near: Vec::new() }
}
