//! The store's folder: who may read it, and what is said when it can't be used.

use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    store::StoreError,
};
use rusqlite::Connection;

use crate::world::{World, at, hit};

fn open(path: &std::path::Path) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::open(path, Options::default())
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_and_left_as_it_is() {
    let world = World::new();
    world.hits(&[hit(1, "pay", at(0, 0))]).await;
    let (path, folder) = (world.folder.path().join("store"), world.folder);
    drop(world.store);
    let database = path.join("signal.db");
    let known: i64 =
        Connection::open(&database).unwrap().pragma_query_value(None, "user_version", |r| r.get(0)).unwrap();
    Connection::open(&database).unwrap().pragma_update(None, "user_version", known + 1).unwrap();
    match open(&path).map(drop) {
        Err(StoreError::Newer { found, known: newest }) => assert_eq!((found, newest), (known + 1, known)),
        other => panic!("{other:?}"),
    }
    Connection::open(&database).unwrap().pragma_update(None, "user_version", known).unwrap();
    assert!(open(&path).is_ok());
    drop(folder);
}

#[test]
fn a_file_that_is_no_store_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(open(&path).unwrap());
    std::fs::write(path.join("signal.db"), b"somebody's notes, long enough to be looked at as a database header")
        .unwrap();
    assert!(open(&path).is_err());
    assert!(std::fs::read(path.join("signal.db")).unwrap().starts_with(b"somebody's notes"));
}

#[test]
fn a_path_that_is_no_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(matches!(open(&file).map(drop), Err(StoreError::Forbidden(_))));
    assert!(matches!(open(&file.join("below")).map(drop), Err(StoreError::Forbidden(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_folder_or_its_files() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.hits(&[hit(1, "pay", at(0, 0))]).await;
    let path = world.folder.path().join("store");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in std::fs::read_dir(&path).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(open(&path).map(drop), Err(StoreError::Forbidden(_))), "others could plant a store");
}
