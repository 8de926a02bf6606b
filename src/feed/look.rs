//! Looks at the store and writes down what changed since the last look. Which look finds a change is all the same: each
//! has a name, and counts once.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::fixes;
use crate::{
    guard::{Clean, Guard, Limit},
    model::{Change, ChangeReason, Project, Timestamp, Untrusted},
    say,
    store::{
        FeedStore, FindingIssue, FindingKind, IssueFacts, IssueQuery, IssueSort, Loss, NewFinding, ReleaseQuery, Scope,
        StoreError,
    },
    tools::{Ctx, change_sentence},
    view::{count, percent},
};

/// How often a store that tells of its changes is asked for them: one number, no query.
const ASK: Duration = Duration::from_millis(250);
/// How often a store that doesn't is looked at.
const POLL: Duration = Duration::from_secs(60);
/// Looks take at most one part in so many of the time.
const REST: u32 = 4;
/// Issues of one look.
const MOST: usize = 5_000;
/// Names of changes that are remembered, so that they are not written again.
const REMEMBERED: usize = 100_000;
/// A project that sent something within a week and nothing for so long has gone quiet.
const QUIET_S: i64 = 24 * 3_600;
const WEEK_S: i64 = 7 * 24 * 3_600;
const DAY_S: i64 = 24 * 3_600;
/// Reasons of SDKs that mean lost data; the others drop on purpose.
const LOST: [&str; 8] = [
    "queue_overflow",
    "cache_overflow",
    "buffer_overflow",
    "ratelimit_backoff",
    "network_error",
    "send_error",
    "internal_sdk_error",
    "insufficient_data",
];

/// What counts as a change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Choice {
    /// Share of the active users, 0 to 1, from which on an issue is told of; `None`: whatever the share.
    pub share: Option<f64>,
}

/// One who looks.
pub struct Looker {
    ctx: Ctx,
    feed: Arc<dyn FeedStore>,
    choice: Choice,
    seen: HashSet<String>,
}

impl Looker {
    /// Over a store and its feed.
    pub fn new(ctx: Ctx, feed: Arc<dyn FeedStore>, choice: Choice) -> Self {
        Self { ctx, feed, choice, seen: HashSet::new() }
    }

    /// Writes down what changed; returns how many entries that made.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn look(&mut self) -> Result<usize, StoreError> {
        let now = (self.ctx.now)();
        let defaults = &self.ctx.defaults;
        let scope = Scope { project: defaults.project.as_deref().map(Untrusted::from), ..Scope::default() };
        let mut found = Vec::new();
        for project in self.ctx.store.projects(&scope).await? {
            found.extend(self.issues_of(&project, now).await?);
            found.extend(gone_quiet(&project, now));
        }
        let losses = self.feed.losses(now.as_second().div_euclid(DAY_S) - 1).await?;
        found.extend(losses.iter().filter_map(|loss| lost(loss, now)));
        found.extend(fixes::look(&self.ctx, self.feed.as_ref()).await?);
        found.retain(|change| !self.seen.contains(&change.once));
        if found.is_empty() {
            return Ok(0);
        }
        if self.seen.len() > REMEMBERED {
            self.seen.clear();
        }
        self.seen.extend(found.iter().map(|change| change.once.clone()));
        self.feed.record(found).await
    }

    /// What changed about issues: since the newest release, and whatever the release within a day.
    async fn issues_of(&self, project: &Project, now: Timestamp) -> Result<Vec<NewFinding>, StoreError> {
        let scope = Scope {
            project: Some(project.slug.as_str().into()),
            environment: self.ctx.defaults.environment.as_deref().map(Untrusted::from),
            start: None,
            end: Some(now),
        };
        let releases =
            self.ctx.store.releases(&ReleaseQuery { scope: scope.clone(), ..ReleaseQuery::default() }).await?;
        let newest = releases.iter().find(|facts| facts.seen).map(|facts| facts.release.version.clone());
        let query = IssueQuery {
            scope: scope.clone(),
            change: vec![Change::New, Change::Regressed, Change::Escalating],
            sort: IssueSort::FirstSeen,
            limit: MOST,
            ..IssueQuery::default()
        };
        let mut found = Vec::new();
        if let Some(newest) = &newest {
            let since = IssueQuery { since: Some(vec![newest.clone()]), ..query.clone() };
            for facts in self.ctx.store.issues(&since).await?.items {
                found.extend(changed(&facts, Some(newest), now));
                found.extend(self.choice.share.and_then(|share| wide(&facts, newest, share, now)));
            }
        }
        let lately = Scope { start: now.checked_sub(jiff::SignedDuration::from_secs(DAY_S)).ok(), ..scope };
        for facts in self.ctx.store.issues(&IssueQuery { scope: lately, ..query }).await?.items {
            // Old builds that go on failing are no regression: beside new issues, only releases tell.
            if facts.change == Change::New || newest.is_none() {
                found.extend(changed(&facts, newest.as_ref(), now));
            }
        }
        found.sort_by(|a, b| a.once.cmp(&b.once));
        found.dedup_by(|a, b| a.once == b.once);
        found.sort_by_key(|change| change.issue.as_ref().map(|issue| issue.id));
        Ok(found)
    }
}

/// An issue that changed; `None` where it is open to nobody: ignored ones are muted.
fn changed(facts: &IssueFacts, newest: Option<&Untrusted>, now: Timestamp) -> Option<NewFinding> {
    let id = facts.issue.id.0;
    let (kind, once, release) = match (facts.change, &facts.why) {
        (Change::New, _) => (FindingKind::New, format!("new/{id}"), facts.first_release.as_ref().or(newest)),
        (Change::Regressed, ChangeReason::Returned { back_in, .. }) => {
            (FindingKind::Regressed, format!("regressed/{id}/{}", back_in.raw()), Some(back_in))
        }
        (Change::Regressed, ChangeReason::SinceResolved { resolved_at, .. }) => {
            (FindingKind::Regressed, format!("regressed/{id}/{}", resolved_at.as_second()), facts.last_release.as_ref())
        }
        (Change::Regressed, _) => (FindingKind::Regressed, format!("regressed/{id}/{}", now.strftime("%F")), newest),
        (Change::Escalating, ChangeReason::Grew(onset)) => {
            (FindingKind::Escalating, format!("escalating/{id}/{}", onset.at.strftime("%F")), newest)
        }
        (Change::Escalating, _) => (FindingKind::Escalating, format!("escalating/{id}/{}", now.strftime("%F")), newest),
        (Change::Ongoing | Change::Resolved, _) => return None,
    };
    if facts.issue.status == crate::model::Status::Ignored {
        return None;
    }
    let mut guard = Guard::new();
    let why = change_sentence(&facts.why, &mut guard);
    let statement = say!(
        guard.line(&facts.issue.short_id.as_str().into(), Limit::Tag),
        " is ",
        facts.change.as_str(),
        release.map(|release| say!(" in ", guard.line(release, Limit::Tag))),
        ": ",
        impact(facts),
        "; ",
        why
    );
    Some(NewFinding {
        once,
        at: now,
        kind,
        project: facts.issue.project.clone(),
        issue: Some(issue_of(facts)),
        release: release.cloned(),
        statement: statement.as_str().into(),
    })
}

/// An issue that hits more than the set share of the active users.
fn wide(facts: &IssueFacts, newest: &Untrusted, share: f64, now: Timestamp) -> Option<NewFinding> {
    let hit = facts.users as f64 / facts.active_users.max(1) as f64;
    if facts.active_users == 0 || hit < share || facts.issue.status == crate::model::Status::Ignored {
        return None;
    }
    let mut guard = Guard::new();
    let statement = say!(
        guard.line(&facts.issue.short_id.as_str().into(), Limit::Tag),
        " hits ",
        percent(hit),
        " of the active users of ",
        guard.line(newest, Limit::Tag),
        ", ",
        percent(share),
        " or more are told of: ",
        impact(facts)
    );
    Some(NewFinding {
        once: format!("share/{}/{}", facts.issue.id.0, newest.raw()),
        at: now,
        kind: FindingKind::Share,
        project: facts.issue.project.clone(),
        issue: Some(issue_of(facts)),
        release: Some(newest.clone()),
        statement: statement.as_str().into(),
    })
}

fn impact(facts: &IssueFacts) -> Clean {
    say!(count(facts.users, "user", "users"), ", ", count(facts.events, "event", "events"))
}

fn issue_of(facts: &IssueFacts) -> FindingIssue {
    FindingIssue {
        id: facts.issue.id.0,
        short_id: facts.issue.short_id.clone(),
        title: facts.issue.title.clone(),
        users: facts.users,
        events: facts.events,
    }
}

/// Data that was dropped and was meant to be kept: told once a day and reason.
fn lost(loss: &Loss, now: Timestamp) -> Option<NewFinding> {
    let by_sdk = loss.outcome == "dropped_by_sdk";
    if loss.quantity == 0 || loss.outcome == "filtered" || by_sdk && !LOST.contains(&loss.reason.as_str()) {
        return None;
    }
    let mut guard = Guard::new();
    let mut line = |text: &str| guard.line(&text.into(), Limit::Tag);
    let by = if by_sdk { Clean::ours("dropped by the SDK") } else { Clean::ours("not taken here") };
    let statement = say!(
        line(&loss.project),
        ": ",
        loss.quantity,
        " of type ",
        line(&loss.item),
        " ",
        by,
        ", reason ",
        line(&loss.reason)
    );
    Some(NewFinding {
        once: format!("loss/{}/{}/{}/{}/{}", loss.project, loss.day, loss.item, loss.outcome, loss.reason),
        at: now,
        kind: FindingKind::Loss,
        project: loss.project.clone(),
        issue: None,
        release: None,
        statement: statement.as_str().into(),
    })
}

/// A project that sent events and no longer does.
fn gone_quiet(project: &Project, now: Timestamp) -> Option<NewFinding> {
    let last = project.last_event?;
    let ago = now.as_second() - last.as_second();
    if !(QUIET_S..WEEK_S).contains(&ago) {
        return None;
    }
    let slug = Guard::new().line(&project.slug.as_str().into(), Limit::Tag);
    let statement = say!(slug, " has sent no event since ", last, ": nothing fails, or nothing arrives");
    Some(NewFinding {
        once: format!("quiet/{}/{}", project.slug, last.as_second()),
        at: now,
        kind: FindingKind::Quiet,
        project: project.slug.clone(),
        issue: None,
        release: None,
        statement: statement.as_str().into(),
    })
}

/// Looks whenever the store has changed, until `end`; `news` then has the newest entry's id. A look that fails is said
/// on the log and tried again.
pub async fn follow(mut looker: Looker, news: watch::Sender<u64>, end: CancellationToken) {
    let mut version = None;
    let mut hour = None;
    loop {
        let asked = looker.ctx.store.data_version().await;
        let tells = asked.is_ok();
        let now_hour = (looker.ctx.now)().as_second().div_euclid(3_600);
        let changed = asked.ok() != version || version.is_none() || hour != Some(now_hour);
        let mut rest = if tells { ASK } else { POLL };
        if changed {
            // Asked before the look, so that what comes during it is looked at next.
            version = looker.ctx.store.data_version().await.ok();
            hour = Some(now_hour);
            let started = Instant::now();
            match looker.look().await {
                Ok(_) => {
                    if let Ok(last) = looker.feed.last_finding().await {
                        news.send_if_modified(|known| std::mem::replace(known, last) != last);
                    }
                }
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "looking for changes failed"),
            }
            rest = rest.max(started.elapsed() * REST);
        }
        tokio::select! {
            () = end.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}
