//! Whether a fix holds: the question, the verdict, and the rates of the failure over time.

use super::{
    Issue,
    breakage::option,
    chart,
    facts::{Count, Facts, percent},
};
use crate::{
    model::Timestamp,
    page::html::{Html, Said, html},
};

pub(super) fn section(shown: &Issue<'_>) -> Html {
    let mut section = html!("<h2 id=fix>Does a fix hold?</h2>", question(shown));
    let Some((answer, buckets)) = shown.fix else { return section };
    let answer = Facts(answer);
    let error = answer.at("error");
    if !error.text("message").is_empty() {
        section.push(&[&"<p role=alert>", &error.said("message"), &"</p>"]);
        return section;
    }
    let unit = answer.at("before").text("exposure_unit").replace('_', " ");
    let deployed: Option<Timestamp> = answer.text("deployed_at").parse().ok();
    section.push(&[
        &"<p><span class=\"tag ",
        &class(answer.text("verdict")),
        &"\">",
        &Said(&words(answer.text("verdict"))),
    ]);
    section.push(&[&"</span> ", &ticked(answer.text("statement")), &"</p>"]);
    section.push(&[&chart::rates(buckets, deployed.map(Timestamp::as_second), &unit), &sides(answer, &unit)]);
    if answer.rows("adoption").next().is_some() {
        section.push(&[&"<h3>What ran in the last day</h3>"]);
        let rows = answer.rows("adoption").map(|part| (html!(part.said("release")), part.number("share"), html!("")));
        section.push(&[&chart::shares(rows)]);
    }
    section.push(&[&"<div class=dim>", &answer.points("warnings"), &"</div>"]);
    section
}

/// Which release has the fix.
fn question(shown: &Issue<'_>) -> Html {
    let releases = Facts(shown.releases);
    let mut form = html!("<form class=ask action=\"#fix\"><label>Release with the fix <select name=release required>");
    form.push(&[&option("", "choose", shown.asked.is_empty())]);
    for release in releases.rows("releases") {
        let version = release.text("version");
        form.push(&[&option(version, version, version == shown.asked)]);
    }
    let known = || releases.rows("releases").any(|release| release.text("version") == shown.asked);
    if !shown.asked.is_empty() && !known() {
        form.push(&[&option(shown.asked, shown.asked, true)]);
    }
    form.push(&[&"</select></label> <button>Verify</button></form>"]);
    form
}

/// The numbers of both sides.
fn sides(answer: Facts<'_>, unit: &str) -> Html {
    if answer.at("after").text("exposure_unit").is_empty() {
        return html!("");
    }
    let mut table = html!("<table class=sides><tr><td></td><th scope=col>Users hit</th><th scope=col>Events</th>");
    table.push(&[&"<th scope=col>Use, ", &Said(unit), &"</th></tr>"]);
    for (name, side) in [("Without the fix", answer.at("before")), ("With it", answer.at("after"))] {
        table.push(&[&"<tr><th scope=row>", &name, &"</th><td>", &side.count("affected"), &"</td><td>"]);
        table.push(&[
            &side.count("events"),
            &"</td><td>",
            &Count(side.number("exposure").round() as u64),
            &"</td></tr>",
        ]);
    }
    table.push(&[&"</table>"]);
    let fall = answer.at("reduction");
    if fall.0.is_object() {
        table.push(&[
            &"<p class=dim>The rate ",
            &changed(fall.number("estimate"), "fell by ", "rose by "),
            &"; by the evidence ",
        ]);
        table.push(&[&changed(fall.number("low"), "it fell by ", "it rose by "), &" at the worst and "]);
        table.push(&[&changed(fall.number("high"), "fell by ", "rose by "), &" at the best.</p>"]);
    }
    table
}

/// A fall of the rate; one below nothing is a rise.
fn changed(fall: f64, fell: &'static str, rose: &'static str) -> Html {
    if fall < 0.0 { html!(rose, percent(-fall)) } else { html!(fell, percent(fall)) }
}

fn words(verdict: &str) -> String {
    verdict.replace('_', " ")
}

fn class(verdict: &str) -> &'static str {
    match verdict {
        "fixed" => "held",
        "not_fixed" | "regressed" | "moved" => "new",
        "reduced" => "escalating",
        _ => "quiet",
    }
}

/// Text with its names in backticks set as code.
fn ticked(text: &str) -> Html {
    let mut out = html!("");
    for (at, part) in text.split('`').enumerate() {
        match at % 2 {
            0 => out.push(&[&Said(part)]),
            _ => out.push(&[&"<code>", &Said(part), &"</code>"]),
        }
    }
    out
}
