//! Ways to say less of an event, each shorter than the one before: what mends the bug goes last.

use super::view::*;
use crate::{
    guard::{Clean, CleanData},
    say,
    view::{Omission, count},
};

/// How much of each part is kept.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    /// Exceptions of the chain, from both ends.
    exceptions: usize,
    /// Library frames an exception, where there are in-app ones.
    library: usize,
    /// In-app frames an exception.
    in_app: usize,
    /// Of these, how many keep source lines around and variables.
    detailed: usize,
    /// Source lines on each side.
    context: usize,
    /// Variables a frame.
    vars: usize,
    /// Characters of a variable, a tag, a breadcrumb's values.
    short: usize,
    /// Characters of a text.
    long: usize,
    /// The newest breadcrumbs.
    breadcrumbs: usize,
    /// Entries of tags, flags, contexts, headers.
    entries: usize,
    /// Log lines, threads, attachments.
    extras: usize,
}

const fn plan(n: [usize; 11]) -> Plan {
    let [exceptions, library, in_app, detailed, context, vars, short, long, breadcrumbs, entries, extras] = n;
    Plan { exceptions, library, in_app, detailed, context, vars, short, long, breadcrumbs, entries, extras }
}

/// From nearly all to the bare minimum.
pub(super) const PLANS: &[Plan] = &[
    plan([20, 30, 60, 20, 5, 50, 200, 2000, 100, 60, 200]),
    plan([20, 12, 40, 12, 5, 30, 200, 2000, 60, 40, 100]),
    plan([12, 6, 25, 8, 5, 20, 200, 2000, 40, 30, 60]),
    plan([10, 3, 16, 6, 4, 15, 160, 1500, 30, 25, 40]),
    plan([8, 1, 12, 5, 4, 12, 140, 1200, 20, 20, 25]),
    plan([8, 1, 10, 4, 3, 10, 120, 1000, 15, 16, 16]),
    plan([6, 1, 8, 3, 3, 8, 100, 800, 12, 12, 12]),
    plan([6, 1, 6, 3, 2, 8, 80, 600, 10, 10, 8]),
    plan([5, 0, 6, 2, 2, 6, 80, 500, 8, 8, 6]),
    plan([4, 0, 5, 2, 2, 6, 60, 400, 6, 6, 4]),
    plan([4, 0, 4, 1, 2, 5, 60, 300, 5, 4, 3]),
    plan([3, 0, 3, 1, 1, 4, 50, 250, 4, 3, 2]),
    plan([3, 0, 2, 1, 1, 3, 40, 200, 3, 2, 1]),
    plan([2, 0, 2, 1, 0, 2, 40, 160, 2, 0, 0]),
    plan([2, 0, 1, 0, 0, 0, 40, 120, 1, 0, 0]),
    plan([1, 0, 1, 0, 0, 0, 40, 80, 0, 0, 0]),
];

impl Plan {
    /// Shortens the answer and says what went.
    pub(super) fn apply(&self, out: &mut Out) -> Vec<Omission> {
        let id = out.event.id.clone();
        let mut omitted = Vec::new();
        let mut omit = |n: usize, singular, plural, section: &'static str| {
            if n > 0 {
                let what = count(n as u64, singular, plural);
                let call =
                    say!("get_event {\"event\":\"", id, "\",\"include\":[\"", section, "\"],\"max_tokens\":10000}");
                omitted.push(Omission { what, call });
            }
        };
        let event = &mut out.event;
        omit(self.chain(&mut event.exceptions), "frame", "frames", "exception");
        let crumbs = event.breadcrumbs.len().saturating_sub(self.breadcrumbs);
        event.breadcrumbs.drain(..crumbs);
        omit(crumbs, "older breadcrumb", "older breadcrumbs", "breadcrumbs");
        self.texts(event);
        omit(
            self.maps(event),
            "entry of tags, flags or request",
            "more tags, flags or request fields",
            "request\",\"tags\",\"flags",
        );
        omit(cut(&mut event.threads, self.extras), "thread", "threads", "threads");
        event.threads.iter_mut().for_each(|t| {
            self.frames(&mut t.frames);
        });
        omit(cut(&mut event.logs, self.extras), "log line", "log lines", "logs");
        omit(cut(&mut event.attachments, self.extras), "attachment", "attachments", "attachments");
        omit(cut(&mut event.feedback, self.extras.max(1)), "message of users", "messages of users", "raw");
        self.structured(event, &mut omit);
        omit(
            cut(&mut out.same_trace, self.extras.min(3)),
            "issue of the same trace",
            "issues of the same trace",
            "trace",
        );
        omit(cut(&mut out.failed_spans, self.extras.min(5)), "failed span", "failed spans", "trace");
        cut(&mut out.missing_symbols, self.extras.min(8));
        cut(&mut out.remedies, self.exceptions.min(3));
        out.remedies.iter_mut().for_each(|r| r.evidence = r.evidence.shortened(self.long));
        omitted
    }

    /// Contexts and the raw event: whole values are cut, deepest first.
    fn structured(
        &self,
        event: &mut EventView,
        omit: &mut impl FnMut(usize, &'static str, &'static str, &'static str),
    ) {
        let gone = event.contexts.as_mut().map_or(0, |c| self.data(c, 2));
        omit(gone, "value of contexts", "values of contexts", "contexts");
        let gone = event.raw.as_mut().map_or(0, |raw| self.data(raw, 4));
        omit(gone, "value of the raw event", "values of the raw event", "raw");
    }

    /// Exceptions from both ends of the chain (the outermost and the root cause say most), then their frames.
    fn chain(&self, chain: &mut Vec<ExceptionView>) -> usize {
        let mut gone = 0;
        while chain.len() > self.exceptions {
            let middle = if chain.len() == 2 { 0 } else { chain.len() / 2 };
            gone += chain.remove(middle).frames.len();
        }
        for exception in chain {
            let left_out = self.frames(&mut exception.frames);
            exception.frames_left_out += left_out as u64;
            gone += left_out;
            exception.value = exception.value.as_ref().map(|v| v.shortened(self.long));
        }
        gone
    }

    /// In-app frames before those of libraries; where there is none in-app, the innermost.
    fn frames(&self, frames: &mut Vec<FrameView>) -> usize {
        let before = frames.len();
        let any_in_app = frames.iter().any(|f| f.in_app);
        let (mut library, mut in_app) = (0, 0);
        frames.retain(|frame| {
            let (seen, limit) = match (frame.in_app, any_in_app) {
                (true, _) | (false, false) => (&mut in_app, self.in_app),
                (false, true) => (&mut library, self.library),
            };
            *seen += 1;
            *seen <= limit
        });
        for (i, frame) in frames.iter_mut().enumerate() {
            self.frame(frame, i < self.detailed);
        }
        before - frames.len()
    }

    fn frame(&self, frame: &mut FrameView, detailed: bool) {
        frame.abs_path = frame.abs_path.take().filter(|_| detailed && self.library > 0);
        frame.module = frame.module.take().filter(|_| detailed || frame.file.is_none());
        if !detailed {
            frame.vars = None;
            frame.column = None;
        }
        let context = if detailed { self.context } else { 0 };
        if let Some(lines) = &mut frame.context {
            let skip = lines.pre.len().saturating_sub(context);
            lines.pre.drain(..skip);
            lines.post.truncate(context);
            let width = if self.context == 0 { self.long } else { 300 };
            lines.line = lines.line.shortened(width);
        }
        if let Some(CleanData::Map(vars)) = &mut frame.vars {
            vars.truncate(self.vars);
            vars.iter_mut().for_each(|(_, value)| {
                self.data(value, 1);
            });
        }
        frame.vars = frame.vars.take().filter(|vars| !empty(vars));
    }

    fn texts(&self, event: &mut EventView) {
        event.message = event.message.as_ref().map(|m| m.shortened(self.long));
        for crumb in &mut event.breadcrumbs {
            crumb.message = crumb.message.as_ref().map(|m| m.shortened(self.long.min(300)));
            if let Some(data) = &mut crumb.data {
                self.data(data, 1);
            }
            crumb.data = crumb.data.take().filter(|data| !empty(data) && self.entries > 0);
        }
        for log in &mut event.logs {
            log.body = log.body.shortened(self.long.min(300));
        }
    }

    /// Tags, flags, user, request: fewer entries, shorter values.
    fn maps(&self, event: &mut EventView) -> usize {
        let mut gone = 0;
        for map in [&mut event.tags, &mut event.flags, &mut event.user].into_iter().flatten() {
            gone += self.data(map, 2);
        }
        if let Some(request) = &mut event.request {
            for map in [&mut request.query, &mut request.data, &mut request.headers].into_iter().flatten() {
                gone += self.data(map, 2);
            }
            request.url = request.url.as_ref().map(|u| u.shortened(self.long));
        }
        for map in [&mut event.tags, &mut event.flags, &mut event.user] {
            *map = map.take().filter(|m| !empty(m));
        }
        if let Some(request) = &mut event.request {
            for map in [&mut request.query, &mut request.data, &mut request.headers] {
                *map = map.take().filter(|m| !empty(m));
            }
        }
        gone
    }

    /// Cuts a value to so many levels, entries and characters; returns how many values went.
    fn data(&self, data: &mut CleanData, levels: usize) -> usize {
        match data {
            CleanData::Text(text) => {
                *text = text.shortened(self.short);
                0
            }
            CleanData::List(_) | CleanData::Map(_) if levels == 0 => {
                *data = CleanData::Text(Clean::ours("…"));
                1
            }
            CleanData::List(list) => {
                cut(list, self.entries) + list.iter_mut().map(|v| self.data(v, levels - 1)).sum::<usize>()
            }
            CleanData::Map(map) => {
                cut(map, self.entries) + map.iter_mut().map(|(_, v)| self.data(v, levels - 1)).sum::<usize>()
            }
            CleanData::Null | CleanData::Bool(_) | CleanData::Number(_) => 0,
        }
    }
}

/// Cuts a list and says by how many.
fn cut<T>(list: &mut Vec<T>, keep: usize) -> usize {
    let gone = list.len().saturating_sub(keep);
    list.truncate(keep);
    gone
}

fn empty(data: &CleanData) -> bool {
    matches!(data, CleanData::Map(map) if map.is_empty()) || matches!(data, CleanData::List(list) if list.is_empty())
}
