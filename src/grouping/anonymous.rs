//! What tells an anonymous function from others: the function around it, else its source line.

use super::place::Place;
use crate::model::Frame;

/// How far outwards the function around is looked for.
const REACH: usize = 4;

/// Characters of a source line that count.
const LINE: usize = 100;

/// The name of the nearest function of the same module that called it, else the source line.
/// A line in generated code changes with each build and is not used.
pub(super) fn identity(place: &Place<'_>, outwards: &[Place<'_>]) -> String {
    let around = outwards.iter().take(REACH).find(|other| other.module == place.module && other.name.is_some());
    match around.and_then(|other| other.name.as_deref()) {
        Some(name) => format!("? in {name}"),
        None if place.minified => "?".to_owned(),
        None => format!("? {}", source_line(place.frame)),
    }
}

fn source_line(frame: &Frame) -> String {
    let line = frame.context_line.as_ref().map_or("", |line| line.raw().trim());
    line.chars().take(LINE).collect()
}
