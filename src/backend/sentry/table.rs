//! Events as a table.

use serde_json::Value as Json;

use super::{
    ask::Ask,
    json::{as_text, count, time, truth, word},
    life::Life,
    operation::EVENTS,
    search,
    store::SentryStore,
    terms::{self, Of},
};
use crate::{
    model::{IssueId, Untrusted},
    store::{Aggregate, Field, Grouper, Page, SearchQuery, SearchRow, StoreError, Value},
};

/// Columns that one question has at most.
const COLUMNS: usize = 20;
/// Rows that are skipped at most.
const DEEPEST: usize = 900;

/// One column: its name upstream, and how its values are read.
struct Column {
    name: String,
    read: Read,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Text,
    Person,
    Count,
    Time,
    Truth,
}

impl SentryStore {
    /// Answers `SignalStore::search`.
    pub(super) async fn table(&self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let columns = columns(query);
        let rows_are_events = query.aggregate.is_empty();
        if columns.len() + 2 > COLUMNS {
            return Err(StoreError::Invalid("Sentry takes 18 columns at once: ask for fewer"));
        }
        if query.skip > DEEPEST {
            return Err(StoreError::Invalid("Sentry's rows are not followed so far: ask for a shorter period"));
        }
        let mut written = terms::write(&query.filter, Of::Events);
        if let Some(typed) = &query.typed {
            terms::push(&mut written.text, &search::pass(typed.raw(), Of::Events, self.when(&query.scope))?.text);
        }
        if !written.rest.is_empty() {
            return Err(StoreError::Unsupported(
                "Sentry can't check this of events: is:, timesSeen, userCount, firstSeen, lastSeen and firstRelease are of issues (list_issues)",
            ));
        }
        let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        for needed in ["id", "issue.id"] {
            if rows_are_events && !names.contains(&needed) {
                names.push(needed);
            }
        }
        let sort = sort(query, &mut names);
        let (start, end) = self.span(&query.scope);
        let wanted = query.skip + query.limit + 1;
        let ask = Ask::new(&EVENTS)
            .param("dataset", "errors")
            .each("field", names)
            .param("query", written.text)
            .param("sort", sort)
            .param("per_page", wanted.min(100).to_string())
            .lives(if rows_are_events { Life::Moving } else { Life::Slow })
            .between(start, end);
        let pages = self.server.pages(self.scoped(ask, &query.scope).await?, "data", wanted).await?;
        let more = pages.items.len() > query.skip + query.limit || pages.more;
        let total = (!more).then_some(pages.items.len() as u64);
        let shown = pages.items.iter().skip(query.skip).take(query.limit);
        let items = shown.map(|row| self.table_row(row, &columns, rows_are_events)).collect();
        let mut warnings = Vec::new();
        if query.typed.as_ref().is_some_and(|typed| search::names_users(typed.raw())) {
            warnings.push("users are pseudonyms here: Sentry finds them by their own ids alone");
        }
        Ok(Page { items, total, more, warnings, by_change: Vec::new() })
    }

    fn table_row(&self, row: &Json, columns: &[Column], is_event: bool) -> SearchRow {
        let values = columns.iter().map(|column| self.table_value(row, column)).collect();
        let issue = count(row, "issue.id").and_then(|id| i64::try_from(id).ok()).map(IssueId);
        SearchRow {
            event: word(row, "id").parse().ok().filter(|_| is_event),
            issue: issue.filter(|_| is_event),
            values,
        }
    }

    fn table_value(&self, row: &Json, column: &Column) -> Value {
        let found = match column.read {
            Read::Count => count(row, &column.name).map(Value::Count),
            Read::Time => time(row, &column.name).map(Value::Time),
            Read::Truth => truth(row, &column.name).map(Value::Bool),
            Read::Person => text_of(row, &column.name).map(|user| Value::Text(self.pseudonym(user.raw()).into())),
            Read::Text => text_of(row, &column.name).map(|text| Value::Text(self.scrubbed(&text))),
        };
        found.unwrap_or(Value::None)
    }
}

fn text_of(row: &Json, name: &str) -> Option<Untrusted> {
    // Older servers leave the brackets of a tag and the parentheses of a function away.
    let bare = name.trim_start_matches("tags[").trim_end_matches(']');
    as_text(row.get(name).or_else(|| row.get(bare))?)
}

fn columns(query: &SearchQuery) -> Vec<Column> {
    if query.aggregate.is_empty() {
        return query.fields.iter().map(field).collect();
    }
    let group = |grouper: &Grouper| match grouper {
        Grouper::Field(own) => field(own),
        Grouper::Hour => Column { name: "timestamp.to_hour".into(), read: Read::Time },
        Grouper::Day => Column { name: "timestamp.to_day".into(), read: Read::Time },
    };
    let aggregate = |aggregate: &Aggregate| match aggregate {
        Aggregate::Count => Column { name: "count()".into(), read: Read::Count },
        Aggregate::CountUnique(own) => Column { name: format!("count_unique({})", field(own).name), read: Read::Count },
        Aggregate::FirstSeen => Column { name: "min(timestamp)".into(), read: Read::Time },
        Aggregate::LastSeen => Column { name: "max(timestamp)".into(), read: Read::Time },
    };
    query.group_by.iter().map(group).chain(query.aggregate.iter().map(aggregate)).collect()
}

fn field(field: &Field) -> Column {
    let (name, read) = match field {
        Field::EventId => ("id".to_owned(), Read::Text),
        Field::Replay => ("replayId".to_owned(), Read::Text),
        Field::Platform => ("platform.name".to_owned(), Read::Text),
        Field::User => ("user".to_owned(), Read::Person),
        Field::Timestamp => ("timestamp".to_owned(), Read::Time),
        Field::Unhandled => ("error.unhandled".to_owned(), Read::Truth),
        Field::Tag(tag) => (terms::key(tag.raw()), Read::Text),
        known if known.is_time() => (known.name().into_raw(), Read::Time),
        known if known.is_count() => (known.name().into_raw(), Read::Count),
        known => (known.name().into_raw(), Read::Text),
    };
    Column { name, read }
}

/// Newest event first, or the largest group; the sort has to be one of the columns.
fn sort(query: &SearchQuery, names: &mut Vec<&str>) -> String {
    if query.aggregate.is_empty() {
        if !names.contains(&"timestamp") {
            names.push("timestamp");
        }
        return "-timestamp".to_owned();
    }
    if query.aggregate.contains(&Aggregate::Count) {
        return "-count()".to_owned();
    }
    // The first aggregate stands behind the groups.
    format!("-{}", names[query.group_by.len()])
}
