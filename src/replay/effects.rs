//! What came of each step: what it caused, what changed, and how long that took.
//! It uses the settled drafts.
//! It never says that nothing happened where it can't know.

use super::{
    Action, Effect, Gap, Verdict,
    dom::Change,
    draft::{Draft, DraftNr, Log},
};
use crate::model::Untrusted;

/// What comes within so many milliseconds of a user's step may have come of it.
const CAUSED: i64 = 3_000;
/// An error is told up to so many milliseconds before its step's own time: two clocks are read.
const EARLY: i64 = 15;
/// Requests that went well are told up to so many.
const REQUESTS: usize = 3;

fn by_user(draft: &Draft) -> bool {
    match &draft.action {
        Action::Click(_) | Action::Drag(_) | Action::Input(_) | Action::Key(_) => true,
        Action::Navigate(_) => draft.cause.is_none(),
        Action::Resize(_) => true,
        _ => false,
    }
}

/// Finds what set off each request and error: the user's last step before it.
pub(super) fn causes(log: &mut Log, order: &[DraftNr]) {
    let mut last: Vec<Option<DraftNr>> = Vec::new();
    let mut users: Vec<DraftNr> = order.iter().copied().filter(|nr| by_user(&log.drafts[*nr])).collect();
    users.sort_by_key(|nr| log.drafts[*nr].at);
    for nr in order {
        let draft = &log.drafts[*nr];
        let early = if matches!(draft.action, Action::Error(_)) { EARLY } else { 2 };
        let caused = matches!(draft.action, Action::Request(_) | Action::Error(_) | Action::Console { .. });
        let until = users.partition_point(|user| log.drafts[*user].at <= draft.at + early);
        let same_tab =
            |user: &&DraftNr| matches!(draft.action, Action::Error(_)) || log.drafts[**user].tab == draft.tab;
        let cause = users[..until].iter().rev().find(same_tab).copied();
        let near = |user: &DraftNr| draft.at - log.drafts[*user].until.min(draft.at) <= CAUSED;
        last.push(cause.filter(|user| caused && *user != *nr && near(user)));
    }
    for (nr, cause) in order.iter().zip(last) {
        if cause.is_some() {
            log.drafts[*nr].cause = cause;
        }
    }
}

/// The effects of each draft in the order given, and when the last came.
pub(super) fn effects(
    log: &Log,
    order: &[DraftNr],
    numbers: &[Option<u32>],
    end: i64,
    gaps: &[Gap],
) -> Vec<(Vec<Effect>, Option<u32>)> {
    let mut caused: Vec<Vec<DraftNr>> = vec![Vec::new(); log.drafts.len()];
    for nr in order {
        if let Some(cause) = log.drafts[*nr].cause {
            caused[cause].push(*nr);
        }
    }
    let users: Vec<i64> = order.iter().map(|nr| &log.drafts[*nr]).filter(|d| by_user(d)).map(|d| d.at).collect();
    order
        .iter()
        .map(|nr| {
            let draft = &log.drafts[*nr];
            if !by_user(draft) {
                return (Vec::new(), None);
            }
            let next = users.get(users.partition_point(|at| *at <= draft.at)).copied().unwrap_or(i64::MAX);
            let mut effects = told(log, &caused[*nr], numbers);
            changed(draft, &mut effects);
            let known_until = gaps.iter().map(|gap| gap.from_ms).filter(|from| *from > draft.at).min().unwrap_or(end);
            let waited = next.min(known_until) - draft.until >= CAUSED;
            let dead =
                matches!(&draft.action, Action::Click(click) if matches!(click.verdict, Verdict::Dead | Verdict::Rage));
            let could = matches!(draft.action, Action::Click(_) | Action::Key(_) | Action::Drag(_));
            if effects.is_empty() && could && (dead || waited) {
                effects.push(Effect::Nothing);
            }
            (effects, settled(log, draft, &caused[*nr], next))
        })
        .collect()
}

/// What a step caused, the worst first.
fn told(log: &Log, caused: &[DraftNr], numbers: &[Option<u32>]) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut requested = 0;
    for nr in caused {
        let Some(n) = numbers[*nr] else { continue };
        effects.push(match &log.drafts[*nr].action {
            Action::Error(_) => Effect::Failed(n),
            Action::Navigate(_) => Effect::Navigated(n),
            Action::Request(request) if request.failed() => Effect::RequestFailed(n),
            Action::Request(_) if requested < REQUESTS => {
                requested += 1;
                Effect::Requested(n)
            }
            _ => continue,
        });
    }
    effects.sort_by_key(|effect| match effect {
        Effect::Failed(_) => 0,
        Effect::RequestFailed(_) => 1,
        Effect::Navigated(_) => 2,
        _ => 3,
    });
    effects
}

/// What changed in the page.
fn changed(draft: &Draft, effects: &mut Vec<Effect>) {
    let sum = &draft.changes.sum;
    let text =
        |text: &Option<String>| text.as_deref().map(|t| t.chars().take(200).collect::<String>()).map(Untrusted::from);
    if let Some(name) = &sum.opened {
        effects.push(Effect::DialogOpened(text(name)));
    }
    if sum.closed {
        effects.push(Effect::DialogClosed);
    }
    if let Some(said) = text(&sum.announced) {
        effects.push(Effect::Announced(said));
    }
    let (added, removed) = net(sum);
    if added.0 > 0 && sum.opened.is_none() {
        effects.push(Effect::Appeared { elements: added.0, text: text(&added.1) });
    }
    if removed.0 > 0 && !sum.closed {
        effects.push(Effect::Vanished { elements: removed.0, text: text(&removed.1) });
    }
    if (sum.text.is_some() || sum.masked_text) && sum.announced.is_none() {
        effects.push(Effect::TextChanged(text(&sum.text)));
    }
    if effects.is_empty() && (sum.styled > 0 || sum.moved > 0 || sum.added > 0 || sum.removed > 0) {
        effects.push(Effect::Restyled);
    }
}

/// What came and went in the end: a list that is drawn anew has most of its rows as before.
fn net(sum: &Change) -> ((u32, Option<String>), (u32, Option<String>)) {
    let mut removed = sum.removed_texts.clone();
    let mut added = Vec::new();
    for text in &sum.added_texts {
        match removed.iter().position(|old| old == text) {
            Some(at) => drop(removed.remove(at)),
            None => added.push(text.clone()),
        }
    }
    let same = u32::try_from(sum.added_texts.len() - added.len()).unwrap_or(0);
    let left = |n: u32| n.saturating_sub(same);
    ((left(sum.added), added.into_iter().next()), (left(sum.removed), removed.into_iter().next()))
}

/// How long after a step the last of what it set off came.
fn settled(log: &Log, draft: &Draft, caused: &[DraftNr], next: i64) -> Option<u32> {
    let ends = caused.iter().map(|nr| log.drafts[*nr].until);
    let last = ends.chain(draft.changes.last).filter(|at| *at < next).max()?;
    u32::try_from(last - draft.until).ok().filter(|ms| *ms > 0)
}
