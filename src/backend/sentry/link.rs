//! The `Link` header: whether there is another page, and its cursor.

/// The cursor of the next page, where there is one. The address in the header is never used.
pub(super) fn next_cursor(header: &str) -> Option<String> {
    links(header).into_iter().find(|link| attribute(link, "rel") == Some("next")).and_then(|link| {
        let more = attribute(link, "results").is_none_or(|results| results == "true");
        let cursor = attribute(link, "cursor").map(str::to_owned).or_else(|| in_address(link));
        cursor.filter(|cursor| more && !cursor.is_empty() && cursor.len() <= 200)
    })
}

/// Links are parted by commas, but not by those within `<…>`.
fn links(header: &str) -> Vec<&str> {
    let (mut found, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, c) in header.char_indices() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            ',' if !inside => {
                found.push(&header[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&header[start..]);
    found
}

/// The value of `name=value` or `name="value"` after the address.
fn attribute<'a>(link: &'a str, name: &str) -> Option<&'a str> {
    let after = link.rsplit_once('>').map_or(link, |(_, after)| after);
    after.split(';').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

/// GlitchTip's links have no attribute of that name.
fn in_address(link: &str) -> Option<String> {
    let (_, rest) = link.split_once('<')?;
    let address = reqwest::Url::parse(rest.split_once('>')?.0).ok()?;
    address.query_pairs().find(|(key, _)| key == "cursor").map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_tolerantly() {
        let both = r#"<https://x/?a=1,2&cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", <https://x/?cursor=0:100:0>; rel="next"; results="true"; cursor="0:100:0""#;
        assert_eq!(next_cursor(both).as_deref(), Some("0:100:0"));
        let last = both.replace("true", "false");
        assert_eq!(next_cursor(&last), None);
        assert_eq!(next_cursor("<https://x/>;results=true;cursor=0:5:0;rel=next").as_deref(), Some("0:5:0"));
        assert_eq!(next_cursor(r#"<https://x/?limit=5&cursor=cD0y>; rel="next""#).as_deref(), Some("cD0y"));
        for nothing in ["", ",", "<", "rel=next", "<https://x/>; rel=\"next\"; results=\"true\""] {
            assert_eq!(next_cursor(nothing), None, "{nothing}");
        }
    }
}
