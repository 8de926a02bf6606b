//! Issues: lists of them, and one by name.

use std::time::Instant;

use serde_json::Value;

use super::{
    ask::Ask,
    exposure::Search,
    fault::{RequestError, optional},
    history::Shared,
    json::{count, list, text},
    operation::{EVENT_ID, GLITCHTIP_ISSUE, ISSUE, ISSUES},
    ranking::{is_wanted, order, takes},
    replies::Reply,
    row::{Dataset, Row},
    search,
    server::Parsed,
    shortlist::{Listed, counted},
    store::SentryStore,
    terms::{self, Of, any_of, push},
};
use crate::{
    model::Untrusted,
    store::{IssueFacts, IssueQuery, IssueRef, IssueSort, Page, Scope, StoreError, Term},
};

/// Issues of one page of the upstream.
const BLOCK: usize = 100;
/// As many are judged, all of them.
const FEW: usize = 50;
/// Issues that are read at least, where there are as many, of a list that is ranked here.
const RANKED: usize = 2 * BLOCK;
/// Pages that are followed at most.
const BLOCKS: usize = 5;
/// Releases that fit into one search.
const RELEASES: usize = 50;

impl SentryStore {
    /// Answers `SignalStore::issues`. Of a short list each issue is judged by its history; a longer one is ranked by
    /// what the list says, and the history is looked at of those issues alone that are shown.
    pub(super) async fn list_issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        let (ask, rest, warnings) = self.issues_ask(query).await?;
        let first = self.server.send(&ask).await;
        if self.turned_out_glitchtip(&first).await {
            return self.glitchtip_issues(query).await;
        }
        let ranked_here = query.sort == IssueSort::Impact || !query.change.is_empty() || !rest.is_empty();
        let least = if ranked_here { RANKED } else { 0 };
        let listed = self.listed_issues(&ask, first?, least.max(query.skip + query.limit)).await?;
        let is_long = listed.more || listed.rows.len() > FEW;
        let shared = Shared { scope: &query.scope, since: query.since.as_deref(), rest: &rest, is_long };
        let mut page = match (is_long, ranked_here) {
            (false, _) => self.judged_page(listed, query, &shared).await?,
            (true, true) => self.shortlisted(listed, query, &shared).await?,
            (true, false) => self.page_as_listed(listed, query, &shared).await?,
        };
        page.warnings.splice(0..0, warnings);
        Ok(page)
    }

    /// The rows of the first page, and of the pages after it until there are as many as wanted.
    async fn listed_issues(&self, ask: &Ask, first: Parsed, wanted: usize) -> Result<Listed, StoreError> {
        let (mut rows, mut cursor, mut reply) = (Vec::new(), None::<String>, first);
        for block in 1.. {
            let page = list(&reply.json, "");
            self.server.heard(page);
            self.keep_rows(page, reply.reply.loaded).await;
            rows.extend(page.iter().filter_map(|json| self.row(json)));
            let next = reply.next.filter(|next| cursor.as_ref() != Some(next) && !page.is_empty());
            let Some(next) = next else { return Ok(Listed { rows, more: false }) };
            if rows.len() >= wanted || block == BLOCKS {
                break;
            }
            reply = self.server.send(&ask.clone().param("cursor", next.as_str())).await?;
            cursor = Some(next);
        }
        Ok(Listed { rows, more: true })
    }

    /// Keeps the rows of a list, so that whoever opens one of these issues next need not ask for it alone.
    async fn keep_rows(&self, rows: &[Value], loaded: Instant) {
        for row in rows {
            let reply = Reply { body: row.to_string().into(), next: None, date: None, loaded };
            for name in [text(row, "id"), text(row, "shortId")].into_iter().flatten() {
                self.server.also(&listed(name.raw()), reply.clone()).await;
            }
        }
    }

    /// What an issue is: as a list told that is kept, else by itself. Its counts may be those of the list's scope.
    pub(super) async fn brief_row(&self, issue: &IssueRef, scope: &Scope) -> Result<Row, StoreError> {
        if let IssueRef::Named(asked) = issue
            && let Some(found) = self.server.known(&listed(&self.issue_name(asked)?)).await
            && let Some(row) = self.row(&found.json).filter(|row| is_of(scope, row))
        {
            return Ok(row);
        }
        self.issue_row(issue, scope).await
    }

    /// A page of a short list: all of it is judged.
    async fn judged_page(
        &self,
        listed: Listed,
        query: &IssueQuery,
        shared: &Shared<'_>,
    ) -> Result<Page<IssueFacts>, StoreError> {
        let mut found = self.judged(listed.rows, shared).await?;
        found.retain(|facts| takes(query, shared.rest, facts));
        let by_change = counted(found.iter().map(|facts| facts.change));
        found.retain(|facts| is_wanted(query, facts.change));
        found.sort_by(|a, b| order(query, a, b));
        let all = found.len();
        let items = found.into_iter().skip(query.skip).take(query.limit).collect();
        let more = all > query.skip + query.limit;
        Ok(Page { items, total: Some(all as u64), more, warnings: Vec::new(), by_change })
    }

    /// A page of a long list in the order of the server.
    async fn page_as_listed(
        &self,
        listed: Listed,
        query: &IssueQuery,
        shared: &Shared<'_>,
    ) -> Result<Page<IssueFacts>, StoreError> {
        let all = listed.rows.len();
        let shown = listed.rows.into_iter().skip(query.skip).take(query.limit).collect();
        let items = self.judged(shown, shared).await?;
        let more = listed.more || all > query.skip + query.limit;
        let total = (!listed.more).then_some(all as u64);
        Ok(Page { items, total, more, warnings: Vec::new(), by_change: Vec::new() })
    }

    /// Whether the first list of a server shows it to be one. Sentry's rows have marks of their own; others are asked.
    async fn turned_out_glitchtip(&self, reply: &Result<Parsed, RequestError>) -> bool {
        match reply {
            Ok(reply) => self.server.heard(list(&reply.json, "")),
            Err(fault) if !fault.is_lacking() => return false,
            Err(_) => {}
        }
        self.is_glitchtip().await
    }

    async fn issues_ask(&self, query: &IssueQuery) -> Result<(Ask, Vec<Term>, Vec<&'static str>), StoreError> {
        let mut warnings = Vec::new();
        let terms::Written { text: mut search, mut rest } = terms::write(&query.filter, Of::Issues);
        if let Some(typed) = &query.typed {
            let passed = search::pass(typed.raw(), Of::Issues, self.when(&query.scope))?;
            push(&mut search, &passed.text);
            rest.extend(passed.rest);
        }
        if let [status] = query.status.as_slice() {
            push(&mut search, &format!("is:{}", status.as_str()));
        }
        if let Some(level) = query.level {
            push(&mut search, &format!("level:{}", level.as_str()));
        }
        // Older servers refuse this; the service itself has issues of other kinds, which are there for who asks.
        let kinds = ["issue.category:", "issue.type:"];
        let names_kind = kinds.iter().any(|key| search.contains(key));
        if self.server.address().is_saas() && !names_kind {
            push(&mut search, "issue.category:error");
        }
        let mut scope = query.scope.clone();
        if let Some(since) = &query.since {
            if since.len() <= RELEASES {
                push(&mut search, &any_of("release", since.iter().map(Untrusted::raw)));
            } else {
                let known = self.known_releases(&self.whole(&scope)).await?;
                let first = known.iter().find(|facts| since.first() == Some(&facts.release.version));
                scope.start = first.map(|facts| facts.release.first_seen).or(scope.start);
                warnings
                    .push("too many releases since then for one search: issues are those seen since the first of them");
            }
        }
        let sort = match query.sort {
            IssueSort::Impact | IssueSort::Users => "user",
            IssueSort::LastSeen => "date",
            IssueSort::FirstSeen => "new",
            IssueSort::Events => "freq",
        };
        let (start, end) = self.span(&scope);
        let ask = Ask::new(&ISSUES)
            .param("query", search)
            .param("sort", sort)
            .param("limit", BLOCK.to_string())
            .param("groupStatsPeriod", "14d")
            .between(start, end);
        Ok((self.scoped(ask, &scope).await?, rest, warnings))
    }

    /// Answers `SignalStore::issue`.
    pub(super) async fn one_issue(&self, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError> {
        let row = self.issue_row(issue, scope).await?;
        if self.is_glitchtip_known() {
            return Ok(self.glitchtip_facts(row));
        }
        let own = row.own();
        let own = Search { text: &own, dataset: row.dataset };
        let shared = Shared { scope, since: None, rest: &[], is_long: false };
        let (facts, counts) = tokio::join!(
            self.judged(vec![row.clone()], &shared),
            self.groups(scope, own, &["count()", "count_unique(user)"], "-count()", 1)
        );
        let mut facts = facts?.pop().expect("one row in, one out");
        let counts = optional(counts)?;
        let counted = |row: &Value| Some((count(row, "count()")?, count(row, "count_unique(user)")?));
        // Where its events lie in no table, what the issue says of itself stands.
        let counted = counts.items.first().and_then(counted);
        if let Some((events, users)) = counted.filter(|(events, _)| *events > 0 || row.dataset == Dataset::Errors) {
            (facts.events, facts.users) = (events, users);
            facts.users_known = row.dataset == Dataset::Errors || users > 0;
        }
        Ok(facts)
    }

    /// An issue by whatever names it.
    pub(super) async fn issue_row(&self, issue: &IssueRef, scope: &Scope) -> Result<Row, StoreError> {
        let (name, asked, what) = match issue {
            IssueRef::Named(asked) => (self.issue_name(asked)?, asked.clone(), "issue"),
            IssueRef::OfEvent(event) => {
                let asked: Untrusted = event.to_string().into();
                (self.issue_of_event(asked.raw()).await.map_err(|f| f.at("event", &asked))?, asked, "event")
            }
        };
        let found = self.issue_alone(&name, scope).await.map_err(|fault| fault.at(what, &asked))?;
        let row = self.row(&found.json).ok_or(RequestError::Strange("answered with an issue that has no number"))?;
        for other in [row.issue.id.to_string(), row.issue.short_id.clone()] {
            if other != name {
                self.server.also(&self.issue_ask(&other, scope), found.reply.clone()).await;
            }
        }
        if is_of(scope, &row) { Ok(row) } else { Err(RequestError::NotThere.at(what, &asked)) }
    }

    async fn issue_alone(&self, name: &str, scope: &Scope) -> Result<Parsed, RequestError> {
        match self.server.send(&self.issue_ask(name, scope)).await {
            Err(fault) if fault.is_lacking() && !self.is_glitchtip_known() && self.is_glitchtip().await => {
                self.server.send(&self.issue_ask(name, scope)).await
            }
            found => {
                let found = found?;
                self.server.heard(std::slice::from_ref(&found.json));
                Ok(found)
            }
        }
    }

    /// Asks for an issue alone, as this kind of server takes it.
    fn issue_ask(&self, name: &str, scope: &Scope) -> Ask {
        if self.is_glitchtip_known() {
            return Ask::new(&GLITCHTIP_ISSUE).segment("issue", name);
        }
        let environment = scope.environment.as_ref().map(|name| name.raw().to_owned());
        Ask::new(&ISSUE).segment("issue", name).param_some("environment", environment)
    }

    async fn issue_of_event(&self, event: &str) -> Result<String, RequestError> {
        let reply = self.server.send(&Ask::new(&EVENT_ID).segment("event", event)).await?;
        text(&reply.json, "groupId").map(Untrusted::into_raw).ok_or(RequestError::NotThere)
    }

    /// A number, or a short id in any case.
    pub(super) fn issue_name(&self, asked: &Untrusted) -> Result<String, StoreError> {
        let name = asked.raw().trim().to_ascii_uppercase();
        let digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        let short = name.rsplit_once('-').is_some_and(|(slug, number)| {
            !slug.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        let plain = name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if plain && (digits || short) { Ok(name) } else { Err(RequestError::NotThere.at("issue", asked)) }
    }
}

/// Under what a row of a list is kept. It names an issue where a list has none, so that it is never a request's own.
fn listed(name: &str) -> Ask {
    Ask::new(&ISSUES).segment("issue", name)
}

fn is_of(scope: &Scope, row: &Row) -> bool {
    scope.project.as_ref().is_none_or(|slug| slug.raw() == row.issue.project)
}
