//! Markdown in which every line begins with the program's own characters.

use crate::guard::{Clean, Say};

/// A Markdown text under construction. No line can begin with outside text: each method writes a mark of its own first.
#[derive(Debug, Default)]
pub struct Doc {
    out: String,
}

impl Doc {
    /// An empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// `## Words`, the words being the program's.
    pub fn heading(&mut self, words: &'static str) {
        self.gap();
        self.push("## ", &[&words]);
    }

    /// A line that starts with the program's words and goes on with parts: `Label: …`.
    pub fn line(&mut self, start: &'static str, parts: &[&dyn Say]) {
        self.push(start, parts);
    }

    /// `- …`.
    pub fn bullet(&mut self, text: &Clean) {
        self.push("- ", &[text]);
    }

    /// `  …` below a bullet, after words of the program.
    pub fn under(&mut self, start: &'static str, parts: &[&dyn Say]) {
        self.out.push_str("  ");
        self.push(start, parts);
    }

    /// `│ …` for each line.
    pub fn quoted(&mut self, lines: &[Clean]) {
        for line in lines {
            self.push("│ ", &[line]);
        }
    }

    /// An empty line, unless there is one or nothing yet.
    pub fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// The text, without white space at its end.
    pub fn finish(mut self) -> String {
        self.out.truncate(self.out.trim_end().len());
        self.out
    }

    fn push(&mut self, start: &'static str, parts: &[&dyn Say]) {
        self.out.push_str(start);
        for part in parts {
            part.say(&mut self.out);
        }
        self.out.push('\n');
    }
}
