//! Sentry's Web API, and what speaks it: self-hosted Sentry, GlitchTip, another prodsignal.
//! It uses `reqwest`, and below it what ingestion uses to read and scrub events.
//! It never keeps an answer for longer than the questions of a minute share it: the cache stands in front of it.

mod address;
mod affected;
mod ask;
mod cells;
mod commits;
mod event;
mod exposure;
mod fault;
mod fix;
mod glitchtip;
mod history;
mod http;
mod issues;
mod json;
mod link;
mod lists;
mod memory;
mod operation;
mod options;
mod pace;
mod payload;
mod releases;
mod replay;
mod rights;
mod row;
mod server;
mod store;
mod table;
mod terms;
mod token;
mod trend;
mod update;
mod whole;

pub use operation::{OPERATIONS, Operation};
pub use options::{ConnectError, Options};
pub use rights::{Rights, ToolRight};
pub use store::SentryStore;
pub use token::Token;
