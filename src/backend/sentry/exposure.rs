//! How much projects were used: sessions by release and day, else all their events.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::Value;

use super::{
    ask::Ask,
    fault::{RequestError, optional},
    json::{count, list, text, time, word},
    operation::{EVENTS, SESSIONS},
    row::Dataset,
    server::Pages,
    store::SentryStore,
};
use crate::{
    model::{SessionCounts, Timestamp},
    store::{Scope, StoreError},
};

/// The share of sessions that did not crash.
const CRASH_FREE: &str = "crash_free_rate(session)";
/// Groups of sessions of one answer.
const GROUPS: usize = 100;
/// Seconds of a day.
pub(super) const DAY_S: i64 = 86_400;

/// The UTC day of a moment.
pub(super) fn day_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(DAY_S)
}

/// The start of a day.
pub(super) fn start_of(day: i64) -> Timestamp {
    Timestamp::from_second(day * DAY_S).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The use of one project.
#[derive(Clone, Debug, Default)]
pub(super) struct Exposure {
    /// Whether it is sessions, or events.
    pub(super) by_sessions: bool,
    pub(super) by_release: HashMap<String, u64>,
    pub(super) by_day: HashMap<i64, u64>,
    /// By day and release.
    pub(super) cells: HashMap<(i64, String), u64>,
    /// Sessions of each release.
    health: HashMap<String, Health>,
}

impl Exposure {
    /// Users with a session of a release, where there are any.
    pub(super) fn users_of(&self, release: &str) -> Option<u64> {
        self.health.get(release).map(|health| health.users).filter(|users| *users > 0)
    }
}

/// A search for events, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search<'a> {
    pub(super) text: &'a str,
    pub(super) dataset: Dataset,
}

impl<'a> From<&'a str> for Search<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, dataset: Dataset::Errors }
    }
}

impl<'a> From<&'a String> for Search<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}

/// The use of projects, by slug.
pub(super) type ExposureByProject = HashMap<String, Arc<Exposure>>;

/// The use of projects as sessions tell it, by number.
#[derive(Debug, Default)]
pub(super) struct ProjectUsage {
    uses: HashMap<u64, Arc<Exposure>>,
    /// Whether there may be more than was read.
    cut: bool,
}

/// Sessions of one release.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    pub(super) counts: SessionCounts,
    pub(super) users: u64,
}

impl ProjectUsage {
    /// Projects without a session have no entry.
    fn of(reply: &Value) -> Self {
        let groups = list(reply, "groups");
        let days: Vec<Option<i64>> =
            list(reply, "intervals").iter().map(|at| crate::protocol::timestamp(at).map(day_of)).collect();
        let mut uses: HashMap<u64, Exposure> = HashMap::new();
        for group in groups {
            let (by, total) = parts(group, "sum(session)");
            let (Some(project), Some(release), true) = (count(by, "project"), text(by, "release"), total > 0) else {
                continue;
            };
            let used = uses.entry(project).or_default();
            used.by_sessions = true;
            *used.by_release.entry(release.raw().to_owned()).or_default() += total;
            used.health.entry(release.raw().to_owned()).or_default().add(Health::of(group));
            let series = group.pointer("/series/sum(session)").and_then(Value::as_array);
            for (day, n) in days.iter().zip(series.into_iter().flatten()) {
                let (Some(day), Some(n @ 1..)) = (day, n.as_u64()) else { continue };
                *used.by_day.entry(*day).or_default() += n;
                *used.cells.entry((*day, release.raw().to_owned())).or_default() += n;
            }
        }
        let uses = uses.into_iter().map(|(project, used)| (project, Arc::new(used))).collect();
        Self { uses, cut: groups.len() >= GROUPS }
    }
}

impl Health {
    /// Of a group's totals.
    fn of(group: &Value) -> Self {
        let totals = group.get("totals").unwrap_or(&Value::Null);
        let total = count(totals, "sum(session)").unwrap_or(0);
        let crash_free = totals.get(CRASH_FREE).and_then(Value::as_f64).unwrap_or(1.0);
        let crashed = ((1.0 - crash_free.clamp(0.0, 1.0)) * total as f64).round() as u64;
        let counts = SessionCounts { total, crashed, ..SessionCounts::default() };
        Self { counts, users: count(totals, "count_unique(user)").unwrap_or(0) }
    }

    /// Those of another group. Who uses a release in several projects is counted once, in the largest.
    fn add(&mut self, other: Self) {
        self.counts.total += other.counts.total;
        self.counts.crashed += other.counts.crashed;
        self.users = self.users.max(other.users);
    }
}

impl SentryStore {
    /// The use of those projects within a scope: by sessions, else by events.
    pub(super) async fn uses_of(
        &self,
        scope: &Scope,
        projects: &BTreeSet<&str>,
    ) -> Result<ExposureByProject, StoreError> {
        let told = self.told(scope).await?;
        let mut uses = ExposureByProject::new();
        for slug in projects {
            let number = self.server.number_of(slug).await?;
            if let Some(used) = number.and_then(|number| told.uses.get(&number)) {
                uses.insert((*slug).to_owned(), used.clone());
            }
        }
        if uses.len() < projects.len() {
            for (slug, used) in self.uses_by_events(scope).await? {
                uses.entry(slug).or_insert_with(|| Arc::new(used));
            }
        }
        Ok(uses)
    }

    /// The reply about all projects, where it is known, serves for one of them, unless it was cut short.
    async fn told(&self, scope: &Scope) -> Result<ProjectUsage, StoreError> {
        let ask = self.days_of_sessions(scope);
        if let Some(told) =
            self.told_of_all(&ask, scope).await?.map(|json| ProjectUsage::of(&json)).filter(|told| !told.cut)
        {
            return Ok(told);
        }
        match self.server.send(&self.scoped(ask, scope).await?).await {
            Ok(reply) => Ok(ProjectUsage::of(&reply.json)),
            // A plan or a server without release health.
            Err(fault) if fault.is_lacking() => Ok(ProjectUsage::default()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// What is known of all projects, where one was asked for.
    async fn told_of_all(&self, ask: &Ask, scope: &Scope) -> Result<Option<Value>, StoreError> {
        if scope.project.is_none() {
            return Ok(None);
        }
        let all = self.scoped(ask.clone(), &Scope { project: None, ..scope.clone() }).await?;
        Ok(self.server.known(&all).await.map(|reply| reply.json))
    }

    /// Asks for sessions and their users by project and release, in all and by day.
    fn days_of_sessions(&self, scope: &Scope) -> Ask {
        let (start, end) = self.span(scope);
        Ask::new(&SESSIONS)
            .each("field", ["sum(session)", "count_unique(user)", CRASH_FREE])
            .each("groupBy", ["project", "release"])
            .param("interval", "1d")
            .param("includeSeries", "1")
            .param("includeTotals", "1")
            .param("per_page", GROUPS.to_string())
            .between(start_of(day_of(start)), end)
    }

    async fn uses_by_events(&self, scope: &Scope) -> Result<HashMap<String, Exposure>, StoreError> {
        let fields = ["project", "release", "timestamp.to_day", "count()"];
        let rows = match self.groups(scope, "", &fields, "-count()", 300).await {
            Ok(rows) => rows.items,
            Err(RequestError::NotThere | RequestError::Strange(_)) => return Ok(HashMap::new()),
            Err(fault) => return Err(fault.into()),
        };
        let mut uses: HashMap<String, Exposure> = HashMap::new();
        for row in rows {
            let n = count(&row, "count()").unwrap_or(0);
            let used = uses.entry(word(&row, "project").to_owned()).or_default();
            if let Some(day) = time(&row, "timestamp.to_day").map(day_of) {
                *used.by_day.entry(day).or_default() += n;
                if let Some(release) = text(&row, "release") {
                    *used.cells.entry((day, release.raw().to_owned())).or_default() += n;
                }
            }
            if let Some(release) = text(&row, "release") {
                *used.by_release.entry(release.into_raw()).or_default() += n;
            }
        }
        Ok(uses)
    }

    /// Active users of those projects, of which so many at least are known: with a session, else with an event. Where
    /// more are known than the sessions tell, these don't tell all: then it is the larger of both, since sets can't be
    /// united.
    pub(super) async fn active_users(
        &self,
        scope: &Scope,
        seen: &BTreeMap<&str, u64>,
    ) -> Result<HashMap<String, u64>, StoreError> {
        let told = self.with_sessions(scope).await?;
        let (mut found, mut lacking) = (HashMap::new(), false);
        for (slug, users) in seen {
            let number = self.server.number_of(slug).await?;
            let active = number.and_then(|number| told.get(&number)).copied().unwrap_or(0);
            lacking |= active < (*users).max(1);
            found.insert((*slug).to_owned(), active);
        }
        if lacking {
            for (slug, users) in self.with_events(scope).await? {
                found.entry(slug).and_modify(|active| *active = (*active).max(users));
            }
        }
        Ok(found)
    }

    /// Users of all projects of a scope together with a session or an event: the larger of both.
    pub(super) async fn active_across(&self, scope: &Scope) -> Result<u64, StoreError> {
        let ask = self.scoped(self.users_of_sessions(scope), scope).await?;
        let (sessions, events) = tokio::join!(self.server.send(&ask), self.totals(scope, "".into()));
        let sessions = optional(sessions.map(|reply| reply.json))?;
        let users = list(&sessions, "groups").iter().map(|group| parts(group, "count_unique(user)").1).max();
        Ok(users.unwrap_or(0).max(events?.1))
    }

    /// Asks for users with a session; the scope's first day counts whole.
    fn users_of_sessions(&self, scope: &Scope) -> Ask {
        let (start, end) = self.span(scope);
        Ask::new(&SESSIONS)
            .param("field", "count_unique(user)")
            .param("interval", "1d")
            .param("includeSeries", "0")
            .param("includeTotals", "1")
            .between(start_of(day_of(start)), end)
    }

    /// Active users of all projects of a scope, added up: in each those with a session or those with an event,
    /// whichever are more.
    pub(super) async fn all_active_users(&self, scope: &Scope) -> Result<u64, StoreError> {
        let (told, events) = tokio::join!(self.with_sessions(scope), self.with_events(scope));
        let (told, mut by_slug) = (told?, events?);
        let slugs = self.server.slugs(told.keys().copied()).await?;
        for (number, users) in told.iter() {
            let slug = slugs.get(number).cloned().unwrap_or_else(|| number.to_string());
            let active = by_slug.entry(slug).or_default();
            *active = (*active).max(*users);
        }
        Ok(by_slug.values().sum())
    }

    /// Users of each project with an event.
    async fn with_events(&self, scope: &Scope) -> Result<HashMap<String, u64>, StoreError> {
        let fields = ["project", "count_unique(user)"];
        let events = self.groups(scope, "", &fields, "-count_unique(user)", 100).await;
        let users = |row: &Value| Some((text(row, "project")?.into_raw(), count(row, "count_unique(user)")?));
        Ok(optional(events)?.items.iter().filter_map(users).collect())
    }

    /// Users of each project with a session, by number.
    pub(super) async fn with_sessions(&self, scope: &Scope) -> Result<HashMap<u64, u64>, StoreError> {
        let ask = self.users_of_sessions(scope).param("groupBy", "project");
        let reply = match self.told_of_all(&ask, scope).await? {
            Some(json) => json,
            None => optional(self.server.send(&self.scoped(ask, scope).await?).await.map(|reply| reply.json))?,
        };
        let groups = list(&reply, "groups").iter().map(|group| parts(group, "count_unique(user)"));
        Ok(groups.filter_map(|(by, n)| Some((count(by, "project")?, n))).collect())
    }

    /// Events of a scope in groups: the rows, largest or newest first.
    pub(super) async fn groups(
        &self,
        scope: &Scope,
        search: impl Into<Search<'_>>,
        fields: &[&str],
        sort: &str,
        most: usize,
    ) -> Result<Pages, RequestError> {
        let (start, end) = self.span(scope);
        let Search { text, dataset } = search.into();
        let ask = Ask::new(&EVENTS)
            .param("dataset", dataset.name())
            .each("field", fields.iter().copied())
            .param("query", text)
            .param("sort", sort)
            .param("per_page", most.min(100).to_string())
            .between(start, end);
        let ask = match self.scoped(ask, scope).await {
            Ok(ask) => ask,
            Err(StoreError::NotFound { .. }) => return Err(RequestError::NotThere),
            Err(_) => return Err(RequestError::Strange("does not tell its projects")),
        };
        self.server.pages(ask, "data", most).await
    }

    /// Sessions of each release of a scope, and their users.
    pub(super) async fn health(&self, scope: &Scope) -> Result<HashMap<String, Health>, StoreError> {
        let mut found: HashMap<String, Health> = HashMap::new();
        // Days are exact where all of them are asked for.
        let told = if scope.start.is_none() { Some(self.told(scope).await?) } else { None };
        if let Some(told) = told.filter(|told| !told.cut) {
            let project = match &scope.project {
                Some(slug) => self.server.number_of(slug.raw()).await?,
                None => None,
            };
            let asked = told.uses.iter().filter(|(number, _)| project.is_none_or(|project| project == **number));
            for (_, used) in asked {
                for (release, health) in &used.health {
                    found.entry(release.clone()).or_default().add(*health);
                }
            }
            return Ok(found);
        }
        let (start, end) = self.span(scope);
        let ask = Ask::new(&SESSIONS)
            .each("field", ["sum(session)", "count_unique(user)", CRASH_FREE])
            .param("groupBy", "release")
            .param("interval", "1h")
            .param("includeSeries", "0")
            .param("includeTotals", "1")
            .between(start, end);
        let reply = optional(self.server.send(&self.scoped(ask, scope).await?).await.map(|reply| reply.json))?;
        for group in list(&reply, "groups") {
            let Some(release) = group.get("by").and_then(|by| text(by, "release")) else { continue };
            found.entry(release.into_raw()).or_default().add(Health::of(group));
        }
        found.retain(|_, health| health.counts.total > 0);
        Ok(found)
    }
}

fn parts<'a>(group: &'a Value, field: &str) -> (&'a Value, u64) {
    let n = group.get("totals").and_then(|totals| count(totals, field)).unwrap_or(0);
    (group.get("by").unwrap_or(&Value::Null), n)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sessions_are_told_by_project_release_and_day() {
        let group = |project: u64, release: &str, series: [u64; 2]| {
            json!({
                "by": { "project": project, "release": release },
                "totals": { "sum(session)": series[0] + series[1], "count_unique(user)": 7, CRASH_FREE: 0.9 },
                "series": { "sum(session)": series },
            })
        };
        let told = ProjectUsage::of(&json!({
            "intervals": ["2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"],
            "groups": [group(1, "a@1", [4, 6]), group(1, "a@2", [0, 10]), group(2, "b@1", [0, 0])],
        }));
        assert_eq!(told.uses.len(), 1, "without a session there is no use");
        let used = &told.uses[&1];
        assert_eq!((used.by_release["a@1"], used.users_of("a@2"), used.users_of("b@1")), (10, Some(7), None));
        let first = day_of("2026-11-19T08:00:00Z".parse().unwrap());
        assert_eq!((used.by_day[&first], used.by_day[&(first + 1)]), (4, 16));
        assert_eq!(used.health["a@2"].counts.crashed, 1);
        assert!(!told.cut);
        assert!(ProjectUsage::of(&Value::Null).uses.is_empty());
    }
}
