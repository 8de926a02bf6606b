//! What types and texts of errors are known to mean, by platform: which of them speak of limits, of the surroundings, of
//! libraries, of data, and which of the program itself.
//! It uses `model` alone.
//! It never decides: a fault is one piece of evidence.
//!
//! Sources: errno(3) of POSIX and Linux; the lists of error codes of Node, of PostgreSQL (appendix A), of MySQL's server and
//! clients, of SQLite, MongoDB, Redis, gRPC and HTTP; the exception hierarchies of Python, Java, Ruby, PHP, .NET and Go's
//! standard libraries; messages of V8, SpiderMonkey and JavaScriptCore; documented messages of widely used clients, pools,
//! parsers and validators.

mod data;
mod dependency;
mod environment;
mod program;
mod resource;

use crate::model::Untrusted;

/// What an error of that type or text speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCategory {
    /// A limit was met: memory, disk, handles, a pool, a lock, time.
    Resource,
    /// The network, another program, a right, a setting, a browser.
    Environment,
    /// A library that is missing or of another version, an upstream that failed.
    Dependency,
    /// What was read or stored doesn't have the form it should.
    Data,
    /// Something was called in a way that it refuses.
    Usage,
    /// The language: an expression is wrong.
    Language,
    /// It says nothing: a cross-origin script.
    Mute,
}

/// A known kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultClass {
    /// In the program's own words.
    pub name: &'static str,
    /// What it speaks of.
    pub sort: FaultCategory,
}

/// One row of a table: it holds if the type is one of these, or the text has one of these fragments.
struct Row {
    name: &'static str,
    /// Without module or package.
    types: &'static [&'static str],
    /// In small letters; `…` stands for anything between, `=` at the beginning for a text that says nothing else.
    texts: &'static [&'static str],
}

const fn row(name: &'static str, types: &'static [&'static str], texts: &'static [&'static str]) -> Row {
    Row { name, types, texts }
}

/// Longer texts are data; what they begin with says what they are.
const LONGEST: usize = 600;

/// The fault that a type and a text are known for.
pub(super) fn find(ty: Option<&Untrusted>, value: Option<&Untrusted>) -> Option<FaultClass> {
    let ty = ty.map_or("", |ty| short_type(ty.raw()));
    let text: String =
        value.map_or("", |value| value.raw()).chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let table = |sort: FaultCategory, rows: &[Row]| {
        rows.iter().find(|row| row.holds(ty, &text)).map(|row| FaultClass { name: row.name, sort })
    };
    if let Some(name) = program::misread(&text) {
        return Some(FaultClass { name, sort: FaultCategory::Usage });
    }
    table(FaultCategory::Mute, program::MUTE)
        // A validator's own type says more than the words in its text, which are those of fields and values.
        .or_else(|| data::is_refusal(ty).then_some(FaultClass { name: data::REFUSAL, sort: FaultCategory::Data }))
        .or_else(|| table(FaultCategory::Resource, resource::ROWS))
        .or_else(|| {
            resource::contended(&text)
                .then_some(FaultClass { name: resource::CONTENDED, sort: FaultCategory::Resource })
        })
        .or_else(|| {
            resource::too_large(&text)
                .then_some(FaultClass { name: resource::TOO_LARGE, sort: FaultCategory::Resource })
        })
        .or_else(|| table(FaultCategory::Dependency, dependency::ROWS).filter(|_| !dependency::is_own_file(&text)))
        .or_else(|| table(FaultCategory::Environment, environment::ROWS))
        .or_else(|| table(FaultCategory::Usage, program::REFUSED))
        .or_else(|| table(FaultCategory::Data, data::ROWS))
        .or_else(|| {
            data::has_position(ty, &text).then_some(FaultClass { name: data::PARSE, sort: FaultCategory::Data })
        })
        .or_else(|| table(FaultCategory::Language, program::LANGUAGE))
        .or_else(|| table(FaultCategory::Usage, program::USAGE))
}

/// `java.lang.IllegalStateException` → `IllegalStateException`, `*errors.errorString` → `errorString`.
pub(super) fn short_type(ty: &str) -> &str {
    ty.rsplit(['.', ':', '\\', '*', '$']).next().unwrap_or(ty)
}

impl Row {
    fn holds(&self, ty: &str, text: &str) -> bool {
        self.types.contains(&ty) || self.texts.iter().any(|fragment| has(text, fragment))
    }
}

/// Whether a text has the parts of a fragment in that order. A fragment of one word must stand as a word.
fn has(text: &str, fragment: &str) -> bool {
    if let Some(whole) = fragment.strip_prefix('=') {
        return text.trim() == whole;
    }
    let mut rest = text;
    for part in fragment.split('…') {
        match find_word(rest, part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn find_word(text: &str, part: &str) -> Option<usize> {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (first, last) = (part.chars().next(), part.chars().next_back());
    text.match_indices(part).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + part.len()..].chars().next();
        !(letter(before) && letter(first) || letter(after) && letter(last))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(ty: &str, value: &str) -> Option<FaultCategory> {
        find(Some(&ty.into()), Some(&value.into())).map(|fault| fault.sort)
    }

    #[test]
    fn words_stand_alone() {
        assert!(has("error: eacces, open", "eacces"));
        assert!(!has("peaccesx", "eacces"));
        assert!(has("canceling a after b timeout", "canceling…timeout"));
        assert!(!has("timeout, canceling", "canceling…timeout"));
    }

    #[test]
    fn systems_say_what_they_speak_of() {
        for (ty, value, want) in include!("cases.rs") {
            assert_eq!(sort(ty, value), want, "{ty}: {value}");
        }
    }

    #[test]
    fn runtimes_and_systems_are_told_by_the_right_fault() {
        for line in include_str!("../../../tests/data/faults.tsv").lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let [ty, value, want] = std::array::from_fn(|_| cells.next().expect("three cells"));
            let found = find(Some(&ty.into()), Some(&value.into()));
            assert_eq!(found.map_or("-", |fault| fault.name), want, "{ty}: {value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(ty in ".{0,20}", value in ".{0,200}") {
            sort(&ty, &value);
        }
    }
}
