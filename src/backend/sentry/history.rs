//! What happened to issues in each release and on each day, and what that makes of them.

use std::collections::HashMap;

use futures::future::try_join_all;

use super::{
    exposure::{Use, day_of, start_of},
    json::{count, text, time},
    releases::optional,
    row::{Row, Substatus},
    server::Pages,
    store::SentryStore,
    terms::any_of,
};
use crate::{
    change::{Day, History, InRelease, classify},
    model::{Change, ChangeReason, Status, Timestamp, Untrusted},
    store::{IssueFacts, ReleaseFacts, Scope, StoreError},
};

/// Issues asked about at once: their releases fit into few pages.
const TOGETHER: usize = 25;
/// Rows that are read of one such question.
const ROWS: usize = 300;
/// Days that are looked back for growth.
const DAYS: i64 = 60;

/// An issue's events in one release.
struct InOne {
    release: Option<Untrusted>,
    events: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// What all issues of an answer share.
pub(super) struct Shared<'a> {
    pub(super) scope: &'a Scope,
    /// Names of the releases since which something changed.
    pub(super) since: Option<&'a [Untrusted]>,
}

impl SentryStore {
    /// Works out what changed about each of those issues.
    pub(super) async fn judged(&self, rows: Vec<Row>, shared: &Shared<'_>) -> Result<Vec<IssueFacts>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let whole = self.whole(shared.scope);
        let ids: Vec<i64> = rows.iter().map(|row| row.issue.id.0).collect();
        let (histories, releases, uses, replays) = tokio::try_join!(
            self.histories(&ids, &whole),
            self.known_releases(&whole),
            self.uses_of(&whole),
            self.replays_of(&ids, shared)
        )?;
        let nothing = Vec::new();
        let judge = |row: &Row, days: &[Day]| {
            let history = histories.get(&row.issue.id.0).unwrap_or(&nothing);
            judge(row, history, &releases, uses.get(&row.issue.project), days, shared, self.span(shared.scope).1)
        };
        let mut facts: Vec<IssueFacts> = rows.iter().map(|row| judge(row, &[])).collect();
        let steady: Vec<&Row> =
            rows.iter().zip(&facts).filter(|(_, f)| f.change == Change::Ongoing).map(|(row, _)| row).collect();
        let days = self.days_of(&steady, &whole, &uses).await?;
        for (row, facts) in rows.iter().zip(&mut facts) {
            if let Some(days) = days.get(&row.issue.id.0) {
                *facts = judge(row, days);
            }
            facts.replays = replays.get(&row.issue.id.0).copied().unwrap_or(0);
        }
        Ok(facts)
    }

    async fn histories(&self, ids: &[i64], scope: &Scope) -> Result<HashMap<i64, Vec<InOne>>, StoreError> {
        let fields = ["issue.id", "release", "count()", "min(timestamp)", "max(timestamp)"];
        let mut found: HashMap<i64, Vec<InOne>> = HashMap::new();
        for row in self.of_issues(ids, scope, "", &fields).await? {
            let Some(id) = count(&row, "issue.id").and_then(|id| i64::try_from(id).ok()) else { continue };
            found.entry(id).or_default().push(InOne {
                release: text(&row, "release"),
                events: count(&row, "count()").unwrap_or(0),
                first: time(&row, "min(timestamp)"),
                last: time(&row, "max(timestamp)"),
            });
        }
        Ok(found)
    }

    /// Events of each issue that have a replay.
    async fn replays_of(&self, ids: &[i64], shared: &Shared<'_>) -> Result<HashMap<i64, u64>, StoreError> {
        let mut extra = "has:replayId".to_owned();
        if let Some(since) = shared.since {
            extra = format!("{extra} {}", any_of("release", since.iter().map(Untrusted::raw)));
        }
        let rows = self.of_issues(ids, shared.scope, &extra, &["issue.id", "count()"]).await?;
        let pair =
            |row: &serde_json::Value| Some((i64::try_from(count(row, "issue.id")?).ok()?, count(row, "count()")?));
        Ok(rows.iter().filter_map(pair).collect())
    }

    /// Rows about issues, so many at a time. Without a right to ask, or where a server lacks it, there are none.
    async fn of_issues(
        &self,
        ids: &[i64],
        scope: &Scope,
        extra: &str,
        fields: &[&str],
    ) -> Result<Vec<serde_json::Value>, StoreError> {
        let parts = ids.chunks(TOGETHER).map(|ids| async move {
            let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
            let query = any_of("issue.id", ids.iter().map(String::as_str));
            let query = if extra.is_empty() { query } else { format!("{query} {extra}") };
            optional(self.groups(scope, &query, fields, "-count()", ROWS).await)
        });
        Ok(try_join_all(parts).await?.into_iter().flat_map(|pages: Pages| pages.items).collect())
    }

    /// The days of those issues, each with how much its project was used.
    async fn days_of(
        &self,
        rows: &[&Row],
        whole: &Scope,
        uses: &HashMap<String, Use>,
    ) -> Result<HashMap<i64, Vec<Day>>, StoreError> {
        let today = day_of(self.span(whole).1);
        let mut found: HashMap<i64, HashMap<i64, u64>> = HashMap::new();
        let (with, without): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|row| self.is_now(whole) && row.days.len() > 1);
        for row in with {
            found.insert(row.issue.id.0, row.days.iter().copied().collect());
        }
        if !without.is_empty() {
            let scope = Scope { start: Some(start_of(today - DAYS)), ..whole.clone() };
            let ids: Vec<i64> = without.iter().map(|row| row.issue.id.0).collect();
            let rows = self.of_issues(&ids, &scope, "", &["issue.id", "timestamp.to_day", "count()"]).await?;
            // Where rows are missing, the time before looks emptier than it was: no growth is told from that.
            if rows.len() < ROWS * ids.len().div_ceil(TOGETHER) {
                for row in rows {
                    let id = count(&row, "issue.id").and_then(|id| i64::try_from(id).ok());
                    let day = time(&row, "timestamp.to_day").map(day_of);
                    let (Some(id), Some(day)) = (id, day) else { continue };
                    *found.entry(id).or_default().entry(day).or_default() += count(&row, "count()").unwrap_or(0);
                }
            }
        }
        let slugs: HashMap<i64, &str> = rows.iter().map(|row| (row.issue.id.0, row.issue.project.as_str())).collect();
        let days = |(id, events): (i64, HashMap<i64, u64>)| {
            let used = slugs.get(&id).and_then(|slug| uses.get(*slug));
            (id, with_use(&events, used, today))
        };
        Ok(found.into_iter().map(days).collect())
    }
}

fn with_use(events: &HashMap<i64, u64>, used: Option<&Use>, today: i64) -> Vec<Day> {
    let first = events.keys().chain(used.iter().flat_map(|used| used.by_day.keys())).min().copied();
    let first = first.unwrap_or(today).max(today - DAYS);
    let day = |day: i64| {
        let own = events.get(&day).copied().unwrap_or(0);
        let all = used.and_then(|used| used.by_day.get(&day)).copied().unwrap_or(0);
        let by_sessions = used.is_some_and(|used| used.by_sessions);
        Day { start: start_of(day), events: own, exposure: if by_sessions { all } else { all.saturating_sub(own) } }
    };
    (first..=today).map(day).collect()
}

fn judge(
    row: &Row,
    history: &[InOne],
    releases: &[ReleaseFacts],
    used: Option<&Use>,
    days: &[Day],
    shared: &Shared<'_>,
    as_of: Timestamp,
) -> IssueFacts {
    let of_project = |facts: &&ReleaseFacts| facts.projects.is_empty() || facts.projects.contains(&row.issue.project);
    let in_release = |facts: &ReleaseFacts| {
        let name = &facts.release.version;
        let seen = history.iter().find(|one| one.release.as_ref() == Some(name));
        InRelease {
            release: name.clone(),
            events: seen.map_or(0, |one| one.events),
            exposure: used.and_then(|used| used.by_release.get(name.raw())).copied().unwrap_or(0),
            first: seen.and_then(|one| one.first),
            last: seen.and_then(|one| one.last),
        }
    };
    let list: Vec<InRelease> = releases.iter().filter(of_project).map(in_release).collect();
    let first_seen = history.iter().filter_map(|one| one.first).chain(row.first_seen).min().unwrap_or(as_of);
    let last = history.iter().filter_map(|one| one.last).max().or(row.last_seen);
    let last_seen = last.map_or(as_of, |last| last.min(as_of));
    let since = shared.since.and_then(|since| list.iter().position(|one| since.contains(&one.release)));
    let (change, why) = classify(&History {
        releases: &list,
        since,
        start: shared.scope.start,
        as_of,
        first_seen,
        last_seen,
        status: row.issue.status,
        resolution: row.issue.resolution.as_ref(),
        after_resolution: None,
        days,
    });
    let (change, why) = marked(row, change, why);
    let named = |one: &InRelease| one.release.clone();
    let (first_release, last_release) = &row.releases;
    IssueFacts {
        issue: row.issue.clone(),
        events: row.events,
        users: row.users,
        first_seen: Some(first_seen),
        last_seen: Some(last_seen),
        first_release: list.iter().find(|one| one.events > 0).map(named).or_else(|| first_release.clone()),
        last_release: list.iter().rev().find(|one| one.events > 0).map(named).or_else(|| last_release.clone()),
        environments: Vec::new(),
        replays: 0,
        change,
        why,
    }
}

/// Sentry opens an issue again when it comes back, so that the decision is no longer there to compare with; and it
/// knows of decisions whose time the list doesn't tell.
fn marked(row: &Row, change: Change, why: ChangeReason) -> (Change, ChangeReason) {
    if row.issue.status == Status::Resolved && row.issue.resolution.is_none() {
        return (Change::Resolved, ChangeReason::Marked { word: "resolved" });
    }
    match (row.substatus, change) {
        (Substatus::Regressed, Change::Ongoing | Change::Escalating) => {
            (Change::Regressed, ChangeReason::Marked { word: "regressed" })
        }
        (Substatus::Escalating, Change::Ongoing) => (Change::Escalating, ChangeReason::Marked { word: "escalating" }),
        _ => (change, why),
    }
}
