//! What is only known afterwards: verdicts on clicks, rage, double clicks, elements that breadcrumbs describe.
//! It uses the log of drafts.
//! It never turns clicks that were answered into rage.

use super::{
    Action, Shared, Verdict,
    draft::{Draft, DraftNr, Log, ReportedError},
};

/// A breadcrumb's click and the recording's are so near, in milliseconds.
const SAME: i64 = 100;
/// A run of clicks that the SDK reports is over within so many milliseconds.
const MANY: i64 = 2_000;
/// Clicks with pauses up to this are one fit of rage.
const RAGE_PAUSE: i64 = 500;
/// So many clicks make it one.
const RAGE: usize = 3;
/// A page answers a click within so many milliseconds.
const ANSWER: i64 = 150;
/// Two clicks of a double click are no further apart.
const DOUBLE: i64 = 700;

/// Settles all of it.
pub(super) fn settle(log: &mut Log, told: &[ReportedError]) {
    restore(log);
    describe(log);
    unmask(log, told);
    let by_time = by_time(log);
    let judged = judge(log);
    rage(log, &by_time, &judged);
    double(log, &by_time);
    drop_idle_drags(log);
    drop_sliding(log);
}

/// Numbers of the drafts in the order of time.
pub(super) fn by_time(log: &Log) -> Vec<DraftNr> {
    let mut all: Vec<DraftNr> = (0..log.drafts.len()).filter(|nr| !log.drafts[*nr].dropped).collect();
    all.sort_by_key(|nr| log.drafts[*nr].at);
    all
}

fn click(draft: &Draft) -> Option<&super::Click> {
    match &draft.action {
        Action::Click(click) if !draft.dropped => Some(click),
        _ => None,
    }
}

/// Takes clicks without a press for the user's where the SDK says so: it watches for clicks that nothing answers, and for
/// many in a row.
fn restore(log: &mut Log) {
    let single = log.verdicts.iter().map(|verdict| (verdict.at, verdict.tab, verdict.node, SAME));
    let many = log.many_clicks.iter().map(|(at, tab, node)| (*at, *tab, *node, MANY));
    let told: Vec<_> = single.chain(many).collect();
    for (at, tab, node, span) in told {
        let is_meant = |draft: &Draft| {
            draft.tab == tab && (node.is_none() || draft.node == node) && (at - SAME..=at + span).contains(&draft.at)
        };
        if log.drafts.iter().any(|draft| click(draft).is_some() && is_meant(draft)) {
            continue;
        }
        for draft in log.drafts.iter_mut().filter(|draft| draft.unpressed && is_meant(draft)) {
            draft.dropped = false;
        }
    }
}

/// Elements that the page does not have come from the breadcrumb of the same click.
fn describe(log: &mut Log) {
    for draft in log.drafts.iter_mut().filter(|draft| click(draft).is_some()) {
        // After a loss places among siblings are those of a page that is gone.
        let doubtful = |target: &super::Target| target.css_count == 0 && target.css.raw().contains(":nth-");
        let missing = draft.target.as_ref().is_none_or(|target| !target.rebuilt || doubtful(target));
        if !missing {
            continue;
        }
        let near = log.described.iter().filter(|d| d.tab == draft.tab && (d.at - draft.at).abs() <= SAME);
        if let Some(best) = near.min_by_key(|d| ((d.node != draft.node), (d.at - draft.at).abs())) {
            let known = draft.target.take().filter(|target| target.rebuilt);
            draft.target = Some(match known {
                Some(known) => super::Target { css: best.target.css.clone(), ..known },
                None => best.target.clone(),
            });
        }
    }
}

/// Labels that the recording masked stand unmasked in the breadcrumbs of errors.
fn unmask(log: &mut Log, told: &[ReportedError]) {
    for draft in log.drafts.iter_mut().filter(|draft| click(draft).is_some()) {
        let Some(target) = draft.target.as_mut().filter(|target| target.masked && target.name.is_none()) else {
            continue;
        };
        let paths = told.iter().flat_map(|told| &told.clicks).filter(|(at, _)| (at - draft.at).abs() <= 5);
        for (_, path) in paths {
            let label =
                attribute(path, "aria-label").or_else(|| attribute(path, "title")).or_else(|| attribute(path, "alt"));
            if let Some(label) = label.filter(|label| !super::dom::is_masked(label)) {
                target.name = Some(Shared { text: label.into(), count: 0, index: 0 });
            }
        }
    }
}

/// An attribute of the last step of a path.
fn attribute<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let last = &path[path.rfind(" > ").map_or(0, |at| at + 3)..];
    let start = last.find(&["[", name, "=\""].concat())? + name.len() + 3;
    let end = last[start..].find("\"]")?;
    Some(&last[start..start + end])
}

/// What the SDK said of a click's lack of an answer.
struct Judged {
    draft: DraftNr,
    timeout: bool,
    after_ms: u64,
}

/// Joins the SDK's verdicts with their clicks, and applies those that nothing speaks against.
fn judge(log: &mut Log) -> Vec<Judged> {
    let mut judged = Vec::new();
    for verdict in &log.verdicts {
        let clicks = log.drafts.iter().enumerate().filter(|(_, d)| click(d).is_some() && d.tab == verdict.tab);
        let near = clicks.filter(|(_, d)| (d.at - verdict.at).abs() <= SAME);
        if let Some((nr, _)) = near.min_by_key(|(_, d)| ((d.node != verdict.node), (d.at - verdict.at).abs())) {
            judged.push(Judged { draft: nr, timeout: verdict.timeout, after_ms: verdict.after_ms });
        }
    }
    for Judged { draft, timeout, after_ms } in &judged {
        let at = log.drafts[*draft].at;
        let answered = at.saturating_add_unsigned(*after_ms);
        // The next thing that was done ended the wait: it was no answer to this click.
        let other = log.drafts.iter().enumerate().any(|(nr, d)| {
            nr != *draft && !d.dropped && d.at > at && d.at <= answered + 20 && answered - d.at <= 300 && by_user(d)
        });
        let failed =
            log.drafts.iter().any(|d| matches!(d.action, Action::Error(_)) && (0..=200).contains(&(d.at - at)));
        let Action::Click(click) = &mut log.drafts[*draft].action else { continue };
        match (timeout, failed || (other && !timeout)) {
            (_, true) => {}
            (true, false) => click.verdict = Verdict::Dead,
            (false, false) => {
                click.verdict = Verdict::Slow;
                click.answered_after_ms = Some(*after_ms);
            }
        }
    }
    judged
}

fn by_user(draft: &Draft) -> bool {
    matches!(draft.action, Action::Click(_) | Action::Drag(_) | Action::Input(_) | Action::Key(_))
        || (matches!(draft.action, Action::Navigate(_)) && draft.cause.is_none())
}

/// Folds runs of quick clicks that nothing answered into one.
fn rage(log: &mut Log, by_time: &[DraftNr], judged: &[Judged]) {
    let users: Vec<DraftNr> = by_time.iter().copied().filter(|nr| by_user(&log.drafts[*nr])).collect();
    let mut start = 0;
    while start < users.len() {
        let first = &log.drafts[users[start]];
        let mut end = start + 1;
        while end < users.len()
            && click(first).is_some()
            && follows(&log.drafts[users[end - 1]], &log.drafts[users[end]])
        {
            end += 1;
        }
        let run = &users[start..end];
        let dead = judged.iter().any(|j| j.draft == run[0]);
        let quick = |nr: &&DraftNr| log.drafts[**nr].changes.first.is_some_and(|at| at - log.drafts[**nr].at <= ANSWER);
        let answered = run.iter().filter(quick).count() * 2 >= run.len();
        if run.len() >= RAGE && (dead || !answered) {
            fold(log, run);
        }
        start = end;
    }
}

fn follows(a: &Draft, b: &Draft) -> bool {
    click(b).is_some() && a.node == b.node && a.tab == b.tab && b.at - a.at <= RAGE_PAUSE
}

fn fold(log: &mut Log, run: &[DraftNr]) {
    let until = log.drafts[run[run.len() - 1]].at;
    for nr in &run[1..] {
        log.drafts[*nr].dropped = true;
        let changes = std::mem::take(&mut log.drafts[*nr].changes);
        if let (Some(first), Some(last)) = (changes.first, changes.last) {
            log.drafts[run[0]].changes.add(changes.sum, first);
            log.drafts[run[0]].changes.last = Some(last);
        }
        redirect(log, *nr, run[0]);
    }
    let draft = &mut log.drafts[run[0]];
    draft.until = until;
    if let Action::Click(click) = &mut draft.action {
        click.verdict = Verdict::Rage;
        click.count = u32::try_from(run.len()).unwrap_or(u32::MAX);
        click.double = false;
        click.answered_after_ms = None;
    }
}

/// What a dropped draft caused, another did.
fn redirect(log: &mut Log, from: DraftNr, to: DraftNr) {
    for draft in log.drafts.iter_mut().filter(|draft| draft.cause == Some(from)) {
        draft.cause = Some(to);
    }
}

/// Folds the two clicks of a double click.
fn double(log: &mut Log, by_time: &[DraftNr]) {
    let clicks: Vec<DraftNr> = by_time.iter().copied().filter(|nr| click(&log.drafts[*nr]).is_some()).collect();
    for pair in clicks.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let second = click(&log.drafts[b]).is_some_and(|click| click.double);
        let same = log.drafts[a].tab == log.drafts[b].tab && log.drafts[b].at - log.drafts[a].at <= DOUBLE;
        if !second || !same || click(&log.drafts[a]).is_none() {
            continue;
        }
        log.drafts[b].dropped = true;
        let changes = std::mem::take(&mut log.drafts[b].changes);
        let until = log.drafts[b].at;
        let first = &mut log.drafts[a];
        first.until = until;
        if let Some(last) = changes.last {
            first.changes.add(changes.sum, last);
        }
        if let Action::Click(click) = &mut first.action {
            click.double = true;
        }
        redirect(log, b, a);
    }
}

/// A slider that was pulled has another value: that tells it all.
fn drop_sliding(log: &mut Log) {
    let inputs = log.drafts.iter().filter(|draft| matches!(draft.action, Action::Input(_)) && !draft.dropped);
    let set: Vec<_> = inputs.map(|draft| (draft.tab, draft.node, draft.at, draft.until)).collect();
    for draft in &mut log.drafts {
        let slider = draft.target.as_ref().and_then(|target| target.input_type.as_ref());
        if !matches!(draft.action, Action::Drag(_)) || slider.is_none_or(|ty| ty.raw() != "range") {
            continue;
        }
        let told = set.iter().any(|(tab, node, at, until)| {
            (*tab, *node) == (draft.tab, draft.node) && *until >= draft.at && *at <= draft.until + ANSWER
        });
        draft.dropped |= told;
    }
}

/// A drag that changed nothing was a selection of text, unless it was over something that is made for dragging.
fn drop_idle_drags(log: &mut Log) {
    for draft in log.drafts.iter_mut().filter(|draft| matches!(draft.action, Action::Drag(_))) {
        let target = draft.target.as_ref();
        let made_for_it = target.is_some_and(|target| {
            let role = target.role.as_ref().map_or("", |role| role.raw());
            matches!(target.tag.raw(), "canvas" | "svg" | "path")
                || matches!(role, "slider" | "separator" | "scrollbar")
        });
        draft.dropped |= !made_for_it && draft.changes.first.is_none();
    }
}
