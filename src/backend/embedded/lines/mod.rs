//! Lines of signal beside errors (logs, spans, transactions, points of metrics): read from what is stored, and packed in blocks of
//! columns that questions over many of them are answered from.
//! It uses `rusqlite` and JSON of single lines.
//! It never says anything that is not stored: a block can be made again from what its lines were read from.

mod block;
mod row;
mod source;

pub(super) use block::{Block, Column, pack};
pub(super) use row::{Row, canonical};
pub(super) use source::{Maker, Parsed, Source, Stored, kind_code};
