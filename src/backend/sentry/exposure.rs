//! How much projects were used: sessions by release and day, else all their events.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{
    ask::Ask,
    fault::Fault,
    json::{count, list, text, time, word},
    operation::{EVENTS, SESSIONS},
    server::Pages,
    store::SentryStore,
};
use crate::{
    model::{SessionCounts, Timestamp},
    store::{Scope, StoreError},
};

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
pub(super) struct Use {
    /// Whether it is sessions, or events.
    pub(super) by_sessions: bool,
    pub(super) by_release: HashMap<String, u64>,
    pub(super) by_day: HashMap<i64, u64>,
    /// By day and release.
    pub(super) cells: HashMap<(i64, String), u64>,
}

/// Sessions of one release.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    pub(super) counts: SessionCounts,
    pub(super) users: u64,
}

impl SentryStore {
    /// The use of each project of a scope, by slug.
    pub(super) async fn uses_of(&self, scope: &Scope) -> Result<Arc<HashMap<String, Use>>, StoreError> {
        self.uses.get(self.name_of(scope), self.load_uses(scope)).await
    }

    async fn load_uses(&self, scope: &Scope) -> Result<HashMap<String, Use>, StoreError> {
        let mut uses = self.uses_by_sessions(scope).await?;
        let known = self.server.projects().await?;
        let asked = |slug: &str| scope.project.as_ref().is_none_or(|project| project.raw() == slug);
        if known.iter().any(|project| asked(&project.slug) && !uses.contains_key(&project.slug)) {
            for (slug, used) in self.uses_by_events(scope).await? {
                uses.entry(slug).or_insert(used);
            }
        }
        Ok(uses)
    }

    /// Projects without a session have no entry.
    async fn uses_by_sessions(&self, scope: &Scope) -> Result<HashMap<String, Use>, StoreError> {
        let (start, end) = self.span(scope);
        let ask = Ask::new(&SESSIONS)
            .each("field", ["sum(session)"])
            .each("groupBy", ["project", "release"])
            .param("interval", "1d")
            .param("includeSeries", "1")
            .param("includeTotals", "1")
            .param("per_page", "100")
            .between(start_of(day_of(start)), end);
        let reply = match self.server.send(&self.scoped(ask, scope).await?).await {
            Ok(reply) => reply.json,
            // A plan or a server without release health.
            Err(fault) if fault.is_lacking() => return Ok(HashMap::new()),
            Err(fault) => return Err(fault.into()),
        };
        let slugs = self.server.slugs().await?;
        let days: Vec<Option<i64>> =
            list(&reply, "intervals").iter().map(|at| crate::protocol::timestamp(at).map(day_of)).collect();
        let mut uses: HashMap<String, Use> = HashMap::new();
        for group in list(&reply, "groups") {
            let by = group.get("by").unwrap_or(&Value::Null);
            let total = group.get("totals").and_then(|totals| count(totals, "sum(session)")).unwrap_or(0);
            let slug = count(by, "project").and_then(|id| slugs.get(&id));
            let (Some(slug), Some(release), true) = (slug, text(by, "release"), total > 0) else { continue };
            let used = uses.entry(slug.clone()).or_default();
            used.by_sessions = true;
            *used.by_release.entry(release.raw().to_owned()).or_default() += total;
            let series = group.pointer("/series/sum(session)").and_then(Value::as_array);
            for (day, n) in days.iter().zip(series.into_iter().flatten()) {
                let (Some(day), Some(n @ 1..)) = (day, n.as_u64()) else { continue };
                *used.by_day.entry(*day).or_default() += n;
                *used.cells.entry((*day, release.raw().to_owned())).or_default() += n;
            }
        }
        Ok(uses)
    }

    async fn uses_by_events(&self, scope: &Scope) -> Result<HashMap<String, Use>, StoreError> {
        let fields = ["project", "release", "timestamp.to_day", "count()"];
        let rows = match self.groups(scope, "", &fields, "-count()", 300).await {
            Ok(rows) => rows.items,
            Err(Fault::NotThere | Fault::Strange(_)) => return Ok(HashMap::new()),
            Err(fault) => return Err(fault.into()),
        };
        let mut uses: HashMap<String, Use> = HashMap::new();
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

    /// Users of each project with a session or an event, by slug: the larger of both, since sets can't be united.
    pub(super) async fn active_users(&self, scope: &Scope) -> Result<Arc<HashMap<String, u64>>, StoreError> {
        self.active.get(self.name_of(scope), self.load_active_users(scope)).await
    }

    async fn load_active_users(&self, scope: &Scope) -> Result<HashMap<String, u64>, StoreError> {
        let (start, end) = self.span(scope);
        let ask = Ask::new(&SESSIONS)
            .param("field", "count_unique(user)")
            .param("groupBy", "project")
            .param("interval", "1d")
            .param("includeSeries", "0")
            .param("includeTotals", "1")
            .between(start_of(day_of(start)), end);
        let ask = self.scoped(ask, scope).await?;
        let fields = ["project", "count_unique(user)"];
        let (sessions, events) =
            tokio::join!(self.server.send(&ask), self.groups(scope, "", &fields, "-count_unique(user)", 100));
        let slugs = self.server.slugs().await?;
        let mut found: HashMap<String, u64> = HashMap::new();
        let sessions = match sessions {
            Ok(reply) => reply.json,
            Err(fault) if fault.is_lacking() => Value::Null,
            Err(fault) => return Err(fault.into()),
        };
        for group in list(&sessions, "groups") {
            let (by, n) = parts(group, "count_unique(user)");
            if let Some(slug) = count(by, "project").and_then(|id| slugs.get(&id)) {
                found.insert(slug.clone(), n);
            }
        }
        for row in super::releases::optional(events)?.items {
            let users = found.entry(word(&row, "project").to_owned()).or_default();
            *users = (*users).max(count(&row, "count_unique(user)").unwrap_or(0));
        }
        Ok(found)
    }

    /// Users of all projects of a scope together with a session or an event: the larger of both.
    pub(super) async fn active_across(&self, scope: &Scope) -> Result<u64, StoreError> {
        let (start, end) = self.span(scope);
        let ask = Ask::new(&SESSIONS)
            .param("field", "count_unique(user)")
            .param("interval", "1d")
            .param("includeSeries", "0")
            .param("includeTotals", "1")
            .between(start_of(day_of(start)), end);
        let ask = self.scoped(ask, scope).await?;
        let (sessions, events) = tokio::join!(self.server.send(&ask), self.totals(scope, ""));
        let sessions = super::releases::optional(sessions.map(|reply| reply.json))?;
        let users = list(&sessions, "groups").iter().map(|group| parts(group, "count_unique(user)").1).max();
        Ok(users.unwrap_or(0).max(events?.1))
    }

    /// Events of a scope in groups: the rows, largest or newest first.
    pub(super) async fn groups(
        &self,
        scope: &Scope,
        query: &str,
        fields: &[&str],
        sort: &str,
        most: usize,
    ) -> Result<Pages, Fault> {
        let name = format!("{}\n{query}\n{}\n{sort}\n{most}", self.name_of(scope), fields.join("\n"));
        let load = self.load_groups(scope, query, fields, sort, most);
        Ok(self.tables.get(name, load).await?.as_ref().clone())
    }

    async fn load_groups(
        &self,
        scope: &Scope,
        query: &str,
        fields: &[&str],
        sort: &str,
        most: usize,
    ) -> Result<Pages, Fault> {
        let (start, end) = self.span(scope);
        let ask = Ask::new(&EVENTS)
            .param("dataset", "errors")
            .each("field", fields.iter().copied())
            .param("query", query)
            .param("sort", sort)
            .param("per_page", most.min(100).to_string())
            .between(start, end);
        let ask = match self.scoped(ask, scope).await {
            Ok(ask) => ask,
            Err(StoreError::NotFound { .. }) => return Err(Fault::NotThere),
            Err(_) => return Err(Fault::Strange("does not tell its projects")),
        };
        self.server.pages(ask, "data", most).await
    }

    /// Sessions of each release of a scope, by how they ended, and their users.
    pub(super) async fn health(&self, scope: &Scope) -> Result<Arc<HashMap<String, Health>>, StoreError> {
        self.health.get(self.name_of(scope), self.load_health(scope)).await
    }

    async fn load_health(&self, scope: &Scope) -> Result<HashMap<String, Health>, StoreError> {
        let (start, end) = self.span(scope);
        let ask = |groups: &[&'static str], field: &'static str| {
            Ask::new(&SESSIONS)
                .param("field", field)
                .each("groupBy", groups.iter().copied())
                .param("interval", "1h")
                .param("includeSeries", "0")
                .param("includeTotals", "1")
                .between(start, end)
        };
        let by_end = self.scoped(ask(&["release", "session.status"], "sum(session)"), scope).await?;
        let users = self.scoped(ask(&["release"], "count_unique(user)"), scope).await?;
        let (by_end, users) = tokio::join!(self.server.send(&by_end), self.server.send(&users));
        let (by_end, users) = match (by_end, users) {
            (Ok(by_end), Ok(users)) => (by_end.json, users.json),
            (Err(fault), _) | (_, Err(fault)) if fault.is_lacking() => return Ok(HashMap::new()),
            (Err(fault), _) | (_, Err(fault)) => return Err(fault.into()),
        };
        let mut found: HashMap<String, Health> = HashMap::new();
        for group in list(&by_end, "groups") {
            let (by, n) = parts(group, "sum(session)");
            let Some(release) = text(by, "release") else { continue };
            let counts = &mut found.entry(release.into_raw()).or_default().counts;
            counts.total += n;
            match word(by, "session.status") {
                "errored" => counts.errored += n,
                "crashed" => counts.crashed += n,
                "abnormal" => counts.abnormal += n,
                "unhandled" => counts.unhandled += n,
                _ => {}
            }
        }
        for group in list(&users, "groups") {
            let (by, n) = parts(group, "count_unique(user)");
            if let Some(health) = text(by, "release").and_then(|release| found.get_mut(release.raw())) {
                health.users = n;
            }
        }
        found.retain(|_, health| health.counts.total > 0);
        Ok(found)
    }
}

fn parts<'a>(group: &'a Value, field: &str) -> (&'a Value, u64) {
    let n = group.get("totals").and_then(|totals| count(totals, field)).unwrap_or(0);
    (group.get("by").unwrap_or(&Value::Null), n)
}
