//! What the diagnosis is made of: the store's answers, put together.

use super::{reasons, since};
use crate::{
    guard::Clean,
    model::{Event, Timestamp, Untrusted},
    say,
    store::{
        AffectedFacts, AffectedQuery, Baseline, Decided, DiagnosisFacts, DiagnosisQuery, Echo, EventQuery, Field,
        IssueRef, Op, Pick, ReleaseCommit, ReleaseFacts, ReleaseQuery, Scope, SearchRow, SignalKind, SignalQuery,
        StoreError, StoreKind, Term, Test, Value,
    },
    tools::{Ctx, Resolved, ToolError, same_trace},
};

/// Further events that are looked into.
const SAMPLES: usize = 8;
/// Messages of users that are shown.
const FEEDBACK: usize = 3;
/// Issues that are compared.
const SIBLINGS: usize = 40;
/// As much later as that, events make a difference to counts that have no time.
const DAY_S: i64 = 86_400;
/// What fewer of the affected share is no condition of theirs.
const SHARED_BY: u64 = 3;

/// Everything that was asked of the store.
pub(super) struct Gathered {
    pub(super) facts: DiagnosisFacts,
    pub(super) affected: AffectedFacts,
    /// Releases of the issue's project, oldest first.
    pub(super) releases: Vec<ReleaseFacts>,
    /// Commits after the last good release up to the first bad one.
    pub(super) commits: Vec<ReleaseCommit>,
    /// Who has it, and what was said of it.
    pub(super) decided: Decided,
    /// Other issues in the same traces.
    pub(super) same_trace: same_trace::Found,
    /// The issue that it follows from, counted over all its traces.
    pub(super) echo: Option<Echo>,
    /// What users wrote about its events, the newest first.
    pub(super) feedback: Vec<Untrusted>,
    /// Whether the store counts frames.
    pub(super) counted: bool,
}

impl Gathered {
    /// Facts that weaken the answer.
    pub(super) fn warnings(&self, until: Timestamp) -> Vec<Clean> {
        let mut warnings: Vec<Clean> = self.affected.warnings.iter().map(|w| Clean::ours(w)).collect();
        if !self.counted {
            warnings.push(Clean::ours("this store does not count frames: bystanders are told by the stack alone"));
        }
        let beyond = self.facts.counted_to.map_or(0, |to| to.as_second() - until.as_second());
        if beyond > DAY_S {
            warnings.push(say!(
                "specificity and bystanders are told by all stacks, those of the ",
                reasons::Span(beyond as u64),
                " after as_of too"
            ));
        }
        warnings
    }

    /// Whether it began, or its rate rose, at a time that no release explains: then something around it changed.
    pub(super) fn began_without_release(&self) -> bool {
        let rose = self.facts.issue.onset.as_ref().is_some_and(|onset| since::release_of(onset, self).is_none());
        let late = since::of(self).is_some_and(|since| !since.soon);
        rose || late
    }
}

/// Asks the store.
pub(super) async fn gather(
    ctx: &Ctx,
    asked: &Resolved,
    issue: IssueRef,
    release: Option<Untrusted>,
) -> Result<Gathered, ToolError> {
    let query = DiagnosisQuery {
        scope: asked.scope.clone(),
        issue: issue.clone(),
        release: release.clone(),
        samples: SAMPLES,
        siblings: SIBLINGS,
    };
    let (facts, counted) = match ctx.store.diagnosis(&query).await {
        Ok(facts) => (facts, true),
        Err(StoreError::Unsupported(_)) => (by_event(ctx, &query).await?, false),
        Err(error) => return Err(error.into()),
    };
    let project = Some(facts.issue.issue.project.as_str().into());
    let scope = Scope { project, ..asked.scope.clone() };
    let affected = AffectedQuery {
        scope: scope.clone(),
        issue: Some(issue.clone()),
        since: release.map(|release| vec![release]),
        by: Vec::new(),
        baseline: Baseline::OtherEvents,
        shared_by: SHARED_BY,
        buckets: 1,
        sample: 0,
    };
    let affected = ctx.store.affected(&affected).await?;
    let mut releases = ctx
        .store
        .releases(&ReleaseQuery { scope: Scope { start: None, ..scope.clone() }, ..ReleaseQuery::default() })
        .await?;
    releases.reverse();
    let events: Vec<&Event> = std::iter::once(&facts.event).chain(&facts.samples).collect();
    let same_trace = same_trace::find(ctx, &asked.scope, &facts.issue.issue.short_id, &events).await?;
    let locked = asked.scope.project.clone().filter(|_| ctx.defaults.locked);
    let of_traces = Scope { project: locked, ..asked.scope.clone() };
    let echo = ctx.store.echoes(&[facts.issue.issue.id], &of_traces).await?.into_iter().next();
    let feedback = feedback(ctx, &scope, &facts.issue.issue.short_id).await?;
    let decided = ctx.store.decided(&issue, &asked.scope).await?;
    let mut gathered =
        Gathered { facts, affected, releases, commits: Vec::new(), decided, same_trace, echo, feedback, counted };
    if let Some(query) = since::commits_between(&gathered, scope) {
        gathered.commits = ctx.store.commits(&query).await?.items;
    }
    Ok(gathered)
}

/// What users wrote about an issue's events.
async fn feedback(ctx: &Ctx, scope: &Scope, issue: &str) -> Result<Vec<Untrusted>, ToolError> {
    if ctx.store.source().store != StoreKind::Embedded {
        return Ok(Vec::new());
    }
    let of_issue = Test::Field { field: Field::Issue, op: Op::Is, values: vec![issue.into()] };
    let query = SignalQuery {
        scope: scope.clone(),
        kind: SignalKind::Feedback,
        filter: vec![Term { negated: false, test: of_issue }],
        fields: vec!["message".into()],
        group_by: Vec::new(),
        aggregate: Vec::new(),
        limit: FEEDBACK,
        skip: 0,
    };
    let page = ctx.store.signals(&query).await?;
    let message = |row: SearchRow| match row.values.into_iter().next() {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    };
    Ok(page.items.into_iter().filter_map(message).collect())
}

/// What can be told without counts of frames.
async fn by_event(ctx: &Ctx, query: &DiagnosisQuery) -> Result<DiagnosisFacts, ToolError> {
    let issue = ctx.store.issue(&query.issue, &query.scope).await?;
    let pick = Pick::Recommended(query.issue.clone());
    let asked = EventQuery { scope: query.scope.clone(), pick, release: query.release.clone(), extras: false };
    let event: Event = ctx.store.event(&asked).await?.event;
    Ok(DiagnosisFacts {
        issue,
        standings: Vec::new(),
        issues: 0,
        stacks: 1,
        frames: Vec::new(),
        samples: vec![event.clone()],
        replays: event.replay_id.into_iter().collect(),
        siblings: Vec::new(),
        same_fault: 0,
        libraries: Vec::new(),
        counted_to: None,
        event,
    })
}
