//! Issues that may have the same root cause under another grouping: stacks alike, begun together.

use std::collections::HashMap;

use crate::model::Timestamp;

/// Below that, two issues have nothing to do with each other.
const LEAST: f64 = 0.35;
/// What a shared limit alone is worth, where both began together.
const SAME_FAULT: f64 = 0.8;
/// A function tells something where at most half of the issues have it: what stands nearly everywhere makes nobody kin.
const TELLING: f64 = 0.69;
/// Begun so many seconds apart halves what the time says.
const HALF_S: f64 = 24.0 * 3600.0;

/// An issue to be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Sibling {
    /// Functions in its stacks.
    pub frames: Vec<i64>,
    /// When it began.
    pub first_seen: Timestamp,
    /// It speaks of the same limit or surroundings as the other.
    pub same_fault: bool,
    /// It has the same type.
    pub same_type: bool,
}

/// What two issues have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RelatedIssue {
    /// 0 to 1.
    pub similarity: f64,
    /// What speaks for it most.
    pub by: Relation,
    /// Seconds between their beginnings.
    pub apart_s: u64,
}

/// What speaks for a kinship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They speak of the same limit or surroundings.
    FaultClass,
    /// Functions that few other issues have.
    Frames {
        /// How many.
        shared: u64,
    },
}

/// How near an issue is to `own`, or `None` if it isn't. `issues_with` has in how many of the project's `all` issues a
/// function stands: a shared function is worth −ln of its share (inverse document frequency, Spärck Jones 1972), and stacks
/// are alike by the worth of what they share over the worth of all they have (weighted Jaccard).
pub fn related(own: &Sibling, other: &Sibling, issues_with: &HashMap<i64, u64>, all: u64) -> Option<RelatedIssue> {
    let worth = |frame: &i64| {
        let issues = issues_with.get(frame).copied().unwrap_or(1).max(1);
        (all.max(issues) as f64 / issues as f64).ln()
    };
    let shared: Vec<&i64> = own.frames.iter().filter(|frame| other.frames.contains(frame)).collect();
    let common: f64 = shared.iter().copied().map(worth).sum();
    let every: f64 = own.frames.iter().chain(other.frames.iter().filter(|f| !own.frames.contains(f))).map(worth).sum();
    let telling = shared.iter().filter(|frame| worth(frame) > TELLING).count() as u64;
    let stacks = if telling > 0 { common / every } else { 0.0 };
    let apart_s = own.first_seen.as_second().abs_diff(other.first_seen.as_second());
    let together = 0.5 + 0.5 * (-(apart_s as f64) * std::f64::consts::LN_2 / HALF_S).exp();
    let of_stacks = stacks.max(if other.same_type { stacks.sqrt().min(stacks * 1.25) } else { 0.0 }) * together;
    let of_fault = if other.same_fault { SAME_FAULT * together } else { 0.0 };
    let similarity = of_stacks.max(of_fault);
    let by = if of_fault >= of_stacks { Relation::FaultClass } else { Relation::Frames { shared: telling } };
    (similarity >= LEAST).then_some(RelatedIssue { similarity, by, apart_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nearly_all_issues_have_makes_nobody_kin() {
        let issue = Sibling { frames: vec![7], first_seen: Timestamp::UNIX_EPOCH, same_fault: false, same_type: true };
        let kin = |issues| related(&issue, &issue, &HashMap::from([(7, issues)]), 26);
        assert_eq!(kin(21), None);
        assert_eq!(kin(2).map(|kin| kin.by), Some(Relation::Frames { shared: 1 }));
    }
}
