//! Programs and libraries that were loaded, and which of them an address lies in.

use serde_json::Value;

use super::{list, text};
use crate::model::{ImagePlace, Untrusted};

/// Most images that are read of an event: a browser has some hundreds.
const IMAGES: usize = 5_000;

/// One loaded file.
struct Image {
    start: u64,
    /// 0: not said, so that it reaches to the next one.
    size: u64,
    file: Option<Untrusted>,
    debug_id: Option<Untrusted>,
    code_id: Option<Untrusted>,
    debug_file: Option<Untrusted>,
    has_symbols: bool,
}

/// The loaded files of an event, by address, and each one's place in the event's list.
pub(super) struct Images(Vec<(usize, Image)>);

impl Images {
    /// Reads `debug_meta.images`; images without an address are for other things than addresses.
    pub(super) fn of(json: &Value) -> Self {
        let none = Value::Null;
        let all = list(json.get("debug_meta").unwrap_or(&none), "images");
        let image = |json: &&Value| {
            let file = text(json, "code_file").or_else(|| text(json, "name")).or_else(|| text(json, "debug_file"));
            let debug_id = text(json, "debug_id").or_else(|| text(json, "id")).or_else(|| text(json, "uuid"));
            let size = json.get("image_size").and_then(number).unwrap_or(0);
            // What has no address is found by its number alone.
            let start = json.get("image_addr").and_then(number).unwrap_or(u64::MAX);
            let has_symbols = json.get("debug_status").and_then(Value::as_str) == Some("found");
            let (code_id, debug_file) = (text(json, "code_id"), text(json, "debug_file"));
            Image { start, size, file, debug_id, code_id, debug_file, has_symbols }
        };
        let mut images: Vec<(usize, Image)> = all.iter().take(IMAGES).map(image).enumerate().collect();
        images.sort_by_key(|(_, image)| image.start);
        Self(images)
    }

    fn at(&self, address: u64) -> Option<&Image> {
        let after = self.0.partition_point(|(_, image)| image.start <= address);
        let (_, image) = self.0.get(after.checked_sub(1)?)?;
        (image.start != u64::MAX && (image.size == 0 || address - image.start < image.size)).then_some(image)
    }

    /// Where a frame is, if it has an address.
    pub(super) fn place(&self, frame: &Value) -> Option<Box<ImagePlace>> {
        let address = frame.get("instruction_addr").and_then(number)?;
        // `rel:3`: the address counts from the file with that number, not from the beginning of memory.
        let mode = frame.get("addr_mode").and_then(Value::as_str).and_then(|mode| mode.strip_prefix("rel:"));
        let (image, offset) = match mode {
            Some(number) => {
                let known = number.parse().ok().and_then(|at: usize| self.0.iter().find(|(known, _)| *known == at));
                (known.map(|(_, image)| image), Some(address))
            }
            None => {
                let image = self.at(address);
                let start = frame.get("image_addr").and_then(number).or(image.map(|image| image.start));
                (image, start.filter(|start| *start > 0).and_then(|start| address.checked_sub(start)))
            }
        };
        Some(Box::new(ImagePlace {
            package: text(frame, "package").or_else(|| image?.file.clone()),
            debug_id: image.and_then(|image| image.debug_id.clone()),
            code_id: image.and_then(|image| image.code_id.clone()),
            debug_file: image.and_then(|image| image.debug_file.clone()),
            size: image.map_or(0, |image| image.size),
            address,
            offset,
            trust: text(frame, "trust"),
            has_symbols: image.is_some_and(|image| image.has_symbols),
        }))
    }
}

/// An address: a number, or text in hexadecimal with `0x`, else in decimal.
pub(super) fn number(json: &Value) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_found_in_the_image_that_holds_it() {
        let images = Images::of(&json!({ "debug_meta": { "images": [
            { "code_file": "/opt/b", "image_addr": "0x2000", "image_size": 16, "debug_id": "B" },
            { "code_file": "/opt/a", "image_addr": 4096 },
            { "type": "proguard", "uuid": "x" },
        ] } }));
        let place = |address: &str| *images.place(&json!({ "instruction_addr": address })).unwrap();
        assert_eq!(place("0x1f40").label(), "a+0xf40");
        assert_eq!(place("0x200f").label(), "b+0xf");
        assert_eq!(place("0x2010").label(), "0x2010");
        assert_eq!(place("0x10").offset, None);
        assert!(images.place(&json!({ "function": "main" })).is_none());
        let own =
            images.place(&json!({ "instruction_addr": "0x9100", "image_addr": "0x9000", "package": "C:\\x\\y.dll" }));
        assert_eq!(own.unwrap().label(), "y.dll+0x100");
    }
}
