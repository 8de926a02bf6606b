//! Reading: each answer by questions to both databases, in rooms by question.
//! It uses `tokio_postgres` and ClickHouse's SQL.
//! It never shows an event that ClickHouse does not have yet, though PostgreSQL knows its issue.

mod active;
mod affected;
mod diagnosis;
mod event;
mod facts;
mod fix;
mod history;
mod issues;
mod moment;
mod registry;
mod replay;
mod search;
mod series;
mod test;
mod values;

pub(super) use moment::Moment;
