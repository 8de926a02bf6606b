//! What a search looks through.

use super::super::{
    engine::{known::IssueRow, scope::ResolvedScope},
    issues::filter::Filter,
    release::releases::Releases,
};

/// The scope, resolved, and the issues that may have a row.
pub(in crate::backend::embedded::read) struct Searched<'q> {
    pub(in crate::backend::embedded::read) bounds: ResolvedScope,
    pub(in crate::backend::embedded::read) releases: Releases,
    pub(in crate::backend::embedded::read) filter: Filter<'q>,
    pub(in crate::backend::embedded::read) issues: Vec<IssueRow>,
}
