//! Release health: sessions and users by release, as Sentry's `sessions/` has them.

use std::collections::HashMap;

use axum::{Json, extract::Path};
use serde_json::{Map, Value, json};

use super::{
    ask::{Ask, span_s},
    fault::ApiError,
    issues,
    shapes::moment,
};
use crate::{
    model::{Timestamp, Untrusted},
    serve::{App, gate::Scoped},
    store::{Field, Op, ReleaseQuery, Scope, SeriesQuery, SessionSpan, Test},
};

const DAY_S: i64 = 86_400;
/// Groups times spans of one answer.
const POINTS: usize = 200_000;
/// Questions to the store for one answer.
const QUESTIONS: usize = 1_000;
/// Where nothing says when it begins.
const DAYS: i64 = 90;

/// By what sessions are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Project,
    Release,
    Environment,
    Status,
}

const STATUSES: [&str; 5] = ["healthy", "errored", "crashed", "abnormal", "unhandled"];

/// What is asked.
struct Asked {
    fields: Vec<String>,
    by: Vec<By>,
    /// Names of releases; `None`: all.
    releases: Option<Vec<String>>,
    series: bool,
    totals: bool,
}

/// Project and environment that sessions were asked for.
type Place = (Option<Untrusted>, Option<Untrusted>);

/// Sessions by release, where these are told apart, and span.
type Spans = HashMap<(Option<String>, usize), SessionSpan>;

/// One combination of what is told apart, status aside.
struct Group {
    by: Map<String, Value>,
    scope: Scope,
    release: Option<String>,
}

/// `GET organizations/ORG/sessions/`.
pub(super) async fn sessions(Scoped(app): Scoped, Path(_): Path<String>, ask: Ask) -> Result<Json<Value>, ApiError> {
    let mut scope = ask.scope(&app, None).await?;
    let asked = asked(&app, &ask, &mut scope).await?;
    let now = (app.now)();
    let end = scope.end.unwrap_or(now);
    let start_s = scope.start.map_or(end.as_second() - DAYS * DAY_S, Timestamp::as_second);
    let interval_s = match ask.one("interval") {
        None | Some("") => {
            if end.as_second() - start_s > 2 * DAY_S {
                DAY_S
            } else {
                3_600
            }
        }
        Some(said) => span_s(said)
            .filter(|seconds| seconds % 3_600 == 0 && DAY_S % seconds == 0)
            .ok_or_else(|| ApiError::bad("Invalid interval: whole hours that divide a day, such as 1h or 1d"))?,
    };
    let first_s = start_s.div_euclid(interval_s) * interval_s;
    let spans = usize::try_from((end.as_second() - first_s) / interval_s + 1).unwrap_or(0);
    let groups = groups(&app, &asked, &scope).await?;
    if asked.series && groups.len().saturating_mul(spans) > POINTS {
        return Err(ApiError::bad("too many points: ask for a longer interval, or for totals alone (includeSeries=0)"));
    }
    let mut shown = Vec::new();
    for status in statuses(&asked) {
        shown.extend(groups.iter().map(|group| shape(group, status)));
    }
    let start = Timestamp::from_second(first_s).unwrap_or(now);
    fill(&app, &asked, &groups, (Some(start), interval_s / 3_600, spans), &mut shown).await?;
    shown.retain(|group| group["some"] == true);
    shown.iter_mut().filter_map(Value::as_object_mut).for_each(|group| {
        group.remove("some");
    });
    let starts = (0..spans as i64).filter_map(|at| Timestamp::from_second(first_s + at * interval_s).ok());
    let starts: Vec<String> = starts.map(moment).collect();
    let query = ask.one("query").unwrap_or("");
    Ok(Json(
        json!({ "start": moment(start), "end": moment(end), "intervals": starts, "groups": shown, "query": query }),
    ))
}

async fn asked(app: &App, ask: &Ask, scope: &mut Scope) -> Result<Asked, ApiError> {
    let by = |name: &str| match name {
        "project" => Ok(By::Project),
        "release" => Ok(By::Release),
        "environment" => Ok(By::Environment),
        "session.status" => Ok(By::Status),
        _ => Err(ApiError::bad("Invalid groupBy: it is one of project, release, environment, session.status")),
    };
    let mut releases = None;
    for term in ask.search(app, ask.one("query").unwrap_or("")).await? {
        let Test::Field { field, op: Op::Is, values } = &term.test else { return Err(not_kept()) };
        match field {
            _ if term.negated => return Err(not_kept()),
            Field::Release => releases = Some(values.iter().map(|value| value.raw().to_owned()).collect()),
            Field::Environment if values.len() == 1 => scope.environment = values.first().cloned(),
            Field::Project if values.len() == 1 => scope.project = values.first().cloned(),
            _ => return Err(not_kept()),
        }
    }
    let on = |key: &str| !matches!(ask.one(key), Some("0" | "false"));
    let fields: Vec<String> = ask.all("field").map(str::to_owned).collect();
    if fields.is_empty() {
        return Err(ApiError::bad("Request is missing a \"field\""));
    }
    Ok(Asked {
        fields,
        by: ask.all("groupBy").map(by).collect::<Result<_, _>>()?,
        releases,
        series: on("includeSeries"),
        totals: on("includeTotals"),
    })
}

fn not_kept() -> ApiError {
    ApiError::bad("sessions are searched by release, environment and project alone")
}

fn statuses(asked: &Asked) -> Vec<Option<usize>> {
    if asked.by.contains(&By::Status) { (0..STATUSES.len()).map(Some).collect() } else { vec![None] }
}

fn shape(group: &Group, status: Option<usize>) -> Value {
    let mut by = group.by.clone();
    if let Some(status) = status {
        by.insert("session.status".into(), STATUSES[status].into());
    }
    json!({ "by": by, "totals": {}, "series": {}, "some": false })
}

/// All combinations that there may be.
async fn groups(app: &App, asked: &Asked, scope: &Scope) -> Result<Vec<Group>, ApiError> {
    let mut groups = vec![Group { by: Map::new(), scope: scope.clone(), release: None }];
    if asked.by.contains(&By::Project) {
        let mut projects: Vec<_> = issues::projects(app).await?.into_values().collect();
        projects.sort_by_key(|project| project.id);
        projects.retain(|project| scope.project.as_ref().is_none_or(|slug| slug.raw() == project.slug));
        groups = projects
            .iter()
            .map(|project| {
                with(&groups[0], "project", project.id.into(), |s| s.project = Some(project.slug.as_str().into()))
            })
            .collect();
    }
    if asked.by.contains(&By::Environment) {
        let mut all = Vec::new();
        for group in &groups {
            for name in app.host.environments(&group.scope).await? {
                all.push(with(group, "environment", name.raw().into(), |scope| scope.environment = Some(name.clone())));
            }
        }
        groups = all;
    }
    if asked.by.contains(&By::Release) {
        let mut all = Vec::new();
        for group in &groups {
            let query = ReleaseQuery { scope: group.scope.clone(), ..ReleaseQuery::default() };
            for release in app.host.releases(&query).await? {
                let version = release.release.version.raw().to_owned();
                if asked.releases.as_ref().is_none_or(|wanted| wanted.contains(&version)) {
                    let mut one = with(group, "release", version.as_str().into(), |_| {});
                    one.release = Some(version);
                    all.push(one);
                }
            }
        }
        groups = all;
    }
    Ok(groups)
}

fn with(group: &Group, key: &str, value: Value, narrow: impl FnOnce(&mut Scope)) -> Group {
    let mut one = Group { by: group.by.clone(), scope: group.scope.clone(), release: group.release.clone() };
    one.by.insert(key.into(), value);
    narrow(&mut one.scope);
    one
}

/// Writes the numbers into the groups: totals, and a value for each span of the series.
async fn fill(
    app: &App,
    asked: &Asked,
    groups: &[Group],
    (first, hours, spans): (Option<Timestamp>, i64, usize),
    shown: &mut [Value],
) -> Result<(), ApiError> {
    let mut known: Vec<(Place, Spans, Spans)> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let scope = Scope { start: first, ..group.scope.clone() };
        let key = (scope.project.clone(), scope.environment.clone());
        if !known.iter().any(|(place, ..)| *place == key) {
            if known.len() >= QUESTIONS {
                return Err(ApiError::bad("too many groups: ask for fewer at once"));
            }
            let totals = numbers(app, asked, &scope, i64::MAX).await?;
            let series = if asked.series { numbers(app, asked, &scope, hours).await? } else { Spans::new() };
            known.push((key.clone(), totals, series));
        }
        let Some((_, totals, series)) = known.iter().find(|(place, ..)| *place == key) else { continue };
        for (place, status) in statuses(asked).into_iter().enumerate() {
            let group_shown = &mut shown[place * groups.len() + at];
            let total = totals.get(&(group.release.clone(), 0));
            group_shown["some"] = total.is_some_and(|span| span.counts.total > 0).into();
            for field in &asked.fields {
                if asked.totals {
                    group_shown["totals"][field] = value(field, total, status);
                }
                if asked.series {
                    let of_span = |span| value(field, series.get(&(group.release.clone(), span)), status);
                    group_shown["series"][field] = (0..spans).map(of_span).collect();
                }
            }
        }
    }
    Ok(())
}

async fn numbers(app: &App, asked: &Asked, scope: &Scope, hours: i64) -> Result<Spans, ApiError> {
    let query = SeriesQuery {
        scope: scope.clone(),
        hours,
        releases: asked.releases.as_ref().map(|names| names.iter().map(|name| name.as_str().into()).collect()),
        by_release: asked.by.contains(&By::Release),
    };
    let spans = app.host.session_series(&query).await?.into_iter();
    Ok(spans.map(|span| ((span.release.as_ref().map(|name| name.raw().to_owned()), span.span), span)).collect())
}

/// One number; users are not told apart by how their sessions ended.
fn value(field: &str, span: Option<&SessionSpan>, status: Option<usize>) -> Value {
    let sum = span.map(|span| span.counts).unwrap_or_default();
    let healthy = sum.total.saturating_sub(sum.errored + sum.crashed + sum.abnormal + sum.unhandled);
    let counts = [healthy, sum.errored, sum.crashed, sum.abnormal, sum.unhandled];
    match field {
        "sum(session)" => status.map_or(sum.total, |status| counts[status]).into(),
        "count_unique(user)" if status.is_none() => span.map_or(0, |span| span.users).into(),
        "crash_free_rate(session)" if status.is_none() => sum.crash_free_rate().into(),
        "crash_rate(session)" if status.is_none() => sum.crash_free_rate().map(|rate| 1.0 - rate).into(),
        _ => Value::Null,
    }
}
