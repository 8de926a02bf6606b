//! A replay as one page to look at: what happened, drawn over time, and every step.
//! It uses `guard`, `model` and `replay`.
//! It never loads anything, runs a script or lets recorded text be more than text.

pub mod html;
mod timeline;
mod words;

use sha2::{Digest, Sha256};

use crate::{
    guard::{Clean, Guard, Limit},
    model::Untrusted,
    replay::{Action, Failure, GapKind, Replay, Step},
    say,
};
use html::{Html, html};

const STYLE: &str = include_str!("style.css");
/// How many steps before an error are told at the top.
const BEFORE: usize = 6;

/// Writes the whole page. `test` is the reproduction to show at its end, when there is one.
pub fn write(replay: &Replay, test: Option<&Clean>, guard: &mut Guard) -> String {
    let id = replay.id.to_string();
    let title = say!("Replay ", guard.line(&id.as_str().into(), Limit::Tag).shortened(40));
    let mut page = html!(
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<meta http-equiv=Content-Security-Policy content=\"",
        allowed(),
        "\">\n"
    );
    page.push(&[&"<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<meta name=referrer content=no-referrer>\n"]);
    page.push(&[&"<title>", &title, &"</title>\n<style>", &STYLE, &"</style>\n<main>\n"]);
    page.push(&[&head(replay, &title, guard), &facts(replay, guard)]);
    page.push(&[&"<section class=card>", &timeline::draw(replay, guard), &legend(), &"</section>\n"]);
    page.push(&[&gaps(replay), &before_error(replay, guard), &list(replay, guard)]);
    if let Some(test) = test {
        page.push(&[&"<details class=card><summary>Playwright test that does it again</summary><pre><code>"]);
        page.push(&[test, &"</code></pre></details>\n"]);
    }
    page.push(&[&"</main>\n"]);
    page.into_string()
}

/// What a browser is allowed to do with the page: nothing but show it in its own style.
pub fn policy() -> String {
    allowed().into_string()
}

/// The style is named by its hash, so that no other is let in.
fn allowed() -> Html {
    let style = Html::base64(&Sha256::digest(STYLE));
    html!("default-src 'none'; style-src 'sha256-", style, "'; base-uri 'none'; form-action 'none'")
}

/// The error, or that there is none: the first thing that is read.
fn head(replay: &Replay, title: &Clean, guard: &mut Guard) -> Html {
    let last = replay.errors.last();
    let mut head = html!("<header><p class=dim>", title);
    if let Some(release) = &replay.release {
        head.push(&[&" · ", &guard.line(release, Limit::Tag)]);
    }
    head.push(&[&" · ", &say!(replay.started_at), &"</p>\n"]);
    match last {
        Some((at, failure)) => {
            head.push(&[&"<h1 class=fail>", &words::title(failure, guard), &"</h1>\n"]);
            head.push(&[&html!("<p>", cause(replay, *at, failure, guard), "</p>")]);
        }
        None => head.push(&[&"<h1>No error in this visit</h1>"]),
    }
    head.push(&[&"</header>\n"]);
    head
}

/// When the last error came, and after what.
fn cause(replay: &Replay, at: i64, failure: &Failure, guard: &mut Guard) -> Html {
    let mut user = replay.steps.iter().filter(|step| step.kind().by_user() && step.at_ms <= at);
    let mut text = html!("At <b>", words::clock(at), "</b>");
    if let Some(step) = user.next_back() {
        let after = u64::try_from((at - step.until_ms).max(0)).unwrap_or(0);
        text.push(&[&", ", &words::length(after), &" after <a href=\"#s", &step.n, &"\">step ", &step.n, &"</a>: "]);
        text.push(&[&words::told(step, guard)]);
    }
    if let Some(issue) = &failure.issue {
        text.push(&[&" <span class=dim>", &guard.line(issue, Limit::Tag), &"</span>"]);
    }
    let others = replay.errors.len() - 1;
    if others > 0 {
        text.push(&[
            &" <span class=dim>and ",
            &others,
            if others == 1 { &" error before it" } else { &" errors before it" },
            &"</span>",
        ]);
    }
    text
}

fn facts(replay: &Replay, guard: &mut Guard) -> Html {
    let mut facts = html!("<ul class=facts>");
    let mut fact =
        |name: &'static str, value: Html| facts.push(&[&"<li><span class=dim>", &name, &"</span> ", &value, &"</li>"]);
    fact("lasted", html!(words::length(replay.duration_ms)));
    if let Some(size) = replay.viewport {
        fact("window", html!(size.width, " × ", size.height));
    }
    let mut say = |name, text: &Option<Untrusted>| {
        if let Some(text) = guard.opt(text.as_ref(), Limit::Tag) {
            fact(name, html!(text.shortened(60)));
        }
    };
    say("language", &replay.locale);
    say("time zone", &replay.timezone);
    say("environment", &replay.environment);
    say("browser", &replay.user_agent.as_ref().map(|agent| browser(agent.raw()).into()));
    let failed = replay.steps.iter().filter(|s| matches!(&s.action, Action::Request(r) if r.failed())).count();
    let requests = replay.steps.iter().filter(|s| matches!(s.action, Action::Request(_))).count();
    if requests > 0 {
        let failed = (failed > 0).then(|| html!(", <em class=fail>", failed, " failed</em>"));
        fact("requests", html!(requests, failed));
    }
    let masked = if replay.masked_text {
        "text and values masked"
    } else if replay.masked_inputs {
        "values masked"
    } else {
        "not masked"
    };
    fact("privacy", html!(masked));
    facts.push(&[&"</ul>\n"]);
    facts
}

/// Name and version out of a browser's header.
fn browser(agent: &str) -> String {
    let known = ["Edg/", "OPR/", "Firefox/", "HeadlessChrome/", "Chrome/", "Version/"];
    let found = known.iter().find_map(|name| Some((name, &agent[agent.find(name)? + name.len()..])));
    match found {
        Some((name, rest)) => {
            let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let name = name.trim_end_matches('/').replace("Version", "Safari").replace("HeadlessChrome", "Chrome");
            format!("{name} {version}")
        }
        None => agent.chars().take(40).collect(),
    }
}

fn legend() -> Html {
    html!(
        "<p class=legend><span><i class=\"k do\"></i>click, key</span><span><i class=\"k typed\"></i>typing, choice</span>",
        "<span><i class=\"k bad\"></i>no or late answer</span><span><i class=\"k net\"></i>request</span>",
        "<span><i class=\"k fail\"></i>failed, error</span></p>"
    )
}

fn gaps(replay: &Replay) -> Html {
    let mut all = html!("");
    for gap in &replay.gaps {
        let what = match gap.kind {
            GapKind::Missing => "A part of the recording never came",
            GapKind::Broken => "A part of the recording can't be read",
            GapKind::Before => "The recording begins in the middle of the visit",
            GapKind::Limit => "The recording is too large to be read to its end",
        };
        let when =
            (gap.to_ms > gap.from_ms).then(|| html!(": ", words::clock(gap.from_ms), " to ", words::clock(gap.to_ms)));
        all.push(&[&"<p class=warn>", &what, &when, &".</p>\n"]);
    }
    all
}

/// The last steps before the last error: the story in short.
fn before_error(replay: &Replay, guard: &mut Guard) -> Html {
    let Some((at, failure)) = replay.errors.last() else { return html!("") };
    let told = |step: &&Step| {
        step.at_ms <= *at
            && match &step.action {
                Action::Request(request) => request.failed(),
                Action::Console { .. } | Action::Error(_) | Action::Scroll { .. } | Action::Visibility { .. } => false,
                _ => true,
            }
    };
    let steps: Vec<&Step> = replay.steps.iter().filter(told).collect();
    let mut story = html!("<section class=card><h2>Just before the error</h2><ol class=story>\n");
    for step in &steps[steps.len().saturating_sub(BEFORE)..] {
        let (class, sign) = words::sign(step);
        story.push(&[&"<li class=", &class, &"><i>", &sign, &"</i> ", &words::told(step, guard), &"</li>\n"]);
    }
    story.push(&[&"<li class=\"fail last\"><i>✖</i> ", &words::title(failure, guard), &"</li>\n</ol></section>\n"]);
    story
}

/// Every step.
fn list(replay: &Replay, guard: &mut Guard) -> Html {
    let mut list = html!("<section class=card><h2>All steps</h2><ol class=steps>\n");
    for step in &replay.steps {
        let (class, sign) = words::sign(step);
        let by = match (&step.action, step.kind().by_user()) {
            (Action::Error(_), _) => " page fault",
            (_, false) => " page",
            (_, true) => "",
        };
        list.push(&[&"<li id=s", &step.n, &" class=\"", &class, &by, &"\"><span class=n>", &step.n, &"</span>"]);
        list.push(&[&"<time>", &words::clock(step.at_ms), &"</time><i>", &sign, &"</i><div>"]);
        list.push(&[&words::told(step, guard)]);
        for effect in words::effects(&step.effects, guard) {
            list.push(&[&"<div class=effect>", &effect, &"</div>"]);
        }
        list.push(&[&"</div></li>\n"]);
    }
    list.push(&[&"</ol></section>\n"]);
    list
}
