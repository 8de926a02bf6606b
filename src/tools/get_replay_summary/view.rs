//! The answer's data.

use super::{
    Format,
    choice::Chosen,
    load::Loaded,
    markdown, narrow,
    reproduction::{self, ReproductionView},
    sentence::{self, detail, effect, mark_kind},
};
use crate::{
    guard::{Clean, Guard, Limit},
    model::EventId,
    replay::{Gap, GapKind, HopKind, Replay, Step, Target},
    say,
    tools::{Resolved, ToolError},
    view,
    view::{Doc, Millis, Omission, View, Word},
};

view! {
    /// The answer.
    pub struct Out {
        /// The replay.
        pub replay: ReplayView,
        /// What is told of it.
        pub format: Word,
        /// The user's steps and what the page did, in the order of time.
        pub steps: Vec<StepView>,
        /// Beside the steps: loads, vitals, breadcrumbs (format timeline).
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub timeline: Vec<MarkView>,
        /// Steps that a summary leaves out, between the first and the second told here.
        #[serde(skip_serializing_if = "is_zero")]
        pub earlier_steps: u64,
        /// What the replays of the issue have in common.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub among: Option<AmongView>,
        /// A test that does it again (format playwright).
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reproduction: Option<ReproductionView>,
        /// How many steps and marks there are from this page on.
        #[serde(skip)]
        #[schemars(skip)]
        pub left: usize,
        /// The call for the next format.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub next_call: Option<Clean>,
    }

    /// The replay.
    pub struct ReplayView {
        /// Its id.
        pub id: Clean,
        /// When its clock reads 0.
        pub started_at: Millis,
        /// From there to the last recorded event.
        pub duration_ms: u64,
        /// Addresses of its pages.
        pub urls: Vec<Clean>,
        /// Browser and version.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub browser: Option<Clean>,
        /// System and version.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub os: Option<Clean>,
        /// Phone or tablet.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub device: Option<Clean>,
        /// Pseudonym.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub user: Option<Clean>,
        /// Release.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub release: Option<Clean>,
        /// Environment.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub environment: Option<Clean>,
        /// Segments that were read.
        pub segments: u64,
        /// No segment is missing or broken.
        pub complete: bool,
        /// What is missing.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub gaps: Vec<GapView>,
        /// What the recording masks: `text`, `inputs`, `text and inputs`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub masked: Option<Word>,
        /// Tabs, where there are several.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tabs: Option<u32>,
        /// Errors while it ran.
        pub errors: Vec<ErrorView>,
    }

    /// A stretch that is missing.
    pub struct GapView {
        /// `missing`, `broken`, `before`, `limit`.
        pub kind: Word,
        /// Begins so many milliseconds after the start.
        pub from_ms: i64,
        /// Ends.
        pub to_ms: i64,
        /// Number of the segment.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub segment: Option<u64>,
    }

    /// An error.
    pub struct ErrorView {
        /// Milliseconds after the start.
        pub at_ms: i64,
        /// Its event.
        pub event: Clean,
        /// Short id of its issue.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub issue: Option<Clean>,
        /// Title of its issue.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub title: Option<Clean>,
    }

    /// One step.
    pub struct StepView {
        /// Number in the replay, from 1.
        pub n: u32,
        /// Milliseconds after the start.
        pub at_ms: i64,
        /// Kind.
        pub kind: Word,
        /// The element.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub target: Option<TargetView>,
        /// Address of the page, where it is another than the step's before.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub url: Option<Clean>,
        /// Value, key, request, message, error.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub detail: Option<Clean>,
        /// What changed after it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub effect: Option<Clean>,
        /// Tab, from 0, where there are several.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tab: Option<u32>,
    }

    /// An element.
    pub struct TargetView {
        /// CSS selector.
        pub selector: Clean,
        /// Accessible name, label or text.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub text: Option<Clean>,
        /// ARIA role.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub role: Option<Clean>,
        /// Component that drew it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub component: Option<Clean>,
        /// Selector of the frame that it is in.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub within: Option<Clean>,
    }

    /// Something beside the steps.
    pub struct MarkView {
        /// Milliseconds after the start.
        pub at_ms: i64,
        /// Kind.
        pub kind: Word,
        /// Text.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub text: Option<Clean>,
        /// Length.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub duration_ms: Option<u64>,
    }

    /// The replay among those of its issue.
    pub struct AmongView {
        /// The issue.
        pub issue: Clean,
        /// Replays of it, this one included.
        pub replays: u64,
        /// Of these, read and compared, this one included.
        pub compared: u64,
        /// Others that took the common path too.
        pub same_path: u64,
        /// Numbers of the steps that at least half of the others took as well, in the same order.
        pub common_path: Vec<u32>,
        /// Others, best first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub others: Vec<Clean>,
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Addresses told at most.
const URLS: usize = 20;

/// The whole answer, before it is fitted.
pub(super) fn of(
    chosen: &Chosen,
    format: Format,
    asked: &Resolved,
    around_error_s: Option<u64>,
    guard: &mut Guard,
) -> Result<Out, ToolError> {
    let replay = &chosen.loaded.replay;
    let (told, left_out) = match format {
        Format::Playwright => (Vec::new(), 0),
        Format::Summary => narrow::summary(replay, chosen.error_at(), around_error_s),
        _ => (narrow::around(replay, around_error_s), 0),
    };
    let mut out = Out {
        replay: replay_view(&chosen.loaded, guard),
        format: Word(format.name()),
        steps: Vec::new(),
        timeline: Vec::new(),
        earlier_steps: left_out as u64,
        among: chosen
            .among
            .as_ref()
            .filter(|among| among.replays > 1 || format != Format::Summary)
            .map(|among| among_view(among, guard)),
        reproduction: (format == Format::Playwright).then(|| reproduction::of(chosen, guard)),
        left: 0,
        next_call: next_call(format, replay.id),
    };
    let marks = if format == Format::Timeline { narrow::marks(replay, around_error_s) } else { Vec::new() };
    narrow::page(&mut out, replay, told, marks, asked, guard);
    if format == Format::Summary {
        out.steps = out.steps.iter().map(sentence::brief).collect();
        narrow::shorten(&mut out);
    }
    Ok(out)
}

/// The call that shows more.
fn next_call(format: Format, replay: EventId) -> Option<Clean> {
    let next = match format {
        Format::Summary => "steps",
        Format::Steps => "playwright",
        Format::Timeline | Format::Playwright => return None,
    };
    Some(say!("get_replay_summary {\"replay\":\"", sentence::Id(replay), "\",\"format\":\"", next, "\"}"))
}

fn replay_view(loaded: &Loaded, guard: &mut Guard) -> ReplayView {
    let replay = &loaded.replay;
    let mut tag = |text: &Option<crate::model::Untrusted>| guard.opt(text.as_ref(), Limit::Tag);
    let (browser, os, device) = (tag(&loaded.browser), tag(&loaded.os), tag(&loaded.device));
    let (release, environment) = (tag(&replay.release), tag(&replay.environment));
    ReplayView {
        id: say!(sentence::Id(replay.id)),
        started_at: replay.started_at.into(),
        duration_ms: replay.duration_ms,
        urls: replay.urls.iter().take(URLS).map(|url| guard.line(url, Limit::Url)).collect(),
        browser,
        os,
        device,
        user: loaded.user.as_ref().map(|user| guard.line(&user.as_str().into(), Limit::Tag)),
        release,
        environment,
        segments: replay.segments,
        complete: replay.complete,
        gaps: replay.gaps.iter().take(URLS).map(gap_view).collect(),
        masked: match (replay.masked_text, replay.masked_inputs) {
            (true, true) => Some(Word("text and inputs")),
            (true, false) => Some(Word("text")),
            (false, true) => Some(Word("inputs")),
            (false, false) => None,
        },
        tabs: (replay.tabs > 1).then_some(replay.tabs),
        errors: errors(replay, guard),
    }
}

fn gap_view(gap: &Gap) -> GapView {
    let kind = match gap.kind {
        GapKind::Missing => "missing",
        GapKind::Broken => "broken",
        GapKind::Before => "before",
        GapKind::Limit => "limit",
    };
    GapView { kind: Word(kind), from_ms: gap.from_ms, to_ms: gap.to_ms, segment: gap.segment }
}

fn errors(replay: &Replay, guard: &mut Guard) -> Vec<ErrorView> {
    let errors = replay.errors.iter().take(URLS).map(|(at_ms, failure)| ErrorView {
        at_ms: *at_ms,
        event: say!(sentence::Id(failure.event)),
        issue: guard.opt(failure.issue.as_ref(), Limit::Tag),
        title: guard.opt(failure.title.as_ref(), Limit::Title),
    });
    errors.collect()
}

fn among_view(among: &super::choice::ReplayChoice, guard: &mut Guard) -> AmongView {
    AmongView {
        issue: guard.line(&among.issue.as_str().into(), Limit::Tag),
        replays: among.replays as u64,
        compared: among.read as u64,
        same_path: among.common.same as u64,
        common_path: among.common.steps.clone(),
        others: among.others.iter().take(3).map(|id| say!(sentence::Id(*id))).collect(),
    }
}

/// A step; its address is told where it differs from `before`.
pub(super) fn step_view(
    step: &Step,
    replay: &Replay,
    before: Option<&crate::model::Untrusted>,
    guard: &mut Guard,
) -> StepView {
    let moved = step.url.as_ref().filter(|url| Some(*url) != before);
    StepView {
        n: step.n,
        at_ms: step.at_ms,
        kind: Word(step.kind().as_str()),
        target: step.target.as_ref().map(|target| target_view(target, guard)),
        url: moved.filter(|_| step.kind().by_user()).map(|url| guard.line(url, Limit::Url)),
        detail: detail(step, replay, guard),
        effect: effect(step, replay, guard),
        tab: (replay.tabs > 1).then_some(step.tab),
    }
}

fn target_view(target: &Target, guard: &mut Guard) -> TargetView {
    let text = [&target.name, &target.label, &target.text, &target.placeholder].into_iter().flatten().next();
    let frame = target.hops.iter().rev().find(|hop| hop.kind == HopKind::Frame);
    TargetView {
        selector: guard.line(&target.css, Limit::Url),
        text: text.map(|text| guard.line(&text.text, Limit::Tag)),
        role: guard.opt(target.role.as_ref(), Limit::Tag),
        component: guard.opt(target.component.as_ref(), Limit::Tag),
        within: frame.map(|hop| guard.line(&hop.css, Limit::Tag)),
    }
}

/// A mark of the timeline.
pub(super) fn mark_view(mark: &crate::replay::Mark, guard: &mut Guard) -> MarkView {
    MarkView {
        at_ms: mark.at_ms,
        kind: Word(mark_kind(mark.kind)),
        text: guard.opt(mark.text.as_ref(), Limit::Breadcrumb),
        duration_ms: mark.duration_ms,
    }
}

impl Out {
    /// How many steps and marks stand here.
    pub(super) fn shown(&self) -> usize {
        self.steps.len() + self.timeline.len()
    }
}

/// All steps on a line each: for terminals.
pub fn lines(loaded: &Loaded, guard: &mut Guard) -> Vec<Clean> {
    let replay = &loaded.replay;
    replay.steps.iter().map(|step| sentence::line(&step_view(step, replay, None, guard))).collect()
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        markdown::write(self, doc);
    }

    fn steps(&self) -> usize {
        narrow::plans(self)
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        narrow::apply(self, step)
    }
}
