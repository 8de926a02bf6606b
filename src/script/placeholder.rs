//! Values for fields whose own value is not in the recording: of the field's kind and length.

use crate::{guard::Literal, replay::Target};

/// Sorts of values that a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldKind {
    Email,
    Url,
    Phone,
    Year,
    Number,
    Date,
    Time,
    DateTime,
    Month,
    Week,
    Color,
    Password,
    Text,
}

/// Words in a field's names, and what they say of its value.
const HINTS: &[(&[&str], FieldKind)] = &[
    (&["email", "e-mail", "mail"], FieldKind::Email),
    (&["phone", "mobile", "tel"], FieldKind::Phone),
    (&["year", "born", "birth"], FieldKind::Year),
    (&["url", "website", "homepage"], FieldKind::Url),
    (
        &[
            "zip", "postal", "postcode", "amount", "price", "qty", "quantity", "count", "number", "age", "code", "otp",
            "pin", "card",
        ],
        FieldKind::Number,
    ),
];

/// A value that the field will take, as long as the recorded one where its length is known and its kind leaves room.
pub fn value(target: &Target, chars: Option<usize>) -> Literal {
    let whole = |text| Literal::ours(text, "", 0, "");
    let like = |pattern, chars| Literal::ours("", pattern, chars, "");
    match sort(target, chars) {
        FieldKind::Email => email(chars.unwrap_or(16)),
        FieldKind::Url => Literal::ours("https://example.com/", "page", chars.unwrap_or(0).saturating_sub(20), ""),
        FieldKind::Phone => like("5550100234", chars.unwrap_or(10)),
        FieldKind::Year => whole("1990"),
        FieldKind::Number => like("1234567890", chars.unwrap_or(2)),
        FieldKind::Date => whole("2000-01-01"),
        FieldKind::Time => whole("12:00"),
        FieldKind::DateTime => whole("2000-01-01T12:00"),
        FieldKind::Month => whole("2000-01"),
        FieldKind::Week => whole("2000-W01"),
        FieldKind::Color => whole("#336699"),
        FieldKind::Password => like("Passw0rd!", chars.unwrap_or(12)),
        // The last character is no space, which a field may trim.
        FieldKind::Text => Literal::ours("", "Example text ", chars.unwrap_or(7).saturating_sub(1), "s"),
    }
}

fn sort(target: &Target, chars: Option<usize>) -> FieldKind {
    match target.input_type.as_ref().map_or("", |t| t.raw()) {
        "email" => return FieldKind::Email,
        "url" => return FieldKind::Url,
        "tel" => return FieldKind::Phone,
        "date" => return FieldKind::Date,
        "time" => return FieldKind::Time,
        "datetime-local" => return FieldKind::DateTime,
        "month" => return FieldKind::Month,
        "week" => return FieldKind::Week,
        "color" => return FieldKind::Color,
        "password" => return FieldKind::Password,
        _ => {}
    }
    let hinted = HINTS.iter().find(|(words, _)| said_of(target).iter().any(|word| words.contains(&word.as_str())));
    let hinted = hinted.map(|(_, sort)| *sort);
    let number = target.input_type.as_ref().is_some_and(|t| t.raw() == "number");
    match hinted {
        // Only a value of four characters can be a year by itself.
        Some(FieldKind::Year) if chars.is_none_or(|chars| chars == 4) => FieldKind::Year,
        Some(FieldKind::Year) => FieldKind::Date,
        _ if number => FieldKind::Number,
        Some(sort) => sort,
        None => FieldKind::Text,
    }
}

/// The words of all names that a field has, in lower case.
fn said_of(target: &Target) -> Vec<String> {
    let shared =
        [&target.name_attribute, &target.id, &target.label, &target.name, &target.placeholder, &target.test_id];
    let texts = shared.into_iter().flatten().map(|shared| shared.text.raw());
    let words = texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase));
    words.filter(|word| !word.is_empty()).collect()
}

fn email(chars: usize) -> Literal {
    const DOMAIN: &str = "@example.com";
    match chars.saturating_sub(DOMAIN.len()) {
        0 => Literal::ours("a@b.co", "", 0, ""),
        local => Literal::ours("", "user", local, DOMAIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Untrusted, replay::Shared};

    fn field(input_type: &str, name: &str) -> Target {
        let name_attribute = Some(Shared { text: Untrusted::from(name), count: 1, index: 0 });
        Target { input_type: Some(input_type.into()), name_attribute, ..Target::default() }
    }

    #[test]
    fn a_value_is_of_the_fields_kind_and_length() {
        for (kind, name, chars, want) in [
            ("email", "x", Some(20), "useruser@example.com"),
            ("email", "x", Some(6), "a@b.co"),
            ("text", "email", None, "user@example.com"),
            ("text", "born", Some(4), "1990"),
            ("date", "born", Some(10), "2000-01-01"),
            ("number", "size", Some(3), "123"),
            ("text", "zip_code", Some(5), "12345"),
            ("password", "x", Some(8), "Passw0rd"),
            ("text", "bio", Some(5), "Exams"),
            ("text", "bio", Some(8), "Examples"),
        ] {
            assert_eq!(value(&field(kind, name), chars).code(), format!("'{want}'"), "{kind} {name}");
        }
    }
}
