//! Whether a line fulfils the conditions of a search.
//! It uses the row alone.
//! It never takes a condition for fulfilled that it can't read.

use serde_json::Value;

use super::row::Row;
use crate::{
    answers::{allows, text_fits},
    guard::{Pseudonyms, show_user},
    model::{Level, Untrusted},
    store::{Field, Op, Term, Test},
};

/// The name that a condition's field goes by.
pub(super) fn key_of(term: &Term) -> Option<String> {
    match &term.test {
        Test::Field { field, .. } | Test::Has(field) => Some(field.name().raw().to_owned()),
        _ => None,
    }
}

pub(super) fn holds(row: &Row, terms: &[Term], pseudonyms: &Pseudonyms) -> bool {
    terms.iter().all(|term| one(row, &term.test, pseudonyms) != term.negated)
}

fn one(row: &Row, test: &Test, pseudonyms: &Pseudonyms) -> bool {
    match test {
        Test::Text(text) => {
            let wanted = text.raw().to_lowercase();
            ["message", "name", "transaction"]
                .iter()
                .any(|key| row.get(key).is_some_and(|v| text_of(v).to_lowercase().contains(&wanted)))
        }
        Test::Has(field) => row.get(field.name().raw()).is_some(),
        Test::Field { field, op, values } => {
            let name = field.name();
            if name.raw() == "timestamp" {
                return values.iter().any(|value| time(row.ts, *op, value));
            }
            // An event's id is that of the line, or of the event that it speaks of.
            if *field == Field::EventId {
                let own = ["id", "event"].iter().filter_map(|key| row.get(key)).map(text_of);
                return own.into_iter().any(|id| values.iter().any(|value| value.raw().trim() == id));
            }
            let Some(found) = row.get(name.raw()) else { return false };
            values.iter().any(|wanted| compare(name.raw(), found, *op, wanted, pseudonyms))
        }
        Test::Status(_) | Test::Change(_) => false,
    }
}

fn time(ts: i64, op: Op, value: &Untrusted) -> bool {
    let Ok(wanted) = value.raw().parse::<crate::model::Timestamp>() else { return false };
    allows(op, ts.cmp(&wanted.as_microsecond()))
}

fn compare(key: &str, found: &Value, op: Op, wanted: &Untrusted, pseudonyms: &Pseudonyms) -> bool {
    let (text, wanted_text) = (text_of(found), wanted.raw().trim());
    if op != Op::Is {
        let number = found.as_f64().or_else(|| text.parse().ok());
        let order = number.zip(wanted_text.parse::<f64>().ok()).and_then(|(a, b)| a.partial_cmp(&b));
        return order.is_some_and(|order| allows(op, order));
    }
    // Loggers have their own words for the same levels.
    let level = |text: &str| Level::parse(text).filter(|_| key == "level" && text != "trace");
    if level(&text).is_some() && level(&text) == level(wanted_text) {
        return true;
    }
    // People are known by the ids of the application; kept are pseudonyms.
    let person = key == "user" && show_user(&pseudonyms.user(wanted)) == text;
    person || text_fits(op, wanted_text, &text)
}

pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
