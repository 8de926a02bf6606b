//! Credentials told by what stands around them: private keys, JWTs, addresses with a password, schemes of HTTP, and
//! whatever of these is in base64.

use base64::{Engine, engine::general_purpose};

use super::span::Span;

/// Longest base64 that is looked into, in characters.
const PACKED: usize = 64 << 10;
/// Longest authority of an address.
const AUTHORITY: usize = 300;

/// The first bytes of a text, and no more than whole characters.
fn first(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Private keys between their lines, with real or escaped line ends, cut at either end too; PuTTY's.
pub(super) fn private_keys(text: &str, out: &mut Vec<Span>) {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    let mut from = 0;
    while let Some(at) = text[from..].find("-----").map(|at| from + at) {
        let head = first(&text[at..], 60);
        let private = head.contains("PRIVATE KEY");
        let ends = |marker: usize| text[marker + 5..].find("-----").map_or(text.len(), |end| marker + 5 + end + 5);
        let span = match (private, head.starts_with(BEGIN), head.starts_with(END)) {
            (true, true, _) => {
                let end = text[at + 5..].find(END).map_or(text.len(), |end| ends(at + 5 + end));
                Some((at, end))
            }
            (true, _, true) => Some((headless(text, from, at), ends(at))),
            _ => None,
        };
        match span {
            Some((start, end)) => {
                out.push(Span::gone(start, end, "private key"));
                from = end;
            }
            None => from = at + 5,
        }
    }
    if let Some(at) = text.find("Private-Lines:") {
        let end = text[at..].find("Private-MAC:").map_or(text.len(), |mac| at + mac);
        let line = first(&text[end..], 120);
        out.push(Span::gone(at, end + line.find('\n').unwrap_or(line.len()), "private key"));
    }
}

/// Where the lines of base64 begin that end at a closing line.
fn headless(text: &str, least: usize, at: usize) -> usize {
    let run = text.as_bytes()[least..at].iter().rev();
    let taken = run
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\n' | b'\r' | b'\\' | b' '))
        .count();
    at - taken
}

/// JSON Web Tokens: two or three parts, the first of which says `{"`.
pub(super) fn jwts(text: &str, out: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let part = |from: usize| {
        bytes[from..].iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=')).count()
    };
    let mut from = 0;
    while let Some(at) = text[from..].find("eyJ").map(|at| from + at) {
        let head = part(at);
        let mut end = at + head;
        let mut parts = 0;
        while bytes.get(end) == Some(&b'.') && parts < 4 {
            let next = part(end + 1);
            if next == 0 && parts == 0 {
                break;
            }
            parts += 1;
            end += 1 + next;
        }
        from = end.max(at + 3);
        // `header.payload`, and the five parts of an encrypted one.
        if head >= 9 && parts >= 1 && end - at >= 24 {
            out.push(Span::gone(at, end, "jwt"));
        }
    }
}

/// `scheme://user:PASSWORD@host`, also where the password has what an address must not have.
pub(super) fn passwords(text: &str, out: &mut Vec<Span>) {
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let rest = first(&text[start..], AUTHORITY);
        let rest = &rest[..rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>')).unwrap_or(rest.len())];
        let Some(colon) = rest.find([':', '/', '?', '#', '@']).filter(|at| rest[*at..].starts_with(':')) else {
            continue;
        };
        let plain = rest[colon + 1..].find(['/', '?', '#']).map_or(rest, |end| &rest[..colon + 1 + end]);
        let port = plain[colon + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let is_port = port > 0 && !plain[colon + 1 + port..].starts_with(|c: char| c.is_alphanumeric() || c == '@');
        let host = plain.rfind('@').filter(|host| *host > colon).or_else(|| {
            // `u:p/w@host`: a slash within, and what follows looks like a host.
            let host = rest.rfind('@').filter(|host| *host > colon && !is_port)?;
            rest[host + 1..].starts_with(|c: char| c.is_alphanumeric() || c == '[').then_some(host)
        });
        let Some(host) = host else { continue };
        let said = &rest[colon + 1..host];
        let separate = said.contains("\",") || said.contains("',") || said.contains("\" ") || said.contains("://");
        if said.is_empty()
            || separate
            || said.starts_with("[redacted: ")
            || said.starts_with("${")
            || said.chars().all(|c| c == '*')
        {
            continue;
        }
        out.push(Span::gone(start + colon + 1, start + host, "password"));
    }
    for mark in ["jdbc:oracle:", "sqlplus "] {
        for (at, _) in text.match_indices(mark) {
            let rest = first(&text[at..], AUTHORITY);
            let Some(slash) = rest.find('/') else { continue };
            let Some(end) = rest[slash..].find('@').map(|end| slash + end) else { continue };
            if end > slash + 1 && !rest[slash..end].contains(char::is_whitespace) {
                out.push(Span::gone(at + slash + 1, at + end, "password"));
            }
        }
    }
    options(text, out);
}

/// `-u user:password` of command lines.
fn options(text: &str, out: &mut Vec<Span>) {
    for mark in [" -u ", " --user ", " --proxy-user ", " -u'", " -u\"", " -u \"", " -u '", " --user="] {
        for (at, _) in text.match_indices(mark) {
            let start = at + mark.len();
            let rest = first(&text[start..], AUTHORITY);
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(rest.len());
            if let Some(colon) =
                rest[..end].find(':').filter(|colon| *colon > 0 && colon + 1 < end && !rest[..end].contains("://"))
            {
                out.push(Span::gone(start + colon + 1, start + end, "password"));
            }
        }
    }
}

/// `Bearer X` and its like without a header's name.
pub(super) fn schemes(text: &str, out: &mut Vec<Span>) {
    let lower = text.to_ascii_lowercase();
    for scheme in ["bearer", "basic", "digest", "apikey", "negotiate"] {
        for (at, word) in lower.match_indices(scheme) {
            let end = at + word.len();
            let glued = lower[..at].ends_with(|c: char| c.is_alphanumeric());
            let gap = lower[end..].bytes().take(4).take_while(|b| matches!(b, b' ' | b'\t' | b'+' | b':')).count();
            if glued || gap == 0 {
                continue;
            }
            let start = end + gap;
            let taken =
                |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'.' | b'_' | b'~' | b'-');
            let length = text.as_bytes()[start..].iter().take(4_096).take_while(|b| taken(b)).count();
            let said = &text[start..start + length];
            let trimmed = said.trim_end_matches(['.', '-']).len();
            if is_credential(&said[..trimmed]) {
                out.push(Span::gone(start, start + trimmed, "credential"));
            }
        }
    }
}

fn is_credential(said: &str) -> bool {
    let digit = said.bytes().any(|b| b.is_ascii_digit());
    let (upper, lower) =
        (said.bytes().skip(1).any(|b| b.is_ascii_uppercase()), said.bytes().any(|b| b.is_ascii_lowercase()));
    let path = said.contains('/') && !digit && !said.ends_with('=');
    said.len() >= 8
        && !path
        && (digit || (upper && lower) || (said.len() >= 20 && !said.contains(['-', '_', '.'])) || said.ends_with('='))
}

/// Base64 that holds something to be redacted, whole: of a header, a key, a configuration.
pub(super) fn packed(text: &str, secret: impl Fn(&str) -> bool, out: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let is = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|b| is(**b)).count();
        if run >= 20
            && looks_packed(&bytes[at..at + run])
            && unpacked(&text[at..at + run.min(PACKED)]).is_some_and(|inner| secret(&inner))
        {
            let pads = bytes[at + run..].iter().take(2).take_while(|b| **b == b'=').count();
            out.push(Span::gone(at, at + run + pads, "base64"));
        }
        at += run.max(1);
    }
}

/// Capitals and small letters both, no words with dashes between.
fn looks_packed(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_uppercase) && run.iter().any(u8::is_ascii_lowercase)
}

/// What a run of base64 says, where that is text.
fn unpacked(run: &str) -> Option<String> {
    let engine =
        if run.contains(['-', '_']) { general_purpose::URL_SAFE_NO_PAD } else { general_purpose::STANDARD_NO_PAD };
    let bytes = engine.decode(&run[..run.len() / 4 * 4]).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let odd = text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count();
    (odd == 0).then_some(text)
}
