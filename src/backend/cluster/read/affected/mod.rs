//! Who is affected: exact users, by release, by time, by tag, and against whom they stand out.
//! It uses ClickHouse's SQL.
//! It never names a user: pseudonyms alone.

mod base;
mod conditions;
mod nameless;
mod tags;
mod windows;

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{
    history::{DAY, between, environment, places, wanted},
    issues::IssueRow,
    moment::Moment,
    values::release_column,
};
use crate::{
    answers::{
        self, EventFilter, NOBODY_NAMED, Releases, ResolvedScope, added, hour_of, known_releases, meant_issue, moment,
        size_for,
    },
    model::{Issue, SessionCounts},
    store::{AffectedFacts, AffectedQuery, AffectedSessions, ReleaseUsers, SampleUser, StoreError, TrendBucket},
};

/// What is asked about, resolved, as conditions.
pub(super) struct Asked {
    pub(super) bounds: ResolvedScope,
    pub(super) releases: Releases,
    /// The one issue, where one is meant.
    pub(super) known: Option<IssueRow>,
    /// The same up to the end, of the wanted releases.
    until: String,
    /// The same within the period.
    pub(super) within: String,
    /// Users with an event of it in the period, of whatever release: a question.
    pub(super) hit: String,
    /// The number that a release of several projects goes by, as a column.
    pub(super) release: String,
}

impl Asked {
    fn new(bounds: ResolvedScope, releases: Releases, known: Option<IssueRow>, rels: Option<&RoaringBitmap>) -> Self {
        let issue = known.as_ref().map_or(String::new(), |known| format!(" AND issue={}", known.id));
        let own = format!("{}{issue}", places(&bounds));
        let (lo, hi) = (bounds.lo, bounds.hi);
        // The places say the environment already.
        let of = |lo: i64| wanted(&EventFilter { lo, hi, env: None, rels });
        let until = format!("{own}{}", of(i64::MIN));
        let within = format!("{own}{}", of(lo));
        let hit = format!("SELECT user FROM event WHERE {own}{} AND user!=0", between("ts", lo, hi));
        let release = release_column(&releases);
        Self { bounds, releases, known, until, within, hit, release }
    }

    /// Each user's first event of the period: user, ts, rel, tags.
    pub(super) fn firsts(&self) -> String {
        format!(
            "(SELECT user, ts, {} AS first_rel, tags FROM event WHERE {} AND user!=0 ORDER BY ts, seq LIMIT 1 BY user)",
            self.release, self.within
        )
    }
}

impl Moment {
    /// Answers `SignalStore::affected`.
    pub(in crate::backend::cluster) fn affected(&mut self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        let bounds = answers::resolve(self, &query.scope)?;
        let releases = known_releases(self, &bounds)?;
        let since = query.since.as_ref().map(|names| releases.named(names)).transpose()?;
        let known = query.issue.as_ref().map(|issue| meant_issue(self, issue, &bounds)).transpose()?;
        // Whoever uses another project was never at risk: its releases and users stay out.
        let projects = match &known {
            Some(known) => vec![known.project],
            None => self.projects_with_issues(&bounds)?,
        };
        let of = bounds.projects.iter().filter(|(id, _)| projects.contains(id)).cloned().collect();
        let bounds = ResolvedScope { projects: of, ..bounds };
        let releases = known_releases(self, &bounds)?;
        let asked = Asked::new(bounds, releases, known, since.as_ref());
        let mut facts = self.who(&asked)?;
        facts.sample = self.sample(&asked, query.sample)?;
        if let Some(known) = &asked.known {
            (facts.onset, facts.windows) = self.windows(known, &asked)?;
            let unhandled = self.history(known, &asked.bounds)?.iter().any(|cell| cell.unhandled > 0);
            let slug = asked.bounds.slug(known.project).unwrap_or_default();
            facts.issue = Some(Issue { project: slug.to_owned(), unhandled, ..known.text.clone() });
        }
        self.add_releases(&mut facts, &asked)?;
        self.add_breakdown(&mut facts, &asked, query)?;
        if query.shared_by > 0 && facts.in_period == 0 && facts.anonymous_events > 0 {
            facts.conditions = self.conditions_of_events(&asked, query.shared_by)?;
            facts.warnings.push(NOBODY_NAMED);
        }
        facts.trend = self.trend(&asked, query.buckets)?;
        Ok(facts)
    }

    /// Projects of the scope with an issue up to its end.
    fn projects_with_issues(&self, bounds: &ResolvedScope) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT DISTINCT project FROM issue WHERE project=ANY($1) AND first<=$2";
        let rows = self.rows(sql, &[&super::registry::projects_of(bounds), &bounds.hi])?;
        Ok(rows.iter().map(|row| row.get::<_, i64>(0) as u64).collect())
    }

    fn who(&self, asked: &Asked) -> Result<AffectedFacts, StoreError> {
        let lo = asked.bounds.lo;
        let sql = format!(
            "SELECT countIf(user!=0), countIf(user!=0 AND e>0), countIf(user!=0 AND e>0 AND (before OR days>1)),
               sumIf(e, user=0), sum(e)
             FROM (SELECT user, countIf(ts>={lo}) AS e, max(ts<{lo}) AS before, uniqExactIf({DAY}, ts>={lo}) AS days
                   FROM event WHERE {} GROUP BY user)",
            asked.until
        );
        let found = self.fact::<(u64, u64, u64, u64, u64)>(&sql)?.unwrap_or_default();
        let (total, in_period, returning, anonymous_events, events) = found;
        Ok(AffectedFacts { total, in_period, returning, anonymous_events, events, ..AffectedFacts::default() })
    }

    fn sample(&self, asked: &Asked, most: usize) -> Result<Vec<SampleUser>, StoreError> {
        let sql = format!(
            "SELECT user, count() AS n, max(ts) AS last FROM event WHERE {} AND user!=0
             GROUP BY user ORDER BY n DESC, last DESC, user LIMIT {most}",
            asked.within
        );
        let sample = |(user, events, last): (u32, u64, i64)| {
            Ok(SampleUser { user: self.pseudonym(user)?, events, last_seen: moment(last) })
        };
        self.facts(&sql)?.into_iter().map(sample).collect()
    }

    fn trend(&self, asked: &Asked, most: usize) -> Result<Vec<TrendBucket>, StoreError> {
        let ResolvedScope { lo, hi, .. } = asked.bounds;
        let sql = format!("SELECT count(), min(ts), max(ts) FROM event WHERE {}", asked.within);
        let Some((n, first, last)) = self.fact::<(u64, i64, i64)>(&sql)?.filter(|(n, ..)| *n > 0 && most > 0) else {
            return Ok(Vec::new());
        };
        let (first, last) = (if lo == i64::MIN { first } else { lo }, if hi == i64::MAX { last } else { hi });
        if n == 0 || first > last {
            return Ok(Vec::new());
        }
        let (size, offset) = size_for(first, last, most as i64);
        let bucket = |ts: i64| (ts - offset).div_euclid(size);
        let sql = format!(
            "SELECT toInt64(floor((ts - {offset}) / {size})) AS bucket, count(), uniqExactIf(user, user!=0)
             FROM event WHERE {} GROUP BY bucket",
            asked.within
        );
        let found: HashMap<i64, (u64, u64)> =
            self.facts::<(i64, u64, u64)>(&sql)?.into_iter().map(|(at, events, users)| (at, (events, users))).collect();
        let shown = (bucket(first)..=bucket(last)).map(|at| {
            let (events, users) = found.get(&at).copied().unwrap_or_default();
            TrendBucket { start: moment(at * size + offset), users, events }
        });
        Ok(shown.collect())
    }

    fn add_releases(&self, facts: &mut AffectedFacts, asked: &Asked) -> Result<(), StoreError> {
        let Asked { bounds, releases, release, within, .. } = asked;
        let sql = format!(
            "SELECT {release} AS of, uniqExactIf(user, user!=0) FROM event WHERE {within} AND rel!=0 GROUP BY of"
        );
        let users: HashMap<u32, u64> = self.facts::<(u32, u64)>(&sql)?.into_iter().collect();
        let all = releases.list.iter().map(|known| known.id);
        let ids: RoaringBitmap = all.filter(|id| users.contains_key(&releases.one_of_name(*id))).collect();
        let active = self.active_users(bounds, &ids)?;
        let mut sessions = SessionsSeen::default();
        for known in &releases.list {
            let Some(users) = users.get(&known.id).copied() else { continue };
            let mut active_here = RoaringBitmap::new();
            for id in releases.all_of_name(&known.version) {
                active_here |= active.get(&id).unwrap_or(&RoaringBitmap::new());
                self.add_sessions(&mut sessions, id, asked)?;
            }
            facts.per_release.push(ReleaseUsers {
                release: known.version.as_str().into(),
                users,
                active_users: Some(active_here.len()),
            });
        }
        let SessionsSeen { counts, bad, users, crashed } = sessions;
        if counts.total > 0 {
            let named = !users.is_empty();
            facts.sessions = Some(AffectedSessions {
                counts,
                affected: named.then_some(bad),
                users: named.then_some((users.len(), crashed.len())),
            });
        }
        Ok(())
    }

    /// Adds a release's sessions, and those of affected users that did not end well.
    fn add_sessions(&self, sessions: &mut SessionsSeen, rel: u32, asked: &Asked) -> Result<(), StoreError> {
        let bounds = &asked.bounds;
        let counts = self.sessions_of(rel, bounds)?;
        sessions.counts = added(sessions.counts, counts);
        if counts.total == 0 {
            return Ok(());
        }
        let at = format!("rel={rel}{}", environment(bounds.env));
        let hours = between("hour", hour_of(bounds.lo), hour_of(bounds.hi));
        let sql = format!(
            "SELECT DISTINCT user FROM (SELECT user FROM session WHERE {at}{hours} AND user!=0
               UNION ALL SELECT user FROM session_count WHERE {at}{hours} AND user!=0)"
        );
        sessions.users.extend(self.facts::<(u32,)>(&sql)?.into_iter().map(|(user,)| user));
        let sql = format!(
            "SELECT user, worst, hits FROM (
               SELECT sid, max(user) AS user, max(rank) AS worst, min(started) AS began, user IN ({}) AS hits
               FROM session WHERE {at} GROUP BY project, rel, env, hour, sid)
             WHERE worst>0{}",
            asked.hit,
            between("began", bounds.lo, bounds.hi)
        );
        for (user, worst, hits) in self.facts::<(u32, u8, u8)>(&sql)? {
            sessions.bad += u64::from(hits);
            if worst == super::active::CRASHED && user != 0 {
                sessions.crashed.insert(user);
            }
        }
        Ok(())
    }
}

/// Sessions of the releases in which an issue occurs.
#[derive(Default)]
struct SessionsSeen {
    counts: SessionCounts,
    /// Of affected users, not ended well.
    bad: u64,
    users: RoaringBitmap,
    crashed: RoaringBitmap,
}
