//! Whether an agent could mend an issue: read off the diagnosis, by rules alone.

use super::{facts::Gathered, view::Actionable};
use crate::{
    diagnosis::{Diagnosis, Role, Verdict},
    guard::{Clean, Guard},
    say,
    tools::same_trace::Seen,
    view::{self, Word, count},
};

/// So many events, or users, are more than one person's bad day.
const EVENTS: u64 = 3;
const USERS: u64 = 2;

/// Everything that speaks for or against, in the order in which it counts.
struct Signs {
    /// The program, what it is built on or what it reads is at fault, not its surroundings.
    ours: bool,
    /// A frame of the application is the cause.
    place: bool,
    /// A replay shows it, or the error names its remedy.
    handle: bool,
    /// Enough events.
    often: bool,
}

/// `high`: all signs. `medium`: ours with a place, or surroundings whose remedy the error names. `low`: the rest.
/// What follows from another service's issue is mended there.
pub(super) fn judge(
    gathered: &Gathered,
    found: &Diagnosis,
    remedies: usize,
    cause: Option<&Seen>,
    guard: &mut Guard,
) -> Actionable {
    let replays = gathered.facts.replays.len();
    let (events, users) = (gathered.affected.events, gathered.affected.in_period);
    let signs = Signs {
        ours: !matches!(found.verdict, Verdict::Environment | Verdict::Resource),
        place: found.frames.iter().any(|frame| frame.role == Role::Cause),
        handle: replays > 0 || remedies > 0,
        often: events >= EVENTS || users >= USERS,
    };
    let level = match signs {
        Signs { ours: true, place: true, handle: true, often: true } => "high",
        Signs { ours: true, place: true, .. } => "medium",
        Signs { ours: false, .. } if remedies > 0 => "medium",
        _ => "low",
    };
    if let Some(cause) = cause {
        let root = cause.view(guard);
        let instead = say!(root.issue, " in ", root.project, " fails in the same traces: work on that one instead");
        return Actionable { level: Word("low"), reasons: vec![instead] };
    }
    let mut reasons = vec![if signs.ours {
        say!("fault: ", found.verdict.as_str())
    } else {
        say!("fault: ", found.verdict.as_str(), ", not the program's own")
    }];
    reasons.push(Clean::ours(if signs.place {
        "a frame of the application is the cause"
    } else {
        "no frame of the application is the cause"
    }));
    if replays > 0 {
        reasons.push(Clean::ours("a replay reproduces it"));
    }
    if remedies > 0 {
        reasons.push(Clean::ours("the error names a remedy"));
    }
    if !signs.handle {
        reasons.push(Clean::ours("neither a replay nor a remedy at hand"));
    }
    reasons.push(say!(
        count(events, "event", "events"),
        ", ",
        view::users(view::known_users(users, events, gathered.facts.issue.issue.unattended))
    ));
    Actionable { level: Word(level), reasons }
}
