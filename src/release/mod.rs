//! The order of releases and what a name of one means.
//! It uses `model` alone.
//! It never does IO, never reads a clock.
