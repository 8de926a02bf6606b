//! Names of native functions as demanglers write them.

/// C++ writes the type that a template returns before its name: `std::vector<int> shop::parse<int>(int)`.
pub(super) fn without_return_type(name: &str) -> &str {
    if !name.contains("::") || name.starts_with('<') {
        return name;
    }
    let (mut depth, mut start) = (0_i32, 0);
    for (at, c) in name.char_indices() {
        match c {
            '(' if depth == 0 && at > start => break,
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth -= 1,
            ' ' if depth == 0 && !name[..at].ends_with("operator") => start = at + 1,
            _ => {}
        }
    }
    if name[start..].contains("::") { &name[start..] } else { name }
}

#[cfg(test)]
mod tests {
    use super::without_return_type;

    #[test]
    fn a_name_stands_without_what_it_returns() {
        for (whole, name) in [
            ("std::vector<int> shop::parse<int>(int)", "shop::parse<int>(int)"),
            ("void std::sort<int*>(int*, int*)", "std::sort<int*>(int*, int*)"),
            ("shop::operator new(unsigned long)", "shop::operator new(unsigned long)"),
            ("std::vector<int> shop::(anonymous namespace)::total(int)", "shop::(anonymous namespace)::total(int)"),
            ("<T as shop::Pay>::pay", "<T as shop::Pay>::pay"),
            ("operator delete(void*)", "operator delete(void*)"),
        ] {
            assert_eq!(without_return_type(whole), name);
        }
    }
}
