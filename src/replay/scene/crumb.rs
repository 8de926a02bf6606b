//! What the SDK puts between rrweb's events: breadcrumbs and spans.
//! It uses the page and the log.
//! It never needs them where the recording itself tells.

use serde_json::Value;

use super::{Focus, Scene, described::described};
use crate::replay::{
    Action, Click, Key, MarkKind, Modifiers, NavigationKind, Request, Verdict as Came,
    draft::{Changes, Described, Draft, Log, Verdict},
    event::Data,
};

/// Keys that do nothing by themselves.
const HELD: [&str; 8] = ["Control", "Shift", "Alt", "Meta", "AltGraph", "CapsLock", "OS", "Fn"];
/// A key's breadcrumb and what the key did are so near, in milliseconds.
const SAME: i64 = 15;
/// Longest time that a request takes, in milliseconds: a day.
const LONGEST: u64 = 86_400_000;
/// Longest body of a request or answer that is kept, in bytes.
const BODY: usize = 64 << 10;

impl Scene {
    pub(super) fn custom(&mut self, data: &Data<'_>, at: i64, log: &mut Log) {
        let Some(payload) = &data.payload else { return };
        match data.tag.as_deref() {
            Some("options") => {
                let on = |key: &str| payload.get(key) == Some(&Value::Bool(true));
                (log.masked_text, log.masked_inputs) = (on("maskAllText"), on("maskAllInputs"));
            }
            Some("breadcrumb") => self.breadcrumb(payload, at, log),
            Some("performanceSpan") => self.span(payload, at, log),
            _ => {}
        }
    }

    fn breadcrumb(&mut self, payload: &Value, at: i64, log: &mut Log) {
        let category = payload.get("category").and_then(Value::as_str).unwrap_or("");
        let said = |key: &str| payload.pointer(key).and_then(Value::as_str);
        let node = payload.pointer("/data/nodeId").and_then(Value::as_i64);
        match category {
            "ui.click" => self.describe_click(payload, node, at, log),
            "ui.input" => {
                self.learn(payload, node);
                if let Some(id) = node {
                    self.key_in_field(id, at, log);
                }
            }
            "ui.keyDown" => self.key(payload, node, at, log),
            "ui.slowClickDetected" => log.verdicts.push(Verdict {
                at,
                tab: self.tab,
                node,
                timeout: said("/data/endReason") == Some("timeout"),
                after_ms: payload.pointer("/data/timeAfterClickMs").and_then(Value::as_f64).unwrap_or(0.0) as u64,
            }),
            "navigation" => {
                if let Some(to) = said("/data/to") {
                    self.moved(to, true, at, log);
                }
            }
            "console" => self.console(payload, at, log),
            "ui.blur" | "app.background" => log.window.push((at, self.tab, true)),
            "ui.focus" | "app.foreground" => log.window.push((at, self.tab, false)),
            "ui.tap" | "touch" => self.tap(payload, at, log),
            "fetch" | "xhr" | "http" => self.request_crumb(payload, at, log),
            "ui.multiClick" => log.many_clicks.push((at, self.tab, node)),
            _ => {
                let text = said("/message").map(|text| [category, ": ", text].concat());
                log.mark(at, self.tab, MarkKind::Breadcrumb, text.as_deref().or(Some(category)), None);
            }
        }
    }

    fn describe_click(&mut self, payload: &Value, node: Option<i64>, at: i64, log: &mut Log) {
        self.learn(payload, node);
        if let Some(target) = described(payload) {
            log.describe(Described { at, tab: self.tab, node, target });
        }
    }

    /// Remembers what a breadcrumb says of an element that the page doesn't have.
    fn learn(&mut self, payload: &Value, node: Option<i64>) {
        if let Some(id) = node.filter(|id| self.dom.find(*id).is_none() && self.known.len() < 10_000)
            && let Some(target) = described(payload)
        {
            self.known.insert(id, target);
        }
    }

    fn key(&mut self, payload: &Value, node: Option<i64>, at: i64, log: &mut Log) {
        let Some(key) = payload.pointer("/data/key").and_then(Value::as_str).filter(|key| !HELD.contains(key)) else {
            return;
        };
        let held = |name: &str| payload.pointer(name) == Some(&Value::Bool(true));
        let modifiers = Modifiers {
            ctrl: held("/data/ctrlKey"),
            alt: held("/data/altKey"),
            shift: held("/data/shiftKey"),
            meta: held("/data/metaKey"),
        };
        self.learn(payload, node);
        let mut draft = Draft::new(at, self.tab, Action::Key(Key { key: key.into(), modifiers }));
        draft.node = node;
        let target = node.and_then(|id| self.describe(id)).or_else(|| described(payload));
        // A key on the page itself has no target worth naming.
        draft.target = target.filter(|target| !matches!(target.tag.raw(), "body" | "html"));
        draft.changes = self.changed_just_before(at, log);
        self.done(draft, log);
    }

    /// What a key changed may stand a moment before its breadcrumb: taken from the step before, where it is all it has.
    fn changed_just_before(&self, at: i64, log: &mut Log) -> Changes {
        let last = self.last_user.map(|nr| &mut log.drafts[nr].changes);
        match last {
            Some(changes) if changes.first.is_some_and(|first| at - first <= SAME) => std::mem::take(changes),
            _ => Changes::default(),
        }
    }

    fn console(&mut self, payload: &Value, at: i64, log: &mut Log) {
        let said = |key: &str| payload.pointer(key).and_then(Value::as_str);
        let message: String = said("/message").unwrap_or("").chars().take(4_000).collect();
        let level = said("/level").unwrap_or("log");
        let draft = Draft::new(at, self.tab, Action::Console { level: level.into(), message: message.into() });
        self.noted(draft, log);
    }

    /// A tap in an app: there is no page, the breadcrumb is all.
    fn tap(&mut self, payload: &Value, at: i64, log: &mut Log) {
        if !self.dom.is_empty() {
            return;
        }
        let click = Click { count: 1, verdict: Came::Plain, ..Click::default() };
        let mut draft = Draft::new(at, self.tab, Action::Click(click));
        draft.target = tapped(payload).or_else(|| described(payload));
        self.focus = Focus::None;
        self.done(draft, log);
    }

    fn span(&mut self, payload: &Value, at: i64, log: &mut Log) {
        let said = |key: &str| payload.get(key).and_then(Value::as_str).unwrap_or("");
        let (op, what) = (said("op"), said("description"));
        let second = |key: &str| payload.get(key).and_then(Value::as_f64);
        let took = match (second("startTimestamp"), second("endTimestamp")) {
            (Some(start), Some(end)) => Some(((end - start).max(0.0) * 1000.0) as u64),
            _ => None,
        };
        match op {
            "navigation.navigate" => self.page_span(what, NavigationKind::Load, at, log),
            "navigation.reload" => self.page_span(what, NavigationKind::Reload, at, log),
            "navigation.back_forward" => self.page_span(what, NavigationKind::BackForward, at, log),
            "navigation.push" => self.moved(what, false, at, log),
            "resource.fetch" | "resource.xhr" | "resource.http" => {
                self.request(payload, what, op != "resource.xhr", took.unwrap_or(0), at, log);
            }
            "memory" => {}
            "paint" | "web-vital" => log.mark(at, self.tab, MarkKind::Vital, Some(what), took),
            _ => log.mark(at, self.tab, MarkKind::Load, Some(what), took),
        }
    }

    fn request(&mut self, payload: &Value, url: &str, fetch: bool, took: u64, at: i64, log: &mut Log) {
        let said = |key: &str| payload.pointer(key).and_then(Value::as_str);
        let status = payload.pointer("/data/statusCode").and_then(Value::as_u64);
        let body = |key: &str| payload.pointer(key).filter(|body| !body.is_null()).map(text_of);
        let ty = ["/data/response/headers/content-type", "/data/response/headers/Content-Type"];
        let request = Request {
            method: said("/data/method").unwrap_or("GET").into(),
            url: url.into(),
            absolute: self.absolute(url).map(Into::into),
            status: status.and_then(|status| u16::try_from(status).ok()).filter(|status| *status != 0),
            fetch,
            duration_ms: took,
            request_body: body("/data/request/body").map(Into::into),
            response_body: body("/data/response/body").map(Into::into),
            response_type: ty.into_iter().find_map(said).map(Into::into),
            caused_by: None,
        };
        let mut draft = Draft::new(at, self.tab, Action::Request(request));
        draft.until = at.saturating_add_unsigned(took.min(LONGEST));
        self.noted(draft, log);
    }

    /// A request as a mobile SDK's breadcrumb tells it: at its end.
    fn request_crumb(&mut self, payload: &Value, at: i64, log: &mut Log) {
        let said = |keys: [&str; 2]| keys.into_iter().find_map(|key| payload.pointer(key)?.as_str());
        let Some(url) = said(["/data/url", "/message"]) else { return };
        let status = ["/data/status_code", "/data/statusCode"].into_iter().find_map(|key| payload.pointer(key));
        let status = status.and_then(|s| s.as_u64().or_else(|| s.as_str()?.parse().ok()));
        let request = Request {
            method: said(["/data/method", "/data/http.method"]).unwrap_or("GET").into(),
            url: url.into(),
            absolute: None,
            status: status.and_then(|s| u16::try_from(s).ok()).filter(|s| *s != 0),
            fetch: true,
            duration_ms: 0,
            request_body: None,
            response_body: None,
            response_type: None,
            caused_by: None,
        };
        self.noted(Draft::new(at, self.tab, Action::Request(request)), log);
    }
}

/// A body as text: recorded ones may be JSON already.
fn text_of(body: &Value) -> String {
    let text = match body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.len() > BODY { text.chars().take(BODY / 4).collect() } else { text }
}

/// What was tapped in an app: the innermost of the path, by label, else by name.
fn tapped(payload: &Value) -> Option<crate::replay::Target> {
    let said = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let inner = payload.pointer("/data/path/0");
    let label = inner.and_then(|path| said(path, "label").or_else(|| said(path, "name")));
    let id = payload.pointer("/data/view.id").or_else(|| payload.pointer("/data/view.tag"));
    let message = payload.get("message").and_then(Value::as_str).map(str::to_owned);
    let text = label.or_else(|| id.and_then(Value::as_str).map(str::to_owned)).or(message)?;
    let shared = crate::replay::Shared { text: text.as_str().into(), count: 0, index: 0 };
    let component = inner
        .and_then(|path| said(path, "name"))
        .or_else(|| payload.pointer("/data/view.class")?.as_str().map(str::to_owned));
    Some(crate::replay::Target { text: Some(shared), component: component.map(Into::into), ..Default::default() })
}
