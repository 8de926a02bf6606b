//! Uploaded maps: retention drops those that nothing needs any more.

use prodsignal::{
    model::Timestamp,
    sourcemaps::{Maps, Wanted, checksum},
    store::{Announcement, Assembled, BundleOrder, HostedStore, SignalSink},
};
use serde_json::json;

use crate::{
    api::uploads::bundle,
    world::{World, at, hit},
};

const OLD: u128 = 0x0123_4567_89ab_4cde_8f01_2345_6789_abcd;

/// A bundle with one map, known by a debug id.
fn one(debug_id: u128) -> Vec<u8> {
    let id = format!("{debug_id:032x}");
    let files = json!({ "files": {
        "a.js": { "type": "minified_source", "url": "~/a.js", "headers": { "debug-id": id, "sourcemap": "a.js.map" } },
        "a.js.map": { "type": "source_map", "url": "~/a.js.map", "headers": { "debug-id": id } },
    } });
    let map = br#"{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAA"}"#;
    bundle(&files, &[("a.js", b"x()"), ("a.js.map", map)])
}

async fn upload(world: &World, debug_id: u128, release: Option<&str>, now: Timestamp) {
    let bytes = one(debug_id);
    world.store.keep_chunk(checksum(&bytes), bytes.clone(), now).await.unwrap();
    assert_eq!(world.store.assemble(order(debug_id, release, now)).await.unwrap(), Assembled::Done);
}

fn order(debug_id: u128, release: Option<&str>, now: Timestamp) -> BundleOrder {
    let whole = checksum(&one(debug_id));
    let release = release.map(str::to_owned);
    BundleOrder { checksum: whole, chunks: vec![whole], projects: vec!["shop".into()], release, dist: None, now }
}

/// Whether a frame of that script can be read.
fn reads(world: &World, debug_id: u128) -> bool {
    let wanted = Wanted { debug_id: Some(debug_id), release: None, dist: None, names: Vec::new() };
    world.second().script(1, &wanted).is_some()
}

#[tokio::test]
async fn maps_go_with_their_releases_and_stay_while_something_needs_them() {
    let world = World::new();
    world.store.ensure_project("shop").await.unwrap();
    upload(&world, OLD, None, at(0, 0)).await;
    upload(&world, OLD + 1, Some("app@1.0.0"), at(0, 0)).await;
    // Of a release that is still seen; of one that was announced a while ago and is yet to come; uploaded again.
    upload(&world, OLD + 2, Some("app@2.0.0"), at(0, 0)).await;
    upload(&world, OLD + 3, Some("app@3.0.0"), at(0, 0)).await;
    upload(&world, OLD + 4, None, at(0, 0)).await;
    upload(&world, OLD + 4, None, at(8, 0)).await;
    upload(&world, OLD + 5, None, at(0, 0)).await;
    let next = Announcement {
        version: "app@3.0.0".into(),
        projects: vec!["shop".into()],
        started: None,
        released: None,
        url: None,
        reference: None,
        commits: None,
        now: at(8, 0),
    };
    world.store.announce(next).await.unwrap();
    world.hits(&[hit(1, "pay", at(0, 0)).release("app@1.0.0"), hit(2, "pay", at(9, 0)).release("app@2.0.0")]).await;
    // The last is read by an event that comes now.
    let wanted = Wanted { debug_id: Some(OLD + 5), release: None, dist: None, names: Vec::new() };
    assert!(world.store.script(1, &wanted).is_some());
    let before = at(5, 3600);
    world.store.retain(before).await.unwrap();
    let kept: Vec<u128> = (0..6).filter(|n| reads(&world, OLD + n)).collect();
    assert_eq!(kept, [2, 3, 4, 5]);
    // What went can be sent again.
    let again = world.store.assemble(order(OLD, None, at(9, 60))).await.unwrap();
    assert_eq!(again, Assembled::Missing(vec![checksum(&one(OLD))]));
    upload(&world, OLD, None, at(9, 60)).await;
    world.store.retain(before).await.unwrap();
    assert!(reads(&world, OLD));
}
