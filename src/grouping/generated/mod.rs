//! Names that compilers, runtimes and frameworks generate: what changes from build to build or from process to process,
//! and what of the name stays.
//! It uses `regex`.
//! It never cuts what tells two functions apart: each row names what it takes away.

mod table;

use regex::Regex;

/// One habit of one language: what is generated, and what stands for it.
pub(super) struct Rule {
    /// Whose habit it is.
    #[cfg_attr(not(test), expect(dead_code, reason = "named in failures of the tests"))]
    pub(super) of: &'static str,
    /// Names without this text are not of the kind; asked first, because it is cheap.
    needs: &'static str,
    pattern: Regex,
    becomes: &'static str,
    /// Names of scripts have the form too.
    scripts: bool,
    /// Two forms of one name: `{name}` is the function's, `{hex}`, `{n}`, `{path}` and `{word}` are generated.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests are made of it"))]
    forms: &'static [&'static str],
}

/// Longer names are cut: no rule looks for anything behind that.
const LONGEST: usize = 2_000;

/// The name without what was generated. `script`: of JavaScript or what compiles to it.
pub(super) fn steady(name: &str, script: bool) -> String {
    let end = (0..=name.len().min(LONGEST)).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    let mut steady = name[..end].to_owned();
    for rule in table::RULES.iter().filter(|rule| !script || rule.scripts) {
        if !steady.contains(rule.needs) {
            continue;
        }
        if let std::borrow::Cow::Owned(changed) = rule.pattern.replace_all(&steady, rule.becomes) {
            steady = changed;
        }
    }
    if script { steady } else { without_arguments(&steady) }
}

/// A function's name without the types of its arguments and templates, which compilers of one source write differently:
/// `settle(int, char const*)` → `settle`, `Cache<Order>::get() const` → `Cache::get`. Names of arguments stay, for they
/// tell functions of Swift apart (`add(_:)`), and so do methods of Objective-C (`-[Cart(Total) add:]`).
fn without_arguments(name: &str) -> String {
    if name.starts_with(['-', '+', '<']) && !name.starts_with("<lambda") {
        return name.to_owned();
    }
    let name = without_templates(name.strip_prefix("decltype(auto) ").unwrap_or(name));
    let Some(open) = arguments_at(&name) else { return name };
    let inside = name[open + 1..].rsplit_once(')').map_or(&name[open + 1..], |(inside, _)| inside);
    let labels = !inside.is_empty() && inside.ends_with(':') && !inside.contains("::");
    if labels { name } else { name[..open].trim_end().to_owned() }
}

/// Where the list of arguments begins: the first bracket that is no part of the name.
fn arguments_at(name: &str) -> Option<usize> {
    let parts = ["(anonymous", "(*", "(lambda"];
    name.match_indices('(').map(|(at, _)| at).find(|at| {
        let (before, rest) = (&name[..*at], &name[*at..]);
        let operator = before.ends_with("operator");
        let part = parts.iter().any(|part| rest.starts_with(part));
        *at > 0 && !operator && !part
    })
}

/// `Cache<Order>::get` → `Cache::get`; operators (`operator<`, `operator->`) and generics of a whole name stay.
fn without_templates(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut depth = 0usize;
    let mut before = ' ';
    for (at, c) in name.char_indices() {
        let opens = c == '<' && (depth > 0 || before.is_alphanumeric() || before == '_' || name[..at].ends_with("::"));
        let operator = depth == 0 && (name[..at].ends_with("operator") || name[..at].ends_with("operator<"));
        let generated = name[at..].starts_with("<lambda") || name[at..].starts_with("<anonymous");
        if opens && !operator && !generated {
            depth += 1;
        } else if c == '>' && depth > 0 && before != '-' {
            depth -= 1;
        } else if depth == 0 {
            out.push(c);
        }
        before = c;
    }
    // Brackets that don't close belong to the name.
    if depth > 0 { name.to_owned() } else { out.replace("::::", "::").trim_end_matches("::").to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{steady, table::RULES};

    /// The form with its places filled.
    fn filled(form: &str, name: &str, seed: u64) -> String {
        let hex = format!("{:016x}", seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 60);
        let word: String = hex.chars().map(|c| char::from(b'A' + (c as u8) % 26)).take(8).collect();
        form.replace("{name}", name)
            .replace("{hex32}", &format!("{hex}{hex}"))
            .replace("{hex64}", &format!("{hex}{hex}{hex}{hex}").to_uppercase())
            .replace("{hex20}", &format!("{hex}{}", &hex[..4]))
            .replace("{hex7}", &hex[..7])
            .replace("{hex3}", &hex[..3])
            .replace("{n2}", &(seed % 99 + 1).to_string())
            .replace("{hex}", &hex)
            .replace("{n}", &(seed % 90_000 + 10_000).to_string())
            .replace("{word}", &word)
            .replace("{path}", &format!("/srv/rel/2026-11-{:02}T{}Z/src/Mail", seed % 28 + 1, seed % 1000))
    }

    proptest! {
        #[test]
        fn generated_parts_do_not_matter_and_the_name_does(
            name in "[a-z][a-z]{3,9}[A-Z][a-z]{2,6}", other in "[a-z][a-z]{3,9}[A-Z][a-z]{2,6}", one in any::<u64>(), two in any::<u64>()
        ) {
            for rule in RULES.iter() {
                for form in rule.forms {
                    let first = steady(&filled(form, &name, one), rule.scripts);
                    prop_assert_eq!(&first, &steady(&filled(form, &name, two), rule.scripts), "{}: {}", rule.of, form);
                    if form.contains("{name}") && name != other {
                        let another = steady(&filled(form, &other, one), rule.scripts);
                        prop_assert_ne!(&first, &another, "{}: {}", rule.of, form);
                    }
                }
            }
        }

        #[test]
        fn any_name_is_read(name in ".{0,60}", script: bool) {
            steady(&name, script);
        }
    }

    #[test]
    fn each_row_is_used_by_its_own_forms() {
        for rule in RULES.iter() {
            for form in rule.forms {
                let text = filled(form, "payNow", 7);
                assert!(text.contains(rule.needs) && rule.pattern.is_match(&text), "{}: {text}", rule.of);
            }
        }
    }

    #[test]
    fn what_is_not_generated_stays() {
        for name in [
            "shop::orders::settle",
            "Cart.total",
            "nth",
            "per_crate",
            "Bakery\\Oven::heat",
            "-[Cart(Total) add:]",
            "Cart.add(_:)",
            "operator<",
            "shop::operator()",
            "Foo$1",
            "main.init.0",
            "lookup_2",
            "access$000",
            "sha256",
            "step1",
            "shop::(anonymous)::parse",
            "(*Server).ServeHTTP",
        ] {
            assert_eq!(steady(name, false), name);
        }
    }

    #[test]
    fn arguments_and_templates_are_no_part_of_a_name() {
        for (name, want) in [
            ("settle(int, char const*)", "settle"),
            ("Cache<Order>::get(int) const", "Cache::get"),
            ("Cache<std::pair<int, Order> >::get()", "Cache::get"),
            ("shop::operator<(Cart const&, Cart const&)", "shop::operator<"),
            ("shop::Cart::operator->()", "shop::Cart::operator->"),
            ("shop::(anonymous namespace)::total(int)", "shop::(anonymous)::total"),
            ("Api.load(url:)", "Api.load(url:)"),
            ("Api.load()", "Api.load"),
            ("<T as shop::Pay>::pay", "<T as shop::Pay>::pay"),
            ("shop::fold::<u32>", "shop::fold"),
            ("decltype(auto) shop::parse<int>(int)", "shop::parse"),
        ] {
            assert_eq!(steady(name, false), want, "{name}");
        }
    }
}
