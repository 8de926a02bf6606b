//! `search_events` over what is no error: the question to the store, and names that nothing has.

use super::{Ctx, Resolved, ToolError, error::refused, input::Text};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{Kind, Untrusted},
    say,
    store::{self, Field, Page, SearchRow, SignalKind, SignalQuery, Stat, StoreError, Test},
};

/// What was asked for, as typed.
pub(super) struct Asked<'a> {
    pub(super) query: Option<&'a Text>,
    pub(super) fields: &'a Option<Vec<Text>>,
    pub(super) group_by: &'a Option<Vec<Text>>,
    pub(super) aggregate: &'a Option<Vec<Text>>,
}

/// The kind that is meant; `None`: errors.
pub(super) fn kind(typed: Option<&Text>) -> Result<Option<SignalKind>, ToolError> {
    let Some(typed) = typed else { return Ok(None) };
    if matches!(typed.raw().trim().to_ascii_lowercase().as_str(), "" | "error" | "errors" | "event") {
        return Ok(None);
    }
    SignalKind::parse(typed.raw()).map(Some).ok_or_else(|| {
        let said = Guard::new().line(&typed.untrusted(), Limit::Tag);
        let names = "error, log, span, transaction, check_in, feedback, session, metric, all";
        ToolError::invalid(say!("kind has \"", said, "\"; there are ", names))
    })
}

/// `flags["x"]:true` and `flag:x:true` as a tag's condition, which search syntax has.
pub(super) fn with_flags(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let (sign, bare) = word.strip_prefix('!').map_or(("", word), |bare| ("!", bare));
        let flag = bare
            .strip_prefix("flags[")
            .and_then(|rest| rest.split_once("]:"))
            .map(|(name, value)| (name.trim_matches(['"', '\'']), value))
            .or_else(|| bare.strip_prefix("flag:").and_then(|rest| rest.rsplit_once(':')));
        words.push(match flag {
            Some((name, value)) if !name.is_empty() => format!("{sign}tags[flag:{name}]:{value}"),
            _ => word.to_owned(),
        });
    }
    words.join(" ")
}

/// `status:` as that of the line: in searches for errors it is the issue's.
fn with_status(text: &str) -> String {
    let word = |word: &str| {
        let (sign, bare) = word.strip_prefix('!').map_or(("", word), |bare| ("!", bare));
        bare.strip_prefix("status:").map_or_else(|| word.to_owned(), |value| format!("{sign}span.status:{value}"))
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Asks the store; the columns come with the rows.
pub(super) async fn ask(
    ctx: &Ctx,
    asked: &Resolved,
    kind: SignalKind,
    typed: &Asked<'_>,
) -> Result<(Vec<Untrusted>, Page<SearchRow>), ToolError> {
    let mut query = query(asked, kind, typed)?;
    super::terms::name_releases(ctx, &asked.scope, &mut query.filter, false).await?;
    let stats = query.aggregate.iter().map(Stat::name);
    let columns: Vec<Untrusted> = match query.aggregate.is_empty() {
        true => query.fields.clone(),
        false => query.group_by.iter().cloned().chain(stats).collect(),
    };
    let page = ctx.store.signals(&query).await.map_err(|error| match error {
        StoreError::NotFound { what: "key", asked, near } => {
            let mut guard = Guard::new();
            let said = guard.line(&asked, Limit::Tag);
            let near = near.iter().map(|name| guard.line(name, Limit::Tag)).collect();
            let message = say!("nothing of this kind in this scope has the key \"", said, "\"");
            ToolError { kind: Kind::InvalidInput, message, retry_after_s: None, near }
        }
        other => other.into(),
    })?;
    Ok((columns, page))
}

fn query(asked: &Resolved, kind: SignalKind, typed: &Asked<'_>) -> Result<SignalQuery, ToolError> {
    let filter = match typed.query {
        Some(text) => {
            store::parse_search(&with_status(&with_flags(text.raw())), asked.as_of).map_err(|e| refused("query", &e))?
        }
        None => Vec::new(),
    };
    if filter.iter().any(|term| matches!(term.test, Test::Status(_) | Test::Change(_))) {
        return Err(ToolError::invalid(Clean::ours(
            "query: is: asks for issues, and this kind has none: leave is: or kind out; status:VALUE asks for its own status",
        )));
    }
    let names = |texts: &Option<Vec<Text>>| -> Vec<Untrusted> {
        let name = |text: &Text| match text.raw().trim() {
            own @ ("hour" | "day" | "kind" | "value" | "type" | "name" | "message" | "event") => Untrusted::from(own),
            other => Field::parse(other).map_or_else(|| other.into(), |field| field.name()),
        };
        texts.iter().flatten().map(name).collect()
    };
    let stat = |text: &Text| {
        Stat::parse(text.raw()).ok_or_else(|| {
            let said = Guard::new().line(&text.untrusted(), Limit::Tag);
            let right = "count(), count_unique(key), min, max, avg, sum, p50 … p99 of a key, failure_rate()";
            ToolError::invalid(say!("aggregate has \"", said, "\"; there are ", right))
        })
    };
    let mut aggregate = typed.aggregate.iter().flatten().map(stat).collect::<Result<Vec<_>, _>>()?;
    let (mut fields, group_by) = (names(typed.fields), names(typed.group_by));
    if !group_by.is_empty() && aggregate.is_empty() {
        aggregate.push(Stat::Count);
    }
    if !fields.is_empty() && !aggregate.is_empty() {
        return Err(ToolError::invalid(Clean::ours(
            "fields are columns of single lines: with aggregate or group_by put them into group_by",
        )));
    }
    if fields.is_empty() {
        fields = kind.columns().iter().map(|name| Untrusted::from(*name)).collect();
    }
    Ok(SignalQuery {
        scope: asked.scope_of_days(14),
        kind,
        filter,
        fields,
        group_by,
        aggregate,
        limit: asked.limit_or(25),
        skip: asked.skip,
    })
}
