//! The values of a search: of single rows from their bodies, of groups from columns.
//! It uses ClickHouse's SQL.
//! It never guesses a value: what isn't there is none.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    event::Stored,
    issues::{IssueRow, level_of},
    moment::Moment,
    search::Searched,
    test::column,
};
use crate::{
    answers::{EventFilter, Releases, crash_frame, first_and_last, json_to_event, moment, of_issue},
    backend::cluster::{
        clickhouse::{list, text as literal},
        fault::corrupt,
    },
    model::{Event, Issue, Untrusted},
    store::{Aggregate, Field, Grouper, SearchQuery, StoreError, Value},
};

/// How groups are told apart by one part of their key.
pub(super) struct Part {
    pub(super) sql: String,
    /// What stands for "none", which is no value to be counted.
    pub(super) none: Option<&'static str>,
    pub(super) is_time: bool,
    kind: Kind,
}

/// What a key stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Time(i64),
    Release,
    Environment,
    User,
    Level,
    Unhandled,
    Id,
}

fn part(sql: String, none: Option<&'static str>, kind: Kind) -> Part {
    Part { sql, none, is_time: matches!(kind, Kind::Time(_)), kind }
}

/// How a grouper tells events apart.
pub(super) fn part_of(searched: &Searched<'_>, grouper: &Grouper) -> Result<Part, StoreError> {
    let field = match grouper {
        Grouper::Hour => return Ok(time(3_600_000_000)),
        Grouper::Day => return Ok(time(86_400_000_000)),
        Grouper::Field(field) => field,
    };
    if let Some(column) = column(field) {
        return Ok(part(column, Some("''"), Kind::Text));
    }
    Ok(match field {
        Field::Release => part(release_column(&searched.releases), Some("0"), Kind::Release),
        Field::Environment => part("env".to_owned(), Some("0"), Kind::Environment),
        Field::User => part("user".to_owned(), Some("0"), Kind::User),
        Field::Level => part("level".to_owned(), None, Kind::Level),
        Field::Unhandled => part("unhandled".to_owned(), None, Kind::Unhandled),
        Field::Replay => part("if(replayed, lower(hex(replay)), '')".to_owned(), Some("''"), Kind::Text),
        Field::Trace => part("trace".to_owned(), Some("''"), Kind::Text),
        Field::EventId => part("lower(hex(id))".to_owned(), None, Kind::Id),
        Field::Timestamp => time(1),
        Field::Issue | Field::Project | Field::Title | Field::Type | Field::Value | Field::Culprit => {
            part(text_of_issue(searched, field), None, Kind::Text)
        }
        Field::Function | Field::File | Field::Module => {
            return Err(StoreError::Unsupported(
                "events can't be grouped by the frames of their stacks: group by culprit, or search stack.function",
            ));
        }
        Field::TimesSeen | Field::UserCount | Field::FirstSeen | Field::LastSeen | Field::FirstRelease => {
            return Err(StoreError::Unsupported("events can't be grouped by numbers of their issues: group by issue"));
        }
        Field::Platform | Field::Transaction | Field::Tag(_) => part("''".to_owned(), Some("''"), Kind::Text),
    })
}

fn time(size: i64) -> Part {
    let sql = if size == 1 { "ts".to_owned() } else { format!("toInt64(floor(ts / {size}))") };
    part(sql, None, Kind::Time(size))
}

/// A release; those of several projects with one name are the first of the name.
pub(super) fn release_column(releases: &Releases) -> String {
    let doubles: BTreeMap<u32, u32> = releases.doubles().iter().map(|(a, b)| (*a, *b)).collect();
    if doubles.is_empty() {
        return "rel".to_owned();
    }
    let (from, to) = (brackets(list(doubles.keys())), brackets(list(doubles.values())));
    format!("transform(rel, {from}, {to}, rel)")
}

/// A text of each event's issue.
fn text_of_issue(searched: &Searched<'_>, field: &Field) -> String {
    let mut ids: Vec<i64> = searched.issues.keys().copied().collect();
    ids.sort_unstable();
    if ids.is_empty() {
        return "''".to_owned();
    }
    let text = |id: &i64| {
        let issue = searched.issue(*id);
        literal(issue.and_then(|issue| of_issue(&issue, field)).map(Untrusted::into_raw).unwrap_or_default().as_str())
    };
    let (from, to) = (brackets(list(&ids)), brackets(list(ids.iter().map(text))));
    format!("transform(issue, {from}, {to}, '')")
}

fn brackets(list: String) -> String {
    format!("[{}]", list.trim_start_matches('(').strip_suffix(')').unwrap_or_default())
}

impl Moment {
    /// The values of one row.
    pub(super) fn row_values(
        &mut self,
        searched: &Searched<'_>,
        known: &IssueRow,
        stored: &Stored,
        fields: &[Field],
    ) -> Result<Vec<Value>, StoreError> {
        let event = json_to_event(&stored.json, stored.id, moment(stored.ts));
        let issue = searched.issue(known.id).ok_or(StoreError::Invalid("a row of no issue"))?;
        fields.iter().map(|field| self.row_value(searched, known, (&issue, &event, stored), field)).collect()
    }

    fn row_value(
        &mut self,
        searched: &Searched<'_>,
        known: &IssueRow,
        (issue, event, stored): (&Issue, &Event, &Stored),
        field: &Field,
    ) -> Result<Value, StoreError> {
        Ok(match field {
            Field::User => match stored.user {
                0 => Value::None,
                user => Value::Text(self.pseudonym(user)?.into()),
            },
            Field::Tag(key) => self.tag_of(known, stored, key)?,
            Field::TimesSeen | Field::UserCount | Field::FirstSeen | Field::LastSeen | Field::FirstRelease => {
                self.number_of_issue(searched, known, field)?
            }
            Field::Function => text(crash_frame(event).and_then(|frame| frame.function.clone())),
            Field::File => text(crash_frame(event).and_then(|frame| frame.file.clone())),
            Field::Module => text(crash_frame(event).and_then(|frame| frame.module.clone())),
            other => of_event(event, issue, other),
        })
    }

    fn tag_of(&self, known: &IssueRow, stored: &Stored, key: &Untrusted) -> Result<Value, StoreError> {
        let sql = format!(
            "SELECT tags[{}] FROM event WHERE project={} AND issue={} AND ts={} AND id={} LIMIT 1",
            literal(key.raw()),
            known.project,
            known.id,
            stored.ts,
            super::test::id(stored.id),
        );
        let found = self.fact::<(String,)>(&sql)?.map(|(text,)| text).filter(|text| !text.is_empty());
        Ok(text(found.map(Into::into)))
    }

    fn number_of_issue(
        &mut self,
        searched: &Searched<'_>,
        known: &IssueRow,
        field: &Field,
    ) -> Result<Value, StoreError> {
        let history = self.history(known, &searched.bounds)?;
        let counts = self.count(known, &EventFilter::of(&searched.bounds, None), None)?;
        let time = |at: Option<i64>| at.map_or(Value::None, |at| Value::Time(moment(at)));
        Ok(match field {
            Field::TimesSeen => Value::Count(counts.events),
            Field::UserCount => Value::Count(counts.users),
            Field::FirstSeen => time(history.iter().map(|cell| cell.first).min()),
            Field::LastSeen => time(history.iter().map(|cell| cell.last).max()),
            _ => {
                let first = first_and_last(&history, &searched.releases).0;
                text(first.and_then(|first| searched.releases.name(first)))
            }
        })
    }

    /// The values of one group: its key, then what was computed.
    pub(super) fn group_values(
        &self,
        searched: &Searched<'_>,
        by: &[Part],
        row: &[Json],
        query: &SearchQuery,
    ) -> Result<Vec<Value>, StoreError> {
        let mut values = Vec::new();
        for (part, key) in by.iter().zip(row) {
            values.push(self.key_value(searched, part, key)?);
        }
        for (aggregate, computed) in query.aggregate.iter().zip(row.iter().skip(by.len())) {
            values.push(match aggregate {
                Aggregate::Count | Aggregate::CountUnique(_) => {
                    Value::Count(computed.as_u64().ok_or_else(|| corrupt("count"))?)
                }
                Aggregate::FirstSeen | Aggregate::LastSeen => {
                    Value::Time(moment(computed.as_i64().ok_or_else(|| corrupt("time"))?))
                }
            });
        }
        Ok(values)
    }

    fn key_value(&self, searched: &Searched<'_>, part: &Part, key: &Json) -> Result<Value, StoreError> {
        let number = || key.as_i64().or_else(|| key.as_bool().map(i64::from)).ok_or_else(|| corrupt("group"));
        let id = || Ok::<_, StoreError>(u32::try_from(number()?).unwrap_or(0));
        Ok(match part.kind {
            Kind::Text | Kind::Id => text(key.as_str().filter(|text| !text.is_empty()).map(Into::into)),
            Kind::Time(size) => Value::Time(moment(number()?.saturating_mul(size))),
            Kind::Level => Value::Text(level_of(number()?).as_str().into()),
            Kind::Unhandled => Value::Bool(number()? == 1),
            Kind::Release => text(searched.releases.name(id()?)),
            Kind::Environment => match id()? {
                0 => Value::None,
                env => Value::Text(self.environment_name(env)?),
            },
            Kind::User => match id()? {
                0 => Value::None,
                user => Value::Text(self.pseudonym(user)?.into()),
            },
        })
    }
}

/// A field that the event, or its issue, tells by itself.
fn of_event(event: &Event, issue: &Issue, field: &Field) -> Value {
    match field {
        Field::EventId => Value::Text(event.id.to_string().into()),
        Field::Timestamp => Value::Time(event.timestamp),
        Field::Level => Value::Text(event.level.as_str().into()),
        Field::Unhandled => Value::Bool(event.unhandled()),
        Field::Type => text(event.exceptions.first().and_then(|e| e.ty.clone()).or_else(|| issue.ty.clone())),
        Field::Value => {
            let own = event.exceptions.first().and_then(|e| e.value.clone()).or_else(|| event.message.clone());
            text(own.or_else(|| issue.value.clone()))
        }
        Field::Transaction => text(event.transaction.clone()),
        Field::Release => text(event.release.clone()),
        Field::Environment => text(event.environment.clone()),
        Field::Platform => text(event.platform.clone()),
        Field::Trace => text(event.trace_id.clone()),
        Field::Replay => text(event.replay_id.map(|id| id.to_string().into())),
        other => text(of_issue(issue, other)),
    }
}

fn text(text: Option<Untrusted>) -> Value {
    text.map_or(Value::None, Value::Text)
}
