//! The values of a search: of single rows from their bodies, of groups from columns.
//! It uses the packed forms.
//! It never guesses a value: what isn't there is none.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use super::super::{
    engine::{chunks::Unpack, known::IssueRow, pool::Snapshot},
    issues::filter::Column,
    release::releases::first_and_last,
};
use super::searched::Searched;
use crate::{
    answers::{crash_frame, of_issue},
    backend::embedded::{
        body::body_to_event,
        pack::{DAY_US, HOUR_US, Head, Rest, UNHANDLED, level_of, moment},
        write::Word,
    },
    model::{Event, Issue, Level, Untrusted},
    store::{Aggregate, Field, Grouper, SearchQuery, StoreError, Value},
};

/// Issues that rows of one page share.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct Table {
    issues: HashMap<i64, Issue>,
}

/// How groups are told apart by one part of their key.
#[derive(Clone)]
enum Part {
    Column(Column),
    /// A number for each issue; issues of the same text share one.
    OfIssue(HashMap<i64, u64>),
    /// A release; those of several projects with one name are the first of the name.
    OfRelease(HashMap<u32, u32>),
    Level,
    Unhandled,
    Replay,
    Trace,
    /// The event itself.
    Event,
    Time(i64),
    /// The same for all.
    One,
}

impl Part {
    fn key(&self, known: &IssueRow, head: &Head, rest: Option<&Rest>, row: usize) -> u64 {
        match self {
            Self::Column(column) => u64::from(column.id(head, rest, row)),
            Self::OfIssue(numbers) => numbers.get(&known.id).copied().unwrap_or(0),
            Self::OfRelease(numbers) => {
                let id = Column::Release.id(head, rest, row);
                u64::from(numbers.get(&id).copied().unwrap_or(id))
            }
            Self::Level => level_of(head.bits[row]) as u64,
            Self::Unhandled => u64::from(head.bits[row] & UNHANDLED != 0),
            Self::Replay => rest.map_or(0, |rest| rest.replay[row]),
            Self::Trace => rest.map_or(0, |rest| rest.trace[row]),
            Self::Event => head.seq[row] as u64,
            Self::Time(size) => head.ts[row].div_euclid(*size) as u64,
            Self::One => 0,
        }
    }

    fn in_rest(&self) -> bool {
        match self {
            Self::Column(column) => column.in_rest(),
            Self::Replay | Self::Trace => true,
            _ => false,
        }
    }

    /// Whether 0 stands for "none", which is no value to be counted.
    fn zero_is_none(&self) -> bool {
        matches!(self, Self::Column(_) | Self::OfRelease(_) | Self::Replay | Self::Trace)
    }
}

/// What one group came to.
struct Sum {
    count: u64,
    first: i64,
    last: i64,
    unique: Vec<HashSet<u64>>,
    /// One of its events.
    seq: i64,
    issue: i64,
}

/// One group: its key and what it came to.
pub(in crate::backend::embedded::read) struct Group {
    key: Vec<u64>,
    count: u64,
    first: i64,
    last: i64,
    unique: Vec<u64>,
    seq: i64,
    issue: i64,
}

/// Groups while they are counted.
pub(in crate::backend::embedded::read) struct Grouping {
    by: Vec<Part>,
    unique: Vec<Part>,
    groups: HashMap<Vec<u64>, Sum>,
}

impl Grouping {
    pub(in crate::backend::embedded::read) fn new(
        snapshot: &mut Snapshot<'_>,
        searched: &Searched<'_>,
        query: &SearchQuery,
    ) -> Result<Self, StoreError> {
        let mut by = Vec::new();
        for grouper in &query.group_by {
            by.push(match grouper {
                Grouper::Hour => Part::Time(HOUR_US),
                Grouper::Day => Part::Time(DAY_US),
                Grouper::Field(field) => snapshot.part(searched, field)?,
            });
        }
        let mut unique = Vec::new();
        for aggregate in &query.aggregate {
            if let Aggregate::CountUnique(field) = aggregate {
                unique.push(snapshot.part(searched, field)?);
            }
        }
        Ok(Self { by, unique, groups: HashMap::new() })
    }

    pub(in crate::backend::embedded::read) fn needs_rest(&self) -> bool {
        self.by.iter().chain(&self.unique).any(Part::in_rest)
    }

    pub(in crate::backend::embedded::read) fn see(
        &mut self,
        known: &IssueRow,
        head: &Head,
        rest: Option<&Rest>,
        row: usize,
    ) {
        let key: Vec<u64> = self.by.iter().map(|part| part.key(known, head, rest, row)).collect();
        let (ts, seq) = (head.ts[row], head.seq[row]);
        let sets = self.unique.len();
        let sum = self.groups.entry(key).or_insert_with(|| Sum {
            count: 0,
            first: ts,
            last: ts,
            unique: vec![HashSet::new(); sets],
            seq,
            issue: known.id,
        });
        sum.count += 1;
        (sum.first, sum.last) = (sum.first.min(ts), sum.last.max(ts));
        for (set, part) in sum.unique.iter_mut().zip(&self.unique) {
            let value = part.key(known, head, rest, row);
            if value != 0 || !part.zero_is_none() {
                set.insert(value);
            }
        }
    }

    /// The groups in order: by time where that is asked for, else by the first aggregate, greatest first.
    pub(in crate::backend::embedded::read) fn sorted(&mut self, query: &SearchQuery) -> (usize, Vec<Group>) {
        let take = |(key, sum): (Vec<u64>, Sum)| Group {
            key,
            count: sum.count,
            first: sum.first,
            last: sum.last,
            unique: sum.unique.iter().map(|set| set.len() as u64).collect(),
            seq: sum.seq,
            issue: sum.issue,
        };
        let mut groups: Vec<Group> = std::mem::take(&mut self.groups).into_iter().map(take).collect();
        let by_time = self.by.iter().position(|part| matches!(part, Part::Time(_)));
        let rank = |group: &Group| match query.aggregate.first() {
            Some(Aggregate::CountUnique(_)) => group.unique.first().map_or(0, |n| *n as i64),
            Some(Aggregate::FirstSeen) => group.first,
            Some(Aggregate::LastSeen) => group.last,
            Some(Aggregate::Count) | None => group.count as i64,
        };
        groups.sort_by(|a, b| {
            let time = by_time.map(|at| (a.key[at] as i64).cmp(&(b.key[at] as i64)));
            time.unwrap_or(std::cmp::Ordering::Equal)
                .then_with(|| rank(b).cmp(&rank(a)))
                .then_with(|| a.key.cmp(&b.key))
        });
        (groups.len(), groups)
    }
}

impl Snapshot<'_> {
    fn part(&mut self, searched: &Searched<'_>, field: &Field) -> Result<Part, StoreError> {
        Ok(match field {
            Field::Release => Part::OfRelease(searched.releases.doubles().clone()),
            Field::Environment => Part::Column(Column::Environment),
            Field::User => Part::Column(Column::User),
            Field::Platform => Part::Column(Column::Platform),
            Field::Transaction => Part::Column(Column::Transaction),
            Field::Tag(key) => match self.word_id(Word::TagKey, 0, key.raw())? {
                Some(key) => Part::Column(Column::Tag(key)),
                None => Part::Column(Column::Tag(0)),
            },
            Field::Level => Part::Level,
            Field::Unhandled => Part::Unhandled,
            Field::Replay => Part::Replay,
            Field::Trace => Part::Trace,
            Field::EventId => Part::Event,
            Field::Timestamp => Part::Time(1),
            Field::Issue | Field::Project | Field::Title | Field::Type | Field::Value | Field::Culprit => {
                self.issue_numbers(searched, field)?
            }
            Field::Function | Field::File | Field::Module => {
                return Err(StoreError::Unsupported(
                    "events can't be grouped by the frames of their stacks: group by culprit, or search stack.function",
                ));
            }
            Field::TimesSeen | Field::UserCount | Field::FirstSeen | Field::LastSeen | Field::FirstRelease => {
                return Err(StoreError::Unsupported(
                    "events can't be grouped by numbers of their issues: group by issue",
                ));
            }
        })
    }

    fn issue_numbers(&mut self, searched: &Searched<'_>, field: &Field) -> Result<Part, StoreError> {
        if searched.issues.is_empty() {
            return Ok(Part::One);
        }
        let mut by_text: HashMap<String, u64> = HashMap::new();
        let mut numbers = HashMap::new();
        for known in &searched.issues {
            let slug = searched.bounds.slug(known.project).unwrap_or_default();
            let issue = self.issue_text(known, slug, false)?;
            let text = of_issue(&issue, field).map(Untrusted::into_raw).unwrap_or_default();
            let next = by_text.len() as u64;
            numbers.insert(known.id, *by_text.entry(text).or_insert(next));
        }
        Ok(Part::OfIssue(numbers))
    }

    /// The values of one row.
    pub(in crate::backend::embedded::read) fn row_values(
        &mut self,
        searched: &Searched<'_>,
        table: &mut Table,
        seq: i64,
        issue: i64,
        fields: &[Field],
    ) -> Result<Vec<Value>, StoreError> {
        let known = searched.issues.iter().find(|known| known.id == issue);
        let known = known.ok_or(StoreError::Invalid("a row of no issue"))?;
        if let Entry::Vacant(vacant) = table.issues.entry(issue) {
            let slug = searched.bounds.slug(known.project).unwrap_or_default();
            vacant.insert(self.issue_text(known, slug, false)?);
        }
        let stored = self.stored(seq)?.ok_or(StoreError::Invalid("an event vanished while it was read"))?;
        let event = body_to_event(&stored.body, stored.id, moment(stored.ts))?;
        let facts = self.fact_of(known, seq, stored.ts)?;
        fields
            .iter()
            .map(|field| self.row_value(searched, &table.issues[&issue], known, &event, &facts, field))
            .collect()
    }

    /// One event's columns.
    fn fact_of(
        &mut self,
        known: &IssueRow,
        seq: i64,
        ts: i64,
    ) -> Result<crate::backend::embedded::pack::Fact, StoreError> {
        if let Some(fact) = known.tail.iter().find(|fact| fact.seq == seq) {
            return Ok(fact.clone());
        }
        let mut found = None;
        self.each_chunk(known.id, ts, ts, Unpack::All, |head, rest| {
            if let (Some(row), Some(rest)) = (head.seq.iter().position(|other| *other == seq), rest) {
                let columns = crate::backend::embedded::pack::Columns { head: head.clone(), rest: rest.clone() };
                found = Some(columns.fact(row));
            }
        })?;
        found.ok_or(StoreError::Invalid("an event without counts"))
    }

    fn row_value(
        &mut self,
        searched: &Searched<'_>,
        issue: &Issue,
        known: &IssueRow,
        event: &Event,
        fact: &crate::backend::embedded::pack::Fact,
        field: &Field,
    ) -> Result<Value, StoreError> {
        Ok(match field {
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
            Field::User => match fact.user {
                0 => Value::None,
                user => Value::Text(self.pseudonym(user)?.into()),
            },
            Field::Tag(key) => match self.word_id(Word::TagKey, 0, key.raw())? {
                Some(key) => match fact.tags.iter().find(|(own, _)| *own == key) {
                    Some((_, value)) => Value::Text(self.word(*value)?),
                    None => Value::None,
                },
                None => Value::None,
            },
            Field::Function => text(crash_frame(event).and_then(|frame| frame.function.clone())),
            Field::File => text(crash_frame(event).and_then(|frame| frame.file.clone())),
            Field::Module => text(crash_frame(event).and_then(|frame| frame.module.clone())),
            Field::Issue | Field::Project | Field::Title | Field::Culprit => text(of_issue(issue, field)),
            Field::TimesSeen | Field::UserCount | Field::FirstSeen | Field::LastSeen | Field::FirstRelease => {
                self.number_of_issue(searched, known, field)?
            }
        })
    }

    fn number_of_issue(
        &mut self,
        searched: &Searched<'_>,
        known: &IssueRow,
        field: &Field,
    ) -> Result<Value, StoreError> {
        let history = known.history(self, &searched.bounds)?;
        let counts = known.count(self, &super::super::engine::scope::EventFilter::of(&searched.bounds, None), None)?;
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
    pub(in crate::backend::embedded::read) fn group_values(
        &mut self,
        searched: &Searched<'_>,
        grouping: &Grouping,
        group: Group,
        query: &SearchQuery,
    ) -> Result<Vec<Value>, StoreError> {
        let mut values = Vec::new();
        for ((part, key), grouper) in grouping.by.iter().zip(&group.key).zip(&query.group_by) {
            values.push(self.key_value(searched, part, *key, grouper, &group)?);
        }
        let mut unique = group.unique.iter();
        for aggregate in &query.aggregate {
            values.push(match aggregate {
                Aggregate::Count => Value::Count(group.count),
                Aggregate::CountUnique(_) => Value::Count(unique.next().copied().unwrap_or(0)),
                Aggregate::FirstSeen => Value::Time(moment(group.first)),
                Aggregate::LastSeen => Value::Time(moment(group.last)),
            });
        }
        Ok(values)
    }

    fn key_value(
        &mut self,
        searched: &Searched<'_>,
        part: &Part,
        key: u64,
        grouper: &Grouper,
        group: &Group,
    ) -> Result<Value, StoreError> {
        let id = u32::try_from(key).unwrap_or(0);
        Ok(match part {
            Part::Time(size) => Value::Time(moment((key as i64).saturating_mul(*size))),
            Part::Column(_) | Part::Replay | Part::Trace if key == 0 => Value::None,
            Part::Column(Column::Release) | Part::OfRelease(_) => text(searched.releases.name(id)),
            Part::Column(Column::User) => Value::Text(self.pseudonym(id)?.into()),
            Part::Column(_) => Value::Text(self.word(id)?),
            Part::Level => Value::Text(level_named(key).as_str().into()),
            Part::Unhandled => Value::Bool(key == 1),
            Part::Event => Value::Text(self.id_of(key as i64)?.to_string().into()),
            Part::Replay | Part::Trace => self.value_in_body(part, group.seq)?,
            Part::OfIssue(_) | Part::One => {
                let (Grouper::Field(field), Some(known)) =
                    (grouper, searched.issues.iter().find(|known| known.id == group.issue))
                else {
                    return Ok(Value::None);
                };
                let slug = searched.bounds.slug(known.project).unwrap_or_default();
                text(of_issue(&self.issue_text(known, slug, false)?, field))
            }
        })
    }

    /// What columns hold only a digest of.
    fn value_in_body(&mut self, part: &Part, seq: i64) -> Result<Value, StoreError> {
        let Some(stored) = self.stored(seq)? else { return Ok(Value::None) };
        let event = body_to_event(&stored.body, stored.id, moment(stored.ts))?;
        Ok(match part {
            Part::Replay => text(event.replay_id.map(|id| id.to_string().into())),
            _ => text(event.trace_id),
        })
    }
}

fn level_named(key: u64) -> Level {
    crate::backend::embedded::pack::level_from_code(key as i64)
}

fn text(text: Option<Untrusted>) -> Value {
    text.map_or(Value::None, Value::Text)
}
