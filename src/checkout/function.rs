//! The lines of a function, told by indentation, which formatted code of all languages has.

use std::ops::Range;

/// Lines around a place whose function isn't found.
const AROUND: usize = 3;
/// Words that begin what holds functions.
const HOLDERS: [&str; 8] = ["class", "impl", "module", "namespace", "interface", "trait", "object", "struct"];
/// Words that begin a function without a name of its own.
const HEADS: [&str; 7] = ["=>", "function", "lambda", "fn", "func", "def", "do"];

/// The lines of the function around a line, from its head to its end; lines count from 0. Where no line above names the
/// function, its nearest head does; where there is none, a few lines around.
pub(super) fn around(lines: &[&str], line: usize, function: Option<&str>) -> Range<usize> {
    if line >= lines.len() {
        return lines.len()..lines.len();
    }
    let name = function.and_then(bare_name);
    let heads = heads(lines, line);
    let named = |at: &&usize| name.is_some_and(|name| has_word(lines[**at], name));
    let holds = |at: &&usize| HOLDERS.iter().any(|word| has_word(lines[**at], word));
    let begins = |at: &&usize| {
        HEADS.iter().any(|word| has_word(lines[**at], word) || *word == "=>" && lines[**at].contains(word))
    };
    // The outermost that has the name: further in, the function may call itself.
    let own = heads.iter().rfind(|at| named(at) && !holds(at)).or_else(|| heads.iter().find(named));
    match own.or_else(|| heads.iter().find(begins)) {
        Some(&head) => with_marks(lines, head)..end(lines, head, line),
        None => line.saturating_sub(AROUND)..(line + AROUND + 1).min(lines.len()),
    }
}

/// `Ledger.rateFor` → `rateFor`, `<anonymous>` → none.
fn bare_name(function: &str) -> Option<&str> {
    let function = function.split(['(', '<', '[']).next().unwrap_or(function).trim();
    let name = function.rsplit(['.', ':', '#', '/', ' ', '$', '>']).next()?;
    let word = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (word && !name.is_empty() && name != "anonymous").then_some(name)
}

/// The line itself and those above it that are indented less than all between, the nearest first.
fn heads(lines: &[&str], line: usize) -> Vec<usize> {
    let mut found = vec![line];
    let mut least = indent(lines[line]).unwrap_or(usize::MAX);
    for at in (0..line).rev() {
        match indent(lines[at]) {
            Some(own) if own < least && !closes(lines[at]) => {
                found.push(at);
                least = own;
            }
            _ => {}
        }
        if least == 0 {
            break;
        }
    }
    found
}

/// Decorators and attributes belong to what they mark.
fn with_marks(lines: &[&str], head: usize) -> usize {
    let is_mark = |at: &usize| lines[*at].trim_start().starts_with(['@']) || lines[*at].trim_start().starts_with("#[");
    (0..head).rev().take_while(is_mark).last().unwrap_or(head)
}

/// The first line after the function: that which is indented no more than its head, a closing one included.
fn end(lines: &[&str], head: usize, line: usize) -> usize {
    let own = indent(lines[head]).unwrap_or(0);
    let after = |at: &usize| indent(lines[*at]).is_some_and(|other| other <= own);
    // Heads of several lines close with `) {`, which is indented as they are.
    let goes_on = |at: usize| lines[at].trim_end().ends_with(['{', ':']) && closes(lines[at]);
    match (head + 1..lines.len()).filter(after).find(|at| *at > line && !goes_on(*at)) {
        Some(at) if closes(lines[at]) => at + 1,
        Some(at) => at,
        None => lines.len(),
    }
}

fn closes(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['}', ')', ']']) || line == "end" || line.starts_with("end ")
}

/// Columns before the first character; `None` for an empty line.
fn indent(line: &str) -> Option<usize> {
    let inside = line.trim_start();
    (!inside.is_empty()).then(|| line[..line.len() - inside.len()].chars().map(|c| if c == '\t' { 4 } else { 1 }).sum())
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(part) && !line[at + word.len()..].chars().next().is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, line: usize, function: &str) -> Range<usize> {
        let lines: Vec<&str> = text.lines().collect();
        // Lines of the tests count from 1, as people do.
        let found = around(&lines, line - 1, Some(function));
        found.start + 1..found.end
    }

    #[test]
    fn functions_with_braces_end_where_they_close() {
        let text = "const a = 1;\n\nfunction rateFor(code) {\n  if (!code) {\n    return 0;\n  }\n  return rates[code];\n}\n\nfunction other() {\n}\n";
        assert_eq!(of(text, 7, "rateFor"), 3..8);
        assert_eq!(of(text, 5, "Object.rateFor"), 3..8);
        assert_eq!(of(text, 5, "<anonymous>"), 3..8);
        let own = "function walk(node) {\n  if (walk(node.left)) {\n    return walk(node.right);\n  }\n}\n";
        assert_eq!(of(own, 3, "walk"), 1..5);
    }

    #[test]
    fn functions_by_indentation_take_their_decorators() {
        let text = "class Cart:\n    @cached\n    def total(self):\n        rows = self.rows\n\n        return sum(rows)\n\n    def other(self):\n        pass\n";
        assert_eq!(of(text, 6, "Cart.total"), 2..7);
        assert_eq!(of(text, 9, "other"), 8..9);
    }

    #[test]
    fn heads_of_several_lines_are_heads() {
        let text = "impl Cart {\n    fn total(\n        &self,\n    ) -> u64 {\n        self.sum()\n    }\n\n    fn other() {}\n}\n";
        assert_eq!(of(text, 5, "shop::Cart::total"), 2..6);
    }

    #[test]
    fn without_any_head_a_few_lines_count() {
        let text = "a\nb\nc\nd\ne\nf\ng\nh\n";
        assert_eq!(of(text, 5, "x"), 2..8);
        assert_eq!(of(text, 5, ""), 2..8);
    }
}
