//! Names that compilers decorated, as people wrote them.

use symbolic_common::{Language, Name, NameMangling};
use symbolic_demangle::{Demangle, DemangleOptions};

use super::rust_name;

/// Longest name that is undone, in bytes: templates nest without end.
const LONGEST: usize = 8_192;

/// A name as it was written: without parameters' types, which say the same in every call, and without Rust's hash.
pub fn demangle(name: &str) -> String {
    demangle_name(&Name::new(name, NameMangling::Unknown, Language::Unknown))
}

pub(super) fn demangle_name(name: &Name<'_>) -> String {
    let raw = name.as_str();
    if raw.len() > LONGEST {
        return raw.to_owned();
    }
    let plain = name.demangle(DemangleOptions::name_only());
    let plain = plain.filter(|plain| !plain.is_empty()).unwrap_or_else(|| raw.to_owned());
    let plain = without_hash(plain);
    if rust_name::is_rust(raw) || name.language() == Language::Rust { rust_name::plain(&plain) } else { plain }
}

/// Rust before its new scheme ended each name in a hash of the build.
fn without_hash(name: String) -> String {
    match name.rsplit_once("::h") {
        Some((head, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => head.to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn compilers_are_undone() {
        for (name, want) in [
            ("_ZN4shop6orders6settle17h0123456789abcdefE", "shop::orders::settle"),
            ("_RNvNtCs1234_4shop6orders6settle", "shop::orders::settle"),
            ("_ZN36_$LT$a..Plain$u20$as$u20$a..m..T$GT$3run17h29cf571efc33a859E", "a::Plain::run"),
            ("_ZN1a15Basket$LT$T$GT$5total17h59cb564a2b03501fE", "a::Basket::total"),
            ("_ZN5Valve4openEi", "Valve::open"),
            ("?open@Valve@@QEAAXH@Z", "Valve::open"),
            ("-[NSPump start:]", "-[NSPump start:]"),
            ("plain_c", "plain_c"),
            ("", ""),
        ] {
            assert_eq!(demangle(name), want, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read(name in "(_Z|_R|\\?|_T|\\$s)?[ -~]{0,60}") {
            demangle(&name);
        }
    }
}
