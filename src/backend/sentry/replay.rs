//! Replays: what Sentry tells of one, and its recording page by page.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json, value::RawValue};

use super::{
    ask::Ask,
    fault::RequestError,
    json::{count, list, text, time, truth},
    operation::{REPLAY, SEGMENTS},
    store::SentryStore,
};
use crate::{
    model::{EventId, Untrusted},
    store::{ReplayAgent, ReplayFacts, ReplayQuery, SegmentFacts, StoreError},
};

/// Segments of one page.
const PAGE: u64 = 100;
/// Segments of a replay at most: an hour's recording has some 720.
const MOST: u64 = 20_000;
/// Pages whose numbers are asked for: more segments are taken to follow each other.
const NUMBERED: u64 = 10;
/// What a segment weighs before it is read, about.
const USUAL_BYTES: u64 = 20_000;

impl SentryStore {
    /// Answers `SignalStore::replay`. What the SDK sent with each segment is put together again from the replay's own
    /// record.
    pub(super) async fn replay_facts(&self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        let (replay, project) = self.described(query).await?;
        let announced = count(&replay, "count_segments").unwrap_or(0).min(MOST);
        let numbers = self.segment_numbers(&project, query, announced).await?;
        let segment = |(at, n): (usize, u64)| SegmentFacts { key: at as u64, number: Some(n), size_bytes: USUAL_BYTES };
        let user = replay
            .get("user")
            .and_then(|user| ["id", "username", "email", "ip", "ip_address"].iter().find_map(|key| text(user, key)));
        // How many segments were announced: fewer recordings are not the whole.
        let last = json!({ "segment_id": announced.checked_sub(1) }).to_string().into_bytes();
        Ok(ReplayFacts {
            project,
            user: user.map(|user| self.pseudonym(user.raw())),
            agent: agent(&replay),
            headers: vec![self.header(&replay), last],
            events: events(&replay),
            segments: numbers.into_iter().enumerate().map(segment).collect(),
        })
    }

    /// A replay within the scope, and its project.
    async fn described(&self, query: &ReplayQuery) -> Result<(Value, String), StoreError> {
        let asked: Untrusted = query.replay.to_string().into();
        let not_there = || RequestError::NotThere.at("replay", &asked);
        let reply = self.server.send(&Ask::new(&REPLAY).segment("replay", asked.raw())).await;
        let reply = match reply {
            Err(fault) if fault.is_lacking() && self.is_glitchtip().await => {
                return Err(StoreError::Unsupported("GlitchTip keeps no replays"));
            }
            reply => reply.map_err(|fault| fault.at("replay", &asked))?.json,
        };
        let replay = reply.get("data").unwrap_or(&reply);
        if truth(replay, "is_archived").unwrap_or(false) {
            return Err(not_there());
        }
        let number = count(replay, "project_id").ok_or_else(not_there)?;
        let project = self.server.slugs([number]).await?.remove(&number).ok_or_else(not_there)?;
        if query.scope.project.as_ref().is_some_and(|slug| slug.raw() != project) {
            return Err(not_there());
        }
        if query.scope.environment.is_some() && text(replay, "environment") != query.scope.environment {
            return Err(not_there());
        }
        Ok((replay.clone(), project))
    }

    /// Numbers of the segments whose recording is there, in order. A server that doesn't tell them has them all.
    async fn segment_numbers(&self, project: &str, query: &ReplayQuery, most: u64) -> Result<Vec<u64>, StoreError> {
        let mut numbers: Vec<u64> = Vec::new();
        for page in 0..most.div_ceil(PAGE).min(NUMBERED) {
            let ask = segments(project, query, page);
            let reply = match self.server.send(&ask).await {
                Ok(reply) => reply.json,
                Err(fault) if fault.is_lacking() => break,
                Err(fault) => return Err(fault.into()),
            };
            let rows = list(&reply, if reply.is_array() { "" } else { "data" });
            numbers.extend(rows.iter().map_while(|row| count(row, "segmentId")));
            if numbers.len() as u64 != page * PAGE + rows.len() as u64 {
                return Ok((0..most).collect());
            }
            if (rows.len() as u64) < PAGE {
                return Ok(numbers);
            }
        }
        let next = numbers.last().map_or(0, |last| last + 1);
        numbers.extend(next..next + most.saturating_sub(numbers.len() as u64));
        Ok(numbers)
    }

    /// As the SDK's `replay_event` says it, without secrets and people.
    fn header(&self, replay: &Value) -> Vec<u8> {
        let seconds = |key: &str| time(replay, key).map(|at| at.as_millisecond() as f64 / 1_000.0);
        let release = list(replay, "releases").first().cloned();
        let mut header = json!({
            "type": "replay_event",
            "replay_start_timestamp": seconds("started_at"),
            "timestamp": seconds("finished_at"),
            "replay_type": replay.get("replay_type"),
            "urls": replay.get("urls"),
            "error_ids": replay.get("error_ids"),
            "trace_ids": replay.get("trace_ids"),
            "platform": replay.get("platform"),
            "release": release,
            "environment": replay.get("environment"),
            "sdk": replay.get("sdk"),
        });
        self.scrubber.event(&mut header);
        header.to_string().into_bytes()
    }

    /// Answers `SignalStore::replay_segment`: header line and payload, as they are sent. A page is fetched once for all
    /// of its segments.
    pub(super) async fn segment_bytes(
        &self,
        query: &ReplayQuery,
        segment: SegmentFacts,
    ) -> Result<Vec<u8>, StoreError> {
        let project = self.project_of_replay(query).await?;
        let found = self.recorded(&project, query, segment.key / PAGE).await?;
        let events = found.get(usize::try_from(segment.key % PAGE).unwrap_or(usize::MAX));
        let events = events.filter(|events| events.starts_with(b"[")).ok_or(StoreError::Upstream {
            what: "answered with fewer segments than the replay has",
            said: Untrusted::default(),
        })?;
        let mut bytes = format!("{{\"segment_id\":{}}}\n", segment.number.unwrap_or(segment.key)).into_bytes();
        bytes.extend_from_slice(events);
        Ok(bytes)
    }

    /// The segments of one page. They are parted once, and held while the call reads them.
    async fn recorded(&self, project: &str, query: &ReplayQuery, page: u64) -> Result<Arc<Vec<Bytes>>, StoreError> {
        let name = format!("{}\n{page}", query.replay);
        if let Some(held) = self.server.call().and_then(|call| call.recording(&name)) {
            return Ok(held);
        }
        let ask = segments(project, query, page).param("download", "true");
        let reply = self.server.reply(&ask).await.map_err(|f| f.at("replay", &query.replay.to_string().into()))?;
        let parts: Vec<&RawValue> = serde_json::from_slice(&reply.body).unwrap_or_default();
        let parts = parts.into_iter().map(|part| reply.body.slice_ref(part.get().as_bytes())).collect();
        let parts = Arc::new(parts);
        if let Some(call) = self.server.call() {
            call.hold(name, Arc::clone(&parts));
        }
        Ok(parts)
    }

    async fn project_of_replay(&self, query: &ReplayQuery) -> Result<String, StoreError> {
        match &query.scope.project {
            Some(project) => Ok(project.raw().to_owned()),
            None => Ok(self.described(query).await?.1),
        }
    }
}

/// The events that name a replay. Sentry lists them by level; others list what the SDK knew of.
fn events(replay: &Value) -> Option<Vec<EventId>> {
    ["warning_ids", "info_ids"].iter().any(|key| replay.get(key).is_some()).then(|| {
        let lists = ["error_ids", "warning_ids", "info_ids"].iter().flat_map(|key| list(replay, key));
        lists.filter_map(|id| id.as_str()?.parse().ok()).collect()
    })
}

/// One page of a replay's segments.
fn segments(project: &str, query: &ReplayQuery, page: u64) -> Ask {
    Ask::new(&SEGMENTS)
        .segment("project", project)
        .segment("replay", query.replay.to_string())
        .param("per_page", PAGE.to_string())
        .param("cursor", format!("0:{}:0", page * PAGE))
}

/// What the server read out of the user agent.
fn agent(replay: &Value) -> ReplayAgent {
    let said = |part: &Value, key: &str| text(part, key).map(Untrusted::into_raw).filter(|name| name != "Other");
    let named = |key: &str| replay.get(key).and_then(|part| Some((said(part, "name")?, said(part, "version"))));
    let device = replay.get("device").and_then(|part| said(part, "model").or_else(|| said(part, "name")));
    ReplayAgent { browser: named("browser"), os: named("os"), device }
}
