//! Which events are one issue.

mod captured;
mod made;
mod read;
