//! What broke: the list of issues since a release, and what goes on beside it.

use serde_json::Value;

use super::{
    chart::share_bar,
    facts::{Facts, percent},
};
use crate::page::html::{Encoded, Html, Said, html};

/// What the list is made of.
pub(super) struct Breakage<'a> {
    /// `list_issues` since the release, or without one.
    pub broke: &'a Value,
    /// `list_issues` of what is older.
    pub older: Option<&'a Value>,
    /// `list_releases`.
    pub releases: &'a Value,
    /// `list_projects`.
    pub projects: &'a Value,
    /// The project that was chosen.
    pub project: Option<&'a str>,
}

pub(super) fn body(shown: &Breakage<'_>) -> Html {
    let answer = Facts(shown.broke);
    let since = answer.at("since");
    let mut page = html!("<h1>What broke</h1><p class=lead>");
    match since.text("release") {
        "" => page.push(&[&"In the last days: no release is known yet"]),
        release => page.push(&[&"Since <b>", &Said(release), &"</b>, released ", &since.time("released_at")]),
    }
    page.push(&[&"</p>", &choice(shown, since.text("release")), &totals(answer)]);
    page.push(&[&list(answer)]);
    if answer.rows("issues").next().is_none() {
        page.push(&[&"<p class=none>Nothing new broke.</p>"]);
    }
    if let Some(older) = shown.older.map(Facts).filter(|older| older.rows("issues").next().is_some()) {
        page.push(&[&"<h2>Older, and going on</h2>", &list(older)]);
    }
    page.push(&[&"<div class=dim>", &answer.points("warnings"), &"</div>"]);
    page
}

/// Which release, and of which project.
fn choice(shown: &Breakage<'_>, since: &str) -> Html {
    let (releases, projects) = (Facts(shown.releases), Facts(shown.projects));
    if releases.rows("releases").next().is_none() {
        return html!("");
    }
    let mut form = html!("<form class=ask><label>Since <select name=since>");
    for release in releases.rows("releases") {
        form.push(&[&option(release.text("version"), release.text("version"), release.text("version") == since)]);
    }
    if !since.is_empty() && releases.rows("releases").all(|release| release.text("version") != since) {
        form.push(&[&option(since, since, true)]);
    }
    form.push(&[&"</select></label>"]);
    if projects.rows("projects").nth(1).is_some() {
        form.push(&[&" <label>Project <select name=project>", &option("", "all", shown.project.is_none())]);
        for project in projects.rows("projects") {
            let slug = project.text("slug");
            form.push(&[&option(slug, slug, shown.project == Some(slug))]);
        }
        form.push(&[&"</select></label>"]);
    }
    form.push(&[&" <button>Show</button></form>"]);
    form
}

/// One choice of a list.
pub(super) fn option(value: &str, name: &str, chosen: bool) -> Html {
    html!("<option value=\"", Said(value), "\"", if chosen { " selected>" } else { ">" }, Said(name), "</option>")
}

fn totals(answer: Facts<'_>) -> Html {
    if answer.rows("totals").next().is_none() {
        return html!("");
    }
    let mut list = html!("<ul class=totals aria-label=\"Issues by kind of change\">");
    for total in answer.rows("totals") {
        list.push(&[&"<li><b>", &total.count("issues"), &"</b> ", &tag(total.text("change")), &"</li>"]);
    }
    list.push(&[&"</ul>"]);
    list
}

fn list(answer: Facts<'_>) -> Html {
    if answer.rows("issues").next().is_none() {
        return html!("");
    }
    let mut list = html!("<ol class=issues>");
    answer.rows("issues").for_each(|issue| list.push(&[&row(issue)]));
    list.push(&[&"</ol>"]);
    list
}

fn row(issue: Facts<'_>) -> Html {
    let id = issue.text("short_id");
    let mut row = html!("<li><a href=\"/issue/", Encoded(id), "\"><span class=id>", Said(id), "</span> ");
    row.push(&[&issue.said("title"), &"</a><p class=counts>", &tag(issue.text("change"))]);
    row.push(&[&" <span>", &issue.count("users").of("user", "users"), &"</span>"]);
    if issue.number("share") > 0.0 {
        let share = issue.number("share");
        row.push(&[&" <span>", &share_bar(share), &" ", &percent(share), &" of active users</span>"]);
    }
    row.push(&[&" <span>", &issue.count("events").of("event", "events"), &"</span>"]);
    if issue.is("unhandled") {
        row.push(&[&" <span>unhandled</span>"]);
    }
    if issue.number("replays") > 0.0 {
        row.push(&[&" <span>", &issue.count("replays").of("replay", "replays"), &"</span>"]);
    }
    let claimed = issue.at("claimed");
    if !claimed.text("by").is_empty() {
        row.push(&[&" <span>claimed by ", &claimed.said("by"), &"</span>"]);
    }
    row.push(&[&"</p><p class=why>", &issue.said("why"), &" · last seen ", &issue.time("last_seen"), &"</p></li>"]);
    row
}

/// A kind of change as a tag: its colour is a hint, its word says it.
pub(super) fn tag(change: &str) -> Html {
    let class = match change {
        "new" => "new",
        "regressed" => "regressed",
        "escalating" => "escalating",
        _ => "quiet",
    };
    html!("<span class=\"tag ", class, "\">", Said(change), "</span>")
}
