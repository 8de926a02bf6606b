//! Sentry's issue search syntax, read into [`Term`]s.
//! It uses `model` alone.
//! It never panics on a text and never drops a part of it in silence.
//!
//! Words and `"phrases"`; `key:value`, `key:"a value"`, `key:[a, b]`, `key:>3`, each negated by `!`; `has:key`;
//! `is:` with a status, a kind of change, `handled` or `unhandled`; `*` in values; times such as `-24h` (in the last
//! 24 hours) and `+1w` (longer ago than a week); `NOT` before a condition; `message:` is contained, as in Sentry.
//! What looks like a condition in another grammar (`level=error`, `-level:error`, `a|b`) is refused, not taken for a text. All conditions must hold: `OR` and groups are
//! refused, as Sentry's own search of issues refuses them. A day in a comparison is its first moment, as in Sentry.

mod foreign;
mod time;

use foreign::{ALTERNATIVES, GROUPS, LOWER_NOT, foreign};
use time::{day_of, millis, moment, relative};

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
    let mut reader = Reader { chars: with_plain_quotes(text), at: 0, now, terms: Vec::new() };
    if reader.chars.len() > LONGEST {
        return Err(SearchError { at: LONGEST, problem: "the search is longer than 2000 characters" });
    }
    while reader.skip_spaces() {
        reader.term()?;
    }
    Ok(reader.terms)
}

/// Quotes as people's programs write them are quotes, but within plain ones they are what is looked for.
fn with_plain_quotes(text: &str) -> Vec<char> {
    let (mut quoted, mut escaped) = (false, false);
    let plain = |c: char| {
        let ends = c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        quoted ^= ends;
        if !quoted && matches!(c, '“' | '”' | '„') { '"' } else { c }
    };
    text.chars().map(plain).collect()
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
        if let Some(text) = self.phrase() {
            self.terms.push(Term { negated, test: Test::Text(text.into()) });
            return Ok(());
        }
        let text = match self.peek() {
            Some('"') => self.quoted()?,
            Some('(') if self.is_group() => return self.wrong(start, GROUPS),
            _ => self.word(),
        };
        if self.chars[start + usize::from(negated)] != '"' {
            match text.to_ascii_uppercase().as_str() {
                "OR" | "||" | "|" => return self.wrong(start, ALTERNATIVES),
                "AND" | "&&" | "" => return Ok(()),
                "NOT" if text == "NOT" || self.condition_follows() => return self.negation(start),
                // Within a text it is a word of it: `undefined is not a function`.
                "NOT" if !self.in_text() && self.follows().is_some() => return self.wrong(start, LOWER_NOT),
                _ => {}
            }
            if let Some(problem) = foreign(&text, self.chars.get(self.at..).unwrap_or_default()) {
                return self.wrong(start, problem);
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

    fn in_text(&self) -> bool {
        matches!(self.terms.last(), Some(Term { test: Test::Text(_), .. }))
    }

    /// What comes after white space; `None` at the end.
    fn follows(&self) -> Option<usize> {
        (self.at..self.chars.len()).find(|at| !self.chars[*at].is_whitespace())
    }

    /// Whether the next word is a condition, so that a `not` before it can't be a text.
    fn condition_follows(&self) -> bool {
        let next = self.follows().unwrap_or(self.at);
        let word: String = self.chars[next..].iter().take_while(|c| !c.is_whitespace()).collect();
        word.split_once(':').is_some_and(|(key, value)| {
            let known = Field::parse(key).is_some_and(|field| !matches!(field, Field::Tag(_)));
            !value.is_empty() && (known || ["is", "has"].contains(&key))
        })
    }

    /// A text in single quotes. It ends at a quote that white space follows, so that `can't` may stand in it.
    fn phrase(&mut self) -> Option<String> {
        if self.peek() != Some('\'') {
            return None;
        }
        let ends = |at: &usize| self.chars[*at] == '\'' && self.chars.get(at + 1).is_none_or(|c| c.is_whitespace());
        let end = (self.at + 2..self.chars.len()).find(ends)?;
        let text = self.chars[self.at + 1..end].iter().collect();
        self.at = end + 1;
        Some(text)
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
        if self.peek() == Some('-') {
            return None;
        }
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
        if matches!(&field, Field::Tag(name) if name.raw().contains("duration")) {
            return self.duration(at, field, op, &values);
        }
        let numeric = field.is_count() || op != Op::Is;
        if numeric && values.iter().any(|value| value.trim().parse::<f64>().map_or(true, |n| !n.is_finite())) {
            return self.wrong(at, "this comparison takes a number, such as timesSeen:>100");
        }
        let values = match field {
            Field::Level => values.iter().map(|v| self.level(at, v)).collect::<Result<_, _>>()?,
            Field::Unhandled => vec![if self.truth(at, &values)? { "true" } else { "false" }.into()],
            Field::User => values.iter().map(|v| without_kind(v).into()).collect(),
            Field::Value if is_message(key) => values.iter().map(|v| contained(v).into()).collect(),
            _ => values.into_iter().map(Untrusted::from).collect(),
        };
        Ok(vec![Test::Field { field, op, values }])
    }

    /// Milliseconds, as they are or with a unit: `>1s`, `<=250ms`.
    fn duration(&self, at: usize, field: Field, op: Op, values: &[String]) -> Result<Vec<Test>, SearchError> {
        let is_number = |value: &String| value.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        if op == Op::Is && !values.iter().any(is_number) {
            return Ok(vec![Test::Field { field, op, values: values.iter().map(|v| v.as_str().into()).collect() }]);
        }
        let millis: Option<Vec<Untrusted>> =
            values.iter().map(|value| Some(millis(value)?.to_string().into())).collect();
        match millis {
            Some(values) => Ok(vec![Test::Field { field, op, values }]),
            None => self.wrong(at, "a duration is a number of ms, or has a unit (250ms, 1.5s, 2m); for a range write two conditions, >100ms and <2s"),
        }
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

/// Sentry's `message:` is contained; its `error.value:` is the whole.
fn is_message(key: &str) -> bool {
    ["message", "error.message"].contains(&key.to_ascii_lowercase().as_str())
}

fn contained(value: &str) -> String {
    if value.contains('*') { value.to_owned() } else { format!("*{value}*") }
}

/// `user:id:42` → `42`.
fn without_kind(value: &str) -> &str {
    ["id:", "email:", "username:", "ip:"].iter().find_map(|kind| value.strip_prefix(kind)).unwrap_or(value)
}
