//! Events over time, as Sentry's `events-timeseries/` and `events-stats/` have it.

use axum::{Json, extract::Path};
use serde_json::{Value, json};

use super::{
    ask::{Ask, span_s},
    discover::only_errors,
    fault::ApiError,
};
use crate::{
    model::Timestamp,
    serve::{App, gate::Scoped},
    store::{Aggregate, Grouper, Scope, SearchQuery, Term, Value as Cell},
};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;
/// Buckets of one series.
const BUCKETS: i64 = 2_500;
/// Buckets that are asked for one by one.
const SINGLE: i64 = 250;
/// Where nothing says when it begins.
const DAYS: i64 = 14;

/// A series: where it begins, the length of a bucket in seconds, and the values.
struct Series {
    start_s: i64,
    end_s: i64,
    interval_s: i64,
    values: Vec<u64>,
}

/// `GET organizations/ORG/events-timeseries/`.
pub(super) async fn timeseries(Scoped(app): Scoped, Path(_): Path<String>, ask: Ask) -> Result<Json<Value>, ApiError> {
    let mut shown = Vec::new();
    let mut around = (0, 0);
    for axis in axes(&ask) {
        let series = series(&app, &ask, axis, interval(&ask, 1)?).await?;
        around = (series.start_s, series.end_s);
        let value = |(at, value): (usize, &u64)| {
            let start_s = series.start_s + at as i64 * series.interval_s;
            json!({ "timestamp": start_s * 1000, "value": value, "incomplete": start_s + series.interval_s > series.end_s })
        };
        shown.push(json!({
            "yAxis": axis,
            "values": series.values.iter().enumerate().map(value).collect::<Vec<_>>(),
            "meta": { "interval": series.interval_s * 1000, "valueType": "integer", "valueUnit": null },
        }));
    }
    let meta = json!({ "dataset": "errors", "start": around.0 * 1000, "end": around.1 * 1000 });
    Ok(Json(json!({ "timeSeries": shown, "meta": meta })))
}

/// `GET organizations/ORG/events-stats/`: the older form.
pub(super) async fn stats(Scoped(app): Scoped, Path(_): Path<String>, ask: Ask) -> Result<Json<Value>, ApiError> {
    let axis = axes(&ask)[0];
    let series = series(&app, &ask, axis, interval(&ask, 1)?).await?;
    let value =
        |(at, value): (usize, &u64)| json!([series.start_s + at as i64 * series.interval_s, [{ "count": value }]]);
    let data: Vec<Value> = series.values.iter().enumerate().map(value).collect();
    Ok(Json(json!({ "data": data, "start": series.start_s, "end": series.end_s, "isMetricsData": false })))
}

fn axes(ask: &Ask) -> Vec<&str> {
    let axes: Vec<&str> = ask.all("yAxis").filter(|axis| !axis.is_empty()).take(5).collect();
    if axes.is_empty() { vec!["count()"] } else { axes }
}

/// Seconds of a bucket: in milliseconds as a number, or as `1h`.
fn interval(ask: &Ask, least_s: i64) -> Result<Option<i64>, ApiError> {
    let Some(said) = ask.one("interval").filter(|said| !said.is_empty()) else { return Ok(None) };
    let seconds = match said.parse::<i64>() {
        Ok(millis) => Some(millis / 1000),
        Err(_) => span_s(said),
    };
    let fits = seconds.filter(|seconds| (least_s..=366 * DAY_S).contains(seconds));
    fits.map(Some).ok_or_else(|| ApiError::bad("Invalid interval: milliseconds, or such as 1h"))
}

async fn series(app: &App, ask: &Ask, axis: &str, interval: Option<i64>) -> Result<Series, ApiError> {
    only_errors(ask)?;
    let aggregate = Aggregate::parse(axis).ok_or_else(|| ApiError::bad("yAxis is count() or count_unique(user)"))?;
    let scope = ask.scope(app, None).await?;
    let end_s = scope.end.unwrap_or_else(app.now).as_second();
    let start_s = scope.start.map_or(end_s - DAYS * DAY_S, Timestamp::as_second);
    let interval_s = interval.unwrap_or(if end_s - start_s > 4 * DAY_S { DAY_S } else { HOUR_S });
    let start_s = start_s.div_euclid(interval_s) * interval_s;
    let buckets = (end_s - start_s) / interval_s + 1;
    if buckets > BUCKETS {
        return Err(ApiError::bad("too many points: ask for a longer interval or a shorter period"));
    }
    let filter = ask.search(app, ask.one("query").unwrap_or("")).await?;
    let asked = Asked { scope, filter, aggregate };
    let grouper = match (interval_s, &asked.aggregate) {
        (HOUR_S, _) => Some((Grouper::Hour, HOUR_S)),
        (DAY_S, _) => Some((Grouper::Day, DAY_S)),
        // Events of hours add up, users don't.
        (other, Aggregate::Count) if other % HOUR_S == 0 => Some((Grouper::Hour, HOUR_S)),
        _ => None,
    };
    let values = match grouper {
        Some((grouper, _)) => asked.grouped(app, grouper, start_s, interval_s, buckets).await?,
        None if buckets <= SINGLE => asked.single(app, start_s, interval_s, buckets).await?,
        None => return Err(ApiError::bad("too many points of this interval: ask for 1h or 1d")),
    };
    Ok(Series { start_s, end_s, interval_s, values })
}

/// What is counted.
struct Asked {
    scope: Scope,
    filter: Vec<Term>,
    aggregate: Aggregate,
}

impl Asked {
    fn query(&self, scope: Scope, group_by: Vec<Grouper>) -> SearchQuery {
        SearchQuery {
            scope,
            filter: self.filter.clone(),
            group_by,
            aggregate: vec![self.aggregate.clone()],
            limit: usize::MAX,
            ..SearchQuery::default()
        }
    }

    async fn grouped(
        &self,
        app: &App,
        grouper: Grouper,
        start_s: i64,
        interval_s: i64,
        buckets: i64,
    ) -> Result<Vec<u64>, ApiError> {
        let mut values = vec![0; usize::try_from(buckets).unwrap_or(0)];
        for row in app.host.search(&self.query(self.scope.clone(), vec![grouper])).await?.items {
            let [Cell::Time(at), Cell::Count(count)] = row.values.as_slice() else { continue };
            let bucket = usize::try_from((at.as_second() - start_s).div_euclid(interval_s)).ok();
            if let Some(value) = bucket.and_then(|bucket| values.get_mut(bucket)) {
                *value += count;
            }
        }
        Ok(values)
    }

    async fn single(&self, app: &App, start_s: i64, interval_s: i64, buckets: i64) -> Result<Vec<u64>, ApiError> {
        let mut values = Vec::new();
        for bucket in 0..buckets {
            let first = Timestamp::from_second(start_s + bucket * interval_s).ok().max(self.scope.start);
            let after = Timestamp::from_microsecond((start_s + (bucket + 1) * interval_s) * 1_000_000 - 1).ok();
            let end = after.min(self.scope.end).or(self.scope.end);
            let scope = Scope { start: first, end, ..self.scope.clone() };
            let page = app.host.search(&self.query(scope, Vec::new())).await?;
            values.push(match page.items.first().map(|row| row.values.as_slice()) {
                Some([Cell::Count(count)]) => *count,
                _ => 0,
            });
        }
        Ok(values)
    }
}
