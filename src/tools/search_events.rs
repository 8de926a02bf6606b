//! `search_events`: events as a table, rows or groups, without a model in between.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CommonInput, Ctx, Resolved, Tool, ToolError, input::Text, nothing, signals, terms};
use crate::{
    guard::{Clean, CleanData, Guard, Limit},
    model::Untrusted,
    say,
    store::{Aggregate, Field, Grouper, Page, SearchQuery, SearchRow, Value},
    view,
    view::{Answer, Doc, Millis, Omission, Pairs, View, count},
};

/// The tool.
pub struct SearchEvents;

/// Its input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {
    /// error (default), log, span, transaction, check_in, feedback, session, metric, all
    kind: Option<Text>,
    /// Sentry search: key:value, !key:value, key:>n, has:key, text
    query: Option<Text>,
    /// Columns of rows, such as timestamp, issue, user, a tag
    fields: Option<Vec<Text>>,
    /// Fields, or hour, day
    group_by: Option<Vec<Text>>,
    /// count(), count_unique(user); other kinds: avg, sum, p50(duration), failure_rate()
    aggregate: Option<Vec<Text>>,
}

view! {
    /// The answer.
    pub struct Out {
        /// One object a row: newest event first, or the largest group.
        pub rows: Vec<CleanData>,
        /// Rows in all, when known.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub total: Option<u64>,
        /// Where was looked.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub searched: Option<Clean>,
        /// Where the same question finds something.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub elsewhere: Option<Clean>,
    }
}

impl Tool for SearchEvents {
    const NAME: &'static str = "search_events";
    const TITLE: &'static str = "Search events";
    const ABOUT: &'static str = "Events, logs, spans and other signal as rows, or counted in groups, for questions that the \
        other tools don't answer.";
    const SHARED: &'static [CommonInput] = &[
        CommonInput::Project,
        CommonInput::Environment,
        CommonInput::Period,
        CommonInput::AsOf,
        CommonInput::Limit,
        CommonInput::Cursor,
        CommonInput::MaxTokens,
    ];
    type In = In;
    type Out = Out;

    async fn call(ctx: &Ctx, asked: Resolved, input: In) -> Result<Answer<Out>, ToolError> {
        if let Some(kind) = signals::kind(input.kind.as_ref())? {
            let typed = signals::Asked {
                query: input.query.as_ref(),
                fields: &input.fields,
                group_by: &input.group_by,
                aggregate: &input.aggregate,
            };
            let signals::Found { columns, page, elsewhere } = signals::ask(ctx, &asked, kind, &typed).await?;
            let mut answer = answer(ctx, asked, &columns, page);
            answer.body.elsewhere = elsewhere;
            return Ok(answer);
        }
        let filter = terms::read(ctx, &asked, input.query.as_ref()).await?;
        let query = query(&asked, &input, filter)?;
        for (input, fields) in named(&query) {
            terms::known(ctx, input, fields.into_iter()).await?;
        }
        let page = ctx.store.search(&query).await?;
        let elsewhere = match page.items.is_empty() && asked.skip == 0 {
            true => nothing::events(ctx, &query).await?,
            false => None,
        };
        let mut answer = answer(ctx, asked, &columns(&query, &input), page);
        answer.body.elsewhere = elsewhere;
        Ok(answer)
    }
}

/// The fields of each input.
fn named(query: &SearchQuery) -> [(&'static str, Vec<&Field>); 3] {
    let grouped =
        query.group_by.iter().filter_map(|by| if let Grouper::Field(field) = by { Some(field) } else { None });
    let counted =
        query.aggregate.iter().filter_map(|of| if let Aggregate::CountUnique(field) = of { Some(field) } else { None });
    [("fields", query.fields.iter().collect()), ("group_by", grouped.collect()), ("aggregate", counted.collect())]
}

fn query(asked: &Resolved, input: &In, (filter, typed): terms::Searched) -> Result<SearchQuery, ToolError> {
    let group_by = parsed(&input.group_by, "group_by", "fields, hour, day", Grouper::parse)?;
    let mut aggregate = parsed(
        &input.aggregate,
        "aggregate",
        "count(), count_unique(user), min(timestamp), max(timestamp)",
        Aggregate::parse,
    )?;
    if !group_by.is_empty() && aggregate.is_empty() {
        aggregate.push(Aggregate::Count);
    }
    let mut fields = parsed(
        &input.fields,
        "fields",
        "timestamp, id, issue, title, user, release, message, transaction, and tags by name",
        Field::parse,
    )?;
    if !fields.is_empty() && !aggregate.is_empty() {
        return Err(ToolError::invalid(Clean::ours(
            "fields are columns of single events: with aggregate or group_by put them into group_by",
        )));
    }
    if fields.is_empty() && aggregate.is_empty() {
        fields = vec![Field::Timestamp, Field::EventId, Field::Issue, Field::Title, Field::User, Field::Release];
    }
    Ok(SearchQuery {
        scope: asked.scope_of_days(14),
        filter,
        typed,
        fields,
        group_by,
        aggregate,
        limit: asked.limit_or(25),
        skip: asked.skip,
    })
}

fn parsed<T>(
    texts: &Option<Vec<Text>>,
    input: &'static str,
    right: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ToolError> {
    let one = |text: &Text| {
        parse(text.raw()).ok_or_else(|| {
            let said = Guard::new().line(&text.untrusted(), Limit::Tag);
            ToolError::invalid(say!(input, " has \"", said, "\"; there are ", right))
        })
    };
    texts.iter().flatten().map(one).collect()
}

fn answer(ctx: &Ctx, asked: Resolved, columns: &[Untrusted], page: Page<SearchRow>) -> Answer<Out> {
    let mut guard = Guard::new();
    let columns: Vec<Clean> = columns.iter().map(|name| guard.line(name, Limit::Tag)).collect();
    let scope = asked.scope_of_days(14);
    let body = Out {
        rows: page.items.iter().map(|row| row_view(&columns, row, &mut guard)).collect(),
        total: page.total,
        searched: Some(nothing::searched(&scope, &mut guard)),
        elsewhere: None,
    };
    let mut warnings: Vec<Clean> = page.warnings.iter().map(|w| Clean::ours(w)).collect();
    warnings.extend(guard.warnings());
    let common = asked.common(ctx, warnings);
    let (more, whole) = (page.more, body.rows.len());
    Answer {
        body,
        common,
        cursor_after: Some(Box::new(move |shown: &Out| {
            (more || shown.rows.len() < whole).then(|| asked.cursor_after(shown.rows.len()))
        })),
    }
}

/// Names of the columns: as the caller wrote them.
fn columns(query: &SearchQuery, input: &In) -> Vec<Untrusted> {
    let typed = |texts: &Option<Vec<Text>>| texts.as_ref().filter(|texts| !texts.is_empty()).cloned();
    let written = |texts: Vec<Text>| texts.iter().map(|text| Untrusted::from(text.raw())).collect::<Vec<_>>();
    match query.aggregate.as_slice() {
        [] => typed(&input.fields).map_or_else(|| query.fields.iter().map(Field::name).collect(), written),
        aggregate => {
            let groups = typed(&input.group_by).map(written).unwrap_or_default();
            groups.into_iter().chain(aggregate.iter().map(Aggregate::name)).collect()
        }
    }
}

fn row_view(columns: &[Clean], row: &SearchRow, guard: &mut Guard) -> CleanData {
    let entries = columns.iter().zip(&row.values).filter_map(|(column, value)| {
        let value = match value {
            Value::None => return None,
            Value::Text(text) => CleanData::Text(guard.keyed(&column.as_str().into(), text, Limit::Title)),
            Value::Count(n) => CleanData::Number((*n).into()),
            Value::Number(n) => match serde_json::Number::from_f64((n * 1_000.0).round() / 1_000.0) {
                Some(number) => CleanData::Number(number),
                None => return None,
            },
            Value::Time(time) => CleanData::Text(say!(Millis(*time))),
            Value::Bool(b) => CleanData::Bool(*b),
        };
        Some((column.clone(), value))
    });
    CleanData::Map(entries.collect())
}

/// A duration says that it is milliseconds; other values stand for themselves.
fn with_unit((name, value): &(Clean, CleanData)) -> (Clean, CleanData) {
    let value = match value {
        CleanData::Number(n) if name.as_str().contains("duration") && !name.as_str().starts_with("count") => {
            CleanData::Text(say!(n.as_f64().unwrap_or_default(), " ms"))
        }
        other => other.clone(),
    };
    (name.clone(), value)
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        doc.heading("Rows");
        if let Some(total) = self.total {
            doc.line("In all: ", &[&count(total, "row", "rows")]);
        }
        if !self.rows.is_empty() {
            doc.line("Counted: ", &[&self.searched]);
        }
        for row in &self.rows {
            if let CleanData::Map(entries) = row {
                let entries: Vec<_> = entries.iter().map(with_unit).collect();
                doc.bullet(&say!(Pairs(&entries)));
            }
        }
        if self.rows.is_empty() {
            doc.line("None in ", &[&self.searched]);
            if let Some(elsewhere) = &self.elsewhere {
                doc.line("But: ", &[elsewhere]);
            }
        }
    }

    fn steps(&self) -> usize {
        self.rows.len()
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        self.rows.truncate(self.rows.len() - step);
        vec![Omission {
            what: count(step as u64, "more row", "more rows"),
            call: Clean::ours("cursor, or a larger max_tokens"),
        }]
    }
}
