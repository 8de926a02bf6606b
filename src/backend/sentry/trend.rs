//! Users and events by time, in buckets that fit the period.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    ask::Ask,
    json::{count, list, time},
    operation::TIMESERIES,
    releases::optional,
    store::SentryStore,
};
use crate::{
    model::Timestamp,
    store::{Scope, StoreError, TrendBucket},
};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;
/// 1970 began on a Thursday; weeks begin on Mondays.
const MONDAY_S: i64 = 4 * DAY_S;

impl SentryStore {
    /// Users and events of a search by time, oldest first, without gaps.
    pub(super) async fn trend(
        &self,
        scope: &Scope,
        search: &str,
        span: Option<(Timestamp, Timestamp)>,
        most: usize,
    ) -> Result<Vec<TrendBucket>, StoreError> {
        let Some((first, last)) = span.filter(|_| most > 0) else { return Ok(Vec::new()) };
        let lo = scope.start.unwrap_or(first).as_second();
        let hi = scope.end.unwrap_or(last).as_second();
        let (size, offset) = size_for(lo, hi, most as i64);
        let counts = match size {
            HOUR_S => self.by_group(scope, search, "timestamp.to_hour").await?,
            DAY_S => self.by_group(scope, search, "timestamp.to_day").await?,
            // No further back than there is anything: a series has so many points at most.
            _ => {
                self.by_series(&Scope { start: Some(scope.start.unwrap_or(first)), ..scope.clone() }, search, size)
                    .await?
            }
        };
        let bucket = |at: i64| (at - offset).div_euclid(size);
        let mut buckets: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for (at, (users, events)) in counts {
            let found = buckets.entry(bucket(at)).or_default();
            *found = (found.0 + users, found.1 + events);
        }
        let made = |at: i64| {
            let (users, events) = buckets.get(&at).copied().unwrap_or_default();
            let start = Timestamp::from_second(at * size + offset).unwrap_or(Timestamp::UNIX_EPOCH);
            TrendBucket { start, users, events }
        };
        Ok((bucket(lo)..=bucket(hi)).map(made).collect())
    }

    async fn by_group(
        &self,
        scope: &Scope,
        search: &str,
        field: &'static str,
    ) -> Result<BTreeMap<i64, (u64, u64)>, StoreError> {
        let fields = [field, "count()", "count_unique(user)"];
        let pages = optional(self.groups(scope, search, &fields, &format!("-{field}"), 100).await)?;
        let row = |row: &Value| {
            let counts = (count(row, "count_unique(user)").unwrap_or(0), count(row, "count()").unwrap_or(0));
            Some((time(row, field)?.as_second(), counts))
        };
        Ok(pages.items.iter().filter_map(row).collect())
    }

    async fn by_series(
        &self,
        scope: &Scope,
        search: &str,
        size_s: i64,
    ) -> Result<BTreeMap<i64, (u64, u64)>, StoreError> {
        let (start, end) = self.span(scope);
        // The longest interval that is taken is a day; users of longer buckets would not add up.
        let interval = size_s.min(DAY_S) * 1_000;
        let ask = |axis: &'static str| {
            Ask::new(&TIMESERIES)
                .param("dataset", "errors")
                .param("yAxis", axis)
                .param("interval", interval.to_string())
                .param("query", search)
                .between(start, end)
        };
        let users = self.scoped(ask("count_unique(user)"), scope).await?;
        let events = self.scoped(ask("count()"), scope).await?;
        let (users, events) = tokio::join!(self.server.send(&users), self.server.send(&events));
        let (users, events) = match (users, events) {
            (Ok(users), Ok(events)) => (users.json, events.json),
            (Err(fault), _) | (_, Err(fault)) if fault.is_lacking() => return Ok(BTreeMap::new()),
            (Err(fault), _) | (_, Err(fault)) => return Err(fault.into()),
        };
        let mut found: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for (at, n) in points(&users) {
            found.entry(at).or_default().0 += n;
        }
        for (at, n) in points(&events) {
            found.entry(at).or_default().1 += n;
        }
        Ok(found)
    }
}

/// Seconds and counts of the one series.
fn points(json: &Value) -> Vec<(i64, u64)> {
    let point = |point: &Value| {
        let at = point.get("timestamp").and_then(Value::as_f64)? / 1_000.0;
        Some((at as i64, count(point, "value").unwrap_or(0)))
    };
    list(json, "timeSeries").iter().flat_map(|series| list(series, "values")).filter_map(point).collect()
}

/// The smallest size with which the period fits into so many buckets, and where its buckets begin.
fn size_for(lo: i64, hi: i64, most: i64) -> (i64, i64) {
    let fits = |size: i64, offset: i64| (hi - offset).div_euclid(size) - (lo - offset).div_euclid(size) < most;
    let offset = |size: i64| if size >= 7 * DAY_S { MONDAY_S } else { 0 };
    let sizes = [HOUR_S, 6 * HOUR_S, DAY_S, 7 * DAY_S];
    if let Some(size) = sizes.into_iter().find(|size| fits(*size, offset(*size))) {
        return (size, offset(size));
    }
    let mut weeks = 2;
    while !fits(weeks * 7 * DAY_S, MONDAY_S) && weeks < 1 << 16 {
        weeks *= 2;
    }
    (weeks * 7 * DAY_S, MONDAY_S)
}
