//! Which events are hits, and how much they cluster.

use std::collections::HashMap;

/// A user's further events within so long of the last counted one are the same hit.
pub const GAP_US: i64 = 24 * 3_600_000_000;
/// Widths of bins in which events without a user are looked at for bursts.
const BINS_US: [i64; 2] = [10 * 60_000_000, 3_600_000_000];

/// Which events count: one a user in any 24 hours, whatever the release; every one that names nobody.
/// `events` are (moment, user), oldest first.
pub fn counted(events: &[(i64, Option<u32>)], gap_us: i64) -> Vec<bool> {
    let mut last: HashMap<u32, i64> = HashMap::new();
    let mut counts = |(at, user): &(i64, Option<u32>)| {
        let Some(user) = user else { return true };
        match last.get(user) {
            Some(before) if at - before < gap_us => false,
            _ => {
                last.insert(*user, *at);
                true
            }
        }
    };
    events.iter().map(&mut counts).collect()
}

/// How much more hits vary than independent ones would, in excess of 1.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Clusters {
    /// From users hit on several days.
    pub of_users: f64,
    /// From bursts of events that name nobody.
    pub of_bursts: f64,
}

impl Clusters {
    /// Of counted hits, (moment, user), oldest first. Rao and Scott, *A simple method for the analysis of clustered
    /// binary data*, 1992: the mean size of the cluster that a hit is in.
    pub fn of(hits: &[(i64, Option<u32>)]) -> Self {
        let mut by_user: HashMap<u32, f64> = HashMap::new();
        let mut anonymous = Vec::new();
        for (at, user) in hits {
            match user {
                Some(user) => *by_user.entry(*user).or_default() += 1.0,
                None => anonymous.push(*at),
            }
        }
        let squares: f64 = by_user.values().map(|hits| hits * hits).sum();
        let (named, unnamed): (f64, f64) = (by_user.values().sum(), anonymous.len() as f64);
        if named + unnamed <= 0.0 {
            return Self::default();
        }
        Self {
            of_users: (squares - named) / (named + unnamed),
            of_bursts: (bursts(&anonymous) - 1.0) * unnamed / (named + unnamed),
        }
    }

    /// The design effect: 1 where hits are independent.
    pub fn effect(&self) -> f64 {
        1.0 + self.of_users + self.of_bursts
    }

    /// The design effect over a time `elapsed`, when these were seen over `window`: a user's days need time to come.
    pub fn effect_over(&self, elapsed: f64, window: f64) -> f64 {
        let part = if window > 0.0 { (elapsed / window).clamp(0.0, 1.0) } else { 1.0 };
        1.0 + self.of_users * part + self.of_bursts
    }
}

/// Events that name nobody can't be put together by user. Their variance against their mean, taken from differences
/// of neighbouring bins so that the time of day cancels out, tells bursts: a crash that is sent five times in a minute.
fn bursts(moments: &[i64]) -> f64 {
    BINS_US.iter().map(|width| dispersion(moments, *width)).fold(1.0, f64::max)
}

fn dispersion(moments: &[i64], width: i64) -> f64 {
    let bins: Vec<(i64, f64)> = moments
        .chunk_by(|a, b| a.div_euclid(width) == b.div_euclid(width))
        .map(|bin| (bin[0].div_euclid(width), bin.len() as f64))
        .collect();
    let total: f64 = bins.iter().map(|(_, n)| n).sum();
    if total <= 0.0 {
        return 1.0;
    }
    // Bins that are not listed are empty: one beside a gap differs from an empty one by all it has.
    let mut squares = bins[0].1 * bins[0].1 + bins[bins.len() - 1].1 * bins[bins.len() - 1].1;
    for pair in bins.windows(2) {
        let [(at, n), (next, m)] = [pair[0], pair[1]];
        squares += if next == at + 1 { (m - n) * (m - n) } else { n * n + m * m };
    }
    squares / (2.0 * total)
}
