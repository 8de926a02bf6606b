//! The list of issues: what is counted of them, and the conditions on their events.
//! It uses the packed forms.

pub(super) mod count;
mod decided;
pub(super) mod filter;
pub(super) mod mentions;
