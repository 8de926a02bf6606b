//! Every count equals the naive one, whatever was folded when.

use std::collections::{BTreeMap, BTreeSet};

use prodsignal::{
    backend::embedded::Options,
    model::{Change, EventId, Level, Timestamp},
    store::{
        AffectedQuery, Aggregate, Baseline, EventQuery, Field, Grouper, IssueQuery, IssueRef, IssueSort, Pick,
        ReleaseQuery, Scope, SearchQuery, SignalStore, StoreError, Value,
    },
};
use proptest::prelude::*;
use rusqlite::Connection;

use super::naive::{self, Part};
use crate::world::{Hit, World, at, hit, pseudonym};

pub const PROJECTS: [&str; 2] = ["shop", "till"];
const RELEASES: [&str; 5] = ["app@1.0.0", "app@1.1.0", "app@1.2.0", "app@2.0.0", "6c1f2b0a9d"];
const ENVIRONMENTS: [&str; 2] = ["production", "staging"];
const BROWSERS: [&str; 3] = ["Chrome", "Firefox", "Safari"];

fn a_hit(issues: usize, users: u64) -> impl Strategy<Value = Hit> {
    let names = (0usize..2, 0..issues, 0usize..6, 0usize..3, 0usize..4, 0usize..3);
    let rest = (0i64..6, 0i64..86_400, prop::option::weighted(0.8, 0..users), any::<[bool; 2]>(), 0u8..4);
    (names, rest, 0u128..60).prop_map(
        |(
            (project, issue, release, environment, browser, plan),
            (day, second, user, [unhandled, replay], rich),
            id,
        )| {
            let mut hit = hit(id << 70 | 1, &format!("i{issue}"), at(day, second / 3 * 3)).project(PROJECTS[project]);
            hit.release = RELEASES.get(release).map(|name| (*name).to_owned());
            hit.environment = ENVIRONMENTS.get(environment).map(|name| (*name).to_owned());
            hit.user = user;
            if let Some(browser) = BROWSERS.get(browser) {
                hit = hit.tag("browser", browser);
            }
            if plan > 0 {
                hit = hit.tag("plan", if plan == 1 { "free" } else { "paid" });
            }
            (hit.unhandled, hit.replay, hit.richness) = (unhandled, replay, rich);
            hit.level = if rich == 3 { Level::Fatal } else { Level::Error };
            hit
        },
    )
}

/// Batches of events, each followed by folding or not; some events come again.
pub fn history() -> impl Strategy<Value = Vec<(Vec<Hit>, bool)>> {
    let batches = prop::collection::vec((prop::collection::vec(a_hit(3, 8), 1..14), any::<bool>()), 1..5);
    batches.prop_map(|mut batches| {
        let mut before: Vec<Hit> = Vec::new();
        for hit in batches.iter_mut().flat_map(|(hits, _)| hits) {
            let chosen = (hit.id >> 70) as usize;
            match before.get(chosen) {
                Some(again) if chosen < 6 => *hit = again.clone(),
                _ => hit.id = (before.len() as u128 + 1) << 70,
            }
            before.push(hit.clone());
        }
        batches
    })
}

pub fn part() -> impl Strategy<Value = Part> {
    let moment = || (-1i64..7, 0i64..86_400);
    let since = prop::collection::btree_set(0..RELEASES.len(), 1..3);
    (
        prop::option::weighted(0.3, 0..PROJECTS.len()),
        prop::option::weighted(0.4, 0..ENVIRONMENTS.len()),
        prop::option::weighted(0.6, moment()),
        prop_oneof![2 => Just((40, 0)), 3 => moment()],
        prop::option::weighted(0.4, since),
    )
        .prop_map(|(project, environment, start, end, since)| Part {
            project: project.map(|i| PROJECTS[i]),
            environment: environment.map(|i| ENVIRONMENTS[i].to_owned()),
            start: start.map(|(day, second)| at(day, second)),
            end: at(end.0, end.1),
            since: since.map(|set| set.into_iter().map(|i| RELEASES[i].to_owned()).collect()),
        })
}

fn scope(part: &Part) -> Scope {
    Scope {
        project: part.project.map(Into::into),
        environment: part.environment.as_deref().map(Into::into),
        start: part.start,
        end: Some(part.end),
    }
}

/// Releases and environments that the store has never heard of are errors: such parts are made to fit.
pub fn fitted(part: &Part, hits: &[Hit]) -> Option<Part> {
    let mut part = part.clone();
    let of_project = |hit: &&Hit| part.project.is_none_or(|project| hit.project == project);
    let known = |name: &String| {
        hits.iter().filter(of_project).any(|hit| hit.release.as_ref() == Some(name) && hit.at <= part.end)
    };
    let since = part.since.clone().map(|since| since.into_iter().filter(known).collect::<Vec<_>>());
    part.since = since.filter(|since| !since.is_empty());
    let environment = part.environment.as_ref();
    let seen = environment.is_none_or(|name| hits.iter().any(|hit| hit.environment.as_ref() == Some(name)));
    let project = part.project.is_none_or(|project| hits.iter().any(|hit| hit.project == project));
    (seen && project).then_some(part)
}

async fn filled(batches: &[(Vec<Hit>, bool)]) -> (World, Vec<Hit>) {
    let world = World::with(Options { unfolded_events: 1_000_000, ..Options::default() });
    let mut written = Vec::new();
    for (hits, fold) in batches {
        let before = naive::distinct(&written).len();
        written.extend(hits.iter().cloned());
        let receipt = world.hits(hits).await;
        assert_eq!(receipt.stored as usize, naive::distinct(&written).len() - before);
        assert_eq!((receipt.stored + receipt.duplicates) as usize, hits.len());
        if *fold {
            world.store.fold().await.unwrap();
        }
    }
    (world, naive::distinct(&written))
}

fn name_of(title: &str) -> String {
    title.trim_start_matches("Fault: ").trim_end_matches(" failed").to_owned()
}

pub async fn issues_agree(store: &dyn SignalStore, hits: &[Hit], part: &Part, sort: IssueSort) {
    let wanted = naive::issues(hits, part);
    let since = part.since.as_ref().map(|since| since.iter().map(|name| name.as_str().into()).collect());
    let change = vec![Change::New, Change::Regressed, Change::Escalating, Change::Ongoing, Change::Resolved];
    let query = IssueQuery { scope: scope(part), since, sort, change, limit: 100, ..IssueQuery::default() };
    let page = store.issues(&query).await.unwrap();
    assert_eq!(page.total, Some(wanted.len() as u64));
    assert_eq!(page.by_change.iter().map(|(_, n)| n).sum::<u64>(), wanted.len() as u64);
    assert!(!page.more);
    let mut order = Vec::new();
    for found in &page.items {
        let project = PROJECTS.into_iter().find(|slug| *slug == found.issue.project).unwrap();
        let facts = naive::Facts {
            events: found.events,
            users: found.users,
            replays: found.replays,
            first_seen: found.first_seen.unwrap(),
            last_seen: found.last_seen.unwrap(),
            first_release: found.first_release.clone().map(|name| name.into_raw()),
            last_release: found.last_release.clone().map(|name| name.into_raw()),
            environments: found.environments.iter().map(|name| name.raw().to_owned()).collect(),
            unhandled: found.issue.unhandled,
        };
        assert_eq!(facts, wanted[&(project, name_of(found.issue.title.raw()))]);
        order.push((found.events, found.users, found.last_seen));
    }
    assert_eq!(page.items.len(), wanted.len());
    match sort {
        IssueSort::Events => assert!(order.is_sorted_by(|a, b| a.0 >= b.0)),
        IssueSort::Users => assert!(order.is_sorted_by(|a, b| a.1 >= b.1)),
        IssueSort::LastSeen => assert!(order.is_sorted_by(|a, b| a.2 >= b.2)),
        _ => {}
    }
    // Pages are parts of one order.
    let mut paged = Vec::new();
    for skip in (0..wanted.len()).step_by(2) {
        let page = store.issues(&IssueQuery { limit: 2, skip, ..query.clone() }).await.unwrap();
        paged.extend(page.items.iter().map(|found| found.issue.id));
    }
    assert_eq!(paged, page.items.iter().map(|found| found.issue.id).collect::<Vec<_>>());
}

/// Everything that `affected` says of one issue.
pub async fn affected_agrees(store: &dyn SignalStore, hits: &[Hit], part: &Part, project: &'static str, issue: &str) {
    let own = |hit: &&Hit| hit.project == project && hit.issue == issue;
    let Some(id) = id_of(store, hits, part, project, issue).await else { return };
    let query = AffectedQuery {
        scope: scope(part),
        issue: Some(id),
        since: part.since.as_ref().map(|since| since.iter().map(|name| name.as_str().into()).collect()),
        by: vec!["browser".into(), "plan".into(), "missing".into()],
        baseline: Baseline::OtherEvents,
        shared_by: 1,
        buckets: 30,
        sample: 3,
    };
    let found = store.affected(&query).await.unwrap();
    let until: Vec<&Hit> = hits.iter().filter(own).filter(|hit| part.known(hit) && part.of_releases(hit)).collect();
    let counted: Vec<&Hit> = until.iter().copied().filter(|hit| part.counts(hit)).collect();
    assert_eq!(found.total, naive::users(until.iter().copied()));
    assert_eq!(found.in_period, naive::users(counted.iter().copied()));
    assert_eq!(found.events, counted.len() as u64);
    assert_eq!(found.anonymous_events, counted.iter().filter(|hit| hit.user.is_none()).count() as u64);
    assert_eq!(found.returning, returning(&until, &counted));
    let releases: Vec<_> = found.per_release.iter().map(|r| (r.release.raw().to_owned(), r.users)).collect();
    let order = naive::ordered(hits, project, part.end);
    let of =
        |name: &String| counted.iter().copied().filter(|hit| hit.release.as_ref() == Some(name)).collect::<Vec<_>>();
    let wanted = order.iter().map(|name| (name, of(name))).filter(|(_, hits)| !hits.is_empty());
    assert_eq!(releases, wanted.map(|(name, hits)| (name.clone(), naive::users(hits))).collect::<Vec<_>>());
    assert_eq!(found.trend.iter().map(|bucket| bucket.events).sum::<u64>(), found.events);
    assert!(found.trend.len() <= 30);
    for sample in &found.sample {
        let own: Vec<_> =
            counted.iter().filter(|hit| hit.user.is_some_and(|user| pseudonym(user) == sample.user)).collect();
        assert_eq!(sample.events, own.len() as u64);
        assert_eq!(Some(sample.last_seen), own.iter().map(|hit| hit.at).max());
    }
    baseline_agrees(hits, part, project, issue, &counted, &found);
    active_agrees(hits, part, project, &found);
}

fn returning(until: &[&Hit], counted: &[&Hit]) -> u64 {
    let users: BTreeSet<u64> = counted.iter().filter_map(|hit| hit.user).collect();
    let day = |at: Timestamp| at.as_second().div_euclid(86_400);
    let returned = |user: &&u64| {
        let in_period: Vec<_> = counted.iter().filter(|hit| hit.user == Some(**user)).collect();
        let days: BTreeSet<_> = in_period.iter().map(|hit| day(hit.at)).collect();
        days.len() > 1 || until.iter().filter(|hit| hit.user == Some(**user)).count() > in_period.len()
    };
    users.iter().filter(returned).count() as u64
}

/// The baseline counts the period's first day whole.
fn whole_days(part: &Part) -> Part {
    let start = part.start.map(|start| Timestamp::from_second(start.as_second().div_euclid(86_400) * 86_400).unwrap());
    Part { start, since: None, ..part.clone() }
}

fn baseline_agrees(
    hits: &[Hit],
    part: &Part,
    project: &str,
    issue: &str,
    counted: &[&Hit],
    found: &prodsignal::store::AffectedFacts,
) {
    let days = whole_days(part);
    let in_project = || hits.iter().filter(|hit| hit.project == project);
    let hit_by_it: BTreeSet<u64> =
        in_project().filter(|hit| hit.issue == issue && part.in_period(hit)).filter_map(|hit| hit.user).collect();
    let base: Vec<&Hit> = in_project()
        .filter(|hit| days.in_period(hit) && hit.user.is_some_and(|user| !hit_by_it.contains(&user)))
        .collect();
    assert_eq!(found.baseline_users, naive::users(base.iter().copied()));
    for (tag, shares) in &found.breakdown {
        let has = |hit: &&Hit, value: &str| hit.tags.iter().any(|(k, v)| k == tag.raw() && v == value);
        let values: BTreeSet<&str> = counted
            .iter()
            .flat_map(|hit| &hit.tags)
            .filter(|(key, _)| key == tag.raw())
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(shares.len(), values.len());
        for share in shares {
            let with: Vec<&Hit> = counted.iter().copied().filter(|hit| has(hit, share.value.raw())).collect();
            assert_eq!(share.events, with.len() as u64);
            assert_eq!(share.users, naive::users(with));
            let with = base.iter().copied().filter(|hit| has(hit, share.value.raw()));
            assert_eq!(share.baseline_users, naive::users(with));
        }
    }
}

fn active_agrees(hits: &[Hit], part: &Part, project: &str, found: &prodsignal::store::AffectedFacts) {
    let days = whole_days(part);
    for release in &found.per_release {
        let active = hits.iter().filter(|hit| {
            hit.project == project && days.in_period(hit) && hit.release.as_deref() == Some(release.release.raw())
        });
        assert_eq!(release.active_users, Some(naive::users(active)));
    }
}

async fn id_of(
    store: &dyn SignalStore,
    hits: &[Hit],
    part: &Part,
    project: &'static str,
    issue: &str,
) -> Option<IssueRef> {
    let own: Vec<&Hit> = hits.iter().filter(|hit| hit.project == project && hit.issue == issue).collect();
    let in_scope = part.project.is_none_or(|wanted| wanted == project);
    let named = IssueRef::OfEvent(EventId(own.first()?.id));
    let scope = Scope { project: Some(project.into()), end: Some(at(40, 0)), ..Scope::default() };
    let id = store.issue(&named, &scope).await.unwrap().issue.id;
    let named = IssueRef::Named(id.to_string().as_str().into());
    if in_scope && own.iter().any(|hit| part.known(hit)) {
        return Some(named);
    }
    let query = self::scope(part);
    assert!(matches!(store.issue(&named, &query).await, Err(StoreError::NotFound { what: "issue", .. })));
    None
}

pub async fn events_agree(store: &dyn SignalStore, hits: &[Hit], part: &Part, project: &'static str, issue: &str) {
    let Some(id) = id_of(store, hits, part, project, issue).await else { return };
    let own = || hits.iter().filter(|hit| hit.project == project && hit.issue == issue && part.known(hit));
    let in_period: Vec<&Hit> = own().filter(|hit| part.in_period(hit)).collect();
    let ask = |pick| EventQuery { scope: scope(part), pick, release: None, extras: true };
    if in_period.is_empty() {
        let missing = store.event(&ask(Pick::Latest(id))).await;
        assert!(matches!(missing, Err(StoreError::NotFound { what: "event", .. })));
        return;
    }
    let latest = store.event(&ask(Pick::Latest(id.clone()))).await.unwrap();
    assert_eq!(Some(latest.event.timestamp), in_period.iter().map(|hit| hit.at).max());
    let oldest = store.event(&ask(Pick::Oldest(id.clone()))).await.unwrap();
    assert_eq!(Some(oldest.event.timestamp), in_period.iter().map(|hit| hit.at).min());
    let best = store.event(&ask(Pick::Recommended(id))).await.unwrap();
    let richest = in_period.iter().map(|hit| (hit.richness, hit.at)).max().unwrap();
    let found = hits.iter().find(|hit| EventId(hit.id) == best.event.id && hit.project == project).unwrap();
    assert_eq!((found.richness, found.at), richest);
    // Going back from the newest shows every event once.
    let all = naive_order(own());
    let mut walked = Vec::new();
    let mut next = Some(store.event(&ask_any(part, *all.last().unwrap(), project)).await.unwrap());
    while let Some(here) = next {
        walked.push(here.event.id);
        next = match here.previous {
            Some(id) => {
                let before = store.event(&ask_any(part, id, project)).await.unwrap();
                assert_eq!(before.next, Some(here.event.id));
                Some(before)
            }
            None => None,
        };
    }
    assert_eq!(walked.len(), all.len());
    assert_eq!(walked.into_iter().collect::<BTreeSet<_>>(), all.into_iter().collect::<BTreeSet<_>>());
}

/// Ids by time; which of two at one moment comes first is the store's affair, so the newest is asked for by time.
fn naive_order<'h>(hits: impl Iterator<Item = &'h Hit>) -> Vec<EventId> {
    let mut order: Vec<_> = hits.enumerate().map(|(i, hit)| (hit.at, i, EventId(hit.id))).collect();
    order.sort();
    order.into_iter().map(|(.., id)| id).collect()
}

fn ask_any(part: &Part, id: EventId, project: &'static str) -> EventQuery {
    let scope = Scope { project: Some(project.into()), start: None, ..scope(part) };
    EventQuery { scope, pick: Pick::Id(id), release: None, extras: false }
}

pub async fn searches_agree(store: &dyn SignalStore, hits: &[Hit], part: &Part) {
    let part = Part { since: None, ..part.clone() };
    let counted: Vec<&Hit> = hits.iter().filter(|hit| part.counts(hit)).collect();
    let rows = SearchQuery {
        scope: scope(&part),
        fields: vec![Field::EventId, Field::Timestamp, Field::Tag("browser".into()), Field::User],
        limit: 1000,
        ..SearchQuery::default()
    };
    let page = store.search(&rows).await.unwrap();
    assert_eq!(page.total, Some(counted.len() as u64));
    let times: Vec<_> = page.items.iter().map(|row| row.values[1].clone()).collect();
    let mut wanted: Vec<_> = counted.iter().map(|hit| hit.at).collect();
    wanted.sort_by(|a, b| b.cmp(a));
    assert_eq!(times, wanted.into_iter().map(Value::Time).collect::<Vec<_>>());
    for row in &page.items {
        let own: Vec<_> = counted.iter().filter(|hit| Some(EventId(hit.id)) == row.event).collect();
        let browser = |hit: &Hit| hit.tags.iter().find(|(key, _)| key == "browser").map(|(_, value)| value.clone());
        let text = |text: Option<String>| text.map_or(Value::None, |text| Value::Text(text.into()));
        assert!(
            own.iter().any(|hit| text(browser(hit)) == row.values[2] && text(hit.user.map(pseudonym)) == row.values[3])
        );
    }
    let groups = SearchQuery {
        scope: scope(&part),
        group_by: vec![Grouper::Field(Field::Tag("plan".into())), Grouper::Day],
        aggregate: vec![Aggregate::Count, Aggregate::CountUnique(Field::User), Aggregate::LastSeen],
        limit: 1000,
        ..SearchQuery::default()
    };
    let page = store.search(&groups).await.unwrap();
    let mut wanted: BTreeMap<(Option<String>, i64), Vec<&Hit>> = BTreeMap::new();
    for hit in &counted {
        let plan = hit.tags.iter().find(|(key, _)| key == "plan").map(|(_, value)| value.clone());
        wanted.entry((plan, hit.at.as_second().div_euclid(86_400))).or_default().push(hit);
    }
    assert_eq!(page.items.len(), wanted.len());
    for row in &page.items {
        let plan = match &row.values[0] {
            Value::Text(text) => Some(text.raw().to_owned()),
            _ => None,
        };
        let Value::Time(day) = row.values[1] else { panic!("a day") };
        let group = &wanted[&(plan, day.as_second() / 86_400)];
        assert_eq!(row.values[2], Value::Count(group.len() as u64));
        assert_eq!(row.values[3], Value::Count(naive::users(group.iter().copied())));
        assert_eq!(Some(row.values[4].clone()), group.iter().map(|hit| hit.at).max().map(Value::Time));
    }
}

pub async fn releases_agree(store: &dyn SignalStore, hits: &[Hit], part: &Part) {
    let query = ReleaseQuery { scope: scope(part), counts: true, ..ReleaseQuery::default() };
    let part = Part { since: None, ..part.clone() };
    let days = whole_days(&part);
    let found = store.releases(&query).await.unwrap();
    let wanted: BTreeSet<&String> =
        hits.iter().filter(|hit| part.in_period(hit)).filter_map(|hit| hit.release.as_ref()).collect();
    assert_eq!(found.iter().map(|facts| facts.release.version.raw()).collect::<BTreeSet<_>>().len(), wanted.len());
    for facts in &found {
        let of = |hit: &&Hit| hit.release.as_deref() == Some(facts.release.version.raw());
        let in_period = || hits.iter().filter(|hit| part.in_period(hit)).filter(of);
        assert_eq!(facts.events, in_period().count() as u64);
        assert_eq!(facts.users, naive::users(hits.iter().filter(|hit| days.in_period(hit)).filter(of)));
        let known = || hits.iter().filter(|hit| part.known(hit)).filter(of).map(|hit| hit.at);
        assert_eq!(Some(facts.release.first_seen), known().min());
        assert_eq!(Some(facts.release.last_seen), known().max());
        let new = PROJECTS.into_iter().filter(|project| part.project.is_none_or(|wanted| wanted == *project));
        let all = Part { start: None, ..part.clone() };
        let new: usize = new
            .map(|project| {
                let issues = naive::issues(hits, &Part { project: Some(project), ..all.clone() });
                issues.values().filter(|f| f.first_release.as_deref() == Some(facts.release.version.raw())).count()
            })
            .sum();
        assert_eq!(facts.new_issues, new as u64);
    }
}

/// The tables that can be made again from the chunks.
fn rollups(world: &World) -> Vec<Vec<String>> {
    let file = world.folder.path().join("store/signal.db");
    let conn = Connection::open(file).unwrap();
    let tables = [
        "SELECT issue, events, users, hex(cells) FROM rollup ORDER BY 1",
        "SELECT issue, kind, a, b || hex(users) FROM issue_users ORDER BY 1, 2, 3, 4",
        "SELECT project, day, env || '-' || tag, hex(sets) FROM base ORDER BY 1, 2, 3",
        "SELECT project || '-' || rel, env || '-' || day, n || '-' || first || '-' || last, hex(users) FROM active ORDER BY 1, 2, 3",
    ];
    let mut all = Vec::new();
    for sql in tables {
        let mut statement = conn.prepare(sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| {
            let cell = |i| row.get::<_, rusqlite::types::Value>(i).map(|value| format!("{value:?}"));
            (0..4).map(cell).collect::<Result<Vec<_>, _>>()
        };
        all.extend(statement.query_map([], read).unwrap().map(Result::unwrap));
    }
    all
}

async fn rebuilt_equals_stored(world: &World) {
    let before = rollups(world);
    world.store.rebuild().await.unwrap();
    assert_eq!(before, rollups(world));
}

async fn all_agree(store: &dyn SignalStore, hits: &[Hit], part: &Part, issues: usize) {
    for sort in [IssueSort::Impact, IssueSort::Events, IssueSort::Users, IssueSort::LastSeen] {
        issues_agree(store, hits, part, sort).await;
    }
    for project in PROJECTS {
        for issue in 0..issues {
            affected_agrees(store, hits, part, project, &format!("i{issue}")).await;
        }
    }
    searches_agree(store, hits, part).await;
    releases_agree(store, hits, part).await;
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 1000, ..ProptestConfig::default() })]

    #[test]
    fn counts_equal_the_naive_ones_for_any_history_folding_and_scope(
        batches in history(),
        parts in prop::collection::vec(part(), 4),
    ) {
        block_on(async {
            let (world, hits) = filled(&batches).await;
            for part in parts.iter().filter_map(|part| fitted(part, &hits)) {
                all_agree(&world.store, &hits, &part, 3).await;
                for project in PROJECTS {
                    events_agree(&world.store, &hits, &part, project, "i0").await;
                }
            }
            rebuilt_equals_stored(&world).await;
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, max_shrink_iters: 0, ..ProptestConfig::default() })]

    /// Past two thousand events an issue keeps sets of users, and its chunks are many.
    #[test]
    fn counts_of_big_issues_equal_the_naive_ones(
        hits in prop::collection::vec(a_hit(2, 400), 9_000),
        folds in prop::collection::vec(500usize..2_500, 5),
        parts in prop::collection::vec(part(), 6),
    ) {
        block_on(async {
            let mut hits = hits;
            hits.iter_mut().enumerate().for_each(|(i, hit)| hit.id = (i as u128 + 1) << 64);
            let world = World::with(Options { unfolded_events: 1_000_000, ..Options::default() });
            let mut rest = hits.as_slice();
            for fold in folds {
                let (batch, later) = rest.split_at(fold.min(rest.len()));
                world.hits(batch).await;
                world.store.fold().await.unwrap();
                rest = later;
            }
            world.hits(rest).await;
            for part in parts.iter().filter_map(|part| fitted(part, &hits)) {
                issues_agree(&world.store, &hits, &part, IssueSort::Users).await;
                affected_agrees(&world.store, &hits, &part, "shop", "i0").await;
            }
            rebuilt_equals_stored(&world).await;
        });
    }
}
