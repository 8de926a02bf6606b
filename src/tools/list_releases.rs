//! `list_releases`: what was shipped when, and how healthy it is.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CommonInput, Ctx, Resolved, Tool, ToolError};
use crate::{
    guard::{Clean, Guard, Limit},
    say,
    store::{OTHERS, ReleaseFacts, ReleaseQuery},
    view,
    view::{Answer, Doc, Omission, Seconds, View, count},
};

/// The tool.
pub struct ListReleases;

/// Its input: nothing of its own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {}

view! {
    /// The answer.
    pub struct Out {
        /// The releases, newest first.
        pub releases: Vec<ReleaseView>,
    }

    /// One release.
    pub struct ReleaseView {
        /// Its name.
        pub version: Clean,
        /// First event or session.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub first_seen: Option<Seconds>,
        /// Last event or session.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub last_seen: Option<Seconds>,
        /// When it was announced, if nothing was seen of it yet.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub announced_at: Option<Seconds>,
        /// Newest announced deploy.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub deployed_at: Option<Seconds>,
        /// Sessions.
        pub sessions: u64,
        /// Distinct users with a session or event.
        pub users: u64,
        /// Share of sessions that did not crash, 0 to 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub crash_free_sessions: Option<f64>,
        /// Of its sessions without an error that nothing caught, 0 to 1, where sessions may end so without a crash.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub unhandled_free_sessions: Option<f64>,
        /// Users whom a crash hit: by a session that crashed, or a fatal event that nothing caught.
        #[serde(skip_serializing_if = "is_zero")]
        pub crashed_users: u64,
        /// Of `users`, whom no crash hit, 0 to 1; without sessions, the others are known by any signal of theirs.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub crash_free_users: Option<f64>,
        /// Share of the newest day that ran on it, 0 to 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub adoption: Option<f64>,
        /// Issues that began with it.
        pub new_issues: u64,
        /// Events.
        pub events: u64,
    }
}

impl Tool for ListReleases {
    const NAME: &'static str = "list_releases";
    const TITLE: &'static str = "List releases";
    const ABOUT: &'static str =
        "Releases, newest first: when, sessions, users, crash-free share, adoption, issues that began with each.";
    const SHARED: &'static [CommonInput] = &[
        CommonInput::Project,
        CommonInput::Environment,
        CommonInput::Period,
        CommonInput::AsOf,
        CommonInput::Limit,
        CommonInput::Cursor,
        CommonInput::MaxTokens,
    ];
    type In = In;
    type Out = Out;

    async fn call(ctx: &Ctx, asked: Resolved, _: In) -> Result<Answer<Out>, ToolError> {
        let limit = asked.limit_or(20);
        // One more than is shown tells whether there is a next page.
        let (scope, limit_and_next) = (asked.scope.clone(), Some(limit + 1));
        let query = ReleaseQuery { scope, limit: limit_and_next, skip: asked.skip, counts: true, announced: true };
        let mut facts = ctx.store.releases(&query).await?;
        let more = facts.len() > limit;
        facts.truncate(limit);
        let mut guard = Guard::new();
        let body = Out { releases: facts.iter().map(|f| release_view(f, &mut guard)).collect() };
        let mut warnings = guard.warnings();
        if facts.iter().any(|f| f.release.version.raw() == OTHERS) {
            warnings
                .push(Clean::ours("releases past the most that are told apart count as (others): see --max-releases"));
        }
        let common = asked.common(ctx, warnings);
        let whole = body.releases.len();
        Ok(Answer {
            body,
            common,
            cursor_after: Some(Box::new(move |shown: &Out| {
                let n = shown.releases.len();
                (more || n < whole).then(|| asked.cursor_after(n))
            })),
        })
    }
}

fn release_view(facts: &ReleaseFacts, guard: &mut Guard) -> ReleaseView {
    ReleaseView {
        version: guard.line(&facts.release.version, Limit::Tag),
        first_seen: facts.seen.then(|| facts.release.first_seen.into()),
        last_seen: facts.seen.then(|| facts.release.last_seen.into()),
        announced_at: (!facts.seen).then(|| facts.release.first_seen.into()),
        deployed_at: facts.release.deploys.last().map(|d| d.at.into()),
        sessions: facts.sessions.total,
        users: facts.users,
        crash_free_sessions: facts.sessions.crash_free_rate().map(view::rounded),
        unhandled_free_sessions: facts
            .sessions
            .unhandled_free_rate()
            .filter(|_| facts.sessions.unhandled > 0)
            .map(view::rounded),
        crashed_users: facts.crashed_users,
        crash_free_users: facts.crash_free_users().map(view::rounded),
        adoption: facts.adoption.map(view::rounded),
        new_issues: facts.new_issues,
        events: facts.events,
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        doc.heading("Releases, newest first");
        for release in &self.releases {
            let health = release.crash_free_sessions.map(|rate| {
                let unhandled = release
                    .unhandled_free_sessions
                    .map(|rate| say!(", ", view::percent(rate), " free of unhandled errors"));
                let sessions = count(release.sessions, "session", "sessions");
                say!(", ", view::percent(rate), " of ", sessions, " crash-free", unhandled)
            });
            let crashed = (release.crashed_users > 0).then(|| {
                let free = release.crash_free_users.map_or_else(
                    || Clean::ours(" at least: others can't be told"),
                    |rate| say!(" (", view::percent(rate), " of users crash-free)"),
                );
                say!(", ", count(release.crashed_users, "user", "users"), " crashed", free)
            });
            let adoption = release.adoption.map(|a| say!(", adoption ", view::percent(a)));
            let deployed = release.deployed_at.map(|t| say!(", deployed ", t));
            let (Some(first), Some(last)) = (release.first_seen, release.last_seen) else {
                let at = release.announced_at.map(|at| say!(" announced ", at));
                doc.bullet(&say!(release.version, at, deployed, ": no signal yet"));
                continue;
            };
            doc.bullet(&say!(
                release.version,
                " ",
                first,
                " to ",
                last,
                deployed,
                ": ",
                count(release.new_issues, "new issue", "new issues"),
                ", ",
                count(release.events, "event", "events"),
                ", ",
                count(release.users, "user", "users"),
                health,
                crashed,
                adoption
            ));
        }
        if self.releases.is_empty() {
            doc.line("None in this scope.", &[]);
        }
    }

    fn steps(&self) -> usize {
        self.releases.len().saturating_sub(1)
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        self.releases.truncate(self.releases.len() - step);
        vec![Omission {
            what: count(step as u64, "older release", "older releases"),
            call: Clean::ours("list_releases with next_cursor, or a larger max_tokens"),
        }]
    }
}
