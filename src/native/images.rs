//! Loaded files of an event, and whether their symbols came since it was read.

use serde_json::Value;

use super::{Symbols, WantedImage, code_key, debug_key};

/// Most images that are read of an event.
const MOST: usize = 5_000;
/// What an image's `debug_status` says of its symbols: they name functions, or say no more than how stacks are unwound.
pub(super) const FOUND: &str = "found";
pub(super) const UNWOUND: &str = "unwound";

/// One loaded file.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Its place in the event's list.
    pub at: usize,
    /// Where it was loaded; the largest number for what has no place.
    pub start: u64,
    /// Its length in memory; 0: not said.
    pub size: u64,
    /// What names its symbols.
    pub wanted: WantedImage,
    /// Symbols that name its functions were there when the event was read last.
    pub found: bool,
    /// Symbols of it were there, but none that name functions.
    pub unwound: bool,
    /// A mapping of R8, or of Dart's names.
    pub mapping: bool,
}

impl Image {
    fn holds(&self, address: u64) -> bool {
        self.start != u64::MAX && (self.size == 0 || address - self.start < self.size)
    }
}

/// The loaded files by address, mappings first.
pub fn images_of(event: &Value) -> Vec<Image> {
    let all = event.pointer("/debug_meta/images").and_then(Value::as_array);
    let image = |(at, json): (usize, &Value)| {
        let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let mapping = matches!(text("type"), Some("proguard" | "dart_symbols" | "dartsymbolmap"));
        let start = json.get("image_addr").and_then(address);
        let file = text("code_file").or_else(|| text("name")).or_else(|| text("debug_file"));
        let file = file.map(|path| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned());
        let debug_id = ["debug_id", "id", "uuid"].iter().find_map(|key| debug_key(text(key)?));
        let wanted = WantedImage { debug_id, code_id: text("code_id").and_then(code_key), file };
        let named = wanted.debug_id.is_some() || wanted.code_id.is_some();
        named.then(|| Image {
            at,
            // Addresses of files that were loaded nowhere count from the file itself.
            start: start.unwrap_or(u64::MAX),
            size: json.get("image_size").and_then(address).unwrap_or(0),
            wanted,
            found: text("debug_status") == Some(FOUND),
            unwound: text("debug_status") == Some(UNWOUND),
            mapping,
        })
    };
    let mut images: Vec<Image> = all.into_iter().flatten().take(MOST).enumerate().filter_map(image).collect();
    images.sort_by_key(|image| (!image.mapping, image.start));
    images
}

/// The image at a place in the event's list.
pub(super) fn image_number(images: &[Image], at: usize) -> Option<&Image> {
    images.iter().find(|image| image.at == at && !image.mapping)
}

/// The image that a frame's address counts from, and how far: `addr_mode` is `abs`, or `rel:` and the image's number.
pub(super) fn image_of<'a>(images: &'a [Image], frame: &Value, address: u64) -> Option<(&'a Image, u64)> {
    match frame.get("addr_mode").and_then(Value::as_str).and_then(|mode| mode.strip_prefix("rel:")) {
        Some(number) => Some((image_number(images, number.parse().ok()?)?, address)),
        None => image_at(images, address).map(|image| (image, address - image.start)),
    }
}

/// The image that an address lies in.
pub(super) fn image_at(images: &[Image], address: u64) -> Option<&Image> {
    let after = images.partition_point(|image| image.mapping || image.start <= address);
    images[..after].last().filter(|image| !image.mapping && image.holds(address))
}

/// Whether symbols are here now of images that the crash ran through and that had none when the event was read.
pub fn has_found_since(event: &Value, symbols: &dyn Symbols, project: u64) -> bool {
    let images = images_of(event);
    let lists = event.pointer("/exception/values").and_then(Value::as_array).into_iter().flatten();
    let frames = lists.flat_map(|list| {
        let frames = list.pointer("/stacktrace/frames").and_then(Value::as_array);
        frames.into_iter().flatten()
    });
    let mut asked: Vec<usize> = Vec::new();
    for frame in frames {
        let Some(address) = frame.get("instruction_addr").and_then(address) else { continue };
        let found = image_of(&images, frame, address).map(|(image, _)| image);
        let Some(image) = found.filter(|image| !image.found) else { continue };
        if asked.contains(&image.at) {
            continue;
        }
        asked.push(image.at);
        let object = symbols.object(project, &image.wanted);
        if object.is_some_and(|object| !image.unwound || object.has_functions()) {
            return true;
        }
    }
    false
}

/// An address: a number, or text in hexadecimal with `0x`, else in decimal.
pub(super) fn address(json: &Value) -> Option<u64> {
    match json {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => {
            let text = text.trim();
            let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            hex.map_or_else(|| text.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
        }
        _ => None,
    }
}
