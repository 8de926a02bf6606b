//! Releases: when, and how they fare.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    ask::Ask,
    exposure::ExposureByProject,
    json::{count, list, text, time, word},
    operation::RELEASES,
    server::Pages,
    store::SentryStore,
};
use crate::{
    model::{Deploy, Release, SessionCounts},
    release::sort_releases,
    store::{ReleaseFacts, ReleaseQuery, Scope, StoreError},
};

/// Releases that are looked at: the newest.
const MOST: usize = 300;

impl SentryStore {
    /// Answers `SignalStore::releases`.
    pub(super) async fn list_releases(&self, query: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        let mut found = self.known_releases(&query.scope).await?;
        let (start, _) = self.span(&query.scope);
        if query.scope.start.is_some() {
            found.retain(|facts| facts.release.last_seen >= start);
        }
        found.reverse();
        let page = found.into_iter().skip(query.skip).take(query.limit.unwrap_or(usize::MAX));
        let mut found: Vec<ReleaseFacts> = page.collect();
        if self.is_glitchtip_known() {
            found.iter_mut().for_each(|facts| facts.seen = true);
        } else if query.counts && !found.is_empty() {
            self.add_counts(&mut found, &query.scope).await?;
        }
        Ok(found)
    }

    /// All releases up to the scope's end, oldest first, without counts.
    pub(super) async fn known_releases(&self, scope: &Scope) -> Result<Vec<ReleaseFacts>, StoreError> {
        let rows = self.release_rows(scope).await?;
        let (_, end) = self.span(scope);
        let mut found: Vec<ReleaseFacts> = rows.items.iter().filter_map(facts).collect();
        found.retain(|facts| facts.release.first_seen <= end);
        for facts in &mut found {
            facts.release.last_seen = facts.release.last_seen.min(end);
            facts.release.deploys.retain(|deploy| deploy.at <= end);
        }
        let mut order: Vec<Release> = found.iter().map(|facts| facts.release.clone()).collect();
        sort_releases(&mut order);
        let places: HashMap<&str, usize> = order.iter().enumerate().map(|(i, r)| (r.version.raw(), i)).collect();
        found.sort_by_key(|facts| places.get(facts.release.version.raw()).copied());
        Ok(found)
    }

    /// The rows of all projects, where they are known, serve for one of them if none of its releases is another's too.
    pub(super) async fn release_rows(&self, scope: &Scope) -> Result<Pages, StoreError> {
        let ask = Ask::new(&RELEASES).param("per_page", "100");
        if let Some(slug) = &scope.project {
            let of_project = |row: &Value| list(row, "projects").iter().any(|of| word(of, "slug") == slug.raw());
            let all = self.scoped(ask.clone(), &Scope { project: None, ..scope.clone() }).await?;
            if let Some(all) = self.server.known(&all).await.filter(|all| all.next.is_none()) {
                let own: Vec<&Value> = list(&all.json, "").iter().filter(|row| of_project(row)).collect();
                if own.iter().all(|row| list(row, "projects").len() == 1) {
                    return Ok(Pages { items: own.into_iter().cloned().collect(), more: false });
                }
            }
        }
        let pages = self.server.pages(self.scoped(ask, scope).await?, "", MOST).await?;
        self.server.heard(&pages.items);
        Ok(pages)
    }

    async fn add_counts(&self, found: &mut [ReleaseFacts], scope: &Scope) -> Result<(), StoreError> {
        let projects = found.iter().flat_map(|facts| &facts.projects).map(String::as_str).collect();
        let (health, uses, events) = tokio::join!(
            self.health(scope),
            self.uses_of(scope, &projects),
            self.groups(scope, "", &["release", "count()", "count_unique(user)"], "-count()", 300)
        );
        let (health, uses) = (health?, uses?);
        let events = match events {
            Ok(pages) => pages.items,
            Err(fault) if fault.is_lacking() => Vec::new(),
            Err(fault) => return Err(fault.into()),
        };
        let mut by_name: HashMap<&str, (u64, u64)> = HashMap::new();
        for row in &events {
            // Some servers tell the projects of a release apart.
            let known = by_name.entry(word(row, "release")).or_default();
            known.0 += count(row, "count()").unwrap_or(0);
            known.1 = known.1.max(count(row, "count_unique(user)").unwrap_or(0));
        }
        let events = by_name;
        let adoption = adoption(&uses);
        for facts in found {
            let name = facts.release.version.raw();
            let of_sessions = health.get(name).copied().unwrap_or_default();
            let (count, users) = events.get(name).copied().unwrap_or_default();
            facts.sessions = of_sessions.counts;
            // Who has a session and who has an event overlap, mostly whole: the larger is the closest that is known.
            facts.users = of_sessions.users.max(users);
            facts.events = count;
            facts.seen |= of_sessions.counts.total + count > 0;
            facts.adoption = adoption.as_ref().map(|shares| shares.get(name).copied().unwrap_or(0.0));
        }
        Ok(())
    }
}

/// The share of each release in the newest day with sessions (events without sessions).
fn adoption(uses: &ExposureByProject) -> Option<HashMap<String, f64>> {
    let by_sessions = uses.values().any(|used| used.by_sessions);
    let cells = || {
        uses.values()
            .filter(|used| used.by_sessions == by_sessions)
            .flat_map(|used| &used.cells)
            .filter(|(_, n)| **n > 0)
    };
    let newest = cells().map(|((day, _), _)| *day).max()?;
    let mut shares: HashMap<String, f64> = HashMap::new();
    for ((_, release), n) in cells().filter(|((day, _), _)| *day == newest) {
        *shares.entry(release.clone()).or_default() += *n as f64;
    }
    let total: f64 = shares.values().sum();
    shares.values_mut().for_each(|share| *share /= total);
    Some(shares)
}

/// A row of the list.
fn facts(row: &Value) -> Option<ReleaseFacts> {
    let version = text(row, "version")?;
    let created = time(row, "dateCreated");
    let first = [created, time(row, "firstEvent")].into_iter().flatten().min().or(time(row, "dateReleased"))?;
    let last = [time(row, "lastEvent"), Some(first)].into_iter().flatten().max()?;
    let deploy = row.get("lastDeploy").and_then(|deploy| {
        let at = time(deploy, "dateFinished").or_else(|| time(deploy, "dateStarted"))?;
        Some(Deploy { environment: text(deploy, "environment"), at })
    });
    let mut projects: Vec<String> =
        list(row, "projects").iter().map(|project| word(project, "slug").to_owned()).collect();
    projects.sort();
    Some(ReleaseFacts {
        seen: time(row, "firstEvent").or(time(row, "lastEvent")).is_some(),
        release: Release { version, first_seen: first, last_seen: last, deploys: deploy.into_iter().collect() },
        projects,
        sessions: SessionCounts::default(),
        users: 0,
        crashed_users: 0,
        nameless_crashes: false,
        adoption: None,
        new_issues: count(row, "newGroups").unwrap_or(0),
        events: 0,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_release_is_read_with_its_times_and_its_newest_deploy() {
        let found = facts(&json!({
            "version": "a@2", "dateCreated": "2026-11-10T00:00:00Z", "firstEvent": "2026-11-09T00:00:00Z", "lastEvent": null,
            "lastDeploy": { "environment": "production", "dateFinished": "2026-11-10T06:00:00Z" },
            "projects": [{ "slug": "b" }, { "slug": "a" }], "newGroups": 3,
        }));
        let found = found.unwrap();
        assert_eq!(found.release.first_seen.to_string(), "2026-11-09T00:00:00Z");
        assert_eq!(found.release.last_seen, found.release.first_seen);
        assert_eq!((found.release.deploys.len(), found.new_issues, found.seen), (1, 3, true));
        assert_eq!(found.projects, ["a", "b"]);
        assert!(facts(&json!({ "version": "a@2" })).is_none(), "without any time it has no place in an order");
    }
}
