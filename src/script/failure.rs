//! What must not happen again: the recorded errors, as a page or a console tells them.

use super::{Lines, doubt::Doubts};
use crate::{
    guard::{Clean, Guard},
    js,
    model::Untrusted,
    replay::{Failure, Replay},
};

/// Shortest part of a message that is looked for alone.
const SHORTEST: usize = 4;
/// What the SDK puts before what was thrown.
const WRAPPINGS: &[&str] =
    &["Non-Error promise rejection captured with value: ", "Non-Error exception captured with value: ", "Uncaught "];

/// The errors that a script expects to stay away.
pub struct Expected<'a> {
    errors: Vec<&'a Failure>,
    chromium: bool,
}

impl<'a> Expected<'a> {
    /// Each different one of some.
    pub fn of(errors: &[&'a Failure], replay: &Replay) -> Self {
        let mut different: Vec<&Failure> = Vec::new();
        for error in errors {
            if !different.iter().any(|known| known.ty == error.ty && known.value == error.value) {
                different.push(error);
            }
        }
        let agent = replay.user_agent.as_ref().map_or("Chrome/", Untrusted::raw);
        Self { errors: different, chromium: agent.contains("Chrome/") || agent.contains("Chromium/") }
    }

    /// Whether something that was caught is among them: then only what the SDK sends tells of it.
    fn caught(&self) -> bool {
        self.errors.iter().any(|error| !error.unhandled)
    }

    /// The list of them, before the test.
    pub fn list(&self, guard: &mut Guard, doubts: &mut Doubts) -> Lines {
        let mut lines = Lines::default();
        lines.ours("// What was recorded, and must not come back.\nconst recorded = [");
        for error in &self.errors {
            let ty = guard.literal(error.ty.as_ref().unwrap_or(&"Error".into()));
            let told = self.told(error, guard);
            let message = guard.literal(&told.into());
            lines.push(js!("  { type: ", ty, ", message: ", message, " },"));
        }
        lines.ours("];\n");
        if self.errors.is_empty() {
            doubts.gap(
                0.5,
                Clean::ours("no error is in the recording: the script repeats the steps and expects no error at all"),
            );
        }
        if !self.chromium && !self.errors.is_empty() {
            let text = "recorded in another browser than Chromium, which words errors differently: only their type is compared";
            doubts.gap(0.7, Clean::ours(text));
        }
        if self.caught() {
            let text = "the application caught an error itself: it is seen in the console or in what the error SDK sends, if the \
                        page that is tested has one";
            doubts.gap(0.6, Clean::ours(text));
        }
        lines
    }

    /// The part of a message that will be there again.
    fn told(&self, error: &Failure, guard: &mut Guard) -> String {
        let value = error.value.as_ref().filter(|_| self.chromium).map_or("", Untrusted::raw);
        let value = WRAPPINGS.iter().find_map(|wrapping| value.strip_prefix(wrapping)).unwrap_or(value);
        // A DOM exception's text begins with its name, which a page error tells apart.
        let value = match value.split_once(": ") {
            Some((name, rest)) if name.ends_with("Error") && !name.contains(' ') => rest,
            _ => value,
        };
        let line = without_host(value.lines().next().unwrap_or("").trim_end_matches("...").trim());
        let clean = guard.literal(&line.into());
        let steady = if clean.exact() { line } else { steady_part(line, guard) };
        if steady.chars().count() < SHORTEST { String::new() } else { steady.to_owned() }
    }

    /// Watches the page, from before the first step on.
    pub fn watch(&self) -> Lines {
        let mut lines = Lines::default();
        lines.ours("  const seen: string[] = [];");
        lines.ours("  page.on('pageerror', (error) => seen.push(`${error.name}: ${error.message}`));");
        lines.ours("  page.on('console', (line) => line.type() === 'error' && seen.push(line.text()));");
        if self.caught() {
            lines.ours(
                "  // An error that the application caught is told by what its error SDK sends.\n  \
                 page.on('request', (sent) => /\\/(envelope|store)\\/(\\?|$)/.test(sent.url()) && seen.push(sent.postData() ?? ''));",
            );
        }
        lines
    }

    /// The expectation at the end.
    pub fn expect(&self) -> Lines {
        let mut lines = Lines::default();
        if self.errors.is_empty() {
            lines.ours("  expect(seen, 'errors on the page').toEqual([]);");
            return lines;
        }
        lines.ours(
            "  const back = recorded.filter(({ type, message }) => seen.some((text) => text.includes(message || type)));\n  \
             expect(back, 'recorded errors that came back').toEqual([]);",
        );
        lines
    }
}

/// What the SDK adds to failed requests, and the browser doesn't say: the host in brackets.
fn without_host(line: &str) -> &str {
    const FAILED: &[&str] = &["Failed to fetch", "Load failed", "NetworkError when attempting to fetch resource."];
    FAILED.iter().copied().find(|failed| line.starts_with(failed)).unwrap_or(line)
}

/// The longest run of words in which nothing has to be redacted.
fn steady_part<'t>(line: &'t str, guard: &mut Guard) -> &'t str {
    let mut best = "";
    for part in line.split(['"', '\'', ' ', '=']).filter(|part| part.len() > best.len()) {
        if guard.literal(&part.into()).exact() {
            best = part;
        }
    }
    best
}
