//! The history of an issue around a fix, as far as Sentry tells it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{
    ask::Ask,
    exposure::{Search, day_of, start_of},
    fault::optional,
    json::{count, list, text, time, word},
    operation::{EVENTS, ISSUES, SESSIONS},
    row::{Dataset, Row},
    store::SentryStore,
    terms::any_of,
    whole::IssueEvents,
};
use crate::{
    model::{
        EventId, FixCandidate, FixHistory, FixHit, FixRelease, Likeness, Recurrence, Release, Side, Sign, Timestamp,
        Untrusted, Use,
    },
    release::sides,
    store::{FixQuery, Scope, StoreError},
    verify::{ALIKE, Window, similarity},
};

/// Events of the issue that are read, newest first.
const HITS: usize = 1_000;
/// Points of a series that Sentry answers at most.
const POINTS: i64 = 10_000;
/// Hours that are looked at, at most.
const HOURS: i64 = 45 * 24;
/// Issues whose newest event is compared.
const COMPARED: usize = 3;
/// Newest events on the new side that are shown.
const RECURRENCES: usize = 5;
/// Hours of the last day, for who runs what.
const PRESENT_H: i64 = 24;

/// A release with an event of the issue (`None`: events that name none), and when the first was.
type Hit = (Option<Untrusted>, Option<Timestamp>);

/// What all steps need.
struct Around {
    scope: Scope,
    row: Row,
    list: Vec<FixRelease>,
    as_of: Timestamp,
}

impl Around {
    fn of(&self, side: Side) -> Vec<&str> {
        let named = self.list.iter().filter(|release| release.side == side && !release.version.is_empty());
        named.map(|release| release.version.raw()).collect()
    }

    fn place(&self, release: Option<&Untrusted>) -> usize {
        let found = release.and_then(|name| self.list.iter().position(|known| known.version == *name));
        found.unwrap_or(self.list.len() - 1)
    }
}

impl SentryStore {
    /// Answers `SignalStore::fix_history`.
    pub(super) async fn history_of_fix(&self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        let row = self.issue_row(&query.issue, &Scope { environment: None, ..query.scope.clone() }).await?;
        if self.is_glitchtip().await {
            return Err(StoreError::Unsupported(
                "GlitchTip tells neither sessions nor events by release: a fix can't be verified with it",
            ));
        }
        let scope = Scope { project: Some(row.issue.project.as_str().into()), start: None, ..query.scope.clone() };
        self.is_counted(&row, &scope).await?;
        let own = row.own();
        let own = Search { text: &own, dataset: row.dataset };
        let project = BTreeSet::from([row.issue.project.as_str()]);
        let (rows, known, uses, whole) = tokio::join!(
            self.release_rows(&scope),
            self.known_releases(&scope),
            self.uses_of(&scope, &project),
            self.whole_issue(&row, &scope)
        );
        let (uses, whole) = (uses?, whole?);
        let hit = match &whole {
            Some(whole) => whole.events.iter().map(|event| (event.release.clone(), Some(event.at))).collect(),
            None => self.hit_releases(&scope, own).await?,
        };
        let known: Vec<Release> = known?.into_iter().map(|facts| facts.release).collect();
        let was_hit = |release: &Release| hit.iter().any(|(hit, _)| hit.as_ref() == Some(&release.version));
        let found = sides(&query.release, &known, &known.iter().map(was_hit).collect::<Vec<_>>());
        let asked = found.asked.map(|at| known[at].version.clone());
        let new: Vec<&Release> =
            known.iter().zip(&found.sides).filter(|(_, s)| **s == Side::New).map(|(r, _)| r).collect();
        let events = first_events(&new, &rows?.items);
        let signs = signs(&new, uses.get(&row.issue.project).map(|used| &**used), &events);
        let sided = |(release, side): (&Release, &Side)| FixRelease { version: release.version.clone(), side: *side };
        let mut list: Vec<FixRelease> = known.iter().zip(&found.sides).map(sided).collect();
        list.push(FixRelease { version: "".into(), side: Side::Neither });
        let (kept_from, as_of) = self.span(&scope);
        let around = Around { scope, row, list, as_of };
        let mut history = start_of_history(&around, asked, query, signs);
        history.first_hit = first_hit(&around, &hit);
        history.whole_from = around.row.first_seen.filter(|first| *first < kept_from).map(|_| kept_from);
        if let Some(window) = Window::by_day(&history, as_of) {
            self.add_uses(&around, &window, &mut history).await?;
            match &whole {
                Some(whole) => add_whole(&around, &window, whole, &mut history),
                None => self.add_hits(&around, &window, &[around.row.issue.id.0], 0, &mut history).await?,
            }
            self.add_lost(&around.scope, (of_hour(window.start), around.as_of), &mut history).await?;
            date_signs(&mut history, &new, &events, &window);
            let window = Window::of(&history, as_of).unwrap_or(window);
            let again = history.hits.iter().any(|hit| around.list[hit.release].side == Side::New);
            if !again {
                self.add_candidates(&around, &window, &mut history).await?;
            }
        }
        Ok(history)
    }

    /// Releases with an event of the issue, each with the first.
    async fn hit_releases(&self, scope: &Scope, own: Search<'_>) -> Result<Vec<Hit>, StoreError> {
        let fields = ["release", "count()", "min(timestamp)"];
        let pages = optional(self.groups(scope, own, &fields, "-count()", 300).await)?;
        Ok(pages.items.iter().map(|row| (text(row, "release"), time(row, "min(timestamp)"))).collect())
    }

    /// Sessions and their users by hour and release; without any, other issues' users.
    async fn add_uses(&self, around: &Around, window: &Window, history: &mut FixHistory) -> Result<(), StoreError> {
        let from = window.start.min(window.cut - PRESENT_H).max(window.cut - HOURS);
        let hours = (window.cut - from).max(1);
        let room = usize::try_from(POINTS / (hours + 1)).unwrap_or(1).max(2);
        let mut names = around.of(Side::New);
        names.extend(around.of(Side::Control).into_iter().rev());
        if names.len() > room {
            names.truncate(room);
            history.gaps.push("Sentry answers so many releases by the hour at once: the oldest are left out");
        }
        let scope = Scope { start: Some(of_hour(from)), end: Some(of_hour(window.cut)), ..around.scope.clone() };
        let ask = Ask::new(&SESSIONS)
            .each("field", ["sum(session)", "count_unique(user)"])
            .param("groupBy", "release")
            .param("interval", "1h")
            .param("includeSeries", "1")
            .param("includeTotals", "0")
            .param("query", any_of("release", names.iter().copied()))
            .between(of_hour(from), of_hour(window.cut));
        let reply = optional(self.server.send(&self.scoped(ask, &scope).await?).await.map(|reply| reply.json))?;
        history.uses = session_uses(around, window, &reply);
        if history.uses.is_empty() {
            self.add_event_uses(around, &scope, history).await?;
        }
        Ok(())
    }

    async fn add_event_uses(&self, around: &Around, scope: &Scope, history: &mut FixHistory) -> Result<(), StoreError> {
        let others = format!("!issue.id:{}", around.row.issue.id);
        let fields = ["release", "timestamp.to_hour", "count()", "count_unique(user)"];
        let pages = optional(self.groups(scope, &others, &fields, "-timestamp.to_hour", HITS).await)?;
        if pages.more {
            history.gaps.push("there are more hours and releases with events than were read: the oldest are left out");
        }
        for row in &pages.items {
            let Some(at) = time(row, "timestamp.to_hour") else { continue };
            let (events, users) = (count(row, "count()").unwrap_or(0), count(row, "count_unique(user)").unwrap_or(0));
            let release = around.place(text(row, "release").as_ref());
            let events = if users > 0 { users } else { events };
            history.uses.push(Use { hour: at.as_second().div_euclid(3_600), release, events, ..Use::default() });
        }
        history.gaps.push("the project has no sessions: use is told by events of other issues");
        Ok(())
    }

    /// Events of those issues, each a group of its own from `group` on.
    async fn add_hits(
        &self,
        around: &Around,
        window: &Window,
        ids: &[i64],
        group: usize,
        history: &mut FixHistory,
    ) -> Result<(), StoreError> {
        // Issues that took its place are sought among errors.
        let dataset = if group == 0 { around.row.dataset } else { Dataset::Errors };
        let texts: Vec<String> = ids.iter().map(i64::to_string).collect();
        let ask = Ask::new(&EVENTS)
            .param("dataset", dataset.name())
            .each("field", ["id", "issue.id", "timestamp", "user", "release"])
            .param("query", any_of("issue.id", texts.iter().map(String::as_str)))
            .param("sort", "-timestamp")
            .param("per_page", "100")
            .between(of_hour(window.start), around.as_of);
        let pages = self.server.pages(self.scoped(ask, &around.scope).await?, "data", HITS).await;
        let pages = optional(pages)?;
        if pages.more {
            history.gaps.push("the issue has more events than were read: the oldest are left out");
        }
        let mut users: HashMap<String, u32> = HashMap::new();
        for row in &pages.items {
            let Some(at) = time(row, "timestamp") else { continue };
            let Some(place) = ids.iter().position(|id| count(row, "issue.id") == u64::try_from(*id).ok()) else {
                continue;
            };
            let next = u32::try_from(users.len()).unwrap_or(u32::MAX);
            let user = text(row, "user").map(|user| *users.entry(user.into_raw()).or_insert(next));
            let release = text(row, "release");
            add_hit(around, (at, user, release.as_ref(), group + place), word(row, "id").parse().ok(), history);
        }
        Ok(())
    }

    /// Issues that began with the new side and whose newest event is like this one's.
    async fn add_candidates(
        &self,
        around: &Around,
        window: &Window,
        history: &mut FixHistory,
    ) -> Result<(), StoreError> {
        let new = around.of(Side::New);
        let ask = Ask::new(&ISSUES)
            .param("query", any_of("firstRelease", new.iter().copied().take(50)))
            .param("sort", "freq")
            .param("limit", "25")
            .between(window.deploy, around.as_of);
        let reply = self.server.send(&self.scoped(ask, &around.scope).await?).await;
        let rows = match reply {
            Ok(reply) => list(&reply.json, "").to_vec(),
            Err(fault) if fault.is_lacking() => return Ok(()),
            Err(fault) => return Err(fault.into()),
        };
        let own = &around.row.issue;
        let mut rows: Vec<Row> =
            rows.iter().filter_map(|json| self.row(json)).filter(|row| row.issue.id != own.id).collect();
        let near = |row: &Row| {
            let of_frame = |row: &crate::model::Issue| row.top_frame.as_ref().and_then(|frame| frame.function.clone());
            let same_frame = of_frame(&row.issue).is_some() && of_frame(&row.issue) == of_frame(own);
            u8::from(same_frame) * 2 + u8::from(row.issue.culprit == own.culprit)
        };
        rows.retain(|row| near(row) > 0);
        rows.sort_by_key(|row| std::cmp::Reverse((near(row), row.events)));
        rows.truncate(COMPARED);
        if rows.is_empty() {
            return Ok(());
        }
        let Some(like) = self.likeness(own.id.0).await? else { return Ok(()) };
        let mut ids = Vec::new();
        for row in rows {
            let Some(other) = self.likeness(row.issue.id.0).await? else { continue };
            let similarity = similarity(&like, &other);
            if similarity >= ALIKE {
                ids.push(row.issue.id.0);
                let first_seen = row.first_seen.unwrap_or(window.deploy);
                history.candidates.push(FixCandidate { issue: row.issue, similarity, first_seen, events: row.events });
            }
        }
        if ids.is_empty() { Ok(()) } else { self.add_hits(around, window, &ids, 1, history).await }
    }

    async fn likeness(&self, issue: i64) -> Result<Option<Likeness>, StoreError> {
        let Some(event) = self.newest_event(&issue.to_string()).await? else { return Ok(None) };
        let frames = event.exceptions.iter().flat_map(|exception| &exception.frames);
        let first = event.exceptions.first();
        Ok(Some(Likeness {
            functions: frames.filter(|frame| frame.in_app).filter_map(|frame| frame.function.clone()).collect(),
            transaction: event.transaction.clone(),
            ty: first.and_then(|exception| exception.ty.clone()),
            value: first.and_then(|exception| exception.value.clone()).or_else(|| event.message.clone()),
        }))
    }
}

fn start_of_history(around: &Around, asked: Option<Untrusted>, query: &FixQuery, signs: Vec<Sign>) -> FixHistory {
    FixHistory {
        issue: around.row.issue.clone(),
        releases: around.list.clone(),
        asked_seen: asked.is_some(),
        asked: asked.unwrap_or_else(|| query.release.raw().trim().into()),
        signs,
        first_hit: None,
        whole_from: None,
        hits: Vec::new(),
        uses: Vec::new(),
        lost: Vec::new(),
        conditions: Vec::new(),
        candidates: Vec::new(),
        returning: None,
        recurrences: Vec::new(),
        gaps: vec![
            "Sentry does not tell which users came back, so returning users are not counted",
            "Sentry's sessions tell no tags, so no condition is followed",
        ],
    }
}

/// First event before the fix.
fn first_hit(around: &Around, hit: &[Hit]) -> Option<Timestamp> {
    let before = hit.iter().filter(|(release, _)| around.list[around.place(release.as_ref())].side != Side::New);
    before.filter_map(|(_, first)| *first).min()
}

/// The events of an issue that was read whole.
fn add_whole(around: &Around, window: &Window, whole: &IssueEvents, history: &mut FixHistory) {
    let mut users: HashMap<&Untrusted, u32> = HashMap::new();
    for event in whole.within((of_hour(window.start), around.as_of), None) {
        let next = u32::try_from(users.len()).unwrap_or(u32::MAX);
        let user = event.user.as_ref().map(|user| *users.entry(user).or_insert(next));
        add_hit(around, (event.at, user, event.release.as_ref(), 0), event.id, history);
    }
}

/// One event of an issue. Of the asked one, the newest on the new side are shown.
fn add_hit(
    around: &Around,
    (at, user, release, group): (Timestamp, Option<u32>, Option<&Untrusted>, usize),
    event: Option<EventId>,
    history: &mut FixHistory,
) {
    let release = around.place(release);
    history.hits.push(FixHit { at, user, release, group, conditions: 0 });
    let recurs = group == 0 && around.list[release].side == Side::New && history.recurrences.len() < RECURRENCES;
    if let (true, Some(event)) = (recurs, event) {
        history.recurrences.push(Recurrence { event, release: around.list[release].version.clone(), at });
    }
}

/// The first event of each release of the new side.
fn first_events(new: &[&Release], rows: &[Value]) -> Vec<Timestamp> {
    let row = |release: &&Release| rows.iter().find(|row| text(row, "version").as_ref() == Some(&release.version));
    new.iter().filter_map(row).filter_map(|row| time(row, "firstEvent")).collect()
}

/// The days with use of the new side, each by its start. Where use is told by sessions, an event may have come before
/// the first of them.
fn signs(new: &[&Release], used: Option<&super::exposure::Exposure>, events: &[Timestamp]) -> Vec<Sign> {
    let mut days: BTreeMap<i64, u64> = BTreeMap::new();
    for ((day, release), n) in used.iter().flat_map(|used| &used.cells) {
        if new.iter().any(|known| known.version.raw() == release) {
            *days.entry(*day).or_default() += n;
        }
    }
    for event in events {
        days.entry(day_of(*event)).or_insert(1);
    }
    days.into_iter().map(|(day, n)| Sign { first: start_of(day), n }).collect()
}

/// Dates the sign of each day: by the moment where it is known, else by the first hour with use.
fn date_signs(history: &mut FixHistory, new: &[&Release], events: &[Timestamp], window: &Window) {
    let is_new = |release: usize| history.releases[release].side == Side::New;
    let own = history.hits.iter().filter(|hit| hit.group == 0 && is_new(hit.release)).map(|hit| hit.at);
    let exact: Vec<Timestamp> = own.chain(events.iter().copied()).collect();
    let used: Vec<Timestamp> =
        history.uses.iter().filter(|used| is_new(used.release)).map(|used| of_hour(used.hour)).collect();
    let seen: Vec<Timestamp> = new.iter().map(|release| release.first_seen).collect();
    let (mut signs, mut undated) = (history.signs.clone(), Vec::new());
    for sign in &mut signs {
        let day = day_of(sign.first);
        let earliest = |times: &[Timestamp]| times.iter().copied().filter(|at| day_of(*at) == day).min();
        // The hour that goes on is not among the hours with use.
        let unfinished = Some(of_hour(window.cut)).filter(|at| day_of(*at) == day);
        let Some(first) = earliest(&exact).into_iter().chain(earliest(&used)).min().or(unfinished) else {
            undated.push(day);
            sign.first = earliest(&seen).unwrap_or(sign.first);
            continue;
        };
        // Sessions are known by the hour: what happened within that hour is as early as anything known.
        let in_hour = |at: &Timestamp| hour_of(*at) == hour_of(first);
        let moments = [earliest(&exact), earliest(&seen)].into_iter().flatten().filter(in_hour);
        sign.first = moments.min().unwrap_or(first);
    }
    history.signs = signs;
    if Window::of(history, of_hour(window.cut)).is_some_and(|window| undated.contains(&day_of(window.deploy))) {
        history.gaps.push("Sentry tells the day that the fix arrived, not the hour");
    }
}

fn session_uses(around: &Around, window: &Window, reply: &Value) -> Vec<Use> {
    let hours: Vec<Option<i64>> = list(reply, "intervals")
        .iter()
        .map(|at| crate::protocol::timestamp(at).map(|at| at.as_second().div_euclid(3_600)))
        .collect();
    let mut uses = Vec::new();
    for group in list(reply, "groups") {
        let release = around.place(group.get("by").and_then(|by| text(by, "release")).as_ref());
        let series = |name: &str| group.get("series").map_or(&[][..], |series| list(series, name));
        let (sessions, users) = (series("sum(session)"), series("count_unique(user)"));
        for (at, hour) in hours.iter().enumerate() {
            let n = |list: &[Value]| list.get(at).and_then(Value::as_u64).unwrap_or(0);
            let Some(hour) = hour.filter(|hour| *hour < window.cut) else { continue };
            if n(sessions) > 0 {
                uses.push(Use { hour, release, users: n(users), sessions: n(sessions), ..Use::default() });
            }
        }
    }
    uses
}

fn of_hour(hour: i64) -> Timestamp {
    Timestamp::from_second(hour * 3_600).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Whole hours since 1970.
fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}
