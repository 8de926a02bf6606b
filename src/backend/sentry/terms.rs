//! Conditions, written as Sentry reads them.

use super::ask::moment;
use crate::{
    model::Untrusted,
    store::{Field, Op, Term, Test},
};

/// A search as text, and what it can't say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Written {
    /// The search.
    pub(super) text: String,
    /// Conditions that have to be checked here.
    pub(super) rest: Vec<Term>,
}

/// What a search is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Issues.
    Issues,
    /// Events.
    Events,
}

/// Writes conditions; those that only a store of one's own can check are left over.
pub(super) fn write(terms: &[Term], of: Of) -> Written {
    let mut written = Written::default();
    for term in terms {
        match condition(&term.test, of) {
            Some(text) => {
                let sign = if term.negated { "!" } else { "" };
                push(&mut written.text, &format!("{sign}{text}"));
            }
            None => written.rest.push(term.clone()),
        }
    }
    written
}

/// Adds a condition.
pub(super) fn push(search: &mut String, condition: &str) {
    if !search.is_empty() {
        search.push(' ');
    }
    search.push_str(condition);
}

/// `key:value`, or `key:[a, b]` for several.
pub(super) fn any_of<'a>(key: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<String> = values.into_iter().map(quoted).collect();
    match values.as_slice() {
        [one] => format!("{key}:{one}"),
        several => format!("{key}:[{}]", several.join(", ")),
    }
}

fn condition(test: &Test, of: Of) -> Option<String> {
    match test {
        Test::Text(text) => Some(quoted(text.raw())),
        Test::Status(status) if of == Of::Issues => Some(format!("is:{}", status.as_str())),
        Test::Status(_) | Test::Change(_) => None,
        Test::Has(field) => Some(format!("has:{}", name(field, of)?)),
        Test::Field { field, op, values } => {
            let name = name(field, of)?;
            if *op == Op::Is {
                return Some(any_of(&name, values.iter().map(Untrusted::raw)));
            }
            let sign = match op {
                Op::Is => "",
                Op::Greater => ">",
                Op::AtLeast => ">=",
                Op::Less => "<",
                Op::AtMost => "<=",
            };
            let value = values.first()?;
            // Fractions of a second have six digits at most.
            let time = if field.is_time() { value.raw().parse().ok().map(moment) } else { None };
            let value = time.unwrap_or_else(|| value.raw().to_owned());
            Some(format!("{name}:{sign}{value}"))
        }
    }
}

/// The name of a field in a search; `None` where it has none there.
fn name(field: &Field, of: Of) -> Option<String> {
    Some(match field {
        Field::EventId => "id".to_owned(),
        Field::Issue => "issue".to_owned(),
        Field::Replay => "replayId".to_owned(),
        Field::Platform => "platform.name".to_owned(),
        Field::UserCount => return None,
        Field::TimesSeen | Field::FirstSeen | Field::LastSeen | Field::FirstRelease if of == Of::Events => return None,
        Field::Tag(tag) => key(tag.raw()),
        known => known.name().into_raw(),
    })
}

/// A tag's name: in brackets where it would not be read as one word.
pub(super) fn key(tag: &str) -> String {
    let plain = tag.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if plain { tag.to_owned() } else { format!("tags[{tag}]") }
}

/// A value, in quotes where it has more than letters, digits and harmless signs. `*` stays what it is.
pub(super) fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._-@+/*".contains(c);
    let word = ["OR", "AND"].contains(&value.to_ascii_uppercase().as_str());
    if !value.is_empty() && !word && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars().filter(|c| !c.is_control()) {
        if c == '"' || c == '\\' {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::parse_search;

    fn now() -> crate::model::Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn conditions_are_written_as_they_were_read() {
        for text in [
            "is:unresolved !is:ignored level:error",
            r#"browser:"Chrome 142" !release:[shop@2.3.0, "a b"] has:replayId"#,
            r#"timesSeen:>100 error.type:*Error "a phrase" tags[a b]:c"#,
        ] {
            let terms = parse_search(text, now()).unwrap();
            let written = write(&terms, Of::Issues);
            assert_eq!(written.rest, []);
            assert_eq!(parse_search(&written.text, now()).unwrap(), terms, "{}", written.text);
        }
        let left = write(&parse_search("userCount:>3 is:new is:resolved", now()).unwrap(), Of::Events);
        assert_eq!((left.rest.len(), left.text.as_str()), (3, ""));
    }

    proptest! {
        #[test]
        fn any_value_stays_one_value(value in "[^\\p{C}]{1,40}") {
            let text = any_of("release", [value.as_str()]);
            let terms = parse_search(&text, now()).unwrap();
            let Test::Field { values, .. } = &terms[0].test else { panic!("{text}") };
            prop_assert_eq!(terms.len(), 1);
            prop_assert_eq!(values[0].raw(), value.as_str());
        }
    }
}
