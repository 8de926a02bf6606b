//! How many tokens a text costs at most, in o200k, without the tokenizer.
//!
//! An exact tokenizer costs megabytes and a second at the first call. This one counts pieces the way the tokenizer
//! splits before it merges: words at changes of case, digits by three, runs of signs. The prices were fitted to exact
//! counts over captured events, code and prose (median 1.1 times the exact count); a test holds the estimate at or
//! above the exact count for all of them. Better a tenth unused than a budget broken.

/// Safety on top of the fitted prices, in percent.
const FACTOR_PERCENT: usize = 112;

/// An upper estimate of the number of o200k tokens.
pub fn estimate(text: &str) -> usize {
    let mut chars = text.chars().peekable();
    let mut last = ' ';
    let mut cents = 0;
    while let Some(c) = chars.next() {
        let rest = &mut chars;
        cents += match class(c) {
            Class::Letter => word(last, c, rest),
            Class::Digit => 100 * run(rest, 1, |c| c.is_ascii_digit()).div_ceil(3),
            Class::Sign => signs(c, rest),
            Class::Space => spaces(c, rest),
            Class::Script => 60,
            Class::Wide => 110,
            Class::Rare => 300,
        };
        last = c;
    }
    (cents * FACTOR_PERCENT).div_ceil(10_000)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Sign,
    Space,
    /// Letters of alphabets beyond ASCII: 0.3 to 0.5 tokens each.
    Script,
    /// Ideographs, kana and usual typographic signs: 0.7 to 1.
    Wide,
    /// Emoji, rare ideographs, private use, combining marks: up to three.
    Rare,
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' => Class::Letter,
        '0'..='9' => Class::Digit,
        c if c.is_ascii_whitespace() => Class::Space,
        c if c.is_ascii() => Class::Sign,
        '…' | '·' | '–' | '—' | '│' | '⏎' | '×' | '→' | '‹' | '›' | '●' | '▸' => Class::Wide,
        c if (c as u32) >= 0xFFFF => Class::Rare,
        c if c.is_alphabetic() && (c as u32) < 0x2E80 => Class::Script,
        c if c.is_alphabetic() || ('\u{3000}'..='\u{30FF}').contains(&c) || ('\u{FF00}'..='\u{FFEF}').contains(&c) => {
            Class::Wide
        }
        _ => Class::Rare,
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Takes what follows while it fits; returns the length with `taken` before.
fn run(rest: &mut Chars<'_>, mut taken: usize, fits: impl Fn(char) -> bool) -> usize {
    while rest.next_if(|c| fits(*c)).is_some() {
        taken += 1;
    }
    taken
}

/// A word: capitals that begin it and small letters after. Up to ten letters are mostly one token; words without
/// vowels, in capitals or beside digits are ids and abbreviations and cost more.
fn word(before: char, first: char, rest: &mut Chars<'_>) -> usize {
    let mut letters = 1usize;
    let mut vowels = usize::from(is_vowel(first));
    let mut upper = first.is_ascii_uppercase();
    let mut capitals = usize::from(upper);
    while let Some(c) = rest.next_if(|c| c.is_ascii_lowercase() || (upper && c.is_ascii_uppercase())) {
        upper = c.is_ascii_uppercase();
        capitals += usize::from(upper);
        letters += 1;
        vowels += usize::from(is_vowel(c));
    }
    let in_id = before.is_ascii_digit() || rest.peek().is_some_and(char::is_ascii_digit);
    match () {
        () if in_id => 110 + 35 * letters.saturating_sub(2),
        () if capitals > 2 => 40 * letters,
        () if vowels * 5 < letters && letters > 4 => 45 * letters,
        // Mixed case in short pieces is base64 and the like.
        () if letters <= 3 && before.is_ascii_alphabetic() => 150,
        () => 100 + 25 * letters.saturating_sub(10),
    }
}

fn is_vowel(c: char) -> bool {
    matches!(c.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// A single sign before a word mostly belongs to it; runs merge in twos.
fn signs(first: char, rest: &mut Chars<'_>) -> usize {
    let length = run(rest, 1, |c| class(c) == Class::Sign);
    let before_word = rest.peek().is_some_and(char::is_ascii_alphabetic);
    match length {
        1 if before_word && first != '_' => 40,
        1 => 110,
        2 => 150,
        3 => 140,
        n => 45 * n,
    }
}

/// One space belongs to the word after it, but not to a number; more of them, or a line's end, are a token.
fn spaces(first: char, rest: &mut Chars<'_>) -> usize {
    let length = run(rest, 1, |c| class(c) == Class::Space);
    let before_digit = rest.peek().is_some_and(char::is_ascii_digit);
    if length == 1 && first == ' ' && !before_digit { 0 } else { 115 }
}
