//! Conditions on events, as SQL.
//! It uses ClickHouse's SQL and the registry's numbers.
//! It never puts what was asked into SQL but as a literal.

use super::{history::places, moment::Moment};
use crate::{
    answers::{Releases, ResolvedScope, fitting, levels_of, times_of, truth_of},
    backend::cluster::clickhouse::{list, text, texts},
    guard::show_user,
    model::{EventId, Untrusted},
    store::{Field, Op, StoreError, Term, Test},
};

/// What an event must fulfil.
pub(in crate::backend::cluster) struct EventTest {
    pub(super) sql: String,
}

/// An id as a literal.
pub(super) fn id(id: EventId) -> String {
    format!("unhex('{:032x}')", id.0)
}

/// A column of texts.
pub(super) fn column(field: &Field) -> Option<String> {
    match field {
        Field::Platform => Some("platform".to_owned()),
        Field::Transaction => Some("transaction".to_owned()),
        Field::Tag(key) => Some(format!("tags[{}]", text(key.raw()))),
        _ => None,
    }
}

impl Moment {
    /// Makes conditions on events ready.
    pub(super) fn event_test(
        &self,
        terms: &[&Term],
        bounds: &ResolvedScope,
        releases: &Releases,
    ) -> Result<EventTest, StoreError> {
        let mut parts = Vec::with_capacity(terms.len());
        for term in terms {
            let part = match &term.test {
                Test::Field { field, op, values } => self.check(field, *op, values, bounds, releases)?,
                Test::Has(field) => has(field),
                Test::Text(_) | Test::Status(_) | Test::Change(_) => "true".to_owned(),
            };
            parts.push(if term.negated { format!("NOT ({part})") } else { format!("({part})") });
        }
        Ok(EventTest { sql: format!("({})", parts.join(" AND ")) })
    }

    fn check(
        &self,
        field: &Field,
        op: Op,
        values: &[Untrusted],
        bounds: &ResolvedScope,
        releases: &Releases,
    ) -> Result<String, StoreError> {
        let raw = || values.iter().map(Untrusted::raw);
        let ids = || list(raw().filter_map(|text| text.parse::<EventId>().ok()).map(id));
        if let Some(column) = column(field) {
            return self.fits(&column, op, values, bounds);
        }
        Ok(match field {
            Field::Release => within("rel", list(releases.fitting(op, values))),
            Field::Environment => within("env", list(fitting(self.environment_names()?, op, values))),
            Field::User => within("user", list(self.users_named(values)?)),
            Field::Timestamp => {
                let now = (bounds.hi != i64::MAX).then_some(bounds.hi);
                let times: Result<Vec<(i64, i64)>, _> = raw().map(|text| times_of(op, text, now)).collect();
                let times: Vec<String> = times?.iter().map(|(lo, hi)| format!("ts BETWEEN {lo} AND {hi}")).collect();
                if times.is_empty() { "false".to_owned() } else { times.join(" OR ") }
            }
            Field::Level => within("level", list(levels_of(op, values)?.into_iter().map(|level| level as u8))),
            Field::Unhandled => format!("unhandled={}", truth_of(values)?),
            Field::Replay => format!("replayed AND {}", within("replay", ids())),
            Field::Trace => within(
                "lower(trace)",
                texts(raw().map(str::to_ascii_lowercase).collect::<Vec<_>>().iter().map(String::as_str)),
            ),
            Field::EventId => within("id", ids()),
            _ => return Err(StoreError::Invalid("this field is one of issues, not of events")),
        })
    }

    /// A condition on texts: the different ones are compared by the rule that all stores have.
    fn fits(&self, column: &str, op: Op, values: &[Untrusted], bounds: &ResolvedScope) -> Result<String, StoreError> {
        let sql = format!("SELECT DISTINCT {column} AS text FROM event WHERE {} AND text!=''", places(bounds));
        let known: Vec<String> = self.facts::<(String,)>(&sql)?.into_iter().map(|(text,)| text).collect();
        let numbered = known.iter().cloned().zip(0_u32..).map(|(text, place)| (place, text)).collect();
        let taken = fitting(numbered, op, values);
        Ok(within(column, texts(taken.iter().filter_map(|place| known.get(place as usize)).map(String::as_str))))
    }

    /// Users by pseudonym, by its beginning with `*`, or by who they are: that is hashed before it is compared.
    fn users_named(&self, values: &[Untrusted]) -> Result<Vec<u32>, StoreError> {
        let mut users = Vec::new();
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
                    let shown = show_user(&self.databases.pseudonyms.user(&asked.into()));
                    shown.trim_start_matches("user-").to_owned()
                }
            };
            let bound = |digit: &str| format!("{digits}{}", digit.repeat(32 - digits.len()));
            let sql = "SELECT id FROM person WHERE key BETWEEN decode($1, 'hex') AND decode($2, 'hex')";
            let rows = self.rows(sql, &[&bound("0"), &bound("f")])?;
            users.extend(rows.iter().map(|row| row.get::<_, i32>(0) as u32));
        }
        Ok(users)
    }
}

fn within(column: &str, list: String) -> String {
    // An empty list is `(NULL)`: nothing is within it, and nothing is outside it either.
    if list == "(NULL)" { "false".to_owned() } else { format!("{column} IN {list}") }
}

fn has(field: &Field) -> String {
    match field {
        Field::Release => "rel!=0".to_owned(),
        Field::Environment => "env!=0".to_owned(),
        Field::User => "user!=0".to_owned(),
        Field::Replay => "replayed".to_owned(),
        Field::Trace => "trace!=''".to_owned(),
        other => column(other).map_or("true".to_owned(), |column| format!("{column}!=''")),
    }
}
