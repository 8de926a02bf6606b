//! Bytes and UTF-16 units of a text, which may be one line of many megabytes.

/// Bytes between two marks.
const STEP: usize = 1_024;

/// How many UTF-16 units stand before the bytes of a text.
pub(super) struct Units {
    /// By each mark its byte and the units before it; empty where every character is one byte and one unit.
    marks: Vec<(usize, usize)>,
}

impl Units {
    pub(super) fn new(text: &str) -> Self {
        let mut marks = Vec::new();
        if !text.is_ascii() {
            let mut units = 0;
            for (at, c) in text.char_indices() {
                if marks.last().is_none_or(|(last, _)| at - last >= STEP) {
                    marks.push((at, units));
                }
                units += c.len_utf16();
            }
        }
        Self { marks }
    }

    /// Units before a byte, which has to be a character's first.
    pub(super) fn before(&self, text: &str, byte: usize) -> Option<usize> {
        let mark = self.marks.partition_point(|(at, _)| *at <= byte);
        let Some((at, units)) = mark.checked_sub(1).map(|mark| self.marks[mark]) else { return Some(byte) };
        Some(units + text.get(at..byte)?.encode_utf16().count())
    }

    /// The first byte of the character that has so many units before it; of one that begins earlier, the next.
    pub(super) fn byte(&self, text: &str, units: usize) -> usize {
        let mark = self.marks.partition_point(|(_, before)| *before <= units);
        let Some((at, before)) = mark.checked_sub(1).map(|mark| self.marks[mark]) else { return units.min(text.len()) };
        at + utf16_to_byte(&text[at..], units - before)
    }

    /// About how many bytes of memory it takes.
    pub(super) fn size_bytes(&self) -> usize {
        self.marks.len() * size_of::<(usize, usize)>()
    }
}

/// The byte that so many UTF-16 units stand before.
pub(super) fn utf16_to_byte(text: &str, units: usize) -> usize {
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if seen >= units {
            return at;
        }
        seen += c.len_utf16();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_say_what_counting_says(part in "[a-zä€😀\n]{1,40}", times in 1usize..200, place in 0usize..9_000) {
            let text = part.repeat(times);
            let units = Units::new(&text);
            prop_assert_eq!(units.byte(&text, place), utf16_to_byte(&text, place));
            let byte = units.byte(&text, place);
            prop_assert_eq!(units.before(&text, byte), Some(text[..byte].encode_utf16().count()));
        }
    }
}
