//! Which issues of a list are wanted, and which comes first.

use std::cmp::Ordering;

use crate::{
    change::{Weight, impact},
    model::{Change, Status, Timestamp},
    store::{Field, IssueFacts, IssueQuery, IssueSort, Op, Term, Test},
};

/// Since a release and by impact, without a filter, what broke is what is asked for.
pub(super) fn is_wanted(query: &IssueQuery, change: Change) -> bool {
    let broke = matches!(change, Change::New | Change::Regressed | Change::Escalating);
    let filtered = !query.filter.is_empty() || query.typed.is_some();
    let by_default = query.since.is_none() || query.sort != IssueSort::Impact || filtered || broke;
    if query.change.is_empty() { by_default } else { query.change.contains(&change) }
}

/// Whether it has the status that was asked for and fits the conditions that the server can't check.
pub(super) fn takes(query: &IssueQuery, rest: &[Term], facts: &IssueFacts) -> bool {
    has_status(query, facts) && rest.iter().all(|term| holds(term, facts))
}

/// Since a release, what somebody set aside is left out where neither a status nor a search asks for it, unless it came
/// back.
fn has_status(query: &IssueQuery, facts: &IssueFacts) -> bool {
    let searched = query.typed.is_some() || query.filter.iter().any(|term| matches!(term.test, Test::Status(_)));
    let back = facts.change == Change::Regressed && facts.issue.status == Status::Resolved;
    match query.status.as_slice() {
        [] => query.since.is_none() || searched || back || facts.issue.status == Status::Unresolved,
        some => some.contains(&facts.issue.status),
    }
}

/// The order of one block; the upstream's own where it has it.
pub(super) fn order(query: &IssueQuery, a: &IssueFacts, b: &IssueFacts) -> Ordering {
    let by_id = |a: &IssueFacts, b: &IssueFacts| a.issue.id.cmp(&b.issue.id);
    let ordered = match query.sort {
        IssueSort::Impact => rank(query, b).total_cmp(&rank(query, a)),
        IssueSort::LastSeen => b.last_seen.cmp(&a.last_seen),
        IssueSort::FirstSeen => b.first_seen.cmp(&a.first_seen),
        IssueSort::Events => b.events.cmp(&a.events),
        IssueSort::Users => (b.users, b.events).cmp(&(a.users, a.events)),
    };
    ordered.then_with(|| b.last_seen.cmp(&a.last_seen)).then_with(|| by_id(a, b))
}

/// What broke since a release comes before what was broken already, whichever way it broke.
fn rank(query: &IssueQuery, facts: &IssueFacts) -> f64 {
    let first = match facts.change {
        _ if query.since.is_none() => 0.0,
        Change::New | Change::Regressed | Change::Escalating => 1e12,
        Change::Ongoing | Change::Resolved => 0.0,
    };
    let weight = Weight {
        users: facts.users,
        events: facts.events,
        active: facts.active_users,
        change: facts.change,
        why: &facts.why,
        unhandled: facts.issue.unhandled,
        status: facts.issue.status,
        as_of: query.scope.end.or(facts.last_seen).unwrap_or(Timestamp::UNIX_EPOCH),
    };
    first + impact(&weight)
}

/// Whether a condition holds that the upstream can't check.
fn holds(term: &Term, facts: &IssueFacts) -> bool {
    let holds = match &term.test {
        Test::Change(change) => facts.change == *change,
        Test::Status(status) => facts.issue.status == *status,
        Test::Field { field: Field::UserCount, op, values } => values.iter().any(|value| {
            let Ok(other) = value.raw().trim().parse::<f64>() else { return false };
            let own = facts.users as f64;
            match op {
                Op::Is => own == other,
                Op::Greater => own > other,
                Op::AtLeast => own >= other,
                Op::Less => own < other,
                Op::AtMost => own <= other,
            }
        }),
        _ => true,
    };
    holds != term.negated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ChangeReason, Issue, IssueId, Level, Status, Untrusted},
        store::parse_search,
    };

    fn facts(id: i64, change: Change, users: u64) -> IssueFacts {
        let issue = Issue {
            id: IssueId(id),
            short_id: format!("SHOP-{id}"),
            project: "shop".into(),
            title: Untrusted::default(),
            ty: None,
            value: None,
            culprit: None,
            level: Level::default(),
            unhandled: false,
            unattended: false,
            status: Status::Unresolved,
            resolution: None,
            top_frame: None,
        };
        IssueFacts {
            issue,
            events: users * 2,
            users,
            users_known: true,
            active_users: 0,
            first_seen: None,
            last_seen: None,
            first_release: None,
            last_release: None,
            environments: Vec::new(),
            replays: 0,
            change,
            why: ChangeReason::Marked { word: "x" },
            onset: None,
        }
    }

    fn ordered(query: &IssueQuery, mut list: Vec<IssueFacts>) -> Vec<i64> {
        list.sort_by(|a, b| order(query, a, b));
        list.iter().map(|facts| facts.issue.id.0).collect()
    }

    #[test]
    fn what_broke_since_a_release_comes_first_and_equals_keep_their_order() {
        let list = || {
            vec![
                facts(1, Change::Ongoing, 900),
                facts(2, Change::Escalating, 5),
                facts(3, Change::New, 1),
                facts(4, Change::Regressed, 2),
                facts(5, Change::New, 1),
            ]
        };
        let since = IssueQuery { since: Some(vec!["a@1".into()]), ..IssueQuery::default() };
        // Ways of breaking are ranked together by impact: no kind goes before another.
        assert_eq!(ordered(&since, list()), [4, 2, 3, 5, 1]);
        assert_eq!(ordered(&IssueQuery { sort: IssueSort::Users, ..since.clone() }, list())[0], 1);
        assert!(is_wanted(&since, Change::New) && !is_wanted(&since, Change::Ongoing));
        let typed = IssueQuery { typed: Some("x".into()), ..since.clone() };
        assert!(is_wanted(&typed, Change::Ongoing), "who filters wants all that fits");
        assert!(!is_wanted(&IssueQuery { change: vec![Change::New], ..typed }, Change::Ongoing));
    }

    #[test]
    fn conditions_that_the_server_can_not_check_are_checked() {
        let takes = |search: &str, facts: &IssueFacts| {
            let rest = parse_search(search, Timestamp::UNIX_EPOCH).unwrap();
            super::takes(&IssueQuery::default(), &rest, facts)
        };
        let one = facts(1, Change::New, 3);
        assert!(takes("userCount:>2 userCount:<=3 is:new", &one));
        assert!(!takes("userCount:>3", &one) && !takes("!is:new", &one));
        let resolved = IssueQuery { status: vec![Status::Resolved], ..IssueQuery::default() };
        assert!(!super::takes(&resolved, &[], &one));
    }
}
