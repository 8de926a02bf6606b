//! All that could name an element, with how many share it.
//! It uses the arena, names, roles and selectors.
//! It never gives out masked text.

use super::node::{Dom, Kind, Nr};
use super::selector::{TEST_IDS, is_made_up};
use super::text::{LONGEST, folded, is_masked};
use crate::model::Untrusted;
use crate::replay::{Container, Hop, HopKind, Shared, Target};

/// Most containers told.
const CONTAINERS: usize = 4;
/// Most elements whose names are compared.
const NAMES: usize = 2_000;

impl Dom {
    /// The element that a person means who clicks on a node: the control around it, else itself.
    pub(in crate::replay) fn meant(&self, nr: Nr) -> Nr {
        let element = if self.is_element(nr) { Some(nr) } else { self.closest_element(nr) };
        let Some(element) = element else { return nr };
        self.closest(element, |up| self.is_control(up)).unwrap_or(element)
    }

    fn closest_element(&self, nr: Nr) -> Option<Nr> {
        self.upwards(nr).find(|up| self.is_element(*up))
    }

    /// Describes an element.
    pub(in crate::replay) fn target(&self, nr: Nr) -> Target {
        if !self.is_element(nr) {
            return Target { tag: "html".into(), css: "html".into(), css_count: 1, rebuilt: true, ..Target::default() };
        }
        self.light.set(!self.in_detail());
        let scope = self.scope_of(nr);
        let (name, text) = (self.name(nr), self.words(nr));
        let label = self.label(nr).map(|label| self.name_words(label));
        let masked = name.masked || text.masked || label.as_ref().is_some_and(|label| label.masked);
        let (css, css_count) = self.selector(nr);
        let by_test = TEST_IDS.iter().find(|name| self.attribute(nr, name).is_some()).copied();
        let attribute = |name: &str| self.shared_attribute(scope, nr, name, false);
        let mut target = Target {
            tag: self.tag(nr).into(),
            role: self.role(nr).map(Into::into),
            name: name.known().map(|name| self.shared_name(scope, nr, name)),
            label: label.and_then(|label| label.known()).map(|label| self.shared_label(scope, nr, label)),
            text: text.known().map(|text| self.shared_text(scope, nr, text)),
            test_id: by_test.and_then(attribute),
            test_id_attribute: by_test.map(Into::into),
            placeholder: attribute("placeholder"),
            title: attribute("title"),
            alt: attribute("alt"),
            name_attribute: self.shared_attribute(scope, nr, "name", true),
            id: attribute("id"),
            classes: self.shared_classes(scope, nr),
            input_type: matches!(self.tag(nr), "input" | "button").then(|| self.input_type(nr).into()),
            value: self.attribute(nr, "value").filter(|v| self.is_choice_value(nr) && !is_masked(v)).map(Into::into),
            href: attribute("href"),
            css: css.into(),
            css_count,
            nth_of_type: self.place(nr).0,
            hops: self.hops(nr),
            containers: self.containers(nr),
            component: self.component(nr),
            masked,
            rebuilt: true,
        };
        if self.stale {
            forget_counts(&mut target);
        }
        target
    }

    fn is_choice_value(&self, nr: Nr) -> bool {
        self.tag(nr) == "option" || matches!(self.input_type(nr), "radio" | "checkbox" | "submit" | "button")
    }

    /// Counts the elements of a scope that fit, in the order of the document.
    fn shared(&self, scope: Nr, nr: Nr, text: String, mut fits: impl FnMut(Nr) -> bool) -> Shared {
        let (mut count, mut index) = (0, 0);
        if self.light.get() {
            return Shared { text: text.into(), count, index };
        }
        for other in self.listed(scope).iter().copied() {
            if other == nr {
                index = count;
                count += 1;
            } else if fits(other) {
                count += 1;
            }
        }
        Shared { text: text.into(), count, index }
    }

    fn shared_attribute(&self, scope: Nr, nr: Nr, name: &str, same_tag: bool) -> Option<Shared> {
        let value = self.attribute(nr, name).map(str::trim).filter(|v| !v.is_empty() && !is_masked(v))?;
        let fits = |other: Nr| {
            self.attribute(other, name).map(str::trim) == Some(value) && (!same_tag || self.tag(other) == self.tag(nr))
        };
        Some(self.shared(scope, nr, value.to_owned(), fits))
    }

    fn shared_classes(&self, scope: Nr, nr: Nr) -> Vec<Shared> {
        let classes = self.attribute(nr, "class").unwrap_or("").split_whitespace().filter(|c| !is_masked(c)).take(8);
        let shared = classes.map(|class| {
            let fits = |other: Nr| {
                self.attribute(other, "class").is_some_and(|all| all.split_whitespace().any(|c| c == class))
            };
            self.shared(scope, nr, class.to_owned(), fits)
        });
        shared.collect()
    }

    fn shared_name(&self, scope: Nr, nr: Nr, name: String) -> Shared {
        let role = self.role(nr);
        let mut budget = NAMES;
        let fits = |other: Nr| {
            if self.role(other) != role || budget == 0 {
                return false;
            }
            budget -= 1;
            self.is_named(other, &name)
        };
        self.shared(scope, nr, name.clone(), fits)
    }

    fn shared_label(&self, scope: Nr, nr: Nr, label: String) -> Shared {
        let fits = |other: Nr| self.label(other).is_some_and(|l| self.name_words(l).text == label);
        self.shared(scope, nr, label.clone(), fits)
    }

    fn shared_text(&self, scope: Nr, nr: Nr, text: String) -> Shared {
        let says = |other: Nr| self.says(other, &text, false);
        let inner = |other: Nr| self.children(other).any(|child| self.is_element(child) && says(child));
        // What stands around the element or in it with the same text is no other.
        let fits = |other: Nr| says(other) && !inner(other) && !self.within(other, nr) && !self.within(nr, other);
        let mut shared = self.shared(scope, nr, text.clone(), fits);
        if !self.runs_together(nr, &text) {
            shared.count = 0;
        }
        shared
    }

    fn hops(&self, nr: Nr) -> Vec<Hop> {
        let mut hops = Vec::new();
        let mut at = nr;
        loop {
            let scope = self.scope_of(at);
            let (kind, border) = match self.node(scope).kind {
                Kind::Document => (HopKind::Frame, self.parent(scope)),
                _ => (HopKind::Shadow, Some(scope).filter(|scope| *scope != at)),
            };
            let Some(border) = border else { break };
            hops.push(Hop { kind, css: self.selector(border).0.into() });
            at = border;
        }
        hops.reverse();
        hops
    }

    fn containers(&self, nr: Nr) -> Vec<Container> {
        if self.light.get() {
            return Vec::new();
        }
        let scope = self.scope_of(nr);
        let around = self.upwards(nr).skip(1).take_while(|up| *up != scope && self.is_element(*up));
        let telling = around.filter(|up| {
            !matches!(self.tag(*up), "html" | "body")
                && (self.attribute(*up, "id").is_some_and(|id| !is_made_up(id))
                    || TEST_IDS.iter().any(|name| self.attribute(*up, name).is_some())
                    || self.role(*up).is_some_and(|role| !matches!(role, "paragraph" | "list" | "rowgroup")))
        });
        telling.take(CONTAINERS).map(|up| self.container(scope, up, nr)).collect()
    }

    fn container(&self, scope: Nr, up: Nr, target: Nr) -> Container {
        let by_test = TEST_IDS.iter().find(|name| self.attribute(up, name).is_some());
        let own_text = self.own_text(up, target);
        let (name, text) = (self.name(target).known(), self.words(target).known());
        let whole = text.as_ref().is_some_and(|text| self.runs_together(target, text));
        let role = self.role(target);
        let named = |nr: &Nr| self.role(*nr) == role && name.as_ref().is_some_and(|name| self.is_named(*nr, name));
        let says = |nr: Nr| text.as_ref().is_some_and(|text| self.says(nr, text, false));
        let innermost = |nr: &Nr| says(*nr) && !self.children(*nr).any(|child| self.is_element(child) && says(child));
        let inside = |fits: &dyn Fn(&Nr) -> bool| self.elements(up).take(NAMES).filter(|nr| fits(nr)).count();
        Container {
            tag: self.tag(up).into(),
            role: self.role(up).map(Into::into),
            id: self.shared_attribute(scope, up, "id", false),
            test_id: by_test.and_then(|name| self.shared_attribute(scope, up, name, false)),
            name: self.said_name(up).known().map(|name| self.shared_name(scope, up, name)),
            text_count: own_text.as_ref().map_or(0, |text| self.holding(scope, up, text)),
            name_count: if name.is_some() { small(inside(&named)) } else { 0 },
            text_count_inside: if whole { small(inside(&innermost)) } else { 0 },
            own_text: own_text.map(Into::into),
        }
    }

    /// How many elements of the same role, or tag where there is none, hold a text, in any case of letters.
    fn holding(&self, scope: Nr, up: Nr, text: &str) -> u32 {
        let (role, tag, text) = (self.role(up), self.tag(up), text.to_lowercase());
        let alike = |nr: &Nr| self.role(*nr) == role && (role.is_some() || self.tag(*nr) == tag);
        let holds = |nr: &Nr| {
            let words = self.words(*nr);
            words.cut || words.text.to_lowercase().contains(&text)
        };
        small(self.listed(scope).iter().copied().filter(alike).take(NAMES).filter(holds).count())
    }

    /// A text in a container outside of the target that no sibling of the container holds too: one with letters where
    /// there is one, since numbers change.
    fn own_text(&self, up: Nr, target: Nr) -> Option<String> {
        let parent = self.parent(up)?;
        let tag = self.tag(up);
        let others: Vec<String> = self
            .children(parent)
            .filter(|other| *other != up && self.tag(*other) == tag)
            .take(200)
            .map(|other| self.words(other).text.to_lowercase())
            .collect();
        let texts = self.elements(up).filter(|nr| !self.within(*nr, target) && !self.within(target, *nr));
        let texts = texts.take(40).filter_map(|nr| self.single_text(nr));
        let own: Vec<String> =
            texts.filter(|text| !others.iter().any(|other| other.contains(&text.to_lowercase()))).collect();
        let worded = |text: &&String| text.chars().filter(|c| c.is_alphabetic()).nth(1).is_some();
        let steady = |text: &&String| worded(text) && !text.chars().any(char::is_numeric);
        own.iter().find(steady).or_else(|| own.iter().find(worded)).or(own.first()).cloned()
    }

    /// The one text directly in an element, when it is known and shown.
    fn single_text(&self, nr: Nr) -> Option<String> {
        if !self.shown(nr) || matches!(self.tag(nr), "script" | "style" | "noscript" | "option" | "textarea") {
            return None;
        }
        let texts = self.children(nr).map(|child| self.node(child)).filter(|node| node.kind == Kind::Text);
        let mut texts = texts.map(|node| folded(&node.text)).filter(|text| !text.is_empty());
        let text = texts.next().filter(|text| texts.next().is_none() && !is_masked(text))?;
        (text != "*" && text.chars().count() <= 80).then_some(text)
    }

    /// The component that drew an element: what build plugins of SDKs write into the page.
    fn component(&self, nr: Nr) -> Option<Untrusted> {
        let named = |up: Nr| self.attribute(up, "data-sentry-component").filter(|name| !name.is_empty());
        self.upwards(nr).filter(|up| self.is_element(*up)).take(6).find_map(named).map(Into::into)
    }

    /// The page's title.
    pub(in crate::replay) fn title(&self) -> Option<String> {
        let title = self.elements(self.root?).find(|nr| self.tag(*nr) == "title")?;
        self.words(title).known()
    }

    /// Text of an editable element as it stands.
    pub(in crate::replay) fn editable_text(&self, nr: Nr) -> Option<String> {
        let words = self.words(nr);
        (!words.masked).then_some(words.text)
    }

    /// Whether the text of an element is masked, and its length in characters.
    pub(in crate::replay) fn masked_length(&self, nr: Nr) -> u32 {
        u32::try_from(self.words(nr).text.chars().count()).unwrap_or(u32::MAX)
    }

    /// Label and place of the option of a `select` with that value or text.
    pub(in crate::replay) fn option(&self, select: Nr, value: &str) -> (Option<String>, Option<u32>) {
        let options = || self.elements(select).filter(|nr| self.tag(*nr) == "option");
        let text = |nr: Nr| folded(&self.words(nr).text);
        let by_value = options().position(|nr| self.attribute(nr, "value") == Some(value));
        let at = by_value
            .or_else(|| options().position(|nr| self.attribute(nr, "value").is_none() && text(nr) == folded(value)));
        let label = at.and_then(|at| options().nth(at)).map(text);
        let label = label.filter(|label| !label.is_empty() && !is_masked(label));
        (label.map(|l| l.chars().take(LONGEST).collect()), at.and_then(|at| u32::try_from(at).ok()))
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// After a loss nobody knows what else is in the page.
fn forget_counts(target: &mut Target) {
    target.css_count = 0;
    let singles = [
        &mut target.name,
        &mut target.label,
        &mut target.text,
        &mut target.test_id,
        &mut target.placeholder,
        &mut target.title,
        &mut target.alt,
        &mut target.name_attribute,
        &mut target.id,
        &mut target.href,
    ];
    for shared in singles.into_iter().flatten().chain(&mut target.classes) {
        shared.count = 0;
    }
    for container in &mut target.containers {
        (container.text_count, container.name_count, container.text_count_inside) = (0, 0, 0);
    }
}
