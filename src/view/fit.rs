//! Makes an answer fit: both renderings within the budget, and what was left out said in both.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Doc, Millis, Word, tokens};
use crate::{
    guard::{Clean, Safe},
    model::Kind,
    say, view,
};

/// What a tool answers: data and Markdown from one value, and ways to say less.
pub trait View: Serialize + JsonSchema + Safe + Clone + Send {
    /// Writes the answer for the model to read.
    fn markdown(&self, doc: &mut Doc);

    /// How many ways there are to say less, each shorter than the one before.
    fn steps(&self) -> usize;

    /// Says less, the `step`th way (from 1), and what is left out then.
    fn reduce(&mut self, step: usize) -> Vec<Omission>;
}

view! {
    /// Something that was left out, and the call that shows it.
    pub struct Omission {
        /// What.
        pub what: Clean,
        /// Tool and arguments that show it.
        pub call: Clean,
    }

    /// Which store answered, and how fresh that is.
    pub struct SourceView {
        /// `embedded` or `sentry`.
        pub store: Word,
        /// `live`, `cached` or `stale`.
        pub freshness: Word,
        /// Age of the answer in seconds.
        pub age_s: u64,
    }

    /// The fields that every answer has.
    pub struct Common {
        /// The moment that the answer speaks of.
        pub as_of: Millis,
        /// Who answered.
        pub source: SourceView,
        /// Whether anything was left out to fit the budget.
        pub truncated: bool,
        /// What was left out.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub omitted: Vec<Omission>,
        /// Where the next page starts; opaque.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub next_cursor: Option<Clean>,
        /// Facts that weaken the answer.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub warnings: Vec<Clean>,
        /// How often something was taken out of what is shown, by kind.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub redacted: BTreeMap<Clean, u64>,
    }
}

/// A body and the common fields, before fitting.
pub struct Answer<V> {
    /// What the tool found.
    pub body: V,
    /// The common fields.
    pub common: Common,
    /// For views that are lists: the cursor of the page after what is shown.
    pub cursor_after: Option<CursorAfter<V>>,
}

/// Says where the next page starts, given what is shown of this one.
pub type CursorAfter<V> = Box<dyn Fn(&V) -> Option<Clean> + Send + Sync>;

/// Both renderings.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Markdown.
    pub text: String,
    /// Data.
    pub data: Value,
}

/// Which renderings reach the caller. What is not sent needs no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sent {
    /// Text and data; a client hands its model one of them, so each keeps to the budget.
    #[default]
    Both,
    /// Text alone.
    Text,
    /// Data alone.
    Data,
}

/// Fits an answer into `max_tokens`: the least reduction at which what is sent of it holds the budget.
pub fn fit<V: View>(answer: &Answer<V>, max_tokens: usize, sent: Sent) -> Fitted {
    let whole = render(answer, 0);
    if fits(&whole, max_tokens, sent) {
        return whole;
    }
    // Reductions only ever shorten, so the first that fits can be searched for by halving.
    let (mut low, mut high) = (1, answer.body.steps());
    let mut best = None;
    while low <= high {
        let middle = low.midpoint(high);
        let tried = render(answer, middle);
        if fits(&tried, max_tokens, sent) {
            best = Some(tried);
            high = middle - 1;
        } else {
            low = middle + 1;
        }
    }
    best.unwrap_or_else(|| bare(answer, max_tokens))
}

fn fits(fitted: &Fitted, max_tokens: usize, sent: Sent) -> bool {
    (sent == Sent::Data || tokens::estimate(&fitted.text) <= max_tokens)
        && (sent == Sent::Text || tokens::estimate(&fitted.data.to_string()) <= max_tokens)
}

fn render<V: View>(answer: &Answer<V>, step: usize) -> Fitted {
    let mut body = Cow::Borrowed(&answer.body);
    let mut common = answer.common.clone();
    if step > 0 {
        common.omitted.extend(body.to_mut().reduce(step));
        common.truncated = true;
    }
    if let Some(cursor) = &answer.cursor_after {
        common.next_cursor = cursor(&body).or(common.next_cursor);
    }
    common.redacted = redactions(&object(&*body));
    let mut doc = Doc::new();
    body.markdown(&mut doc);
    footer(&common, &mut doc);
    Fitted { text: doc.finish(), data: merged(&*body, &common) }
}

/// What was taken out of the texts of an answer, by kind.
fn redactions(body: &Map<String, Value>) -> BTreeMap<Clean, u64> {
    fn count(value: &Value, found: &mut BTreeMap<Clean, u64>) {
        match value {
            Value::String(text) => {
                for kind in Clean::redactions(text) {
                    *found.entry(kind).or_default() += 1;
                }
            }
            Value::Array(list) => list.iter().for_each(|value| count(value, found)),
            Value::Object(map) => map.values().for_each(|value| count(value, found)),
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    body.values().for_each(|value| count(value, &mut found));
    found
}

/// What every answer ends with, said only where there is something to say.
fn footer(common: &Common, doc: &mut Doc) {
    doc.gap();
    for warning in &common.warnings {
        // The block for a pull request stands on its own, warnings included.
        if !doc.says(warning) {
            doc.line("Note: ", &[warning]);
        }
    }
    if !common.redacted.is_empty() {
        let kinds = common.redacted.iter().fold(Clean::default(), |line, (kind, n)| {
            say!(line, if line.is_empty() { "" } else { ", " }, kind.clone(), " ", *n)
        });
        doc.line("Redacted: ", &[&kinds]);
    }
    for omission in &common.omitted {
        doc.line("Left out: ", &[&omission.what, &" → ", &omission.call]);
    }
    if let Some(cursor) = &common.next_cursor {
        doc.line("More: the same call with cursor ", &[cursor]);
    }
    if common.source.freshness.0 == "stale" {
        doc.line("Stale: the store did not answer; this is ", &[&common.source.age_s, &" s old"]);
    }
}

fn merged<V: View>(body: &V, common: &Common) -> Value {
    let mut data = object(body);
    data.extend(object(common));
    Value::Object(data)
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        other => unreachable!("answers are objects with string keys: {other:?}"),
    }
}

/// The last resort for a budget that not even the shortest form keeps: what cannot be left out, and why.
fn bare<V: View>(answer: &Answer<V>, max_tokens: usize) -> Fitted {
    let shortest = render(answer, answer.body.steps());
    let mut common = answer.common.clone();
    common.truncated = true;
    common.warnings.clear();
    common.omitted = vec![Omission {
        what: Clean::ours("nearly everything: the budget is too small"),
        call: Clean::ours("the same call with a larger max_tokens"),
    }];
    let mut text = String::new();
    for line in shortest.text.lines() {
        if tokens::estimate(&text) + tokens::estimate(line) + 40 > max_tokens {
            break;
        }
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&closed(&text));
    text.push_str("Left out: the rest; ask with a larger max_tokens");
    Fitted { text, data: Value::Object(object(&common)) }
}

/// The lines that end what a text leaves open: a block of code, and the strangers' words. Whatever the budget, what
/// follows in a conversation stands outside both.
fn closed(text: &str) -> String {
    let mut end = String::new();
    if text.lines().filter(|line| line.starts_with("```")).count() % 2 == 1 {
        end.push_str("```\n");
    }
    if let Some(id) = Doc::open_block(text) {
        end.push_str("End ");
        end.push_str(id);
        end.push('\n');
    }
    end
}

/// The data of a failure.
pub fn error_data(kind: Kind, message: &Clean, retry_after_s: Option<u64>, did_you_mean: &[Clean]) -> Value {
    let mut error = serde_json::json!({ "kind": kind.as_str(), "message": message });
    if let Some(seconds) = retry_after_s {
        error["retry_after_s"] = seconds.into();
    }
    if !did_you_mean.is_empty() {
        error["did_you_mean"] = serde_json::json!(did_you_mean);
    }
    serde_json::json!({ "error": error })
}

/// Both renderings of a failure.
pub fn fit_error(kind: Kind, message: &Clean, retry_after_s: Option<u64>, did_you_mean: &[Clean]) -> Fitted {
    let mut doc = Doc::new();
    doc.line("Error (", &[&Word(kind.as_str()), &"): ", message]);
    for near in did_you_mean {
        doc.line("Did you mean: ", &[near]);
    }
    match retry_after_s {
        Some(seconds) => doc.line("Try again in ", &[&seconds, &" s."]),
        None if matches!(kind, Kind::Timeout | Kind::Upstream) => doc.line("Trying again may help.", &[]),
        None => {}
    }
    Fitted { text: doc.finish(), data: error_data(kind, message, retry_after_s, did_you_mean) }
}
