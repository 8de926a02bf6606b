//! From typed to meant: scope, times, pages, releases.

use jiff::{Span, Timestamp, civil};

use super::{
    Ctx, ToolError,
    cursor::{Cursor, Cursors},
    input::{Asked, Period, Text},
    named,
};
use crate::{
    guard::{Clean, Guard, Limit},
    model::Untrusted,
    release, say,
    store::{ReleaseFacts, ReleaseQuery, Scope},
    view::{Common, SourceView, Word},
};

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
        (_, Some(text)) => moment("as_of", text, Edge::Start)?,
        (Some(cursor), None) => cursor.as_of,
        (None, None) => (ctx.now)(),
    };
    let limit = match asked.limit {
        Some(limit @ 1..=100) => Some(limit as usize),
        Some(_) => return Err(ToolError::invalid(Clean::ours("limit is a number from 1 to 100"))),
        None => None,
    };
    let period_given = asked.period.is_some();
    let (start, end) = match asked.period {
        Some(period) => between(period, as_of)?,
        None => (None, as_of),
    };
    let mut scope = Scope { project: None, environment: None, start, end: Some(end) };
    scope.project = within_lock(ctx, "project", asked.project, ctx.defaults.project.as_deref())?;
    scope.environment = within_lock(ctx, "environment", asked.environment, ctx.defaults.environment.as_deref())?;
    exists(ctx, &scope).await?;
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
async fn exists(ctx: &Ctx, scope: &Scope) -> Result<(), ToolError> {
    if let Some(project) = &scope.project {
        let known = ctx.store.slugs().await?;
        if !known.contains(project) {
            return Err(ToolError::not_found("project", project, &release::nearest(project, &known)));
        }
    }
    if let Some(environment) = &scope.environment {
        let known =
            ctx.store.environments(&Scope { environment: None, start: None, end: None, ..scope.clone() }).await?;
        if !known.contains(environment) {
            return Err(ToolError::not_found("environment", environment, &release::nearest(environment, &known)));
        }
    }
    Ok(())
}

/// Which end of a day a date without a time means.
#[derive(Clone, Copy)]
enum Edge {
    Start,
    End,
}

fn between(period: Period, as_of: Timestamp) -> Result<(Option<Timestamp>, Timestamp), ToolError> {
    match period {
        Period::Span(text) => {
            if let Some((start, end)) = text.split_once('/') {
                return between(Period::Between { start: start.into(), end: Some(end.into()) }, as_of);
            }
            let span = span(&text)?;
            let start = as_of.checked_sub(span).map_err(|_| bad_period(&text))?;
            Ok((Some(start), as_of))
        }
        Period::Between { start, end } => {
            let start = moment("period.start", &start, Edge::Start)?;
            let end = end.map(|text| moment("period.end", &text, Edge::End)).transpose()?.unwrap_or(as_of).min(as_of);
            if start > end {
                return Err(ToolError::invalid(Clean::ours("the period ends before it starts")));
            }
            Ok((Some(start), end))
        }
    }
}

/// `14d`, `24h`, `90m`, `2w`.
fn span(text: &str) -> Result<Span, ToolError> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let amount: i64 = digits.parse().map_err(|_| bad_period(text))?;
    let minutes = match &text[digits.len()..] {
        "m" | "min" => 1,
        "h" => 60,
        "d" => 24 * 60,
        "w" => 7 * 24 * 60,
        _ => return Err(bad_period(text)),
    };
    let minutes = amount.checked_mul(minutes).filter(|m| (1..=10 * 366 * 24 * 60).contains(m));
    Ok(Span::new().minutes(minutes.ok_or_else(|| bad_period(text))?))
}

fn bad_period(text: &str) -> ToolError {
    let text = Guard::new().line(&text.into(), Limit::Tag);
    ToolError::invalid(say!("period \"", text, "\": say 14d, 24h, 90m, 2w, or {\"start\":…,\"end\":…} in RFC 3339"))
}

/// A moment in RFC 3339, or a date, which means the whole day in UTC.
fn moment(field: &'static str, text: &str, edge: Edge) -> Result<Timestamp, ToolError> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let date = text.parse::<civil::Date>().ok().filter(|_| text.len() == 10);
    let at = date.and_then(|date| {
        let time = match edge {
            Edge::Start => civil::time(0, 0, 0, 0),
            Edge::End => civil::time(23, 59, 59, 999_999_999),
        };
        jiff::tz::TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()
    });
    at.ok_or_else(|| {
        let text = Guard::new().line(&text.into(), Limit::Tag);
        ToolError::invalid(say!(field, " \"", text, "\": say a moment in RFC 3339, such as 2026-11-20T12:00:00Z"))
    })
}

/// A release that was named, and the releases around it.
pub(super) struct Since {
    /// As typed.
    pub asked: Untrusted,
    /// The release and all later ones, oldest first.
    pub releases: Vec<ReleaseFacts>,
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
    Ok(Since { asked, releases: known[at..=end].to_vec() })
}

/// One release by name.
pub(super) async fn one_release(ctx: &Ctx, scope: &Scope, asked: &Text) -> Result<Untrusted, ToolError> {
    let known: Vec<_> = oldest_first(ctx, scope).await?.into_iter().map(|r| r.release).collect();
    let at = index(&named::release(ctx, asked)?, &known)?;
    Ok(known[at].version.clone())
}

async fn oldest_first(ctx: &Ctx, scope: &Scope) -> Result<Vec<ReleaseFacts>, ToolError> {
    let scope = Scope { start: None, ..scope.clone() };
    let mut known = ctx.store.releases(&ReleaseQuery { scope, ..ReleaseQuery::default() }).await?;
    known.reverse();
    Ok(known)
}

fn index(asked: &Untrusted, known: &[crate::model::Release]) -> Result<usize, ToolError> {
    release::resolve(asked, known).map(|found| found.index).map_err(|e| ToolError::not_found("release", asked, &e.near))
}
