//! Requests that became slower or fail more often since a release, as rows beside issues: few, and after them.

use super::{IssueView, Since};
use crate::{
    guard::{Clean, Guard, Limit},
    model::Untrusted,
    say,
    store::{IssueQuery, Scope, Slowed, SlowedQuery, StoreError},
    tools::Ctx,
    view::{Word, count, percent},
};

/// Rows beside issues at most; the others are asked for by `kind:performance`.
const BESIDE: usize = 2;

/// What a search asks for by `kind:`, and the rest of it.
pub(super) fn kind_of(query: &str) -> (Option<bool>, String) {
    let mut kind = None;
    let mut words: Vec<&str> = query.split(' ').collect();
    words.retain(|word| {
        match word.to_ascii_lowercase().as_str() {
            "kind:performance" | "!kind:error" => kind = Some(true),
            "kind:error" | "!kind:performance" => kind = Some(false),
            _ => return true,
        }
        false
    });
    (kind, words.join(" "))
}

/// What got worse since the releases that were asked for; without any, since the newest of each project.
pub(super) async fn find(ctx: &Ctx, query: &IssueQuery) -> Result<Vec<Slowed>, StoreError> {
    let scope = Scope { start: None, ..query.scope.clone() };
    ctx.store.slowed(&SlowedQuery { scope, since: query.since.clone() }).await
}

/// How many rows stand beside so many issues.
pub(super) fn shown(found: &[Slowed], alone: bool) -> usize {
    if alone { found.len() } else { found.len().min(BESIDE) }
}

/// `2 requests are slower or fail more often (list_issues {…})`
pub(super) fn line(found: &[Slowed], since: Option<&Since>, guard: &mut Guard) -> Option<Clean> {
    let worst = found.first()?;
    let release =
        since.map(|since| say!("\"since_release\":\"", guard.line(&since.first().release.version, Limit::Tag), "\","));
    let rest = (found.len() > 1).then(|| {
        let others = count(found.len() as u64 - 1, "more request", "more requests");
        say!("; and ", others, ": list_issues {", release, "\"query\":\"kind:performance\"}")
    });
    Some(say!(title(worst, guard), rest))
}

fn title(slowed: &Slowed, guard: &mut Guard) -> Clean {
    let operation = guard.line(&slowed.operation, Limit::Title);
    say!(operation, " in ", guard.line(&slowed.project.as_str().into(), Limit::Tag), ": ", worse(slowed))
}

/// `median 72 ms, now 1,749 ms (24 times)`
fn worse(slowed: &Slowed) -> Clean {
    let slower = slowed.changed.median_ms.map(|[before, after]| {
        let times = (after / before.max(0.001)).round() as u64;
        let times = (times > 1).then(|| say!(" (", times, " times)"));
        say!("median ", before.round() as u64, " ms, now ", after.round() as u64, " ms", times)
    });
    let failed = slowed.changed.failed.map(|[before, after]| say!(percent(before), " failed, now ", percent(after)));
    let and = if slower.is_some() && failed.is_some() { "; " } else { "" };
    say!(slower, and, failed)
}

fn why(slowed: &Slowed, guard: &mut Guard) -> Clean {
    let [before, after] = slowed.requests;
    let since = slowed.release.as_ref().map(|release| say!(" since ", guard.line(release, Limit::Tag)));
    let sampled = slowed.resampled.then_some("; sampled otherwise than before");
    let (requests, users) = (count(after, "request", "requests"), count(slowed.users, "user", "users"));
    say!(requests, " of ", users, since, ", ", before, " before it", sampled)
}

/// The row of a kind of requests. Its id names no issue: `get_event` has nothing to show of it.
pub(super) fn row(slowed: &Slowed, guard: &mut Guard) -> IssueView {
    let id = format!("performance:{}:{}", slowed.project, slowed.operation.raw());
    let id = guard.line(&Untrusted::from(id), Limit::Title);
    IssueView {
        short_id: id.clone(),
        id,
        title: title(slowed, guard),
        ty: None,
        value: None,
        culprit: None,
        level: Word("warning"),
        status: Word("unresolved"),
        change: Word("regressed"),
        kind: Some(Word("performance")),
        unhandled: false,
        first_seen: None,
        last_seen: None,
        first_release: guard.opt(slowed.release.as_ref(), Limit::Tag),
        last_release: None,
        events: slowed.requests[1],
        users: Some(slowed.users),
        share: None,
        top_frame: None,
        replays: 0,
        claimed: None,
        echo_of: None,
        url: None,
        why: why(slowed, guard),
    }
}
