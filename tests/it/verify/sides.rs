//! Which releases have a fix, and which are a control.

use prodsignal::{
    model::{Release, Side, Timestamp},
    release::{sides, sort_releases},
};

/// Releases with the day each was first seen; those marked with `!` have the bug. Gives each name's side, as N, C or -.
fn told(asked: &str, releases: &[(&str, i64)]) -> (bool, String) {
    let at = |day: i64| Timestamp::from_second(1_793_577_600 + day * 86_400).unwrap();
    let mut list: Vec<Release> = releases
        .iter()
        .map(|(name, day)| Release {
            version: name.trim_end_matches('!').into(),
            first_seen: at(*day),
            last_seen: at(*day + 3),
            deploys: Vec::new(),
        })
        .collect();
    sort_releases(&mut list);
    let bug = |release: &Release| releases.iter().any(|(name, _)| *name == format!("{}!", release.version.raw()));
    let hit: Vec<bool> = list.iter().map(bug).collect();
    let found = sides(&asked.into(), &list, &hit);
    let mut letters = Vec::new();
    for (name, _) in releases {
        let place = list.iter().position(|release| release.version.raw() == name.trim_end_matches('!')).unwrap();
        letters.push(match found.sides[place] {
            Side::New => 'N',
            Side::Control => 'C',
            Side::Neither => '-',
        });
    }
    (found.asked.is_some(), letters.into_iter().collect())
}

#[test]
fn releases_are_sorted_into_sides() {
    for (what, asked, releases, want) in [
        (
            "the asked one and later ones",
            "shop@2.3.0",
            &[("shop@2.2.0!", 0), ("shop@2.3.0", 5), ("shop@2.4.0", 9)][..],
            (true, "CNN"),
        ),
        ("a version alone", "v2.3", &[("shop@2.2.0!", 0), ("shop@2.3.0", 5)], (true, "CN")),
        (
            "a hotfix of the old line that ships later",
            "2.3.0",
            &[("shop@2.2.0!", 0), ("shop@2.3.0", 5), ("shop@2.2.1", 6)],
            (true, "CNC"),
        ),
        (
            "older than the bug",
            "2.3.0",
            &[("shop@2.0.0", 0), ("shop@2.1.0!", 1), ("shop@2.2.0", 2), ("shop@2.3.0", 5)],
            (true, "-CCN"),
        ),
        ("a bug never seen", "2.3.0", &[("shop@2.1.0", 0), ("shop@2.2.0", 1), ("shop@2.3.0", 5)], (true, "CCN")),
        ("a version that the fleet skipped", "shop@2.3.0", &[("shop@2.2.0!", 0), ("shop@2.3.1", 5)], (false, "CN")),
        (
            "the same without its package",
            "2.3.0",
            &[("shop@2.2.0!", 0), ("shop@2.3.1", 5), ("worker@9.0.0", 1)],
            (false, "CN-"),
        ),
        ("a version to come", "2.3.0", &[("shop@2.1.0!", 0), ("shop@2.2.0", 5)], (false, "CC")),
        (
            "hashes go by time",
            "shop@bbbbbbbbbb",
            &[("shop@aaaaaaaaaa!", 0), ("shop@bbbbbbbbbb", 5), ("shop@cccccccccc", 8)],
            (true, "CNN"),
        ),
        ("the beginning of a hash", "bbbbbbbb", &[("shop@aaaaaaaaaa!", 0), ("shop@bbbbbbbbbb", 5)], (true, "CN")),
        ("a hash to come", "dddddddddd", &[("shop@aaaaaaaaaa!", 0), ("shop@bbbbbbbbbb", 5)], (false, "CC")),
        (
            "another package",
            "shop@2.3.0",
            &[("shop@2.2.0!", 0), ("worker@7.0.0!", 1), ("shop@2.3.0", 5)],
            (true, "C-N"),
        ),
        (
            "a canary build of the version",
            "shop@2.3.0",
            &[("shop@2.2.0!", 0), ("shop@2.3.0+canary", 4), ("shop@2.3.0", 5)],
            (true, "CNN"),
        ),
        (
            "a pre-release may have it or not",
            "shop@2.3.0",
            &[("shop@2.2.0!", 0), ("shop@2.3.0-rc.1", 4), ("shop@2.3.0", 5)],
            (true, "C-N"),
        ),
        ("only a pre-release so far", "shop@2.3.0", &[("shop@2.2.0!", 0), ("shop@2.3.0-rc.1", 4)], (false, "C-")),
        (
            "the pre-release itself",
            "2.3.0-rc.1",
            &[("shop@2.2.0!", 0), ("shop@2.3.0-rc.1", 4), ("shop@2.3.0", 5)],
            (true, "CNN"),
        ),
        ("names that changed their kind", "2.3.0", &[("shop@2.2.0!", 0), ("2.3.0", 5)], (true, "CN")),
        ("nothing at all", "2.3.0", &[], (false, "")),
    ] {
        let (seen, letters) = told(asked, releases);
        assert_eq!((seen, letters.as_str()), want, "{what}");
    }
}
