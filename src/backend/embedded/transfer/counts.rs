//! Parts of traces, and what is counted rather than kept: requests, users of sessions, losses.
//! It uses `rusqlite` and the packed forms.
//! It never tells a user's key: pseudonyms, as everywhere else.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use rusqlite::Row;

use super::{
    Take, of_record,
    record::{
        ActiveLine, DroppedLine, OutcomeLine, Packed, PartLine, PlaceLine, RequestTagLine, RequestsLine,
        SessionUsersLine, TransferRecord,
    },
};
use crate::{
    backend::embedded::{
        pack::{decode_sets, decode_users},
        read::Snapshot,
        write::{BY_REQUESTS, BY_SESSIONS, Word},
    },
    guard::show_user,
    model::UserKey,
    store::StoreError,
};

/// Columns of a place, by the aliases `project`, `release` and `environment`.
const PLACE: &str = "project.slug, release.version, environment.text";

/// The tables that [`PLACE`] needs beside one with `rel` and `env`.
fn place_joins(table: &str, project: &str) -> String {
    format!(
        "JOIN project ON project.id={project} LEFT JOIN release ON release.id={table}.rel
         LEFT JOIN word AS environment ON environment.id={table}.env"
    )
}

fn place_of(row: &Row<'_>) -> rusqlite::Result<PlaceLine> {
    Ok(PlaceLine { project: row.get(0)?, release: row.get(1)?, environment: row.get(2)? })
}

impl Snapshot<'_> {
    /// Everything that is counted.
    pub(super) fn export_tallies(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let people = People::of(self)?;
        Ok(self.export_requests(&people, take)?
            && self.export_active(&people, take)?
            && self.export_request_tags(&people, take)?
            && self.export_session_users(&people, take)?
            && self.export_dropped(take)?
            && self.export_outcomes(take)?)
    }

    pub(super) fn export_parts(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT {PLACE}, trace, part.first, part.last, received, failing, spans, logs, z FROM part {}
             WHERE keep=1 ORDER BY part.id",
            place_joins("part", "part.project")
        );
        self.each(&sql, 1, take, |row| {
            Ok(TransferRecord::Part(PartLine {
                place: place_of(row)?,
                trace: row.get(3)?,
                first: row.get(4)?,
                last: row.get(5)?,
                received: row.get(6)?,
                failing: row.get(7)?,
                spans: row.get(8)?,
                logs: row.get(9)?,
                content: Packed(row.get(10)?),
            }))
        })
    }

    fn export_requests(&mut self, people: &People, take: &mut Take) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT {PLACE}, hour, operation.text, n, weight, failed, durations, users, sessions FROM traffic {}
             LEFT JOIN word AS operation ON operation.id=traffic.op",
            place_joins("traffic", "traffic.project")
        );
        self.each(&sql, 0, take, |row| {
            Ok(TransferRecord::Requests(RequestsLine {
                place: place_of(row)?,
                hour: row.get(3)?,
                operation: row.get(4)?,
                requests: row.get(5)?,
                weight: row.get(6)?,
                failed: row.get(7)?,
                durations: Packed(row.get(8)?),
                users: people.named(&decode_users(&row.get::<_, Vec<u8>>(9)?)?),
                sessions: Packed(row.get(10)?),
            }))
        })
    }

    fn export_active(&mut self, people: &People, take: &mut Take) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT {PLACE}, day, active.kind, n, active.first, active.last, users FROM active {}
             WHERE active.kind IN ({BY_SESSIONS}, {BY_REQUESTS})",
            place_joins("active", "active.project")
        );
        self.each(&sql, 0, take, |row| {
            Ok(TransferRecord::Active(ActiveLine {
                place: place_of(row)?,
                day: row.get(3)?,
                kind: row.get(4)?,
                quantity: row.get(5)?,
                first: row.get(6)?,
                last: row.get(7)?,
                users: people.named(&decode_users(&row.get::<_, Vec<u8>>(8)?)?),
            }))
        })
    }

    fn export_request_tags(&mut self, people: &People, take: &mut Take) -> Result<bool, StoreError> {
        let words = self.texts(Word::TagValue)?;
        let sql = "SELECT project.slug, environment.text, day, tag.text, sets FROM base_request
                   JOIN project ON project.id=base_request.project
                   LEFT JOIN word AS environment ON environment.id=base_request.env
                   LEFT JOIN word AS tag ON tag.id=base_request.tag";
        self.each(sql, 0, take, |row| {
            let values = decode_sets(&row.get::<_, Vec<u8>>(4)?)?.map(|sets| {
                sets.iter().map(|(value, users)| (words.get(value).cloned(), people.named(users))).collect()
            });
            Ok(TransferRecord::RequestTag(RequestTagLine {
                project: row.get(0)?,
                environment: row.get(1)?,
                day: row.get(2)?,
                tag: row.get(3)?,
                values,
            }))
        })
    }

    fn export_session_users(&mut self, people: &People, take: &mut Take) -> Result<bool, StoreError> {
        let words = self.texts(Word::Agent)?;
        let sql = format!(
            "SELECT {PLACE}, hour, users, agents FROM sess_users {}",
            place_joins("sess_users", "(SELECT project FROM release WHERE id=sess_users.rel)")
        );
        self.each(&sql, 0, take, |row| {
            let agents = decode_sets(&row.get::<_, Vec<u8>>(5)?)?.unwrap_or_default();
            let agents =
                agents.iter().filter_map(|(agent, users)| Some((words.get(agent)?.clone(), people.named(users))));
            Ok(TransferRecord::SessionUsers(SessionUsersLine {
                place: place_of(row)?,
                hour: row.get(3)?,
                users: people.named(&decode_users(&row.get::<_, Vec<u8>>(4)?)?),
                agents: agents.collect(),
            }))
        })
    }

    fn export_dropped(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let sql = format!("SELECT {PLACE}, hour, n FROM dropped {}", place_joins("dropped", "dropped.project"));
        self.each(&sql, 0, take, |row| {
            let line = DroppedLine { place: place_of(row)?, hour: row.get(3)?, errors: row.get(4)? };
            Ok(TransferRecord::Dropped(line))
        })
    }

    fn export_outcomes(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let all = self.losses(i64::MIN)?.into_iter().map(|loss| OutcomeLine {
            project: loss.project,
            day: loss.day,
            item: loss.item,
            outcome: loss.outcome,
            reason: loss.reason,
            quantity: loss.quantity,
        });
        Ok(all.map(TransferRecord::Outcome).all(|record| take(of_record(record, 0))))
    }

    fn texts(&self, kind: Word) -> Result<HashMap<u32, String>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT id, text FROM word WHERE kind=?1")?;
        let words = statement.query_map([kind.code()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(words.collect::<Result<_, _>>()?)
    }

    /// A line a row, each of which is `done` things of the store.
    fn each(
        &self,
        sql: &str,
        done: u64,
        take: &mut Take,
        line: impl Fn(&Row<'_>) -> Result<TransferRecord, StoreError>,
    ) -> Result<bool, StoreError> {
        let mut statement = self.conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if !take(of_record(line(row)?, done)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Pseudonyms by the numbers of users.
pub(super) struct People(HashMap<u32, UserKey>);

impl People {
    pub(super) fn of(snapshot: &Snapshot<'_>) -> Result<Self, StoreError> {
        let mut statement = snapshot.conn.prepare("SELECT id, key FROM user")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, UserKey(row.get(1)?))))?;
        Ok(Self(rows.collect::<Result<_, _>>()?))
    }

    /// One of them; `None` for nobody.
    pub(super) fn shown(&self, user: u32) -> Option<String> {
        self.0.get(&user).map(show_user)
    }

    fn named(&self, users: &RoaringBitmap) -> Vec<String> {
        users.iter().filter_map(|user| self.shown(user)).collect()
    }
}
