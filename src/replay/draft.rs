//! Steps while they are being gathered, before their order, causes and effects are settled.
//! It uses the step model.
//! It never grows without end.

use super::dom::{Change, TEXTS};
use super::{Action, Failure, Mark, MarkKind, Target};

/// Place of a draft in the log.
pub(super) type DraftNr = usize;

/// An error and what its event says beside it.
pub(super) struct ReportedError {
    /// Milliseconds since 1970.
    pub(super) at: i64,
    pub(super) failure: Failure,
    /// Paths of elements that were clicked before it, with their times: not masked, as the recording is.
    pub(super) clicks: Vec<(i64, String)>,
}

/// A step in the making. Times are milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) at: i64,
    pub(super) until: i64,
    pub(super) tab: u32,
    pub(super) url: Option<String>,
    pub(super) target: Option<Target>,
    pub(super) action: Action,
    /// The recording's id of the element.
    pub(super) node: Option<i64>,
    /// What set it off.
    pub(super) cause: Option<DraftNr>,
    /// What the page did after it.
    pub(super) changes: Changes,
    /// It turned out to be no step.
    pub(super) dropped: bool,
    /// A click without a press: dropped unless the SDK says that somebody clicked.
    pub(super) unpressed: bool,
}

impl Draft {
    pub(super) fn new(at: i64, tab: u32, action: Action) -> Self {
        Self {
            at,
            until: at,
            tab,
            url: None,
            target: None,
            action,
            node: None,
            cause: None,
            changes: Changes::default(),
            dropped: false,
            unpressed: false,
        }
    }
}

/// Mutations after a step, until the user's next one.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    /// Put together.
    pub(super) sum: Change,
}

impl Changes {
    pub(super) fn add(&mut self, change: Change, at: i64) {
        self.first.get_or_insert(at);
        self.last = Some(at);
        let sum = &mut self.sum;
        sum.added += change.added;
        sum.removed += change.removed;
        sum.styled += change.styled;
        sum.moved += change.moved;
        sum.masked_text |= change.masked_text;
        sum.closed |= change.closed;
        sum.opened = change.opened.or(sum.opened.take());
        sum.announced = change.announced.or(sum.announced.take());
        sum.text = change.text.or(sum.text.take());
        let room = |texts: &Vec<String>| TEXTS - texts.len().min(TEXTS);
        sum.added_texts.extend(change.added_texts.into_iter().take(room(&sum.added_texts)));
        sum.removed_texts.extend(change.removed_texts.into_iter().take(room(&sum.removed_texts)));
    }
}

/// What the SDK said about a click afterwards.
#[derive(Debug)]
pub(super) struct Verdict {
    /// The click's time.
    pub(super) at: i64,
    pub(super) tab: u32,
    pub(super) node: Option<i64>,
    /// No mutation came at all, rather than a late one.
    pub(super) timeout: bool,
    pub(super) after_ms: u64,
}

/// An element as a breadcrumb describes it.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) at: i64,
    pub(super) tab: u32,
    pub(super) node: Option<i64>,
    pub(super) target: Target,
}

/// All that was gathered.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) drafts: Vec<Draft>,
    pub(super) marks: Vec<(i64, Mark)>,
    pub(super) verdicts: Vec<Verdict>,
    /// Runs of clicks that the SDK says somebody made: since when, in which tab, on which node.
    pub(super) many_clicks: Vec<(i64, u32, Option<i64>)>,
    pub(super) described: Vec<Described>,
    /// Focus of the window lost (true) or gained.
    pub(super) window: Vec<(i64, u32, bool)>,
    /// Moments at which something was done inside a frame.
    pub(super) frames: Vec<(i64, u32)>,
    pub(super) pages: Vec<(i64, super::PageLoad)>,
    pub(super) masked_text: bool,
    pub(super) masked_inputs: bool,
    /// When errors happened that are known of.
    pub(super) errors: Vec<i64>,
    /// Most drafts, marks and descriptions each.
    pub(super) limit: usize,
    /// When something had to be left out.
    pub(super) full_at: Option<i64>,
}

impl Log {
    /// Adds a draft; past the limit the last one is replaced by a dropped one, so that numbers stay valid.
    pub(super) fn push(&mut self, draft: Draft) -> DraftNr {
        if self.drafts.len() >= self.limit {
            self.full_at.get_or_insert(draft.at);
            let last = self.drafts.len() - 1;
            return last;
        }
        self.drafts.push(draft);
        self.drafts.len() - 1
    }

    pub(super) fn mark(&mut self, at: i64, tab: u32, kind: MarkKind, text: Option<&str>, duration_ms: Option<u64>) {
        if self.marks.len() < self.limit {
            let text = text.map(|text| text.chars().take(300).collect::<String>().into());
            self.marks.push((at, Mark { at_ms: 0, tab, kind, text, duration_ms }));
        }
    }

    pub(super) fn describe(&mut self, described: Described) {
        if self.described.len() < self.limit {
            self.described.push(described);
        }
    }
}
