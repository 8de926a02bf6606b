//! Events of one issue, by column: what chunks hold.
//! It uses `zstd`.
//! It never holds text: ids alone.

use std::collections::BTreeMap;

use super::{
    bytes::{Bytes, put},
    fact::Fact,
};
use crate::backend::embedded::fault::Corrupt;

/// The columns that every count needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::backend::embedded) struct Head {
    pub(in crate::backend::embedded) seq: Vec<i64>,
    pub(in crate::backend::embedded) ts: Vec<i64>,
    pub(in crate::backend::embedded) rel: Vec<u32>,
    pub(in crate::backend::embedded) env: Vec<u32>,
    pub(in crate::backend::embedded) user: Vec<u32>,
    pub(in crate::backend::embedded) bits: Vec<u8>,
    pub(in crate::backend::embedded) rich: Vec<u8>,
}

/// The columns that only some questions need, apart so that the others don't unpack them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::backend::embedded) struct Rest {
    pub(in crate::backend::embedded) platform: Vec<u32>,
    pub(in crate::backend::embedded) transaction: Vec<u32>,
    pub(in crate::backend::embedded) replay: Vec<u64>,
    pub(in crate::backend::embedded) trace: Vec<u64>,
    /// Values by key; shorter than the others where the last events lack the tag.
    pub(in crate::backend::embedded) tags: BTreeMap<u32, Vec<u32>>,
}

/// Both.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::backend::embedded) struct Columns {
    pub(in crate::backend::embedded) head: Head,
    pub(in crate::backend::embedded) rest: Rest,
}

impl Head {
    pub(in crate::backend::embedded) fn len(&self) -> usize {
        self.seq.len()
    }

    fn encode(&self) -> Vec<u8> {
        let mut raw = Vec::with_capacity(self.len() * 16);
        put(&mut raw, self.len() as u64);
        put_column(&mut raw, self.seq.iter().map(|v| *v as u64));
        put_column(&mut raw, self.ts.iter().map(|v| lift(*v)));
        for column in [&self.rel, &self.env, &self.user] {
            put_column(&mut raw, column.iter().map(|v| u64::from(*v)));
        }
        for column in [&self.bits, &self.rich] {
            put_column(&mut raw, column.iter().map(|v| u64::from(*v)));
        }
        raw
    }

    fn decode(raw: &[u8]) -> Result<Self, Corrupt> {
        let mut bytes = Bytes::new(raw, "chunk");
        let n = rows(&mut bytes)?;
        let ids = |column: Vec<u64>| column.into_iter().map(|v| v as u32).collect();
        let small = |column: Vec<u64>| column.into_iter().map(|v| v as u8).collect();
        Ok(Self {
            seq: column(&mut bytes, n)?.into_iter().map(|v| v as i64).collect(),
            ts: column(&mut bytes, n)?.into_iter().map(lower).collect(),
            rel: ids(column(&mut bytes, n)?),
            env: ids(column(&mut bytes, n)?),
            user: ids(column(&mut bytes, n)?),
            bits: small(column(&mut bytes, n)?),
            rich: small(column(&mut bytes, n)?),
        })
    }
}

impl Rest {
    fn encode(&self, n: usize) -> Vec<u8> {
        let mut raw = Vec::with_capacity(n * (8 + self.tags.len()));
        put(&mut raw, n as u64);
        for column in [&self.platform, &self.transaction] {
            put_column(&mut raw, column.iter().map(|v| u64::from(*v)));
        }
        for column in [&self.replay, &self.trace] {
            put_column(&mut raw, column.iter().copied());
        }
        put(&mut raw, self.tags.len() as u64);
        for (key, values) in &self.tags {
            put(&mut raw, u64::from(*key));
            let padding = std::iter::repeat_n(0, n.saturating_sub(values.len()));
            put_column(&mut raw, values.iter().map(|v| u64::from(*v)).chain(padding));
        }
        raw
    }

    fn decode(raw: &[u8]) -> Result<Self, Corrupt> {
        let mut bytes = Bytes::new(raw, "chunk");
        let n = rows(&mut bytes)?;
        let ids = |column: Vec<u64>| column.into_iter().map(|v| v as u32).collect();
        let mut rest = Self {
            platform: ids(column(&mut bytes, n)?),
            transaction: ids(column(&mut bytes, n)?),
            replay: column(&mut bytes, n)?,
            trace: column(&mut bytes, n)?,
            tags: BTreeMap::new(),
        };
        for _ in 0..bytes.count()? {
            let key = bytes.id()?;
            rest.tags.insert(key, ids(column(&mut bytes, n)?));
        }
        Ok(rest)
    }

    /// The value of tag `key` in row `row`; 0 without.
    pub(in crate::backend::embedded) fn tag(&self, key: u32, row: usize) -> u32 {
        self.tags.get(&key).and_then(|values| values.get(row)).copied().unwrap_or(0)
    }
}

impl Columns {
    pub(in crate::backend::embedded) fn push(&mut self, fact: &Fact) {
        let row = self.head.len();
        let Self { head, rest } = self;
        head.seq.push(fact.seq);
        head.ts.push(fact.ts);
        head.rel.push(fact.rel);
        head.env.push(fact.env);
        head.user.push(fact.user);
        head.bits.push(fact.bits);
        head.rich.push(fact.rich);
        rest.platform.push(fact.platform);
        rest.transaction.push(fact.transaction);
        rest.replay.push(fact.replay);
        rest.trace.push(fact.trace);
        for (key, value) in &fact.tags {
            let column = rest.tags.entry(*key).or_default();
            column.resize(row, 0);
            column.push(*value);
        }
    }

    pub(in crate::backend::embedded) fn of<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Self {
        let mut columns = Self::default();
        for fact in facts {
            columns.push(fact);
        }
        columns
    }

    pub(in crate::backend::embedded) fn fact(&self, row: usize) -> Fact {
        let Self { head, rest } = self;
        Fact {
            seq: head.seq[row],
            ts: head.ts[row],
            rel: head.rel[row],
            env: head.env[row],
            user: head.user[row],
            bits: head.bits[row],
            rich: head.rich[row],
            platform: rest.platform[row],
            transaction: rest.transaction[row],
            replay: rest.replay[row],
            trace: rest.trace[row],
            tags: rest.tags.keys().map(|k| (*k, rest.tag(*k, row))).filter(|(_, value)| *value != 0).collect(),
        }
    }

    /// Both parts as stored.
    pub(in crate::backend::embedded) fn encode(&self) -> (Vec<u8>, Vec<u8>) {
        (pack(&self.head.encode()), pack(&self.rest.encode(self.head.len())))
    }
}

/// Unpacks chunks; keeps its context, whose making costs more than a small chunk.
pub(in crate::backend::embedded) struct Unpacker {
    zstd: zstd::bulk::Decompressor<'static>,
    raw: Vec<u8>,
}

impl Unpacker {
    pub(in crate::backend::embedded) fn new() -> Result<Self, Corrupt> {
        let zstd = zstd::bulk::Decompressor::new().map_err(|_| Corrupt("zstd context"))?;
        Ok(Self { zstd, raw: Vec::new() })
    }

    fn unpack(&mut self, packed: &[u8]) -> Result<&[u8], Corrupt> {
        const CORRUPT: Corrupt = Corrupt("packed blob");
        let (form, packed) = packed.split_first().ok_or(CORRUPT)?;
        self.raw.clear();
        match form {
            0 => self.raw.extend_from_slice(packed),
            1 => {
                let mut bytes = Bytes::new(packed, "packed blob");
                let size = usize::try_from(bytes.number()?).ok().filter(|n| *n <= 1 << 30).ok_or(CORRUPT)?;
                self.raw.reserve(size);
                self.zstd.decompress_to_buffer(bytes.remaining(), &mut self.raw).map_err(|_| CORRUPT)?;
                if self.raw.len() != size {
                    return Err(CORRUPT);
                }
            }
            _ => return Err(CORRUPT),
        }
        Ok(&self.raw)
    }

    pub(in crate::backend::embedded) fn head(&mut self, packed: &[u8]) -> Result<Head, Corrupt> {
        Head::decode(self.unpack(packed)?)
    }

    pub(in crate::backend::embedded) fn rest(&mut self, packed: &[u8]) -> Result<Rest, Corrupt> {
        Rest::decode(self.unpack(packed)?)
    }

    pub(in crate::backend::embedded) fn columns(&mut self, head: &[u8], rest: &[u8]) -> Result<Columns, Corrupt> {
        let columns = Columns { head: self.head(head)?, rest: self.rest(rest)? };
        let n = columns.head.len();
        if columns.rest.platform.len() == n { Ok(columns) } else { Err(Corrupt("chunk")) }
    }

    /// A body as it was before it was squeezed.
    pub(in crate::backend::embedded) fn body(&mut self, packed: &[u8]) -> Result<Vec<u8>, Corrupt> {
        Ok(self.unpack(packed)?.to_vec())
    }
}

fn pack(raw: &[u8]) -> Vec<u8> {
    super::squeeze_at(raw, 1)
}

/// Keeps the order of signed numbers in unsigned ones, so that the distance to the least stays small.
fn lift(value: i64) -> u64 {
    (value as u64) ^ (1 << 63)
}

fn lower(value: u64) -> i64 {
    (value ^ (1 << 63)) as i64
}

/// How many rows a chunk says it has; bounded, since constant columns take no bytes.
fn rows(bytes: &mut Bytes<'_>) -> Result<usize, Corrupt> {
    let n = bytes.number()?;
    if n > 1 << 20 { Err(Corrupt("chunk")) } else { Ok(n as usize) }
}

/// Writes a column as distances from its least value, in as few bytes each as the greatest needs.
fn put_column(out: &mut Vec<u8>, values: impl Iterator<Item = u64> + Clone) {
    let (least, most) = values.clone().fold((u64::MAX, 0), |(lo, hi), v| (lo.min(v), hi.max(v)));
    let least = least.min(most);
    let width: u8 = match most - least {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    put(out, least);
    out.push(width);
    if width > 0 {
        for value in values {
            out.extend_from_slice(&(value - least).to_le_bytes()[..usize::from(width)]);
        }
    }
}

fn column(bytes: &mut Bytes<'_>, n: usize) -> Result<Vec<u64>, Corrupt> {
    let least = bytes.number()?;
    let width = usize::from(bytes.byte()?);
    let data = bytes.take(width.checked_mul(n).ok_or(Corrupt("chunk"))?)?;
    let add = |v: u64| least.wrapping_add(v);
    Ok(match width {
        0 => vec![least; n],
        1 => data.iter().map(|b| add(u64::from(*b))).collect(),
        2 => data.as_chunks::<2>().0.iter().map(|b| add(u64::from(u16::from_le_bytes(*b)))).collect(),
        4 => data.as_chunks::<4>().0.iter().map(|b| add(u64::from(u32::from_le_bytes(*b)))).collect(),
        8 => data.as_chunks::<8>().0.iter().map(|b| add(u64::from_le_bytes(*b))).collect(),
        _ => return Err(Corrupt("chunk")),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts() -> impl Strategy<Value = Vec<Fact>> {
        let fact = (
            any::<i64>(),
            -1_000_000_000_000i64..4_000_000_000_000_000,
            any::<[u32; 3]>(),
            any::<[u8; 2]>(),
            any::<[u64; 2]>(),
            proptest::collection::btree_map(0u32..9, 1u32..70_000, 0..5),
        );
        let fact = fact.prop_map(|(seq, ts, [rel, env, user], [bits, rich], [replay, trace], tags)| Fact {
            seq,
            ts,
            rel,
            env,
            user,
            bits,
            rich,
            platform: rel / 2,
            transaction: env / 3,
            replay,
            trace,
            tags: tags.into_iter().collect(),
        });
        proptest::collection::vec(fact, 0..60)
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(facts in facts()) {
            let columns = Columns::of(&facts);
            let (head, rest) = columns.encode();
            let back = Unpacker::new().unwrap().columns(&head, &rest).unwrap();
            let back: Vec<Fact> = (0..back.head.len()).map(|row| back.fact(row)).collect();
            prop_assert_eq!(&back, &facts);
            for fact in &facts {
                prop_assert_eq!(&Fact::decode(fact.seq, &fact.encode()).unwrap(), fact);
            }
        }

        #[test]
        fn broken_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Head::decode(&bytes);
            let _ = Rest::decode(&bytes);
            let _ = Fact::decode(1, &bytes);
            let _ = Unpacker::new().unwrap().body(&bytes);
            let _ = super::super::decode_cells(&bytes);
            let _ = super::super::decode_users(&bytes);
            let _ = super::super::decode_sets(&bytes);
        }
    }
}
