//! Tests of attribution: the method's vectors, planted conditions, and what must change nothing.

use prodsignal::attribution::{
    Attribution, Condition, LEAST_AFFECTED, LEAST_BASELINE, Reach, Table, attribute, benjamini_hochberg, gain,
    hypergeometric_tail, lift, shares,
};
use proptest::prelude::*;
use serde_json::Value;

fn vectors(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../data/verify/vectors.json")).unwrap();
    all[part].as_array().unwrap().clone()
}

fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn the_exact_test_gives_the_vectors() {
    for v in vectors("fisher") {
        let count = |name: &str| v[name].as_u64().unwrap();
        let p = hypergeometric_tail(count("k"), count("K"), count("n"), count("N"));
        let wanted = v["expect"].as_f64().unwrap();
        assert!((p / wanted - 1.0).abs() < 1e-6, "{v}: {p}");
    }
}

#[test]
fn q_values_are_the_vectors() {
    for v in vectors("bh") {
        let q = benjamini_hochberg(&numbers(&v["p"]));
        assert!(q.iter().zip(numbers(&v["expect"])).all(|(q, wanted)| near(*q, wanted)), "{v}: {q:?}");
    }
}

#[test]
fn lifts_and_gains_are_the_vectors() {
    for v in vectors("lift") {
        let count = |name: &str| v[name].as_u64().unwrap();
        let found = lift(count("k"), count("n"), count("b"), count("m")).unwrap();
        let wanted = numbers(&v["expect"]);
        assert!(
            near(found.ratio, wanted[0]) && near(found.low, wanted[1]) && near(found.high, wanted[2]),
            "{v}: {found:?}"
        );
    }
    for v in vectors("gain") {
        let count = |name: &str| v[name].as_u64().unwrap();
        let found = gain(count("k"), count("n"), count("K"), count("N"));
        assert!(near(found, v["expect"].as_f64().unwrap()), "{v}: {found}");
    }
}

/// Numbers that look random and are the same on every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn pick(&mut self, shares: &[f64]) -> u32 {
        let mut left = self.share() * shares.iter().sum::<f64>();
        for (at, share) in shares.iter().enumerate() {
            left -= share;
            if left < 0.0 {
                return at as u32;
            }
        }
        shares.len() as u32 - 1
    }
}

/// Tags of a person. A version says its browser, the locale its country (4 stands for two countries).
const BROWSER: usize = 0;
const BROWSER_NAME: usize = 1;
const COUNTRY: usize = 2;
const LOCALE: usize = 3;
const PLAN: usize = 4;
const SYSTEM: usize = 5;

fn person(dice: &mut Dice) -> [u32; 6] {
    let version = dice.pick(&[0.1, 0.3, 0.15, 0.15, 0.2, 0.1]);
    let country = dice.pick(&[0.35, 0.2, 0.15, 0.2, 0.1]);
    [version, version / 2, country, country.min(3), dice.pick(&[0.5, 0.5]), dice.pick(&[0.3, 0.3, 0.4])]
}

/// A world of 900 people in which `risk` says how many times as likely each is to be hit; about `wanted` are.
fn world(seed: u64, wanted: usize, risk: impl Fn(&[u32; 6]) -> f64) -> (Vec<bool>, Vec<[u32; 6]>) {
    let mut dice = Dice(seed);
    let people: Vec<[u32; 6]> = (0..900).map(|_| person(&mut dice)).collect();
    let risks: Vec<f64> = people.iter().map(risk).collect();
    let all: f64 = risks.iter().sum();
    let hit = risks.iter().map(|risk| dice.share() < (wanted as f64 * risk / all).min(0.95)).collect();
    (hit, people)
}

fn table(hit: &[bool], people: &[[u32; 6]]) -> Table {
    let mut table = Table::new(hit.to_vec());
    for tag in 0..6 {
        table.push_tag(people.iter().map(|tags| Some(tags[tag])).collect());
    }
    table
}

fn found(hit: &[bool], people: &[[u32; 6]]) -> Vec<Vec<(usize, u32)>> {
    named(&attribute(&table(hit, people)))
}

fn named(answer: &Attribution) -> Vec<Vec<(usize, u32)>> {
    let parts = |mark: &prodsignal::attribution::Mark| {
        mark.parts.iter().map(|part| (part.condition.tag, part.condition.value)).collect()
    };
    answer.marks.iter().map(parts).collect()
}

#[test]
fn nothing_is_invented_where_nothing_is_planted() {
    let invented = (0..60).filter(|seed| {
        let (hit, people) = world(*seed, if seed % 2 == 0 { 60 } else { 25 }, |_| 1.0);
        !found(&hit, &people).is_empty()
    });
    assert!(invented.count() <= 3);
}

#[test]
fn one_version_is_named_and_not_its_browser() {
    let (hit, people) = world(1, 60, |tags| if tags[BROWSER] == 0 { 40.0 } else { 1.0 });
    assert_eq!(found(&hit, &people), [[(BROWSER, 0)]]);
}

/// The table of a world with the versions of each browser told apart.
fn versioned(hit: &[bool], people: &[[u32; 6]]) -> Table {
    let mut table = Table::new(hit.to_vec());
    let column = |tag: usize| people.iter().map(|tags| Some(tags[tag])).collect();
    table.push_versions(column(BROWSER), vec![vec![0, 1, 2, 3], vec![4, 5]]);
    table.push_tag(people.iter().map(|tags| Some(u32::from(tags[BROWSER] > 3))).collect());
    table.push_tag(column(COUNTRY));
    table
}

#[test]
fn versions_from_one_on_are_named_together() {
    for (versions, value, reach) in [(2..=3, 2, Reach::AtLeast), (0..=1, 1, Reach::AtMost)] {
        let (hit, people) = world(11, 60, |tags| if versions.contains(&tags[BROWSER]) { 40.0 } else { 1.0 });
        let marks = attribute(&versioned(&hit, &people)).marks;
        let said: Vec<Condition> = marks.iter().map(|mark| mark.parts[0].condition).collect();
        assert_eq!(said, [Condition { tag: BROWSER, value, reach }]);
    }
}

#[test]
fn one_version_and_a_whole_browser_are_no_ranges() {
    let (hit, people) = world(12, 60, |tags| if tags[BROWSER] == 2 { 40.0 } else { 1.0 });
    assert_eq!(named(&attribute(&versioned(&hit, &people))), [[(BROWSER, 2)]]);
    let (hit, people) = world(13, 60, |tags| if tags[BROWSER] > 3 { 40.0 } else { 1.0 });
    let marks = attribute(&versioned(&hit, &people)).marks;
    assert_eq!(marks.iter().map(|mark| mark.parts[0].condition).collect::<Vec<_>>(), [Condition::is(1, 1)]);
}

#[test]
fn a_browser_is_named_when_all_of_its_versions_are_hit() {
    let (hit, people) = world(2, 60, |tags| if tags[BROWSER_NAME] == 1 { 40.0 } else { 1.0 });
    assert_eq!(found(&hit, &people), [[(BROWSER_NAME, 1)]]);
}

#[test]
fn another_name_of_the_same_users_is_told_beside_the_first() {
    let (hit, people) = world(3, 60, |tags| if tags[COUNTRY] == 1 { 40.0 } else { 1.0 });
    let answer = attribute(&table(&hit, &people));
    assert_eq!(named(&answer), [[(COUNTRY, 1)]]);
    assert_eq!(answer.marks[0].parts[0].same_users, [Condition::is(LOCALE, 1)]);
}

#[test]
fn a_pair_is_named_when_each_half_alone_is_common() {
    let pair = |tags: &[u32; 6]| tags[BROWSER_NAME] == 0 && tags[PLAN] == 1;
    let (hit, people) = world(4, 60, |tags| if pair(tags) { 40.0 } else { 1.0 });
    assert_eq!(found(&hit, &people), [[(BROWSER_NAME, 0), (PLAN, 1)]]);
}

#[test]
fn two_causes_are_both_named_and_no_shadow_of_them() {
    let (hit, people) =
        world(5, 80, |tags| if tags[SYSTEM] == 0 && tags[BROWSER] == 4 || tags[COUNTRY] == 2 { 30.0 } else { 0.3 });
    let mut found = found(&hit, &people);
    found.sort();
    assert_eq!(found, [vec![(BROWSER, 4), (SYSTEM, 0)], vec![(COUNTRY, 2)]]);
}

#[test]
fn what_is_printed_agrees_with_the_table() {
    let (hit, people) = world(6, 60, |tags| if tags[BROWSER] == 5 { 40.0 } else { 1.0 });
    let answer = attribute(&table(&hit, &people));
    let mark = &answer.marks[0];
    let with = |side: bool| (0..900).filter(|row| hit[*row] == side && people[*row][BROWSER] == 5).count() as u64;
    assert_eq!((mark.users, mark.baseline_users), (with(true), with(false)));
    assert_eq!(mark.coverage, mark.users as f64 / answer.affected as f64);
    assert_eq!(Some(mark.lift), lift(mark.users, answer.affected, mark.baseline_users, answer.baseline));
    assert!(mark.q_value <= 0.05 && mark.lift.low > 1.3 && mark.gain > 0.0);
    assert!(answer.tested > 6 && !answer.too_few);
}

#[test]
fn too_few_users_say_so() {
    for (affected, baseline) in [(LEAST_AFFECTED - 1, 500), (50, LEAST_BASELINE - 1), (0, 0)] {
        let mut table = Table::new((0..affected + baseline).map(|row| row < affected).collect());
        table.push_tag((0..affected + baseline).map(|row| Some(u32::from(row < affected))).collect());
        let answer = attribute(&table);
        assert!(answer.too_few && answer.marks.is_empty() && answer.power.is_none());
    }
}

#[test]
fn an_empty_answer_says_what_would_have_been_seen() {
    let (hit, people) = world(8, 60, |_| 1.0);
    let answer = attribute(&table(&hit, &people));
    assert!(answer.marks.is_empty());
    let power = answer.power.unwrap();
    assert!((0.4..0.6).contains(&power.coverage) && (0.1..0.4).contains(&power.baseline_share), "{power:?}");
}

#[test]
fn a_tag_that_names_users_is_no_condition() {
    let (hit, people) = world(9, 60, |_| 1.0);
    let mut table = table(&hit, &people);
    let mut next = 0;
    // A third of the affected share a value, all others have their own.
    table.push_tag(
        hit.iter()
            .map(|hit| {
                if *hit {
                    next += 1;
                    Some(if next % 3 == 0 { 0 } else { next })
                } else {
                    None
                }
            })
            .collect(),
    );
    assert!(attribute(&table).marks.is_empty());
}

#[test]
fn users_without_a_tag_are_no_value_of_it() {
    let mut table = Table::new((0..200).map(|row| row < 40).collect());
    table.push_tag((0..200).map(|row| (row >= 40 || row % 2 == 0).then_some(1)).collect());
    assert!(attribute(&table).marks.is_empty());
}

#[test]
fn a_breakdown_and_the_attribution_count_alike() {
    let (hit, people) = world(10, 60, |tags| if tags[COUNTRY] == 1 { 40.0 } else { 1.0 });
    let answer = attribute(&table(&hit, &people));
    let mark = &answer.marks[0];
    let share = shares(&[(mark.users, mark.baseline_users)], answer.affected, answer.baseline)[0];
    assert_eq!((share.share, share.baseline_share), (mark.coverage, Some(mark.baseline_share)));
    assert!((share.lift.unwrap() - mark.lift.ratio).abs() < 1e-12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_users_changes_nothing(seed in 0u64..1000, turn in 1usize..900) {
        let (mut hit, mut people) = world(seed, 60, |tags| if tags[COUNTRY] == 1 { 6.0 } else { 1.0 });
        let before = attribute(&table(&hit, &people));
        hit.rotate_left(turn);
        people.rotate_left(turn);
        prop_assert_eq!(before, attribute(&table(&hit, &people)));
    }

    #[test]
    fn any_table_has_an_answer(
        rows in proptest::collection::vec((any::<bool>(), proptest::option::of(0u32..4), any::<Option<u32>>(), 0u32..2), 0..120)
    ) {
        let mut table = Table::new(rows.iter().map(|row| row.0).collect());
        table.push_tag(rows.iter().map(|row| row.1).collect());
        table.push_tag(rows.iter().map(|row| row.2).collect());
        table.push_tag(rows.iter().map(|row| Some(row.3)).collect());
        let answer = attribute(&table);
        prop_assert!(answer.marks.len() <= 3);
        for mark in &answer.marks {
            prop_assert!(mark.q_value <= 0.05 && mark.coverage >= 0.2 && mark.lift.low >= 1.3 && mark.lift.high.is_finite());
        }
    }
}
