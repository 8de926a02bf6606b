//! Addresses of machines that belong to somebody: public IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::span::Span;

/// Longest run that is read as an address of version 6, with a version 4 address at its end.
const LONGEST: usize = 45;

/// All public addresses of a text. Each place is looked at a bounded number of times.
pub(super) fn find(text: &str, out: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let b = bytes[at];
        let six = b.is_ascii_hexdigit() || b == b':';
        let begins = six && !at.checked_sub(1).is_some_and(|before| joins(bytes[before]) || bytes[before] == b':');
        let found = match begins {
            true => v6(text, at).or_else(|| if b.is_ascii_digit() { v4(text, at) } else { None }),
            false if b.is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit()) => v4(text, at),
            false => None,
        };
        match found {
            Some(span) => {
                at = span.end;
                out.push(span);
            }
            None => at += 1,
        }
    }
}

fn joins(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// An address in its one normal form; `None`: a machine's own, a network's own, or none that anybody has.
pub(super) fn normal(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('[').split(['%', '/', ']']).next()?;
    match bare.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => is_public(address).then(|| address.to_string()),
        IpAddr::V6(address) => inner(address).map_or_else(
            || (address.segments()[0] & 0xe000 == 0x2000).then(|| address.to_string()),
            |four| is_public(four).then(|| four.to_string()),
        ),
    }
}

/// The version 4 address that some forms of version 6 carry: NAT64, 6to4, the old compatible form.
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let four = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(four(high, low)),
        [0x2002, high, low, ..] => Some(four(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high > 0xff => Some(four(high, low)),
        _ => None,
    }
}

fn is_public(address: Ipv4Addr) -> bool {
    let [a, b, _, _] = address.octets();
    let own = address.is_loopback() || address.is_private() || address.is_link_local() || a == 0;
    let shared = a == 100 && (64..128).contains(&b);
    !(own || shared || address.is_broadcast() || address.is_multicast() || a >= 240)
}

fn v6(text: &str, start: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let run = bytes[start..].iter().take(LONGEST + 1).take_while(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
    let mut end = start + run.count();
    if end - start > LONGEST || bytes[start..end].iter().filter(|b| **b == b':').count() < 2 {
        return None;
    }
    // A sentence's own point or colon, and a port after too many groups.
    while end > start && (bytes[end - 1] == b'.' || (bytes[end - 1] == b':' && !bytes[..end - 1].ends_with(b":"))) {
        end -= 1;
    }
    if bytes.get(end).is_some_and(|b| joins(*b)) {
        return None;
    }
    let whole = normal(&text[start..end]).map(|value| (end, value));
    let (end, value) = whole.or_else(|| {
        let shorter = start + text[start..end].rfind(':')?;
        (text[start..shorter].matches(':').count() == 7).then_some(())?;
        Some((shorter, normal(&text[start..shorter])?))
    })?;
    Some(Span::person(start, end, "ip", value))
}

fn v4(text: &str, start: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let mut octets = [0u8; 4];
    let mut at = start;
    let gap = [b'.', b'-'].into_iter().find(|gap| {
        let digits = bytes[start..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
        bytes.get(start + digits) == Some(gap)
    })?;
    for (n, octet) in octets.iter_mut().enumerate() {
        if n > 0 {
            (bytes.get(at) == Some(&gap)).then_some(())?;
            at += 1;
        }
        let digits = bytes[at..].iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        // Leading zeros are not written, and mean another base where they are.
        let said = text.get(at..at + digits)?;
        (digits == 1 || !said.starts_with('0')).then_some(())?;
        *octet = said.parse().ok()?;
        at += digits;
    }
    let (before, after) = (&text[..start], bytes.get(at).copied());
    let host = gap == b'-';
    if host != is_host_name(before, &text[at..]) || (!host && is_version(before, &text[at..], after)) {
        return None;
    }
    let mut address = Ipv4Addr::from(octets);
    if text[at..].starts_with(".in-addr.arpa") {
        let [a, b, c, d] = octets;
        address = Ipv4Addr::new(d, c, b, a);
    }
    is_public(address).then(|| Span::person(start, at, "ip", address.to_string()))
}

/// `ec2-203-0-113-9.compute.example`, `ip-203-0-113-9`: names that providers make of addresses.
fn is_host_name(before: &str, after: &str) -> bool {
    const MADE: [&str; 12] =
        ["ec2-", "ip-", "host-", "static-", "dsl-", "cable-", "pool-", "dynamic-", "client-", "dhcp-", "ppp-", "cpe-"];
    MADE.iter().any(|made| ends_with_word(before, made)) && !after.starts_with(|c: char| c.is_ascii_digit())
}

/// The last bytes of a text, in small letters, whatever is before them.
fn tail(text: &str, bytes: usize) -> String {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].to_ascii_lowercase()
}

fn ends_with_word(text: &str, word: &str) -> bool {
    let end = tail(text, word.len() + 1);
    end.strip_suffix(word).is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric()))
}

/// Four-part versions: `Chrome/142.0.0.0`, `v1.2.3.4`, `1.2.3.4-beta`, `version 1.2.3.4`.
fn is_version(before: &str, after: &str, next: Option<u8>) -> bool {
    let port = after.strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let glued = before.ends_with(|c: char| c.is_ascii_digit() || c == '.' || c == '@')
        || before.ends_with(|c: char| c.is_alphabetic() || c == '_' || c == '-')
            && !(port || ends_with_word(before, "ip_") || ends_with_word(before, "ip-") || before.ends_with('='));
    // A product has its version after a slash, and no port; Java writes addresses so, after nothing or a host.
    let product = before.ends_with('/')
        && !before.ends_with("//")
        && !port
        && before[..before.len() - 1].ends_with(|c: char| c.is_alphanumeric());
    let words = ["version", "ver", "release", "build", "firmware", "driver", "rev", "windows"];
    let said = tail(before, 24);
    let named = words.iter().any(|word| said.trim_end_matches([' ', ':', '=', '"', '\'']).ends_with(word));
    let goes_on = next.is_some_and(|b| matches!(b, b'_' | b'+') || b.is_ascii_alphanumeric())
        || (next == Some(b'-') && after[1..].starts_with(|c: char| c.is_alphabetic()))
        || (next == Some(b'.') && after[1..].starts_with(|c: char| c.is_ascii_digit()));
    glued || product || (named && !port) || goes_on
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        find(text, &mut out);
        out.iter().map(|span| text[span.start..span.end].to_owned()).collect()
    }

    #[test]
    fn public_addresses_are_found_in_every_form() {
        for (text, want) in [
            ("from 203.0.113.9:4431", "203.0.113.9"),
            ("http://203.0.113.9/x", "203.0.113.9"),
            ("connect timed out: /203.0.113.9:443", "203.0.113.9"),
            ("shop.example/203.0.113.9:443", "203.0.113.9"),
            ("203.0.113.9/32", "203.0.113.9"),
            ("ip=203.0.113.9,x", "203.0.113.9"),
            ("peer 2001:db8::8a2e:370:7334 reset", "2001:db8::8a2e:370:7334"),
            ("[2001:DB8::1]:443", "2001:DB8::1"),
            ("2001:db8:0:0:0:0:0:1.", "2001:db8:0:0:0:0:0:1"),
            ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
            ("64:ff9b::203.0.113.9", "64:ff9b::203.0.113.9"),
            ("ec2-203-0-113-9.compute.example", "203-0-113-9"),
            ("9.113.0.203.in-addr.arpa", "9.113.0.203"),
            ("2001:db8:1:2:3:4:5:6:443", "2001:db8:1:2:3:4:5:6"),
        ] {
            assert_eq!(found(text), [want], "{text}");
        }
    }

    #[test]
    fn versions_times_and_local_addresses_stay() {
        for text in [
            "Windows 10.0.19045.3803",
            "Chrome/142.0.0.0 Safari",
            "v1.2.3.4 and 1.2.3.4-beta and version 5.6.7.8",
            "127.0.0.1:5432, 10.1.2.3, 192.168.0.1, 0.0.0.0:8080, 169.254.169.254",
            "::1, fe80::1%eth0, fd00::1",
            "12:30:45 and 00:1b:44:11:3a:b7",
            "std::fmt::Display abc::def dead::beef",
            "1.2.3.4.5",
            "pkg@1.2.3.4",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn one_address_has_one_form() {
        for text in ["203.0.113.9", "::ffff:203.0.113.9", "::ffff:cb00:7109", "[::ffff:203.0.113.9]"] {
            assert_eq!(normal(text).as_deref(), Some("203.0.113.9"), "{text}");
        }
        assert_eq!(normal("2001:DB8:0:0:0:0:0:1"), normal("2001:db8::1"));
    }
}
