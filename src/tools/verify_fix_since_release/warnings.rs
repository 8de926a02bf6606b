//! Facts that weaken the answer.

use super::{block::code, view::Told};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{Side, Timestamp},
    say,
    verify::{Cohort, Proof, Unit, Verdict},
    view::{Seconds, count, percent},
};

/// Design effect from which a few users weigh heavily.
const HEAVY: f64 = 3.0;

pub(super) fn of(told: &Told<'_>, guard: &mut Guard) -> Vec<Clean> {
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

/// Hits in later releases alone: perhaps one of them was built without the fix, as a hotfix of the old line is.
fn of_later_releases(told: &Told<'_>, guard: &mut Guard) -> Option<Clean> {
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

fn of_cohort(told: &Told<'_>, proof: &Proof, guard: &mut Guard) -> Option<Clean> {
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

fn of_users(told: &Told<'_>, proof: &Proof) -> Vec<Clean> {
    let mut warnings = Vec::new();
    let of_issue = || told.history.hits.iter().filter(|hit| hit.group == 0);
    let anonymous = of_issue().filter(|hit| hit.user.is_none()).count() as u64;
    if anonymous > 0 {
        warnings.push(say!(count(anonymous, "event names", "events name"), " no user: each counts as a separate hit"));
    }
    let later = |hit: &&crate::model::FixHit| {
        told.history.releases[hit.release].side == Side::New && hit.at.as_second().div_euclid(3_600) >= proof.window.cut
    };
    let later = of_issue().filter(later).count() as u64;
    if later > 0 {
        warnings.push(say!(count(later, "event", "events"), " of the hour that is not over yet will count once it is"));
    }
    let fixed = told.judgment.verdict == Verdict::Fixed;
    if fixed && told.history.returning.is_some_and(|users| users.eligible > 0 && users.active_after == 0) {
        warnings.push(Clean::ours("none of the users hit before has come back yet: those prone to it may be gone"));
    }
    warnings
}
