//! Drafts put in order, numbered, with what caused what: the replay.
//! It uses the settled drafts.
//! It never loses what a gap hides: it says so.

use super::{
    Action, Effect, Failure, Gap, GapKind, Mark, MarkKind, Replay, Step,
    draft::{Draft, DraftNr, Log, ReportedError},
    effects,
    reader::Reader,
    settle,
};
use crate::model::{Timestamp, Untrusted};

/// Losing the focus within so many milliseconds around something in a frame is the frame's, not the window's.
const INTO_FRAME: (i64, i64) = (500, 2_000);
/// A page that goes is hidden first.
const LEAVING: i64 = 2_500;

impl Reader {
    /// Puts the replay together.
    pub fn finish(mut self) -> Replay {
        self.close();
        tell(self)
    }
}

fn tell(mut reader: Reader) -> Replay {
    let first = reader.first.unwrap_or(0).min(reader.header.started.unwrap_or(i64::MAX));
    let start = reader.header.started.filter(|started| (first - started).abs() < 86_400_000).unwrap_or(first);
    let mut log = std::mem::take(&mut reader.log);
    fail(&mut log, &reader.failures);
    windows(&mut log);
    settle::settle(&mut log, &reader.failures);
    let order = settle::by_time(&log);
    effects::causes(&mut log, &order);
    let end = reader.last.max(start);
    let steps = steps(&mut log, &order, start, end, &reader.gaps);
    let errors = errors(&reader, start);
    let viewport = log.pages.first().and_then(|(_, page)| page.viewport);
    let urls = urls(&reader, &steps);
    let gaps = gaps(&reader, &log, start);
    Replay {
        id: reader.id,
        started_at: moment(start),
        duration_ms: u64::try_from(end - start).unwrap_or(0),
        buffered: reader.header.buffered,
        from_start: reader.from_start,
        urls,
        complete: reader.complete(),
        segments: reader.segments,
        tabs: reader.tabs(),
        gaps,
        masked_text: log.masked_text,
        masked_inputs: log.masked_inputs,
        viewport,
        pages: log.pages.into_iter().map(|(at, page)| super::PageLoad { at_ms: at - start, ..page }).collect(),
        errors,
        marks: marks(log.marks, start),
        steps,
        platform: reader.header.platform,
        user_agent: reader.header.user_agent,
        locale: reader.header.locale,
        timezone: reader.header.timezone,
        release: reader.header.release,
        environment: reader.header.environment,
    }
}

fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Errors become drafts.
fn fail(log: &mut Log, told: &[ReportedError]) {
    for ReportedError { at, failure, .. } in told {
        let mut draft = Draft::new(*at, 0, Action::Error(failure.clone()));
        let before =
            log.drafts.iter().filter(|d| d.at <= *at && matches!(d.action, Action::Navigate(_))).max_by_key(|d| d.at);
        draft.url = before.and_then(|before| before.url.clone());
        log.push(draft);
    }
}

/// Losing the window's focus becomes a change of visibility, but where a frame took it or the page was about to go.
fn windows(log: &mut Log) {
    let moments = std::mem::take(&mut log.window);
    let loads: Vec<(i64, u32)> = log
        .drafts
        .iter()
        .filter(|d| matches!(&d.action, Action::Navigate(n) if n.how.loads()))
        .map(|d| (d.at, d.tab))
        .collect();
    let mut hidden = Vec::new();
    for (at, tab, lost) in moments {
        let around =
            |(moment, t): &(i64, u32)| *t == tab && *moment >= at - INTO_FRAME.0 && *moment <= at + INTO_FRAME.1;
        let into_frame = log.frames.iter().any(around);
        let leaving = loads.iter().any(|(load, t)| *t == tab && *load >= at - 100 && *load <= at + LEAVING);
        let back = !lost && !hidden.contains(&tab);
        if (lost && (into_frame || leaving)) || back || (lost && hidden.contains(&tab)) {
            continue;
        }
        if lost {
            hidden.push(tab)
        } else {
            hidden.retain(|t| *t != tab)
        }
        let mut draft = Draft::new(at, tab, Action::Visibility { hidden: lost });
        let before = log.drafts.iter().filter(|d| d.tab == tab && d.at <= at && d.url.is_some()).max_by_key(|d| d.at);
        draft.url = before.and_then(|before| before.url.clone());
        log.push(draft);
    }
}

fn steps(log: &mut Log, order: &[DraftNr], start: i64, end: i64, gaps: &[Gap]) -> Vec<Step> {
    let mut numbers = vec![None; log.drafts.len()];
    for (n, nr) in order.iter().enumerate() {
        numbers[*nr] = u32::try_from(n + 1).ok();
    }
    let effects: Vec<(Vec<Effect>, Option<u32>)> = effects::effects(log, order, &numbers, end, gaps);
    order
        .iter()
        .zip(effects)
        .map(|(nr, (effects, settled_ms))| {
            let draft = &mut log.drafts[*nr];
            let mut action = draft.action.clone();
            let cause = draft.cause.and_then(|cause| numbers[cause]);
            match &mut action {
                Action::Navigate(navigation) => navigation.caused_by = cause,
                Action::Request(request) => request.caused_by = cause,
                _ => {}
            }
            Step {
                n: numbers[*nr].unwrap_or(0),
                at_ms: draft.at - start,
                until_ms: draft.until - start,
                tab: draft.tab,
                url: draft.url.take().map(Untrusted::from),
                target: draft.target.take(),
                action,
                effects,
                settled_ms,
            }
        })
        .collect()
}

/// Every error that is known of: those with an event at its time, others at the end of the segment that named them.
fn errors(reader: &Reader, start: i64) -> Vec<(i64, Failure)> {
    let mut all: Vec<(i64, Failure)> =
        reader.failures.iter().map(|told| (told.at - start, told.failure.clone())).collect();
    for (id, at) in &reader.header.errors {
        if !all.iter().any(|(_, known)| known.event == *id) {
            let failure = Failure { event: *id, issue: None, title: None, ty: None, value: None, unhandled: false };
            all.push((at - start, failure));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    all
}

/// Addresses as the headers list them, then those that only steps tell.
fn urls(reader: &Reader, steps: &[Step]) -> Vec<Untrusted> {
    let mut urls = reader.header.urls.clone();
    for step in steps {
        if let Action::Navigate(navigation) = &step.action
            && urls.len() < 1_000
            && !urls.contains(&navigation.to)
        {
            urls.push(navigation.to.clone());
        }
    }
    urls
}

fn gaps(reader: &Reader, log: &Log, start: i64) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = reader.gaps.clone();
    if reader.header.buffered
        && !reader.from_start
        && let Some(first) = reader.first
    {
        gaps.push(Gap { kind: GapKind::Before, from_ms: first, to_ms: first, segment: None });
    }
    if let Some(at) = log.full_at {
        gaps.push(Gap { kind: GapKind::Limit, from_ms: at, to_ms: reader.last, segment: None });
    }
    for gap in &mut gaps {
        (gap.from_ms, gap.to_ms) = (gap.from_ms - start, gap.to_ms - start);
    }
    gaps.sort_by_key(|gap| (gap.from_ms, gap.segment));
    gaps
}

fn marks(marks: Vec<(i64, Mark)>, start: i64) -> Vec<Mark> {
    let mut marks: Vec<Mark> = marks.into_iter().map(|(at, mark)| Mark { at_ms: at - start, ..mark }).collect();
    marks.sort_by_key(|mark| (mark.at_ms, mark.kind != MarkKind::Load));
    marks
}
