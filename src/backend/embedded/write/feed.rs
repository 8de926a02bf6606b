//! The feed's tables: each step is one transaction, so that several processes share them.
//! It uses `rusqlite`.
//! It never makes an entry twice.

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::writer::Writer;
use crate::{
    backend::embedded::{
        pack::moment,
        read::feed::{FINDING, finding_of, packed},
    },
    model::Timestamp,
    store::{Claim, Delivery, Finding, NewFinding, StoreError, WatchedFix},
};

impl Writer {
    pub(in crate::backend::embedded) fn record(&mut self, changes: &[NewFinding]) -> Result<usize, StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut fresh = 0;
        for change in changes {
            // Not `OR IGNORE`, which would use up an id for what is there already.
            let sql = "INSERT INTO finding(at, once, project, issue, kind, facts) SELECT ?1, ?2, ?3, ?4, ?5, ?6
                       WHERE NOT EXISTS(SELECT 1 FROM finding WHERE once=?2)";
            fresh += tx.prepare_cached(sql)?.execute(params![
                change.at.as_microsecond(),
                change.once,
                change.project,
                change.issue.as_ref().map(|issue| issue.id),
                change.kind.as_str(),
                packed(change),
            ])?;
        }
        tx.commit()?;
        Ok(fresh)
    }

    pub(in crate::backend::embedded) fn subscribe(
        &mut self,
        target: &str,
        start: Option<u64>,
    ) -> Result<(), StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let newest: u64 = tx.query_row("SELECT coalesce(max(id), 0) FROM finding", [], |row| row.get(0))?;
        let sql = "INSERT OR IGNORE INTO subscriber(target, start) VALUES(?1, ?2)";
        tx.execute(sql, params![target, start.unwrap_or(newest)])?;
        tx.execute("UPDATE subscriber SET gone=0 WHERE target=?1", [target])?;
        if let Some(start) = start {
            tx.execute("UPDATE subscriber SET start=?2 WHERE target=?1", params![target, start])?;
            tx.execute("DELETE FROM delivery WHERE target=?1 AND finding>?2", params![target, start])?;
        }
        tx.commit()?;
        Ok(())
    }

    /// The oldest entry that nobody has, or whose holder's time is over.
    pub(in crate::backend::embedded) fn take(
        &mut self,
        target: &str,
        now: i64,
        until: i64,
    ) -> Result<Option<(Finding, u32)>, StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = format!(
            "SELECT {FINDING}, coalesce(delivery.tries, 0) FROM finding
             JOIN subscriber ON subscriber.target=?1 AND subscriber.gone=0 AND finding.id>subscriber.start
             LEFT JOIN delivery ON delivery.target=?1 AND delivery.finding=finding.id
             WHERE delivery.finding IS NULL OR (delivery.done=0 AND delivery.until<=?2) ORDER BY finding.id LIMIT 1"
        );
        let taken = tx.query_row(&sql, params![target, now], |row| Ok((finding_of(row)?, row.get(8)?))).optional()?;
        if let Some((finding, _)) = &taken {
            let sql = "INSERT INTO delivery(target, finding, until, tries, done) VALUES(?1, ?2, ?3, 1, 0)
                       ON CONFLICT DO UPDATE SET until=excluded.until, tries=tries+1";
            tx.execute(sql, params![target, finding.id, until])?;
        }
        tx.commit()?;
        Ok(taken)
    }

    pub(in crate::backend::embedded) fn settle(
        &mut self,
        target: &str,
        finding: u64,
        told: Delivery,
    ) -> Result<(), StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match told {
            Delivery::Done => {
                tx.execute("UPDATE delivery SET done=1 WHERE target=?1 AND finding=?2", params![target, finding])?;
            }
            Delivery::Again(at) => {
                let sql = "UPDATE delivery SET until=?3 WHERE target=?1 AND finding=?2";
                tx.execute(sql, params![target, finding, at.as_microsecond()])?;
            }
            Delivery::Gone => {
                tx.execute("UPDATE subscriber SET gone=1 WHERE target=?1", [target])?;
            }
        }
        // What lies before the oldest open entry needs no rows of its own.
        let sql = "SELECT min(finding.id) FROM finding JOIN subscriber ON subscriber.target=?1 AND finding.id>subscriber.start
                   LEFT JOIN delivery ON delivery.target=?1 AND delivery.finding=finding.id
                   WHERE delivery.finding IS NULL OR delivery.done=0";
        let open: Option<u64> = tx.query_row(sql, [target], |row| row.get(0))?;
        let newest: u64 = tx.query_row("SELECT coalesce(max(id), 0) FROM finding", [], |row| row.get(0))?;
        let done = open.map_or(newest, |open| open - 1);
        tx.execute("UPDATE subscriber SET start=max(start, ?2) WHERE target=?1", params![target, done])?;
        tx.execute("DELETE FROM delivery WHERE target=?1 AND finding<=?2", params![target, done])?;
        tx.commit()?;
        Ok(())
    }

    pub(in crate::backend::embedded) fn claim(&mut self, claim: &Claim, now: i64) -> Result<Option<Claim>, StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let held: Option<(String, i64)> = tx
            .query_row("SELECT who, until FROM claim WHERE issue=?1", [claim.issue], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        if let Some((who, until)) = held
            && until > now
            && who != claim.who.raw()
        {
            return Ok(Some(Claim { issue: claim.issue, who: who.into(), until: moment(until) }));
        }
        let sql = "INSERT OR REPLACE INTO claim(issue, who, at, until) VALUES(?1, ?2, ?3, ?4)";
        tx.execute(sql, params![claim.issue, claim.who.raw(), now, claim.until.as_microsecond()])?;
        tx.commit()?;
        Ok(None)
    }

    pub(in crate::backend::embedded) fn unclaim(&mut self, issue: i64) -> Result<(), StoreError> {
        self.conn.execute("DELETE FROM claim WHERE issue=?1", [issue])?;
        Ok(())
    }

    pub(in crate::backend::embedded) fn watch_fix(&mut self, fix: &WatchedFix) -> Result<(), StoreError> {
        let sql = "INSERT INTO watched_fix(issue, release, environment, until) VALUES(?1, ?2, ?3, ?4)
                   ON CONFLICT DO UPDATE SET until=max(until, excluded.until)";
        let until = fix.until.as_microsecond();
        self.conn.execute(sql, params![fix.issue, fix.release.raw(), fix.environment.raw(), until])?;
        Ok(())
    }

    pub(in crate::backend::embedded) fn set_verdict(
        &mut self,
        fix: &WatchedFix,
        verdict: &str,
    ) -> Result<bool, StoreError> {
        let sql =
            "UPDATE watched_fix SET verdict=?4 WHERE issue=?1 AND release=?2 AND environment=?3 AND verdict IS ?5";
        let values = params![fix.issue, fix.release.raw(), fix.environment.raw(), verdict, fix.verdict];
        Ok(self.conn.execute(sql, values)? > 0)
    }
}

/// Microseconds since 1970.
pub(in crate::backend::embedded) fn stamp(at: Timestamp) -> i64 {
    at.as_microsecond()
}
