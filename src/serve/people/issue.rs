//! One issue: what, who is hit and when, where it fails, its replays, and whether a fix holds.

use super::{
    Issue,
    breakage::tag,
    chart::{self, Bar},
    facts::{Count, Facts},
    fix, stack,
};
use crate::page::html::{Encoded, Html, Said, html};

pub(super) fn body(shown: &Issue<'_>) -> Html {
    let (diagnosis, affected) = (Facts(shown.diagnosis), Facts(shown.affected));
    html!(
        head(diagnosis),
        who(diagnosis, affected),
        stack::section(diagnosis, Facts(shown.event).at("event")),
        remedies(diagnosis),
        replays(diagnosis),
        others(diagnosis),
        fix::section(shown)
    )
}

fn head(diagnosis: Facts<'_>) -> Html {
    let (what, since) = (diagnosis.at("what"), diagnosis.at("since"));
    let mut head = html!("<p class=lead><span class=id>", diagnosis.said("issue"), "</span> ", what.said("culprit"));
    head.push(&[&"</p><h1>", &what.said("title"), &"</h1><p>", &tag(since.text("change")), &" ", &since.said("why")]);
    head.push(&[&" · last seen ", &since.time("last_seen"), &"</p>"]);
    head.push(&[&"<dl class=facts><div><dt>At fault</dt><dd>", &diagnosis.said("verdict"), &"</dd></div>"]);
    let actionable = diagnosis.at("actionable");
    head.push(&[&"<div><dt>Worth an agent</dt><dd>", &actionable.said("level"), &"</dd></div>"]);
    if !since.text("first_release").is_empty() {
        head.push(&[&"<div><dt>Since</dt><dd>", &since.said("first_release"), &"</dd></div>"]);
    }
    head.push(&[&"</dl><details><summary>Why</summary>", &diagnosis.points("reasons")]);
    head.push(&[&actionable.points("reasons"), &"</details>"]);
    head
}

/// How many, when, of which releases, and what they have in common.
fn who(diagnosis: Facts<'_>, affected: Facts<'_>) -> Html {
    let who = diagnosis.at("who");
    let mut section = html!("<h2>Who is hit</h2><p>", who.count("users").of("user", "users"), ", ");
    section.push(&[&who.count("events").of("event", "events"), &"</p>", &who.points("attribution")]);
    let stands_out: Vec<Facts<'_>> = affected.rows("attribution").take(5).collect();
    if who.rows("attribution").next().is_none() && !stands_out.is_empty() {
        section.push(&[&"<ul>"]);
        stands_out.iter().for_each(|one| section.push(&[&"<li>", &one.said("statement"), &"</li>"]));
        section.push(&[&"</ul>"]);
    }
    let trend: Vec<Bar> = affected
        .rows("trend")
        .map(|span| Bar {
            label: span.text("start").to_owned(),
            value: span.number("users"),
            shown: html!(span.count("users").of("user", "users"), ", ", span.count("events").of("event", "events")),
        })
        .collect();
    let most = trend.iter().map(|bar| bar.value).fold(0.0, f64::max) as u64;
    section.push(&[&chart::bars("Users hit over time", &html!("at most ", Count(most)), &trend)]);
    let of_releases = affected.at("users");
    let known = of_releases.rows("per_release").filter(|release| release.number("share") > 0.0);
    if known.clone().next().is_some() {
        section.push(&[&"<h3>Share of each release’s users</h3>"]);
        section.push(&[&chart::shares(known.map(|release| {
            let counted = html!(release.count("users"), " of ", release.count("active_users"));
            (html!(release.said("release")), release.number("share"), counted)
        }))]);
    }
    section
}

fn remedies(diagnosis: Facts<'_>) -> Html {
    if diagnosis.rows("remedies").next().is_none() {
        return html!("");
    }
    let mut section = html!("<h2>What the error says to do</h2><ul>");
    for remedy in diagnosis.rows("remedies") {
        section.push(&[&"<li>", &remedy.said("action"), &" <q>", &remedy.said("evidence"), &"</q></li>"]);
    }
    section.push(&[&"</ul>"]);
    section
}

fn replays(diagnosis: Facts<'_>) -> Html {
    let mut ids = diagnosis.rows("replays").filter_map(|replay| replay.0.as_str()).peekable();
    if ids.peek().is_none() {
        return html!("");
    }
    let mut section = html!("<h2>Replays</h2><ul>");
    for id in ids {
        section.push(&[&"<li><a href=\"/replay/", &Encoded(id), &"\">What a user did: ", &Said(id), &"</a></li>"]);
    }
    section.push(&[&"</ul>"]);
    section
}

/// Issues of the same trace, and alike ones.
fn others(diagnosis: Facts<'_>) -> Html {
    let mut list = html!("");
    for (name, why, said) in [("same_trace", "failed in the same traces", "title"), ("related", "", "why")] {
        for other in diagnosis.rows(name) {
            let id = other.text("issue");
            list.push(&[&"<li><a href=\"/issue/", &Encoded(id), &"\">", &Said(id), &"</a> ", &other.said(said)]);
            list.push(&[&" ", &why, &"</li>"]);
        }
    }
    if list.is_empty() { list } else { html!("<h2>Beside it</h2><ul>", list, "</ul>") }
}
