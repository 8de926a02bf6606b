//! One event as the counts need it: a few numbers, no text.
//! It uses `model` alone.
//! It never reads a clock.

use super::bytes::{Bytes, put, put_signed};
use crate::{backend::embedded::fault::Corrupt, model::Level};

/// Bit of [`Fact::bits`]: nothing in the application caught it.
pub(in crate::backend::embedded) const UNHANDLED: u8 = 8;
/// Bit of [`Fact::bits`]: a replay shows it.
pub(in crate::backend::embedded) const REPLAY: u8 = 16;
/// Bit of [`Fact::bits`]: a job had it that nobody asked for.
pub(in crate::backend::embedded) const UNATTENDED: u8 = 32;

/// One event. Ids are of the store's tables; 0 stands for "none".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::backend::embedded) struct Fact {
    pub(in crate::backend::embedded) seq: i64,
    pub(in crate::backend::embedded) ts: i64,
    pub(in crate::backend::embedded) rel: u32,
    pub(in crate::backend::embedded) env: u32,
    pub(in crate::backend::embedded) user: u32,
    /// Level in the lowest three bits, [`UNHANDLED`], [`REPLAY`], [`UNATTENDED`].
    pub(in crate::backend::embedded) bits: u8,
    pub(in crate::backend::embedded) rich: u8,
    pub(in crate::backend::embedded) platform: u32,
    pub(in crate::backend::embedded) transaction: u32,
    /// First 64 bits of the replay's id.
    pub(in crate::backend::embedded) replay: u64,
    /// 64 bits of a digest of the trace's id.
    pub(in crate::backend::embedded) trace: u64,
    pub(in crate::backend::embedded) tags: Vec<(u32, u32)>,
}

impl Fact {
    /// As bytes, without the sequence number, which is the key beside it.
    pub(in crate::backend::embedded) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(48 + self.tags.len() * 4);
        out.push(1);
        put_signed(&mut out, self.ts);
        for id in [self.rel, self.env, self.user] {
            put(&mut out, u64::from(id));
        }
        out.extend_from_slice(&[self.bits, self.rich]);
        for id in [u64::from(self.platform), u64::from(self.transaction), self.replay, self.trace] {
            put(&mut out, id);
        }
        put(&mut out, self.tags.len() as u64);
        for (key, value) in &self.tags {
            put(&mut out, u64::from(*key));
            put(&mut out, u64::from(*value));
        }
        out
    }

    /// What [`Fact::encode`] made.
    pub(in crate::backend::embedded) fn decode(seq: i64, bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut bytes = Bytes::new(bytes, "fact");
        if bytes.byte()? != 1 {
            return Err(Corrupt("fact"));
        }
        let mut fact = Self { seq, ts: bytes.signed()?, ..Self::default() };
        (fact.rel, fact.env, fact.user) = (bytes.id()?, bytes.id()?, bytes.id()?);
        (fact.bits, fact.rich) = (bytes.byte()?, bytes.byte()?);
        (fact.platform, fact.transaction) = (bytes.id()?, bytes.id()?);
        (fact.replay, fact.trace) = (bytes.number()?, bytes.number()?);
        let tags = bytes.count()?;
        fact.tags = (0..tags).map(|_| Ok((bytes.id()?, bytes.id()?))).collect::<Result<_, Corrupt>>()?;
        Ok(fact)
    }
}

/// The level in the lowest bits.
pub(in crate::backend::embedded) fn level_of(bits: u8) -> Level {
    level_from_code(i64::from(bits & 7))
}

/// The level with that number in the store's files.
pub(in crate::backend::embedded) fn level_from_code(code: i64) -> Level {
    match code {
        0 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warning,
        4 => Level::Fatal,
        _ => Level::Error,
    }
}
