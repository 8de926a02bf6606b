//! What an exception says that is part of the program, whichever engine says it.

use super::{
    pattern::pattern,
    types::{is_generic, short_type},
};

/// Who threw, as far as type and text tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThrowOrigin {
    /// The language: the expression at the top of the stack is wrong.
    Language,
    /// Code: a `throw`, or a library that refuses.
    Code,
    /// Neither: the network, a deploy, a browser. Where it surfaced says nothing.
    Surroundings,
}

/// What was said, without what varies between engines, builds and events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MessageSignature {
    pub(super) thrower: ThrowOrigin,
    /// `nothing.amount`, `not a function: toFixed`; empty when the text says nothing more than the type.
    pub(super) key: String,
    /// The stack ran over: its frames repeat.
    pub(super) recursion: bool,
}

/// Types that only the language throws.
const OF_LANGUAGE: [&str; 25] = [
    "ZeroDivisionError",
    "KeyError",
    "IndexError",
    "AttributeError",
    "NameError",
    "UnboundLocalError",
    "RecursionError",
    "MemoryError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "OverflowError",
    "StopIteration",
    "ReferenceError",
    "NullPointerException",
    "ArrayIndexOutOfBoundsException",
    "IndexOutOfBoundsException",
    "StringIndexOutOfBoundsException",
    "ClassCastException",
    "ArithmeticException",
    "NegativeArraySizeException",
    "StackOverflowError",
    "OutOfMemoryError",
    "NullReferenceException",
    "NoMethodError",
    "boundsError",
];

/// Texts of the language under types that code throws too.
const TEXTS_OF_LANGUAGE: [&str; 26] = [
    "unsupported operand type",
    "' object is not ",
    "' not supported between ",
    "has no len()",
    "can only concatenate",
    "Invalid array length",
    "Invalid string length",
    "Invalid array buffer length",
    "Array buffer allocation failed",
    "Invalid time value",
    "invalid date",
    "Invalid Date",
    "Assignment to constant variable",
    "read only property",
    "object is not extensible",
    "Reduce of empty array",
    "reduce of empty array",
    "circular structure",
    "Cannot convert undefined or null to object",
    "Illegal invocation",
    "index out of bounds",
    "on a `None` value",
    "an `Err` value",
    "attempt to ",
    "nil pointer dereference",
    "index out of range",
];

/// Texts that mean the same in each browser and nothing about the code where they surface.
const SURROUNDINGS: [(&str, &str); 12] = [
    ("Loading chunk", "chunk"),
    ("Loading CSS chunk", "chunk"),
    ("Failed to fetch dynamically imported module", "chunk"),
    ("error loading dynamically imported module", "chunk"),
    ("Importing a module script failed", "chunk"),
    ("Unable to preload CSS", "chunk"),
    ("ResizeObserver loop", "resize observer"),
    ("Script error", "script error"),
    ("Failed to fetch", "network"),
    ("NetworkError when attempting to fetch", "network"),
    ("Load failed", "network"),
    ("Network request failed", "network"),
];

/// The name of a crash that no code threw, as signal handlers and dumps have it: `SIGSEGV`, `EXC_BAD_ACCESS`. What more
/// is said beside it differs between handlers.
pub(super) fn crash_name(ty: &str) -> Option<&str> {
    let name = ty.split(" / ").next().unwrap_or(ty).trim();
    let plain = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    (plain && ["SIG", "EXC_", "EXCEPTION_", "STATUS_"].iter().any(|start| name.starts_with(start))).then_some(name)
}

/// The function that a crash handler of Apple's systems names before what went wrong: `mow(field:) > Attempted to
/// dereference null pointer.` It stays where a build moves the function.
pub(super) fn crashed_in<'v>(ty: &str, value: &'v str) -> Option<&'v str> {
    crash_name(ty)?;
    let (function, reason) = value.split_once(" > ")?;
    let is_name = (1..=300).contains(&function.len()) && function.lines().count() == 1;
    (is_name && reason.starts_with(|c: char| c.is_ascii_uppercase())).then_some(function)
}

/// Reads type and text.
pub(super) fn read(ty: &str, value: &str) -> MessageSignature {
    let value = value.trim();
    let recursion = ["Maximum call stack size exceeded", "too much recursion", "maximum recursion depth exceeded"]
        .iter()
        .any(|text| value.starts_with(text))
        || ty == "RecursionError"
        || ty.ends_with("StackOverflowError");
    if crash_name(ty).is_some() {
        // Where it ended says it all: texts hold addresses, or repeat the name.
        let recursion = recursion || value.starts_with("Stack overflow");
        return MessageSignature { thrower: ThrowOrigin::Language, key: String::new(), recursion };
    }
    if recursion {
        return MessageSignature { thrower: ThrowOrigin::Language, key: "recursion".to_owned(), recursion };
    }
    if let Some((_, kind)) = SURROUNDINGS.iter().find(|(start, _)| value.starts_with(start)) {
        // A request fails where it is made; the others surface anywhere.
        let thrower = if *kind == "network" { ThrowOrigin::Code } else { ThrowOrigin::Surroundings };
        return MessageSignature { thrower, key: (*kind).to_owned(), recursion };
    }
    if let Some(key) = of_language(value) {
        return MessageSignature { thrower: ThrowOrigin::Language, key, recursion };
    }
    let short = short_type(ty);
    if OF_LANGUAGE.contains(&short) {
        return MessageSignature { thrower: ThrowOrigin::Language, key: String::new(), recursion };
    }
    if let Some(text) = TEXTS_OF_LANGUAGE.iter().find(|text| value.contains(**text)) {
        return MessageSignature { thrower: ThrowOrigin::Language, key: (*text).to_owned(), recursion };
    }
    let key = if is_generic(ty) { pattern(value) } else { String::new() };
    MessageSignature { thrower: ThrowOrigin::Code, key, recursion }
}

/// Whether a text holds a word.
pub(super) fn says_something(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

fn of_language(value: &str) -> Option<String> {
    nothing(value)
        .or_else(|| called(value))
        .or_else(|| undefined_name(value))
        .or_else(|| attribute(value))
        .or_else(|| json(value))
}

/// A property of `undefined` or `null`, in the words of three engines.
fn nothing(value: &str) -> Option<String> {
    let is_read = ["Cannot read propert", "Cannot set propert", "Cannot destructure propert", "can't access property "]
        .iter()
        .any(|start| value.starts_with(start));
    if is_read {
        let named = ["(reading '", "(setting '", "property '", "property \"", "property `"];
        let member = named.iter().find_map(|open| {
            let rest = &value[value.find(open)? + open.len()..];
            rest.split(['\'', '"', '`']).next()
        });
        return Some(format!("nothing.{}", member.map_or("*".to_owned(), identifier)));
    }
    let evaluated = value
        .strip_prefix("undefined is not an object (evaluating '")
        .or_else(|| value.strip_prefix("null is not an object (evaluating '"));
    if let Some(rest) = evaluated {
        let expression = rest.split('\'').next().unwrap_or(rest);
        return Some(format!("nothing.{}", last_member(expression)));
    }
    let subject = value.strip_suffix(" is undefined").or_else(|| value.strip_suffix(" is null"))?;
    is_expression(subject).then(|| "nothing.*".to_owned())
}

/// `a.b is not a function` and its kin: the member, since variables have other names in each build.
fn called(value: &str) -> Option<String> {
    for what in [" is not a function", " is not a constructor", " is not iterable"] {
        if let Some(at) = value.find(what) {
            let kind = what.trim_start_matches(" is ");
            return Some(format!("{kind}: {}", last_member(&value[..at])));
        }
    }
    None
}

fn undefined_name(value: &str) -> Option<String> {
    let name = if let Some(rest) = value.strip_prefix("Can't find variable: ") {
        rest
    } else if let Some(name) = value.strip_suffix(" is not defined") {
        name.strip_prefix("name ").unwrap_or(name).trim_matches('\'')
    } else {
        let early = value.starts_with("Cannot access '") || value.starts_with("can't access lexical declaration");
        return (early || value == "Cannot access uninitialized variable.").then(|| "too early".to_owned());
    };
    is_expression(name).then(|| format!("not defined: {}", variable(name)))
}

/// Python: `'int' object has no attribute 'upper'`.
fn attribute(value: &str) -> Option<String> {
    let (_, rest) = value.split_once(" has no attribute '")?;
    Some(format!("nothing.{}", identifier(rest.split('\'').next().unwrap_or(rest))))
}

/// JSON that does not parse: each engine and each text words it anew.
fn json(value: &str) -> Option<String> {
    let json = value.ends_with("is not valid JSON")
        || [
            "Unexpected token",
            "Unexpected end of JSON",
            "JSON.parse:",
            "JSON Parse error",
            "Unexpected non-whitespace",
        ]
        .iter()
        .any(|start| value.starts_with(start))
        || value.contains(" in JSON at position ");
    json.then(|| "not JSON".to_owned())
}

/// A name; with digits it is likely an id.
fn identifier(name: &str) -> String {
    let plain = !name.is_empty()
        && name.len() <= 60
        && name.chars().all(|c| c.is_alphabetic() || c == '_' || c == '$')
        && name.chars().any(char::is_alphabetic);
    if plain { name.to_owned() } else { "*".to_owned() }
}

/// A variable's name, unless it looks like a minifier's.
fn variable(name: &str) -> String {
    if super::minified::is_minified_name(name) { "*".to_owned() } else { identifier(name) }
}

/// `item.price.toFixed` → `toFixed`; a lone variable only when no minifier made it.
fn last_member(expression: &str) -> String {
    let expression = expression.split(['(', ' ', '\n']).next().filter(|e| !e.is_empty()).unwrap_or(expression);
    match expression.rsplit_once('.') {
        Some((_, member)) => identifier(member.trim_end_matches(['?', ')'])),
        None => variable(expression),
    }
}

fn is_expression(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && !text.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::{ThrowOrigin, read};

    #[test]
    fn engines_say_the_same_in_other_words() {
        for (ty, value, want) in [
            ("TypeError", "Cannot read properties of undefined (reading 'amount')", "nothing.amount"),
            ("TypeError", "Cannot read property 'amount' of null", "nothing.amount"),
            ("TypeError", "can't access property \"amount\", rule is undefined", "nothing.amount"),
            ("TypeError", "undefined is not an object (evaluating 'rule.amount')", "nothing.amount"),
            ("TypeError", "rule is undefined", "nothing.*"),
            ("TypeError", "item.price.toFixed is not a function", "not a function: toFixed"),
            (
                "TypeError",
                "a.notify is not a function. (In 'a.notify(b)', 'a.notify' is undefined)",
                "not a function: notify",
            ),
            ("TypeError", "t is not a function", "not a function: *"),
            ("TypeError", "render is not a function", "not a function: render"),
            ("ReferenceError", "coldSlot is not defined", "not defined: coldSlot"),
            ("ReferenceError", "Can't find variable: coldSlot", "not defined: coldSlot"),
            ("NameError", "name 'coldSlot' is not defined", "not defined: coldSlot"),
            ("SyntaxError", "Unexpected token '<', \"<html>\" is not valid JSON", "not JSON"),
            ("SyntaxError", "Unexpected end of JSON input", "not JSON"),
            ("AttributeError", "'int' object has no attribute 'upper'", "nothing.upper"),
            ("RangeError", "Maximum call stack size exceeded", "recursion"),
            ("InternalError", "too much recursion", "recursion"),
            ("KeyError", "'sku'", ""),
            ("ZeroDivisionError", "division by zero", ""),
        ] {
            let said = read(ty, value);
            assert_eq!((said.thrower, said.key.as_str()), (ThrowOrigin::Language, want), "{value}");
        }
    }

    #[test]
    fn what_code_throws_counts_as_text_only_under_a_type_that_says_nothing() {
        assert_eq!(read("TypeError", "gauge wants a finite number").thrower, ThrowOrigin::Code);
        assert_eq!(read("Error", "coupon 8548 expired").key, "coupon * expired");
        assert_eq!(read("CouponError", "coupon 8548 expired").key, "");
        assert_eq!(read("java.lang.IllegalStateException", "no 7").key, "no *");
    }

    #[test]
    fn noise_of_browsers_reads_alike_whatever_the_browser() {
        let chunk = read("ChunkLoadError", "Loading chunk 17 failed.\n(error: https://x.example/17.js)");
        let module = read("TypeError", "Failed to fetch dynamically imported module: https://x.example/a-3f9ac2.js");
        assert_eq!(chunk, module);
        assert_eq!(chunk.thrower, ThrowOrigin::Surroundings);
        assert_ne!(read("TypeError", "Failed to fetch (stats.example)"), chunk);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(ty in ".{0,20}", value in ".{0,80}") {
            read(&ty, &value);
        }

        #[test]
        fn any_text_after_a_known_start_is_read(start in 0usize..6, value in ".{0,40}") {
            let starts = ["Cannot read properties of ", "undefined is not an object (evaluating '", "can't access property ",
                "Can't find variable: ", "x has no attribute '", ""];
            read("TypeError", &format!("{}{value}", starts[start]));
            read("TypeError", &format!("{value} is not a function"));
        }
    }
}
