//! An issue in Sentry's shape.

use serde_json::{Value, json};

use super::shapes::{maybe, project as project_shape, some};
use crate::{
    model::{Change, Issue, Project, Status},
    store::IssueFacts,
};

/// Where an issue is shown.
pub(super) fn permalink(base: &str, org: &str, issue: &Issue) -> String {
    format!("{base}/organizations/{}/issues/{}/", super::segment(org), issue.id)
}

/// An issue and its numbers. `lifetime`: those of all time.
pub(super) fn issue(facts: &IssueFacts, lifetime: &IssueFacts, project: &Project, base: &str, org: &str) -> Value {
    let issue = &facts.issue;
    let mut shape = json!({
        "id": issue.id.to_string(),
        "shortId": issue.short_id,
        "title": issue.title.raw(),
        "culprit": some(&issue.culprit),
        "permalink": permalink(base, org, issue),
        "level": issue.level.as_str(),
        "status": issue.status.as_str(),
        "statusDetails": status_details(issue),
        "substatus": substatus(issue.status, facts.change),
        "resolvedAt": maybe(issue.resolution.as_ref().map(|resolution| resolution.at)),
        "platform": some(&project.platform),
        "priority": if issue.unhandled { "high" } else { "medium" },
        "project": project_shape(project),
        "type": if issue.ty.is_some() { "error" } else { "default" },
        "metadata": metadata(issue),
        "isUnhandled": issue.unhandled,
        "count": facts.events.to_string(),
        "userCount": facts.users,
        "firstSeen": maybe(facts.first_seen),
        "lastSeen": maybe(facts.last_seen),
        "lifetime": numbers(lifetime),
        "inbox": { "reason": 0, "reason_details": null, "date_added": maybe(facts.first_seen) },
        "owners": { "type": "", "owner": "", "date_added": maybe(facts.first_seen) },
    });
    if let (Some(shape), Value::Object(more)) = (shape.as_object_mut(), not_kept()) {
        shape.extend(more);
    }
    shape
}

/// What issues of Sentry may have beside that, and these have not.
fn not_kept() -> Value {
    json!({
        "shareId": null,
        "logger": null,
        "isPublic": false,
        "priorityLockedAt": null,
        "seerFixabilityScore": null,
        "seerAutofixLastTriggered": null,
        "seerExplorerAutofixLastTriggered": null,
        "issueType": "error",
        "issueCategory": "error",
        "numComments": 0,
        "assignedTo": null,
        "isBookmarked": false,
        "isSubscribed": false,
        "subscriptionDetails": null,
        "hasSeen": false,
        "annotations": [],
        "derivedData": {
            "blocker": "", "progress": "", "status": "", "viewCount": 0, "hasOpenFixPr": false, "isAssigned": false,
            "hasRootCause": false, "lastCompletedAutofixStep": "", "lastProgressedAt": null,
        },
        "stats": {},
        "filtered": null,
        "sessionCount": 0,
        "integrationIssues": [],
        "sentryAppIssues": [],
        "latestEventHasAttachments": false,
        "matchingEventId": null,
        "matchingEventEnvironment": null,
    })
}

fn numbers(facts: &IssueFacts) -> Value {
    json!({
        "count": facts.events.to_string(),
        "userCount": facts.users,
        "firstSeen": maybe(facts.first_seen),
        "lastSeen": maybe(facts.last_seen),
        "stats": null,
    })
}

fn status_details(issue: &Issue) -> Value {
    match issue.resolution.as_ref().filter(|_| issue.status == Status::Resolved).and_then(|r| r.in_release.as_ref()) {
        Some(release) => json!({ "inRelease": release.raw() }),
        None => json!({}),
    }
}

fn substatus(status: Status, change: Change) -> Value {
    match (status, change) {
        (Status::Resolved, _) => Value::Null,
        (Status::Ignored, _) => "archived_until_escalating".into(),
        (_, Change::New) => "new".into(),
        (_, Change::Regressed) => "regressed".into(),
        (_, Change::Escalating) => "escalating".into(),
        (_, Change::Ongoing | Change::Resolved) => "ongoing".into(),
    }
}

/// What names the issue: type and text, and where it crashes.
pub(super) fn metadata(issue: &Issue) -> Value {
    let frame = issue.top_frame.as_ref();
    let mut metadata = json!({ "title": issue.title.raw() });
    let parts = [
        ("type", issue.ty.as_ref()),
        ("value", issue.value.as_ref()),
        ("function", frame.and_then(|frame| frame.function.as_ref())),
        ("filename", frame.and_then(|frame| frame.file.as_ref())),
    ];
    for (key, part) in parts {
        if let Some(part) = part {
            metadata[key] = part.raw().into();
        }
    }
    if let Some(line) = frame.and_then(|frame| frame.line) {
        metadata["lineno"] = line.into();
    }
    metadata
}
