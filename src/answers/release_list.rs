//! Releases with their sessions, users, new issues.
//! It uses `release`.
//! It never shows one that was not active in the scope.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use roaring::RoaringBitmap;

use super::{
    facts::{Active, Activity, Crashed, Facts, SpokenOf},
    releases::{Releases, first_and_last, known_releases},
    scope::{ResolvedScope, resolve},
    time::moment,
};
use crate::{
    model::{Release, SessionCounts, Untrusted},
    release::{sort_releases, split_name},
    store::{ReleaseFacts, ReleaseQuery, StoreError},
};

/// Numbers of one name, in all projects that have it.
type Ids = Vec<u32>;

/// Answers `SignalStore::releases`.
pub(crate) fn releases(facts: &mut impl Facts, query: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
    let bounds = resolve(facts, &query.scope)?;
    let releases = known_releases(facts, &bounds)?;
    let rows = facts.activity(&bounds)?;
    let mut by_id: HashMap<u32, Vec<Active>> = HashMap::new();
    for row in &rows {
        by_id.entry(row.rel).or_default().push(*row);
    }
    let in_scope = |id: &u32| by_id.get(id).is_some_and(|rows| rows.iter().any(|row| row.last >= bounds.lo));
    let mut named: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for known in releases.list.iter().filter(|known| by_id.contains_key(&known.id)) {
        named.entry(&known.version).or_default().push(known.id);
    }
    named.retain(|_, ids| ids.iter().any(in_scope));
    let mut found = Vec::new();
    for (version, ids) in named {
        let plain = plain_facts(facts, version, &ids, &by_id, &releases, &bounds)?;
        found.push((ids, plain));
    }
    if query.announced && bounds.env.is_none() {
        let seen = |id: u32| by_id.contains_key(&id);
        found.extend(announced_alone(facts, &bounds, &releases, seen)?);
    }
    let mut order: Vec<Release> = found.iter().map(|(_, facts)| facts.release.clone()).collect();
    sort_releases(&mut order);
    let places: HashMap<&Untrusted, usize> =
        order.iter().enumerate().map(|(at, release)| (&release.version, at)).collect();
    found.sort_by_key(|(_, facts)| std::cmp::Reverse(places.get(&facts.release.version)));
    let page = found.into_iter().skip(query.skip).take(query.limit.unwrap_or(usize::MAX));
    let mut found: Vec<(Ids, ReleaseFacts)> = page.collect();
    if query.counts {
        add_counts(facts, &mut found, &rows, &releases, &bounds)?;
    }
    Ok(found.into_iter().map(|(_, facts)| facts).collect())
}

fn plain_facts(
    facts: &impl Facts,
    version: &str,
    ids: &[u32],
    by_id: &HashMap<u32, Vec<Active>>,
    releases: &Releases,
    bounds: &ResolvedScope,
) -> Result<ReleaseFacts, StoreError> {
    let rows: Vec<&Active> = ids.iter().filter_map(|id| by_id.get(id)).flatten().collect();
    let mut projects: Vec<String> = ids
        .iter()
        .filter_map(|id| releases.place(*id))
        .filter_map(|place| bounds.slug(releases.list[place].project).map(str::to_owned))
        .collect();
    projects.sort();
    let release = Release {
        version: version.into(),
        first_seen: moment(rows.iter().map(|row| row.first).min().unwrap_or(0)),
        last_seen: moment(rows.iter().map(|row| row.last).max().unwrap_or(0)),
        deploys: facts.deploys(ids, bounds)?,
    };
    Ok(without_counts(release, projects))
}

/// Releases that somebody spoke of within the scope and nothing was seen of; `seen` knows those that are active.
fn announced_alone(
    facts: &impl Facts,
    bounds: &ResolvedScope,
    releases: &Releases,
    seen: impl Fn(u32) -> bool,
) -> Result<Vec<(Ids, ReleaseFacts)>, StoreError> {
    let mut named: BTreeMap<String, (Ids, i64, BTreeSet<String>)> = BTreeMap::new();
    for SpokenOf { id, project, version, said } in facts.spoken_of(bounds)? {
        if releases.all_of_name(&version).into_iter().any(&seen) {
            continue;
        }
        let (ids, first, slugs) = named.entry(version).or_insert((Vec::new(), said, BTreeSet::new()));
        ids.push(id);
        *first = said.min(*first);
        slugs.extend(bounds.slug(project).map(str::to_owned));
    }
    let shown = |(version, (ids, said, slugs)): (String, (Ids, i64, BTreeSet<String>))| {
        let (at, deploys) = (moment(said), facts.deploys(&ids, bounds)?);
        let release = Release { version: version.into(), first_seen: at, last_seen: at, deploys };
        Ok((ids, ReleaseFacts { seen: false, ..without_counts(release, slugs.into_iter().collect()) }))
    };
    named.into_iter().map(shown).collect()
}

fn add_counts(
    facts: &mut impl Facts,
    found: &mut [(Ids, ReleaseFacts)],
    rows: &[Active],
    releases: &Releases,
    bounds: &ResolvedScope,
) -> Result<(), StoreError> {
    let all_ids: RoaringBitmap = found.iter().flat_map(|(ids, _)| ids).copied().collect();
    let users = facts.active_users(bounds, &all_ids)?;
    let crashed = facts.crashed_users(bounds, &all_ids)?;
    let (events, new_issues) = events_and_new_issues(facts, bounds, releases)?;
    let newest = newest_days(rows, releases, bounds);
    for (ids, shown) in found {
        let (mut all, mut hit) = (RoaringBitmap::new(), Crashed::default());
        for id in ids.iter() {
            let sessions = facts.sessions_of(*id, bounds)?;
            shown.sessions = added(shown.sessions, sessions);
            shown.events += events.get(id).copied().unwrap_or(0);
            shown.new_issues += new_issues.get(id).copied().unwrap_or(0);
            if let Some(users) = users.get(id) {
                all |= users;
            }
            if let Some(crashed) = crashed.get(id) {
                hit.users |= &crashed.users;
                hit.nameless |= crashed.nameless;
            }
        }
        (shown.users, shown.crashed_users, shown.nameless_crashes) = (all.len(), hit.users.len(), hit.nameless);
        let of_package = ids.first().and_then(|id| newest.get(&package_of(*id, releases)));
        shown.adoption = of_package.map(|by_id| {
            let own: u64 = ids.iter().filter_map(|id| by_id.get(id)).sum();
            own as f64 / by_id.values().sum::<u64>().max(1) as f64
        });
    }
    Ok(())
}

/// Exact events within the scope, and how many issues began with it, by release.
#[allow(clippy::type_complexity)]
fn events_and_new_issues(
    facts: &mut impl Facts,
    bounds: &ResolvedScope,
    releases: &Releases,
) -> Result<(HashMap<u32, u64>, HashMap<u32, u64>), StoreError> {
    let (mut events, mut new_issues) = (HashMap::new(), HashMap::new());
    for known in facts.known_issues(&bounds.all_time())? {
        facts.go_on()?;
        let history = facts.history(&known, bounds)?;
        if let (Some(first), _) = first_and_last(&history, releases) {
            *new_issues.entry(first).or_default() += 1;
        }
        for cell in facts.cells_from(&known, &history, bounds)? {
            *events.entry(cell.rel).or_default() += cell.events;
        }
    }
    Ok((events, new_issues))
}

/// Both together.
pub(crate) fn added(one: SessionCounts, other: SessionCounts) -> SessionCounts {
    SessionCounts {
        total: one.total + other.total,
        errored: one.errored + other.errored,
        crashed: one.crashed + other.crashed,
        abnormal: one.abnormal + other.abnormal,
        unhandled: one.unhandled + other.unhandled,
    }
}

/// What releases are compared within: the package; those without one, the project.
fn package_of(rel: u32, releases: &Releases) -> (String, Option<u64>) {
    let known = releases.place(rel).map(|place| &releases.list[place]);
    let package = known.map_or("", |known| split_name(&known.version).0);
    let project = known.filter(|_| package.is_empty()).map(|known| known.project);
    (package.to_owned(), project)
}

/// By package, the newest day of sessions in the scope, else of requests, else of events: how many of each release.
fn newest_days(
    rows: &[Active],
    releases: &Releases,
    bounds: &ResolvedScope,
) -> HashMap<(String, Option<u64>), HashMap<u32, u64>> {
    let package = |row: &Active| match row.rel {
        0 => (String::new(), Some(row.project)),
        rel => package_of(rel, releases),
    };
    let rows: Vec<Active> = rows.iter().filter(|row| row.last >= bounds.lo && row.n > 0).copied().collect();
    let by = Activity::best(&rows, package);
    let mut newest: HashMap<_, (i64, HashMap<u32, u64>)> = HashMap::new();
    for row in rows {
        let key = package(&row);
        if by.get(&key) != Some(&row.by) {
            continue;
        }
        let (day, counts) = newest.entry(key).or_insert((row.day, HashMap::new()));
        if row.day > *day {
            (*day, *counts) = (row.day, HashMap::new());
        }
        if row.day == *day {
            *counts.entry(row.rel).or_default() += row.n;
        }
    }
    newest.into_iter().map(|(key, (_, counts))| (key, counts)).collect()
}

fn without_counts(release: Release, projects: Vec<String>) -> ReleaseFacts {
    ReleaseFacts {
        release,
        seen: true,
        projects,
        sessions: SessionCounts::default(),
        users: 0,
        crashed_users: 0,
        nameless_crashes: false,
        adoption: None,
        new_issues: 0,
        events: 0,
    }
}
