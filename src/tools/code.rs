//! What the checkouts say of frames, for the tools that show frames.

use super::Ctx;
use crate::{
    checkout::{CodeAnswer, CodeCommit, CodeQuery, NamedRelease, Place},
    guard::{Clean, Guard, Limit},
    model::{Event, Frame, Untrusted},
    say,
    store::{CommitQuery, Scope},
    view,
    view::Seconds,
};

/// Commits of a release that are asked for.
const TOLD: usize = 50;
/// Frames of an event that are looked up.
const FRAMES: usize = 16;
/// Commits of a frame that are named.
const CHANGES: usize = 3;

/// A release, with the commits that were announced with it.
pub(super) async fn named_release(ctx: &Ctx, scope: &Scope, version: &Untrusted) -> NamedRelease {
    let scope = Scope { start: None, environment: None, ..scope.clone() };
    let query = CommitQuery { scope, after: None, upto: version.clone(), limit: TOLD };
    // Without announced commits there are tags.
    let told = ctx.store.commits(&query).await.map(|page| page.items).unwrap_or_default();
    NamedRelease { version: version.clone(), told: told.into_iter().map(|told| told.commit.id).collect() }
}

/// Where the frames of an event are.
#[derive(Default)]
pub(super) struct Places<'e>(Vec<(&'e Frame, Option<Place>)>);

impl<'e> Places<'e> {
    /// Looks up the application's own frames, those of the root cause first.
    pub(super) async fn of(ctx: &Ctx, scope: &Scope, event: &'e Event) -> Self {
        if ctx.code.is_empty() {
            return Self::default();
        }
        let own = event.exceptions.iter().rev().flat_map(|exception| &exception.frames).filter(|frame| frame.in_app);
        let mut frames: Vec<&Frame> = Vec::new();
        for frame in own {
            if frames.len() < FRAMES && !frames.iter().any(|known| same(known, frame)) {
                frames.push(frame);
            }
        }
        let release = match &event.release {
            Some(version) => Some(named_release(ctx, scope, version).await),
            None => None,
        };
        let answer = ctx.code.look(&CodeQuery { frames: frames.clone(), release, ..CodeQuery::default() }).await;
        Self(frames.into_iter().zip(answer.places).collect())
    }

    /// Where one of them is.
    pub(super) fn place(&self, frame: &Frame) -> Option<&Place> {
        self.0.iter().find(|(known, _)| same(known, frame))?.1.as_ref()
    }
}

fn same(one: &Frame, other: &Frame) -> bool {
    let place = |frame: &'_ Frame| (frame.line, frame.in_app);
    place(one) == place(other)
        && (&one.file, &one.abs_path, &one.function) == (&other.file, &other.abs_path, &other.function)
}

/// What a view of a frame has of it.
#[derive(Default)]
pub(super) struct Placed {
    pub(super) repo_path: Option<Clean>,
    pub(super) line_now: Option<u64>,
    pub(super) changed_since: Option<Vec<Clean>>,
}

impl Placed {
    /// Of a place in a checkout.
    pub(super) fn of(place: Option<&Place>, guard: &mut Guard) -> Self {
        let Some(place) = place else { return Self::default() };
        let commits = |commits: &Vec<CodeCommit>| commits.iter().take(CHANGES).map(|one| id(one, guard)).collect();
        let changed_since = place.changed_since.as_ref().map(commits);
        Self { repo_path: Some(guard.line(&place.path, Limit::Tag)), line_now: place.line, changed_since }
    }
}

/// What became of a line since its release: `; today line 9, function changed in 0123456789ab`.
pub(super) fn drift(line: Option<u64>, now: Option<u64>, changed: Option<&[Clean]>) -> Option<Clean> {
    let moved = match (now, changed) {
        (Some(now), _) if Some(now) != line => say!("today line ", now),
        (Some(_), Some([])) => return Some(Clean::ours("; unchanged today")),
        (Some(_), _) => Clean::ours("today the same line"),
        (None, Some(_)) => Clean::ours("the line is gone today"),
        (None, None) => return None,
    };
    let mut said = say!("; ", moved);
    for (at, commit) in changed.unwrap_or_default().iter().enumerate() {
        said = say!(said, if at == 0 { ", function changed in " } else { ", " }, commit);
    }
    Some(said)
}

view! {
    /// A commit that may have brought the failure.
    pub struct SuspectView {
        /// Its hash.
        pub commit: Clean,
        /// When its author made it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub date: Option<Seconds>,
        /// The first line of its message.
        pub subject: Clean,
        /// Files in which it touched a function of telling frames.
        pub files: Vec<Clean>,
    }

    /// A commit that changed the failing function and is in no release yet.
    pub struct FixView {
        /// Its hash.
        pub commit: Clean,
        /// The first line of its message.
        pub subject: Clean,
    }
}

/// The suspects as views.
pub(super) fn suspects(answer: &CodeAnswer, guard: &mut Guard) -> Vec<SuspectView> {
    let suspect = |commit: &CodeCommit| SuspectView {
        commit: id(commit, guard),
        date: commit.at.map(Seconds),
        subject: guard.line(&commit.subject, Limit::Title),
        files: commit.files.iter().map(|path| guard.line(path, Limit::Tag)).collect(),
    };
    answer.suspects.iter().map(suspect).collect()
}

/// The candidate as a view.
pub(super) fn fix(answer: &CodeAnswer, guard: &mut Guard) -> Option<FixView> {
    let commit = answer.candidate_fix.as_ref()?;
    Some(FixView { commit: id(commit, guard), subject: guard.line(&commit.subject, Limit::Title) })
}

fn id(commit: &CodeCommit, guard: &mut Guard) -> Clean {
    guard.line(&commit.id.short().into(), Limit::Tag)
}
