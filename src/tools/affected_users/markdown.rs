//! The answer as Markdown.

use super::view::*;
use crate::{
    guard::Clean,
    say,
    view::{Doc, count, percent},
};

/// Values of a tag that are worth a reader's time: those that stand out and the largest.
const VALUES: usize = 5;

pub(super) fn write(out: &Out, doc: &mut Doc) {
    doc.heading("Affected users");
    if let Some(issue) = &out.issue {
        doc.line("Issue: ", &[issue]);
    }
    doc.line("Counted: ", &[&out.counted]);
    let users = &out.users;
    let anonymous = (out.events_without_user > 0).then(|| say!(" (", out.events_without_user, " name no user)"));
    let Some((in_period, total)) = users.in_period.zip(users.total) else {
        doc.line("Users: not known: no event names one; ", &[&count(out.events, "event", "events")]);
        return rest(out, doc);
    };
    if total == 0 && out.events > 0 {
        doc.line("Users: none: jobs had it that nobody asked for; ", &[&count(out.events, "event", "events")]);
        return rest(out, doc);
    }
    doc.line(
        "Users: ",
        &[
            &in_period,
            &" in the period, ",
            &total,
            &" in all, ",
            &if users.returning == 0 { Clean::ours("none") } else { say!(users.returning) },
            &" hit on more than one day or before the period; ",
            &count(out.events, "event", "events"),
            &anonymous,
        ],
    );
    if let (Some(_), Some(hit)) = (users.share, users.in_period) {
        let active = count(users.active, "active user", "active users");
        let share = percent(hit as f64 / users.active.max(1) as f64);
        doc.line("Share: ", &[&in_period, &" of ", &active, &" (", &share, &")"]);
    }
    rest(out, doc);
}

fn rest(out: &Out, doc: &mut Doc) {
    let users = &out.users;
    if let Some(onset) = &out.onset {
        let times = onset.times.map(|times| say!(", ", times, " times the rate before at the same traffic"));
        let over = (!onset.going_on).then(|| Clean::ours("; over by now"));
        let within = say!(" (between ", onset.earliest, " and ", onset.latest, ")");
        doc.line("Rose: ", &[&onset.at, &within, &times, &over]);
    }
    if let Some(sessions) = &out.sessions {
        let rate = sessions.crash_free_rate.map(|r| say!(", ", percent(r), " crash-free"));
        let people = sessions.crash_free_users.map(|r| say!(", ", percent(r), " of their users crash-free"));
        let unhandled = sessions.unhandled_free_rate.map(|r| say!(", ", percent(r), " free of unhandled errors"));
        let affected = sessions
            .affected
            .map(|n| say!("; ", count(n, "session", "sessions"), " of affected users did not end well"));
        doc.line("Sessions: ", &[&sessions.total, &rate, &unhandled, &people, &affected]);
    }
    if !users.per_release.is_empty() {
        doc.heading("By release");
        for release in &users.per_release {
            let active = release.active_users.map(|n| say!(" of ", n, " active"));
            let share = release.share.map(|s| say!(" (", percent(s), ")"));
            doc.bullet(&say!(release.release.clone(), ": ", release.users, active, share));
        }
    }
    trend(out, doc);
    tags(out, doc);
    for condition in &out.attribution {
        doc.line("Stands out: ", &[&condition.statement]);
    }
    if let Some(note) = &out.attribution_note {
        doc.line("Conditions: ", &[note]);
    }
    if !out.sample.is_empty() {
        let mut sample = Clean::default();
        for user in &out.sample {
            sample = say!(sample, if sample.is_empty() { "" } else { ", " }, user.user.clone(), " ×", user.events);
        }
        doc.line("Sample: ", &[&sample]);
    }
}

/// Each tag on a line of its own, with those that tell nobody apart on one.
fn tags(out: &Out, doc: &mut Doc) {
    if out.breakdown.0.is_empty() {
        return;
    }
    doc.heading("By tag");
    let who = match out.baseline.kind.0 {
        "sessions" => "users with sessions",
        "all_users" => "other users",
        _ => "users with other events",
    };
    doc.line("Affected vs ", &[&out.baseline.users, &" ", &who]);
    let whole = |share: Option<f64>| share == Some(1.0);
    let (alike, telling): (Vec<_>, Vec<_>) = out.breakdown.0.iter().partition(
        |(_, values)| matches!(values.as_slice(), [one] if whole(Some(one.share)) && whole(one.baseline_share)),
    );
    for (tag, values) in telling {
        doc.line("By ", &[tag, &": ", &shares(values)]);
    }
    let mut all = Clean::default();
    for (tag, values) in alike {
        let gap = if all.is_empty() { "" } else { ", " };
        all = say!(all, gap, tag.clone(), "=", values[0].value.clone());
    }
    if !all.is_empty() {
        doc.line("All alike: ", &[&all]);
    }
}

fn trend(out: &Out, doc: &mut Doc) {
    if out.trend.is_empty() {
        return;
    }
    doc.heading("Over time (start: users/events)");
    let mut line = Clean::default();
    for bucket in &out.trend {
        let gap = if line.is_empty() { "" } else { ", " };
        line = say!(line, gap, bucket.start.short(), ": ", bucket.users, "/", bucket.events);
    }
    doc.line("Trend: ", &[&line]);
}

fn shares(values: &[ShareView]) -> Clean {
    let mut line = Clean::default();
    for value in values.iter().take(VALUES) {
        let against = value.baseline_share.map(|b| say!(" vs ", percent(b)));
        let gap = if line.is_empty() { "" } else { "; " };
        line = say!(line, gap, value.value.clone(), " ", percent(value.share), against);
    }
    match values.len().saturating_sub(VALUES) {
        0 => line,
        n => say!(line, "; ", n, " more"),
    }
}
