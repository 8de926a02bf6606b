//! Accessible names and labels, in the order of the specification.
//! It uses the arena, roles and texts.
//! It never makes a name of masked text.

use super::node::{Dom, Kind, Nr};
use super::text::{LONGEST, Words, folded, is_masked};

impl Dom {
    /// The accessible name.
    pub(super) fn name(&self, nr: Nr) -> Words {
        let steps = [
            Self::name_by_reference,
            Self::name_by_attribute,
            Self::name_by_label,
            Self::name_by_value,
            Self::name_by_content,
            Self::name_by_hint,
        ];
        steps.iter().find_map(|step| step(self, nr).filter(|words| !words.text.is_empty())).unwrap_or_default()
    }

    /// The accessible name of what is looked into rather than read: that of a row is all that stands in it, and changes
    /// with any part of it.
    pub(super) fn said_name(&self, nr: Nr) -> Words {
        match self.role(nr) {
            Some("row" | "cell" | "gridcell" | "columnheader" | "rowheader" | "treeitem" | "option") => {
                let said = self.name_by_reference(nr).or_else(|| self.name_by_attribute(nr));
                said.unwrap_or_default()
            }
            _ => self.name(nr),
        }
    }

    /// Whether the accessible name is exactly this; where it comes of the content, without putting it together.
    pub(super) fn is_named(&self, nr: Nr, want: &str) -> bool {
        let said =
            ["aria-labelledby", "aria-label", "title", "alt"].iter().any(|name| self.attribute(nr, name).is_some());
        let field = matches!(self.tag(nr), "input" | "select" | "textarea" | "img" | "fieldset" | "table");
        if said || field || self.label(nr).is_some() { self.name(nr).text == want } else { self.says(nr, want, true) }
    }

    fn name_by_reference(&self, nr: Nr) -> Option<Words> {
        let ids = self.attribute(nr, "aria-labelledby")?;
        let mut all = Words::default();
        for id in ids.split_whitespace() {
            let words = self.name_words(self.by_dom_id(nr, id)?);
            all.masked |= words.masked;
            all.cut |= words.cut;
            all.text = folded(&[all.text.as_str(), words.text.as_str()].join(" "));
        }
        Some(all)
    }

    fn name_by_attribute(&self, nr: Nr) -> Option<Words> {
        self.attribute(nr, "aria-label").map(words_of)
    }

    fn name_by_label(&self, nr: Nr) -> Option<Words> {
        self.label(nr).map(|label| self.name_words(label))
    }

    /// Buttons that are inputs, and pictures.
    fn name_by_value(&self, nr: Nr) -> Option<Words> {
        match (self.tag(nr), self.input_type(nr)) {
            ("input", "submit" | "button" | "reset") => {
                let default = match self.input_type(nr) {
                    "submit" => "Submit",
                    "reset" => "Reset",
                    _ => "",
                };
                Some(words_of(self.attribute(nr, "value").unwrap_or(default)))
            }
            ("input", "image") | ("img" | "area", _) => self.attribute(nr, "alt").map(words_of),
            ("fieldset", _) => self.child_of(nr, "legend").map(|legend| self.name_words(legend)),
            ("table", _) => self.child_of(nr, "caption").map(|caption| self.name_words(caption)),
            _ => None,
        }
    }

    fn name_by_content(&self, nr: Nr) -> Option<Words> {
        let role = self.role(nr)?;
        let from_content = matches!(
            role,
            "button"
                | "link"
                | "heading"
                | "option"
                | "tab"
                | "menuitem"
                | "menuitemcheckbox"
                | "menuitemradio"
                | "checkbox"
                | "radio"
                | "switch"
                | "treeitem"
                | "cell"
                | "gridcell"
                | "columnheader"
                | "rowheader"
                | "row"
                | "tooltip"
        );
        from_content.then(|| self.name_words(nr))
    }

    fn name_by_hint(&self, nr: Nr) -> Option<Words> {
        self.attribute(nr, "title").or_else(|| self.attribute(nr, "placeholder")).map(words_of)
    }

    /// The label of a field.
    pub(super) fn label(&self, nr: Nr) -> Option<Nr> {
        if !matches!(self.tag(nr), "input" | "select" | "textarea" | "button" | "output" | "meter" | "progress") {
            return None;
        }
        let id = self.attribute(nr, "id").filter(|id| !id.is_empty());
        let named = id.and_then(|id| {
            let labels = self.labels(self.scope_of(nr));
            labels.iter().copied().find(|label| self.attribute(*label, "for") == Some(id))
        });
        named.or_else(|| self.closest(nr, |up| self.tag(up) == "label"))
    }

    /// What a dialog is called: its name, else its first heading.
    pub(super) fn heading(&self, nr: Nr) -> Option<String> {
        let named = self.name(nr).known();
        named.or_else(|| {
            let heading = self.elements(nr).find(|inner| self.role(*inner) == Some("heading"))?;
            self.words(heading).known()
        })
    }

    /// The element with an `id` in the same document or shadow tree.
    pub(super) fn by_dom_id(&self, near: Nr, id: &str) -> Option<Nr> {
        self.elements(self.scope_of(near)).find(|nr| self.attribute(*nr, "id") == Some(id))
    }

    fn child_of(&self, nr: Nr, tag: &str) -> Option<Nr> {
        self.children(nr).find(|child| self.tag(*child) == tag)
    }

    /// The document or shadow host that an element is looked up in.
    pub(super) fn scope_of(&self, nr: Nr) -> Nr {
        let mut at = nr;
        loop {
            let node = self.node(at);
            match node.parent {
                Some(parent) if node.shadow => return parent,
                Some(_) if node.kind == Kind::Document => return at,
                Some(parent) => at = parent,
                None => return at,
            }
        }
    }

    /// All elements below a document, host or element in the order of the document; those of its own shadow root
    /// where it is a host and asked for as a scope, none of frames and of the shadow roots of others.
    pub(super) fn elements(&self, scope: Nr) -> impl Iterator<Item = Nr> {
        let shadow = self.children(scope).any(|child| self.node(child).shadow);
        let mut waiting: Vec<Nr> = self.children(scope).filter(|child| self.node(*child).shadow == shadow).collect();
        waiting.reverse();
        std::iter::from_fn(move || {
            while let Some(nr) = waiting.pop() {
                if self.node(nr).kind != Kind::Element {
                    continue;
                }
                let at = waiting.len();
                waiting.extend(self.children(nr).filter(|child| !self.node(*child).shadow));
                waiting[at..].reverse();
                return Some(nr);
            }
            None
        })
    }
}

/// A text of an attribute.
fn words_of(text: &str) -> Words {
    let text = folded(text);
    let cut = text.chars().count() > LONGEST;
    Words { masked: is_masked(&text), text: text.chars().take(LONGEST).collect(), cut }
}
