//! Tags that nearly all affected users share.

use std::collections::BTreeMap;

use super::{Asked, Snapshot, Unpack};
use crate::{
    answers::{LEAST_USERS, MOST_CONDITIONS, OF_THE_ISSUE, SHARED},
    backend::embedded::{
        pack::HOUR_US,
        read::engine::tally::{MatchedRows, Places, Values},
    },
    model::{FixCondition, FixHistory, Side, Use},
    store::{NO_CONDITION, StoreError},
};

impl Snapshot<'_> {
    /// Adds the conditions that nearly all users share who were hit on the control before the deploy.
    pub(super) fn add_conditions(&mut self, asked: &Asked<'_>, history: &mut FixHistory) -> Result<(), StoreError> {
        let Some(window) = asked.window else { return Ok(()) };
        let (lo, hi) = (window.start.saturating_mul(HOUR_US), window.deploy_hour.saturating_mul(HOUR_US) - 1);
        let mut places = Places::default();
        let (mut taken, mut tags) = (MatchedRows::default(), BTreeMap::<u32, Values>::new());
        self.each_part(asked.known, lo, hi, Unpack::All, |head, rest| {
            let Some(rest) = rest else { return };
            let counts = |row: &usize| {
                let (ts, user) = (head.ts[*row], head.user[*row]);
                let in_time = (lo..=hi).contains(&ts) && asked.takes(ts, head.env[*row]);
                in_time && user != 0 && asked.sided.side(head.rel[*row]) == Side::Control
            };
            taken.clear();
            (0..head.len()).filter(counts).for_each(|row| taken.push(row, places.of(head.user[row])));
            for (key, tag) in &rest.tags {
                tags.entry(*key).or_default().see(tag, &taken, places.users.len());
            }
        })?;
        let affected = places.users.len() as u64;
        if affected < LEAST_USERS {
            return Ok(());
        }
        let least = (affected as f64 * SHARED).ceil() as u64;
        for (key, values) in tags {
            for count in values.counts() {
                if count.users >= least && history.conditions.len() < MOST_CONDITIONS {
                    self.add_condition(asked, history, key, count.value)?;
                }
            }
        }
        history.conditions.sort_by(|a, b| (a.tag.raw(), a.value.raw()).cmp(&(b.tag.raw(), b.value.raw())));
        Ok(())
    }

    fn add_condition(
        &mut self,
        asked: &Asked<'_>,
        history: &mut FixHistory,
        key: u32,
        value: u32,
    ) -> Result<(), StoreError> {
        let (tag, text) = (self.word(key)?, self.word(value)?);
        if NO_CONDITION.contains(&tag.raw()) || OF_THE_ISSUE.contains(&tag.raw()) {
            return Ok(());
        }
        let agents = self.agents_with(tag.raw(), text.raw())?;
        let of_sessions = !agents.is_empty();
        let mut uses = Vec::new();
        if let (true, Some(window)) = (of_sessions, asked.window) {
            for (release, rel) in asked.sided.ids.iter().enumerate() {
                if asked.sided.list[release].side == Side::Neither {
                    continue;
                }
                let hours = window.start..window.cut;
                for (hour, users) in self.session_users_by_hour(asked, *rel, &hours, Some(&agents))? {
                    uses.push(Use { hour, release, users, ..Use::default() });
                }
            }
        }
        history.conditions.push(FixCondition { tag, value: text, of_sessions, uses });
        Ok(())
    }
}
