//! User-days of issues by hour.
//! It uses ClickHouse's SQL.
//! It never counts the hour that has only begun.

use super::{
    history::{DAY, HOUR, between, environment},
    issues::IssueRow,
    moment::Moment,
};
use crate::{
    answers::{HOUR_US, ResolvedScope, Traffic},
    change::Series,
    store::StoreError,
};

impl Moment {
    /// An issue's user-days by hour, beside the traffic: each user's first event of a day, and each event of nobody.
    pub(super) fn series(
        &self,
        known: &IssueRow,
        traffic: Option<&Traffic>,
        bounds: &ResolvedScope,
    ) -> Result<Series, StoreError> {
        let Some(traffic) = traffic.filter(|traffic| traffic.is_some()) else { return Ok(Series::default()) };
        let (lo, hi) = (traffic.first * HOUR_US, traffic.end * HOUR_US - 1);
        let at = format!(
            "project={} AND issue={}{}{}",
            known.project,
            known.id,
            environment(bounds.env),
            between("ts", lo, hi)
        );
        let sql = format!(
            "SELECT hour, sum(fresh), sum(events) FROM (
               SELECT {HOUR} AS hour, toUInt64(0) AS fresh, count() AS events FROM event WHERE {at} GROUP BY hour
               UNION ALL SELECT toInt64(floor(began / 3600000000)) AS hour, count() AS fresh, toUInt64(0) AS events FROM (
                 SELECT min(ts) AS began FROM event WHERE {at} GROUP BY {DAY}, user, if(user=0, seq, 0))
               GROUP BY hour)
             GROUP BY hour"
        );
        let hours = usize::try_from(traffic.end - traffic.first).unwrap_or(0);
        let (mut counts, mut events) = (vec![0; hours], vec![0; hours]);
        for (hour, fresh, all) in self.facts::<(i64, u64, u64)>(&sql)? {
            if let Some(place) = usize::try_from(hour - traffic.first).ok().filter(|place| *place < hours) {
                (counts[place], events[place]) = (fresh, all);
            }
        }
        Ok(traffic.series(&counts, &events))
    }
}
