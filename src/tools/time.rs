//! Moments and periods as people and models write them; all in UTC where no zone is named.

use jiff::{SignedDuration, Span, Timestamp, civil, tz::TimeZone};
use serde_json::Value;

use super::ToolError;
use crate::{
    guard::{Clean, Guard, Limit},
    say,
};

/// What a period looks like, for refusals.
const PERIODS: &str = "say 14d, 24h, now-24h, 2026-11-20, or START/END in RFC 3339";
/// Longest period and furthest moment back, in hours: ten years.
const LONGEST_HOURS: i64 = 10 * 366 * 24;

/// `{"start":…,"end":…}`, as a value or as text, becomes `START/END`; anything else stays what it is.
///
/// # Errors
/// When the object has other keys.
pub(super) fn interval(value: Value) -> Result<Value, ToolError> {
    let map = match &value {
        Value::Object(map) => map.clone(),
        Value::String(text) if text.trim_start().starts_with('{') => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => map,
            _ => return Err(bad_period(text)),
        },
        _ => return Ok(value),
    };
    let (mut start, mut end) = (String::new(), String::new());
    for (key, value) in &map {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        match key.to_ascii_lowercase().as_str() {
            "start" | "from" | "since" | "begin" => start = text,
            "end" | "to" | "until" => end = text,
            _ if text.is_empty() => {}
            _ => {
                let key = Guard::new().line(&key.as_str().into(), Limit::Tag);
                return Err(ToolError::invalid(say!("period takes start and end, not \"", key, "\"; ", PERIODS)));
            }
        }
    }
    Ok(if start.is_empty() && end.is_empty() { Value::Null } else { format!("{start}/{end}").into() })
}

/// Start and end of a period as typed. A span ends now, a day means all of it, a lone moment is the start.
///
/// # Errors
/// When it can't be read, or ends before it starts.
pub(super) fn period(text: &str, now: Timestamp) -> Result<(Option<Timestamp>, Timestamp), ToolError> {
    let text = plain(text);
    let text = text.as_str();
    if ["all", "all time", "ever", "any time"].contains(&text.to_ascii_lowercase().as_str()) {
        return Ok((None, now));
    }
    let is_date = |end: &str| end.trim().len() >= "2026-11-20".len();
    let dates = |between: &str| text.split_once(between).filter(|(_, end)| is_date(end));
    let parted = ["/", "..", " to "].iter().find_map(|between| text.split_once(between));
    let (start, end) = match parted.or_else(|| dates(" - ")).or_else(|| dates(",")) {
        Some((start, end)) => between(start.trim(), end.trim(), now)?,
        None => match day(text, now) {
            Some((start, end)) => (Some(start), end),
            None => (Some(read_moment(text, now, Edge::Start).ok_or_else(|| bad_period(text))?), now),
        },
    };
    if start.is_some_and(|start| start > end.min(now)) {
        return Err(ToolError::invalid(Clean::ours("the period ends before it starts, or starts after as_of")));
    }
    Ok((start, end.min(now)))
}

/// Without words around it: `since 2026-11-20`, `>2026-11-20`; days with slashes become days with dashes.
fn plain(text: &str) -> String {
    let text = text.trim();
    let starts = ["since ", "from ", "after ", ">=", ">"];
    let rest = starts.iter().find_map(|start| {
        let head = text.get(..start.len())?;
        head.eq_ignore_ascii_case(start).then(|| text[start.len()..].trim())
    });
    let text = rest.unwrap_or(text);
    let digits =
        |at: usize, n: usize| text.get(at..at + n).is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let slashed =
        digits(0, 4) && digits(5, 2) && digits(8, 2) && text.get(4..5) == Some("/") && text.get(7..8) == Some("/");
    if slashed { text.replacen('/', "-", 2) } else { text.to_owned() }
}

/// Two ends, either of which may be missing, or a span (`P1D`) beside a moment.
fn between(start: &str, end: &str, now: Timestamp) -> Result<(Option<Timestamp>, Timestamp), ToolError> {
    let at = |text: &str, edge| read_moment(text, now, edge).ok_or_else(|| bad_moment("period", text));
    if let Some(length) = iso_span(end) {
        let start = at(start, Edge::Start)?;
        return Ok((Some(start), start.checked_add(length).map_err(|_| bad_period(end))?));
    }
    let until = if end.is_empty() { now } else { at(end, Edge::End)? };
    let since = match iso_span(start) {
        Some(length) => Some(until.checked_sub(length).map_err(|_| bad_period(start))?),
        None if start.is_empty() => None,
        None => Some(at(start, Edge::Start)?),
    };
    Ok((since, until))
}

fn iso_span(text: &str) -> Option<SignedDuration> {
    text.starts_with(['P', 'p']).then(|| span(text)).flatten()
}

/// A moment as typed: RFC 3339, a day, Unix seconds, `now`, `-24h`, `2 days ago`.
///
/// # Errors
/// When it is none of these.
pub(super) fn moment(field: &'static str, text: &str, now: Timestamp) -> Result<Timestamp, ToolError> {
    read_moment(text.trim(), now, Edge::Start).ok_or_else(|| bad_moment(field, text))
}

/// Which end of a day is meant by a day alone.
#[derive(Clone, Copy)]
enum Edge {
    Start,
    End,
}

fn read_moment(text: &str, now: Timestamp, edge: Edge) -> Option<Timestamp> {
    // `10:00 UTC` and `10:00 +02:00` have their zone after a space.
    let zoned =
        ["UTC", "utc", "GMT"].iter().find_map(|zone| text.strip_suffix(zone)).map(|time| format!("{}Z", time.trim()));
    let spaced = text.rsplit_once(" +").filter(|(_, zone)| zone.starts_with(|c: char| c.is_ascii_digit()));
    let joined = zoned.or_else(|| spaced.map(|(time, zone)| format!("{time}+{zone}")));
    let text = joined.as_deref().unwrap_or(text);
    if let Some((start, end)) = day(text, now) {
        return Some(match edge {
            Edge::Start => start,
            Edge::End => end,
        });
    }
    let utc = |time: civil::DateTime| TimeZone::UTC.to_timestamp(time).ok();
    text.parse::<Timestamp>().ok().or_else(|| text.parse().ok().and_then(utc)).or_else(|| unix(text)).or_else(|| {
        let back = back(&text.to_ascii_lowercase(), text)?;
        now.checked_sub(back).ok()
    })
}

/// Seconds since 1970, or milliseconds.
fn unix(text: &str) -> Option<Timestamp> {
    let n: f64 = text.parse().ok().filter(|n| (1e8..1e13).contains(n))?;
    Timestamp::from_millisecond(if n < 1e11 { (n * 1000.0) as i64 } else { n as i64 }).ok()
}

/// The whole of `2026-11-20`, `2026-11`, `today` or `yesterday`.
fn day(text: &str, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let (first, last) = match text.to_ascii_lowercase().as_str() {
        "today" => (today, today),
        "yesterday" => (today.yesterday().ok()?, today.yesterday().ok()?),
        month if month.len() == 7 => {
            let first: civil::Date = format!("{month}-01").parse().ok()?;
            (first, first.last_of_month())
        }
        date if date.len() == 10 => (date.parse().ok()?, date.parse().ok()?),
        _ => return None,
    };
    let start = TimeZone::UTC.to_timestamp(first.at(0, 0, 0, 0)).ok()?;
    let end = TimeZone::UTC.to_timestamp(last.at(23, 59, 59, 999_999_999)).ok()?;
    Some((start, end))
}

/// How long before now: `now`, `now-24h`, `-24h`, `24h ago`, `last 7 days`, `24h`.
fn back(lower: &str, text: &str) -> Option<SignedDuration> {
    if lower == "now" {
        return Some(SignedDuration::ZERO);
    }
    let starts = ["now", "last ", "past ", "the last ", "the past ", "previous "];
    let skipped = starts.iter().find(|word| lower.starts_with(**word)).map_or(0, |word| word.len());
    let rest = text.get(skipped..)?.trim();
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let rest = rest.strip_suffix("ago").or_else(|| rest.strip_suffix("AGO")).unwrap_or(rest).trim();
    match rest.to_ascii_lowercase().as_str() {
        word @ ("minute" | "hour" | "day" | "week" | "month" | "year") => span(&["1 ", word].concat()),
        _ => span(rest),
    }
}

/// `14d`, `90 minutes`, `1d12h`, `P7D`; a month is 30 days, a year 365. Never negative, zero or over ten years.
fn span(text: &str) -> Option<SignedDuration> {
    let months = text.strip_suffix('M').filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let read: Span = match months {
        Some(n) => Span::new().try_months(n.parse::<i64>().ok()?).ok()?,
        None => text.to_ascii_lowercase().parse().or_else(|_| text.parse()).ok()?,
    };
    let days = i64::from(read.get_years()) * 365
        + i64::from(read.get_months()) * 30
        + i64::from(read.get_weeks()) * 7
        + i64::from(read.get_days());
    let seconds = days * 86_400 + i64::from(read.get_hours()) * 3_600 + read.get_minutes() * 60 + read.get_seconds();
    (1..=LONGEST_HOURS * 3_600).contains(&seconds).then(|| SignedDuration::from_secs(seconds))
}

fn bad_period(text: &str) -> ToolError {
    let text = Guard::new().line(&text.into(), Limit::Tag);
    ToolError::invalid(say!("period \"", text, "\": ", PERIODS))
}

fn bad_moment(field: &'static str, text: &str) -> ToolError {
    let text = Guard::new().line(&text.into(), Limit::Tag);
    ToolError::invalid(say!(field, " \"", text, "\": say a moment such as 2026-11-20T12:00:00Z, 2026-11-20 or now-24h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    fn shown(text: &str) -> String {
        match period(text, now()) {
            Ok((start, end)) => format!("{}/{end:.0}", start.map(|s| format!("{s:.0}")).unwrap_or_default()),
            Err(e) => e.message.as_str().to_owned(),
        }
    }

    #[test]
    fn periods_are_read_as_they_are_written() {
        let day = "2026-11-24T12:00:00Z/2026-11-25T12:00:00Z";
        for text in [
            "24h",
            "1d",
            "-24h",
            "now-24h",
            "now - 24h",
            "24 hours",
            "last 24 hours",
            "past day",
            "24h ago",
            "1440 min",
            "P1D",
            "pt24h",
            "now-24h/now",
            "-24h/",
            "2026-11-24T12:00:00Z",
            "2026-11-24T12:00:00",
            "2026-11-24 12:00",
            "1795521600",
            "1795521600000",
            "P1D/now",
            "2026-11-24T12:00Z/P1D",
            "2026-11-24T14:00+02:00/now",
            "day",
            "now-1d..now",
            "now-1d to now",
            "since 2026-11-24T12:00:00Z",
            ">=2026-11-24T12:00:00 UTC",
            "2026-11-24T14:00:00 +02:00",
            "2026-11-24T12:00:00Z - 2026-11-25T12:00:00Z",
            "12h12h",
        ] {
            if text == "12h12h" {
                assert!(shown(text).contains("period"), "{text}: {}", shown(text));
                continue;
            }
            assert_eq!(shown(text), day, "{text}");
        }
        let date = "2026-11-20T00:00:00Z/2026-11-20T23:59:59Z";
        assert_eq!(shown("2026-11-20"), date);
        assert_eq!(shown("2026-11-20/2026-11-20"), date);
        assert_eq!(shown("2026-11-20/"), "2026-11-20T00:00:00Z/2026-11-25T12:00:00Z");
        assert_eq!(shown("/2026-11-20"), "/2026-11-20T23:59:59Z");
        assert_eq!(shown("yesterday"), "2026-11-24T00:00:00Z/2026-11-24T23:59:59Z");
        assert_eq!(shown("2026-10"), "2026-10-01T00:00:00Z/2026-10-31T23:59:59Z");
        assert_eq!(shown("1M"), "2026-10-26T12:00:00Z/2026-11-25T12:00:00Z");
        assert_eq!(shown("2w"), shown("14d"));
        assert_eq!((shown("2026/11/20"), shown("2026-11-20,2026-11-20")), (date.to_owned(), date.to_owned()));
        assert_eq!(shown("all time"), "/2026-11-25T12:00:00Z");
    }

    #[test]
    fn what_is_no_period_is_refused_with_examples() {
        for text in ["14", "0d", "soon", "24", "99999999999d", "-", "h", "14x", "2026-13-45", "2026-11-20/x"] {
            assert!(shown(text).contains("2026-11-20"), "{text}: {}", shown(text));
        }
        assert!(shown("2026-11-22/2026-11-20").contains("before"));
        assert!(shown("2027-01-01").contains("before"));
    }
}
