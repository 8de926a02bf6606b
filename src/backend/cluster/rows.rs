//! Rows as ClickHouse's `RowBinary` has them.
//! It never looks at what they say.

use crate::{answers::micros, model::Timestamp, store::StoreError};

/// Squeezing of blocks: little, since they are kept for a moment.
const LEVEL: i32 = 1;

/// A table and the columns that blocks name, in their order: a column that comes later has its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    Event,
    Session,
    SessionCount,
    Request,
    Item,
}

impl Table {
    /// What follows `INSERT INTO`.
    pub(super) const fn destination(self) -> &'static str {
        match self {
            Self::Event => {
                "event(project,issue,ts,seq,received,id,rel,env,user,level,unhandled,replayed,unattended,rich,platform,\
                 transaction,replay,trace,tags,stack,libraries,body)"
            }
            Self::Session => "session(project,rel,env,hour,sid,started,user,agent,rank)",
            Self::SessionCount => {
                "session_count(project,rel,env,hour,started,user,well,errored,crashed,abnormal,unhandled)"
            }
            Self::Request => "request(project,rel,env,at,operation,user,session,failed,weight,duration,tags)",
            Self::Item => "item(project,kind,ts,seq,parent,trace,segment,rel,env,user,name,content_type,size,body)",
        }
    }
}

/// Rows of one table.
#[derive(Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    pub(super) rows: i64,
}

impl Block {
    /// The block as it is sent.
    pub(super) fn squeezed(&self) -> Result<Vec<u8>, StoreError> {
        zstd::bulk::compress(&self.bytes, LEVEL)
            .map_err(|error| StoreError::Engine { context: "compressing", source: Box::new(error) })
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    pub(super) fn flag(&mut self, value: bool) -> &mut Self {
        self.u8(u8::from(value))
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn i64(&mut self, value: i64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn f64(&mut self, value: f64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn time(&mut self, at: Timestamp) -> &mut Self {
        self.i64(micros(at))
    }

    pub(super) fn fixed(&mut self, bytes: &[u8; 16]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.length(bytes.len());
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// A map of texts.
    pub(super) fn map<'t>(&mut self, pairs: impl ExactSizeIterator<Item = (&'t str, &'t str)>) -> &mut Self {
        self.length(pairs.len());
        for (key, value) in pairs {
            self.text(key).text(value);
        }
        self
    }

    /// Ends a row.
    pub(super) fn end(&mut self) {
        self.rows += 1;
    }

    /// Seven bits a byte, lowest first.
    fn length(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_seven_bits_a_byte() {
        let mut block = Block::default();
        block.bytes(&[b'x'; 300]).map([("a", "b")].into_iter()).end();
        assert_eq!(block.bytes[..2], [0xac, 2]);
        assert_eq!(block.bytes[302..], [1, 1, b'a', 1, b'b']);
        assert_eq!(block.rows, 1);
    }
}
