//! How long events are kept.

use std::str::FromStr;

use super::ConfigError;

/// A number of whole days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days.
    pub days: u32,
}

impl FromStr for Retention {
    type Err = ConfigError;

    /// `90d`, `12w`.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let bad = || ConfigError::Retention(text.to_owned());
        let trimmed = text.trim();
        let (digits, factor) = match trimmed.strip_suffix('w') {
            Some(weeks) => (weeks, 7),
            None => (trimmed.strip_suffix('d').ok_or_else(bad)?, 1),
        };
        let days = digits.parse::<u32>().ok().and_then(|n| n.checked_mul(factor)).filter(|d| (1..=36_500).contains(d));
        Ok(Self { days: days.ok_or_else(bad)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_weeks_are_read_and_nothing_else() {
        assert_eq!("90d".parse::<Retention>().unwrap().days, 90);
        assert_eq!("2w".parse::<Retention>().unwrap().days, 14);
        for bad in ["", "d", "0d", "90", "-1d", "1y", "99999999999d"] {
            assert!(bad.parse::<Retention>().is_err(), "{bad}");
        }
    }
}
