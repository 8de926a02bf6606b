//! A replay read from a store: headers, the errors of its time, then one segment after the other.

use crate::{
    ingest::read_agent,
    model::{EventId, Timestamp, Untrusted},
    replay::{Failure, Limits, Reader, Replay},
    store::{
        EventQuery, Field, Op, Pick, ReplayFacts, ReplayQuery, Scope, SearchQuery, SignalStore, StoreError, Term, Test,
        Value,
    },
};

/// Errors of a replay that are looked up.
const ERRORS: usize = 20;

/// A replay and what the store knows beside it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The replay.
    pub replay: Replay,
    /// Pseudonym of its user.
    pub user: Option<String>,
    /// Browser and version, as the user agent says.
    pub browser: Option<Untrusted>,
    /// System and version.
    pub os: Option<Untrusted>,
    /// Phone or tablet.
    pub device: Option<Untrusted>,
}

/// Reads a replay.
///
/// # Errors
/// [`StoreError::NotFound`] where the scope has none with that id.
pub async fn load(store: &dyn SignalStore, scope: &Scope, replay: EventId) -> Result<Loaded, StoreError> {
    let query = ReplayQuery { scope: Scope { start: None, ..scope.clone() }, replay };
    let facts = store.replay(&query).await?;
    let mut reader = Reader::new(replay, Limits::default());
    for header in &facts.headers {
        reader.header(header);
    }
    let named: Vec<EventId> = reader.error_ids().take(ERRORS).collect();
    let since = reader.started().or(scope.start);
    // A store that is far away is asked for both at once.
    let first = async {
        match facts.segments.first() {
            Some(segment) => store.replay_segment(&query, *segment).await.map(Some),
            None => Ok(None),
        }
    };
    let shown = failures(store, scope, named, (since, replay, facts.events.as_deref()));
    let (known, mut first) = futures::future::try_join(shown, first).await?;
    for (at, failure, clicks) in known {
        reader.failure(at, failure, clicks);
    }
    for segment in &facts.segments {
        let bytes = match first.take() {
            Some(bytes) => bytes,
            None => store.replay_segment(&query, *segment).await?,
        };
        let number = segment.number;
        // Long work goes to a thread of its own: other calls are answered meanwhile.
        let work = tokio::task::spawn_blocking(move || {
            reader.segment(number, &bytes);
            reader
        });
        reader =
            work.await.map_err(|error| StoreError::Engine { context: "reading a segment", source: error.into() })?;
    }
    let replay = tokio::task::spawn_blocking(move || reader.finish());
    let replay =
        replay.await.map_err(|error| StoreError::Engine { context: "reading a replay", source: error.into() })?;
    Ok(described(replay, facts))
}

fn described(replay: Replay, facts: ReplayFacts) -> Loaded {
    let agent = replay.user_agent.as_ref().map(|agent| read_agent(agent.raw())).unwrap_or_default();
    // The first two parts tell all that matters, and four of them look like an address.
    let short = |version: &Option<String>| {
        let version = version.as_deref().unwrap_or("");
        version.split('.').take(2).collect::<Vec<_>>().join(".")
    };
    let versioned =
        |(name, version): (String, Option<String>)| Untrusted::from([&name, " ", &short(&version)].concat().trim_end());
    let said = |(name, version): (&'static str, Option<String>)| (name.to_owned(), version);
    Loaded {
        user: facts.user,
        browser: facts.agent.browser.or(agent.browser.map(said)).map(versioned),
        os: facts.agent.os.or(agent.os.map(said)).map(versioned),
        device: facts.agent.device.or(agent.device).map(Into::into),
        replay,
    }
}

type Known = (Timestamp, Failure, Vec<(Timestamp, Untrusted)>);

/// The errors that a replay shows: those that its headers name, and those since its start that name the replay.
async fn failures(
    store: &dyn SignalStore,
    scope: &Scope,
    mut ids: Vec<EventId>,
    (since, replay, told): (Option<Timestamp>, EventId, Option<&[EventId]>),
) -> Result<Vec<Known>, StoreError> {
    let naming = match told {
        Some(told) => told.iter().copied().take(ERRORS).collect(),
        None => searched(store, scope, since, replay).await?,
    };
    for id in naming {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let one = |id| async move {
        let query = EventQuery { scope: scope.clone(), pick: Pick::Id(id), release: None, extras: false };
        match store.event(&query).await {
            Ok(facts) => Ok(Some(failure(&facts))),
            // Named, and not here: never sent, sampled away or dropped with age.
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    };
    // A store that is far away is asked for all of them at once.
    let known = futures::future::try_join_all(ids.into_iter().map(one)).await?;
    Ok(known.into_iter().flatten().collect())
}

/// Events since a replay's start that name it.
async fn searched(
    store: &dyn SignalStore,
    scope: &Scope,
    since: Option<Timestamp>,
    replay: EventId,
) -> Result<Vec<EventId>, StoreError> {
    let mut ids = Vec::new();
    let named = SearchQuery {
        scope: Scope { start: since, ..scope.clone() },
        filter: vec![Term {
            negated: false,
            test: Test::Field { field: Field::Replay, op: Op::Is, values: vec![replay.to_string().into()] },
        }],
        fields: vec![Field::EventId],
        limit: ERRORS,
        ..SearchQuery::default()
    };
    for row in store.search(&named).await?.items {
        let id = match row.values.first() {
            Some(Value::Text(id)) => id.raw().parse().ok(),
            _ => row.event,
        };
        ids.extend(id);
    }
    Ok(ids)
}

fn failure(facts: &crate::store::EventFacts) -> Known {
    let event = &facts.event;
    let outermost = event.exceptions.first();
    let failure = Failure {
        event: event.id,
        issue: Some(facts.issue.short_id.as_str().into()),
        title: Some(facts.issue.title.clone()),
        ty: outermost.and_then(|exception| exception.ty.clone()),
        value: outermost.and_then(|exception| exception.value.clone()).or_else(|| event.message.clone()),
        unhandled: event.unhandled(),
    };
    let clicks =
        event.breadcrumbs.iter().filter(|crumb| crumb.category.as_ref().is_some_and(|c| c.raw() == "ui.click"));
    let clicks = clicks.filter_map(|crumb| Some((crumb.timestamp?, crumb.message.clone()?)));
    (event.timestamp, failure, clicks.collect())
}
