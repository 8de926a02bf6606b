//! The history of an issue around a fix.
//! It uses `verify` and the packed forms.
//! It never judges.

mod candidates;
mod conditions;
mod hits;
mod lost;
mod returning;
mod uses;

use roaring::RoaringBitmap;
use rusqlite::params;

use super::engine::{chunks::Unpack, known::IssueRow, pool::Snapshot, scope::ResolvedScope};
use crate::{
    answers::{PRESENT_H, Sided},
    backend::embedded::pack::{DAY_US, DayCount, day_of, hour_of, moment},
    model::{FixHistory, Side, Sign, Timestamp},
    store::{FixQuery, StoreError},
    verify::Window,
};

/// What is asked, resolved.
pub(super) struct Asked<'a> {
    pub(super) known: &'a IssueRow,
    pub(super) bounds: &'a ResolvedScope,
    pub(super) sided: &'a Sided,
    pub(super) window: Option<Window>,
}

impl Snapshot<'_> {
    /// Answers `SignalStore::fix_history`.
    pub(in crate::backend::embedded) fn fix_history(&mut self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        let bounds = self.bounds(&query.scope)?.all_time();
        // An issue of another environment is known all the same: here it has no hits.
        let env = bounds.env.filter(|_| query.sealed);
        let known = self.meant_issue(&query.issue, &ResolvedScope { env, ..bounds.clone() })?;
        let slug = bounds.slug(known.project).unwrap_or_default().to_owned();
        let bounds = ResolvedScope { projects: vec![(known.project, slug.clone())], ..bounds };
        let cells = known.history(self, &bounds)?;
        let sided = self.sided(query, &bounds, &cells)?;
        let last = sided.asked.map(|place| sided.list[place].version.clone());
        let mut history = FixHistory {
            issue: self.issue_text(&known, &slug, cells.iter().any(|cell| cell.unhandled > 0))?,
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
        let mut known = self.known_releases(bounds)?;
        if query.sealed {
            let seen = self.releases_within(bounds)?;
            known.list.retain(|release| seen.contains(release.id));
        }
        Ok(Sided::new(query, &known.list, cells, bounds.hi))
    }

    /// The releases that were active in, or deployed to, the one environment of the scope.
    fn releases_within(&mut self, bounds: &ResolvedScope) -> Result<RoaringBitmap, StoreError> {
        let mut seen: RoaringBitmap = self.activity(bounds)?.iter().map(|row| row.rel).collect();
        if let Some(env) = bounds.env {
            let name = self.word(env)?;
            let sql = "SELECT release FROM deploy WHERE environment=?1 AND at<=?2";
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query(params![name.raw(), bounds.hi])?;
            while let Some(row) = rows.next()? {
                seen.insert(row.get(0)?);
            }
        }
        Ok(seen)
    }

    /// By day, the first sign of life of any of those releases, and how many there were.
    fn signs(&self, bounds: &ResolvedScope, rels: &RoaringBitmap) -> Result<Vec<Sign>, StoreError> {
        let sql =
            "SELECT day, first, n FROM active WHERE project=?1 AND rel=?2 AND (?3 IS NULL OR env=?3) AND first<=?4";
        let mut days: std::collections::BTreeMap<i64, (i64, u64)> = std::collections::BTreeMap::new();
        let mut see = |day: i64, first: i64, n: u64| {
            let seen = days.entry(day).or_insert((first, 0));
            *seen = (seen.0.min(first), seen.1 + n);
        };
        for (project, _) in &bounds.projects {
            let mut statement = self.conn.prepare_cached(sql)?;
            for rel in rels {
                let mut rows = statement.query(params![project, rel, bounds.env, bounds.hi])?;
                while let Some(row) = rows.next()? {
                    see(row.get(0)?, row.get(1)?, row.get(2)?);
                }
            }
        }
        let env = |env: u32| bounds.env.is_none_or(|wanted| wanted == env);
        for facts in self.tails()?.into_values() {
            for fact in facts.iter().filter(|f| rels.contains(f.rel) && env(f.env) && f.ts <= bounds.hi) {
                see(day_of(fact.ts), fact.ts, 1);
            }
        }
        Ok(days.into_values().map(|(first, n)| Sign { first: moment(first), n }).collect())
    }

    /// The first day that is still held whole, where older ones were dropped: releases remember when they were first seen.
    fn whole_from(&self, bounds: &ResolvedScope) -> Result<Option<Timestamp>, StoreError> {
        let Some((project, _)) = bounds.projects.first() else { return Ok(None) };
        let first = |sql: &str| -> Result<Option<i64>, StoreError> {
            Ok(self.conn.prepare_cached(sql)?.query_row([project], |row| row.get(0))?)
        };
        let held = first("SELECT min(first) FROM active WHERE project=?1")?;
        let tail = self.tails()?.into_values().flatten().map(|fact| fact.ts).min();
        let seen = first("SELECT min(first) FROM release WHERE project=?1")?;
        let Some(held) = held.into_iter().chain(tail).min() else { return Ok(None) };
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
        let sql = "SELECT first FROM issue WHERE id=?1";
        let ever: i64 = self.conn.prepare_cached(sql)?.query_row([known.id], |row| row.get(0))?;
        if whole_from.is_some_and(|from| moment(ever) < from) {
            return Ok(Some(moment(ever)));
        }
        let before = cells.iter().filter(|cell| sided.side(cell.rel) != Side::New);
        Ok(before.map(|cell| cell.first).min().map(moment))
    }
}

impl Asked<'_> {
    /// Whether an event or session counts for its environment and time.
    pub(super) fn takes(&self, ts: i64, env: u32) -> bool {
        ts <= self.bounds.hi && self.bounds.env.is_none_or(|wanted| wanted == env)
    }

    /// The hours that are looked at: the window and the last day.
    pub(super) fn hours(&self, as_of: Timestamp) -> std::ops::Range<i64> {
        let cut = hour_of(as_of.as_microsecond());
        self.window.map_or(cut - PRESENT_H, |window| window.start.min(cut - PRESENT_H))..cut
    }
}
