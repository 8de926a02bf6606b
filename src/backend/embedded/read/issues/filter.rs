//! Conditions, made ready: what an issue must fulfil, and what its events must.
//! It uses `rusqlite` and the packed forms.
//! It never puts a text into SQL: parameters alone.

use roaring::RoaringBitmap;
use rusqlite::params;

use super::super::{
    engine::{
        pattern::{Pattern, text_fits, times_of},
        pool::Snapshot,
        scope::Bounds,
    },
    release::releases::Releases,
};
use super::mentions::mention_of;
use crate::{
    backend::embedded::{
        pack::{Head, Rest, UNHANDLED, digest64, level_of},
        write::Word,
    },
    guard::show_user,
    model::{EventId, Level, Untrusted},
    store::{Field, Op, StoreError, Term, Test},
};

/// Whether conditions speak of issues or of events where both have the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::embedded::read) enum Of {
    Issues,
    Events,
}

/// Conditions, by what they are tested on.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct Filter<'q> {
    /// On issues.
    pub(in crate::backend::embedded::read) issue: Vec<&'q Term>,
    /// Numbers of the issues that fit the texts, each condition its own set.
    pub(in crate::backend::embedded::read) texts: Vec<(bool, RoaringBitmap)>,
    /// On events.
    pub(in crate::backend::embedded::read) event: Option<EventTest>,
}

/// What an event must fulfil.
pub(in crate::backend::embedded::read) struct EventTest {
    checks: Vec<(bool, Check)>,
}

/// A column of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::embedded::read) enum Column {
    Release,
    Environment,
    User,
    Platform,
    Transaction,
    Tag(u32),
}

enum Check {
    In(Column, RoaringBitmap),
    Has(Column),
    Time(Vec<(i64, i64)>),
    Level(Vec<Level>),
    Unhandled(bool),
    Replay(Vec<u64>),
    Trace(Vec<u64>),
    HasReplay,
    HasTrace,
    Seq(Vec<i64>),
    /// The same for all events.
    Always(bool),
}

impl Column {
    /// The id in that row; 0 for none.
    pub(in crate::backend::embedded::read) fn id(self, head: &Head, rest: Option<&Rest>, row: usize) -> u32 {
        match self {
            Self::Release => head.rel[row],
            Self::Environment => head.env[row],
            Self::User => head.user[row],
            Self::Platform => rest.map_or(0, |rest| rest.platform[row]),
            Self::Transaction => rest.map_or(0, |rest| rest.transaction[row]),
            Self::Tag(key) => rest.map_or(0, |rest| rest.tag(key, row)),
        }
    }

    /// Whether it is among the columns kept apart.
    pub(in crate::backend::embedded::read) fn in_rest(self) -> bool {
        matches!(self, Self::Platform | Self::Transaction | Self::Tag(_))
    }
}

impl EventTest {
    pub(in crate::backend::embedded::read) fn needs_rest(&self) -> bool {
        self.checks.iter().any(|(_, check)| match check {
            Check::In(column, _) | Check::Has(column) => column.in_rest(),
            Check::Replay(_) | Check::Trace(_) | Check::HasTrace => true,
            _ => false,
        })
    }

    pub(in crate::backend::embedded::read) fn holds(&self, head: &Head, rest: Option<&Rest>, row: usize) -> bool {
        self.checks.iter().all(|(negated, check)| check.holds(head, rest, row) != *negated)
    }
}

impl Check {
    fn holds(&self, head: &Head, rest: Option<&Rest>, row: usize) -> bool {
        match self {
            Self::In(column, ids) => ids.contains(column.id(head, rest, row)),
            Self::Has(column) => column.id(head, rest, row) != 0,
            Self::Time(ranges) => ranges.iter().any(|(lo, hi)| (lo..=hi).contains(&&head.ts[row])),
            Self::Level(levels) => levels.contains(&level_of(head.bits[row])),
            Self::Unhandled(wanted) => (head.bits[row] & UNHANDLED != 0) == *wanted,
            Self::Replay(ids) => rest.is_some_and(|rest| ids.contains(&rest.replay[row])),
            Self::Trace(ids) => rest.is_some_and(|rest| ids.contains(&rest.trace[row])),
            Self::HasReplay => head.bits[row] & crate::backend::embedded::pack::REPLAY != 0,
            Self::HasTrace => rest.is_some_and(|rest| rest.trace[row] != 0),
            Self::Seq(seqs) => seqs.contains(&head.seq[row]),
            Self::Always(holds) => *holds,
        }
    }
}

impl Snapshot<'_> {
    /// Makes conditions ready.
    pub(in crate::backend::embedded::read) fn filter<'q>(
        &self,
        terms: &'q [Term],
        of: Of,
        bounds: &Bounds,
        releases: &Releases,
    ) -> Result<Filter<'q>, StoreError> {
        let mut filter = Filter::default();
        let mut checks = Vec::new();
        for term in terms {
            match &term.test {
                Test::Text(text) => filter.texts.push((term.negated, self.issues_with(text)?)),
                Test::Status(_) | Test::Change(_) => filter.issue.push(term),
                Test::Field { field, op, values } if mention_of(field).is_some() => {
                    let ids = mention_of(field).map(|kind| self.issues_mentioning(kind, *op, values)).transpose()?;
                    filter.texts.push((term.negated, ids.unwrap_or_default()));
                }
                Test::Has(field) if field.is_of_frames() => {
                    let ids = mention_of(field).map(|kind| self.issues_with_any(kind)).transpose()?;
                    filter.texts.push((term.negated, ids.unwrap_or_default()));
                }
                Test::Field { field, .. } | Test::Has(field) if of_issue(field, of) => filter.issue.push(term),
                Test::Field { field, op, values } => {
                    checks.push((term.negated, self.check(field, *op, values, bounds, releases)?));
                }
                Test::Has(field) => checks.push((term.negated, self.check_has(field)?)),
            }
        }
        filter.event = (!checks.is_empty()).then_some(EventTest { checks });
        Ok(filter)
    }

    fn check(
        &self,
        field: &Field,
        op: Op,
        values: &[Untrusted],
        bounds: &Bounds,
        releases: &Releases,
    ) -> Result<Check, StoreError> {
        let texts = values.iter().map(Untrusted::raw);
        let words = |kind, parent| Ok::<_, StoreError>(fitting(self.words(kind, parent)?, op, values));
        Ok(match field {
            Field::Release => Check::In(Column::Release, releases.fitting(op, values)),
            Field::Environment => Check::In(Column::Environment, words(Word::Environment, 0)?),
            Field::Platform => Check::In(Column::Platform, words(Word::Platform, 0)?),
            Field::Transaction => Check::In(Column::Transaction, words(Word::Transaction, 0)?),
            Field::User => Check::In(Column::User, self.users_named(values)?),
            Field::Tag(key) => match self.word_id(Word::TagKey, 0, key.raw())? {
                Some(key) => Check::In(Column::Tag(key), words(Word::TagValue, key)?),
                None => Check::Always(false),
            },
            Field::Timestamp => {
                let now = (bounds.hi != i64::MAX).then_some(bounds.hi);
                Check::Time(texts.map(|text| times_of(op, text, now)).collect::<Result<_, _>>()?)
            }
            Field::Level => Check::Level(levels_of(op, values)?),
            Field::Unhandled => Check::Unhandled(truth_of(values)?),
            Field::Replay => {
                let ids = texts.filter_map(|text| text.parse::<EventId>().ok());
                Check::Replay(ids.map(|id| (id.0 >> 64) as u64).collect())
            }
            Field::Trace => Check::Trace(texts.map(digest64).collect()),
            Field::EventId => {
                let ids = texts.filter_map(|text| text.parse::<EventId>().ok());
                Check::Seq(ids.filter_map(|id| self.seq_of(id, bounds).transpose()).collect::<Result<_, _>>()?)
            }
            _ => return Err(StoreError::Invalid("this field is one of issues, not of events")),
        })
    }

    fn check_has(&self, field: &Field) -> Result<Check, StoreError> {
        Ok(match field {
            Field::Release => Check::Has(Column::Release),
            Field::Environment => Check::Has(Column::Environment),
            Field::Platform => Check::Has(Column::Platform),
            Field::Transaction => Check::Has(Column::Transaction),
            Field::User => Check::Has(Column::User),
            Field::Tag(key) => match self.word_id(Word::TagKey, 0, key.raw())? {
                Some(key) => Check::Has(Column::Tag(key)),
                None => Check::Always(false),
            },
            Field::Replay => Check::HasReplay,
            Field::Trace => Check::HasTrace,
            _ => Check::Always(true),
        })
    }

    /// Users by pseudonym, by its beginning with `*`, or by who they are: that is hashed before it is compared.
    fn users_named(&self, values: &[Untrusted]) -> Result<RoaringBitmap, StoreError> {
        let mut users = RoaringBitmap::new();
        for value in values {
            let asked = value.raw();
            let kinds = ["id:", "email:", "username:", "ip:"];
            let asked = kinds.iter().find_map(|kind| asked.strip_prefix(kind)).unwrap_or(asked);
            let digits = asked.to_ascii_lowercase().strip_prefix("user-").map(str::to_owned).filter(|rest| {
                let digits = rest.trim_end_matches('*');
                let whole = digits.len() == 12 || rest.ends_with('*');
                digits.len() <= 12 && whole && digits.bytes().all(|b| b.is_ascii_hexdigit())
            });
            let digits = match digits {
                Some(digits) => digits.trim_end_matches('*').to_owned(),
                None => {
                    let shown = show_user(&self.scrubber.pseudonyms().user(&asked.into()));
                    shown.trim_start_matches("user-").to_owned()
                }
            };
            let sql = "SELECT id FROM user WHERE key>=unhex(?1) AND key<=unhex(?2) AND lower(hex(key)) LIKE ?3";
            let pad = |digit: &str| format!("{digits}{}", digit.repeat(32 - digits.len()));
            let mut statement = self.conn.prepare_cached(sql)?;
            let ids =
                statement.query_map(params![pad("0"), pad("f"), format!("{digits}%")], |row| row.get::<_, u32>(0))?;
            for id in ids {
                users.insert(id?);
            }
        }
        Ok(users)
    }
}

/// Whether a field is one of issues; `level` and `error.unhandled` are of both.
fn of_issue(field: &Field, of: Of) -> bool {
    match field {
        Field::Level | Field::Unhandled => of == Of::Issues,
        Field::Issue
        | Field::Project
        | Field::Title
        | Field::Type
        | Field::Value
        | Field::Culprit
        | Field::TimesSeen
        | Field::UserCount
        | Field::FirstSeen
        | Field::LastSeen
        | Field::FirstRelease => true,
        _ => false,
    }
}

fn fitting(words: Vec<(u32, String)>, op: Op, values: &[Untrusted]) -> RoaringBitmap {
    if op == Op::Is {
        let patterns: Vec<Pattern> = values.iter().map(|value| Pattern::new(value.raw())).collect();
        let fits = |text: &str| patterns.iter().any(|pattern| pattern.fits(text));
        return words.into_iter().filter(|(_, text)| fits(text)).map(|(id, _)| id).collect();
    }
    let fits = |text: &str| values.iter().any(|value| text_fits(op, value.raw(), text));
    words.into_iter().filter(|(_, text)| fits(text)).map(|(id, _)| id).collect()
}

/// The levels that a condition takes.
pub(in crate::backend::embedded::read) fn levels_of(op: Op, values: &[Untrusted]) -> Result<Vec<Level>, StoreError> {
    let mut levels = Vec::new();
    for value in values {
        let asked =
            Level::parse(value.raw()).ok_or(StoreError::Invalid("levels are debug, info, warning, error and fatal"))?;
        let all = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Fatal];
        levels.extend(all.into_iter().filter(|level| super::super::engine::pattern::allows(op, level.cmp(&asked))));
    }
    Ok(levels)
}

/// What a condition that is true or false asks for.
pub(in crate::backend::embedded::read) fn truth_of(values: &[Untrusted]) -> Result<bool, StoreError> {
    match values.first().map(|value| value.raw().to_ascii_lowercase()).as_deref() {
        Some("true" | "1" | "yes") | None => Ok(true),
        Some("false" | "0" | "no") => Ok(false),
        _ => Err(StoreError::Invalid("this field is true or false")),
    }
}
