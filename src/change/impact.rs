//! How much an issue matters: what lists are sorted by unless told otherwise.

use crate::model::{Change, Status};

/// Users first, each worth as much as ten anonymous events' logarithm; weighed by what is new and what crashed.
pub fn impact(users: u64, events: u64, change: Change, unhandled: bool, status: Status) -> f64 {
    let change = match change {
        Change::New | Change::Regressed => 3.0,
        Change::Escalating => 2.5,
        Change::Ongoing => 1.0,
        Change::Resolved => 0.3,
    };
    let crash = if unhandled { 1.5 } else { 1.0 };
    let ignored = if status == Status::Ignored { 0.1 } else { 1.0 };
    (users as f64 + 0.1 * (events as f64).ln_1p()) * change * crash * ignored
}
