//! Who is affected: users by release, by time, by tag, and against whom they stand out.

use std::collections::{BTreeMap, HashMap};

use super::{
    cells::{NOT_COUNTED, Side, conditions, shares},
    exposure::{Health, Search, day_of},
    fault::optional,
    json::{count, text, time},
    row::{Dataset, Row},
    store::SentryStore,
    terms::{any_of, push},
    trend::trend_of,
    whole::{IssueEvents, OfUser, TAGS, by_release, by_user},
};
use crate::{
    model::{SessionCounts, Timestamp, Untrusted},
    store::{
        AffectedFacts, AffectedQuery, AffectedSessions, Baseline, DiagnosisQuery, ReleaseUsers, SampleUser, Scope,
        StoreError,
    },
};

/// Users that are looked at one by one.
const USERS: usize = 100;
/// Tags shown where none is asked for.
const SHOWN: usize = 6;
/// A tag with more values than that is not shown unasked.
const MOST_VALUES: usize = 200;
/// Asked for where no issue tells its tags.
const USUAL: [&str; 10] = [
    "browser",
    "browser.name",
    "os",
    "os.name",
    "device",
    "device.family",
    "runtime",
    "runtime.name",
    "geo.country_code",
    "customerType",
];

/// The question, as the upstream is asked.
struct Searched {
    scope: Scope,
    /// Events of the issue (or of all), in the asked releases.
    hit: String,
    /// Where those are.
    dataset: Dataset,
    /// Events of the others.
    others: String,
    tags: Vec<String>,
}

impl Searched {
    fn hit(&self) -> Search<'_> {
        Search { text: &self.hit, dataset: self.dataset }
    }
}

/// What is told of the events themselves, before they are compared with others.
struct Own {
    facts: AffectedFacts,
    /// Users by release.
    releases: HashMap<String, u64>,
    /// Who has which tags, where it came along.
    side: Option<Side>,
}

impl SentryStore {
    /// Answers `SignalStore::affected`.
    pub(super) async fn who_is_affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        let row = match &query.issue {
            Some(issue) => Some(self.issue_row(issue, &query.scope).await?),
            None => None,
        };
        if self.is_glitchtip().await {
            return self.glitchtip_affected(query).await;
        }
        let searched = searched(query, row.as_ref());
        if let Some(row) = &row {
            self.is_counted(row, &searched.scope).await?;
        }
        let scope = &searched.scope;
        // Boxed: together they would take much of a thread's stack.
        let (own, base, ()) = tokio::try_join!(
            Box::pin(self.own(query, &searched, row.as_ref())),
            Box::pin(self.base(&searched)),
            Box::pin(self.warm(scope))
        )?;
        let Own { mut facts, releases, side } = own;
        let (sessions, parted, active) = tokio::join!(
            Box::pin(self.add_sessions(scope, releases)),
            Box::pin(self.parted(query, &searched, (side, base), facts.in_period)),
            self.active(scope, row.as_ref(), facts.in_period)
        );
        facts.issue = row.map(|row| row.issue);
        (facts.per_release, facts.sessions) = sessions?;
        facts.active_users = active?.max(facts.in_period);
        self.add_tags(&mut facts, query, &searched.tags, parted?);
        if facts.in_period > USERS as u64 {
            facts.warnings.push("returning users are counted among the hundred with most events");
        }
        Ok(facts)
    }

    /// Whether Sentry tells the events of an issue one by one.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for what is no error, where it does not: nothing is made up of no rows.
    pub(super) async fn is_counted(&self, row: &Row, scope: &Scope) -> Result<(), StoreError> {
        if row.dataset == Dataset::Errors || row.events == 0 {
            return Ok(());
        }
        let own = row.own();
        let search = Search { text: &own, dataset: row.dataset };
        match self.totals(&self.whole(scope), search).await {
            Ok((0, _)) => Err(StoreError::Unsupported(NOT_COUNTED)),
            other => other.map(|_| ()),
        }
    }

    /// Why an issue can't be diagnosed with counts of frames, or at all.
    pub(super) async fn not_diagnosed(&self, query: &DiagnosisQuery) -> Result<StoreError, StoreError> {
        Ok(match self.issue_row(&query.issue, &query.scope).await?.dataset {
            Dataset::Errors => StoreError::Unsupported("Sentry does not count the frames of stacks"),
            Dataset::Occurrences => StoreError::Invalid(
                "this issue is no error: Sentry made it of slow queries, feedback, missed check-ins or the like, so there is \
                 no failure to diagnose; get_event shows what it was made of",
            ),
        })
    }

    /// What will be asked for whatever the events are, meanwhile.
    async fn warm(&self, scope: &Scope) -> Result<(), StoreError> {
        let whole = self.whole(scope);
        tokio::try_join!(self.health(scope), self.known_releases(&whole), self.with_sessions(scope))?;
        Ok(())
    }

    /// The others by tag, and how many they are.
    async fn base(&self, searched: &Searched) -> Result<(Side, u64), StoreError> {
        if searched.others.is_empty() {
            // Of all issues together nobody is left to compare with.
            return Ok((Side { by_user: true, ..Side::default() }, 0));
        }
        let search = Search::from(&searched.others);
        let (_, others) = self.totals(&searched.scope, search).await?;
        Ok((self.cells(&searched.scope, search, &searched.tags, others).await?, others))
    }

    async fn active(&self, scope: &Scope, row: Option<&Row>, users: u64) -> Result<u64, StoreError> {
        let Some(row) = row else {
            let one = scope.project.is_some();
            return if one { self.all_active_users(scope).await } else { self.active_across(scope).await };
        };
        let seen = BTreeMap::from([(row.issue.project.as_str(), users)]);
        Ok(self.active_users(scope, &seen).await?.values().sum())
    }

    /// Of an issue with few events out of these, else out of groups of them.
    async fn own(&self, query: &AffectedQuery, searched: &Searched, row: Option<&Row>) -> Result<Own, StoreError> {
        let whole = match row {
            Some(row) => self.whole_issue(row, &searched.scope).await?,
            None => None,
        };
        match whole {
            Some(whole) => Ok(self.own_of_few(query, searched, &whole)),
            None => self.own_of_many(query, searched, row).await,
        }
    }

    fn own_of_few(&self, query: &AffectedQuery, searched: &Searched, whole: &IssueEvents) -> Own {
        let scope = &searched.scope;
        let since = query.since.as_deref();
        let (start, end) = self.span(scope);
        let ever = by_user(&whole.within((Timestamp::MIN, end), since));
        let within = whole.within((start, end), since);
        let users = by_user(&within);
        let mut facts = AffectedFacts {
            total: ever.len() as u64,
            in_period: users.len() as u64,
            events: within.len() as u64,
            anonymous_events: within.iter().filter(|event| event.user.is_none()).count() as u64,
            trend: trend_of(&within, scope, query.buckets),
            ..Default::default()
        };
        for (user, of) in users {
            let first = ever.get(user).map_or(of.first, |ever| ever.first);
            self.add_user(&mut facts, scope, user, of, Some(first));
        }
        shorten(&mut facts, query.sample);
        Own { facts, releases: by_release(&within), side: whole.side(self, &within, &searched.tags) }
    }

    async fn own_of_many(
        &self,
        query: &AffectedQuery,
        searched: &Searched,
        row: Option<&Row>,
    ) -> Result<Own, StoreError> {
        let (scope, hit) = (&searched.scope, searched.hit());
        let whole = self.whole(scope);
        let by_user = ["user", "count()", "min(timestamp)", "max(timestamp)"];
        let known = row.filter(|_| query.since.is_none()).and_then(|row| Some((row.first_seen?, row.last_seen?)));
        let (within, ever, users, releases, trend) = tokio::join!(
            self.totals(scope, hit),
            self.totals(&whole, hit),
            self.groups(&whole, hit, &by_user, "-count()", USERS),
            self.releases_hit(scope, hit, 100),
            async {
                match known {
                    Some(span) => self.trend(scope, hit, Some(span), query.buckets).await.map(Some),
                    None => Ok(None),
                }
            }
        );
        let ((events, in_period), (_, total)) = (within?, ever?);
        let users = optional(users)?.items;
        let mut facts = AffectedFacts { total, in_period, events, ..Default::default() };
        self.add_users(&mut facts, scope, hit, &users, query.sample).await?;
        facts.trend = match trend? {
            Some(trend) => trend,
            None => self.trend(scope, hit, span_of(&users), query.buckets).await?,
        };
        facts.warnings.push("distinct users are the upstream's own counts, which it estimates past some thousands");
        Ok(Own { facts, releases: releases?, side: None })
    }

    /// Sample, returning and anonymous. Rows reach over all time, so a period needs its own.
    async fn add_users(
        &self,
        facts: &mut AffectedFacts,
        scope: &Scope,
        hit: Search<'_>,
        ever: &[serde_json::Value],
        most: usize,
    ) -> Result<(), StoreError> {
        let fields = ["user", "count()", "min(timestamp)", "max(timestamp)"];
        let own;
        let rows = if scope.start.is_none() {
            ever
        } else {
            own = optional(self.groups(scope, hit, &fields, "-count()", USERS).await)?.items;
            &own
        };
        let first: HashMap<Untrusted, Timestamp> =
            ever.iter().filter_map(|row| Some((text(row, "user")?, time(row, "min(timestamp)")?))).collect();
        for row in rows {
            let events = count(row, "count()").unwrap_or(0);
            let Some(user) = text(row, "user") else {
                facts.anonymous_events += events;
                continue;
            };
            if let (Some(lo), Some(hi)) = (time(row, "min(timestamp)"), time(row, "max(timestamp)")) {
                let of = OfUser { events, first: lo, last: hi };
                self.add_user(facts, scope, &user, of, first.get(&user).copied());
            }
        }
        shorten(facts, most);
        Ok(())
    }

    /// One user; `first` is the first event ever.
    fn add_user(
        &self,
        facts: &mut AffectedFacts,
        scope: &Scope,
        user: &Untrusted,
        of: OfUser,
        first: Option<Timestamp>,
    ) {
        let before = first.is_some_and(|first| scope.start.is_some_and(|start| first < start));
        facts.returning += u64::from(before || day_of(of.first) != day_of(of.last));
        let user = self.pseudonym(user.raw());
        facts.sample.push(SampleUser { user, events: of.events, last_seen: of.last });
    }

    async fn releases_hit(
        &self,
        scope: &Scope,
        hit: Search<'_>,
        most: usize,
    ) -> Result<HashMap<String, u64>, StoreError> {
        let fields = ["release", "count()", "count_unique(user)"];
        let pages = optional(self.groups(scope, hit, &fields, "-count()", most).await)?;
        let users = |row: &serde_json::Value| {
            Some((text(row, "release")?.into_raw(), count(row, "count_unique(user)").unwrap_or(0)))
        };
        Ok(pages.items.iter().filter_map(users).collect())
    }

    async fn add_sessions(
        &self,
        scope: &Scope,
        hit: HashMap<String, u64>,
    ) -> Result<(Vec<ReleaseUsers>, Option<AffectedSessions>), StoreError> {
        let whole = self.whole(scope);
        let (health, known) = tokio::join!(self.health(scope), self.known_releases(&whole));
        let (health, known) = (health?, known?);
        let told = |(name, users): (&String, &u64)| health.get(name).is_some_and(|health| health.users >= *users);
        // Releases without sessions, or with more users than these tell, are told by their events.
        let with_events =
            if hit.iter().all(told) { HashMap::new() } else { self.releases_hit(scope, "".into(), 300).await? };
        let nobody = Health::default();
        let mut counts = SessionCounts::default();
        let mut per_release = Vec::new();
        for facts in known {
            let name = facts.release.version.raw();
            let Some(users) = hit.get(name) else { continue };
            let health = health.get(name).unwrap_or(&nobody);
            let active = health.users.max(with_events.get(name).copied().unwrap_or(0)).max(*users);
            counts.total += health.counts.total;
            counts.crashed += health.counts.crashed;
            per_release.push(ReleaseUsers {
                release: facts.release.version.clone(),
                users: *users,
                active_users: Some(active),
            });
        }
        Ok((per_release, (counts.total > 0).then_some(AffectedSessions { counts, affected: None, users: None })))
    }

    /// The affected and the others by tag, and how many others there are.
    async fn parted(
        &self,
        query: &AffectedQuery,
        searched: &Searched,
        (own, (base, others)): (Option<Side>, (Side, u64)),
        users: u64,
    ) -> Result<(Side, Side, u64), StoreError> {
        let scope = &searched.scope;
        let hit = match own {
            Some(side) => side,
            None => self.cells(scope, searched.hit(), &searched.tags, users).await?,
        };
        let both = hit.by_user && base.by_user && !base.cut;
        let base = if both { base.without(&hit.names()) } else { base };
        let others = if both { base.names().len() as u64 } else { others };
        let sessions = match query.baseline {
            Baseline::OtherEvents => 0,
            Baseline::Sessions | Baseline::AllUsers => {
                self.health(scope).await?.values().map(|health| health.users).max().unwrap_or(0)
            }
        };
        Ok((hit, base, others.max(sessions)))
    }

    fn add_tags(
        &self,
        facts: &mut AffectedFacts,
        query: &AffectedQuery,
        tags: &[String],
        (hit, base, others): (Side, Side, u64),
    ) {
        facts.baseline_users = others;
        let events = facts.in_period == 0 && facts.events > 0;
        if query.shared_by > 0 {
            facts.conditions = conditions(tags, &hit, &base, query.shared_by, events);
            if events {
                facts.warnings.push("no event of it names a user: conditions are those of events");
            }
        }
        let asked = query.by.len().min(tags.len());
        let shown = if query.by.is_empty() { telling(tags, &hit, facts.events) } else { (0..asked).collect() };
        let all = shown.into_iter().map(|tag| (Untrusted::from(tags[tag].as_str()), shares(&hit, &base, tag)));
        facts.breakdown = all.filter(|(_, shares)| !shares.is_empty() || !query.by.is_empty()).collect();
        if query.baseline != Baseline::OtherEvents {
            facts
                .warnings
                .push("Sentry tells no tags of users with sessions alone: shares are of users with other events");
        }
        if query.since.is_some() {
            facts.warnings.push("the baseline's users are of all releases in the period");
        }
        if hit.cut || base.cut {
            facts.warnings.push("tags have more combinations than were read: shares are of the most frequent ones");
        } else if !(hit.by_user && base.by_user) {
            facts.warnings.push("users seen with several tag values are counted under each");
        }
    }
}

fn searched(query: &AffectedQuery, row: Option<&Row>) -> Searched {
    let mut scope = query.scope.clone();
    let (mut hit, mut others) = (String::new(), String::new());
    let asked = query.by.iter().map(|tag| tag.raw().to_owned());
    let mut tags: Vec<String> = asked.collect();
    if let Some(row) = row {
        // Whoever uses another project was never at risk.
        scope.project = Some(row.issue.project.as_str().into());
        push(&mut hit, &row.own());
        push(&mut others, &format!("!issue.id:{}", row.issue.id));
        let known = tags.clone();
        tags.extend(row.telling_tags().into_iter().filter(|tag| !known.contains(tag)));
    }
    if tags.is_empty() {
        tags = USUAL.map(str::to_owned).to_vec();
    }
    tags.truncate(TAGS);
    if let Some(since) = &query.since {
        push(&mut hit, &any_of("release", since.iter().map(Untrusted::raw)));
    }
    let dataset = row.map_or(Dataset::Errors, |row| row.dataset);
    Searched { scope, hit, dataset, others, tags }
}

/// The tags that tell most: carried by most of the events, with few values.
fn telling(tags: &[String], hit: &Side, events: u64) -> Vec<usize> {
    let mut keys: Vec<(usize, usize, u64)> = (0..tags.len())
        .map(|tag| {
            let values = hit.by_value(tag);
            (tag, values.len(), values.values().map(|(_, events)| events).sum())
        })
        .filter(|(_, values, _)| (1..=MOST_VALUES).contains(values))
        .collect();
    keys.sort_by_key(|(tag, values, covered)| (std::cmp::Reverse(covered * 10 / events.max(1)), *values, *tag));
    keys.into_iter().take(SHOWN).map(|(tag, ..)| tag).collect()
}

fn span_of(rows: &[serde_json::Value]) -> Option<(Timestamp, Timestamp)> {
    let first = rows.iter().filter_map(|row| time(row, "min(timestamp)")).min()?;
    let last = rows.iter().filter_map(|row| time(row, "max(timestamp)")).max()?;
    Some((first, last))
}

fn shorten(facts: &mut AffectedFacts, most: usize) {
    facts.sample.sort_by_key(|user| std::cmp::Reverse((user.events, user.last_seen)));
    facts.sample.truncate(most);
}
