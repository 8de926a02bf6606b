//! Which events are one issue.

mod read;
