//! Who is affected: users by release, by time, by tag, and against whom they stand out.

use std::collections::HashMap;

use super::{
    cells::{Side, conditions, shares},
    exposure::{Health, day_of},
    json::{count, text, time},
    releases::optional,
    row::Row,
    store::SentryStore,
    terms::{any_of, push},
};
use crate::{
    model::{SessionCounts, Timestamp, Untrusted},
    store::{
        AffectedFacts, AffectedQuery, AffectedSessions, Baseline, NO_CONDITION, ReleaseUsers, SampleUser, Scope,
        StoreError,
    },
};

/// Users that are looked at one by one.
const USERS: usize = 100;
/// Tags that fit into one question beside its counts.
const TAGS: usize = 14;
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
    /// Events of the others.
    others: String,
    tags: Vec<String>,
}

impl SentryStore {
    /// Answers `SignalStore::affected`.
    pub(super) async fn who_is_affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        let row = match &query.issue {
            Some(issue) => Some(self.issue_row(issue, &query.scope).await?),
            None => None,
        };
        let searched = searched(query, row.as_ref());
        let whole = self.whole(&searched.scope);
        let (scope, hit) = (&searched.scope, searched.hit.as_str());
        let by_user = ["user", "count()", "min(timestamp)", "max(timestamp)"];
        let (within, ever, users, releases) = tokio::join!(
            self.totals(scope, hit),
            self.totals(&whole, hit),
            self.groups(&whole, hit, &by_user, "-count()", USERS),
            self.releases_hit(scope, hit)
        );
        let ((events, in_period), (_, total)) = (within?, ever?);
        let users = optional(users)?.items;
        let mut facts =
            AffectedFacts { total, in_period, events, issue: row.map(|row| row.issue), ..Default::default() };
        self.add_users(&mut facts, scope, hit, &users, query.sample).await?;
        let (sessions, trend, parted, active) = tokio::join!(
            self.add_sessions(scope, &whole, releases?),
            self.trend(scope, hit, span_of(&users), query.buckets),
            self.parted(query, &searched, &facts),
            self.active_users(scope)
        );
        (facts.per_release, facts.sessions) = sessions?;
        facts.trend = trend?;
        let active = active?;
        facts.active_users = if active.len() > 1 { self.active_across(scope).await? } else { active.values().sum() };
        facts.active_users = facts.active_users.max(in_period);
        self.add_tags(&mut facts, query, &searched.tags, parted?);
        if facts.in_period > USERS as u64 {
            facts.warnings.push("returning users are counted among the hundred with most events");
        }
        facts.warnings.push("distinct users are the upstream's own counts, which it estimates past some thousands");
        Ok(facts)
    }

    /// Sample, returning and anonymous. Rows reach over all time, so a period needs its own.
    async fn add_users(
        &self,
        facts: &mut AffectedFacts,
        scope: &Scope,
        hit: &str,
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
            let n = count(row, "count()").unwrap_or(0);
            let Some(user) = text(row, "user") else {
                facts.anonymous_events += n;
                continue;
            };
            let (Some(lo), Some(hi)) = (time(row, "min(timestamp)"), time(row, "max(timestamp)")) else { continue };
            let before = first.get(&user).is_some_and(|first| scope.start.is_some_and(|start| *first < start));
            facts.returning += u64::from(before || day_of(lo) != day_of(hi));
            facts.sample.push(SampleUser { user: self.pseudonym(user.raw()), events: n, last_seen: hi });
        }
        facts.sample.sort_by_key(|user| std::cmp::Reverse((user.events, user.last_seen)));
        facts.sample.truncate(most);
        Ok(())
    }

    async fn releases_hit(&self, scope: &Scope, hit: &str) -> Result<HashMap<String, u64>, StoreError> {
        let fields = ["release", "count()", "count_unique(user)"];
        let pages = optional(self.groups(scope, hit, &fields, "-count()", 100).await)?;
        let users = |row: &serde_json::Value| {
            Some((text(row, "release")?.into_raw(), count(row, "count_unique(user)").unwrap_or(0)))
        };
        Ok(pages.items.iter().filter_map(users).collect())
    }

    async fn add_sessions(
        &self,
        scope: &Scope,
        whole: &Scope,
        hit: HashMap<String, u64>,
    ) -> Result<(Vec<ReleaseUsers>, Option<AffectedSessions>), StoreError> {
        let fields = ["release", "count()", "count_unique(user)"];
        let (health, all, known) = tokio::join!(
            self.health(scope),
            self.groups(scope, "", &fields, "-count()", 300),
            self.known_releases(whole)
        );
        let (health, all, known) = (health?, optional(all)?, known?);
        let with_events: HashMap<String, u64> = all
            .items
            .iter()
            .filter_map(|row| Some((text(row, "release")?.into_raw(), count(row, "count_unique(user)")?)))
            .collect();
        let nobody = Health::default();
        let mut counts = SessionCounts::default();
        let mut per_release = Vec::new();
        for facts in known {
            let name = facts.release.version.raw();
            let Some(users) = hit.get(name) else { continue };
            let health = health.get(name).unwrap_or(&nobody);
            let active = health.users.max(with_events.get(name).copied().unwrap_or(0)).max(*users);
            counts = added(counts, health.counts);
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
        facts: &AffectedFacts,
    ) -> Result<(Side, Side, u64), StoreError> {
        let scope = &searched.scope;
        if searched.others.is_empty() {
            // Of all issues together nobody is left to compare with.
            let hit = self.cells(scope, &searched.hit, &searched.tags, facts.in_period).await?;
            return Ok((hit, Side { by_user: true, ..Side::default() }, 0));
        }
        let (_, others) = self.totals(scope, &searched.others).await?;
        let (hit, base) = tokio::join!(
            self.cells(scope, &searched.hit, &searched.tags, facts.in_period),
            self.cells(scope, &searched.others, &searched.tags, others)
        );
        let (hit, base) = (hit?, base?);
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
            facts.warnings.push("users with several combinations of tags count once for each");
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
        push(&mut hit, &format!("issue.id:{}", row.issue.id));
        push(&mut others, &format!("!issue.id:{}", row.issue.id));
        let mut own = row.tags.clone();
        own.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let own = own.into_iter().map(|(tag, _)| tag).filter(|tag| !NO_CONDITION.contains(&tag.as_str()));
        let known = tags.clone();
        tags.extend(own.filter(|tag| !known.contains(tag)));
    }
    if tags.is_empty() {
        tags = USUAL.map(str::to_owned).to_vec();
    }
    tags.truncate(TAGS);
    if let Some(since) = &query.since {
        push(&mut hit, &any_of("release", since.iter().map(Untrusted::raw)));
    }
    Searched { scope, hit, others, tags }
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

fn added(a: SessionCounts, b: SessionCounts) -> SessionCounts {
    SessionCounts {
        total: a.total + b.total,
        errored: a.errored + b.errored,
        crashed: a.crashed + b.crashed,
        abnormal: a.abnormal + b.abnormal,
        unhandled: a.unhandled + b.unhandled,
    }
}
