//! The Sentry backend, against doubles on loopback.

mod commits;
mod contract;
mod differential;
mod double;
mod faults;
mod glitchtip;
mod hours;
mod reading;
mod replays;
mod session;
mod tls;
