//! The store as callers see it: one handle for each call of a tool, all over the same server.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{
    ask::Ask,
    fault::RequestError,
    options::{ConnectError, Options},
    search::When,
    server::{Kind, Server},
};
use crate::{
    guard::{Pseudonyms, Scrubber, is_pseudonym, show_user},
    model::{FixHistory, Issue, IssueId, Project, Timestamp, Untrusted},
    store::{
        AffectedFacts, AffectedQuery, CommitQuery, DiagnosisFacts, DiagnosisQuery, EventFacts, EventQuery, FixQuery,
        IssueFacts, IssueQuery, IssueRef, Page, ReleaseCommit, ReleaseFacts, ReleaseQuery, ReplayFacts, ReplayQuery,
        Scope, SearchQuery, SearchRow, SegmentFacts, SignalStore, Source, StoreError, WebAddress,
    },
};

/// How far back is looked where a scope has no start: what Sentry keeps.
const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How close to the clock an end is "now".
const NOW: SignedDuration = SignedDuration::from_secs(60);

/// A store behind Sentry's Web API.
pub struct SentryStore {
    pub(super) server: Server,
    pub(super) scrubber: Arc<Scrubber>,
}

impl SentryStore {
    /// Gets ready; nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`] for settings that can't work.
    pub fn new(options: Options) -> Result<Self, ConnectError> {
        let server = Server::new(options)?;
        let scrubber = Arc::new(Scrubber::new(Pseudonyms::new(server.token().derive("pseudonyms"))));
        Ok(Self { server, scrubber })
    }

    /// Address and organisation, for people.
    pub fn place(&self) -> (String, String) {
        (self.server.address().base.to_string(), self.server.org().to_owned())
    }

    /// From when to when a scope is, for requests that need both.
    pub(super) fn span(&self, scope: &Scope) -> (Timestamp, Timestamp) {
        let end = scope.end.unwrap_or_else(|| self.server.now());
        let start = scope.start.unwrap_or_else(|| end.checked_sub(RETENTION).unwrap_or(end));
        (start, end)
    }

    /// When a search within a scope is asked.
    pub(super) fn when(&self, scope: &Scope) -> When {
        When { from: self.span(scope).1, is_now: self.is_now(scope) }
    }

    /// The scope of all that is kept up to its end.
    pub(super) fn whole(&self, scope: &Scope) -> Scope {
        Scope { start: None, ..scope.clone() }
    }

    pub(super) fn is_now(&self, scope: &Scope) -> bool {
        scope.end.is_none_or(|end| end.duration_since(self.server.now()) > -NOW)
    }

    pub(super) async fn is_glitchtip(&self) -> bool {
        self.server.kind().await == Kind::GlitchTip
    }

    /// Whether it has been found to be GlitchTip already.
    pub(super) fn is_glitchtip_known(&self) -> bool {
        self.server.known_kind() == Some(Kind::GlitchTip)
    }

    /// The number of the scope's project, for parameters; all projects are -1.
    pub(super) async fn project_id(&self, scope: &Scope) -> Result<String, StoreError> {
        let Some(slug) = &scope.project else { return Ok("-1".to_owned()) };
        match self.server.number_of(slug.raw()).await? {
            Some(number) => Ok(number.to_string()),
            None => Err(RequestError::NotThere.at("project", slug)),
        }
    }

    /// A request within a scope's project and environment.
    pub(super) async fn scoped(&self, ask: Ask, scope: &Scope) -> Result<Ask, StoreError> {
        let environment = scope.environment.as_ref().map(|name| name.raw().to_owned());
        Ok(ask.param("project", self.project_id(scope).await?).param_some("environment", environment))
    }

    /// The pseudonym of a user as the Web API names one: `id:42`, `email:a@b.example`. Pseudonyms stay.
    pub(super) fn pseudonym(&self, user: &str) -> String {
        let kinds = ["id:", "email:", "username:", "ip:"];
        let identity = kinds.iter().find_map(|kind| user.strip_prefix(kind)).unwrap_or(user);
        if is_pseudonym(identity) {
            return identity.to_owned();
        }
        show_user(&self.scrubber.pseudonyms().user(&identity.into()))
    }

    /// A text of events that is shown as it is: without secrets and people.
    pub(super) fn scrubbed(&self, text: &Untrusted) -> Untrusted {
        self.scrubber.plain(text.raw()).into()
    }
}

#[async_trait::async_trait]
impl SignalStore for SentryStore {
    fn source(&self) -> Source {
        self.server.source()
    }

    fn for_call(&self) -> Option<Arc<dyn SignalStore>> {
        Some(Arc::new(Self { server: self.server.for_call(), scrubber: self.scrubber.clone() }))
    }

    fn issue_url(&self, issue: IssueId) -> Option<String> {
        Some(self.server.address().issue_page(self.server.org(), issue.0))
    }

    fn reads_search(&self) -> bool {
        true
    }

    fn owns(&self, address: &WebAddress) -> Result<(), StoreError> {
        if !self.server.address().owns(&address.host) {
            return Err(StoreError::Invalid(
                "this address belongs to another server than the one that is configured (--sentry-url)",
            ));
        }
        match &address.organisation {
            Some(org) if !org.eq_ignore_ascii_case(self.server.org()) => Err(StoreError::Invalid(
                "this address belongs to another organisation than the one that is configured (--sentry-org)",
            )),
            _ => Ok(()),
        }
    }

    fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        Ok(self.server.token().derive("cursor"))
    }

    async fn projects(&self, scope: &Scope) -> Result<Vec<Project>, StoreError> {
        self.list_projects(scope).await
    }

    async fn slugs(&self) -> Result<Vec<Untrusted>, StoreError> {
        Ok(self.server.projects().await?.iter().map(|known| known.slug.as_str().into()).collect())
    }

    async fn releases(&self, query: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        self.list_releases(query).await
    }

    async fn environments(&self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        self.list_environments(scope).await
    }

    async fn issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        if self.is_glitchtip_known() { self.glitchtip_issues(query).await } else { self.list_issues(query).await }
    }

    async fn issue(&self, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError> {
        self.one_issue(issue, scope).await
    }

    async fn bare_issue(&self, issue: &IssueRef, scope: &Scope) -> Result<Issue, StoreError> {
        Ok(self.brief_row(issue, scope).await?.issue)
    }

    async fn event(&self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        self.one_event(query).await
    }

    async fn affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        self.who_is_affected(query).await
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        match self.table(query).await {
            Err(StoreError::Unsupported(_) | StoreError::Refused { .. } | StoreError::Upstream { .. })
                if self.is_glitchtip().await =>
            {
                Err(StoreError::Unsupported("GlitchTip can't be searched for single events: use list_issues"))
            }
            found => found,
        }
    }

    async fn commits(&self, query: &CommitQuery) -> Result<Page<ReleaseCommit>, StoreError> {
        self.commits_of(query).await
    }

    async fn diagnosis(&self, query: &DiagnosisQuery) -> Result<DiagnosisFacts, StoreError> {
        Err(self.not_diagnosed(query).await?)
    }

    async fn replay(&self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        self.replay_facts(query).await
    }

    async fn replay_segment(&self, query: &ReplayQuery, segment: SegmentFacts) -> Result<Vec<u8>, StoreError> {
        self.segment_bytes(query, segment).await
    }

    async fn fix_history(&self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        self.history_of_fix(query).await
    }
}
