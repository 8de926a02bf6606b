//! A name that is no issue's, event's or replay's, but something else's: refusals say of what.

use serde_json::Value;

use super::{Ctx, ToolError, named, terms};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{EventId, Kind, Untrusted},
    say,
    store::{Field, IssueRef, Op, Scope, SignalKind, SignalQuery, Term, Test},
};

/// Arguments that name one thing.
const NAMES: [&str; 3] = ["issue", "event", "replay"];

/// What a call named, to be looked at when it was not found.
pub(super) fn names(arguments: &Value) -> Vec<(&'static str, String)> {
    let text = |name: &'static str| Some((name, arguments.get(name)?.as_str()?.trim().to_owned()));
    NAMES.into_iter().filter_map(text).filter(|(_, text)| !text.is_empty() && text.len() <= 200).collect()
}

/// The failure, with what the name is of where it is known. `project`: the one that the call was held to.
pub(super) async fn explained(
    ctx: &Ctx,
    names: &[(&'static str, String)],
    project: Option<&Untrusted>,
    failure: ToolError,
) -> ToolError {
    if !matches!(failure.kind, Kind::NotFound | Kind::InvalidInput) || ctx.store.reads_search() {
        return failure;
    }
    if let Some(elsewhere) = of_other_project(ctx, names, project).await.filter(|_| failure.kind == Kind::NotFound) {
        return ToolError { message: elsewhere, near: Vec::new(), kind: Kind::InvalidInput, ..failure };
    }
    for (argument, text) in names {
        let text = named::bare(text);
        // The failure may be about another argument.
        if !failure.message.as_str().contains(text) {
            continue;
        }
        if let Some(hint) = hint(ctx, argument, text).await {
            return ToolError { message: say!(failure.message, "; ", hint), near: Vec::new(), ..failure };
        }
    }
    failure
}

/// An issue, or an event of one, that is of another project than the call names.
async fn of_other_project(ctx: &Ctx, names: &[(&'static str, String)], project: Option<&Untrusted>) -> Option<Clean> {
    let project = project.filter(|_| !ctx.defaults.locked)?;
    for (argument, text) in names.iter().filter(|(argument, _)| *argument != "replay") {
        let text = named::bare(text);
        let issue = text.parse().map_or_else(|_| IssueRef::Named(text.into()), IssueRef::OfEvent);
        let Ok(found) = ctx.store.bare_issue(&issue, &Scope::default()).await else { continue };
        if found.project != project.raw() {
            let mut guard = Guard::new();
            let own = guard.line(&found.project.as_str().into(), Limit::Tag);
            let asked = guard.line(project, Limit::Tag);
            return Some(say!(
                *argument,
                " and project disagree: it is of ",
                own,
                ", not of ",
                asked,
                "; leave project out"
            ));
        }
    }
    None
}

/// What a name is of, and the call that answers.
async fn hint(ctx: &Ctx, argument: &str, text: &str) -> Option<Clean> {
    let said = Guard::new().line(&text.into(), Limit::Tag);
    if terms::is_pseudonym(text) {
        return Some(say!("it is a user: list_issues {\"query\":\"user:", said, "\"}"));
    }
    let scope = Scope { project: ctx.defaults.project.as_deref().map(Untrusted::from), ..Scope::default() };
    if text.parse::<EventId>().is_ok() {
        let id: Untrusted = text.replace('-', "").to_ascii_lowercase().as_str().into();
        let is = async |field: Field| terms::has_events(ctx, &scope, &field, &id).await.unwrap_or(false);
        if argument != "event" && is(Field::EventId).await {
            return Some(say!("it is an event: get_event {\"event\":\"", said, "\"}"));
        }
        if argument != "replay" && is(Field::Replay).await {
            return Some(say!("it is a replay: get_replay_summary {\"replay\":\"", said, "\"}"));
        }
        if is(Field::Trace).await || has_lines(ctx, &scope, SignalKind::All, "trace", &id).await {
            return Some(say!("it is a trace: search_events {\"kind\":\"all\",\"query\":\"trace:", said, "\"}"));
        }
        return None;
    }
    let monitor = has_lines(ctx, &scope, SignalKind::CheckIn, "monitor", &text.into()).await;
    monitor.then(|| say!("it is a monitor: search_events {\"kind\":\"check_in\",\"query\":\"monitor:", said, "\"}"))
}

async fn has_lines(ctx: &Ctx, scope: &Scope, kind: SignalKind, key: &str, value: &Untrusted) -> bool {
    let field = Field::parse(key).unwrap_or(Field::Trace);
    let test = Test::Field { field, op: Op::Is, values: vec![value.clone()] };
    let query = SignalQuery {
        scope: scope.clone(),
        kind,
        filter: vec![Term { negated: false, test }],
        fields: vec!["timestamp".into()],
        group_by: Vec::new(),
        aggregate: Vec::new(),
        limit: 1,
        skip: 0,
    };
    ctx.store.signals(&query).await.is_ok_and(|page| !page.items.is_empty())
}
