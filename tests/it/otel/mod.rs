//! Tests of OpenTelemetry: what exporters sent, how stacks are read, what is answered over HTTP.

mod captured;
mod http;
mod live;
mod made;
mod shop;
mod stacks;
mod users;
