//! Projects with what each has, for the API: all of them at once.
//! It uses `rusqlite` and the packed forms.
//! It never asks anything project by project but what an index tells.

use std::collections::{HashMap, HashSet};

use super::super::{
    engine::pool::Snapshot,
    release::active::{Active, Activity},
};
use crate::{
    backend::embedded::pack::moment,
    model::Project,
    store::{ItemKind, ProjectDetails, Scope, StoreError},
};

impl Snapshot<'_> {
    /// Answers `HostedStore::project_details`.
    pub(in crate::backend::embedded) fn project_details(
        &mut self,
        scope: &Scope,
    ) -> Result<Vec<ProjectDetails>, StoreError> {
        let bounds = self.bounds(scope)?;
        let releases = self.known_releases(&bounds)?;
        let mut by_project: HashMap<u64, Vec<Active>> = HashMap::new();
        for row in self.activity(&bounds)? {
            by_project.entry(row.project).or_default().push(row);
        }
        let projects = self.projects(scope)?;
        let mut found = Vec::with_capacity(projects.len());
        for project in projects {
            let rows = by_project.remove(&project.id).unwrap_or_default();
            let active: HashSet<u32> = rows.iter().map(|row| row.rel).collect();
            let newest = releases.list.iter().rfind(|known| known.project == project.id && active.contains(&known.id));
            let mut environments = Vec::new();
            for env in rows.iter().map(|row| row.env).filter(|env| *env != 0).collect::<HashSet<_>>() {
                environments.push(self.word(env)?);
            }
            environments.sort();
            found.push(ProjectDetails {
                first_event: rows
                    .iter()
                    .filter(|row| row.by == Activity::Events)
                    .map(|row| row.first)
                    .min()
                    .map(moment),
                has_sessions: rows.iter().any(|row| row.by == Activity::Sessions),
                has_replays: self.has_replays(&project)?,
                latest_release: newest.map(|known| known.version.as_str().into()),
                environments,
                project,
            });
        }
        Ok(found)
    }

    fn has_replays(&self, project: &Project) -> Result<bool, StoreError> {
        // Spelled out, so that the index of replays is taken.
        let kind = ItemKind::ReplayEvent.code();
        let sql = format!("SELECT EXISTS(SELECT 1 FROM item WHERE project=?1 AND kind={kind} AND parent IS NOT NULL)");
        Ok(self.conn.prepare_cached(&sql)?.query_row([project.id], |row| row.get(0))?)
    }
}
