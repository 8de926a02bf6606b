//! The log lines of a trace, whichever service wrote them: as Sentry SDKs sent them, and out of parts of traces.
//! It uses `rusqlite` and JSON of single lines.
//! It never shows a line of a project outside the scope.

use rusqlite::params;

use crate::{
    answers::log_line,
    backend::embedded::{
        pack::{digest64, moment},
        read::engine::{pool::Snapshot, scope::ResolvedScope},
    },
    ingest::Part,
    model::{Data, Untrusted},
    store::{ItemKind, LogLine, StoreError},
};

/// Log lines at most: those nearest before the event come first.
const LOGS: usize = 100;
/// Parts of a trace that are read at most.
const PARTS: i64 = 200;

impl Snapshot<'_> {
    /// Lines of the trace up to the scope's end, oldest first; those of other projects say which.
    pub(in crate::backend::embedded::read) fn logs(
        &mut self,
        project: u64,
        trace: &Untrusted,
        bounds: &ResolvedScope,
    ) -> Result<Vec<LogLine>, StoreError> {
        let key = digest64(trace.raw()) as i64;
        let mut logs: Vec<(u64, LogLine)> = Vec::new();
        {
            let sql = "SELECT ts, project, z FROM item WHERE trace=?1 AND kind=?2 AND ts<=?3 ORDER BY ts DESC LIMIT ?4";
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query(params![key, ItemKind::Log.code(), bounds.hi, LOGS])?;
            while let Some(row) = rows.next()? {
                let body = self.unpacker.body(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
                let of: u64 = row.get(1)?;
                logs.extend(log_line(row.get(0)?, &body).map(|line| (of, line)));
            }
            let sql = "SELECT project, z FROM part WHERE trace=?1 AND first<=?2 ORDER BY id DESC LIMIT ?3";
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query(params![key, bounds.hi, PARTS])?;
            while let Some(row) = rows.next()? {
                let body = self.unpacker.body(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
                let of: u64 = row.get(0)?;
                let part: Option<Part> = serde_json::from_slice(&body).ok();
                let lines = part.into_iter().flat_map(|part| part.logs).filter(|log| log.at <= bounds.hi);
                logs.extend(lines.map(|log| (of, line_of(log))));
            }
        }
        logs.retain(|(of, _)| bounds.slug(*of).is_some());
        logs.sort_by_key(|(_, line)| line.timestamp);
        logs.drain(..logs.len().saturating_sub(LOGS));
        let named = |(of, mut line): (u64, LogLine)| {
            if let Some(slug) = bounds.slug(of).filter(|_| of != project) {
                line.attributes.insert(0, ("project".into(), Data::Text(slug.into())));
            }
            line
        };
        Ok(logs.into_iter().map(named).collect())
    }
}

fn line_of(log: crate::ingest::LogLine) -> LogLine {
    let thrown = || log.thrown.as_ref().and_then(|t| t.values.last()?.get("value")?.as_str()).unwrap_or("").to_owned();
    LogLine {
        timestamp: moment(log.at),
        level: Some(log.level.as_str().into()),
        body: if log.body.is_empty() { thrown().into() } else { log.body.as_str().into() },
        attributes: log.attributes.iter().map(|(key, value)| (key.as_str().into(), Data::from(value))).collect(),
    }
}
