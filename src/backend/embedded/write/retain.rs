//! Retention: drops whole days, oldest first, a slice a transaction.
//! It uses `rusqlite` and the packed forms.
//! It never leaves counts that include what it dropped.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    fold::write_chunk,
    frames::forget_stacks,
    libraries::forget_libraries,
    rebuild::{facts_of, recount},
    writer::Writer,
};
use crate::{
    backend::embedded::pack::{Columns, DAY_US, Fact, day_of},
    store::StoreError,
};

/// Issues a transaction.
const ISSUES: usize = 32;
/// Items a transaction: they may be megabytes each.
const ITEMS: i64 = 200;
/// Freed pages given back at once.
const PAGES: i64 = 2_000;

impl Writer {
    /// Drops what happened on the days before that of `before`; returns how many events that were.
    pub(in crate::backend::embedded) fn retain(&mut self, before: i64) -> Result<u64, StoreError> {
        let day = day_of(before);
        self.fold_all()?;
        let cut = day.saturating_mul(DAY_US);
        let issues: Vec<i64> = {
            let mut statement = self.conn.prepare_cached("SELECT DISTINCT issue FROM chunk WHERE lo<?1")?;
            statement.query_map([cut], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        let mut dropped = 0;
        for issues in issues.chunks(ISSUES) {
            dropped += self.cut_issues(issues, cut, &|fact| fact.ts < cut, &|_, _| Ok(()))?;
            self.commit_waiting();
        }
        self.drop_days(day)?;
        forget_libraries(&self.conn, cut)?;
        self.names.forget();
        self.drop_items(cut)?;
        self.drop_parts(cut)?;
        self.drop_bundles(cut)?;
        self.give_back()?;
        Ok(dropped)
    }

    /// Drops events of chunks that begin before a time; `gone` is told of each before its body is dropped.
    pub(super) fn cut_issues(
        &mut self,
        issues: &[i64],
        before: i64,
        drops: &dyn Fn(&Fact) -> bool,
        gone: &dyn Fn(&Connection, &Fact) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut dropped = 0;
        for issue in issues {
            let chunks: Vec<i64> = tx
                .prepare_cached("SELECT id FROM chunk WHERE issue=?1 AND lo<?2")?
                .query_map(params![issue, before], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for chunk in chunks {
                let facts = facts_of(&tx, &mut self.unpacker, *issue, chunk)?;
                let (old, kept): (Vec<&Fact>, Vec<&Fact>) = facts.iter().partition(|fact| drops(fact));
                if old.is_empty() {
                    continue;
                }
                for fact in &old {
                    gone(&tx, fact)?;
                    tx.prepare_cached("DELETE FROM body WHERE seq=?1")?.execute([fact.seq])?;
                }
                dropped += old.len() as u64;
                tx.prepare_cached("DELETE FROM chunk WHERE issue=?1 AND id=?2")?.execute(params![issue, chunk])?;
                write_chunk(&tx, *issue, chunk, &Columns::of(kept))?;
            }
            tx.prepare_cached("DELETE FROM rollup WHERE issue=?1")?.execute([issue])?;
            tx.prepare_cached("DELETE FROM issue_users WHERE issue=?1")?.execute([issue])?;
            recount(&tx, &mut self.unpacker, *issue, |_| Ok(()))?;
            let left = "SELECT EXISTS(SELECT 1 FROM rollup WHERE issue=?1)";
            if !tx.prepare_cached(left)?.query_row([issue], |row| row.get::<_, bool>(0))? {
                forget_stacks(&tx, *issue)?;
            }
        }
        tx.commit()?;
        Ok(dropped)
    }

    fn drop_days(&mut self, before: i64) -> Result<(), StoreError> {
        for (days, delete) in [
            ("SELECT DISTINCT day FROM base WHERE day<?1", "DELETE FROM base WHERE day=?1"),
            ("SELECT DISTINCT day FROM base_request WHERE day<?1", "DELETE FROM base_request WHERE day=?1"),
            ("SELECT DISTINCT day FROM active WHERE day<?1", "DELETE FROM active WHERE day=?1"),
            ("SELECT DISTINCT day FROM eid WHERE day<?1", "DELETE FROM eid WHERE day=?1"),
            ("SELECT DISTINCT day FROM session WHERE day<?1", "DELETE FROM session WHERE day=?1"),
            ("SELECT DISTINCT day FROM item_once WHERE day<?1", "DELETE FROM item_once WHERE day=?1"),
            ("SELECT DISTINCT day FROM outcome WHERE day<?1", "DELETE FROM outcome WHERE day=?1"),
        ] {
            let days: Vec<i64> =
                self.conn.prepare(days)?.query_map([before], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for day in days {
                self.conn.execute(delete, [day])?;
                self.commit_waiting();
            }
        }
        let hour = before.saturating_mul(24);
        self.conn.execute("DELETE FROM used WHERE hour<?1", [hour])?;
        self.conn.execute("DELETE FROM dropped WHERE hour<?1", [hour])?;
        self.conn.execute("DELETE FROM sess WHERE hour<?1", [hour])?;
        self.conn.execute("DELETE FROM sess_users WHERE hour<?1", [hour])?;
        Ok(())
    }

    fn drop_items(&mut self, cut: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM item WHERE id IN (SELECT id FROM item WHERE ts<?1 LIMIT ?2)";
        while self.conn.execute(sql, params![cut, ITEMS])? > 0 {
            self.commit_waiting();
        }
        Ok(())
    }

    fn drop_parts(&mut self, cut: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM part WHERE id IN (SELECT id FROM part WHERE last<?1 LIMIT ?2)";
        while self.conn.execute(sql, params![cut, ITEMS])? > 0 {
            self.commit_waiting();
        }
        self.repack_before(cut)?;
        self.conn.execute("DELETE FROM joined WHERE at<?1", [cut])?;
        self.conn.execute("DELETE FROM reported WHERE at<?1", [cut])?;
        self.conn.execute("DELETE FROM traffic WHERE hour<?1", [cut.div_euclid(DAY_US).saturating_mul(24)])?;
        self.conn.execute("DELETE FROM part_day WHERE day<?1", [day_of(cut)])?;
        Ok(())
    }

    pub(super) fn give_back(&mut self) -> Result<(), StoreError> {
        let free = |conn: &Connection| conn.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0));
        let mut left = free(&self.conn)?;
        while left > 0 {
            self.conn.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
            self.commit_waiting();
            let now = free(&self.conn)?;
            if now >= left {
                break;
            }
            left = now;
        }
        Ok(())
    }
}
