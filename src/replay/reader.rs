//! From headers and segments to a replay, one segment at a time.
//! It uses the scenes.
//! It never holds more than one segment.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::Value;

use super::{
    Failure, Gap, GapKind,
    draft::{Log, ReportedError},
    event::{Event, kind},
    header::Header,
    scene::Scene,
    unpack::{Limits, Unpacked},
};
use crate::model::{EventId, Timestamp, Untrusted};

/// Reads a replay. Segments have to come in the order of their numbers; two with one number and other bytes are two tabs'.
pub struct Reader {
    pub(super) id: EventId,
    pub(super) limits: Limits,
    pub(super) header: Header,
    pub(super) log: Log,
    lanes: Vec<Lane>,
    seen: HashSet<u64>,
    /// Numbers of the segments that could be read.
    read: HashSet<u64>,
    pub(super) segments: u64,
    pub(super) gaps: Vec<Gap>,
    pub(super) failures: Vec<ReportedError>,
    /// First and last recorded moment, in milliseconds since 1970.
    pub(super) first: Option<i64>,
    pub(super) last: i64,
    /// The first page was loaded while the recording ran.
    pub(super) from_start: bool,
}

/// The segments of one tab.
struct Lane {
    scene: Scene,
    number: u64,
    /// When its page began to record, as the header of its last segment says.
    began: Option<i64>,
}

impl Reader {
    /// For the replay with that id.
    pub fn new(id: EventId, limits: Limits) -> Self {
        Self {
            id,
            log: Log { limit: limits.steps, ..Log::default() },
            limits,
            header: Header::default(),
            lanes: Vec::new(),
            seen: HashSet::new(),
            read: HashSet::new(),
            segments: 0,
            gaps: Vec::new(),
            failures: Vec::new(),
            first: None,
            last: i64::MIN,
            from_start: false,
        }
    }

    /// Takes the header of a segment: JSON of a `replay_event`. What is no JSON says nothing.
    pub fn header(&mut self, json: &[u8]) {
        if let Ok(json) = serde_json::from_slice::<Value>(json) {
            self.header.add(&json);
        }
    }

    /// Ids of the errors that the headers taken so far name.
    pub fn error_ids(&self) -> impl Iterator<Item = EventId> {
        self.header.errors.iter().map(|(id, _)| *id)
    }

    /// When the recording began, as the headers taken so far say.
    pub fn started(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.header.started?).ok()
    }

    /// Takes an error whose event is known, when it happened, and the clicks among its breadcrumbs with their times.
    pub fn failure(&mut self, at: Timestamp, failure: Failure, clicks: Vec<(Timestamp, Untrusted)>) {
        let clicks = clicks.into_iter().map(|(at, path)| (at.as_millisecond(), path.into_raw())).collect();
        if !self.failures.iter().any(|told| told.failure.event == failure.event) {
            self.log.errors.push(at.as_millisecond());
            self.failures.push(ReportedError { at: at.as_millisecond(), failure, clicks });
        }
    }

    /// Takes a segment: header line and payload as they were sent. `number` is used where the line has none.
    pub fn segment(&mut self, number: Option<u64>, bytes: &[u8]) {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        let next = self.lanes.iter().map(|lane| lane.number.saturating_add(1)).max().unwrap_or(0);
        let unpacked = match Unpacked::of(bytes, &self.limits) {
            Ok(unpacked) => unpacked,
            Err(_) => return self.broken(number.unwrap_or(next)),
        };
        let number = unpacked.number.or(number).unwrap_or(next);
        let mut events: Vec<Event<'_>> = Vec::new();
        let whole = unpacked.events(self.limits.depth, |event| events.push(event)).is_ok();
        events.retain(|event| event.at().is_finite() && event.at() > 0.0 && event.at() < 1e14);
        if events.is_empty() && !whole {
            return self.broken(number);
        }
        events.sort_by(|a, b| a.at().total_cmp(&b.at()));
        self.play(number, &events);
        self.segments += 1;
        if whole {
            self.read.insert(number);
        } else {
            self.broken(number);
        }
    }

    /// Notes that a segment can't be read to its end: what comes after it is doubtful.
    fn broken(&mut self, number: u64) {
        let at = self.last.max(self.first.unwrap_or(0));
        self.gaps.push(Gap { kind: GapKind::Broken, from_ms: at, to_ms: at, segment: Some(number) });
        for lane in &mut self.lanes {
            lane.scene.interrupted();
        }
    }

    fn play(&mut self, number: u64, events: &[Event<'_>]) {
        let at = self.lane(number, events);
        let before = self.lanes[at].number;
        let began =
            events.iter().find(|event| event.ty <= kind::META).or(events.first()).map(|event| event.at() as i64);
        let missing = before.wrapping_add(1)..number;
        if !missing.is_empty() {
            self.miss(missing, began.unwrap_or(0));
            self.lanes[at].scene.interrupted();
        }
        self.lanes[at].number = number;
        self.lanes[at].began = self.page_of(number, events);
        self.from_start |= number == 0 && begins_with_load(events);
        let scene = &mut self.lanes[at].scene;
        for event in events {
            let at = event.at().round() as i64;
            scene.take(event, at, &mut self.log);
            // Spans and late verdicts speak of what was before.
            if event.ty <= kind::META {
                self.first = Some(self.first.map_or(at, |first| first.min(at)));
            }
            self.from_start |= event.ty == kind::DOM_LOADED && number == 0;
            self.last = self.last.max(at);
        }
    }

    fn miss(&mut self, numbers: std::ops::Range<u64>, until: i64) {
        let from = if self.first.is_some() { self.last } else { self.header.started.unwrap_or(until) };
        // Numbers are the sender's: a wild one must not cost a million gaps.
        for number in numbers.take(1_000) {
            if !self.read.contains(&number) && !self.gaps.iter().any(|gap| gap.segment == Some(number)) {
                self.gaps.push(Gap { kind: GapKind::Missing, from_ms: from, to_ms: until, segment: Some(number) });
            }
        }
    }

    /// When the page of a segment began to record, as headers say.
    fn page_of(&self, number: u64, events: &[Event<'_>]) -> Option<i64> {
        self.header.began(number, events.first()?.at() as i64, events.last()?.at() as i64)
    }

    /// The tab that a segment belongs to: the one whose turn it is, and among several the one whose page began to record
    /// at the same moment or knows its nodes.
    fn lane(&mut self, number: u64, events: &[Event<'_>]) -> usize {
        let known = |lane: &Lane| {
            let ids = events.iter().filter(|event| event.ty == kind::INCREMENT).filter_map(|event| event.data.id);
            ids.take(200).filter(|id| lane.scene.knows(*id)).count()
        };
        let page = self.page_of(number, events);
        // Another tab's page whose own segment of that number is yet to come.
        let spoken_for = |lane: &Lane| {
            lane.began.is_some_and(|began| page.is_some_and(|page| page != began) && self.header.has(number, began))
        };
        let mut fitting: Vec<usize> = (0..self.lanes.len())
            .filter(|at| self.lanes[*at].number < number || self.lanes[*at].number == u64::MAX)
            .filter(|at| !spoken_for(&self.lanes[*at]))
            .collect();
        if fitting.len() > 1 {
            let lane = |at: &usize| &self.lanes[*at];
            fitting.sort_by_key(|at| (lane(at).began != page, std::cmp::Reverse(known(lane(at)))));
        }
        if let Some(at) = fitting.first() {
            return *at;
        }
        let tab = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
        // A tab's first segment is that of its number; the first of all is the replay's.
        let before = if tab == 0 { u64::MAX } else { number.wrapping_sub(1) };
        self.lanes.push(Lane { scene: Scene::new(tab, self.limits.nodes), number: before, began: None });
        self.lanes.len() - 1
    }

    /// Whether every segment up to the last that is known of was read.
    pub(super) fn complete(&self) -> bool {
        let last = self.read.iter().chain(&self.header.numbers).max();
        let broken = self.gaps.iter().any(|gap| gap.kind == GapKind::Broken);
        last.is_some_and(|last| self.read.len() as u64 == last.saturating_add(1)) && !broken
    }

    pub(super) fn tabs(&self) -> u32 {
        u32::try_from(self.lanes.len()).unwrap_or(u32::MAX)
    }

    /// Tells of the segments that were announced and never came: nothing more is read.
    pub(super) fn close(&mut self) {
        let announced = self.header.numbers.iter().max().copied();
        let last = self.lanes.iter().map(|lane| lane.number).max();
        if let Some(announced) = announced {
            let next = last.filter(|last| *last != u64::MAX).map_or(0, |last| last.saturating_add(1));
            self.miss(next..announced.saturating_add(1), self.last.max(0));
        }
    }
}

/// How long after a page was loaded a script that it loads late may begin to record, in milliseconds.
const LATE: i64 = 1_500;

/// Whether events begin with the load of a page: scripts that are modules begin to record after it was parsed, and so long
/// nobody does anything that needs them.
fn begins_with_load(events: &[Event<'_>]) -> bool {
    let Some(first) = events.iter().find(|event| event.ty <= kind::META).map(|event| event.at() as i64) else {
        return false;
    };
    let loaded = |event: &Event<'_>| {
        let payload = event.data.payload.as_ref()?;
        let op = payload.get("op").and_then(serde_json::Value::as_str)?;
        let second = |key: &str| payload.get(key).and_then(serde_json::Value::as_f64).map(|s| (s * 1000.0) as i64);
        let is_load = matches!(op, "navigation.navigate" | "navigation.reload" | "navigation.back_forward");
        is_load.then_some((second("startTimestamp")?, second("endTimestamp")?))
    };
    events.iter().filter_map(loaded).any(|(start, end)| (start..=end.max(start) + LATE).contains(&first))
}
