//! Steps in words: details, effects, and one line each.

use super::view::{StepView, TargetView};
use crate::{
    guard::{Clean, Guard, Limit, Say},
    replay::{Action, Control, Effect, Input, Key, MarkKind, Modifiers, NavigationKind, Replay, Step, Value, Verdict},
    say,
    view::count,
};

/// Milliseconds as minutes and seconds: `1:04.2`.
pub(super) struct Elapsed(pub(super) i64);

impl Say for Elapsed {
    fn say(&self, out: &mut String) {
        use std::fmt::Write;
        let tenths = self.0.unsigned_abs() / 100;
        let sign = if self.0 < 0 && tenths > 0 { "-" } else { "" };
        let _ = write!(out, "{sign}{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10);
    }
}

/// What a step's kind and target don't say.
pub(super) fn detail(step: &Step, replay: &Replay, guard: &mut Guard) -> Option<Clean> {
    match &step.action {
        Action::Navigate(navigation) => {
            let how = match navigation.how {
                NavigationKind::Load if navigation.caused_by.is_none() => "opened",
                NavigationKind::Load => "page loaded",
                NavigationKind::Reload => "reloaded",
                NavigationKind::BackForward => "back or forward, page loaded",
                NavigationKind::Back => "back",
                NavigationKind::Forward => "forward",
                NavigationKind::Within => "within the page",
            };
            Some(say!(how, " ", guard.line(&navigation.to, Limit::Url)))
        }
        Action::Click(click) => clicked(click),
        Action::Drag(drag) => Some(match &drag.onto {
            Some(onto) => say!("dragged to ", guard.line(&onto.css, Limit::Tag)),
            None => say!("dragged by ", drag.to.0 - drag.from.0, ", ", drag.to.1 - drag.from.1, " px"),
        }),
        Action::Input(input) => Some(entered(input, guard)),
        Action::Key(Key { key, modifiers }) => Some(say!(held(modifiers), guard.line(key, Limit::Tag))),
        Action::Scroll { x, y } if *x == 0 => Some(say!("to ", *y, " px from the top")),
        Action::Scroll { x, y } => Some(say!("to ", *x, ", ", *y, " px")),
        Action::Request(request) => {
            let status = request.status.map_or_else(|| Clean::ours("no answer"), |status| say!(status));
            let (method, url) = (guard.line(&request.method, Limit::Tag), guard.line(&request.url, Limit::Url));
            Some(say!(method, " ", url, " ", status, " in ", request.duration_ms, " ms"))
        }
        Action::Console { level, message } => {
            Some(say!(guard.line(level, Limit::Tag), ": ", guard.line(message, Limit::Breadcrumb)))
        }
        Action::Error(failure) => Some(failed(failure, guard)),
        Action::Resize(viewport) => Some(say!(viewport.width, "x", viewport.height)),
        Action::Visibility { hidden } => Some(Clean::ours(if *hidden { "hidden" } else { "shown" })),
    }
    .filter(|_| !replay.steps.is_empty())
}

fn clicked(click: &crate::replay::Click) -> Option<Clean> {
    let mut parts = Vec::new();
    match click.verdict {
        Verdict::Rage => parts.push(say!(click.count, " quick clicks")),
        Verdict::Slow => parts.extend(click.answered_after_ms.map(|ms| say!("answered after ", ms, " ms"))),
        Verdict::Plain | Verdict::Dead => {}
    }
    if click.double {
        parts.push(Clean::ours("double click"));
    }
    if click.right {
        parts.push(Clean::ours("right button"));
    }
    parts.extend(click.checked.map(|on| Clean::ours(if on { "checked" } else { "unchecked" })));
    let keys = held(&click.modifiers);
    if !keys.is_empty() {
        parts.push(say!("with ", keys));
    }
    joined(&parts)
}

/// Parts with commas between.
fn joined(parts: &[Clean]) -> Option<Clean> {
    let mut whole = parts.first()?.clone();
    for part in &parts[1..] {
        whole = say!(whole, ", ", part);
    }
    Some(whole)
}

fn held(modifiers: &Modifiers) -> Clean {
    let keys =
        [(modifiers.ctrl, "Control+"), (modifiers.alt, "Alt+"), (modifiers.shift, "Shift+"), (modifiers.meta, "Meta+")];
    let mut all = Clean::default();
    for (_, name) in keys.into_iter().filter(|(held, _)| *held) {
        all = say!(all, name);
    }
    all
}

fn entered(input: &Input, guard: &mut Guard) -> Clean {
    let verb = match input.control {
        Control::Text | Control::Editable if input.typed.len() > 1 => "typed ",
        Control::Select => "chose ",
        _ => "set to ",
    };
    let value = match &input.value {
        Value::Text(text) if text.is_empty() => Clean::ours("nothing (emptied)"),
        Value::Text(text) => became(text, input, guard),
        Value::Masked { chars } => count(u64::from(*chars), "masked character", "masked characters"),
        Value::Choice { value, label, .. } => chosen(value.as_ref(), label.as_ref(), guard),
        Value::Checked(on) => Clean::ours(if *on { "on" } else { "off" }),
        Value::Unknown if input.control == Control::File => Clean::ours("a file that the recording doesn't name"),
        Value::Unknown => Clean::ours("something that was not recorded"),
    };
    let sent = if input.submitted || input.emptied { ", then Enter" } else { "" };
    say!(verb, value, sent)
}

/// A typed text; with the keys where the page made something else of them.
fn became(text: &crate::model::Untrusted, input: &Input, guard: &mut Guard) -> Clean {
    // Lines of a field stand on one line here.
    let line = |text: &str, guard: &mut Guard| guard.line(&text.replace('\n', " ").into(), Limit::Breadcrumb);
    let shown = line(text.raw(), guard);
    match keys(input).filter(|keys| input.control == Control::Text && keys != text.raw()) {
        Some(keys) => say!("\"", line(&keys, guard), "\", which became \"", shown, "\""),
        None => say!("\"", shown, "\""),
    }
}

/// The keys of a field that was typed into from nothing, one character after the other; `None` where some were taken back.
fn keys(input: &Input) -> Option<String> {
    let mut keys = String::new();
    let mut before = "";
    for value in &input.typed {
        let value = value.raw();
        let added = value.chars().count().checked_sub(before.chars().count());
        let at = before.bytes().zip(value.bytes()).take_while(|(a, b)| a == b).count();
        match (added, value.get(at..).and_then(|rest| rest.chars().next())) {
            (Some(1), Some(key)) if value[at + key.len_utf8()..] == before[at..] => keys.push(key),
            // The page wrote it anew.
            (Some(_), _) if !before.is_empty() => {}
            _ if value.is_empty() => keys.clear(),
            _ => return None,
        }
        before = value;
    }
    (!keys.is_empty()).then_some(keys)
}

fn chosen(
    value: Option<&crate::model::Untrusted>,
    label: Option<&crate::model::Untrusted>,
    guard: &mut Guard,
) -> Clean {
    let value = value.map(|value| guard.line(value, Limit::Tag));
    let label = label.map(|label| guard.line(label, Limit::Tag));
    match (label, value) {
        (Some(label), Some(value)) if label != value => say!("\"", label, "\" (", value, ")"),
        (Some(text), _) | (None, Some(text)) => say!("\"", text, "\""),
        (None, None) => Clean::ours("a masked option"),
    }
}

fn failed(failure: &crate::replay::Failure, guard: &mut Guard) -> Clean {
    let ty = failure.ty.as_ref().map(|ty| guard.line(ty, Limit::Tag));
    let value = failure.value.as_ref().map(|value| guard.line(value, Limit::Breadcrumb));
    let what = match (ty, value) {
        (Some(ty), Some(value)) => say!(ty, ": ", value),
        (Some(text), None) | (None, Some(text)) => text,
        (None, None) => Clean::ours("an error whose event is not here"),
    };
    match &failure.issue {
        Some(issue) => say!(what, " (", guard.line(issue, Limit::Tag), ")"),
        None => what,
    }
}

/// What came of a step.
pub(super) fn effect(step: &Step, replay: &Replay, guard: &mut Guard) -> Option<Clean> {
    let parts: Vec<Clean> = step.effects.iter().take(3).map(|effect| came(effect, replay, guard)).collect();
    joined(&parts)
}

fn came(effect: &Effect, replay: &Replay, guard: &mut Guard) -> Clean {
    let other = |n: &u32| usize::try_from(*n).ok().and_then(|n| replay.steps.get(n.checked_sub(1)?));
    let quoted = |text: &Option<crate::model::Untrusted>, guard: &mut Guard| {
        text.as_ref().map(|text| say!(" \"", guard.line(text, Limit::Tag).shortened(60), "\""))
    };
    match effect {
        Effect::Failed(n) => say!("error in step ", *n),
        Effect::RequestFailed(n) | Effect::Requested(n) => {
            let request = other(n).and_then(|step| detail(step, replay, guard));
            request.map_or_else(|| say!("request in step ", *n), |request| request.shortened(160))
        }
        Effect::Navigated(n) => match other(n).map(|step| &step.action) {
            Some(Action::Navigate(navigation)) => say!("went to ", guard.line(&short(&navigation.to), Limit::Url)),
            _ => say!("went elsewhere in step ", *n),
        },
        Effect::DialogOpened(name) => say!("dialog opened", quoted(name, guard)),
        Effect::DialogClosed => Clean::ours("dialog closed"),
        Effect::Announced(text) => say!("page said", quoted(&Some(text.clone()), guard)),
        Effect::Appeared { elements, text } => {
            say!(
                "appeared:",
                quoted(text, guard).unwrap_or_else(|| say!(" ", count(u64::from(*elements), "element", "elements")))
            )
        }
        Effect::Vanished { elements, text } => {
            say!(
                "vanished:",
                quoted(text, guard).unwrap_or_else(|| say!(" ", count(u64::from(*elements), "element", "elements")))
            )
        }
        Effect::TextChanged(text) => say!("text changed", quoted(text, guard).map(|text| say!(" to", text))),
        Effect::Restyled => Clean::ours("only looks changed"),
        Effect::Nothing => Clean::ours("nothing happened"),
    }
}

/// An address without its origin.
fn short(url: &crate::model::Untrusted) -> crate::model::Untrusted {
    let raw = url.raw();
    let after = raw.find("://").and_then(|at| raw[at + 3..].find('/').map(|slash| at + 3 + slash));
    after.map_or_else(|| url.clone(), |at| raw[at..].into())
}

/// A step as a summary tells it: all in one phrase.
pub(super) fn brief(step: &StepView) -> StepView {
    let target = step.target.as_ref().map(|target| {
        let text = target.text.as_ref().map(|text| say!("\"", text.shortened(50), "\""));
        match (&target.role, text) {
            (Some(role), Some(text)) => say!(role, " ", text),
            (_, text) => text.unwrap_or_else(|| target.selector.shortened(60)),
        }
    });
    let colon = if target.is_some() && step.detail.is_some() { ": " } else { "" };
    let effect = step.effect.as_ref().map(|effect| say!(" → ", effect.shortened(90)));
    let phrase = say!(target, colon, step.detail.clone(), effect);
    StepView {
        n: step.n,
        at_ms: step.at_ms,
        kind: step.kind,
        target: None,
        url: None,
        detail: (!phrase.is_empty()).then_some(phrase),
        effect: None,
        tab: step.tab,
    }
}

/// A step on one line.
pub fn line(step: &StepView) -> Clean {
    let target = step.target.as_ref().map(|target| say!(" ", named(target)));
    let detail =
        step.detail.as_ref().map(|detail| say!(if target.is_some() { ": " } else { " " }, detail.shortened(200)));
    let effect = step.effect.as_ref().map(|effect| say!(" → ", effect.shortened(200)));
    say!(step.n, ". ", Elapsed(step.at_ms), " ", step.kind, target, detail, effect)
}

/// An element in words, with the selector where words alone don't find it.
fn named(target: &TargetView) -> Clean {
    let role = target.role.clone();
    let text = target.text.as_ref().map(|text| say!(" \"", text.shortened(60), "\""));
    let within = target.within.as_ref().map(|within| say!(" in ", within));
    match (role, text) {
        (Some(role), Some(text)) => say!(role, text, " (", target.selector, ")", within),
        (None, Some(text)) => say!(target.selector, text, within),
        (_, None) => say!(target.selector, within),
    }
}

/// A mark of the timeline in one word.
pub(super) const fn mark_kind(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Load => "load",
        MarkKind::Vital => "vital",
        MarkKind::Change => "change",
        MarkKind::Focus => "focus",
        MarkKind::Breadcrumb => "breadcrumb",
        MarkKind::Gap => "gap",
    }
}

/// An id of an event or replay.
pub(super) struct Id(pub(super) crate::model::EventId);

impl Say for Id {
    fn say(&self, out: &mut String) {
        out.push_str(&self.0.to_string());
    }
}
