//! Names of fields, groupers and aggregates, as Sentry and the tools write them.
//! It uses `model` alone.
//! It never guesses: a name that is none of these is a tag's.

use super::{Aggregate, Field, Grouper};
use crate::model::Untrusted;

/// Longest name of a tag.
const LONGEST: usize = 200;

/// Each field by the names that it goes by; the first is the one that answers use.
/// Case and underscores don't matter.
const NAMES: [(Field, &[&str]); 25] = [
    (Field::EventId, &["id", "event", "event.id", "event_id"]),
    (Field::Issue, &["issue", "issue.id"]),
    (Field::Project, &["project", "project.name"]),
    (Field::Timestamp, &["timestamp", "event.timestamp"]),
    (Field::Level, &["level"]),
    (Field::Title, &["title"]),
    (Field::Type, &["error.type", "type"]),
    (Field::Value, &["error.value", "message", "error.message", "value"]),
    (Field::Culprit, &["culprit"]),
    (Field::Transaction, &["transaction"]),
    (Field::Release, &["release"]),
    (Field::Environment, &["environment"]),
    (Field::User, &["user", "user.id", "user.username", "user.email", "user.ip"]),
    (Field::Unhandled, &["error.unhandled", "unhandled"]),
    (Field::Platform, &["platform", "platform.name"]),
    (Field::TimesSeen, &["timesSeen"]),
    (Field::UserCount, &["userCount"]),
    (Field::FirstSeen, &["firstSeen", "age"]),
    (Field::LastSeen, &["lastSeen"]),
    (Field::FirstRelease, &["firstRelease"]),
    (Field::Replay, &["replay", "replay.id", "replayId"]),
    (Field::Trace, &["trace", "trace.id"]),
    (Field::Function, &["stack.function"]),
    (Field::File, &["stack.filename", "stack.abs_path"]),
    (Field::Module, &["stack.module", "stack.package"]),
];

/// Names of other programs, for which a tag of that name comes first.
const SYNONYMS: [(Field, &[&str]); 11] = [
    (Field::Issue, &["short_id", "shortId", "issue.short_id"]),
    (Field::Type, &["exception.type", "exception", "error"]),
    (Field::Value, &["exception.value", "exception.message"]),
    (Field::Environment, &["env"]),
    (Field::User, &["email", "username", "user_id", "user.name"]),
    (Field::TimesSeen, &["events", "count", "event_count", "event.count"]),
    (Field::UserCount, &["users", "user_count", "user.count"]),
    (Field::FirstRelease, &["first-release"]),
    (Field::Function, &["function"]),
    (Field::File, &["filename", "file"]),
    (Field::Module, &["module", "package"]),
];

impl Field {
    /// The field of that name; `tags[foo]` and any other name is a tag's. `None` for what is no name.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        if let Some(tag) = name.strip_prefix("tags[") {
            return tag.strip_suffix(']').and_then(tag_field);
        }
        Self::known(name).or_else(|| tag_field(name))
    }

    fn known(name: &str) -> Option<Self> {
        let wanted = folded(name);
        NAMES.iter().find(|(_, names)| names.iter().any(|n| folded(n) == wanted)).map(|(field, _)| field.clone())
    }

    /// The first name of every field that is no tag's.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, names)| names[0])
    }

    /// The name that answers use.
    pub fn name(&self) -> Untrusted {
        match self {
            Self::Tag(name) => name.clone(),
            known => NAMES.iter().find(|(field, _)| field == known).map_or("", |(_, names)| names[0]).into(),
        }
    }

    /// Whether its values are moments.
    pub fn is_time(&self) -> bool {
        matches!(self, Self::Timestamp | Self::FirstSeen | Self::LastSeen)
    }

    /// Whether its values are names without a comma in them.
    pub fn is_a_name(&self) -> bool {
        matches!(self, Self::Type | Self::Platform)
    }

    /// What a name that is neither a field's nor a tag's means in other programs.
    pub fn synonym(name: &str) -> Option<Self> {
        SYNONYMS.iter().find(|(_, names)| names.contains(&name)).map(|(field, _)| field.clone())
    }

    /// Whether it is one of the frames of a stack.
    pub fn is_of_frames(&self) -> bool {
        matches!(self, Self::Function | Self::File | Self::Module)
    }

    /// Whether its values are counts.
    pub fn is_count(&self) -> bool {
        matches!(self, Self::TimesSeen | Self::UserCount)
    }
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

fn tag_field(name: &str) -> Option<Field> {
    let fits = |c: char| c.is_alphanumeric() || "._-:/@$ ".contains(c);
    let tag = !name.trim().is_empty() && name.len() <= LONGEST && name.chars().all(fits);
    tag.then(|| Field::Tag(name.into()))
}

impl Grouper {
    /// `hour`, `day`, or a field.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "hour" | "timestamp.hour" | "timestamp.to_hour" => Some(Self::Hour),
            "day" | "timestamp.day" | "timestamp.to_day" => Some(Self::Day),
            _ => Field::parse(name).map(Self::Field),
        }
    }

    /// The name that answers use.
    pub fn name(&self) -> Untrusted {
        match self {
            Self::Field(field) => field.name(),
            Self::Hour => "hour".into(),
            Self::Day => "day".into(),
        }
    }
}

impl Aggregate {
    /// `count()`, `count_unique(user)`, `min(timestamp)`, `max(timestamp)`, `first_seen`, `last_seen`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (function, argument) = match text.split_once('(') {
            Some((function, rest)) => (function.trim(), rest.strip_suffix(')')?.trim()),
            None => (text, ""),
        };
        match (folded(function).as_str(), Field::parse(argument)) {
            ("count", None) if argument.is_empty() => Some(Self::Count),
            ("countunique" | "uniq", Some(field)) => Some(Self::CountUnique(field)),
            ("min", Some(Field::Timestamp)) => Some(Self::FirstSeen),
            ("max", Some(Field::Timestamp)) => Some(Self::LastSeen),
            ("firstseen", None) if argument.is_empty() => Some(Self::FirstSeen),
            ("lastseen", None) if argument.is_empty() => Some(Self::LastSeen),
            _ => None,
        }
    }

    /// The name that answers use.
    pub fn name(&self) -> Untrusted {
        match self {
            Self::Count => "count()".into(),
            Self::CountUnique(field) => format!("count_unique({})", field.name().raw()).into(),
            Self::FirstSeen => "min(timestamp)".into(),
            Self::LastSeen => "max(timestamp)".into(),
        }
    }
}
