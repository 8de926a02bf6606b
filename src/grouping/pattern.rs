//! A text without what varies from one event to the next: numbers, ids, addresses, paths, dates, quoted values.

mod body;
mod labels;
mod random;

/// Stands for anything that varies.
pub(super) const ANY: char = '*';

/// How much of a text is looked at.
const LIMIT: usize = 400;

/// Names with digits that mean one thing everywhere.
const FIXED: [&str; 24] = [
    "utf8", "utf-8", "utf16", "utf-16", "base64", "sha1", "sha256", "sha512", "md5", "http2", "ipv4", "ipv6", "x509",
    "oauth2", "i18n", "l10n", "k8s", "s3", "ec2", "int32", "int64", "float32", "float64", "p2p",
];

/// The first line that says something, with `*` for what varies. Runs of `*` become one, so that lists
/// of different lengths look alike.
pub(super) fn pattern(text: &str) -> String {
    let chars: Vec<char> = first_line(text).chars().take(LIMIT).collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        at = match enclosed(&chars, at) {
            Some(end) => {
                out.push(ANY);
                if let Some(said) = body::said(&chars[at..end]) {
                    out.push_str(&format!(" {} ", pattern(&said)));
                }
                end
            }
            None if chars[at].is_whitespace() || chars[at].is_control() => {
                out.push(' ');
                at + 1
            }
            None => {
                let end = word_end(&chars, at);
                push_word(&chars[at..end], &mut out);
                end
            }
        };
    }
    joined(&labels::without_values(&without_calendar(&out)))
}

/// Names of months and days, halves of a day and zones, where they stand beside a number: `Mon Nov 30 21:01:16 UTC 2026`.
fn without_calendar(text: &str) -> String {
    if !text.contains(ANY) {
        return text.to_owned();
    }
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let is_value = |word: Option<&String>| word.is_some_and(|word| word.contains(ANY));
    // A day's name stands before the month, so the last word is looked at first.
    for at in (0..words.len()).rev() {
        let core = words[at].trim_matches([',', '.', '(', ')']).to_ascii_lowercase();
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let goes = match core.as_str() {
            "am" | "pm" | "utc" | "gmt" | "%" => is_value(before),
            zone if ZONES.contains(&zone) && words[at].contains(|c: char| c.is_ascii_uppercase()) => is_value(before),
            name if CALENDAR.contains(&name) => is_value(words.get(at + 1)),
            _ => false,
        };
        if goes {
            words[at] = ANY.to_string();
        }
    }
    words.join(" ")
}

/// Zones by their short names, in capitals.
const ZONES: [&str; 16] =
    ["cet", "cest", "eet", "eest", "wet", "west", "bst", "msk", "est", "edt", "cst", "cdt", "pst", "pdt", "ist", "jst"];

/// In English, as programs write them.
const CALENDAR: [&str; 38] = [
    "jan",
    "january",
    "feb",
    "february",
    "mar",
    "march",
    "apr",
    "april",
    "may",
    "jun",
    "june",
    "jul",
    "july",
    "aug",
    "august",
    "sep",
    "sept",
    "september",
    "oct",
    "october",
    "nov",
    "november",
    "dec",
    "december",
    "mon",
    "monday",
    "tue",
    "tuesday",
    "wed",
    "wednesday",
    "thu",
    "thursday",
    "fri",
    "friday",
    "sat",
    "saturday",
    "sun",
    "sunday",
];

fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("")
}

/// Where a quoted or bracketed part that starts here ends.
fn enclosed(chars: &[char], at: usize) -> Option<usize> {
    let after_word = at > 0 && chars[at - 1].is_alphanumeric();
    let close = match chars[at] {
        c @ ('"' | '\'' | '`') if !after_word => c,
        '„' => '“',
        '“' => '”',
        '‘' => '’',
        '«' => '»',
        '{' => return bracketed(chars, at, '{', '}'),
        '[' => return bracketed(chars, at, '[', ']'),
        _ => return None,
    };
    let is_end = |i: usize| chars[i] == close && !chars.get(i + 1).is_some_and(|c| c.is_alphanumeric());
    (at + 1..chars.len()).find(|i| is_end(*i)).map(|end| end + 1)
}

/// An unclosed bracket holds the rest: the text was cut.
fn bracketed(chars: &[char], at: usize, open: char, close: char) -> Option<usize> {
    let mut depth = 0usize;
    for (i, c) in chars.iter().enumerate().skip(at) {
        if *c == open {
            depth += 1;
        } else if *c == close {
            depth -= 1;
            if depth == 0 {
                return Some(i + 1);
            }
        }
    }
    Some(chars.len())
}

fn word_end(chars: &[char], at: usize) -> usize {
    let ends = |i: &usize| chars[*i].is_whitespace() || chars[*i].is_control() || enclosed(chars, *i).is_some();
    (at + 1..chars.len()).find(ends).unwrap_or(chars.len())
}

/// Writes one word: whole as `*` when it is an address or a path, else piece by piece.
fn push_word(word: &[char], out: &mut String) {
    let text: String = word.iter().collect();
    let core = text.trim_start_matches(|c: char| ".,;!?()<>|\"'`".contains(c));
    let core = core.trim_end_matches(|c: char| ".,;:!?()<>|\"'`".contains(c));
    if core.is_empty() {
        return out.push_str(&text);
    }
    if is_address(core) || is_path(core) || is_number_like(core) || random::is_padded(core) {
        return out.push_str(&text.replacen(core, "*", 1));
    }
    let mut piece = String::new();
    for c in text.chars() {
        if "=:,;()<>|#".contains(c) {
            push_piece(&mut piece, out);
            out.push(c);
        } else {
            piece.push(c);
        }
    }
    push_piece(&mut piece, out);
}

fn push_piece(piece: &mut String, out: &mut String) {
    let core = piece.trim_matches(|c: char| ".!?".contains(c));
    if core.is_empty() {
        out.push_str(piece);
    } else if varies(core) || out.ends_with('=') {
        out.push_str(&piece.replacen(core, "*", 1));
    } else {
        out.push_str(piece);
    }
    piece.clear();
}

fn varies(core: &str) -> bool {
    // Eight letters of hexadecimal digits are no word.
    let hex = core.len() >= 8 && core.bytes().all(|b| (b'a'..=b'f').contains(&b));
    hex || core.chars().count() > 40
        || random::is_random(core)
        || (core.chars().any(char::is_numeric) && !FIXED.contains(&core.to_lowercase().as_str()))
}

/// Dates, times, addresses of networks, sizes: digits held together by punctuation.
fn is_number_like(core: &str) -> bool {
    core.starts_with(|c: char| c.is_numeric() || c == '-' || c == '+' || c == '#')
        && core.chars().filter(|c| c.is_numeric()).count() > 0
}

fn is_address(core: &str) -> bool {
    core.contains("://")
        || ["www.", "arn:", "urn:", "mailto:"].iter().any(|start| core.starts_with(start))
        || core.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        || is_ipv6(core)
        || is_host(core)
}

fn is_ipv6(core: &str) -> bool {
    let core = core.trim_matches(|c| c == '[' || c == ']');
    core.matches(':').count() >= 2 && core.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == '.')
}

/// `stats.example.com`, but not `item.price.toFixed`: all lower case, two dots or a known ending.
fn is_host(core: &str) -> bool {
    let host = core.split([':', '/']).next().unwrap_or(core);
    let known = [".com", ".net", ".org", ".io", ".dev", ".example", ".local", ".internal", ".invalid", ".test"];
    known.iter().any(|end| host.ends_with(end))
        && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

fn is_path(core: &str) -> bool {
    let drive = core.as_bytes().get(1) == Some(&b':') && core.as_bytes().get(2) == Some(&b'\\');
    let rooted = ["/", "./", "../", "~/", "\\\\"].iter().any(|start| core.starts_with(start)) && core.len() > 1;
    drive || rooted || core.matches('/').count() >= 2 || core.matches('\\').count() >= 2
}

/// One `*` for a run of them that only spaces and punctuation part, one space for a run of spaces.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = String::new();
    for c in text.trim().chars() {
        if c.is_alphanumeric() {
            out.push_str(&gap);
            gap.clear();
            out.push(c);
        } else if c == ANY && gap.starts_with(ANY) {
            gap.truncate(ANY.len_utf8());
        } else if c == ANY {
            out.push_str(&gap);
            gap.clear();
            gap.push(ANY);
        } else if !(c == ' ' && gap.ends_with(' ')) {
            gap.push(c);
        }
    }
    out.push_str(&gap);
    out
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn what_varies_becomes_a_star() {
        for (text, want) in [
            ("coupon 8548 expired", "coupon * expired"),
            ("shipping zone not found for NO-9123", "shipping zone not found for *"),
            ("stock of SKU-0 is down to 12", "stock of * is down to *"),
            ("gateway declined card (51-3)", "gateway declined card (*)"),
            ("label text is not a string: {'zip': 10027}", "label text is not a string: *"),
            ("user a.b+c@mail.example is unknown", "user * is unknown"),
            ("connect ECONNREFUSED 127.0.0.1:47999", "connect ECONNREFUSED *"),
            ("connect ECONNREFUSED ::1:5432", "connect ECONNREFUSED *"),
            ("GET https://x.example/a/1?b=2 failed", "GET * failed"),
            ("GET /orders/7 gave 404", "GET * gave *"),
            ("no file C:\\Users\\me\\x.txt there", "no file * there"),
            ("at 2026-11-07T08:20:14Z after 30s (12.5 %)", "at * after *"),
            ("lock 550e8400-e29b-41d4-a716-446655440000 is held", "lock * is held"),
            ("bad id deadbeef42, 0x7ffe, 1,234.5", "bad id *"),
            ("gone at Mon Nov 30 21:01:16 UTC 2026", "gone at *"),
            ("gone at Mon, 30 Nov 2026 21:01:16 +0000", "gone at *"),
            ("due Nov 5, 2026 9:15 AM for you", "due * for you"),
            ("it may fail in March", "it may fail in March"),
            ("due 2026-11-30 10:00:00 CET", "due *"),
            ("the est of it", "the est of it"),
            ("disk at 7.5 %", "disk at *"),
            ("denied arn:aws:s3:::a-bucket/x", "denied *"),
            ("block deadbeef is lost", "block * is lost"),
            ("session kQhXnZywjG-abcXYZ expired", "session * expired"),
            ("bad cursor eyJpZCI6ImVsZXZlbiJ9Cg== given", "bad cursor * given"),
            ("message rejected (id: ZzTopQrsTuv)", "message rejected (id: *)"),
            ("cart failed user: ann country: NL", "cart failed user: * country: *"),
            ("user: not found", "user: not found"),
            ("getUserByIdentifier is gone", "getUserByIdentifier is gone"),
            ("XMLHttpRequest failed", "XMLHttpRequest failed"),
            ("Error code: 400 - {'error': {'message': 'context too long'}}", "Error code: * context too long"),
            (r#"failed: {"error":{"code":"rate_limit","message":"ann is too fast"}}"#, "failed: * rate_limit"),
            ("ids: 1, 2, 3", "ids: *"),
            ("ids: 1", "ids: *"),
            ("password=hunter two=2", "password=* two=*"),
            ("can't open \"orders\" or 'items'", "can't open * or *"),
            ("it's ok, we don't mind", "it's ok, we don't mind"),
            ("utf8 and sha256 are names", "utf8 and sha256 are names"),
            ("item.price.toFixed is not a function", "item.price.toFixed is not a function"),
            ("\n\nfirst\nsecond", "first"),
            ("", ""),
            ("7", "*"),
        ] {
            assert_eq!(pattern(text), want, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_pattern_and_the_numbers_in_it_do_not_matter(text in ".{0,60}", n in 0u32..99999) {
            pattern(&text);
            proptest::prop_assert_eq!(pattern(&format!("order {n} of {text}")), pattern(&format!("order 5 of {text}")));
        }
    }
}
