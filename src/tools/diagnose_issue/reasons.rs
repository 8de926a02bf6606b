//! Reasons as sentences, and the calls that come next.

use super::{
    facts::Gathered,
    view::{Id, RelatedView},
};
use crate::{
    diagnosis::{Diagnosis, Measure, Reason, SuspectLibrary, Verdict},
    guard::{Clean, Guard, Limit, Say},
    model::{Data, Event, IssueFrequency, LibraryChange},
    say,
    store::DiagnosisFacts,
    tools::{self, affected_users::ConditionView, same_trace::Seen},
    view::{Word, count, percent},
};

/// Conditions that cover so many of the affected,
const COVERS: f64 = 0.8;
/// and no more of the others, may be what changed.
const OTHERS: f64 = 0.5;
/// Tags of what a program runs in.
const SURROUNDINGS: [&str; 9] =
    ["browser", "os", "device", "runtime", "server_name", "client_os", "gpu", "app.device", "cloud"];

/// The issue of another service whose events share at least half of the traces, where the issue itself would be laid to its
/// surroundings or could not be told: then what failed there is why it failed here.
pub(super) fn elsewhere(gathered: &Gathered, verdict: Verdict) -> Option<&Seen> {
    let own = gathered.facts.issue.issue.project.as_str();
    let other = |seen: &&Seen| seen.project.raw() != own && seen.traces * 2 >= gathered.same_trace.looked;
    let open = matches!(verdict, Verdict::Environment | Verdict::Unclear);
    gathered.same_trace.issues.iter().filter(|_| open).find(other)
}

/// What that issue says; counted over all traces where the lists count them too.
pub(super) fn of_trace(seen: &Seen, gathered: &Gathered, guard: &mut Guard) -> Clean {
    let view = seen.view(guard);
    let same = gathered.echo.as_ref().filter(|echo| echo.root.short_id == seen.issue.raw());
    let (traces, looked) = same.map_or((seen.traces, gathered.same_trace.looked), |echo| (echo.traces, echo.looked));
    let traces = say!(traces, " of ", count(looked, "trace", "traces"));
    say!("same trace: ", view.issue, " ", view.title, " in ", view.project, ", in ", traces, " looked at")
}

/// Whether conditions of the surroundings alone mark most of the affected and few others.
pub(super) fn marks_surroundings(conditions: &[ConditionView]) -> bool {
    let around = |tag: &str| {
        SURROUNDINGS.iter().any(|name| tag == *name || tag.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    };
    conditions.first().is_some_and(|first| {
        first.coverage >= COVERS
            && first.baseline_share <= OTHERS
            && first.conditions.iter().all(|condition| around(condition.tag.as_str()))
    })
}

/// All reasons, strongest first.
pub(super) fn sentences(
    found: &Diagnosis,
    measured: &[Measure],
    conditions: &[ConditionView],
    facts: &DiagnosisFacts,
    guard: &mut Guard,
) -> Vec<Clean> {
    let event = &facts.event;
    let mut said: Vec<Clean> = Vec::new();
    for reason in &found.reasons {
        match (reason, conditions.first()) {
            (Reason::SurroundingsChanged, Some(first)) => {
                said.push(say!("no release explains the time of the first event, and ", first.statement));
            }
            (Reason::FollowsLibrary(blamed), _) => said.extend(follows(blamed, &facts.libraries, guard)),
            _ => said.push(sentence(reason, event, guard)),
        }
    }
    if found.verdict == Verdict::Resource {
        said.extend(of_crash(event, guard));
        said.extend(measured.iter().map(|measure| measurement(measure, guard)));
    }
    if matches!(found.verdict, Verdict::Resource | Verdict::Environment | Verdict::Dependency) {
        said.push(Clean::ours("these frames are probably not the cause: any other caller would have failed too"));
    }
    said
}

/// What shows that memory ran out, and what grew before it, as ingestion read it.
fn of_crash(event: &Event, guard: &mut Guard) -> Vec<Clean> {
    let crash = event.contexts.iter().find(|(name, _)| name.raw() == "crash").map(|(_, crash)| crash);
    let Some(crash) = crash else { return Vec::new() };
    let mut said = Vec::new();
    if let Some(evidence) = crash.get("evidence").and_then(Data::text) {
        said.push(say!("what shows it: ", guard.line(evidence, Limit::Title)));
    }
    if let Some(Data::List(grew)) = crash.get("grew") {
        let grew = grew.iter().filter_map(Data::text);
        said.extend(grew.map(|text| say!("it grew before: ", guard.line(text, Limit::Title))));
    }
    said
}

fn sentence(reason: &Reason, event: &Event, guard: &mut Guard) -> Clean {
    match reason {
        Reason::Says { exception, fault } => {
            let text = quoted(event, *exception, guard);
            say!(fault.name, " (", text, ")")
        }
        Reason::SameElsewhere { issues } => {
            say!(count(*issues, "other issue names", "other issues name"), " the same fault")
        }
        Reason::Begins { at, spread, issues } => {
            say!("it begins in ", function(event, *at, guard), standing(*spread, *issues))
        }
        Reason::Refuses { helper, spread } => {
            let others = spread.map_or(0, |spread| spread.issues.saturating_sub(1));
            let serves = if others > 0 {
                say!(", which appears in ", count(others, "other issue", "other issues"), " too")
            } else {
                Clean::default()
            };
            say!(function(event, *helper, guard), serves, ", rejects its input; the caller passed it")
        }
        Reason::Rethrown { at } => say!(function(event, *at, guard), " caught the cause and threw an error of its own"),
        Reason::InVendoredScript { at } => {
            say!("the crash is in ", function(event, *at, guard), ", a library that the page loads")
        }
        Reason::InExtension => Clean::ours("the crash is in a browser extension"),
        Reason::VariableMissing => Clean::ours("an environment variable is not set"),
        Reason::FileMissing => {
            Clean::ours("a file is missing; the error doesn't tell a wrong path from a file that was not deployed")
        }
        Reason::SurroundingsChanged => Clean::ours("no release explains the time of the first event"),
        Reason::FollowsLibrary(_) => Clean::ours("it follows the version of a library"),
        Reason::OneRecord { users } => {
            say!("all sampled users had the same record open (", count(*users, "user", "users"), " hit)")
        }
        Reason::NothingKnown => Clean::ours("no frame is the application's, so nothing tells where it was caused"),
        Reason::MessageOnly => Clean::ours("a message without an error: the application wrote it on purpose"),
    }
}

/// The library whose version it follows: since when, what the frames say, and what else changed.
fn follows(blamed: &SuspectLibrary, changes: &[LibraryChange], guard: &mut Guard) -> Vec<Clean> {
    let change = &changes[blamed.library];
    let name = guard.line(&change.name, Limit::Tag);
    let before = guard.line(&change.before, Limit::Tag);
    let release = if change.same_release { " while the release stayed the same" } else { "" };
    let events = count(change.events, "event", "events");
    let mut said = vec![say!(
        name.clone(),
        " went from ",
        before,
        " to ",
        guard.line(&change.after, Limit::Tag),
        release,
        ": all ",
        events,
        " of this issue with a list of libraries have that version, and none of ",
        count(change.others, "other event", "other events"),
        " without it is of this issue"
    )];
    if blamed.inside > 0 {
        let frames = count(blamed.of, "frame", "frames");
        said.push(say!(blamed.inside, " of ", frames, " between the crash and the application lie in ", name));
    }
    match changes.len() as u64 - 1 {
        0 => said.push(Clean::ours("no other library changed with it")),
        others => said.push(say!(count(others, "other library", "other libraries"), " changed with it")),
    }
    said
}

fn quoted(event: &Event, exception: usize, guard: &mut Guard) -> Clean {
    let Some(exception) = event.exceptions.get(exception) else {
        return guard.opt(event.message.as_ref(), Limit::Title).map(|text| text.shortened(100)).unwrap_or_default();
    };
    let ty = guard.opt(exception.ty.as_ref(), Limit::Tag);
    let value = guard.opt(exception.value.as_ref(), Limit::Title).map(|value| value.shortened(100));
    let colon = if ty.is_some() && value.as_ref().is_some_and(|value| !value.is_empty()) { ": " } else { "" };
    say!(ty, colon, value)
}

fn function(event: &Event, (exception, frame): (usize, usize), guard: &mut Guard) -> Clean {
    let frame = &event.exceptions[exception].frames[frame];
    let name = match (&frame.function, &frame.image) {
        (Some(name), _) => guard.line(name, Limit::Tag),
        (None, Some(image)) => {
            let missing = if image.has_symbols { "" } else { " (symbols missing)" };
            say!(guard.line(&image.label().into(), Limit::Tag), missing)
        }
        (None, None) => Clean::ours("an anonymous function"),
    };
    match guard.opt(frame.file.as_ref(), Limit::Tag) {
        Some(file) => say!(name, " in ", file),
        None => name,
    }
}

fn standing(spread: Option<IssueFrequency>, issues: u64) -> Clean {
    match spread {
        Some(IssueFrequency { issues: 1, .. }) if issues > 1 => {
            say!(", which appears in none of the other ", issues - 1, " issues")
        }
        Some(spread) if issues > 1 => say!(", which appears in ", spread.issues, " of ", issues, " issues"),
        _ => Clean::default(),
    }
}

fn measurement(measure: &Measure, guard: &mut Guard) -> Clean {
    let part = |free: u64, of: &Option<u64>| {
        let share =
            of.filter(|of| *of > 0).map(|of| say!(" of ", Bytes(of), " (", percent(free as f64 / of as f64), ")"));
        say!(Bytes(free), share)
    };
    match measure {
        Measure::FreeMemory { free, of } => say!("measured: free memory ", part(*free, of)),
        Measure::AppMemory(held) => say!("measured: the application held ", Bytes(*held)),
        Measure::FreeStorage { free, of } => say!("measured: free disk ", part(*free, of)),
        Measure::Uptime(ran) => say!("measured: the process had run for ", Span(*ran)),
        Measure::DeviceClass(class) => say!("measured: most devices are of class ", guard.line(class, Limit::Tag)),
        Measure::LowMemory { events, of } => say!("measured: low memory in ", *events, " of ", *of, " events"),
    }
}

/// The calls that answer what this leaves open; only tools that there are.
pub(super) fn next_calls(gathered: &Gathered, found: &Diagnosis, related: &[RelatedView], scope: &Clean) -> Vec<Clean> {
    let facts = &gathered.facts;
    let issue = Guard::new().line(&facts.issue.issue.short_id.as_str().into(), Limit::Tag);
    let mut calls = Vec::new();
    let mut add = |tool: &'static str, arguments: Clean| {
        if tools::find(tool).is_some() {
            calls.push(say!(tool, " {", arguments, scope, "}"));
        }
    };
    add("get_event", say!("\"event\":\"", Id(facts.event.id), "\""));
    if let Some(replay) = facts.replays.first() {
        add("get_replay_summary", say!("\"replay\":\"", Id(*replay), "\""));
    }
    if !matches!(found.verdict, Verdict::Code) || !gathered.affected.conditions.tags.is_empty() {
        add("affected_users", say!("\"issue\":\"", issue, "\""));
    }
    if let Some(other) = related.first() {
        add("diagnose_issue", say!("\"issue\":\"", other.issue, "\""));
    }
    if found.verdict == Verdict::Code {
        add("verify_fix_since_release", say!("\"issue\":\"", issue, "\",\"release\":\"latest\""));
    }
    calls
}

/// A length of time with its two largest units at most.
pub(super) struct Span(pub(super) u64);

impl Say for Span {
    fn say(&self, out: &mut String) {
        let (n, unit) = match self.0 {
            s if s >= 2 * 86_400 => (s / 86_400, " days"),
            s if s >= 2 * 3_600 => (s / 3_600, " h"),
            s if s >= 120 => (s / 60, " min"),
            s => (s, " s"),
        };
        n.say(out);
        Word(unit).say(out);
    }
}

/// Bytes in the unit that leaves few digits.
struct Bytes(u64);

impl Say for Bytes {
    fn say(&self, out: &mut String) {
        let (divisor, unit) = match self.0 {
            n if n >= 1 << 30 => (1u64 << 30, " GiB"),
            n if n >= 1 << 20 => (1 << 20, " MiB"),
            _ => (1 << 10, " KiB"),
        };
        let scaled = self.0 as f64 / divisor as f64;
        ((scaled * 10.0).round() / 10.0).say(out);
        Word(unit).say(out);
    }
}
