//! What a transaction changes about issues, releases and projects, gathered, and written with one statement each.
//! It uses `tokio_postgres`.
//! It never touches a row twice.

use std::collections::{BTreeMap, BTreeSet};

use super::{event::clean, names::Names};
use crate::{
    answers::{MENTIONS, Mention, STACKS, Trace},
    backend::cluster::postgres::Lent,
    model::{TopFrame, Untrusted},
    store::{EventRecord, StoreError},
};

/// What the events of an issue in this transaction say.
struct IssueTouch {
    first: i64,
    last: i64,
    level: i16,
    frame: Option<TopFrame>,
    attended: bool,
}

/// A stack that is new, or not known to be kept.
struct StackTouch {
    project: u64,
    trace: Trace,
    mentions: Vec<(Mention, String)>,
}

/// Everything that was touched.
#[derive(Default)]
pub(super) struct Touched {
    issues: BTreeMap<i64, IssueTouch>,
    releases: BTreeMap<u32, (i64, i64)>,
    projects: BTreeMap<u64, (i64, Option<String>)>,
    stacks: BTreeMap<(i64, i64), StackTouch>,
    pub(super) hashes: Vec<(u64, [u8; 16], i64)>,
}

impl Touched {
    /// Notes a sign of life of a release.
    pub(super) fn release(&mut self, release: u32, at: i64) {
        if release != 0 {
            let seen = self.releases.entry(release).or_insert((at, at));
            *seen = (seen.0.min(at), seen.1.max(at));
        }
    }

    /// Notes the newest event of a project.
    pub(super) fn project(&mut self, project: u64, at: i64, platform: Option<&str>) {
        let seen = self.projects.entry(project).or_insert((i64::MIN, None));
        if at >= seen.0 {
            *seen = (at, platform.map(clean));
        }
    }

    /// Notes an event of an issue.
    pub(super) fn issue(&mut self, issue: i64, record: &EventRecord, ts: i64) {
        let touch =
            || IssueTouch { first: ts, last: i64::MIN, level: record.event.level as i16, frame: None, attended: false };
        let touch = self.issues.entry(issue).or_insert_with(touch);
        touch.first = touch.first.min(ts);
        touch.attended |= !record.unattended;
        if ts >= touch.last {
            touch.last = ts;
            touch.level = record.event.level as i16;
            touch.frame.clone_from(&record.group.top_frame);
        }
    }

    /// Notes the stack of an event.
    pub(super) fn stack(
        &mut self,
        project: u64,
        issue: i64,
        trace: Trace,
        mentions: impl FnOnce() -> Vec<(Mention, String)>,
    ) {
        self.stacks.entry((issue, trace.stack)).or_insert_with(|| StackTouch { project, trace, mentions: mentions() });
    }

    /// Writes everything.
    pub(super) async fn write(self, lent: &Lent, names: &mut Names) -> Result<(), StoreError> {
        self.write_hashes(lent).await?;
        self.write_issues(lent).await?;
        self.write_releases(lent).await?;
        self.write_projects(lent).await?;
        for ((issue, stack), touch) in self.stacks {
            match stack {
                0 => first_mentions(lent, issue, &touch).await?,
                _ => new_stack(lent, issue, stack, &touch).await?,
            }
            names.stacks.insert((issue, stack));
        }
        Ok(())
    }

    async fn write_hashes(&self, lent: &Lent) -> Result<(), StoreError> {
        if self.hashes.is_empty() {
            return Ok(());
        }
        let projects: Vec<i64> = self.hashes.iter().map(|(project, ..)| *project as i64).collect();
        let hashes: Vec<&[u8]> = self.hashes.iter().map(|(_, hash, _)| &hash[..]).collect();
        let issues: Vec<i64> = self.hashes.iter().map(|(.., issue)| *issue).collect();
        let sql = "INSERT INTO grouphash(project, hash, issue)
                   SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) ON CONFLICT DO NOTHING";
        lent.execute(sql, &[&projects, &hashes, &issues]).await?;
        Ok(())
    }

    async fn write_issues(&self, lent: &Lent) -> Result<(), StoreError> {
        if self.issues.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = self.issues.keys().copied().collect();
        let of = |get: &dyn Fn(&IssueTouch) -> i64| self.issues.values().map(get).collect::<Vec<i64>>();
        let (firsts, lasts) = (of(&|touch| touch.first), of(&|touch| touch.last));
        let levels: Vec<i16> = self.issues.values().map(|touch| touch.level).collect();
        let attended: Vec<bool> = self.issues.values().map(|touch| touch.attended).collect();
        let frames = || self.issues.values().map(|touch| touch.frame.as_ref());
        let text = |text: Option<&'_ Untrusted>| text.map(|text| clean(text.raw()));
        let functions: Vec<Option<String>> =
            frames().map(|frame| text(frame.and_then(|frame| frame.function.as_ref()))).collect();
        let files: Vec<Option<String>> =
            frames().map(|frame| text(frame.and_then(|frame| frame.file.as_ref()))).collect();
        let lines: Vec<Option<i64>> =
            frames().map(|frame| frame.and_then(|frame| frame.line.map(|line| line as i64))).collect();
        let sql = "UPDATE issue SET first=least(issue.first, new.first), last=greatest(issue.last, new.last),
                     attended=issue.attended OR new.attended,
                     level=CASE WHEN new.last>=issue.last THEN new.level ELSE issue.level END,
                     function=CASE WHEN new.last>=issue.last THEN coalesce(new.function, issue.function) ELSE issue.function END,
                     file=CASE WHEN new.last>=issue.last THEN coalesce(new.file, issue.file) ELSE issue.file END,
                     line=CASE WHEN new.last>=issue.last THEN coalesce(new.line, issue.line) ELSE issue.line END
                   FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::boolean[], $6::text[],
                               $7::text[], $8::bigint[])
                     AS new(id, first, last, level, attended, function, file, line)
                   WHERE issue.id=new.id";
        lent.execute(sql, &[&ids, &firsts, &lasts, &levels, &attended, &functions, &files, &lines]).await?;
        Ok(())
    }

    async fn write_releases(&self, lent: &Lent) -> Result<(), StoreError> {
        if self.releases.is_empty() {
            return Ok(());
        }
        let ids: Vec<i32> = self.releases.keys().map(|id| *id as i32).collect();
        let (firsts, lasts): (Vec<i64>, Vec<i64>) = self.releases.values().copied().unzip();
        let sql = "UPDATE release SET first=least(release.first, new.first), last=greatest(release.last, new.last)
                   FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS new(id, first, last)
                   WHERE release.id=new.id AND (release.first>new.first OR release.last<new.last)";
        lent.execute(sql, &[&ids, &firsts, &lasts]).await?;
        Ok(())
    }

    async fn write_projects(&self, lent: &Lent) -> Result<(), StoreError> {
        for (project, (at, platform)) in &self.projects {
            let sql = "UPDATE project SET last_event=$2, platform=coalesce($3, platform)
                       WHERE id=$1 AND (last_event IS NULL OR last_event<=$2)";
            lent.execute(sql, &[&(*project as i64), at, platform]).await?;
        }
        Ok(())
    }
}

/// Texts of an event without frames of the application: those of the first alone.
async fn first_mentions(lent: &Lent, issue: i64, touch: &StackTouch) -> Result<(), StoreError> {
    let sql = "SELECT NOT EXISTS(SELECT 1 FROM mention WHERE issue=$1)";
    let first: bool = lent.query_one(sql, &[&issue]).await?.get(0);
    if first { write_mentions(lent, issue, &touch.mentions).await } else { Ok(()) }
}

async fn new_stack(lent: &Lent, issue: i64, stack: i64, touch: &StackTouch) -> Result<(), StoreError> {
    let sql = "INSERT INTO stack(issue, stack, frames)
               SELECT $1, $2, $3 WHERE (SELECT count(*) FROM stack WHERE issue=$1)<$4 ON CONFLICT DO NOTHING";
    if lent.execute(sql, &[&issue, &stack, &touch.trace.frames, &STACKS]).await? == 0 {
        return Ok(());
    }
    write_mentions(lent, issue, &touch.mentions).await?;
    let frames: BTreeSet<i64> = touch.trace.frames.iter().copied().collect();
    let near: Vec<bool> = frames.iter().map(|frame| touch.trace.near.contains(frame)).collect();
    let frames: Vec<i64> = frames.into_iter().collect();
    let sql = "INSERT INTO frame_issue(project, frame, issue, near)
               SELECT $1, frame, $2, near FROM unnest($3::bigint[], $4::boolean[]) AS new(frame, near)
               ON CONFLICT(project, frame, issue) DO UPDATE SET near=frame_issue.near OR excluded.near";
    lent.execute(sql, &[&(touch.project as i64), &issue, &frames, &near]).await?;
    Ok(())
}

async fn write_mentions(lent: &Lent, issue: i64, mentions: &[(Mention, String)]) -> Result<(), StoreError> {
    let kinds: Vec<i16> = mentions.iter().map(|(kind, _)| *kind as i16).collect();
    let texts: Vec<String> = mentions.iter().map(|(_, text)| clean(text)).collect();
    let sql = "INSERT INTO mention(issue, kind, text)
               SELECT $1, kind, text FROM unnest($2::smallint[], $3::text[]) WITH ORDINALITY AS new(kind, text, place)
               WHERE place<=$4-(SELECT count(*) FROM mention WHERE issue=$1) ON CONFLICT DO NOTHING";
    lent.execute(sql, &[&issue, &kinds, &texts, &MENTIONS]).await?;
    Ok(())
}
