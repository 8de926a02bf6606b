//! Locators as a good tester writes them: what a person sees first, what the code says second, structure last.

use super::Expr;
use crate::{
    guard::Guard,
    js,
    model::Untrusted,
    replay::{Container, HopKind, Shared, Target},
};

/// Longest name or text that is looked for, in characters.
const LONGEST: usize = 80;

/// Roles that `getByRole` knows and that people see as such. `generic` and the like say nothing.
const ROLES: &[&str] = &[
    "alert",
    "alertdialog",
    "article",
    "banner",
    "button",
    "cell",
    "checkbox",
    "columnheader",
    "combobox",
    "complementary",
    "contentinfo",
    "dialog",
    "figure",
    "form",
    "grid",
    "gridcell",
    "group",
    "heading",
    "img",
    "link",
    "list",
    "listbox",
    "listitem",
    "main",
    "menu",
    "menubar",
    "menuitem",
    "menuitemcheckbox",
    "menuitemradio",
    "navigation",
    "option",
    "progressbar",
    "radio",
    "radiogroup",
    "region",
    "row",
    "rowheader",
    "scrollbar",
    "search",
    "searchbox",
    "slider",
    "spinbutton",
    "status",
    "switch",
    "tab",
    "table",
    "tablist",
    "tabpanel",
    "textbox",
    "toolbar",
    "tooltip",
    "tree",
    "treeitem",
];

/// A locator, and whether it is known to find the element and no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The code, from `page` on.
    pub code: Expr,
    /// It singled the element out in the recorded page.
    pub sure: bool,
}

/// Chooses locators for one script.
#[derive(Clone, Copy, Debug)]
pub struct Finder {
    /// The page is not in the state that it was recorded in (what came before is missing): texts with numbers in them,
    /// such as `Cart (2)`, will read differently.
    pub changed_state: bool,
}

impl Finder {
    /// The best locator for an element; `None` when nothing is known of it.
    pub fn locate(self, target: &Target, guard: &mut Guard) -> Option<Located> {
        let root = root(target, guard);
        let mut find = Find { target, guard, steady: false };
        let mut found = None;
        // First by texts that stay as they are, then by what the code calls it, then by any text.
        for steady in [true, false] {
            find.steady = steady;
            found = found.or_else(|| find.by_name());
            found = found.or_else(|| find.by_test_id());
            if steady || !self.changed_state {
                found = found.or_else(|| find.by_text());
                found = found.or_else(|| find.in_container());
            }
            found = found.or_else(|| find.by_id().filter(|_| !steady || self.changed_state));
        }
        let (code, sure) = match found {
            Some(code) => (code, true),
            None => find.by_css().or_else(|| find.by_place())?,
        };
        Some(Located { code: js!(root, ".", code), sure: sure && target.rebuilt })
    }
}

/// `page`, or the frame or shadow host that the element is in.
fn root(target: &Target, guard: &mut Guard) -> Expr {
    target.hops.iter().fold(js!("page"), |root, hop| {
        let css = guard.literal(&hop.css);
        match hop.kind {
            HopKind::Frame => js!(root, ".frameLocator(", css, ")"),
            HopKind::Shadow => js!(root, ".locator(", css, ")"),
        }
    })
}

struct Find<'a> {
    target: &'a Target,
    guard: &'a mut Guard,
    steady: bool,
}

impl Find<'_> {
    /// A text that may be looked for: whole, not redacted, and steady where that is asked.
    fn usable(&mut self, text: &Untrusted) -> Option<Expr> {
        let raw = text.raw();
        let fits = !raw.trim().is_empty() && raw.chars().count() <= LONGEST;
        let steady = !self.steady || !raw.chars().any(char::is_numeric);
        let literal = (fits && steady).then(|| self.guard.literal(text)).filter(|literal| literal.exact())?;
        Some(js!(literal))
    }

    /// The same of a text that the element alone has.
    fn unique(&mut self, shared: Option<&Shared>) -> Option<Expr> {
        self.usable(&shared.filter(|shared| shared.unique())?.text)
    }

    /// By role and name, label, placeholder.
    fn by_name(&mut self) -> Option<Expr> {
        let target = self.target;
        if let Some(role) = role(target.role.as_ref(), self.guard)
            && let Some(name) = self.unique(target.name.as_ref())
        {
            return Some(js!("getByRole(", role, ", { name: ", name, ", exact: true })"));
        }
        // A label around a list of choices or a text area holds their text too, so that it is no exact match.
        let plain = matches!(target.tag.raw(), "input" | "div" | "span" | "p");
        if let Some(label) = self.unique(target.label.as_ref()).filter(|_| plain) {
            return Some(js!("getByLabel(", label, ", { exact: true })"));
        }
        let placeholder = self.unique(target.placeholder.as_ref())?;
        Some(js!("getByPlaceholder(", placeholder, ", { exact: true })"))
    }

    fn by_test_id(&mut self) -> Option<Expr> {
        let target = self.target;
        let shared = target.test_id.as_ref().filter(|id| id.unique())?;
        let attribute = target.test_id_attribute.as_ref().map_or("data-testid", Untrusted::raw);
        if attribute == "data-testid" {
            let id = self.guard.literal(&shared.text);
            return id.exact().then(|| js!("getByTestId(", id, ")"));
        }
        let css = format!("[{}={}]", attribute_name(attribute)?, css_string(shared.text.raw()));
        let css = self.guard.literal(&css.into());
        css.exact().then(|| js!("locator(", css, ")"))
    }

    fn by_text(&mut self) -> Option<Expr> {
        let target = self.target;
        if let Some(text) = self.unique(target.text.as_ref().filter(|_| !is_field(target))) {
            return Some(js!("getByText(", text, ", { exact: true })"));
        }
        if let Some(alt) = self.unique(target.alt.as_ref()) {
            return Some(js!("getByAltText(", alt, ", { exact: true })"));
        }
        let title = self.unique(target.title.as_ref())?;
        Some(js!("getByTitle(", title, ", { exact: true })"))
    }

    /// By an id of the document's own, which people don't see and redesigns keep.
    fn by_id(&mut self) -> Option<Expr> {
        let id = self.target.id.as_ref().filter(|id| id.unique() && !generated(id.text.raw()))?;
        let css = self.guard.literal(&css_id(id.text.raw()).into());
        css.exact().then(|| js!("locator(", css, ")"))
    }

    /// By role and name within a row, card or dialog that can be told from others.
    fn in_container(&mut self) -> Option<Expr> {
        let target = self.target;
        let role = role(target.role.as_ref(), self.guard);
        for container in &target.containers {
            let inner = match (&role, target.name.as_ref()) {
                (Some(role), Some(name)) if container.name_count == 1 => {
                    self.usable(&name.text).map(|name| js!("getByRole(", role, ", { name: ", name, ", exact: true })"))
                }
                _ => None,
            };
            let inner = inner.or_else(|| {
                let text = target.text.as_ref().filter(|_| container.text_count_inside == 1 && !is_field(target))?;
                self.usable(&text.text).map(|text| js!("getByText(", text, ", { exact: true })"))
            });
            if let Some(inner) = inner
                && let Some(outer) = self.container(container)
            {
                return Some(js!(outer, ".", inner));
            }
        }
        None
    }

    fn container(&mut self, container: &Container) -> Option<Expr> {
        let role = role(container.role.as_ref(), self.guard);
        if let Some(role) = &role
            && let Some(name) = self.unique(container.name.as_ref())
        {
            return Some(js!("getByRole(", role, ", { name: ", name, ", exact: true })"));
        }
        if let Some(id) = container.test_id.as_ref().filter(|id| id.unique()) {
            let id = self.guard.literal(&id.text);
            return id.exact().then(|| js!("getByTestId(", id, ")"));
        }
        if let Some(text) = container.own_text.as_ref().filter(|_| container.text_count == 1)
            && let Some(text) = self.usable(text)
            && let Some(role) = &role
        {
            return Some(js!("getByRole(", role, ").filter({ hasText: ", text, " })"));
        }
        let id = container.id.as_ref().filter(|id| id.unique() && !generated(id.text.raw()))?;
        let css = self.guard.literal(&css_id(id.text.raw()).into());
        css.exact().then(|| js!("locator(", css, ")"))
    }

    /// By the shortest selector that was found.
    fn by_css(&mut self) -> Option<(Expr, bool)> {
        let target = self.target;
        if target.css.is_empty() || target.css_count > 1 {
            return None;
        }
        let css = self.guard.literal(&unrooted(target.css.raw()).into());
        let first = if target.css_count == 1 { "" } else { ".first()" };
        css.exact().then(|| (js!("locator(", css, ")", first), target.css_count == 1))
    }

    /// By its place among those that read the same: sure when the page is as it was.
    fn by_place(&mut self) -> Option<(Expr, bool)> {
        let target = self.target;
        if let Some(id) = target.test_id.as_ref().filter(|id| id.count > 1) {
            let (text, place) = (self.guard.literal(&id.text), id.index);
            return Some((js!("getByTestId(", text, ").nth(", place, ")"), true));
        }
        if let Some(role) = role(target.role.as_ref(), self.guard)
            && let Some(name) = target.name.as_ref()
            && let Some(text) = self.usable(&name.text)
        {
            let place = name.index;
            return Some((js!("getByRole(", role, ", { name: ", text, ", exact: true }).nth(", place, ")"), false));
        }
        let text = self.usable(&target.text.as_ref().filter(|_| !is_field(target))?.text)?;
        let place = target.text.as_ref().map_or(0, |text| text.index);
        Some((js!("getByText(", text, ", { exact: true }).nth(", place, ")"), false))
    }
}

/// A role that `getByRole` takes, as a literal.
fn role(role: Option<&Untrusted>, guard: &mut Guard) -> Option<Expr> {
    let role = role.filter(|role| ROLES.contains(&role.raw()))?;
    Some(js!(guard.literal(role)))
}

/// Recordings give every link its full address; the page's own attribute is mostly relative, and another copy of the
/// application has another origin.
fn unrooted(css: &str) -> String {
    let mut out = css.to_owned();
    for attribute in ["href", "src", "action"] {
        for scheme in ["http://", "https://"] {
            let start = format!("[{attribute}=\"{scheme}");
            while let Some(at) = out.find(&start) {
                let from = at + start.len();
                let end = from + out[from..].find(['/', '"', '?', '#']).unwrap_or(out.len() - from);
                out.replace_range(at..end, &format!("[{attribute}$=\""));
            }
        }
    }
    out
}

/// Whether what it reads is its value or its choices, by which no locator finds it.
fn is_field(target: &Target) -> bool {
    matches!(target.tag.raw(), "input" | "select" | "textarea" | "option")
}

/// Whether an id was made up by a library at run time, so that it is another one the next time.
fn generated(id: &str) -> bool {
    let digits = id.chars().filter(char::is_ascii_digit).count();
    let hex = id.len() >= 16 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    id.contains(':')
        || id.contains('«')
        || hex
        || digits >= 5
        || id.starts_with("radix-")
        || id.starts_with("headlessui-")
}

/// `#id`, or an attribute selector where the id is no plain word.
fn css_id(id: &str) -> String {
    let plain = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if plain { format!("#{id}") } else { format!("[id={}]", css_string(id)) }
}

/// A name that can stand in an attribute selector as it is.
fn attribute_name(name: &str) -> Option<&str> {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_').then_some(name)
}

/// A string of CSS.
fn css_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\{:x} ", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
