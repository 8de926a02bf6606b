//! The history of an issue around a fix.
//! It uses `verify` and ClickHouse's SQL.
//! It never judges.

mod likes;
mod users;
mod uses;

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::{
    history::{between, environment, places},
    issues::IssueRow,
    moment::Moment,
};
use crate::{
    answers::{
        self, DAY_US, DayCount, HOUR_US, PRESENT_H, RECURRENCES, ResolvedScope, Sided, day_of, hour_of, known_releases,
        meant_issue, moment,
    },
    backend::cluster::{clickhouse::text, fault::corrupt},
    model::{EventId, FixHistory, FixHit, Issue, Lost, Recurrence, Side, Sign, Timestamp},
    store::{FixQuery, StoreError},
    verify::Window,
};

/// What is asked, resolved.
pub(super) struct Asked<'a> {
    known: &'a IssueRow,
    bounds: &'a ResolvedScope,
    sided: &'a Sided,
    window: Option<Window>,
}

impl Asked<'_> {
    /// The hours that are looked at: the window and the last day.
    fn hours(&self, as_of: Timestamp) -> std::ops::Range<i64> {
        let cut = hour_of(as_of.as_microsecond());
        self.window.map_or(cut - PRESENT_H, |window| window.start.min(cut - PRESENT_H))..cut
    }

    /// Project and environment as a condition.
    fn at(&self) -> String {
        places(self.bounds)
    }

    fn is_new(&self, rel: u32) -> bool {
        self.sided.side(rel) == Side::New
    }
}

/// Hours as a condition that follows others.
fn within(column: &str, hours: &std::ops::Range<i64>) -> String {
    between(column, hours.start, hours.end - 1)
}

impl Moment {
    /// Answers `SignalStore::fix_history`.
    pub(in crate::backend::cluster) fn fix_history(&mut self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        let bounds = answers::resolve(self, &query.scope)?.all_time();
        // An issue of another environment is known all the same: here it has no hits.
        let env = bounds.env.filter(|_| query.sealed);
        let known = meant_issue(self, &query.issue, &ResolvedScope { env, ..bounds.clone() })?;
        let slug = bounds.slug(known.project).unwrap_or_default().to_owned();
        let bounds = ResolvedScope { projects: vec![(known.project, slug.clone())], ..bounds };
        let cells = self.history(&known, &bounds)?;
        let sided = self.sided(query, &bounds, &cells)?;
        let last = sided.asked.map(|place| sided.list[place].version.clone());
        let unhandled = cells.iter().any(|cell| cell.unhandled > 0);
        let mut history = FixHistory {
            issue: Issue { project: slug, unhandled, ..known.text.clone() },
            releases: sided.list.clone(),
            asked: last.unwrap_or_else(|| query.release.raw().trim().into()),
            asked_seen: sided.asked.is_some(),
            signs: self.signs(&bounds, &sided.of(Side::New))?,
            first_hit: None,
            whole_from: self.whole_from(&bounds)?,
            hits: Vec::new(),
            uses: Vec::new(),
            lost: Vec::new(),
            conditions: Vec::new(),
            candidates: Vec::new(),
            returning: None,
            recurrences: Vec::new(),
            gaps: Vec::new(),
        };
        // When it was seen first at all may have been elsewhere.
        let whole_from = history.whole_from.filter(|_| !query.sealed);
        history.first_hit = self.first_hit(&known, &cells, &sided, whole_from)?;
        let as_of = query.scope.end.unwrap_or(moment(bounds.hi));
        let window = Window::of(&history, as_of);
        let asked = Asked { known: &known, bounds: &bounds, sided: &sided, window };
        self.add_uses(&asked, as_of, &mut history)?;
        self.add_conditions(&asked, &mut history)?;
        self.add_candidates(&asked, &mut history)?;
        self.add_hits(&asked, &mut history)?;
        self.add_event_uses(&asked, as_of, &mut history)?;
        self.add_lost(&asked, query.sealed, &mut history)?;
        self.add_returning(&asked, &mut history)?;
        Ok(history)
    }

    fn sided(&mut self, query: &FixQuery, bounds: &ResolvedScope, cells: &[DayCount]) -> Result<Sided, StoreError> {
        let mut known = known_releases(self, bounds)?;
        if query.sealed {
            let mut seen: RoaringBitmap = self.activity(bounds)?.iter().map(|row| row.rel).collect();
            if let Some(env) = bounds.env {
                let name = self.environment_name(env)?;
                let sql = "SELECT DISTINCT release FROM deploy WHERE environment=$1 AND at<=$2";
                let rows = self.rows(sql, &[&name.raw(), &bounds.hi])?;
                seen.extend(rows.iter().map(|row| row.get::<_, i32>(0) as u32));
            }
            known.list.retain(|release| seen.contains(release.id));
        }
        Ok(Sided::new(query, &known.list, cells, bounds.hi))
    }

    /// By day, the first sign of life of any of those releases, and how many there were.
    fn signs(&mut self, bounds: &ResolvedScope, rels: &RoaringBitmap) -> Result<Vec<Sign>, StoreError> {
        let mut days: BTreeMap<i64, (i64, u64)> = BTreeMap::new();
        for row in self.activity(bounds)?.into_iter().filter(|row| rels.contains(row.rel)) {
            let seen = days.entry(row.day).or_insert((row.first, 0));
            *seen = (seen.0.min(row.first), seen.1 + row.n);
        }
        Ok(days.into_values().map(|(first, n)| Sign { first: moment(first), n }).collect())
    }

    /// The first day that is still held whole, where older ones were dropped: releases remember when they were first seen.
    fn whole_from(&mut self, bounds: &ResolvedScope) -> Result<Option<Timestamp>, StoreError> {
        let Some((project, _)) = bounds.projects.first() else { return Ok(None) };
        let all = ResolvedScope { env: None, hi: i64::MAX, ..bounds.clone() };
        let Some(held) = self.activity(&all)?.iter().map(|row| row.first).min() else { return Ok(None) };
        let row = self.row("SELECT min(first) FROM release WHERE project=$1", &[&(*project as i64)])?;
        let seen: Option<i64> = row.and_then(|row| row.get(0));
        let day = day_of(held) * DAY_US;
        Ok(seen.filter(|seen| *seen < day).map(|_| moment(day)))
    }

    /// First event of the issue before the fix. One that was dropped counts too: then none that is held opened the window.
    fn first_hit(
        &self,
        known: &IssueRow,
        cells: &[DayCount],
        sided: &Sided,
        whole_from: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let row = self.row("SELECT first FROM issue WHERE id=$1", &[&known.id])?;
        let ever: i64 = row.map_or(i64::MAX, |row| row.get(0));
        if whole_from.is_some_and(|from| moment(ever) < from) {
            return Ok(Some(moment(ever)));
        }
        let before = cells.iter().filter(|cell| sided.side(cell.rel) != Side::New);
        Ok(before.map(|cell| cell.first).min().map(moment))
    }

    /// Adds every event of the issue, with the conditions that it met.
    fn add_hits(&mut self, asked: &Asked<'_>, history: &mut FixHistory) -> Result<(), StoreError> {
        let hits = self.hits_of(asked, asked.known.id, 0, history)?;
        history.hits.extend(hits);
        let new = super::super::clickhouse::list(asked.sided.of(Side::New));
        let sql = format!(
            "SELECT hex(id), rel, ts FROM event WHERE {} AND issue={}{} AND rel IN {new}
             ORDER BY ts DESC, seq DESC LIMIT {RECURRENCES}",
            asked.at(),
            asked.known.id,
            between("ts", i64::MIN, asked.bounds.hi)
        );
        for (hex, rel, ts) in self.facts::<(String, u32, i64)>(&sql)? {
            let Some(place) = asked.sided.place(rel) else { continue };
            let event = EventId(u128::from_str_radix(&hex, 16).map_err(|_| corrupt("event"))?);
            let release = asked.sided.list[place].version.clone();
            history.recurrences.push(Recurrence { event, release, at: moment(ts) });
        }
        Ok(())
    }

    /// The events of one issue as hits of a group.
    fn hits_of(
        &self,
        asked: &Asked<'_>,
        issue: i64,
        group: usize,
        history: &FixHistory,
    ) -> Result<Vec<FixHit>, StoreError> {
        let bit = |(at, condition): (usize, &crate::model::FixCondition)| {
            let (tag, value) = (text(condition.tag.raw()), text(condition.value.raw()));
            format!("if(tags[{tag}]={value}, {}, toUInt64(0))", 1_u64 << at)
        };
        let mut met: Vec<String> = history.conditions.iter().enumerate().map(bit).collect();
        met.push("toUInt64(0)".to_owned());
        let sql = format!(
            "SELECT ts, user, rel, {} FROM event WHERE {} AND issue={issue}{} ORDER BY ts, seq",
            met.join(" + "),
            asked.at(),
            between("ts", i64::MIN, asked.bounds.hi)
        );
        let hit = |(ts, user, rel, conditions): (i64, u32, u32, u64)| {
            let release = asked.sided.place(rel)?;
            Some(FixHit { at: moment(ts), user: (user != 0).then_some(user), release, group, conditions })
        };
        Ok(self.facts(&sql)?.into_iter().filter_map(hit).collect())
    }

    /// Adds errors that SDKs dropped, and beside them those that arrived, where any were dropped in the time that is
    /// looked at.
    fn add_lost(&self, asked: &Asked<'_>, sealed: bool, history: &mut FixHistory) -> Result<(), StoreError> {
        let Some(window) = asked.window else { return Ok(()) };
        let project = asked.known.project as i64;
        let env = asked.bounds.env.map(|env| env as i32);
        let sql = "SELECT hour, rel, n FROM dropped WHERE project=$1 AND hour>=$2 AND hour<$3
                     AND ($4::int IS NULL OR env=$4 OR (env=0 AND NOT $5))";
        let mut lost: BTreeMap<(i64, Option<usize>), Lost> = BTreeMap::new();
        for row in self.rows(sql, &[&project, &window.start, &window.cut, &env, &sealed])? {
            let (hour, rel, n): (i64, i32, i64) = (row.get(0), row.get(1), row.get(2));
            let release = if rel == 0 { None } else { asked.sided.place(rel as u32) };
            let part = lost.entry((hour, release)).or_insert(Lost { hour, release, ..Lost::default() });
            part.dropped += u64::try_from(n).unwrap_or(0);
        }
        if lost.is_empty() {
            return Ok(());
        }
        let (lo, hi) = (window.start.saturating_mul(HOUR_US), window.cut.saturating_mul(HOUR_US) - 1);
        let sql = format!(
            "SELECT {} AS hour, rel, count() FROM event WHERE {}{} GROUP BY hour, rel",
            super::history::HOUR,
            asked.at(),
            between("ts", lo, hi.min(asked.bounds.hi))
        );
        for (hour, rel, n) in self.facts::<(i64, u32, u64)>(&sql)? {
            let Some(place) = asked.sided.place(rel) else { continue };
            let release = Some(place);
            lost.entry((hour, release)).or_insert(Lost { hour, release, ..Lost::default() }).arrived += n;
        }
        history.lost = lost.into_values().collect();
        Ok(())
    }
}

/// The environment of what is asked, as a condition that follows others.
fn env_of(asked: &Asked<'_>) -> String {
    environment(asked.bounds.env)
}
