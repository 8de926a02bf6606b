//! Sets of users as bytes: short lists for the many small ones, roaring bitmaps for the few big.
//! It uses `roaring`.
//! It never holds a name: users are dense numbers of this store.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::bytes::{Bytes, put};
use crate::backend::embedded::fault::Corrupt;

const CORRUPT: Corrupt = Corrupt("set of users");
/// Up to so many users a set is a list of distances: one to three bytes each, where a bitmap starts at eighteen.
const LISTED: u64 = 24;

/// Users by the value of a tag.
pub(in crate::backend::embedded) type ValueSets = BTreeMap<u32, RoaringBitmap>;

/// A set as bytes.
pub(in crate::backend::embedded) fn encode_users(users: &RoaringBitmap) -> Vec<u8> {
    if users.len() <= LISTED {
        let mut out = vec![0];
        let mut before = 0;
        for user in users {
            put(&mut out, u64::from(user - before));
            before = user;
        }
        return out;
    }
    let mut out = Vec::with_capacity(users.serialized_size() + 1);
    out.push(1);
    // Writing into memory can't fail; were it to, the set would be refused when read.
    let _ = users.serialize_into(&mut out);
    out
}

/// What [`encode_users`] made.
pub(in crate::backend::embedded) fn decode_users(bytes: &[u8]) -> Result<RoaringBitmap, Corrupt> {
    match bytes.split_first() {
        Some((0, list)) => {
            let mut list = Bytes::new(list, "set of users");
            let (mut users, mut user) = (RoaringBitmap::new(), 0u32);
            while !list.is_empty() {
                user = user.checked_add(list.id()?).ok_or(CORRUPT)?;
                users.insert(user);
            }
            Ok(users)
        }
        Some((1, bitmap)) => RoaringBitmap::deserialize_from(bitmap).map_err(|_| CORRUPT),
        _ => Err(CORRUPT),
    }
}

/// The sets of a tag's values as bytes; `None` for a tag with too many values to be kept.
pub(in crate::backend::embedded) fn encode_sets(sets: Option<&ValueSets>) -> Vec<u8> {
    let Some(sets) = sets else { return vec![2] };
    let mut out = vec![1];
    for (value, users) in sets {
        put(&mut out, u64::from(*value));
        let users = encode_users(users);
        put(&mut out, users.len() as u64);
        out.extend_from_slice(&users);
    }
    out
}

/// What [`encode_sets`] made.
pub(in crate::backend::embedded) fn decode_sets(bytes: &[u8]) -> Result<Option<ValueSets>, Corrupt> {
    let mut bytes = Bytes::new(bytes, "set of users");
    match bytes.byte()? {
        2 => return Ok(None),
        1 => {}
        _ => return Err(CORRUPT),
    }
    let mut sets = ValueSets::new();
    while !bytes.is_empty() {
        let value = bytes.id()?;
        let size = bytes.count()?;
        sets.insert(value, decode_users(bytes.take(size)?)?);
    }
    Ok(Some(sets))
}

/// The union of the sets of those values alone, the others passed over.
pub(in crate::backend::embedded) fn decode_union(bytes: &[u8], values: &[u32]) -> Result<RoaringBitmap, Corrupt> {
    let mut bytes = Bytes::new(bytes, "set of users");
    let mut union = RoaringBitmap::new();
    if bytes.byte()? != 1 {
        return Ok(union);
    }
    while !bytes.is_empty() {
        let value = bytes.id()?;
        let size = bytes.count()?;
        let users = bytes.take(size)?;
        if values.contains(&value) {
            union |= decode_users(users)?;
        }
    }
    Ok(union)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_big_sets_come_back() {
        for n in [0, 1, 24, 25, 70_000] {
            let users: RoaringBitmap = (0..n).map(|i| i * 3 + 1).collect();
            assert_eq!(decode_users(&encode_users(&users)).unwrap(), users);
            let sets = ValueSets::from([(4, users.clone()), (9, users)]);
            assert_eq!(decode_union(&encode_sets(Some(&sets)), &[9, 5]).unwrap(), sets[&9]);
            assert_eq!(decode_sets(&encode_sets(Some(&sets))).unwrap(), Some(sets));
        }
        assert_eq!(decode_sets(&encode_sets(None)).unwrap(), None);
    }
}
