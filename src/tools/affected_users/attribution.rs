//! Which conditions mark the affected, and the sentence for each.

use super::view::{ConditionView, TagValue};
use crate::{
    attribution::{Attribution, Condition, LEAST_AFFECTED, LEAST_BASELINE, Lift, Mark, Reach, Table, attribute},
    guard::{Clean, Guard, Limit},
    say,
    store::{Baseline, Conditions},
    view::{Word, count, percent, rounded},
};

/// Other names of the same users that a statement lists.
const SAME_USERS: usize = 3;

/// What stands out; where nothing does, what would have been seen.
pub(in crate::tools) fn found(conditions: &Conditions, guard: &mut Guard) -> (Vec<ConditionView>, Option<Clean>) {
    let mut table = Table::new(conditions.affected.clone());
    for tag in &conditions.tags {
        table.push_versions(tag.column.clone(), tag.families.clone());
    }
    let found = attribute(&table);
    let views: Vec<ConditionView> = found.marks.iter().map(|mark| condition(mark, &found, conditions, guard)).collect();
    let note = if views.is_empty() { nothing(&found, conditions.rows_are_events) } else { None };
    (views, note)
}

fn condition(mark: &Mark, found: &Attribution, conditions: &Conditions, guard: &mut Guard) -> ConditionView {
    ConditionView {
        conditions: mark.parts.iter().map(|part| tag_value(part.condition, conditions, guard)).collect(),
        users: mark.users,
        coverage: rounded(mark.coverage),
        baseline_share: rounded(mark.baseline_share),
        lift: super::view::two_digits(mark.lift.ratio),
        lift_low: super::view::two_digits(mark.lift.low),
        lift_high: super::view::two_digits(mark.lift.high),
        q_value: super::view::significant(mark.q_value),
        statement: statement(mark, found, conditions, guard),
    }
}

fn tag_value(condition: Condition, conditions: &Conditions, guard: &mut Guard) -> TagValue {
    let tag = &conditions.tags[condition.tag];
    TagValue {
        tag: guard.line(&tag.tag, Limit::Tag),
        op: match condition.reach {
            Reach::Exactly => None,
            Reach::AtLeast => Some(Word(">=")),
            Reach::AtMost => Some(Word("<=")),
        },
        value: guard.line(&tag.values[condition.value as usize], Limit::Tag),
    }
}

fn named(condition: Condition, conditions: &Conditions, guard: &mut Guard) -> Clean {
    let TagValue { tag, value, .. } = tag_value(condition, conditions, guard);
    let beyond = match condition.reach {
        Reach::Exactly => "",
        Reach::AtLeast => " or later",
        Reach::AtMost => " or earlier",
    };
    say!(tag, "=", value, beyond)
}

/// Of association, never of cause: "52 of 60 affected users (87 %) have …, against 21 % of 840 others".
fn statement(mark: &Mark, found: &Attribution, conditions: &Conditions, guard: &mut Guard) -> Clean {
    let mut what = Clean::default();
    let mut same = Clean::default();
    for part in &mark.parts {
        let gap = if what.is_empty() { "" } else { " and " };
        what = say!(what, gap, named(part.condition, conditions, guard));
        for other in part.same_users.iter().take(SAME_USERS) {
            let gap = if same.is_empty() { "; the same users: " } else { ", " };
            same = say!(same, gap, named(*other, conditions, guard));
        }
    }
    let times = if mark.baseline_users == 0 {
        say!("at least ", one_digit(mark.lift.low), " times as often")
    } else {
        interval(mark.lift)
    };
    say!(
        mark.users,
        " of ",
        found.affected,
        if conditions.rows_are_events { " events (" } else { " affected users (" },
        percent(mark.coverage),
        ") have ",
        what,
        ", against ",
        percent(mark.baseline_share),
        " of ",
        others(found.baseline, conditions),
        ": ",
        times,
        same
    )
}

/// Who the others are.
fn others(n: u64, conditions: &Conditions) -> Clean {
    match conditions.baseline {
        _ if conditions.rows_are_events => count(n, "other event", "other events"),
        Baseline::OtherEvents => count(n, "user with other events", "users with other events"),
        Baseline::Sessions => count(n, "user with sessions", "users with sessions"),
        Baseline::AllUsers => count(n, "other user", "other users"),
    }
}

/// `4.1 times as often (3.5–4.9)`.
pub(super) fn interval(lift: Lift) -> Clean {
    let (low, high) = (one_digit(lift.low), one_digit(lift.high));
    say!(one_digit(lift.ratio), " times as often (", low, "–", high, ")")
}

pub(super) fn one_digit(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// An empty answer is worth as much as the power that it had.
fn nothing(found: &Attribution, rows_are_events: bool) -> Option<Clean> {
    if found.affected == 0 {
        return None;
    }
    if found.too_few {
        return Some(say!(
            "not compared: that needs ",
            LEAST_AFFECTED,
            if rows_are_events { " events and " } else { " affected users and " },
            LEAST_BASELINE,
            if rows_are_events { " of other issues; there are " } else { " unaffected ones; known are " },
            found.affected,
            " and ",
            found.baseline
        ));
    }
    let among = count(found.tested, "condition", "conditions");
    Some(match found.power {
        Some(power) => say!(
            "no tag or flag sets the affected apart (",
            among,
            " tried; would detect ",
            percent(power.coverage),
            " of the affected against ",
            percent(power.baseline_share),
            " of the others)"
        ),
        None => say!(
            "no tag or flag sets the affected apart (",
            among,
            " tried; too few users to detect any but the strongest)"
        ),
    })
}
