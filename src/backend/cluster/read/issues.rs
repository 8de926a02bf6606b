//! Issues as PostgreSQL has them, with their histories.
//! It uses `tokio_postgres`.
//! It never reads an issue at a time where many are wanted.

use std::collections::HashMap;

use tokio_postgres::Row;

use super::{moment::Moment, registry::projects_of};
use crate::{
    answers::{DayCount, ResolvedScope, moment},
    model::{Issue, IssueId, Level, Resolution, Status, TopFrame, Untrusted},
    store::StoreError,
};

/// An issue, before anything is asked of it.
pub(in crate::backend::cluster) struct IssueRow {
    pub(super) id: i64,
    pub(super) project: u64,
    /// What it says of itself; its project's slug and whether it was handled are left to who shows it.
    pub(super) text: Issue,
    /// Its exact history, and the end and environment of the scope that it is of.
    pub(super) history: Vec<DayCount>,
    pub(super) of: (i64, Option<u32>),
}

const COLUMNS: &str =
    "id, project, short_id, title, type, value, culprit, level, function, file, line, attended, status,
    resolved_at, resolved_in, resolved_after";

fn text(row: &Row, at: usize) -> Option<Untrusted> {
    row.get::<_, Option<String>>(at).map(Into::into)
}

/// A level by its place.
pub(super) fn level_of(code: i64) -> Level {
    let all = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Fatal];
    usize::try_from(code).ok().and_then(|code| all.get(code)).copied().unwrap_or_default()
}

fn known_of(row: &Row, bounds: &ResolvedScope) -> IssueRow {
    let (id, project) = (row.get(0), row.get::<_, i64>(1) as u64);
    let frame =
        TopFrame { function: text(row, 8), file: text(row, 9), line: row.get::<_, Option<i64>>(10).map(|n| n as u64) };
    let resolved_at: Option<i64> = row.get(13);
    IssueRow {
        id,
        project,
        text: Issue {
            id: IssueId(id),
            short_id: row.get(2),
            project: String::new(),
            title: row.get::<_, String>(3).into(),
            ty: text(row, 4),
            value: text(row, 5),
            culprit: text(row, 6),
            level: level_of(i64::from(row.get::<_, i16>(7))),
            unhandled: false,
            unattended: !row.get::<_, bool>(11),
            status: match row.get::<_, i16>(12) {
                1 => Status::Resolved,
                2 => Status::Ignored,
                _ => Status::Unresolved,
            },
            resolution: resolved_at.map(|at| Resolution {
                at: moment(at),
                in_release: text(row, 14),
                after_release: text(row, 15),
            }),
            top_frame: (frame != TopFrame::default()).then_some(frame),
        },
        history: Vec::new(),
        of: (bounds.hi, bounds.env),
    }
}

impl Moment {
    /// All issues of the scope's projects that may have an event in it.
    pub(super) fn known_issues(&mut self, bounds: &ResolvedScope) -> Result<Vec<IssueRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM issue WHERE project=ANY($1) AND last>=$2 AND first<=$3 ORDER BY project, id"
        );
        let rows = self.rows(&sql, &[&projects_of(bounds), &bounds.lo, &bounds.hi])?;
        let mut found: Vec<IssueRow> = rows.iter().map(|row| known_of(row, bounds)).collect();
        self.many = true;
        let mut histories = self.histories(&found.iter().map(|known| known.id).collect::<Vec<_>>(), bounds)?;
        for known in &mut found {
            known.history = histories.remove(&known.id).unwrap_or_default();
        }
        Ok(found)
    }

    /// One issue, if it is of one of the scope's projects.
    pub(super) fn known_issue(&mut self, id: i64, bounds: &ResolvedScope) -> Result<Option<IssueRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM issue WHERE id=$1 AND project=ANY($2)");
        let Some(row) = self.row(&sql, &[&id, &projects_of(bounds)])? else { return Ok(None) };
        let mut known = known_of(&row, bounds);
        known.history = self.histories(&[id], bounds)?.remove(&id).unwrap_or_default();
        Ok(Some(known))
    }

    /// All events of an issue by cell, up to the end of the scope and of its environment; exact at the end too.
    pub(super) fn history(&self, known: &IssueRow, bounds: &ResolvedScope) -> Result<Vec<DayCount>, StoreError> {
        if known.of == (bounds.hi, bounds.env) {
            return Ok(known.history.clone());
        }
        let mut histories: HashMap<i64, Vec<DayCount>> = self.histories(&[known.id], bounds)?;
        Ok(histories.remove(&known.id).unwrap_or_default())
    }
}
