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
mod link;
mod lists;
mod operation;
mod options;
mod pace;
mod payload;
mod releases;
mod replay;
mod replies;
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

pub use operation::{OPERATIONS, Operation, Shape};
pub use options::{ConnectError, Options};
pub use replies::{Life, Lives};
pub use rights::{Rights, ToolRight};
pub use store::SentryStore;
pub use token::Token;
