//! Counts by hour: an issue's user-days and the project's traffic, for the change point.
//! It uses `rusqlite` and the packed forms.
//! It never counts the hour that has only begun.

use std::collections::HashMap;

use rusqlite::params;

use super::super::engine::{
    chunks::Unpack,
    known::IssueRow,
    pool::Snapshot,
    scope::{EventFilter, ResolvedScope},
    tally::{NOBODY, Places},
};
pub(in crate::backend::embedded::read) use crate::answers::Traffic;
use crate::{
    answers::Activity,
    backend::embedded::pack::{DAY_US, HOUR_US, day_of, hour_of},
    change::Series,
    store::StoreError,
};

impl Snapshot<'_> {
    /// The traffic of each project up to the scope's end; `end` is the moment that the answer speaks of.
    pub(in crate::backend::embedded::read) fn traffic(
        &self,
        bounds: &ResolvedScope,
        end: i64,
    ) -> Result<HashMap<u64, Traffic>, StoreError> {
        let (end, env) = (hour_of(end), bounds.env);
        let mut all = HashMap::new();
        for (project, _) in &bounds.projects {
            let mut traffic = Traffic::until(end, self.first_hour(*project)?);
            let begun = traffic.first;
            for (by, sql) in [
                (
                    Activity::Events,
                    "SELECT hour, n FROM used WHERE project=?1 AND (?2 IS NULL OR env=?2) AND hour>=?3 AND hour<?4",
                ),
                (
                    Activity::Requests,
                    "SELECT hour, CAST(round(sum(weight)) AS INTEGER) FROM traffic
                     WHERE project=?1 AND op<>0 AND (?2 IS NULL OR env=?2) AND hour>=?3 AND hour<?4 GROUP BY hour",
                ),
                (
                    Activity::Sessions,
                    "SELECT hour, total FROM sess JOIN release ON release.id=sess.rel
                     WHERE release.project=?1 AND (?2 IS NULL OR env=?2) AND hour>=?3 AND hour<?4",
                ),
            ] {
                let mut statement = self.conn.prepare_cached(sql)?;
                let mut rows = statement.query(params![project, env, begun, end])?;
                while let Some(row) = rows.next()? {
                    traffic.add(by, row.get(0)?, row.get(1)?);
                }
            }
            all.insert(*project, traffic);
        }
        let (projects, want) =
            (self.projects_of_tail()?, EventFilter { lo: i64::MIN, ..EventFilter::of(bounds, None) });
        for (issue, facts) in self.tails()? {
            if let Some(traffic) = projects.get(&issue).and_then(|project| all.get_mut(project)) {
                for fact in facts.iter().filter(|fact| want.takes(fact.ts, fact.rel, fact.env)) {
                    traffic.add(Activity::Events, hour_of(fact.ts), 1);
                }
            }
        }
        all.values_mut().for_each(Traffic::choose);
        Ok(all)
    }

    /// The first hour of a project that has anything.
    fn first_hour(&self, project: u64) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT min(first) FROM active WHERE project=?1";
        let folded: Option<i64> = self.conn.prepare_cached(sql)?.query_row([project], |row| row.get(0))?;
        let sql = "SELECT min(first) FROM issue WHERE project=?1";
        let events: Option<i64> = self.conn.prepare_cached(sql)?.query_row([project], |row| row.get(0))?;
        Ok(folded.into_iter().chain(events).min().map(hour_of))
    }

    /// An issue's user-days by hour, beside the traffic.
    pub(in crate::backend::embedded::read) fn series(
        &mut self,
        known: &IssueRow,
        traffic: Option<&Traffic>,
        bounds: &ResolvedScope,
    ) -> Result<Series, StoreError> {
        let Some(traffic) = traffic.filter(|traffic| traffic.is_some()) else { return Ok(Series::default()) };
        let (mut counted, mut places) = (UserDays::new(traffic), Places::default());
        self.each_part(known, counted.lo, counted.hi, Unpack::Head, |head, _| {
            for row in (0..head.len()).filter(|row| bounds.env.is_none_or(|env| env == head.env[*row])) {
                if (counted.lo..=counted.hi).contains(&head.ts[row]) {
                    counted.see(head.ts[row], places.of(head.user[row]));
                }
            }
        })?;
        Ok(counted.series(traffic))
    }
}

/// The first hour of each user's day.
pub(in crate::backend::embedded::read) struct UserDays {
    lo: i64,
    hi: i64,
    first_hour: i64,
    first_day: i64,
    /// The hour that was counted last, by its number, and the day's: events come mostly in order.
    current: (usize, usize, i64),
    /// By day and place: one more than the hour of the day of the first event; 0 without.
    first_hours: Vec<Vec<u8>>,
    /// By hour: user-days that begin in it, with the events that name nobody, and all events.
    counts: Vec<u64>,
    events: Vec<u64>,
}

impl UserDays {
    pub(in crate::backend::embedded::read) fn new(traffic: &Traffic) -> Self {
        let (lo, hi) = (traffic.first * HOUR_US, traffic.end * HOUR_US - 1);
        let first_day = day_of(lo);
        let days = usize::try_from(day_of(hi) - first_day + 1).unwrap_or(0);
        let hours = usize::try_from(traffic.end - traffic.first).unwrap_or(0);
        Self {
            lo,
            hi,
            first_hour: traffic.first,
            first_day,
            current: (0, 0, i64::MIN),
            first_hours: vec![Vec::new(); days],
            counts: vec![0; hours],
            events: vec![0; hours],
        }
    }

    /// Counts an event of the user at that place; those outside its time don't count.
    pub(in crate::backend::embedded::read) fn see(&mut self, ts: i64, place: u32) {
        if !(self.lo..=self.hi).contains(&ts) {
            return;
        }
        let (_, _, begin) = self.current;
        if !(begin..begin.saturating_add(HOUR_US)).contains(&ts) {
            let (hour, day) = (hour_of(ts), day_of(ts));
            self.current = ((hour - self.first_hour) as usize, (day - self.first_day) as usize, hour * HOUR_US);
        }
        let (hour, day, begin) = self.current;
        self.events[hour] += 1;
        if place == NOBODY {
            self.counts[hour] += 1;
            return;
        }
        let of_day = (begin.rem_euclid(DAY_US) / HOUR_US) as u8 + 1;
        let (first_hours, place) = (&mut self.first_hours[day], place as usize);
        if place >= first_hours.len() {
            first_hours.resize(place + 1, 0);
        }
        let known = first_hours[place];
        if known == 0 || of_day < known {
            first_hours[place] = of_day;
            self.counts[hour] += 1;
            if known != 0 {
                self.counts[hour + usize::from(known - of_day)] -= 1;
            }
        }
    }

    /// The user-days beside the traffic.
    pub(in crate::backend::embedded::read) fn series(&self, traffic: &Traffic) -> Series {
        traffic.series(&self.counts, &self.events)
    }
}
