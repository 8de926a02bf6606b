//! What a function was called before it was minified.
//! It uses the script's functions and the map's tokens.
//! It never guesses: a name that the map doesn't tell stays as it was.

use super::{
    functions::{Span, around},
    script::{Code, Script},
    units::utf16_to_byte,
};

/// Words that may stand before a name where it is declared.
const BEFORE_NAMES: [&str; 15] = [
    "export",
    "default",
    "async",
    "function",
    "const",
    "let",
    "var",
    "static",
    "get",
    "set",
    "class",
    "public",
    "private",
    "protected",
    "readonly",
];

impl Script {
    /// The name of the function around a place (both from 1) that was sent as `sent`; `None`: it stays.
    pub(super) fn function(&self, line: u64, column: u64, sent: Option<&str>) -> Option<String> {
        if let Some(told) = self.told_by_map(line, column) {
            return Some(told);
        }
        let code = self.code.as_ref()?;
        let function = around(&code.functions, code.byte(line, column)?)?;
        let class = function.class.and_then(|class| self.original(code, class));
        let name = match (function.constructor, &class) {
            (true, Some(class)) => format!("new {class}"),
            (true, None) => return None,
            (false, _) => {
                let name = self.original(code, function.name?)?;
                class.map_or(name.clone(), |class| format!("{class}.{name}"))
            }
        };
        let is_async = sent.is_some_and(|sent| sent.starts_with("async "));
        Some(if is_async { format!("async {name}") } else { name })
    }

    /// Some maps (React Native) say themselves what function a place is in.
    fn told_by_map(&self, line: u64, column: u64) -> Option<String> {
        let sourcemap::DecodedMap::Hermes(map) = &self.map else { return None };
        let name = map.get_scope_for_token(self.token(line, column)?)?;
        (name != "<global>").then(|| name.to_owned())
    }

    /// What the name at these bytes of the script was in the source.
    fn original(&self, code: &Code, (start, end): Span) -> Option<String> {
        let minified = code.text.get(start..end)?;
        let Some((line, column)) = code.place(start) else { return Some(minified.to_owned()) };
        let exact = self.token(line, column).filter(|token| u64::from(token.get_dst_col()) + 1 == column);
        let Some(token) = exact else { return is_telling(minified).then(|| minified.to_owned()) };
        if let Some(name) = token.get_name().filter(|name| is_name(name)) {
            return Some(name.to_owned());
        }
        let view = token.get_source_view();
        let source = view.and_then(|view| view.get_line(token.get_src_line()));
        let read = source.and_then(|source| declared(source, token.get_src_col() as usize));
        // Without names and sources only a name that no minifier made is sure.
        read.or_else(|| is_telling(minified).then(|| minified.to_owned()))
    }
}

/// The name that begins at so many UTF-16 units of a source line, words of its declaration aside.
fn declared(line: &str, units: usize) -> Option<String> {
    let mut rest = line.get(utf16_to_byte(line, units)..)?;
    loop {
        rest = rest.trim_start().trim_start_matches('*').trim_start();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "_$#".contains(c))).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if !BEFORE_NAMES.contains(&word) || after.trim_start().starts_with(['(', '=', ':', ',', '}']) {
            return is_name(word).then(|| word.to_owned());
        }
        rest = after;
    }
}

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "_$#".contains(c);
    !text.is_empty() && text.len() <= 200 && text.chars().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Too long to be a minifier's.
fn is_telling(name: &str) -> bool {
    name.chars().count() > 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_name_what_they_declare() {
        for (line, at, want) in [
            ("export default async function pickAgent(x) {", 0, Some("pickAgent")),
            ("  pickAgent(x) {", 2, Some("pickAgent")),
            ("const toCsv = (rows) => {", 6, Some("toCsv")),
            ("  static *each() {", 2, Some("each")),
            ("  get() {", 2, Some("get")),
            ("  get size() {", 2, Some("size")),
            ("  (x) => x", 2, None),
            ("ä", 40, None),
        ] {
            assert_eq!(declared(line, at).as_deref(), want, "{line}");
        }
    }

    #[test]
    fn names_come_from_the_map_or_from_the_source() {
        // `function a(){return b.c}` of `function pick() { return agent.id; }`, first with names, then without.
        let source = "function pick() { return agent.id; }";
        let code = "function a(){return b.c}";
        let mut builder = sourcemap::SourceMapBuilder::new(None);
        builder.add(0, 0, 0, 0, Some("../src/pick.js"), None, false);
        builder.add(0, 9, 0, 9, Some("../src/pick.js"), None, false);
        let token = builder.add(0, 20, 0, 25, Some("../src/pick.js"), None, false);
        builder.set_source_contents(token.src_id, Some(source));
        let mut map = Vec::new();
        builder.into_sourcemap().to_writer(&mut map).unwrap();
        let script = Script::new(&map, Some(code.as_bytes())).unwrap();
        assert_eq!(script.function(1, 21, Some("a")).as_deref(), Some("pick"));
        assert_eq!(script.function(1, 21, Some("async a")).as_deref(), Some("async pick"));
        let place = script.place(1, 21).unwrap();
        assert_eq!((place.line, place.column, place.context.unwrap().line.as_str()), (1, 26, source));
        let without_code = Script::new(&map, None).unwrap();
        assert_eq!(without_code.function(1, 21, Some("a")), None);
        assert!(without_code.place(2, 1).is_none() && without_code.place(0, 0).is_none());
    }
}
