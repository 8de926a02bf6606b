//! What Sentry SDKs send: envelopes, items, DSNs, encodings.
//! It uses `model` alone.
//! It never panics on input.

mod auth;
mod crash_form;
mod decode;
mod envelope;
pub mod event;
mod json;
mod limits;
mod name;
mod security;
mod session;
mod store_body;
mod time;
mod unreal;

pub use auth::{Auth, Dsn, dsn_of};
pub use crash_form::{CrashForm, FormPart};
pub use decode::{DecodeError, decode_body, decode_head, decode_within};
pub use envelope::{Envelope, EnvelopeError, Item, ItemError, ItemType, parse};
pub use json::{JsonError, read_json};
pub use limits::Limits;
pub use name::{event_id, name};
pub use security::{ReportedBy, reports};
pub use session::{SessionAggregate, SessionUpdate, aggregates, session};
pub use store_body::store_body;
pub use time::{Clock, ClockPolicy, timestamp};
pub use unreal::unreal_form;
