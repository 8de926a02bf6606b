//! What a request asks: the parameters that Sentry's lists share.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use super::fault::ApiError;
use crate::{
    model::{Project, Timestamp},
    serve::App,
    store::{Field, Scope, Term, Test, parse_search},
};

/// Rows of one page at most, and where the asker doesn't say.
const PAGE: usize = 100;

/// The parameters of a request, and whom it called us by.
pub(super) struct Ask {
    pairs: Vec<(String, String)>,
    path: String,
    base: String,
}

impl FromRequestParts<App> for Ask {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let pairs = pairs.map_err(|_| ApiError::bad("the query can't be read"))?.0;
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
        let base = format!("{scheme}://{}", text(header::HOST.as_str()).unwrap_or("localhost"));
        let original = parts.extensions.get::<axum::extract::OriginalUri>().map(|uri| uri.path().to_owned());
        Ok(Self { pairs, path: original.unwrap_or_else(|| parts.uri.path().to_owned()), base })
    }
}

impl Ask {
    /// The first value of a parameter.
    pub(super) fn one(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// `http://HOST`, as the asker called it.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The request's own address without its cursor.
    pub(super) fn address(&self) -> String {
        let mut address = format!("{}{}?", self.base, self.path);
        for (key, value) in self.pairs.iter().filter(|(key, _)| key != "cursor") {
            address += &format!("{}={}&", super::segment(key), super::segment(value));
        }
        address
    }

    /// Rows of a page.
    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        let said = self.one("per_page").or_else(|| self.one("limit"));
        match said.map(str::parse::<usize>) {
            None => Ok(PAGE),
            Some(Ok(limit @ 1..)) => Ok(limit.min(PAGE)),
            Some(_) => Err(ApiError::bad("Invalid per_page parameter.")),
        }
    }

    /// Rows before the page: a cursor is `0:ROWS:0`.
    pub(super) fn skip(&self) -> Result<usize, ApiError> {
        let Some(cursor) = self.one("cursor").filter(|cursor| !cursor.is_empty()) else { return Ok(0) };
        let mut parts = cursor.split(':');
        let offset = parts.nth(1).and_then(|rows| rows.parse().ok()).filter(|_| parts.clone().count() == 1);
        offset.ok_or_else(|| ApiError::bad("Invalid cursor parameter."))
    }

    /// Projects, environment, time.
    pub(super) async fn scope(&self, app: &App, project: Option<&str>) -> Result<Scope, ApiError> {
        let named: Vec<&str> = match project {
            Some(project) => vec![project],
            None => self.all("project").filter(|project| !matches!(*project, "" | "-1")).collect(),
        };
        let project = match named.as_slice() {
            [] => None,
            [one] => Some(found(app, one).await?.slug.into()),
            _ => return Err(ApiError::bad("one project at a time, or all of them: leave project out, or say -1")),
        };
        let environments: Vec<&str> = self.all("environment").filter(|name| !name.is_empty()).collect();
        let environment = match environments.as_slice() {
            [] => None,
            [one] => Some((*one).into()),
            _ => return Err(ApiError::bad("one environment at a time, or all of them")),
        };
        let (start, end) = self.time((app.now)())?;
        Ok(Scope { project, environment, start, end: Some(end) })
    }

    /// Start and end; a span before now wins over both.
    fn time(&self, now: Timestamp) -> Result<(Option<Timestamp>, Timestamp), ApiError> {
        if let Some(span) = self.one("statsPeriod").filter(|span| !span.is_empty()) {
            let seconds = span_s(span).ok_or_else(|| ApiError::bad("Invalid statsPeriod: write 24h, 14d or 2w"))?;
            let start = now.checked_sub(jiff::SignedDuration::from_secs(seconds)).ok();
            return Ok((start, now));
        }
        let moment = |key: &str| match self.one(key).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match read_moment(text) {
                Some(moment) => Ok(Some(moment)),
                None => Err(ApiError::bad(format!("{key} is not a valid ISO 8601 date"))),
            },
        };
        let (start, end) = (moment("start")?, moment("end")?.unwrap_or(now).min(now));
        if start.is_some_and(|start| start > end) {
            return Err(ApiError::bad("start must be before end"));
        }
        Ok((start, end))
    }

    /// The search, in Sentry's syntax. Issues are known by their short ids within.
    pub(super) async fn search(&self, app: &App, query: &str) -> Result<Vec<Term>, ApiError> {
        // Everything here is an error: conditions that say so hold.
        let own = |word: &&str| !matches!(*word, "issue.category:error" | "issue.type:error" | "event.type:error");
        let kept: String = query.split_inclusive(' ').filter(|word| own(&word.trim())).collect();
        let mut terms = parse_search(&kept, (app.now)())?;
        for term in &mut terms {
            if let Test::Field { field, values, .. } = &mut term.test {
                match field {
                    Field::Issue => {
                        let named: Vec<String> = values.iter().map(|value| value.raw().to_owned()).collect();
                        let found = app.host.issue_names(&named).await?;
                        *values = found.into_iter().map(|(_, short)| short.into()).collect();
                        if values.is_empty() {
                            // No issue has that name: nothing fits.
                            values.push("-".into());
                        }
                    }
                    Field::User => {
                        for value in values {
                            *value = value.raw().strip_prefix("id:").unwrap_or(value.raw()).into();
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(terms)
    }
}

/// A moment as ISO 8601 has it; without a zone it is UTC.
pub(super) fn read_moment(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.replace(' ', "+").parse::<Timestamp>() {
        return Some(moment);
    }
    if let Ok(moment) = text.parse::<jiff::civil::DateTime>() {
        return jiff::tz::TimeZone::UTC.to_timestamp(moment).ok();
    }
    Timestamp::from_second(text.parse().ok()?).ok()
}

/// `90m`, `24h`, `14d`, `2w` in seconds.
pub(super) fn span_s(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = match unit {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit).filter(|seconds| (1..=315_360_000).contains(seconds))
}

/// A project by slug or number.
pub(super) async fn found(app: &App, project: &str) -> Result<Project, ApiError> {
    Ok(app.host.project_for_dsn(project, None).await?)
}
