//! Ways to say less of a diagnosis, each shorter than the one before: the verdict and the first frames go last.

use super::view::Out;
use crate::{
    guard::{Clean, CleanData},
    say,
    view::{Omission, count},
};

/// How much of each part is kept.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    /// Frames.
    frames: usize,
    /// Of these, with a source line.
    source: usize,
    /// Variables of the cause.
    vars: usize,
    /// Exceptions of the chain, from both ends.
    exceptions: usize,
    /// Characters of a text.
    text: usize,
    /// Reasons.
    reasons: usize,
    /// Remedies.
    remedies: usize,
    /// Related issues, replays, releases, calls.
    lists: usize,
}

const fn plan(n: [usize; 8]) -> Plan {
    let [frames, source, vars, exceptions, text, reasons, remedies, lists] = n;
    Plan { frames, source, vars, exceptions, text, reasons, remedies, lists }
}

/// From nearly all to the bare minimum.
pub(super) const PLANS: &[Plan] = &[
    plan([40, 20, 20, 10, 1000, 10, 5, 10]),
    plan([24, 10, 16, 8, 800, 8, 5, 6]),
    plan([16, 6, 12, 6, 600, 8, 5, 5]),
    plan([12, 5, 10, 5, 500, 6, 4, 4]),
    plan([10, 4, 8, 4, 400, 6, 3, 4]),
    plan([8, 3, 6, 4, 300, 5, 3, 3]),
    plan([7, 2, 5, 3, 250, 4, 2, 3]),
    plan([6, 2, 4, 3, 200, 4, 2, 2]),
    plan([5, 1, 3, 2, 160, 3, 2, 2]),
    plan([4, 1, 2, 2, 120, 3, 1, 1]),
    plan([3, 1, 0, 2, 100, 2, 1, 1]),
    plan([2, 0, 0, 1, 80, 2, 1, 0]),
    plan([1, 0, 0, 1, 60, 1, 0, 0]),
    plan([1, 0, 0, 1, 40, 1, 0, 0]),
];

impl Plan {
    /// Shortens the answer and says what went.
    pub(super) fn apply(&self, out: &mut Out) -> Vec<Omission> {
        let mut omitted = Vec::new();
        let issue = out.issue.clone();
        let mut omit = |n: usize, singular, plural| {
            if n > 0 {
                let call = say!("diagnose_issue {\"issue\":\"", issue, "\",\"max_tokens\":10000}");
                omitted.push(Omission { what: count(n as u64, singular, plural), call });
            }
        };
        let cut = cut(&mut out.r#where.frames, self.frames);
        out.r#where.frames_left_out = cut as u64;
        omit(cut, "frame", "frames");
        omit(self.chain(out), "exception", "exceptions");
        omit(self::cut(&mut out.reasons, self.reasons), "reason", "reasons");
        omit(self::cut(&mut out.remedies, self.remedies), "remedy", "remedies");
        omit(self::cut(&mut out.related, self.lists), "related issue", "related issues");
        omit(self::cut(&mut out.same_trace, self.lists), "issue of the same trace", "issues of the same traces");
        omit(self::cut(&mut out.replays, self.lists), "replay", "replays");
        omit(self::cut(&mut out.who.attribution, self.lists), "condition", "conditions");
        omit(self::cut(&mut out.since.commits, 2 * self.lists), "commit", "commits");
        omit(self::cut(&mut out.decided.comments, self.lists.div_ceil(2)), "older comment", "older comments");
        omit(self::cut(&mut out.suspects, self.lists.max(1)), "suspect commit", "suspect commits");
        omit(self::cut(&mut out.since.libraries, self.lists.max(1)), "library", "libraries");
        let releases = out.who.per_release.len().saturating_sub(self.lists);
        out.who.per_release.drain(..releases);
        omit(releases, "older release", "older releases");
        self::cut(&mut out.next_calls, self.lists);
        self.texts(out);
        omitted
    }

    fn chain(&self, out: &mut Out) -> usize {
        let chain = &mut out.what.exceptions;
        let over = chain.len().saturating_sub(self.exceptions);
        // The outermost names the issue, the last is the cause: the middle goes.
        let from = self.exceptions.div_ceil(2).min(chain.len());
        if self.exceptions == 1 && over > 0 {
            chain.drain(..over);
        } else {
            chain.drain(from..from + over);
        }
        over
    }

    fn texts(&self, out: &mut Out) {
        let short = |text: &mut Clean| *text = text.shortened(self.text);
        short(&mut out.what.title);
        out.since.commits.iter_mut().flat_map(|commit| &mut commit.message).for_each(short);
        out.since.commits.iter_mut().for_each(|commit| commit.touches.truncate(3));
        out.what.culprit.iter_mut().for_each(short);
        out.decided.comments.iter_mut().map(|comment| &mut comment.text).for_each(short);
        out.suspects.iter_mut().map(|suspect| &mut suspect.subject).for_each(short);
        out.suspects.iter_mut().for_each(|suspect| suspect.files.truncate(3));
        out.candidate_fix.iter_mut().map(|fix| &mut fix.subject).for_each(short);
        out.what.exceptions.iter_mut().flat_map(|e| &mut e.value).for_each(short);
        out.reasons.iter_mut().chain(&mut out.who.attribution).chain(&mut out.who.attribution_note).for_each(short);
        out.remedies.iter_mut().for_each(|remedy| remedy.evidence = remedy.evidence.shortened(self.text));
        out.related.iter_mut().for_each(|related| related.title = related.title.shortened(self.text / 4));
        for (at, frame) in out.r#where.frames.iter_mut().enumerate() {
            frame
                .function
                .iter_mut()
                .chain(&mut frame.file)
                .for_each(|text| *text = text.shortened(self.text.min(120)));
            frame.abs_path = frame.abs_path.take().filter(|_| self.text >= 500);
            frame.source = frame.source.take().filter(|_| at < self.source).map(|line| line.shortened(160));
            frame.vars = frame.vars.take().filter(|_| self.vars > 0);
            if let Some(CleanData::Map(vars)) = &mut frame.vars {
                vars.truncate(self.vars);
                vars.iter_mut().for_each(|(_, value)| shorten(value, self.text / 5, self.vars));
            }
        }
    }
}

fn cut<T>(list: &mut Vec<T>, most: usize) -> usize {
    let over = list.len().saturating_sub(most);
    list.truncate(most);
    over
}

/// Shortens texts, and lists and maps to as many entries as variables are kept.
fn shorten(value: &mut CleanData, chars: usize, entries: usize) {
    match value {
        CleanData::Text(text) => *text = text.shortened(chars.max(20)),
        CleanData::List(list) => {
            list.truncate(entries);
            list.iter_mut().for_each(|value| shorten(value, chars / 2, entries / 2));
        }
        CleanData::Map(map) => {
            map.truncate(entries);
            map.iter_mut().for_each(|(_, value)| shorten(value, chars / 2, entries / 2));
        }
        CleanData::Null | CleanData::Bool(_) | CleanData::Number(_) => {}
    }
}
