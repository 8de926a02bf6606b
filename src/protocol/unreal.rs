//! What Unreal Engine's crash reporter sends: files one after the other in one compressed body, what the engine knew
//! among them as XML.

use serde_json::{Map, Value, json};

use super::{CrashForm, FormPart, Limits, decode_body, read_json};

/// First bytes of a body that says at its beginning how many files there are; older ones say it at their end.
const HEADED: &[u8] = b"CR1";
/// Files that are read of a report, and bytes of one name.
const FILES: usize = 200;
const NAME: usize = 1 << 12;
/// The file with what the engine knew.
const CONTEXT: &str = "CrashContext.runtime-xml";
/// Frames that are read of the engine's own stack.
const FRAMES: usize = 200;

/// What is told of a crash as the context `unreal`: name there, element of the XML.
const FACTS: &[(&str, &str)] = &[
    ("game", "GameName"),
    ("engine_version", "EngineVersion"),
    ("build_version", "BuildVersion"),
    ("configuration", "BuildConfiguration"),
    ("platform", "PlatformFullName"),
    ("crash_type", "CrashType"),
    ("engine_mode", "EngineMode"),
    ("seconds_since_start", "SecondsSinceStart"),
    ("rhi", "RHI.RHIName"),
    ("gpu", "Misc.PrimaryGPUBrand"),
    ("message", "ErrorMessage"),
    ("is_out_of_memory", "MemoryStats.bIsOOM"),
    ("allocation_bytes", "MemoryStats.OOMAllocationSize"),
];
/// Counts of bytes, for the context `memory`.
const MEMORY: &[(&str, &str)] = &[
    ("total_bytes", "MemoryStats.TotalPhysical"),
    ("available_bytes", "MemoryStats.AvailablePhysical"),
    ("resident_bytes", "MemoryStats.UsedPhysical"),
    ("resident_peak_bytes", "MemoryStats.PeakUsedPhysical"),
    ("virtual_bytes", "MemoryStats.UsedVirtual"),
];

/// Reads a report: the dump, what the engine and the game said, further files. One that can't be read is kept whole.
pub fn unreal_form(body: &[u8], limits: &Limits) -> CrashForm {
    let plain = decode_body(Some("deflate"), body, limits).map_or_else(|_| body.to_vec(), std::borrow::Cow::into_owned);
    let mut form = CrashForm { event: json!({}), ..CrashForm::default() };
    let files = files(&plain);
    if files.is_empty() {
        let bytes = body.to_vec();
        form.files.push(FormPart {
            name: "report".into(),
            file: Some("report.uecrash".into()),
            content_type: None,
            bytes,
        });
        form.event["tags"] = json!({ "engine": "unreal" });
        return form;
    }
    for (name, bytes) in files {
        if name == CONTEXT {
            form.event = event(&String::from_utf8_lossy(bytes), limits);
        }
        if form.dump.is_empty() && bytes.starts_with(b"MDMP") {
            (form.dump, form.dump_name) = (bytes.to_vec(), Some(name));
        } else {
            form.files.push(FormPart {
                name: name.clone(),
                file: Some(name),
                content_type: None,
                bytes: bytes.to_vec(),
            });
        }
    }
    form
}

/// The files, each with its name, as far as they can be read.
fn files(bytes: &[u8]) -> Vec<(String, &[u8])> {
    let mut reader = Reader { bytes, at: if bytes.starts_with(HEADED) { HEADED.len() } else { 0 } };
    let count = match reader.header() {
        Some(count) if count > 0 => count,
        // The header before the files was a place for one.
        Some(_) => bytes.last_chunk::<4>().map_or(0, |last| u32::from_le_bytes(*last)),
        None => 0,
    };
    let mut found = Vec::new();
    for _ in 0..count.min(FILES as u32) {
        let Some(file) = reader.file() else { break };
        found.push(file);
    }
    found
}

/// Reads one part after the other.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let part = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(part)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn name(&mut self) -> Option<String> {
        let length = self.number()? as usize;
        let bytes = self.take(length)?;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(NAME)]);
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// Folder, file, size, and how many files there are, which is told.
    fn header(&mut self) -> Option<u32> {
        self.name()?;
        self.name()?;
        self.number()?;
        self.number()
    }

    fn file(&mut self) -> Option<(String, &'a [u8])> {
        self.number()?;
        let name = self.name()?;
        let length = self.number()? as usize;
        Some((name, self.take(length)?))
    }
}

/// The event that the engine's XML tells of.
fn event(xml: &str, limits: &Limits) -> Value {
    let own = element(xml, "__sentry").and_then(|text| read_json(text.as_bytes(), limits.depth).ok());
    let mut event = own.filter(Value::is_object).unwrap_or_else(|| json!({}));
    let facts: Map<String, Value> =
        FACTS.iter().filter_map(|(name, tag)| Some(((*name).to_owned(), element(xml, tag)?.into()))).collect();
    let number = |tag: &str| element(xml, tag)?.parse::<u64>().ok();
    let memory: Map<String, Value> =
        MEMORY.iter().filter_map(|(name, tag)| Some(((*name).to_owned(), number(tag)?.into()))).collect();
    let ty = element(xml, "CrashType").unwrap_or_else(|| "Crash".to_owned());
    let said = element(xml, "ErrorMessage");
    let mut put = |key: &str, name: &str, value: Value| {
        if !event.get(key).is_some_and(Value::is_object) {
            event[key] = json!({});
        }
        if let Value::Object(map) = &mut event[key] {
            map.entry(name).or_insert(value);
        }
    };
    put("tags", "engine", "unreal".into());
    put("tags", "crash_type", ty.as_str().into());
    if element(xml, "MemoryStats.bIsOOM").is_some_and(|text| text == "1" || text == "true") {
        let evidence =
            number("MemoryStats.OOMAllocationSize").map(|bytes| format!("an allocation of {bytes} bytes failed"));
        put("contexts", "crash", json!({ "kind": "out_of_memory", "reason": ty, "evidence": evidence }));
    }
    put("contexts", "unreal", Value::Object(facts));
    put("contexts", "memory", Value::Object(memory));
    if let Some(user) =
        element(xml, "EpicAccountId").or_else(|| element(xml, "LoginId")).or_else(|| element(xml, "UserName"))
    {
        put("user", "id", user.into());
    }
    let (frames, images) = stack(xml);
    event["level"] = "fatal".into();
    event["platform"] = "native".into();
    // A dump says where; without one the engine's own words and stack do.
    event["exception"] = json!({ "values": [{ "type": format!("Unreal {ty}"), "value": said,
        "mechanism": { "type": "unreal", "handled": false, "synthetic": true }, "stacktrace": { "frames": frames } }] });
    event["debug_meta"] = json!({ "images": images });
    event
}

/// The engine's own stack: `kettle 0x00007ff6a0000000 + 1a2b3c`, a line each, the innermost first.
fn stack(xml: &str) -> (Vec<Value>, Vec<Value>) {
    let text = element(xml, "PCallStack").or_else(|| element(xml, "CallStack")).unwrap_or_default();
    let (mut frames, mut images) = (Vec::new(), Vec::<Value>::new());
    for line in text.lines().take(FRAMES) {
        let Some((before, offset)) = line.rsplit_once(" + ") else { continue };
        let Some((module, start)) = before.trim().rsplit_once(char::is_whitespace) else { continue };
        let hex = |text: &str| u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
        let (Some(start), Some(offset)) = (hex(start), hex(offset)) else { continue };
        let image = json!({ "type": "pe", "code_file": module.trim(), "image_addr": format!("{start:#x}") });
        if !images.contains(&image) {
            images.push(image);
        }
        frames.push(json!({ "instruction_addr": format!("{:#x}", start.wrapping_add(offset)) }));
    }
    frames.reverse();
    (frames, images)
}

/// The text of the first element of a name, with its character references read. Nothing else of XML is needed: the
/// engine writes one element a line.
fn element(xml: &str, name: &str) -> Option<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let start = xml.find(&open)? + open.len();
    let end = start + xml[start..].find(&close)?;
    let mut text = xml[start..end].trim().to_owned();
    for (reference, plain) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#10;", "\n"),
        ("&#xA;", "\n"),
        ("&amp;", "&"),
    ] {
        text = text.replace(reference, plain);
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const XML: &str = "<FGenericCrashContext><RuntimeProperties>\n<CrashType>Assert</CrashType>\n<GameName>UE-Kettle</GameName>\n\
        <ErrorMessage>Assertion failed: Level &lt; 4</ErrorMessage>\n<LoginId>ada-7</LoginId>\n\
        <MemoryStats.TotalPhysical>17179869184</MemoryStats.TotalPhysical>\n<MemoryStats.bIsOOM>0</MemoryStats.bIsOOM>\n\
        <PCallStack>Kettle 0x0000000140000000 + 1a2b\nkernel32 0x00007ff800000000 + 10\n</PCallStack>\n</RuntimeProperties>\n\
        <GameData><__sentry>{&quot;release&quot;:&quot;kettle@1&quot;}</__sentry></GameData></FGenericCrashContext>";

    fn body(files: &[(&str, &[u8])], headed: bool) -> Vec<u8> {
        let text = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
        let header = |count: u32| {
            [text("UECC-1"), text("UECC-1.uecrash"), 9_u32.to_le_bytes().to_vec(), count.to_le_bytes().to_vec()]
                .concat()
        };
        let mut plain = if headed { [b"CR1".to_vec(), header(files.len() as u32)].concat() } else { header(0) };
        for (at, (name, bytes)) in files.iter().enumerate() {
            plain.extend((at as u32).to_le_bytes());
            plain.extend(text(name));
            plain.extend((bytes.len() as u32).to_le_bytes());
            plain.extend(*bytes);
        }
        if !headed {
            plain.extend(header(files.len() as u32));
        }
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&plain).unwrap();
        zlib.finish().unwrap()
    }

    #[test]
    fn files_and_what_the_engine_knew_are_read_in_both_layouts() {
        for headed in [true, false] {
            let sent =
                body(&[(CONTEXT, XML.as_bytes()), ("UEMinidump.dmp", b"MDMP..."), ("Kettle.log", b"line")], headed);
            let form = unreal_form(&sent, &Limits::default());
            assert_eq!((form.dump.as_slice(), form.dump_name.as_deref()), (&b"MDMP..."[..], Some("UEMinidump.dmp")));
            assert_eq!(form.files.len(), 2);
            assert_eq!(form.event["release"], "kettle@1");
            assert_eq!(form.event["tags"]["crash_type"], "Assert");
            assert_eq!(form.event["exception"]["values"][0]["value"], "Assertion failed: Level < 4");
            assert_eq!(
                form.event["exception"]["values"][0]["stacktrace"]["frames"][1]["instruction_addr"],
                "0x140001a2b"
            );
            assert_eq!(form.event["contexts"]["memory"]["total_bytes"], 17_179_869_184_u64);
            assert_eq!(form.event["user"]["id"], "ada-7");
        }
    }

    #[test]
    fn what_can_not_be_read_is_kept_whole() {
        let huge = [&b"CR1"[..], &u32::MAX.to_le_bytes()[..], b"x"].concat();
        for sent in [&b"rubbish"[..], b"", &huge, &body(&[], true)] {
            let form = unreal_form(sent, &Limits::default());
            assert_eq!((form.files[0].bytes.as_slice(), form.event["tags"]["engine"].as_str()), (sent, Some("unreal")));
        }
    }
}
