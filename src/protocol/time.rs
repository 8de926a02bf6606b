//! Times as SDKs write them, and what to do when a sender's clock is off.

use jiff::{SignedDuration, civil, tz::TimeZone};
use serde_json::Value;

use crate::model::Timestamp;

/// How far a sender's clock may be off before times are moved: Relay's own minimum (`MINIMUM_CLOCK_DRIFT`). What is
/// less may have waited in a queue.
const DRIFT: SignedDuration = SignedDuration::from_mins(55);
/// How far ahead a time may be before it is worth telling somebody: clocks differ by seconds everywhere.
const WORTH_TELLING: SignedDuration = SignedDuration::from_mins(1);

/// Clocks that were never set begin in 1970 or 1980; nothing was sent from there.
const EARLIEST: Timestamp = Timestamp::constant(631_152_000, 0);

/// Whether times are taken as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockPolicy {
    /// From a running sender: a clock that is off by what `sent_at` shows is corrected; times that are still ahead
    /// become the time of receipt, so that nothing lies in the future. Late times stay.
    Live,
    /// From a file: nothing is moved, but for times that no clock can mean (before 1990, beyond the year 2100).
    AsSent,
}

/// Corrects the times of one envelope.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    policy: ClockPolicy,
    received: Timestamp,
    shift: SignedDuration,
}

impl Clock {
    /// For an envelope that says when it was sent.
    pub fn new(policy: ClockPolicy, received: Timestamp, sent_at: Option<Timestamp>) -> Self {
        let drift = sent_at.map_or(SignedDuration::ZERO, |sent| received.duration_since(sent));
        let off = policy == ClockPolicy::Live && drift.abs() > DRIFT;
        Self { policy, received, shift: if off { drift } else { SignedDuration::ZERO } }
    }

    /// The same for times that have been moved already.
    pub fn settled(self) -> Self {
        Self { shift: SignedDuration::ZERO, ..self }
    }

    /// When it was received.
    pub fn received(&self) -> Timestamp {
        self.received
    }

    /// By how much times are moved; zero mostly.
    pub fn shift(&self) -> SignedDuration {
        self.shift
    }

    /// The time as it is kept.
    pub fn correct(&self, time: Timestamp) -> Timestamp {
        let moved = time.saturating_add(self.shift).unwrap_or(time);
        let latest = match self.policy {
            ClockPolicy::Live => self.received,
            ClockPolicy::AsSent => Timestamp::constant(4_102_444_800, 0),
        };
        if moved > latest || moved < EARLIEST { self.received } else { moved }
    }
}

impl Clock {
    /// By how much a time that was sent is off, where that is worth telling: positive when the sender's clock is ahead.
    pub fn off(&self, sent: Timestamp) -> Option<SignedDuration> {
        if self.policy == ClockPolicy::AsSent {
            return None;
        }
        if !self.shift.is_zero() {
            return Some(-self.shift);
        }
        let ahead = sent.duration_since(self.received);
        (ahead > WORTH_TELLING).then_some(ahead)
    }
}

/// Seconds since 1970 as a number or in text, or RFC 3339; without an offset, UTC is meant.
pub fn timestamp(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(seconds) => of_seconds(seconds.as_f64()?),
        Value::String(text) => of_text(text.trim()),
        _ => None,
    }
}

fn of_seconds(seconds: f64) -> Option<Timestamp> {
    // To the microsecond: a double holds no more of today's times, and rounding keeps .123 what it was.
    let micros = (seconds * 1e6).round();
    (micros.abs() < 2.5e17).then(|| Timestamp::from_microsecond(micros as i64).ok()).flatten()
}

fn of_text(text: &str) -> Option<Timestamp> {
    let naive = || text.parse::<civil::DateTime>().ok().and_then(|time| TimeZone::UTC.to_timestamp(time).ok());
    let seconds = || text.parse().ok().and_then(of_seconds);
    text.parse().ok().or_else(naive).or_else(seconds)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_all_their_forms() {
        let want = Some("2026-11-07T08:20:13.113Z".parse().unwrap());
        for value in [
            json!(1794039613.113),
            json!("1794039613.113"),
            json!("2026-11-07T08:20:13.113Z"),
            json!("2026-11-07T08:20:13.113"),
            json!("2026-11-07 09:20:13.113+01:00"),
        ] {
            assert_eq!(timestamp(&value), want, "{value}");
        }
        for value in [json!(null), json!(1e300), json!(-1e18), json!("soon"), json!([]), json!("")] {
            assert_eq!(timestamp(&value), None, "{value}");
        }
    }

    #[test]
    fn a_live_clock_is_corrected_and_a_file_is_not() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (received, sent) = (at("2026-11-20T12:00:00Z"), at("2026-11-20T10:00:00Z"));
        let live = Clock::new(ClockPolicy::Live, received, Some(sent));
        assert_eq!(live.correct(at("2026-11-20T09:59:00Z")), at("2026-11-20T11:59:00Z"));
        let file = Clock::new(ClockPolicy::AsSent, received, Some(sent));
        assert_eq!(file.correct(at("2026-11-20T09:59:00Z")), at("2026-11-20T09:59:00Z"));
        assert_eq!(file.correct(at("2027-11-20T09:59:00Z")), at("2027-11-20T09:59:00Z"));
        assert_eq!(live.settled().correct(at("2026-11-20T11:59:00Z")), at("2026-11-20T11:59:00Z"));
        let queued = Clock::new(ClockPolicy::Live, received, Some(at("2026-11-20T11:10:00Z")));
        assert_eq!(queued.correct(at("2026-11-20T11:09:00Z")), at("2026-11-20T11:09:00Z"));
        let steady = Clock::new(ClockPolicy::Live, received, Some(received));
        let ahead = at("2026-11-20T21:00:00Z");
        assert_eq!((steady.correct(ahead), steady.off(ahead)), (received, Some(SignedDuration::from_hours(9))));
        assert_eq!(steady.correct(at("2026-11-20T12:00:30Z")), received);
        assert_eq!(steady.off(at("2026-11-20T12:00:30Z")), None);
        assert_eq!(live.off(at("2026-11-20T09:59:00Z")), Some(SignedDuration::from_hours(-2)));
        assert_eq!(steady.correct(at("2026-06-01T00:00:00Z")), at("2026-06-01T00:00:00Z"));
        assert_eq!(steady.correct(at("9999-01-01T00:00:00Z")), received);
    }
}
