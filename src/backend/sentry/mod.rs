//! Answers every question of a store over Sentry's Web API: the service, self-hosted Sentry, GlitchTip, another prodsignal.
//!
//! Each file named after a thing (`issues`, `event`, `affected`, `fix`, …) turns questions into requests and replies
//! into answers. Requests go through `server` to `replies`, which keeps what came, and from there to `http`.

mod address;
mod affected;
mod ask;
mod call;
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
mod key;
mod life;
mod link;
mod lists;
mod operation;
mod options;
mod outcomes;
mod pace;
mod payload;
mod ranking;
mod releases;
mod replay;
mod replies;
mod rights;
mod row;
mod search;
mod server;
mod shortlist;
mod store;
mod table;
mod terms;
mod token;
mod trend;
mod update;
mod whole;

pub use life::{Life, Ttl};
pub use operation::{OPERATIONS, Operation, Shape};
pub use options::{ConnectError, Options};
pub use rights::{Rights, ToolRight};
pub use store::SentryStore;
pub use token::Token;
