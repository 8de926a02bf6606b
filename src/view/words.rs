//! Words of the program in an answer, and counts with their nouns.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::{
    guard::{Clean, Safe, Say},
    say,
};

/// One of the program's own words: a status, a level, a kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(pub &'static str);

impl Safe for Word {}

impl Say for Word {
    fn say(&self, out: &mut String) {
        out.push_str(self.0);
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl JsonSchema for Word {
    fn schema_name() -> Cow<'static, str> {
        "word".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// `1 user`, `2,345 users`.
pub fn count(n: u64, singular: &'static str, plural: &'static str) -> Clean {
    struct Grouped(u64);
    impl Say for Grouped {
        fn say(&self, out: &mut String) {
            let digits = self.0.to_string();
            for (i, c) in digits.chars().enumerate() {
                if i > 0 && (digits.len() - i).is_multiple_of(3) {
                    out.push(',');
                }
                out.push(c);
            }
        }
    }
    say!(Grouped(n), " ", if n == 1 { singular } else { plural })
}

/// `3 users`, as [`known_users`] knows them.
pub fn users(users: Option<u64>) -> Clean {
    users.map_or(Clean::ours("users not known"), |users| count(users, "user", "users"))
}

/// How many users, unless there were events, none names one, and not all were of jobs that nobody asked for.
pub fn known_users(users: u64, events: u64, unattended: bool) -> Option<u64> {
    (users > 0 || events == 0 || unattended).then_some(users)
}

/// A share in 0..=1 as `87 %`, with one digit more where it is nearly none or nearly all.
pub fn percent(share: f64) -> Clean {
    let percent = share * 100.0;
    let fine = (percent > 0.0 && percent < 10.0) || (percent > 90.0 && percent < 100.0);
    // Never 0 % of what is not nothing, nor 100 % of what is not all.
    let digits = if fine { if percent.min(100.0 - percent) < 1.0 { 100.0 } else { 10.0 } } else { 1.0 };
    let rounded = (percent * digits).round() / digits;
    match () {
        () if percent > 0.0 && rounded == 0.0 => say!("under 0.01 %"),
        () if percent < 100.0 && rounded == 100.0 => say!("over 99.99 %"),
        () => say!(rounded, " %"),
    }
}

/// To four digits after the point: what is beyond them is noise and costs tokens.
pub fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::{count, known_users, percent, users};

    #[test]
    fn counts_are_grouped_by_three() {
        assert_eq!(count(1, "user", "users").as_str(), "1 user");
        assert_eq!(count(0, "user", "users").as_str(), "0 users");
        assert_eq!((users(None).as_str(), users(Some(0)).as_str()), ("users not known", "0 users"));
        let known =
            [known_users(0, 25, false), known_users(0, 0, false), known_users(0, 25, true), known_users(3, 25, false)];
        assert_eq!(known, [None, Some(0), Some(0), Some(3)]);
        assert_eq!(percent(20.0 / 17_138.0).as_str(), "0.12 %");
        assert_eq!(percent(1e-7).as_str(), "under 0.01 %");
        assert_eq!(percent(1.0 - 1e-7).as_str(), "over 99.99 %");
        assert_eq!((percent(0.0).as_str(), percent(0.5).as_str(), percent(1.0).as_str()), ("0 %", "50 %", "100 %"));
        assert_eq!(count(1234567, "event", "events").as_str(), "1,234,567 events");
    }
}
