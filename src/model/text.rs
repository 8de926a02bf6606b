//! The type of every string that a stranger may have written.

use std::fmt;

/// Text from outside: an event, a user, a release name, an argument of a call.
///
/// It has no `Display`, no `Serialize` and no `Deref`, so it can't reach an answer by accident;
/// only `guard` turns it into text that may be shown.
///
/// ```compile_fail
/// let text = prodsignal::model::Untrusted::from("x");
/// println!("{text}");
/// ```
///
/// ```compile_fail
/// let text = prodsignal::model::Untrusted::from("x");
/// serde_json::to_string(&text).unwrap();
/// ```
///
/// The twin that compiles, so that the two above fail for the right reason:
///
/// ```
/// let text = prodsignal::model::Untrusted::from("x");
/// println!("{text:?} {}", serde_json::to_string(text.raw()).unwrap());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Untrusted(String);

impl Untrusted {
    /// The text as it came. For grouping, comparing and storing; never for an answer.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text as it came, owned.
    pub fn into_raw(self) -> String {
        self.0
    }

    /// Whether there is any text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Says how long the text is and nothing of it: `Debug` output ends up in logs.
impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({} bytes)", self.0.len())
    }
}
