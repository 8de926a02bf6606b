//! Requests that became slower, or fail more often, with a release.
//! It uses `change` and the packed forms.
//! It never looks at single requests: counts by hour alone.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use rusqlite::params;

use super::super::engine::{pool::Snapshot, scope::ResolvedScope};
use super::releases::Releases;
use crate::{
    backend::embedded::pack::{Durations, decode_users, hour_of},
    change::{Requests, slower},
    store::{Slowed, SlowedQuery, StoreError},
};

/// Hours before the newest that count as before: eight weeks.
const LOOK_BACK: i64 = 56 * 24;

/// One side of one kind of requests.
#[derive(Default)]
struct Side {
    n: u64,
    failed: u64,
    weight: f64,
    durations: Durations,
    users: RoaringBitmap,
    /// The first release with it, by order: its place.
    first: Option<usize>,
}

impl Side {
    fn requests(&self) -> Requests {
        let durations = self.durations.counts().map(|(us, n)| (us / 1_000.0, n)).collect();
        Requests { n: self.n, failed: self.failed, durations }
    }

    /// How many requests one stands for.
    fn sampling(&self) -> f64 {
        self.weight / self.n.max(1) as f64
    }
}

/// From which factor on between the sides a change of sampling is said.
const RESAMPLED: f64 = 1.25;

impl Snapshot<'_> {
    /// Answers `SignalStore::slowed`.
    pub(in crate::backend::embedded) fn slowed(&mut self, query: &SlowedQuery) -> Result<Vec<Slowed>, StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let releases = self.known_releases(&bounds)?;
        let new = match &query.since {
            Some(names) => releases.named(names)?,
            None => newest(&releases),
        };
        let mut found = Vec::new();
        for (project, slug) in &bounds.projects {
            let sides = self.sides(*project, &new, &releases, &bounds)?;
            let compared = sides.values().filter(|[before, after]| before.n > 0 && after.n > 0).count();
            for (op, [before, after]) in &sides {
                let Some(changed) = slower(&before.requests(), &after.requests(), compared) else { continue };
                let ratio = after.sampling() / before.sampling();
                found.push(Slowed {
                    project: slug.clone(),
                    operation: self.word(*op)?,
                    release: after.first.and_then(|place| releases.name(releases.list[place].id)),
                    changed,
                    requests: [before.n, after.n],
                    users: after.users.len(),
                    resampled: !(1.0 / RESAMPLED..=RESAMPLED).contains(&ratio),
                });
            }
        }
        found.sort_by(|a, b| b.weight().total_cmp(&a.weight()).then_with(|| a.operation.cmp(&b.operation)));
        Ok(found)
    }

    /// When each release of a project was first seen.
    fn began(&self, project: u64) -> Result<BTreeMap<u32, i64>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT id, first FROM release WHERE project=?1")?;
        let rows = statement.query_map([project], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// By operation, the requests of older releases and of the new ones.
    fn sides(
        &self,
        project: u64,
        new: &RoaringBitmap,
        releases: &Releases,
        bounds: &ResolvedScope,
    ) -> Result<BTreeMap<u32, [Side; 2]>, StoreError> {
        let sql = "SELECT op, rel, n, failed, weight, durations, users FROM traffic
                   WHERE project=?1 AND hour BETWEEN ?2 AND ?3 AND op<>0 AND rel<>0 AND (?4 IS NULL OR env=?4)";
        let end = hour_of(bounds.hi);
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![project, end.saturating_sub(LOOK_BACK), end, bounds.env])?;
        let mut sides: BTreeMap<u32, [Side; 2]> = BTreeMap::new();
        let began = self.began(project)?;
        let last_new = new.iter().filter_map(|rel| began.get(&rel)).max();
        while let Some(row) = rows.next()? {
            let rel: u32 = row.get(1)?;
            let place = releases.place(rel);
            // Releases that came later than those asked for are neither before nor after.
            let after = new.contains(rel);
            if !after && last_new.is_none_or(|last| began.get(&rel).is_none_or(|first| first > last)) {
                continue;
            }
            let side = &mut sides.entry(row.get(0)?).or_default()[usize::from(after)];
            let blob = |at: usize| row.get_ref(at)?.as_blob().map_err(rusqlite::Error::from);
            side.n += row.get::<_, u64>(2)?;
            side.failed += row.get::<_, u64>(3)?;
            side.weight += row.get::<_, f64>(4)?;
            side.durations.merge(&Durations::decode(blob(5)?)?);
            side.users |= decode_users(blob(6)?)?;
            side.first = side.first.into_iter().chain(place).min();
        }
        Ok(sides)
    }
}

/// The newest release of each project.
fn newest(releases: &Releases) -> RoaringBitmap {
    let mut newest = BTreeMap::new();
    for known in &releases.list {
        newest.insert(known.project, known.id);
    }
    newest.into_values().collect()
}
