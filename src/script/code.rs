//! Code under construction: only words of the program, numbers and literals can become part of it.

use crate::guard::{Clean, Literal, Say};

/// What may stand in code.
pub trait Js: Say {}

impl Js for &'static str {}
impl Js for Literal {}
impl Js for Expr {}
impl Js for u32 {}
impl Js for u64 {}
impl Js for i64 {}
impl Js for usize {}
impl Js for &Expr {}

/// A piece of code.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Expr(Clean);

impl Expr {
    /// Puts parts together. See [`js!`](crate::js).
    pub fn of(parts: &[&dyn Js]) -> Self {
        let parts: Vec<&dyn Say> = parts.iter().map(|part| *part as &dyn Say).collect();
        Self(Clean::of(&parts))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Pieces with a separator between them.
    pub fn join(pieces: &[Self], between: &'static str) -> Self {
        let mut out = Self::default();
        for (i, piece) in pieces.iter().enumerate() {
            out = if i == 0 { piece.clone() } else { Self::of(&[&out, &between, piece]) };
        }
        out
    }
}

impl Say for Expr {
    fn say(&self, out: &mut String) {
        self.0.say(out);
    }
}

impl Say for &Expr {
    fn say(&self, out: &mut String) {
        self.0.say(out);
    }
}

/// Code out of literals of the program, numbers, [`Literal`]s and other code.
///
/// ```compile_fail
/// let outside = String::from("x");
/// prodsignal::js!("await ", outside);
/// ```
///
/// ```compile_fail
/// let shown = prodsignal::guard::Clean::ours("clean for people, not for a parser");
/// prodsignal::js!("await ", shown);
/// ```
///
/// ```
/// let text = prodsignal::guard::Guard::new().literal(&"it's".into());
/// assert_eq!(prodsignal::js!("say(", text, ", ", 2u32, ")").as_str(), r"say('it\'s', 2)");
/// ```
#[macro_export]
macro_rules! js {
    ($($part:expr),* $(,)?) => { $crate::script::Expr::of(&[$(&$part as &dyn $crate::script::Js),*]) };
}

/// Lines of a file.
#[derive(Debug, Default)]
pub struct Lines {
    lines: Vec<Expr>,
}

impl Lines {
    /// One line.
    pub fn push(&mut self, line: Expr) {
        self.lines.push(line);
    }

    /// Lines of the program's own.
    pub fn ours(&mut self, text: &'static str) {
        self.lines.extend(text.split('\n').map(|line| Expr(Clean::ours(line))));
    }

    /// All lines of another.
    pub fn append(&mut self, other: Self) {
        self.lines.extend(other.lines);
    }

    /// The same, two spaces further in.
    pub fn indented(self) -> Self {
        Self { lines: self.lines.into_iter().map(|line| Expr::of(&[&"  ", &line])).collect() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The whole file.
    pub fn finish(&self) -> Clean {
        let mut parts: Vec<&dyn Say> = Vec::with_capacity(self.lines.len() * 2);
        for line in &self.lines {
            parts.push(line);
            parts.push(&"\n");
        }
        Clean::of(&parts)
    }
}
