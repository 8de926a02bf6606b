//! Whether a line fulfils the conditions of a search.
//! It uses the row alone.
//! It never takes a condition for fulfilled that it can't read.

use serde_json::Value;

use crate::{
    answers::{allows, text_fits},
    backend::embedded::lines::Row,
    guard::{Pseudonyms, show_user},
    model::{Level, Untrusted},
    store::{Field, Op, Term, Test},
};

/// What a bare text is looked for in.
const TEXTS: [&str; 3] = ["message", "name", "transaction"];

/// The name that a condition's field goes by.
pub(super) fn key_of(term: &Term) -> Option<String> {
    match &term.test {
        Test::Field { field, .. } | Test::Has(field) => Some(field.name().raw().to_owned()),
        _ => None,
    }
}

/// The keys of a line that a condition looks at.
pub(super) fn keys_of(test: &Test) -> Vec<String> {
    match test {
        Test::Text(_) => TEXTS.map(str::to_owned).to_vec(),
        Test::Field { field: Field::EventId, .. } => ["id", "event"].map(str::to_owned).to_vec(),
        Test::Field { field, .. } | Test::Has(field) => vec![field.name().raw().to_owned()],
        Test::Status(_) | Test::Change(_) => Vec::new(),
    }
}

/// Conditions on people also by the pseudonyms of the ids that the application knows: those are kept.
pub(super) fn with_pseudonyms(terms: &[Term], pseudonyms: &Pseudonyms) -> Vec<Term> {
    let mut terms = terms.to_vec();
    for term in &mut terms {
        if let Test::Field { field, op: Op::Is, values } = &mut term.test
            && field.name().raw() == "user"
        {
            let kept: Vec<Untrusted> = values.iter().map(|id| show_user(&pseudonyms.user(id)).into()).collect();
            values.extend(kept);
        }
    }
    terms
}

pub(super) fn holds(row: &Row, terms: &[Term]) -> bool {
    terms.iter().all(|term| one(row, &term.test) != term.negated)
}

pub(super) fn one(row: &Row, test: &Test) -> bool {
    match test {
        Test::Text(text) => {
            let wanted = text.raw().to_lowercase();
            TEXTS.iter().any(|key| row.get(key).is_some_and(|v| text_of(v).to_lowercase().contains(&wanted)))
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
            values.iter().any(|wanted| compare(name.raw(), found, *op, wanted))
        }
        Test::Status(_) | Test::Change(_) => false,
    }
}

fn time(ts: i64, op: Op, value: &Untrusted) -> bool {
    let Ok(wanted) = value.raw().parse::<crate::model::Timestamp>() else { return false };
    allows(op, ts.cmp(&wanted.as_microsecond()))
}

fn compare(key: &str, found: &Value, op: Op, wanted: &Untrusted) -> bool {
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
    text_fits(op, wanted_text, &text)
}

pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
