//! What every store answers alike of who is affected: limits, warnings, the releases around a moment.
//! It never counts.

use super::{facts::Facts, scope::ResolvedScope, time::moment};
use crate::{
    model::{Onset, Release, Timestamp},
    store::StoreError,
};

/// Tags shown where none is asked for.
pub(crate) const TAGS: usize = 6;
/// Values shown of a tag.
pub(crate) const VALUES: usize = 20;
/// A tag with more values than that is not shown unasked.
pub(crate) const MOST_VALUES: usize = 200;
/// So many others with an event, and as many as are affected, are compared by events alone.
pub(crate) const ENOUGH: u64 = 8;
/// Most events on each side where events are rows: memory is bounded, and more would change nothing that matters.
pub(crate) const MOST_EVENTS: usize = 20_000;

/// Nobody affected has a name.
pub(crate) const NOBODY_NAMED: &str = "no event of it names a user: conditions are those of events";
/// The baseline does not know of releases.
pub(crate) const ALL_RELEASES: &str = "the baseline's users are of all releases in the period";
/// Requests make up for events.
pub(crate) const REQUESTS_TOO: &str =
    "few others have an event: users of requests that went well are compared too, by the tags of requests";
/// Some of the baseline's users have no tags.
pub(crate) const EVENTS_ALONE: &str =
    "tags are known of events alone: of the baseline, only users who have an event too are compared";
/// The same where requests make up for events.
pub(crate) const EVENTS_AND_REQUESTS: &str =
    "tags are known of events and requests: of the baseline, only users who have one are compared";

/// The release that began last before the latest hour of an onset, unless it is the first, and the one after.
pub(crate) fn releases_around(
    facts: &impl Facts,
    project: u64,
    bounds: &ResolvedScope,
    onset: &Onset,
) -> Result<(Option<Release>, Option<Release>), StoreError> {
    let mut known: Vec<Release> = Vec::new();
    for row in facts.release_rows(bounds)?.into_iter().filter(|row| row.project == project) {
        known.push(Release {
            version: row.version.as_str().into(),
            first_seen: moment(row.first),
            last_seen: moment(row.last),
            deploys: facts.deploys(&[row.id], bounds)?,
        });
    }
    known.sort_by_key(began);
    let after = known.partition_point(|release| began(release) <= onset.high);
    let before = after.checked_sub(1).filter(|at| *at > 0).map(|at| known[at].clone());
    Ok((before, known.get(after).cloned()))
}

/// A release's first deploy, else its first sign of life.
fn began(release: &Release) -> Timestamp {
    release.deploys.first().map_or(release.first_seen, |deploy| deploy.at)
}
