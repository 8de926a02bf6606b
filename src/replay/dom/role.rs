//! Roles of elements: said, or implied by tag and type (ARIA in HTML).
//! It uses the arena.
//! It never invents a role for what has none.

use super::node::{Dom, Nr};

impl Dom {
    /// The ARIA role.
    pub(in crate::replay) fn role(&self, nr: Nr) -> Option<&str> {
        let said = self.attribute(nr, "role").and_then(|roles| roles.split_whitespace().next());
        said.or_else(|| self.implied_role(nr))
    }

    fn implied_role(&self, nr: Nr) -> Option<&'static str> {
        let has = |name: &str| self.attribute(nr, name).is_some();
        Some(match self.tag(nr) {
            "a" | "area" if has("href") => "link",
            "button" => "button",
            "input" => return self.input_role(nr),
            "textarea" => "textbox",
            "select" if has("multiple") || self.attribute(nr, "size").is_some_and(|n| n != "1") => "listbox",
            "select" => "combobox",
            "option" => "option",
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => "heading",
            "img" if self.attribute(nr, "alt") != Some("") => "img",
            "ul" | "ol" | "menu" => "list",
            "li" => "listitem",
            "table" => "table",
            "tr" => "row",
            "td" => "cell",
            "th" => "columnheader",
            "thead" | "tbody" | "tfoot" => "rowgroup",
            "dialog" => "dialog",
            "nav" => "navigation",
            "main" => "main",
            "aside" => "complementary",
            "article" => "article",
            "fieldset" | "details" => "group",
            "form" if has("aria-label") || has("aria-labelledby") => "form",
            "section" if has("aria-label") || has("aria-labelledby") => "region",
            "progress" => "progressbar",
            "meter" => "meter",
            "output" => "status",
            "hr" => "separator",
            "p" => "paragraph",
            "figure" => "figure",
            _ => return None,
        })
    }

    fn input_role(&self, nr: Nr) -> Option<&'static str> {
        Some(match self.input_type(nr) {
            "checkbox" => "checkbox",
            "radio" => "radio",
            "button" | "submit" | "reset" | "image" => "button",
            "range" => "slider",
            "number" => "spinbutton",
            "search" if self.attribute(nr, "list").is_none() => "searchbox",
            "hidden" | "password" | "file" | "color" | "date" | "datetime-local" | "month" | "time" | "week" => {
                return None;
            }
            _ if self.attribute(nr, "list").is_some() => "combobox",
            _ => "textbox",
        })
    }

    /// Type of an input or button in lower case, the default said: `text`, `submit`.
    pub(in crate::replay) fn input_type(&self, nr: Nr) -> &str {
        let said = self.attribute(nr, "type").filter(|said| !said.is_empty());
        match (self.tag(nr), said) {
            (_, Some(said)) => said,
            ("button", None) => "submit",
            _ => "text",
        }
    }

    /// Whether a person would say that they clicked on this, rather than on what is in it.
    pub(in crate::replay) fn is_control(&self, nr: Nr) -> bool {
        let by_tag = match self.tag(nr) {
            "button" | "input" | "select" | "textarea" | "summary" | "option" | "label" => true,
            "a" | "area" => self.attribute(nr, "href").is_some(),
            _ => false,
        };
        by_tag || self.attribute(nr, "role").is_some_and(|role| is_control_role(role.trim()))
    }

    /// Whether it is a field for text.
    pub(in crate::replay) fn is_text_field(&self, nr: Nr) -> bool {
        match self.tag(nr) {
            "textarea" => true,
            "input" => !matches!(
                self.input_type(nr),
                "checkbox" | "radio" | "button" | "submit" | "reset" | "image" | "file" | "range" | "color" | "hidden"
            ),
            _ => false,
        }
    }

    /// The recording's id of the element that has the focus once the page is loaded.
    pub(in crate::replay) fn autofocused(&self) -> Option<i64> {
        let focused = self.elements(self.root?).find(|nr| self.attribute(*nr, "autofocus").is_some())?;
        Some(self.id(focused))
    }

    /// Whether it opens over the page.
    pub(super) fn is_dialog(&self, nr: Nr) -> bool {
        self.tag(nr) == "dialog"
            || matches!(self.attribute(nr, "role"), Some("dialog" | "alertdialog"))
            || self.attribute(nr, "aria-modal") == Some("true")
    }

    /// Whether what it says is read out.
    pub(super) fn is_live(&self, nr: Nr) -> bool {
        matches!(self.attribute(nr, "role"), Some("alert" | "status" | "log"))
            || matches!(self.attribute(nr, "aria-live"), Some("polite" | "assertive"))
            || self.tag(nr) == "output"
    }

    /// A dialog that is shown in a subtree, its top included.
    pub(super) fn dialog_in(&self, nr: Nr) -> Option<Nr> {
        let mut waiting = vec![nr];
        let mut budget = 500;
        while let Some(nr) = waiting.pop() {
            if budget == 0 {
                return None;
            }
            budget -= 1;
            if self.is_element(nr) && self.is_dialog(nr) && self.shown_itself(nr) {
                return Some(nr);
            }
            waiting.extend(self.children(nr));
        }
        None
    }
}

fn is_control_role(role: &str) -> bool {
    matches!(
        role,
        "button"
            | "link"
            | "tab"
            | "menuitem"
            | "menuitemcheckbox"
            | "menuitemradio"
            | "option"
            | "checkbox"
            | "radio"
            | "switch"
            | "textbox"
            | "searchbox"
            | "combobox"
            | "slider"
            | "spinbutton"
            | "treeitem"
            | "gridcell"
    )
}
