//! What a diagnosis looks at: how often the frames of an issue stand in stacks, and which issues are like it.
//! It uses both databases.
//! It never walks over bodies but those of a few events.

use std::collections::{BTreeSet, HashMap, HashSet};

use tokio_postgres::Row;

use super::{
    history::{places, wanted},
    issues::IssueRow,
    moment::Moment,
};
use crate::{
    answers::{self, ANY, EventFilter, ResolvedScope, json_to_event, keys_of, known_releases, meant_issue, moment},
    backend::cluster::clickhouse::list,
    diagnosis::{LibraryUse, changed},
    grouping::{is_shared_by_name, place_names},
    model::{Event, EventId, Exception, FrameStats, IssueFrequency, LibraryChange, Timestamp},
    store::{DiagnosisFacts, DiagnosisQuery, SiblingIssue, StoreError},
};

/// A frame that more issues share tells no kinship.
const TELLING: u64 = 50;
/// Issues compared at most.
const COMPARED: usize = 60;
/// Events with a replay that are looked at to learn its id.
const REPLAYS: usize = 3;
/// Lists of libraries in releases that are compared at most: those of the issue, then the newest.
const USES: usize = 400;

/// The stacks of one issue.
struct Stacks {
    events: u64,
    /// By frame: events whose stack has it.
    frames: HashMap<i64, u64>,
    different: u64,
}

impl Moment {
    /// Answers `SignalStore::diagnosis`.
    pub(in crate::backend::cluster) fn diagnosis(
        &mut self,
        query: &DiagnosisQuery,
    ) -> Result<DiagnosisFacts, StoreError> {
        let bounds = answers::resolve(self, &query.scope)?;
        let rels = match &query.release {
            Some(name) => Some(known_releases(self, &bounds)?.named(std::slice::from_ref(name))?),
            None => None,
        };
        let issue = answers::issue(self, &query.issue, &query.scope)?;
        let known = meant_issue(self, &query.issue, &bounds)?;
        let at = wanted(&EventFilter::of(&bounds, rels.as_ref()));
        let none = || StoreError::NotFound {
            what: "event",
            asked: "none of the issue in this scope".into(),
            near: Vec::new(),
        };
        let best = self.richest(&known, &at)?.ok_or_else(none)?;
        let event = self.opened(&known, best)?.ok_or(StoreError::Invalid("an event vanished while it was read"))?;
        let stacks = self.stacks(known.project, known.id)?;
        let standings =
            event.exceptions.iter().map(|e| self.standings(known.project, e, &stacks)).collect::<Result<_, _>>()?;
        let samples = self.samples(&known, &at, query.samples)?;
        let mut replays: Vec<EventId> = event.replay_id.into_iter().collect();
        for replay in self.newest_replays(&known, &at)? {
            if !replays.contains(&replay) {
                replays.push(replay);
            }
        }
        let own: Vec<i64> = stacks.frames.keys().copied().filter(|frame| *frame != ANY).collect();
        let spreads = self.spreads(known.project, &own)?;
        let mut frames: Vec<(i64, u64)> =
            own.into_iter().map(|frame| (frame, spreads.get(&frame).map_or(0, |spread| spread.issues))).collect();
        frames.sort_unstable();
        let (siblings, same_fault) = self.siblings(&known, &frames, &bounds, query.siblings.min(COMPARED))?;
        let issues = self.spreads(known.project, &[ANY])?.get(&ANY).map_or(0, |spread| spread.issues);
        Ok(DiagnosisFacts {
            issue,
            event,
            standings,
            issues,
            stacks: stacks.different,
            frames,
            samples,
            replays,
            siblings,
            same_fault,
            libraries: self.library_changes(&known, &bounds)?,
            counted_to: self.newest_of(known.project)?,
        })
    }

    fn newest_of(&self, project: u64) -> Result<Option<Timestamp>, StoreError> {
        let row = self.row("SELECT last_event FROM project WHERE id=$1", &[&(project as i64)])?;
        Ok(row.and_then(|row| row.get::<_, Option<i64>>(0)).map(moment))
    }

    pub(super) fn opened(&self, known: &IssueRow, at: (i64, u64)) -> Result<Option<Event>, StoreError> {
        let stored = self.stored(known, at)?;
        Ok(stored.map(|stored| json_to_event(&stored.json, stored.id, moment(stored.ts))))
    }

    /// The newest events of different users; those of nobody count each.
    fn samples(&self, known: &IssueRow, at: &str, most: usize) -> Result<Vec<Event>, StoreError> {
        let sql = format!(
            "SELECT ts, seq FROM event WHERE project={} AND issue={}{at} ORDER BY ts DESC, seq DESC
             LIMIT 1 BY user, if(user=0, seq, 0) LIMIT {most}",
            known.project, known.id
        );
        let mut samples = Vec::new();
        for place in self.facts::<(i64, u64)>(&sql)? {
            samples.extend(self.opened(known, place)?);
        }
        Ok(samples)
    }

    fn newest_replays(&self, known: &IssueRow, at: &str) -> Result<Vec<EventId>, StoreError> {
        let sql = format!(
            "SELECT hex(replay) FROM event WHERE project={} AND issue={}{at} AND replayed
             ORDER BY ts DESC, seq DESC LIMIT {REPLAYS}",
            known.project, known.id
        );
        let found = self.facts::<(String,)>(&sql)?.into_iter();
        Ok(found.filter_map(|(hex,)| u128::from_str_radix(&hex, 16).ok().map(EventId)).collect())
    }

    fn stacks(&self, project: u64, issue: i64) -> Result<Stacks, StoreError> {
        let rows = self.rows("SELECT stack, frames FROM stack WHERE issue=$1", &[&issue])?;
        let mut stacks = Stacks { events: 0, frames: HashMap::new(), different: rows.len() as u64 };
        if rows.is_empty() {
            return Ok(stacks);
        }
        let sql = format!(
            "SELECT stack, count() FROM event WHERE project={project} AND issue={issue} AND stack IN {} GROUP BY stack",
            list(rows.iter().map(|row| row.get::<_, i64>(0)))
        );
        let counts: HashMap<i64, u64> = self.facts::<(i64, u64)>(&sql)?.into_iter().collect();
        for row in rows {
            let events = counts.get(&row.get::<_, i64>(0)).copied().unwrap_or(0);
            stacks.events += events;
            for frame in row.get::<_, Vec<i64>>(1) {
                *stacks.frames.entry(frame).or_default() += events;
            }
        }
        Ok(stacks)
    }

    /// In how many issues each frame stands, and in how many it is nearest to the crash.
    fn spreads(&self, project: u64, frames: &[i64]) -> Result<HashMap<i64, IssueFrequency>, StoreError> {
        let sql = "SELECT frame, count(*), count(*) FILTER (WHERE near) FROM frame_issue
                   WHERE project=$1 AND frame=ANY($2) GROUP BY frame";
        let rows = self.rows(sql, &[&(project as i64), &frames])?;
        let count = |row: &Row, at: usize| row.get::<_, i64>(at) as u64;
        let spread = |row: &Row| (row.get(0), IssueFrequency { issues: count(row, 1), near: count(row, 2) });
        Ok(rows.iter().map(spread).collect())
    }

    fn standings(
        &self,
        project: u64,
        exception: &Exception,
        stacks: &Stacks,
    ) -> Result<Vec<Option<FrameStats>>, StoreError> {
        let names = place_names(exception);
        let keys: Vec<i64> = names.iter().flatten().flat_map(keys_of).collect();
        let spreads = self.spreads(project, &keys)?;
        let of = |key: i64| spreads.get(&key).copied().unwrap_or_default();
        let named = exception.frames.iter().zip(names).map(|(frame, place)| {
            let place = place.filter(|_| frame.in_app)?;
            let [key, file] = keys_of(&place);
            let function = of(key);
            (function.issues > 0).then(|| FrameStats {
                key,
                share: stacks.frames.get(&key).copied().unwrap_or(0) as f64 / stacks.events.max(1) as f64,
                function,
                file: of(file),
                shared_by_name: is_shared_by_name(frame),
                named: place.function.is_some(),
            })
        });
        Ok(named.collect())
    }

    /// Issues with a telling frame or the fault of the issue, and how many have the fault.
    fn siblings(
        &self,
        known: &IssueRow,
        frames: &[(i64, u64)],
        bounds: &ResolvedScope,
        most: usize,
    ) -> Result<(Vec<SiblingIssue>, u64), StoreError> {
        let project = known.project as i64;
        let row = self.row("SELECT fault FROM issue WHERE id=$1", &[&known.id])?;
        let fault: Option<String> = row.and_then(|row| row.get(0));
        let sql = "SELECT id FROM issue WHERE project=$1 AND fault=$2 AND first<=$3 AND last>=$4 AND id<>$5
                   ORDER BY id LIMIT 500";
        let rows = self.rows(sql, &[&project, &fault, &bounds.hi, &bounds.lo, &known.id])?;
        let with_fault: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        let mut ids: BTreeSet<i64> = with_fault.iter().rev().take(most / 2).copied().collect();
        let mut telling: Vec<_> = frames.iter().filter(|(_, issues)| (2..=TELLING).contains(issues)).collect();
        telling.sort_unstable_by_key(|(frame, issues)| (*issues, *frame));
        for (frame, _) in telling {
            let sql = "SELECT issue FROM frame_issue WHERE project=$1 AND frame=$2";
            ids.extend(self.rows(sql, &[&project, frame])?.iter().map(|row| row.get::<_, i64>(0)));
            if ids.len() > most {
                break;
            }
        }
        let mut siblings = Vec::new();
        for id in ids.into_iter().filter(|id| *id != known.id).take(most) {
            siblings.extend(self.sibling(id, with_fault.contains(&id), bounds)?);
        }
        Ok((siblings, with_fault.len() as u64))
    }

    fn sibling(&self, id: i64, same_fault: bool, bounds: &ResolvedScope) -> Result<Option<SiblingIssue>, StoreError> {
        let sql = "SELECT short_id, title, type, first FROM issue WHERE id=$1 AND first<=$2 AND last>=$3";
        let Some(row) = self.row(sql, &[&id, &bounds.hi, &bounds.lo])? else { return Ok(None) };
        let rows = self.rows("SELECT frames FROM stack WHERE issue=$1", &[&id])?;
        let frames: HashSet<i64> = rows.iter().flat_map(|row| row.get::<_, Vec<i64>>(0)).collect();
        let mut frames: Vec<i64> = frames.into_iter().filter(|frame| *frame != ANY).collect();
        frames.sort_unstable();
        Ok(Some(SiblingIssue {
            short_id: row.get(0),
            title: row.get::<_, String>(1).into(),
            ty: row.get::<_, Option<String>>(2).map(Into::into),
            first_seen: moment(row.get(3)),
            frames,
            same_fault,
        }))
    }

    /// Libraries of which the issue's events carry another version than the project's other events, up to the scope's end.
    fn library_changes(&self, known: &IssueRow, bounds: &ResolvedScope) -> Result<Vec<LibraryChange>, StoreError> {
        let of_project = ResolvedScope { env: None, ..bounds.clone() };
        let sql = format!(
            "SELECT libraries, rel, count(), countIf(issue={}) AS own, max(ts) AS last FROM event
             WHERE {} AND project={} AND libraries!=0 GROUP BY libraries, rel HAVING min(ts)<={}
             ORDER BY own>0 DESC, last DESC LIMIT {USES}",
            known.id,
            places(&of_project),
            known.project,
            bounds.hi
        );
        let uses: Vec<(i64, u32, u64, u64, i64)> = self.facts(&sql)?;
        let differ = uses.iter().any(|used| used.3 > 0) && uses.iter().any(|used| used.3 == 0);
        if !differ {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = uses.iter().map(|used| used.0).collect();
        let rows = self.rows("SELECT id, text FROM library_list WHERE id=ANY($1)", &[&ids])?;
        let texts: HashMap<i64, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let lists: HashMap<i64, Vec<(&str, &str)>> = texts
            .iter()
            .map(|(list, text)| (*list, text.lines().filter_map(|line| line.split_once('\t')).collect()))
            .collect();
        let uses = uses.iter().filter_map(|(list, release, events, own, last)| {
            let libraries = lists.get(list)?;
            Some(LibraryUse { libraries, release: *release, events: *events, own: *own, last: *last })
        });
        Ok(changed(&uses.collect::<Vec<_>>()))
    }
}
