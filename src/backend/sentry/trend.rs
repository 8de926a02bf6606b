//! Users and events by time, in buckets that fit the period.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::{
    ask::Ask,
    exposure::Search,
    fault::optional,
    json::{count, list, time},
    operation::TIMESERIES,
    store::SentryStore,
    whole::Happened,
};
use crate::{
    model::{Timestamp, Untrusted},
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
        search: Search<'_>,
        span: Option<(Timestamp, Timestamp)>,
        most: usize,
    ) -> Result<Vec<TrendBucket>, StoreError> {
        let Some((first, last)) = span.filter(|_| most > 0) else { return Ok(Vec::new()) };
        let lo = scope.start.unwrap_or(first).max(self.span(scope).0).as_second();
        let hi = scope.end.unwrap_or(last).as_second();
        let size_and_offset = size_for(lo, hi, most as i64);
        let (size, _) = size_and_offset;
        let counts = match size {
            HOUR_S => self.by_group(scope, search, "timestamp.to_hour").await?,
            DAY_S => self.by_group(scope, search, "timestamp.to_day").await?,
            // No further back than there is anything: a series has so many points at most.
            _ => {
                self.by_series(&Scope { start: Some(scope.start.unwrap_or(first)), ..scope.clone() }, search, size)
                    .await?
            }
        };
        let mut buckets: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for (at, (users, events)) in counts {
            let found = buckets.entry(bucket(at, size_and_offset)).or_default();
            *found = (found.0 + users, found.1 + events);
        }
        Ok(without_gaps(&buckets, (lo, hi), size_and_offset))
    }

    async fn by_group(
        &self,
        scope: &Scope,
        search: Search<'_>,
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
        search: Search<'_>,
        size_s: i64,
    ) -> Result<BTreeMap<i64, (u64, u64)>, StoreError> {
        // The longest interval that is taken is a day; users of longer buckets would not add up.
        let size_s = size_s.min(DAY_S);
        let (users, events) = tokio::try_join!(
            self.points(scope, search, "count_unique(user)", size_s),
            self.points(scope, search, "count()", size_s)
        )?;
        let mut found: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for (at, n) in users {
            found.entry(at).or_default().0 += n;
        }
        for (at, n) in events {
            found.entry(at).or_default().1 += n;
        }
        Ok(found)
    }

    /// One number of a search by time: seconds and values; none where a server can't tell.
    pub(super) async fn points(
        &self,
        scope: &Scope,
        search: Search<'_>,
        axis: &'static str,
        size_s: i64,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        let (start, end) = self.span(scope);
        let ask = Ask::new(&TIMESERIES)
            .param("dataset", search.dataset.name())
            .param("yAxis", axis)
            .param("interval", (size_s * 1_000).to_string())
            .param("query", search.text)
            .between(start, end);
        optional(self.server.send(&self.scoped(ask, scope).await?).await.map(|reply| points(&reply.json)))
    }
}

/// Users and events by time of events that are known one by one.
pub(super) fn trend_of(events: &[&Happened], scope: &Scope, most: usize) -> Vec<TrendBucket> {
    let times = || events.iter().map(|event| event.at);
    let (Some(first), Some(last), 1..) = (times().min(), times().max(), most) else { return Vec::new() };
    let span = (scope.start.unwrap_or(first).as_second(), scope.end.unwrap_or(last).as_second());
    let size = size_for(span.0, span.1, most as i64);
    let mut users: BTreeMap<i64, HashSet<&Untrusted>> = BTreeMap::new();
    let mut buckets: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for event in events {
        let at = bucket(event.at.as_second(), size);
        users.entry(at).or_default().extend(&event.user);
        buckets.entry(at).or_default().1 += 1;
    }
    for (at, found) in &mut buckets {
        found.0 = users.get(at).map_or(0, |users| users.len() as u64);
    }
    without_gaps(&buckets, span, size)
}

fn bucket(at: i64, (size, offset): (i64, i64)) -> i64 {
    (at - offset).div_euclid(size)
}

fn without_gaps(buckets: &BTreeMap<i64, (u64, u64)>, (lo, hi): (i64, i64), size: (i64, i64)) -> Vec<TrendBucket> {
    let made = |at: i64| {
        let (users, events) = buckets.get(&at).copied().unwrap_or_default();
        let start = Timestamp::from_second(at * size.0 + size.1).unwrap_or(Timestamp::UNIX_EPOCH);
        TrendBucket { start, users, events }
    };
    (bucket(lo, size)..=bucket(hi, size)).map(made).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_buckets_that_fit_are_taken_and_none_is_left_out() {
        for (days, most, size) in [(0, 48, HOUR_S), (4, 48, 6 * HOUR_S), (30, 48, DAY_S), (90, 20, 7 * DAY_S)] {
            let (lo, hi) = (1_795_000_000, 1_795_000_000 + days * DAY_S);
            let found = size_for(lo, hi, most);
            assert_eq!(found.0, size, "{days} days");
            let buckets = without_gaps(&BTreeMap::new(), (lo, hi), found);
            assert!(buckets.len() as i64 <= most && buckets.windows(2).all(|two| two[0].start < two[1].start));
        }
        let weeks = size_for(0, 3_650 * DAY_S, 10);
        assert!(weeks.0 % (7 * DAY_S) == 0 && weeks.1 == MONDAY_S, "{weeks:?}");
    }
}
