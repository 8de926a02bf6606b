//! Conditions on events, made ready.
//! It uses `rusqlite` and the packed forms.
//! It never puts a text into SQL: parameters alone.

use roaring::RoaringBitmap;
use rusqlite::params;

use super::super::{
    engine::{pool::Snapshot, scope::ResolvedScope},
    release::releases::Releases,
};
pub(in crate::backend::embedded::read) use crate::answers::Of;
use crate::{
    answers::{self, fitting, levels_of, times_of, truth_of},
    backend::embedded::{
        pack::{Head, Rest, UNHANDLED, digest64, level_of},
        write::Word,
    },
    guard::show_user,
    model::{EventId, Level, Untrusted},
    store::{Field, Op, StoreError, Term, Test},
};

/// Conditions, by what they are tested on.
pub(in crate::backend::embedded::read) type Filter<'q> = answers::Filter<'q, EventTest>;

/// What an event must fulfil.
pub(in crate::backend::embedded) struct EventTest {
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
        bounds: &ResolvedScope,
        releases: &Releases,
    ) -> Result<Filter<'q>, StoreError> {
        answers::ready(self, terms, of, bounds, releases)
    }

    /// Makes conditions on events ready.
    pub(in crate::backend::embedded::read) fn event_test(
        &self,
        terms: &[&Term],
        bounds: &ResolvedScope,
        releases: &Releases,
    ) -> Result<EventTest, StoreError> {
        let check = |term: &&Term| {
            let check = match &term.test {
                Test::Field { field, op, values } => self.check(field, *op, values, bounds, releases)?,
                Test::Has(field) => self.check_has(field)?,
                Test::Text(_) | Test::Status(_) | Test::Change(_) => Check::Always(true),
            };
            Ok((term.negated, check))
        };
        Ok(EventTest { checks: terms.iter().map(check).collect::<Result<_, StoreError>>()? })
    }

    fn check(
        &self,
        field: &Field,
        op: Op,
        values: &[Untrusted],
        bounds: &ResolvedScope,
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
