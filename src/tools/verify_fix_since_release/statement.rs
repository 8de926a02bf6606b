//! The verdict in one sentence, with the numbers that a reviewer can check.

use std::collections::BTreeSet;

use super::{
    block::code,
    view::{Out, VerdictInput},
};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{FixHit, Side},
    say,
    verify::{Judgment, Needed, Proof, Unit, Verdict},
    view::{count, percent},
};

/// The sentence.
pub(super) fn of(told: &VerdictInput<'_>, out: &Out, guard: &mut Guard) -> Clean {
    let Judgment { verdict, proof, .. } = told.judgment;
    let Some(proof) = proof else { return not_deployed(told, out, guard) };
    let sure = say!(" (", percent(told.demand.confidence), " confidence, valid at any poll)");
    let (low, high) = (proof.interval.low, proof.interval.high);
    let evidence = evidence(told, out, proof);
    if let Some(relapse) = proof.relapse.filter(|relapse| relapse.verdict == *verdict) {
        return say!(
            "No longer fixed: it held for ",
            hours(relapse.held_h),
            " after the deploy; then ",
            count(relapse.hits as u64, "hit", "hits"),
            " in the last ",
            hours(relapse.window_h),
            ", a rate of at least ",
            percent(relapse.interval.low),
            " of the old one",
            sure
        );
    }
    match verdict {
        Verdict::NotDeployed => not_deployed(told, out, guard),
        Verdict::Fixed => {
            let fell = percent((1.0 - high.unwrap_or(1.0)).max(0.0));
            say!("Fixed: ", evidence, "; the rate fell by at least ", fell, sure, returning(out))
        }
        Verdict::Reduced => say!(
            "Reduced, not fixed: ",
            evidence,
            "; the rate fell by ",
            percent(1.0 - high.unwrap_or(1.0)),
            " to ",
            percent(1.0 - low),
            ", less than the ",
            percent(told.demand.min_reduction),
            " asked for",
            sure
        ),
        Verdict::NotFixed if low < 1.0 => say!(
            "Not fixed: ",
            evidence,
            "; the rate fell by ",
            percent(1.0 - low),
            " at most, less than the ",
            percent(told.demand.min_reduction),
            " asked for",
            sure
        ),
        Verdict::NotFixed => say!("Not fixed: ", evidence, "; the rate did not fall", sure),
        Verdict::Regressed => {
            say!("Regressed: ", evidence, "; the rate is at least ", low, " times the old one", sure)
        }
        Verdict::Moved => moved(out, proof, &evidence),
        Verdict::InsufficientExposure => match again(told) {
            Some(again) => say!(again, evidence, missing(out, proof), returning(out)),
            None => say!("Not enough to tell yet: ", evidence, missing(out, proof), returning(out)),
        },
    }
}

/// What is known whatever the statistics say: that it happened again, the hour that is not over included.
fn again(told: &VerdictInput<'_>) -> Option<Clean> {
    let new = |hit: &&FixHit| hit.group == 0 && told.history.releases[hit.release].side == Side::New;
    let hits = || told.history.hits.iter().filter(new);
    let named: BTreeSet<u32> = hits().filter_map(|hit| hit.user).collect();
    let users = named.len() + hits().filter(|hit| hit.user.is_none()).count();
    match hits().count() as u64 {
        0 => None,
        events => Some(say!(
            "It still happens: ",
            count(events, "time", "times"),
            " since, to ",
            count(users as u64, "user", "users"),
            ". Whether it became rarer can't be told yet: "
        )),
    }
}

/// What was seen, against what the old rate would have given.
fn evidence(told: &VerdictInput<'_>, out: &Out, proof: &Proof) -> Clean {
    let plus = if told.history.releases.iter().filter(|r| r.side == Side::New).count() > 1 { " and later" } else { "" };
    let unseen = if told.history.asked_seen { "" } else { " (itself never seen)" };
    let of_cohort = out.cohort.as_ref().filter(|cohort| cohort.exposure_after.is_some());
    let of_cohort = of_cohort.map(|cohort| {
        say!(" (", proof.cohort_use.map_or(0.0, |part| part.after), " of them with ", code(&cohort.conditions[0]), ")")
    });
    let would = match proof.before.hits > 0.0 {
        true => say!("; the old rate predicts ", proof.expected),
        false => Clean::ours("; no hit before to compare with"),
    };
    say!(
        count(proof.after.hits as u64, "hit", "hits"),
        " in ",
        exposure(proof.after.exposure, proof.unit),
        of_cohort,
        " of ",
        code(&out.release),
        plus,
        unseen,
        would
    )
}

fn exposure(amount: f64, unit: Unit) -> Clean {
    let n = amount as u64;
    match unit {
        Unit::UserHours => count(n, "user-hour", "user-hours"),
        Unit::Sessions => count(n, "session", "sessions"),
        Unit::Requests => count(n, "request", "requests"),
        Unit::Events => count(n, "user-hour with other events", "user-hours with other events"),
    }
}

/// Those hit before who came back: what a reviewer believes first.
fn returning(out: &Out) -> Clean {
    let Some(users) = out.returning_users.as_ref().filter(|users| users.eligible > 0) else { return Clean::default() };
    let hit = match (users.active_after, users.hit_again) {
        (0, _) => Clean::default(),
        (_, 0) => Clean::ours(", none was hit"),
        (_, n) => say!(", ", n, " hit again"),
    };
    let users_before = count(users.eligible, "user hit before", "users hit before");
    say!("; ", users.active_after, " of ", users_before, " came back", hit)
}

fn missing(out: &Out, proof: &Proof) -> Clean {
    if proof.held_back {
        let like = out.moved_to.first().map(|moved| say!(" ", moved.issue.clone()));
        return say!("; fixed by itself, but a new issue alike", like, " may be the same failure");
    }
    match (&proof.needed, &out.needed) {
        (Needed::Exposure { exposure: more, eta_s }, _) => {
            let eta = eta_s.map(|s| say!(", in about ", duration(s), " at the present rate"));
            say!("; ", exposure(more.ceil(), proof.unit), " more without a hit would do", eta)
        }
        (_, Some(needed)) => needed.reason.as_ref().map_or_else(Clean::default, |why| say!("; ", why.clone())),
        _ => Clean::default(),
    }
}

fn moved(out: &Out, proof: &Proof, evidence: &Clean) -> Clean {
    let to = out.moved_to.first().map(|moved| say!(moved.issue.clone(), " (", percent(moved.similarity), " alike)"));
    let more = (out.moved_to.len() > 1).then(|| say!(" and ", out.moved_to.len() - 1, " more"));
    let users = proof.moved.map(|found| {
        let had = (found.had_it_before > 0).then(|| say!(", ", found.had_it_before, " of whom had the old one"));
        say!("; it hit ", count(found.users, "user", "users"), had)
    });
    let together = proof
        .moved
        .map(|found| say!("; together the rate is at least ", percent(found.interval.low), " of the old one"));
    say!("Moved: the failure goes on as ", to, more, users, together, "; the old issue itself: ", evidence.clone())
}

fn not_deployed(told: &VerdictInput<'_>, out: &Out, guard: &mut Guard) -> Clean {
    let place = told.environment.map(|environment| say!(" in ", code(&guard.line(environment, Limit::Tag))));
    let instead = out.adoption.iter().take(3).fold(Clean::default(), |line, part| {
        say!(line, if line.is_empty() { "" } else { ", " }, code(&part.release), " (", percent(part.share), ")")
    });
    let instead = match instead.is_empty() {
        true => Clean::ours("; nothing else was seen in the last 24 h either"),
        false => say!("; in the last 24 h ran ", instead),
    };
    say!("Not deployed: nothing of ", code(&out.release), " or later was seen", place, instead)
}

/// `36 h`, `4 days`.
pub(super) fn hours(h: i64) -> Clean {
    if h < 72 { say!(h, " h") } else { say!(h / 24, " days") }
}

/// Seconds in words.
pub(super) fn duration(s: f64) -> Clean {
    match s {
        s if s < 5_400.0 => say!((s / 60.0).ceil() as i64, " min"),
        s => hours((s / 3_600.0).ceil() as i64),
    }
}
