//! The packed forms of facts, chunks, counts and sets of users.
//! It uses `roaring` and `zstd` beside the floors below.
//! It never touches the database: bytes in, values out, and back.

mod bytes;
mod cells;
mod columns;
mod durations;
mod fact;
mod ids;
mod keys;
mod tag;
mod users;

pub(super) use bytes::{Bytes, column, put, put_column};
pub(super) use cells::{add_to_cells, decode_cells, encode_cells};
pub(super) use columns::{Columns, Head, Rest, Unpacker};
pub(super) use durations::Durations;
pub(super) use fact::{Fact, REPLAY, UNATTENDED, UNHANDLED, level_from_code, level_of};
pub(super) use ids::ById;
pub(super) use keys::{decode_keys, encode_keys};
pub(super) use tag::TagColumn;
pub(super) use users::{ValueSets, decode_sets, decode_union, decode_users, encode_sets, encode_users};

pub(super) use crate::answers::{
    ANY, DAY_US, DayCount, HOUR_US, Trace, day_of, digest64, hour_of, keys_of, micros, moment,
};

/// Squeezes bytes the way bodies are stored.
pub(super) fn squeeze(bytes: &[u8]) -> Vec<u8> {
    squeeze_at(bytes, 3)
}

fn squeeze_at(raw: &[u8], level: i32) -> Vec<u8> {
    let mut out = vec![1];
    // Compressing in memory fails only for lack of it; what can't be squeezed is kept as it is.
    match zstd::bulk::compress(raw, level) {
        Ok(z) if z.len() < raw.len() => {
            bytes::put(&mut out, raw.len() as u64);
            out.extend_from_slice(&z);
        }
        _ => {
            out[0] = 0;
            out.extend_from_slice(raw);
        }
    }
    out
}
