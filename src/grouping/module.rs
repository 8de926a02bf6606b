//! Where a frame's function lives, without what differs between machines, releases and builds.

use crate::model::Frame;

/// Names that say nothing without their folder.
const PLAIN_FILES: [&str; 9] = ["index", "main", "mod", "__init__", "handler", "page", "route", "layout", "+page"];

/// Parts of paths that by custom hold code which serves many callers.
const SHARED: [&str; 20] = [
    "lib",
    "libs",
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "shared",
    "support",
    "misc",
    "tools",
    "retry",
    "telemetry",
    "tracing",
    "instrumentation",
    "middleware",
    "logging",
    "logger",
    "vendor",
    "wrappers",
];

/// Further parts of paths that hold code around that of others; they don't count for grouping.
const AROUND: [&str; 22] = [
    "metrics",
    "metric",
    "meter",
    "meters",
    "gauges",
    "monitoring",
    "observability",
    "stats",
    "statsd",
    "apm",
    "otel",
    "trace",
    "tracer",
    "span",
    "spans",
    "obs",
    "probe",
    "probes",
    "decorators",
    "wrapper",
    "infra",
    "infrastructure",
];

/// The module's name, else the file's, without directories, versions and hashes.
/// After a source map only the file is true, since the module was read from the bundle.
pub(super) fn module_key(frame: &Frame, mapped: bool) -> String {
    let module = frame.module.as_ref().map_or("", |m| m.raw());
    if !mapped && !module.is_empty() && !module.starts_with(['<', '_']) {
        let module = super::generated::steady(module, false);
        let steady: Vec<String> = module.split(['.', ':', '/']).map(without_hash).filter(|s| !is_version(s)).collect();
        return steady.join(".");
    }
    match frame.image.as_ref().and_then(|image| image.package.as_ref()) {
        Some(package) => file_key(package.raw()),
        None => file_key(path_of(frame)),
    }
}

/// Native code without a name: its place in the library, the same wherever that was loaded.
pub(super) fn offset_of(frame: &Frame) -> Option<String> {
    let image = frame.image.as_ref()?;
    image.package_name()?;
    Some(format!("+{:#x}", image.offset?))
}

/// The path as sent, the shorter one first.
pub(super) fn path_of(frame: &Frame) -> &str {
    [&frame.file, &frame.abs_path].into_iter().flatten().map(|p| p.raw()).find(|p| !p.is_empty()).unwrap_or("")
}

/// Whether the module's name, the file's or its folder's says that many callers share it.
pub(super) fn is_shared(frame: &Frame) -> bool {
    let shared = |part: &str| SHARED.contains(&part.to_ascii_lowercase().as_str());
    let module = frame.module.as_ref().map_or("", |m| m.raw());
    let path = path_of(frame);
    let mut folders = path.rsplit(['/', '\\']);
    let file = folders.next().map_or("", stem);
    module.split(['.', ':', '/']).any(shared) || shared(file) || folders.take(2).any(shared)
}

/// The same, with more names of code that stands around others.
pub(super) fn serves_by_name(frame: &Frame) -> bool {
    let around = |part: &str| AROUND.contains(&part.to_ascii_lowercase().as_str());
    let module = frame.module.as_ref().map_or("", |m| m.raw());
    let mut folders = path_of(frame).rsplit(['/', '\\']);
    let file = folders.next().map_or("", stem);
    is_shared(frame) || module.split(['.', ':', '/']).any(around) || around(file) || folders.take(2).any(around)
}

/// Whether a build put a hash into the file's name.
pub(super) fn has_build_hash(file: &str) -> bool {
    let stem = stem(base(file));
    without_hash(stem) != stem
}

fn file_key(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    // Python's attrs: `<attrs generated init shop.cart.Cart-3>`.
    if let Some((name, _)) = path.strip_prefix("<attrs generated ").and_then(|rest| rest.rsplit_once('-')) {
        return name.to_owned();
    }
    let path = evaluated(path);
    if is_page(path) {
        return "page".to_owned();
    }
    let name = without_hash(stem(base(path)));
    if !PLAIN_FILES.contains(&name.as_str()) {
        return name;
    }
    let folder = path.rsplit(['/', '\\']).nth(1).unwrap_or("");
    if is_version(folder) || folder.contains(':') || ["src", "dist", "build", "app", ""].contains(&folder) {
        return name;
    }
    format!("{}/{name}", without_hash(folder))
}

/// What code that was evaluated is called, without a counter or the place that evaluated it.
fn evaluated(path: &str) -> &str {
    if path.starts_with("<ipython-input-") || path.contains("/ipykernel_") {
        return "<ipython>";
    }
    // PHP: `Tpl.php(41) : eval()'d code`.
    if let Some((file, _)) = path.split_once(" : eval()'d code").and_then(|(place, _)| place.rsplit_once('(')) {
        return file;
    }
    path
}

/// A page with a script in it: its path is what the user looks at.
fn is_page(path: &str) -> bool {
    let web = path.starts_with("http://") || path.starts_with("https://");
    web && !base(path)
        .rsplit_once('.')
        .is_some_and(|(_, end)| matches!(end, "js" | "mjs" | "cjs" | "ts" | "tsx" | "jsx"))
}

fn base(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() && end.len() <= 6 && !end.chars().any(|c| c.is_ascii_digit()) => stem,
        _ => name,
    }
}

/// `server-3f9ac2` → `server`, `gift-cards-7QK2LMVX` → `gift-cards`, `tinychart-2.1.0.min` → `tinychart`.
fn without_hash(stem: &str) -> String {
    let parts: Vec<&str> = stem.split_inclusive(['-', '.', '~', '_']).collect();
    let versioned = parts.iter().filter(|p| is_number(bare(p))).count() > 1;
    let mut kept = String::new();
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        let part_bare = bare(part);
        let dropped =
            is_hash(part_bare, i > 0, last) || (i > 0 && versioned && is_number(part_bare)) || part_bare == "min";
        if !dropped {
            kept.push_str(part);
        }
    }
    kept.trim_end_matches(['-', '.', '~', '_']).to_owned()
}

fn bare(part: &str) -> &str {
    part.trim_end_matches(['-', '.', '~', '_'])
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.trim_start_matches('v').chars().all(|c| c.is_ascii_digit()) && part != "v"
}

/// What bundlers write: hexadecimal digits, or eight letters and digits of mixed kind.
fn is_hash(part: &str, after_name: bool, last: bool) -> bool {
    if part.len() < 6 || !part.chars().all(|c| c.is_ascii_alphanumeric()) {
        return false;
    }
    let digit = part.chars().any(|c| c.is_ascii_digit());
    let upper = part.chars().any(|c| c.is_ascii_uppercase());
    let lower = part.chars().any(|c| c.is_ascii_lowercase());
    let hex = part.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase());
    if hex && (digit && (lower || part.len() >= 8) || part.len() >= 8) {
        return true;
    }
    after_name && last && !is_numbered_word(part) && ((digit && (upper || lower)) || (part.len() == 8 && upper))
}

/// `stripe2`, `sha256`, `Orders2`, `Checkout`: a word, and perhaps a number after it.
fn is_numbered_word(part: &str) -> bool {
    let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
    let rest = word.strip_prefix(|c: char| c.is_ascii_uppercase()).unwrap_or(word);
    rest.len() >= 3 && rest.chars().all(|c| c.is_ascii_lowercase())
}

fn is_version(part: &str) -> bool {
    let part = part.strip_prefix('v').unwrap_or(part);
    part.starts_with(|c: char| c.is_ascii_digit())
        && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::{file_key, has_build_hash, module_key};
    use crate::model::Frame;

    #[test]
    fn files_lose_directories_versions_and_hashes() {
        for (path, want) in [
            ("/app/shop-api/2.3.0/src/checkout.js", "checkout"),
            ("/app/desk/dist/server-XXVHOFEE.js", "server"),
            ("app:///server-IHOEQLZV.js", "server"),
            ("server-3f9ac2.js", "server"),
            ("https://x.example/assets/chunk-abc123.js?v=3", "chunk"),
            ("https://x.example/assets/index-DiwrgTda.js", "assets/index"),
            ("static/js/main.4f3d2a1b.chunk.js", "main.chunk"),
            ("https://x.example/assets/tinychart-2.1.0.min.js", "tinychart"),
            ("https://x.example/catalogue?v=2", "page"),
            ("C:\\srv\\app\\orders.cs", "orders"),
            ("src/orders/index.ts", "orders/index"),
            ("/srv/releases/20261107/index.js", "index"),
            ("worker.py", "worker"),
            ("deadline-checkout.js", "deadline-checkout"),
            ("jobs/sync_stripe2.py", "sync_stripe2"),
            ("hash_sha256.py", "hash_sha256"),
            ("pages-Checkout.js", "pages-Checkout"),
            ("<ipython-input-12-a8b9c7>", "<ipython>"),
            ("/tmp/ipykernel_4711/123456.py", "<ipython>"),
            ("/srv/views/Tpl.php(41) : eval()'d code", "Tpl"),
            ("<attrs generated init shop.cart.Cart-3>", "init shop.cart.Cart"),
            ("", ""),
        ] {
            assert_eq!(file_key(path), want, "{path}");
        }
        assert!(!has_build_hash("/app/src/checkout.js"));
    }

    #[test]
    fn a_module_is_better_than_a_file_until_a_map_was_read() {
        let frame =
            Frame { module: Some("server-XXVHOFEE".into()), file: Some("src/routing.js".into()), ..Frame::default() };
        assert_eq!(module_key(&frame, false), "server");
        assert_eq!(module_key(&frame, true), "routing");
        let main = Frame { module: Some("__main__".into()), file: Some("worker.py".into()), ..Frame::default() };
        assert_eq!(module_key(&main, false), "worker");
        let node = Frame { module: Some("src.lib:tables".into()), ..Frame::default() };
        assert_eq!(module_key(&node, false), "src.lib.tables");
    }

    proptest::proptest! {
        #[test]
        fn any_path_has_a_key(path in ".{0,60}") {
            file_key(&path);
        }
    }
}
