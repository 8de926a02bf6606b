//! What changed in production, once each, and who is told of it.
//! It uses the floors below, and talks HTTP to webhooks alone.
//! It never runs or sends anything that an event says.

mod channel;
pub mod daily;
mod deliver;
mod exec;
mod filter;
mod fixes;
mod found;
mod look;
mod webhook;

pub use channel::messages;
pub use deliver::{Outcome, Stop, Target, deliver, deliver_digests};
pub use exec::Exec;
pub use filter::Filter;
pub use found::Shaper;
pub use look::{Choice, Looker, follow};
pub use webhook::{Form, Webhook, WebhookError};
