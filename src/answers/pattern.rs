//! Values as they are asked for: any case, `*` for anything, times relative to the scope's end.
//! It uses `model` and `jiff`.
//! It never backtracks without bound.

use std::cmp::Ordering;

use super::time::{DAY_US, HOUR_US, micros};
use crate::{
    model::Timestamp,
    store::{Op, StoreError},
};

/// A text with `*` for anything, the case of letters aside.
pub(crate) struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self { parts: text.to_lowercase().split('*').map(str::to_owned).collect() }
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.first().is_none_or(|whole| *whole == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        // The earliest place for each part leaves most for the others, so no other place needs trying.
        for part in middle {
            match rest.find(part.as_str()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

/// Whether `order`, of a value against the asked one, is what `op` wants.
pub(crate) fn allows(op: Op, order: Ordering) -> bool {
    match op {
        Op::Is => order.is_eq(),
        Op::Greater => order.is_gt(),
        Op::AtLeast => order.is_ge(),
        Op::Less => order.is_lt(),
        Op::AtMost => order.is_le(),
    }
}

/// Whether a text of an event fits one that is asked for: by pattern, or by size, as numbers where both are.
pub(crate) fn text_fits(op: Op, asked: &str, text: &str) -> bool {
    if op == Op::Is {
        return Pattern::new(asked).fits(text);
    }
    let order = match (asked.parse::<f64>(), text.parse::<f64>()) {
        (Ok(asked), Ok(value)) => value.partial_cmp(&asked),
        _ => Some(text.to_lowercase().cmp(&asked.to_lowercase())),
    };
    order.is_some_and(|order| allows(op, order))
}

/// A count that is asked for.
pub(crate) fn count_of(text: &str) -> Result<u64, StoreError> {
    text.trim().parse().map_err(|_| StoreError::Invalid("counts are compared with whole numbers, as in timesSeen:>100"))
}

/// The times that a condition takes, in microseconds, both included.
pub(crate) fn times_of(op: Op, text: &str, now: Option<i64>) -> Result<(i64, i64), StoreError> {
    let text = text.trim();
    if let Some(at) = relative(text, now) {
        // `-24h` means within the last day, `+24h` before that.
        let newer = text.starts_with('-');
        return Ok(match op {
            Op::Is if newer => (at, i64::MAX),
            Op::Is => (i64::MIN, at),
            _ => compared(op, at, at),
        });
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(compared(op, micros(at), micros(at)));
    }
    let day = format!("{text}T00:00:00Z").parse::<Timestamp>();
    let start = day.map_err(|_| StoreError::Invalid("times are written 2026-11-24, 2026-11-24T08:00:00Z or -24h"))?;
    Ok(compared(op, micros(start), micros(start) + DAY_US - 1))
}

fn compared(op: Op, first: i64, last: i64) -> (i64, i64) {
    match op {
        Op::Is => (first, last),
        Op::Greater => (last.saturating_add(1), i64::MAX),
        Op::AtLeast => (first, i64::MAX),
        Op::Less => (i64::MIN, first.saturating_sub(1)),
        Op::AtMost => (i64::MIN, last),
    }
}

fn relative(text: &str, now: Option<i64>) -> Option<i64> {
    let number = text.strip_prefix(['-', '+'])?;
    let (number, unit) = number.split_at_checked(number.len().checked_sub(1)?)?;
    let unit = match unit {
        "m" => HOUR_US / 60,
        "h" => HOUR_US,
        "d" => DAY_US,
        "w" => 7 * DAY_US,
        _ => return None,
    };
    Some(now?.saturating_sub(number.parse::<i64>().ok()?.saturating_mul(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_any_case_and_stars() {
        for (pattern, text, fits) in [
            ("Chrome", "chrome", true),
            ("chrom", "chrome", false),
            ("chrom*", "Chrome 142", true),
            ("*142", "Chrome 142", true),
            ("c*m*2", "Chrome 142", true),
            ("a*a", "a", false),
            ("*", "", true),
            ("Ä*", "ä1", true),
        ] {
            assert_eq!(Pattern::new(pattern).fits(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn times_are_days_moments_or_distances() {
        let now = Some(10 * DAY_US);
        assert_eq!(times_of(Op::Is, "-1d", now).unwrap(), (9 * DAY_US, i64::MAX));
        assert_eq!(times_of(Op::Is, "+1d", now).unwrap(), (i64::MIN, 9 * DAY_US));
        assert_eq!(times_of(Op::Is, "1970-01-02", None).unwrap(), (DAY_US, 2 * DAY_US - 1));
        assert_eq!(times_of(Op::Greater, "1970-01-02", None).unwrap(), (2 * DAY_US, i64::MAX));
        assert!(times_of(Op::Is, "yesterday", now).is_err());
        assert!(times_of(Op::Is, "-é", now).is_err());
    }
}
