//! What the connection is worth: organisation, projects, rights, clock, and the tools that these leave.

use serde_json::Value;

use super::{
    ask::Ask,
    fault::RequestError,
    json::{list, text, word},
    operation::{EVENTS, ISSUES, Operation, RELEASES, REPLAYS, SESSIONS},
    server::Kind,
    store::SentryStore,
};
use crate::{
    model::{Timestamp, Untrusted},
    store::StoreError,
};

/// What a token may do here.
#[derive(Debug)]
pub struct Rights {
    /// Where.
    pub url: String,
    /// `Sentry`, `GlitchTip`.
    pub kind: &'static str,
    /// Slug of the organisation.
    pub org: String,
    /// Its name, where the token may read it.
    pub name: Option<Untrusted>,
    /// Kind of the token, by its form.
    pub token: &'static str,
    /// Slugs of the projects, or why they can't be read.
    pub projects: Result<Vec<String>, StoreError>,
    /// Rights that the organisation tells of; empty where it doesn't.
    pub access: Vec<Untrusted>,
    /// The server's clock before ours in seconds.
    pub ahead_s: Option<i64>,
    /// Which tools these rights leave.
    pub tools: Vec<ToolRight>,
}

/// What one group of tools needs and whether it is there.
#[derive(Debug)]
pub struct ToolRight {
    /// Names of the tools.
    pub tools: &'static str,
    /// What a token needs for them.
    pub needs: &'static str,
    /// Why they don't work.
    pub fault: Option<StoreError>,
}

impl SentryStore {
    /// Asks for a little of each thing that tools need.
    pub async fn rights(&self) -> Rights {
        let (organisation, projects) = tokio::join!(self.server.organisation(), self.server.projects());
        let kind = self.server.kind().await;
        let (name, access, date) = match &organisation {
            Ok(reply) => (text(&reply.json, "name"), access(&reply.json), reply.date),
            Err(_) => (None, Vec::new(), None),
        };
        let ahead = |date: Timestamp| date.as_second() - self.server.now().as_second();
        let (url, org) = self.place();
        Rights {
            url,
            kind: if kind == Kind::GlitchTip { "GlitchTip" } else { "Sentry" },
            org,
            name,
            token: self.server.token().kind(),
            projects: projects.map(|known| known.iter().map(|p| p.slug.clone()).collect()).map_err(Into::into),
            access,
            ahead_s: date.map(ahead),
            tools: self.tool_rights().await,
        }
    }

    async fn tool_rights(&self) -> Vec<ToolRight> {
        let now = self.server.now();
        let hour = now.checked_sub(jiff::SignedDuration::from_hours(1)).unwrap_or(now);
        let ask = |operation: &'static Operation| Ask::new(operation).param("project", "-1");
        let issues = ask(&ISSUES).param("query", "").param("limit", "1").param("statsPeriod", "24h");
        let releases = ask(&RELEASES).param("per_page", "1");
        let events =
            ask(&EVENTS).param("dataset", "errors").param("field", "count()").param("per_page", "1").between(hour, now);
        let sessions = ask(&SESSIONS)
            .param("field", "sum(session)")
            .param("interval", "1h")
            .param("includeSeries", "0")
            .between(hour, now);
        let replays = ask(&REPLAYS).param("per_page", "1").param("statsPeriod", "24h");
        let (issues, releases, events, sessions, replays) = tokio::join!(
            self.server.send(&issues),
            self.server.send(&releases),
            self.server.send(&events),
            self.server.send(&sessions),
            self.server.send(&replays)
        );
        let fault = |reply: Result<_, RequestError>| reply.err().map(StoreError::from);
        vec![
            ToolRight { tools: "list_issues, get_event", needs: "event:read", fault: fault(issues) },
            ToolRight { tools: "list_releases", needs: "project:read", fault: fault(releases) },
            ToolRight { tools: "search_events, affected_users", needs: "org:read", fault: fault(events) },
            ToolRight {
                tools: "sessions in list_releases, verify_fix_since_release",
                needs: "org:read",
                fault: fault(sessions),
            },
            ToolRight { tools: "get_replay_summary", needs: "org:read project:read", fault: fault(replays) },
        ]
    }
}

fn access(json: &Value) -> Vec<Untrusted> {
    let scopes = list(json, "access").iter().filter_map(Value::as_str);
    // The slug tells that it is an organisation at all.
    if word(json, "slug").is_empty() { Vec::new() } else { scopes.map(Into::into).collect() }
}
