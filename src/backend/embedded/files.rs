//! The store's folder: who may touch it, and the key that lies in it.
//! It uses the file system and `store`'s errors.
//! It never opens a store that others could write to.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::fault::of_files;
use crate::store::StoreError;

/// The files of one store.
#[derive(Clone, Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Takes the folder, or makes it, and refuses one that others may write to.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        make_folder(folder)?;
        let files = Self { folder: folder.to_owned() };
        refuse(folder, WRITABLE, "the store's folder can be written by others: chmod go-w it")?;
        refuse(&files.database(), OPEN, "the store's file can be read or written by others: chmod 600 signal.db")?;
        refuse(&files.key(), OPEN, "the key of pseudonyms can be read or written by others: chmod 600 pseudonym.key")?;
        Ok(files)
    }

    /// Removes a store's files, and its folder if that is empty then.
    pub(super) fn remove(folder: &Path) -> Result<(), StoreError> {
        let files = Self { folder: folder.to_owned() };
        let shared = folder.join("signal.db-shm");
        for file in [files.database(), files.log(), shared, files.key(), files.fold_lock()] {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(of_files("removing the store")(error)),
                _ => {}
            }
        }
        // Something else in it: that stays, and so does the folder.
        let _ = fs::remove_dir(folder);
        Ok(())
    }

    pub(super) fn database(&self) -> PathBuf {
        self.folder.join("signal.db")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("signal.db-wal")
    }

    /// Bytes of the database and its log.
    pub(super) fn size_bytes(&self) -> u64 {
        [self.database(), self.log()].iter().filter_map(|file| file.metadata().ok()).map(|m| m.len()).sum()
    }

    /// Held by the process that folds, for as long as it does.
    pub(super) fn fold_lock(&self) -> PathBuf {
        self.folder.join("fold.lock")
    }

    fn key(&self) -> PathBuf {
        self.folder.join("pseudonym.key")
    }

    /// Makes an empty database file of the right mode; SQLite gives its companions the same.
    pub(super) fn make_database(&self) -> Result<(), StoreError> {
        create_private(&self.database()).map(drop)
    }

    /// The key of pseudonyms, made with the store; `kept` finds that of a backup.
    pub(super) fn pseudonym_key(
        &self,
        kept: impl FnOnce() -> Result<Option<[u8; 32]>, StoreError>,
    ) -> Result<[u8; 32], StoreError> {
        if let Some(key) = read_key(&self.key())? {
            return Ok(key);
        }
        let fresh = self.folder.join(format!("pseudonym.{:032x}", u128::from_le_bytes(random_bytes()?)));
        let mut file = create_private(&fresh)?;
        let key = match kept()? {
            Some(key) => key,
            None => random_bytes()?,
        };
        file.write_all(&key).and_then(|()| file.sync_all()).map_err(of_files("writing the key"))?;
        // Linking is the one step that lets only one of two processes win, and never shows half a key.
        let linked = fs::hard_link(&fresh, self.key());
        let _ = fs::remove_file(&fresh);
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(of_files("writing the key")(error)),
            _ => read_key(&self.key())?.ok_or(StoreError::Forbidden("the store's key can't be read")),
        }
    }
}

/// Random bytes of the system.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(StoreError::Engine { context: "the system's random numbers", source: Box::new(error) }),
    }
}

fn read_key(path: &Path) -> Result<Option<[u8; 32]>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => match bytes.try_into() {
            Ok(key) => Ok(Some(key)),
            Err(_) => Err(StoreError::Forbidden("the store's key file is damaged: it must be 32 bytes")),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(of_files("reading the key")(error)),
    }
}

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(of_files("making the store's folder"))
}

/// Opens or makes a file that only its owner may read and write.
pub(super) fn create_private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(of_files("making the store's files"))
}

/// Others may write.
const WRITABLE: u32 = 0o022;
/// Others may do anything.
const OPEN: u32 = 0o077;

/// Refuses a file or folder of which others may do what they must not.
#[cfg(unix)]
fn refuse(path: &Path, rights: u32, why: &'static str) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    match fs::metadata(path) {
        Ok(found) if found.permissions().mode() & rights != 0 => Err(StoreError::Forbidden(why)),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(of_files("looking at the store's files")(error)),
    }
}

#[cfg(not(unix))]
fn refuse(_path: &Path, _rights: u32, _why: &'static str) -> Result<(), StoreError> {
    Ok(())
}
