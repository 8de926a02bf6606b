//! What holds whatever the history.

use prodsignal::{
    model::{FixHistory, Use},
    verify::{Demand, Evidence, Stratum, judge},
};
use proptest::prelude::*;

use super::made::{DEPLOY, Shop, at};

fn shop() -> impl Strategy<Value = Shop> {
    (any::<u16>(), 4u64..40, 0.01f64..0.2, 0.0f64..2.0, 2i64..120, 0.0f64..0.6)
        .prop_map(|(seed, users, rate, ratio, after, stay)| Shop { seed: seed.into(), users, rate, ratio, after, stay })
}

fn strata() -> impl Strategy<Value = Vec<Stratum>> {
    let one = (0u32..200, 1u32..5_000, 0u32..60, 1u32..5_000).prop_map(|(k0, n0, k1, n1)| Stratum {
        k0: k0.into(),
        n0: n0.max(k0).into(),
        k1: k1.into(),
        n1: n1.max(k1).into(),
    });
    prop::collection::vec(one, 1..6)
}

fn shown(history: &FixHistory, shop: &Shop) -> String {
    format!("{:?}", judge(history, shop.end(), &Demand::default()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn more_exposure_without_hits_never_raises_the_upper_end(strata in strata(), factor in 1.0f64..1e6, which in 0usize..6) {
        let before = Evidence::of(&strata).interval(0.05).high_or_infinite();
        let mut more = strata.clone();
        let at = which % more.len();
        more[at].n1 *= factor;
        let after = Evidence::of(&more).interval(0.05).high_or_infinite();
        prop_assert!(after <= before * (1.0 + 1e-9), "{before} rose to {after}");
    }

    #[test]
    fn the_interval_holds_its_estimate_and_widens_with_confidence(strata in strata()) {
        let evidence = Evidence::of(&strata);
        let (wide, narrow) = (evidence.interval(0.01), evidence.interval(0.2));
        prop_assert!(wide.low <= narrow.low && wide.high_or_infinite() >= narrow.high_or_infinite());
        if let Some(ratio) = narrow.ratio {
            prop_assert!(narrow.low <= ratio * (1.0 + 1e-9) && ratio <= narrow.high_or_infinite() * (1.0 + 1e-9));
        }
    }

    #[test]
    fn the_order_of_strata_says_nothing(strata in strata()) {
        let mut turned = strata.clone();
        turned.reverse();
        let (one, other) = (Evidence::of(&strata).interval(0.05), Evidence::of(&turned).interval(0.05));
        prop_assert!((one.low - other.low).abs() < 1e-9);
        prop_assert!((one.high_or_infinite() - other.high_or_infinite()).abs() < 1e-6 || one.high == other.high);
    }

    #[test]
    fn other_names_of_users_change_nothing(shop in shop()) {
        let history = shop.history();
        let mut renamed = history.clone();
        renamed.hits.iter_mut().for_each(|hit| hit.user = hit.user.map(|user| user.reverse_bits() ^ 0x5a5a));
        prop_assert_eq!(shown(&history, &shop), shown(&renamed, &shop));
    }

    #[test]
    fn the_order_and_the_split_of_a_batch_change_nothing(shop in shop()) {
        let history = shop.history();
        let mut split = history.clone();
        split.hits.reverse();
        split.uses = history.uses.iter().rev().flat_map(|part| {
            let half = part.users / 2;
            [Use { users: half, sessions: half, ..*part }, Use { users: part.users - half, sessions: part.sessions - half, ..*part }]
        }).collect();
        prop_assert_eq!(shown(&history, &shop), shown(&split, &shop));
    }

    #[test]
    fn what_happens_later_does_not_change_an_answer(shop in shop(), back in 0i64..100) {
        let whole = shop.history();
        let as_of = at((DEPLOY + shop.after - back).max(DEPLOY), 1_200);
        let mut then = whole.clone();
        then.hits.retain(|hit| hit.at <= as_of);
        then.uses.retain(|part| (part.hour + 1) * 3_600 <= as_of.as_second());
        let judged = |history: &FixHistory| format!("{:?}", judge(history, as_of, &Demand::default()));
        prop_assert_eq!(judged(&whole), judged(&then));
    }

    #[test]
    fn repeats_of_a_user_within_a_day_change_no_evidence(shop in shop()) {
        let history = shop.history();
        let mut noisy = history.clone();
        for n in 0..noisy.hits.len() {
            let again = noisy.hits[n];
            noisy.hits.push(prodsignal::model::FixHit { at: again.at + jiff::Span::new().milliseconds(1), ..again });
        }
        let interval = |history: &FixHistory| judge(history, shop.end(), &Demand::default()).proof.map(|p| p.interval);
        // A moment later, so that none crosses the end of a day or hour: all were made at whole seconds.
        prop_assert_eq!(interval(&history), interval(&noisy));
    }
}
