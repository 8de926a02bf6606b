//! Texts of elements as a person reads them, and whether a recording masked them.
//! It uses the arena.
//! It never hands out asterisks for text.

use super::node::{Dom, Kind, Nr};

/// Longest text that names an element, in characters.
pub(super) const LONGEST: usize = 200;
/// Most nodes looked at for one text.
const NODES: usize = 2_000;

/// Whether a recording masked a text: nothing but asterisks and white space. A single one is often a mark of
/// required fields, and stands for itself.
pub(in crate::replay) fn is_masked(text: &str) -> bool {
    let signs = text.chars().filter(|c| !c.is_whitespace());
    let mut n = 0;
    for c in signs {
        if c != '*' && c != '•' {
            return false;
        }
        n += 1;
    }
    n > 1
}

/// White space folded to single spaces, without what surrounds it.
pub(in crate::replay) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The text of an element, or why there is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Folded, cut at [`LONGEST`] characters.
    pub(super) text: String,
    /// A part of it is masked, so that the real text is another.
    pub(super) masked: bool,
    /// It is longer than what is here.
    pub(super) cut: bool,
}

impl Words {
    /// The text when it is whole, there and known.
    pub(super) fn known(self) -> Option<String> {
        (!self.masked && !self.cut && !self.text.is_empty()).then_some(self.text)
    }
}

/// Tags that stand on lines of their own: their texts don't run together with what is beside them.
fn is_block(tag: &str) -> bool {
    !matches!(
        tag,
        "a" | "abbr"
            | "b"
            | "bdi"
            | "cite"
            | "code"
            | "em"
            | "font"
            | "i"
            | "kbd"
            | "label"
            | "mark"
            | "q"
            | "s"
            | "small"
            | "span"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "u"
            | "var"
    )
}

impl Dom {
    /// Visible text of an element.
    pub(super) fn words(&self, nr: Nr) -> Words {
        self.gather(nr, false)
    }

    /// The text that an element's accessible name is made of: with what stands for pictures.
    pub(super) fn name_words(&self, nr: Nr) -> Words {
        self.gather(nr, true)
    }

    fn gather(&self, nr: Nr, for_name: bool) -> Words {
        let mut raw = String::new();
        let mut words = Words::default();
        words.cut = !self.pieces(nr, for_name, &mut |piece| {
            words.masked |= is_masked(piece);
            raw.push_str(piece);
            raw.len() <= LONGEST * 8
        });
        words.text = folded(&raw);
        if words.text.chars().count() > LONGEST {
            words.text = words.text.chars().take(LONGEST).collect();
            words.cut = true;
        }
        words
    }

    /// Whether the visible text of an element is exactly this, without putting it together.
    pub(super) fn says(&self, nr: Nr, want: &str, for_name: bool) -> bool {
        let mut rest = want.chars().peekable();
        let mut gap = true;
        let same = self.pieces(nr, for_name, &mut |piece| {
            piece.chars().all(|c| {
                if c.is_whitespace() {
                    if !gap && rest.peek() == Some(&' ') {
                        rest.next();
                        gap = true;
                    }
                    // White space at the end, or where there was some already.
                    return gap || rest.peek().is_none();
                }
                gap = false;
                rest.next() == Some(c)
            })
        });
        same && rest.peek().is_none()
    }

    /// Whether a text is what the texts in an element are when one follows the other with nothing between lines and
    /// blocks, shown or not: what browsers' tests compare with.
    pub(super) fn runs_together(&self, nr: Nr, want: &str) -> bool {
        let mut raw = String::new();
        let mut waiting = vec![nr];
        for _ in 0..NODES {
            let Some(nr) = waiting.pop() else { return folded(&raw) == want };
            let node = self.node(nr);
            match node.kind {
                Kind::Text => raw.push_str(&node.text),
                Kind::Element if matches!(&*node.tag, "script" | "style" | "noscript") => {}
                _ => {
                    let at = waiting.len();
                    waiting.extend(self.children(nr).filter(|child| !self.node(*child).shadow));
                    waiting[at..].reverse();
                }
            }
        }
        false
    }

    /// Hands over the pieces of an element's text in order until there are none or `take` has enough; whether it
    /// came to the end.
    fn pieces(&self, top: Nr, for_name: bool, take: &mut dyn FnMut(&str) -> bool) -> bool {
        let mut waiting = vec![(top, false)];
        for _ in 0..NODES {
            let Some((nr, leaving)) = waiting.pop() else { return true };
            let node = self.node(nr);
            let inner = nr != top;
            let going_on = match node.kind {
                _ if leaving => take(" "),
                Kind::Text => take(&node.text),
                Kind::Document if inner => true,
                Kind::Element if inner && !self.is_read(nr) => true,
                Kind::Element if inner && for_name && self.stands_for(nr).is_some() => {
                    take(self.stands_for(nr).unwrap_or(""))
                }
                _ => {
                    let block = inner && is_block(&node.tag);
                    if block {
                        waiting.push((nr, true));
                    }
                    let at = waiting.len();
                    waiting.extend(self.children(nr).map(|child| (child, false)));
                    waiting[at..].reverse();
                    !block || take(" ")
                }
            };
            if !going_on {
                return false;
            }
        }
        false
    }

    /// Whether the text in an element is a part of what is read around it.
    fn is_read(&self, nr: Nr) -> bool {
        self.shown_itself(nr) && !matches!(self.tag(nr), "style" | "script" | "select" | "textarea" | "template")
    }

    /// What stands for an element inside a name: the text for a picture, its own label.
    fn stands_for(&self, nr: Nr) -> Option<&str> {
        let said = self.attribute(nr, "aria-label").filter(|text| !text.trim().is_empty());
        said.or_else(|| self.attribute(nr, "alt").filter(|_| self.tag(nr) == "img"))
    }

    /// Whether an element by itself says that it is shown.
    pub(super) fn shown_itself(&self, nr: Nr) -> bool {
        let node = self.node(nr);
        !node.hidden
            && self.attribute(nr, "hidden").is_none()
            && !(node.tag.as_ref() == "dialog" && self.attribute(nr, "open").is_none())
    }

    /// Whether an element is shown, as far as attributes tell: classes may hide it all the same.
    pub(super) fn shown(&self, nr: Nr) -> bool {
        let says_hidden = |nr: Nr| {
            let class = self.attribute(nr, "class").unwrap_or("");
            class.split_whitespace().any(|c| matches!(c, "hidden" | "hide" | "d-none" | "is-hidden" | "invisible"))
                || self.attribute(nr, "aria-hidden") == Some("true")
        };
        self.upwards(nr).all(|nr| !self.is_element(nr) || (self.shown_itself(nr) && !says_hidden(nr)))
    }
}

/// The first text in a subtree that isn't masked.
pub(super) fn first_text(dom: &Dom, nr: Nr) -> Option<String> {
    let whole = dom.words(nr);
    if !whole.masked && !whole.text.is_empty() && whole.text != "*" && whole.text.chars().count() <= 80 {
        return Some(whole.text);
    }
    let mut waiting = vec![nr];
    let mut budget = NODES;
    while let Some(nr) = waiting.pop() {
        budget = budget.checked_sub(1)?;
        let node = dom.node(nr);
        let star = node.text.trim() == "*";
        if node.kind == Kind::Text && !node.text.trim().is_empty() && !star && !is_masked(&node.text) {
            return Some(folded(&node.text).chars().take(80).collect());
        }
        let at = waiting.len();
        waiting.extend(dom.children(nr));
        waiting[at..].reverse();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_asterisks_alone() {
        for (text, masked) in
            [("***", true), ("** ****", true), ("*", false), ("", false), ("a**", false), ("••••", true)]
        {
            assert_eq!(is_masked(text), masked, "{text}");
        }
        assert_eq!(folded("  a \n b\u{a0}c "), "a b c");
    }
}
