//! Small parts that several of Sentry's shapes share.

use jiff::fmt::temporal::DateTimePrinter;
use serde_json::{Map, Value, json};

use crate::{
    model::{Data, Project, Timestamp, Untrusted},
    release::split_name,
};

/// A moment as Sentry writes it, to the microsecond.
pub(super) fn moment(at: Timestamp) -> String {
    let printer = DateTimePrinter::new().precision(Some(6));
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = printer.print_timestamp(&at, &mut text);
    text
}

/// The same of one that may be missing.
pub(super) fn maybe(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| moment(at).into())
}

/// A text that ingestion has scrubbed.
pub(super) fn text(text: &Untrusted) -> Value {
    text.raw().into()
}

/// The same of one that may be missing.
pub(super) fn some(value: &Option<Untrusted>) -> Value {
    value.as_ref().map_or(Value::Null, text)
}

/// A value of unknown shape.
pub(super) fn data(data: &Data) -> Value {
    match data {
        Data::Null => Value::Null,
        Data::Bool(truth) => (*truth).into(),
        Data::Number(number) => number.clone().into(),
        Data::Text(value) => text(value),
        Data::List(list) => list.iter().map(self::data).collect(),
        Data::Map(map) => Value::Object(entries(map)),
    }
}

/// Keys and values of unknown shape.
pub(super) fn entries(map: &[(Untrusted, Data)]) -> Map<String, Value> {
    map.iter().map(|(key, value)| (key.raw().to_owned(), data(value))).collect()
}

/// A project where others name it.
pub(super) fn project(project: &Project) -> Value {
    json!({
        "id": project.id.to_string(),
        "slug": project.slug,
        "name": project.name.raw(),
        "platform": some(&project.platform),
    })
}

/// The parts of a release's name.
pub(super) fn version_info(version: &str) -> Value {
    let (package, short) = split_name(version);
    let mut numbers = short.split(['.', '-', '+']).map(str::parse::<u64>);
    let mut number = || numbers.next().and_then(Result::ok);
    let (major, minor, patch) = (number(), number(), number());
    json!({
        "package": if package.is_empty() { Value::Null } else { package.into() },
        "version": { "raw": short, "major": major, "minor": minor, "patch": patch, "pre": null, "buildCode": null },
        "description": short,
        "buildHash": null,
    })
}

/// What may name a release, as Sentry has it.
pub(super) fn is_version(version: &str) -> bool {
    let fits = !version.contains(['\n', '\r', '\t', '\x0c', '/', '\\']) && version.chars().count() <= 200;
    fits && !version.trim().is_empty() && !matches!(version, "." | ".." | "latest")
}
