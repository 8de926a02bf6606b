//! The cluster store over databases that the tests start: exact as the embedded one, durable, shared.

mod databases;
mod exact;
mod writing;
