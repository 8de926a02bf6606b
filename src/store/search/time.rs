//! Times and durations in a search.

use crate::model::Timestamp;

/// `-24h`: true and the moment 24 hours ago; `+24h`: false and that moment.
pub(super) fn relative(value: &str, now: Timestamp) -> Option<(bool, Timestamp)> {
    let within = match value.chars().next()? {
        '-' => true,
        '+' => false,
        _ => return None,
    };
    let unit = value.chars().last()?;
    let number: i64 = value.get(1..value.len() - unit.len_utf8())?.parse().ok().filter(|n| (0..100_000).contains(n))?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let back = jiff::SignedDuration::from_secs(number * seconds);
    now.checked_sub(back).ok().map(|moment| (within, moment))
}

/// A moment, in UTC where it names no zone.
pub(super) fn moment(value: &str) -> Option<Timestamp> {
    let has_time = value.contains(['T', 't', ' ']);
    let zoned = value.parse::<Timestamp>().ok();
    zoned.or_else(|| value.parse::<jiff::civil::DateTime>().ok().filter(|_| has_time).and_then(in_utc))
}

fn in_utc(moment: jiff::civil::DateTime) -> Option<Timestamp> {
    jiff::tz::TimeZone::UTC.to_timestamp(moment).ok()
}

pub(super) fn day_of(date: jiff::civil::Date) -> Option<(Timestamp, Timestamp)> {
    let start = in_utc(date.at(0, 0, 0, 0))?;
    let end = start.checked_add(jiff::SignedDuration::from_hours(24)).ok()?;
    Some((start, end))
}

/// A duration in milliseconds: a number of them, or with a unit.
pub(super) fn millis(value: &str) -> Option<f64> {
    let value = value.trim();
    let (number, factor) = match value.find(|c: char| c.is_ascii_alphabetic()) {
        None => (value, 1.0),
        Some(unit) => (
            &value[..unit],
            match &value[unit..] {
                "ms" => 1.0,
                "s" | "sec" => 1_000.0,
                "m" | "min" => 60_000.0,
                "h" => 3_600_000.0,
                _ => return None,
            },
        ),
    };
    number.trim().parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n * factor)
}
