//! Which types may stand in an answer.

use jiff::Timestamp;

use super::{Clean, CleanData};

/// A type that may be a field of an answer. `String`, `&str` and `Untrusted` are not.
pub trait Safe {}

impl Safe for Clean {}
impl Safe for CleanData {}
impl Safe for Timestamp {}
impl<T: Safe> Safe for Option<T> {}
impl<T: Safe> Safe for Vec<T> {}
impl<T: Safe> Safe for Box<T> {}
impl<V: Safe> Safe for std::collections::BTreeMap<Clean, V> {}

macro_rules! safe {
    ($($ty:ty),*) => { $(impl Safe for $ty {})* };
}
safe!(bool, u8, u16, u32, u64, i32, i64, usize, f64);

/// Something that can be part of a sentence.
pub trait Say {
    /// Appends it.
    fn say(&self, out: &mut String);
}

impl Say for Clean {
    fn say(&self, out: &mut String) {
        out.push_str(self.as_str());
    }
}

impl Say for &Clean {
    fn say(&self, out: &mut String) {
        out.push_str(self.as_str());
    }
}

impl Say for &'static str {
    fn say(&self, out: &mut String) {
        out.push_str(self);
    }
}

impl Say for Timestamp {
    /// To the second: `2026-11-20T19:05:02Z`.
    fn say(&self, out: &mut String) {
        out.push_str(&self.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
}

impl<T: Say> Say for Option<T> {
    fn say(&self, out: &mut String) {
        if let Some(value) = self {
            value.say(out);
        }
    }
}

macro_rules! say_number {
    ($($ty:ty),*) => { $(impl Say for $ty {
        fn say(&self, out: &mut String) {
            out.push_str(&self.to_string());
        }
    })* };
}
say_number!(u8, u16, u32, u64, i32, i64, usize);

impl Say for f64 {
    /// With as many digits as tell something: two below 10, none above 100.
    fn say(&self, out: &mut String) {
        let digits = match self.abs() {
            x if x >= 100.0 => 0,
            x if x >= 10.0 => 1,
            _ => 2,
        };
        let text = format!("{self:.digits$}");
        out.push_str(if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text });
    }
}

/// Makes a [`Clean`] sentence of literals, numbers, times and clean texts: `say!("seen ", n, " times in ", release)`.
///
/// ```compile_fail
/// let outside = String::from("x");
/// prodsignal::say!("seen in ", outside);
/// ```
///
/// ```
/// let release = prodsignal::guard::Clean::ours("shop@2.3.0");
/// assert_eq!(prodsignal::say!("seen ", 3u64, " times in ", release).as_str(), "seen 3 times in shop@2.3.0");
/// ```
#[macro_export]
macro_rules! say {
    ($($part:expr),* $(,)?) => { $crate::guard::Clean::of(&[$(&$part as &dyn $crate::guard::Say),*]) };
}

/// Declares structs of an answer. A field of a type that is not [`Safe`] does not compile; empty optional fields and
/// lists marked `#[serde(skip_serializing_if …)]` are left out of the data.
///
/// ```compile_fail
/// prodsignal::view! {
///     /// An answer.
///     pub struct Answer { /// Text of a stranger.
///         pub text: String }
/// }
/// ```
///
/// ```
/// prodsignal::view! {
///     /// An answer.
///     pub struct Answer { /// Clean text.
///         pub text: prodsignal::guard::Clean }
/// }
/// ```
#[macro_export]
macro_rules! view {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident : $ty:ty),* $(,)? })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty),* }
        impl $crate::guard::Safe for $name {}
        const _: () = {
            const fn safe<T: $crate::guard::Safe>() {}
            $(safe::<$ty>();)*
        };
    )* };
}
