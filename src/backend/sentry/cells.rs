//! Who has which tags: users one by one where they are few, else groups of users with equal tags.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::{
    exposure::Search,
    fault::{RequestError, optional},
    json::{count, text, time},
    row::Dataset,
    store::SentryStore,
    terms,
};
use crate::{
    model::{Timestamp, Untrusted},
    store::{ConditionTag, Conditions, Scope, StoreError, TagShare},
};

/// Rows of the upstream that are read for each side.
const ROWS: usize = 300;
/// Rows that conditions are sought in at most.
const MOST: usize = 50_000;
/// Values shown of a tag.
const VALUES: usize = 20;

/// What is said of issues that are no errors, where Sentry does not tell.
pub(super) const NOT_COUNTED: &str =
    "this issue is no error, and Sentry does not tell here whom it hit: who is affected is not known";

/// Events with equal tags, of one user or of several.
#[derive(Clone, Debug)]
pub(super) struct TagGroup {
    /// Who; `None` where it is several, or nobody is named.
    pub(super) user: Option<String>,
    /// How many users.
    pub(super) users: u64,
    pub(super) events: u64,
    pub(super) first: Option<Timestamp>,
    /// In the order of the tags that were asked for.
    pub(super) tags: Vec<Option<Untrusted>>,
}

/// One side of a comparison.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    pub(super) cells: Vec<TagGroup>,
    /// Whether users are told one by one.
    pub(super) by_user: bool,
    /// Whether more were there than were read.
    pub(super) cut: bool,
}

impl SentryStore {
    /// The cells of a search: by user where there are no more than fit.
    pub(super) async fn cells(
        &self,
        scope: &Scope,
        search: Search<'_>,
        tags: &[String],
        users: u64,
    ) -> Result<Side, StoreError> {
        let by_user = users as usize <= ROWS;
        let keys: Vec<String> = tags.iter().map(|tag| terms::key(tag)).collect();
        let mut fields: Vec<&str> = keys.iter().map(String::as_str).collect();
        if by_user {
            fields.push("user");
        }
        fields.extend(["count()", "count_unique(user)", "min(timestamp)"]);
        let pages = optional(self.groups(scope, search, &fields, "-count()", ROWS).await)?;
        let cell = |row: &Value| TagGroup {
            user: text(row, "user").filter(|_| by_user).map(|user| self.pseudonym(user.raw())),
            users: count(row, "count_unique(user)").unwrap_or(0),
            events: count(row, "count()").unwrap_or(0),
            first: time(row, "min(timestamp)"),
            tags: keys.iter().map(|key| text(row, key)).collect(),
        };
        Ok(Side { cells: pages.items.iter().map(cell).collect(), by_user, cut: pages.more })
    }

    /// How many events and users a search has.
    pub(super) async fn totals(&self, scope: &Scope, search: Search<'_>) -> Result<(u64, u64), StoreError> {
        let fields = ["count()", "count_unique(user)"];
        let pages = match self.groups(scope, search, &fields, "-count()", 1).await {
            Ok(pages) => pages,
            Err(fault) if fault.is_lacking() && search.dataset != Dataset::Errors => {
                tracing::debug!(?fault, "no totals");
                return Err(StoreError::Unsupported(NOT_COUNTED));
            }
            Err(fault @ (RequestError::NotThere | RequestError::Strange(_))) => {
                tracing::debug!(?fault, "no totals");
                return Err(StoreError::Unsupported("this server can't count events in groups"));
            }
            Err(fault) => return Err(fault.into()),
        };
        let row = pages.items.first();
        let n = |key: &str| row.and_then(|row| count(row, key)).unwrap_or(0);
        Ok((n("count()"), n("count_unique(user)")))
    }
}

impl Side {
    /// Without those users.
    pub(super) fn without(mut self, users: &HashSet<String>) -> Self {
        self.cells.retain(|cell| cell.user.as_ref().is_none_or(|user| !users.contains(user)));
        self
    }

    /// Who is told by name.
    pub(super) fn names(&self) -> HashSet<String> {
        self.cells.iter().filter_map(|cell| cell.user.clone()).collect()
    }

    /// Rows as conditions need them: a user each, with the tags of the first event; or an event each.
    fn rows(&self, events: bool) -> Vec<&[Option<Untrusted>]> {
        let mut rows: Vec<&[Option<Untrusted>]> = Vec::new();
        if events {
            for cell in self.cells.iter() {
                rows.extend(std::iter::repeat_n(cell.tags.as_slice(), cell.events.min(MOST as u64) as usize));
            }
        } else if self.by_user {
            let mut first: BTreeMap<&str, &TagGroup> = BTreeMap::new();
            for cell in &self.cells {
                let Some(user) = cell.user.as_deref() else { continue };
                let known = first.entry(user).or_insert(cell);
                if cell.first < known.first {
                    *known = cell;
                }
            }
            rows.extend(first.into_values().map(|cell| cell.tags.as_slice()));
        } else {
            for cell in &self.cells {
                rows.extend(std::iter::repeat_n(cell.tags.as_slice(), cell.users.min(MOST as u64) as usize));
            }
        }
        rows.truncate(MOST);
        rows
    }

    /// Users and events by value of one tag.
    pub(super) fn by_value(&self, tag: usize) -> HashMap<&Untrusted, (u64, u64)> {
        let mut named: HashMap<&Untrusted, HashSet<&str>> = HashMap::new();
        let mut found: HashMap<&Untrusted, (u64, u64)> = HashMap::new();
        for cell in &self.cells {
            let Some(value) = &cell.tags[tag] else { continue };
            let counts = found.entry(value).or_default();
            counts.1 += cell.events;
            match &cell.user {
                Some(user) if named.entry(value).or_default().insert(user) => counts.0 += 1,
                Some(_) => {}
                None if self.by_user => {}
                None => counts.0 += cell.users,
            }
        }
        found
    }
}

/// What conditions are sought in: tags with a value that enough of the affected share.
pub(super) fn conditions(tags: &[String], affected: &Side, base: &Side, shared_by: u64, events: bool) -> Conditions {
    let (hit, others) = (affected.rows(events), base.rows(events));
    let mut found = Conditions { rows_are_events: events, ..Conditions::default() };
    found.affected = std::iter::repeat_n(true, hit.len()).chain(std::iter::repeat_n(false, others.len())).collect();
    for (at, tag) in tags.iter().enumerate() {
        let mut counts: BTreeMap<&Untrusted, u64> = BTreeMap::new();
        hit.iter().filter_map(|row| row[at].as_ref()).for_each(|value| *counts.entry(value).or_default() += 1);
        if !counts.values().any(|n| *n >= shared_by) {
            continue;
        }
        let values: Vec<Untrusted> = counts.keys().map(|value| (*value).clone()).collect();
        let place = |row: &&[Option<Untrusted>]| {
            let at = values.binary_search(row[at].as_ref()?).ok()?;
            u32::try_from(at).ok()
        };
        let column = hit.iter().chain(&others).map(place).collect();
        found.tags.push(ConditionTag { tag: tag.as_str().into(), values, families: Vec::new(), column });
    }
    found
}

/// The values of a tag with most users, each beside the baseline's.
pub(super) fn shares(affected: &Side, base: &Side, tag: usize) -> Vec<TagShare> {
    let others = base.by_value(tag);
    let mut shares: Vec<TagShare> = affected
        .by_value(tag)
        .into_iter()
        .map(|(value, (users, events))| TagShare {
            value: value.clone(),
            users,
            events,
            baseline_users: others.get(value).map_or(0, |(users, _)| *users),
        })
        .collect();
    shares.sort_by(|a, b| (b.users, b.events).cmp(&(a.users, a.events)).then_with(|| a.value.cmp(&b.value)));
    shares.truncate(VALUES);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(user: Option<&str>, events: u64, first: i64, tag: &str) -> TagGroup {
        let first = Timestamp::from_second(first).ok();
        TagGroup { user: user.map(Into::into), users: 2, events, first, tags: vec![Some(tag.into())] }
    }

    #[test]
    fn a_user_counts_once_with_the_tags_of_the_first_event() {
        let cells = vec![cell(Some("a"), 3, 9, "new"), cell(Some("a"), 1, 2, "old"), cell(Some("b"), 1, 5, "new")];
        let side = Side { cells, by_user: true, cut: false };
        let rows: Vec<&str> = side.rows(false).iter().map(|row| row[0].as_ref().unwrap().raw()).collect();
        assert_eq!(rows, ["old", "new"]);
        assert_eq!(side.rows(true).len(), 5);
        assert_eq!(side.by_value(0)[&Untrusted::from("new")], (2, 4));
        assert_eq!(side.names().len(), 2);
        assert_eq!(side.without(&HashSet::from(["a".to_owned()])).cells.len(), 1);
    }

    #[test]
    fn conditions_are_values_that_enough_share_and_shares_stand_beside_the_baseline() {
        let side = |cells| Side { cells, by_user: false, cut: false };
        let (hit, base) = (side(vec![cell(None, 4, 1, "x"), cell(None, 1, 1, "y")]), side(vec![cell(None, 9, 1, "x")]));
        let tags = ["browser".to_owned()];
        let found = conditions(&tags, &hit, &base, 2, false);
        assert_eq!((found.affected.len(), found.tags[0].values.len()), (6, 2));
        assert_eq!(found.tags[0].column[4], Some(0), "the baseline's first row has x");
        assert!(conditions(&tags, &hit, &base, 3, false).tags.is_empty());
        let shares = shares(&hit, &base, 0);
        assert_eq!((shares[0].value.raw(), shares[0].users, shares[0].baseline_users), ("x", 2, 2));
    }
}
