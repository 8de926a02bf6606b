//! Since when: the first bad release and the last good one, or the time where no release explains it.

use super::{
    facts::Gathered,
    view::{CommitView, LibraryView, OnsetView, SinceView},
};
use crate::{
    checkout,
    diagnosis::{self, Diagnosis, Role},
    guard::{Clean, Guard, Limit},
    model::{ChangeReason, Frame, LibraryChange, Onset, Release, Timestamp, Untrusted},
    say,
    store::{CommitQuery, Scope},
    tools::sentence,
    view::{Seconds, Word},
};

/// A failure that a release brought shows within so many seconds of it.
const SOON_S: i64 = 24 * 3600;
/// How long before the likeliest moments a release may have started and still explain them.
const BEFORE_S: i64 = 6 * 3600;

/// Which releases stand on both sides of the beginning.
pub(super) struct Since<'a> {
    pub(super) first_bad: &'a Release,
    pub(super) last_good: Option<&'a Release>,
    /// It began soon after the release did.
    pub(super) soon: bool,
}

/// Finds them.
pub(super) fn of(gathered: &Gathered) -> Option<Since<'_>> {
    let facts = &gathered.facts.issue;
    let first: &Untrusted = match &facts.why {
        ChangeReason::Returned { back_in, .. } => back_in,
        ChangeReason::FirstSeen { release: Some(release), .. } => release,
        _ => facts.first_release.as_ref()?,
    };
    let releases = &gathered.releases;
    let at = releases.iter().position(|known| known.release.version == *first)?;
    let first_bad = &releases[at].release;
    let began = match &facts.why {
        ChangeReason::Returned { .. } => None,
        _ => facts.first_seen,
    };
    let soon = began.is_none_or(|began| began.as_second() - started(first_bad).as_second() <= SOON_S);
    Some(Since { first_bad, last_good: at.checked_sub(1).map(|before| &releases[before].release), soon })
}

/// When a release began: its first deploy, else its first event or session.
fn started(release: &Release) -> Timestamp {
    release.deploys.first().map_or(release.first_seen, |deploy| deploy.at)
}

/// The release that began when the rate rose.
pub(super) fn release_of<'a>(onset: &Onset, gathered: &'a Gathered) -> Option<&'a Release> {
    let (low, high) = (onset.low.as_second() - BEFORE_S, onset.high.as_second());
    let explains = |release: &&Release| (low..=high).contains(&started(release).as_second());
    gathered.releases.iter().map(|known| &known.release).rfind(explains)
}

/// The answer's part.
pub(super) fn view(gathered: &Gathered, found: &Diagnosis, guard: &mut Guard) -> SinceView {
    let facts = &gathered.facts.issue;
    let since = of(gathered);
    let mut name = |release: &Release| guard.line(&release.version, Limit::Tag);
    let first_release = since.as_ref().map(|since| name(since.first_bad));
    let last_good = since.as_ref().and_then(|since| since.last_good).map(&mut name);
    let released_at = since.as_ref().map(|since| Seconds(started(since.first_bad)));
    let onset = facts.onset.as_ref().map(|onset| onset_view(onset, gathered, guard));
    SinceView {
        first_release,
        last_good_release: last_good,
        released_at,
        change: Word(facts.change.as_str()),
        why: sentence::why(&facts.why, guard),
        first_seen: facts.first_seen.map(Seconds),
        last_seen: facts.last_seen.map(Seconds),
        onset,
        commits: commits(gathered, found, guard),
        libraries: libraries(gathered, found, guard),
        libraries_changed: Some(gathered.facts.libraries.len() as u64).filter(|n| *n as usize > LIBRARIES),
    }
}

/// Libraries shown.
const LIBRARIES: usize = 3;

/// Of a release that changes many, only those are told that a frame lies in: the others changed for reasons of their own.
fn libraries(gathered: &Gathered, found: &Diagnosis, guard: &mut Guard) -> Vec<LibraryView> {
    let changes = &gathered.facts.libraries;
    let blamed = found.library.map(|blamed| blamed.library);
    let frames = || gathered.facts.event.exceptions.iter().flat_map(|exception| &exception.frames);
    let stands = |change: &LibraryChange| frames().any(|frame| diagnosis::lies_in(frame, change.name.raw()));
    let mut shown: Vec<(u8, &LibraryChange)> = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let rank = if blamed == Some(at) { 0 } else { 2 - u8::from(stands(change)) };
        if rank < 2 || changes.len() <= LIBRARIES {
            shown.push((rank, change));
        }
    }
    shown.sort_by_key(|(rank, _)| *rank);
    let view = |(_, change): (u8, &LibraryChange)| LibraryView {
        name: guard.line(&change.name, Limit::Tag),
        before: guard.line(&change.before, Limit::Tag),
        after: guard.line(&change.after, Limit::Tag),
        same_release: change.same_release,
    };
    shown.into_iter().take(LIBRARIES).map(view).collect()
}

/// Those that touch files of frames that are no bystanders first, the cause's before others, then as the store has them.
fn commits(gathered: &Gathered, found: &Diagnosis, guard: &mut Guard) -> Vec<CommitView> {
    let event = &gathered.facts.event;
    let telling = found.frames.iter().filter(|frame| !frame.role.is_bystander() && frame.role != Role::Library);
    let frames: Vec<&Frame> = telling.map(|judged| &event.exceptions[judged.exception].frames[judged.frame]).collect();
    let stands = |path: &Untrusted| frames.iter().position(|frame| checkout::is_of(path.raw(), frame));
    let mut views: Vec<(usize, CommitView)> = Vec::new();
    for commit in gathered.commits.iter().map(|found| &found.commit) {
        let mut touched: Vec<(usize, &Untrusted)> =
            commit.files.iter().filter_map(|file| Some((stands(&file.path)?, &file.path))).collect();
        touched.sort_by_key(|(frame, _)| *frame);
        let first = touched.first().map_or(usize::MAX, |(frame, _)| *frame);
        let view = CommitView {
            id: guard.line(&commit.id, Limit::Tag),
            message: commit.message.as_ref().map(|said| guard.line(&first_line(said), Limit::Title)),
            touches: touched.into_iter().map(|(_, path)| guard.line(path, Limit::Tag)).collect(),
        };
        views.push((first, view));
    }
    // A stable sort: the order of the store stays among equals.
    views.sort_by_key(|(first, _)| *first);
    views.into_iter().map(|(_, view)| view).collect()
}

fn first_line(text: &Untrusted) -> Untrusted {
    text.raw().lines().next().unwrap_or_default().into()
}

/// How many commits are asked for.
const COMMITS: usize = 200;

/// The question for the commits between the last good and the first bad release.
pub(super) fn commits_between(gathered: &Gathered, scope: Scope) -> Option<CommitQuery> {
    let since = of(gathered)?;
    let after = Some(since.last_good?.version.clone());
    Some(CommitQuery { scope, after, upto: since.first_bad.version.clone(), limit: COMMITS })
}

fn onset_view(onset: &Onset, gathered: &Gathered, guard: &mut Guard) -> OnsetView {
    let release = release_of(onset, gathered).map(|release| guard.line(&release.version, Limit::Tag));
    let by = match &release {
        Some(release) => say!("; ", release, " began then"),
        None => Clean::ours("; no release began then"),
    };
    let statement = say!(
        "its rate rose at ",
        Seconds(onset.at),
        " (between ",
        Seconds(onset.low),
        " and ",
        Seconds(onset.high),
        "): ",
        onset.recent,
        " user-days since; expected from the time before: ",
        onset.expected,
        by
    );
    OnsetView { at: Seconds(onset.at), low: Seconds(onset.low), high: Seconds(onset.high), release, statement }
}
