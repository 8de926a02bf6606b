//! Issues that began with the new side and are like the one that was to be fixed; tags that nearly all affected users share.

use super::{super::issues::IssueRow, Asked, uses::agent_says};
use crate::{
    answers::{
        DayCount, Facts, HOUR_US, LEAST_USERS, MOST_CANDIDATES, MOST_CONDITIONS, OF_THE_ISSUE, ResolvedScope, SHARED,
        likeness_of, micros, moment,
    },
    backend::cluster::{
        clickhouse::{list, texts},
        read::{history::between, moment::Moment},
    },
    model::{FixCandidate, FixCondition, FixHistory, Issue, Likeness, Side},
    store::{NO_CONDITION, StoreError},
    verify::{ALIKE, similarity},
};

impl Moment {
    /// Adds the conditions that nearly all users share who were hit on the control before the deploy.
    pub(super) fn add_conditions(&self, asked: &Asked<'_>, history: &mut FixHistory) -> Result<(), StoreError> {
        let Some(window) = asked.window else { return Ok(()) };
        let (lo, hi) = (window.start.saturating_mul(HOUR_US), window.deploy_hour.saturating_mul(HOUR_US) - 1);
        let at = format!(
            "{} AND issue={}{} AND user!=0 AND rel IN {}",
            asked.at(),
            asked.known.id,
            between("ts", lo, hi.min(asked.bounds.hi)),
            list(asked.sided.of(Side::Control))
        );
        let affected = self.fact::<(u64,)>(&format!("SELECT uniqExact(user) FROM event WHERE {at}"))?;
        let affected = affected.map_or(0, |(n,)| n);
        if affected < LEAST_USERS {
            return Ok(());
        }
        let least = (affected as f64 * SHARED).ceil() as u64;
        let sql = format!(
            "SELECT tag, value FROM event ARRAY JOIN mapKeys(tags) AS tag, mapValues(tags) AS value
             WHERE {at} AND tag NOT IN {} GROUP BY tag, value HAVING uniqExact(user)>={least}",
            texts(NO_CONDITION.into_iter().chain(OF_THE_ISSUE))
        );
        let mut found: Vec<(String, String)> = self.facts(&sql)?;
        let rows = self.rows("SELECT name, id FROM tag_key", &[])?;
        let places: std::collections::HashMap<String, i32> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        found.sort_by_key(|(tag, value)| (places.get(tag).copied(), value.clone()));
        for (tag, value) in found.into_iter().take(MOST_CONDITIONS) {
            let says = agent_says(&tag, &value);
            let of_sessions = self.is_said(&says)?;
            let uses = if of_sessions { self.users_of_agents(asked, &says)? } else { Vec::new() };
            history.conditions.push(FixCondition { tag: tag.into(), value: value.into(), of_sessions, uses });
        }
        history.conditions.sort_by(|a, b| (a.tag.raw(), a.value.raw()).cmp(&(b.tag.raw(), b.value.raw())));
        Ok(())
    }

    /// Adds the candidates and their events.
    pub(super) fn add_candidates(&mut self, asked: &Asked<'_>, history: &mut FixHistory) -> Result<(), StoreError> {
        let Some(window) = asked.window else { return Ok(()) };
        let new = self.new_issues(asked, micros(window.deploy))?;
        if new.is_empty() {
            return Ok(());
        }
        let Some(own) = self.likeness(asked, asked.known)? else { return Ok(()) };
        for (known, cells) in new {
            let Some(likeness) = self.likeness(asked, &known)? else { continue };
            let similarity = similarity(&own, &likeness);
            if similarity < ALIKE {
                continue;
            }
            let slug = asked.bounds.slug(known.project).unwrap_or_default().to_owned();
            let unhandled = cells.iter().any(|cell| cell.unhandled > 0);
            history.candidates.push(FixCandidate {
                issue: Issue { project: slug, unhandled, ..known.text.clone() },
                similarity,
                first_seen: moment(cells.iter().map(|cell| cell.first).min().unwrap_or(0)),
                events: cells.iter().map(|cell| cell.events).sum(),
            });
            let hits = self.hits_of(asked, known.id, history.candidates.len(), history)?;
            history.hits.extend(hits);
        }
        Ok(())
    }

    /// Issues with events on the new side alone, none before the deploy; most events first.
    fn new_issues(&mut self, asked: &Asked<'_>, deploy: i64) -> Result<Vec<(IssueRow, Vec<DayCount>)>, StoreError> {
        let since = ResolvedScope { lo: deploy, ..asked.bounds.clone() };
        let mut found = Vec::new();
        for known in Facts::known_issues(self, &since)? {
            let elsewhere = |cell: &DayCount| cell.first < deploy || !asked.is_new(cell.rel);
            let cells = known.history.clone();
            if known.id != asked.known.id && !cells.is_empty() && !cells.iter().any(elsewhere) {
                found.push((known, cells));
            }
        }
        let events = |cells: &[DayCount]| cells.iter().map(|cell| cell.events).sum::<u64>();
        found.sort_by_key(|(known, cells)| (std::cmp::Reverse(events(cells)), known.id));
        found.truncate(MOST_CANDIDATES);
        Ok(found)
    }

    /// What an issue's newest event says of it.
    fn likeness(&self, asked: &Asked<'_>, known: &IssueRow) -> Result<Option<Likeness>, StoreError> {
        let at = format!("{}{}", super::env_of(asked), between("ts", asked.bounds.lo, asked.bounds.hi));
        let Some(newest) = self.newest(known, &at)? else { return Ok(None) };
        Ok(self.opened(known, newest)?.map(likeness_of))
    }
}
