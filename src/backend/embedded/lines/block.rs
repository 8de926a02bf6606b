//! Many lines as columns: of a key its different values, and for each line a place among them.
//! It uses the packed forms.
//! It never keeps what is different in nearly each line: such a column is read from what the lines were made of.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value as Json;

use super::row::Row;
use crate::backend::embedded::{
    fault::Corrupt,
    pack::{Bytes, Unpacker, column, put, put_column, squeeze},
};

const CORRUPT: Corrupt = Corrupt("block of lines");
/// Lines of a block at most.
const MOST: usize = 1 << 20;
/// A column with more different values than a fourth of its lines, and than these, is left out.
const FEW: usize = 64;
/// A column whose different values take more bytes is left out.
const BYTES: usize = 256 << 10;
/// Kept however different their values are: they are what is asked for.
const ALWAYS: &[&str] = &["user", "release", "environment", "status", "level", "op", "transaction"];

/// How a column is kept.
const ELSEWHERE: u8 = 0;
const VALUES: u8 = 1;
const INTEGERS: u8 = 2;
const FLOATS: u8 = 3;

/// A column, read.
pub(in crate::backend::embedded) enum Column {
    /// No line has the key.
    None,
    /// Lines have it, but it is not kept here.
    Elsewhere,
    /// The different values; for each line 0 (it has none) or the place of its value, from 1.
    Values(Vec<Json>, Vec<u32>),
    /// Numbers, nearly each different.
    Numbers(Vec<Option<Json>>),
}

/// Lines packed: which record each is of, and which of that record's lines it is.
pub(in crate::backend::embedded) fn pack(lines: &[(i64, u32, Row)]) -> Vec<u8> {
    let mut keys: BTreeMap<&str, Vec<(usize, &Json)>> = BTreeMap::new();
    for (at, (_, _, row)) in lines.iter().enumerate() {
        for (key, value) in row.values.iter().filter(|(key, _)| *key != "project") {
            keys.entry(key).or_default().push((at, value));
        }
    }
    let mut out = vec![1];
    put(&mut out, lines.len() as u64);
    let mut numbers = |of: &dyn Fn(&(i64, u32, Row)) -> u64| {
        let mut raw = Vec::new();
        put_column(&mut raw, lines.iter().map(of).collect::<Vec<u64>>().into_iter());
        section(&mut out, &squeeze(&raw));
    };
    numbers(&|line| line.2.ts as u64 ^ 1 << 63);
    numbers(&|line| line.0 as u64);
    numbers(&|line| u64::from(line.1));
    put(&mut out, keys.len() as u64);
    for (key, values) in keys {
        let (form, raw) = packed(key, &values, lines.len());
        section(&mut out, key.as_bytes());
        out.push(form);
        section(&mut out, &if raw.is_empty() { raw } else { squeeze(&raw) });
    }
    out
}

fn section(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn packed(key: &str, values: &[(usize, &Json)], n: usize) -> (u8, Vec<u8>) {
    let mut places: HashMap<String, u64> = HashMap::new();
    let (mut different, mut size, mut codes) = (Vec::new(), 0, vec![0_u64; n]);
    for (at, value) in values {
        let text = value.to_string();
        codes[*at] = *places.entry(text).or_insert_with_key(|text| {
            different.push(text.clone());
            size += text.len();
            different.len() as u64
        });
    }
    let few = different.len() <= FEW.max(n / 4) && size <= BYTES;
    if few || ALWAYS.contains(&key) {
        let mut raw = Vec::with_capacity(size + n);
        put(&mut raw, different.len() as u64);
        different.iter().for_each(|text| section(&mut raw, text.as_bytes()));
        put_column(&mut raw, codes.into_iter());
        return (VALUES, raw);
    }
    let integers = values.iter().map(|(_, value)| value.as_i64()).collect::<Option<Vec<i64>>>();
    if let Some(integers) = integers {
        return (INTEGERS, bits(values, n, integers.into_iter().map(|value| value as u64 ^ 1 << 63)));
    }
    let floats =
        values.iter().map(|(_, value)| value.as_f64().filter(|_| value.is_f64())).collect::<Option<Vec<f64>>>();
    match floats {
        Some(floats) => (FLOATS, bits(values, n, floats.into_iter().map(f64::to_bits))),
        None => (ELSEWHERE, Vec::new()),
    }
}

/// Which lines have one, then the numbers of those that do.
fn bits(values: &[(usize, &Json)], n: usize, numbers: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut has = vec![0_u64; n];
    values.iter().for_each(|(at, _)| has[*at] = 1);
    let mut raw = Vec::new();
    put_column(&mut raw, has.into_iter());
    put_column(&mut raw, numbers.collect::<Vec<u64>>().into_iter());
    raw
}

/// A block, its columns still packed.
pub(in crate::backend::embedded) struct Block<'b> {
    n: usize,
    numbers: [&'b [u8]; 3],
    columns: BTreeMap<&'b str, (u8, &'b [u8])>,
}

impl<'b> Block<'b> {
    pub(in crate::backend::embedded) fn open(bytes: &'b [u8]) -> Result<Self, Corrupt> {
        let mut bytes = Bytes::new(bytes, "block of lines");
        if bytes.byte()? != 1 {
            return Err(CORRUPT);
        }
        let n = usize::try_from(bytes.number()?).ok().filter(|n| *n <= MOST).ok_or(CORRUPT)?;
        let mut section = || {
            let size = bytes.count()?;
            bytes.take(size)
        };
        let numbers = [section()?, section()?, section()?];
        let mut columns = BTreeMap::new();
        for _ in 0..bytes.count()? {
            let size = bytes.count()?;
            let key = std::str::from_utf8(bytes.take(size)?).map_err(|_| CORRUPT)?;
            let form = bytes.byte()?;
            let size = bytes.count()?;
            columns.insert(key, (form, bytes.take(size)?));
        }
        Ok(Self { n, numbers, columns })
    }

    pub(in crate::backend::embedded) fn len(&self) -> usize {
        self.n
    }

    /// Keys that a line of it has, but `project`.
    pub(in crate::backend::embedded) fn keys(&self) -> impl Iterator<Item = &'b str> {
        self.columns.keys().copied()
    }

    /// When each line is dated.
    pub(in crate::backend::embedded) fn times(&self, unpacker: &mut Unpacker) -> Result<Vec<i64>, Corrupt> {
        self.read(0, unpacker, |time| (time ^ 1 << 63) as i64)
    }

    /// The record that each line is of, and which of its lines it is.
    pub(in crate::backend::embedded) fn places(&self, unpacker: &mut Unpacker) -> Result<Vec<(i64, u32)>, Corrupt> {
        let ids = self.read(1, unpacker, |id| id as i64)?;
        Ok(ids.into_iter().zip(self.read(2, unpacker, |at| at as u32)?).collect())
    }

    fn read<T: Clone>(&self, at: usize, unpacker: &mut Unpacker, of: impl Fn(u64) -> T) -> Result<Vec<T>, Corrupt> {
        let raw = unpacker.body(self.numbers[at])?;
        column(&mut Bytes::new(&raw, "block of lines"), self.n, of)
    }

    pub(in crate::backend::embedded) fn column(&self, key: &str, unpacker: &mut Unpacker) -> Result<Column, Corrupt> {
        let Some((form, packed)) = self.columns.get(key) else { return Ok(Column::None) };
        if *form == ELSEWHERE {
            return Ok(Column::Elsewhere);
        }
        let raw = unpacker.body(packed)?;
        let mut bytes = Bytes::new(&raw, "block of lines");
        match *form {
            VALUES => {
                let mut values = Vec::new();
                for _ in 0..bytes.count()? {
                    let size = bytes.count()?;
                    values.push(serde_json::from_slice(bytes.take(size)?).map_err(|_| CORRUPT)?);
                }
                let codes: Vec<u32> = column(&mut bytes, self.n, |code| code as u32)?;
                let known = codes.iter().all(|code| *code as usize <= values.len());
                if known { Ok(Column::Values(values, codes)) } else { Err(CORRUPT) }
            }
            INTEGERS => self.numbers(&mut bytes, |bits| Json::from((bits ^ 1 << 63) as i64)),
            FLOATS => self.numbers(&mut bytes, |bits| Json::from(f64::from_bits(bits))),
            _ => Err(CORRUPT),
        }
    }

    fn numbers(&self, bytes: &mut Bytes<'_>, of: impl Fn(u64) -> Json) -> Result<Column, Corrupt> {
        let has: Vec<bool> = column(bytes, self.n, |has| has != 0)?;
        let given = has.iter().filter(|has| **has).count();
        let mut numbers = column(bytes, given, of)?.into_iter();
        Ok(Column::Numbers(has.iter().map(|has| if *has { numbers.next() } else { None }).collect()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(at: u32, values: Json) -> (i64, u32, Row) {
        let Json::Object(values) = values else { panic!("{values}") };
        (i64::from(at) * 3, at % 2, Row { ts: 1_000 - i64::from(at), values })
    }

    #[test]
    fn columns_are_read_as_they_were() {
        let lines: Vec<_> = (0..1_000_u32)
            .map(|at| {
                let mut values = json!({ "op": if at % 2 == 0 { "server" } else { "client" }, "trace": format!("{at:032x}"),
                    "user": format!("user-{at}"), "duration": f64::from(at) / 3.0, "size": i64::from(at) - 5 });
                if at == 7 {
                    values["http.status_code"] = json!(503);
                }
                line(at, values)
            })
            .collect();
        let packed = pack(&lines);
        let (block, mut unpacker) = (Block::open(&packed).unwrap(), Unpacker::new().unwrap());
        assert_eq!(block.times(&mut unpacker).unwrap()[10], 990);
        assert_eq!(block.places(&mut unpacker).unwrap()[10], (30, 0));
        let mut value = |key: &str, at: usize| match block.column(key, &mut unpacker).unwrap() {
            Column::None => json!("none"),
            Column::Elsewhere => json!("elsewhere"),
            Column::Values(values, codes) => {
                (codes[at] as usize).checked_sub(1).map_or(Json::Null, |at| values[at].clone())
            }
            Column::Numbers(numbers) => numbers[at].clone().unwrap_or_default(),
        };
        for key in ["op", "user", "duration", "size", "http.status_code"] {
            for at in [0, 7, 999] {
                assert_eq!(value(key, at), lines[at].2.values.get(key).cloned().unwrap_or_default(), "{key} {at}");
            }
        }
        assert_eq!((value("trace", 0), value("colour", 0)), (json!("elsewhere"), json!("none")));
        for cut in [0, 1, 5, packed.len() / 2, packed.len() - 1] {
            assert!(Block::open(&packed[..cut]).is_err(), "{cut}");
        }
    }
}
