//! One event.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    ask::Ask,
    fault::{RequestError, optional},
    json::{count, list, text, time, word},
    life::Life,
    operation::{ATTACHMENTS, EVENT_ID, EVENTS, GLITCHTIP_EVENT, ISSUE_EVENT, ISSUE_EVENTS},
    payload,
    replies::Reply,
    row::Row,
    store::SentryStore,
    terms::any_of,
};
use crate::{
    model::{Data, Event, EventId, Timestamp, Untrusted},
    protocol::{Clock, ClockPolicy, event::parse_event},
    store::{AttachmentInfo, EventFacts, EventQuery, Feedback, IssueRef, LogLine, Pick, Scope, StoreError},
};

/// Lines of a trace's log that are read.
const LOGS: usize = 100;
/// Events among which the oldest of a release is looked for.
const OLDEST: usize = 300;

/// An event as the Web API shows it, and when it came.
type Api = (Value, Instant);

impl SentryStore {
    /// Answers `SignalStore::event`.
    pub(super) async fn one_event(&self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        let (api, row) = match &query.pick {
            Pick::Id(id) => self.event_by_id(*id, query).await?,
            Pick::Latest(issue) => self.event_of(issue, "latest", query).await?,
            Pick::Oldest(issue) => self.event_of(issue, "oldest", query).await?,
            Pick::Recommended(issue) => self.event_of(issue, "recommended", query).await?,
        };
        self.event_facts(&api, row, query).await
    }

    /// The event says which issue it is of; where it is in the answer too, one request is enough for it.
    async fn event_by_id(&self, id: EventId, query: &EventQuery) -> Result<(Api, Row), StoreError> {
        let asked: Untrusted = id.to_string().into();
        let reply = self.server.send(&Ask::new(&EVENT_ID).segment("event", id.to_string())).await;
        let (found, loaded) = reply.map_err(|fault| fault.at("event", &asked))?.dated();
        let issue = text(&found, "groupId").ok_or_else(|| RequestError::NotThere.at("event", &asked))?;
        let whole = found.get("event").filter(|event| event.get("entries").is_some()).cloned();
        let by_number = IssueRef::Named(issue.clone());
        let row = self.brief_row(&by_number, &query.scope);
        match whole {
            Some(event) => Ok(((event, loaded), row.await.map_err(|error| of_event(error, &asked))?)),
            None => {
                let ask = Ask::new(&ISSUE_EVENT).segment("issue", issue.raw()).segment("event", id.to_string());
                let (event, row) = tokio::join!(self.server.send(&ask), row);
                let row = row.map_err(|error| of_event(error, &asked))?;
                Ok((event.map_err(|fault| fault.at("event", &asked))?.dated(), row))
            }
        }
    }

    /// One of an issue's events, and the issue, at once.
    async fn event_of(
        &self,
        issue: &IssueRef,
        which: &'static str,
        query: &EventQuery,
    ) -> Result<(Api, Row), StoreError> {
        let asked = match issue {
            IssueRef::Named(name) => name.clone(),
            IssueRef::OfEvent(event) => event.to_string().into(),
        };
        let IssueRef::Named(name) = issue else {
            let row = self.issue_row(issue, &query.scope).await?;
            let event = self.picked(&row.issue.id.to_string(), which, query).await;
            return Ok((event.map_err(|fault| fault.at("event", &asked))?, row));
        };
        let name = self.issue_name(name)?;
        let (event, row) = tokio::join!(self.picked(&name, which, query), self.brief_row(issue, &query.scope));
        let row = row?;
        match event {
            Ok(event) => Ok((event, row)),
            // Now that it is known to be one, its own way.
            Err(fault) if fault.is_lacking() && self.is_glitchtip_known() => {
                let ask = Ask::new(&GLITCHTIP_EVENT).segment("issue", name).segment("event", "latest");
                Ok((self.server.send(&ask).await.map_err(|fault| fault.at("event", &asked))?.dated(), row))
            }
            Err(fault) => Err(fault.at("event", &"none of the issue in this scope".into())),
        }
    }

    async fn picked(&self, issue: &str, which: &'static str, query: &EventQuery) -> Result<Api, RequestError> {
        if self.is_glitchtip_known() {
            let ask = Ask::new(&GLITCHTIP_EVENT).segment("issue", issue).segment("event", "latest").lives(Life::Moving);
            return Ok(self.server.send(&ask).await?.dated());
        }
        if query.release.is_some() || (which != "oldest" && !self.is_now(&query.scope)) {
            return self.listed(issue, which, query).await;
        }
        let environment = query.scope.environment.as_ref().map(|name| name.raw().to_owned());
        let ask = |which: &str| {
            // The word stands for another event as soon as there is a better one.
            let life = if which == "latest" { Life::Moving } else { Life::Slow };
            let ask = Ask::new(&ISSUE_EVENT).segment("issue", issue).segment("event", which).lives(life);
            ask.param_some("environment", environment.clone())
        };
        match self.server.send(&ask(which)).await {
            // Older servers don't know the word.
            Err(RequestError::NotThere | RequestError::Refused(_))
                if which == "recommended" && !self.is_glitchtip().await =>
            {
                Ok(self.server.send(&ask("latest")).await?.dated())
            }
            reply => Ok(reply?.dated()),
        }
    }

    /// The newest (or oldest) of a list that a release or an earlier moment bounds.
    async fn listed(&self, issue: &str, which: &'static str, query: &EventQuery) -> Result<Api, RequestError> {
        let (start, end) = self.span(&query.scope);
        let environment = query.scope.environment.as_ref().map(|name| name.raw().to_owned());
        let search = query.release.as_ref().map(|name| any_of("release", [name.raw()])).unwrap_or_default();
        let ask = Ask::new(&ISSUE_EVENTS)
            .segment("issue", issue)
            .param("query", search)
            .param_some("environment", environment)
            .between(start, end);
        if which != "oldest" {
            let reply = self.server.send(&ask.param("full", "true").param("per_page", "1")).await?;
            let first = list(&reply.json, "").first().cloned().ok_or(RequestError::NotThere)?;
            return Ok((first, reply.reply.loaded));
        }
        let pages = self.server.pages(ask.param("per_page", "100"), "", OLDEST).await?;
        let oldest = pages.items.iter().min_by_key(|event| time(event, "dateCreated")).ok_or(RequestError::NotThere)?;
        let ask = Ask::new(&ISSUE_EVENT).segment("issue", issue).segment("event", word(oldest, "eventID"));
        Ok(self.server.send(&ask).await?.dated())
    }

    /// Keeps an event that was met on another way as the reply to the question about its id.
    async fn met(&self, (api, loaded): &Api, row: &Row, id: EventId) {
        let body = json!({ "groupId": row.issue.id.to_string(), "event": api }).to_string();
        let reply = Reply { body: body.into(), next: None, date: None, loaded: *loaded };
        self.server.also(&Ask::new(&EVENT_ID).segment("event", id.to_string()), reply).await;
    }

    /// The newest event of an issue; `None` where there is none.
    pub(super) async fn newest_event(&self, issue: &str) -> Result<Option<Event>, StoreError> {
        let ask = Ask::new(&ISSUE_EVENT).segment("issue", issue).segment("event", "latest").lives(Life::Moving);
        let api = optional(self.server.send(&ask).await.map(|reply| reply.json))?;
        let (Ok(id), Some(created)) = (word(&api, "eventID").parse(), time(&api, "dateCreated")) else {
            return Ok(None);
        };
        Ok(Some(self.parsed(&api, id, created).0))
    }

    async fn event_facts(&self, found: &Api, row: Row, query: &EventQuery) -> Result<EventFacts, StoreError> {
        let (api, _) = found;
        let id = word(api, "eventID").parse().or_else(|_| word(api, "id").parse::<EventId>());
        let id = id.map_err(|_| RequestError::Strange("answered with an event that has no id"))?;
        let created = time(api, "dateCreated").or_else(|| time(api, "dateReceived"));
        let created = created.ok_or(RequestError::Strange("answered with an event that has no time"))?;
        let (event, raw) = self.parsed(api, id, created);
        let asked: Untrusted = id.to_string().into();
        self.within(&event, query).then_some(()).ok_or_else(|| RequestError::NotThere.at("event", &asked))?;
        self.met(found, &row, id).await;
        let neighbour = |key: &str| word(api, key).parse().ok();
        let mut facts = EventFacts {
            project: row.issue.project.clone(),
            issue: row.issue,
            received: time(api, "dateReceived").unwrap_or(created),
            previous: neighbour("previousEventID"),
            next: neighbour("nextEventID"),
            logs: Vec::new(),
            attachments: Vec::new(),
            feedback: self.feedback(api),
            raw: Some(Data::from(&raw)),
            event,
        };
        if query.extras && !self.is_glitchtip_known() {
            let (logs, attachments) = tokio::join!(self.logs(&facts, &query.scope), self.attachments(&facts));
            (facts.logs, facts.attachments) = (logs?, attachments?);
        }
        Ok(facts)
    }

    /// The event without secrets and people, as the model has it and as JSON.
    fn parsed(&self, api: &Value, id: EventId, created: Timestamp) -> (Event, Value) {
        let mut payload = payload::of_api(api);
        self.scrubber.event(&mut payload);
        let clock = Clock::new(ClockPolicy::AsSent, created, None);
        let event = parse_event(&payload, id, &clock);
        (Event { id, timestamp: created, ..event }, payload)
    }

    fn within(&self, event: &Event, query: &EventQuery) -> bool {
        let (_, end) = self.span(&query.scope);
        let environment = query.scope.environment.as_ref().is_none_or(|name| event.environment.as_ref() == Some(name));
        let release = query.release.as_ref().is_none_or(|name| event.release.as_ref() == Some(name));
        environment && release && (event.timestamp <= end || self.is_now(&query.scope))
    }

    fn feedback(&self, api: &Value) -> Vec<Feedback> {
        let report = api.get("userReport").filter(|report| report.is_object());
        let message = |report: &Value| {
            let message = self.scrubbed(&text(report, "comments")?);
            Some(Feedback { timestamp: time(report, "dateCreated").unwrap_or(Timestamp::UNIX_EPOCH), message })
        };
        report.and_then(message).into_iter().collect()
    }

    async fn logs(&self, facts: &EventFacts, scope: &Scope) -> Result<Vec<LogLine>, StoreError> {
        let Some(trace) = &facts.event.trace_id else { return Ok(Vec::new()) };
        let (start, end) = self.span(scope);
        let ask = Ask::new(&EVENTS)
            .param("dataset", "logs")
            .each("field", ["timestamp", "severity", "message"])
            .param("query", any_of("trace", [trace.raw()]))
            .param("sort", "timestamp")
            .param("per_page", LOGS.to_string())
            .between(start, end);
        let reply = optional(self.server.send(&self.scoped(ask, scope).await?).await.map(|reply| reply.json))?;
        let line = |row: &Value| {
            Some(LogLine {
                timestamp: time(row, "timestamp")?,
                level: text(row, "severity"),
                body: self.scrubbed(&text(row, "message")?),
                attributes: Vec::new(),
            })
        };
        Ok(list(&reply, "data").iter().filter_map(line).collect())
    }

    async fn attachments(&self, facts: &EventFacts) -> Result<Vec<AttachmentInfo>, StoreError> {
        let ask = Ask::new(&ATTACHMENTS)
            .segment("project", facts.project.as_str())
            .segment("event", facts.event.id.to_string());
        let pages = optional(self.server.pages(ask, "", 100).await)?;
        let info = |row: &Value| AttachmentInfo {
            filename: text(row, "name"),
            content_type: text(row, "mimetype"),
            size_bytes: count(row, "size").unwrap_or(0),
        };
        Ok(pages.items.iter().map(info).collect())
    }
}

/// An event whose issue is out of reach is out of reach.
fn of_event(error: StoreError, asked: &Untrusted) -> StoreError {
    match error {
        StoreError::NotFound { .. } => RequestError::NotThere.at("event", asked),
        other => other,
    }
}
