//! What belongs to an event beside it: logs of its trace, files, what users wrote.
//! It uses `rusqlite` and JSON of single items.
//! It never fails an event for a broken extra: that one is left out.

use rusqlite::params;
use serde_json::Value;

use super::super::engine::{pool::Snapshot, scope::ResolvedScope};
use crate::{
    answers::message_of,
    backend::embedded::pack::moment,
    model::Event,
    store::{AttachmentInfo, Feedback, ItemKind, LogLine, StoreError},
};

/// Attachments and messages at most.
const MOST: i64 = 50;

/// What belongs to an event.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct Extras {
    pub(in crate::backend::embedded::read) logs: Vec<LogLine>,
    pub(in crate::backend::embedded::read) attachments: Vec<AttachmentInfo>,
    pub(in crate::backend::embedded::read) feedback: Vec<Feedback>,
}

impl Snapshot<'_> {
    /// What users wrote; with `all`, logs and files as well.
    pub(in crate::backend::embedded::read) fn extras(
        &mut self,
        project: u64,
        event: &Event,
        bounds: &ResolvedScope,
        all: bool,
    ) -> Result<Extras, StoreError> {
        let id = event.id.0.to_be_bytes();
        let feedback = self.feedback(project, &id, bounds)?;
        if !all {
            return Ok(Extras { feedback, ..Extras::default() });
        }
        let logs = match &event.trace_id {
            Some(trace) => self.logs(project, trace, bounds)?,
            None => Vec::new(),
        };
        Ok(Extras { logs, attachments: self.attachments(project, &id, bounds)?, feedback })
    }

    fn attachments(
        &self,
        project: u64,
        id: &[u8; 16],
        bounds: &ResolvedScope,
    ) -> Result<Vec<AttachmentInfo>, StoreError> {
        let sql = "SELECT name, content_type, size FROM item
                   WHERE parent=?1 AND kind=?2 AND project=?3 AND ts<=?4 ORDER BY id LIMIT ?5";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows =
            statement.query_map(params![&id[..], ItemKind::Attachment.code(), project, bounds.hi, MOST], |row| {
                Ok(AttachmentInfo {
                    filename: row.get::<_, Option<String>>(0)?.map(Into::into),
                    content_type: row.get::<_, Option<String>>(1)?.map(Into::into),
                    size_bytes: row.get(2)?,
                })
            })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn feedback(&mut self, project: u64, id: &[u8; 16], bounds: &ResolvedScope) -> Result<Vec<Feedback>, StoreError> {
        let sql = "SELECT ts, z FROM item WHERE parent=?1 AND kind=?2 AND project=?3 AND ts<=?4 ORDER BY ts LIMIT ?5";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![&id[..], ItemKind::Feedback.code(), project, bounds.hi, MOST])?;
        let mut feedback = Vec::new();
        while let Some(row) = rows.next()? {
            let body = self.unpacker.body(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let message = serde_json::from_slice::<Value>(&body).ok().and_then(|body| message_of(&body));
            feedback.extend(message.map(|message| Feedback { timestamp: moment(row.get(0).unwrap_or(0)), message }));
        }
        Ok(feedback)
    }
}
