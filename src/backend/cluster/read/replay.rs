//! Replays: headers and the list of segments, then each segment by itself.
//! It uses ClickHouse's SQL.
//! It never looks into a recording.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    history::{environment, places},
    moment::Moment,
    test::id,
};
use crate::{
    answers::{self, ResolvedScope},
    backend::cluster::fault::corrupt,
    model::EventId,
    store::{ItemKind, ReplayFacts, ReplayQuery, Scope, SegmentFacts, StoreError},
};

/// Headers and segments at most: an hour's recording has some 720.
const MOST: usize = 20_000;

impl Moment {
    /// Answers `SignalStore::replay`.
    pub(in crate::backend::cluster) fn replay(&mut self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        let bounds = answers::resolve(self, &query.scope)?;
        let all = ResolvedScope { env: None, ..bounds.clone() };
        let of = format!("{} AND parent={} AND ts<={}", places(&all), id(query.replay), bounds.hi);
        let sql = format!(
            "SELECT DISTINCT project FROM item WHERE {of} AND kind IN ({}, {})",
            ItemKind::ReplayEvent.code(),
            ItemKind::ReplayRecording.code()
        );
        let projects: Vec<(u64,)> = self.facts(&sql)?;
        // The first project of the scope that has something of the replay.
        let first = bounds.projects.iter().find(|(id, _)| projects.contains(&(*id,)));
        let Some((project, slug)) = first else { return Err(missing(query.replay)) };
        let of = format!("{of} AND project={project}");
        let mut facts = ReplayFacts { project: slug.clone(), ..ReplayFacts::default() };
        let sql = format!(
            "SELECT body, user FROM item WHERE {of} AND kind={}{} ORDER BY segment, ts, seq LIMIT {MOST}",
            ItemKind::ReplayEvent.code(),
            environment(bounds.env)
        );
        let mut user = 0;
        for (body, of) in self.facts::<(String, u32)>(&sql)? {
            facts.headers.push(body.into_bytes());
            user = user.max(of);
        }
        if user != 0 {
            facts.user = Some(self.pseudonym(user)?);
        }
        // The environment stands in the headers alone.
        if bounds.env.is_some() && facts.headers.is_empty() {
            return Err(missing(query.replay));
        }
        let sql = format!(
            "SELECT seq, segment, size FROM item WHERE {of} AND kind={} ORDER BY segment, ts, seq LIMIT {MOST}",
            ItemKind::ReplayRecording.code()
        );
        let segments = self.facts::<(u64, i64, u64)>(&sql)?.into_iter();
        let segment = |(key, number, size_bytes)| SegmentFacts { key, number: u64::try_from(number).ok(), size_bytes };
        facts.segments = segments.map(segment).collect();
        Ok(facts)
    }

    /// Answers `SignalStore::replay_segment`.
    pub(in crate::backend::cluster) fn replay_segment(
        &mut self,
        query: &ReplayQuery,
        segment: SegmentFacts,
    ) -> Result<Vec<u8>, StoreError> {
        let bounds = answers::resolve(self, &query.scope)?;
        let all = ResolvedScope { env: None, ..bounds };
        let sql = format!(
            "SELECT base64Encode(body) FROM item WHERE {} AND kind={} AND parent={} AND seq={} LIMIT 1",
            places(&all),
            ItemKind::ReplayRecording.code(),
            id(query.replay),
            segment.key
        );
        let found = self.fact::<(String,)>(&sql)?.ok_or_else(|| missing(query.replay))?;
        BASE64_STANDARD.decode(found.0).map_err(|_| corrupt("recording"))
    }

    /// Answers `HostedStore::replay_ids`.
    pub(in crate::backend::cluster) fn replay_ids(
        &mut self,
        scope: &Scope,
        skip: usize,
        limit: usize,
    ) -> Result<(Vec<EventId>, u64), StoreError> {
        let bounds = answers::resolve(self, scope)?;
        let found = format!(
            "SELECT hex(parent) AS of, min(ts) AS began FROM item WHERE {} AND kind={} AND ts<={}
             GROUP BY project, parent HAVING max(ts)>={} AND parent!=unhex('{:032x}')",
            places(&bounds),
            ItemKind::ReplayEvent.code(),
            bounds.hi,
            bounds.lo,
            0
        );
        let total = self.fact::<(u64,)>(&format!("SELECT count() FROM ({found})"))?.map_or(0, |(n,)| n);
        let sql = format!("SELECT of FROM ({found}) ORDER BY began DESC, of LIMIT {limit} OFFSET {skip}");
        let ids = self.facts::<(String,)>(&sql)?.into_iter();
        Ok((ids.filter_map(|(hex,)| u128::from_str_radix(&hex, 16).ok().map(EventId)).collect(), total))
    }
}

fn missing(replay: EventId) -> StoreError {
    StoreError::NotFound { what: "replay", asked: replay.to_string().into(), near: Vec::new() }
}
