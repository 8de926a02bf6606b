//! Answers of tools as the page reads them: what is not there is empty.

use serde_json::Value;

use crate::page::html::{Html, Part, Said, html};

/// A part of an answer.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a>(pub &'a Value);

impl<'a> Facts<'a> {
    pub(super) fn at(self, name: &str) -> Self {
        Self(&self.0[name])
    }

    pub(super) fn text(self, name: &str) -> &'a str {
        self.0[name].as_str().unwrap_or_default()
    }

    pub(super) fn said(self, name: &str) -> Said<'a> {
        Said(self.text(name))
    }

    pub(super) fn number(self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_default()
    }

    pub(super) fn count(self, name: &str) -> Count {
        Count(self.0[name].as_u64().unwrap_or_default())
    }

    pub(super) fn is(self, name: &str) -> bool {
        self.0[name] == true
    }

    pub(super) fn rows(self, name: &str) -> impl Iterator<Item = Facts<'a>> + Clone {
        self.0[name].as_array().into_iter().flatten().map(Facts)
    }

    /// The texts of a list, a point each; nothing where there are none.
    pub(super) fn points(self, name: &str) -> Html {
        let mut points = self.rows(name).filter_map(|row| row.0.as_str()).peekable();
        if points.peek().is_none() {
            return html!("");
        }
        let mut list = html!("<ul>");
        points.for_each(|point| list.push(&[&"<li>", &Said(point), &"</li>"]));
        list.push(&[&"</ul>"]);
        list
    }

    /// A time of the answer as people read it.
    pub(super) fn time(self, name: &str) -> Html {
        time(self.text(name))
    }
}

/// `2026-11-30T10:15:02Z` → `2026-11-30 10:15 UTC`.
pub(super) fn time(text: &str) -> Html {
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => {
            html!("<time datetime=\"", Said(text), "\">", Said(day), " ", Said(minute), " UTC</time>")
        }
        _ => html!(Said(text)),
    }
}

/// A count with its thousands apart.
#[derive(Clone, Copy)]
pub(super) struct Count(pub u64);

impl Part for Count {
    fn put(&self, out: &mut String) {
        let digits = self.0.to_string();
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
    }
}

impl Count {
    /// With its noun: `1 user`, `2 users`.
    pub(super) fn of(self, one: &'static str, many: &'static str) -> Html {
        html!("<b>", self, "</b> ", if self.0 == 1 { one } else { many })
    }
}

/// A share, 0 to 1, in percent.
pub(super) fn percent(share: f64) -> Html {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 1.0 {
        return html!("&lt; 1 %");
    }
    html!(percent.round().max(0.0) as u64, " %")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_times_read_as_people_write_them() {
        let shown = |html: Html| html.into_string();
        assert_eq!(shown(Count(1).of("user", "users")), "<b>1</b> user");
        assert_eq!(shown(Count(1_234_567).of("user", "users")), "<b>1,234,567</b> users");
        assert_eq!(shown(percent(0.327)), "33 %");
        assert_eq!(shown(percent(0.004)), "&lt; 1 %");
        assert!(shown(time("2026-11-30T10:15:02Z")).contains("2026-11-30 10:15 UTC"));
        assert_eq!(shown(time("é")), "é");
    }

    #[test]
    fn what_is_not_there_is_empty() {
        let data = json!({ "list": ["a<b"], "none": [] });
        let facts = Facts(&data);
        assert_eq!(facts.points("list").into_string(), "<ul><li>a&lt;b</li></ul>");
        assert_eq!(facts.points("none").into_string(), "");
        assert_eq!((facts.text("gone"), facts.at("gone").rows("deeper").count()), ("", 0));
    }
}
