//! Numbers that name a person or an account: cards, IBANs, national numbers. Each is checked by its own rule.

use super::span::Span;

/// Longest written form: 34 characters of an IBAN with separators.
const LONGEST: usize = 44;

/// All numbers of a text. Each start is followed at most [`LONGEST`] characters.
pub(super) fn find(text: &str, out: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let begins = bytes[at].is_ascii_alphanumeric() && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric());
        // A card's number may follow letters: `pan4111…`.
        let digits = bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit());
        let found = match (begins, digits) {
            (true, false) => iban(bytes, at).or_else(|| lettered(bytes, at)),
            (_, true) => card(bytes, at).or_else(|| if begins { national(bytes, at) } else { None }),
            _ => None,
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

fn is_gap(b: u8) -> bool {
    matches!(b, b' ' | b'-' | b'.')
}

/// Groups of digits from a place on, with the one separator between them: lengths, all digits, end.
struct Groups {
    lengths: Vec<usize>,
    digits: Vec<u32>,
    gap: Option<u8>,
    end: usize,
}

fn groups(bytes: &[u8], from: usize, most: usize) -> Groups {
    let mut found = Groups { lengths: vec![0], digits: Vec::new(), gap: None, end: from };
    let mut at = from;
    while at < bytes.len() && found.digits.len() <= most {
        let b = bytes[at];
        if b.is_ascii_digit() {
            found.digits.push(u32::from(b - b'0'));
            *found.lengths.last_mut().expect("there is one from the start") += 1;
            found.end = at + 1;
        } else if is_gap(b) && found.gap.is_none_or(|gap| gap == b) && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
        {
            found.gap = Some(b);
            found.lengths.push(0);
        } else {
            break;
        }
        at += 1;
    }
    found
}

/// Whether a number stands by itself: no hexadecimal digit or point joins it to more.
fn alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let after = bytes.get(end).copied();
    let joined = |b: Option<u8>, more: Option<u8>| match b {
        Some(b'.' | b',' | b'+') => more.is_some_and(|b| b.is_ascii_digit()),
        Some(b'x' | b'X') => more == Some(b'0'),
        Some(b) => b.is_ascii_digit() || matches!(b, b'a'..=b'f' | b'A'..=b'F'),
        None => false,
    };
    let further = start.checked_sub(2).map(|at| bytes[at]);
    !joined(before, further)
        && !joined(after, bytes.get(end + 1).copied())
        && !after.is_some_and(|b| b.is_ascii_alphabetic())
}

/// A payment card: issuer, length, Luhn's check digit, and the usual groups.
fn card(bytes: &[u8], start: usize) -> Option<Span> {
    let found = groups(bytes, start, 19);
    if !(13..=19).contains(&found.digits.len()) || !alone(bytes, start, found.end) {
        return None;
    }
    let usual = matches!(
        found.lengths.as_slice(),
        [_] | [4, 4, 4, 4]
            | [4, 4, 4, 4, 3]
            | [4, 4, 4, 1]
            | [4, 6, 5]
            | [4, 6, 4]
            | [4, 4, 4, 3]
            | [4, 4, 5]
            | [6, 13]
            | [8, 8]
    );
    (usual && is_issued(&found.digits) && luhn(&found.digits)).then(|| Span::gone(start, found.end, "card"))
}

fn is_issued(digits: &[u32]) -> bool {
    let four = digits.iter().take(4).fold(0, |n, d| n * 10 + d);
    match four {
        4000..=4999 => matches!(digits.len(), 13 | 16 | 19),
        5100..=5599 | 2221..=2720 => digits.len() == 16,
        3400..=3499 | 3700..=3799 => digits.len() == 15,
        6011 | 6440..=6599 | 3528..=3589 | 6200..=6299 | 8171 | 2200..=2204 => (16..=19).contains(&digits.len()),
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => matches!(digits.len(), 14 | 16),
        5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 | 6390..=6399 => true,
        _ => false,
    }
}

pub(super) fn luhn(digits: &[u32]) -> bool {
    let double = |(at, d): (usize, &u32)| if at % 2 == 1 { d * 2 / 10 + d * 2 % 10 } else { *d };
    digits.iter().rev().enumerate().map(double).sum::<u32>().is_multiple_of(10)
}

/// Length of an IBAN by country, where it is in use.
fn iban_length(country: &[u8]) -> Option<usize> {
    Some(match country {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"XK" | b"MN" => 20,
        b"CH" | b"CR" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"PT" | b"ST" | b"LY" => 25,
        b"IS" | b"TR" => 26,
        b"DZ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" | b"BI" | b"DJ" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HU" | b"LB" | b"PL" | b"SV" | b"NI" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" | b"YE" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    })
}

fn iban(bytes: &[u8], start: usize) -> Option<Span> {
    let head = bytes.get(start..start + 4)?;
    if !(head[0].is_ascii_alphabetic()
        && head[1].is_ascii_alphabetic()
        && head[2].is_ascii_digit()
        && head[3].is_ascii_digit())
    {
        return None;
    }
    let length = iban_length(&[head[0].to_ascii_uppercase(), head[1].to_ascii_uppercase()])?;
    let (mut compact, mut end) = (Vec::with_capacity(length), start);
    for (at, b) in bytes.iter().enumerate().skip(start).take(LONGEST) {
        if b.is_ascii_alphanumeric() {
            compact.push(b.to_ascii_uppercase());
            end = at + 1;
        } else if !is_gap(*b) {
            break;
        }
        if compact.len() == length {
            break;
        }
    }
    if compact.len() != length || bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let value = |b: &u8| char::from(*b).to_digit(36).unwrap_or(0);
    let rest = compact[4..].iter().chain(&compact[..4]).map(value);
    let rest = rest.fold(0u32, |rest, n| (rest * if n >= 10 { 100 } else { 10 } + n) % 97);
    (rest == 1).then(|| Span::gone(start, end, "iban"))
}

/// National numbers that are digits, as the country writes them.
fn national(bytes: &[u8], start: usize) -> Option<Span> {
    let found = groups(bytes, start, 18);
    let mut end = found.end;
    let d = &found.digits;
    let number = |from: usize, to: usize| d[from..to].iter().fold(0u64, |n, digit| n * 10 + u64::from(*digit));
    let joined = bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric());
    let by_groups = match (found.lengths.as_slice(), found.gap) {
        // United States: no area 000, 666, 900–999.
        ([3, 2, 4], Some(b'-')) => !matches!(number(0, 3), 0 | 666 | 900..) && number(3, 5) != 0 && number(5, 9) != 0,
        // Switzerland: EAN of 13 digits.
        ([3, 4, 4, 2], Some(b'.')) => number(0, 3) == 756,
        // Canada, and India: their check digits.
        ([3, 3, 3], Some(b' ' | b'-')) => d[0] != 0 && d[0] != 8 && luhn(d),
        ([4, 4, 4], Some(b' ' | b'-')) => d[0] > 1 && verhoeff(d),
        // Korea, Denmark, Sweden: a date, then the rest.
        ([6, 7], Some(b'-')) => is_date(number(2, 4), number(4, 6)) && (1..=8).contains(&d[6]),
        ([6, 4], Some(b'-')) => is_date(number(2, 4), number(0, 2)) || (is_date(number(2, 4), number(4, 6)) && luhn(d)),
        ([8, 4], Some(b'-')) => is_date(number(4, 6), number(6, 8)) && luhn(&d[2..]),
        // France: sex, year, month, department, and 97 less the rest.
        ([1, 2, 2, 2, 3, 3, 2], Some(b' ')) => matches!(d[0], 1 | 2) && 97 - number(0, 13) % 97 == number(13, 15),
        ([15], None) => {
            matches!(d[0], 1 | 2) && (1..=12).contains(&number(3, 5)) && 97 - number(0, 13) % 97 == number(13, 15)
        }
        // China: place, date, number, check by weights.
        ([18], None) => matches!(number(6, 8), 19 | 20) && is_date(number(10, 12), number(12, 14)) && chinese(d, None),
        _ => false,
    };
    if by_groups && !joined && alone(bytes, start, end) {
        return Some(Span::gone(start, end, "national number"));
    }
    let rest = bytes.get(end..)?;
    let dotted = |n: usize| rest.get(1..=n).filter(|part| part.iter().all(u8::is_ascii_digit));
    let after = |length: usize| !bytes.get(end + length).is_some_and(u8::is_ascii_alphanumeric);
    // Brazil `529.982.247-25`, Belgium `85.07.30-033.28`.
    if found.gap == Some(b'.') && rest.first() == Some(&b'-') {
        if found.lengths == [3, 3, 3] && after(3) && dotted(2).is_some_and(|check| cpf(d, check)) {
            return Some(Span::gone(start, end + 3, "national number"));
        }
        let belgian = rest.len() >= 7 && rest[4] == b'.' && dotted(3).is_some();
        if found.lengths == [2, 2, 2] && belgian && is_date(number(2, 4), number(4, 6)) && after(7) {
            return Some(Span::gone(start, end + 7, "national number"));
        }
    }
    // Spain: eight digits and the letter of their rest; China with `X` at the end. Parts of a second are none.
    let fraction = start.checked_sub(1).is_some_and(|at| matches!(bytes[at], b'.' | b',' | b':' | b'T'));
    if found.lengths.len() == 1 && after(1) && !fraction {
        let letter = rest.first().copied().unwrap_or(0).to_ascii_uppercase();
        end += 1;
        let spanish = d.len() == 8 && b"TRWAGMYFPDXBNJZSQVHLCKE"[(number(0, 8) % 23) as usize] == letter;
        let chinese =
            d.len() == 17 && letter == b'X' && is_date(number(10, 12), number(12, 14)) && chinese(d, Some(10));
        if spanish || chinese {
            return Some(Span::gone(start, end, "national number"));
        }
    }
    None
}

fn is_date(month: u64, day: u64) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

fn chinese(d: &[u32], last: Option<u32>) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = d.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    last.or_else(|| d.get(17).copied()).is_some_and(|last| (12 - sum % 11) % 11 == last)
}

fn cpf(d: &[u32], check: &[u8]) -> bool {
    let mut all = d.to_vec();
    for digit in check {
        let sum: u32 = all.iter().rev().zip(2..).map(|(digit, weight)| digit * weight).sum();
        let want = (sum * 10 % 11) % 10;
        if want != u32::from(digit - b'0') {
            return false;
        }
        all.push(want);
    }
    true
}

/// The check digit of India's numbers: permutations in the dihedral group of ten.
fn verhoeff(d: &[u32]) -> bool {
    const ORDER: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let times = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b) % 5,
        (false, true) => 5 + (a + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let check = d.iter().rev().enumerate().fold(0, |sum, (at, digit)| {
        let turned = (0..at % 8).fold(*digit, |digit, _| ORDER[digit as usize]);
        times(sum, turned)
    });
    check == 0
}

/// National numbers with letters: Great Britain, Spain's foreigners, Italy, Finland is digits first and told by key.
fn lettered(bytes: &[u8], start: usize) -> Option<Span> {
    if !bytes[start].is_ascii_uppercase() {
        return None;
    }
    let compact: Vec<(usize, u8)> = bytes
        .iter()
        .enumerate()
        .skip(start)
        .take(LONGEST)
        .take_while(|(_, b)| b.is_ascii_alphanumeric() || **b == b' ')
        .filter(|(_, b)| **b != b' ')
        .map(|(at, b)| (at, *b))
        .collect();
    let shape = |pattern: &str| {
        pattern.len() <= compact.len()
            && pattern.bytes().zip(&compact).all(|(p, (_, b))| match p {
                b'A' => b.is_ascii_uppercase(),
                _ => b.is_ascii_digit(),
            })
    };
    let span = |length: usize| {
        let end = compact[length - 1].0 + 1;
        let apart = !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        apart.then(|| Span::gone(start, end, "national number"))
    };
    if shape("AA999999A") && matches!(compact[8].1, b'A'..=b'D') && !b"DFIQUV".contains(&compact[0].1) {
        let gaps = compact[8].0 - compact[0].0;
        return if gaps == 8 || gaps == 12 { span(9) } else { None };
    }
    if shape("AAAAAA99A99A999A") && compact[15].0 - compact[0].0 == 15 {
        return span(16);
    }
    if shape("A9999999A") && matches!(compact[0].1, b'X'..=b'Z') && compact[8].0 - compact[0].0 == 8 {
        let number =
            compact[1..8].iter().fold(u64::from(compact[0].1 - b'X'), |n, (_, b)| n * 10 + u64::from(b - b'0'));
        return if b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize] == compact[8].1 { span(9) } else { None };
    }
    None
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
    fn numbers_are_found_as_they_are_written() {
        for (text, want) in [
            ("card 4111 1111 1111 1111 declined", "4111 1111 1111 1111"),
            ("4111.1111.1111.1111", "4111.1111.1111.1111"),
            ("card-4111111111111111", "4111111111111111"),
            ("pan_4111111111111111_x", "4111111111111111"),
            ("amex 3782-822463-10005", "3782-822463-10005"),
            ("to de89370400440532013000", "de89370400440532013000"),
            ("to DE89-3704-0044-0532-0130-00 now", "DE89-3704-0044-0532-0130-00"),
            ("GB82 WEST 1234 5698 7654 32 is", "GB82 WEST 1234 5698 7654 32"),
            ("ssn 078-05-1120", "078-05-1120"),
            ("NI AB 12 34 56 C.", "AB 12 34 56 C"),
            ("cpf 529.982.247-25", "529.982.247-25"),
            ("dni 12345678Z", "12345678Z"),
            ("ahv 756.1234.5678.97", "756.1234.5678.97"),
            ("cf RSSMRA85T10A562S", "RSSMRA85T10A562S"),
            ("id 11010519491231002X", "11010519491231002X"),
        ] {
            assert_eq!(found(text), [want], "{text}");
        }
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "order 4111111111111112",
            "150428427078522",
            "1795514399123",
            "1002003004005006",
            "2026-01-01T10:00:00.123Z",
            "9f4111111111111111aa",
            "4111.1111111111111 1",
            "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
            "123e4567-e89b-12d3-a456-426614174000",
            "build 2024.10.11-123",
            "0x4111111111111111",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
