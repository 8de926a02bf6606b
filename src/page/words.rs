//! Steps in words of a person: what was done to what, and what came of it.

use super::html::{Html, html};
use crate::{
    guard::{Clean, Guard, Limit},
    model::Untrusted,
    replay::{Action, Click, Control, Effect, Input, Key, Request, Step, Target, Value, Verdict},
    say,
};

/// Longest text of an element that is shown, in characters.
const LONGEST: usize = 60;

/// A time of the replay: `0:07.3`.
pub fn clock(ms: i64) -> Clean {
    let (sign, ms) = if ms < 0 { ("−", ms.unsigned_abs()) } else { ("", ms.unsigned_abs()) };
    let (minutes, seconds, tenths) = (ms / 60_000, ms / 1_000 % 60, ms / 100 % 10);
    let pad = if seconds < 10 { "0" } else { "" };
    say!(sign, minutes, ":", pad, seconds, ".", tenths)
}

/// A length of time: `420 ms`, `2.5 s`.
pub fn length(ms: u64) -> Clean {
    if ms < 1_000 { say!(ms, " ms") } else { say!(ms / 1_000, ".", ms / 100 % 10, " s") }
}

/// An address without its origin, shortened.
pub fn place(url: &Untrusted, guard: &mut Guard) -> Clean {
    let raw = url.raw();
    let path =
        raw.find("://").and_then(|at| raw[at + 3..].find('/').map(|slash| &raw[at + 3 + slash..])).unwrap_or(raw);
    guard.line(&path.into(), Limit::Url).shortened(80)
}

/// The kind of a step, as a class and as its sign.
pub fn sign(step: &Step) -> (&'static str, &'static str) {
    match &step.action {
        Action::Navigate(_) => ("go", "→"),
        Action::Click(click) => match click.verdict {
            Verdict::Plain => ("do", "●"),
            Verdict::Dead | Verdict::Slow => ("bad", "◐"),
            Verdict::Rage => ("bad", "◉"),
        },
        Action::Drag(_) => ("do", "⇢"),
        Action::Input(_) => ("do", "▭"),
        Action::Key(_) => ("do", "⌨"),
        Action::Scroll { .. } => ("dim", "↕"),
        Action::Resize(_) => ("dim", "⤡"),
        Action::Visibility { .. } => ("dim", "◌"),
        Action::Request(request) if request.failed() => ("fail", "⇄"),
        Action::Request(_) => ("net", "⇄"),
        Action::Console { level, .. } if level.raw() == "error" => ("fail", "›"),
        Action::Console { .. } => ("dim", "›"),
        Action::Error(_) => ("fail", "✖"),
    }
}

/// What a step was, in words.
pub fn told(step: &Step, guard: &mut Guard) -> Html {
    match &step.action {
        Action::Navigate(navigation) => {
            use crate::replay::NavigationKind as Kind;
            let verb = match (navigation.how, navigation.caused_by) {
                (Kind::Load, None) => "Opened ",
                (Kind::Load, Some(_)) => "New page ",
                (Kind::Reload, _) => "Reloaded ",
                (Kind::BackForward, _) => "Back or forward to ",
                (Kind::Back, _) => "Back to ",
                (Kind::Forward, _) => "Forward to ",
                (Kind::Within, _) => "Went to ",
            };
            html!(verb, "<code>", place(&navigation.to, guard), "</code>")
        }
        Action::Click(click) => clicked(click, step.target.as_ref(), guard),
        Action::Drag(drag) => {
            let onto = drag.onto.as_deref().map(|onto| html!(" onto ", named(Some(onto), guard)));
            html!("Dragged ", named(step.target.as_ref(), guard), onto)
        }
        Action::Input(input) => filled(input, step.target.as_ref(), guard),
        Action::Key(key) => html!("Pressed <kbd>", chord(key, guard), "</kbd>"),
        Action::Scroll { y, .. } => match &step.target {
            Some(target) => html!("Scrolled ", named(Some(target), guard), " to ", *y, " px"),
            None => html!("Scrolled to ", *y, " px"),
        },
        Action::Resize(size) => html!("Resized the window to ", size.width, " × ", size.height),
        Action::Visibility { hidden } => html!(if *hidden { "Left the tab" } else { "Came back to the tab" }),
        Action::Request(request) => asked(request, guard),
        Action::Console { message, .. } => html!("<code>", guard.line(message, Limit::Breadcrumb), "</code>"),
        Action::Error(failure) => html!("<strong>", title(failure, guard), "</strong>"),
    }
}

/// Type and text of an error.
pub fn title(failure: &crate::replay::Failure, guard: &mut Guard) -> Clean {
    let ty = failure.ty.as_ref().map(|ty| guard.line(ty, Limit::Tag));
    let value = failure.value.as_ref().map(|value| guard.line(value, Limit::Breadcrumb));
    match (ty, value) {
        (Some(ty), Some(value)) => say!(ty, ": ", value),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => guard.opt(failure.title.as_ref(), Limit::Title).unwrap_or_else(|| say!("an error")),
    }
}

fn clicked(click: &Click, target: Option<&Target>, guard: &mut Guard) -> Html {
    let verb = match (click.checked, click.double, click.right) {
        (_, true, _) => "Double-clicked ",
        (_, _, true) => "Right-clicked ",
        (Some(true), ..) => "Checked ",
        (Some(false), ..) => "Unchecked ",
        _ => "Clicked ",
    };
    let after = match click.verdict {
        Verdict::Plain => html!(""),
        Verdict::Dead => html!(" <em class=bad>no answer</em>"),
        Verdict::Slow => match click.answered_after_ms {
            Some(ms) => html!(" <em class=bad>answered after ", length(ms), "</em>"),
            None => html!(" <em class=bad>slow answer</em>"),
        },
        Verdict::Rage => html!(" <em class=bad>", click.count, " times, in rage</em>"),
    };
    html!(verb, named(target, guard), after)
}

fn filled(input: &Input, target: Option<&Target>, guard: &mut Guard) -> Html {
    let field = named(target, guard);
    let enter = (input.submitted || input.emptied).then_some(" and pressed <kbd>Enter</kbd>");
    let key = target.and_then(|target| target.name_attribute.as_ref()).map(|name| name.text.clone());
    let mut quoted = |text: &Untrusted| match &key {
        Some(key) => html!("<q>", guard.keyed(key, text, Limit::Tag).shortened(LONGEST), "</q>"),
        None => html!("<q>", guard.line(text, Limit::Tag).shortened(LONGEST), "</q>"),
    };
    match &input.value {
        Value::Text(text) if text.is_empty() => html!("Emptied ", field, enter),
        Value::Text(text) => html!("Typed ", quoted(text), " into ", field, enter),
        Value::Masked { chars } => html!("Typed ", *chars, " masked characters into ", field, enter),
        Value::Choice { value, label, .. } => match label.as_ref().or(value.as_ref()) {
            Some(choice) => html!("Chose ", quoted(choice), " in ", field),
            None => html!("Chose a masked option in ", field),
        },
        Value::Checked(on) => html!(if *on { "Checked " } else { "Unchecked " }, field),
        Value::Unknown if input.control == Control::File => html!("Chose a file in ", field),
        Value::Unknown => html!("Filled ", field, enter),
    }
}

fn asked(request: &Request, guard: &mut Guard) -> Html {
    let method = guard.line(&request.method, Limit::Tag).shortened(12);
    let status = match request.status {
        Some(status) if request.failed() => html!(" <em class=fail>", status, "</em>"),
        Some(status) => html!(" <span class=dim>", status, "</span>"),
        None => html!(" <em class=fail>no answer</em>"),
    };
    let took = html!(" <span class=dim>", length(request.duration_ms), "</span>");
    html!("<code>", method, " ", place(&request.url, guard), "</code>", status, took)
}

fn chord(key: &Key, guard: &mut Guard) -> Html {
    let held = [
        (key.modifiers.ctrl, "Ctrl+"),
        (key.modifiers.alt, "Alt+"),
        (key.modifiers.shift, "Shift+"),
        (key.modifiers.meta, "Meta+"),
    ];
    let mut chord = html!("");
    for (_, name) in held.into_iter().filter(|(held, _)| *held) {
        chord.push(&[&name]);
    }
    chord.push(&[&guard.line(&key.key, Limit::Tag).shortened(20)]);
    chord
}

/// An element: what it is and what a person calls it.
pub fn named(target: Option<&Target>, guard: &mut Guard) -> Html {
    let Some(target) = target else { return html!("the page") };
    let kind = target.role.as_ref().filter(|role| role.raw() != "generic").unwrap_or(&target.tag);
    let kind = guard.line(kind, Limit::Tag).shortened(20);
    let texts =
        [&target.name, &target.label, &target.text, &target.placeholder, &target.test_id, &target.name_attribute];
    let text = texts.into_iter().flatten().find(|shared| !shared.text.is_empty());
    match text {
        Some(text) => html!(
            "<span class=dim>",
            kind,
            "</span> <b>",
            guard.line(&text.text, Limit::Tag).shortened(LONGEST),
            "</b>"
        ),
        None if target.css.is_empty() => html!("<span class=dim>", kind, "</span>"),
        None => html!("<code>", guard.line(&target.css, Limit::Tag).shortened(LONGEST), "</code>"),
    }
}

/// What changed after a step, the most telling two.
pub fn effects(effects: &[Effect], guard: &mut Guard) -> Vec<Html> {
    let appeared = effects.iter().any(|effect| matches!(effect, Effect::Appeared { text: Some(_), .. }));
    // What is drawn anew vanishes and appears: once is enough.
    let told = effects.iter().filter(|effect| !(appeared && matches!(effect, Effect::Vanished { .. })));
    told.filter_map(|told| effect(told, guard)).take(2).collect()
}

/// One change in a few words; what has a step of its own is left to that.
fn effect(effect: &Effect, guard: &mut Guard) -> Option<Html> {
    let mut text = |text: &Option<Untrusted>| {
        text.as_ref().map(|t| html!(" <q>", guard.line(t, Limit::Tag).shortened(LONGEST), "</q>"))
    };
    Some(match effect {
        Effect::DialogOpened(name) => html!("a dialog opened", text(name)),
        Effect::DialogClosed => html!("the dialog closed"),
        Effect::Announced(message) => html!("the page said", text(&Some(message.clone()))),
        Effect::Appeared { text: Some(shown), .. } => html!("appeared:", text(&Some(shown.clone()))),
        Effect::Vanished { text: Some(shown), .. } => html!("vanished:", text(&Some(shown.clone()))),
        Effect::TextChanged(shown @ Some(_)) => html!("now reads", text(shown)),
        Effect::Nothing => html!("nothing changed"),
        _ => return None,
    })
}
