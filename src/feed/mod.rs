//! What changed in production, once each, and who is told of it.
//! It uses the floors below, and talks HTTP to webhooks alone.
//! It never runs or sends anything that an event says.

mod deliver;
mod exec;
mod fixes;
mod found;
mod look;
mod webhook;

pub use deliver::{Outcome, Stop, Target, deliver};
pub use exec::Exec;
pub use found::Shaper;
pub use look::{Choice, Looker, follow};
pub use webhook::{Form, Webhook, WebhookError};
