//! The nearest of known names to one that was mistyped.

/// At least so alike, 0 to 1, for a name to be proposed.
const ALIKE: f64 = 0.7;

/// `; did you mean "…"?` and all names, for the end of a message.
pub fn hint<'n>(asked: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    let near = names.iter().map(|name| (strsim::jaro_winkler(asked, name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((alike, name)) if alike >= ALIKE => format!("; did you mean \"{name}\"? There are {}", names.join(", ")),
        _ => format!("; there are {}", names.join(", ")),
    }
}
