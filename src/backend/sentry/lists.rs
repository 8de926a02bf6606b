//! Projects and environments.

use super::{
    ask::Ask,
    json::{text, time, word},
    operation::{ENVIRONMENTS, EVENTS, PROJECT_ENVIRONMENTS},
    server::name_of,
    store::SentryStore,
};
use crate::{
    model::{Project, Timestamp, Untrusted},
    store::{Scope, StoreError},
};

impl SentryStore {
    /// Answers `SignalStore::projects`. When each was last heard of is one question for all; without an answer to
    /// it, it stays unknown.
    pub(super) async fn list_projects(&self, scope: &Scope) -> Result<Vec<Project>, StoreError> {
        let (known, last) = tokio::join!(self.server.projects(), self.last_events(scope));
        let mut projects: Vec<Project> = known?
            .iter()
            .filter(|known| scope.project.as_ref().is_none_or(|slug| slug.raw() == known.slug))
            .map(|known| Project {
                id: known.id,
                slug: known.slug.clone(),
                name: text(&known.json, "name").unwrap_or_else(|| known.slug.as_str().into()),
                platform: text(&known.json, "platform"),
                public_key: String::new(),
                last_event: last.iter().find(|(slug, _)| *slug == known.slug).map(|(_, at)| *at),
            })
            .collect();
        projects.sort_by(|a, b| a.slug.cmp(&b.slug));
        Ok(projects)
    }

    async fn last_events(&self, scope: &Scope) -> Vec<(String, Timestamp)> {
        if self.is_glitchtip_known() {
            return Vec::new();
        }
        let (start, end) = self.span(scope);
        let ask = Ask::new(&EVENTS)
            .param("dataset", "errors")
            .each("field", ["project", "max(timestamp)"])
            .param("sort", "-max(timestamp)")
            .param("per_page", "100")
            .param("project", "-1")
            .between(start, end);
        let Ok(pages) = self.server.pages(ask, "data", 100).await else { return Vec::new() };
        let last = |row: &serde_json::Value| Some((word(row, "project").to_owned(), time(row, "max(timestamp)")?));
        pages.items.iter().filter_map(last).collect()
    }

    /// Answers `SignalStore::environments`.
    pub(super) async fn list_environments(&self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        let reply = match &scope.project {
            Some(project) => {
                let ask = Ask::new(&PROJECT_ENVIRONMENTS).segment("project", project.raw());
                self.server.send(&ask).await.map_err(|fault| fault.at("project", project))?
            }
            None => self.server.send(&Ask::new(&ENVIRONMENTS)).await?,
        };
        let mut names: Vec<Untrusted> = super::json::list(&reply.json, "").iter().filter_map(name_of).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}
