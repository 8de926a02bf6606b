//! The cluster store over databases that the tests start: exact as the embedded one, durable, shared.

mod databases;
mod differential;
mod exact;
mod faults;
mod writing;
