//! The Sentry backend, against doubles on loopback.

mod commits;
mod contract;
mod differential;
pub mod double;
mod faults;
mod glitchtip;
mod hours;
pub mod reading;
mod replays;
mod session;
mod tls;
