//! Which names and frames a minifier made.

use crate::model::Frame;

/// Beyond this column no hand-written line is expected.
const LONG_LINE: u64 = 500;

/// `t`, `$n`, `Xe3`: too short to be meant. `run`, `get` and `map` stay.
pub(super) fn is_minified_name(name: &str) -> bool {
    match name.chars().count() {
        0..=2 => true,
        3 => !name.chars().all(|c| c.is_ascii_lowercase()) && !name.chars().all(|c| c.is_ascii_uppercase()),
        _ => false,
    }
}

/// Whether a frame stands in generated code, judged by where it stands and by its function's bare name.
pub(super) fn looks_minified(frame: &Frame, bare_name: Option<&str>) -> bool {
    let file = super::module::path_of(frame);
    if !is_script(file) {
        return false;
    }
    let column = frame.column.unwrap_or(0);
    let packed = file.contains(".min.") || column > LONG_LINE;
    let odd_place = column > 80 || frame.line.is_some_and(|line| line <= 3) || super::module::has_build_hash(file);
    packed || (odd_place && bare_name.is_some_and(is_minified_name))
}

/// Whether a file holds JavaScript or what compiles to it.
pub(super) fn is_script(file: &str) -> bool {
    let path = file.split(['?', '#']).next().unwrap_or(file);
    [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte"]
        .iter()
        .any(|end| path.ends_with(end))
        || ["http://", "https://", "app://", "webpack:", "capacitor://", "file://", "blob:", "node:"]
            .iter()
            .any(|start| path.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::is_minified_name;

    #[test]
    fn short_names_are_minified_and_short_words_are_not() {
        for name in ["t", "$n", "Xe", "aB3", "_t1"] {
            assert!(is_minified_name(name), "{name}");
        }
        for name in ["run", "get", "note", "GET", "merge"] {
            assert!(!is_minified_name(name), "{name}");
        }
    }
}
