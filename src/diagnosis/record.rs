//! Whether all users of an issue had one record open.

use std::collections::HashSet;

use crate::model::{Data, Event, Request, query_pairs};

/// Fewer events say nothing.
const LEAST: usize = 5;

/// Whether the events, of different users, all name one record: the same value of a parameter that is an id, in the
/// query or where the route's name has a placeholder.
pub fn is_one_record(events: &[Event]) -> bool {
    if events.len() < LEAST {
        return false;
    }
    let mut named: Vec<HashSet<(String, String)>> = events.iter().map(ids).collect();
    let Some(first) = named.pop() else { return false };
    first.iter().any(|id| named.iter().all(|ids| ids.contains(id)))
}

fn ids(event: &Event) -> HashSet<(String, String)> {
    let mut found = HashSet::new();
    let Some(request) = &event.request else { return found };
    found.extend(query(request).into_iter().filter(|(key, value)| is_id(key) && !value.is_empty()));
    let route = event.transaction.as_ref().map_or("", |route| route.raw());
    let route = route.rsplit(' ').next().unwrap_or(route);
    let url = request.url.as_ref().map_or("", |url| url.raw());
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or(url);
    let (wanted, given): (Vec<&str>, Vec<&str>) =
        (route.split('/').collect(), path.split(['?', '#']).next().unwrap_or(path).split('/').collect());
    if wanted.len() == given.len() {
        let pairs = wanted.iter().zip(&given).filter(|(part, _)| part.starts_with([':', '<', '{', '[']));
        found.extend(pairs.map(|(part, value)| ((*part).to_owned(), (*value).to_owned())));
    }
    found
}

fn query(request: &Request) -> Vec<(String, String)> {
    match &request.query {
        Some(Data::Text(text)) => query_pairs(text.raw()),
        Some(Data::Map(map)) => {
            let text = |value: &Data| value.text().map_or(String::new(), |text| text.raw().to_owned());
            map.iter().map(|(key, value)| (key.raw().to_owned(), text(value))).collect()
        }
        _ => Vec::new(),
    }
}

fn is_id(key: &str) -> bool {
    key.eq_ignore_ascii_case("id") || key.ends_with("_id") || key.ends_with("Id") || key.eq_ignore_ascii_case("uuid")
}
