//! Where the lines of one version of a file stand in another.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// Longest file whose versions are compared.
const LINES: usize = 50_000;
/// As long as two versions are compared; the rest counts as changed.
const LIMIT: Duration = Duration::from_millis(300);

/// Two versions of a file, compared.
pub(super) struct Drift {
    /// Runs of lines: from, of the older; from, of the newer; and whether they are the same.
    runs: Vec<(Range<usize>, Range<usize>, bool)>,
}

/// The lines of a text without what ends them; spaces at their ends don't count.
pub(super) fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}

impl Drift {
    /// Compares; `None` where a version is too long. Lines count from 0.
    pub(super) fn between(older: &[&str], newer: &[&str]) -> Option<Self> {
        if older.len().max(newer.len()) > LINES {
            return None;
        }
        let until = Instant::now().checked_add(LIMIT);
        let found = capture_diff_slices_deadline(Algorithm::Patience, older, newer, until);
        let run = |op: &DiffOp| (op.old_range(), op.new_range(), matches!(op, DiffOp::Equal { .. }));
        Some(Self { runs: found.iter().map(run).collect() })
    }

    /// Where a line stands in the newer version: itself, or what stands in its place; `None` where it was taken out.
    pub(super) fn now(&self, line: usize) -> Option<usize> {
        let (old, new, _) = self.runs.iter().find(|(old, ..)| old.contains(&line))?;
        let at = new.start + (line - old.start);
        (!new.is_empty()).then(|| at.min(new.end - 1))
    }

    /// Whether any of these lines of the older version was changed or taken out, or anything put between them.
    pub(super) fn touches(&self, lines: &Range<usize>) -> bool {
        let within = |old: &Range<usize>| {
            if old.is_empty() {
                lines.start < old.start && old.start < lines.end
            } else {
                old.start < lines.end && lines.start < old.end
            }
        };
        self.runs.iter().any(|(old, _, same)| !same && within(old))
    }

    /// The lines of the newer version between the places of the first and the last of these.
    pub(super) fn range_now(&self, lines: &Range<usize>) -> Option<Range<usize>> {
        let mut places = lines.clone().filter_map(|line| self.now(line));
        let first = places.next()?;
        let last = places.next_back().unwrap_or(first);
        (first <= last).then_some(first..last + 1)
    }
}

/// The line of a text that is the one a frame quotes, told by itself and the lines around it; `None` where several are
/// equally like it. Lines count from 0.
pub(super) fn quoted(text: &[&str], before: &[&str], line: &str, after: &[&str]) -> Option<usize> {
    let line = line.trim();
    if line.len() < 3 {
        return None;
    }
    let same = |at: Option<usize>, wanted: &&str| {
        at.and_then(|at| text.get(at)).is_some_and(|own| own.trim() == wanted.trim())
    };
    let around = |at: usize| {
        let above =
            before.iter().rev().enumerate().filter(|(far, wanted)| same(at.checked_sub(far + 1), wanted)).count();
        above + after.iter().enumerate().filter(|(far, wanted)| same(Some(at + far + 1), wanted)).count()
    };
    let mut found: Vec<(usize, usize)> =
        text.iter().enumerate().filter(|(_, own)| own.trim() == line).map(|(at, _)| (around(at), at)).collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    match found[..] {
        [] => None,
        [(likeness, _), (other, _), ..] if likeness == other => None,
        [(_, at), ..] => Some(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "a\nb\nc\nd\ne\n";

    fn drift(newer: &str) -> Drift {
        Drift::between(&lines(OLD), &lines(newer)).unwrap()
    }

    #[test]
    fn lines_move_with_what_is_put_before_them() {
        let drift = drift("x\ny\na\nb\nc\nd\ne\n");
        assert_eq!(drift.now(2), Some(4));
        assert!(!drift.touches(&(0..5)));
        assert_eq!(drift.range_now(&(1..3)), Some(3..5));
    }

    #[test]
    fn a_changed_line_has_its_place_and_one_taken_out_none() {
        assert_eq!(drift("a\nb\nC\nd\ne\n").now(2), Some(2));
        assert!(drift("a\nb\nC\nd\ne\n").touches(&(1..3)) && !drift("a\nb\nC\nd\ne\n").touches(&(3..5)));
        assert_eq!(drift("a\nb\nd\ne\n").now(2), None);
    }

    #[test]
    fn what_is_put_between_lines_changes_them() {
        let drift = drift("a\nb\nnew\nc\nd\ne\n");
        assert!(drift.touches(&(0..3)) && !drift.touches(&(2..5)) && !drift.touches(&(0..2)));
    }

    #[test]
    fn a_quoted_line_is_told_by_those_around_it() {
        let text = lines("one\n  return total\n}\ntwo\n  return total\n}\n");
        assert_eq!(quoted(&text, &["two"], "return total", &["}"]), Some(4));
        assert_eq!(quoted(&text, &[], "return total", &["}"]), None);
        assert_eq!(quoted(&text, &[], "return nothing", &[]), None);
    }
}
