//! The evidence block for a pull request, and the text around it.

use super::{
    statement::duration,
    view::{Out, SideView, VerdictInput},
};
use crate::{
    guard::{Clean, Say},
    say,
    verify::{Bucket, Verdict},
    view::{Doc, count, percent},
};

/// Heights of a column, from nothing to the highest.
const HEIGHTS: [&str; 9] = ["_", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Stands before the chart; what follows it up to the next line that is not indented is the chart.
const CHART: &str = "Rate of hits over time";

/// The block. Each line begins with words of the program.
pub(super) fn of(told: &VerdictInput<'_>, out: &Out, warnings: &[Clean]) -> Clean {
    let mut lines = vec![
        say!("### Fix of ", code(&out.issue), " since ", code(&out.release), ": **", out.verdict, "**"),
        Clean::default(),
        out.statement.clone(),
    ];
    if let (Some(before), Some(after)) = (&out.before, &out.after) {
        lines.push(Clean::default());
        lines.extend(table(before, after));
    }
    lines.push(Clean::default());
    lines.extend(facts(out));
    if let Some(proof) = &told.judgment.proof {
        lines.extend(chart(&proof.chart));
    }
    if !warnings.is_empty() {
        lines.push(Clean::default());
        lines.push(Clean::ours("Not measured or weaker than it looks:"));
        lines.extend(warnings.iter().map(|warning| say!("- ", warning.clone())));
    }
    lines.push(Clean::default());
    lines.push(say!(
        "As of ",
        told.as_of,
        "; a user counts once in 24 hours; the interval holds at every poll (docs/verify.md)."
    ));
    joined(&lines)
}

fn joined(lines: &[Clean]) -> Clean {
    let mut parts: Vec<&dyn Say> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            parts.push(&"\n");
        }
        parts.push(line);
    }
    Clean::of(&parts)
}

/// In back quotes: a forge reads no mention, link or closing word in them.
pub(super) fn code(text: &Clean) -> Clean {
    text.in_quotes()
}

fn table(before: &SideView, after: &SideView) -> Vec<Clean> {
    let row =
        |name: &'static str, of: fn(&SideView) -> Clean| say!("| ", name, " | ", of(before), " | ", of(after), " |");
    vec![
        Clean::ours("| | without the fix | with it |"),
        Clean::ours("|---|---|---|"),
        row("from", |side| say!(side.start)),
        row("until", |side| say!(side.end)),
        row("exposure", |side| say!(count(side.exposure as u64, "", ""), side.exposure_unit)),
        row("hits", |side| count(side.hits as u64, "", "")),
        row("users hit", |side| count(side.affected, "", "")),
        row("events", |side| count(side.events, "", "")),
        row("hits per 1,000", |side| side.rate.map_or_else(|| Clean::ours("–"), |rate| say!(rate * 1_000.0))),
    ]
}

fn facts(out: &Out) -> Vec<Clean> {
    let mut facts = Vec::new();
    if let Some(reduction) = &out.reduction {
        let end = |end: Option<f64>| end.map_or_else(|| Clean::ours("unknown"), percent);
        let estimate = reduction.estimate.map(|estimate| say!(" (most likely ", percent(estimate), ")"));
        let confidence = percent(out.confidence);
        facts.push(say!(
            "- reduction: ",
            end(reduction.low),
            " to ",
            end(reduction.high),
            estimate,
            ", ",
            confidence,
            " confidence"
        ));
    }
    if let Some(users) = &out.returning_users {
        facts.push(say!(
            "- users hit before: ",
            users.eligible,
            "; seen with the fix: ",
            users.active_after,
            "; hit again: ",
            users.hit_again
        ));
    }
    if let Some(cohort) = &out.cohort {
        let part = |n: Option<f64>| n.map_or_else(|| Clean::ours("?"), |n| count(n as u64, "", ""));
        let conditions = cohort.conditions.iter().fold(Clean::default(), |line, c| say!(line, " ", code(c)));
        facts.push(say!(
            "- occurs under:",
            conditions,
            "; exposure under it: ",
            part(cohort.exposure_before),
            " / ",
            part(cohort.exposure_after)
        ));
    }
    for (name, side) in [("- without the fix: ", &out.before), ("- with it: ", &out.after)] {
        if let Some(side) = side.as_ref().filter(|side| !side.releases.is_empty()) {
            facts.push(say!(name, listed(&side.releases)));
        }
    }
    if !out.adoption.is_empty() {
        let shares = out.adoption.iter().fold(Clean::default(), |line, part| {
            say!(line, if line.is_empty() { "" } else { ", " }, code(&part.release), " ", percent(part.share))
        });
        facts.push(say!("- in the last 24 h ran: ", shares));
    }
    facts
}

fn listed(releases: &[Clean]) -> Clean {
    let hidden = releases.len().saturating_sub(4);
    let line = releases
        .iter()
        .skip(hidden)
        .fold(Clean::default(), |line, release| say!(line, if line.is_empty() { "" } else { ", " }, code(release)));
    if hidden > 0 { say!(hidden, " older ones, ", line) } else { line }
}

/// Two rows of columns, as an indented block.
fn chart(buckets: &[Bucket]) -> Vec<Clean> {
    let rates = |of: fn(&Bucket) -> (f64, f64)| -> Vec<Option<f64>> {
        let rate = |(hits, exposure): (f64, f64)| (exposure > 0.0).then(|| hits / exposure.max(hits));
        buckets.iter().map(|bucket| rate(of(bucket))).collect()
    };
    let (old, new) = (rates(|bucket| bucket.control), rates(|bucket| bucket.new));
    let most = old.iter().chain(&new).flatten().copied().fold(0.0, f64::max);
    let Some(hours) = buckets.first().map(|bucket| bucket.hours).filter(|_| most > 0.0) else { return Vec::new() };
    let row = |rates: &[Option<f64>]| {
        let column = |rate: &Option<f64>| match rate {
            None => " ",
            Some(rate) if *rate <= 0.0 => HEIGHTS[0],
            Some(rate) => HEIGHTS[((rate / most * 8.0).ceil() as usize).clamp(1, 8)],
        };
        rates.iter().fold(Clean::default(), |line, rate| say!(line, column(rate)))
    };
    vec![
        Clean::default(),
        say!(
            CHART,
            " (a column is ",
            hours,
            " h; the highest ",
            most * 1_000.0,
            " per 1,000; _ is none, blank not in use):"
        ),
        Clean::default(),
        say!("    old ", row(&old)),
        say!("    new ", row(&new)),
    ]
}

/// The block of an answer without its chart.
pub(super) fn without_chart(out: &Out) -> Clean {
    out.markdown.with_lines(|line| !line.starts_with("    ") && !line.starts_with(CHART))
}

/// The whole answer as text.
pub(super) fn text(out: &Out, doc: &mut Doc) {
    doc.line("Verdict: ", &[&out.verdict]);
    if out.markdown.is_empty() {
        doc.line("Statement: ", &[&out.statement]);
        short(out, doc);
    } else {
        doc.heading("Evidence, to paste into the pull request");
        doc.block(&out.markdown);
    }
    for moved in &out.moved_to {
        doc.line(
            "Goes on as: ",
            &[
                &moved.issue,
                &", ",
                &percent(moved.similarity),
                &" alike, ",
                &count(moved.events, "event", "events"),
                &": ",
                &moved.title,
            ],
        );
    }
    for event in &out.recurrences {
        doc.line("Again: ", &[&"event ", &event.event, &" ", &event.timestamp, &" in ", &event.release]);
    }
    next(out, doc);
}

fn short(out: &Out, doc: &mut Doc) {
    for (name, side) in [("Without the fix: ", &out.before), ("With it: ", &out.after)] {
        if let Some(side) = side {
            let hits = count(side.hits as u64, "hit", "hits");
            doc.line(
                name,
                &[
                    &hits,
                    &" of ",
                    &count(side.affected, "user", "users"),
                    &" in ",
                    &side.exposure,
                    &" ",
                    &side.exposure_unit,
                ],
            );
        }
    }
}

/// What to do now.
fn next(out: &Out, doc: &mut Doc) {
    if let Some(at) = &out.check_again_after {
        let eta =
            out.needed.as_ref().and_then(|needed| needed.eta_s).map(|s| say!(" (", duration(s as f64), " to go)"));
        doc.line("Ask again after ", &[at, &eta]);
    }
    let then = match out.verdict.0 {
        v if v == Verdict::Fixed.as_str() => "merge or close; a relapse would turn this verdict back",
        v if v == Verdict::Regressed.as_str() => "roll back, then diagnose_issue",
        v if v == Verdict::Moved.as_str() => "get_event of the issue that it goes on as",
        v if v == Verdict::NotFixed.as_str() || v == Verdict::Reduced.as_str() => {
            "get_event of a recurrence: what is left may have another cause"
        }
        _ => return,
    };
    doc.line("Next: ", &[&then]);
}
