//! Facts that weaken the answer.

use super::{block::code, view::VerdictInput};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{Side, Timestamp},
    say,
    verify::{Cohort, Loss, Proof, Unit, Verdict},
    view::{Seconds, count, percent},
};

/// Design effect from which a few users weigh heavily.
const HEAVY: f64 = 3.0;

pub(super) fn of(told: &VerdictInput<'_>, guard: &mut Guard) -> Vec<Clean> {
    let mut warnings: Vec<Clean> = told.history.gaps.iter().map(|gap| Clean::ours(gap)).collect();
    if told.environment.is_none() {
        warnings.push(Clean::ours(
            "all environments are counted together: pass environment to count the one that was deployed to",
        ));
    }
    let Some(proof) = &told.judgment.proof else { return warnings };
    match proof.drifted {
        Some(true) => warnings.push(Clean::ours(
            "releases without the fix changed their rate at the deploy too: only what ran at the same time is compared",
        )),
        None if proof.before.exposure > 0.0 => warnings.push(Clean::ours(
            "nothing without the fix ran after the deploy: a change of the world at that time can't be told from the fix",
        )),
        _ => {}
    }
    warnings.extend(of_loss(proof));
    warnings.extend(of_cohort(told, proof, guard));
    if proof.unit == Unit::Events {
        warnings.push(Clean::ours("exposure is counted by events of other issues, since sessions are missing"));
    }
    if proof.unit == Unit::Requests {
        warnings.push(Clean::ours("exposure is counted in requests, since neither sessions nor users are named"));
    }
    if proof.effects.0 > HEAVY {
        warnings.push(say!(
            "few users make most hits: each hit weighs as ",
            1.0 / proof.effects.0,
            " of an independent one"
        ));
    }
    if let (true, Ok(start)) = (proof.window.cut_short, Timestamp::from_second(proof.window.start * 3_600)) {
        warnings.push(say!("the baseline begins at ", Seconds(start), ", where retention cut it"));
    }
    warnings.extend(of_users(told, proof));
    warnings.extend(of_later_releases(told, guard));
    warnings
}

/// Errors that never arrived.
fn of_loss(proof: &Proof) -> Option<Clean> {
    (proof.loss != Loss::NONE).then(|| {
        say!(
            "not all errors of the project arrived (dropped by SDKs or the server: rate limits, sampling, queues, filters): ",
            percent(proof.loss.before),
            " of them without the fix, ",
            percent(proof.loss.after),
            " with it; the interval allows for that"
        )
    })
}

/// Hits in later releases alone: perhaps one of them was built without the fix, as a hotfix of the old line is.
fn of_later_releases(told: &VerdictInput<'_>, guard: &mut Guard) -> Option<Clean> {
    let releases = &told.history.releases;
    let asked = releases.iter().position(|release| release.version == told.history.asked)?;
    let used = told.history.uses.iter().any(|part| part.release == asked);
    let hits = || told.history.hits.iter().filter(|hit| hit.group == 0 && releases[hit.release].side == Side::New);
    if !used || hits().any(|hit| hit.release == asked) {
        return None;
    }
    let worst = (0..releases.len()).max_by_key(|place| hits().filter(|hit| hit.release == *place).count())?;
    (hits().count() > 0).then(|| {
        let (asked, worst) = (&releases[asked].version, &releases[worst].version);
        let (asked, worst) = (code(&guard.line(asked, Limit::Tag)), code(&guard.line(worst, Limit::Tag)));
        say!("no hit is of ", asked, " itself, most are of ", worst, ", which came later: was it built with the fix?")
    })
}

fn of_cohort(told: &VerdictInput<'_>, proof: &Proof, guard: &mut Guard) -> Option<Clean> {
    let condition = &told.history.conditions[proof.cohort.condition()?];
    let value = guard.keyed(&condition.tag, &condition.value, Limit::Tag);
    let name = code(&say!(guard.line(&condition.tag, Limit::Tag), "=", value));
    match proof.cohort {
        Cohort::Seen { before, after, .. } => Some(say!(
            "it occurs under ",
            name,
            ", by which exposure can't be told apart; events of other issues show ",
            percent(before),
            " of it before and ",
            percent(after),
            " after, and the interval allows for that"
        )),
        Cohort::Unseen(_) => Some(say!(
            "it occurs under ",
            name,
            ", by which exposure can't be told apart: a shift of users would not be seen"
        )),
        _ => None,
    }
}

/// Events of the issue that neither side counts, and why: other tools count them.
fn left_out(told: &VerdictInput<'_>, proof: &Proof) -> Option<Clean> {
    let (mut later, mut opening, mut older, mut neither) = (0_u64, 0_u64, 0_u64, 0_u64);
    let first = told.history.first_hit.map(hour);
    for hit in told.history.hits.iter().filter(|hit| hit.group == 0) {
        let at = hour(hit.at);
        match told.history.releases[hit.release].side {
            Side::Neither => neither += 1,
            _ if at >= proof.window.cut => later += 1,
            _ if at >= proof.window.start => {}
            _ if Some(at) == first => opening += 1,
            _ => older += 1,
        }
    }
    let parts = [
        (later, "of the hour that is not over yet, which will count once it is"),
        (opening, "of the hour of the first event, which only says when it began"),
        (older, "of before the baseline"),
        (neither, "of releases that are on neither side (another package, a pre-release, none)"),
    ];
    let mut said: Option<Clean> = None;
    for (n, why) in parts.into_iter().filter(|(n, _)| *n > 0) {
        said = Some(match said {
            Some(said) => say!(said, "; ", n, " ", why),
            None => say!("not counted here: ", count(n, "event", "events"), " ", why),
        });
    }
    said
}

/// Whole hours since 1970.
fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

fn of_users(told: &VerdictInput<'_>, proof: &Proof) -> Vec<Clean> {
    let mut warnings = Vec::new();
    let of_issue = || told.history.hits.iter().filter(|hit| hit.group == 0);
    let anonymous = of_issue().filter(|hit| hit.user.is_none()).count() as u64;
    if anonymous > 0 {
        warnings.push(say!(count(anonymous, "event names", "events name"), " no user: each counts as a separate hit"));
    }
    warnings.extend(left_out(told, proof));
    let fixed = told.judgment.verdict == Verdict::Fixed;
    if fixed && told.history.returning.is_some_and(|users| users.eligible > 0 && users.active_after == 0) {
        warnings.push(Clean::ours("none of the users hit before has come back yet: those prone to it may be gone"));
    }
    warnings
}
