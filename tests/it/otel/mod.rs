//! Tests of OpenTelemetry: what exporters sent, how stacks are read, what is answered over HTTP.

mod captured;
mod http;
mod live;
mod made;
mod packed;
mod refusals;
mod shop;
mod stacks;
mod told_twice;
mod users;
