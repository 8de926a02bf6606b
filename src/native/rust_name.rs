//! Names of Rust's functions without what differs between instances of one function: `<shop::Cart<T> as Sum>::total::<u8>` is
//! `shop::Cart::total`.

/// Deepest nesting of types that is looked into.
const DEPTH: usize = 8;

/// Whether a symbol is Rust's: its new scheme, or the old one with its hash.
pub(super) fn is_rust(symbol: &str) -> bool {
    let symbol = symbol.trim_start_matches('_');
    let hash = symbol.strip_suffix('E').and_then(|symbol| symbol.rsplit_once("17h")).map(|(_, hash)| hash);
    symbol.starts_with('R') && symbol.len() > 2
        || symbol.starts_with("ZN")
            && hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The path of a function: of methods, the type's own.
pub(super) fn plain(name: &str) -> String {
    shortened(name, DEPTH)
}

fn shortened(name: &str, depth: usize) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('<') {
        let (before, inner) = (&rest[..at], &rest[at + 1..]);
        let Some(end) = closing(inner) else { break };
        out.push_str(before.strip_suffix("::").unwrap_or(before));
        if out.is_empty() && before.is_empty() && depth > 0 {
            out = of_type(&inner[..end], depth - 1);
        }
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    closures(&out)
}

/// The path of `Type as Trait`: the type's, else the trait's where the type is a parameter or has no path.
fn of_type(text: &str, depth: usize) -> String {
    let (own, of_trait) = match split_as(text) {
        Some((own, of_trait)) => (own, Some(of_trait)),
        None => (text, None),
    };
    let own = own.trim_start_matches(['&', '*']).trim_start_matches("mut ").trim_start_matches("const ");
    let named = own.len() > 2
        && own.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '<'))
        && !own.starts_with("dyn ");
    shortened(if named { own } else { of_trait.unwrap_or(own) }, depth)
}

/// Both sides of the outermost ` as `.
fn split_as(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' if text[..at].ends_with('-') => {}
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && text[at..].starts_with(" as ") => return Some((&text[..at], &text[at + 4..])),
            _ => {}
        }
        None
    })
}

/// Where the bracket closes that was opened before.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '<' => depth += 1,
            '>' if !text[..at].ends_with('-') => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

/// `{closure#0}` of the new scheme as the old one has it: numbers change with each build.
fn closures(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("{closure#") {
        let Some((_, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str("{{closure}}");
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_of_one_function_have_one_name() {
        for (name, want) in [
            ("shop::orders::settle", "shop::orders::settle"),
            ("shop::Basket<T>::total", "shop::Basket::total"),
            ("<shop::Plain as shop::m::T>::run", "shop::Plain::run"),
            ("<shop::Basket<u32>>::total::<u8>", "shop::Basket::total"),
            ("<&T as core::fmt::Debug>::fmt", "core::fmt::Debug::fmt"),
            ("<F as core::ops::function::FnOnce<(A, B)>>::call_once", "core::ops::function::FnOnce::call_once"),
            ("<alloc::vec::Vec<T, A> as core::ops::index::Index<I>>::index", "alloc::vec::Vec::index"),
            ("<<a::B as c::D>::E as f::G>::h", "a::B::E::h"),
            ("shop::gen::<fn() -> u8, i32>", "shop::gen"),
            ("shop::go::{closure#0}::{closure#12}", "shop::go::{{closure}}::{{closure}}"),
            ("<dyn core::any::Any>::is", "dyn core::any::Any::is"),
            ("a::b<", "a::b<"),
            ("", ""),
        ] {
            assert_eq!(plain(name), want, "{name}");
        }
        assert!(is_rust("_ZN1a4main17h1854dee5fd9945b4E") && is_rust("_RNvC1a4main") && !is_rust("_ZN1a4mainEv"));
    }

    proptest::proptest! {
        #[test]
        fn any_name_has_a_path(name in "[a-c:<>{}# &\\-\\[(]{0,60}") {
            plain(&name);
        }
    }
}
