//! Completion of the arguments of prompts and addresses, out of the answers of tools.

use rmcp::{
    ErrorData,
    model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Server, run};
use crate::{tools, view::Sent};

/// What is completed: the tool that knows the names, and where they are in its answer.
struct Source {
    tool: &'static str,
    arguments: fn() -> Value,
    list: &'static str,
    name: fn(&Value) -> Option<String>,
}

const ISSUES: Source = Source {
    tool: "list_issues",
    arguments: || json!({ "period": "90d", "limit": 100, "max_tokens": 60_000 }),
    list: "issues",
    name: |row| row["short_id"].as_str().map(str::to_owned),
};
const RELEASES: Source = Source {
    tool: "list_releases",
    arguments: || json!({ "limit": 100, "max_tokens": 60_000 }),
    list: "releases",
    name: |row| row["version"].as_str().map(str::to_owned),
};
const PROJECTS: Source = Source {
    tool: "list_projects",
    arguments: || json!({ "max_tokens": 60_000 }),
    list: "projects",
    name: |row| row["slug"].as_str().map(str::to_owned),
};
const ENVIRONMENTS: Source = Source {
    tool: "search_events",
    arguments: || json!({ "group_by": ["environment"], "period": "90d", "limit": 100, "max_tokens": 60_000 }),
    list: "rows",
    name: |row| row["environment"].as_str().or_else(|| row["key"][0].as_str()).map(str::to_owned),
};

/// The names that begin with what was typed.
pub(super) async fn complete(
    server: &Server,
    request: &CompleteRequestParams,
    ct: &CancellationToken,
) -> Result<CompleteResult, ErrorData> {
    let names = match source(request) {
        Some(source) => names(server, &source, ct).await?,
        None => Vec::new(),
    };
    let typed = request.argument.value.to_lowercase();
    let mut fitting: Vec<String> = names.into_iter().filter(|name| name.to_lowercase().starts_with(&typed)).collect();
    fitting.dedup();
    let more = fitting.len() > CompletionInfo::MAX_VALUES;
    fitting.truncate(CompletionInfo::MAX_VALUES);
    let info = CompletionInfo::with_pagination(fitting, None, more)
        .map_err(|_| ErrorData::internal_error("too many names", None))?;
    Ok(CompleteResult::new(info))
}

fn source(request: &CompleteRequestParams) -> Option<Source> {
    let argument = request.argument.name.as_str();
    if let Reference::Resource(template) = &request.r#ref {
        return match template.uri.strip_prefix("signal://")?.split('/').next()? {
            "issue" => Some(ISSUES),
            "release" => Some(RELEASES),
            _ => None,
        };
    }
    match argument {
        "issue" => Some(ISSUES),
        "release" | "since_release" | "version" => Some(RELEASES),
        "project" => Some(PROJECTS),
        "environment" => Some(ENVIRONMENTS),
        _ => None,
    }
}

async fn names(server: &Server, source: &Source, ct: &CancellationToken) -> Result<Vec<String>, ErrorData> {
    let Some(tool) = tools::find(source.tool) else { return Ok(Vec::new()) };
    let answer = run::call(server, tool, (source.arguments)(), Sent::Data, ct).await?;
    Ok(answer.data[source.list].as_array().into_iter().flatten().filter_map(source.name).collect())
}
