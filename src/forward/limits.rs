//! Rate limits as Sentry servers tell them: `X-Sentry-Rate-Limits: 60:error;transaction:organization, 30::organization`.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::{
    model::Timestamp,
    protocol::{ItemType, Limits, parse},
};

/// How long a 429 that names no time holds.
const UNNAMED_S: i64 = 60;
/// Longest that a limit is believed.
const LONGEST_S: i64 = 86_400;

/// What a server said with an answer: category (empty: all) and seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said(pub Vec<(String, i64)>);

impl Said {
    /// `retry_after` counts where nothing else is said, and only with a 429.
    pub(super) fn of(limits: Option<&str>, retry_after: Option<&str>, is_429: bool) -> Self {
        let mut said: Vec<(String, i64)> = limits.into_iter().flat_map(|text| text.split(',')).flat_map(one).collect();
        if is_429 && said.is_empty() {
            let seconds = retry_after.and_then(|text| text.trim().parse().ok()).unwrap_or(UNNAMED_S);
            said.push((String::new(), seconds));
        }
        Self(said)
    }
}

/// `60:error;transaction:organization` names two categories; `60::organization` all.
fn one(limit: &str) -> Vec<(String, i64)> {
    let mut parts = limit.trim().split(':');
    let Some(seconds) = parts.next().and_then(|text| text.trim().parse::<f64>().ok()) else { return Vec::new() };
    let seconds = seconds.ceil().clamp(0.0, LONGEST_S as f64) as i64;
    let categories = parts.next().unwrap_or_default();
    categories.split(';').map(|category| (category.trim().to_owned(), seconds)).collect()
}

/// What may not be sent now, and until when.
#[derive(Default)]
pub(super) struct Limited(BTreeMap<String, Timestamp>);

impl Limited {
    pub(super) fn note(&mut self, said: &Said, now: Timestamp) {
        for (category, seconds) in &said.0 {
            let until = now.saturating_add(SignedDuration::from_secs(*seconds)).unwrap_or(Timestamp::MAX);
            let known = self.0.entry(category.clone()).or_insert(until);
            *known = (*known).max(until);
        }
    }

    pub(super) fn allows(&self, categories: &[&'static str], now: Timestamp) -> bool {
        let held = |category: &str| self.0.get(category).is_some_and(|until| now < *until);
        !held("") && !categories.iter().any(|category| held(category))
    }
}

/// The categories of an envelope's items.
pub(super) fn categories(envelope: &[u8]) -> Vec<&'static str> {
    let Ok(envelope) = parse(envelope, &Limits::default()) else { return Vec::new() };
    let mut all: Vec<&'static str> = envelope.items.iter().map(|item| category(item.ty)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Sentry's word for what a kind of item counts as.
fn category(ty: ItemType) -> &'static str {
    match ty.as_str() {
        "event" => "error",
        "transaction" => "transaction",
        "session" | "sessions" => "session",
        "replay_event" | "replay_recording" | "replay_video" => "replay",
        "attachment" => "attachment",
        "profile" => "profile",
        "profile_chunk" => "profile_chunk",
        "check_in" => "monitor",
        "log" | "otel_log" => "log_item",
        "span" | "otel_span" => "span",
        "feedback" | "user_report" => "feedback",
        "statsd" | "metric_buckets" => "metric_bucket",
        "trace_metric" => "trace_metric",
        _ => "default",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn limits_hold_what_they_name_as_long_as_they_say() {
        let mut limited = Limited::default();
        limited.note(&Said::of(Some("60:error;transaction:organization:quota, 5:replay:key"), None, false), at(100));
        assert!(!limited.allows(&["error"], at(159)) && limited.allows(&["error"], at(160)));
        assert!(!limited.allows(&["session", "transaction"], at(120)) && limited.allows(&["session"], at(120)));
        assert!(limited.allows(&["replay"], at(105)));
        limited.note(&Said::of(Some("30::organization"), None, true), at(200));
        assert!(!limited.allows(&["session"], at(229)) && limited.allows(&["session"], at(230)));
    }

    #[test]
    fn a_429_alone_holds_all() {
        assert_eq!(Said::of(None, Some("7"), true).0, [(String::new(), 7)]);
        assert_eq!(Said::of(None, Some("soon"), true).0, [(String::new(), UNNAMED_S)]);
        assert_eq!(Said::of(None, Some("7"), false).0, []);
        assert_eq!(Said::of(Some("x:error, ,"), None, false).0, []);
        assert_eq!(Said::of(Some("1e99:error"), None, false).0, [("error".to_owned(), LONGEST_S)]);
    }

    #[test]
    fn items_count_as_what_sentry_says() {
        let envelope = b"{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"attachment\",\"length\":2}\nab\n{\"type\":\"attachment\",\"length\":1}\nc\n";
        assert_eq!(categories(envelope), ["attachment", "error"]);
        assert_eq!(categories(b"\xff"), Vec::<&str>::new());
    }
}
