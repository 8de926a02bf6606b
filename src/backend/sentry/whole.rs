//! Issues with few events are read whole, once for all that is asked of them.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::{
    ask::Ask,
    cells::{Side, TagGroup},
    fault::optional,
    json::{text, time, word},
    operation::EVENTS,
    row::Row,
    store::SentryStore,
    terms,
};
use crate::{
    model::{EventId, Timestamp, Untrusted},
    store::{NO_CONDITION, Scope, StoreError},
};

/// Events of an issue that are read one by one.
const FEW: u64 = 300;
/// Tags that fit into one question beside the rest.
pub(super) const TAGS: usize = 14;

/// One event.
pub(super) struct Happened {
    pub(super) id: Option<EventId>,
    pub(super) at: Timestamp,
    /// As the Web API names users.
    pub(super) user: Option<Untrusted>,
    pub(super) release: Option<Untrusted>,
    /// In the order of the tags that were asked for.
    tags: Vec<Option<Untrusted>>,
}

/// All events of an issue, newest first.
pub(super) struct IssueEvents {
    tags: Vec<String>,
    pub(super) events: Vec<Happened>,
}

/// A user's events.
#[derive(Clone, Copy)]
pub(super) struct OfUser {
    pub(super) events: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

impl Row {
    /// Its tags that may be a condition, those of most events first.
    pub(super) fn telling_tags(&self) -> Vec<String> {
        let mut own = self.tags.clone();
        own.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let own = own.into_iter().map(|(tag, _)| tag).filter(|tag| !NO_CONDITION.contains(&tag.as_str()));
        own.take(TAGS).collect()
    }
}

impl SentryStore {
    /// All events of an issue up to the scope's end; `None` where they are many, or can't be had.
    pub(super) async fn whole_issue(&self, row: &Row, scope: &Scope) -> Result<Option<IssueEvents>, StoreError> {
        if !(1..=FEW).contains(&row.events) {
            return Ok(None);
        }
        let scope = Scope { project: Some(row.issue.project.as_str().into()), ..self.whole(scope) };
        let tags = row.telling_tags();
        let keys: Vec<String> = tags.iter().map(|tag| terms::key(tag)).collect();
        let mut fields = vec!["id", "timestamp", "user", "release"];
        fields.extend(keys.iter().map(String::as_str).filter(|key| *key != "release"));
        let (start, end) = self.span(&scope);
        let ask = Ask::new(&EVENTS)
            .param("dataset", row.dataset.name())
            .each("field", fields)
            .param("query", row.own())
            .param("sort", "-timestamp")
            .param("per_page", "100")
            .between(start, end);
        let pages = self.server.pages(self.scoped(ask, &scope).await?, "data", FEW as usize).await;
        let pages = optional(pages)?;
        if pages.more || pages.items.is_empty() {
            return Ok(None);
        }
        let event = |json: &Value| {
            Some(Happened {
                id: word(json, "id").parse().ok(),
                at: time(json, "timestamp")?,
                user: text(json, "user"),
                release: text(json, "release"),
                tags: keys.iter().map(|key| text(json, key)).collect(),
            })
        };
        Ok(Some(IssueEvents { tags, events: pages.items.iter().filter_map(event).collect() }))
    }
}

impl IssueEvents {
    /// Those of a period and, if named, of some releases.
    pub(super) fn within(&self, (start, end): (Timestamp, Timestamp), since: Option<&[Untrusted]>) -> Vec<&Happened> {
        let wanted = |event: &&Happened| {
            let named = || event.release.as_ref();
            let of_release = since.is_none_or(|since| named().is_some_and(|release| since.contains(release)));
            of_release && event.at >= start && event.at <= end
        };
        self.events.iter().filter(wanted).collect()
    }

    /// Who has which of those tags; `None`: one of them was not asked for.
    pub(super) fn side(&self, store: &SentryStore, events: &[&Happened], tags: &[String]) -> Option<Side> {
        let places: Option<Vec<usize>> =
            tags.iter().map(|tag| self.tags.iter().position(|known| known == tag)).collect();
        let places = places?;
        let cell = |event: &&Happened| TagGroup {
            user: event.user.as_ref().map(|user| store.pseudonym(user.raw())),
            users: u64::from(event.user.is_some()),
            events: 1,
            first: Some(event.at),
            tags: places.iter().map(|place| event.tags[*place].clone()).collect(),
        };
        Some(Side { cells: events.iter().map(cell).collect(), by_user: true, cut: false })
    }
}

/// Events by user.
pub(super) fn by_user<'a>(events: &[&'a Happened]) -> BTreeMap<&'a Untrusted, OfUser> {
    let mut found: BTreeMap<&Untrusted, OfUser> = BTreeMap::new();
    for event in events {
        let Some(user) = &event.user else { continue };
        let known = found.entry(user).or_insert(OfUser { events: 0, first: event.at, last: event.at });
        known.events += 1;
        known.first = known.first.min(event.at);
        known.last = known.last.max(event.at);
    }
    found
}

/// Distinct users by release.
pub(super) fn by_release(events: &[&Happened]) -> std::collections::HashMap<String, u64> {
    let mut found: BTreeMap<&Untrusted, HashSet<&Untrusted>> = BTreeMap::new();
    for event in events {
        let Some(release) = &event.release else { continue };
        found.entry(release).or_default().extend(&event.user);
    }
    found.into_iter().map(|(release, users)| (release.raw().to_owned(), users.len() as u64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happened(at: i64, user: Option<&str>, release: &str) -> Happened {
        let at = Timestamp::from_second(at).unwrap();
        Happened { id: None, at, user: user.map(Into::into), release: Some(release.into()), tags: Vec::new() }
    }

    #[test]
    fn events_of_a_period_and_of_releases_are_told_by_user_and_release() {
        let events = vec![
            happened(10, Some("id:1"), "a@1"),
            happened(20, Some("id:1"), "a@2"),
            happened(30, None, "a@2"),
            happened(40, Some("id:2"), "a@2"),
        ];
        let whole = IssueEvents { tags: Vec::new(), events };
        let span = |lo, hi| (Timestamp::from_second(lo).unwrap(), Timestamp::from_second(hi).unwrap());
        assert_eq!(whole.within(span(20, 30), None).len(), 2, "both ends count");
        let since: [Untrusted; 1] = ["a@2".into()];
        let of_release = whole.within(span(0, 99), Some(&since));
        let users = by_user(&of_release);
        assert_eq!((users.len(), users[&Untrusted::from("id:1")].events), (2, 1));
        let ever = whole.within(span(0, 99), None);
        let of = by_user(&ever)[&Untrusted::from("id:1")];
        assert_eq!((of.events, of.first.as_second(), of.last.as_second()), (2, 10, 20));
        assert_eq!((by_release(&ever)["a@1"], by_release(&ever)["a@2"]), (1, 2));
    }
}
