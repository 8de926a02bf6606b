//! Ranks long lists of issues by what the list itself says, so that details are asked for only of those that are shown.

use super::{
    fault::RequestError,
    history::Shared,
    ranking::{is_wanted, order, takes},
    row::{Row, Substatus},
    store::SentryStore,
};
use crate::{
    model::{Change, ChangeReason, Status, Timestamp},
    store::{IssueFacts, IssueQuery, Page, StoreError},
};

/// An issue is new for so long where neither a release nor a period was asked for.
const NEW_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// A list of issues as far as it was read.
pub(super) struct Listed {
    pub(super) rows: Vec<Row>,
    /// Whether the server has more.
    pub(super) more: bool,
}

impl SentryStore {
    /// One page of a long list: what changed about each issue is told by the list, and for those that are shown worked
    /// out. The order stays that of the list, so that pages never overlap.
    pub(super) async fn shortlisted(
        &self,
        listed: Listed,
        query: &IssueQuery,
        shared: &Shared<'_>,
    ) -> Result<Page<IssueFacts>, StoreError> {
        let new_from = self.new_from(query, shared).await?;
        let mut ranked: Vec<(Row, IssueFacts)> = Vec::new();
        for row in listed.rows {
            let facts = hinted(&row, new_from);
            if takes(query, shared.rest, &facts) {
                ranked.push((row, facts));
            }
        }
        let mut by_change = counted(ranked.iter().map(|(_, facts)| facts.change));
        ranked.retain(|(_, facts)| is_wanted(query, facts.change));
        ranked.sort_by(|(_, a), (_, b)| order(query, a, b));
        let all = ranked.len();
        let hints: Vec<Change> = ranked.iter().map(|(_, facts)| facts.change).collect();
        let prefix = ranked.into_iter().take(query.skip + query.limit).map(|(row, _)| row).collect();
        let mut found = self.judged(prefix, shared).await?;
        for (hint, facts) in hints.into_iter().zip(&found).filter(|(hint, facts)| *hint != facts.change) {
            moved(&mut by_change, hint, facts.change);
        }
        let looked_at = found.len();
        found.retain(|facts| takes(query, shared.rest, facts) && is_wanted(query, facts.change));
        let dropped = looked_at - found.len();
        let more = listed.more || looked_at < all;
        let items = found.into_iter().skip(query.skip).take(query.limit).collect();
        let mut warnings = vec![
            "ranked by what the list of issues says; the history of those shown alone was looked at, and rises are those \
             that Sentry marks",
        ];
        if listed.more {
            warnings.push("there are more issues than were read: those with most users come first");
            by_change.clear();
        }
        let total = (!listed.more).then_some((all - dropped) as u64);
        Ok(Page { items, total, more, warnings, by_change })
    }

    /// From when on an issue's first event makes it new.
    async fn new_from(&self, query: &IssueQuery, shared: &Shared<'_>) -> Result<Timestamp, StoreError> {
        let (_, end) = self.span(&query.scope);
        let by_age = || end.checked_sub(NEW_FOR).unwrap_or(end);
        let Some(first) = shared.since.and_then(<[_]>::first) else {
            return Ok(query.scope.start.unwrap_or_else(by_age));
        };
        let known = self.known_releases(&self.whole(&query.scope)).await?;
        let named = known.iter().find(|facts| facts.release.version == *first);
        let named = named.ok_or_else(|| RequestError::NotThere.at("release", first))?;
        Ok(named.release.first_seen)
    }
}

/// What a row of a list says about what changed.
fn hinted(row: &Row, new_from: Timestamp) -> IssueFacts {
    let first_seen = row.first_seen.unwrap_or(Timestamp::UNIX_EPOCH);
    let marked = |word| ChangeReason::Marked { word };
    let (change, why) = match (row.issue.status, row.substatus) {
        (Status::Resolved, _) => (Change::Resolved, marked("resolved")),
        _ if first_seen >= new_from => {
            (Change::New, ChangeReason::FirstSeen { release: None, at: first_seen, clean_releases: 0 })
        }
        (_, Substatus::Regressed) => (Change::Regressed, marked("regressed")),
        (_, Substatus::Escalating) => (Change::Escalating, marked("escalating")),
        (_, Substatus::Other) => (Change::Ongoing, ChangeReason::Steady { since_release: None, since: first_seen }),
    };
    IssueFacts {
        issue: row.issue.clone(),
        events: row.events,
        users: row.users,
        users_known: row.users_known(),
        active_users: 0,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
        first_release: None,
        last_release: None,
        environments: Vec::new(),
        replays: 0,
        change,
        why,
        onset: None,
    }
}

/// How many issues there are of each kind of change.
pub(super) fn counted(changes: impl Iterator<Item = Change>) -> Vec<(Change, u64)> {
    let mut found: Vec<(Change, u64)> = Vec::new();
    changes.for_each(|change| add(&mut found, change));
    found.sort_by_key(|(change, _)| place(*change));
    found
}

fn add(counts: &mut Vec<(Change, u64)>, change: Change) {
    match counts.iter_mut().find(|(known, _)| *known == change) {
        Some((_, n)) => *n += 1,
        None => counts.push((change, 1)),
    }
}

/// One issue turned out to be of another kind than the list said.
fn moved(counts: &mut Vec<(Change, u64)>, from: Change, to: Change) {
    if let Some((_, n)) = counts.iter_mut().find(|(known, _)| *known == from) {
        *n -= 1;
    }
    counts.retain(|(_, n)| *n > 0);
    add(counts, to);
    counts.sort_by_key(|(change, _)| place(*change));
}

fn place(change: Change) -> usize {
    let order = [Change::New, Change::Regressed, Change::Escalating, Change::Ongoing, Change::Resolved];
    order.iter().position(|known| *known == change).unwrap_or(order.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_change_are_counted_in_order_and_moved() {
        let mut counts = counted([Change::Ongoing, Change::New, Change::Ongoing].into_iter());
        assert_eq!(counts, [(Change::New, 1), (Change::Ongoing, 2)]);
        moved(&mut counts, Change::New, Change::Regressed);
        assert_eq!(counts, [(Change::Regressed, 1), (Change::Ongoing, 2)]);
    }
}
