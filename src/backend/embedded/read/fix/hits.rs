//! The events of the issue and of its candidates.

use super::{Asked, IssueRow, Snapshot, Unpack};
use crate::{
    answers::RECURRENCES,
    backend::embedded::{
        pack::{Head, Rest, moment},
        write::Word,
    },
    model::{FixHistory, FixHit, Recurrence, Side},
    store::StoreError,
};

impl Snapshot<'_> {
    /// Adds every event of the issue, with the conditions that it met.
    pub(super) fn add_hits(&mut self, asked: &Asked<'_>, history: &mut FixHistory) -> Result<(), StoreError> {
        let mut newest = Vec::new();
        let hits = self.hits_of(asked, asked.known, 0, history, &mut newest)?;
        history.hits.extend(hits);
        newest.sort_unstable_by(|a, b| b.cmp(a));
        for (ts, seq, place) in newest.into_iter().take(RECURRENCES) {
            let release = asked.sided.list[place].version.clone();
            history.recurrences.push(Recurrence { event: self.id_of(seq)?, release, at: moment(ts) });
        }
        Ok(())
    }

    /// The events of one issue as hits of a group; `newest` gets those on the new side: moment, number, release.
    pub(super) fn hits_of(
        &mut self,
        asked: &Asked<'_>,
        known: &IssueRow,
        group: usize,
        history: &FixHistory,
        newest: &mut Vec<(i64, i64, usize)>,
    ) -> Result<Vec<FixHit>, StoreError> {
        let mut tags = Vec::new();
        for condition in &history.conditions {
            let key = self.word_id(Word::TagKey, 0, condition.tag.raw())?.unwrap_or(0);
            tags.push((key, self.word_id(Word::TagValue, key, condition.value.raw())?.unwrap_or(0)));
        }
        let mut hits = Vec::new();
        self.each_part(known, i64::MIN, asked.bounds.hi, Unpack::with_rest(!tags.is_empty()), |head, rest| {
            see(asked, group, head, rest, &tags, &mut hits, newest);
        })?;
        Ok(hits)
    }
}

fn see(
    asked: &Asked<'_>,
    group: usize,
    head: &Head,
    rest: Option<&Rest>,
    tags: &[(u32, u32)],
    hits: &mut Vec<FixHit>,
    newest: &mut Vec<(i64, i64, usize)>,
) {
    for row in 0..head.len() {
        let (ts, user) = (head.ts[row], head.user[row]);
        let Some(release) = asked.sided.place(head.rel[row]).filter(|_| asked.takes(ts, head.env[row])) else {
            continue;
        };
        let met = |(key, value): &(u32, u32)| *value != 0 && rest.is_some_and(|rest| rest.tag(*key, row) == *value);
        let conditions = tags.iter().enumerate().filter(|(_, tag)| met(tag)).fold(0, |bits, (at, _)| bits | 1 << at);
        let user = (user != 0).then_some(user);
        hits.push(FixHit { at: moment(ts), user, release, group, conditions });
        if asked.sided.list[release].side == Side::New {
            newest.push((ts, head.seq[row], release));
        }
    }
}
