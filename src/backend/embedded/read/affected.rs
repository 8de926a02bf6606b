//! Who is affected: exact users, by release, by time, by tag, and against whom they stand out.
//! It uses `rusqlite` and the packed forms.
//! It never names a user: pseudonyms alone.

use roaring::RoaringBitmap;
use rusqlite::params;

use super::{
    breakdown::Breakdown,
    first_tags::FirstTags,
    hours::UserDays,
    known::Known,
    pool::Snapshot,
    release_list::added,
    releases::Releases,
    scope::{Bounds, Want},
    tally::{Grid, Places},
    trend::Times,
    windows::Counted,
};
use crate::{
    backend::embedded::pack::{Head, Rest, day_of, decode_users, hour_of, moment},
    model::SessionCounts,
    store::{AffectedFacts, AffectedQuery, AffectedSessions, ReleaseUsers, SampleUser, StoreError},
};

/// What is known of one affected user.
#[derive(Clone, Copy)]
struct Hit {
    /// Events in the period.
    events: u64,
    last: i64,
    /// Day of the first in the period.
    day: i64,
    /// Hit on more than one day, or before the period too.
    returning: bool,
}

const NOT_YET: Hit = Hit { events: 0, last: i64::MIN, day: i64::MIN, returning: false };

/// All that one pass over the events counts.
pub(super) struct Affected {
    places: Places,
    hits: Vec<Hit>,
    events: u64,
    anonymous: u64,
    /// When and in which release those without a user occurred, as long as there is no other.
    nameless: Vec<(i64, u32)>,
    by_release: Grid,
    times: Times,
    pub(super) tags: Breakdown,
    pub(super) first_tags: FirstTags,
    /// Users with an event in the period, of whatever release.
    pub(super) in_period: RoaringBitmap,
    /// The issue's hours beside the project's, where one issue was asked for.
    pub(super) user_days: Counted,
}

impl Affected {
    fn new(tags: Breakdown, times: Times, user_days: Counted) -> Self {
        Self {
            places: Places::default(),
            hits: Vec::new(),
            events: 0,
            anonymous: 0,
            nameless: Vec::new(),
            by_release: Grid::default(),
            times,
            tags,
            first_tags: FirstTags::default(),
            in_period: RoaringBitmap::new(),
            user_days,
        }
    }

    /// Counts the events of one part; `want` is of the period, and its end bounds what lies before it too.
    fn see(&mut self, head: &Head, rest: Option<&Rest>, want: &Want<'_>, releases: &Releases) {
        let mut taken: Vec<(u32, Option<u32>)> = Vec::new();
        for row in 0..head.len() {
            let (ts, rel, user) = (head.ts[row], head.rel[row], head.user[row]);
            if ts > want.hi || want.env.is_some_and(|env| env != head.env[row]) {
                continue;
            }
            if ts >= want.lo && user != 0 {
                self.in_period.insert(user);
            }
            if want.rels.is_some_and(|rels| !rels.contains(rel)) {
                continue;
            }
            let place = (user != 0).then(|| self.places.of(user));
            if let Some(place) = place {
                self.hit(place as usize, ts, ts >= want.lo);
            }
            if ts >= want.lo {
                self.events += 1;
                if place.is_none() {
                    self.anonymous += 1;
                    self.nameless.push((ts, releases.one_of_name(rel)));
                }
                self.by_release.see(releases.one_of_name(rel), place);
                self.times.see(ts, place);
                taken.push((row as u32, place));
            }
        }
        if let Some(rest) = rest {
            self.tags.see(rest, &taken);
            for (row, place) in taken.iter().filter_map(|(row, place)| place.map(|place| (*row as usize, place))) {
                self.first_tags.see(rest, row, (head.ts[row], releases.one_of_name(head.rel[row])), place);
            }
        }
    }

    fn hit(&mut self, place: usize, ts: i64, in_period: bool) {
        if place >= self.hits.len() {
            self.hits.resize(place + 1, NOT_YET);
        }
        let (hit, day) = (&mut self.hits[place], day_of(ts));
        if !in_period {
            hit.returning = true;
            return;
        }
        hit.returning |= hit.events > 0 && hit.day != day;
        hit.day = day;
        hit.events += 1;
        hit.last = hit.last.max(ts);
    }

    /// Events of a release in the period.
    pub(super) fn events_of_release(&self, rel: u32) -> u64 {
        self.by_release.rows.get(&rel).map_or(0, |row| row.events)
    }

    /// The first event in the period of each user; where no event names one, each event.
    pub(super) fn firsts(&self) -> Vec<(i64, u32)> {
        let firsts: Vec<(i64, u32)> =
            self.places_in_period().filter_map(|(_, place)| self.first_tags.first(place)).collect();
        if firsts.is_empty() { self.nameless.clone() } else { firsts }
    }

    /// Users with an event in the period, each with its place.
    pub(super) fn places_in_period(&self) -> impl Iterator<Item = (u32, usize)> {
        self.places.users.iter().copied().zip(0..).filter(|(_, place)| self.hits[*place].events > 0)
    }

    fn users_in_period(&self) -> impl Iterator<Item = (u32, &Hit)> {
        self.places.users.iter().copied().zip(&self.hits).filter(|(_, hit)| hit.events > 0)
    }
}

impl Snapshot<'_> {
    /// Answers `SignalStore::affected`.
    pub(in crate::backend::embedded) fn affected(
        &mut self,
        query: &AffectedQuery,
    ) -> Result<AffectedFacts, StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let releases = self.known_releases(&bounds)?;
        let since = query.since.as_ref().map(|names| releases.named(names)).transpose()?;
        let knowns = match &query.issue {
            Some(issue) => vec![self.meant_issue(issue, &bounds)?],
            None => self.known_issues(&bounds.all_time())?,
        };
        // Whoever uses another project was never at risk: its releases and users stay out.
        let bounds = Bounds { projects: projects_of(&knowns, &bounds), ..bounds };
        let releases = self.known_releases(&bounds)?;
        let want = Want::of(&bounds, since.as_ref());
        let seen = self.count_affected(&knowns, &want, &releases, query, &bounds)?;
        let mut facts = AffectedFacts {
            total: seen.places.users.len() as u64,
            in_period: seen.users_in_period().count() as u64,
            returning: seen.users_in_period().filter(|(_, hit)| hit.returning).count() as u64,
            anonymous_events: seen.anonymous,
            events: seen.events,
            sample: self.sample(&seen, query.sample)?,
            ..AffectedFacts::default()
        };
        if let ([known], true) = (knowns.as_slice(), query.issue.is_some()) {
            (facts.onset, facts.windows) = self.windows(known, &seen, &releases, &bounds)?;
            let history = known.history(self, &bounds)?;
            let slug = bounds.slug(known.project).unwrap_or_default();
            facts.issue = Some(self.issue_text(known, slug, history.iter().any(|cell| cell.unhandled > 0))?);
        }
        self.add_releases(&mut facts, &seen, &releases, &bounds)?;
        self.add_breakdown(&mut facts, &seen, query, &bounds)?;
        if query.shared_by > 0 && facts.in_period == 0 && facts.anonymous_events > 0 {
            facts.conditions = self.conditions_of_events(&knowns, &want, &bounds, query.shared_by)?;
            facts.warnings.push("no event of it names a user: conditions are those of events");
        }
        facts.trend = seen.times.trend(query.buckets);
        Ok(facts)
    }

    fn count_affected(
        &mut self,
        knowns: &[Known],
        want: &Want<'_>,
        releases: &Releases,
        query: &AffectedQuery,
        bounds: &Bounds,
    ) -> Result<Affected, StoreError> {
        let asked = self.tag_keys(&query.by)?;
        let counted = match knowns {
            [known] if query.issue.is_some() => self.counted(known, bounds)?,
            _ => None,
        };
        let days = counted.as_ref().map(|(days, _)| days.want(bounds));
        let mut seen = Affected::new(Breakdown::new(asked), Times::new(want), counted);
        for known in knowns {
            self.each_part(known, i64::MIN, want.hi, true, |head, rest| {
                seen.see(head, rest, want, releases);
                if let (Some((counted, _)), Some(days)) = (&mut seen.user_days, &days) {
                    counted.see(head, days);
                }
            })?;
        }
        Ok(seen)
    }

    fn counted(&self, known: &Known, bounds: &Bounds) -> Result<Counted, StoreError> {
        let newest = known.cells.iter().map(|cell| cell.last).chain(known.tail.iter().map(|fact| fact.ts)).max();
        let end = if bounds.hi == i64::MAX { newest.unwrap_or(0) } else { bounds.hi };
        let traffic = self.traffic(bounds, end)?.remove(&known.project).filter(|traffic| traffic.is_some());
        Ok(traffic.map(|traffic| (UserDays::new(&traffic), traffic)))
    }

    fn sample(&self, seen: &Affected, most: usize) -> Result<Vec<SampleUser>, StoreError> {
        let mut users: Vec<(u32, &Hit)> = seen.users_in_period().collect();
        users.sort_unstable_by_key(|(user, hit)| (std::cmp::Reverse((hit.events, hit.last)), *user));
        users.truncate(most);
        let sample = |(user, hit): (u32, &Hit)| {
            Ok(SampleUser { user: self.pseudonym(user)?, events: hit.events, last_seen: moment(hit.last) })
        };
        users.into_iter().map(sample).collect()
    }

    fn add_releases(
        &mut self,
        facts: &mut AffectedFacts,
        seen: &Affected,
        releases: &Releases,
        bounds: &Bounds,
    ) -> Result<(), StoreError> {
        let firsts: RoaringBitmap = seen.by_release.rows.keys().copied().filter(|id| *id != 0).collect();
        let ids: RoaringBitmap = releases
            .list
            .iter()
            .map(|known| known.id)
            .filter(|id| firsts.contains(releases.one_of_name(*id)))
            .collect();
        let active = self.active_users(bounds, &ids)?;
        let mut sessions = SessionsSeen::default();
        for known in releases.list.iter().filter(|known| firsts.contains(known.id)) {
            let Some(row) = seen.by_release.rows.get(&known.id) else { continue };
            let mut active_here = RoaringBitmap::new();
            for id in releases.all_of_name(&known.version) {
                active_here |= active.get(&id).unwrap_or(&RoaringBitmap::new());
                self.add_sessions(&mut sessions, id, bounds, &seen.in_period)?;
            }
            facts.per_release.push(ReleaseUsers {
                release: known.version.as_str().into(),
                users: row.users,
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

    /// Adds a release's sessions, and those of `affected` users that did not end well.
    fn add_sessions(
        &self,
        sessions: &mut SessionsSeen,
        rel: u32,
        bounds: &Bounds,
        affected: &RoaringBitmap,
    ) -> Result<(), StoreError> {
        let counts = self.sessions_of(rel, bounds)?;
        sessions.counts = added(sessions.counts, counts);
        if counts.total == 0 {
            return Ok(());
        }
        let hours = params![rel, bounds.env, hour_of(bounds.lo), hour_of(bounds.hi)];
        let sql = "SELECT users FROM sess_users WHERE rel=?1 AND (?2 IS NULL OR env=?2) AND hour BETWEEN ?3 AND ?4";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(hours)?;
        while let Some(row) = rows.next()? {
            sessions.users |= decode_users(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
        }
        let sql = "SELECT user, class FROM session WHERE rel=?1 AND (?2 IS NULL OR env=?2) AND class>0
                   AND started BETWEEN ?3 AND ?4";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![rel, bounds.env, bounds.lo, bounds.hi])?;
        while let Some(row) = rows.next()? {
            let (user, class): (u32, u8) = (row.get(0)?, row.get(1)?);
            sessions.bad += u64::from(affected.contains(user));
            if class == CRASHED && user != 0 {
                sessions.crashed.insert(user);
            }
        }
        Ok(())
    }
}

/// The class of a session that crashed, as `write::session` has it.
const CRASHED: u8 = 2;

/// Sessions of the releases in which an issue occurs.
#[derive(Default)]
struct SessionsSeen {
    counts: SessionCounts,
    /// Of affected users, not ended well.
    bad: u64,
    users: RoaringBitmap,
    crashed: RoaringBitmap,
}

/// The projects that the issues are of.
fn projects_of(knowns: &[Known], bounds: &Bounds) -> Vec<(u64, String)> {
    let of = |id: u64| knowns.iter().any(|known| known.project == id);
    bounds.projects.iter().filter(|(id, _)| of(*id)).cloned().collect()
}
