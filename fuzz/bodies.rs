//! What the fuzz targets do with bytes; `tests/it/fuzz.rs` runs them too. Each must return for every input: no panic, no
//! overflow, no loop without end. What can be said of an answer is asserted.

use std::sync::LazyLock;

use prodsignal::{
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    model::{EventId, Timestamp},
    native::{NoSymbols, merge, read_debug_file, read_dump, read_report, symbolicate},
    otlp::{self, Encoding, Signal},
    protocol::{ClockPolicy, Limits, event_id, parse, read_json, unreal_form},
    replay,
    sourcemaps::{self, ArtifactFile, BundleError, Script},
    store::{Join, ProjectKey, Record, StoredPart, parse_search},
    tools::{Cursor, Cursors, id_in},
};

/// A body, by the name of its target.
pub type Body = fn(&[u8]);

/// All of them.
pub const BODIES: [(&str, Body); 10] = [
    ("envelope", envelope),
    ("item", item),
    ("otlp", otlp),
    ("replay", replay),
    ("source_map", source_map),
    ("search_query", search_query),
    ("cursor", cursor),
    ("url", url),
    ("crash", crash),
    ("debug_file", debug_file),
];

fn now() -> Timestamp {
    Timestamp::from_second(1_795_600_000).expect("a moment")
}

static INGEST: LazyLock<Ingest> =
    LazyLock::new(|| Ingest::new(Scrubber::new(Pseudonyms::new([7; 32])), Limits::default()));

/// An envelope, through all of ingestion.
pub fn envelope(data: &[u8]) {
    let project = ProjectKey { id: 1, slug: "shop".to_owned() };
    if let Ok(parsed) = parse(data, &Limits::default()) {
        assert!(parsed.items.len() <= Limits::default().items);
    }
    let _ = INGEST.envelope(&project, data, now(), ClockPolicy::Live);
}

/// One item: the first line is its type, the rest its payload.
pub fn item(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (ty, payload) = data.split_at(at);
    let payload = payload.get(1..).unwrap_or_default();
    let ty = serde_json::Value::from(String::from_utf8_lossy(ty));
    let mut envelope = format!("{{}}\n{{\"type\":{ty},\"length\":{}}}\n", payload.len()).into_bytes();
    envelope.extend_from_slice(payload);
    envelope.push(b'\n');
    self::envelope(&envelope);
}

/// A request of an OpenTelemetry exporter, up to the events that its parts tell of. The first byte says which signal, and
/// whether the rest is protobuf or JSON.
pub fn otlp(data: &[u8]) {
    let Some((first, body)) = data.split_first() else { return };
    let signal = [Signal::Traces, Signal::Logs, Signal::Metrics][usize::from(first % 3)];
    let encoding = if first & 0x80 == 0 { Encoding::Protobuf } else { Encoding::Json };
    let Ok(request) = otlp::read(signal, encoding, body) else { return };
    let project = ProjectKey { id: 1, slug: "shop".to_owned() };
    let digests = INGEST.otlp(request, &|_| Some(project.clone()), now());
    let parts: Vec<_> = digests
        .into_iter()
        .flat_map(|digest| digest.records)
        .filter_map(|record| match record {
            Record::Part(part) => Some(StoredPart { project: 1, body: part.body }),
            _ => None,
        })
        .collect();
    assert_eq!(INGEST.join(&parts, &[], now()), INGEST.join(&parts, &[], now()), "the same parts make the same events");
}

/// A replay's segment.
pub fn replay(data: &[u8]) {
    let id: EventId = "0123456789abcdef0123456789abcdef".parse().expect("an id");
    let limits = replay::Limits::default();
    let most = limits.steps;
    let mut reader = replay::Reader::new(id, limits);
    reader.segment(None, data);
    let replay = reader.finish();
    assert!(replay.steps.len() <= most + 2, "{} steps", replay.steps.len());
}

/// A source map, its script, and a bundle of both.
pub fn source_map(data: &[u8]) {
    let _ = sourcemaps::check_map(data);
    let _ = Script::new(data, None);
    let _ = Script::new(data, Some(data));
    let _ = sourcemaps::read_bundle(data, &sourcemaps::Limits::default(), |_: ArtifactFile| Ok::<_, BundleError>(()));
}

/// A search in Sentry's syntax.
pub fn search_query(data: &[u8]) {
    let _ = parse_search(&String::from_utf8_lossy(data), now());
}

/// A cursor: only one that was written is read.
pub fn cursor(data: &[u8]) {
    let cursors = Cursors::new([1; 32], [2; 32]);
    let text = String::from_utf8_lossy(data);
    if let Ok(Cursor { skip, as_of }) = cursors.read(&text) {
        assert_eq!(cursors.write(Cursor { skip, as_of }).as_str(), text.trim());
    }
}

/// A crash: a dump, or what a system wrote down as text, and the form that Unreal Engine sends.
pub fn crash(data: &[u8]) {
    let _ = unreal_form(data, &Limits::default());
    if let Some(found) = read_dump(data, &NoSymbols, 1).or_else(|| read_report(data)) {
        let mut event = serde_json::json!({});
        merge(&mut event, found, &[]);
        symbolicate(&mut event, &NoSymbols, 1);
        let _ = INGEST.store_event(
            &ProjectKey { id: 1, slug: "shop".to_owned() },
            event.to_string().as_bytes(),
            now(),
            None,
        );
    }
}

/// A file with symbols.
pub fn debug_file(data: &[u8]) {
    let _ = read_debug_file("mapping.txt", Some("9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73"), data);
}

/// An address or an id, and JSON of any depth.
pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = id_in(&text);
    let _ = prodsignal::model::query_pairs(&text);
    if let Ok(json) = read_json(data, 64) {
        let _ = event_id(&json);
    }
}
