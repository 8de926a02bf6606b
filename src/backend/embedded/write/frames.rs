//! Counting frames: in how many issues each stands, and in how many it is nearest to the crash.
//! It uses `rusqlite` and the packed forms.
//! It never counts an issue twice for one frame.

use rusqlite::{Connection, params};
use serde_json::json;

use super::commit::Commit;
use crate::{
    answers::{Mention, STACKS, mentions},
    backend::embedded::pack::{Trace, decode_keys, encode_keys},
    model::Event,
    store::StoreError,
};

/// Events with one stack in one transaction.
pub(super) struct StackDelta {
    project: u64,
    events: u64,
    trace: Trace,
    mentions: Vec<(Mention, String)>,
}

impl Commit<'_> {
    /// Notes the stack of an event.
    pub(super) fn touch_stack(&mut self, project: u64, issue: i64, trace: &Trace, event: &Event) {
        let touch = || StackDelta { project, events: 0, trace: trace.clone(), mentions: mentions(event) };
        self.stacks.entry((issue, trace.stack)).or_insert_with(touch).events += 1;
    }

    /// Writes what was noted.
    pub(super) fn write_stacks(&mut self) -> Result<(), StoreError> {
        for ((issue, stack), touch) in std::mem::take(&mut self.stacks) {
            let known = self
                .conn
                .prepare_cached("UPDATE stack SET events=events+?3 WHERE issue=?1 AND stack=?2")?
                .execute(params![issue, stack, touch.events])?;
            if stack == 0 {
                // No frame of the application: nothing to count, but texts to find it by.
                self.write_first_mentions(issue, &touch)?;
            } else if known == 0 {
                self.new_stack(issue, stack, &touch)?;
            }
        }
        Ok(())
    }

    fn write_first_mentions(&self, issue: i64, touch: &StackDelta) -> Result<(), StoreError> {
        let sql = "SELECT NOT EXISTS(SELECT 1 FROM mention WHERE issue=?1)";
        let first: bool = self.conn.prepare_cached(sql)?.query_row([issue], |row| row.get(0))?;
        if first { self.write_mentions(issue, &touch.mentions) } else { Ok(()) }
    }

    fn new_stack(&self, issue: i64, stack: i64, touch: &StackDelta) -> Result<(), StoreError> {
        let added = self
            .conn
            .prepare_cached(
                "INSERT INTO stack(issue, stack, events, frames)
                 SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM stack WHERE issue=?1) < ?5",
            )?
            .execute(params![issue, stack, touch.events, encode_keys(&touch.trace.frames), STACKS])?;
        if added > 0 {
            self.write_mentions(issue, &touch.mentions)?;
            for frame in &touch.trace.frames {
                self.count_frame(touch.project, issue, *frame, touch.trace.near.contains(frame))?;
            }
        }
        Ok(())
    }

    fn count_frame(&self, project: u64, issue: i64, frame: i64, near: bool) -> Result<(), StoreError> {
        let key = params![project, frame, issue];
        let new = self
            .conn
            .prepare_cached("INSERT OR IGNORE INTO frame_issue(project, frame, issue, near) VALUES(?1, ?2, ?3, 0)")?
            .execute(key)?;
        let sql = "UPDATE frame_issue SET near=1 WHERE project=?1 AND frame=?2 AND issue=?3 AND near=0";
        let newly_near = if near { self.conn.prepare_cached(sql)?.execute(key)? } else { 0 };
        if new + newly_near > 0 {
            self.conn
                .prepare_cached(
                    "INSERT INTO frame(project, frame, issues, near) VALUES(?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET issues=issues+excluded.issues, near=near+excluded.near",
                )?
                .execute(params![project, frame, new, newly_near])?;
        }
        Ok(())
    }
}

/// Takes an issue, of which no event is left, out of the counts.
pub(super) fn forget_stacks(conn: &Connection, issue: i64) -> Result<(), StoreError> {
    let project: u64 =
        conn.prepare_cached("SELECT project FROM issue WHERE id=?1")?.query_row([issue], |row| row.get(0))?;
    let mut statement = conn.prepare_cached("SELECT frames FROM stack WHERE issue=?1")?;
    let packed: Vec<Vec<u8>> = statement.query_map([issue], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut frames = Vec::new();
    for packed in packed {
        frames.extend(decode_keys(&packed)?);
    }
    let frames = json!(frames).to_string();
    conn.prepare_cached(
        "UPDATE frame SET issues=frame.issues-1, near=frame.near-own.near FROM frame_issue AS own
         WHERE frame.project=?1 AND frame.frame IN (SELECT value FROM json_each(?2))
           AND own.project=?1 AND own.frame=frame.frame AND own.issue=?3",
    )?
    .execute(params![project, frames, issue])?;
    conn.prepare_cached(
        "DELETE FROM frame_issue WHERE project=?1 AND frame IN (SELECT value FROM json_each(?2)) AND issue=?3",
    )?
    .execute(params![project, frames, issue])?;
    conn.prepare_cached(
        "DELETE FROM frame WHERE project=?1 AND frame IN (SELECT value FROM json_each(?2)) AND issues<=0",
    )?
    .execute(params![project, frames])?;
    conn.prepare_cached("DELETE FROM stack WHERE issue=?1")?.execute([issue])?;
    conn.prepare_cached("DELETE FROM mention WHERE issue=?1")?.execute([issue])?;
    conn.prepare_cached("DELETE FROM library_issue WHERE issue=?1")?.execute([issue])?;
    Ok(())
}
