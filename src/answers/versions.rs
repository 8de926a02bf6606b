//! Tags whose values are versions of something.
//! It uses `release`.

use std::collections::BTreeMap;

use crate::{
    model::Untrusted,
    release::{Version, product},
};

/// Tags whose values are versions though they may be lone numbers.
const VERSIONED: [&str; 7] = ["browser", "os", "client_os", "runtime", "engine", "app", "sdk"];

/// Whether a tag's values are versions: by its name, or because all of them have a point.
pub(crate) fn are_versions<'v>(tag: &Untrusted, values: impl Iterator<Item = &'v Untrusted> + Clone) -> bool {
    let name = tag.raw().to_ascii_lowercase();
    let dotted = |text: &Untrusted| text.raw().contains('.') && product(text.raw()).is_some();
    VERSIONED.contains(&name.as_str())
        || name.contains("version")
        || (values.clone().next().is_some() && values.clone().all(dotted))
}

/// Places of versions by what they are versions of, oldest first; what has one version alone is no family.
pub(crate) fn families(values: &[Untrusted]) -> Vec<Vec<u32>> {
    let mut families: BTreeMap<&str, Vec<(Version, u32)>> = BTreeMap::new();
    for (value, place) in values.iter().zip(0..) {
        if let Some((family, version)) = product(value.raw()) {
            families.entry(family).or_default().push((version, place));
        }
    }
    let ordered = families.into_values().filter(|family| family.len() > 1).map(|mut family| {
        family.sort();
        family.into_iter().map(|(_, place)| place).collect()
    });
    ordered.collect()
}
