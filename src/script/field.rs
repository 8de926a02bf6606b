//! Filling fields: as it was typed, not only with what came of it.

use super::{Expr, Lines, doubt::Doubts, doubt::named, placeholder};
use crate::{
    guard::{Guard, Literal},
    js,
    model::Untrusted,
    replay::{Control, Input, Target, Value},
    say,
};

/// Types of `input` that take a whole value, not keys.
const WHOLE: &[&str] = &["date", "time", "datetime-local", "month", "week", "color", "range"];
/// Most runs of typing and taking back that are repeated one by one.
const RUNS: usize = 12;

/// Lines that fill a field.
pub fn fill(input: &Input, target: &Target, at: &Expr, guard: &mut Guard, doubts: &mut Doubts) -> Lines {
    let mut filling = Filling { input, target, at, guard, doubts, lines: Lines::default() };
    match (&input.value, input.control) {
        (_, Control::File) => filling.file(),
        (Value::Checked(on), _) => filling.check(*on),
        (Value::Choice { value, label, index }, _) => filling.choose(value.as_ref(), label.as_ref(), *index),
        (Value::Masked { .. }, Control::Select) => filling.choose(None, None, None),
        (Value::Text(text), _) => filling.text(text),
        (Value::Masked { chars }, _) => filling.made_up(Some(*chars as usize), "was masked"),
        (Value::Unknown, _) => filling.made_up(None, "is not in the recording"),
    }
    if input.submitted || input.emptied {
        filling.enter();
    }
    filling.lines
}

struct Filling<'a> {
    input: &'a Input,
    target: &'a Target,
    at: &'a Expr,
    guard: &'a mut Guard,
    doubts: &'a mut Doubts,
    lines: Lines,
}

impl Filling<'_> {
    fn call(&mut self, call: Expr) {
        let at = self.at;
        self.lines.push(js!("await ", at, ".", call, ";"));
    }

    fn check(&mut self, on: bool) {
        self.call(js!(if on { "check()" } else { "uncheck()" }));
    }

    fn text(&mut self, text: &Untrusted) {
        let name = self.target.name_attribute.as_ref().map(|name| &name.text);
        let literal = match name {
            Some(name) => self.guard.literal_of(name, text),
            None => self.guard.literal(text),
        };
        if literal.redacted() {
            return self.made_up(Some(text.raw().chars().count()), "was redacted");
        }
        if !literal.exact() {
            let field = named(self.target, self.guard);
            self.doubts.gap(0.9, say!("the value of ", field, " is long: the script has its beginning alone"));
        }
        let whole = self.target.input_type.as_ref().is_some_and(|t| WHOLE.contains(&t.raw()));
        let editable = self.input.control == Control::Editable;
        match runs(self.before(), &self.input.typed, text.raw()) {
            _ if whole => self.call(js!("fill(", literal, ")")),
            // Where keys land in rich text depends on what its own code does with the caret.
            _ if editable && self.before().is_none_or(str::is_empty) && !text.raw().contains('\n') => {
                self.call(js!("pressSequentially(", literal, ")"));
            }
            Some(runs) if !editable => self.type_runs(&runs),
            _ => self.call(js!("fill(", literal, ")")),
        }
    }

    fn before(&self) -> Option<&str> {
        self.input.before.as_ref().map(Untrusted::raw)
    }

    fn type_runs(&mut self, runs: &[Run]) {
        let appends = matches!(runs.first(), Some(Run::Type(_) | Run::Back(_)));
        if appends && self.before().is_some_and(|before| !before.is_empty()) {
            self.call(js!("press('End')"));
        }
        for run in runs {
            match run {
                Run::Clear => self.call(js!("clear()")),
                Run::Paste(text) => {
                    let text = self.guard.literal(&text.as_str().into());
                    self.call(js!("fill(", text, ")"));
                }
                Run::Type(text) => {
                    let text = self.guard.literal(&text.as_str().into());
                    self.call(js!("pressSequentially(", text, ")"));
                }
                Run::Back(count) => {
                    for _ in 0..*count {
                        self.call(js!("press('Backspace')"));
                    }
                }
            }
        }
    }

    fn choose(&mut self, value: Option<&Untrusted>, label: Option<&Untrusted>, index: Option<u32>) {
        let mut exact = |text: Option<&Untrusted>| text.map(|t| self.guard.literal(t)).filter(|t| t.exact());
        if let Some(label) = exact(label.filter(|label| !label.is_empty())) {
            return self.call(js!("selectOption({ label: ", label, " })"));
        }
        if let Some(value) = exact(value) {
            return self.call(js!("selectOption(", value, ")"));
        }
        if let Some(index) = index {
            return self.call(js!("selectOption({ index: ", index, " })"));
        }
        let field = named(self.target, self.guard);
        let n = self
            .doubts
            .placeholder(0.8, |n| say!("placeholder ", n, ": which option of ", field, " was chosen is masked"));
        self.lines.push(js!("// PLACEHOLDER ", n, ": which option was chosen is not known; this is the second one."));
        self.call(js!("selectOption({ index: 1 })"));
    }

    fn made_up(&mut self, chars: Option<usize>, why: &'static str) {
        let field = named(self.target, self.guard);
        let n = self.doubts.placeholder(0.85, |n| say!("placeholder ", n, ": what was typed into ", field, " ", why));
        let value = match self.input.control {
            Control::Range => Literal::ours("50", "", 0, ""),
            _ => placeholder::value(self.target, chars),
        };
        self.lines.push(js!("// PLACEHOLDER ", n, ": the value ", why, "; this one is of its kind and length."));
        self.call(js!("fill(", value, ")"));
    }

    fn file(&mut self) {
        let field = named(self.target, self.guard);
        let n = self
            .doubts
            .placeholder(0.9, |n| say!("placeholder ", n, ": the file chosen in ", field, " is not in the recording"));
        let name = match &self.input.value {
            Value::Text(path) => path.raw().rsplit(['\\', '/']).next().unwrap_or("").to_owned(),
            _ => String::new(),
        };
        let name = if name.is_empty() { "example.txt".into() } else { name };
        let name = self.guard.literal(&name.into());
        self.lines.push(js!("// PLACEHOLDER ", n, ": a file of your own; its content is not in the recording."));
        self.call(js!("setInputFiles({ name: ", name, ", mimeType: 'text/plain', buffer: Buffer.from('example') })"));
    }

    fn enter(&mut self) {
        if self.input.emptied && !self.input.submitted {
            let field = named(self.target, self.guard);
            self.doubts.gap(0.9, say!("that Enter was pressed in ", field, " is inferred from what the page did next"));
        }
        self.call(js!("press('Enter')"));
    }
}

/// One run of a field's history.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Run {
    /// Emptied.
    Clear,
    /// Keys at the end.
    Type(String),
    /// Characters taken away at the end.
    Back(usize),
    /// The whole value at once.
    Paste(String),
}

/// How a field came to its value; `None` when it is not known or no simple story, so that the value alone counts.
fn runs(before: Option<&str>, typed: &[Untrusted], last: &str) -> Option<Vec<Run>> {
    if last.contains(['\n', '\t']) || typed.is_empty() {
        return None;
    }
    let mut runs = Vec::new();
    // A field whose first value is one character was empty, or was emptied by that key.
    let mut now = before.or_else(|| (typed[0].raw().chars().count() <= 1).then_some(""))?;
    for next in typed.iter().map(Untrusted::raw).chain((typed.last().map(Untrusted::raw) != Some(last)).then_some(last))
    {
        match step(now, next) {
            None => {}
            Some(Run::Type(text)) => match runs.last_mut() {
                Some(Run::Type(so_far)) => so_far.push_str(&text),
                _ => runs.push(Run::Type(text)),
            },
            Some(Run::Back(count)) => match runs.last_mut() {
                Some(Run::Back(so_far)) => *so_far += count,
                _ => runs.push(Run::Back(count)),
            },
            Some(run) => runs.push(run),
        }
        now = next;
    }
    (runs.len() <= RUNS).then_some(runs)
}

/// What made one value of another.
fn step(now: &str, next: &str) -> Option<Run> {
    if now == next {
        return None;
    }
    if next.is_empty() {
        return Some(Run::Clear);
    }
    if let Some(added) = next.strip_prefix(now) {
        let one = added.chars().count() <= 2;
        return Some(if one { Run::Type(added.into()) } else { Run::Paste(next.into()) });
    }
    if let Some(taken) = now.strip_prefix(next)
        && taken.chars().count() <= 2
    {
        return Some(Run::Back(taken.chars().count()));
    }
    Some(Run::Paste(next.into()))
}
