//! The search syntax and the names of fields.

use prodsignal::model::{Change, Status, Timestamp, Untrusted};
use prodsignal::store::{Aggregate, Field, Grouper, Op, SearchError, Term, Test, parse_search};

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn read(text: &str) -> Vec<Term> {
    parse_search(text, now()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> SearchError {
    parse_search(text, now()).expect_err(text)
}

fn field(field: Field, op: Op, values: &[&str]) -> Test {
    Test::Field { field, op, values: values.iter().map(|v| Untrusted::from(*v)).collect() }
}

fn one(text: &str) -> Test {
    let terms = read(text);
    assert_eq!(terms.len(), 1, "{text}");
    assert!(!terms[0].negated, "{text}");
    terms[0].test.clone()
}

#[test]
fn words_and_phrases_are_looked_for_as_text() {
    let terms = read(r#"discount "of undefined" !legacy"#);
    let said: Vec<(bool, Test)> = terms.into_iter().map(|t| (t.negated, t.test)).collect();
    let text = |text: &str| Test::Text(text.into());
    assert_eq!(said, [(false, text("discount")), (false, text("of undefined")), (true, text("legacy"))]);
    assert_eq!(read("  "), []);
    assert_eq!(read("a AND b").len(), 2);
}

#[test]
fn a_pasted_error_is_text_with_its_colons_and_parentheses() {
    for text in [
        "TypeError: Cannot read properties of undefined (reading 'amount')",
        "see https://shop.example/x",
        "std::fmt failed",
        "undefined is not a function",
        "can't pass {closure} a=b",
    ] {
        assert!(read(text).iter().all(|term| matches!(term.test, Test::Text(_))), "{text}");
    }
}

#[test]
fn fields_take_values_lists_and_comparisons() {
    for (text, want) in [
        ("release:shop@2.3.0", field(Field::Release, Op::Is, &["shop@2.3.0"])),
        ("release:latest", field(Field::Release, Op::Is, &["latest"])),
        ("environment:[production, \"pre prod\"]", field(Field::Environment, Op::Is, &["production", "pre prod"])),
        (r#"title:"a \"b\" *""#, field(Field::Title, Op::Is, &[r#"a "b" *"#])),
        ("timesSeen:>100", field(Field::TimesSeen, Op::Greater, &["100"])),
        ("times_seen:<=5", field(Field::TimesSeen, Op::AtMost, &["5"])),
        ("userCount:3", field(Field::UserCount, Op::Is, &["3"])),
        ("error.type:Type*", field(Field::Type, Op::Is, &["Type*"])),
        ("message:timeout", field(Field::Value, Op::Is, &["*timeout*"])),
        ("error.value:timeout", field(Field::Value, Op::Is, &["timeout"])),
        ("duration:>1s", field(Field::Tag("duration".into()), Op::Greater, &["1000"])),
        ("transaction.duration:<=250ms", field(Field::Tag("transaction.duration".into()), Op::AtMost, &["250"])),
        ("'order search failed'", Test::Text("order search failed".into())),
        ("“order search”", Test::Text("order search".into())),
        ("\"an “order” search\"", Test::Text("an “order” search".into())),
        ("event_id:7d9a", field(Field::EventId, Op::Is, &["7d9a"])),
        ("level:ERROR", field(Field::Level, Op::Is, &["error"])),
        ("error.unhandled:true", field(Field::Unhandled, Op::Is, &["true"])),
        ("error.handled:true", field(Field::Unhandled, Op::Is, &["false"])),
        ("is:unhandled", field(Field::Unhandled, Op::Is, &["true"])),
        ("user.id:42", field(Field::User, Op::Is, &["42"])),
        ("user:id:42", field(Field::User, Op::Is, &["42"])),
        ("first_release:shop@2.3.0", field(Field::FirstRelease, Op::Is, &["shop@2.3.0"])),
        ("currency:EUR", field(Field::Tag("currency".into()), Op::Is, &["EUR"])),
        ("tags[level]:x", field(Field::Tag("level".into()), Op::Is, &["x"])),
        ("http.status_code:>=500", field(Field::Tag("http.status_code".into()), Op::AtLeast, &["500"])),
        ("is:unresolved", Test::Status(Status::Unresolved)),
        ("status:unresolved", Test::Status(Status::Unresolved)),
        ("event.type:error", Test::Has(Field::Type)),
        ("stack.function:total", field(Field::Function, Op::Is, &["total"])),
        ("stack.filename:*/cart.js", field(Field::File, Op::Is, &["*/cart.js"])),
        ("has:stack.module", Test::Has(Field::Module)),
        ("7d9a4c1e2b3f45678899aabbccddeeff", field(Field::EventId, Op::Is, &["7d9a4c1e2b3f45678899aabbccddeeff"])),
        ("is:ignored", Test::Status(Status::Ignored)),
        ("is:regressed", Test::Change(Change::Regressed)),
        ("has:user", Test::Has(Field::User)),
        ("has:currency", Test::Has(Field::Tag("currency".into()))),
    ] {
        assert_eq!(one(text), want, "{text}");
    }
    assert!(read("!release:shop@2.3.0")[0].negated && read("not level:error")[0].negated);
    assert!(read("NOT release:shop@2.3.0")[0].negated && !read("NOT !release:x")[0].negated);
    assert!(read("event.type:default")[0].negated);
    assert_eq!(one("\"this or that\""), Test::Text("this or that".into()));
    assert!(read("!has:user")[0].negated);
}

#[test]
fn times_are_moments_days_or_relative() {
    for (text, field_, op, want) in [
        ("age:-24h", Field::FirstSeen, Op::AtLeast, "2026-11-19T12:00:00Z"),
        ("lastSeen:-2d", Field::LastSeen, Op::AtLeast, "2026-11-18T12:00:00Z"),
        ("firstSeen:+1w", Field::FirstSeen, Op::AtMost, "2026-11-13T12:00:00Z"),
        ("timestamp:>-30m", Field::Timestamp, Op::Greater, "2026-11-20T11:30:00Z"),
        ("timestamp:>=2026-11-10", Field::Timestamp, Op::AtLeast, "2026-11-10T00:00:00Z"),
        ("timestamp:>2026-11-10", Field::Timestamp, Op::Greater, "2026-11-10T00:00:00Z"),
        ("timestamp:<2026-11-10T08:00:00", Field::Timestamp, Op::Less, "2026-11-10T08:00:00Z"),
        ("timestamp:<2026-11-10T08:00:00+02:00", Field::Timestamp, Op::Less, "2026-11-10T06:00:00Z"),
    ] {
        assert_eq!(one(text), field(field_, op, &[want]), "{text}");
    }
    let day: Vec<Test> = read("timestamp:2026-11-10").into_iter().map(|t| t.test).collect();
    let of = |op, moment| field(Field::Timestamp, op, &[moment]);
    assert_eq!(day, [of(Op::AtLeast, "2026-11-10T00:00:00Z"), of(Op::Less, "2026-11-11T00:00:00Z")]);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place_and_what_would_be_right() {
    for (text, at, says) in [
        ("a OR b", 3, "OR is not supported"),
        ("access denied or forbidden", 15, "OR is not supported"),
        ("count():>5", 1, "timesSeen"),
        ("!count_unique(user):>5", 1, "userCount"),
        ("event.type:csp", 1, "event.type"),
        ("stack.lineno:5", 1, "not kept"),
        ("NOT", 1, "one condition"),
        ("NOT timestamp:2026-11-10", 1, "one condition"),
        ("x (level:error OR level:fatal)", 3, "parentheses"),
        ("level:loud", 1, "debug, info"),
        ("a level: error", 9, "without a space"),
        ("is:broken", 1, "unresolved, resolved"),
        ("timesSeen:many", 1, "number"),
        ("title:>3", 1, "only times"),
        ("lastSeen:soon", 1, "2026-11-10"),
        ("!timestamp:2026-11-10", 1, "negated"),
        ("a \"b", 3, "not closed"),
        ("release:[a, b", 9, "not closed"),
        ("release:[]", 9, "at least one"),
        ("error.unhandled:maybe", 1, "true or false"),
        ("assigned:me", 1, "not kept"),
        ("level=error", 1, "key:value"),
        ("x level!=error", 3, "key:value"),
        ("timesSeen>10", 1, "key:>5"),
        ("-level:error", 1, "!level:error"),
        ("level :error", 1, "without a space"),
        ("{\"level\":\"error\"}", 1, "not JSON"),
        ("TypeError|KeyError", 1, "OR is not supported"),
        ("level:error | level:fatal", 13, "OR is not supported"),
        ("not TypeError", 1, "NOT word"),
        ("duration:1..5", 1, "two conditions"),
    ] {
        let error = refused(text);
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
    assert!(parse_search(&"x".repeat(3000), now()).is_err());
}

#[test]
fn names_of_fields_groupers_and_aggregates_read_back() {
    for name in ["id", "issue", "level", "error.type", "timesSeen", "firstRelease", "currency", "trace"] {
        assert_eq!(Field::parse(name).unwrap().name().raw(), name);
    }
    for (text, want) in [
        ("count()", Aggregate::Count),
        ("count", Aggregate::Count),
        ("count_unique(user)", Aggregate::CountUnique(Field::User)),
        ("count_unique( user.id )", Aggregate::CountUnique(Field::User)),
        ("min(timestamp)", Aggregate::FirstSeen),
        ("last_seen", Aggregate::LastSeen),
        ("max(timestamp)", Aggregate::LastSeen),
    ] {
        assert_eq!(Aggregate::parse(text), Some(want.clone()), "{text}");
        assert_eq!(Aggregate::parse(want.name().raw()), Some(want));
    }
    for text in ["avg(x)", "count(user", "min(level)", "", "count_unique()"] {
        assert_eq!(Aggregate::parse(text), None, "{text}");
    }
    assert_eq!(Grouper::parse("day"), Some(Grouper::Day));
    assert_eq!(Grouper::parse("release"), Some(Grouper::Field(Field::Release)));
    assert_eq!(Field::parse("a(b)"), None);
    assert_eq!(Field::parse(""), None);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        let _ = parse_search(&text, now());
    }

    #[test]
    fn any_text_of_this_syntax_is_read_or_refused(
        text in "([!(]?(is|has|level|timestamp|age|tags\\[a|x|\"a b)?[:\\]\"]{0,2}[<>=\\[+-]{0,2}[a-z0-9, \\])*\"]{0,6} ?){0,6}",
    ) {
        if let Err(error) = parse_search(&text, now()) {
            proptest::prop_assert!(error.at <= text.chars().count() + 1);
        }
    }
}
