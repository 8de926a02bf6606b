//! Files with symbols: those of symbol servers take no more room than they may.

use prodsignal::{
    model::Timestamp,
    sourcemaps::checksum,
    store::{BundleOrder, DebugFileOrder, DebugFileQuery, HostedStore, SignalSink},
};

use crate::world::{World, at};

const FROM: &str = "symbol server: ";

/// A file with symbols that is told from others by its number, of 1,000 bytes.
fn file(number: u8) -> Vec<u8> {
    let mut text = format!("MODULE Linux x86_64 {number:032X}0 kettle\nFUNC 10 20 0 boil\n10 20 5 0\n");
    text.push_str(&"PUBLIC 40 0 steam\n".repeat(60));
    text.truncate(1_000);
    text.into_bytes()
}

async fn keep(world: &World, number: u8, name: &str, now: Timestamp) {
    let (bytes, sum) = (file(number), checksum(&file(number)));
    world.store.keep_chunk(sum, bytes, now).await.unwrap();
    let bundle =
        BundleOrder { checksum: sum, chunks: vec![sum], projects: vec!["shop".into()], release: None, dist: None, now };
    let order = DebugFileOrder { bundle, name: name.to_owned(), debug_id: None };
    assert_eq!(world.store.assemble_debug_file(order).await.unwrap().1.len(), 1);
}

async fn names(world: &World) -> Vec<String> {
    let query = DebugFileQuery { project: "shop".into(), limit: 10, ..DebugFileQuery::default() };
    let files = world.store.debug_files(&query).await.unwrap();
    let mut names: Vec<String> = files.iter().map(|file| file.name.raw().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_of_servers_go_once_they_take_more_than_they_may_and_uploads_stay() {
    let world = World::new();
    world.store.ensure_project("shop").await.unwrap();
    keep(&world, 1, "mine.sym", at(0, 0)).await;
    for (number, day) in [(2, 1), (3, 3), (4, 2)] {
        keep(&world, number, &format!("{FROM}{number}.sym"), at(day, 0)).await;
    }
    assert_eq!(world.store.bound_debug_files(FROM, 3_000).await.unwrap(), 0);
    assert_eq!(world.store.bound_debug_files(FROM, 2_500).await.unwrap(), 1);
    assert_eq!(names(&world).await, ["mine.sym", "symbol server: 3.sym", "symbol server: 4.sym"]);
    assert_eq!(world.store.bound_debug_files(FROM, 999).await.unwrap(), 2);
    assert_eq!(names(&world).await, ["mine.sym"]);
    let id = "00000000-0000-0000-0000-000000000002";
    let gone = DebugFileQuery { project: "shop".into(), ids: vec![id.into()], limit: 10, ..DebugFileQuery::default() };
    assert!(world.store.debug_files(&gone).await.unwrap().is_empty());
}
