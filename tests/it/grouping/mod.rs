//! Which events are one issue.

mod captured;
mod made;
pub mod read;
mod reported;
