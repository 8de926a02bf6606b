//! How much of a project's errors reached Sentry: rate limits, filters, and what SDKs dropped themselves.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    ask::Ask,
    json::{list, word},
    operation::OUTCOMES,
    store::SentryStore,
};
use crate::{
    model::{FixHistory, Lost, Side, Timestamp},
    store::{Scope, StoreError},
};

/// Outcomes of errors that Sentry would have shown otherwise. What was no valid event is none of them.
const DROPPED: [&str; 5] = ["filtered", "rate_limited", "abuse", "client_discard", "cardinality_limited"];

impl SentryStore {
    /// Adds what was lost on the way, where the issue came more rarely with the fix: nothing else can be due to it.
    pub(super) async fn add_lost(
        &self,
        scope: &Scope,
        (start, end): (Timestamp, Timestamp),
        history: &mut FixHistory,
    ) -> Result<(), StoreError> {
        if !fell(history) {
            return Ok(());
        }
        let ask = Ask::new(&OUTCOMES)
            .param("field", "sum(quantity)")
            .param("category", "error")
            .param("groupBy", "outcome")
            .param("groupBy", "reason")
            .param("interval", "1h")
            .between(start, end);
        // Not every server tells, and not every token may ask.
        let Ok(reply) = self.server.send(&self.scoped(ask, scope).await?).await else { return Ok(()) };
        history.lost = lost(&reply.json);
        Ok(())
    }
}

/// Whether the issue came more rarely on the new side.
fn fell(history: &FixHistory) -> bool {
    let on = |side: Side, release: usize| history.releases.get(release).is_some_and(|known| known.side == side);
    let hits = |side| history.hits.iter().filter(|hit| hit.group == 0 && on(side, hit.release)).count() as f64;
    let used = |side| {
        let of_side = history.uses.iter().filter(|used| on(side, used.release));
        of_side.map(|used| used.sessions.max(used.events)).sum::<u64>() as f64
    };
    hits(Side::New) * used(Side::Control) < hits(Side::Control) * used(Side::New)
}

/// What arrived and what did not, by hour; Sentry tells no release of them.
fn lost(reply: &Value) -> Vec<Lost> {
    let hour = |at: &Value| crate::protocol::timestamp(at).map(|at| at.as_second().div_euclid(3_600));
    let hours: Vec<Option<i64>> = list(reply, "intervals").iter().map(hour).collect();
    let mut counts: BTreeMap<i64, Lost> = BTreeMap::new();
    for group in list(reply, "groups") {
        let by = |key: &str| group.get("by").map_or("", |by| word(by, key));
        // What an event processor of an SDK takes out was reported already.
        if by("reason") == "event_processor" {
            continue;
        }
        let outcome = by("outcome");
        let series = group.get("series").map_or(&[][..], |series| list(series, "sum(quantity)"));
        for (hour, n) in hours.iter().zip(series) {
            let (Some(hour), Some(n)) = (*hour, n.as_u64()) else { continue };
            let part = counts.entry(hour).or_insert(Lost { hour, ..Lost::default() });
            match outcome {
                "accepted" => part.arrived += n,
                _ if DROPPED.contains(&outcome) => part.dropped += n,
                _ => {}
            }
        }
    }
    counts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_arrived_is_told_by_hour() {
        let group = |outcome: &str, series: [u64; 2]| json!({ "by": { "outcome": outcome }, "series": { "sum(quantity)": series } });
        let found = lost(&json!({
            "intervals": ["2026-11-18T00:00:00Z", "2026-11-18T01:00:00Z"],
            "groups": [
                group("accepted", [100, 50]), group("rate_limited", [1, 25]), group("client_discard", [0, 25]),
                group("invalid", [500, 0]),
            ],
        }));
        let hour = "2026-11-18T00:00:00Z".parse::<Timestamp>().unwrap().as_second() / 3_600;
        let part = |hour, arrived, dropped| Lost { hour, release: None, arrived, dropped };
        assert_eq!(found, [part(hour, 100, 1), part(hour + 1, 50, 50)]);
        assert!(lost(&Value::Null).is_empty());
    }
}
