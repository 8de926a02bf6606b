//! How long the script waits: where the page answered late, as long as it took then.

use super::Lines;
use crate::{
    js,
    replay::{Action, Step},
};

/// Answers quicker than this need no waiting: every action of the script takes as long.
const QUICK_MS: u32 = 30;
/// Least wait after scrolling: pages hear of it once a frame, and look then what is missing.
const SCROLLED_MS: u32 = 300;
/// Longest wait after one step.
const LONGEST_MS: u32 = 8_000;
/// Longest waiting of a whole script; all waits are shortened alike to fit.
const TOGETHER_MS: u32 = 25_000;

/// The wait after each step, in milliseconds.
pub fn pauses(steps: &[&Step]) -> Vec<Option<u32>> {
    let mut pauses: Vec<Option<u32>> = steps.iter().map(|step| pause(step)).collect();
    // What nothing follows is waited for at the end.
    if let Some(last) = steps.iter().rposition(|step| step.kind().by_user()) {
        pauses[last..].fill(None);
    }
    let together: u32 = pauses.iter().flatten().sum();
    if together > TOGETHER_MS {
        for pause in pauses.iter_mut().flatten() {
            *pause = *pause * (TOGETHER_MS / 1_000) / together.div_ceil(1_000);
        }
    }
    pauses
}

/// A little longer than the page took then, since it may be slower now.
fn pause(step: &Step) -> Option<u32> {
    let scrolled = matches!(step.action, Action::Scroll { .. }).then_some(SCROLLED_MS);
    let settled = step.settled_ms.max(scrolled).filter(|ms| step.kind().by_user() && *ms > QUICK_MS)?.min(LONGEST_MS);
    let ms = settled + settled / 3 + 100;
    Some(ms.div_ceil(50) * 50)
}

/// The wait at the end: the error came so long after the last step.
pub fn rest(after_ms: i64) -> Lines {
    let after = u32::try_from(after_ms.clamp(0, 15_000)).expect("clamped to what fits");
    let mut lines = Lines::default();
    lines.push(js!(
        "  // The error came ",
        after,
        " ms after the last step; a good moment longer, and it will not come."
    ));
    lines.push(js!("  await page.waitForTimeout(", (after + after / 2 + 1_000).div_ceil(100) * 100, ");"));
    lines
}
