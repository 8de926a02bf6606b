//! What has been taken of an envelope so far, and what has not.

use serde_json::Value;

use super::Ingested;
use crate::{
    model::{EventId, Timestamp},
    protocol::{Item, ItemError, ItemType},
    store::{Digest, ItemKind, Outcome, ProjectKey, Record},
};

/// Each item ends in one of the three lists, or in the counts of a report.
pub(super) struct EnvelopeLog {
    records: Vec<Record>,
    outcomes: Vec<Outcome>,
    faults: Vec<ItemError>,
    event: Option<EventId>,
    replay: Option<EventId>,
    /// Whom the first event or replay names, as sent: so that files beside it don't.
    user: Option<Value>,
    lost: bool,
}

impl EnvelopeLog {
    /// After the frame has been read, with what was wrong there.
    pub(super) fn after(faults: Vec<ItemError>) -> Self {
        let lost = faults.iter().any(|fault| fault.item_type != ItemType::Attachment.as_str());
        Self { records: Vec::new(), outcomes: Vec::new(), faults, event: None, replay: None, user: None, lost }
    }

    /// How much has been said so far: it grows with each item.
    pub(super) fn total(&self) -> usize {
        self.records.len() + self.outcomes.len() + self.faults.len()
    }

    /// How many records and counts have been made so far.
    pub(super) fn kept(&self) -> usize {
        self.records.len() + self.outcomes.len()
    }

    /// Notes whether an item came to nothing but faults.
    pub(super) fn note_lost(&mut self, item: &Item<'_>, kept: usize, total: usize) {
        self.lost |= item.ty != ItemType::Attachment && self.kept() == kept && self.total() > total;
    }

    /// The first event.
    pub(super) fn event(&self) -> Option<EventId> {
        self.event
    }

    /// The first replay.
    pub(super) fn replay(&self) -> Option<EventId> {
        self.replay
    }

    /// Whom the envelope is about.
    pub(super) fn user(&self) -> Option<&Value> {
        self.user.as_ref()
    }

    /// Remembers whom an item names.
    pub(super) fn meet(&mut self, json: &Value) {
        if self.user.is_none() {
            self.user = json.get("user").filter(|user| user.is_object()).cloned();
        }
    }

    pub(super) fn keep(&mut self, record: Record) {
        match &record {
            Record::Event(event) => self.event = self.event.or(Some(event.event.id)),
            Record::Item(item) if item.kind == ItemKind::ReplayEvent => self.replay = self.replay.or(item.parent),
            _ => {}
        }
        self.records.push(record);
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    pub(super) fn skip_unknown(&mut self, item: &Item<'_>) {
        let reason = "unknown item type";
        let named = item.header.get("type").and_then(serde_json::Value::as_str).map(type_name);
        self.count(Outcome { item: "unknown", outcome: "unknown", reason, quantity: 1, named });
    }

    /// An item that holds nothing: a container without lines.
    pub(super) fn skip_empty(&mut self, item: &Item<'_>) {
        self.count(Outcome { item: item.ty.as_str(), outcome: "filtered", reason: "empty", quantity: 1, named: None });
    }

    /// Notes that an item, or so many parts of it, could not be taken.
    pub(super) fn lose(&mut self, item: &Item<'_>, reason: &'static str, quantity: u64) {
        if quantity > 0 {
            self.faults.push(ItemError { item: item.index, item_type: item.ty.as_str(), reason, quantity });
        }
    }

    /// Errors that were dropped are of the release that the envelope's sessions and events are of.
    fn name_dropped(&mut self) {
        let named = |record: &Record| match record {
            Record::Session(session) => Some((session.release.clone(), session.environment.clone())),
            Record::Sessions(sessions) => Some((sessions.release.clone(), sessions.environment.clone())),
            Record::Event(event) => Some((event.event.release.clone()?, event.event.environment.clone())),
            _ => None,
        };
        let Some((release, environment)) = self.records.iter().find_map(named) else { return };
        for record in &mut self.records {
            if let Record::Dropped(dropped) = record {
                dropped.release = Some(release.clone());
                dropped.environment.clone_from(&environment);
            }
        }
    }

    pub(super) fn ingested(mut self, project: &ProjectKey, received: Timestamp, id: Option<EventId>) -> Ingested {
        self.faults.sort_by_key(|fault| fault.item);
        self.name_dropped();
        let invalid = |f: &ItemError| Outcome {
            item: f.item_type,
            outcome: "invalid",
            reason: f.reason,
            quantity: f.quantity,
            named: None,
        };
        self.outcomes.extend(self.faults.iter().map(invalid));
        let digest = Digest { project: project.clone(), received, records: self.records, outcomes: self.outcomes };
        Ingested { digest, id: self.event.or(id), faults: self.faults, lost: self.lost }
    }
}

/// Longest name of a type, in characters.
const NAME: usize = 40;

/// A type's name as it may be kept: letters, digits and what joins them.
pub fn type_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-./".contains(c) { c } else { '?' };
    text.chars().take(NAME).map(plain).collect()
}
