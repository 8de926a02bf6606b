//! The element that a step was done to, with all that could name it.
//! It uses `model` alone.
//! It never chooses a locator: it says what there is and how many elements share it.

use crate::model::Untrusted;

/// A text that an element has, and how many others of its document had the same at that moment.
///
/// Texts are compared exactly, with runs of white space as one space: what `{ exact: true }` means in Playwright.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Shared {
    /// The text, white space folded, without what surrounds it.
    pub text: Untrusted,
    /// How many elements of the same document or shadow tree have it, this one included; 0: not known, since the
    /// document isn't (a segment was lost).
    pub count: u32,
    /// Its place among them in the order of the document, from 0.
    pub index: u32,
}

impl Shared {
    /// Whether it is known to single the element out.
    pub fn unique(&self) -> bool {
        self.count == 1
    }
}

/// A border between documents that has to be crossed on the way to an element, from the outermost one inwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// What is crossed.
    pub kind: HopKind,
    /// CSS selector of the frame or host element, unique in the document around it.
    pub css: Untrusted,
}

/// Kinds of borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HopKind {
    /// An `iframe`: locators need `frameLocator`.
    Frame,
    /// A shadow root: Playwright's CSS and role locators pierce open ones by themselves.
    Shadow,
}

/// An element around the target: what a tester would narrow a search to (a row, a card, a dialog, a form).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Container {
    /// Tag, in lower case.
    pub tag: Untrusted,
    /// ARIA role, said or implied by the tag.
    pub role: Option<Untrusted>,
    /// `id`.
    pub id: Option<Shared>,
    /// Test id.
    pub test_id: Option<Shared>,
    /// Accessible name.
    pub name: Option<Shared>,
    /// A text directly in it that no sibling of the same tag holds, such as the heading of a card: for `hasText`.
    pub own_text: Option<Untrusted>,
    /// How many elements of the same role hold `own_text` anywhere in their text, in any case of letters; 0: not known.
    pub text_count: u32,
    /// How many elements inside it have the target's role and name; 0: not known.
    pub name_count: u32,
    /// How many innermost elements inside it have the target's text; 0: not known.
    pub text_count_inside: u32,
}

/// The element that a step was done to: as it was at that moment, before the step changed anything.
///
/// Where the recording masked a text, the text is left out here, never given as asterisks.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Target {
    /// Tag, in lower case. Empty when only a path from a breadcrumb is known and it doesn't say.
    pub tag: Untrusted,
    /// ARIA role, said or implied by tag and type.
    pub role: Option<Untrusted>,
    /// Accessible name (`aria-labelledby`, `aria-label`, label, text, alt, title, placeholder), shared by elements of the same role.
    pub name: Option<Shared>,
    /// Text of its `<label>`, shared by labelled elements.
    pub label: Option<Shared>,
    /// Visible text, shared by innermost elements with that text.
    pub text: Option<Shared>,
    /// `data-testid` or whichever attribute `test_id_attribute` says.
    pub test_id: Option<Shared>,
    /// `data-testid` unless the page has another: `data-test-id`, `data-test`, `data-cy` …
    pub test_id_attribute: Option<Untrusted>,
    /// `placeholder`.
    pub placeholder: Option<Shared>,
    /// `title`.
    pub title: Option<Shared>,
    /// `alt`.
    pub alt: Option<Shared>,
    /// `name`, shared by elements of the same tag.
    pub name_attribute: Option<Shared>,
    /// `id`.
    pub id: Option<Shared>,
    /// Classes, each.
    pub classes: Vec<Shared>,
    /// `type` of an input or button.
    pub input_type: Option<Untrusted>,
    /// `value` attribute of a radio, checkbox or option, unless masked.
    pub value: Option<Untrusted>,
    /// `href` of a link, shared by links: in full, as recordings have it, whatever the page wrote.
    pub href: Option<Shared>,
    /// Shortest stable CSS selector found: unique at that moment in its document or shadow tree when `css_count` is 1.
    pub css: Untrusted,
    /// How many elements `css` fits; 0: not known.
    pub css_count: u32,
    /// Place among siblings of the same tag, from 1; 0: not known.
    pub nth_of_type: u32,
    /// Frames and shadow roots around it, outermost first.
    pub hops: Vec<Hop>,
    /// Elements around it that say something, nearest first, at most four.
    pub containers: Vec<Container>,
    /// Name of the component that drew it, where the SDK says.
    pub component: Option<Untrusted>,
    /// Whether texts of it were masked in the recording.
    pub masked: bool,
    /// Whether the element was found in the rebuilt page; else all here comes from a breadcrumb.
    pub rebuilt: bool,
}
