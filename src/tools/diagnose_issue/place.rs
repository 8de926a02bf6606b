//! The frames of a diagnosis as data: what each has to do with the failure, and where it is in the checkout.

use super::{code::Looked, facts::Gathered};
use crate::{
    diagnosis::{Diagnosis, JudgedFrame, Role},
    guard::{Clean, CleanData, Guard, Limit},
    model::{Event, Frame},
    tools::code::Placed,
    view,
    view::Word,
};

view! {
    /// Where.
    pub struct Where {
        /// The most telling first; each function once.
        pub frames: Vec<FrameView>,
        /// Different stacks of the issue.
        pub stacks: u64,
        /// Frames left out to fit.
        #[serde(skip_serializing_if = "is_zero")]
        pub frames_left_out: u64,
    }

    /// One frame.
    pub struct FrameView {
        /// Function.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub function: Option<Clean>,
        /// File.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub file: Option<Clean>,
        /// Whole path or URL, where it says more than `file`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub abs_path: Option<Clean>,
        /// Line.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub line: Option<u64>,
        /// Its file in the checkout, from the root of the repository.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub repo_path: Option<Clean>,
        /// Its line in the checkout today; absent where it is gone.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub line_now: Option<u64>,
        /// Commits since its release that changed its function, newest first; absent where that can't be told.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub changed_since: Option<Vec<Clean>>,
        /// The application's own code.
        pub in_app: bool,
        /// How many times as often as in the project's issues.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub specificity: Option<f64>,
        /// It merely ran nearby.
        pub bystander: bool,
        /// `cause`, `around`, `passed_through`, `helper`, `rethrows`, `met`, `library`.
        pub role: Word,
        /// The source line.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub source: Option<Clean>,
        /// Local variables of the cause.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub vars: Option<CleanData>,
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The frames, the most telling first.
pub(super) fn places(gathered: &Gathered, found: &Diagnosis, code: &Looked, guard: &mut Guard) -> Where {
    let event = &gathered.facts.event;
    let mut frame = |(at, judged): (usize, &JudgedFrame)| {
        let placed = Placed::of(code.place(at), guard);
        frame_view(judged, event, placed, guard)
    };
    let frames = found.frames.iter().enumerate().map(&mut frame).collect();
    Where { frames, stacks: gathered.facts.stacks, frames_left_out: 0 }
}

fn frame_view(judged: &JudgedFrame, event: &Event, placed: Placed, guard: &mut Guard) -> FrameView {
    let frame: &Frame = &event.exceptions[judged.exception].frames[judged.frame];
    let cause = judged.role == Role::Cause;
    let same = frame.abs_path == frame.file;
    // Native code without a name or a file is told by its place in the library.
    let image = frame.image.as_deref();
    let label = image.filter(|_| frame.function.is_none()).map(|image| image.label().into());
    let package = image.filter(|_| frame.file.is_none()).and_then(|image| Some(image.package_name()?.into()));
    FrameView {
        function: guard.opt(frame.function.as_ref().or(label.as_ref()), Limit::Tag),
        file: guard.opt(frame.file.as_ref().or(package.as_ref()), Limit::Tag),
        abs_path: frame.abs_path.as_ref().filter(|_| !same).map(|path| guard.line(path, Limit::Tag)),
        line: frame.line,
        repo_path: placed.repo_path,
        line_now: placed.line_now,
        changed_since: placed.changed_since,
        in_app: judged.role != Role::Library,
        specificity: judged.specificity.map(rounded_to_two),
        bystander: judged.role.is_bystander(),
        role: Word(role_name(judged.role)),
        source: frame.context_line.as_ref().map(|line| guard.line(line, Limit::Title)),
        vars: (cause && !frame.vars.is_empty())
            .then(|| guard.data(&crate::model::Data::Map(frame.vars.clone()), Limit::Tag)),
    }
}

fn rounded_to_two(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Cause => "cause",
        Role::Around => "around",
        Role::PassedThrough => "passed_through",
        Role::Helper => "helper",
        Role::Rethrows => "rethrows",
        Role::Met => "met",
        Role::Library => "library",
    }
}
