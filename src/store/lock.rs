//! A store that shows one project or one environment, as if there were no other.

use std::sync::Arc;

use super::*;
use crate::model::EventId;

/// What callers are held to; nothing named is no lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Slug of the one project.
    pub project: Option<Untrusted>,
    /// Name of the one environment.
    pub environment: Option<Untrusted>,
}

impl Lock {
    /// Whether it holds nobody.
    pub fn is_open(&self) -> bool {
        self.project.is_none() && self.environment.is_none()
    }

    /// The scope within the lock.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a project or environment beyond it, as for one that does not exist.
    pub fn within(&self, scope: &Scope) -> Result<Scope, StoreError> {
        let project = held("project", self.project.as_ref(), scope.project.as_ref())?;
        let environment = held("environment", self.environment.as_ref(), scope.environment.as_ref())?;
        Ok(Scope { project, environment, ..scope.clone() })
    }

    /// The whole of what may be seen.
    fn scope(&self) -> Scope {
        Scope { project: self.project.clone(), environment: self.environment.clone(), ..Scope::default() }
    }

    /// A failure without the names that stand beyond the lock: suggestions are made of all that the store knows.
    fn quiet<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        done.map_err(|error| match error {
            StoreError::NotFound { what, asked, .. } if self.environment.is_some() || self.hides(what) => {
                StoreError::NotFound { what, asked, near: Vec::new() }
            }
            error => error,
        })
    }

    /// Whether the names of such things come from beyond a lock on a project too.
    fn hides(&self, what: &str) -> bool {
        self.project.is_some() && matches!(what, "project" | "environment")
    }

    fn takes(&self, slug: &str) -> bool {
        self.project.as_ref().is_none_or(|project| project.raw() == slug)
    }
}

fn held(
    what: &'static str,
    lock: Option<&Untrusted>,
    asked: Option<&Untrusted>,
) -> Result<Option<Untrusted>, StoreError> {
    match (lock, asked) {
        (Some(lock), Some(asked)) if lock != asked => {
            Err(StoreError::NotFound { what, asked: asked.clone(), near: Vec::new() })
        }
        (Some(lock), _) => Ok(Some(lock.clone())),
        (None, asked) => Ok(asked.cloned()),
    }
}

/// A store behind a lock: every question is held to it, whoever asks and by which door.
pub struct Locked<S: ?Sized> {
    store: Arc<S>,
    lock: Lock,
}

impl<S: ?Sized> Locked<S> {
    /// The store behind a lock.
    pub fn new(store: Arc<S>, lock: Lock) -> Self {
        Self { store, lock }
    }
}

/// The question with its scope held to the lock.
macro_rules! asked {
    ($self:ident, $query:ident) => {{
        let mut query = $query.clone();
        query.scope = $self.lock.within(&query.scope)?;
        query
    }};
}

#[async_trait::async_trait]
impl<S: ?Sized + SignalStore> SignalStore for Locked<S> {
    fn source(&self) -> Source {
        self.store.source()
    }

    fn owns(&self, address: &WebAddress) -> Result<(), StoreError> {
        self.store.owns(address)
    }

    fn reads_search(&self) -> bool {
        self.store.reads_search()
    }

    async fn life(&self, scope: &Scope) -> Result<Vec<Life>, StoreError> {
        self.store.life(&self.lock.within(scope)?).await
    }

    /// Within a lock not told: other projects' tags would be among them.
    async fn tag_keys(&self) -> Result<Option<Vec<Untrusted>>, StoreError> {
        if self.lock.is_open() { self.store.tag_keys().await } else { Ok(None) }
    }

    /// Numbers of issues alone tell nothing: whoever shows a claim shows it with its issue, which is looked up here.
    async fn held(&self, now: Timestamp) -> Result<Vec<Claim>, StoreError> {
        self.store.held(now).await
    }

    fn for_call(&self) -> Option<Arc<dyn SignalStore>> {
        let store = self.store.for_call()?;
        Some(Arc::new(Locked { store, lock: self.lock.clone() }))
    }

    fn issue_url(&self, issue: IssueId) -> Option<String> {
        self.store.issue_url(issue)
    }

    fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        self.store.cursor_key()
    }

    async fn projects(&self, scope: &Scope) -> Result<Vec<Project>, StoreError> {
        let mut found = self.lock.quiet(self.store.projects(&self.lock.within(scope)?).await)?;
        found.retain(|project| self.lock.takes(&project.slug));
        Ok(found)
    }

    async fn slugs(&self) -> Result<Vec<Untrusted>, StoreError> {
        let mut found = self.lock.quiet(self.store.slugs().await)?;
        found.retain(|slug| self.lock.takes(slug.raw()));
        Ok(found)
    }

    async fn releases(&self, query: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        self.lock.quiet(self.store.releases(&asked!(self, query)).await)
    }

    async fn environments(&self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        let scope = self.lock.within(scope)?;
        let mut found = self.lock.quiet(self.store.environments(&Scope { environment: None, ..scope }).await)?;
        found.retain(|name| self.lock.environment.as_ref().is_none_or(|held| held == name));
        Ok(found)
    }

    async fn issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        self.lock.quiet(self.store.issues(&asked!(self, query)).await)
    }

    async fn issue(&self, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError> {
        self.lock.quiet(self.store.issue(issue, &self.lock.within(scope)?).await)
    }

    async fn bare_issue(&self, issue: &IssueRef, scope: &Scope) -> Result<Issue, StoreError> {
        self.lock.quiet(self.store.bare_issue(issue, &self.lock.within(scope)?).await)
    }

    async fn event(&self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        self.lock.quiet(self.store.event(&asked!(self, query)).await)
    }

    async fn affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        self.lock.quiet(self.store.affected(&asked!(self, query)).await)
    }

    async fn signals(&self, query: &SignalQuery) -> Result<Page<SearchRow>, StoreError> {
        self.lock.quiet(self.store.signals(&asked!(self, query)).await)
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        self.lock.quiet(self.store.search(&asked!(self, query)).await)
    }

    async fn commits(&self, query: &CommitQuery) -> Result<Page<ReleaseCommit>, StoreError> {
        self.lock.quiet(self.store.commits(&asked!(self, query)).await)
    }

    async fn replay(&self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        self.lock.quiet(self.store.replay(&asked!(self, query)).await)
    }

    async fn replay_segment(&self, query: &ReplayQuery, segment: SegmentFacts) -> Result<Vec<u8>, StoreError> {
        self.lock.quiet(self.store.replay_segment(&asked!(self, query), segment).await)
    }

    async fn fix_history(&self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        let mut query = asked!(self, query);
        query.sealed |= self.lock.environment.is_some();
        self.lock.quiet(self.store.fix_history(&query).await)
    }

    async fn data_version(&self) -> Result<u64, StoreError> {
        self.store.data_version().await
    }

    async fn decided(&self, issue: &IssueRef, scope: &Scope) -> Result<Decided, StoreError> {
        self.store.decided(issue, &self.lock.within(scope)?).await
    }

    async fn diagnosis(&self, query: &DiagnosisQuery) -> Result<DiagnosisFacts, StoreError> {
        self.lock.quiet(self.store.diagnosis(&asked!(self, query)).await)
    }
}

#[async_trait::async_trait]
impl<S: ?Sized + SignalWrite> SignalWrite for Locked<S> {
    async fn update_issue(&self, update: &IssueUpdate) -> Result<IssueUpdated, StoreError> {
        self.lock.quiet(self.store.update_issue(&asked!(self, update)).await)
    }

    /// Of an issue that an update has found within the lock.
    async fn hold(&self, claim: Claim, now: Timestamp) -> Result<Option<Claim>, StoreError> {
        self.store.hold(claim, now).await
    }
}

/// Ingestion goes by the key of a project, which is no caller's lock; looking a project up is held to it.
#[async_trait::async_trait]
impl<S: ?Sized + SignalSink> SignalSink for Locked<S> {
    async fn write(&self, digest: Digest) -> Result<Receipt, StoreError> {
        self.store.write(digest).await
    }

    async fn ensure_project(&self, slug: &str) -> Result<Project, StoreError> {
        self.store.ensure_project(slug).await
    }

    async fn project_for_dsn(&self, project: &str, public_key: Option<&str>) -> Result<Project, StoreError> {
        let found = self.store.project_for_dsn(project, public_key).await?;
        if public_key.is_none() && !self.lock.takes(&found.slug) {
            return Err(StoreError::NotFound { what: "project", asked: project.into(), near: Vec::new() });
        }
        Ok(found)
    }

    fn pseudonym_key(&self) -> [u8; 32] {
        self.store.pseudonym_key()
    }

    async fn retain(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.store.retain(before).await
    }
}

impl<S: ?Sized + HostedStore> Locked<S> {
    /// The projects that somebody names, each of which has to be within the lock; none named: the locked one.
    async fn projects_named(&self, named: &[String]) -> Result<Vec<String>, StoreError> {
        for project in named {
            self.project_for_dsn(project, None).await?;
        }
        match (&self.lock.project, named) {
            (Some(project), []) => Ok(vec![project.raw().to_owned()]),
            _ => Ok(named.to_vec()),
        }
    }
}

#[async_trait::async_trait]
impl<S: ?Sized + HostedStore> HostedStore for Locked<S> {
    async fn keep_chunk(&self, checksum: Checksum, bytes: Vec<u8>, now: Timestamp) -> Result<(), StoreError> {
        self.store.keep_chunk(checksum, bytes, now).await
    }

    async fn assemble(&self, mut bundle: BundleOrder) -> Result<Assembled, StoreError> {
        bundle.projects = self.projects_named(&bundle.projects).await?;
        self.store.assemble(bundle).await
    }

    async fn assemble_debug_file(
        &self,
        mut file: DebugFileOrder,
    ) -> Result<(Assembled, Vec<KnownDebugFile>), StoreError> {
        file.bundle.projects = self.projects_named(&file.bundle.projects).await?;
        self.store.assemble_debug_file(file).await
    }

    async fn debug_files(&self, query: &DebugFileQuery) -> Result<Vec<KnownDebugFile>, StoreError> {
        self.projects_named(std::slice::from_ref(&query.project)).await?;
        self.lock.quiet(self.store.debug_files(query).await)
    }

    async fn announce(&self, mut release: Announcement) -> Result<(), StoreError> {
        release.projects = self.projects_named(&release.projects).await?;
        self.store.announce(release).await
    }

    async fn deploy(&self, mut deploy: DeployRecord) -> Result<KnownDeploy, StoreError> {
        deploy.projects = self.projects_named(&deploy.projects).await?;
        held("environment", self.lock.environment.as_ref(), Some(&deploy.environment))?;
        self.lock.quiet(self.store.deploy(deploy).await)
    }

    async fn announced(&self, scope: &Scope, version: Option<&Untrusted>) -> Result<Vec<Announced>, StoreError> {
        let mut found = self.lock.quiet(self.store.announced(&self.lock.within(scope)?, version).await)?;
        for release in &mut found {
            release.projects.retain(|slug| self.lock.takes(slug));
            if let (Some(held), Some(deploy)) = (&self.lock.environment, &release.last_deploy)
                && deploy.environment.as_ref() != Some(held)
            {
                (release.last_deploy, release.deploys) = (None, 0);
            }
        }
        Ok(found)
    }

    async fn events(&self, ids: &[EventId], scope: &Scope) -> Result<Vec<EventFacts>, StoreError> {
        self.lock.quiet(self.store.events(ids, &self.lock.within(scope)?).await)
    }

    async fn issue_names(&self, named: &[String]) -> Result<Vec<(IssueId, String)>, StoreError> {
        let all = self.store.issue_names(named).await?;
        if self.lock.is_open() {
            return Ok(all);
        }
        let (scope, mut seen) = (self.lock.scope(), Vec::new());
        for (id, short) in all {
            match self.lock.quiet(self.store.bare_issue(&IssueRef::Named(short.as_str().into()), &scope).await) {
                Ok(_) => seen.push((id, short)),
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(seen)
    }

    async fn replay_ids(&self, scope: &Scope, skip: usize, limit: usize) -> Result<(Vec<EventId>, u64), StoreError> {
        self.lock.quiet(self.store.replay_ids(&self.lock.within(scope)?, skip, limit).await)
    }

    async fn project_details(&self, scope: &Scope) -> Result<Vec<ProjectDetails>, StoreError> {
        let mut found = self.lock.quiet(self.store.project_details(&self.lock.within(scope)?).await)?;
        found.retain(|details| self.lock.takes(&details.project.slug));
        if let Some(held) = &self.lock.environment {
            for details in &mut found {
                details.environments.retain(|name| name == held);
            }
        }
        Ok(found)
    }

    async fn session_series(&self, query: &SeriesQuery) -> Result<Vec<SessionSpan>, StoreError> {
        self.lock.quiet(self.store.session_series(&asked!(self, query)).await)
    }

    async fn deploys(&self, scope: &Scope, version: &Untrusted) -> Result<Vec<KnownDeploy>, StoreError> {
        let mut found = self.lock.quiet(self.store.deploys(&self.lock.within(scope)?, version).await)?;
        found.retain(|deploy| self.lock.environment.is_none() || deploy.environment == self.lock.environment);
        Ok(found)
    }
}
