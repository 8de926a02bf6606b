//! Versions inside release names.

use std::cmp::Ordering;

/// A version that can be compared: numbers, then what comes before the release proper.
/// Build metadata (`+build`) tells versions apart without ordering them, as semantic versioning has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    numbers: Vec<u64>,
    pre: Vec<Part>,
}

/// One part of a pre-release: numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Number(u64),
    Word(String),
}

impl Version {
    /// Reads `1.2.3-rc.1+build`, `v2.3`, `2.3.0.4`, `2026.11.07`. A lone number or a hash is no version.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = without_v(text);
        if !bare.contains('.') {
            return None;
        }
        Self::read(bare)
    }

    /// As [`parse`](Self::parse), with a lone number too: `2`, `v2`. For what a person typed.
    pub fn parse_prefix(text: &str) -> Option<Self> {
        Self::read(without_v(text))
    }

    fn read(text: &str) -> Option<Self> {
        // What comes after is a build: `+build`, and Apple's ` (9)`.
        let (core, pre) = split_pre(text.split(['+', ' ']).next().unwrap_or(text));
        let numbers: Option<Vec<u64>> = core.split('.').map(number).collect();
        let numbers = numbers.filter(|n| !n.is_empty() && n.len() <= 5)?;
        let pre = match pre {
            None => Vec::new(),
            Some("") => return None,
            Some(pre) => pre.split('.').map(part).collect::<Option<Vec<Part>>>()?,
        };
        Some(Self { numbers, pre })
    }

    /// Whether it comes before a release proper: `2.3.0-rc.1`.
    pub fn is_pre(&self) -> bool {
        !self.pre.is_empty()
    }

    /// Whether all of a version is named: `2.3.0`, not `2.3`.
    pub fn is_whole(&self) -> bool {
        self.numbers.len() >= 3
    }

    /// Whether both have the same numbers: `2.3.0`, `2.3`, `2.3.0-rc.1`.
    pub fn same_core(&self, other: &Self) -> bool {
        self.core_is(other)
    }

    /// Whether `self` names a family that `other` is of: `2.3` that of `2.3.0`, `2.3.1`, `2.3.0-rc.1`.
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        if self.is_pre() {
            return self == other;
        }
        other.numbers.starts_with(&self.numbers) || (self.numbers.len() > other.numbers.len() && self.core_is(other))
    }

    fn core_is(&self, other: &Self) -> bool {
        compare_numbers(&self.numbers, &other.numbers) == Ordering::Equal
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `2.3` equals `2.3.0` in rank and comes first of the two, so that equal rank means equal versions.
impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_numbers(&self.numbers, &other.numbers)
            .then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => self.pre.cmp(&other.pre),
            })
            .then_with(|| self.numbers.len().cmp(&other.numbers.len()))
    }
}

fn compare_numbers(one: &[u64], other: &[u64]) -> Ordering {
    let at = |numbers: &[u64], i: usize| numbers.get(i).copied().unwrap_or(0);
    (0..one.len().max(other.len()))
        .map(|i| at(one, i).cmp(&at(other, i)))
        .find(|o| o.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn without_v(text: &str) -> &str {
    match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    }
}

/// `2.3.0-rc.1` and Python's `2.3.0rc1` both have a pre-release.
fn split_pre(text: &str) -> (&str, Option<&str>) {
    if let Some((core, pre)) = text.split_once('-') {
        return (core, Some(pre));
    }
    match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) if ["rc", "a", "b", "alpha", "beta", "dev"].iter().any(|w| is_word_of(&text[at..], w)) => {
            (text[..at].trim_end_matches('.'), Some(&text[at..]))
        }
        _ => (text, None),
    }
}

fn is_word_of(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 18 && text.chars().all(|c| c.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn part(text: &str) -> Option<Part> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    fits.then(|| number(text).map_or_else(|| Part::Word(text.to_owned()), Part::Number))
}

/// The numbers of a version's build metadata where it has nothing else: `1.0.0+144150`, `1.0.0+2.7`, `1.0.0+build.9`, and
/// `1.0.0 (9)`, as Apple's tools write it.
pub fn build_number(version: &str) -> Option<Vec<u128>> {
    let in_brackets = || version.split_once(" (")?.1.strip_suffix(')');
    let build = version.split_once('+').map(|(_, build)| build).or_else(in_brackets)?;
    let lower = build.to_ascii_lowercase();
    let build = lower.strip_prefix("build").map_or(lower.as_str(), |rest| rest.trim_start_matches(['.', '-']));
    // A moment to the microsecond has twenty digits.
    let number = |text: &str| {
        let digits = (1..=36).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    build.split('.').map(number).collect()
}

/// A release's name in two: package and version. `shop@2.3.0` → (`shop`, `2.3.0`), `2.3.0` → (``, `2.3.0`).
/// A scoped package keeps its own `@`: `@acme/shop@2.3.0`.
pub fn split_name(name: &str) -> (&str, &str) {
    match name.rsplit_once('@') {
        Some((package, version)) if !package.is_empty() => (package, version),
        _ => ("", name),
    }
}

#[cfg(test)]
mod tests {
    use super::{Version, build_number, split_name};

    #[test]
    fn versions_of_many_kinds_are_ordered() {
        let rising = [
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.0.1",
            "1.2",
            "v1.10.0",
            "2.0.0rc1",
            "2.0.0",
            "2024.1.1",
            "2026.11.07",
        ];
        for pair in rising.windows(2) {
            let (low, high) = (Version::parse(pair[0]), Version::parse(pair[1]));
            assert!(low.is_some() && low < high, "{pair:?}");
        }
    }

    #[test]
    fn hashes_words_and_lone_numbers_are_no_versions() {
        for name in ["3f9ac2d", "12345", "main", "", "1.x", "1..2", "1.2.3-", "0.5e3f9a.2", "20261107", "1.2.3.4.5.6"] {
            assert_eq!(Version::parse(name), None, "{name}");
        }
        assert!(Version::parse_prefix("v2").is_some());
    }

    #[test]
    fn build_metadata_is_no_part_of_a_version_and_numbers_of_it_can_be_read() {
        assert_eq!(Version::parse("1.2.3+a"), Version::parse("1.2.3+b"));
        assert_eq!(build_number("1.2.3+144150"), Some(vec![144_150]));
        assert!(build_number("1.2.3+9") < build_number("1.2.3+10"));
        assert_eq!((build_number("1.0+build.9"), build_number("1.0 (9)")), (Some(vec![9]), Some(vec![9])));
        assert_eq!(Version::parse("1.0.0 (9)"), Version::parse("1.0.0"));
        assert!(build_number("1.0+20261130120000123456") < build_number("1.0+20261130120000123499"));
        for none in ["1.2.3", "1.2.3+abc", "1.2.3+3f9ac2d", "1.2.3+"] {
            assert_eq!(build_number(none), None, "{none}");
        }
    }

    #[test]
    fn names_have_a_package_and_a_version() {
        assert_eq!(split_name("shop@2.3.0"), ("shop", "2.3.0"));
        assert_eq!(split_name("@acme/shop@2.3.0"), ("@acme/shop", "2.3.0"));
        assert_eq!(split_name("2.3.0"), ("", "2.3.0"));
        assert_eq!(split_name("@2.3.0"), ("", "@2.3.0"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_version_or_not(text in ".{0,30}") {
            Version::parse(&text);
            Version::parse_prefix(&text);
        }
    }
}
