//! Sentences that several tools say: why an issue counts as new, who is hit.

use crate::{
    guard::{Clean, Guard, Limit},
    model::{Change, ChangeReason, Onset, Status},
    remedy::Action,
    say,
    store::IssueFacts,
    view::{Seconds, count},
};

/// The numbers behind a change, in one short sentence.
pub fn why(reason: &ChangeReason, guard: &mut Guard) -> Clean {
    match reason {
        ChangeReason::FirstSeen { release: Some(release), clean_releases: 0, .. } => {
            say!("first seen in ", guard.line(release, Limit::Tag), " (no earlier release to compare)")
        }
        ChangeReason::FirstSeen { release: Some(release), clean_releases: 1, .. } => {
            say!("first seen in ", guard.line(release, Limit::Tag), "; absent from the release before")
        }
        ChangeReason::FirstSeen { release: Some(release), clean_releases, .. } => say!(
            "first seen in ",
            guard.line(release, Limit::Tag),
            "; absent from the ",
            count(*clean_releases, "earlier release", "earlier releases")
        ),
        ChangeReason::FirstSeen { release: None, at, .. } => say!("first seen ", Seconds(*at)),
        ChangeReason::Returned { last_bad, absent, expected, back_in, .. } => say!(
            "in ",
            guard.line(last_bad, Limit::Tag),
            ", gone from ",
            listed(absent, guard),
            " (",
            *expected,
            " events expected there), back in ",
            guard.line(back_in, Limit::Tag)
        ),
        ChangeReason::SinceResolved { resolved_at, in_release, again_at } => match in_release {
            Some(release) => say!(
                "resolved in ",
                guard.line(release, Limit::Tag),
                " on ",
                Seconds(*resolved_at),
                ", seen again ",
                Seconds(*again_at)
            ),
            None => say!("resolved ", Seconds(*resolved_at), ", seen again ", Seconds(*again_at)),
        },
        ChangeReason::Grew(onset) => grew(onset),
        ChangeReason::Steady { since_release: Some(release), since } => {
            say!("since ", guard.line(release, Limit::Tag), " (", Seconds(*since), ")")
        }
        ChangeReason::Steady { since_release: None, since } => say!("since ", Seconds(*since)),
        ChangeReason::Marked { word } => say!("Sentry marks it as ", *word),
        ChangeReason::Quiet { resolved_at } => say!("resolved ", Seconds(*resolved_at), ", not seen since"),
    }
}

/// What was decided; a decision that an issue has come back from counts no more.
pub(super) fn status(facts: &IssueFacts) -> &'static str {
    match (facts.issue.status, facts.change) {
        (Status::Resolved, Change::Regressed) => Status::Unresolved.as_str(),
        (status, _) => status.as_str(),
    }
}

/// A rise in numbers: since when, how many, and how many there would have been.
pub(super) fn grew(onset: &Onset) -> Clean {
    let one = |number: f64| (number * 10.0).round() / 10.0;
    let times = if onset.expected < 0.5 { say!("") } else { say!(": ", one(onset.ratio), " times") };
    say!(
        "since ",
        Seconds(onset.at),
        " ",
        count(onset.recent, "user-day", "user-days"),
        ", ",
        one(onset.expected),
        " expected from the same hours before at equal traffic",
        times
    )
}

/// `a`, `a and b`, `a, b and 3 more`.
pub(super) fn listed(names: &[crate::model::Untrusted], guard: &mut Guard) -> Clean {
    let shown: Vec<Clean> = names.iter().take(3).map(|n| guard.line(n, Limit::Tag)).collect();
    match shown.as_slice() {
        [] => Clean::default(),
        [one] => one.clone(),
        [one, two] if names.len() == 2 => say!(one.clone(), " and ", two.clone()),
        [one, two, ..] => say!(one.clone(), ", ", two.clone(), " and ", names.len() - 2, " more"),
    }
}

/// What a remedy proposes: a form of the program's own, names from the event in quotes.
pub(super) fn remedy(action: &Action, guard: &mut Guard) -> Clean {
    let mut quoted = |name: &crate::model::Untrusted| say!("\"", guard.line(name, Limit::Tag), "\"");
    match action {
        Action::FollowHint => Clean::ours("the database's hint"),
        Action::CreateUniqueIndex => {
            Clean::ours("a unique index or constraint on the columns that ON CONFLICT names is missing")
        }
        Action::CreateIndex(Some(name)) => say!("index ", quoted(name), " is missing"),
        Action::CreateIndex(None) => Clean::ours("an index is missing"),
        Action::Install(name) => say!("module ", quoted(name), " is not installed"),
        Action::Grant(name) => say!("a right on ", quoted(name), " is missing"),
        Action::Raise(what) => say!("a limit was reached: ", *what),
        Action::UseInstead(name) => say!("use ", quoted(name), " instead"),
        Action::CreateFile(name) => say!("file ", quoted(name), " is missing, or its path is wrong"),
        Action::Retry => Clean::ours("run the transaction again"),
        Action::FreePort => Clean::ours("end the program that listens at this address, or listen at another"),
        Action::AsItSays => Clean::ours("what the error says to do"),
    }
}
