//! Recordings read into steps.

pub mod app;
mod made;
mod segments;
mod sessions;
mod tool;
