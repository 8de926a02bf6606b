//! A recording made by hand: events of a page, put into segments.

use std::io::Write;

use prodsignal::replay::{Limits, Reader, Replay, Step};
use serde_json::{Value, json};

/// When it starts, in milliseconds since 1970.
pub const START: i64 = 1_795_480_000_000;

/// A recording under construction. Times are milliseconds after its start.
pub struct App {
    pub events: Vec<Value>,
}

/// An element with an id of the recording.
pub fn element(id: i64, tag: &str, attributes: Value, children: Vec<Value>) -> Value {
    json!({ "type": 2, "id": id, "tagName": tag, "attributes": attributes, "childNodes": children })
}

/// A text.
pub fn text(id: i64, text: &str) -> Value {
    json!({ "type": 3, "id": id, "textContent": text })
}

impl App {
    /// A page that was loaded, with this in its body.
    pub fn new(body: Vec<Value>) -> Self {
        let mut app = Self { events: Vec::new() };
        app.load(0, "https://shop.test/", body);
        app
    }

    pub fn event(&mut self, at: i64, ty: u8, data: Value) -> &mut Self {
        self.events.push(json!({ "type": ty, "timestamp": START + at, "data": data }));
        self
    }

    pub fn load(&mut self, at: i64, url: &str, body: Vec<Value>) -> &mut Self {
        self.span(at, "navigation.navigate", url, json!({}));
        self.event(at + 100, 0, json!({})).event(at + 110, 1, json!({}));
        self.event(at + 120, 4, json!({ "href": url, "width": 1280, "height": 720 }));
        self.snapshot(at + 121, body)
    }

    pub fn snapshot(&mut self, at: i64, body: Vec<Value>) -> &mut Self {
        let html = element(2, "html", json!({}), vec![element(3, "body", json!({}), body)]);
        self.event(at, 2, json!({ "node": { "type": 0, "id": 1, "childNodes": [html] } }))
    }

    pub fn mouse(&mut self, at: i64, ty: u8, id: i64, x: i64) -> &mut Self {
        self.event(at, 3, json!({ "source": 2, "type": ty, "id": id, "x": x, "y": 10 }))
    }

    pub fn focus(&mut self, at: i64, id: i64) -> &mut Self {
        self.mouse(at, 5, id, 0)
    }

    /// Press, focus, release, click: as a person does.
    pub fn click(&mut self, at: i64, id: i64) -> &mut Self {
        self.mouse(at - 50, 1, id, 10).focus(at - 49, id).mouse(at - 5, 0, id, 10).mouse(at, 2, id, 10)
    }

    pub fn input(&mut self, at: i64, id: i64, text: &str) -> &mut Self {
        self.event(at, 3, json!({ "source": 5, "id": id, "text": text, "isChecked": false }))
    }

    /// Types a text into a focused field that is empty.
    pub fn types(&mut self, at: i64, id: i64, typed: &str) -> &mut Self {
        for (i, _) in typed.char_indices().skip(1) {
            self.input(at + 50 * i as i64, id, &typed[..i]);
        }
        self.input(at + 50 * typed.len() as i64, id, typed)
    }

    pub fn add(&mut self, at: i64, parent: i64, node: Value) -> &mut Self {
        let adds = json!([{ "parentId": parent, "nextId": null, "node": node }]);
        self.event(at, 3, json!({ "source": 0, "adds": adds, "removes": [], "texts": [], "attributes": [] }))
    }

    pub fn crumb(&mut self, at: i64, category: &str, payload: Value) -> &mut Self {
        let mut payload = payload;
        payload["category"] = category.into();
        self.event(at, 5, json!({ "tag": "breadcrumb", "payload": payload }))
    }

    pub fn span(&mut self, at: i64, op: &str, description: &str, data: Value) -> &mut Self {
        let start = (START + at) as f64 / 1000.0;
        let payload = json!({ "op": op, "description": description, "startTimestamp": start, "endTimestamp": start + 0.02, "data": data });
        self.events
            .push(json!({ "type": 5, "timestamp": start, "data": { "tag": "performanceSpan", "payload": payload } }));
        self
    }

    /// One segment of all events.
    pub fn read(&self) -> Replay {
        read(&[segment(0, &self.events, false)])
    }
}

/// A segment as it is sent.
pub fn segment(number: u64, events: &[Value], compressed: bool) -> Vec<u8> {
    let mut bytes = format!("{{\"segment_id\":{number}}}\n").into_bytes();
    let json = serde_json::to_vec(events).unwrap();
    if compressed {
        let mut zip = flate2::write::ZlibEncoder::new(&mut bytes, flate2::Compression::fast());
        zip.write_all(&json).unwrap();
        zip.finish().unwrap();
    } else {
        bytes.extend(json);
    }
    bytes
}

/// Reads segments.
pub fn read(segments: &[Vec<u8>]) -> Replay {
    let mut reader = Reader::new("0123456789abcdef0123456789abcdef".parse().unwrap(), Limits::default());
    reader.header(format!("{{\"replay_start_timestamp\":{},\"replay_type\":\"session\"}}", START / 1000).as_bytes());
    for bytes in segments {
        reader.segment(None, bytes);
    }
    reader.finish()
}

/// The steps that the user did after the page was opened: kind, selector, and what was entered.
pub fn done(replay: &Replay) -> Vec<String> {
    let users = replay.steps.iter().filter(|step| step.kind().by_user()).skip(1);
    users.map(told).collect()
}

fn told(step: &Step) -> String {
    use prodsignal::replay::{Action, Value as Entered};
    let css = step.target.as_ref().map_or("", |target| target.css.raw());
    let more = match &step.action {
        Action::Input(input) => match &input.value {
            Entered::Text(text) => format!(" {}", text.raw()),
            Entered::Masked { chars } => format!(" *{chars}"),
            Entered::Choice { value, label, .. } => {
                format!(" {} {}", value.as_ref().map_or("", |v| v.raw()), label.as_ref().map_or("", |l| l.raw()))
            }
            other => format!(" {other:?}"),
        },
        Action::Click(click) => match (click.count, click.double, click.checked) {
            (1, false, None) => String::new(),
            (n, double, checked) => format!(" x{n} double={double} checked={checked:?}"),
        },
        Action::Key(key) => format!(" {}", key.key.raw()),
        Action::Navigate(navigation) => format!(" {:?} {}", navigation.how, navigation.to.raw()),
        _ => String::new(),
    };
    format!("{} {css}{more}", step.kind().as_str()).trim_end().to_owned()
}
