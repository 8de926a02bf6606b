//! A request becomes parts: sorted by service, release and trace, secrets taken out, exceptions read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    conditions,
    part::{Attributes, EventLine, LogLine, Part, SpanLine},
    thrown,
};
use crate::{
    guard::Scrubber,
    ingest::digest16,
    model::{Timestamp, Untrusted, UserKey},
    otlp::{self, Group, Kind, Log, Point, Span, Status},
    protocol::{Clock, ClockPolicy},
    stacktrace::Language,
    store::{Digest, EntryUse, ItemKind, ItemRecord, Outcome, PartRecord, ProjectKey, Record},
};

/// Attributes of a resource that are told elsewhere, or say nothing of a failure.
const TOLD: &[&str] = &[
    "service.version",
    "deployment.environment.name",
    "deployment.environment",
    "process.command_args",
    "process.command",
    "process.command_line",
    "process.pid",
    "process.parent_pid",
    "process.owner",
    "process.executable.path",
    "service.instance.id",
    "telemetry.distro.name",
    "telemetry.distro.version",
    "host.id",
    "os.description",
];

/// The name of the service that sent a group.
pub fn service_of(group: &Group) -> &str {
    group.resource.get("service.name").and_then(Value::as_str).filter(|n| !n.is_empty()).unwrap_or("unknown_service")
}

/// The project of a service: its name as a slug.
pub fn project_slug(service: &str) -> String {
    let mut slug = String::new();
    for c in service.chars() {
        let c = c.to_ascii_lowercase();
        let fits = c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if fits || !slug.is_empty() && !slug.ends_with('-') {
            slug.push(if fits { c } else { '-' });
        }
    }
    let slug: String = slug.chars().take(50).collect();
    let slug = slug.trim_end_matches('-');
    match slug {
        "" => "unknown_service".to_owned(),
        number if number.bytes().all(|b| b.is_ascii_digit()) => format!("service-{number}"),
        slug => slug.to_owned(),
    }
}

pub(super) fn digests(
    request: otlp::Request,
    project: &dyn Fn(&Group) -> Option<ProjectKey>,
    received: Timestamp,
    scrubber: &Scrubber,
) -> Vec<Digest> {
    let mut digests: Vec<Digest> = Vec::new();
    let clock = Clock::new(ClockPolicy::Live, received, None);
    for group in request.groups {
        let Some(project) = project(&group) else { continue };
        let records = Taking::new(&group.resource, scrubber, &clock).group(group.spans, group.logs, group.points);
        match digests.iter_mut().find(|digest| digest.project == project) {
            Some(digest) => digest.records.extend(records),
            None => digests.push(Digest { project, received, records, outcomes: Vec::new() }),
        }
    }
    if let Some(first) = digests.first_mut() {
        let lost = |(reason, quantity): (&'static str, u64)| Outcome {
            item: "otlp",
            outcome: "invalid",
            reason,
            quantity,
            named: None,
        };
        first.outcomes.extend(request.faults.into_iter().map(lost));
    }
    digests
}

/// What the records of one resource share.
struct Taking<'a> {
    scrubber: &'a Scrubber,
    clock: &'a Clock,
    language: Option<Language>,
    bare: Part,
}

impl<'a> Taking<'a> {
    fn new(resource: &Attributes, scrubber: &'a Scrubber, clock: &'a Clock) -> Self {
        let text = |keys: &[&str]| {
            let found = keys.iter().find_map(|key| resource.get(*key)?.as_str()).map(str::trim);
            found.filter(|text| !text.is_empty())
        };
        let service = text(&["service.name"]).unwrap_or("unknown_service").to_owned();
        let version = text(&["service.version"]);
        let sdk = text(&["telemetry.sdk.language"]).unwrap_or("");
        let mut rest = clean(scrubber, resource.clone());
        rest.retain(|key, value| !TOLD.contains(&key.as_str()) && !value.is_null());
        let bare = Part {
            release: version.map(|version| format!("{service}@{version}")),
            environment: text(&["deployment.environment.name", "deployment.environment"]).map(str::to_owned),
            platform: platform(sdk).to_owned(),
            service,
            resource: rest,
            ..Part::default()
        };
        Self { scrubber, clock, language: Language::of_sdk(sdk), bare }
    }

    fn group(&self, spans: Vec<Span>, logs: Vec<Log>, points: Vec<Point>) -> Vec<Record> {
        // By what they are joined by: a trace, a session, or nothing.
        let mut parts: BTreeMap<String, Part> = BTreeMap::new();
        let mut uses: BTreeMap<String, Vec<EntryUse>> = BTreeMap::new();
        for span in spans {
            let key = span.trace.clone();
            let line = self.span(&span);
            if let Some(entry) = self.entry_use(&line, &span.state) {
                uses.entry(key.clone()).or_default().push(entry);
            }
            let part = parts.entry(key).or_insert_with(|| Part { trace: Some(span.trace), ..self.bare.clone() });
            part.spans.push(line);
        }
        for log in logs {
            let session = log.attributes.get("session.id").and_then(Value::as_str);
            let key = match (&log.trace, session) {
                (Some(trace), _) => trace.clone(),
                (None, Some(session)) => format!("session:{}:{session}", self.bare.service),
                (None, None) => "alone".to_owned(),
            };
            let part = parts.entry(key).or_insert_with(|| Part { trace: log.trace.clone(), ..self.bare.clone() });
            part.logs.push(self.log(log));
        }
        let mut records: Vec<Record> = parts
            .into_iter()
            .map(|(key, part)| {
                let uses = uses.remove(&key).unwrap_or_default();
                Record::Part(Box::new(self.part(key, part, uses)))
            })
            .collect();
        records.extend(points.into_iter().map(|point| self.point(point)));
        records
    }

    fn part(&self, key: String, part: Part, mut uses: Vec<EntryUse>) -> PartRecord {
        uses.extend(signs(&part, self.clock));
        let times = || {
            let spans = part.spans.iter().flat_map(|span| [span.start, span.end]);
            spans.chain(part.logs.iter().map(|log| log.at))
        };
        let at = |micros: Option<i64>| {
            micros.and_then(|t| Timestamp::from_microsecond(t).ok()).unwrap_or(self.clock.received())
        };
        let body = serde_json::to_vec(&part).unwrap_or_default();
        let once = digest16(&[b"part", key.as_bytes(), &body]);
        // Logs that nothing ties to others are joined with nothing.
        let trace = if key == "alone" { format!("alone:{:032x}", u128::from_be_bytes(once)) } else { key };
        PartRecord {
            trace: trace.into(),
            first: at(times().min()),
            last: at(times().max()),
            failing: part.is_failing(),
            spans: part.spans.len() as u32,
            logs: part.logs.len() as u32,
            release: part.release.as_deref().map(Into::into),
            environment: part.environment.as_deref().map(Into::into),
            uses,
            body,
            once,
        }
    }

    fn span(&self, span: &Span) -> SpanLine {
        let (user, session) = self.who(&span.attributes);
        let mut line = SpanLine {
            id: span.id.clone(),
            parent: span.parent.clone(),
            name: self.scrubber.plain(&span.name),
            kind: match span.kind {
                Kind::Internal => "internal",
                Kind::Server => "server",
                Kind::Client => "client",
                Kind::Producer => "producer",
                Kind::Consumer => "consumer",
            }
            .to_owned(),
            start: self.time(span.start),
            end: self.time(span.end),
            status: match span.status {
                Status::Unset => "",
                Status::Ok => "ok",
                Status::Error => "error",
            }
            .to_owned(),
            said: if span.message.is_empty() { String::new() } else { self.scrubber.plain(&span.message) },
            user,
            session,
            linked: span.linked,
            attributes: clean(self.scrubber, span.attributes.clone()),
            events: Vec::new(),
            thrown: Vec::new(),
        };
        for event in &span.events {
            let at = self.time(if event.time == 0 { span.end } else { event.time });
            match thrown::read(&event.attributes, at, self.language) {
                Some(mut thrown) => {
                    self.scrub(&mut thrown);
                    line.thrown.push(thrown);
                }
                None => line.events.push(EventLine {
                    at,
                    name: event.name.clone(),
                    attributes: clean(self.scrubber, event.attributes.clone()),
                }),
            }
        }
        line
    }

    fn log(&self, log: Log) -> LogLine {
        let (user, session) = self.who(&log.attributes);
        let at = self.time(log.time);
        let thrown = thrown::read(&log.attributes, at, self.language).map(|mut thrown| {
            self.scrub(&mut thrown);
            thrown
        });
        let mut attributes = log.attributes;
        attributes.retain(|key, _| !key.starts_with("exception."));
        let body = match log.body {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        };
        LogLine {
            at,
            span: log.span,
            level: level(log.severity, &log.severity_text).to_owned(),
            body: self.scrubber.plain(&body),
            event: log.event,
            logger: log.scope,
            user,
            session,
            attributes: clean(self.scrubber, attributes),
            thrown,
        }
    }

    fn scrub(&self, thrown: &mut super::part::Thrown) {
        let mut event = json!({ "exception": { "values": std::mem::take(&mut thrown.values) } });
        self.scrubber.event(&mut event);
        if let Value::Array(values) = event["exception"]["values"].take() {
            thrown.values = values;
        }
    }

    /// User and session, before secrets are taken out.
    fn who(&self, attributes: &Attributes) -> (Option<String>, Option<String>) {
        let text = |key: &str| match attributes.get(key)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let user = ["user.id", "enduser.id", "enduser.pseudo.id"].iter().find_map(|key| text(key));
        let user = user.map(|id| {
            let key = self.scrubber.pseudonyms().user(&Untrusted::from(id));
            format!("{:032x}", u128::from_be_bytes(key.0))
        });
        let session = text("session.id").map(|id| {
            let key = self.scrubber.pseudonyms().user(&Untrusted::from(format!("session {id}")));
            format!("{:032x}", u128::from_be_bytes(key.0))
        });
        (user, session)
    }

    /// A moment as it is kept.
    fn time(&self, micros: i64) -> i64 {
        let sent = Timestamp::from_microsecond(micros).ok().filter(|_| micros > 0);
        sent.map_or(self.clock.received(), |time| self.clock.correct(time)).as_microsecond()
    }

    /// What an entry span says of traffic.
    fn entry_use(&self, span: &SpanLine, state: &str) -> Option<EntryUse> {
        if !span.is_served() && span.parent.is_some() {
            return None;
        }
        let user = hex_key(&span.user).map(|key| UserKey(key.to_be_bytes()));
        Some(EntryUse {
            operation: Some(span.operation().into()),
            at: Timestamp::from_microsecond(span.start).unwrap_or(self.clock.received()),
            duration_us: u64::try_from(span.end - span.start).unwrap_or(0),
            failed: span.has_failed(),
            user,
            session: hex_key(&span.session).map(|key| key as u32),
            weight: weight(state),
            tags: user.map(|_| conditions::of_entry(span, &self.bare)).unwrap_or_default(),
        })
    }

    fn point(&self, point: Point) -> Record {
        let at = Timestamp::from_microsecond(self.time(point.time)).unwrap_or(self.clock.received());
        let attributes = clean(self.scrubber, point.attributes);
        let mut body = json!({
            "name": point.name, "type": point.kind, "unit": point.unit, "value": point.value, "attributes": attributes,
        });
        if let Some(count) = point.count {
            body["count"] = count.into();
        }
        let body = body.to_string().into_bytes();
        let digest = digest16(&[b"point", self.bare.service.as_bytes(), &at.as_microsecond().to_be_bytes(), &body]);
        Record::Item(Box::new(ItemRecord {
            kind: ItemKind::Metric,
            timestamp: at,
            parent: None,
            trace_id: None,
            segment: None,
            release: self.bare.release.as_deref().map(Into::into),
            environment: self.bare.environment.as_deref().map(Into::into),
            user: None,
            name: Some(point.name.into()),
            content_type: None,
            body,
            dedupe: Some(digest),
            used: None,
        }))
    }
}

/// Attributes without secrets.
fn clean(scrubber: &Scrubber, attributes: Attributes) -> Attributes {
    if attributes.is_empty() {
        return attributes;
    }
    let mut around = json!({ "attributes": attributes });
    scrubber.event(&mut around);
    match around["attributes"].take() {
        Value::Object(map) => map,
        _ => Attributes::new(),
    }
}

fn platform(language: &str) -> &'static str {
    match language {
        "python" => "python",
        "nodejs" => "node",
        "webjs" => "javascript",
        "java" | "kotlin" => "java",
        "dotnet" => "csharp",
        "go" => "go",
        "ruby" => "ruby",
        "php" => "php",
        "rust" | "cpp" | "swift" => "native",
        "erlang" => "elixir",
        _ => "other",
    }
}

/// Severity by its number, else by its word.
fn level(number: i32, text: &str) -> &'static str {
    let words = || crate::model::Level::parse(text).map(crate::model::Level::as_str);
    match number {
        1..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warning",
        17..=20 => "error",
        21.. => "fatal",
        _ => words().unwrap_or("info"),
    }
}

/// Who else is named in a part, each once; at least that there was a part.
fn signs(part: &Part, clock: &Clock) -> Vec<EntryUse> {
    let spans = part.spans.iter().map(|span| (span.start, &span.user, &span.session));
    let logs = part.logs.iter().map(|log| (log.at, &log.user, &log.session));
    let mut seen = std::collections::BTreeMap::new();
    for (at, user, session) in spans.chain(logs) {
        let first = seen.entry((hex_key(user), hex_key(session))).or_insert(at);
        *first = at.min(*first);
    }
    let sign = |((user, session), at): ((Option<u128>, Option<u128>), i64)| {
        let at = Timestamp::from_microsecond(at).unwrap_or(clock.received());
        EntryUse::sign(at, user.map(|key| UserKey(key.to_be_bytes())), session.map(|key| key as u32))
    };
    seen.into_iter().map(sign).collect()
}

fn hex_key(hex: &Option<String>) -> Option<u128> {
    hex.as_deref().and_then(|hex| u128::from_str_radix(hex, 16).ok())
}

/// How many spans a sampled one stands for, by `ot=th:T` of its trace state: 2^56 / (2^56 − T). 1 where nothing is said.
fn weight(state: &str) -> f64 {
    let ours = state.split(',').find_map(|member| member.trim().strip_prefix("ot="));
    let threshold = ours.and_then(|ours| ours.split(';').find_map(|field| field.trim().strip_prefix("th:")));
    let Some(digits) = threshold.filter(|t| (1..=14).contains(&t.len())) else { return 1.0 };
    let Ok(value) = u64::from_str_radix(digits, 16) else { return 1.0 };
    let full = 1u64 << 56;
    let rejected = value << (4 * (14 - digits.len()));
    full as f64 / (full - rejected.min(full - 1)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_thresholds_are_read() {
        assert_eq!(weight("ot=th:8"), 2.0);
        assert_eq!(weight("vendor=1,ot=rv:12;th:c"), 4.0);
        assert_eq!(weight("ot=th:0"), 1.0);
        assert_eq!(weight("ot=th:zz"), 1.0);
        assert_eq!(weight(""), 1.0);
    }

    #[test]
    fn services_become_slugs() {
        for (name, want) in [
            ("press-api", "press-api"),
            ("Press API/eu", "press-api-eu"),
            ("42", "service-42"),
            ("ü", "unknown_service"),
        ] {
            assert_eq!(project_slug(name), want);
        }
    }
}
