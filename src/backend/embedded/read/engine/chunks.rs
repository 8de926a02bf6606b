//! The chunks of an issue's events, unpacked one after another.
//! It uses `rusqlite`, the packed forms and, where there is much to unpack, a second thread.
//! It never keeps more than a few chunks in memory.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::Scope,
};

use rusqlite::params;

use super::pool::Snapshot;
use crate::{
    backend::embedded::{
        fault::Corrupt,
        pack::{Head, Rest, Unpacker},
    },
    store::StoreError,
};

/// After so many chunks a second thread unpacks the others while this one counts.
const FEW: usize = 4;
/// Chunks that are unpacked ahead.
const AHEAD: usize = 4;

/// How much of a chunk is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::embedded::read) enum Unpack {
    /// The columns that every count needs.
    Head,
    /// All.
    All,
    /// All where something happened at that moment or later, else the head.
    AllFrom(i64),
}

impl Unpack {
    /// All, or the head alone.
    pub(in crate::backend::embedded::read) fn with_rest(wanted: bool) -> Self {
        if wanted { Self::All } else { Self::Head }
    }

    /// The rest is unpacked of chunks whose last moment reaches this one.
    fn rest_from(self) -> Option<i64> {
        match self {
            Self::Head => None,
            Self::All => Some(i64::MIN),
            Self::AllFrom(moment) => Some(moment),
        }
    }
}

/// A chunk as it is stored, and unpacked.
type Packed = (Vec<u8>, Option<Vec<u8>>);
type Unpacked = Result<(Head, Option<Rest>), Corrupt>;

/// The thread that unpacks; it ends when nobody sends it chunks any more.
struct Helper {
    chunks: SyncSender<Packed>,
    unpacked: Receiver<Unpacked>,
    /// Chunks that were sent and did not come back yet.
    away: usize,
}

impl Helper {
    fn start<'s>(scope: &'s Scope<'s, '_>) -> Result<Self, Corrupt> {
        let (chunks, packed) = sync_channel::<Packed>(AHEAD);
        let (done, unpacked) = sync_channel(AHEAD);
        let mut unpacker = Unpacker::new()?;
        scope.spawn(move || {
            for (head, rest) in packed {
                if done.send(unpack(&mut unpacker, &head, rest.as_deref())).is_err() {
                    break;
                }
            }
        });
        Ok(Self { chunks, unpacked, away: 0 })
    }

    /// Sends a chunk; gives back the oldest that is unpacked, once enough are away.
    fn swap(&mut self, chunk: Packed) -> Result<Option<(Head, Option<Rest>)>, Corrupt> {
        self.chunks.send(chunk).map_err(|_| Corrupt("chunk"))?;
        self.away += 1;
        if self.away < AHEAD { Ok(None) } else { self.next() }
    }

    /// The oldest chunk that is still away.
    fn next(&mut self) -> Result<Option<(Head, Option<Rest>)>, Corrupt> {
        if self.away == 0 {
            return Ok(None);
        }
        self.away -= 1;
        self.unpacked.recv().map_err(|_| Corrupt("chunk"))?.map(Some)
    }
}

fn unpack(unpacker: &mut Unpacker, head: &[u8], rest: Option<&[u8]>) -> Unpacked {
    Ok((unpacker.head(head)?, rest.map(|rest| unpacker.rest(rest)).transpose()?))
}

impl Snapshot<'_> {
    /// Shows the issue's chunks that overlap a time, oldest first, the columns of tags on demand.
    pub(in crate::backend::embedded::read) fn each_chunk(
        &mut self,
        issue: i64,
        lo: i64,
        hi: i64,
        part: Unpack,
        mut see: impl FnMut(&Head, Option<&Rest>),
    ) -> Result<(), StoreError> {
        self.take_chunks(issue, (lo, hi), part, |head, rest| see(&head, rest.as_ref()))
    }

    /// Gives the issue's chunks away.
    pub(in crate::backend::embedded::read) fn take_chunks(
        &mut self,
        issue: i64,
        (lo, hi): (i64, i64),
        part: Unpack,
        mut see: impl FnMut(Head, Option<Rest>),
    ) -> Result<(), StoreError> {
        self.go_on()?;
        let mut statement = self.conn.prepare_cached(
            "SELECT head, CASE WHEN hi>=?4 THEN rest END FROM chunk WHERE issue=?1 AND hi>=?2 AND lo<=?3 ORDER BY id",
        )?;
        let mut rows = statement.query(params![issue, lo, hi, part.rest_from()])?;
        std::thread::scope(|scope| {
            let (mut helper, mut seen) = (None, 0);
            while let Some(row) = rows.next()? {
                let head = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
                let rest = row.get_ref(1)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
                seen += 1;
                if seen <= FEW {
                    let (head, rest) = unpack(self.unpacker, head, rest)?;
                    see(head, rest);
                    continue;
                }
                if helper.is_none() {
                    helper = Some(Helper::start(scope)?);
                }
                let swapped = helper.as_mut().map(|helper| helper.swap((head.to_vec(), rest.map(<[u8]>::to_vec))));
                if let Some((head, rest)) = swapped.transpose()?.flatten() {
                    see(head, rest);
                }
                self.go_on()?;
            }
            while let Some((head, rest)) = helper.as_mut().map_or(Ok(None), Helper::next)? {
                see(head, rest);
            }
            Ok(())
        })
    }
}
