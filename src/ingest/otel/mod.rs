//! OpenTelemetry: requests become parts of traces, and the parts of a trace become events, one a failure.

mod breadcrumbs;
mod cluster;
mod conditions;
mod event;
mod failure;
mod join;
mod part;
mod place;
mod take;
mod thrown;

pub use part::{LogLine, Part, SpanLine};
pub use take::{project_slug, service_of};

use super::Ingest;
use crate::{
    model::Timestamp,
    otlp,
    store::{Digest, Join, Joined, ProjectKey, ReportedFailure, StoredPart},
};

impl Ingest {
    /// Takes a request apart: what it tells of each trace, by project. `project` names the project of a group.
    pub fn otlp(
        &self,
        request: otlp::Request,
        project: &dyn Fn(&otlp::Group) -> Option<ProjectKey>,
        received: Timestamp,
    ) -> Vec<Digest> {
        take::digests(request, project, received, &self.scrubber)
    }
}

impl Join for Ingest {
    fn join(&self, parts: &[StoredPart], reported: &[ReportedFailure], received: Timestamp) -> Vec<Joined> {
        let read: Vec<(u64, Part)> = parts
            .iter()
            .filter_map(|stored| Some((stored.project, serde_json::from_slice(&stored.body).ok()?)))
            .collect();
        let failures = join::failures(&read, reported);
        failures.iter().map(|failure| event::joined(failure, &read, self, received)).collect()
    }
}
