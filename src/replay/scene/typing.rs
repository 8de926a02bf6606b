//! Fields: what the user typed and chose, as opposed to what the page set.
//! It uses the page.
//! It never takes a value that the page set for a typed one.

use super::{Focus, Scene};
use crate::replay::{
    Action, Control, Input, Value,
    dom::is_masked,
    draft::{Draft, DraftNr, Log},
    event::Data,
};

/// A page that fills a field does so right after it made it, in milliseconds.
const NEWBORN: i64 = 300;
/// A page answers a click or a key by setting a value within so many milliseconds.
const ANSWER: i64 = 150;
/// A page that empties a field after Enter has changed something else just before.
const JUST_CHANGED: i64 = 200;
/// A page that fills a form sets its fields within so many milliseconds of each other.
const BURST: i64 = 15;
/// The most pause between two positions of a slider that are one movement, in milliseconds.
const SLIDE: i64 = 450;
/// Most values kept of one field's typing.
const TYPED: usize = 200;

/// A field that is being filled.
#[derive(Debug)]
pub(super) struct Typing {
    /// The recording's id of the field.
    pub(super) id: i64,
    /// Its draft.
    pub(super) draft: DraftNr,
    control: Control,
}

/// A choice that may have been the page's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubtful {
    draft: DraftNr,
    at: i64,
    /// Other fields that were set right after it.
    others: u32,
}

impl Scene {
    /// A field has another value.
    pub(super) fn input(&mut self, data: &Data<'_>, at: i64, log: &mut Log) {
        let (Some(id), Some(text)) = (data.id, data.text.as_deref()) else { return };
        self.drop_ended(at, log);
        if self.in_frame(id) {
            log.frames.push((at, self.tab));
        }
        let control = self.control(id);
        let before = self.dom.find(id).and_then(|nr| self.dom.value(nr)).map(str::to_owned);
        let same = self.dom.find(id).is_some() && before.as_deref().unwrap_or("") == text;
        if let Some(nr) = self.dom.find(id) {
            self.dom.set_value(nr, text, data.checked);
        }
        let burst = self.last_input.replace((id, at)).is_some_and(|(other, then)| other != id && at - then <= BURST);
        self.fill(burst, at, log);
        match control {
            Control::Check | Control::Radio => {
                self.toggled(id, data.checked == Some(true), control == Control::Radio, at, log);
            }
            Control::File => self.chose_file(id, at, log),
            Control::Select => self.chose(id, text, burst, at, log),
            // Set to what it was: a page does that, a person can't.
            Control::Text | Control::Editable | Control::Range | Control::Color if same => {}
            Control::Text | Control::Editable | Control::Range | Control::Color => {
                self.typed(id, control, before, text, at, log);
            }
        }
    }

    fn control(&self, id: i64) -> Control {
        let Some(nr) = self.dom.find(id) else { return Control::Text };
        match (self.dom.tag(nr), self.dom.input_type(nr)) {
            ("select", _) => Control::Select,
            ("input", "checkbox") => Control::Check,
            ("input", "radio") => Control::Radio,
            ("input", "range") => Control::Range,
            ("input", "color") => Control::Color,
            ("input", "file") => Control::File,
            _ => Control::Text,
        }
    }

    /// A choice in a `select`.
    fn chose(&mut self, id: i64, text: &str, burst: bool, at: i64, log: &mut Log) {
        if !self.chooses(id, burst, at, log) {
            return;
        }
        let sure = matches!(self.focus, Focus::On(focus) if focus == id);
        let option = self.dom.find(id).map(|nr| self.dom.option(nr, text));
        let (label, index) = option.unwrap_or_default();
        let value = (!is_masked(text)).then(|| text.into());
        let value = Value::Choice { value, label: label.map(Into::into), index };
        let mut draft = Draft::new(at, self.tab, Action::Input(blank(Control::Select, value)));
        draft.node = Some(id);
        draft.target = self.describe(id);
        let nr = self.done(draft, log);
        self.doubtful = (!sure).then_some(Doubtful { draft: nr, at, others: 0 });
    }

    /// Notes whether a choice came with a form that the page filled: two fields or more right after it, and nothing else.
    fn fill(&mut self, burst: bool, at: i64, log: &mut Log) {
        let Some(mut choice) = self.doubtful.take().filter(|choice| at - choice.at <= BURST) else { return };
        choice.others += u32::from(burst);
        if choice.others >= 2 && self.last_change < choice.at {
            log.drafts[choice.draft].dropped = true;
        } else {
            self.doubtful = Some(choice);
        }
    }

    /// Whether the user made a choice, rather than the page: a list gets the focus when it is used with the mouse, not
    /// always otherwise, so the page is who chooses in a list it just made, in answer to something, or in several at once.
    fn chooses(&self, id: i64, burst: bool, at: i64, log: &Log) -> bool {
        if matches!(self.focus, Focus::On(focus) if focus == id) || self.pointer.holds(id) {
            return true;
        }
        self.since_user(at, log) > ANSWER && !burst && !self.newborn(id, at)
    }

    /// Whether the page made an element a moment ago.
    fn newborn(&self, id: i64, at: i64) -> bool {
        self.dom.find(id).is_some_and(|nr| {
            let born = self.dom.born(nr);
            born != 0 && at - born <= NEWBORN
        })
    }

    fn typed(&mut self, id: i64, control: Control, before: Option<String>, text: &str, at: i64, log: &mut Log) {
        let old = before.as_deref().unwrap_or("");
        let going_on = self.typing.as_ref().filter(|typing| typing.id == id).map(|typing| typing.draft);
        if !self.is_users(id, old, text, at, log) {
            if let (true, Some(nr)) = (text.is_empty(), going_on) {
                self.emptied(nr, at, log);
            }
            return;
        }
        let slid = |nr: DraftNr| control == Control::Range && at - log.drafts[nr].until > SLIDE;
        // A field that is emptied begins anew: what was typed before was another value.
        let going_on = going_on.filter(|nr| !(text.is_empty() && is_long(old) || slid(*nr)));
        let nr = going_on.unwrap_or_else(|| {
            let mut input = blank(control, Value::Unknown);
            input.before = before.clone().filter(|old| !is_masked(old)).map(Into::into);
            let mut draft = Draft::new(at, self.tab, Action::Input(input));
            draft.node = Some(id);
            draft.target = self.describe(id);
            self.done(draft, log)
        });
        self.typing = Some(Typing { id, draft: nr, control });
        let secret = log.masked_inputs || self.dom.find(id).is_some_and(|nr| self.dom.input_type(nr) == "password");
        log.drafts[nr].until = at;
        if let Action::Input(input) = &mut log.drafts[nr].action {
            let masked = is_masked(text) || (text == "*" && secret);
            if masked {
                input.value = Value::Masked { chars: u32::try_from(text.chars().count()).unwrap_or(u32::MAX) };
                input.typed.clear();
            } else {
                input.value = Value::Text(text.into());
                if input.typed.len() < TYPED {
                    input.typed.push(text.into());
                }
            }
        }
    }

    /// Whether the user changed a field, rather than the page.
    fn is_users(&self, id: i64, old: &str, new: &str, at: i64, log: &Log) -> bool {
        let jump = chars_apart(old, new) > 2;
        match self.focus {
            Focus::On(focus) if focus == id => {}
            Focus::New if self.dom.find(id).is_some_and(|nr| self.dom.born(nr) != 0) => {}
            // A small change is a key's; a whole value may be the page's.
            Focus::Unknown | Focus::New if !jump && at - self.whole_since > NEWBORN => {}
            _ => return false,
        }
        let own = self.typing.as_ref().is_some_and(|typing| typing.id == id);
        if new.is_empty() && is_long(old) {
            let answered = self.since_user(at, log) <= ANSWER && !own;
            return !answered && at - self.last_change > JUST_CHANGED;
        }
        let newborn = self.newborn(id, at);
        !(jump && (newborn || (self.since_user(at, log) <= ANSWER && !own && !self.came_to(id, log))))
    }

    /// Whether the last thing that the user did was to go to this field: to click on it, or to leave another one for it.
    /// What comes right after is pasted, filled in by the browser, or typed by a machine, and no answer of the page.
    fn came_to(&self, id: i64, log: &Log) -> bool {
        let focused = matches!(self.focus, Focus::On(focus) if focus == id);
        self.last_user.map(|nr| &log.drafts[nr]).is_some_and(|last| match &last.action {
            Action::Click(_) => last.node == Some(id),
            Action::Key(key) => focused && key.key.raw() == "Tab",
            Action::Input(_) => focused && last.node != Some(id),
            _ => false,
        })
    }

    /// The field that was being typed into went away, and nothing was pressed: Enter, most likely.
    pub(super) fn field_gone(&mut self, at: i64, log: &mut Log) {
        let gone = self.typing.as_ref().filter(|typing| {
            typing.control == Control::Text && self.dom.find(typing.id).is_none_or(|nr| !self.dom.attached(nr))
        });
        if let Some(nr) = gone.map(|typing| typing.draft).filter(|_| !self.pointer.is_down()) {
            self.emptied(nr, at, log);
        }
    }

    /// The page emptied the field that was being typed into.
    fn emptied(&mut self, nr: DraftNr, at: i64, log: &mut Log) {
        let draft = &mut log.drafts[nr];
        if let Action::Input(input) = &mut draft.action {
            input.emptied = at - draft.until <= 10_000;
        }
        self.typing = None;
    }

    /// A breadcrumb says that a key was pressed in a field; for editable elements it is all that tells of typing.
    pub(super) fn key_in_field(&mut self, id: i64, at: i64, log: &mut Log) {
        let field = self.dom.find(id);
        let known = self.known.get(&id).map(|target| target.tag.raw().to_owned());
        let tag = field.map(|nr| self.dom.tag(nr).to_owned()).or(known);
        // Whatever else is known: keys go to what has the focus.
        self.focus = Focus::On(id);
        if !tag.is_some_and(|tag| !matches!(tag.as_str(), "input" | "textarea" | "select")) {
            return;
        }
        if self.typing.as_ref().is_some_and(|typing| typing.id == id) {
            return;
        }
        let mut input = blank(Control::Editable, Value::Unknown);
        input.before = field.and_then(|nr| self.dom.editable_text(nr)).map(Into::into);
        let mut draft = Draft::new(at, self.tab, Action::Input(input));
        draft.node = Some(id);
        // An editable element is a field as it stands, whatever control it may be in.
        draft.target = field.map(|nr| self.dom.target(nr)).or_else(|| self.describe(id));
        // What it reads is its value, by which nothing finds it once a key is pressed.
        if let Some(target) = &mut draft.target {
            target.text = None;
        }
        let nr = self.done(draft, log);
        self.typing = Some(Typing { id, draft: nr, control: Control::Editable });
    }

    /// Typing goes on in an editable element that the page emptied: no breadcrumb says so again.
    fn refilled(&mut self, data: &Data<'_>, at: i64, log: &mut Log) {
        let Some(id) = self.refill.filter(|_| self.typing.is_none()) else { return };
        let Some(field) = self.dom.find(id) else { return };
        let inside = |id: i64| self.dom.find(id).is_some_and(|nr| self.dom.within(nr, field));
        let ours = data.texts.iter().any(|text| inside(text.id)) || data.adds.iter().any(|add| inside(add.parent));
        let filled = self.dom.editable_text(field).is_none_or(|text| !text.is_empty());
        if ours && filled && matches!(self.focus, Focus::On(focus) if focus == id) {
            self.key_in_field(id, at, log);
            let nr = self.typing.as_ref().filter(|typing| typing.id == id).map(|typing| typing.draft);
            if let Some(Action::Input(input)) = nr.map(|nr| &mut log.drafts[nr].action) {
                input.before = Some("".into());
            }
        }
    }

    /// Whether a mutation is the typing in an editable element, and no answer of the page.
    pub(super) fn edited(&mut self, data: &Data<'_>, at: i64, log: &mut Log) -> bool {
        self.refilled(data, at, log);
        let Some(typing) = self.typing.as_ref().filter(|typing| typing.control == Control::Editable) else {
            return false;
        };
        let Some(field) = self.dom.find(typing.id) else { return false };
        let (nr, id) = (typing.draft, typing.id);
        if self.dom.editable_text(field).is_some_and(|text| text.is_empty()) && holds_much(&log.drafts[nr]) {
            // Keys take one character at a time: the page took it all.
            self.emptied(nr, at, log);
            self.refill = Some(id);
            return false;
        }
        let inside = |id: i64| self.dom.find(id).is_some_and(|nr| self.dom.within(nr, field));
        let ours = data.texts.iter().any(|text| inside(text.id)) || data.adds.iter().any(|add| inside(add.parent));
        let all_ours = data.texts.iter().all(|text| inside(text.id)) && data.adds.iter().all(|add| inside(add.parent));
        if !ours || matches!(self.focus, Focus::On(focus) if focus != typing.id && !inside(focus)) {
            return false;
        }
        let value = match self.dom.editable_text(field) {
            Some(text) => Value::Text(text.into()),
            None => Value::Masked { chars: self.dom.masked_length(field) },
        };
        let draft = &mut log.drafts[typing.draft];
        draft.until = at;
        if let Action::Input(input) = &mut draft.action {
            if let Value::Text(text) = &value
                && input.typed.len() < TYPED
                && input.typed.last() != Some(text)
            {
                input.typed.push(text.clone());
            }
            input.value = value;
        }
        all_ours
    }
}

fn blank(control: Control, value: Value) -> Input {
    Input { control, value, before: None, submitted: false, typed: Vec::new(), emptied: false }
}

/// Whether what was typed into a field so far is more than one key takes away.
fn holds_much(draft: &Draft) -> bool {
    matches!(&draft.action, Action::Input(Input { value: Value::Text(text), .. }) if is_long(text.raw()))
}

fn is_long(text: &str) -> bool {
    text.chars().nth(1).is_some()
}

/// How many characters were put in or taken out between two values that share their beginning and end.
fn chars_apart(old: &str, new: &str) -> usize {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    (old.len() - head - tail).max(new.len() - head - tail)
}

#[cfg(test)]
mod tests {
    use super::chars_apart;

    #[test]
    fn a_key_changes_little() {
        for (old, new, apart) in
            [("", "W", 1), ("Wa", "Wat", 1), ("abc", "", 3), ("abc", "xyz", 3), ("555", "(555", 1), ("aa", "aaa", 1)]
        {
            assert_eq!(chars_apart(old, new), apart, "{old} {new}");
        }
    }
}
