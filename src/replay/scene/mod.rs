//! One tab as it is watched: the page, the pointer, the focus, and what the user is in the middle of.
//! It uses the page, the recording's events and the log of drafts.
//! It never looks ahead: what is told late is settled when the replay is put together.

mod address;
mod crumb;
mod described;
mod pointer;
mod typing;
mod view;

use std::collections::HashMap;

use super::{
    Target, Viewport,
    dom::{Change, Dom},
    draft::{Draft, DraftNr, Log},
    event::{Event, kind, mouse, source},
};
use address::Address;
use pointer::Pointer;
use typing::{Doubtful, Typing};

/// Before anything: far enough from now, and from the ends of numbers.
const NEVER: i64 = i64::MIN / 4;
/// What comes so many milliseconds before an error is worth every detail.
const TELLING: i64 = 120_000;
/// Longest time after a step in which a change of the page is thought to come of it, in milliseconds.
const REACTION: i64 = 5_000;

/// What has the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Focus {
    /// The recording does not say: it began, or lost a part, a moment ago.
    #[default]
    Unknown,
    /// Nothing.
    None,
    /// Something that the page made a moment ago, which has no id in the recording yet.
    New,
    /// The node with that id.
    On(i64),
}

/// A tab.
pub(super) struct Scene {
    pub(super) tab: u32,
    dom: Dom,
    address: Address,
    viewport: Option<Viewport>,
    focus: Focus,
    pointer: Pointer,
    typing: Option<Typing>,
    /// An editable element that the page emptied a moment ago, nothing being done since.
    refill: Option<i64>,
    /// The last thing that the user did in this tab.
    last_user: Option<DraftNr>,
    /// Since when nothing of the recording is missing; milliseconds since 1970.
    whole_since: i64,
    /// Nor is what stands before it known: it began in the middle, or something was lost.
    midway: bool,
    last_change: i64,
    /// The field that changed last, and when.
    last_input: Option<(i64, i64)>,
    doubtful: Option<Doubtful>,
    /// Last known scroll position by node.
    scrolled: HashMap<i64, (i64, i64)>,
    scrolling: Option<(i64, DraftNr)>,
    resizing: Option<DraftNr>,
    /// Elements that breadcrumbs described, by the recording's id: for what the page doesn't tell.
    known: HashMap<i64, Target>,
}

impl Scene {
    pub(super) fn new(tab: u32, nodes: usize) -> Self {
        Self {
            tab,
            dom: Dom::new(nodes),
            address: Address::default(),
            viewport: None,
            focus: Focus::Unknown,
            pointer: Pointer::default(),
            typing: None,
            refill: None,
            last_user: None,
            whole_since: NEVER,
            midway: true,
            last_change: NEVER,
            last_input: None,
            doubtful: None,
            scrolled: HashMap::new(),
            scrolling: None,
            resizing: None,
            known: HashMap::new(),
        }
    }

    /// Whether the page has a node with that id.
    pub(super) fn knows(&self, id: i64) -> bool {
        self.dom.find(id).is_some()
    }

    /// Notes that a part of the recording is missing before what comes next.
    pub(super) fn interrupted(&mut self) {
        self.dom.doubt();
        self.unsettle();
        self.address.unsure();
    }

    /// Forgets what the user was in the middle of.
    fn unsettle(&mut self) {
        self.focus = Focus::Unknown;
        self.pointer = Pointer::default();
        self.typing = None;
        self.scrolling = None;
        self.whole_since = NEVER;
        self.midway = true;
    }

    /// Takes one event; `at` is its time in milliseconds since 1970.
    pub(super) fn take(&mut self, event: &Event<'_>, at: i64, log: &mut Log) {
        if self.whole_since == NEVER && event.ty <= kind::META {
            self.whole_since = at;
        }
        self.dom.tell(log.errors.iter().any(|error| (0..=TELLING).contains(&(error - at))));
        match event.ty {
            kind::DOM_LOADED | kind::LOADED => self.address.loading(at),
            kind::META => self.meta(&event.data, at, log),
            kind::SNAPSHOT => self.snapshot(event, at, log),
            kind::INCREMENT => self.increment(event, at, log),
            kind::CUSTOM => self.custom(&event.data, at, log),
            _ => {}
        }
    }

    fn snapshot(&mut self, event: &Event<'_>, at: i64, log: &mut Log) {
        let Some(node) = &event.data.node else { return };
        let before = self.dom.is_empty();
        self.dom.snapshot(node);
        self.scrolled.clear();
        self.known.clear();
        let fresh = self.address.is_fresh(at);
        // The ids of the page before mean nothing any more; a checkout goes on with the same page.
        self.unsettle();
        self.whole_since = at;
        self.midway = !fresh;
        if fresh && let Some(focused) = self.dom.autofocused() {
            self.focus = Focus::On(focused);
        }
        if fresh || before {
            self.page_loaded(at, log);
        }
    }

    fn increment(&mut self, event: &Event<'_>, at: i64, log: &mut Log) {
        let data = &event.data;
        match (data.source, data.ty) {
            (Some(source::MUTATION), _) => {
                let change = self.dom.mutate(data, at);
                self.field_gone(at, log);
                self.changed(change, data, at, log);
            }
            (Some(source::MOUSE), Some(ty)) => self.mouse(ty, data, at, log),
            (Some(source::MOVE), _) if self.carries() => self.dragged(data, at),
            (Some(source::MOVE), _) => self.drop_ended(at, log),
            (Some(source::DRAG), _) => self.dragged(data, at),
            (Some(source::SCROLL), _) => self.scroll(data, at, log),
            (Some(source::RESIZE), _) => self.resize(data, at, log),
            (Some(source::INPUT), _) => self.input(data, at, log),
            _ => {}
        }
    }

    fn mouse(&mut self, ty: u8, data: &super::event::Data<'_>, at: i64, log: &mut Log) {
        let Some(id) = data.id else { return };
        if !matches!(ty, mouse::BLUR) && self.in_frame(id) {
            log.frames.push((at, self.tab));
        }
        match ty {
            mouse::FOCUS => self.focus = if id > 0 { Focus::On(id) } else { Focus::New },
            mouse::BLUR if self.focus == Focus::On(id) => self.focus = Focus::None,
            mouse::DOWN | mouse::TOUCH_START => self.pressed(id, data, ty == mouse::TOUCH_START, at, log),
            mouse::UP | mouse::TOUCH_END => self.released(id, data, at, log),
            mouse::CLICK => self.clicked(id, data, at, log),
            mouse::CONTEXT => self.clicked_right(id, data, at, log),
            mouse::DOUBLE => self.clicked_twice(id, at, log),
            _ => {}
        }
    }

    fn in_frame(&self, id: i64) -> bool {
        self.dom.find(id).is_some_and(|nr| self.dom.in_frame(nr) || self.dom.tag(nr) == "iframe")
    }

    /// Notes what the page did, with what the user did last.
    fn changed(&mut self, change: Change, data: &super::event::Data<'_>, at: i64, log: &mut Log) {
        if self.edited(data, at, log) || change.is_empty() {
            return;
        }
        self.last_change = at;
        if self.pointer.hold(&change, at) {
            return;
        }
        let Some(nr) = self.last_user else { return };
        let draft = &mut log.drafts[nr];
        if at - draft.until <= REACTION {
            draft.changes.add(change, at);
        }
    }

    /// Adds a step of the user's.
    fn done(&mut self, draft: Draft, log: &mut Log) -> DraftNr {
        let nr = self.noted(draft, log);
        self.last_user = Some(nr);
        (self.typing, self.refill) = (None, None);
        nr
    }

    /// Adds a step that isn't the user's, or none that a change could come of.
    fn noted(&self, mut draft: Draft, log: &mut Log) -> DraftNr {
        draft.url = draft.url.or_else(|| self.address.url().map(str::to_owned));
        log.push(draft)
    }

    /// Describes the element that a person means at a node.
    fn describe(&self, id: i64) -> Option<Target> {
        match self.dom.find(id) {
            Some(nr) => Some(self.dom.target(self.dom.meant(nr))),
            None => self.known.get(&id).cloned(),
        }
    }

    /// Milliseconds since the user last did something other than at `except`.
    fn since_user(&self, at: i64, log: &Log) -> i64 {
        self.last_user.map_or(i64::MAX, |nr| at - log.drafts[nr].until)
    }
}
