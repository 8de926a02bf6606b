//! Who is affected: exact users, by release, by time, by tag, and against whom they stand out.
//! It uses `rusqlite` and the packed forms.
//! It never names a user: pseudonyms alone.

pub(super) mod baseline;
pub(super) mod breakdown;
pub(super) mod conditions;
pub(super) mod first_tags;
pub(super) mod hours;
pub(super) mod trend;
pub(super) mod windows;

use roaring::RoaringBitmap;
use rusqlite::params;

use super::{
    engine::{
        chunks::Unpack,
        known::IssueRow,
        pool::Snapshot,
        scope::{EventFilter, ResolvedScope},
        tally::{Grid, MatchedRows, NOBODY, Places},
    },
    release::{crashed::CRASHED, releases::Releases},
};
use crate::{
    answers::{NOBODY_NAMED, added},
    backend::embedded::pack::{Head, Rest, day_of, decode_users, hour_of, moment},
    model::SessionCounts,
    store::{AffectedFacts, AffectedQuery, AffectedSessions, ReleaseUsers, SampleUser, StoreError},
};
use breakdown::{Breakdown, TagCounterThread};
use first_tags::FirstTags;
use hours::UserDays;
use trend::Times;
use windows::Counted;

/// What is known of one affected user.
#[derive(Clone, Copy)]
struct Hit {
    last: i64,
    /// Events in the period.
    events: u32,
    /// Day of the last that was seen of the period.
    day: i32,
    /// Hit at all, in the period or before it.
    affected: bool,
    /// Hit on more than one day, or before the period too.
    returning: bool,
}

const NOT_YET: Hit = Hit { events: 0, last: i64::MIN, day: i32::MIN, affected: false, returning: false };

/// Parts whose tags are counted together: so that what is known of the users by one tag stays at hand.
const TOGETHER: usize = 8;

/// All that one pass over the events counts.
pub(in crate::backend::embedded::read) struct Affected {
    /// Of all users that were seen, affected or with events of other releases alone.
    places: Places,
    hits: Vec<Hit>,
    events: u64,
    anonymous: u64,
    /// When and in which release those without a user occurred, as long as there is no other.
    nameless: Vec<(i64, u32)>,
    by_release: Grid,
    times: Times,
    pub(in crate::backend::embedded::read) tags: Breakdown,
    pub(in crate::backend::embedded::read) first_tags: FirstTags,
    /// Users with an event in the period, of whatever release.
    pub(in crate::backend::embedded::read) in_period: RoaringBitmap,
    /// The issue's hours beside the project's, where one issue was asked for.
    pub(in crate::backend::embedded::read) user_days: Counted,
    /// Parts whose tags are still to be counted, with their rows in the period.
    waiting: Vec<(Rest, MatchedRows)>,
}

impl Affected {
    fn new(times: Times, user_days: Counted) -> Self {
        Self {
            places: Places::default(),
            hits: Vec::new(),
            events: 0,
            anonymous: 0,
            nameless: Vec::new(),
            by_release: Grid::default(),
            times,
            tags: Breakdown::default(),
            first_tags: FirstTags::default(),
            in_period: RoaringBitmap::new(),
            user_days,
            waiting: Vec::new(),
        }
    }

    /// Counts the events of one part; `want` is of the period, and its end bounds what lies before it too.
    fn see(&mut self, head: &Head, rest: Option<Rest>, want: &EventFilter<'_>, releases: &Releases) {
        let mut taken = MatchedRows::default();
        for row in 0..head.len() {
            let (ts, user) = (head.ts[row], head.user[row]);
            if ts > want.hi || want.env.is_some_and(|env| env != head.env[row]) {
                continue;
            }
            let place = self.places.of(user);
            if let Some((user_days, _)) = &mut self.user_days {
                user_days.see(ts, place);
            }
            if let Some(rels) = want.rels {
                if ts >= want.lo && place != NOBODY {
                    self.in_period.insert(user);
                }
                if !rels.contains(head.rel[row]) {
                    continue;
                }
            }
            if place != NOBODY {
                self.hit(place as usize, ts, ts >= want.lo);
            }
            if ts >= want.lo {
                taken.push(row, place);
            }
        }
        self.count(head, &taken, releases);
        if let Some(rest) = rest {
            self.first_tags.see(head, &rest, &taken, |rel| releases.one_of_name(rel));
            self.waiting.push((rest, taken));
        }
    }

    fn hit(&mut self, place: usize, ts: i64, in_period: bool) {
        if place >= self.hits.len() {
            self.hits.resize(place + 1, NOT_YET);
        }
        let hit = &mut self.hits[place];
        hit.affected = true;
        if !in_period {
            hit.returning = true;
            return;
        }
        let day = day_of(ts) as i32;
        hit.returning |= hit.events > 0 && hit.day != day;
        hit.day = day;
        hit.events += 1;
        hit.last = hit.last.max(ts);
    }

    /// Counts those rows by release and time.
    fn count(&mut self, head: &Head, taken: &MatchedRows, releases: &Releases) {
        let (named, nameless) = (taken.named.iter().copied(), taken.nameless.iter().map(|row| (*row, NOBODY)));
        self.events += (taken.named.len() + taken.nameless.len()) as u64;
        self.anonymous += taken.nameless.len() as u64;
        // One release after another, since events come mostly in order.
        let rows: Vec<(u32, u32)> = named.chain(nameless).collect();
        for rows in rows.chunk_by(|a, b| head.rel[a.0 as usize] == head.rel[b.0 as usize]) {
            let Some(rel) = rows.first().map(|row| releases.one_of_name(head.rel[row.0 as usize])) else { continue };
            let of_release = self.by_release.row(rel);
            for (row, place) in rows {
                of_release.see(*place);
                self.times.see(head.ts[*row as usize], *place);
                if *place == NOBODY {
                    self.nameless.push((head.ts[*row as usize], rel));
                }
            }
        }
    }

    /// The parts whose tags are to be counted, and how many users there are.
    fn parts(&mut self) -> (Vec<(Rest, MatchedRows)>, usize) {
        (std::mem::take(&mut self.waiting), self.places.users.len())
    }

    /// Once all parts were seen.
    fn finish(&mut self, want: &EventFilter<'_>) {
        if want.rels.is_none() {
            self.in_period = self.users_in_period().map(|(user, _)| user).collect();
        }
    }

    /// Events of a release in the period.
    pub(in crate::backend::embedded::read) fn events_of_release(&self, rel: u32) -> u64 {
        self.by_release.get(rel).map_or(0, |row| row.events)
    }

    /// The first event in the period of each user; where no event names one, each event.
    pub(in crate::backend::embedded::read) fn firsts(&self) -> Vec<(i64, u32)> {
        let firsts: Vec<(i64, u32)> =
            self.places_in_period().filter_map(|(_, place)| self.first_tags.first(place)).collect();
        if firsts.is_empty() { self.nameless.clone() } else { firsts }
    }

    /// Users with an event in the period, each with its place.
    pub(in crate::backend::embedded::read) fn places_in_period(&self) -> impl Iterator<Item = (u32, usize)> {
        let users = self.places.users.iter().copied().zip(&self.hits).zip(0..);
        users.filter(|((_, hit), _)| hit.events > 0).map(|((user, _), place)| (user, place))
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
        let bounds = ResolvedScope { projects: projects_of(&knowns, &bounds), ..bounds };
        let releases = self.known_releases(&bounds)?;
        let want = EventFilter::of(&bounds, since.as_ref());
        let seen = self.count_affected(&knowns, &want, &releases, query, &bounds)?;
        let mut facts = AffectedFacts {
            total: seen.hits.iter().filter(|hit| hit.affected).count() as u64,
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
            facts.warnings.push(NOBODY_NAMED);
        }
        facts.trend = seen.times.trend();
        Ok(facts)
    }

    fn count_affected(
        &mut self,
        knowns: &[IssueRow],
        want: &EventFilter<'_>,
        releases: &Releases,
        query: &AffectedQuery,
        bounds: &ResolvedScope,
    ) -> Result<Affected, StoreError> {
        let asked = self.tag_keys(&query.by)?;
        let counted = match knowns {
            [known] if query.issue.is_some() => self.counted(known, bounds)?,
            _ => None,
        };
        let times = Times::new(span(knowns, want), query.buckets);
        let mut seen = Affected::new(times, counted);
        let mut tags = Breakdown::new(asked);
        // Half of the work is tags: they are counted beside, and only where there is much of it.
        seen.tags = std::thread::scope(|scope| {
            let mut beside: Option<TagCounterThread<'_>> = None;
            for known in knowns {
                let part = Unpack::AllFrom(want.lo);
                self.take_parts(known, (i64::MIN, want.hi), part, |head, rest| {
                    seen.see(&head, rest, want, releases);
                    if seen.waiting.len() >= TOGETHER {
                        let start = || TagCounterThread::start(scope, std::mem::take(&mut tags));
                        beside.get_or_insert_with(start).count(seen.parts());
                    }
                })?;
            }
            let mut tags = beside.map_or(tags, TagCounterThread::counted);
            let (parts, places) = seen.parts();
            tags.see(&parts, places);
            Ok::<_, StoreError>(tags)
        })?;
        seen.finish(want);
        Ok(seen)
    }

    fn counted(&self, known: &IssueRow, bounds: &ResolvedScope) -> Result<Counted, StoreError> {
        let newest = known.cells.iter().map(|cell| cell.last).chain(known.tail.iter().map(|fact| fact.ts)).max();
        let end = if bounds.hi == i64::MAX { newest.unwrap_or(0) } else { bounds.hi };
        let traffic = self.traffic(bounds, end)?.remove(&known.project).filter(|traffic| traffic.is_some());
        Ok(traffic.map(|traffic| (UserDays::new(&traffic), traffic)))
    }

    fn sample(&self, seen: &Affected, most: usize) -> Result<Vec<SampleUser>, StoreError> {
        let mut users: Vec<(u32, &Hit)> = seen.users_in_period().collect();
        let order = |(user, hit): &(u32, &Hit)| (std::cmp::Reverse((hit.events, hit.last)), *user);
        if users.len() > most {
            users.select_nth_unstable_by_key(most, order);
            users.truncate(most);
        }
        users.sort_unstable_by_key(order);
        let sample = |(user, hit): (u32, &Hit)| {
            Ok(SampleUser { user: self.pseudonym(user)?, events: hit.events.into(), last_seen: moment(hit.last) })
        };
        users.into_iter().map(sample).collect()
    }

    fn add_releases(
        &mut self,
        facts: &mut AffectedFacts,
        seen: &Affected,
        releases: &Releases,
        bounds: &ResolvedScope,
    ) -> Result<(), StoreError> {
        let firsts: RoaringBitmap = seen.by_release.keys().filter(|id| *id != 0).collect();
        let ids: RoaringBitmap = releases
            .list
            .iter()
            .map(|known| known.id)
            .filter(|id| firsts.contains(releases.one_of_name(*id)))
            .collect();
        let active = self.active_users(bounds, &ids)?;
        let mut sessions = SessionsSeen::default();
        for known in releases.list.iter().filter(|known| firsts.contains(known.id)) {
            let Some(row) = seen.by_release.get(known.id) else { continue };
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
        bounds: &ResolvedScope,
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
fn projects_of(knowns: &[IssueRow], bounds: &ResolvedScope) -> Vec<(u64, String)> {
    let of = |id: u64| knowns.iter().any(|known| known.project == id);
    bounds.projects.iter().filter(|(id, _)| of(*id)).cloned().collect()
}

/// The first and the last moment of the period: its own, else those of the events in it.
fn span(knowns: &[IssueRow], want: &EventFilter<'_>) -> (i64, i64) {
    let cells = || knowns.iter().flat_map(|known| &known.cells).filter(|cell| want.touches(cell));
    let facts = || knowns.iter().flat_map(|known| &known.tail).filter(|fact| want.takes(fact.ts, fact.rel, fact.env));
    let first = || cells().map(|cell| cell.first).chain(facts().map(|fact| fact.ts)).min().unwrap_or(i64::MAX);
    let last = || cells().map(|cell| cell.last).chain(facts().map(|fact| fact.ts)).max().unwrap_or(i64::MIN);
    let lo = if want.lo == i64::MIN { first() } else { want.lo };
    (lo, if want.hi == i64::MAX { last() } else { want.hi })
}
