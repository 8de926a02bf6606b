//! Secrets and people that are told by their form, in any text.
//!
//! One row a rule. A set of all patterns is tried first: most texts match none and are not copied.

use std::{borrow::Cow, net::Ipv6Addr, sync::LazyLock};

use percent_encoding::percent_decode_str;
use regex::{Captures, Regex, RegexSet, RegexSetBuilder};

use super::pseudonym::{Pseudonyms, is_pseudonym};

/// One form: its pattern, and what stands there afterwards; `None` leaves it as it is.
struct Rule {
    pattern: &'static str,
    replace: fn(&Captures<'_>, &str, Option<&Pseudonyms>) -> Option<String>,
}

/// Names after which a value of six characters or more is a secret.
const NAMED: &str = r#"(?i)([A-Za-z0-9_.\-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_\-]?key|authorization|credential|private[_\-]?key|access[_\-]?key|account[_\-]?key|signature|card[_\-]?number|cvc|iban|ssn|session[_\-]?id|csrf)[A-Za-z0-9_.\-]*)((?:\\?["'])?\s*(?:=>|%3[Dd]|[=:])\s*(?:\\?["'])?|["']\s+value=["'])([^\s"'&;,<>\\]{6,})"#;

const RULES: &[Rule] = &[
    Rule {
        pattern: r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        replace: |_, _, _| gone("private key"),
    },
    Rule {
        pattern: r"(?s)(?:[A-Za-z0-9+/=]{40,}(?:\s|\\n|\\r)+)*[A-Za-z0-9+/=]*(?:\s|\\n|\\r)*-----END [A-Z ]*PRIVATE KEY-----",
        replace: |_, _, _| gone("private key"),
    },
    Rule {
        pattern: r"(?-u:\b)eyJ[A-Za-z0-9_\-]{6,}\.[A-Za-z0-9_\-]{6,}(?:\.[A-Za-z0-9_\-]*)?",
        replace: |_, _, _| gone("jwt"),
    },
    Rule {
        pattern: r"(?-u:\b)(?:AKIA|ASIA|AGPA|AROA|AIDA|ANPA)[A-Z0-9]{16}(?-u:\b)",
        replace: |_, _, _| gone("aws key"),
    },
    Rule {
        pattern: r"(?-u:\b)gh[pousr]_[A-Za-z0-9]{30,}|(?-u:\b)github_pat_[A-Za-z0-9_]{50,}",
        replace: |_, _, _| gone("github token"),
    },
    Rule { pattern: r"(?-u:\b)gl(?:pat|rt|dt|ptt|soat)-[A-Za-z0-9_\-]{16,}", replace: |_, _, _| gone("gitlab token") },
    Rule {
        pattern: r"(?-u:\b)[srp]k_(?:live|test)_[A-Za-z0-9_]{16,}|(?-u:\b)whsec_[A-Za-z0-9_]{20,}",
        replace: |_, _, _| gone("stripe key"),
    },
    Rule { pattern: r"(?-u:\b)xox[abeoprs]-[A-Za-z0-9_\-]{10,}", replace: |_, _, _| gone("slack token") },
    Rule {
        pattern: r"hooks\.slack\.com/services/[A-Za-z0-9_/]+",
        replace: |_, _, _| Some("hooks.slack.com/services/[redacted: webhook]".into()),
    },
    Rule {
        pattern: r"(?-u:\b)AIza[A-Za-z0-9_\-]{35}|(?-u:\b)GOCSPX-[A-Za-z0-9_\-]{20,}|(?-u:\b)ya29\.[A-Za-z0-9_\-.]{10,}",
        replace: |_, _, _| gone("google key"),
    },
    Rule {
        pattern: r"(?-u:\b)sk-(?:proj-|ant-)?[A-Za-z0-9_\-]{20,}|(?-u:\b)hf_[A-Za-z0-9]{20,}|(?-u:\b)npm_[A-Za-z0-9]{30,}|(?-u:\b)pypi-AgEI[A-Za-z0-9_\-]{20,}|(?-u:\b)dop_v1_[0-9a-f]{32,}|(?-u:\b)shp(?:at|ca|pa|ss)_[0-9a-fA-F]{20,}|(?-u:\b)SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|(?-u:\b)key-[0-9a-f]{32}(?-u:\b)|(?-u:\b)hvs\.[A-Za-z0-9_\-]{20,}|(?-u:\b)lin_api_[A-Za-z0-9_]{20,}|(?-u:\b)sntr[yu][usai]?_[A-Za-z0-9_=\-./+]{20,}",
        replace: |_, _, _| gone("api key"),
    },
    Rule { pattern: r"(?-u:\b)[0-9]{8,10}:AA[A-Za-z0-9_\-]{30,}", replace: |_, _, _| gone("bot token") },
    Rule {
        pattern: r"(?i)(?-u:\b)(bearer|basic|digest)\s+([a-z0-9+/=._~\-]{8,})",
        replace: |found, _, _| is_random(&found[2]).then(|| format!("{} [redacted: credential]", &found[1])),
    },
    Rule {
        pattern: r"(?i)(?-u:\b)((?:set-)?cookie):\s*[^\r\n]+",
        replace: |found, _, _| Some(format!("{}: [redacted: cookie]", &found[1])),
    },
    Rule {
        pattern: r"://([^/\s:@\x22']*):([^/\s@\x22']+)@",
        replace: |found, _, _| Some(format!("://{}:[redacted: password]@", &found[1])),
    },
    Rule {
        pattern: NAMED,
        replace: |found, _, _| is_random(&found[3]).then(|| format!("{}{}[redacted: secret]", &found[1], &found[2])),
    },
    Rule {
        pattern: r"[\p{L}\p{N}][\p{L}\p{N}._%+\-]*(?:@|%40)[A-Za-z0-9](?:[A-Za-z0-9\-]*\.)+[A-Za-z]{2,}",
        replace: email,
    },
    Rule { pattern: r"(?-u:\b)[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?-u:\b)", replace: ipv4 },
    Rule { pattern: r"(?i)(?-u:\b)[0-9a-f]{1,4}(?::{1,2}[0-9a-f]{1,4}){2,7}(?-u:\b)", replace: ipv6 },
    Rule { pattern: r"(?-u:\b)[0-9](?:[ \-]?[0-9]){12,18}(?-u:\b)", replace: card },
    Rule { pattern: r"(?-u:\b)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?-u:\b)", replace: iban },
    Rule { pattern: r"\+[0-9]{1,3}[ ().\-]{0,2}[0-9](?:[ ().\-]{0,2}[0-9]){6,12}", replace: phone },
];

static SET: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSetBuilder::new(RULES.iter().map(|rule| rule.pattern))
        .dfa_size_limit(32 << 20)
        .build()
        .expect("the rules' patterns are regular expressions")
});
static EACH: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compile = |rule: &Rule| Regex::new(rule.pattern).expect("the rules' patterns are regular expressions");
    RULES.iter().map(compile).collect()
});

/// The text without secrets and people. With pseudonyms, people keep one; without, they are only gone.
pub(super) fn redact<'a>(text: &'a str, pseudonyms: Option<&Pseudonyms>) -> Cow<'a, str> {
    let redacted = by_form(text, pseudonyms);
    // In an address, `%20` before a secret hides where it begins.
    let hidden = match percent_decode_str(&redacted).decode_utf8_lossy() {
        Cow::Owned(plain) => Some(by_form(&plain, pseudonyms).into_owned()).filter(|hidden| *hidden != plain),
        Cow::Borrowed(_) => None,
    };
    hidden.map_or(redacted, Cow::Owned)
}

fn by_form<'a>(text: &'a str, pseudonyms: Option<&Pseudonyms>) -> Cow<'a, str> {
    if !may_match(text) {
        return Cow::Borrowed(text);
    }
    let matched = SET.matches(text);
    let mut text = Cow::Borrowed(text);
    for i in matched.iter() {
        let before = text.clone();
        let replaced = EACH[i].replace_all(&before, |found: &Captures<'_>| {
            let whole = found.get(0).expect("a match has a whole");
            let kept = || whole.as_str().to_owned();
            (RULES[i].replace)(found, &before, pseudonyms).unwrap_or_else(kept)
        });
        if let Cow::Owned(replaced) = replaced {
            text = Cow::Owned(replaced);
        }
    }
    text
}

/// Every form has a digit, an `@`, a `:` or an `=`, or a dash and an underscore within a token; short words have none.
fn may_match(text: &str) -> bool {
    text.len() >= 6 && text.bytes().any(|b| b.is_ascii_digit() || matches!(b, b'@' | b':' | b'=' | b'%' | b'_' | b'-'))
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a rule's answer")]
fn gone(kind: &str) -> Option<String> {
    Some(format!("[redacted: {kind}]"))
}

/// A word of small letters is what a message says; a secret has digits, or capitals among small letters.
fn is_random(value: &str) -> bool {
    if super::keys::is_gone(value) || value.starts_with("[redacted") || value.starts_with("[Filtered") {
        return false;
    }
    let (mut digit, mut upper, mut lower) = (false, false, false);
    for c in value.chars() {
        digit |= c.is_ascii_digit();
        upper |= c.is_ascii_uppercase();
        lower |= c.is_ascii_lowercase();
    }
    let capitalised = value.chars().skip(1).all(|c| !c.is_ascii_uppercase());
    digit || (upper && lower && !capitalised)
}

fn named(kind: &'static str, value: &str, pseudonyms: Option<&Pseudonyms>) -> String {
    match pseudonyms {
        Some(pseudonyms) => pseudonyms.named(kind, &value.to_lowercase()),
        None => format!("[redacted: {kind}]"),
    }
}

fn email(found: &Captures<'_>, text: &str, pseudonyms: Option<&Pseudonyms>) -> Option<String> {
    const FILES: &[&str] =
        &["png", "jpg", "jpeg", "gif", "svg", "webp", "js", "mjs", "ts", "css", "json", "map", "avif"];
    let whole = found.get(0)?;
    let (_, domain) = whole.as_str().split_once('@').or_else(|| whole.as_str().split_once("%40"))?;
    let last = domain.rsplit('.').next()?;
    // `shop@2.3.0-rc.one` is a release, `icon@2x.png` a file, `git@host.example:path` an address of a repository.
    let version = domain.split('.').next()?.chars().all(|c| c.is_ascii_digit());
    let repository = text[whole.end()..].starts_with(':') && whole.as_str().starts_with("git@");
    if version || repository || FILES.contains(&last.to_ascii_lowercase().as_str()) {
        return None;
    }
    Some(named("email", whole.as_str(), pseudonyms))
}

fn ipv4(found: &Captures<'_>, text: &str, pseudonyms: Option<&Pseudonyms>) -> Option<String> {
    let whole = found.get(0)?;
    let before = &text[..whole.start()];
    let after = text[whole.end()..].chars().next();
    // Four-part versions: `Chrome/142.0.0.0`, `v1.2.3.4`, `1.2.3.4-beta`, `version 1.2.3.4`.
    let versioned = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@'))
        || (before.ends_with('/') && !before.ends_with("//"))
        || before.trim_end().to_ascii_lowercase().ends_with("version")
        || after.is_some_and(|c| matches!(c, '-' | '_' | '+'));
    if versioned {
        return None;
    }
    let address: std::net::Ipv4Addr = whole.as_str().parse().ok()?;
    let [a, b, _, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let local =
        address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified() || a == 0;
    let special = address.is_broadcast() || address.is_multicast() || a >= 240 || shared;
    (!local && !special).then(|| named("ip", whole.as_str(), pseudonyms))
}

fn ipv6(found: &Captures<'_>, text: &str, pseudonyms: Option<&Pseudonyms>) -> Option<String> {
    let whole = found.get(0)?;
    if text[..whole.start()].ends_with(':') || text[whole.end()..].starts_with(':') {
        return None;
    }
    let address: Ipv6Addr = whole.as_str().parse().ok()?;
    let first = address.segments()[0];
    let local =
        address.is_loopback() || address.is_unspecified() || (first & 0xfe00) == 0xfc00 || (first & 0xffc0) == 0xfe80;
    (!local).then(|| named("ip", whole.as_str(), pseudonyms))
}

fn card(found: &Captures<'_>, text: &str, _: Option<&Pseudonyms>) -> Option<String> {
    let whole = found.get(0)?;
    let digits: Vec<u32> = whole.as_str().chars().filter_map(|c| c.to_digit(10)).collect();
    if !(13..=19).contains(&digits.len()) || text[..whole.start()].ends_with(['.', '-', '+']) {
        return None;
    }
    let prefix = digits.iter().take(4).fold(0, |n, d| n * 10 + d);
    let issued = matches!(prefix, 4000..=4999 | 5100..=5599 | 2221..=2720 | 3400..=3499 | 3700..=3799 | 6011 | 6440..=6599 | 3528..=3589 | 3000..=3059 | 3600..=3699 | 3800..=3999 | 6200..=6299 | 5000..=5099 | 5600..=5899 | 6300..=6399);
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(i, d)| if i % 2 == 1 { d * 2 / 10 + d * 2 % 10 } else { *d }).sum();
    (issued && sum.is_multiple_of(10)).then(|| "[redacted: card]".to_owned())
}

fn iban(found: &Captures<'_>, _: &str, _: Option<&Pseudonyms>) -> Option<String> {
    let compact: String = found[0].chars().filter(|c| *c != ' ').collect();
    if !(15..=34).contains(&compact.len()) {
        return None;
    }
    let turned = compact[4..].chars().chain(compact[..4].chars());
    let rest = turned
        .filter_map(|c| c.to_digit(36))
        .fold(0u32, |rest, n| if n >= 10 { (rest * 100 + n) % 97 } else { (rest * 10 + n) % 97 });
    (rest == 1).then(|| "[redacted: iban]".to_owned())
}

fn phone(found: &Captures<'_>, text: &str, _: Option<&Pseudonyms>) -> Option<String> {
    let whole = found.get(0)?;
    let digits = whole.as_str().bytes().filter(u8::is_ascii_digit).count();
    let inside = text[..whole.start()].ends_with(|c: char| c.is_alphanumeric())
        || text[whole.end()..].starts_with(|c: char| c.is_alphanumeric());
    (!inside && (8..=15).contains(&digits)).then(|| "[redacted: phone]".to_owned())
}

/// A person's value under a name that says so: the pseudonym of its kind.
pub(super) fn person(kind: &'static str, value: &str, pseudonyms: &Pseudonyms) -> String {
    let placeholder = value.trim().is_empty() || value.starts_with("{{") || super::keys::is_gone(value);
    if placeholder || is_pseudonym(value) { value.to_owned() } else { pseudonyms.named(kind, value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        redact(text, None).into_owned()
    }

    #[test]
    fn every_form_goes_and_what_is_around_it_stays() {
        // Made-up values, put together here so that no scanner takes them for real ones.
        let token = |prefix: &str, rest: &str| format!("{prefix}{rest}");
        let x = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
        for (text, want) in [
            (token("using AKI", "AFAKEALZQMKRKAEO4 here"), "using [redacted: aws key] here"),
            (token("gh", &format!("p_{x}")), "[redacted: github token]"),
            (token("glpat", "-abcdefghij0123456789"), "[redacted: gitlab token]"),
            (token("sk_", "live_abcdefghij0123456789"), "[redacted: stripe key]"),
            (token("xoxb", "-1234567890-abc"), "[redacted: slack token]"),
            (token("AIz", "aSyA1234567890abcdefghijklmnopqrstuv"), "[redacted: google key]"),
            (token("sk-", "proj-abcdefghijklmnop0123456789"), "[redacted: api key]"),
            (token("eyJ", "hbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"), "[redacted: jwt]"),
            ("Authorization: Bearer abcDEF123456".into(), "Authorization: Bearer [redacted: credential]"),
            ("postgres://shop:hunter2@db.internal/x".into(), "postgres://shop:[redacted: password]@db.internal/x"),
            ("password=Hunter22 for x".into(), "password=[redacted: secret] for x"),
            (r#"{"api_key": "abc123def456"}"#.into(), r#"{"api_key": "[redacted: secret]"}"#),
            ("Cookie: sid=abc; theme=dark".into(), "Cookie: [redacted: cookie]"),
            ("mail to ada@shop.example now".into(), "mail to [redacted: email] now"),
            ("q=ada%40shop.example".into(), "q=[redacted: email]"),
            (token("/x%20key%20sk_", "live_abcdefghij0123456789"), "/x key [redacted: stripe key]"),
            ("/x%20DE89370400440532013000%20y".into(), "/x [redacted: iban] y"),
            ("/100%25%20of%20them/203.0.113".into(), "/100%25%20of%20them/203.0.113"),
            ("from 203.0.113.9:4431".into(), "from [redacted: ip]:4431"),
            ("http://203.0.113.9/x".into(), "http://[redacted: ip]/x"),
            ("from 2001:db8::8a2e:370:7334".into(), "from [redacted: ip]"),
            ("card 4111 1111 1111 1111 declined".into(), "card [redacted: card] declined"),
            ("to DE89 3704 0044 0532 0130 00".into(), "to [redacted: iban]"),
            ("call +49 30 901820 1234".into(), "call [redacted: phone]"),
        ] {
            assert_eq!(told(&text), want, "{text}");
        }
    }

    #[test]
    fn what_explains_an_error_stays() {
        for text in [
            "Password must be at least 8 characters",
            "token: expired",
            "shop@2.3.0",
            "shop@2.3.0-beta.one",
            "icon@2x.png",
            "java.lang.Object@1b6d3586",
            "git@host.example:team/repo",
            "Chrome/142.0.0.0 Safari/537.36",
            "version 1.2.3.4 is not supported",
            "connect ECONNREFUSED 127.0.0.1:5432",
            "10.0.12.7 refused",
            "10:42:17 and 2026-11-20T19:05:02.603Z",
            "9f86d081884c7d659a2feaa0c55ad015",
            "123e4567-e89b-12d3-a456-426614174000",
            "order 4111111111111112 not found",
            "1795514399123",
            "at Object.<anonymous> (/app/src/pay.js:12:21)",
            "Bearer token missing",
            "user-7f3a91c04b2d",
            "{{ default }}",
        ] {
            assert_eq!(told(text), text);
        }
    }

    #[test]
    fn what_is_gone_is_not_taken_again() {
        let pseudonyms = Pseudonyms::new([7; 32]);
        let text = "ada@shop.example from 203.0.113.9 with password=Hunter22 and Bearer abcDEF123456";
        let once = redact(text, Some(&pseudonyms)).into_owned();
        assert_eq!(redact(&once, Some(&pseudonyms)), once);
        assert_eq!(told(&once), once);
    }
}
