//! Bytes become a digest: parsed, grouped, scrubbed.
//! It uses the floors below.
//! It never writes.

mod agent;
mod event;
mod item;
mod tags;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    guard::Scrubber,
    model::{EventId, Timestamp},
    protocol::{self, Clock, ClockPolicy, Envelope, EnvelopeError, Fault, Item, ItemType, Limits, read_json},
    store::{Digest, Outcome, ProjectKey, Record},
};

/// Takes envelopes apart into what a store keeps. Pure: equal bytes give equal digests.
pub struct Ingest {
    scrubber: Scrubber,
    limits: Limits,
}

/// What an envelope came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Ingested {
    /// For the store.
    pub digest: Digest,
    /// Id for the answer: the envelope's, else its first event's.
    pub id: Option<EventId>,
    /// What could not be taken; counted in the digest's outcomes too.
    pub faults: Vec<Fault>,
}

impl Ingest {
    /// With the scrubber of a store and the limits of the settings.
    pub fn new(scrubber: Scrubber, limits: Limits) -> Self {
        Self { scrubber, limits }
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
        let envelope = protocol::parse(body, &self.limits)?;
        let clock = Clock::new(policy, received, envelope.sent_at);
        let mut taken = Taken { records: Vec::new(), outcomes: Vec::new(), faults: envelope.faults.clone() };
        for item in &envelope.items {
            self.item(item, &envelope, &clock, &mut taken);
        }
        Ok(taken.ingested(project, received, envelope.event_id))
    }

    /// Takes a bare event, as the old `/store/` endpoint has it.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub fn store_event(
        &self,
        project: &ProjectKey,
        body: &[u8],
        received: Timestamp,
    ) -> Result<Ingested, EnvelopeError> {
        if body.len() > self.limits.event_bytes {
            return Err(EnvelopeError::TooLarge);
        }
        let json = read_json(body, self.limits.depth).ok().filter(Value::is_object).ok_or(EnvelopeError::Body)?;
        let clock = Clock::new(ClockPolicy::Live, received, None);
        let mut taken = Taken { records: Vec::new(), outcomes: Vec::new(), faults: Vec::new() };
        let record = event::record(json, id_of(body), &clock, &self.scrubber);
        taken.records.push(Record::Event(Box::new(record)));
        Ok(taken.ingested(project, received, None))
    }

    fn item(&self, item: &Item<'_>, envelope: &Envelope<'_>, clock: &Clock, taken: &mut Taken) {
        let done = match item.ty {
            ItemType::Unknown => {
                taken.outcomes.push(Outcome {
                    item: "unknown",
                    outcome: "unknown",
                    reason: "unknown item type",
                    quantity: 1,
                });
                Ok(())
            }
            ItemType::Attachment | ItemType::ReplayRecording | ItemType::ReplayVideo => {
                item::raw(item, envelope, clock, &self.scrubber).map(|record| taken.keep(record))
            }
            _ => match read_json(item.payload, self.limits.depth) {
                Ok(json) if json.is_object() => self.json_item(item, json, envelope, clock, taken),
                Ok(_) if item.ty == ItemType::Statsd => Ok(()),
                Ok(_) => Err("not a JSON object"),
                // Old metrics are lines of text, not JSON.
                Err(_) if item.ty == ItemType::Statsd => {
                    item::raw(item, envelope, clock, &self.scrubber).map(|record| taken.keep(record))
                }
                Err(error) => Err(error.reason()),
            },
        };
        if let Err(reason) = done {
            taken.faults.push(Fault { item: item.index, item_type: item.ty.as_str(), reason });
        }
    }

    fn json_item(
        &self,
        item: &Item<'_>,
        mut json: Value,
        envelope: &Envelope<'_>,
        clock: &Clock,
        taken: &mut Taken,
    ) -> Result<(), &'static str> {
        let pseudonyms = self.scrubber.pseudonyms();
        match item.ty {
            ItemType::Event => {
                let id = envelope.event_id.unwrap_or_else(|| id_of(item.payload));
                taken.keep(Record::Event(Box::new(event::record(json, id, clock, &self.scrubber))));
            }
            ItemType::Session => taken.keep(Record::Session(item::session(&json, clock, pseudonyms)?)),
            ItemType::Sessions => {
                for line in item::sessions(&json, clock, pseudonyms)? {
                    taken.keep(Record::Sessions(line));
                }
            }
            ItemType::ClientReport => taken.outcomes.extend(item::discarded(&json)),
            ItemType::Log | ItemType::OtelLog | ItemType::Span | ItemType::OtelSpan | ItemType::TraceMetric => {
                for record in item::container(item, json, envelope, clock, &self.scrubber) {
                    taken.keep(record);
                }
            }
            _ => {
                self.scrubber.event(&mut json);
                taken.keep(item::whole(item, &json, envelope, clock, pseudonyms)?);
            }
        }
        Ok(())
    }
}

/// What has been taken so far.
struct Taken {
    records: Vec<Record>,
    outcomes: Vec<Outcome>,
    faults: Vec<Fault>,
}

impl Taken {
    fn keep(&mut self, record: Record) {
        self.records.push(record);
    }

    fn ingested(mut self, project: &ProjectKey, received: Timestamp, id: Option<EventId>) -> Ingested {
        let invalid = |f: &Fault| Outcome { item: f.item_type, outcome: "invalid", reason: f.reason, quantity: 1 };
        self.outcomes.extend(self.faults.iter().map(invalid));
        let first = self.records.iter().find_map(|record| match record {
            Record::Event(event) => Some(event.event.id),
            _ => None,
        });
        let digest = Digest { project: project.clone(), received, records: self.records, outcomes: self.outcomes };
        Ingested { digest, id: id.or(first), faults: self.faults }
    }
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
