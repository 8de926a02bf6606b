//! Events of one issue, by column: what chunks hold.
//! It uses `zstd`.
//! It never holds text: ids alone.

use std::collections::BTreeMap;

use super::{
    bytes::{Bytes, column, put, put_column},
    fact::Fact,
    tag::TagColumn,
};
use crate::backend::embedded::fault::Corrupt;

/// Rows of a chunk at most: places of tags' values are counted in two bytes.
const MOST_ROWS: usize = 1 << 15;

/// The columns that every count needs.
#[derive(Clone, Debug, Default)]
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
#[derive(Clone, Debug, Default)]
pub(in crate::backend::embedded) struct Rest {
    pub(in crate::backend::embedded) platform: Vec<u32>,
    pub(in crate::backend::embedded) transaction: Vec<u32>,
    pub(in crate::backend::embedded) replay: Vec<u64>,
    pub(in crate::backend::embedded) trace: Vec<u64>,
    /// By key.
    pub(in crate::backend::embedded) tags: BTreeMap<u32, TagColumn>,
}

/// Both.
#[derive(Clone, Debug, Default)]
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
        for column in [&self.seq, &self.ts] {
            put_steps(&mut raw, column);
        }
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
        let id = |value| value as u32;
        let small = |value| value as u8;
        Ok(Self {
            seq: steps(&mut bytes, n)?,
            ts: steps(&mut bytes, n)?,
            rel: column(&mut bytes, n, id)?,
            env: column(&mut bytes, n, id)?,
            user: column(&mut bytes, n, id)?,
            bits: column(&mut bytes, n, small)?,
            rich: column(&mut bytes, n, small)?,
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
            values.encode(&mut raw, n);
        }
        raw
    }

    fn decode(raw: &[u8]) -> Result<Self, Corrupt> {
        let mut bytes = Bytes::new(raw, "chunk");
        let n = rows(&mut bytes)?;
        let id = |value| value as u32;
        let mut rest = Self {
            platform: column(&mut bytes, n, id)?,
            transaction: column(&mut bytes, n, id)?,
            replay: column(&mut bytes, n, |value| value)?,
            trace: column(&mut bytes, n, |value| value)?,
            tags: BTreeMap::new(),
        };
        for _ in 0..bytes.count()? {
            let key = bytes.id()?;
            rest.tags.insert(key, TagColumn::decode(&mut bytes, n)?);
        }
        Ok(rest)
    }

    /// The value of tag `key` in row `row`; 0 without.
    pub(in crate::backend::embedded) fn tag(&self, key: u32, row: usize) -> u32 {
        self.tags.get(&key).map_or(0, |values| values.value(row))
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
            rest.tags.entry(*key).or_default().push(row, *value);
        }
    }

    /// Adds the rows of another part.
    pub(in crate::backend::embedded) fn append(&mut self, more: Self) {
        let before = self.head.len();
        if before == 0 {
            *self = more;
            return;
        }
        let Self { head, rest } = self;
        head.seq.extend(&more.head.seq);
        head.ts.extend(&more.head.ts);
        head.rel.extend(&more.head.rel);
        head.env.extend(&more.head.env);
        head.user.extend(&more.head.user);
        head.bits.extend(&more.head.bits);
        head.rich.extend(&more.head.rich);
        rest.platform.extend(&more.rest.platform);
        rest.transaction.extend(&more.rest.transaction);
        rest.replay.extend(&more.rest.replay);
        rest.trace.extend(&more.rest.trace);
        for (key, values) in &more.rest.tags {
            rest.tags.entry(*key).or_default().append(before, values);
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

/// How many rows a chunk says it has; bounded, since constant columns take no bytes.
fn rows(bytes: &mut Bytes<'_>) -> Result<usize, Corrupt> {
    let n = bytes.number()?;
    if n > MOST_ROWS as u64 { Err(Corrupt("chunk")) } else { Ok(n as usize) }
}

/// Writes what mostly grows as the steps from value to value.
fn put_steps(out: &mut Vec<u8>, values: &[i64]) {
    let before = std::iter::once(0).chain(values.iter().copied());
    // Small steps back stay small numbers.
    let fold = |(value, before): (&i64, i64)| {
        let step = value.wrapping_sub(before);
        ((step << 1) ^ (step >> 63)) as u64
    };
    put(out, values.iter().zip(before.clone()).map(fold).next().unwrap_or(0));
    put_column(out, values.iter().zip(before).map(fold).skip(1));
}

/// What [`put_steps`] wrote.
fn steps(bytes: &mut Bytes<'_>, n: usize) -> Result<Vec<i64>, Corrupt> {
    let unfold = |step: u64| (step >> 1) as i64 ^ -((step & 1) as i64);
    let mut value = unfold(bytes.number()?);
    let mut values = Vec::with_capacity(n);
    values.extend((n > 0).then_some(value));
    for step in column(bytes, n.saturating_sub(1), unfold)? {
        value = value.wrapping_add(step);
        values.push(value);
    }
    Ok(values)
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
