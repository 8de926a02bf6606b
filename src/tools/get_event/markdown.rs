//! The answer as Markdown.

use super::view::*;
use crate::{
    guard::{Clean, CleanData},
    say,
    tools::code,
    view::{Doc, Inline, Pairs, count},
};

pub(super) fn write(out: &Out, doc: &mut Doc) {
    let event = &out.event;
    head(event, doc);
    doc.open();
    if let Some(message) = &event.message {
        doc.line("Message: ", &[message]);
    }
    for remedy in &out.remedies {
        doc.line("Remedy named by the error: ", &[&remedy.action, &" (quoted: ", &remedy.evidence, &")"]);
    }
    if !event.exceptions.is_empty() {
        doc.heading("Exception chain (caught error first, root cause last; each stack starts at the throw; > own code, ▸ its line)");
        for (i, exception) in event.exceptions.iter().enumerate() {
            write_exception(exception, i, doc);
        }
    }
    for suppressed in &event.suppressed {
        doc.line("Suppressed meanwhile: ", &[suppressed]);
    }
    if !out.missing_symbols.is_empty() {
        doc.heading("Symbols missing (upload with: sentry-cli debug-files upload)");
        for file in &out.missing_symbols {
            let frames = count(file.frames, "frame", "frames");
            doc.bullet(&say!(file.file.clone(), ", debug id ", file.debug_id.clone(), ", for ", frames));
        }
    }
    if !event.breadcrumbs.is_empty() {
        doc.heading("Before it");
        event.breadcrumbs.iter().for_each(|b| write_breadcrumb(b, doc));
    }
    surroundings(event, doc);
    for seen in &out.same_trace {
        let events = count(seen.events, "event", "events");
        doc.line("Same trace: ", &[&seen.issue, &" in ", &seen.project, &", ", &events, &": ", &seen.title]);
    }
    for span in &out.failed_spans {
        let took = span.duration_ms.map(|ms| say!(", ", ms, " ms"));
        doc.line("Failed span: ", &[&span.span, &" in ", &span.project, &": ", &span.status, &took]);
    }
    doc.close();
    if let Some(more) = &out.more {
        doc.gap();
        doc.line("More of it: ", &[more]);
    }
    if let Some(previous) = &out.previous_event {
        doc.line("Previous event: ", &[previous]);
    }
    if let Some(next) = &out.next_event {
        doc.line("Next event: ", &[next]);
    }
}

fn head(event: &EventView, doc: &mut Doc) {
    doc.heading("Event");
    let caught = if event.unhandled { ", unhandled" } else { "" };
    doc.line("Id: ", &[&event.id, &" of ", &event.short_id, &", ", &event.level, &caught, &", ", &event.timestamp]);
    let mut place = Clean::default();
    for (label, value) in [
        ("release ", &event.release),
        ("environment ", &event.environment),
        ("in ", &event.transaction),
        ("platform ", &event.platform),
        ("sdk ", &event.sdk),
    ] {
        if let Some(value) = value {
            place = say!(place, if place.is_empty() { "" } else { ", " }, label, value);
        }
    }
    if !place.is_empty() {
        doc.line("Where: ", &[&place]);
    }
}

fn write_exception(exception: &ExceptionView, i: usize, doc: &mut Doc) {
    let start = if i == 0 { "" } else { "caused by " };
    let handled = match exception.handled {
        Some(false) if i == 0 => " [unhandled]",
        _ => "",
    };
    let colon = if exception.value.is_some() && exception.ty.is_some() { ": " } else { "" };
    doc.line("● ", &[&start, &exception.ty, &colon, &exception.value, &handled]);
    exception.frames.iter().for_each(|f| write_frame(f, doc));
    if exception.frames_left_out > 0 {
        doc.under("… ", &[&exception.frames_left_out, &" more frames"]);
    }
}

fn write_frame(frame: &FrameView, doc: &mut Doc) {
    let mut place = say!(
        frame.function.clone().unwrap_or_else(|| Clean::ours("?")),
        " at ",
        frame.repo_path.as_ref().or(frame.file.as_ref()).or(frame.package.as_ref())
    );
    if let Some(line) = frame.line {
        place = say!(place, ":", line);
    } else if frame.file.is_some() && frame.package.is_some() {
        place = say!(place, ", ", frame.package.clone());
    }
    place = say!(place, code::drift(frame.line, frame.line_now, frame.changed_since.as_deref()));
    if let Some(trust) = &frame.trust {
        place = say!(place, " (", trust, ")");
    }
    if frame.repeats > 1 {
        place = say!(place, " (", frame.repeats, " times in a row)");
    }
    doc.under(if frame.in_app { "> " } else { "  " }, &[&place]);
    if let Some(context) = &frame.context {
        let first = frame.line.unwrap_or(0).saturating_sub(context.pre.len() as u64);
        let lines = context.pre.iter().chain([&context.line]).chain(&context.post);
        for (i, line) in lines.enumerate() {
            let mark = if i == context.pre.len() { " ▸ " } else { " │ " };
            doc.under("    ", &[&(first + i as u64), &mark, line]);
        }
    }
    if let Some(CleanData::Map(vars)) = &frame.vars {
        doc.under("    vars: ", &[&Pairs(vars)]);
    }
}

fn write_breadcrumb(crumb: &BreadcrumbView, doc: &mut Doc) {
    let time = crumb.timestamp.map(|t| say!(Clock(t.0)));
    let level = crumb.level.map(|l| say!(" [", l, "]"));
    let data = crumb.data.as_ref().map(|d| say!(" ", Inline(d)));
    let message = crumb.message.as_ref().map(|m| say!(" ", m.clone()));
    doc.bullet(&say!(time, " ", crumb.category.clone(), level, message, data));
}

fn surroundings(event: &EventView, doc: &mut Doc) {
    doc.gap();
    if let Some(request) = &event.request {
        doc.line("Request: ", &[&request.method, &" ", &request.url]);
        for (label, data) in [("query ", &request.query), ("body ", &request.data), ("headers ", &request.headers)] {
            if let Some(data) = data {
                doc.under(label, &[&Inline(data)]);
            }
        }
    }
    let maps = [
        ("User: ", &event.user),
        ("Tags: ", &event.tags),
        ("Flags: ", &event.flags),
        ("Contexts: ", &event.contexts),
        ("Raw: ", &event.raw),
    ];
    for (label, data) in maps {
        if let Some(data) = data {
            doc.line(label, &[&Inline(data)]);
        }
    }
    for feedback in &event.feedback {
        doc.line("A user wrote: ", &[feedback]);
    }
    if let Some(trace) = &event.trace_id {
        doc.line("Trace: ", &[trace]);
    }
    if let Some(replay) = &event.replay {
        doc.line("Replay: ", &[replay]);
    }
    event.threads.iter().for_each(|thread| {
        doc.line("Thread: ", &[&thread.name, &if thread.crashed { ", crashed" } else { "" }]);
        thread.frames.iter().for_each(|f| write_frame(f, doc));
    });
    for log in &event.logs {
        doc.line("Log: ", &[&log.timestamp, &" ", &log.level, &" ", &log.body]);
    }
    for file in &event.attachments {
        doc.line("Attachment: ", &[&file.filename, &", ", &file.content_type, &", ", &file.size_bytes, &" bytes"]);
    }
}

/// The time of day: the date stands above.
struct Clock(jiff::Timestamp);

impl crate::guard::Say for Clock {
    fn say(&self, out: &mut String) {
        out.push_str(&self.0.strftime("%H:%M:%S%.3f").to_string());
    }
}
