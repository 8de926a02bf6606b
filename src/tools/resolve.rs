//! From typed to meant: scope, times, pages, releases.

use jiff::{Span, Timestamp};

use super::{
    Ctx, ToolError,
    cursor::{Cursor, Cursors},
    input::{Asked, Text},
    named, time,
};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{Kind, Untrusted},
    release, say,
    store::{IssueRef, ReleaseFacts, ReleaseQuery, Scope},
    view::{Common, Seconds, SourceView, Word},
};

/// A moment that is not longer ago, in seconds, is now.
const LATELY_S: i64 = 60;

/// The shared inputs, meant.
#[derive(Clone)]
pub struct Resolved {
    /// Where and when. Its end is always set: the moment that the answer speaks of.
    pub scope: Scope,
    /// Whether the call said a period.
    pub period_given: bool,
    /// The moment that the answer speaks of.
    pub as_of: Timestamp,
    /// At most so many.
    pub limit: Option<usize>,
    /// Left out at the start.
    pub skip: usize,
    /// Makes the cursors of this question.
    pub cursors: Cursors,
}

impl Resolved {
    /// The number of items of a page.
    pub fn limit_or(&self, default: usize) -> usize {
        self.limit.unwrap_or(default)
    }

    /// The scope with the last `days` days where the call said no period.
    pub fn scope_of_days(&self, days: i64) -> Scope {
        let mut scope = self.scope.clone();
        if !self.period_given {
            scope.start = self.as_of.checked_sub(Span::new().hours(days * 24)).ok();
        }
        scope
    }

    /// The scope as a further call has to say it to mean the same: `,"environment":"production"`; what defaults say is left
    /// out.
    pub fn words(&self, ctx: &Ctx, guard: &mut Guard) -> Clean {
        let other = |name: &Option<Untrusted>, default: &Option<String>| {
            name.clone().filter(|name| Some(name.raw()) != default.as_deref())
        };
        let mut words = Clean::default();
        if let Some(project) = other(&self.scope.project, &ctx.defaults.project) {
            words = say!(words, ",\"project\":\"", guard.line(&project, Limit::Tag), "\"");
        }
        if let Some(environment) = other(&self.scope.environment, &ctx.defaults.environment) {
            words = say!(words, ",\"environment\":\"", guard.line(&environment, Limit::Tag), "\"");
        }
        // Now goes on: only another moment has to be said.
        if self.as_of.as_second() < (ctx.now)().as_second() - LATELY_S {
            words = say!(words, ",\"as_of\":\"", Seconds(self.as_of), "\"");
        }
        words
    }

    /// The common fields of an answer.
    pub fn common(&self, ctx: &Ctx, warnings: Vec<Clean>) -> Common {
        let source = ctx.store.source();
        Common {
            as_of: self.as_of.into(),
            source: SourceView {
                store: Word(source.store.as_str()),
                freshness: Word(source.freshness.as_str()),
                age_s: source.age_s,
            },
            truncated: false,
            omitted: Vec::new(),
            next_cursor: None,
            warnings,
            redacted: std::collections::BTreeMap::new(),
        }
    }

    /// The cursor of the page after `shown` items of this one.
    pub fn cursor_after(&self, shown: usize) -> Clean {
        self.cursors.write(Cursor { skip: self.skip + shown, as_of: self.as_of })
    }
}

/// Resolves the shared inputs.
pub(super) async fn resolve(ctx: &Ctx, asked: Asked) -> Result<Resolved, ToolError> {
    let cursors = Cursors::new(ctx.store.cursor_key()?, asked.question);
    let cursor = asked.cursor.as_deref().map(|text| cursors.read(text)).transpose()?;
    let as_of = match (&cursor, &asked.as_of) {
        (_, Some(text)) => time::moment("as_of", text, (ctx.now)())?,
        (Some(cursor), None) => cursor.as_of,
        (None, None) => (ctx.now)(),
    };
    let limit = match asked.limit {
        Some(limit @ 1..=100) => Some(limit as usize),
        Some(came) => return Err(ToolError::invalid(say!("limit is a number from 1 to 100; what came is ", came))),
        None => None,
    };
    let period_given = asked.period.is_some();
    let (start, end) = match &asked.period {
        Some(period) => time::period(period, as_of)?,
        None => (None, as_of),
    };
    let mut scope = Scope { project: None, environment: None, start, end: Some(end) };
    scope.project = within_lock(ctx, "project", asked.project, ctx.defaults.project.as_deref())?;
    scope.environment = within_lock(ctx, "environment", asked.environment, ctx.defaults.environment.as_deref())?;
    exists(ctx, &mut scope).await?;
    Ok(Resolved { scope, period_given, as_of, limit, skip: cursor.map_or(0, |c| c.skip), cursors })
}

/// What a call names, else the default; a locked default can't be left, and other names don't exist then.
fn within_lock(
    ctx: &Ctx,
    what: &'static str,
    asked: Option<String>,
    default: Option<&str>,
) -> Result<Option<Untrusted>, ToolError> {
    match (asked, default) {
        (Some(asked), Some(default)) if ctx.defaults.locked && asked != default => {
            Err(ToolError::not_found(what, &asked.into(), &[]))
        }
        (Some(asked), _) => Ok(Some(asked.into())),
        (None, default) => Ok(default.map(Untrusted::from)),
    }
}

/// Refuses names of projects and environments that nothing was ever seen of, with the nearest that were.
async fn exists(ctx: &Ctx, scope: &mut Scope) -> Result<(), ToolError> {
    if let Some(project) = &scope.project {
        scope.project = Some(spelled("project", project, &ctx.store.slugs().await?)?);
    }
    if let Some(environment) = &scope.environment {
        let anywhere = Scope { environment: None, start: None, end: None, ..scope.clone() };
        let known = ctx.store.environments(&anywhere).await?;
        scope.environment = Some(spelled("environment", environment, &known)?);
    }
    Ok(())
}

/// The name as it is known; another case means it where no name is spelled so.
fn spelled(what: &'static str, asked: &Untrusted, known: &[Untrusted]) -> Result<Untrusted, ToolError> {
    let alike = || known.iter().find(|name| name.raw().eq_ignore_ascii_case(asked.raw()));
    let found = known.iter().find(|name| *name == asked).or_else(alike);
    found.cloned().ok_or_else(|| ToolError::not_found(what, asked, &release::nearest(asked, known)))
}

/// A release that was named, and the releases around it.
pub(super) struct Since {
    /// As typed.
    pub asked: Untrusted,
    /// The release and all later ones, oldest first.
    pub releases: Vec<ReleaseFacts>,
    /// The newest releases of other packages, where `latest` or `previous` was typed.
    pub others: Vec<Untrusted>,
}

impl Since {
    /// The release itself.
    pub fn first(&self) -> &ReleaseFacts {
        &self.releases[0]
    }

    /// Names, oldest first.
    pub fn names(&self) -> Vec<Untrusted> {
        self.releases.iter().map(|r| r.release.version.clone()).collect()
    }
}

/// The releases from `since` on, up to `until` where one is named.
pub(super) async fn since(ctx: &Ctx, scope: &Scope, since: &Text, until: Option<&Text>) -> Result<Since, ToolError> {
    let known = oldest_first(ctx, scope).await?;
    let plain: Vec<_> = known.iter().map(|r| r.release.clone()).collect();
    let asked = named::release(ctx, since)?;
    let at = index(&asked, &plain)?;
    let end = match until {
        Some(until) => index(&named::release(ctx, until)?, &plain)?,
        None => known.len() - 1,
    };
    if end < at {
        return Err(ToolError::invalid(Clean::ours("until_release comes before since_release")));
    }
    Ok(Since { releases: known[at..=end].to_vec(), others: newest_of_others(&asked, &plain, at), asked })
}

/// `latest` means the release that was seen last, of whichever package: the newest of each other.
fn newest_of_others(asked: &Untrusted, known: &[crate::model::Release], at: usize) -> Vec<Untrusted> {
    let by_alias = ["latest", "previous"].iter().any(|alias| asked.raw().trim().eq_ignore_ascii_case(alias));
    let package = |release: &crate::model::Release| release::split_name(release.version.raw()).0.to_owned();
    let mut seen = vec![package(&known[at])];
    let mut others = Vec::new();
    for release in known.iter().rev().filter(|_| by_alias) {
        let package = package(release);
        if !package.is_empty() && !seen.contains(&package) {
            seen.push(package);
            others.push(release.version.clone());
        }
    }
    others
}

/// What weakens an answer since `latest` where several packages have releases.
pub(super) fn alias_warning(since: &Since, guard: &mut Guard) -> Option<Clean> {
    let mut names = Clean::default();
    for (at, other) in since.others.iter().take(5).enumerate() {
        names = say!(names, if at > 0 { ", " } else { "" }, guard.line(other, Limit::Tag));
    }
    let (asked, meant) = (guard.line(&since.asked, Limit::Tag), guard.line(&since.first().release.version, Limit::Tag));
    (!since.others.is_empty()).then(|| {
        say!(
            asked,
            " is taken for ",
            meant,
            ", the last that was seen; pass project, or one of other packages: ",
            names
        )
    })
}

/// The scope in which a release is looked up beside an issue: a version alone means that of the issue's project.
pub(super) async fn beside_issue(ctx: &Ctx, scope: &Scope, issue: Option<&IssueRef>) -> Scope {
    let project = match issue {
        Some(issue) if scope.project.is_none() && !ctx.store.reads_search() => {
            ctx.store.bare_issue(issue, scope).await.ok().map(|issue| Untrusted::from(issue.project))
        }
        _ => None,
    };
    Scope { project: project.or_else(|| scope.project.clone()), ..scope.clone() }
}

/// One release by name.
pub(super) async fn one_release(ctx: &Ctx, scope: &Scope, asked: &Text) -> Result<Untrusted, ToolError> {
    let known: Vec<_> = oldest_first(ctx, scope).await?.into_iter().map(|r| r.release).collect();
    let at = index(&named::release(ctx, asked)?, &known)?;
    Ok(known[at].version.clone())
}

/// All releases of the scope, oldest first.
pub(super) async fn known_releases(ctx: &Ctx, scope: &Scope) -> Result<Vec<crate::model::Release>, ToolError> {
    Ok(oldest_first(ctx, scope).await?.into_iter().map(|r| r.release).collect())
}

async fn oldest_first(ctx: &Ctx, scope: &Scope) -> Result<Vec<ReleaseFacts>, ToolError> {
    let scope = Scope { start: None, ..scope.clone() };
    let mut known = ctx.store.releases(&ReleaseQuery { scope, ..ReleaseQuery::default() }).await?;
    known.reverse();
    Ok(known)
}

/// A release that somebody announced and that no signal has come of yet.
pub(super) async fn announced(ctx: &Ctx, scope: &Scope, asked: &Text) -> Result<Option<ReleaseFacts>, ToolError> {
    let scope = Scope { start: None, environment: None, ..scope.clone() };
    let known = ctx.store.releases(&ReleaseQuery { scope, announced: true, ..ReleaseQuery::default() }).await?;
    let plain: Vec<_> = known.iter().map(|facts| facts.release.clone()).collect();
    Ok(release::resolve(&asked.untrusted(), &plain).ok().and_then(|found| known.into_iter().nth(found.index)))
}

/// One release by name, seen or announced.
pub(super) async fn seen_or_announced(ctx: &Ctx, scope: &Scope, asked: &Text) -> Result<Untrusted, ToolError> {
    match one_release(ctx, scope, asked).await {
        Err(error) if error.kind == Kind::NotFound => {
            announced(ctx, scope, asked).await?.map(|facts| facts.release.version).ok_or(error)
        }
        found => found,
    }
}

/// The place of the release that a text means; a version of several packages means none of them.
fn index(asked: &Untrusted, known: &[crate::model::Release]) -> Result<usize, ToolError> {
    let found = release::resolve(asked, known).map_err(|e| ToolError::not_found("release", asked, &e.near))?;
    if found.others.is_empty() {
        return Ok(found.index);
    }
    let mut guard = Guard::new();
    let names = std::iter::once(&known[found.index].version).chain(&found.others);
    let near = names.map(|name| guard.line(name, Limit::Tag)).collect();
    let asked = guard.line(asked, Limit::Tag);
    Err(ToolError::invalid(say!("several packages have a release \"", asked, "\": name one of them in full"))
        .with_near(near))
}
