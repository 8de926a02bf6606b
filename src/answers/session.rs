//! How sessions are counted.
//! It never lets a later state undo a worse one: who crashed has crashed.

use crate::{model::SessionStatus, store::SessionRecord};

/// How a session is counted: well, errored, crashed, abnormal, unhandled.
pub(crate) fn class(session: &SessionRecord) -> usize {
    match session.status {
        SessionStatus::Ok | SessionStatus::Exited => usize::from(session.errors > 0),
        SessionStatus::Crashed => 2,
        SessionStatus::Abnormal => 3,
        SessionStatus::Unhandled => 4,
    }
}

/// How bad a class is: the worst that was said of a session stays, in whatever order it comes.
pub(crate) const fn rank(class: usize) -> usize {
    match class {
        2 => 4,
        3 => 3,
        4 => 2,
        other => other,
    }
}
