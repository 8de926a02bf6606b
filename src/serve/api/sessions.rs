//! Release health: sessions and users by release, as Sentry's `sessions/` has them.

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Map, Value, json};

use super::{
    ask::{Ask, span_s},
    fault::Fault,
    issues,
    shapes::moment,
};
use crate::{
    model::{SessionCounts, Timestamp, Untrusted},
    serve::App,
    store::{Field, Op, ReleaseFacts, ReleaseQuery, Scope, Test},
};

const DAY_S: i64 = 86_400;
/// Buckets of one answer: each is asked for by itself.
const BUCKETS: i64 = 100;
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

/// Project and environment that releases were asked for.
type Place = (Option<Untrusted>, Option<Untrusted>);

/// One combination of what is told apart, status aside.
struct Group {
    by: Map<String, Value>,
    scope: Scope,
    release: Option<String>,
}

/// `GET organizations/ORG/sessions/`.
pub(super) async fn sessions(State(app): State<App>, Path(_): Path<String>, ask: Ask) -> Result<Json<Value>, Fault> {
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
        Some(said) => span_s(said).ok_or_else(|| Fault::bad("Invalid interval: such as 1h or 1d"))?,
    };
    let first_s = start_s.div_euclid(interval_s) * interval_s;
    let buckets = (end.as_second() - first_s) / interval_s + 1;
    if asked.series && buckets > BUCKETS {
        return Err(Fault::bad("too many points: ask for a longer interval, or for totals alone (includeSeries=0)"));
    }
    let spans: Vec<Scope> = (0..buckets).map(|at| bucket(&scope, first_s + at * interval_s, interval_s)).collect();
    let groups = groups(&app, &asked, &scope).await?;
    let mut shown = Vec::new();
    for status in statuses(&asked) {
        shown.extend(groups.iter().map(|group| shape(group, status)));
    }
    fill(&app, &asked, &groups, &scope, None, &mut shown).await?;
    if asked.series {
        for (at, span) in spans.iter().enumerate() {
            fill(&app, &asked, &groups, span, Some(at), &mut shown).await?;
        }
    }
    shown.retain(|group| group["some"] == true);
    shown.iter_mut().filter_map(Value::as_object_mut).for_each(|group| {
        group.remove("some");
    });
    let starts: Vec<String> = spans.iter().filter_map(|span| span.start).map(moment).collect();
    let start = Timestamp::from_second(first_s).unwrap_or(now);
    let query = ask.one("query").unwrap_or("");
    Ok(Json(
        json!({ "start": moment(start), "end": moment(end), "intervals": starts, "groups": shown, "query": query }),
    ))
}

async fn asked(app: &App, ask: &Ask, scope: &mut Scope) -> Result<Asked, Fault> {
    let by = |name: &str| match name {
        "project" => Ok(By::Project),
        "release" => Ok(By::Release),
        "environment" => Ok(By::Environment),
        "session.status" => Ok(By::Status),
        _ => Err(Fault::bad("Invalid groupBy: it is one of project, release, environment, session.status")),
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
        return Err(Fault::bad("Request is missing a \"field\""));
    }
    Ok(Asked {
        fields,
        by: ask.all("groupBy").map(by).collect::<Result<_, _>>()?,
        releases,
        series: on("includeSeries"),
        totals: on("includeTotals"),
    })
}

fn not_kept() -> Fault {
    Fault::bad("sessions are searched by release, environment and project alone")
}

fn bucket(scope: &Scope, start_s: i64, interval_s: i64) -> Scope {
    let last = Timestamp::from_microsecond((start_s + interval_s).saturating_mul(1_000_000) - 1).ok();
    Scope { start: Timestamp::from_second(start_s).ok(), end: last.min(scope.end).or(scope.end), ..scope.clone() }
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
async fn groups(app: &App, asked: &Asked, scope: &Scope) -> Result<Vec<Group>, Fault> {
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
            let query = ReleaseQuery { scope: group.scope.clone(), limit: None, skip: 0, counts: false };
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

/// Writes the numbers of one span of time into the groups: as totals, or as the series' next value.
async fn fill(
    app: &App,
    asked: &Asked,
    groups: &[Group],
    span: &Scope,
    bucket: Option<usize>,
    shown: &mut [Value],
) -> Result<(), Fault> {
    let mut known: Vec<(Place, Vec<ReleaseFacts>)> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let scope = Scope { start: span.start, end: span.end, ..group.scope.clone() };
        let key = (scope.project.clone(), scope.environment.clone());
        if !known.iter().any(|(k, _)| *k == key) {
            if known.len() >= QUESTIONS {
                return Err(Fault::bad("too many groups: ask for fewer at once"));
            }
            let query = ReleaseQuery { scope, limit: None, skip: 0, counts: true };
            known.push((key.clone(), app.host.releases(&query).await?));
        }
        let releases = known.iter().find(|(k, _)| *k == key).map_or(&[][..], |(_, releases)| releases);
        let wanted = |release: &&ReleaseFacts| {
            let version = release.release.version.raw();
            group.release.as_ref().is_none_or(|own| own == version)
                && asked.releases.as_ref().is_none_or(|wanted| wanted.iter().any(|name| name == version))
        };
        let found: Vec<&ReleaseFacts> = releases.iter().filter(wanted).collect();
        for (place, status) in statuses(asked).into_iter().enumerate() {
            write(asked, &found, status, bucket, &mut shown[place * groups.len() + at]);
        }
    }
    Ok(())
}

fn write(asked: &Asked, releases: &[&ReleaseFacts], status: Option<usize>, bucket: Option<usize>, group: &mut Value) {
    let sum = releases.iter().map(|release| release.sessions).fold(SessionCounts::default(), |a, b| SessionCounts {
        total: a.total + b.total,
        errored: a.errored + b.errored,
        crashed: a.crashed + b.crashed,
        abnormal: a.abnormal + b.abnormal,
        unhandled: a.unhandled + b.unhandled,
    });
    // Users of several releases don't add up.
    let users = if releases.len() == 1 { releases.first().map(|release| release.users) } else { None };
    let healthy = sum.total.saturating_sub(sum.errored + sum.crashed + sum.abnormal + sum.unhandled);
    let counts = [healthy, sum.errored, sum.crashed, sum.abnormal, sum.unhandled];
    if sum.total > 0 || users.is_some_and(|users| users > 0) {
        group["some"] = true.into();
    }
    for field in &asked.fields {
        let value: Value = match field.as_str() {
            "sum(session)" => status.map_or(sum.total, |status| counts[status]).into(),
            "count_unique(user)" if status.is_none() && releases.is_empty() => 0.into(),
            "count_unique(user)" if status.is_none() => users.into(),
            "crash_free_rate(session)" if status.is_none() => sum.crash_free_rate().into(),
            "crash_rate(session)" if status.is_none() => sum.crash_free_rate().map(|rate| 1.0 - rate).into(),
            _ => Value::Null,
        };
        match bucket {
            None if asked.totals => group["totals"][field] = value,
            None => {}
            Some(0) => group["series"][field] = json!([value]),
            Some(_) => {
                if let Some(series) = group["series"][field].as_array_mut() {
                    series.push(value);
                }
            }
        }
    }
}
