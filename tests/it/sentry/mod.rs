//! The Sentry backend, against doubles on loopback.

mod contract;
mod differential;
mod double;
mod faults;
mod glitchtip;
mod reading;
mod session;
mod tenants;
