//! Snapshots and mutations applied to the page.
//! It uses the arena.
//! It never trusts that an id is known or a parent is there.

use std::collections::{HashMap, HashSet, VecDeque};

use super::node::{DEEPEST, Dom, Kind, Node, Nr};
use super::text::{first_text, is_masked};
use crate::replay::event::{Add, Attribute, Attributes, Data, RawNode};

/// What a mutation did, as far as somebody looking at the page would notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::replay) struct Change {
    /// Elements at the top of what was added.
    pub(in crate::replay) added: u32,
    /// Their texts, of the first few.
    pub(in crate::replay) added_texts: Vec<String>,
    /// Elements at the top of what was removed.
    pub(in crate::replay) removed: u32,
    /// Their texts, of the first few.
    pub(in crate::replay) removed_texts: Vec<String>,
    /// A text changed, to this.
    pub(in crate::replay) text: Option<String>,
    /// A text changed that is masked.
    pub(in crate::replay) masked_text: bool,
    /// A dialog appeared, with its name.
    pub(in crate::replay) opened: Option<Option<String>>,
    /// A dialog vanished.
    pub(in crate::replay) closed: bool,
    /// A live region says this.
    pub(in crate::replay) announced: Option<String>,
    /// Elements that were moved.
    pub(in crate::replay) moved: u32,
    /// Attributes changed.
    pub(in crate::replay) styled: u32,
}

impl Change {
    /// Whether nothing happened.
    pub(in crate::replay) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Most walks through a part of the page for one mutation.
const LOOKS: u32 = 200;
/// Longest text of a node that is kept, in bytes.
const TEXT: usize = 4_096;
/// Most texts kept of one mutation.
pub(in crate::replay) const TEXTS: usize = 40;
/// Longest value of an attribute that is kept, in bytes.
const VALUE: usize = 1_024;

impl Dom {
    /// Replaces the page by a full snapshot.
    pub(in crate::replay) fn snapshot(&mut self, node: &RawNode<'_>) {
        self.clear();
        self.root = self.grow(node, None, 0);
    }

    /// Builds a subtree: the node itself has no place yet, what is in it has. An id that comes twice within counts once,
    /// and `around`, what it will stand in, is not in it: no node is ever within itself.
    fn grow(&mut self, top: &RawNode<'_>, around: Option<Nr>, now: i64) -> Option<Nr> {
        let (tag, depth) = match around {
            Some(nr) => (Some(self.node(nr).tag.clone()), self.node(nr).depth + 1),
            None => (None, 0),
        };
        let mut seen: HashSet<i64> = around.map(|nr| self.id(nr)).into_iter().collect();
        if !seen.insert(top.id) || depth > DEEPEST {
            return None;
        }
        let nr = self.insert(Node { depth, ..node_of(top, tag.as_deref(), now) })?;
        let mut waiting: Vec<(Nr, &RawNode<'_>)> = top.children.iter().rev().map(|child| (nr, child)).collect();
        while let Some((parent, raw)) = waiting.pop() {
            let (tag, depth) = (self.node(parent).tag.clone(), self.node(parent).depth + 1);
            if depth > DEEPEST || !seen.insert(raw.id) {
                continue;
            }
            let Some(nr) = self.insert(Node { depth, ..node_of(raw, Some(&tag), now) }) else { break };
            self.attach(nr, parent, None);
            waiting.extend(raw.children.iter().rev().map(|child| (nr, child)));
        }
        Some(nr)
    }

    /// Applies a mutation: removals, then additions, texts, attributes. `now` is in milliseconds since 1970.
    pub(in crate::replay) fn mutate(&mut self, data: &Data<'_>, now: i64) -> Change {
        let mut change = Change::default();
        // What is added again has moved: nobody sees it come or go.
        let again: HashSet<i64> =
            data.adds.iter().map(|add| add.node.id).filter(|id| self.find(*id).is_some()).collect();
        for removed in &data.removes {
            if let Some(nr) = self.find(removed.id).filter(|nr| Some(*nr) != self.root) {
                if !again.contains(&removed.id) {
                    self.note_removed(nr, &mut change);
                }
                self.remove(nr);
            }
        }
        change.moved = u32::try_from(again.len()).unwrap_or(u32::MAX);
        let added = self.add_all(&data.adds, now);
        for text in &data.texts {
            self.set_text(text.id, text.value.as_deref().unwrap_or(""), &mut change);
        }
        for changed in &data.attributes {
            self.set_attributes(changed.id, &changed.attributes, &mut change);
        }
        // Described last, when everything in them has come.
        for nr in added.into_iter().filter(|nr| !again.contains(&self.id(*nr))) {
            self.note_added(nr, &mut change);
        }
        change
    }

    /// Adds nodes, those whose parent or sibling comes later in the list after it. Returns the tops of what is new.
    /// Each is looked at three times at most: at its turn, and once for each of the two that it waits for.
    fn add_all(&mut self, adds: &[Add<'_>], now: i64) -> Vec<Nr> {
        let mut added = Vec::new();
        let mut coming: HashSet<i64> = adds.iter().map(|add| add.node.id).collect();
        // What is in the page already and comes again can be stood beside at once.
        coming.retain(|id| !self.find(*id).is_some_and(|nr| self.attached(nr)));
        let mut waiting: HashMap<i64, Vec<&Add<'_>>> = HashMap::new();
        let mut turn: VecDeque<&Add<'_>> = adds.iter().collect();
        while let Some(add) = turn.pop_front() {
            let needs = [Some(add.parent), add.next].into_iter().flatten().find(|id| coming.contains(id));
            match needs {
                Some(id) => waiting.entry(id).or_default().push(add),
                None => {
                    added.extend(self.add(add, now));
                    coming.remove(&add.node.id);
                    turn.extend(waiting.remove(&add.node.id).into_iter().flatten());
                }
            }
        }
        // What is left points at each other or at nothing: placed as well as can be.
        for add in adds.iter().filter(|add| coming.contains(&add.node.id)) {
            added.extend(self.add(add, now));
        }
        added.retain(|nr| self.parent(*nr).is_some_and(|parent| !added_within(self, parent, now)));
        added
    }

    fn add(&mut self, add: &Add<'_>, now: i64) -> Option<Nr> {
        let parent = self.find(add.parent)?;
        let nr = self.grow(&add.node, Some(parent), now)?;
        // The parent may have been within the very node that came again.
        if self.find(add.parent) != Some(parent) {
            return None;
        }
        let next = add.next.and_then(|id| self.find(id));
        self.attach(nr, parent, next);
        Some(nr)
    }

    fn set_text(&mut self, id: i64, text: &str, change: &mut Change) {
        let Some(nr) = self.find(id) else { return };
        if self.node(nr).kind != Kind::Text || *self.node(nr).text == *text {
            return;
        }
        self.node_mut(nr).text = cut(text, TEXT).into();
        if is_masked(text) || text.trim() == "*" {
            change.masked_text = true;
        } else if !text.trim().is_empty() {
            change.text.get_or_insert_with(|| text.trim().to_owned());
        }
        self.note_live(nr, change);
    }

    fn set_attributes(&mut self, id: i64, attributes: &Attributes<'_>, change: &mut Change) {
        let Some(nr) = self.find(id) else { return };
        let (dialog, shown) = (self.is_dialog(nr), self.shown(nr));
        for (name, value) in &attributes.0 {
            match value {
                Attribute::Text(text) => self.set_attribute(nr, name, Some(cut(text, VALUE))),
                Attribute::Gone => self.set_attribute(nr, name, None),
                Attribute::Style { hidden } => self.node_mut(nr).hidden = hidden.unwrap_or(self.node(nr).hidden),
            }
        }
        change.styled += 1;
        match (dialog || self.is_dialog(nr), shown, self.shown(nr)) {
            (true, false, true) if change.styled <= LOOKS => change.opened = Some(self.heading(nr)),
            (true, true, false) => change.closed = true,
            _ => {}
        }
    }

    fn note_added(&self, nr: Nr, change: &mut Change) {
        self.note_live(nr, change);
        let text = first_text(self, nr);
        if self.node(nr).kind == Kind::Text {
            match text {
                Some(text) => drop(change.text.get_or_insert(text)),
                None => change.masked_text |= !self.node(nr).text.trim().is_empty(),
            }
            return;
        }
        if !self.is_element(nr) {
            return;
        }
        change.added += 1;
        change.added_texts.extend(text.filter(|_| change.added_texts.len() < TEXTS));
        if let Some(dialog) = self.dialog_in(nr) {
            change.opened = Some(self.heading(dialog));
        }
    }

    fn note_removed(&self, nr: Nr, change: &mut Change) {
        if !self.is_element(nr) {
            return;
        }
        change.removed += 1;
        if change.removed_texts.len() < TEXTS {
            change.removed_texts.extend(first_text(self, nr));
        }
        // Each look walks through what was removed, which may be within what was removed before.
        change.closed = change.closed || (change.removed <= LOOKS && self.dialog_in(nr).is_some());
    }

    /// What a live region around a changed text says now.
    fn note_live(&self, nr: Nr, change: &mut Change) {
        let live = self
            .closest(self.parent(nr).unwrap_or(nr), |up| self.is_live(up))
            .or_else(|| (self.is_element(nr) && self.is_live(nr)).then_some(nr));
        if let Some(text) = live.and_then(|live| first_text(self, live)) {
            change.announced = Some(text);
        }
    }
}

/// Whether a node or what is around it came with the mutation of that moment.
fn added_within(dom: &Dom, nr: Nr, now: i64) -> bool {
    now != 0 && dom.is_element(nr) && dom.born(nr) == now
}

fn node_of(raw: &RawNode<'_>, parent_tag: Option<&str>, now: i64) -> Node {
    let kind = match raw.ty {
        0 => Kind::Document,
        2 => Kind::Element,
        3 => Kind::Text,
        _ => Kind::Other,
    };
    let mut node = Node {
        id: raw.id,
        kind,
        parent: None,
        first: None,
        last: None,
        before: None,
        after: None,
        tag: raw.tag.as_deref().unwrap_or("").to_ascii_lowercase().into(),
        attributes: Vec::new(),
        text: Box::default(),
        shadow: raw.shadow,
        hidden: false,
        value: None,
        checked: None,
        born: now,
        depth: 0,
    };
    let silent = raw.style || matches!(parent_tag, Some("style" | "script" | "noscript" | "template"));
    if let Some(text) = raw.text.as_deref().filter(|_| kind == Kind::Text && !silent) {
        node.text = cut(text, TEXT).into();
    }
    for (name, value) in &raw.attributes.0 {
        match value {
            Attribute::Text(text) => node.attributes.push((name.as_ref().into(), cut(text, VALUE).into())),
            Attribute::Style { hidden } => node.hidden = *hidden == Some(true),
            Attribute::Gone => {}
        }
    }
    node
}

/// The first bytes of a text, whole characters.
fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
