//! Nodes in an arena, siblings linked, found by the recording's ids.
//! It uses nothing.
//! It never panics on an id that isn't there.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::Arc,
};

/// Place of a node in the arena.
pub(in crate::replay) type Nr = u32;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::replay) enum Kind {
    /// The page or the inside of a frame.
    Document,
    /// An element.
    Element,
    /// A text.
    Text,
    /// Anything else.
    Other,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: i64,
    pub(super) kind: Kind,
    pub(super) parent: Option<Nr>,
    pub(super) first: Option<Nr>,
    pub(super) last: Option<Nr>,
    pub(super) before: Option<Nr>,
    pub(super) after: Option<Nr>,
    /// Tag in lower case; empty for what is no element.
    pub(super) tag: Box<str>,
    pub(super) attributes: Vec<(Box<str>, Box<str>)>,
    /// Text of a text node.
    pub(super) text: Box<str>,
    /// It is a child of its parent's shadow root.
    pub(super) shadow: bool,
    /// Its style hides it.
    pub(super) hidden: bool,
    /// Current value of a field, once it differs from the attribute.
    pub(super) value: Option<Box<str>>,
    /// Current state of a checkbox or radio, once it was set.
    pub(super) checked: Option<bool>,
    /// When it came into the page, in milliseconds since 1970; 0: with the snapshot.
    pub(super) born: i64,
    /// How many nodes are around it.
    pub(super) depth: u32,
}

/// Deepest level of a page: what a made-up recording puts deeper is left out, so that no walk upwards is long.
pub(super) const DEEPEST: u32 = 4_096;

/// How many removed nodes are kept for what still speaks of them: a click that made its own button vanish.
const REMOVED: usize = 4_096;

/// A page as it stands.
#[derive(Debug, Default)]
pub(in crate::replay) struct Dom {
    nodes: Vec<Option<Node>>,
    free: Vec<Nr>,
    by_id: HashMap<i64, Nr>,
    /// The outermost document.
    pub(super) root: Option<Nr>,
    /// Tops of removed subtrees, oldest first.
    removed: std::collections::VecDeque<Nr>,
    removed_nodes: usize,
    /// Most nodes.
    pub(super) limit: usize,
    /// A part of the recording is missing since the snapshot: what stands here may be old.
    pub(super) stale: bool,
    /// Grows with each change of the tree.
    version: u64,
    /// Elements of the scope that was walked last, and the version then.
    listed: RefCell<Option<Listed>>,
    /// How many more elements are described in full wherever they stand.
    details: Cell<u32>,
    /// What is described now is shortly before an error: in full, however many there were.
    telling: bool,
    /// The element being described is not worth counting the page for.
    pub(super) light: Cell<bool>,
}

/// The elements of a scope as they stood at one version of the page.
#[derive(Clone, Debug)]
struct Listed {
    scope: Nr,
    version: u64,
    all: Arc<[Nr]>,
    labels: Arc<[Nr]>,
}

/// Elements of a replay that are described in full wherever they stand: each costs a walk through the page.
const DETAILS: u32 = 250;

impl Dom {
    /// An empty page of at most so many nodes.
    pub(in crate::replay) fn new(limit: usize) -> Self {
        Self { limit, details: Cell::new(DETAILS), ..Self::default() }
    }

    /// Says whether what is described from now on is shortly before an error.
    pub(in crate::replay) fn tell(&mut self, telling: bool) {
        self.telling = telling;
    }

    /// Whether the next element is described in full; counts it.
    pub(super) fn in_detail(&self) -> bool {
        let left = self.details.get();
        self.details.set(left.saturating_sub(1));
        self.telling || left > 0
    }

    /// The elements of a scope in the order of the document, walked once for each state of the page.
    pub(super) fn listed(&self, scope: Nr) -> Arc<[Nr]> {
        self.list(scope).all
    }

    /// The labels of a scope that name their field by its id.
    pub(super) fn labels(&self, scope: Nr) -> Arc<[Nr]> {
        self.list(scope).labels
    }

    fn list(&self, scope: Nr) -> Listed {
        let mut listed = self.listed.borrow_mut();
        if let Some(known) = listed.as_ref().filter(|known| known.scope == scope && known.version == self.version) {
            return known.clone();
        }
        let all: Arc<[Nr]> = self.elements(scope).collect();
        let names = |nr: &Nr| self.tag(*nr) == "label" && self.attribute(*nr, "for").is_some();
        let labels = all.iter().copied().filter(names).collect();
        listed.insert(Listed { scope, version: self.version, all, labels }).clone()
    }

    /// Forgets everything: another document begins.
    pub(in crate::replay) fn clear(&mut self) {
        let (version, details, telling) = (self.version + 1, self.details.clone(), self.telling);
        *self = Self { version, details, telling, ..Self::new(self.limit) };
    }

    /// Notes that mutations were lost.
    pub(in crate::replay) fn doubt(&mut self) {
        self.stale = true;
    }

    /// Whether nothing is known of the page.
    pub(in crate::replay) fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The node with the recording's id.
    pub(in crate::replay) fn find(&self, id: i64) -> Option<Nr> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn node(&self, nr: Nr) -> &Node {
        self.nodes[nr as usize].as_ref().expect("numbers of nodes that are gone are not kept")
    }

    pub(super) fn node_mut(&mut self, nr: Nr) -> &mut Node {
        self.nodes[nr as usize].as_mut().expect("numbers of nodes that are gone are not kept")
    }

    /// The recording's id of a node.
    pub(in crate::replay) fn id(&self, nr: Nr) -> i64 {
        self.node(nr).id
    }

    /// The node around it, shadow roots and frames crossed.
    pub(in crate::replay) fn parent(&self, nr: Nr) -> Option<Nr> {
        self.node(nr).parent
    }

    /// Itself and what is around it, inside out.
    pub(in crate::replay) fn upwards(&self, nr: Nr) -> impl Iterator<Item = Nr> {
        std::iter::successors(Some(nr), |nr| self.node(*nr).parent)
    }

    pub(super) fn children(&self, nr: Nr) -> impl Iterator<Item = Nr> {
        std::iter::successors(self.node(nr).first, |nr| self.node(*nr).after)
    }

    /// Whether it is an element.
    pub(in crate::replay) fn is_element(&self, nr: Nr) -> bool {
        self.node(nr).kind == Kind::Element
    }

    /// Its tag in lower case.
    pub(in crate::replay) fn tag(&self, nr: Nr) -> &str {
        &self.node(nr).tag
    }

    /// An attribute.
    pub(in crate::replay) fn attribute(&self, nr: Nr, name: &str) -> Option<&str> {
        self.node(nr).attributes.iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value)
    }

    pub(super) fn set_attribute(&mut self, nr: Nr, name: &str, value: Option<&str>) {
        self.version += u64::from(name == "for");
        let attributes = &mut self.node_mut(nr).attributes;
        let at = attributes.iter().position(|(key, _)| &**key == name);
        match (at, value) {
            (Some(at), Some(value)) => attributes[at].1 = value.into(),
            (Some(at), None) => drop(attributes.remove(at)),
            (None, Some(value)) => attributes.push((name.into(), value.into())),
            (None, None) => {}
        }
    }

    /// When it came into the page, in milliseconds since 1970; 0: with the snapshot.
    pub(in crate::replay) fn born(&self, nr: Nr) -> i64 {
        self.node(nr).born
    }

    /// What a field holds.
    pub(in crate::replay) fn value(&self, nr: Nr) -> Option<&str> {
        let node = self.node(nr);
        node.value.as_deref().or_else(|| self.attribute(nr, "value"))
    }

    /// Notes what a field holds from now on.
    pub(in crate::replay) fn set_value(&mut self, nr: Nr, value: &str, checked: Option<bool>) {
        let node = self.node_mut(nr);
        node.value = Some(value.into());
        node.checked = checked.or(node.checked);
    }

    /// The innermost element around a node that fits, itself included; it doesn't leave the document or shadow tree.
    pub(in crate::replay) fn closest(&self, nr: Nr, fits: impl Fn(Nr) -> bool) -> Option<Nr> {
        let mut at = Some(nr);
        while let Some(nr) = at {
            let node = self.node(nr);
            if node.kind == Kind::Element && fits(nr) {
                return Some(nr);
            }
            at = if node.shadow { None } else { node.parent.filter(|up| self.node(*up).kind == Kind::Element) };
        }
        None
    }

    /// Whether `inner` is `outer` or stands in it.
    pub(in crate::replay) fn within(&self, inner: Nr, outer: Nr) -> bool {
        self.upwards(inner).any(|nr| nr == outer)
    }

    /// Whether it stands in a frame's document.
    pub(in crate::replay) fn in_frame(&self, nr: Nr) -> bool {
        self.upwards(nr).last().is_some_and(|top| Some(top) == self.root)
            && self.upwards(nr).filter(|nr| self.node(*nr).kind == Kind::Document).count() > 1
    }

    /// Whether it is in the page, rather than removed from it.
    pub(in crate::replay) fn attached(&self, nr: Nr) -> bool {
        self.upwards(nr).last() == self.root
    }

    /// Adds a node without a place. A node with that id is dropped first: recorders send some twice.
    pub(super) fn insert(&mut self, node: Node) -> Option<Nr> {
        if let Some(old) = self.find(node.id) {
            self.detach(old);
            self.forget(old);
        }
        if self.by_id.len() >= self.limit {
            return None;
        }
        let id = node.id;
        let nr = match self.free.pop() {
            Some(nr) => {
                self.nodes[nr as usize] = Some(node);
                nr
            }
            None => {
                self.nodes.push(Some(node));
                Nr::try_from(self.nodes.len() - 1).expect("the limit of nodes is far below")
            }
        };
        self.by_id.insert(id, nr);
        Some(nr)
    }

    /// Puts a node without a place under a parent, before a sibling or at the end.
    pub(super) fn attach(&mut self, nr: Nr, parent: Nr, before: Option<Nr>) {
        self.version += 1;
        let after = before.filter(|next| self.node(*next).parent == Some(parent));
        let left = match after {
            Some(next) => self.node(next).before,
            None => self.node(parent).last,
        };
        let node = self.node_mut(nr);
        (node.parent, node.before, node.after) = (Some(parent), left, after);
        match left {
            Some(left) => self.node_mut(left).after = Some(nr),
            None => self.node_mut(parent).first = Some(nr),
        }
        match after {
            Some(next) => self.node_mut(next).before = Some(nr),
            None => self.node_mut(parent).last = Some(nr),
        }
    }

    /// Takes a node out of its place; its children stay with it.
    pub(super) fn detach(&mut self, nr: Nr) {
        self.version += 1;
        let node = self.node_mut(nr);
        let (parent, before, after) = (node.parent.take(), node.before.take(), node.after.take());
        let Some(parent) = parent else { return };
        match before {
            Some(before) => self.node_mut(before).after = after,
            None => self.node_mut(parent).first = after,
        }
        match after {
            Some(after) => self.node_mut(after).before = before,
            None => self.node_mut(parent).last = before,
        }
    }

    /// Takes a subtree out of the page and keeps it for a while.
    pub(super) fn remove(&mut self, nr: Nr) {
        self.detach(nr);
        self.removed_nodes += 1;
        self.removed.push_back(nr);
        while self.removed_nodes > REMOVED {
            self.removed_nodes -= 1;
            let Some(oldest) = self.removed.pop_front() else { break };
            // It may have been put back, or dropped when its id came again.
            let gone = self.nodes[oldest as usize].as_ref().is_some_and(|node| node.parent.is_none());
            if gone && Some(oldest) != self.root {
                self.forget(oldest);
            }
        }
    }

    /// Drops a subtree for good.
    fn forget(&mut self, nr: Nr) {
        let mut waiting = vec![nr];
        while let Some(nr) = waiting.pop() {
            waiting.extend(self.children(nr).collect::<Vec<_>>());
            if let Some(node) = self.nodes[nr as usize].take() {
                // A later node may have taken over the id.
                if self.by_id.get(&node.id) == Some(&nr) {
                    self.by_id.remove(&node.id);
                }
                self.free.push(nr);
            }
        }
    }
}
