//! What the recording doesn't tell, and how far the script can be trusted for it.

use crate::{
    guard::{Clean, Guard},
    replay::{GapKind, Replay},
    say,
};

/// Gathers gaps; each lowers the confidence by its own factor.
#[derive(Debug)]
pub struct Doubts {
    gaps: Vec<Clean>,
    confidence: f64,
    placeholders: u32,
}

/// Most gaps that are told one by one.
const MOST: usize = 40;

impl Doubts {
    /// What the recording as a whole leaves open.
    pub fn of(replay: &Replay) -> Self {
        let mut doubts = Self { gaps: Vec::new(), confidence: 0.95, placeholders: 0 };
        for gap in &replay.gaps {
            let from = seconds(gap.from_ms);
            let to = seconds(gap.to_ms);
            match (gap.kind, gap.segment) {
                (GapKind::Missing, Some(n)) => {
                    doubts
                        .gap(0.3, say!("segment ", n, " never came (", from, " to ", to, " s): its steps are missing"));
                }
                (GapKind::Broken, Some(n)) => {
                    doubts.gap(
                        0.3,
                        say!("segment ", n, " can't be read (", from, " to ", to, " s): its steps are missing"),
                    );
                }
                (GapKind::Missing | GapKind::Broken, None) => {
                    doubts.gap(0.3, say!("nothing was recorded from ", from, " to ", to, " s: steps may be missing"));
                }
                (GapKind::Before, _) => {}
                (GapKind::Limit, _) => doubts.gap(0.5, say!("the recording is too large: read up to ", from, " s")),
            }
        }
        if !replay.from_start {
            let text = "the recording begins in the middle of the visit: the state it had by then (a cart, a login, an open \
                        dialog) has to be set up before the first step";
            doubts.gap(0.75, Clean::ours(text));
        }
        if replay.tabs > 1 {
            doubts.gap(0.6, say!("the visit used ", replay.tabs, " tabs: the script follows the one with the error"));
        }
        doubts
    }

    /// One thing that isn't known, and what is left of the confidence after it.
    pub fn gap(&mut self, factor: f64, text: Clean) {
        self.confidence *= factor;
        if self.gaps.len() < MOST && !self.gaps.contains(&text) {
            self.gaps.push(text);
        }
    }

    /// A value that had to be made up: its number, which marks it in the script.
    pub fn placeholder(&mut self, factor: f64, why: impl FnOnce(u32) -> Clean) -> u32 {
        self.placeholders += 1;
        let number = self.placeholders;
        // Many masked fields are no worse than some: the first ones tell that values matter little or much.
        self.gap(if number > 4 { 1.0 } else { factor }, why(number));
        number
    }

    /// The gaps in the order in which they were met, and the confidence with two digits.
    pub fn finish(self) -> (Vec<Clean>, f64) {
        (self.gaps, (self.confidence * 100.0).round().max(1.0) / 100.0)
    }
}

/// A time of the replay in seconds with one digit.
pub fn seconds(ms: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "times of a replay are small")]
    let tenths = (ms / 100) as f64;
    tenths / 10.0
}

/// An element in words: its role or tag and the name that a person would use.
pub fn named(target: &crate::replay::Target, guard: &mut Guard) -> Clean {
    use crate::guard::Limit::Tag;
    let texts = [&target.label, &target.name, &target.placeholder, &target.text, &target.name_attribute, &target.id];
    let name = texts.into_iter().flatten().find(|shared| !shared.text.is_empty());
    match name {
        Some(name) => say!("\"", guard.line(&name.text, Tag).shortened(60), "\""),
        None if target.css.is_empty() => say!("an element"),
        None => say!("\"", guard.line(&target.css, Tag).shortened(60), "\""),
    }
}
