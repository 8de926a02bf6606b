//! Bytes become a digest: parsed, grouped, scrubbed.
//! It uses the floors below.
//! It never writes.

mod address;
mod agent;
mod attended;
mod count;
mod crash;
mod event;
mod item;
mod libraries;
mod lines;
mod otel;
mod tags;
mod taken;
mod used;

pub use agent::{Agent, read as read_agent};
pub use otel::{LogLine, Part, SpanLine, project_slug, service_of};
pub use taken::type_name;
pub use used::has_failed;

use std::{net::IpAddr, sync::Arc};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    guard::Scrubber,
    model::{EventId, Timestamp, Untrusted},
    native::{NoSymbols, Symbols},
    protocol::{
        self, Clock, ClockPolicy, CrashForm, Envelope, EnvelopeError, Item, ItemError, ItemType, Limits, ReportedBy,
        read_json, store_body,
    },
    sourcemaps::Maps,
    store::{Digest, Outcome, ProjectKey, Record},
};
use taken::EnvelopeLog;

/// The tags that a session's user agent tells, as a browser's events have them: browser and system.
pub fn tags_of_user_agent(text: &str) -> Vec<(Untrusted, Untrusted)> {
    tags::of_user_agent(text)
}

/// Takes envelopes apart into what a store keeps. Pure but for maps: equal bytes and maps give equal digests.
pub struct Ingest {
    scrubber: Scrubber,
    limits: Limits,
    maps: Option<Arc<dyn Maps>>,
    symbols: Arc<dyn Symbols>,
}

/// What an envelope came to.
#[derive(Debug, PartialEq)]
pub struct Ingested {
    /// For the store.
    pub digest: Digest,
    /// Id for the answer: the envelope's, else its first event's.
    pub id: Option<EventId>,
    /// What could not be taken; counted in the digest's outcomes too.
    pub faults: Vec<ItemError>,
    /// Nothing of an item was taken, attachments aside: whoever sent it has to hear of it.
    pub lost: bool,
}

impl Ingest {
    /// With the scrubber of a store and the limits of the settings.
    pub fn new(scrubber: Scrubber, limits: Limits) -> Self {
        Self { scrubber, limits, maps: None, symbols: Arc::new(NoSymbols) }
    }

    /// Minified frames are read with these maps, as far as there are any.
    pub fn with_maps(self, maps: Arc<dyn Maps>) -> Self {
        Self { maps: Some(maps), ..self }
    }

    /// Frames of native code are named with these symbols, as far as there are any.
    pub fn with_symbols(self, symbols: Arc<dyn Symbols>) -> Self {
        Self { symbols, ..self }
    }

    /// Whether taking an envelope apart may have to look for maps or symbols, which blocks.
    pub fn may_block(&self) -> bool {
        self.maps.as_ref().is_some_and(|maps| maps.any()) || self.symbols.any_symbols()
    }

    /// What frames are read with.
    fn names(&self, project: u64) -> Names<'_> {
        Names { maps: self.maps(), symbols: &*self.symbols, project }
    }

    fn maps(&self) -> Option<&dyn Maps> {
        self.maps.as_deref().filter(|maps| maps.any())
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes an unpacked envelope apart.
    ///
    /// # Errors
    /// When not even its header can be read; a broken item is a fault in the answer.
    pub fn envelope(
        &self,
        project: &ProjectKey,
        body: &[u8],
        received: Timestamp,
        policy: ClockPolicy,
    ) -> Result<Ingested, EnvelopeError> {
        self.envelope_from(project, body, received, policy, None)
    }

    /// The same of a sender whose address stands for users that an SDK leaves to the server.
    ///
    /// # Errors
    /// As [`Ingest::envelope`].
    pub fn envelope_from(
        &self,
        project: &ProjectKey,
        body: &[u8],
        received: Timestamp,
        policy: ClockPolicy,
        from: Option<IpAddr>,
    ) -> Result<Ingested, EnvelopeError> {
        let envelope = protocol::parse(body, &self.limits)?;
        let dump = crash::Dump::of_items(&envelope.items, &self.limits);
        Ok(self.taken(project, &envelope, dump, (received, policy), from))
    }

    /// Takes a crash apart that came as a form or as a bare dump. `id` names it where the SDK did not.
    pub fn crash(&self, project: &ProjectKey, form: &CrashForm, received: Timestamp, id: EventId) -> Ingested {
        let (event, dump) = (form.event.to_string(), crash::Dump::of_form(form));
        let envelope = crash::envelope_of(form, event.as_bytes(), id);
        self.taken(project, &envelope, Some(dump), (received, ClockPolicy::Live), None)
    }

    fn taken(
        &self,
        project: &ProjectKey,
        envelope: &Envelope<'_>,
        dump: Option<crash::Dump<'_>>,
        (received, policy): (Timestamp, ClockPolicy),
        from: Option<IpAddr>,
    ) -> Ingested {
        let clock = Clock::new(policy, received, envelope.sent_at);
        let mut taken = EnvelopeLog::after(envelope.faults.clone());
        let names = self.names(project.id);
        let around = Around { envelope, clock: &clock, scrubber: &self.scrubber, names, dump: dump.as_ref(), from };
        // Files last: they belong to the event or replay beside them, wherever that stands.
        let (files, others): (Vec<_>, Vec<_>) = envelope.items.iter().partition(|item| is_file(item.ty));
        if dump.is_some() && !others.iter().any(|item| item.ty == ItemType::Event) {
            crash::event_alone(&around, &mut taken);
        }
        for item in others.into_iter().chain(files) {
            let before = taken.total();
            let kept = taken.kept();
            if let Err(reason) = self.item(item, &around, &mut taken) {
                taken.lose(item, reason, 1);
            }
            taken.note_lost(item, kept, before);
            if taken.total() == before {
                taken.skip_empty(item);
            }
        }
        taken.ingested(project, received, envelope.event_id)
    }

    /// Takes a bare event, as the old `/store/` endpoint has it, plain or in base64 and zlib.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub fn store_event(
        &self,
        project: &ProjectKey,
        body: &[u8],
        received: Timestamp,
        from: Option<IpAddr>,
    ) -> Result<Ingested, EnvelopeError> {
        let refused = |error: protocol::DecodeError| match error.is_size() {
            true => EnvelopeError::TooLarge,
            false => EnvelopeError::Body,
        };
        let body = store_body(body, &self.limits).map_err(refused)?;
        if body.len() > self.limits.event_bytes {
            return Err(EnvelopeError::EventTooLarge(self.limits.event_bytes));
        }
        let json = read_json(&body, self.limits.depth).ok().filter(Value::is_object);
        let mut json = json.ok_or(EnvelopeError::Body)?;
        if let Some(from) = from {
            address::fill(ItemType::Event, &mut json, from);
        }
        let clock = Clock::new(ClockPolicy::Live, received, None);
        let mut taken = EnvelopeLog::after(Vec::new());
        taken.keep(Record::Event(Box::new(event::record(
            json,
            id_of(&body),
            &clock,
            &self.scrubber,
            &self.names(project.id),
        ))));
        Ok(taken.ingested(project, received, None))
    }

    /// Takes the reports of a browser: of content security policies, of the network.
    ///
    /// # Errors
    /// When the body holds no report.
    pub fn security(
        &self,
        project: &ProjectKey,
        body: &[u8],
        received: Timestamp,
        by: &ReportedBy,
    ) -> Result<Ingested, EnvelopeError> {
        let json = read_json(body, self.limits.depth).map_err(|_| EnvelopeError::Body)?;
        let (events, skipped) = protocol::reports(&json, by)?;
        let clock = Clock::new(ClockPolicy::Live, received, None);
        let mut taken = EnvelopeLog::after(Vec::new());
        for (at, event) in events.into_iter().enumerate() {
            // Reports of two browsers may be alike to the byte: each counts.
            let moment = received.as_microsecond().to_be_bytes();
            let id = digest16(&[
                b"report",
                body,
                &moment,
                &at.to_be_bytes(),
                by.user_agent.as_deref().unwrap_or("").as_bytes(),
            ]);
            let id = EventId(u128::from_be_bytes(id));
            taken.keep(Record::Event(Box::new(event::record(
                event,
                id,
                &clock,
                &self.scrubber,
                &self.names(project.id),
            ))));
        }
        if skipped > 0 {
            taken.count(Outcome {
                item: "report",
                outcome: "filtered",
                reason: "no failure",
                quantity: skipped,
                named: None,
            });
        }
        Ok(taken.ingested(project, received, None))
    }

    fn item(&self, item: &Item<'_>, around: &Around<'_>, taken: &mut EnvelopeLog) -> Result<(), &'static str> {
        match item.ty {
            ItemType::Unknown => taken.skip_unknown(item),
            ItemType::Attachment | ItemType::ReplayRecording | ItemType::ReplayVideo => {
                let record = item::file(item, around, taken)?;
                taken.keep(record);
            }
            ItemType::Statsd => taken.keep(item::statsd(item, around)),
            _ => {
                let json = read_json(item.payload, self.limits.depth).map_err(protocol::JsonError::reason)?;
                // Buckets of metrics are the one payload that is a list.
                if !json.is_object() && item.ty != ItemType::MetricBuckets {
                    return Err("not a JSON object");
                }
                json_item(item, json, around, taken)?;
            }
        }
        Ok(())
    }
}

/// What the items of an envelope share.
#[derive(Clone, Copy)]
struct Around<'a> {
    envelope: &'a Envelope<'a>,
    clock: &'a Clock,
    scrubber: &'a Scrubber,
    names: Names<'a>,
    /// The crash of which the first event tells.
    dump: Option<&'a crash::Dump<'a>>,
    /// The sender's address, where it may stand for a user.
    from: Option<IpAddr>,
}

/// What the frames of a project are read with.
#[derive(Clone, Copy)]
struct Names<'a> {
    maps: Option<&'a dyn Maps>,
    symbols: &'a dyn Symbols,
    project: u64,
}

fn is_file(ty: ItemType) -> bool {
    matches!(ty, ItemType::Attachment | ItemType::ReplayRecording | ItemType::ReplayVideo)
}

fn json_item(
    item: &Item<'_>,
    mut json: Value,
    around: &Around<'_>,
    taken: &mut EnvelopeLog,
) -> Result<(), &'static str> {
    if let Some(from) = around.from {
        address::fill(item.ty, &mut json, from);
    }
    taken.meet(&json);
    match item.ty {
        ItemType::Event => {
            // The envelope's id names one event: a second one without an id of its own is another.
            let named = around.envelope.event_id.filter(|_| taken.event().is_none());
            let id = named.unwrap_or_else(|| id_of(item.payload));
            if let Some(dump) = around.dump.filter(|_| taken.event().is_none()) {
                dump.tell(&mut json, &around.names);
            }
            let record = event::record(json, id, around.clock, around.scrubber, &around.names);
            taken.keep(Record::Event(Box::new(record)));
        }
        ItemType::Session => taken.keep(Record::Session(count::session(json, around)?)),
        ItemType::Sessions => count::sessions(item, json, around, taken)?,
        ItemType::ClientReport => count::discarded(item, &json, around, taken),
        ItemType::Log | ItemType::OtelLog | ItemType::Span | ItemType::OtelSpan | ItemType::TraceMetric => {
            lines::container(item, json, around, taken);
        }
        _ => taken.keep(item::whole(item, json, around)?),
    }
    Ok(())
}

/// An id for an event that has none: of its bytes, so that one sent twice counts once.
fn id_of(payload: &[u8]) -> EventId {
    EventId(u128::from_be_bytes(digest16(&[b"event", payload])))
}

/// 128 bits of a digest of parts.
fn digest16(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}
