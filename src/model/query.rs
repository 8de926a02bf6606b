//! The query of an address, `a=1&b=2`, as names and values.

use url::form_urlencoded;

/// The pairs of a query without its `?`, percent signs and `+` undone. A name without `=` has an empty value; a part
/// without a name is left out.
pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(query.trim_start_matches('?').trim().as_bytes());
    pairs.into_owned().filter(|(name, _)| !name.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let pairs = query_pairs("?mail=ada%40shop.example&q=a+b%26c&flag&=x&%61=%zz");
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("mail", "ada@shop.example"), ("q", "a b&c"), ("flag", ""), ("a", "%zz")]);
    }
}
