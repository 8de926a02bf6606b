//! Cascades: an issue that follows from another service's stands below it.

use super::Ctx;
use crate::{
    guard::{Clean, Guard, Limit},
    say,
    store::{Echo, IssueFacts, IssueQuery, Page, Scope, StoreError},
    view,
};

view! {
    /// What an issue follows from.
    pub struct EchoView {
        /// The issue, for people.
        pub issue: Clean,
        /// Its project.
        pub project: Clean,
        /// One line that names it.
        pub title: Clean,
        /// Traces in which both failed,
        pub traces: u64,
        /// of so many that were looked at.
        pub looked: u64,
    }
}

impl EchoView {
    pub(super) fn of(echo: &Echo, guard: &mut Guard) -> Self {
        Self {
            issue: guard.line(&echo.root.short_id.as_str().into(), Limit::Tag),
            project: guard.line(&echo.root.project.as_str().into(), Limit::Tag),
            title: guard.line(&echo.root.title, Limit::Title),
            traces: echo.traces,
            looked: echo.looked,
        }
    }

    /// `echo of API-1 KeyError in api (20 of 21 traces)`; below its root, `echo of it`.
    pub(super) fn said(&self, below: bool) -> Clean {
        let root = if below { Clean::ours("it") } else { say!(self.issue, " ", self.title, " in ", self.project) };
        say!("echo of ", root, " (", self.traces, " of ", self.looked, " traces)")
    }
}

/// Asks for the roots of a page's issues, in all projects that the call may see.
pub(super) async fn find(ctx: &Ctx, query: &IssueQuery, page: &Page<IssueFacts>) -> Result<Vec<Echo>, StoreError> {
    let issues: Vec<_> = page.items.iter().map(|facts| facts.issue.id).collect();
    let project = query.scope.project.clone().filter(|_| ctx.defaults.locked);
    ctx.store.echoes(&issues, &Scope { project, ..query.scope.clone() }).await
}

/// Puts echoes below their roots; the root takes the place of the first of them.
pub(super) fn roots_first(items: &mut Vec<IssueFacts>, echoes: &[Echo]) {
    let root_of = |facts: &IssueFacts| echoes.iter().find(|echo| echo.issue == facts.issue.id).map(|echo| echo.root.id);
    let top = |of: &IssueFacts, all: &[IssueFacts]| {
        // Echoes of echoes go up to what is no echo; a ring would have no end.
        let mut root = of.issue.id;
        for _ in 0..all.len() {
            let above = all.iter().find(|facts| facts.issue.id == root).and_then(root_of);
            match above.filter(|above| all.iter().any(|facts| facts.issue.id == *above)) {
                Some(above) => root = above,
                None => break,
            }
        }
        root
    };
    let tops: Vec<_> = items.iter().map(|facts| top(facts, items)).collect();
    let mut order: Vec<usize> = (0..items.len()).collect();
    let first_of = |at: usize| tops.iter().position(|top| *top == tops[at]).unwrap_or(at);
    order.sort_by_key(|at| (first_of(*at), items[*at].issue.id != tops[*at], *at));
    let mut taken: Vec<Option<IssueFacts>> = std::mem::take(items).into_iter().map(Some).collect();
    items.extend(order.into_iter().filter_map(|at| taken[at].take()));
}
