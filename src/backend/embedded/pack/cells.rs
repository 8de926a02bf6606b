//! How often an issue occurred, by release, environment and day: facts added up, and the bytes that are stored.
//! It uses `answers`.
//! It never counts users: sets of users don't add up.

use super::{
    bytes::{Bytes, put, put_signed},
    fact::{Fact, REPLAY, UNHANDLED},
};
use crate::{
    answers::{DAY_US, DayCount, day_of},
    backend::embedded::fault::Corrupt,
};

impl DayCount {
    fn of(fact: &Fact) -> Self {
        Self {
            rel: fact.rel,
            env: fact.env,
            day: day_of(fact.ts),
            events: 1,
            named: u64::from(fact.user != 0),
            unhandled: u64::from(fact.bits & UNHANDLED != 0),
            replays: u64::from(fact.bits & REPLAY != 0),
            first: fact.ts,
            last: fact.ts,
        }
    }

    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.named += other.named;
        self.unhandled += other.unhandled;
        self.replays += other.replays;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Adds facts to cells; the result is sorted by key.
pub(in crate::backend::embedded) fn add_to_cells<'f>(
    cells: &mut Vec<DayCount>,
    facts: impl IntoIterator<Item = &'f Fact>,
) {
    let before = cells.len();
    cells.extend(facts.into_iter().map(DayCount::of));
    if cells.len() > before {
        merge_cells(cells);
    }
}

/// Sorts by key and makes one of those with the same.
fn merge_cells(cells: &mut Vec<DayCount>) {
    cells.sort_unstable_by_key(DayCount::key);
    cells.dedup_by(|next, kept| {
        let same = next.key() == kept.key();
        if same {
            kept.add(next);
        }
        same
    });
}

/// Sorted cells as bytes.
pub(in crate::backend::embedded) fn encode_cells(cells: &[DayCount]) -> Vec<u8> {
    let mut out = Vec::with_capacity(cells.len() * 16 + 4);
    out.push(1);
    let mut before = 0;
    for cell in cells {
        put(&mut out, u64::from(cell.rel));
        put(&mut out, u64::from(cell.env));
        put_signed(&mut out, cell.day - before);
        before = cell.day;
        for n in [cell.events, cell.events - cell.named, cell.unhandled, cell.replays] {
            put(&mut out, n);
        }
        put(&mut out, (cell.first - cell.day * DAY_US) as u64);
        put(&mut out, (cell.last - cell.first) as u64);
    }
    out
}

/// What [`encode_cells`] made.
pub(in crate::backend::embedded) fn decode_cells(bytes: &[u8]) -> Result<Vec<DayCount>, Corrupt> {
    const CORRUPT: Corrupt = Corrupt("count");
    let mut cells = Vec::with_capacity(bytes.len() / 10);
    let mut bytes = Bytes::new(bytes, "count");
    if bytes.byte()? != 1 {
        return Err(CORRUPT);
    }
    let mut day = 0i64;
    while !bytes.is_empty() {
        let (rel, env) = (bytes.id()?, bytes.id()?);
        day = day.checked_add(bytes.signed()?).ok_or(CORRUPT)?;
        let (events, anonymous) = (bytes.number()?, bytes.number()?);
        let (unhandled, replays) = (bytes.number()?, bytes.number()?);
        let first = day.checked_mul(DAY_US).and_then(|start| start.checked_add_unsigned(bytes.number().ok()?));
        let first = first.ok_or(CORRUPT)?;
        let last = first.checked_add_unsigned(bytes.number()?).ok_or(CORRUPT)?;
        let named = events.checked_sub(anonymous).ok_or(CORRUPT)?;
        cells.push(DayCount { rel, env, day, events, named, unhandled, replays, first, last });
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_add_up_and_survive_storing() {
        let fact = |ts, rel, user, bits| Fact { ts, rel, user, bits, ..Fact::default() };
        let mut cells = Vec::new();
        add_to_cells(&mut cells, &[fact(-5, 1, 0, 0), fact(7, 1, 3, UNHANDLED)]);
        add_to_cells(&mut cells, &[fact(DAY_US - 1, 1, 3, REPLAY), fact(9, 0, 3, 0)]);
        assert_eq!(
            cells.iter().map(|c| (c.rel, c.day, c.events, c.named)).collect::<Vec<_>>(),
            [(0, 0, 1, 1), (1, -1, 1, 0), (1, 0, 2, 2)]
        );
        assert_eq!((cells[2].first, cells[2].last, cells[2].unhandled, cells[2].replays), (7, DAY_US - 1, 1, 1));
        assert_eq!(decode_cells(&encode_cells(&cells)).unwrap(), cells);
    }
}
