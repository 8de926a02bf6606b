//! The answer as Markdown.

use super::{
    reproduction,
    sentence::{Elapsed, line},
    view::{MarkView, Out, ReplayView},
};
use crate::{
    guard::Clean,
    say,
    view::{Doc, count},
};

pub(super) fn write(out: &Out, doc: &mut Doc) {
    doc.heading("Replay");
    head(&out.replay, doc);
    if let Some(among) = out.among.as_ref().filter(|among| among.replays > 1) {
        let path = among.common_path.iter().fold(Clean::default(), |path, n| {
            let gap = if path.is_empty() { "" } else { ", " };
            say!(path, gap, *n)
        });
        let common = if path.is_empty() { Clean::ours("no steps in common") } else { say!("steps in common: ", path) };
        doc.line(
            "Of ",
            &[
                &among.issue,
                &": ",
                &count(among.replays, "replay", "replays"),
                &", ",
                &among.same_path,
                &" others of ",
                &among.compared.saturating_sub(1),
                &" compared replays took the same path; ",
                &common,
            ],
        );
    }
    if let Some(made) = &out.reproduction {
        doc.open();
        reproduction::write(made, doc);
        doc.close();
        return;
    }
    doc.open();
    let mut between = Some(out.earlier_steps).filter(|n| *n > 0);
    let mut marks = out.timeline.iter().peekable();
    for step in &out.steps {
        while let Some(mark) = marks.next_if(|mark| mark.at_ms < step.at_ms) {
            write_mark(mark, doc);
        }
        doc.line("", &[&line(step)]);
        if let Some(between) = between.take() {
            doc.line("… ", &[&count(between, "step", "steps"), &" left out here"]);
        }
    }
    marks.for_each(|mark| write_mark(mark, doc));
    if out.steps.is_empty() && out.timeline.is_empty() {
        doc.line("No steps.", &[]);
    }
    doc.close();
    if let Some(next) = &out.next_call {
        doc.line("Next: ", &[next]);
    }
}

fn head(replay: &ReplayView, doc: &mut Doc) {
    doc.line(
        "Id: ",
        &[
            &replay.id,
            &", ",
            &replay.started_at,
            &", ",
            &Elapsed(i64::try_from(replay.duration_ms).unwrap_or(0)),
            &" long",
        ],
    );
    let mut place = Clean::default();
    let parts = [&replay.browser, &replay.os, &replay.device, &replay.user, &replay.release, &replay.environment];
    for part in parts.into_iter().flatten() {
        place = say!(place, if place.is_empty() { "" } else { ", " }, part);
    }
    if !place.is_empty() {
        doc.line("Who: ", &[&place]);
    }
    for error in &replay.errors {
        doc.line(
            "Error: ",
            &[&Elapsed(error.at_ms), &" ", &error.issue, &" ", &error.title, &" (event ", &error.event, &")"],
        );
    }
    let masked = replay.masked.map(|masked| say!("; masked: ", masked));
    if !replay.complete || masked.is_some() {
        let whole = if replay.complete { "complete" } else { "not complete" };
        let segments = count(replay.segments, "segment", "segments");
        doc.line("Recording: ", &[&segments, &", ", &whole, &masked]);
    }
}

fn write_mark(mark: &MarkView, doc: &mut Doc) {
    let took = mark.duration_ms.filter(|ms| *ms > 0).map(|ms| say!(" in ", ms, " ms"));
    doc.bullet(&say!(Elapsed(mark.at_ms), " ", mark.kind, " ", mark.text.clone(), took));
}
