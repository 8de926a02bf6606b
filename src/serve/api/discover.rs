//! Events as a table, as Sentry's `events/` has it.

use std::collections::HashMap;

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::{ask::Ask, fault::ApiError, page::Listed, shapes::moment};
use crate::{
    serve::{App, gate::Scoped},
    store::{Aggregate, Field, Grouper, Page, SearchQuery, SearchRow, Value as Cell},
};

/// Columns of one table.
const COLUMNS: usize = 20;
/// Rows that are sorted here, where the store's own order is not the one asked for.
const SORTED: usize = 10_000;

/// What a column holds.
enum Column {
    /// Place among the store's values.
    Store(usize),
    /// The same, a short id whose number is wanted.
    IssueNumber(usize),
}

/// `GET organizations/ORG/events/`.
pub(super) async fn table(Scoped(app): Scoped, Path(_): Path<String>, ask: Ask) -> Result<Listed, ApiError> {
    only_errors(&ask)?;
    let fields: Vec<&str> = ask.all("field").filter(|field| !field.is_empty()).collect();
    if fields.is_empty() || fields.len() > COLUMNS {
        return Err(ApiError::bad(format!("name 1 to {COLUMNS} fields")));
    }
    let mut query = SearchQuery {
        scope: ask.scope(&app, None).await?,
        filter: ask.search(&app, ask.one("query").unwrap_or("")).await?,
        ..SearchQuery::default()
    };
    let columns = columns(&fields, &mut query)?;
    let page = rows(&app, &ask, &fields, &columns, query).await?;
    let numbers = issue_numbers(&app, &columns, &page.items).await?;
    let shown = |row: &SearchRow| {
        let mut shown: Map<String, Value> = fields
            .iter()
            .zip(&columns)
            .map(|(field, column)| ((*field).to_owned(), value(field, column, row, &numbers)))
            .collect();
        if let Some(event) = row.event {
            shown.entry("id").or_insert_with(|| event.to_string().into());
        }
        Value::Object(shown)
    };
    let types: Map<String, Value> = fields.iter().map(|field| ((*field).to_owned(), kind(field).into())).collect();
    let data: Vec<Value> = page.items.iter().map(shown).collect();
    let body = json!({ "data": data, "meta": { "fields": types, "units": {}, "dataset": "errors" } });
    Listed::new(&ask, body, page.more, page.total)
}

/// Nothing but errors is kept as a table.
pub(super) fn only_errors(ask: &Ask) -> Result<(), ApiError> {
    match ask.one("dataset") {
        None | Some("errors" | "discover" | "issuePlatform" | "") => Ok(()),
        Some(_) => Err(ApiError::bad("dataset is errors: no other is kept as a table here")),
    }
}

/// Which of the store's values each column shows; the question is filled in.
fn columns(fields: &[&str], query: &mut SearchQuery) -> Result<Vec<Column>, ApiError> {
    let wrong = |field: &str| ApiError::bad(format!("Invalid field: {}", field.chars().take(100).collect::<String>()));
    let aggregates: Vec<Option<Aggregate>> = fields.iter().map(|field| Aggregate::parse(field)).collect();
    let grouped = aggregates.iter().any(Option::is_some);
    let mut parts: Vec<Option<usize>> = Vec::new();
    for (field, aggregate) in fields.iter().zip(&aggregates) {
        parts.push(match aggregate {
            Some(_) => None,
            None if grouped => {
                query.group_by.push(Grouper::parse(plain(field)).ok_or_else(|| wrong(field))?);
                Some(query.group_by.len() - 1)
            }
            None => {
                query.fields.push(Field::parse(plain(field)).ok_or_else(|| wrong(field))?);
                Some(query.fields.len() - 1)
            }
        });
    }
    let mut columns = Vec::new();
    for ((field, aggregate), part) in fields.iter().zip(aggregates).zip(parts) {
        columns.push(match (aggregate, part) {
            (Some(aggregate), _) => {
                query.aggregate.push(aggregate);
                Column::Store(query.group_by.len() + query.aggregate.len() - 1)
            }
            (None, Some(at)) if *field == "issue.id" || *field == "group_id" => Column::IssueNumber(at),
            (None, at) => Column::Store(at.unwrap_or(0)),
        });
    }
    Ok(columns)
}

/// Sentry's names that the store has others for.
fn plain(field: &str) -> &str {
    match field {
        "group_id" => "issue",
        "project.id" | "project_id" | "project.name" => "project",
        "event_id" => "id",
        field => field.strip_prefix("tag[").and_then(|tag| tag.split([',', ']']).next()).unwrap_or(field),
    }
}

/// The page that is asked for, in the order that is asked for.
async fn rows(
    app: &App,
    ask: &Ask,
    fields: &[&str],
    columns: &[Column],
    mut query: SearchQuery,
) -> Result<Page<SearchRow>, ApiError> {
    let (skip, limit) = (ask.skip()?, ask.limit()?);
    let sort = ask.one("sort").filter(|sort| !sort.is_empty());
    let Some((key, descending)) = sort.map(|sort| (sort.trim_start_matches('-'), sort.starts_with('-'))) else {
        (query.skip, query.limit) = (skip, limit);
        return Ok(app.host.search(&query).await?);
    };
    let at = fields.iter().position(|field| *field == key || alias(field) == alias(key));
    let newest_first = query.aggregate.is_empty() && descending && key == "timestamp";
    if newest_first {
        (query.skip, query.limit) = (skip, limit);
        return Ok(app.host.search(&query).await?);
    }
    let at = at.ok_or_else(|| ApiError::bad("sort must be one of the fields"))?;
    query.limit = SORTED;
    let mut page = app.host.search(&query).await?;
    let (Column::Store(place) | Column::IssueNumber(place)) = &columns[at];
    page.items.sort_by(|a, b| {
        let order = order(&a.values[*place], &b.values[*place]);
        if descending { order.reverse() } else { order }
    });
    let more = page.items.len() > skip + limit || page.more;
    page.items = page.items.into_iter().skip(skip).take(limit).collect();
    Ok(Page { more, ..page })
}

/// `count_unique_user` is another way to write `count_unique(user)`.
fn alias(name: &str) -> String {
    name.trim_end_matches([')', '(']).replace(['(', '.'], "_")
}

fn order(one: &Cell, other: &Cell) -> std::cmp::Ordering {
    match (one, other) {
        (Cell::Count(a), Cell::Count(b)) => a.cmp(b),
        (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
        (Cell::None, Cell::None) => std::cmp::Ordering::Equal,
        (Cell::None, _) => std::cmp::Ordering::Less,
        _ => std::cmp::Ordering::Greater,
    }
}

async fn issue_numbers(app: &App, columns: &[Column], rows: &[SearchRow]) -> Result<HashMap<String, i64>, ApiError> {
    let Some(at) = columns.iter().find_map(|c| if let Column::IssueNumber(at) = c { Some(*at) } else { None }) else {
        return Ok(HashMap::new());
    };
    let short = |row: &SearchRow| match &row.values[at] {
        Cell::Text(text) => Some(text.raw().to_owned()),
        _ => None,
    };
    let mut named: Vec<String> = rows.iter().filter_map(short).collect();
    named.sort();
    named.dedup();
    Ok(app.host.issue_names(&named).await?.into_iter().map(|(id, short)| (short, id.0)).collect())
}

fn value(field: &str, column: &Column, row: &SearchRow, numbers: &HashMap<String, i64>) -> Value {
    match column {
        Column::IssueNumber(at) => match &row.values[*at] {
            Cell::Text(short) => numbers.get(short.raw()).map_or(Value::Null, |id| (*id).into()),
            other => cell(other),
        },
        Column::Store(at) => match (&row.values[*at], field) {
            // Sentry writes whom an event concerns with the kind of name before it.
            (Cell::Text(user), "user") => format!("id:{}", user.raw()).into(),
            (Cell::Bool(truth), _) => i32::from(*truth).into(),
            (other, _) => cell(other),
        },
    }
}

/// A value of the store.
pub(super) fn cell(value: &Cell) -> Value {
    match value {
        Cell::Number(n) => (*n).into(),
        Cell::None => Value::Null,
        Cell::Text(text) => text.raw().into(),
        Cell::Count(count) => (*count).into(),
        Cell::Time(at) => moment(*at).into(),
        Cell::Bool(truth) => (*truth).into(),
    }
}

/// Sentry's word for the type of a column.
fn kind(field: &str) -> &'static str {
    match Aggregate::parse(field) {
        Some(Aggregate::Count | Aggregate::CountUnique(_)) => "integer",
        Some(Aggregate::FirstSeen | Aggregate::LastSeen) => "date",
        None if field.starts_with("timestamp") => "date",
        None if field == "issue.id" => "integer",
        None if field == "error.unhandled" => "boolean",
        None => "string",
    }
}
