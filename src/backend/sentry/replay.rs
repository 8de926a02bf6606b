//! Replays: what Sentry tells of one, and its recording page by page.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    ask::Ask,
    fault::Fault,
    json::{count, list, text, time, truth},
    operation::{REPLAY, SEGMENTS},
    store::SentryStore,
};
use crate::{
    model::Untrusted,
    store::{ReplayFacts, ReplayQuery, SegmentFacts, StoreError},
};

/// Segments of one page.
const PAGE: u64 = 100;
/// Segments of a replay at most: an hour's recording has some 720.
const MOST: u64 = 20_000;
/// What a segment weighs before it is read, about.
const USUAL_BYTES: u64 = 20_000;

impl SentryStore {
    /// Answers `SignalStore::replay`. What the SDK sent with each segment is put together again from the replay's own
    /// record.
    pub(super) async fn replay_facts(&self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        let asked: Untrusted = query.replay.to_string().into();
        let not_there = || Fault::NotThere.at("replay", &asked);
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
        self.replay_projects.put(query.replay.to_string(), Arc::new(project.clone()));
        if query.scope.project.as_ref().is_some_and(|slug| slug.raw() != project) {
            return Err(not_there());
        }
        if query.scope.environment.is_some() && text(replay, "environment") != query.scope.environment {
            return Err(not_there());
        }
        let segments = count(replay, "count_segments").unwrap_or(0).min(MOST);
        let segment = |n| SegmentFacts { key: n, number: Some(n), size_bytes: USUAL_BYTES };
        let user = replay
            .get("user")
            .and_then(|user| ["id", "username", "email", "ip", "ip_address"].iter().find_map(|key| text(user, key)));
        Ok(ReplayFacts {
            project,
            user: user.map(|user| self.pseudonym(user.raw())),
            headers: vec![self.header(replay)],
            segments: (0..segments).map(segment).collect(),
        })
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
        let facts = self.project_of_replay(query).await?;
        let page = segment.key / PAGE;
        let name = format!("{}\n{page}", query.replay);
        let ask = Ask::new(&SEGMENTS)
            .segment("project", facts)
            .segment("replay", query.replay.to_string())
            .param("download", "true")
            .param("per_page", PAGE.to_string())
            .param("cursor", format!("0:{}:0", page * PAGE));
        let load = async { self.server.send(&ask).await.map(|reply| list(&reply.json, "").to_vec()) };
        let found = self
            .segments
            .get(name.clone(), load)
            .await
            .map_err(|f| f.at("replay", &query.replay.to_string().into()))?;
        let at = usize::try_from(segment.key % PAGE).unwrap_or(usize::MAX);
        // Recordings are large: a page goes once its last segment was taken.
        if at + 1 >= found.len() {
            self.segments.forget(&name);
        }
        let events = found.get(at).filter(|events| events.is_array());
        let events = events.ok_or(StoreError::Upstream {
            what: "answered with fewer segments than the replay has",
            said: Untrusted::default(),
        })?;
        let mut bytes = format!("{{\"segment_id\":{}}}\n", segment.key).into_bytes();
        bytes.extend_from_slice(events.to_string().as_bytes());
        Ok(bytes)
    }

    async fn project_of_replay(&self, query: &ReplayQuery) -> Result<String, StoreError> {
        if let Some(project) = &query.scope.project {
            return Ok(project.raw().to_owned());
        }
        let name = query.replay.to_string();
        let load = async { Ok::<_, StoreError>(self.replay_facts(query).await?.project) };
        Ok(self.replay_projects.get(name, load).await?.as_ref().clone())
    }
}
