//! Frames of an event that have an address become functions, files and lines.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    Object, Symbols, context,
    holders::holders,
    images::{FOUND, Image, UNWOUND, address, image_of, images_of},
    java,
    object::Place,
};

/// Exceptions and threads of one event, and frames of each, that are looked at.
const MOST: usize = 500;
/// Source lines shown before and after a frame's own.
const CONTEXT: usize = 5;
/// Marks a frame that was read with symbols; Sentry's own name for it.
const STATUS: &str = "symbolicator_status";

/// Names the frames of an event with the symbols that are here, and says what kind of crash it was. What was sent stays
/// beside it as `raw_stacktrace`. Frames that were named before are left alone. Tells whether anything changed.
pub fn symbolicate(event: &mut Value, symbols: &dyn Symbols, project: u64) -> bool {
    let images = images_of(event);
    let mut changed = false;
    if !images.is_empty() && symbols.any_symbols() {
        let mut named = Naming { images: &images, symbols, project, objects: HashMap::new() };
        changed = java::name_classes(event, &images, symbols, project);
        for holder in holders(event) {
            changed |= named.stack(holder);
        }
        named.mark_found(event);
    }
    context::say_kind(event) || changed
}

/// Which addresses of a stack are those of what follows a call, as its sender says.
#[derive(Clone, Copy)]
enum Adjustment {
    /// All but the innermost.
    Auto,
    All,
    None,
}

impl Adjustment {
    fn of(said: Option<&str>) -> Self {
        match said {
            Some("none") => Self::None,
            Some("all") => Self::All,
            _ => Self::Auto,
        }
    }
}

struct Naming<'a> {
    images: &'a [Image],
    symbols: &'a dyn Symbols,
    project: u64,
    /// By the image's place in the event.
    objects: HashMap<usize, Option<Arc<Object>>>,
}

impl Naming<'_> {
    fn stack(&mut self, holder: &mut Map<String, Value>) -> bool {
        let Some(frames) = holder.get("stacktrace").and_then(|s| s.get("frames")).and_then(Value::as_array) else {
            return false;
        };
        let (mut named, mut changed) = (Vec::with_capacity(frames.len()), false);
        let adjustment = holder.get("stacktrace").and_then(|stack| stack.get("instruction_addr_adjustment"));
        let adjustment = Adjustment::of(adjustment.and_then(Value::as_str));
        for (at, frame) in frames.iter().enumerate().take(MOST) {
            match self.frame(frame, adjustment, at + 1 == frames.len()) {
                Some(own) => {
                    named.extend(own);
                    changed = true;
                }
                None => named.push(frame.clone()),
            }
        }
        named.extend(frames.iter().skip(MOST).cloned());
        if changed {
            let raw = holder.get("stacktrace").cloned().unwrap_or_default();
            holder.entry("raw_stacktrace").or_insert(raw);
            holder["stacktrace"]["frames"] = Value::Array(named);
        }
        changed
    }

    /// The frames in the place of one, in the order of payloads; `None`: nothing is known of it, or it is named already.
    fn frame(&mut self, frame: &Value, adjustment: Adjustment, innermost: bool) -> Option<Vec<Value>> {
        if frame.pointer(&format!("/data/{STATUS}")).is_some() {
            return None;
        }
        let ip = frame.get("instruction_addr").and_then(address)?;
        // After a call, execution goes on behind it: maybe on another line, or in another function.
        let context = innermost || frame.get("trust").and_then(Value::as_str) == Some("context");
        let exact = match adjustment {
            Adjustment::Auto => context,
            Adjustment::None => true,
            Adjustment::All => false,
        };
        let at = if exact { ip } else { ip.saturating_sub(1) };
        let (image, offset) = image_of(self.images, frame, at)?;
        let object = self.object(image)?;
        let places = object.places(offset);
        if places.is_empty() {
            return None;
        }
        let named = places.iter().rev().map(|place| self.named(frame, place, image));
        Some(named.collect())
    }

    fn object(&mut self, image: &Image) -> Option<Arc<Object>> {
        let known = self.objects.entry(image.at);
        known.or_insert_with(|| self.symbols.object(self.project, &image.wanted)).clone()
    }

    fn named(&self, frame: &Value, place: &Place, image: &Image) -> Value {
        let mut named = frame.as_object().cloned().unwrap_or_default();
        for gone in ["module", "pre_context", "context_line", "post_context", "filename", "abs_path", "lineno"] {
            named.remove(gone);
        }
        named.insert("function".into(), place.function.as_str().into());
        if let Some(symbol) = &place.symbol {
            named.insert("raw_function".into(), symbol.as_str().into());
        }
        if let Some(path) = &place.path {
            let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
            named.insert("filename".into(), file.into());
            named.insert("abs_path".into(), path.as_str().into());
        }
        if let Some(line) = place.line {
            named.insert("lineno".into(), line.into());
        }
        let data = named.entry("data").or_insert_with(|| json!({}));
        if let Some(data) = data.as_object_mut() {
            data.insert(STATUS.into(), "symbolicated".into());
        }
        self.add_source(&mut named, place, image);
        Value::Object(named)
    }

    fn add_source(&self, named: &mut Map<String, Value>, place: &Place, image: &Image) {
        let (Some(path), Some(line)) = (&place.path, place.line) else { return };
        let Some(text) = self.symbols.source(self.project, &image.wanted, path) else { return };
        let at = line as usize - 1;
        let lines: Vec<&str> = text.lines().skip(at.saturating_sub(CONTEXT)).take(2 * CONTEXT + 1).collect();
        let own = at.min(CONTEXT);
        if let Some(line) = lines.get(own) {
            named.insert("pre_context".into(), json!(lines[..own]));
            named.insert("context_line".into(), (*line).into());
            named.insert("post_context".into(), json!(lines[own + 1..]));
        }
    }

    /// Notes at the images which of them had symbols, and of what use these were.
    fn mark_found(&self, event: &mut Value) {
        let Some(images) = event.pointer_mut("/debug_meta/images").and_then(Value::as_array_mut) else { return };
        for (at, object) in &self.objects {
            if let (Some(Value::Object(image)), Some(object)) = (images.get_mut(*at), object) {
                let status = if object.has_functions() { FOUND } else { UNWOUND };
                image.insert("debug_status".into(), status.into());
            }
        }
    }
}
