//! Projects that stopped sending: what is broken there can't be seen.

use crate::{
    guard::{Clean, Guard, Limit},
    model::Timestamp,
    say,
    store::{Life, Scope},
    tools::{Ctx, ToolError},
    view::Seconds,
};

/// A silence of so many seconds is told of,
const QUIET_S: i64 = 24 * 3_600;
/// until it is so long that it is no news.
const OVER_S: i64 = 30 * 24 * 3_600;
/// Projects that sent on fewer days of their last week are quiet by nature.
const DAYS: u64 = 3;
/// Projects that are named.
const NAMED: usize = 3;

/// A warning for each project of the scope that went quiet.
pub(super) async fn warnings(ctx: &Ctx, scope: &Scope, as_of: Timestamp) -> Result<Vec<Clean>, ToolError> {
    let scope = Scope { start: None, ..scope.clone() };
    let mut quiet = ctx.store.life(&scope).await?;
    quiet.retain(|life| is_quiet(life, as_of));
    quiet.sort_by_key(|life| std::cmp::Reverse(life.last));
    let mut guard = Guard::new();
    let mut line = |life: &Life| {
        let hours = (as_of.as_second() - life.last.as_second()) / 3_600;
        say!(
            "project ",
            guard.line(&life.project, Limit::Tag),
            " sent no event and no session since ",
            Seconds(life.last),
            " (",
            hours as u64,
            " h): what is broken there now can't be seen"
        )
    };
    Ok(quiet.iter().take(NAMED).map(&mut line).collect())
}

fn is_quiet(life: &Life, as_of: Timestamp) -> bool {
    let silent_s = as_of.as_second() - life.last.as_second();
    (QUIET_S..OVER_S).contains(&silent_s) && life.active_days >= DAYS
}
