//! The checkouts that frames are matched to: where a frame's file and line are today, whether its function changed since
//! the release that failed, which commits may have brought the failure, and whether one has mended it already.
//! It uses `model` and `release`.
//! It never runs anything but `git` with fixed arguments, writes nothing in a work tree, reads no file outside the folders
//! that were named and their repositories, and never makes sentences.
//!
//! A frame belongs to the file that shares the longest end of its path with it, if no other shares as much. What a release
//! was built from is told by the commits that were announced with it, by a tag, or by a hash in its name. Versions of a
//! file are compared line by line; the lines of a function are told by indentation; which commits touched them, `git log -L`
//! says.

mod files;
mod folder;
mod function;
mod git;
mod history;
mod inside;
mod lines;
mod paths;
mod place;
mod references;
mod release;
mod tree;

use std::{path::PathBuf, sync::Arc};

pub use folder::CodeFault;
pub use history::CodeCommit;
pub use paths::is_of;
pub use place::Place;
pub use release::{NamedRelease, ToldBy};

use crate::model::Frame;
use place::Found;
use tree::{Moment, Tree};

/// The hash of an object: 40 or 64 hex digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(String);

impl Oid {
    /// Reads one; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (hex && matches!(text.len(), 40 | 64)).then(|| Self(text.to_owned()))
    }

    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, which name it to people and to `git`.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

/// All checkouts that were named.
#[derive(Default)]
pub struct Checkouts {
    trees: Vec<Tree>,
}

/// What is asked of the checkouts.
#[derive(Clone, Debug, Default)]
pub struct CodeQuery<'a> {
    /// Frames, the most telling first.
    pub frames: Vec<&'a Frame>,
    /// So many of them, from the first, are the failure's own: their functions are looked into for suspects and a fix.
    pub telling: usize,
    /// The release that the frames are of.
    pub release: Option<NamedRelease>,
    /// The last release without the failure, and the first with it.
    pub between: Option<(NamedRelease, NamedRelease)>,
    /// The newest release of all.
    pub newest: Option<NamedRelease>,
}

/// What the checkouts answer.
#[derive(Clone, Debug, Default)]
pub struct CodeAnswer {
    /// For each frame, where it is.
    pub places: Vec<Option<Place>>,
    /// Commits between the last good and the first bad release that touched the functions of telling frames.
    pub suspects: Vec<CodeCommit>,
    /// The newest commit that is in no release yet and changed the function of the first telling frame that any changed.
    pub candidate_fix: Option<CodeCommit>,
    /// A large checkout is still being read: the next question finds more.
    pub reading: bool,
    /// The checkout in which the first frame was found: what is checked out, and the commit of the frames' release.
    pub checkout: Option<Checkout>,
}

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The commit that is checked out.
    pub head: Oid,
    /// The commit of the frames' release, and what told it.
    pub release: Option<(Oid, ToldBy)>,
}

impl Checkouts {
    /// No checkout.
    pub fn none() -> Arc<Self> {
        Arc::default()
    }

    /// The work trees that these folders are in.
    ///
    /// # Errors
    /// The first folder that is in none, or in one that can't be used.
    pub fn open(folders: &[PathBuf]) -> Result<Arc<Self>, CodeFault> {
        let trees = folders.iter().map(|folder| Tree::open(folder)).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { trees }))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// Looks everything up that was asked. What can't be told is left out.
    pub async fn look(&self, asked: &CodeQuery<'_>) -> CodeAnswer {
        let mut moments: Vec<(&Tree, Moment)> = Vec::new();
        for tree in &self.trees {
            if let Some(moment) = tree.moment(asked.release.as_ref()).await {
                moments.push((tree, moment));
            }
        }
        let reading = moments.len() < self.trees.len() && self.trees.iter().any(Tree::is_reading);
        let mut answer = CodeAnswer { reading, ..CodeAnswer::default() };
        let mut found: Vec<Option<Found<'_>>> = Vec::new();
        for frame in &asked.frames {
            found.push(place::find(&moments, frame).await);
        }
        for (frame, found) in asked.frames.iter().zip(&mut found) {
            let place = match found {
                Some(found) => Some(found.place(frame).await),
                None => None,
            };
            answer.places.push(place);
        }
        let first = found.iter().flatten().next();
        answer.checkout =
            first.map(|found| Checkout { head: found.moment.head.clone(), release: found.moment.release.clone() });
        let telling: Vec<&Found<'_>> = found.iter().take(asked.telling).flatten().collect();
        if let Some((good, bad)) = &asked.between {
            answer.suspects = place::suspects(&telling, good, bad).await;
        }
        answer.candidate_fix = place::candidate_fix(&telling, asked.newest.as_ref()).await;
        answer
    }
}
