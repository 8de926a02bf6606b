//! Recordings read into steps.

mod app;
mod made;
mod segments;
mod sessions;
mod tool;
