//! What became of the users who had been hit before the fix.

use roaring::RoaringBitmap;

use super::{Asked, env_of};
use crate::{
    answers::hour_of,
    backend::cluster::{
        clickhouse::list,
        read::{history::between, moment::Moment},
    },
    model::{FixHistory, Returning, Side},
    store::StoreError,
};

impl Moment {
    /// Counts them exactly, up to the scope's end; nothing without named users, or where sessions don't name them.
    pub(super) fn add_returning(&self, asked: &Asked<'_>, history: &mut FixHistory) -> Result<(), StoreError> {
        let users_on = |new: bool| -> RoaringBitmap {
            let of_side = |place: usize| (history.releases[place].side == Side::New) == new;
            let hits = history.hits.iter().filter(|hit| hit.group == 0 && of_side(hit.release));
            hits.filter_map(|hit| hit.user).collect()
        };
        let (eligible, again) = (users_on(false), users_on(true));
        if !self.users_are_named(asked, !(eligible.is_empty() && again.is_empty()))? {
            return Ok(());
        }
        let active = self.active_on(asked)?;
        history.returning = Some(Returning {
            eligible: eligible.len(),
            active_after: eligible.intersection_len(&active),
            hit_again: eligible.intersection_len(&again),
        });
        Ok(())
    }

    /// Where there are sessions they must name users: else those who came back unhurt are unseen.
    fn users_are_named(&self, asked: &Asked<'_>, by_events: bool) -> Result<bool, StoreError> {
        let hours = between("hour", i64::MIN, hour_of(asked.bounds.hi));
        Ok(self.any_session(asked, &hours, true)? || (by_events && !self.any_session(asked, &hours, false)?))
    }

    /// Those of the users with an event, a request or a session on the new side, up to the scope's end.
    fn active_on(&self, asked: &Asked<'_>) -> Result<RoaringBitmap, StoreError> {
        let (hi, now) = (asked.bounds.hi, hour_of(asked.bounds.hi));
        let on = format!("rel IN {}{}", list(asked.sided.of(Side::New)), env_of(asked));
        let project = format!("project={} AND {on}", asked.known.project);
        let until = between("ts", i64::MIN, hi);
        let sql = format!(
            "SELECT DISTINCT user FROM (
               SELECT user FROM event WHERE {project}{until}
               UNION ALL SELECT user FROM request WHERE {project}{}
               UNION ALL SELECT user FROM session WHERE {on}{}
               UNION ALL SELECT user FROM session_count WHERE {on}{})
             WHERE user!=0 AND user IN (SELECT user FROM event WHERE {} AND issue={}{until})",
            between("toInt64(floor(at / 3600000000))", i64::MIN, now),
            between("started", i64::MIN, hi),
            between("hour", i64::MIN, now - 1),
            asked.at(),
            asked.known.id
        );
        Ok(self.facts::<(u32,)>(&sql)?.into_iter().map(|(user,)| user).collect())
    }
}
