//! Each verdict, from a history of which the truth is known.

use prodsignal::{
    model::{FixCandidate, FixCondition, FixHistory, Lost, Side, Sign, Use},
    verify::{Cohort, Demand, Judgment, Needed, Unit, Verdict, Window, judge},
};

use super::made::{BEFORE, DEPLOY, MONDAY, NEW, OLD, OTHER, Shop, at, empty, hit, issue};

fn judged(shop: &Shop) -> Judgment {
    judge(&shop.history(), shop.end(), &Demand::default())
}

fn verdict(history: &FixHistory, shop: &Shop) -> Verdict {
    judge(history, shop.end(), &Demand::default()).verdict
}

#[test]
fn silence_after_enough_use_is_a_fix_and_after_little_is_not_yet() {
    let long = Shop { after: 96, ..Shop::default() };
    let judgment = judged(&long);
    assert_eq!(judgment.verdict, Verdict::Fixed);
    let proof = judgment.proof.unwrap();
    assert_eq!((proof.unit, proof.after.hits, proof.after.exposure), (Unit::UserHours, 0.0, 96.0 * 12.0));
    assert!((proof.expected - 0.06 * 96.0 * 12.0).abs() < 20.0, "{}", proof.expected);
    let short = Shop { after: 8, ..Shop::default() };
    let judgment = judged(&short);
    assert_eq!(judgment.verdict, Verdict::InsufficientExposure);
    let Needed::Exposure { exposure, eta_s: Some(eta) } = judgment.proof.unwrap().needed else { panic!() };
    assert!((eta - exposure / 12.0 * 3_600.0).abs() < 1.0, "{exposure} in {eta} s");
    assert!(judgment.again_after_s >= 300 && (judgment.again_after_s as f64) <= eta);
    // What was needed is enough.
    let then = Shop { after: 8 + (exposure / 12.0).ceil() as i64, ..Shop::default() };
    assert_eq!(judged(&then).verdict, Verdict::Fixed);
}

/// So many errors an hour arrive and are dropped, of a release or of none.
fn losing(shop: &Shop, release: Option<usize>, arrived: u64, dropped: u64) -> FixHistory {
    let mut history = shop.history();
    let hours = if release == Some(OLD) { 0..DEPLOY } else { DEPLOY..DEPLOY + shop.after };
    history.lost = hours.map(|hour| Lost { hour: MONDAY + hour, release, arrived, dropped }).collect();
    history
}

#[test]
fn a_fall_that_a_loss_explains_is_no_fix() {
    // What is seen is a tenth of what happens; nine of ten errors of the new release are dropped.
    let shop = Shop { users: 60, ratio: 0.1, after: 120, ..Shop::default() };
    assert_eq!(verdict(&shop.history(), &shop), Verdict::Fixed);
    for release in [Some(NEW), None] {
        let history = losing(&shop, release, 1, 9);
        let judgment = judge(&history, shop.end(), &Demand::default());
        assert_eq!(judgment.verdict, Verdict::InsufficientExposure, "{release:?}");
        let interval = judgment.proof.unwrap().interval;
        assert!(interval.low <= 0.1 && interval.high.is_none_or(|high| high > 1.0), "{interval:?}");
    }
}

#[test]
fn a_loss_too_small_to_explain_the_fall_keeps_the_fix() {
    let shop = Shop { users: 60, after: 120, ..Shop::default() };
    for release in [Some(NEW), Some(OLD), None] {
        assert_eq!(verdict(&losing(&shop, release, 9, 1), &shop), Verdict::Fixed, "{release:?}");
    }
    // Nothing arrived any more, and what was dropped is too little to have been the failure.
    let mut history = shop.history();
    history.lost = vec![Lost { hour: MONDAY + DEPLOY + 1, release: Some(NEW), arrived: 0, dropped: 3 }];
    assert_eq!(verdict(&history, &shop), Verdict::Fixed);
}

#[test]
fn a_loss_before_the_fix_alone_makes_no_regression() {
    let shop = Shop { users: 60, ratio: 3.0, after: 120, ..Shop::default() };
    assert_eq!(verdict(&shop.history(), &shop), Verdict::Regressed);
    assert_ne!(verdict(&losing(&shop, Some(OLD), 2, 8), &shop), Verdict::Regressed);
}

#[test]
fn rates_that_stay_fall_or_rise_are_told_apart() {
    let busy = Shop { users: 60, after: 120, ..Shop::default() };
    for (ratio, want) in
        [(1.0, Verdict::NotFixed), (0.45, Verdict::Reduced), (2.5, Verdict::Regressed), (0.02, Verdict::Fixed)]
    {
        assert_eq!(judged(&Shop { ratio, ..busy }).verdict, want, "{ratio}");
    }
}

#[test]
fn nothing_of_the_new_side_is_not_deployed_and_tells_what_runs() {
    let shop = Shop { after: 0, ..Shop::default() };
    let judgment = judged(&shop);
    assert_eq!((judgment.verdict, judgment.proof), (Verdict::NotDeployed, None));
    assert_eq!(judgment.adoption, [(OLD, 1.0)]);
}

#[test]
fn without_a_control_nothing_is_claimed() {
    let shop = Shop::default();
    let mut history = shop.history();
    history.hits.clear();
    history.uses.retain(|part| part.release == NEW);
    let judgment = judge(&history, shop.end(), &Demand::default());
    assert_eq!(judgment.verdict, Verdict::InsufficientExposure);
    assert_eq!(judgment.proof.unwrap().needed, Needed::NoControl);
    // A handful of hits before is no ground either.
    let thin = Shop { rate: 0.0008, ..Shop::default() };
    assert_eq!(judged(&thin).verdict, Verdict::InsufficientExposure);
}

#[test]
fn one_heavy_user_is_one_user() {
    let shop = Shop { rate: 0.0, after: 120, ..Shop::default() };
    let mut history = shop.history();
    for hour in (0..BEFORE).step_by(3) {
        history.hits.extend((0..9).map(|n| hit(hour, n * 20, 7, OLD)));
    }
    history.first_hit = Some(at(0, 0));
    let judgment = judge(&history, shop.end(), &Demand::default());
    assert_eq!(
        judgment.verdict,
        Verdict::InsufficientExposure,
        "who crashed 720 times has left, nothing more is known"
    );
    assert!(judgment.proof.unwrap().before.hits <= 10.0);
}

#[test]
fn a_fix_that_no_longer_holds_is_turned_back() {
    let shop = Shop { users: 40, after: 168, ..Shop::default() };
    let mut history = shop.history();
    assert_eq!(verdict(&history, &shop), Verdict::Fixed);
    let from = DEPLOY + 156;
    history.hits.extend((0..30).map(|n| hit(from + n / 3, 100 * n, 90_000 + n as u32, NEW)));
    let judgment = judge(&history, shop.end(), &Demand::default());
    assert!(matches!(judgment.verdict, Verdict::NotFixed | Verdict::Regressed), "{judgment:?}");
    let relapse = judgment.proof.unwrap().relapse.unwrap();
    assert!((150..=156).contains(&relapse.held_h), "{relapse:?}");
}

#[test]
fn a_failure_under_a_new_name_has_moved() {
    let shop = Shop { users: 40, after: 96, ..Shop::default() };
    let mut history = shop.history();
    let same = Shop { ratio: 1.0, ..shop }.history();
    history.candidates.push(FixCandidate {
        issue: issue(2, "SHOP-2"),
        similarity: 0.57,
        first_seen: at(DEPLOY, 9),
        events: 3,
    });
    let moved: Vec<_> = same
        .hits
        .iter()
        .filter(|hit| hit.release == NEW)
        .map(|h| prodsignal::model::FixHit { group: 1, ..*h })
        .collect();
    history.hits.extend(&moved);
    let judgment = judge(&history, shop.end(), &Demand::default());
    assert_eq!(judgment.verdict, Verdict::Moved);
    let found = judgment.proof.unwrap().moved.unwrap();
    assert!(found.users > 50 && found.had_it_before > 0, "{found:?}");
    // Few of them prove no move, but they hold a fix back.
    history.hits.retain(|hit| hit.group == 0);
    history.hits.extend(moved.iter().step_by(moved.len() / 50));
    let judgment = judge(&history, shop.end(), &Demand::default());
    assert_ne!(judgment.verdict, Verdict::Fixed);
}

#[test]
fn clocks_gone_wrong_do_not_move_the_deploy() {
    let shop = Shop { after: 96, ..Shop::default() };
    let mut history = shop.history();
    history.signs.insert(0, Sign { first: at(-2_000, 0), n: 1 });
    history.signs.insert(1, Sign { first: at(24, 0), n: 2 });
    assert_eq!(Window::of(&history, shop.end()).unwrap().deploy, at(DEPLOY, 60));
    assert_eq!(verdict(&history, &shop), Verdict::Fixed);
}

#[test]
fn what_tells_nothing_changes_nothing() {
    let shop = Shop { after: 96, ..Shop::default() };
    let before = judged(&shop);
    let mut history = shop.history();
    history.hits.extend((0..200).map(|n| hit(DEPLOY + n / 4, n, 70_000 + n as u32, OTHER)));
    let after = judge(&history, shop.end(), &Demand::default());
    assert_eq!(before.proof.unwrap().interval, after.proof.unwrap().interval);
}

/// All hits are of one browser that most users leave at the deploy: less use of it must not look like a fix.
fn of_one_browser(ratio: f64, share_after: f64, of_sessions: bool) -> (FixHistory, Shop) {
    let shop = Shop { users: 40, after: 240, ratio: ratio * share_after / 0.3, ..Shop::default() };
    let mut history = shop.history();
    let part = |part: &Use, share: f64| Use { users: (part.users as f64 * share) as u64, ..*part };
    let under = |of: &Use| part(of, if of.release == NEW { share_after } else { 0.3 });
    let events = |of: &Use, n: u64| Use { users: 0, sessions: 0, events: n, ..*of };
    let uses = match of_sessions {
        true => history.uses.iter().map(under).collect(),
        false => history
            .uses
            .iter()
            .map(|of| events(of, if of.release == NEW { (10.0 * share_after) as u64 } else { 3 }))
            .collect(),
    };
    history.uses.iter_mut().for_each(|of| of.events = 10);
    history.hits.iter_mut().for_each(|hit| hit.conditions = 1);
    let (tag, value) = ("browser.name".into(), "Safari".into());
    history.conditions.push(FixCondition { tag, value, of_sessions, uses });
    (history, shop)
}

#[test]
fn use_outside_the_condition_is_no_evidence() {
    for of_sessions in [true, false] {
        let (history, shop) = of_one_browser(1.0, 0.03, of_sessions);
        let judgment = judge(&history, shop.end(), &Demand::default());
        assert!(
            matches!(judgment.verdict, Verdict::InsufficientExposure | Verdict::NotFixed),
            "{of_sessions}: {:?} {:?}",
            judgment.verdict,
            judgment.proof.unwrap().interval
        );
        let (mut history, shop) = of_one_browser(1.0, 0.03, of_sessions);
        history.conditions.clear();
        assert_eq!(verdict(&history, &shop), Verdict::Fixed, "else the test shows nothing");
        let (history, shop) = of_one_browser(0.0, 0.3, of_sessions);
        let judgment = judge(&history, shop.end(), &Demand::default());
        assert_eq!(judgment.verdict, Verdict::Fixed, "{of_sessions}");
        assert_ne!(judgment.proof.unwrap().cohort, Cohort::None);
    }
}

#[test]
fn a_failure_that_turns_up_outside_the_condition_is_not_fixed() {
    let (mut history, shop) = of_one_browser(0.0, 0.3, true);
    history.hits.extend((0..240).map(|n| hit(DEPLOY + n, 30, 60_000 + n as u32, NEW)));
    assert_ne!(verdict(&history, &shop), Verdict::Fixed);
}

#[test]
fn a_world_that_changed_at_the_deploy_is_noticed_by_those_who_stayed() {
    let shop = Shop { users: 60, ratio: 1.0, stay: 0.5, after: 96, ..Shop::default() };
    let mut history = shop.history();
    // An incident four days long hits old and new alike.
    let again: Vec<_> = history.hits.iter().filter(|hit| hit.at >= at(DEPLOY, 0)).copied().collect();
    for copy in 1..4 {
        history
            .hits
            .extend(again.iter().map(|h| prodsignal::model::FixHit { user: h.user.map(|u| u + copy * 100_000), ..*h }));
    }
    let judgment = judge(&history, shop.end(), &Demand::default());
    assert_eq!(judgment.proof.as_ref().unwrap().drifted, Some(true));
    assert!(matches!(judgment.verdict, Verdict::NotFixed | Verdict::InsufficientExposure), "{:?}", judgment.verdict);
}

#[test]
fn the_first_hit_opens_the_baseline_and_retention_may_cut_it() {
    let shop = Shop::default();
    let mut history = shop.history();
    history.first_hit = Some(at(30, 1_800));
    let window = Window::of(&history, shop.end()).unwrap();
    assert_eq!((window.start, window.cut_short), (MONDAY + 31, false));
    history.whole_from = Some(at(100, 0));
    let window = Window::of(&history, shop.end()).unwrap();
    assert_eq!((window.start, window.cut_short), (MONDAY + 100, true));
    // Half an hour after a whole one, that hour's sessions are not all there yet: both sides end at it.
    assert_eq!(Window::of(&history, at(DEPLOY + 5, 1_800)).unwrap().cut, MONDAY + DEPLOY + 5);
}

#[test]
fn an_empty_history_and_odd_moments_do_not_panic() {
    let mut history = empty();
    history.signs = vec![Sign { first: at(DEPLOY, 0), n: 1 }];
    for hour in [-5_000, 0, DEPLOY, DEPLOY + 1, 100_000] {
        let judgment = judge(&history, at(hour, 7), &Demand::default());
        assert_eq!(judgment.verdict, Verdict::InsufficientExposure);
    }
    assert!(history.releases.iter().any(|release| release.side == Side::Neither));
}
