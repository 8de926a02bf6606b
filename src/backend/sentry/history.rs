//! What happened to issues in each release and on each day, and what that makes of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::future::try_join_all;

use super::{
    ask::Ask,
    exposure::{Exposure, ExposureByProject, Search, day_of, start_of},
    fault::optional,
    json::{count, list, text, time},
    operation::SESSIONS,
    row::{Dataset, Row, Substatus},
    server::Pages,
    store::SentryStore,
    terms::any_of,
};
use crate::{
    change::{History, Hour, InRelease, Series, classify, may_have_risen},
    model::{Change, ChangeReason, Status, Timestamp, Untrusted},
    store::{IssueFacts, ReleaseFacts, Scope, StoreError, Term},
};

/// Issues asked about at once, where there are several rows of each: they fit into few pages.
const TOGETHER: usize = 25;
/// Issues asked about at once, where there is one row of each: they fit into one page.
const PAGE: usize = 100;
/// Rows that are read of one such question.
const ROWS: usize = 300;
/// Days that are looked back for growth.
const DAYS: i64 = 56;
/// Hours with events that are read, the newest.
const HOURS: usize = 500;
const HOUR_S: i64 = 3_600;
/// Issues whose hours are looked at.
const RISEN: usize = 4;

/// An issue's events in one release.
struct InOne {
    release: Option<Untrusted>,
    events: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// Events by day, and the first day that is told of.
type Days = (HashMap<i64, u64>, i64);

/// What all issues of an answer share.
pub(super) struct Shared<'a> {
    pub(super) scope: &'a Scope,
    /// Names of the releases since which something changed.
    pub(super) since: Option<&'a [Untrusted]>,
    /// Conditions that the server can't check.
    pub(super) rest: &'a [Term],
    /// Whether the issues are some of a long list: then each further request must serve all of them.
    pub(super) is_long: bool,
}

impl SentryStore {
    /// Works out what changed about each of those issues.
    pub(super) async fn judged(&self, rows: Vec<Row>, shared: &Shared<'_>) -> Result<Vec<IssueFacts>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let whole = self.whole(shared.scope);
        let ids: Vec<i64> = rows.iter().map(|row| row.issue.id.0).collect();
        let projects: BTreeSet<&str> = rows.iter().map(|row| row.issue.project.as_str()).collect();
        let (histories, releases, uses, active, replays) = tokio::try_join!(
            Box::pin(self.histories(&rows, &whole)),
            Box::pin(self.known_releases(&whole)),
            Box::pin(self.uses_of(&whole, &projects)),
            Box::pin(self.active_around(&rows, shared)),
            Box::pin(self.replays_of(&ids, shared))
        )?;
        let active = match active {
            Some(active) => self.completed(active, &rows, &histories, (shared.scope, &uses)).await?,
            None => active_of_one(&uses, shared),
        };
        let nothing = Vec::new();
        let judge = |row: &Row, series: &Series| {
            let history = histories.get(&row.issue.id.0).unwrap_or(&nothing);
            let used = uses.get(&row.issue.project).map(|used| &**used);
            judge(row, history, &releases, used, series, shared, self.span(shared.scope).1)
        };
        let mut facts: Vec<IssueFacts> = rows.iter().map(|row| judge(row, &Series::default())).collect();
        let steady = |(_, facts): &(&Row, &IssueFacts)| facts.change == Change::Ongoing && !shared.is_long;
        let steady: Vec<&Row> = rows.iter().zip(&facts).filter(steady).map(|(row, _)| row).collect();
        let series = self.series_of(&steady, &whole, &uses).await?;
        for (row, facts) in rows.iter().zip(&mut facts) {
            if let Some(series) = series.get(&row.issue.id.0) {
                *facts = judge(row, series);
            }
            facts.replays = replays.get(&row.issue.id.0).copied().unwrap_or(0);
            // Nobody knows of how many, or it is of so many at least.
            let active = active.get(&row.issue.project).copied().filter(|active| *active > 0 || !shared.is_long);
            facts.active_users = active.map_or(0, |active| active.max(facts.users));
        }
        Ok(facts)
    }

    /// Active users of the issues' projects; `None`: of a long list since a release this is not worth a request.
    async fn active_around(
        &self,
        rows: &[Row],
        shared: &Shared<'_>,
    ) -> Result<Option<HashMap<String, u64>>, StoreError> {
        if shared.is_long && shared.since.is_some() {
            return Ok(None);
        }
        let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
        for row in rows {
            let users = seen.entry(row.issue.project.as_str()).or_default();
            *users = row.users.max(*users);
        }
        self.active_users(shared.scope, &seen).await.map(Some)
    }

    /// Events in releases without a session show that sessions don't tell of all users of a project.
    async fn completed(
        &self,
        mut active: HashMap<String, u64>,
        rows: &[Row],
        histories: &HashMap<i64, Vec<InOne>>,
        (scope, uses): (&Scope, &ExposureByProject),
    ) -> Result<HashMap<String, u64>, StoreError> {
        let told = |row: &&Row| {
            let Some(used) = uses.get(&row.issue.project).filter(|used| used.by_sessions) else { return true };
            let history = histories.get(&row.issue.id.0).into_iter().flatten();
            let mut named = history.filter_map(|one| one.release.as_ref());
            named.all(|release| used.by_release.contains_key(release.raw()))
        };
        let lacking = rows.iter().filter(|row| !told(row)).map(|row| (row.issue.project.as_str(), u64::MAX)).collect();
        active.extend(self.active_users(scope, &lacking).await?);
        Ok(active)
    }

    async fn histories(&self, issues: &[Row], scope: &Scope) -> Result<HashMap<i64, Vec<InOne>>, StoreError> {
        let fields = ["issue.id", "release", "count()", "min(timestamp)", "max(timestamp)"];
        let of = |dataset| {
            let rows = issues.iter().filter(move |row| row.dataset == dataset);
            let ids: Vec<i64> = rows.map(|row| row.issue.id.0).collect();
            async move { self.of_issues((&ids, TOGETHER), scope, Search { text: "", dataset }, &fields).await }
        };
        let (errors, others) = tokio::try_join!(of(Dataset::Errors), of(Dataset::Occurrences))?;
        let mut found: HashMap<i64, Vec<InOne>> = HashMap::new();
        for row in errors.into_iter().chain(others) {
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
        let rows = self.of_issues((ids, PAGE), shared.scope, Search::from(&extra), &["issue.id", "count()"]).await?;
        let pair =
            |row: &serde_json::Value| Some((i64::try_from(count(row, "issue.id")?).ok()?, count(row, "count()")?));
        Ok(rows.iter().filter_map(pair).collect())
    }

    /// Rows about issues, so many at a time. Without a right to ask, or where a server lacks it, there are none.
    async fn of_issues(
        &self,
        (ids, together): (&[i64], usize),
        scope: &Scope,
        extra: Search<'_>,
        fields: &[&str],
    ) -> Result<Vec<serde_json::Value>, StoreError> {
        let parts = ids.chunks(together).map(|ids| async move {
            let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
            let query = any_of("issue.id", ids.iter().map(String::as_str));
            let query = if extra.text.is_empty() { query } else { format!("{query} {}", extra.text) };
            let search = Search { text: &query, ..extra };
            optional(self.groups(scope, search, fields, "-count()", ROWS).await)
        });
        Ok(try_join_all(parts).await?.into_iter().flat_map(|pages: Pages| pages.items).collect())
    }

    /// The hours of those issues whose days look like a rise.
    async fn series_of(
        &self,
        rows: &[&Row],
        whole: &Scope,
        uses: &ExposureByProject,
    ) -> Result<HashMap<i64, Series>, StoreError> {
        let days = self.days_of(rows, whole).await?;
        let today = day_of(self.span(whole).1);
        let risen = |row: &&&Row| {
            let Some((days, from)) = days.get(&row.issue.id.0) else { return false };
            let used = uses.get(&row.issue.project).into_iter().flat_map(|used| used.by_day.keys());
            let first = days.keys().chain(used).min().copied().unwrap_or(today).max(*from);
            let days: Vec<u64> = (first..=today).map(|day| days.get(&day).copied().unwrap_or(0)).collect();
            may_have_risen(&days)
        };
        let risen: Vec<&&Row> = rows.iter().filter(risen).take(RISEN).collect();
        let series =
            risen.iter().map(|row| async { Ok::<_, StoreError>((row.issue.id.0, self.series(row, whole).await?)) });
        let found = try_join_all(series).await?;
        Ok(found.into_iter().filter_map(|(id, series)| series.map(|series| (id, series))).collect())
    }

    /// Events by day; those of issues whose days don't all fit are left out: the time before would look emptier than
    /// it was. With each, the first day that is told of.
    async fn days_of(&self, rows: &[&Row], whole: &Scope) -> Result<HashMap<i64, Days>, StoreError> {
        let today = day_of(self.span(whole).1);
        let mut found: HashMap<i64, Days> = HashMap::new();
        let (with, without): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|row| self.is_now(whole) && row.days.len() > 1);
        for row in with {
            let days: HashMap<i64, u64> = row.days.iter().copied().collect();
            let from = days.keys().min().copied().unwrap_or(today);
            found.insert(row.issue.id.0, (days, from));
        }
        if without.is_empty() {
            return Ok(found);
        }
        let scope = Scope { start: Some(start_of(today - DAYS)), ..whole.clone() };
        let ids: Vec<i64> = without.iter().map(|row| row.issue.id.0).collect();
        let rows =
            self.of_issues((&ids, TOGETHER), &scope, "".into(), &["issue.id", "timestamp.to_day", "count()"]).await?;
        if rows.len() >= ROWS * ids.len().div_ceil(TOGETHER) {
            return Ok(found);
        }
        for row in rows {
            let id = count(&row, "issue.id").and_then(|id| i64::try_from(id).ok());
            let day = time(&row, "timestamp.to_day").map(day_of);
            let (Some(id), Some(day)) = (id, day) else { continue };
            let (days, _) = found.entry(id).or_insert_with(|| (HashMap::new(), today - DAYS));
            *days.entry(day).or_default() += count(&row, "count()").unwrap_or(0);
        }
        Ok(found)
    }

    /// An issue's hours beside those of its project; `None` where they can't be told.
    async fn series(&self, row: &Row, whole: &Scope) -> Result<Option<Series>, StoreError> {
        let (_, end) = self.span(whole);
        let project = Some(row.issue.project.as_str().into());
        let last = hour_of(end);
        let own = format!("issue.id:{}", row.issue.id);
        let first = last - DAYS * 24;
        let scope = Scope { project, start: Some(start_of_hour(first)), ..whole.clone() };
        let (counts, mut traffic) = tokio::try_join!(self.hours(&scope, Search::from(&own)), self.traffic(&scope))?;
        if traffic.is_empty() {
            traffic = self.other_traffic(&scope, &own).await?;
        }
        let from = traffic.keys().min().copied().unwrap_or(last).max(first);
        let hour = |hour: i64| Hour {
            count: counts.get(&hour).copied().unwrap_or(0),
            exposure: traffic.get(&hour).copied().unwrap_or(0),
        };
        // The last hour is not whole.
        Ok((from < last).then(|| Series { start: start_of_hour(from), hours: (from..last).map(hour).collect() }))
    }

    /// Users by the hour; where no event names one, events.
    async fn hours(&self, scope: &Scope, search: Search<'_>) -> Result<HashMap<i64, u64>, StoreError> {
        let users = self.points(scope, search, "count_unique(user)", HOUR_S).await?;
        let by_users = users.iter().any(|(_, n)| *n > 0);
        let counts = if by_users { users } else { self.points(scope, search, "count()", HOUR_S).await? };
        Ok(counts.into_iter().map(|(at, n)| (at.div_euclid(HOUR_S), n)).collect())
    }

    /// Sessions of a scope by the hour.
    async fn traffic(&self, scope: &Scope) -> Result<HashMap<i64, u64>, StoreError> {
        let (start, end) = self.span(scope);
        let ask = Ask::new(&SESSIONS)
            .param("field", "sum(session)")
            .param("interval", "1h")
            .param("includeSeries", "1")
            .param("includeTotals", "0")
            .between(start, end);
        let reply = optional(self.server.send(&self.scoped(ask, scope).await?).await.map(|reply| reply.json))?;
        let mut found: HashMap<i64, u64> = HashMap::new();
        let hours: Vec<Option<i64>> =
            list(&reply, "intervals").iter().map(|at| crate::protocol::timestamp(at).map(hour_of)).collect();
        for group in list(&reply, "groups") {
            let series = group.get("series").map_or(&[][..], |series| list(series, "sum(session)"));
            for (hour, n) in hours.iter().zip(series) {
                if let (Some(hour), Some(n @ 1..)) = (hour, n.as_u64()) {
                    *found.entry(*hour).or_default() += n;
                }
            }
        }
        Ok(found)
    }

    /// Events of other issues by the hour, where there are no sessions.
    async fn other_traffic(&self, scope: &Scope, own: &str) -> Result<HashMap<i64, u64>, StoreError> {
        let fields = ["timestamp.to_hour", "count()"];
        let pages = self.groups(scope, &format!("!{own}"), &fields, "-timestamp.to_hour", HOURS).await;
        let hour = |row: &serde_json::Value| Some((hour_of(time(row, "timestamp.to_hour")?), count(row, "count()")?));
        Ok(optional(pages)?.items.iter().filter_map(hour).collect())
    }
}

/// Users of the one release that was asked for, as its sessions tell them. Those of several releases don't add up.
fn active_of_one(uses: &ExposureByProject, shared: &Shared<'_>) -> HashMap<String, u64> {
    let Some([release]) = shared.since else { return HashMap::new() };
    uses.iter().filter_map(|(slug, used)| Some((slug.clone(), used.users_of(release.raw())?))).collect()
}

fn hour_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(3_600)
}

fn start_of_hour(hour: i64) -> Timestamp {
    Timestamp::from_second(hour * 3_600).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn judge(
    row: &Row,
    history: &[InOne],
    releases: &[ReleaseFacts],
    used: Option<&Exposure>,
    series: &Series,
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
        series,
    });
    let (change, why) = marked(row, change, why);
    let named = |one: &InRelease| one.release.clone();
    let (first_release, last_release) = &row.releases;
    IssueFacts {
        issue: row.issue.clone(),
        events: row.events,
        users: row.users,
        users_known: row.users_known(),
        active_users: 0,
        first_seen: Some(first_seen),
        last_seen: Some(last_seen),
        first_release: list.iter().find(|one| one.events > 0).map(named).or_else(|| first_release.clone()),
        last_release: list.iter().rev().find(|one| one.events > 0).map(named).or_else(|| last_release.clone()),
        environments: Vec::new(),
        replays: 0,
        onset: if let ChangeReason::Grew(onset) = &why { Some(*onset) } else { None },
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::backend::sentry::{Options, Token};

    fn row(json: serde_json::Value) -> Row {
        let options = Options::new(Token::new("t").unwrap(), || Timestamp::UNIX_EPOCH);
        let store = SentryStore::new(Options { org: Some("acme".into()), ..options }).unwrap();
        store.row(&json).unwrap()
    }

    #[test]
    fn sentrys_own_word_counts_where_the_history_says_less() {
        let steady = || ChangeReason::Steady { since_release: None, since: Timestamp::UNIX_EPOCH };
        let told = |json, change| marked(&row(json), change, steady()).0;
        let back = || json!({ "id": 1, "substatus": "regressed" });
        assert_eq!(told(back(), Change::Ongoing), Change::Regressed);
        assert_eq!(told(back(), Change::New), Change::New);
        assert_eq!(told(json!({ "id": 1, "substatus": "escalating" }), Change::Ongoing), Change::Escalating);
        assert_eq!(told(json!({ "id": 1, "status": "resolved" }), Change::Ongoing), Change::Resolved);
        assert_eq!(told(json!({ "id": 1 }), Change::Ongoing), Change::Ongoing);
    }

    #[test]
    fn an_issue_is_new_in_the_first_release_that_has_it() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let release = |name: &str, day: u32| ReleaseFacts {
            release: crate::model::Release {
                version: name.into(),
                first_seen: at(&format!("2026-11-{day:02}T00:00:00Z")),
                last_seen: at("2026-11-20T00:00:00Z"),
                deploys: Vec::new(),
            },
            seen: true,
            projects: vec!["shop".into()],
            sessions: Default::default(),
            users: 0,
            crashed_users: 0,
            nameless_crashes: false,
            adoption: None,
            new_issues: 0,
            events: 0,
        };
        let releases = [release("a@1", 1), release("a@2", 10), release("a@3", 15)];
        let seen = |name: &str, day: u32| InOne {
            release: Some(name.into()),
            events: 2,
            first: Some(at(&format!("2026-11-{day:02}T08:00:00Z"))),
            last: Some(at(&format!("2026-11-{day:02}T09:00:00Z"))),
        };
        let names: Vec<Untrusted> = vec!["a@2".into(), "a@3".into()];
        let (scope, as_of) = (Scope::default(), at("2026-11-20T00:00:00Z"));
        let shared = Shared { scope: &scope, since: Some(&names), rest: &[], is_long: true };
        let told = |history: &[InOne]| {
            let row = row(json!({ "id": 1, "project": { "slug": "shop" } }));
            judge(&row, history, &releases, None, &Series::default(), &shared, as_of)
        };
        let new = told(&[seen("a@3", 16)]);
        assert_eq!((new.change, new.first_release.unwrap().raw()), (Change::New, "a@3"));
        let old = told(&[seen("a@1", 2), seen("a@3", 16)]);
        assert_eq!((old.change, old.last_release.unwrap().raw()), (Change::Ongoing, "a@3"));
        assert_eq!(old.first_seen.unwrap(), at("2026-11-02T08:00:00Z"));
    }
}
