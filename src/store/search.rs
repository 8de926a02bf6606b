//! Sentry's issue search syntax, read into [`Term`]s.
//! It uses `model` alone.
//! It never panics on a text and never drops a part of it in silence.
//!
//! Words and `"phrases"`; `key:value`, `key:"a value"`, `key:[a, b]`, `key:>3`, each negated by `!`; `has:key`;
//! `is:` with a status, a kind of change, `handled` or `unhandled`; `*` in values; times such as `-24h` (in the last
//! 24 hours) and `+1w` (longer ago than a week); `NOT` before a condition. All conditions must hold: `OR` and groups are
//! refused, as Sentry's own search of issues refuses them. A day in a comparison is its first moment, as in Sentry.

use super::{Field, Op, Term, Test};
use crate::model::{Change, EventId, Level, Status, Timestamp, Untrusted};

/// Longest text that is read.
const LONGEST: usize = 2000;

/// Why a text is no search, in the program's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {problem}")]
pub struct SearchError {
    /// Which character, from 1.
    pub at: usize,
    /// What is wrong, and what would be right.
    pub problem: &'static str,
}

/// Reads a search. Relative times count from `now`.
///
/// # Errors
/// [`SearchError`] says where and what.
pub fn parse_search(text: &str, now: Timestamp) -> Result<Vec<Term>, SearchError> {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, now, terms: Vec::new() };
    if reader.chars.len() > LONGEST {
        return Err(SearchError { at: LONGEST, problem: "the search is longer than 2000 characters" });
    }
    while reader.skip_spaces() {
        reader.term()?;
    }
    Ok(reader.terms)
}

/// Fields of Sentry that nothing here keeps.
const NOT_KEPT: [&str; 8] = [
    "assigned",
    "assigned_or_suggested",
    "bookmarks",
    "subscribed",
    "issue.priority",
    "issue.category",
    "issue.type",
    "release.version",
];

const NOT_KEPT_PROBLEM: &str = "this field is not kept here; kept are level, title, error.type, error.value, culprit, transaction, \
     release, environment, user, error.unhandled, platform, timestamp, firstSeen, lastSeen, timesSeen, userCount, \
     firstRelease, stack.function, stack.filename, stack.module, and tags by name";

struct Reader {
    chars: Vec<char>,
    at: usize,
    now: Timestamp,
    terms: Vec<Term>,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip_spaces(&mut self) -> bool {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.peek().is_some()
    }

    fn wrong<T>(&self, at: usize, problem: &'static str) -> Result<T, SearchError> {
        Err(SearchError { at: at + 1, problem })
    }

    /// One condition, from its first character.
    fn term(&mut self) -> Result<(), SearchError> {
        let start = self.at;
        let negated = self.peek() == Some('!') && self.chars.get(start + 1).is_some_and(|c| !c.is_whitespace());
        if negated {
            self.at += 1;
        }
        if let Some(key) = self.key() {
            return self.condition(start, negated, &key);
        }
        let text = match self.peek() {
            Some('"') => self.quoted()?,
            Some('(') if self.is_group() => return self.wrong(start, GROUPS),
            _ => self.word(),
        };
        if self.chars[start] != '"' {
            match text.to_ascii_uppercase().as_str() {
                "OR" | "||" => return self.wrong(start, ALTERNATIVES),
                "AND" | "&&" | "" => return Ok(()),
                "NOT" if text == "NOT" => return self.negation(start),
                _ if is_function(&text) => return self.wrong(start, FUNCTIONS),
                _ => {}
            }
        }
        let is_id = text.parse::<EventId>().is_ok();
        let test = match is_id {
            true => Test::Field { field: Field::EventId, op: Op::Is, values: vec![text.into()] },
            false => Test::Text(text.into()),
        };
        self.terms.push(Term { negated, test });
        Ok(())
    }

    /// `NOT key:value`: the next condition, turned round.
    fn negation(&mut self, start: usize) -> Result<(), SearchError> {
        let before = self.terms.len();
        if self.skip_spaces() {
            self.term()?;
        }
        match &mut self.terms[before..] {
            [one] => one.negated = !one.negated,
            _ => return self.wrong(start, "NOT takes one condition after it, such as NOT level:warning"),
        }
        Ok(())
    }

    /// The key before a `:` that has a value right after it. Else nothing is read.
    fn key(&mut self) -> Option<String> {
        let start = self.at;
        let mut end = start;
        if self.chars[start..].starts_with(&['t', 'a', 'g', 's', '[']) {
            end = start + self.chars[start..].iter().position(|c| *c == ']')? + 1;
        } else {
            while self.chars.get(end).is_some_and(|c| c.is_alphanumeric() || "._-@$".contains(*c)) {
                end += 1;
            }
        }
        let value = |i: usize| self.chars.get(i).copied();
        let is_url = value(end + 1) == Some('/') && value(end + 2) == Some('/');
        if end == start || value(end) != Some(':') || value(end + 1) == Some(':') || is_url {
            return None;
        }
        let key: String = self.chars[start..end].iter().collect();
        let known = Field::parse(&key).is_some_and(|f| !matches!(f, Field::Tag(_)))
            || ["is", "has", "status"].contains(&key.as_str());
        if value(end + 1).is_none_or(char::is_whitespace) && !known {
            return None;
        }
        self.at = end + 1;
        Some(key)
    }

    /// A group holds conditions or alternatives; other parentheses belong to a text.
    fn is_group(&self) -> bool {
        let rest: String = self.chars[self.at..].iter().take_while(|c| **c != ')').collect();
        rest.contains(':') || rest.split_whitespace().any(|word| word == "OR" || word == "AND")
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| !c.is_whitespace()) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// A quoted text; a backslash keeps the next quote or backslash.
    fn quoted(&mut self) -> Result<String, SearchError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' if matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                other => text.push(other),
            }
        }
        self.wrong(start, "this quote is not closed")
    }

    fn condition(&mut self, start: usize, negated: bool, key: &str) -> Result<(), SearchError> {
        let unknown_part = key.starts_with("stack.") && matches!(Field::parse(key), Some(Field::Tag(_)) | None);
        if NOT_KEPT.contains(&key) || unknown_part {
            return self.wrong(start, NOT_KEPT_PROBLEM);
        }
        let (op, values) = self.operand()?;
        let values_say_default = values.iter().any(|value| value == "default");
        let lower = key.to_ascii_lowercase();
        let tests = match (lower.as_str(), op) {
            ("is" | "status", Op::Is) if values.len() == 1 => vec![self.is(start, &values[0])?],
            ("has", Op::Is) if values.len() == 1 => vec![self.has(start, &values[0])?],
            ("is" | "has", _) => return self.wrong(start, "is: and has: take one word"),
            ("event.type", Op::Is) => vec![self.kind(start, &values)?],
            ("error.handled", Op::Is) => vec![self.handled(start, &values)?],
            _ => self.field(start, negated, key, op, values)?,
        };
        // What is no error is what has no exception.
        let negated = negated != (lower == "event.type" && values_say_default);
        self.terms.extend(tests.into_iter().map(|test| Term { negated, test }));
        Ok(())
    }

    /// `event.type:error` has an exception, `event.type:default` has none; other kinds are not events here.
    fn kind(&self, at: usize, values: &[String]) -> Result<Test, SearchError> {
        match values {
            [one] if ["error", "default"].contains(&one.as_str()) => Ok(Test::Has(Field::Type)),
            _ => self.wrong(at, "event.type is error (an exception) or default (a message)"),
        }
    }

    /// What follows the colon: an operator, then a value, a quoted value or a list.
    fn operand(&mut self) -> Result<(Op, Vec<String>), SearchError> {
        let start = self.at;
        let ops = [(">=", Op::AtLeast), ("<=", Op::AtMost), (">", Op::Greater), ("<", Op::Less)];
        let rest: String = self.chars[self.at..].iter().take(2).collect();
        let (sign, op) = ops.into_iter().find(|(sign, _)| rest.starts_with(sign)).unwrap_or(("", Op::Is));
        self.at += sign.len();
        let values = match self.peek() {
            None => return self.wrong(start, "a value must follow the colon"),
            Some(c) if c.is_whitespace() => {
                return self.wrong(start, "the value must follow the colon without a space");
            }
            Some('"') => vec![self.quoted()?],
            Some('[') => self.list()?,
            Some('(') => return self.wrong(start, GROUPS),
            Some(_) => vec![self.word()],
        };
        if values.is_empty() || (op != Op::Is && values.len() > 1) {
            return self.wrong(start, "a comparison takes one value, a list at least one");
        }
        Ok((op, values))
    }

    fn list(&mut self) -> Result<Vec<String>, SearchError> {
        let start = self.at;
        self.at += 1;
        let mut values = Vec::new();
        loop {
            if !self.skip_spaces() {
                return self.wrong(start, "this list is not closed by ]");
            }
            match self.peek() {
                Some(']') => {
                    self.at += 1;
                    return Ok(values);
                }
                Some(',') => self.at += 1,
                Some('"') => values.push(self.quoted()?),
                _ => {
                    let from = self.at;
                    while self.peek().is_some_and(|c| c != ',' && c != ']') {
                        self.at += 1;
                    }
                    let value: String = self.chars[from..self.at].iter().collect();
                    values.push(value.trim().to_owned());
                }
            }
        }
    }

    fn is(&self, at: usize, word: &str) -> Result<Test, SearchError> {
        let flag = |value: &str| Test::Field { field: Field::Unhandled, op: Op::Is, values: vec![value.into()] };
        Ok(match word.to_ascii_lowercase().as_str() {
            "unresolved" => Test::Status(Status::Unresolved),
            "resolved" => Test::Status(Status::Resolved),
            "ignored" | "archived" | "muted" => Test::Status(Status::Ignored),
            "new" => Test::Change(Change::New),
            "regressed" => Test::Change(Change::Regressed),
            "escalating" => Test::Change(Change::Escalating),
            "ongoing" => Test::Change(Change::Ongoing),
            "unhandled" => flag("true"),
            "handled" => flag("false"),
            _ => {
                return self.wrong(
                    at,
                    "is: takes unresolved, resolved, ignored, new, regressed, escalating, ongoing, handled, unhandled",
                );
            }
        })
    }

    fn has(&self, at: usize, name: &str) -> Result<Test, SearchError> {
        Field::parse(name)
            .map(Test::Has)
            .ok_or(SearchError { at: at + 1, problem: "has: takes the name of a field or tag" })
    }

    /// `error.handled:true` is `error.unhandled:false`.
    fn handled(&self, at: usize, values: &[String]) -> Result<Test, SearchError> {
        let handled = self.truth(at, values)?;
        let value = if handled { "false" } else { "true" };
        Ok(Test::Field { field: Field::Unhandled, op: Op::Is, values: vec![value.into()] })
    }

    fn truth(&self, at: usize, values: &[String]) -> Result<bool, SearchError> {
        match values {
            [one] if ["true", "1", "yes"].contains(&one.to_ascii_lowercase().as_str()) => Ok(true),
            [one] if ["false", "0", "no"].contains(&one.to_ascii_lowercase().as_str()) => Ok(false),
            _ => self.wrong(at, "this field is true or false"),
        }
    }

    fn field(
        &self,
        at: usize,
        negated: bool,
        key: &str,
        op: Op,
        values: Vec<String>,
    ) -> Result<Vec<Test>, SearchError> {
        let Some(field) = Field::parse(key) else { return self.wrong(at, "this is no name of a field or tag") };
        if field.is_time() {
            return self.times(at, negated, field, op, &values);
        }
        if op != Op::Is && !field.is_count() && !matches!(field, Field::Tag(_)) {
            return self.wrong(at, "only times, counts and tags with numbers can be compared with < and >");
        }
        let numeric = field.is_count() || op != Op::Is;
        if numeric && values.iter().any(|value| value.trim().parse::<f64>().map_or(true, |n| !n.is_finite())) {
            return self.wrong(at, "this comparison takes a number, such as timesSeen:>100");
        }
        let values = match field {
            Field::Level => values.iter().map(|v| self.level(at, v)).collect::<Result<_, _>>()?,
            Field::Unhandled => vec![if self.truth(at, &values)? { "true" } else { "false" }.into()],
            Field::User => values.iter().map(|v| without_kind(v).into()).collect(),
            _ => values.into_iter().map(Untrusted::from).collect(),
        };
        Ok(vec![Test::Field { field, op, values }])
    }

    fn level(&self, at: usize, value: &str) -> Result<Untrusted, SearchError> {
        if value.contains('*') {
            return Ok(value.into());
        }
        match Level::parse(value) {
            Some(level) => Ok(level.as_str().into()),
            None => self.wrong(at, "level is one of debug, info, warning, error, fatal"),
        }
    }

    /// Times become moments in UTC. A day means all of it, so it takes two conditions.
    fn times(
        &self,
        at: usize,
        negated: bool,
        field: Field,
        op: Op,
        values: &[String],
    ) -> Result<Vec<Test>, SearchError> {
        const PROBLEM: &str = "a time is a moment (2026-11-10T08:00:00Z), a day (2026-11-10), or relative: -24h (in the last \
             24 hours), +7d (longer ago than 7 days); units are m, h, d, w";
        let [value] = values else { return self.wrong(at, "a time takes one value, not a list") };
        let test = |op: Op, moment: Timestamp| Test::Field {
            field: field.clone(),
            op,
            values: vec![Untrusted::from(moment.to_string())],
        };
        if let Some((within, moment)) = relative(value, self.now) {
            let op = match op {
                Op::Is if within => Op::AtLeast,
                Op::Is => Op::AtMost,
                given => given,
            };
            return Ok(vec![test(op, moment)]);
        }
        if let Some(moment) = moment(value) {
            return Ok(vec![test(op, moment)]);
        }
        let day = value.parse::<jiff::civil::Date>().ok().and_then(day_of);
        match (day, op) {
            (None, _) => self.wrong(at, PROBLEM),
            (Some(_), Op::Is) if negated => self.wrong(at, "a whole day can't be negated: use < or >"),
            (Some((start, end)), Op::Is) => Ok(vec![test(Op::AtLeast, start), test(Op::Less, end)]),
            (Some((start, _)), other) => Ok(vec![test(other, start)]),
        }
    }
}

const ALTERNATIVES: &str = "OR is not supported: all conditions must hold; for values of one key write key:[a, b], else make \
     two calls; put a text that has the word in quotes";

const FUNCTIONS: &str = "functions are not compared here: for counts of an issue use timesSeen:>5 or userCount:>5, for counts of \
     groups use group_by with aggregate";

/// `count():>5`, `count_unique(user):>3`.
fn is_function(text: &str) -> bool {
    let name = text.trim_start_matches('!').split('(').next().unwrap_or_default();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && text.contains("):")
}

const GROUPS: &str =
    "groups in parentheses are not supported: all conditions must hold; put a text that has parentheses in quotes";

/// `user:id:42` → `42`.
fn without_kind(value: &str) -> &str {
    ["id:", "email:", "username:", "ip:"].iter().find_map(|kind| value.strip_prefix(kind)).unwrap_or(value)
}

/// `-24h`: true and the moment 24 hours ago; `+24h`: false and that moment.
fn relative(value: &str, now: Timestamp) -> Option<(bool, Timestamp)> {
    let within = match value.chars().next()? {
        '-' => true,
        '+' => false,
        _ => return None,
    };
    let unit = value.chars().last()?;
    let number: i64 = value.get(1..value.len() - unit.len_utf8())?.parse().ok().filter(|n| (0..100_000).contains(n))?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let back = jiff::SignedDuration::from_secs(number * seconds);
    now.checked_sub(back).ok().map(|moment| (within, moment))
}

/// A moment, in UTC where it names no zone.
fn moment(value: &str) -> Option<Timestamp> {
    let has_time = value.contains(['T', 't', ' ']);
    let zoned = value.parse::<Timestamp>().ok();
    zoned.or_else(|| value.parse::<jiff::civil::DateTime>().ok().filter(|_| has_time).and_then(in_utc))
}

fn in_utc(moment: jiff::civil::DateTime) -> Option<Timestamp> {
    jiff::tz::TimeZone::UTC.to_timestamp(moment).ok()
}

fn day_of(date: jiff::civil::Date) -> Option<(Timestamp, Timestamp)> {
    let start = in_utc(date.at(0, 0, 0, 0))?;
    let end = start.checked_add(jiff::SignedDuration::from_hours(24)).ok()?;
    Some((start, end))
}
