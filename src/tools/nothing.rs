//! What an empty list says: what was searched, and where the nearest hits are.

use futures::future::BoxFuture;

use super::Ctx;
use crate::{
    guard::{Clean, Guard, Limit},
    model::Untrusted,
    say,
    store::{
        Aggregate, Field, Grouper, IssueQuery, Op, Scope, SearchQuery, SignalQuery, SignalStore, Stat, StoreError,
        Term, Test, Value,
    },
    view::{Seconds, count},
};

/// Searches of more conditions are not taken apart.
const MOST_TERMS: usize = 6;
/// Values of a field that are named.
const VALUES: usize = 5;

/// The scope in words: `project shop, environment production, 2026-11-06T00:00:00Z to 2026-11-21T00:00:00Z`.
pub(super) fn searched(scope: &Scope, guard: &mut Guard) -> Clean {
    let project = match &scope.project {
        Some(project) => say!("project ", guard.line(project, Limit::Tag)),
        None => Clean::ours("all projects"),
    };
    let environment = match &scope.environment {
        Some(environment) => say!("environment ", guard.line(environment, Limit::Tag)),
        None => Clean::ours("all environments"),
    };
    let time = match (scope.start, scope.end) {
        (Some(start), Some(end)) => say!(Seconds(start), " to ", Seconds(end)),
        (None, Some(end)) => say!("any time up to ", Seconds(end)),
        _ => Clean::ours("any time"),
    };
    say!(project, ", ", environment, ", ", time)
}

/// What an answer counts, in the same words in every tool: the scope, and the releases where only some count.
pub(super) fn counted(scope: &Scope, releases: Option<&[Untrusted]>, guard: &mut Guard) -> Clean {
    let of_release = releases.and_then(|names| names.first()).map(|first| {
        let on = if releases.is_some_and(|names| names.len() > 1) { " and later" } else { "" };
        say!(", release ", guard.line(first, Limit::Tag), on)
    });
    say!(searched(scope, guard), of_release)
}

/// Scopes that hold more, each with the words that say how.
fn wider(scope: &Scope) -> Vec<(&'static str, Scope)> {
    let mut scopes = Vec::new();
    if scope.start.is_some() {
        scopes.push(("before this period; pass a longer period", Scope { start: None, ..scope.clone() }));
    }
    if scope.environment.is_some() {
        scopes.push(("in other environments", Scope { environment: None, ..scope.clone() }));
    }
    scopes
}

/// Issues that the same question finds in a wider scope.
pub(super) async fn issues(ctx: &Ctx, query: &IssueQuery) -> Result<Option<Clean>, StoreError> {
    let store = ctx.store.as_ref();
    for (how, scope) in wider(&query.scope) {
        let page = store.issues(&IssueQuery { scope, limit: 1, skip: 0, ..query.clone() }).await?;
        let total = page.total.unwrap_or(page.items.len() as u64);
        if total > 0 {
            let last = page
                .items
                .first()
                .and_then(|facts| facts.last_seen)
                .map(|at| say!(" (one was last seen ", Seconds(at), ")"));
            return Ok(Some(say!(count(total, "issue fits", "issues fit"), " ", how, last)));
        }
    }
    let finds = |filter: Vec<Term>| -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let page = store.issues(&IssueQuery { filter, limit: 1, skip: 0, ..query.clone() }).await?;
            Ok(page.total.unwrap_or(page.items.len() as u64))
        })
    };
    let values = |field: Field| -> BoxFuture<'_, Result<Vec<Untrusted>, StoreError>> {
        Box::pin(values_of_events(store, &query.scope, field))
    };
    if query.typed.is_some() || ctx.defaults.locked { Ok(None) } else { lacking(&query.filter, &finds, &values).await }
}

/// Events or groups that the same question finds in a wider scope.
pub(super) async fn events(ctx: &Ctx, query: &SearchQuery) -> Result<Option<Clean>, StoreError> {
    let store = ctx.store.as_ref();
    for (how, scope) in wider(&query.scope) {
        let page = store.search(&SearchQuery { scope, limit: 1, skip: 0, ..query.clone() }).await?;
        let total = page.total.unwrap_or(page.items.len() as u64);
        if total > 0 {
            return Ok(Some(say!(count(total, "row fits", "rows fit"), " ", how)));
        }
    }
    let finds = |filter: Vec<Term>| -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let page = store.search(&SearchQuery { filter, limit: 1, skip: 0, ..query.clone() }).await?;
            Ok(page.total.unwrap_or(page.items.len() as u64))
        })
    };
    let values = |field: Field| -> BoxFuture<'_, Result<Vec<Untrusted>, StoreError>> {
        Box::pin(values_of_events(store, &query.scope, field))
    };
    if query.typed.is_some() || ctx.defaults.locked { Ok(None) } else { lacking(&query.filter, &finds, &values).await }
}

/// Lines of other signal that the same question finds in a wider scope, or the condition that none fulfils.
pub(super) async fn signals(ctx: &Ctx, query: &SignalQuery) -> Result<Option<Clean>, StoreError> {
    let store = ctx.store.as_ref();
    let asked = |query: SignalQuery| async move {
        let page = store.signals(&SignalQuery { limit: 1, skip: 0, ..query }).await?;
        Ok::<u64, StoreError>(page.total.unwrap_or(page.items.len() as u64))
    };
    for (how, scope) in wider(&query.scope) {
        // A key that the wider scope alone has is no failure of the question.
        let total = asked(SignalQuery { scope, ..query.clone() }).await.unwrap_or(0);
        if total > 0 {
            return Ok(Some(say!(count(total, "row fits", "rows fit"), " ", how)));
        }
    }
    let finds = |filter: Vec<Term>| -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move { asked(SignalQuery { filter, ..query.clone() }).await })
    };
    let values = |field: Field| -> BoxFuture<'_, Result<Vec<Untrusted>, StoreError>> {
        Box::pin(async move {
            let (group_by, aggregate) = (vec![field.name()], vec![Stat::Count]);
            let all = SignalQuery {
                filter: Vec::new(),
                fields: Vec::new(),
                group_by,
                aggregate,
                limit: VALUES + 1,
                skip: 0,
                ..query.clone()
            };
            Ok(texts(store.signals(&all).await?.items))
        })
    };
    // Within a lock nothing is said that the call's own words could be found in.
    if ctx.defaults.locked { Ok(None) } else { lacking(&query.filter, &finds, &values).await }
}

type Finds<'a> = dyn Fn(Vec<Term>) -> BoxFuture<'a, Result<u64, StoreError>> + Sync + 'a;
type Values<'a> = dyn Fn(Field) -> BoxFuture<'a, Result<Vec<Untrusted>, StoreError>> + Sync + 'a;

/// Which condition nothing fulfils by itself, and what would: an empty answer must not read as if nothing had failed.
async fn lacking(terms: &[Term], finds: &Finds<'_>, values: &Values<'_>) -> Result<Option<Clean>, StoreError> {
    if terms.is_empty() || terms.len() > MOST_TERMS {
        return Ok(None);
    }
    let mut guard = Guard::new();
    if let Some((quoted, n)) = with_space(terms, finds).await? {
        let said = guard.line(&quoted, Limit::Value);
        return Ok(Some(say!(said, " finds ", n, ": a value with spaces stands in quotes")));
    }
    for term in terms {
        if finds(vec![term.clone()]).await? > 0 {
            continue;
        }
        let Some(words) = words(term) else { return Ok(None) };
        let said = guard.line(&words, Limit::Value);
        let near = nearby(term, finds, values, &mut guard).await?;
        return Ok(Some(say!("nothing fits ", said, " by itself", near)));
    }
    Ok((terms.len() > 1).then(|| Clean::ours("each condition fits something, but nothing fits all of them at once")))
}

/// `transaction:GET /orders`, read as a field and a text, where `transaction:"GET /orders"` finds something.
async fn with_space(terms: &[Term], finds: &Finds<'_>) -> Result<Option<(Untrusted, u64)>, StoreError> {
    for pair in terms.windows(2) {
        let [
            Term { negated: false, test: Test::Field { field, op: Op::Is, values } },
            Term { test: Test::Text(text), .. },
        ] = pair
        else {
            continue;
        };
        let [value] = values.as_slice() else { continue };
        let whole = format!("{} {}", value.raw(), text.raw());
        let n = finds(vec![is(field, &whole)]).await?;
        if n > 0 {
            return Ok(Some((format!("{}:\"{whole}\"", field.name().raw()).into(), n)));
        }
    }
    Ok(None)
}

/// What is near to a condition that nothing fulfils: the same as a part of the value, or the values that there are.
async fn nearby(
    term: &Term,
    finds: &Finds<'_>,
    values: &Values<'_>,
    guard: &mut Guard,
) -> Result<Option<Clean>, StoreError> {
    let Term { negated: false, test: Test::Field { field, op: Op::Is, values: asked } } = term else { return Ok(None) };
    if matches!(field, Field::User | Field::EventId | Field::Trace | Field::Replay | Field::Value) {
        return Ok(None);
    }
    if let [value] = asked.as_slice()
        && !value.raw().contains('*')
    {
        let part = format!("*{}*", value.raw());
        let n = finds(vec![is(field, &part)]).await.unwrap_or(0);
        if n > 0 {
            let said = guard.line(&format!("{}:{part}", field.name().raw()).into(), Limit::Value);
            return Ok(Some(say!("; ", said, " finds ", n)));
        }
    }
    let there = values(field.clone()).await.unwrap_or_default();
    let mut listed = Clean::default();
    for (at, value) in there.iter().take(VALUES).enumerate() {
        let value = guard.keyed(&field.name(), value, Limit::Tag);
        listed = say!(listed, if at > 0 { ", " } else { "" }, value);
    }
    let more = if there.len() > VALUES { " …" } else { "" };
    let name = guard.line(&field.name(), Limit::Tag);
    Ok((!there.is_empty()).then(|| say!("; ", name, " is one of ", listed, more)))
}

fn is(field: &Field, value: &str) -> Term {
    Term { negated: false, test: Test::Field { field: field.clone(), op: Op::Is, values: vec![value.into()] } }
}

/// A condition as it is typed; `None` where its words say enough.
fn words(term: &Term) -> Option<Untrusted> {
    let sign = if term.negated { "!" } else { "" };
    let text = match &term.test {
        Test::Text(text) => format!("the text \"{}\"", text.raw()),
        Test::Field { field, op: Op::Is, values } => {
            let values: Vec<&str> = values.iter().map(Untrusted::raw).collect();
            match values.as_slice() {
                // `message:` is contained.
                [one] if *field == Field::Value && one.starts_with('*') => format!("message:{}", one.trim_matches('*')),
                [one] => format!("{}:{one}", field.name().raw()),
                several => format!("{}:[{}]", field.name().raw(), several.join(", ")),
            }
        }
        Test::Has(field) => format!("has:{}", field.name().raw()),
        Test::Field { .. } | Test::Status(_) | Test::Change(_) => return None,
    };
    Some(format!("{sign}{text}").into())
}

/// The commonest values of a field among events.
async fn values_of_events(store: &dyn SignalStore, scope: &Scope, field: Field) -> Result<Vec<Untrusted>, StoreError> {
    let query = SearchQuery {
        scope: scope.clone(),
        filter: Vec::new(),
        typed: None,
        fields: Vec::new(),
        group_by: vec![Grouper::Field(field)],
        aggregate: vec![Aggregate::Count],
        limit: VALUES + 1,
        skip: 0,
    };
    Ok(texts(store.search(&query).await?.items))
}

fn texts(rows: Vec<crate::store::SearchRow>) -> Vec<Untrusted> {
    let first = rows.into_iter().filter_map(|row| row.values.into_iter().next());
    first.filter_map(|value| if let Value::Text(text) = value { Some(text) } else { None }).collect()
}
