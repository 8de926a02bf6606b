//! How much memory an answer takes, about: its texts and lists.

use crate::{
    model::{Breadcrumb, Data, Event, Exception, FixHistory, Frame, Issue, Project, Request, Thread, Untrusted},
    store::{
        AffectedFacts, ConditionTag, DiagnosisFacts, EventFacts, IssueFacts, Page, ReleaseCommit, ReleaseFacts,
        ReplayFacts, SampleUser, SearchRow, SegmentFacts, TagShare, Value,
    },
};

/// Bytes on the heap, about.
pub(super) trait Weigh {
    fn weight(&self) -> usize;
}

impl<T: Weigh> Weigh for Vec<T> {
    fn weight(&self) -> usize {
        self.capacity() * size_of::<T>() + self.iter().map(Weigh::weight).sum::<usize>()
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn weight(&self) -> usize {
        self.as_ref().map_or(0, Weigh::weight)
    }
}

impl<A: Weigh, B: Weigh> Weigh for (A, B) {
    fn weight(&self) -> usize {
        self.0.weight() + self.1.weight()
    }
}

impl Weigh for Untrusted {
    fn weight(&self) -> usize {
        self.raw().len()
    }
}

impl Weigh for String {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl Weigh for Data {
    fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.weight(),
            Self::List(list) => list.weight(),
            Self::Map(map) => map.weight(),
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
        }
    }
}

impl Weigh for Project {
    fn weight(&self) -> usize {
        self.slug.len() + self.name.weight() + self.platform.weight() + self.public_key.len()
    }
}

impl Weigh for ReleaseFacts {
    fn weight(&self) -> usize {
        self.release.version.weight() + self.release.deploys.len() * 64 + self.projects.weight()
    }
}

impl Weigh for Issue {
    fn weight(&self) -> usize {
        let frame = self.top_frame.as_ref().map_or(0, |frame| frame.function.weight() + frame.file.weight());
        let texts = [&self.ty, &self.value, &self.culprit];
        self.short_id.len()
            + self.project.len()
            + self.title.weight()
            + frame
            + texts.into_iter().map(Weigh::weight).sum::<usize>()
    }
}

impl Weigh for IssueFacts {
    fn weight(&self) -> usize {
        self.issue.weight()
            + self.first_release.weight()
            + self.last_release.weight()
            + self.environments.weight()
            + 128
    }
}

impl<T: Weigh> Weigh for Page<T> {
    fn weight(&self) -> usize {
        self.items.weight() + 128
    }
}

impl Weigh for Frame {
    fn weight(&self) -> usize {
        let texts = [&self.function, &self.module, &self.file, &self.abs_path, &self.context_line];
        self.pre_context.weight()
            + self.post_context.weight()
            + self.vars.weight()
            + texts.into_iter().map(Weigh::weight).sum::<usize>()
    }
}

impl Weigh for Exception {
    fn weight(&self) -> usize {
        self.ty.weight() + self.value.weight() + self.module.weight() + self.frames.weight() + self.raw_frames.weight()
    }
}

impl Weigh for Thread {
    fn weight(&self) -> usize {
        self.id.weight() + self.name.weight() + self.frames.weight()
    }
}

impl Weigh for Breadcrumb {
    fn weight(&self) -> usize {
        self.ty.weight() + self.category.weight() + self.message.weight() + self.data.weight()
    }
}

impl Weigh for Request {
    fn weight(&self) -> usize {
        let data = [&self.query, &self.data, &self.cookies, &self.env];
        self.method.weight()
            + self.url.weight()
            + self.headers.weight()
            + data.into_iter().map(Weigh::weight).sum::<usize>()
    }
}

impl Weigh for Event {
    fn weight(&self) -> usize {
        self.message.weight()
            + self.exceptions.weight()
            + self.threads.weight()
            + self.breadcrumbs.weight()
            + self.request.weight()
            + self.tags.weight()
            + self.contexts.weight()
            + self.fingerprint.weight()
            + self.flags.len() * 64
            + 1_024
    }
}

impl Weigh for EventFacts {
    fn weight(&self) -> usize {
        let logs: usize = self.logs.iter().map(|line| line.body.weight() + line.attributes.weight() + 64).sum();
        self.event.weight() + self.issue.weight() + logs + self.attachments.len() * 128 + self.raw.weight()
    }
}

impl Weigh for ConditionTag {
    fn weight(&self) -> usize {
        self.tag.weight() + self.values.weight() + self.column.len() * 8
    }
}

impl Weigh for TagShare {
    fn weight(&self) -> usize {
        self.value.weight()
    }
}

impl Weigh for SampleUser {
    fn weight(&self) -> usize {
        self.user.len()
    }
}

impl Weigh for AffectedFacts {
    fn weight(&self) -> usize {
        let releases: usize = self.per_release.iter().map(|one| one.release.weight() + 32).sum();
        self.conditions.affected.len()
            + self.conditions.tags.weight()
            + self.breakdown.weight()
            + self.sample.weight()
            + releases
            + self.trend.len() * 32
            + self.issue.weight()
    }
}

impl Weigh for Value {
    fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.weight(),
            _ => 0,
        }
    }
}

impl Weigh for SearchRow {
    fn weight(&self) -> usize {
        self.values.weight()
    }
}

impl Weigh for u8 {
    fn weight(&self) -> usize {
        0
    }
}

impl Weigh for SegmentFacts {
    fn weight(&self) -> usize {
        0
    }
}

impl Weigh for ReplayFacts {
    fn weight(&self) -> usize {
        self.headers.weight() + self.segments.weight() + 256
    }
}

impl Weigh for ReleaseCommit {
    fn weight(&self) -> usize {
        let commit = &self.commit;
        self.release.weight() + commit.message.weight() + commit.id.weight() + commit.files.len() * 96 + 128
    }
}

impl Weigh for FixHistory {
    fn weight(&self) -> usize {
        let conditions: usize = self.conditions.iter().map(|condition| condition.uses.len() * 48 + 64).sum();
        self.issue.weight() + self.releases.len() * 64 + self.hits.len() * 64 + self.uses.len() * 48 + conditions + 512
    }
}

impl Weigh for DiagnosisFacts {
    fn weight(&self) -> usize {
        self.issue.weight()
            + self.event.weight()
            + self.samples.weight()
            + self.siblings.len() * 256
            + self.frames.len() * 16
            + self.libraries.len() * 192
            + 512
    }
}
