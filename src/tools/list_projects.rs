//! `list_projects`: what sends events here.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CommonInput, Ctx, Resolved, Tool, ToolError};
use crate::{
    guard::{Clean, Guard, Limit},
    store::Scope,
    view,
    view::{Answer, Doc, Omission, Seconds, View, count},
};

/// The tool.
pub struct ListProjects;

/// Its input: nothing of its own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {}

view! {
    /// The answer.
    pub struct Out {
        /// The projects, by slug.
        pub projects: Vec<ProjectView>,
    }

    /// One project.
    pub struct ProjectView {
        /// Its name in calls.
        pub slug: Clean,
        /// Its name.
        pub name: Clean,
        /// Platform of its newest event.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub platform: Option<Clean>,
        /// When its newest event happened.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub last_event: Option<Seconds>,
    }
}

impl Tool for ListProjects {
    const NAME: &'static str = "list_projects";
    const TITLE: &'static str = "List projects";
    const ABOUT: &'static str = "Projects that send events here, for the project argument of the other tools.";
    const SHARED: &'static [CommonInput] = &[CommonInput::MaxTokens];
    type In = In;
    type Out = Out;

    async fn call(ctx: &Ctx, asked: Resolved, _: In) -> Result<Answer<Out>, ToolError> {
        // The default project is no reason to hide the others, a locked one is.
        let scope = if ctx.defaults.locked { asked.scope.clone() } else { Scope::default() };
        let projects = ctx.store.projects(&scope).await?;
        let mut guard = Guard::new();
        let view = |p: &crate::model::Project| ProjectView {
            slug: guard.line(&p.slug.as_str().into(), Limit::Tag),
            name: guard.line(&p.name, Limit::Tag),
            platform: guard.opt(p.platform.as_ref(), Limit::Tag),
            last_event: p.last_event.map(Seconds),
        };
        let body = Out { projects: projects.iter().map(view).collect() };
        let common = asked.common(ctx, guard.warnings());
        Ok(Answer { body, common, cursor_after: None })
    }
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        doc.heading("Projects");
        for project in &self.projects {
            let last = project.last_event.map(|t| crate::say!(", last event ", t));
            let platform = project.platform.as_ref().map(|p| crate::say!(", ", p.clone()));
            doc.bullet(&crate::say!(project.slug.clone(), platform, last));
        }
        if self.projects.is_empty() {
            doc.line("None yet: `prodsignal project NAME` makes one and prints the DSN for an SDK.", &[]);
        }
    }

    fn steps(&self) -> usize {
        self.projects.len()
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        self.projects.truncate(self.projects.len() - step);
        vec![Omission {
            what: count(step as u64, "project", "projects"),
            call: Clean::ours("list_projects with a larger max_tokens"),
        }]
    }
}
