//! The order of releases and what their names mean.

use prodsignal::model::{Release, Timestamp, Untrusted};
use prodsignal::release::{before, resolve, since, sort_releases};

fn release(name: &str, first: i64, last: i64) -> Release {
    let at = |second| Timestamp::from_second(second).unwrap();
    Release { version: name.into(), first_seen: at(first), last_seen: at(last), deploys: Vec::new() }
}

fn sorted(names: &[(&str, i64)]) -> Vec<Release> {
    let mut releases: Vec<Release> = names.iter().map(|(name, at)| release(name, *at, *at + 100)).collect();
    sort_releases(&mut releases);
    releases
}

fn names(releases: &[Release]) -> Vec<&str> {
    releases.iter().map(|r| r.version.raw()).collect()
}

fn found(asked: &str, releases: &[Release]) -> Option<String> {
    resolve(&Untrusted::from(asked), releases).ok().map(|r| releases[r.index].version.raw().to_owned())
}

#[test]
fn versions_of_a_package_follow_their_versions_whenever_they_were_seen() {
    let releases = sorted(&[("shop@2.10.0", 50), ("shop@2.9.0", 90), ("shop@2.10.0-rc.1", 95), ("shop@2.2.0", 1)]);
    assert_eq!(names(&releases), ["shop@2.2.0", "shop@2.9.0", "shop@2.10.0-rc.1", "shop@2.10.0"]);
}

#[test]
fn hashes_and_packages_follow_the_time_they_were_first_seen() {
    let releases = sorted(&[("web@1.0.0", 30), ("3f9ac2d", 20), ("api@9.0.0", 10), ("0b1c2d3", 40)]);
    assert_eq!(names(&releases), ["api@9.0.0", "3f9ac2d", "web@1.0.0", "0b1c2d3"]);
}

#[test]
fn the_release_asked_for_and_those_after_it_are_since() {
    let releases = sorted(&[("a@1.0.0", 1), ("a@1.1.0", 2), ("a@1.2.0", 3)]);
    assert_eq!(names(since(&releases, 1)), ["a@1.1.0", "a@1.2.0"]);
    assert_eq!(names(before(&releases, 1)), ["a@1.0.0"]);
    assert!(since(&releases, 9).is_empty());
}

#[test]
fn a_release_is_named_whole_by_version_or_by_the_beginning_of_one() {
    let releases = sorted(&[
        ("shop@2.1.0", 1),
        ("shop@2.2.0", 2),
        ("shop@2.3.0-rc.1", 3),
        ("shop@2.3.0", 4),
        ("shop@2.3.1", 5),
        ("shop@3.0.0-beta", 6),
    ]);
    for (asked, want) in [
        ("shop@2.3.0", "shop@2.3.0"),
        ("2.3.0", "shop@2.3.0"),
        ("v2.3.0", "shop@2.3.0"),
        ("v2.3", "shop@2.3.0"),
        ("2.3", "shop@2.3.0"),
        ("2", "shop@2.1.0"),
        ("shop@2.3", "shop@2.3.0"),
        ("3", "shop@3.0.0-beta"),
        ("2.3.0-rc.1", "shop@2.3.0-rc.1"),
        (" latest ", "shop@3.0.0-beta"),
        ("previous", "shop@2.3.1"),
    ] {
        assert_eq!(found(asked, &releases).as_deref(), Some(want), "{asked}");
    }
    for asked in ["2.4", "shop@2.3.9", "web@2.3.0", "", "1"] {
        assert_eq!(found(asked, &releases), None, "{asked}");
    }
}

#[test]
fn of_several_packages_the_one_seen_last_is_taken_and_the_others_are_told() {
    let releases = vec![release("api@2.3.0", 1, 500), release("web@2.3.0", 2, 400)];
    let found = resolve(&"2.3.0".into(), &releases).unwrap();
    assert_eq!((found.index, found.others.as_slice()), (0, ["web@2.3.0".into()].as_slice()));
}

#[test]
fn previous_stays_within_the_package_of_the_newest() {
    let releases = sorted(&[("api@1.0.0", 1), ("web@7.0.0", 2), ("api@1.1.0", 3)]);
    assert_eq!(found("previous", &releases).as_deref(), Some("api@1.0.0"));
    assert_eq!(found("previous", &[]), None);
}

#[test]
fn a_hash_is_named_by_its_beginning() {
    let releases = sorted(&[("3f9ac2d4e5f60718", 1), ("aa9ac2d4e5f60718", 2)]);
    assert_eq!(found("3f9ac2d", &releases).as_deref(), Some("3f9ac2d4e5f60718"));
    assert_eq!(found("3f9", &releases), None);
}

#[test]
fn an_unknown_name_offers_the_nearest() {
    let releases = sorted(&[("shop@2.1.0", 1), ("shop@2.3.0", 2), ("other@7.7.7", 3)]);
    let near = resolve(&"shop@2.3.9".into(), &releases).unwrap_err().near;
    assert_eq!(near[0].raw(), "shop@2.3.0");
}

proptest::proptest! {
    #[test]
    fn the_order_does_not_depend_on_the_order_given(
        mut given in proptest::collection::vec(("(a@|b@)?([0-9]\\.[0-3](-rc\\.[0-2])?|[0-9a-f]{7})", 0i64..50), 0..12),
    ) {
        let one = sorted(&given.iter().map(|(n, t)| (n.as_str(), *t)).collect::<Vec<_>>());
        given.reverse();
        let other = sorted(&given.iter().map(|(n, t)| (n.as_str(), *t)).collect::<Vec<_>>());
        proptest::prop_assert_eq!(one, other);
    }

    #[test]
    fn any_name_is_found_or_not(asked in ".{0,30}") {
        let _ = resolve(&asked.as_str().into(), &sorted(&[("a@1.0.0", 1), ("3f9ac2d4e5f60718", 2)]));
    }
}
