//! The text of a `throw` as it stands in the source: what of a message is the program's, and what was put in.

use super::pattern::{ANY, pattern};
use crate::model::Frame;

/// Lines after the one that threw in which the text may stand.
const LINES_AFTER: usize = 2;

/// Letters that a literal must share with the message to be taken for its template.
const LETTERS: usize = 4;

/// The pattern of the string literal that `message` was made from, if the frame's source shows one.
pub(super) fn template(message: &str, frame: &Frame) -> Option<String> {
    let line = frame.context_line.as_ref()?.raw();
    let after = frame.post_context.iter().take(LINES_AFTER).map(|line| line.raw());
    std::iter::once(line).chain(after).find_map(|code| best_literal(message, code))
}

fn best_literal(message: &str, code: &str) -> Option<String> {
    let fitting = literals(code).into_iter().map(pieces).filter(|pieces| fits(message, pieces));
    let best = fitting.max_by_key(|pieces| pieces.iter().map(|p| letters(p)).sum::<usize>())?;
    let mut text = best.join(&ANY.to_string());
    let said_all = best.last().is_some_and(|last| message.ends_with(last.as_str()));
    if !said_all {
        text.push(ANY);
    }
    Some(pattern(&text))
}

/// What stands between quotes of one kind, in one line.
fn literals(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(open) = rest.find(['"', '\'', '`']) {
        let quote = &rest[open..=open];
        let body = &rest[open + 1..];
        let Some(close) = unescaped(body, quote) else { break };
        found.push(&body[..close]);
        rest = &body[close + 1..];
    }
    found
}

fn unescaped(body: &str, quote: &str) -> Option<usize> {
    body.match_indices(quote).map(|(at, _)| at).find(|at| !body[..*at].ends_with('\\'))
}

/// The constant parts between `${…}`, `{…}`, `%s`, `%(name)d`.
fn pieces(literal: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut chars = literal.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // Ruby writes `#{…}`, JavaScript, PHP and Kotlin `${…}`.
            '$' | '#' if chars.peek() == Some(&'{') => {}
            // PHP, Kotlin, Scala, Groovy: `$name`, `$this->name`.
            '$' if chars.peek().is_some_and(|c| c.is_alphabetic() || *c == '_') => {
                while chars.peek().is_some_and(|c| c.is_alphanumeric() || "_->".contains(*c)) {
                    chars.next();
                }
                found.push(String::new());
            }
            // Swift: `\(…)`.
            '\\' if chars.peek() == Some(&'(') => {
                chars.by_ref().find(|c| *c == ')');
                found.push(String::new());
            }
            '{' => {
                chars.by_ref().find(|c| *c == '}');
                found.push(String::new());
            }
            '%' if chars.peek().is_some_and(|c| c.is_ascii_alphanumeric() || "(.-+#".contains(*c)) => {
                chars.by_ref().find(|c| c.is_ascii_alphabetic() && !"lh".contains(*c));
                found.push(String::new());
            }
            '\\' => {
                chars.next();
                found.push(String::new());
            }
            _ => {
                if let Some(last) = found.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    found
}

/// Whether the message starts with the first part and holds the others after it, in order.
fn fits(message: &str, pieces: &[String]) -> bool {
    let Some(first) = pieces.first() else { return false };
    let Some(mut rest) = message.strip_prefix(first.as_str()) else { return false };
    for piece in &pieces[1..] {
        match rest.find(piece.as_str()) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    pieces.iter().map(|p| letters(p)).sum::<usize>() >= LETTERS
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

#[cfg(test)]
mod tests {
    use super::template;
    use crate::model::Frame;

    fn found(message: &str, code: &str) -> Option<String> {
        template(message, &Frame { context_line: Some(code.into()), ..Frame::default() })
    }

    #[test]
    fn a_literal_in_the_source_tells_what_was_put_in() {
        for (message, code, want) in [
            ("unknown country Norway here", "throw new Error(`unknown country ${c} here`);", "unknown country * here"),
            ("unknown country Norway", "throw new Error('unknown country ' + c);", "unknown country *"),
            ("order nine is lost", r#"raise ValueError(f"order {order!r} is lost")"#, "order * is lost"),
            ("order nine is lost", r#"raise ValueError("order %s is lost" % order)"#, "order * is lost"),
            ("order nine is lost", r##"raise "order #{order} is lost""##, "order * is lost"),
            ("order nine is lost", r#"throw new Gone("order $order is lost");"#, "order * is lost"),
            ("order nine is lost", r#"fatalError("order \(order) is lost")"#, "order * is lost"),
            ("cart could not be restored", "fail('cart could not be restored')", "cart could not be restored"),
        ] {
            assert_eq!(found(message, code).as_deref(), Some(want), "{code}");
        }
    }

    #[test]
    fn source_of_another_version_is_not_believed() {
        assert_eq!(found("cart is empty", "Sentry.captureException(new Error(text));"), None);
        assert_eq!(found("cart is empty", "problems.append('cart was full')"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_source_is_read(message in ".{0,30}", code in ".{0,60}") {
            found(&message, &code);
        }
    }
}
