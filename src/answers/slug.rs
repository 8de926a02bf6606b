//! Names of projects, and the short names of their issues.
//! It never takes a slug that could not stand in a URL.

/// What a slug is made of, for people.
pub(crate) const SLUG_RULE: &str =
    "a project's name has 1 to 50 lower-case letters, digits, '-' and '_', and is not a number";

/// `SHOP-4K`: the slug and the number in base 32 without letters that look like digits.
pub(crate) fn short_id(slug: &str, mut number: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut digits = Vec::new();
    loop {
        digits.push(char::from(DIGITS[(number % 32) as usize]));
        number /= 32;
        if number == 0 {
            break;
        }
    }
    let digits: String = digits.into_iter().rev().collect();
    format!("{}-{digits}", slug.to_ascii_uppercase())
}

/// Whether a name may be a project's slug.
pub(crate) fn is_slug(slug: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !slug.is_empty()
        && slug.len() <= 50
        && slug.chars().all(fits)
        && !slug.starts_with('-')
        && !slug.bytes().all(|b| b.is_ascii_digit())
}

/// Compares keys without telling by its time how much of them is right.
pub(crate) fn same_key(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_count_in_base_32() {
        let ids: Vec<_> = [1, 31, 32, 147].map(|n| short_id("shop", n)).into();
        assert_eq!(ids, ["SHOP-1", "SHOP-Z", "SHOP-10", "SHOP-4K"]);
    }

    #[test]
    fn slugs_can_stand_in_a_path_and_are_no_numbers() {
        assert!(["shop", "my-shop", "a1", "shop_eu"].into_iter().all(is_slug));
        assert!(!["", "12", "Shop", "a/b", "..", "-a", "ä"].into_iter().any(is_slug));
    }
}
