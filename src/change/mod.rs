//! What changed about an issue: new, regressed, escalating, ongoing, resolved, and the numbers behind.
//! It uses `model` alone.
//! It never does IO, never reads a clock.
