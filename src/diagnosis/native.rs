//! What a crash of native code is known to speak of.

use super::{FaultCategory, FaultClass};
use crate::model::{Data, Event};

/// Kinds that the event's context `crash` names, where they say more than a signal does.
const KINDS: &[(&str, &str, FaultCategory)] = &[
    ("hang", "the program stopped answering", FaultCategory::Resource),
    ("out_of_memory", "memory ran out", FaultCategory::Resource),
    ("killed", "the system ended the program", FaultCategory::Resource),
];

/// The fault that the kind of crash is known for.
pub(super) fn fault(event: &Event) -> Option<FaultClass> {
    let crash = event.contexts.iter().find(|(name, _)| name.raw() == "crash")?;
    let kind = crash.1.get("kind").and_then(Data::text)?.raw();
    KINDS.iter().find(|(word, ..)| *word == kind).map(|(_, name, sort)| FaultClass { name, sort: *sort })
}
