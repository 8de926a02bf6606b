//! The Sentry backend, against doubles on loopback.

mod busy;
mod commits;
mod contract;
mod cost;
mod differential;
pub mod double;
mod faults;
mod glitchtip;
mod hours;
pub mod reading;
mod replays;
mod session;
mod tls;
