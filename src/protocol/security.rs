//! Reports that browsers send by themselves: violations of a content security policy, and failures of the network (NEL).
//! Each becomes an event, as an SDK would have sent it.
//! Sources: W3C Content Security Policy Level 2 (`report-uri`) and 3, Reporting API, Network Error Logging, RFC 9163
//! (Expect-CT).

use serde_json::{Map, Value, json};

use super::EnvelopeError;

/// Reports of one request at most.
const MOST: usize = 100;

/// What the address and the headers say of all reports of a request.
#[derive(Clone, Debug, Default)]
pub struct ReportedBy {
    /// Release, `sentry_release` of the address.
    pub release: Option<String>,
    /// Environment, `sentry_environment` of the address.
    pub environment: Option<String>,
    /// The browser.
    pub user_agent: Option<String>,
}

/// Events of the reports in a body, and how many reports say that all went well or are of a kind nobody reads.
///
/// # Errors
/// When the body holds no report.
pub fn reports(body: &Value, by: &ReportedBy) -> Result<(Vec<Value>, u64), EnvelopeError> {
    let list: Vec<&Value> = match body {
        Value::Array(list) => list.iter().take(MOST).collect(),
        one @ Value::Object(_) => vec![one],
        _ => return Err(EnvelopeError::Body),
    };
    if list.is_empty() || list.iter().any(|report| !report.is_object()) {
        return Err(EnvelopeError::Body);
    }
    let events: Vec<Value> = list.iter().filter_map(|report| event(report, by)).collect();
    let skipped = (list.len() - events.len()) as u64;
    Ok((events, skipped))
}

fn event(report: &Value, by: &ReportedBy) -> Option<Value> {
    let url = report.get("url").and_then(Value::as_str);
    let agent = report.get("user_agent").and_then(Value::as_str).or(by.user_agent.as_deref());
    let said = match (report.get("type").and_then(Value::as_str), report.get("body")) {
        _ if report.get("csp-report").is_some_and(Value::is_object) => csp(&report["csp-report"], url)?,
        _ if report.get("expect-ct-report").is_some_and(Value::is_object) => {
            of_host("expect-ct", "is not in the public logs", &report["expect-ct-report"])
        }
        _ if report.get("expect-staple-report").is_some_and(Value::is_object) => {
            of_host("expect-staple", "did not come with proof that it is not revoked", &report["expect-staple-report"])
        }
        _ if report.get("known-pins").is_some_and(Value::is_array) => {
            of_host("hpkp", "is none of those that were pinned", report)
        }
        (Some("csp-violation"), Some(body)) => csp(body, url)?,
        (Some("network-error"), Some(body)) => nel(body, url)?,
        (Some(kind), Some(body)) if body.is_object() => other(kind, body, url),
        _ => return None,
    };
    Some(said.event(by, agent))
}

/// What a report says.
struct Said {
    logger: &'static str,
    message: String,
    fingerprint: Vec<String>,
    tags: Map<String, Value>,
    url: Option<String>,
    details: Value,
}

impl Said {
    fn event(self, by: &ReportedBy, agent: Option<&str>) -> Value {
        let headers: Vec<Value> = agent.into_iter().map(|agent| json!(["User-Agent", agent])).collect();
        let mut contexts = Map::new();
        contexts.insert(self.logger.to_owned(), self.details);
        let mut event = json!({
            "platform": "javascript",
            "level": "error",
            "logger": self.logger,
            "message": self.message,
            "fingerprint": self.fingerprint,
            "tags": self.tags,
            "contexts": contexts,
            "request": { "url": self.url, "headers": headers },
        });
        for (key, value) in [("release", &by.release), ("environment", &by.environment)] {
            if let Some(value) = value {
                event[key] = value.as_str().into();
            }
        }
        event
    }
}

fn text<'a>(report: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| report.get(*key)?.as_str()).map(str::trim).filter(|text| !text.is_empty())
}

/// Both ways in which browsers write the names: `blocked-uri` and `blockedURL`.
fn csp(report: &Value, url: Option<&str>) -> Option<Said> {
    let directive =
        text(report, &["effective-directive", "effectiveDirective", "violated-directive", "violatedDirective"])?;
    let directive = directive.split_whitespace().next()?.to_owned();
    let blocked = blocked(text(report, &["blocked-uri", "blockedURL", "blockedURI"]).unwrap_or("inline"));
    let page = text(report, &["document-uri", "documentURL", "documentURI"]).or(url).map(str::to_owned);
    let disposition = text(report, &["disposition"]).unwrap_or("enforce");
    let verb = if disposition == "report" { "would have blocked" } else { "blocked" };
    Some(Said {
        logger: "csp",
        message: format!("Content security policy {verb} {blocked} ({directive})"),
        fingerprint: vec!["csp".to_owned(), directive.clone(), blocked.clone()],
        tags: tags([
            ("directive", Some(directive)),
            ("blocked", Some(blocked)),
            ("disposition", Some(disposition.to_owned())),
        ]),
        url: page,
        details: report.clone(),
    })
}

/// The host that was blocked, or the word for what has none: `inline`, `eval`, `data`, `blob`.
fn blocked(uri: &str) -> String {
    let uri = uri.trim();
    match uri.split_once("://") {
        Some((_, rest)) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            host.rsplit_once('@').map_or(host, |(_, host)| host).to_ascii_lowercase()
        }
        None => uri.split([':', '/', '?']).next().unwrap_or(uri).to_ascii_lowercase(),
    }
}

/// A failure of the network. Reports that all went well are samples for rates: no failures.
fn nel(report: &Value, url: Option<&str>) -> Option<Said> {
    let kind = text(report, &["type"])?.to_owned();
    if kind == "ok" {
        return None;
    }
    let host = blocked(url.unwrap_or("unknown host"));
    let word = |key: &str| report.get(key).and_then(super::name).map(|text| text.raw().to_owned());
    Some(Said {
        logger: "nel",
        message: format!("Network error {kind} at {host}"),
        fingerprint: vec!["nel".to_owned(), kind.clone(), host.clone()],
        tags: tags([
            ("nel.type", Some(kind)),
            ("nel.host", Some(host)),
            ("nel.phase", word("phase")),
            ("nel.protocol", word("protocol")),
            ("nel.status", word("status_code")),
        ]),
        url: url.map(str::to_owned),
        details: report.clone(),
    })
}

/// A certificate that a host should not have had: Expect-CT, Expect-Staple, and key pinning (RFC 7469).
fn of_host(logger: &'static str, what: &str, report: &Value) -> Said {
    let host = text(report, &["hostname"]).unwrap_or("unknown host").to_owned();
    Said {
        logger,
        message: format!("Certificate of {host} {what}"),
        fingerprint: vec![logger.to_owned(), host.clone()],
        tags: tags([("hostname", Some(host))]),
        url: None,
        details: report.clone(),
    }
}

/// Deprecations, interventions, crashes and permissions policies of the Reporting API.
fn other(kind: &str, report: &Value, url: Option<&str>) -> Said {
    let kind: String = kind.chars().take(60).collect();
    let id = text(report, &["id", "featureId", "policyId", "reason"]).unwrap_or("").to_owned();
    let said = text(report, &["message"]).unwrap_or(&id).to_owned();
    Said {
        logger: "browser-report",
        message: if said.is_empty() { kind.clone() } else { format!("{kind}: {said}") },
        fingerprint: vec!["browser-report".to_owned(), kind.clone(), id],
        tags: tags([("report", Some(kind))]),
        url: url.map(str::to_owned),
        details: report.clone(),
    }
}

fn tags<const N: usize>(pairs: [(&str, Option<String>); N]) -> Map<String, Value> {
    pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(body: Value) -> Vec<String> {
        let (events, _) = reports(&body, &ReportedBy::default()).unwrap();
        events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn reports_of_all_kinds_become_events() {
        let csp = json!({ "csp-report": { "document-uri": "https://shop.example/pay", "violated-directive": "img-src 'self'",
            "effective-directive": "img-src", "blocked-uri": "https://ads.example/a.png?x=1" } });
        assert_eq!(messages(csp), ["Content security policy blocked ads.example (img-src)"]);
        let list = json!([
            { "type": "csp-violation", "age": 5, "url": "https://shop.example/", "body": { "effectiveDirective": "script-src-elem",
              "blockedURL": "inline", "disposition": "report" } },
            { "type": "network-error", "url": "https://shop.example/api", "body": { "type": "tcp.timed_out", "phase": "connection" } },
            { "type": "network-error", "url": "https://shop.example/api", "body": { "type": "ok", "phase": "application" } },
            { "type": "deprecation", "url": "https://shop.example/", "body": { "id": "Sync", "message": "sync requests go" } },
        ]);
        assert_eq!(
            messages(list.clone()),
            [
                "Content security policy would have blocked inline (script-src-elem)",
                "Network error tcp.timed_out at shop.example",
                "deprecation: sync requests go",
            ]
        );
        assert_eq!(reports(&list, &ReportedBy::default()).unwrap().1, 1);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for body in [json!([]), json!("x"), json!([1]), json!(null)] {
            assert!(reports(&body, &ReportedBy::default()).is_err(), "{body}");
        }
        assert_eq!(reports(&json!({ "x": 1 }), &ReportedBy::default()).unwrap(), (Vec::new(), 1));
    }
}
