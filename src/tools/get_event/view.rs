//! The answer's data.

use super::{Section, plan, sections};
use crate::{
    guard::{Clean, CleanData, Guard, Limit},
    model::Untrusted,
    say,
    store::EventFacts,
    tools::{
        code::Places,
        remedies::{self, RemedyView},
    },
    view,
    view::{Doc, Millis, Omission, View, Word},
};

view! {
    /// The answer.
    pub struct Out {
        /// The event.
        pub event: EventView,
        /// Id of the issue's event before it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub previous_event: Option<Clean>,
        /// Id of the issue's event after it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub next_event: Option<Clean>,
        /// What the error itself says to do; quotes from the event.
        pub remedies: Vec<RemedyView>,
        /// Files of native code whose symbols would name frames that have no line: to be uploaded.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub missing_symbols: Vec<MissingView>,
        /// Sections that this event has and the call did not ask for, as the call that shows them.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub more: Option<Clean>,
    }

    /// The event.
    pub struct EventView {
        /// Its id.
        pub id: Clean,
        /// Id of its issue.
        pub issue: Clean,
        /// Its issue, for people.
        pub short_id: Clean,
        /// When it happened.
        pub timestamp: Millis,
        /// How bad.
        pub level: Word,
        /// Nothing caught it.
        pub unhandled: bool,
        /// Language or runtime.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub platform: Option<Clean>,
        /// Message, where it is not the exception's own text.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub message: Option<Clean>,
        /// Release.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub release: Option<Clean>,
        /// Environment.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub environment: Option<Clean>,
        /// Route, job or view.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub transaction: Option<Clean>,
        /// From the one that was caught outermost to its root cause.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub exceptions: Vec<ExceptionView>,
        /// Errors that happened while another was on its way: nobody's cause.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub suppressed: Vec<Clean>,
        /// Oldest first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub breadcrumbs: Vec<BreadcrumbView>,
        /// The HTTP request or page.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub request: Option<RequestView>,
        /// Who, by pseudonym.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub user: Option<CleanData>,
        /// Tags.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tags: Option<CleanData>,
        /// Contexts by name.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub contexts: Option<CleanData>,
        /// Feature flags evaluated before.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub flags: Option<CleanData>,
        /// Who sent it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sdk: Option<Clean>,
        /// Trace that it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub trace_id: Option<Clean>,
        /// Replay that shows it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub replay: Option<Clean>,
        /// Stacks of threads.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub threads: Vec<ThreadView>,
        /// Logs of its trace, oldest first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub logs: Vec<LogView>,
        /// Files attached to it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub attachments: Vec<AttachmentView>,
        /// What users wrote about it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub feedback: Vec<Clean>,
        /// The event as stored.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub raw: Option<CleanData>,
    }

    /// A program or library without symbols.
    pub struct MissingView {
        /// Its file.
        pub file: Clean,
        /// Names the build whose symbols are wanted.
        pub debug_id: Clean,
        /// Frames that they would name.
        pub frames: u64,
    }

    /// One exception of the chain.
    pub struct ExceptionView {
        /// Class.
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        pub ty: Option<Clean>,
        /// Text.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub value: Option<Clean>,
        /// Whether the application caught it; absent where the SDK didn't say.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub handled: Option<bool>,
        /// How it was caught.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub mechanism: Option<Clean>,
        /// From the crash outwards.
        pub frames: Vec<FrameView>,
        /// Frames that are left out.
        #[serde(skip_serializing_if = "is_zero")]
        pub frames_left_out: u64,
    }

    /// One line of a stack.
    pub struct FrameView {
        /// Function.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub function: Option<Clean>,
        /// Module.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub module: Option<Clean>,
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
        /// Native code: the program or library, with the offset in it where no line is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub package: Option<Clean>,
        /// Native code: how the unwinder found the frame (`cfi`, `fp`, `scan` ...).
        #[serde(skip_serializing_if = "Option::is_none")]
        pub trust: Option<Clean>,
        /// Column.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub column: Option<u64>,
        /// The application's own code.
        pub in_app: bool,
        /// Equal frames in a row that are told as this one (recursion).
        #[serde(skip_serializing_if = "is_one")]
        pub repeats: u64,
        /// Source lines.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub context: Option<ContextView>,
        /// Local variables.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub vars: Option<CleanData>,
    }

    /// Source lines around a frame's line.
    pub struct ContextView {
        /// Before.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub pre: Vec<Clean>,
        /// The line itself.
        pub line: Clean,
        /// After.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub post: Vec<Clean>,
    }

    /// Something that happened before.
    pub struct BreadcrumbView {
        /// When.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub timestamp: Option<Millis>,
        /// Sort.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub category: Option<Clean>,
        /// How bad, where it is not `info`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub level: Option<Word>,
        /// Text.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub message: Option<Clean>,
        /// Further values.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub data: Option<CleanData>,
    }

    /// A request.
    pub struct RequestView {
        /// Method.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub method: Option<Clean>,
        /// URL.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub url: Option<Clean>,
        /// Query.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub query: Option<CleanData>,
        /// Body.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub data: Option<CleanData>,
        /// Headers.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub headers: Option<CleanData>,
    }

    /// A thread's stack.
    pub struct ThreadView {
        /// Name or number.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<Clean>,
        /// It crashed.
        pub crashed: bool,
        /// From the innermost outwards.
        pub frames: Vec<FrameView>,
    }

    /// A line of a log.
    pub struct LogView {
        /// When.
        pub timestamp: Millis,
        /// How bad.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub level: Option<Clean>,
        /// Text.
        pub body: Clean,
    }

    /// A file.
    pub struct AttachmentView {
        /// Name.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub filename: Option<Clean>,
        /// Media type.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub content_type: Option<Clean>,
        /// Size.
        pub size_bytes: u64,
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn is_one(n: &u64) -> bool {
    *n == 1
}

/// The whole answer, before it is fitted.
pub(super) fn of(facts: &EventFacts, wanted: &[Section], places: &Places<'_>, guard: &mut Guard) -> Out {
    let event = &facts.event;
    let id = say!(Id(event.id));
    let missing = sections::present_but_not(facts, wanted);
    Out {
        event: event_view(facts, wanted, places, guard),
        previous_event: facts.previous.map(|id| say!(Id(id))),
        next_event: facts.next.map(|id| say!(Id(id))),
        remedies: remedies::of(event, guard),
        missing_symbols: sections::missing_symbols(event, guard),
        more: (!missing.is_empty()).then(|| super::more_call(&id, &missing)),
    }
}

fn event_view(facts: &EventFacts, wanted: &[Section], places: &Places<'_>, guard: &mut Guard) -> EventView {
    let event = &facts.event;
    let wants = |s| wanted.contains(&s);
    let mut tag = |text: &Option<Untrusted>| guard.opt(text.as_ref(), Limit::Tag);
    let (platform, release, environment, transaction, trace) = (
        tag(&event.platform),
        tag(&event.release),
        tag(&event.environment),
        tag(&event.transaction),
        tag(&event.trace_id),
    );
    EventView {
        id: say!(Id(event.id)),
        issue: say!(facts.issue.id.0),
        short_id: guard.line(&facts.issue.short_id.as_str().into(), Limit::Tag),
        timestamp: event.timestamp.into(),
        level: Word(event.level.as_str()),
        unhandled: event.unhandled(),
        platform,
        message: sections::message(event, guard),
        release,
        environment,
        transaction,
        exceptions: if wants(Section::Exception) { sections::exceptions(event, places, guard) } else { Vec::new() },
        suppressed: if wants(Section::Exception) { sections::suppressed(event, guard) } else { Vec::new() },
        breadcrumbs: if wants(Section::Breadcrumbs) { sections::breadcrumbs(event, guard) } else { Vec::new() },
        request: event.request.as_ref().filter(|_| wants(Section::Request)).map(|r| sections::request(r, guard)),
        user: event.user.as_ref().filter(|_| wants(Section::User)).and_then(|u| sections::user(u, guard)),
        tags: wants(Section::Tags).then(|| sections::tags(event, guard)).flatten(),
        contexts: wants(Section::Contexts).then(|| sections::contexts(event, guard)).flatten(),
        flags: wants(Section::Flags).then(|| sections::flags(event, guard)).flatten(),
        sdk: sections::sdk(event, guard),
        trace_id: trace,
        replay: event.replay_id.map(|id| say!(Id(id))),
        threads: if wants(Section::Threads) { sections::threads(event, guard) } else { Vec::new() },
        logs: if wants(Section::Logs) { sections::logs(facts, guard) } else { Vec::new() },
        attachments: if wants(Section::Attachments) { sections::attachments(facts, guard) } else { Vec::new() },
        feedback: facts.feedback.iter().map(|f| guard.line(&f.message, Limit::Value)).collect(),
        raw: facts.raw.as_ref().filter(|_| wants(Section::Raw)).map(|raw| guard.data(raw, Limit::Value)),
    }
}

/// An id that the program parsed and prints itself.
pub(super) struct Id(pub crate::model::EventId);

impl crate::guard::Say for Id {
    fn say(&self, out: &mut String) {
        out.push_str(&self.0.to_string());
    }
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        super::markdown::write(self, doc);
    }

    fn steps(&self) -> usize {
        plan::PLANS.len()
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        plan::PLANS[step - 1].apply(self)
    }
}
