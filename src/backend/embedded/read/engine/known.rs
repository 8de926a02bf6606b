//! What is known of issues, folded and not.
//! It uses `rusqlite` and the packed forms.
//! It never loses an event between journal and chunks: both are read in one snapshot.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Row, params};

use super::{
    chunks::Unpack,
    pool::Snapshot,
    scope::{EventFilter, ResolvedScope},
};
use crate::{
    backend::embedded::pack::{
        Columns, DayCount, Fact, Head, Rest, UNATTENDED, add_to_cells, day_of, decode_cells, level_from_code, moment,
    },
    model::{Issue, IssueId, Level, Resolution, Status, TopFrame},
    store::StoreError,
};

/// An issue's numbers, before anything is asked of them.
pub(in crate::backend::embedded) struct IssueRow {
    pub(in crate::backend::embedded::read) id: i64,
    pub(in crate::backend::embedded::read) project: u64,
    pub(in crate::backend::embedded::read) level: Level,
    pub(in crate::backend::embedded::read) status: Status,
    pub(in crate::backend::embedded::read) resolution: Option<Resolution>,
    /// Folded events and their distinct users.
    pub(in crate::backend::embedded::read) folded: u64,
    pub(in crate::backend::embedded::read) folded_users: u64,
    /// Whether somebody may have been there at a folded event.
    attended: bool,
    /// Counts of the folded events.
    pub(in crate::backend::embedded::read) cells: Vec<DayCount>,
    /// The others.
    pub(in crate::backend::embedded::read) tail: Vec<Fact>,
}

const COLUMNS: &str = "issue.id, issue.project, issue.level, issue.status, issue.resolved_at, issue.resolved_in,
    issue.resolved_after, rollup.events, rollup.users, rollup.cells, issue.attended";

fn known_of(row: &Row<'_>) -> Result<IssueRow, StoreError> {
    let resolved_at: Option<i64> = row.get(4)?;
    let in_release = row.get::<_, Option<String>>(5)?.map(Into::into);
    let after_release = row.get::<_, Option<String>>(6)?.map(Into::into);
    let cells = row.get_ref(9)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    Ok(IssueRow {
        id: row.get(0)?,
        project: row.get(1)?,
        level: level_from_code(row.get(2)?),
        status: match row.get(3)? {
            1 => Status::Resolved,
            2 => Status::Ignored,
            _ => Status::Unresolved,
        },
        resolution: resolved_at.map(|at| Resolution { at: moment(at), in_release, after_release }),
        folded: row.get::<_, Option<u64>>(7)?.unwrap_or(0),
        folded_users: row.get::<_, Option<u64>>(8)?.unwrap_or(0),
        attended: row.get(10)?,
        cells: cells.map_or(Ok(Vec::new()), decode_cells)?,
        tail: Vec::new(),
    })
}

impl IssueRow {
    /// Whether only jobs had it that nobody asked for.
    fn is_unattended(&self) -> bool {
        !self.attended && self.tail.iter().all(|fact| fact.bits & UNATTENDED != 0)
    }

    /// All events by cell, up to the end of the scope and of its environment; exact at the end too.
    pub(in crate::backend::embedded::read) fn history(
        &self,
        snapshot: &mut Snapshot<'_>,
        bounds: &ResolvedScope,
    ) -> Result<Vec<DayCount>, StoreError> {
        let want = EventFilter { lo: i64::MIN, ..EventFilter::of(bounds, None) };
        let mut cells: Vec<DayCount> = Vec::with_capacity(self.cells.len() + 4);
        let mut cut = Vec::new();
        for cell in self.cells.iter().filter(|cell| want.touches(cell)) {
            if want.holds(cell) { cells.push(*cell) } else { cut.push(*cell) }
        }
        if !cut.is_empty() {
            self.count_cut(snapshot, &want, &cut, &mut cells)?;
        }
        add_to_cells(&mut cells, self.tail.iter().filter(|fact| want.takes(fact.ts, fact.rel, fact.env)));
        Ok(cells)
    }

    /// The part of an exact history that lies within the scope, exact at its start too.
    pub(in crate::backend::embedded::read) fn cells_from(
        &self,
        snapshot: &mut Snapshot<'_>,
        history: &[DayCount],
        bounds: &ResolvedScope,
    ) -> Result<Vec<DayCount>, StoreError> {
        let want = EventFilter::of(bounds, None);
        let (mut cells, cut): (Vec<DayCount>, Vec<DayCount>) =
            history.iter().filter(|cell| want.touches(cell)).partition(|cell| want.holds(cell));
        if !cut.is_empty() {
            self.count_cut(snapshot, &want, &cut, &mut cells)?;
            let keys: HashSet<_> = cut.iter().map(DayCount::key).collect();
            let in_cut = |fact: &&Fact| keys.contains(&(fact.rel, fact.env, day_of(fact.ts)));
            let wanted = self.tail.iter().filter(|fact| want.takes(fact.ts, fact.rel, fact.env)).filter(in_cut);
            add_to_cells(&mut cells, wanted);
        }
        Ok(cells)
    }

    /// Counts the wanted part of folded cells from the chunks.
    fn count_cut(
        &self,
        snapshot: &mut Snapshot<'_>,
        want: &EventFilter<'_>,
        cut: &[DayCount],
        cells: &mut Vec<DayCount>,
    ) -> Result<(), StoreError> {
        let lo = cut.iter().map(|cell| cell.first).min().unwrap_or(i64::MIN);
        let keys: HashSet<_> = cut.iter().map(DayCount::key).collect();
        let mut facts = Vec::new();
        snapshot.each_chunk(self.id, lo, want.hi, Unpack::Head, |head, _| {
            for row in 0..head.len() {
                let (ts, rel, env) = (head.ts[row], head.rel[row], head.env[row]);
                let day = day_of(ts);
                if want.takes(ts, rel, env) && keys.contains(&(rel, env, day)) {
                    let (user, bits) = (head.user[row], head.bits[row]);
                    facts.push(Fact { ts, rel, env, user, bits, ..Fact::default() });
                }
            }
        })?;
        add_to_cells(cells, &facts);
        Ok(())
    }
}

impl Snapshot<'_> {
    /// Shows all of an issue's events in a time: its chunks, then its tail.
    pub(in crate::backend::embedded::read) fn each_part(
        &mut self,
        known: &IssueRow,
        lo: i64,
        hi: i64,
        part: Unpack,
        mut see: impl FnMut(&Head, Option<&Rest>),
    ) -> Result<(), StoreError> {
        self.take_parts(known, (lo, hi), part, |head, rest| see(&head, rest.as_ref()))
    }

    /// Gives all of an issue's events in a time away.
    pub(in crate::backend::embedded::read) fn take_parts(
        &mut self,
        known: &IssueRow,
        times: (i64, i64),
        part: Unpack,
        mut see: impl FnMut(Head, Option<Rest>),
    ) -> Result<(), StoreError> {
        if known.folded > 0 {
            self.take_chunks(known.id, times, part, &mut see)?;
        }
        if !known.tail.is_empty() {
            let Columns { head, rest } = Columns::of(&known.tail);
            see(head, (part != Unpack::Head).then_some(rest));
        }
        Ok(())
    }

    /// All issues of the scope's projects that may have an event in it.
    pub(in crate::backend::embedded::read) fn known_issues(
        &self,
        bounds: &ResolvedScope,
    ) -> Result<Vec<IssueRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM issue LEFT JOIN rollup ON rollup.issue=issue.id
             WHERE issue.project=?1 AND issue.last>=?2 AND issue.first<=?3"
        );
        let mut found = Vec::new();
        for (project, _) in &bounds.projects {
            self.go_on()?;
            let mut statement = self.conn.prepare_cached(&sql)?;
            let mut rows = statement.query(params![project, bounds.lo, bounds.hi])?;
            while let Some(row) = rows.next()? {
                found.push(known_of(row)?);
            }
        }
        let mut tails = self.tails()?;
        for known in &mut found {
            known.tail = tails.remove(&known.id).unwrap_or_default();
        }
        Ok(found)
    }

    /// One issue, if it is of one of the scope's projects.
    pub(in crate::backend::embedded::read) fn known_issue(
        &self,
        id: i64,
        bounds: &ResolvedScope,
    ) -> Result<Option<IssueRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM issue LEFT JOIN rollup ON rollup.issue=issue.id WHERE issue.id=?1");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let mut known = known_of(row)?;
        if bounds.slug(known.project).is_none() {
            return Ok(None);
        }
        let mut statement = self.conn.prepare_cached("SELECT seq, fact FROM tail WHERE issue=?1 ORDER BY seq")?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            known.tail.push(Fact::decode(row.get(0)?, row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?);
        }
        Ok(Some(known))
    }

    /// Everything that is not folded yet, by issue.
    pub(in crate::backend::embedded::read) fn tails(&self) -> Result<HashMap<i64, Vec<Fact>>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT issue, seq, fact FROM tail")?;
        let mut rows = statement.query([])?;
        let mut tails: HashMap<i64, Vec<Fact>> = HashMap::new();
        while let Some(row) = rows.next()? {
            let fact = Fact::decode(row.get(1)?, row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            tails.entry(row.get(0)?).or_default().push(fact);
        }
        Ok(tails)
    }

    /// What an issue says of itself.
    pub(in crate::backend::embedded::read) fn issue_text(
        &self,
        known: &IssueRow,
        slug: &str,
        unhandled: bool,
    ) -> Result<Issue, StoreError> {
        let sql = "SELECT short_id, title, type, value, culprit, function, file, line FROM issue WHERE id=?1";
        let text = |row: &Row<'_>, i: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(i)?.map(Into::into));
        let read = |row: &Row<'_>| {
            let frame = TopFrame { function: text(row, 5)?, file: text(row, 6)?, line: row.get(7)? };
            Ok(Issue {
                id: IssueId(known.id),
                short_id: row.get(0)?,
                project: slug.to_owned(),
                title: row.get::<_, String>(1)?.into(),
                ty: text(row, 2)?,
                value: text(row, 3)?,
                culprit: text(row, 4)?,
                level: known.level,
                unhandled,
                unattended: known.is_unattended(),
                status: known.status,
                resolution: known.resolution.clone(),
                top_frame: (frame != TopFrame::default()).then_some(frame),
            })
        };
        let issue = self.conn.prepare_cached(sql)?.query_row([known.id], read).optional()?;
        issue.ok_or(StoreError::Invalid("an issue vanished while it was read"))
    }
}
