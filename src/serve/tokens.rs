//! Tokens of callers: made and revoked by a command, known by their digests alone, read again when the file changes.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::access::Right;

/// Begins each token, so that scanners of leaked secrets can tell it.
const START: &str = "psig_";

/// A token as it is kept: without the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// By what it is revoked.
    pub id: String,
    /// Whose it is, as its maker calls it.
    pub name: String,
    /// SHA-256 of the token, in hex.
    hash: String,
    /// What it allows.
    pub scopes: Vec<Right>,
    /// Slug of the one project that it shows; all without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Name of the one environment that it shows; all without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// When it was made, in RFC 3339.
    pub made: String,
}

/// What a new token is to allow.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose it is.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Right>,
    /// The one project that it shows.
    pub project: Option<String>,
    /// The one environment that it shows.
    pub environment: Option<String>,
    /// When it is made, in RFC 3339.
    pub made: String,
}

/// The file of tokens in a store's folder.
pub struct Tokens {
    path: PathBuf,
    known: RwLock<(Option<SystemTime>, Vec<Token>)>,
}

impl Tokens {
    /// The tokens of a store.
    pub fn of(store: &Path) -> Self {
        Self { path: store.join("tokens.json"), known: RwLock::default() }
    }

    /// Whether there ever was one: from then on nobody calls without.
    pub fn are_used(&self) -> bool {
        self.path.exists()
    }

    /// All that are valid.
    ///
    /// # Errors
    /// When the file can't be read, or others may read or write it.
    pub fn list(&self) -> std::io::Result<Vec<Token>> {
        let changed = match fs::metadata(&self.path) {
            Ok(found) => {
                refuse_shared(&found)?;
                found.modified()?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if known.0 == Some(changed) {
                return Ok(known.1.clone());
            }
        }
        let tokens: Vec<Token> = serde_json::from_slice(&fs::read(&self.path)?)?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = (Some(changed), tokens.clone());
        Ok(tokens)
    }

    /// The digests of all that are valid; a file that can't be read has none.
    pub(super) fn digests(&self) -> Vec<[u8; 32]> {
        let tokens = self.list().unwrap_or_else(|error| {
            tracing::error!(%error, "the tokens can't be read");
            Vec::new()
        });
        tokens.iter().filter_map(|token| unhex(&token.hash)).collect()
    }

    /// The token of that digest; a file that can't be read knows none.
    pub(super) fn of_digest(&self, digest: &[u8; 32]) -> Option<Token> {
        let hash = hex(digest);
        match self.list() {
            Ok(tokens) => tokens.into_iter().find(|token| token.hash == hash),
            Err(error) => {
                tracing::error!(%error, "the tokens can't be read");
                None
            }
        }
    }

    /// Makes a token and returns it: it is nowhere else.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn make(&self, new: NewToken) -> std::io::Result<(String, Token)> {
        let (secret, id) = (random::<32>()?, random::<4>()?);
        let token = format!("{START}{}", hex(&secret));
        let NewToken { name, scopes, project, environment, made } = new;
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let hash = hex(&digest);
        let kept = Token { id: hex(&id), name, hash, scopes, project, environment, made };
        let mut all = self.list()?;
        all.push(kept.clone());
        self.write(&all)?;
        Ok((token, kept))
    }

    /// Revokes a token, by id or name; tells how many that were.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn revoke(&self, named: &str) -> std::io::Result<usize> {
        let mut all = self.list()?;
        let before = all.len();
        all.retain(|token| token.id != named && token.name != named);
        if all.len() < before {
            self.write(&all)?;
        }
        Ok(before - all.len())
    }

    /// Whole or not at all, for its owner alone.
    fn write(&self, tokens: &[Token]) -> std::io::Result<()> {
        let beside = self.path.with_file_name(format!("tokens.{}", hex(&random::<16>()?)));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        let written = file.write_all(&serde_json::to_vec_pretty(tokens)?).and_then(|()| file.sync_all());
        let done = written.and_then(|()| fs::rename(&beside, &self.path));
        if done.is_err() {
            let _ = fs::remove_file(&beside);
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = (None, Vec::new());
        done
    }
}

#[cfg(unix)]
fn refuse_shared(found: &fs::Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match found.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err(std::io::Error::other("tokens.json can be read or written by others: chmod 600 it")),
    }
}

#[cfg(not(unix))]
fn refuse_shared(_: &fs::Metadata) -> std::io::Result<()> {
    Ok(())
}

fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (place, at) in bytes.iter_mut().zip((0..text.len()).step_by(2)) {
        *place = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    (text.len() == 64).then_some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str) -> NewToken {
        let scopes = vec![Right::Read];
        NewToken { name: name.into(), scopes, project: None, environment: None, made: "2026-11-30T10:00:00Z".into() }
    }

    #[test]
    fn a_token_is_kept_as_a_digest_and_gone_when_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(folder.path());
        assert!(!tokens.are_used());
        let (token, kept) = tokens.make(new("ci")).unwrap();
        let file = fs::read_to_string(folder.path().join("tokens.json")).unwrap();
        assert!(!file.contains(&token) && file.contains(&kept.id));
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        assert_eq!(tokens.of_digest(&digest), Some(kept.clone()));
        assert_eq!(tokens.revoke("nobody").unwrap(), 0);
        assert_eq!(tokens.revoke(&kept.id).unwrap(), 1);
        assert_eq!(tokens.of_digest(&digest), None);
        // Nobody is let in again without one.
        assert!(tokens.are_used());
    }

    #[cfg(unix)]
    #[test]
    fn tokens_that_others_can_read_let_nobody_in() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(folder.path());
        let (token, _) = tokens.make(new("ci")).unwrap();
        let path = folder.path().join("tokens.json");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(tokens.of_digest(&Sha256::digest(token.as_bytes()).into()), None);
    }
}
