//! Replays: what a recording of a browser or an app says that the user did.
//! It uses `model` alone.
//! It does no IO and reads no clock.

mod dom;
mod draft;
mod effects;
mod event;
mod header;
mod path;
mod reader;
mod scene;
mod settle;
mod step;
mod story;
mod target;
mod unpack;

pub use path::{Common, PathStep, common, path};
pub use reader::Reader;
pub use step::{
    Action, Click, Control, Drag, Effect, Failure, Input, Key, Modifiers, Navigation, NavigationKind, Request, Step,
    StepKind, Value, Verdict, Viewport,
};
pub use target::{Container, Hop, HopKind, Shared, Target};
pub use unpack::{Limits, rewritten};

use crate::model::{EventId, Timestamp, Untrusted};

/// A replay, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Its id.
    pub id: EventId,
    /// When its clock reads 0: the start of the first page's navigation, as the SDK says.
    pub started_at: Timestamp,
    /// From the start to the last recorded event.
    pub duration_ms: u64,
    /// Recorded on an error alone, so that it may begin in the middle of a visit.
    pub buffered: bool,
    /// Whether it begins with a page load; else the first steps are not in it.
    pub from_start: bool,
    /// Addresses of pages, in the order of first visit.
    pub urls: Vec<Untrusted>,
    /// `javascript`, `java`, `cocoa` …
    pub platform: Option<Untrusted>,
    /// Header of the browser.
    pub user_agent: Option<Untrusted>,
    /// Language such as `de-DE`, when recorded.
    pub locale: Option<Untrusted>,
    /// Time zone such as `Europe/Berlin`, when recorded.
    pub timezone: Option<Untrusted>,
    /// Window at the start.
    pub viewport: Option<Viewport>,
    /// Release.
    pub release: Option<Untrusted>,
    /// Environment.
    pub environment: Option<Untrusted>,
    /// Segments that could be read.
    pub segments: u64,
    /// No segment is missing or broken.
    pub complete: bool,
    /// What is missing, in the order of time.
    pub gaps: Vec<Gap>,
    /// Texts of the page were masked.
    pub masked_text: bool,
    /// Values of fields were masked (passwords, which always are, aside).
    pub masked_inputs: bool,
    /// Number of tabs.
    pub tabs: u32,
    /// Loads of pages, each with the state that a page load starts from.
    pub pages: Vec<PageLoad>,
    /// Errors whose event is known, in the order of time, whether or not the recording was running at that moment.
    pub errors: Vec<(i64, Failure)>,
    /// Steps, in the order of time.
    pub steps: Vec<Step>,
    /// What is no step, in the order of time: for the timeline.
    pub marks: Vec<Mark>,
}

/// A load of a page, seen as a fresh document.
#[derive(Clone, Debug, PartialEq)]
pub struct PageLoad {
    /// In milliseconds after the replay's start.
    pub at_ms: i64,
    /// Which tab.
    pub tab: u32,
    /// Address.
    pub url: Untrusted,
    /// Title, when recorded.
    pub title: Option<Untrusted>,
    /// Window.
    pub viewport: Option<Viewport>,
}

/// A stretch of which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What is missing.
    pub kind: GapKind,
    /// Where it begins, in milliseconds after the replay's start.
    pub from_ms: i64,
    /// Where it ends.
    pub to_ms: i64,
    /// Number of the segment, where one is missing.
    pub segment: Option<u64>,
}

/// Kinds of gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapKind {
    /// A segment never came.
    Missing,
    /// A segment came and can't be read.
    Broken,
    /// The recording began later than the visit.
    Before,
    /// The recording was stopped at the limits of this program.
    Limit,
}

/// Something that is no step: for the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// In milliseconds after the replay's start.
    pub at_ms: i64,
    /// Which tab.
    pub tab: u32,
    /// What sort.
    pub kind: MarkKind,
    /// In the recording's words, when there are some.
    pub text: Option<Untrusted>,
    /// How long it took in milliseconds, for what has a length.
    pub duration_ms: Option<u64>,
}

/// Kinds of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// A file was loaded (script, style, image …).
    Load,
    /// Paint and web vitals.
    Vital,
    /// The page changed: how much, in words of the program, stands in no text.
    Change,
    /// A field was focused or left.
    Focus,
    /// A breadcrumb of the application or of a mobile SDK.
    Breadcrumb,
    /// Nothing is known from here on for a while.
    Gap,
}
