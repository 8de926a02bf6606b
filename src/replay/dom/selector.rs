//! The shortest CSS selector that looks as if it would still fit tomorrow.
//! It uses the arena.
//! It never builds on masked text or on names that a build makes up.

use super::node::{Dom, Kind, Nr};
use super::text::is_masked;

/// One selector for one element without what is around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Simple {
    /// Tag; empty for any.
    tag: String,
    /// Attributes and their values; `id` is written as `#…`, classes as `.…`.
    tests: Vec<(String, String)>,
}

impl Simple {
    fn new(tag: &str) -> Self {
        Self { tag: tag.to_owned(), tests: Vec::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.tests.push((name.to_owned(), value.to_owned()));
        self
    }

    /// An address by its end: recordings have it in full, pages mostly without what stands before its path.
    fn with_address(self, address: &str) -> Self {
        self.with("href", ending(address))
    }

    fn fits(&self, dom: &Dom, nr: Nr) -> bool {
        (self.tag.is_empty() || dom.tag(nr) == self.tag)
            && self.tests.iter().all(|(name, want)| {
                let have = dom.attribute(nr, name);
                match name.as_str() {
                    "href" => have.is_some_and(|have| have.ends_with(want.as_str())),
                    "class" => have.is_some_and(|all| all.split_whitespace().any(|one| one == want)),
                    _ => have == Some(want),
                }
            })
    }

    fn css(&self) -> String {
        let mut out = self.tag.clone();
        for (i, (name, value)) in self.tests.iter().enumerate() {
            // Two pairs of brackets side by side read as a link where this is shown.
            if i > 0 && name != "class" {
                out.extend([":is([", name, "=\"", &quoted(value), "\"])"]);
                continue;
            }
            match name.as_str() {
                "id" if is_plain(value) => out.extend(["#", value]),
                "class" => out.extend([".", &escaped(value)]),
                "href" => out.extend(["[href$=\"", &quoted(value), "\"]"]),
                _ => out.extend(["[", name, "=\"", &quoted(value), "\"]"]),
            }
        }
        out
    }
}

/// Attributes by which testers find elements, in the order of preference.
pub(super) const TEST_IDS: &[&str] =
    &["data-testid", "data-test-id", "data-test", "data-cy", "data-qa", "data-e2e", "data-automation-id"];

impl Dom {
    /// A selector for an element within its document or shadow tree, and how many elements it fits.
    pub(in crate::replay) fn selector(&self, nr: Nr) -> (String, u32) {
        if self.light.get() {
            return (self.plain_selector(nr), 0);
        }
        let scope = self.scope_of(nr);
        let own = self.simples(nr);
        let counts = self.counts(scope, &own);
        if let Some(at) = counts.iter().position(|n| *n == 1) {
            return (own[at].css(), 1);
        }
        let mut path = String::new();
        let mut inner = nr;
        for up in self.upwards(nr).skip(1).take_while(|up| self.node(*up).kind == Kind::Element && *up != scope) {
            path = [" > ", &self.step(inner), &path].concat();
            inner = up;
            let above = self.simples(up);
            let counts = self.counts(scope, &above);
            let Some(at) = counts.iter().position(|n| *n == 1) else { continue };
            let anchor = above[at].css();
            // One of the element's own selectors may do within it.
            let within = self.counts(up, &own);
            return match within.iter().position(|n| *n == 1) {
                Some(own_at) => ([&anchor, " ", &own[own_at].css()].concat(), 1),
                None => ([anchor, path].concat(), 1),
            };
        }
        ([self.step(inner), path].concat(), 1)
    }

    /// A path from the nearest test id or id, nothing counted.
    fn plain_selector(&self, nr: Nr) -> String {
        let mut path = String::new();
        for (depth, up) in self.upwards(nr).take_while(|up| self.node(*up).kind == Kind::Element).enumerate() {
            let joint = if depth == 0 { "" } else { " > " };
            let named = self.simples(up).into_iter().next().filter(|simple| simple.tag.is_empty());
            let step = named.as_ref().map_or_else(|| self.step(up), Simple::css);
            path = [&step, joint, &path].concat();
            if named.is_some() || depth == 4 {
                break;
            }
        }
        path
    }

    /// One step of a path: the tag, and its place where siblings share it.
    fn step(&self, nr: Nr) -> String {
        let tag = self.tag(nr);
        let (place, of) = self.place(nr);
        if of == 1 { tag.to_owned() } else { [tag, ":nth-of-type(", &place.to_string(), ")"].concat() }
    }

    /// Place among siblings of the same tag, from 1, and how many there are.
    pub(super) fn place(&self, nr: Nr) -> (u32, u32) {
        let node = self.node(nr);
        let Some(parent) = node.parent else { return (1, 1) };
        let (mut place, mut of) = (1, 0);
        for child in self.children(parent) {
            let other = self.node(child);
            if other.kind == Kind::Element && other.tag == node.tag && other.shadow == node.shadow {
                of += 1;
                if child == nr {
                    place = of;
                }
            }
        }
        (place, of)
    }

    /// Selectors that fit an element by itself, best first.
    fn simples(&self, nr: Nr) -> Vec<Simple> {
        let tag = self.tag(nr);
        let has = |name: &str| self.attribute(nr, name).map(str::trim).filter(|v| is_good(v));
        let mut all = Vec::new();
        for name in TEST_IDS {
            all.extend(has(name).map(|value| Simple::new("").with(name, value)));
        }
        all.extend(has("id").filter(|id| !is_made_up(id)).map(|id| Simple::new("").with("id", id)));
        if let Some(name) = has("name") {
            let named = Simple::new(tag).with("name", name);
            all.push(named.clone());
            all.extend(has("value").filter(|_| self.is_choice(nr)).map(|value| named.with("value", value)));
        }
        for name in ["aria-label", "placeholder", "title", "alt"] {
            all.extend(has(name).filter(|v| v.len() <= 80).map(|value| Simple::new(tag).with(name, value)));
        }
        let address = has("href").filter(|href| ending(href).len() > 1 && ending(href).len() <= 80);
        all.extend(address.map(|href| Simple::new(tag).with_address(href)));
        let classes = self.attribute(nr, "class").unwrap_or("");
        let classes: Vec<&str> = classes.split_whitespace().filter(|c| is_lasting_class(c)).take(4).collect();
        all.extend(classes.iter().map(|class| Simple::new(tag).with("class", class)));
        for (i, first) in classes.iter().enumerate() {
            let pairs = classes[i + 1..].iter();
            all.extend(pairs.map(|second| Simple::new(tag).with("class", first).with("class", second)));
        }
        all.extend(self.data_attributes(nr).map(|(name, value)| Simple::new(tag).with(name, value)));
        all.extend(has("value").filter(|_| tag == "option").map(|value| Simple::new(tag).with("value", value)));
        all.push(Simple::new(tag));
        all
    }

    fn is_choice(&self, nr: Nr) -> bool {
        matches!(self.input_type(nr), "radio" | "checkbox")
    }

    /// `data-…` attributes with short values.
    fn data_attributes(&self, nr: Nr) -> impl Iterator<Item = (&str, &str)> {
        let all = self.node(nr).attributes.iter().map(|(name, value)| (&**name, &**value));
        all.filter(|(name, value)| {
            name.starts_with("data-")
                && !TEST_IDS.contains(name)
                && !name.starts_with("data-sentry")
                && !name.starts_with("data-state")
                && value.len() <= 40
                && is_good(value)
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
    }

    /// How many elements of a scope each selector fits.
    fn counts(&self, scope: Nr, simples: &[Simple]) -> Vec<u32> {
        let mut counts = vec![0; simples.len()];
        for nr in self.listed(scope).iter().copied() {
            for (count, simple) in counts.iter_mut().zip(simples) {
                *count += u32::from(simple.fits(self, nr));
            }
        }
        counts
    }
}

/// The end of an address that a page is likely to have written: its fragment alone, else path and query.
fn ending(address: &str) -> &str {
    if let Some(at) = address.find('#') {
        return &address[at..];
    }
    let Some(host) = address.find("://").map(|at| at + 3) else { return address };
    address[host..].find('/').map_or(address, |slash| &address[host + slash..])
}

/// Whether a value of an attribute can stand in a selector.
fn is_good(value: &str) -> bool {
    !value.is_empty() && value.len() <= 200 && !is_masked(value) && !value.contains(['\n', '\r', '\0'])
}

/// Whether an id looks as if a library had counted it up: another visit would have another.
pub(super) fn is_made_up(id: &str) -> bool {
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    let prefixes =
        ["ember", "ext-gen", "yui", "radix-", "headlessui-", "mui-", "mat-", "cdk-", "ui-id-", "react-", "__", "rc_"];
    let counted = id.ends_with(|c: char| c.is_ascii_digit()) && prefixes.iter().any(|prefix| id.starts_with(prefix));
    id.contains(':') || id.contains('«') || counted || digits >= 5 || is_hash(id)
}

/// Whether a class names what an element is, rather than how it stands or what a build called it.
fn is_lasting_class(class: &str) -> bool {
    let states = [
        "active", "selected", "on", "off", "open", "opened", "closed", "hover", "focus", "focused", "hidden", "show",
        "shown", "disabled", "enabled", "loading", "visible", "current", "checked", "error", "invalid", "valid",
        "dirty",
    ];
    let by_tool = ["css-", "sc-", "jss", "emotion-", "svelte-", "ng-", "_ng", "is-", "has-", "v-", "astro-"];
    !states.contains(&class)
        && !by_tool.iter().any(|prefix| class.starts_with(prefix))
        && !class.contains([':', '/', '[', ']', '(', '%', '!', '&', '@'])
        && !is_masked(class)
        && class.len() <= 60
        && !is_hash(class.rsplit(['_', '-']).next().unwrap_or(class))
}

/// Whether a word mixes digits and letters as digests do.
fn is_hash(word: &str) -> bool {
    let (mut digits, mut letters, mut turns, mut last) = (0, 0, 0, None);
    for c in word.chars() {
        let digit = c.is_ascii_digit();
        digits += usize::from(digit);
        letters += usize::from(c.is_ascii_alphabetic());
        turns += usize::from(last.is_some_and(|last| last != digit));
        last = Some(digit);
    }
    word.len() >= 5 && digits >= 2 && letters >= 2 && turns >= 2
}

/// Whether an id can be written after `#` as it stands.
fn is_plain(id: &str) -> bool {
    let mut chars = id.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && chars.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// A class for use after a point.
fn escaped(class: &str) -> String {
    let mut out = String::new();
    for (i, c) in class.chars().enumerate() {
        let plain = c.is_alphanumeric() && !(i == 0 && c.is_ascii_digit()) || c == '-' || c == '_' || !c.is_ascii();
        if i == 0 && c.is_ascii_digit() {
            out.extend(["\\3", &c.to_string(), " "]);
        } else {
            out.push_str(if plain { "" } else { "\\" });
            out.push(c);
        }
    }
    out
}

/// A value for use between double quotes.
fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_builds_make_up_are_known() {
        for id in [":r1:", "radix-3", "ember412", "a8f3e21c", "item-10482"] {
            assert!(is_made_up(id), "{id}");
        }
        for id in ["title", "new-note", "step2", "checkout"] {
            assert!(!is_made_up(id), "{id}");
        }
        for class in ["css-1q2w3e", "on", "Button_root__x7y2z", "md:flex"] {
            assert!(!is_lasting_class(class), "{class}");
        }
        assert!(is_lasting_class("card") && is_lasting_class("btn-primary") && is_lasting_class("col2"));
        assert_eq!(Simple::new("p").with("class", "2x").css(), "p.\\32 x");
        assert_eq!(Simple::new("p").with("title", "a\"b\\").css(), "p[title=\"a\\\"b\\\\\"]");
    }
}
