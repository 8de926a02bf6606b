//! Every count equals the naive one, as over the embedded store, and with the same checks.

use proptest::prelude::*;

use prodsignal::store::IssueSort;

use super::databases::World;
use crate::{
    embedded::{
        exact::{
            PROJECTS, affected_agrees, block_on, events_agree, fitted, history, issues_agree, part, releases_agree,
            searches_agree,
        },
        naive,
    },
    world::Hit,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(
        not(all(has_postgres, has_python)),
        ignore = "needs PostgreSQL and Python: apt-get install postgresql python3 python3-pip"
    )]
    fn counts_equal_the_naive_ones_for_any_history_and_scope(
        batches in history(),
        parts in prop::collection::vec(part(), 3),
    ) {
        block_on(async {
            let world = World::new().await;
            let mut written: Vec<Hit> = Vec::new();
            for (hits, _) in &batches {
                let before = naive::distinct(&written).len();
                written.extend(hits.iter().cloned());
                let receipt = world.hits(hits).await;
                assert_eq!(receipt.stored as usize, naive::distinct(&written).len() - before);
                assert_eq!((receipt.stored + receipt.duplicates) as usize, hits.len());
            }
            let hits = naive::distinct(&written);
            for part in parts.iter().filter_map(|part| fitted(part, &hits)) {
                for sort in [IssueSort::Impact, IssueSort::Users] {
                    issues_agree(&world.store, &hits, &part, sort).await;
                }
                for project in PROJECTS {
                    events_agree(&world.store, &hits, &part, project, "i0").await;
                    for issue in ["i0", "i1"] {
                        affected_agrees(&world.store, &hits, &part, project, issue).await;
                    }
                }
                searches_agree(&world.store, &hits, &part).await;
                releases_agree(&world.store, &hits, &part).await;
            }
        });
    }
}
