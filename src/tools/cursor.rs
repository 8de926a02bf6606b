//! Cursors: opaque, bound to the question they continue, and not to be forged.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::ToolError;
use crate::{guard::Clean, model::Timestamp, say};

/// Where a page starts: how many are skipped, and the moment that the first page spoke of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Items before it.
    pub skip: usize,
    /// `as_of` of the first page, so that pages of one list fit together.
    pub as_of: Timestamp,
}

/// Makes and reads the cursors of one question.
#[derive(Clone)]
pub struct Cursors {
    key: [u8; 32],
    question: [u8; 32],
}

impl Cursors {
    /// For a question, with a key that stays in the program.
    pub fn new(key: [u8; 32], question: [u8; 32]) -> Self {
        Self { key, question }
    }

    /// The cursor as text: `SKIP.MILLISECONDS.SEAL`.
    pub fn write(&self, cursor: Cursor) -> Clean {
        let millis = cursor.as_of.as_millisecond();
        let seal = u64::from_be_bytes(self.seal(cursor.skip, millis));
        say!(cursor.skip, ".", millis, ".", Hex(seal))
    }

    /// Reads it back.
    ///
    /// # Errors
    /// When it is not one of this question.
    pub fn read(&self, text: &str) -> Result<Cursor, ToolError> {
        self.parse(text).ok_or_else(|| {
            ToolError::invalid(Clean::ours(
                "this cursor is not one of this question: repeat the call that gave it with the same arguments, or leave it out",
            ))
        })
    }

    fn parse(&self, text: &str) -> Option<Cursor> {
        let mut parts = text.trim().split('.');
        let skip = parts.next()?.parse().ok()?;
        let millis = parts.next()?.parse().ok()?;
        let seal = u64::from_str_radix(parts.next()?, 16).ok()?;
        let as_of = Timestamp::from_millisecond(millis).ok()?;
        (parts.next().is_none() && self.seal(skip, millis) == seal.to_be_bytes()).then_some(Cursor { skip, as_of })
    }

    fn seal(&self, skip: usize, millis: i64) -> [u8; 8] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(b"cursor");
        mac.update(&self.question);
        mac.update(&(skip as u64).to_be_bytes());
        mac.update(&millis.to_be_bytes());
        let bytes = mac.finalize().into_bytes();
        let mut seal = [0; 8];
        seal.copy_from_slice(&bytes[..8]);
        seal
    }
}

struct Hex(u64);

impl crate::guard::Say for Hex {
    fn say(&self, out: &mut String) {
        use std::fmt::Write;
        let _ = write!(out, "{:016x}", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_by_its_own_question_alone() {
        let own = Cursors::new([1; 32], [2; 32]);
        let cursor = Cursor { skip: 25, as_of: Timestamp::from_millisecond(1_795_000_000_123).unwrap() };
        let text = own.write(cursor);
        assert_eq!(own.read(text.as_str()).unwrap(), cursor);
        assert!(Cursors::new([1; 32], [3; 32]).read(text.as_str()).is_err());
        assert!(Cursors::new([9; 32], [2; 32]).read(text.as_str()).is_err());
        for bad in ["", "1", "25.1795000000123.0", "x.y.z", "🦀"] {
            assert!(own.read(bad).is_err(), "{bad}");
        }
    }
}
