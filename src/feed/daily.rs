//! The digest: what came in a day, told at one hour, those with the most users first.

use jiff::{SignedDuration, civil::Time, tz::TimeZone};
use serde_json::{Value, json};

use crate::{model::Timestamp, store::Finding};

/// Entries that are shown of one digest; of the others only how many they are.
pub const MAX_SHOWN: usize = 50;

/// The first time after `now` that a clock shows this hour, UTC.
pub fn next(hour: Time, now: Timestamp) -> Timestamp {
    let today = TimeZone::UTC.to_datetime(now).date().to_datetime(hour);
    let Ok(today) = TimeZone::UTC.to_timestamp(today) else { return Timestamp::MAX };
    if today > now { today } else { today.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX) }
}

/// Those with the most users first, each issue's entries side by side; what is about no issue comes last.
pub fn order(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| {
        let issue = finding.change.issue.as_ref();
        (
            issue.is_none(),
            std::cmp::Reverse(issue.map_or(0, |issue| issue.users)),
            issue.map(|issue| issue.id),
            finding.id,
        )
    });
}

/// The digest as data: the entries that are shown, and how many there are.
pub fn data(shown: Vec<Value>, all: usize) -> Value {
    json!({ "digest": shown, "total": all })
}

/// Its first line.
pub fn heading(all: usize) -> String {
    format!("{all} change{} in production", if all == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_its_hour() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let nine = jiff::civil::time(9, 0, 0, 0);
        assert_eq!(next(nine, at("2026-11-30T08:59:59Z")), at("2026-11-30T09:00:00Z"));
        assert_eq!(next(nine, at("2026-11-30T09:00:00Z")), at("2026-12-01T09:00:00Z"));
        assert_eq!(next(nine, at("2026-12-31T23:00:00Z")), at("2027-01-01T09:00:00Z"));
    }
}
