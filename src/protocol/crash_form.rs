//! The form that crash handlers send: a dump, what the SDK knew, annotations, further files.

use serde_json::{Map, Value, json};

use super::{Limits, decode_body, read_json};

/// Fields that are kept, and bytes of one that is text.
const FIELDS: usize = 500;
const TEXT_BYTES: usize = 1 << 20;

/// One part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormPart {
    /// Name of the field.
    pub name: String,
    /// Name of its file, for files.
    pub file: Option<String>,
    /// Media type, where it is said.
    pub content_type: Option<String>,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A crash as its handler sent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrashForm {
    /// The event, as far as the SDK had one: an object.
    pub event: Value,
    /// The dump, unpacked.
    pub dump: Vec<u8>,
    /// Name of the dump's file.
    pub dump_name: Option<String>,
    /// Everything else that was said, by name.
    pub annotations: Vec<(String, String)>,
    /// Further files.
    pub files: Vec<FormPart>,
}

impl CrashForm {
    /// A dump that was sent by itself.
    pub fn of_dump(bytes: &[u8], limits: &Limits) -> Self {
        Self { event: json!({}), dump: unpacked(bytes, limits), ..Self::default() }
    }

    /// Sorts the parts of a form: the dump is the field `upload_file_minidump`, or the first file that is one. The event
    /// is JSON in `sentry`, in pieces in `sentry__1`, `sentry__2` …, value by value in `sentry[key][key]`, or in
    /// MessagePack in the file `__sentry-event`.
    pub fn of_parts(parts: Vec<FormPart>, limits: &Limits) -> Self {
        let mut form = Self { event: json!({}), ..Self::default() };
        let mut pieces: Vec<(u32, Vec<u8>)> = Vec::new();
        let mut crumbs: Vec<Value> = Vec::new();
        for part in parts.into_iter().take(FIELDS) {
            let file = part.file.as_deref().unwrap_or("");
            match part.name.as_str() {
                "upload_file_minidump" if form.dump.is_empty() => {
                    (form.dump, form.dump_name) = (unpacked(&part.bytes, limits), part.file);
                }
                name if name == "__sentry-event" || file == "__sentry-event" => {
                    let sent = rmp_serde::from_slice::<Value>(&part.bytes).unwrap_or_default();
                    lay_over(&mut form.event, sent);
                }
                name if name.starts_with("__sentry-breadcrumb") || file.starts_with("__sentry-breadcrumb") => {
                    crumbs.extend(packed_list(&part.bytes));
                }
                "sentry" => lay_over(&mut form.event, read_json(&part.bytes, limits.depth).unwrap_or_default()),
                name if name.starts_with("sentry__") => {
                    let number = name["sentry__".len()..].parse().unwrap_or(u32::MAX);
                    pieces.push((number, part.bytes));
                }
                name if name.starts_with("sentry[") => set(&mut form.event, name, &part.bytes),
                _ if part.file.is_some() => form.file(part, limits),
                name => {
                    let text = part.bytes.get(..part.bytes.len().min(TEXT_BYTES)).unwrap_or_default();
                    form.annotations.push((name.to_owned(), String::from_utf8_lossy(text).into_owned()));
                }
            }
        }
        pieces.sort_by_key(|(number, _)| *number);
        let whole: Vec<u8> = pieces.into_iter().flat_map(|(_, bytes)| bytes).collect();
        lay_over(&mut form.event, read_json(&whole, limits.depth).unwrap_or_default());
        form.add_crumbs(crumbs);
        form
    }

    fn file(&mut self, part: FormPart, limits: &Limits) {
        let unpacked = unpacked(&part.bytes, limits);
        if self.dump.is_empty() && unpacked.starts_with(b"MDMP") {
            (self.dump, self.dump_name) = (unpacked, part.file);
        } else {
            self.files.push(part);
        }
    }

    /// Two files take turns, so their crumbs come in no order.
    fn add_crumbs(&mut self, mut crumbs: Vec<Value>) {
        if crumbs.is_empty() || self.event.get("breadcrumbs").is_some() {
            return;
        }
        let time = |crumb: &Value| crumb.get("timestamp").and_then(Value::as_str).unwrap_or("").to_owned();
        crumbs.sort_by_key(time);
        self.event["breadcrumbs"] = Value::Array(crumbs);
    }
}

/// Without the encoding that some handlers put around a dump; as it came where it can't be undone.
fn unpacked(bytes: &[u8], limits: &Limits) -> Vec<u8> {
    let limits = Limits { compressed_bytes: limits.attachment_bytes, ..*limits };
    decode_body(None, bytes, &limits).map_or_else(|_| bytes.to_vec(), std::borrow::Cow::into_owned)
}

/// Values one after the other, as long as they can be read.
fn packed_list(bytes: &[u8]) -> Vec<Value> {
    let mut reader = std::io::Cursor::new(bytes);
    let mut list = Vec::new();
    while (reader.position() as usize) < bytes.len() && list.len() < FIELDS {
        match rmp_serde::from_read::<_, Value>(&mut reader) {
            Ok(value) => list.push(value),
            Err(_) => break,
        }
    }
    list
}

fn lay_over(event: &mut Value, sent: Value) {
    if let (Value::Object(event), Value::Object(sent)) = (event, sent) {
        event.extend(sent);
    }
}

/// `sentry[tags][hob]` with `left` → `{"tags": {"hob": "left"}}`.
fn set(event: &mut Value, name: &str, bytes: &[u8]) {
    let path: Vec<&str> = name["sentry[".len()..].trim_end_matches(']').split("][").take(8).collect();
    let Some((last, folders)) = path.split_last() else { return };
    let mut at = event;
    for folder in folders {
        let Value::Object(map) = at else { return };
        at = map.entry(*folder).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Value::Object(map) = at {
        map.insert((*last).to_owned(), String::from_utf8_lossy(bytes).into_owned().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, file: Option<&str>, bytes: &[u8]) -> FormPart {
        FormPart { name: name.into(), file: file.map(Into::into), content_type: None, bytes: bytes.to_vec() }
    }

    #[test]
    fn the_event_is_found_in_each_of_its_forms() {
        let form = |parts: Vec<FormPart>| CrashForm::of_parts(parts, &Limits::default());
        let whole = form(vec![part("sentry", None, br#"{"release":"a@1"}"#), part("prod", None, b"kettle")]);
        assert_eq!(whole.event, json!({ "release": "a@1" }));
        assert_eq!(whole.annotations, [("prod".to_owned(), "kettle".to_owned())]);
        let pieces = form(vec![part("sentry__2", None, b"\"a@1\"}"), part("sentry__1", None, br#"{"release":"#)]);
        assert_eq!(pieces.event, json!({ "release": "a@1" }));
        let keys = form(vec![part("sentry[release]", None, b"a@1"), part("sentry[tags][hob]", None, b"left")]);
        assert_eq!(keys.event, json!({ "release": "a@1", "tags": { "hob": "left" } }));
        let packed = rmp_serde::to_vec_named(&json!({ "release": "a@1" })).unwrap();
        let crumb = rmp_serde::to_vec_named(&json!({ "message": "x" })).unwrap();
        let packed = form(vec![
            part("__sentry-event", Some("__sentry-event"), &packed),
            part("__sentry-breadcrumb1", Some("__sentry-breadcrumb1"), &[crumb.clone(), crumb].concat()),
        ]);
        assert_eq!(packed.event["release"], "a@1");
        assert_eq!(packed.event["breadcrumbs"], json!([{ "message": "x" }, { "message": "x" }]));
    }

    #[test]
    fn the_dump_is_found_under_any_name_and_unpacked() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"MDMP rest").unwrap();
        let packed = gzip.finish().unwrap();
        for parts in [
            vec![part("upload_file_minidump", Some("x.dmp"), &packed)],
            vec![part("log", Some("a.txt"), b"words"), part("attachment", Some("x.dmp"), b"MDMP rest")],
        ] {
            let form = CrashForm::of_parts(parts, &Limits::default());
            assert_eq!((form.dump.as_slice(), form.dump_name.as_deref()), (b"MDMP rest".as_slice(), Some("x.dmp")));
        }
        assert_eq!(CrashForm::of_dump(&packed, &Limits::default()).dump, b"MDMP rest");
    }
}
