//! Numbers of variable length, written and read.
//! It uses nothing.
//! It never panics on what it reads.

use crate::backend::embedded::fault::Corrupt;

/// Appends seven bits a byte, lowest first.
pub(in crate::backend::embedded) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a number that may be negative.
pub(in crate::backend::embedded) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads what [`put`] wrote.
pub(in crate::backend::embedded) struct Bytes<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Bytes<'a> {
    pub(in crate::backend::embedded) fn new(rest: &'a [u8], what: &'static str) -> Self {
        Self { rest, what }
    }

    pub(in crate::backend::embedded) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(in crate::backend::embedded) fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    pub(in crate::backend::embedded) fn take(&mut self, n: usize) -> Result<&'a [u8], Corrupt> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Corrupt(self.what))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(in crate::backend::embedded) fn byte(&mut self) -> Result<u8, Corrupt> {
        let (first, rest) = self.rest.split_first().ok_or(Corrupt(self.what))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(in crate::backend::embedded) fn number(&mut self) -> Result<u64, Corrupt> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Corrupt(self.what))
    }

    pub(in crate::backend::embedded) fn signed(&mut self) -> Result<i64, Corrupt> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(in crate::backend::embedded) fn id(&mut self) -> Result<u32, Corrupt> {
        u32::try_from(self.number()?).map_err(|_| Corrupt(self.what))
    }

    /// How many of something follow, each of at least one byte: so never more than bytes are left.
    pub(in crate::backend::embedded) fn count(&mut self) -> Result<usize, Corrupt> {
        let n = self.number()?;
        if n > self.rest.len() as u64 { Err(Corrupt(self.what)) } else { Ok(n as usize) }
    }
}

/// Writes a column as distances from its least value, in as few bytes each as the greatest needs.
pub(in crate::backend::embedded) fn put_column(out: &mut Vec<u8>, values: impl Iterator<Item = u64> + Clone) {
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

/// What [`put_column`] wrote, each value as `of` makes it.
pub(in crate::backend::embedded) fn column<T: Clone>(
    bytes: &mut Bytes<'_>,
    n: usize,
    of: impl Fn(u64) -> T,
) -> Result<Vec<T>, Corrupt> {
    let least = bytes.number()?;
    let width = usize::from(bytes.byte()?);
    let data = bytes.take(width.checked_mul(n).ok_or(Corrupt("chunk"))?)?;
    let add = |value: u64| of(least.wrapping_add(value));
    Ok(match width {
        0 => vec![of(least); n],
        1 => data.iter().map(|byte| add(u64::from(*byte))).collect(),
        2 => data.as_chunks::<2>().0.iter().map(|bytes| add(u64::from(u16::from_le_bytes(*bytes)))).collect(),
        4 => data.as_chunks::<4>().0.iter().map(|bytes| add(u64::from(u32::from_le_bytes(*bytes)))).collect(),
        8 => data.as_chunks::<8>().0.iter().map(|bytes| add(u64::from_le_bytes(*bytes))).collect(),
        _ => return Err(Corrupt("chunk")),
    })
}
