//! The sections of an event as views.

use super::{Section, view::*};
use crate::{
    checkout::Place,
    guard::{Clean, CleanData, Guard, Limit},
    model::{
        Breadcrumb, Data, Event, Exception, Frame, ImagePlace, Level, NamelessFile, Request, Untrusted, User,
        nameless_files,
    },
    say,
    store::EventFacts,
    tools::code::{Placed, Places},
    view::Word,
};

/// Files without symbols that are named.
const MISSING: usize = 8;

/// Sections that the event has and the call didn't ask for.
pub(super) fn present_but_not(facts: &EventFacts, wanted: &[Section]) -> Vec<Section> {
    let event = &facts.event;
    let has = |section: Section| match section {
        Section::Exception => !event.exceptions.is_empty(),
        Section::Breadcrumbs => !event.breadcrumbs.is_empty(),
        Section::Request => event.request.is_some(),
        Section::Tags => !event.tags.is_empty(),
        Section::Contexts => !event.contexts.is_empty(),
        Section::User => event.user.is_some(),
        Section::Threads => !event.threads.is_empty(),
        Section::Flags => !event.flags.is_empty(),
        // Known only when they were looked up: the trace may have logs, so they are offered.
        Section::Logs => event.trace_id.is_some(),
        Section::Attachments => !facts.attachments.is_empty(),
        Section::Trace | Section::Raw => false,
    };
    const ALL: [Section; 10] = [
        Section::Exception,
        Section::Breadcrumbs,
        Section::Request,
        Section::Tags,
        Section::User,
        Section::Flags,
        Section::Contexts,
        Section::Logs,
        Section::Threads,
        Section::Attachments,
    ];
    ALL.into_iter().filter(|s| !wanted.contains(s) && has(*s)).collect()
}

/// The message, unless the exceptions say the same.
pub(super) fn message(event: &Event, guard: &mut Guard) -> Option<Clean> {
    let said = event.exceptions.iter().any(|e| e.value == event.message);
    guard.opt(event.message.as_ref().filter(|_| !said), Limit::Value)
}

/// One line for each suppressed error.
pub(super) fn suppressed(event: &Event, guard: &mut Guard) -> Vec<Clean> {
    let line = |exception: &Exception| {
        let ty = guard.opt(exception.ty.as_ref(), Limit::Tag);
        let value = exception.value.as_ref().map(|value| say!(": ", guard.line(value, Limit::Tag)));
        say!(ty, value)
    };
    event.suppressed.iter().take(5).map(line).collect()
}

pub(super) fn exceptions(event: &Event, places: &Places<'_>, guard: &mut Guard) -> Vec<ExceptionView> {
    event.exceptions.iter().map(|e| exception(e, places, guard)).collect()
}

fn exception(exception: &Exception, places: &Places<'_>, guard: &mut Guard) -> ExceptionView {
    ExceptionView {
        ty: guard.opt(exception.ty.as_ref(), Limit::Tag),
        value: guard.opt(exception.value.as_ref(), Limit::Value),
        handled: exception.mechanism.handled,
        mechanism: guard.opt(exception.mechanism.ty.as_ref(), Limit::Tag),
        frames: frames(&exception.frames, places, guard),
        frames_left_out: 0,
    }
}

/// Frames as views; equal ones in a row become one that says how often.
pub(super) fn frames(frames: &[Frame], places: &Places<'_>, guard: &mut Guard) -> Vec<FrameView> {
    let mut views: Vec<FrameView> = Vec::new();
    let mut last: Option<&Frame> = None;
    for frame in frames {
        if let (Some(before), Some(view)) = (last, views.last_mut())
            && (&before.function, &before.file, before.line) == (&frame.function, &frame.file, frame.line)
            && offset(before) == offset(frame)
        {
            view.repeats += 1;
            continue;
        }
        views.push(frame_view(frame, places.place(frame), guard));
        last = Some(frame);
    }
    views
}

/// What tells frames of native code apart that have no name.
fn offset(frame: &Frame) -> Option<u64> {
    if frame.function.is_some() { None } else { frame.image.as_ref()?.offset }
}

fn frame_view(frame: &Frame, place: Option<&Place>, guard: &mut Guard) -> FrameView {
    let mut lines =
        |lines: &[Untrusted]| -> Vec<Clean> { lines.iter().map(|l| guard.line(l, Limit::FrameLine)).collect() };
    let (pre, post) = (lines(&frame.pre_context), lines(&frame.post_context));
    let more = frame.abs_path.as_ref().filter(|path| frame.file.as_ref() != Some(*path));
    let placed = Placed::of(place, guard);
    FrameView {
        function: guard.opt(frame.function.as_ref(), Limit::Tag),
        module: guard.opt(frame.module.as_ref(), Limit::Tag),
        file: guard.opt(frame.file.as_ref().or(frame.abs_path.as_ref()), Limit::Tag),
        abs_path: guard.opt(more, Limit::Url),
        line: frame.line,
        repo_path: placed.repo_path,
        line_now: placed.line_now,
        changed_since: placed.changed_since,
        package: frame.image.as_ref().and_then(|image| package(frame, image, guard)),
        trust: frame.image.as_ref().and_then(|image| guard.opt(image.trust.as_ref(), Limit::Tag)),
        column: frame.column,
        in_app: frame.in_app,
        repeats: 1,
        context: guard.opt(frame.context_line.as_ref(), Limit::FrameLine).map(|line| ContextView { pre, line, post }),
        vars: map(&frame.vars, Limit::Variable, guard),
    }
}

/// `libink.so`, or `libink.so+0x1f40` where no line tells the place.
fn package(frame: &Frame, image: &ImagePlace, guard: &mut Guard) -> Option<Clean> {
    let text = match (frame.line, image.package_name()) {
        (Some(_), name) => name?.to_owned(),
        (None, _) => image.label(),
    };
    Some(guard.line(&text.into(), Limit::Tag))
}

/// Files whose symbols are missing.
pub(super) fn missing_symbols(event: &Event, guard: &mut Guard) -> Vec<MissingView> {
    let view = |file: NamelessFile<'_>| MissingView {
        file: guard.line(&file.name.into(), Limit::Tag),
        debug_id: guard.line(file.debug_id, Limit::Tag),
        frames: file.frames,
    };
    nameless_files(&event.exceptions).into_iter().take(MISSING).map(view).collect()
}

pub(super) fn breadcrumbs(event: &Event, guard: &mut Guard) -> Vec<BreadcrumbView> {
    event.breadcrumbs.iter().map(|b| breadcrumb(b, guard)).collect()
}

fn breadcrumb(crumb: &Breadcrumb, guard: &mut Guard) -> BreadcrumbView {
    BreadcrumbView {
        timestamp: crumb.timestamp.map(Into::into),
        category: guard.opt(crumb.category.as_ref().or(crumb.ty.as_ref()), Limit::Tag),
        level: crumb.level.filter(|l| *l != Level::Info).map(|l| Word(l.as_str())),
        message: guard.opt(crumb.message.as_ref(), Limit::Breadcrumb),
        data: crumb.data.as_ref().filter(|d| !d.is_empty()).map(|d| guard.data(d, Limit::Breadcrumb)),
    }
}

pub(super) fn request(request: &Request, guard: &mut Guard) -> RequestView {
    let headers = request
        .headers
        .iter()
        .map(|(k, v)| (guard.line(k, Limit::Tag), CleanData::Text(guard.keyed(k, v, Limit::Tag))));
    let headers: Vec<_> = headers.collect();
    let mut data = |data: &Option<Data>| data.as_ref().filter(|d| !d.is_empty()).map(|d| guard.data(d, Limit::Value));
    let (query, body) = (data(&request.query), data(&request.data));
    RequestView {
        method: guard.opt(request.method.as_ref(), Limit::Tag),
        url: guard.opt(request.url.as_ref(), Limit::Url),
        query,
        data: body,
        headers: (!headers.is_empty()).then_some(CleanData::Map(headers)),
    }
}

pub(super) fn user(user: &User, guard: &mut Guard) -> Option<CleanData> {
    let named = [
        ("id", &user.id),
        ("username", &user.username),
        ("email", &user.email),
        ("ip_address", &user.ip_address),
        ("name", &user.name),
    ];
    let mut entries: Vec<_> = named
        .into_iter()
        .filter_map(|(key, text)| Some((Clean::ours(key), CleanData::Text(guard.opt(text.as_ref(), Limit::Tag)?))))
        .collect();
    if let Some(geo) = &user.geo {
        entries.push((Clean::ours("geo"), guard.data(geo, Limit::Tag)));
    }
    for (key, value) in &user.other {
        entries.push((guard.line(key, Limit::Tag), guard.data(value, Limit::Tag)));
    }
    (!entries.is_empty()).then_some(CleanData::Map(entries))
}

pub(super) fn tags(event: &Event, guard: &mut Guard) -> Option<CleanData> {
    let entries =
        event.tags.iter().map(|(k, v)| (guard.line(k, Limit::Tag), CleanData::Text(guard.keyed(k, v, Limit::Tag))));
    let entries: Vec<_> = entries.collect();
    (!entries.is_empty()).then_some(CleanData::Map(entries))
}

pub(super) fn contexts(event: &Event, guard: &mut Guard) -> Option<CleanData> {
    map(&event.contexts, Limit::Value, guard)
}

pub(super) fn flags(event: &Event, guard: &mut Guard) -> Option<CleanData> {
    let entries = event.flags.iter().map(|f| (guard.line(&f.name, Limit::Tag), guard.data(&f.result, Limit::Tag)));
    let entries: Vec<_> = entries.collect();
    (!entries.is_empty()).then_some(CleanData::Map(entries))
}

pub(super) fn sdk(event: &Event, guard: &mut Guard) -> Option<Clean> {
    let name = guard.opt(event.sdk.name.as_ref(), Limit::Tag)?;
    Some(match guard.opt(event.sdk.version.as_ref(), Limit::Tag) {
        Some(version) => say!(name, " ", version),
        None => name,
    })
}

pub(super) fn threads(event: &Event, guard: &mut Guard) -> Vec<ThreadView> {
    let view = |thread: &crate::model::Thread| ThreadView {
        name: guard.opt(thread.name.as_ref().or(thread.id.as_ref()), Limit::Tag),
        crashed: thread.crashed,
        frames: frames(&thread.frames, &Places::default(), guard),
    };
    event.threads.iter().map(view).collect()
}

pub(super) fn logs(facts: &EventFacts, guard: &mut Guard) -> Vec<LogView> {
    let view = |log: &crate::store::LogLine| LogView {
        timestamp: log.timestamp.into(),
        level: guard.opt(log.level.as_ref(), Limit::Tag),
        body: guard.line(&log.body, Limit::Breadcrumb),
    };
    facts.logs.iter().map(view).collect()
}

pub(super) fn attachments(facts: &EventFacts, guard: &mut Guard) -> Vec<AttachmentView> {
    let view = |file: &crate::store::AttachmentInfo| AttachmentView {
        filename: guard.opt(file.filename.as_ref(), Limit::Tag),
        content_type: guard.opt(file.content_type.as_ref(), Limit::Tag),
        size_bytes: file.size_bytes,
    };
    facts.attachments.iter().map(view).collect()
}

/// A map of values, `None` when there is nothing in it.
fn map(entries: &[(Untrusted, Data)], limit: Limit, guard: &mut Guard) -> Option<CleanData> {
    if entries.is_empty() {
        return None;
    }
    Some(guard.data(&Data::Map(entries.to_vec()), limit))
}
