//! Issues that began with the new side and are like the one that was to be fixed.

use super::{Asked, IssueRow, Snapshot};
use crate::{
    answers::{MOST_CANDIDATES, likeness_of},
    backend::embedded::{
        body::body_to_event,
        pack::{DayCount, micros, moment},
        read::engine::scope::{EventFilter, ResolvedScope},
    },
    model::{FixCandidate, FixHistory, Likeness, Side},
    store::StoreError,
    verify::{ALIKE, similarity},
};

impl Snapshot<'_> {
    /// Adds the candidates and their events.
    pub(super) fn add_candidates(&mut self, asked: &Asked<'_>, history: &mut FixHistory) -> Result<(), StoreError> {
        let Some(window) = asked.window else { return Ok(()) };
        let new = self.new_issues(asked, micros(window.deploy))?;
        if new.is_empty() {
            return Ok(());
        }
        let Some(own) = self.likeness(asked, asked.known)? else { return Ok(()) };
        let mut newest = Vec::new();
        for (known, cells) in new {
            let Some(likeness) = self.likeness(asked, &known)? else { continue };
            let similarity = similarity(&own, &likeness);
            if similarity < ALIKE {
                continue;
            }
            let slug = asked.bounds.slug(known.project).unwrap_or_default();
            history.candidates.push(FixCandidate {
                issue: self.issue_text(&known, slug, cells.iter().any(|cell| cell.unhandled > 0))?,
                similarity,
                first_seen: moment(cells.iter().map(|cell| cell.first).min().unwrap_or(0)),
                events: cells.iter().map(|cell| cell.events).sum(),
            });
            let hits = self.hits_of(asked, &known, history.candidates.len(), history, &mut newest)?;
            history.hits.extend(hits);
        }
        Ok(())
    }

    /// Issues with events on the new side alone, none before the deploy; most events first.
    fn new_issues(&mut self, asked: &Asked<'_>, deploy: i64) -> Result<Vec<(IssueRow, Vec<DayCount>)>, StoreError> {
        let since = ResolvedScope { lo: deploy, ..asked.bounds.clone() };
        let mut found = Vec::new();
        for known in self.known_issues(&since)? {
            let elsewhere = |cell: &DayCount| {
                asked.takes(cell.first, cell.env) && (cell.first < deploy || asked.sided.side(cell.rel) != Side::New)
            };
            if known.id == asked.known.id || known.cells.iter().any(elsewhere) {
                continue;
            }
            let cells = known.history(self, asked.bounds)?;
            if !cells.is_empty() && !cells.iter().any(elsewhere) {
                found.push((known, cells));
            }
        }
        let events = |cells: &[DayCount]| cells.iter().map(|cell| cell.events).sum::<u64>();
        found.sort_by_key(|(known, cells)| (std::cmp::Reverse(events(cells)), known.id));
        found.truncate(MOST_CANDIDATES);
        Ok(found)
    }

    /// What an issue's newest event says of it.
    fn likeness(&mut self, asked: &Asked<'_>, known: &IssueRow) -> Result<Option<Likeness>, StoreError> {
        let Some(seq) = self.newest(known, &EventFilter::of(asked.bounds, None))? else { return Ok(None) };
        let Some(stored) = self.stored(seq)? else { return Ok(None) };
        let event = body_to_event(&stored.body, stored.id, moment(stored.ts))?;
        Ok(Some(likeness_of(event)))
    }
}
