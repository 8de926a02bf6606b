//! The libraries that a program is built on, as SDKs list them in events.

use super::Untrusted;

/// A list of libraries and their versions; it repeats in nearly every event of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Libraries {
    /// Equal for equal lists.
    pub digest: i64,
    /// A library a line: its name, a tab, its version.
    pub text: Untrusted,
}

/// A library whose version an issue follows: other events of the project carry another one.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryChange {
    /// Its name.
    pub name: Untrusted,
    /// The version without the issue, the newest before it.
    pub before: Untrusted,
    /// The version with the issue, of most of its events.
    pub after: Untrusted,
    /// Events of the issue that name their libraries.
    pub events: u64,
    /// Events of the project with another version, none of them of the issue.
    pub others: u64,
    /// Those others tell it within one release alone: the program itself is the same on both sides.
    pub same_release: bool,
}
