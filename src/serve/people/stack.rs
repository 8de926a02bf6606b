//! Where it fails: the frames that tell most, then the whole stack with its source.

use super::facts::Facts;
use crate::page::html::{Html, Said, html};

/// Most frames of one exception.
const FRAMES: usize = 30;

pub(super) fn section(diagnosis: Facts<'_>, event: Facts<'_>) -> Html {
    let frames = diagnosis.at("where");
    if frames.rows("frames").next().is_none() {
        return html!("");
    }
    let mut section = html!("<h2>Where</h2><ol class=frames>");
    for frame in frames.rows("frames").take(8) {
        let class = if frame.is("bystander") || !frame.is("in_app") { "far" } else { "near" };
        section.push(&[
            &"<li class=",
            &class,
            &">",
            &place(frame),
            &" <span class=\"tag quiet\">",
            &frame.said("role"),
        ]);
        section.push(&[&"</span>"]);
        if !frame.text("source").is_empty() {
            section.push(&[&"<pre tabindex=0><code>", &frame.said("source"), &"</code></pre>"]);
        }
        section.push(&[&"</li>"]);
    }
    section.push(&[&"</ol>", &whole(event)]);
    section
}

/// Every exception of the event with its frames and their source.
fn whole(event: Facts<'_>) -> Html {
    if event.rows("exceptions").next().is_none() {
        return html!("");
    }
    let mut stack = html!("<details><summary>The whole stack of event ", event.said("id"), ", ");
    stack.push(&[&event.time("timestamp"), &"</summary>"]);
    for exception in event.rows("exceptions") {
        stack.push(&[&"<h3>", &exception.said("type"), &": ", &exception.said("value"), &"</h3><ol class=frames>"]);
        for frame in exception.rows("frames").take(FRAMES) {
            let class = if frame.is("in_app") { "near" } else { "far" };
            stack.push(&[&"<li class=", &class, &">", &place(frame), &source(frame), &"</li>"]);
        }
        stack.push(&[&"</ol>"]);
    }
    stack.push(&[&"</details>"]);
    stack
}

fn place(frame: Facts<'_>) -> Html {
    let file = match frame.text("repo_path") {
        "" => frame.text("file"),
        path => path,
    };
    let line = frame.0["line"].as_u64().map(|line| html!(":", line));
    html!("<code>", frame.said("function"), "</code> <span class=dim>", Said(file), line, "</span>")
}

fn source(frame: Facts<'_>) -> Html {
    let context = frame.at("context");
    if context.text("line").is_empty() {
        return html!("");
    }
    let mut lines = html!("<pre tabindex=0><code>");
    let beside = |name: &'static str| context.rows(name).filter_map(|line| line.0.as_str());
    beside("pre").for_each(|line| lines.push(&[&Said(line), &"\n"]));
    lines.push(&[&"<mark>", &context.said("line"), &"</mark>\n"]);
    beside("post").for_each(|line| lines.push(&[&Said(line), &"\n"]));
    lines.push(&[&"</code></pre>"]);
    lines
}
