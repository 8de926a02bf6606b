//! Which replay is told: the one named, an event's, or the one that shows an issue best.

use super::load::{Loaded, load};
use crate::{
    guard::Clean,
    model::{EventId, Untrusted},
    replay::{Common, PathStep, Replay, common, path},
    say,
    store::{EventQuery, Field, IssueRef, Op, Pick, ReplayQuery, Scope, SearchQuery, StoreError, Term, Test, Value},
    tools::{Ctx, Resolved, ToolError, input::Text, named::agree},
    view::count,
};

/// Newest events of an issue whose replays are looked at.
const EVENTS: usize = 60;
/// Replays read to choose one.
const READ: usize = 8;
/// Larger replays are not read just to choose, in bytes.
const LARGEST: u64 = 8 << 20;

/// The replay that is told.
pub(super) struct Chosen {
    pub(super) loaded: Loaded,
    /// The event that it is told for.
    pub(super) event: Option<EventId>,
    /// For an issue: how it stands among the issue's replays.
    pub(super) among: Option<ReplayChoice>,
}

/// One replay among those of an issue.
pub(super) struct ReplayChoice {
    /// Short id of the issue.
    pub(super) issue: String,
    /// Replays of the issue that are known of, this one included.
    pub(super) replays: usize,
    /// How many were read to choose, this one included.
    pub(super) read: usize,
    /// What the others have in common with it.
    pub(super) common: Common,
    /// Others, best first.
    pub(super) others: Vec<EventId>,
}

impl Chosen {
    /// When the error is that it is told for; else the last one.
    pub(super) fn error_at(&self) -> Option<i64> {
        let errors = &self.loaded.replay.errors;
        let own = errors.iter().find(|(_, failure)| Some(failure.event) == self.event);
        own.or(errors.last()).map(|(at, _)| *at)
    }

    /// What weakens the answer.
    pub(super) fn warnings(&self) -> Vec<Clean> {
        let replay = &self.loaded.replay;
        let mut warnings = Vec::new();
        let missing = replay.gaps.iter().filter(|gap| gap.segment.is_some()).count() as u64;
        if missing > 0 {
            let what = count(missing, "segment is", "segments are");
            warnings.push(say!(what, " missing or broken: steps in there are not known"));
        }
        if replay.buffered && !replay.from_start {
            warnings.push(Clean::ours("recorded on an error: what was done before it began is not known"));
        }
        if replay.segments == 0 {
            warnings.push(Clean::ours("no segment of this replay could be read"));
        }
        warnings
    }
}

/// The replay with that id.
pub(super) async fn named(ctx: &Ctx, asked: &Resolved, replay: EventId) -> Result<Chosen, ToolError> {
    let loaded = load(&*ctx.store, &asked.scope, replay).await?;
    Ok(Chosen { loaded, event: None, among: None })
}

/// The replay of an event.
pub(super) async fn of_event(
    ctx: &Ctx,
    asked: &Resolved,
    pick: Pick,
    named: (Option<&Text>, Option<&Text>),
) -> Result<Chosen, ToolError> {
    let query = EventQuery { scope: asked.scope.clone(), pick, release: None, extras: false };
    let facts = ctx.store.event(&query).await?;
    agree(ctx, &asked.scope, named, &facts.issue).await?;
    let event = facts.event.id;
    let Some(replay) = facts.event.replay_id else {
        return Err(none("event", event.to_string().into()));
    };
    let loaded = load(&*ctx.store, &asked.scope, replay).await?;
    Ok(Chosen { loaded, event: Some(event), among: None })
}

fn none(what: &'static str, asked: Untrusted) -> ToolError {
    let asked = crate::guard::Guard::new().line(&asked, crate::guard::Limit::Tag);
    let message =
        say!("no replay of ", what, " ", asked, " here: the SDK recorded none, or it was not sent to this store");
    ToolError { kind: crate::model::Kind::NotFound, message, retry_after_s: None, near: Vec::new() }
}

/// A replay of an issue that was read.
struct Candidate {
    event: EventId,
    loaded: Loaded,
    path: Vec<PathStep>,
}

/// The replay that shows an issue best.
pub(super) async fn of_issue(ctx: &Ctx, asked: &Resolved, issue: &IssueRef) -> Result<Chosen, ToolError> {
    let issue = ctx.store.bare_issue(issue, &asked.scope).await?;
    let short_id = issue.short_id;
    let scope = Scope { project: Some(issue.project.as_str().into()), ..asked.scope.clone() };
    let found = replays(ctx, &scope, &short_id).await?;
    let total = found.len();
    let mut candidates = Vec::new();
    for (event, replay) in found {
        if candidates.len() == READ {
            break;
        }
        if let Some(loaded) = read(ctx, &scope, replay, candidates.is_empty()).await? {
            let at = loaded.replay.errors.iter().find(|(_, failure)| failure.event == event).map(|(at, _)| *at);
            let path = path(&loaded.replay, at.unwrap_or(i64::MAX));
            candidates.push(Candidate { event, loaded, path });
        }
    }
    let best = best(&candidates).ok_or_else(|| none("issue", short_id.as_str().into()))?;
    let read = candidates.len();
    let chosen = candidates.swap_remove(best);
    let others: Vec<Vec<PathStep>> = candidates.iter().map(|other| other.path.clone()).collect();
    candidates.sort_by_key(|other| std::cmp::Reverse(rank(&other.loaded.replay, other.event)));
    Ok(Chosen {
        event: Some(chosen.event),
        among: Some(ReplayChoice {
            issue: short_id,
            replays: total,
            read,
            common: common(&chosen.path, &others),
            others: candidates.iter().map(|other| other.loaded.replay.id).collect(),
        }),
        loaded: chosen.loaded,
    })
}

/// The newest events of an issue with their replays, one a replay, users taking turns.
async fn replays(ctx: &Ctx, scope: &Scope, short_id: &str) -> Result<Vec<(EventId, EventId)>, ToolError> {
    let term = |test| Term { negated: false, test };
    let query = SearchQuery {
        scope: scope.clone(),
        filter: vec![
            term(Test::Field { field: Field::Issue, op: Op::Is, values: vec![short_id.into()] }),
            term(Test::Has(Field::Replay)),
        ],
        fields: vec![Field::Replay, Field::User],
        limit: EVENTS,
        ..SearchQuery::default()
    };
    let mut found: Vec<(EventId, EventId)> = Vec::new();
    let mut later = Vec::new();
    let mut users: Vec<Untrusted> = Vec::new();
    for row in ctx.store.search(&query).await?.items {
        let Some(Value::Text(replay)) = row.values.first() else { continue };
        let (Some(event), Ok(replay)) = (row.event, replay.raw().parse::<EventId>()) else { continue };
        if found.iter().chain(&later).any(|(_, known)| *known == replay) {
            continue;
        }
        match row.values.get(1) {
            Some(Value::Text(user)) if users.contains(user) => later.push((event, replay)),
            Some(Value::Text(user)) => {
                users.push(user.clone());
                found.push((event, replay));
            }
            _ => found.push((event, replay)),
        }
    }
    found.append(&mut later);
    Ok(found)
}

/// A replay of the store, unless it is too large to read just for choosing or isn't there.
async fn read(ctx: &Ctx, scope: &Scope, replay: EventId, first: bool) -> Result<Option<Loaded>, ToolError> {
    let query = ReplayQuery { scope: Scope { start: None, ..scope.clone() }, replay };
    let facts = match ctx.store.replay(&query).await {
        Ok(facts) => facts,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let size: u64 = facts.segments.iter().map(|segment| segment.size_bytes).sum();
    if facts.segments.is_empty() || (!first && size > LARGEST) {
        return Ok(None);
    }
    Ok(Some(load(&*ctx.store, scope, replay).await?))
}

/// Place of the best candidate: among equals the one whose path most others share, then the first.
fn best(candidates: &[Candidate]) -> Option<usize> {
    let shared = |at: usize| {
        let others: Vec<Vec<PathStep>> =
            candidates.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, c)| c.path.clone()).collect();
        common(&candidates[at].path, &others).same
    };
    (0..candidates.len()).max_by_key(|at| {
        let candidate = &candidates[*at];
        (rank(&candidate.loaded.replay, candidate.event), shared(*at), std::cmp::Reverse(*at))
    })
}

/// How well a replay shows an error: greater is better.
fn rank(replay: &Replay, event: EventId) -> (bool, bool, u8, std::cmp::Reverse<u8>) {
    let at = replay.errors.iter().find(|(_, failure)| failure.event == event).map(|(at, _)| *at);
    let shown = at.is_some_and(|at| replay.steps.iter().any(|step| step.kind().by_user() && step.at_ms <= at));
    let open = u8::from(!replay.masked_text) + u8::from(!replay.masked_inputs) * 2;
    let whole = replay.complete && (replay.from_start || !replay.buffered);
    let before =
        replay.steps.iter().filter(|step| step.kind().by_user() && at.is_none_or(|at| step.at_ms <= at)).count();
    // Steps by powers of two: one more or less says nothing.
    (shown, whole, open, std::cmp::Reverse(u8::try_from(before.max(1).ilog2()).unwrap_or(u8::MAX)))
}
