//! Which steps are told, and how less is said where the budget is small.

use super::{
    reproduction,
    view::{Out, StepView, mark_view, step_view},
};
use crate::{
    guard::{Clean, Guard},
    model::Untrusted,
    replay::{Action, Mark, Replay, Step},
    tools::Resolved,
    view::{Doc, Omission, View, count, tokens},
};

/// Steps of a summary.
const SUMMARY: usize = 10;
/// Tokens of a summary without what every answer has.
const SUMMARY_TOKENS: usize = 600;
/// Steps and marks of a page.
const PAGE: usize = 1_000;

/// What led to an error: the page's opening, the last of what was done, what failed, the error; and how many steps
/// were left out between.
pub(super) fn summary(replay: &Replay, error_at: Option<i64>, around_s: Option<u64>) -> (Vec<&Step>, usize) {
    let end = error_at.unwrap_or(i64::MAX);
    let from = around_s
        .zip(error_at)
        .map_or(i64::MIN, |(seconds, at)| at.saturating_sub_unsigned(seconds.saturating_mul(1000)));
    let told = replay.steps.iter().filter(|step| tells(step) && step.at_ms <= end && step.at_ms >= from);
    let told: Vec<&Step> = told.collect();
    if told.len() <= SUMMARY {
        return (told, 0);
    }
    let left_out = told.len() - SUMMARY;
    let mut short = told[left_out..].to_vec();
    if matches!(told[0].action, Action::Navigate(_)) {
        short[0] = told[0];
    }
    (short, left_out)
}

/// Whether a step is worth one of ten lines.
fn tells(step: &Step) -> bool {
    match &step.action {
        Action::Request(request) => request.failed(),
        // Told with what caused it.
        Action::Navigate(navigation) => navigation.caused_by.is_none(),
        Action::Console { .. } | Action::Scroll { .. } => false,
        _ => true,
    }
}

/// All steps, or those around errors.
pub(super) fn around(replay: &Replay, around_s: Option<u64>) -> Vec<&Step> {
    replay.steps.iter().filter(|step| near(replay, step.at_ms, around_s)).collect()
}

/// All marks, or those around errors.
pub(super) fn marks(replay: &Replay, around_s: Option<u64>) -> Vec<&Mark> {
    replay.marks.iter().filter(|mark| near(replay, mark.at_ms, around_s)).collect()
}

fn near(replay: &Replay, at_ms: i64, around_s: Option<u64>) -> bool {
    let Some(seconds) = around_s else { return true };
    replay.errors.iter().any(|(error, _)| at_ms.abs_diff(*error) <= seconds.saturating_mul(1000))
}

/// Puts this page's steps and marks into the answer, in one order of time.
pub(super) fn page(
    out: &mut Out,
    replay: &Replay,
    steps: Vec<&Step>,
    marks: Vec<&Mark>,
    asked: &Resolved,
    guard: &mut Guard,
) {
    let mut marks = marks.into_iter().peekable();
    let mut place = 0;
    let most = asked.limit.unwrap_or(PAGE);
    let mut before: Option<&Untrusted> = None;
    let within = |place: usize| place >= asked.skip && place - asked.skip < most;
    for step in steps {
        while let Some(mark) = marks.next_if(|mark| mark.at_ms < step.at_ms) {
            if within(place) {
                out.timeline.push(mark_view(mark, guard));
            }
            place += 1;
        }
        if within(place) {
            out.steps.push(step_view(step, replay, before, guard));
            before = if step.kind().by_user() { step.url.as_ref() } else { before };
        }
        place += 1;
    }
    for mark in marks {
        if within(place) {
            out.timeline.push(mark_view(mark, guard));
        }
        place += 1;
    }
    out.left = place.saturating_sub(asked.skip);
}

/// Shortens a summary to what a summary may cost.
pub(super) fn shorten(out: &mut Out) {
    let fits = |out: &Out| {
        let mut doc = Doc::new();
        out.markdown(&mut doc);
        let data = serde_json::to_string(out).unwrap_or_default();
        tokens::estimate(&doc.finish()) <= SUMMARY_TOKENS && tokens::estimate(&data) <= SUMMARY_TOKENS
    };
    out.replay.urls.truncate(3);
    out.replay.gaps.truncate(3);
    let told = out.steps.last().map(|step| step.at_ms);
    // The error's own step has its title.
    out.replay.errors.iter_mut().filter(|error| Some(error.at_ms) == told).for_each(|error| error.title = None);
    let gone = out.replay.errors.len().saturating_sub(3);
    out.replay.errors.drain(..gone);
    for chars in [160, 120, 90, 70, 50] {
        if fits(out) {
            return;
        }
        for step in &mut out.steps {
            step.detail = step.detail.as_ref().map(|detail| detail.shortened(chars));
        }
        if chars < 100 {
            out.replay.errors.retain(|error| Some(error.at_ms) == told);
            out.replay.urls.truncate(1);
        }
    }
    while !fits(out) && out.steps.len() > 3 {
        drop_least(&mut out.steps);
        out.earlier_steps += 1;
    }
}

/// How many ways there are to say less.
pub(super) fn plans(out: &Out) -> usize {
    if out.reproduction.is_some() {
        return reproduction::PLANS;
    }
    out.shown() + 2
}

/// Says less: first of the replay itself, then steps and marks go, of a summary the oldest, else the last.
pub(super) fn apply(out: &mut Out, step: usize) -> Vec<Omission> {
    out.replay.urls.truncate(3);
    out.replay.errors.truncate(5);
    out.replay.gaps.truncate(3);
    if let Some(made) = &mut out.reproduction {
        return reproduction::apply(made, step);
    }
    let summary = out.format.0 == "summary";
    if summary && step > 1 {
        out.replay.urls.clear();
        out.replay.errors.truncate(1);
        out.among = None;
    }
    // A summary never loses what it is about: the last step stays.
    let most = if summary { out.shown().saturating_sub(1) } else { out.shown() };
    let gone = step.saturating_sub(1).min(most);
    for _ in 0..gone {
        drop_one(out, summary);
    }
    if step > out.shown() + gone + 1 {
        out.replay.urls.clear();
        out.replay.errors.truncate(1);
        out.among = None;
    }
    if gone == 0 {
        return Vec::new();
    }
    let call = match summary {
        true => Clean::ours("get_replay_summary with format steps, or a larger max_tokens"),
        false => Clean::ours("the same call with next_cursor, or a larger max_tokens"),
    };
    vec![Omission { what: count(gone as u64, "more entry", "more entries"), call }]
}

/// Takes the step away that says least of what led to the error. The opening, the last that the user did and the error
/// itself stay longest; of these the opening goes first.
fn drop_least(steps: &mut Vec<StepView>) {
    let of_page = ["request", "console", "error", "scroll", "visibility", "resize"];
    let acted = steps.iter().rposition(|step| !of_page.contains(&step.kind.0));
    let last = steps.len().saturating_sub(1);
    let between = (1..last).find(|at| Some(*at) != acted);
    let opening = (last > 0 && acted != Some(0)).then_some(0);
    if let Some(at) = between.or(opening).or((last > 0).then_some(0)) {
        steps.remove(at);
    }
}

fn drop_one(out: &mut Out, summary: bool) {
    if summary {
        return drop_least(&mut out.steps);
    }
    let last_step = out.steps.last().map_or(i64::MIN, |step| step.at_ms);
    if out.timeline.last().is_some_and(|mark| mark.at_ms >= last_step) {
        out.timeline.pop();
    } else {
        out.steps.pop();
    }
}
