//! What an agent may read, and be told of when it changes: each resource is the answer of a tool.

use rmcp::{
    ErrorData,
    model::{
        CacheScope, ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource, ResourceContents,
        ResourceTemplate, SubscriptionFilter,
    },
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Server, run};
use crate::{tools, view::Sent};

/// What broke since the newest release.
pub(super) const BREAKAGE: &str = "signal://breakage";
/// Lists change with the program alone.
const LIST_TTL_MS: u64 = 3_600_000;
/// What was read may change with the next event.
const READ_TTL_MS: u64 = 5_000;
/// Resources that one peer may be told of.
pub(super) const MOST: usize = 100;

/// A kind of resource: its name, what it is, the tool that answers, and the argument that takes the last part.
struct Kind {
    name: &'static str,
    about: &'static str,
    tool: &'static str,
    argument: &'static str,
    variable: &'static str,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "issue",
        about: "The diagnosis of an issue",
        tool: "diagnose_issue",
        argument: "issue",
        variable: "id",
    },
    Kind { name: "event", about: "One event", tool: "get_event", argument: "event", variable: "id" },
    Kind {
        name: "replay",
        about: "What a user did before an error",
        tool: "get_replay_summary",
        argument: "replay",
        variable: "id",
    },
    Kind {
        name: "release",
        about: "What broke since a release",
        tool: "list_issues",
        argument: "since_release",
        variable: "version",
    },
];

pub(super) fn list() -> ListResourcesResult {
    let breakage = Resource::new(BREAKAGE, "breakage")
        .with_title("What broke")
        .with_description("What broke since the newest release; can be subscribed to")
        .with_mime_type("text/markdown");
    ListResourcesResult::with_all_items(vec![breakage]).with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Private)
}

pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = |kind: &Kind| {
        ResourceTemplate::new(format!("signal://{}/{{{}}}", kind.name, kind.variable), kind.name)
            .with_title(kind.about)
            .with_mime_type("text/markdown")
    };
    ListResourceTemplatesResult::with_all_items(KINDS.iter().map(template).collect())
        .with_ttl_ms(LIST_TTL_MS)
        .with_cache_scope(CacheScope::Private)
}

/// The tool and arguments that an address stands for.
fn call_of(uri: &str) -> Option<(&'static str, Value)> {
    if uri == BREAKAGE {
        return Some(("list_issues", json!({ "since_release": "latest" })));
    }
    let (name, last) = uri.strip_prefix("signal://")?.split_once('/')?;
    let kind = KINDS.iter().find(|kind| kind.name == name)?;
    let last = percent_encoding::percent_decode_str(last).decode_utf8().ok()?;
    (!last.is_empty()).then(|| (kind.tool, json!({ kind.argument: last })))
}

/// The answer of the tool that stands behind an address.
pub(super) async fn read(server: &Server, uri: &str, ct: &CancellationToken) -> Result<ReadResourceResult, ErrorData> {
    let missing = || ErrorData::resource_not_found("no such resource", Some(json!({ "uri": uri })));
    let (name, arguments) = call_of(uri).ok_or_else(missing)?;
    let tool = tools::find(name).ok_or_else(missing)?;
    let mut answer = run::call(server, tool, arguments, Sent::Text, ct).await?;
    if answer.is_error && uri == BREAKAGE {
        // A store that no release was told of: what failed lately stands for it.
        answer = run::call(server, tool, json!({}), Sent::Text, ct).await?;
    }
    if answer.is_error {
        let kind = answer.data["error"]["kind"].as_str().unwrap_or_default();
        return Err(match kind {
            "not_found" | "invalid_input" => missing(),
            _ => ErrorData::internal_error(answer.text, None),
        });
    }
    let contents = ResourceContents::text(answer.text, uri).with_mime_type("text/markdown");
    Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(READ_TTL_MS).with_cache_scope(CacheScope::Private))
}

/// Whether a resource is one that changes, so that one can be told.
pub(super) fn changes(uri: &str) -> bool {
    uri == BREAKAGE || ["signal://issue/", "signal://release/"].iter().any(|start| uri.starts_with(start))
}

/// What of a wished filter is served.
pub(super) fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let mut accepted = SubscriptionFilter::new();
    let wished = requested.resource_subscriptions.iter().flatten();
    accepted.resource_subscriptions = Some(wished.filter(|uri| changes(uri)).take(MOST).cloned().collect());
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_call_of_a_tool() {
        let named = |uri| call_of(uri).map(|(tool, _)| tool);
        assert_eq!(named("signal://breakage"), Some("list_issues"));
        assert_eq!(named("signal://issue/SHOP-4K"), Some("diagnose_issue"));
        assert_eq!(call_of("signal://release/shop%402.3.0").unwrap().1, json!({ "since_release": "shop@2.3.0" }));
        for none in ["signal://issue/", "signal://other/1", "file:///etc/passwd", "signal://breakage/1", ""] {
            assert_eq!(named(none), None, "{none}");
        }
    }

    #[test]
    fn only_what_changes_can_be_subscribed_to() {
        let mut wished = SubscriptionFilter::new();
        wished.tools_list_changed = Some(true);
        wished.resource_subscriptions = Some(vec![BREAKAGE.to_owned(), "signal://event/1".to_owned()]);
        let accepted = accepted(&wished);
        assert_eq!(accepted.resource_subscriptions, Some(vec![BREAKAGE.to_owned()]));
        assert_eq!(accepted.tools_list_changed, None);
    }
}
