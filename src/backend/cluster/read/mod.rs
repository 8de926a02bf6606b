//! Reading: each answer by questions to both databases, in rooms by question.
//! It uses `tokio_postgres` and ClickHouse's SQL.
//! It never shows an event that ClickHouse does not have yet, though PostgreSQL knows its issue.

mod active;
mod event;
mod facts;
mod history;
mod issues;
mod moment;
mod registry;
mod search;
mod series;
mod test;
mod values;

pub(super) use moment::Moment;
