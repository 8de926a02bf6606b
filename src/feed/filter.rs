//! Which entries a subscriber is told of.

use crate::store::{Finding, FindingKind};

/// What a subscriber asked for. The default takes everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Kinds that are told; empty: all.
    pub kinds: Vec<FindingKind>,
    /// Short ids of issues that are not told of, in any case.
    pub mute: Vec<String>,
    /// Issues with fewer users are not told of.
    pub min_users: u64,
}

impl Filter {
    /// Whether an entry is told.
    pub fn takes(&self, finding: &Finding) -> bool {
        let change = &finding.change;
        let kind = self.kinds.is_empty() || self.kinds.contains(&change.kind);
        let issue = change.issue.as_ref().is_none_or(|issue| {
            issue.users >= self.min_users && !self.mute.iter().any(|mute| mute.eq_ignore_ascii_case(&issue.short_id))
        });
        kind && issue
    }
}
