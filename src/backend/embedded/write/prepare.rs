//! What the caller's thread does before the writer gets a digest.
//! It uses the packed forms.
//! It never touches the database.

use crate::{
    backend::embedded::pack::{Trace, squeeze},
    model::Timestamp,
    store::{
        Digest, DroppedRecord, EventRecord, ItemRecord, Outcome, PartRecord, ProjectKey, Record, SessionRecord,
        SessionsRecord,
    },
};

/// A digest whose bodies are compressed.
pub(in crate::backend::embedded) struct Prepared {
    pub(super) project: ProjectKey,
    pub(super) received: Timestamp,
    pub(super) records: Vec<Packed>,
    pub(super) outcomes: Vec<Outcome>,
    /// What it weighs in the queue.
    pub(super) bytes: usize,
}

/// A record with its body, compressed, beside it; events with the places that they crashed in.
pub(super) enum Packed {
    Event(Box<EventRecord>, Trace, Vec<u8>),
    Session(SessionRecord),
    Sessions(SessionsRecord),
    Item(Box<ItemRecord>, usize, Vec<u8>),
    Part(Box<PartRecord>, Vec<u8>),
    Dropped(DroppedRecord),
}

impl Prepared {
    /// Compresses the bodies.
    pub(in crate::backend::embedded) fn of(digest: Digest) -> Self {
        let bytes = digest.size_bytes();
        let records = digest.records.into_iter().map(pack).collect();
        Self { project: digest.project, received: digest.received, records, outcomes: digest.outcomes, bytes }
    }
}

pub(super) fn pack(record: Record) -> Packed {
    match record {
        Record::Event(mut event) => {
            let z = squeeze(&std::mem::take(&mut event.body));
            let trace = Trace::of(&event.event);
            Packed::Event(event, trace, z)
        }
        Record::Item(mut item) => {
            let body = std::mem::take(&mut item.body);
            Packed::Item(item, body.len(), squeeze(&body))
        }
        Record::Part(mut part) => {
            let z = squeeze(&std::mem::take(&mut part.body));
            Packed::Part(part, z)
        }
        Record::Session(session) => Packed::Session(session),
        Record::Sessions(sessions) => Packed::Sessions(sessions),
        Record::Dropped(dropped) => Packed::Dropped(dropped),
    }
}
