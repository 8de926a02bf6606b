//! A made-up organisation of some size: 120 issues and 6,000 events of one project in its newest release. What it
//! answers is counted from one list of events. Benches use it too.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use prodsignal::model::Timestamp;
use serde_json::{Map, Value, json};
use wiremock::{Request, Respond, ResponseTemplate};

/// Its "now".
pub fn now() -> Timestamp {
    "2026-11-20T12:00:00.5Z".parse().unwrap()
}

/// The replay of the newest event of one issue.
pub const REPLAYED: u64 = 3;
pub const REPLAY: &str = "abcdef0123456789abcdef0123456789";
pub const ISSUES: u64 = 120;
const EVENTS: u64 = 6_000;
/// Issues that began with the newest release, are back, and grow.
pub const NEW: [u64; 12] = [3, 9, 14, 22, 31, 47, 58, 66, 75, 90, 101, 118];
pub const REGRESSED: [u64; 2] = [5, 40];
pub const ESCALATING: [u64; 2] = [7, 33];
const RELEASES: u64 = 6;
const DAY_S: i64 = 86_400;
const WEEK_S: i64 = 7 * DAY_S;

/// One event: the columns of a row, and when it was.
struct Event {
    at: i64,
    columns: Map<String, Value>,
}

/// The organisation, which answers as Sentry does.
#[derive(Clone)]
pub struct Busy {
    events: Arc<Vec<Event>>,
    /// Where the events of each issue begin, and the end.
    starts: Arc<Vec<usize>>,
    delay: std::time::Duration,
}

/// The name of a release by its week, the newest last.
pub fn release(week: u64) -> String {
    format!("shop@2.{week}.0")
}

fn began(week: u64) -> i64 {
    now().as_second() - (RELEASES - week) as i64 * WEEK_S + 4 * DAY_S
}

fn event(nth: u64, issue: u64, of_issue: u64) -> Event {
    // A made-up but fixed spread of numbers.
    let mixed = nth.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let end = now().as_second() - 3_600;
    let newest = began(RELEASES - 1);
    let from = if NEW.contains(&issue) { newest } else { began(0) };
    // The first event of an issue that is not new is old, the last one lies in the newest release.
    let at = match of_issue {
        0 => from,
        1 => end - (issue as i64 * 300),
        _ => from + (mixed % (end - from) as u64) as i64,
    };
    let week = (0..RELEASES).rev().find(|week| began(*week) <= at).unwrap_or(0);
    let user = mixed % (20 + 3_000 / (issue + 1));
    let (browser, os) =
        (["Firefox 142", "Chrome 141", "Safari 19"][(user % 3) as usize], ["Windows", "macOS"][(user % 2) as usize]);
    let columns = json!({
        "id": format!("{issue:08x}{nth:024x}"), "issue.id": 1_000 + issue, "issue": format!("SHOP-{issue}"),
        "project": "shop", "project.name": "shop", "release": release(week), "user": format!("id:{user}"),
        "user.id": user.to_string(), "browser": browser,
        "os": os, "environment": "production", "level": "error",
        "title": format!("TypeError: fault {issue}"), "error.type": ["TypeError"], "error.unhandled": 1,
        "replayId": null,
    });
    let Value::Object(columns) = columns else { unreachable!() };
    Event { at, columns }
}

impl Busy {
    pub fn new(delay: std::time::Duration) -> Self {
        // Few issues have most of the events: of the next one a hundredth less is left to the others.
        let shares: Vec<f64> = (0..ISSUES).map(|issue| 1.0 / (issue as f64 + 4.0)).collect();
        let whole: f64 = shares.iter().sum();
        let (mut events, mut starts) = (Vec::new(), vec![0]);
        for (issue, share) in (0..ISSUES).zip(shares) {
            let count = ((share / whole * EVENTS as f64).round() as u64).max(2);
            for of_issue in 0..count {
                events.push(event(events.len() as u64, issue, of_issue));
            }
            if issue == REPLAYED {
                let own = events[starts[issue as usize]..].iter_mut();
                let newest: &mut Event = own.max_by_key(|event| event.at).unwrap();
                newest.columns.insert("replayId".to_owned(), json!(REPLAY));
            }
            starts.push(events.len());
        }
        Self { events: Arc::new(events), starts: Arc::new(starts), delay }
    }

    fn answer(&self, request: &Request) -> Option<(Value, bool)> {
        let path = request.url.path().strip_prefix("/api/0/")?.trim_end_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        let query = Query::of(request);
        let whole = |json| Some((json, false));
        match parts.as_slice() {
            ["organizations", "acme", "projects"] => whole(json!([{ "id": "1", "slug": "shop", "name": "Shop" }])),
            ["organizations", "acme", "releases"] => whole((0..RELEASES).rev().map(described).collect()),
            ["organizations", "acme", "sessions"] => whole(sessions(&query)),
            ["organizations", "acme", "events"] => Some(self.table(&query)),
            ["organizations", "acme", "events-timeseries"] => whole(json!({ "timeSeries": [{ "values": [] }] })),
            ["organizations", "acme", "issues"] => Some(self.issues(&query)),
            ["organizations", "acme", "issues", name] => whole(self.issue(number(name)?, &query)),
            ["organizations", "acme", "issues", name, "events", _] => whole(self.shown(number(name)?)),
            ["organizations", "acme", "replays", REPLAY] => whole(json!({ "data": self.replay() })),
            ["projects", "acme", "shop", "replays", REPLAY, "recording-segments"] => whole(json!([[
                { "type": 4, "timestamp": 1_795_172_380_000_i64, "data": { "href": "https://shop.example/cart" } }
            ]])),
            _ => None,
        }
    }

    fn of_issue(&self, issue: u64) -> impl Iterator<Item = &Event> {
        let at = issue as usize;
        self.events[self.starts[at]..self.starts[at + 1]].iter()
    }

    fn issue(&self, issue: u64, query: &Query) -> Value {
        let of_query: Vec<&Event> = self.of_issue(issue).filter(|event| query.fits(event)).collect();
        let times = || self.of_issue(issue).map(|event| event.at);
        let users: BTreeSet<&str> = of_query.iter().filter_map(|event| event.columns["user"].as_str()).collect();
        let seen = json!({ "firstSeen": iso(times().min().unwrap()), "lastSeen": iso(times().max().unwrap()) });
        let today = now().as_second() / DAY_S;
        let days = (today - 13..=today).map(|day| json!([day * DAY_S, times().filter(|at| at / DAY_S == day).count()]));
        let tags = ["browser", "os"].map(|key| json!({ "key": key, "totalValues": of_query.len() }));
        let substatus = match issue {
            _ if NEW.contains(&issue) => "new",
            _ if REGRESSED.contains(&issue) => "regressed",
            _ if ESCALATING.contains(&issue) => "escalating",
            _ => "ongoing",
        };
        json!({
            "id": (1_000 + issue).to_string(), "shortId": format!("SHOP-{issue}"), "title": format!("TypeError: fault {issue}"),
            "culprit": "GET /cart", "level": "error", "status": "unresolved", "substatus": substatus, "statusDetails": {},
            "issueCategory": "error", "isUnhandled": true, "project": { "id": "1", "slug": "shop" },
            "metadata": { "type": "TypeError", "value": format!("fault {issue}"), "function": "total", "filename": "cart.js" },
            "count": of_query.len().to_string(), "userCount": users.len(), "lifetime": seen,
            "stats": { "14d": days.collect::<Vec<_>>() },
            "firstSeen": seen["firstSeen"], "lastSeen": seen["lastSeen"],
            "tags": tags,
        })
    }

    fn issues(&self, query: &Query) -> (Value, bool) {
        let mut rows: Vec<Value> = (0..ISSUES).map(|issue| self.issue(issue, query)).collect();
        rows.retain(|row| row["count"] != "0");
        rows.sort_by_key(|row| std::cmp::Reverse(row["userCount"].as_u64()));
        query.page(rows)
    }

    fn shown(&self, issue: u64) -> Value {
        let newest = self.of_issue(issue).max_by_key(|event| event.at).unwrap();
        let mut event = super::double::file("event");
        event["id"] = newest.columns["id"].clone();
        event["eventID"] = newest.columns["id"].clone();
        event["groupID"] = json!((1_000 + issue).to_string());
        event["dateCreated"] = json!(iso(newest.at));
        event["dateReceived"] = json!(iso(newest.at));
        event
    }

    fn replay(&self) -> Value {
        let errors: Vec<&Value> =
            self.of_issue(REPLAYED).filter(|e| e.columns["replayId"] == REPLAY).map(|e| &e.columns["id"]).collect();
        json!({
            "id": REPLAY, "project_id": "1", "started_at": "2026-11-20T10:59:40Z", "finished_at": "2026-11-20T11:00:05Z",
            "urls": ["https://shop.example/cart"], "error_ids": errors, "warning_ids": [], "info_ids": [], "trace_ids": [], "count_segments": 1,
            "releases": [release(RELEASES - 1)], "environment": "production", "replay_type": "session", "is_archived": false,
        })
    }

    /// Rows of events, or groups of them.
    fn table(&self, query: &Query) -> (Value, bool) {
        let of_query: Vec<&Event> = self.events.iter().filter(|event| query.fits(event)).collect();
        let (aggregates, keys): (Vec<&String>, Vec<&String>) =
            query.fields.iter().partition(|field| field.contains('('));
        let mut rows: Vec<Value> = match aggregates.is_empty() {
            true => of_query.iter().map(|event| row(event, &keys)).collect(),
            false => {
                let mut groups: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
                for event in of_query {
                    groups.entry(row(event, &keys).to_string()).or_default().push(event);
                }
                let group = |events: Vec<&Event>| {
                    let mut row = row(events[0], &keys);
                    aggregates.iter().for_each(|field| row[field.as_str()] = aggregate(&events, field));
                    row
                };
                groups.into_values().map(group).collect()
            }
        };
        let by = query.one("sort").unwrap_or_default().trim_start_matches('-').to_owned();
        rows.sort_by_key(|row| {
            std::cmp::Reverse(row[&by].as_u64().map_or(row[&by].to_string(), |n| format!("{n:020}")))
        });
        let (data, more) = query.page(rows);
        (json!({ "data": data, "meta": { "fields": {} } }), more)
    }
}

impl Respond for Busy {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let Some((json, more)) = self.answer(request) else {
            return ResponseTemplate::new(404).set_body_json(json!({ "detail": "not here" })).set_delay(self.delay);
        };
        let end = Query::of(request).page_end();
        let link = format!("<http://x/>; rel=\"next\"; results=\"{more}\"; cursor=\"0:{end}:0\"");
        ResponseTemplate::new(200).set_body_json(json).insert_header("link", link.as_str()).set_delay(self.delay)
    }
}

/// The parameters of a request.
struct Query {
    params: Vec<(String, String)>,
    fields: Vec<String>,
    terms: Vec<(bool, String, BTreeSet<String>)>,
    span: (i64, i64),
}

impl Query {
    fn of(request: &Request) -> Self {
        let params: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let all = |name: &'static str| {
            let of = params.iter().filter(move |(key, _)| key == name);
            of.map(|(_, value)| value.clone())
        };
        let fields = all("field").collect();
        let moment = |name: &'static str, other: i64| {
            all(name).next().map_or(other, |at| format!("{at}Z").parse::<Timestamp>().unwrap().as_second())
        };
        let span = (moment("start", i64::MIN), moment("end", i64::MAX));
        let terms = all("query").flat_map(|text| terms(&text)).collect();
        Self { fields, terms, span, params }
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn fits(&self, event: &Event) -> bool {
        let holds = |(negated, key, values): &(bool, String, BTreeSet<String>)| {
            let own = |key: &str| match event.columns.get(key) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };
            let found = match key.as_str() {
                "is" => true,
                "has" => values.iter().all(|key| own(key).is_some()),
                key => own(key).is_some_and(|own| values.contains(&own)),
            };
            found != *negated
        };
        event.at >= self.span.0 && event.at <= self.span.1 && self.terms.iter().all(holds)
    }

    fn page_start(&self) -> usize {
        self.one("cursor").map_or(0, |cursor| cursor.split(':').nth(1).unwrap().parse().unwrap())
    }

    fn page_end(&self) -> usize {
        let size = self.one("per_page").or(self.one("limit")).map_or(100, |size| size.parse::<usize>().unwrap());
        self.page_start() + size.min(100)
    }

    /// One page, and whether there is another.
    fn page(&self, rows: Vec<Value>) -> (Value, bool) {
        let more = rows.len() > self.page_end();
        let shown = rows.into_iter().take(self.page_end()).skip(self.page_start());
        (shown.collect(), more)
    }
}

/// `!key:[a, "b"]` and its like.
fn terms(text: &str) -> Vec<(bool, String, BTreeSet<String>)> {
    let (mut found, mut rest) = (Vec::new(), text.trim());
    while let Some((key, after)) = rest.split_once(':') {
        let list = after.strip_prefix('[').and_then(|list| list.split_once(']'));
        let (values, left) = list.or_else(|| after.split_once(' ')).unwrap_or((after, ""));
        let values = values.split(", ").map(|value| value.trim_matches('"').to_owned()).collect();
        let negated = key.starts_with('!');
        found.push((negated, key.trim_start_matches('!').to_owned(), values));
        rest = left.trim();
    }
    found
}

fn row(event: &Event, keys: &[&String]) -> Value {
    let cut = |size: i64| json!(iso(event.at.div_euclid(size) * size));
    let value = |key: &str| match key {
        "timestamp" => json!(iso(event.at)),
        "timestamp.to_hour" => cut(3_600),
        "timestamp.to_day" => cut(DAY_S),
        key => event.columns.get(key).cloned().unwrap_or(Value::Null),
    };
    Value::Object(keys.iter().map(|key| ((*key).clone(), value(key))).collect())
}

fn aggregate(events: &[&Event], field: &str) -> Value {
    let times = || events.iter().map(|event| event.at);
    match field {
        "count()" => json!(events.len()),
        "min(timestamp)" => json!(iso(times().min().unwrap())),
        "max(timestamp)" => json!(iso(times().max().unwrap())),
        _ => {
            let key = field.trim_start_matches("count_unique(").trim_end_matches(')');
            json!(events.iter().filter_map(|event| event.columns[key].as_str()).collect::<BTreeSet<_>>().len())
        }
    }
}

fn iso(at: i64) -> String {
    Timestamp::from_second(at).unwrap().to_string()
}

/// The number of an issue, by id or short id.
fn number(name: &str) -> Option<u64> {
    let by_id = || name.parse::<u64>().ok()?.checked_sub(1_000);
    name.strip_prefix("SHOP-").and_then(|number| number.parse().ok()).or_else(by_id).filter(|n| *n < ISSUES)
}

fn described(week: u64) -> Value {
    let (first, last) = (iso(began(week)), iso((began(week) + 2 * WEEK_S).min(now().as_second() - 3_600)));
    json!({
        "version": release(week), "dateCreated": first, "firstEvent": first, "lastEvent": last, "newGroups": 1,
        "projects": [{ "id": "1", "slug": "shop", "name": "Shop" }], "lastDeploy": null, "dateReleased": null,
    })
}

/// A hundred sessions an hour, all of the release that is the newest then.
fn sessions(query: &Query) -> Value {
    let size = if query.one("interval") == Some("1h") { 3_600 } else { DAY_S };
    let (lo, hi) = (query.span.0.max(began(0)).div_euclid(size), query.span.1.div_euclid(size));
    let grouped = |by: &str| query.params.iter().any(|(key, value)| key == "groupBy" && value == by);
    let per_bucket = 100 * size / 3_600;
    let intervals: Vec<String> = (lo..=hi).map(|at| iso(at * size)).collect();
    let mut groups: HashMap<Option<u64>, Vec<i64>> = HashMap::new();
    for (nth, at) in (lo..=hi).enumerate() {
        let week = (0..RELEASES).rev().find(|week| began(*week) <= at * size).unwrap_or(0);
        let of = grouped("release").then_some(week);
        groups.entry(of).or_insert_with(|| vec![0; intervals.len()])[nth] += per_bucket;
    }
    let group = |(week, series): (Option<u64>, Vec<i64>)| {
        let by = json!({ "project": 1, "release": week.map(release) });
        let total: i64 = series.iter().sum();
        json!({
            "by": by, "totals": { "sum(session)": total, "count_unique(user)": 900, "crash_free_rate(session)": 0.98 },
            "series": { "sum(session)": series, "count_unique(user)": series.iter().map(|n| n / 2).collect::<Vec<_>>() },
        })
    };
    json!({ "intervals": intervals, "groups": groups.into_iter().map(group).collect::<Vec<_>>() })
}
