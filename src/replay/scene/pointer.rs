//! Presses, clicks and drags.
//! It uses the page.
//! It never takes a script's click for the user's.

use super::{Focus, Scene};
use crate::replay::{
    Action, Click, Control, Drag, Input, Key, Modifiers, Value,
    dom::Change,
    draft::{Changes, Draft, Log},
    event::{Data, pixels},
};

/// The least movement between press and release that makes a drag, in pixels.
const MOVED: i64 = 10;
/// After a loss or a snapshot, how long a click's press may have come before it, in milliseconds.
const JUST_BEGUN: i64 = 1_000;
/// The longest press, in milliseconds.
const HELD: i64 = 30_000;
/// How long after a label's click its field's comes.
const PASSED_ON: i64 = 30;

/// What the pointer is doing.
#[derive(Debug, Default)]
pub(super) struct Pointer {
    down: Option<Down>,
    /// A native drag: where it went last.
    carried: Option<(i64, i64)>,
    /// When a drag ended: its click is no click.
    dragged: Option<i64>,
    /// The label clicked last: its time and draft.
    label: Option<(i64, usize)>,
    /// What changed since the press: it belongs to the click or drag that the press becomes.
    meanwhile: Changes,
}

impl Pointer {
    /// Whether something is pressed right now, so that a change waits for what becomes of it.
    pub(super) fn hold(&mut self, change: &Change, at: i64) -> bool {
        let held = self.down.is_some_and(|down| at - down.at <= HELD);
        if held {
            self.meanwhile.add(change.clone(), at);
        }
        held
    }

    /// Whether something is pressed.
    pub(super) fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// Whether a press on that node has not become a click yet.
    pub(super) fn holds(&self, id: i64) -> bool {
        self.down.is_some_and(|down| down.id == id)
    }
}

#[derive(Clone, Copy, Debug)]
struct Down {
    id: i64,
    /// What the node stood in.
    parent: Option<i64>,
    x: i64,
    y: i64,
    at: i64,
    touch: bool,
}

fn place(data: &Data<'_>) -> (i64, i64) {
    (pixels(data.x), pixels(data.y))
}

impl Scene {
    pub(super) fn pressed(&mut self, id: i64, data: &Data<'_>, touch: bool, at: i64, log: &mut Log) {
        self.drop_ended(at, log);
        let (x, y) = place(data);
        let parent = self.parent_id(id);
        self.pointer.meanwhile = Changes::default();
        self.pointer.down = Some(Down { id, parent, x, y, at, touch });
    }

    fn parent_id(&self, id: i64) -> Option<i64> {
        let parent = self.dom.find(id).and_then(|nr| self.dom.parent(nr))?;
        Some(self.dom.id(parent))
    }

    /// Whether what is pressed can be carried away: then moves are a native drag, unless a release comes.
    pub(super) fn carries(&self) -> bool {
        let pressed = self.pointer.down.filter(|down| !down.touch).and_then(|down| self.dom.find(down.id));
        let draggable = |nr| self.dom.attribute(nr, "draggable") == Some("true");
        pressed.is_some_and(|nr| self.dom.closest(nr, draggable).is_some())
    }

    pub(super) fn released(&mut self, id: i64, data: &Data<'_>, at: i64, log: &mut Log) {
        (self.pointer.carried, self.pointer.dragged) = (None, None);
        let Some(down) = self.pointer.down.filter(|down| !down.touch) else { return };
        let (x, y) = place(data);
        if (x - down.x).abs() <= MOVED && (y - down.y).abs() <= MOVED {
            return;
        }
        self.pointer.down = None;
        self.pointer.dragged = Some(at);
        self.drag(down, (x, y), Some(id), at, log);
    }

    /// A native drag goes on: it has no release and no click.
    pub(super) fn dragged(&mut self, data: &Data<'_>, at: i64) {
        if let Some(last) = data.positions.last().filter(|_| self.pointer.down.is_some()) {
            self.pointer.carried = Some((pixels(Some(last.x)), pixels(Some(last.y))));
            self.pointer.dragged = Some(at);
        }
    }

    /// Whatever comes after the last position of a native drag means that it has ended.
    pub(super) fn drop_ended(&mut self, at: i64, log: &mut Log) {
        let Some((x, y)) = self.pointer.carried.take() else { return };
        let Some(down) = self.pointer.down.take() else { return };
        let ended = self.pointer.dragged.unwrap_or(at);
        // The positions name what is dragged; where it went shows in where it stands now.
        let onto = self.parent_id(down.id).filter(|parent| Some(*parent) != down.parent);
        self.drag(down, (x, y), onto, ended, log);
    }

    fn drag(&mut self, down: Down, to: (i64, i64), onto: Option<i64>, at: i64, log: &mut Log) {
        let onto = onto.and_then(|id| self.describe(id)).map(Box::new);
        let mut draft = Draft::new(down.at, self.tab, Action::Drag(Drag { from: (down.x, down.y), to, onto }));
        draft.until = at;
        draft.node = Some(down.id);
        draft.target = self.dragged_target(down.id);
        draft.changes = std::mem::take(&mut self.pointer.meanwhile);
        self.done(draft, log);
    }

    /// What was dragged: the draggable thing around the node, else what is meant there.
    fn dragged_target(&self, id: i64) -> Option<crate::replay::Target> {
        let around = self
            .dom
            .find(id)
            .and_then(|nr| self.dom.closest(nr, |up| self.dom.attribute(up, "draggable") == Some("true")));
        around.map(|nr| self.dom.target(nr)).or_else(|| self.describe(id))
    }

    pub(super) fn clicked(&mut self, id: i64, data: &Data<'_>, at: i64, log: &mut Log) {
        self.drop_ended(at, log);
        let down = self.pointer.down.take();
        if self.pointer.dragged.take().is_some_and(|ended| at - ended <= 100) {
            return;
        }
        if self.passed_on(id, at) {
            return;
        }
        let pressed = down.is_some() || (self.midway && at - self.whole_since <= JUST_BEGUN);
        if !pressed && self.submitted(id, at, log) {
            return;
        }
        if !pressed && !self.by_keyboard(id, data, at, log) {
            return self.unpressed(id, data, at, log);
        }
        let click = Click { count: 1, at: Some(place(data)), ..Click::default() };
        let mut draft = Draft::new(at, self.tab, Action::Click(click));
        draft.node = Some(id);
        draft.target = self.describe(id).or_else(|| down.and_then(|down| self.describe(down.id)));
        draft.changes = std::mem::take(&mut self.pointer.meanwhile);
        let is_label = draft.target.as_ref().is_some_and(|target| target.tag.raw() == "label");
        let nr = self.done(draft, log);
        self.pointer.label = is_label.then_some((at, nr));
    }

    /// A click that the page made, unless the SDK says later that somebody did.
    fn unpressed(&mut self, id: i64, data: &Data<'_>, at: i64, log: &mut Log) {
        let click = Click { count: 1, at: Some(place(data)), ..Click::default() };
        let mut draft = Draft::new(at, self.tab, Action::Click(click));
        (draft.node, draft.target) = (Some(id), self.describe(id));
        (draft.dropped, draft.unpressed) = (true, true);
        self.noted(draft, log);
    }

    pub(super) fn clicked_right(&mut self, id: i64, data: &Data<'_>, at: i64, log: &mut Log) {
        self.pointer.down = None;
        let click = Click { count: 1, at: Some(place(data)), right: true, ..Click::default() };
        let mut draft = Draft::new(at, self.tab, Action::Click(click));
        draft.node = Some(id);
        draft.target = self.describe(id);
        self.done(draft, log);
    }

    pub(super) fn clicked_twice(&mut self, id: i64, at: i64, log: &mut Log) {
        let Some(draft) = self.last_user.map(|nr| &mut log.drafts[nr]) else { return };
        if let Action::Click(click) = &mut draft.action
            && draft.node == Some(id)
            && at - draft.at <= 100
        {
            click.double = true;
        }
    }

    /// Whether it is the click that a label passes on to its field.
    fn passed_on(&mut self, id: i64, at: i64) -> bool {
        let Some((clicked, _)) = self.pointer.label.filter(|(clicked, _)| at - clicked <= PASSED_ON) else {
            return false;
        };
        let is_field =
            self.dom.find(id).is_none_or(|nr| matches!(self.dom.tag(nr), "input" | "select" | "textarea" | "button"));
        // The field's own events find the label's draft through this.
        self.pointer.label = self.pointer.label.map(|(_, nr)| (clicked, nr));
        is_field
    }

    /// Whether it is the press of a form's button that Enter in a field makes.
    fn submitted(&mut self, id: i64, at: i64, log: &mut Log) -> bool {
        let Some(button) = self.dom.find(id) else { return false };
        let submits = matches!(self.dom.input_type(button), "submit" | "image")
            && matches!(self.dom.tag(button), "button" | "input");
        let Focus::On(focus) = self.focus else { return false };
        let Some(field) = self
            .dom
            .find(focus)
            .filter(|nr| self.dom.is_text_field(*nr) || self.dom.tag(*nr) == "select" || self.dom.tag(*nr) == "input")
        else {
            return false;
        };
        let form = |nr| self.dom.closest(nr, |up| self.dom.tag(up) == "form");
        if !submits
            || field == button
            || form(field).is_none()
            || form(field) != form(button) && self.dom.attribute(button, "form").is_none()
        {
            return false;
        }
        match self.typing.as_ref().filter(|typing| typing.id == focus).map(|typing| typing.draft) {
            Some(nr) => {
                if let Action::Input(input) = &mut log.drafts[nr].action {
                    input.submitted = true;
                }
                log.drafts[nr].until = at;
                self.typing = None;
            }
            None => {
                let key = Key { key: "Enter".into(), modifiers: Modifiers::default() };
                let mut draft = Draft::new(at, self.tab, Action::Key(key));
                draft.node = Some(focus);
                draft.target = Some(self.dom.target(field));
                self.done(draft, log);
            }
        }
        true
    }

    /// Whether a click that no press went before is the keyboard's on the focused control, and not told already as a key.
    fn by_keyboard(&self, id: i64, data: &Data<'_>, at: i64, log: &Log) -> bool {
        let focused = match self.focus {
            Focus::Unknown | Focus::New => place(data) != (0, 0),
            Focus::None => false,
            Focus::On(focus) => focus == id,
        };
        let told = self.last_user.is_some_and(|nr| {
            let last = &log.drafts[nr];
            matches!(&last.action, Action::Key(key) if key.key.raw() == "Enter") && at - last.at <= 200
        });
        focused && !told
    }

    /// The state of a checkbox or radio changed: it belongs to the click that did it.
    pub(super) fn toggled(&mut self, id: i64, checked: bool, radio: bool, at: i64, log: &mut Log) {
        let Some(nr) = self.last_user.filter(|nr| at - log.drafts[*nr].at <= 300) else { return };
        let by_label = self.pointer.label.is_some_and(|(_, label)| label == nr);
        let draft = &mut log.drafts[nr];
        if (draft.node == Some(id) || by_label)
            && (checked || !radio)
            && let Action::Click(click) = &mut draft.action
        {
            click.checked = Some(checked);
        }
    }

    /// A file was chosen: the value isn't recorded.
    pub(super) fn chose_file(&mut self, id: i64, at: i64, log: &mut Log) {
        let input = Input {
            control: Control::File,
            value: Value::Unknown,
            before: None,
            submitted: false,
            typed: Vec::new(),
            emptied: false,
        };
        let mut draft = Draft::new(at, self.tab, Action::Input(input));
        draft.node = Some(id);
        draft.target = self.describe(id);
        self.done(draft, log);
    }
}
