//! Steps: what the user did and what the page did, in the order of time.
//! It uses `model` alone.
//! It never makes sentences.

use super::Target;
use crate::model::{EventId, Untrusted};

/// One step of a replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Number, from 1, over all tabs.
    pub n: u32,
    /// When it began, in milliseconds after the replay's start.
    pub at_ms: i64,
    /// When it ended: the last key, the last click of a run. Equal to `at_ms` for what has no length.
    pub until_ms: i64,
    /// Which tab, from 0 in the order in which they first appear.
    pub tab: u32,
    /// Address of the page when it happened; for a navigation, the new one. In full, with origin.
    pub url: Option<Untrusted>,
    /// The element, for what is done to one.
    pub target: Option<Target>,
    /// What happened.
    pub action: Action,
    /// What changed after it, most telling first.
    pub effects: Vec<Effect>,
    /// How long after `until_ms` the last change that it set off came (of the page, a request's end, a navigation),
    /// before the user's next step, in milliseconds; `None`: none came.
    pub settled_ms: Option<u32>,
}

/// Kinds of steps, as the contract names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// The page's address changed.
    Navigate,
    /// A click, a double click or a drag.
    Click,
    /// A field was filled or chosen in.
    Input,
    /// A key outside of typing.
    Key,
    /// The page or an element was scrolled.
    Scroll,
    /// Many clicks at once on what did not answer.
    RageClick,
    /// A click that nothing answered.
    DeadClick,
    /// A click that was answered late.
    SlowClick,
    /// A request.
    Request,
    /// A console line.
    Console,
    /// An error.
    Error,
    /// The window's size changed.
    Resize,
    /// The tab was hidden or shown.
    Visibility,
}

impl StepKind {
    /// The contract's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Navigate => "navigate",
            Self::Click => "click",
            Self::Input => "input",
            Self::Key => "key",
            Self::Scroll => "scroll",
            Self::RageClick => "rage_click",
            Self::DeadClick => "dead_click",
            Self::SlowClick => "slow_click",
            Self::Request => "request",
            Self::Console => "console",
            Self::Error => "error",
            Self::Resize => "resize",
            Self::Visibility => "visibility",
        }
    }

    /// Whether a person did it, as opposed to the page.
    pub const fn by_user(self) -> bool {
        !matches!(self, Self::Request | Self::Console | Self::Error)
    }
}

/// What happened in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The page's address changed.
    Navigate(Navigation),
    /// One click, or a run of them where `count` says so.
    Click(Click),
    /// Pressed on the target, moved, let go.
    Drag(Drag),
    /// A field was filled or chosen in.
    Input(Input),
    /// A key outside of typing.
    Key(Key),
    /// Scrolled; no target: the page itself.
    Scroll {
        /// From the left, in CSS pixels, at the end of the scrolling.
        x: i64,
        /// From the top.
        y: i64,
    },
    /// A request ended.
    Request(Request),
    /// A console line.
    Console {
        /// `error`, `warning`, `log` …
        level: Untrusted,
        /// The text.
        message: Untrusted,
    },
    /// An error that the SDK reported.
    Error(Failure),
    /// The window's size changed.
    Resize(Viewport),
    /// The tab was hidden or shown.
    Visibility {
        /// It was hidden.
        hidden: bool,
    },
}

/// A change of the page's address.
#[derive(Clone, Debug, PartialEq)]
pub struct Navigation {
    /// How.
    pub how: NavigationKind,
    /// Address before, when known.
    pub from: Option<Untrusted>,
    /// Address after.
    pub to: Untrusted,
    /// Number of the step that caused it (a link, a form, a script's answer to a click); `None`: the user typed an
    /// address, opened the page, went back or forward, or it isn't known.
    pub caused_by: Option<u32>,
}

/// How an address changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NavigationKind {
    /// A page was loaded.
    Load,
    /// The page was loaded again.
    Reload,
    /// Back or forward, with a page load.
    BackForward,
    /// By script (`history`, hash) or back and forward within a page: recordings don't tell these apart.
    Within,
    /// Back within the page: the address is the one before, and nothing on the page caused it.
    Back,
    /// Forward within the page: the address is the one that was left by going back.
    Forward,
}

impl NavigationKind {
    /// Whether a whole page was loaded.
    pub const fn loads(self) -> bool {
        matches!(self, Self::Load | Self::Reload | Self::BackForward)
    }
}

/// One click or a run of quick ones.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Click {
    /// What came of it.
    pub verdict: Verdict,
    /// How many; 1 but for rage.
    pub count: u32,
    /// A double click; its two clicks are this one step.
    pub double: bool,
    /// With the secondary button.
    pub right: bool,
    /// No mouse did it: a script of the page or the browser itself, which do it again by themselves.
    pub synthetic: bool,
    /// Keys held.
    pub modifiers: Modifiers,
    /// Place in the window in CSS pixels, when recorded.
    pub at: Option<(i64, i64)>,
    /// State of a checkbox, radio or switch after it; `None` for other elements.
    pub checked: Option<bool>,
    /// How long the page took to answer, for slow clicks, in milliseconds.
    pub answered_after_ms: Option<u64>,
}

/// What came of a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Verdict {
    /// The page answered, or nothing is known against it.
    #[default]
    Plain,
    /// Nothing answered.
    Dead,
    /// Answered late.
    Slow,
    /// Clicked again and again.
    Rage,
}

/// Keys held down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Modifiers {
    /// Control.
    pub ctrl: bool,
    /// Alt.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
    /// Meta: Command, Windows.
    pub meta: bool,
}

/// A press, move and release.
#[derive(Clone, Debug, PartialEq)]
pub struct Drag {
    /// Where in the window it began, in CSS pixels.
    pub from: (i64, i64),
    /// Where it ended.
    pub to: (i64, i64),
    /// Element that it ended on, when known.
    pub onto: Option<Box<Target>>,
}

/// A field filled or chosen in.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// What sort of field.
    pub control: Control,
    /// What was in it in the end.
    pub value: Value,
    /// What was in it before the first key, when known and not masked.
    pub before: Option<Untrusted>,
    /// Values in turn, one after each event, at most 200; empty when masked or not recorded. One alone: pasted or
    /// filled at once.
    pub typed: Vec<Untrusted>,
    /// Whether Enter right after it sent the form (a submit that no mouse pressed).
    pub submitted: bool,
    /// Whether the page emptied it, or went elsewhere, right after the last key with no other cause: Enter, most likely.
    pub emptied: bool,
}

/// Sorts of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// `input` for text (also number, date …), `textarea`.
    Text,
    /// `contenteditable`.
    Editable,
    /// `select`.
    Select,
    /// Checkbox or switch.
    Check,
    /// Radio.
    Radio,
    /// Range.
    Range,
    /// Colour.
    Color,
    /// File.
    File,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text as typed.
    Text(Untrusted),
    /// Masked in the recording: its length in characters, words apart by white space as recorded.
    Masked {
        /// Length in characters.
        chars: u32,
    },
    /// A choice in a `select`.
    Choice {
        /// `value` of the option, unless masked.
        value: Option<Untrusted>,
        /// Text of the option, unless masked or not found.
        label: Option<Untrusted>,
        /// Its place among the options from 0, when found.
        index: Option<u32>,
    },
    /// State of a checkbox or radio.
    Checked(bool),
    /// Not in the recording: a file, typing whose end was lost.
    Unknown,
}

/// A key outside of typing.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// As the DOM names it: `k`, `Escape`, `ArrowDown`.
    pub key: Untrusted,
    /// Keys held.
    pub modifiers: Modifiers,
}

/// A request of the page's scripts.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `GET` …
    pub method: Untrusted,
    /// Address as the page wrote it: may be relative.
    pub url: Untrusted,
    /// Address in full, when the page's own is known.
    pub absolute: Option<Untrusted>,
    /// Status; `None`: no answer was recorded (the network failed or it was aborted).
    pub status: Option<u16>,
    /// `fetch` rather than `XMLHttpRequest`.
    pub fetch: bool,
    /// How long it took in milliseconds; its step's `at_ms` is its start.
    pub duration_ms: u64,
    /// Body sent, when recorded.
    pub request_body: Option<Untrusted>,
    /// Body of the answer, when recorded.
    pub response_body: Option<Untrusted>,
    /// Media type of the answer, when recorded.
    pub response_type: Option<Untrusted>,
    /// Number of the step that caused it: the last thing done before it within three seconds.
    pub caused_by: Option<u32>,
}

impl Request {
    /// Whether it went wrong: no answer, or a status from 400 on.
    pub fn failed(&self) -> bool {
        self.status.is_none_or(|status| status >= 400)
    }
}

/// An error that the SDK reported while the replay ran.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Its event.
    pub event: EventId,
    /// Short id of its issue, when the store has the event.
    pub issue: Option<Untrusted>,
    /// Title of its issue.
    pub title: Option<Untrusted>,
    /// Class of the exception.
    pub ty: Option<Untrusted>,
    /// Text of the exception or message.
    pub value: Option<Untrusted>,
    /// Nothing caught it.
    pub unhandled: bool,
}

/// The inside of the window, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Viewport {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// What changed after a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// An error came of it: number of its step.
    Failed(u32),
    /// A request came of it and went wrong: number of its step.
    RequestFailed(u32),
    /// A request came of it and was answered: number of its step.
    Requested(u32),
    /// The address changed: number of the navigation's step.
    Navigated(u32),
    /// A dialog opened, with its name or heading.
    DialogOpened(Option<Untrusted>),
    /// A dialog closed.
    DialogClosed,
    /// A message appeared (`alert`, `status`, `aria-live`).
    Announced(Untrusted),
    /// Elements appeared; the first text of them.
    Appeared {
        /// How many elements at the top of what was added.
        elements: u32,
        /// First text of them that is not masked.
        text: Option<Untrusted>,
    },
    /// Elements vanished.
    Vanished {
        /// How many elements at the top of what was removed.
        elements: u32,
        /// First text of them that is not masked.
        text: Option<Untrusted>,
    },
    /// A text changed, to this.
    TextChanged(Option<Untrusted>),
    /// A class, style or state changed and nothing else.
    Restyled,
    /// Nothing changed within three seconds.
    Nothing,
}

impl Step {
    /// The contract's kind.
    pub fn kind(&self) -> StepKind {
        match &self.action {
            Action::Navigate(_) => StepKind::Navigate,
            Action::Drag(_) => StepKind::Click,
            Action::Click(click) => match click.verdict {
                Verdict::Plain => StepKind::Click,
                Verdict::Dead => StepKind::DeadClick,
                Verdict::Slow => StepKind::SlowClick,
                Verdict::Rage => StepKind::RageClick,
            },
            Action::Input(_) => StepKind::Input,
            Action::Key(_) => StepKind::Key,
            Action::Scroll { .. } => StepKind::Scroll,
            Action::Request(_) => StepKind::Request,
            Action::Console { .. } => StepKind::Console,
            Action::Error(_) => StepKind::Error,
            Action::Resize(_) => StepKind::Resize,
            Action::Visibility { .. } => StepKind::Visibility,
        }
    }
}
