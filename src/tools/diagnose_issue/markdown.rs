//! The answer as Markdown.

use super::{place::Where, view::*};
use crate::{
    guard::{Clean, CleanData},
    say,
    tools::code,
    view::{Doc, Pairs, count, users},
};

/// A frame that is less often more common here than elsewhere tells nothing.
const TELLING: f64 = 1.5;

pub(super) fn write(out: &Out, doc: &mut Doc) {
    doc.heading("Diagnosis");
    doc.line("Issue: ", &[&out.issue, &", ", &out.what.level, &if out.what.unhandled { ", unhandled" } else { "" }]);
    doc.line("Verdict: ", &[&out.verdict]);
    let why = out.actionable.reasons.first().filter(|_| out.actionable.level.0 == "low").map(|why| say!(": ", why));
    doc.line("Worth an agent: ", &[&out.actionable.level, &why]);
    doc.open();
    out.reasons.iter().for_each(|reason| doc.bullet(reason));
    let decided = &out.decided;
    if decided.status.0 != "unresolved" || decided.assignee.is_some() {
        let assignee = decided.assignee.as_ref().map(|name| say!(", assigned to ", name));
        doc.line("Decided: ", &[&decided.status, &assignee]);
    }
    for comment in &decided.comments {
        doc.line("Comment of ", &[&comment.at, &": ", &comment.text]);
    }
    doc.heading("What");
    for (at, error) in out.what.exceptions.iter().enumerate() {
        let colon = if error.ty.is_some() && error.value.is_some() { ": " } else { "" };
        doc.line("● ", &[&if at == 0 { "" } else { "caused by " }, &error.ty, &colon, &error.value]);
    }
    if out.what.exceptions.is_empty() {
        doc.line("● ", &[&out.what.title]);
    }
    doc.line("At: ", &[&out.what.culprit, &", event ", &out.what.event, &say_release(&out.what.release)]);
    write_frames(&out.r#where, doc);
    doc.heading("Who");
    write_who(&out.who, doc);
    doc.heading("Since");
    write_since(&out.since, doc);
    for suspect in &out.suspects {
        let date = suspect.date.map(|date| say!(" of ", date));
        let touches = suspect.files.first().map(|file| say!(" (touches the function in ", file, ")"));
        doc.line("Suspect commit: ", &[&suspect.commit, &date, &": ", &suspect.subject, &touches]);
    }
    if let Some(fix) = &out.candidate_fix {
        doc.line("Already changed, not released yet: ", &[&fix.commit, &" ", &fix.subject]);
    }
    for remedy in &out.remedies {
        doc.line("Remedy named by the error: ", &[&remedy.action, &" (quoted: ", &remedy.evidence, &")"]);
    }
    for other in &out.same_trace {
        let traces = count(other.traces, "trace", "traces");
        doc.line("Same trace: ", &[&other.issue, &" in ", &other.project, &", in ", &traces, &": ", &other.title]);
    }
    for text in &out.feedback {
        doc.line("A user wrote: ", &[text]);
    }
    for other in &out.related {
        doc.line("Related: ", &[&other.issue, &" (", &other.similarity, &"): ", &other.why, &": ", &other.title]);
    }
    doc.close();
    for replay in &out.replays {
        doc.line("Replay: ", &[replay]);
    }
    for call in &out.next_calls {
        doc.line("Next: ", &[call]);
    }
}

fn say_release(release: &Option<Clean>) -> Clean {
    release.as_ref().map_or_else(Clean::default, |release| say!(" of ", release))
}

fn write_frames(place: &Where, doc: &mut Doc) {
    let is_known = place.frames.iter().any(|frame| frame.role.0 == "cause");
    doc.heading(if is_known { "Where (most telling first)" } else { "Where it shows (no frame is the cause)" });
    for frame in &place.frames {
        let file = frame.repo_path.as_ref().or(frame.file.as_ref());
        let mut at = say!(frame.function.clone().unwrap_or_else(|| Clean::ours("?")), " at ", file);
        if let Some(line) = frame.line {
            at = say!(at, ":", line);
        }
        at = say!(at, code::drift(frame.line, frame.line_now, frame.changed_since.as_deref()));
        let telling = frame.specificity.filter(|times| *times >= TELLING && frame.role.0 != "met");
        let times = telling.map(|times| say!(", ", times, " times as common here as in other issues"));
        doc.bullet(&say!(at, " [", plain(frame.role.0), times, "]"));
        if let Some(line) = &frame.source {
            doc.under("▸ ", &[line]);
        }
        if let Some(CleanData::Map(vars)) = &frame.vars {
            doc.under("vars: ", &[&Pairs(vars)]);
        }
    }
    if place.frames.is_empty() {
        doc.line("No frames.", &[]);
    }
    if place.stacks > 1 {
        doc.line("In ", &[&count(place.stacks, "stack", "different stacks"), &"; this is one of them"]);
    }
}

/// What a frame has to do with the failure, in words that need no legend.
fn plain(role: &'static str) -> &'static str {
    match role {
        "cause" => "cause",
        "around" => "near the cause",
        "passed_through" => "most issues pass through it",
        "helper" => "helper that rejected its input",
        "rethrows" => "caught the cause and threw again",
        "met" => "hit by the failure, not its cause",
        "library" => "library",
        other => other,
    }
}

fn write_who(who: &Who, doc: &mut Doc) {
    doc.line("Counted: ", &[&who.counted]);
    doc.line("Hit: ", &[&users(who.users), &", ", &count(who.events, "event", "events")]);
    for release in &who.per_release {
        let active = release.active_users.map(|active| say!(" of ", active, " active"));
        doc.under("in ", &[&release.release, &": ", &count(release.users, "user", "users"), &active]);
    }
    who.attribution.iter().for_each(|statement| doc.bullet(statement));
    if let Some(note) = &who.attribution_note {
        doc.line("Conditions: ", &[note]);
    }
}

fn write_since(since: &SinceView, doc: &mut Doc) {
    doc.line("Change: ", &[&since.change, &": ", &since.why]);
    if let Some(first) = &since.first_release {
        let at = since.released_at.map(|at| say!(" (", at, ")"));
        let good = since.last_good_release.as_ref().map(|good| say!(", last good ", good));
        doc.line("First bad release: ", &[first, &at, &good]);
    }
    doc.line("Seen: ", &[&since.first_seen, &" to ", &since.last_seen]);
    if let Some(onset) = &since.onset {
        doc.line("Onset: ", &[&onset.statement]);
    }
    for library in &since.libraries {
        let same = if library.same_release { " within one release" } else { "" };
        doc.line("Library: ", &[&library.name, &" ", &library.before, &" → ", &library.after, &same]);
    }
    if let Some(all) = since.libraries_changed {
        let frames = if since.libraries.is_empty() { ", none with a frame here" } else { "" };
        doc.line("Libraries that changed with it: ", &[&all, &frames]);
    }
    for commit in &since.commits {
        let touches = commit.touches.first().map(|file| say!(" (touches ", file, ")"));
        doc.line("Commit: ", &[&commit.id.shortened(12), &" ", &commit.message, &touches]);
    }
}
