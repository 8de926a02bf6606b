//! Where a frame is in a checkout, and what was done to its function.

use std::{ops::Range, sync::Arc};

use super::{
    Oid,
    files::Files,
    function,
    history::{self, CodeCommit},
    lines::{self, Drift},
    paths,
    release::NamedRelease,
    tree::{Moment, Tree},
};
use crate::model::{Frame, Untrusted};

/// Suspects that are told.
const SUSPECTS: usize = 5;

/// Where a frame is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file today, from the root of the repository.
    pub path: Untrusted,
    /// The frame's line in the work tree, from 1; `None` where it was taken out or can't be told.
    pub line: Option<u64>,
    /// Commits since the release that changed the function, the newest first; `None` where that can't be told.
    pub changed_since: Option<Vec<CodeCommit>>,
}

/// A frame's file in one of the checkouts, and its function in the version that failed.
pub(super) struct Found<'m> {
    tree: &'m Tree,
    pub(super) moment: &'m Moment,
    /// Path today.
    path: String,
    /// The version that failed, where it is known and holds what the frame quotes.
    then: Option<Then>,
}

/// A file as a release had it.
struct Then {
    commit: Oid,
    path: String,
    text: String,
    /// The frame's line, from 0.
    line: usize,
    /// The lines of its function, from 0.
    function: Range<usize>,
}

/// Finds the file in the checkout that has the one most like it.
pub(super) async fn find<'m>(moments: &'m [(&'m Tree, Moment)], frame: &Frame) -> Option<Found<'m>> {
    let places = paths::places(frame);
    let mut best = None;
    let mut rivals = false;
    for (tree, moment) in moments {
        let Some((path, then, likeness)) = in_tree(tree, moment, &places).await else { continue };
        match &best {
            Some((_, most)) if likeness == *most => rivals = true,
            Some((_, most)) if likeness < *most => {}
            _ => (best, rivals) = (Some(((*tree, moment, path, then), likeness)), false),
        }
    }
    let ((tree, moment, path, then), _) = best.filter(|_| !rivals)?;
    let then = match (&moment.release, frame.line) {
        (Some((commit, _)), Some(line)) => version_of(tree, commit, &then, line, frame).await,
        _ => None,
    };
    Some(Found { tree, moment, path, then })
}

/// The path today, the path in the release, and how like it is.
async fn in_tree(tree: &Tree, moment: &Moment, places: &[String]) -> Option<(String, String, paths::Likeness)> {
    let today = |files: &Arc<Files>| files.most_like(places).map(|(path, likeness)| (path.to_owned(), likeness));
    let now = today(&moment.files);
    let Some((commit, _)) = &moment.release else { return now.map(|(path, likeness)| (path.clone(), path, likeness)) };
    // The release's own files say best which one is meant; today's may have got others of like names.
    let Some((then, likeness)) = tree.files(commit).await.as_ref().and_then(today) else {
        return now.map(|(path, likeness)| (path.clone(), path, likeness));
    };
    if moment.files.has(&then) {
        return Some((then.clone(), then, likeness));
    }
    let renamed = history::renamed(&tree.git, commit, &moment.head, &then).await;
    let path = renamed.filter(|path| moment.files.has(path)).or_else(|| now.map(|(path, _)| path))?;
    Some((path, then, likeness))
}

/// The file as the release had it, unless it doesn't hold the line that the frame quotes: then it is of another build.
async fn version_of(tree: &Tree, commit: &Oid, path: &str, line: u64, frame: &Frame) -> Option<Then> {
    let text = tree.file_at(commit, path).await?;
    let all = lines::lines(&text);
    let mut line = usize::try_from(line.checked_sub(1)?).ok()?;
    let said = frame.context_line.as_ref().map(|said| said.raw().trim()).filter(|said| !said.is_empty());
    match said {
        Some(said) if all.get(line).is_none_or(|own| own.trim() != said) => line = quoted(&all, frame)?,
        _ if line >= all.len() => return None,
        _ => {}
    }
    let function = function::around(&all, line, frame.function.as_ref().map(Untrusted::raw));
    Some(Then { commit: commit.clone(), path: path.to_owned(), function, line, text })
}

/// The line that a frame quotes, among the lines of a text.
fn quoted(all: &[&str], frame: &Frame) -> Option<usize> {
    let raw = |lines: &'_ [Untrusted]| lines.iter().map(|line| line.raw().to_owned()).collect::<Vec<_>>();
    let (before, after) = (raw(&frame.pre_context), raw(&frame.post_context));
    let strs = |lines: &'_ [String]| lines.iter().map(String::as_str).collect::<Vec<&str>>().join("\n");
    let (before, after) = (strs(&before), strs(&after));
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    lines::quoted(all, &before, frame.context_line.as_ref()?.raw(), &after)
}

impl Found<'_> {
    /// Where the frame is today.
    pub(super) async fn place(&self, frame: &Frame) -> Place {
        let path = self.path.as_str().into();
        let now = match self.tree.file_now(&self.path) {
            Some(text) => Some(text),
            None => self.tree.file_at(&self.moment.head, &self.path).await,
        };
        let now = now.unwrap_or_default();
        let now = lines::lines(&now);
        let Some(then) = &self.then else {
            let line = quoted(&now, frame).map(|line| line as u64 + 1);
            return Place { path, line, changed_since: None };
        };
        let line = Drift::between(&lines::lines(&then.text), &now).and_then(|drift| drift.now(then.line));
        Place { path, line: line.map(|line| line as u64 + 1), changed_since: self.changed(&then.commit).await }
    }

    /// Commits after `since` up to what is checked out that changed the function, the newest first.
    async fn changed(&self, since: &Oid) -> Option<Vec<CodeCommit>> {
        let then = self.then.as_ref()?;
        let head = &self.moment.head;
        let text = self.tree.file_at(head, &self.path).await?;
        let drift = Drift::between(&lines::lines(&then.text), &lines::lines(&text))?;
        if !drift.touches(&then.function) {
            return Some(Vec::new());
        }
        match drift.range_now(&then.function) {
            Some(now) => history::of_lines(&self.tree.git, since, head, &self.path, &now).await,
            None => history::of_file(&self.tree.git, since, head, &self.path).await,
        }
    }

    /// Commits after `good` up to `bad` that touched the function as `bad` has it.
    async fn touched(&self, good: &Oid, bad: &Oid) -> Option<Vec<CodeCommit>> {
        let then = self.then.as_ref()?;
        let (path, text) = match self.tree.file_at(bad, &then.path).await {
            Some(text) => (then.path.clone(), text),
            None => {
                let path = history::renamed(&self.tree.git, &then.commit, bad, &then.path).await?;
                let text = self.tree.file_at(bad, &path).await?;
                (path, text)
            }
        };
        let range = Drift::between(&lines::lines(&then.text), &lines::lines(&text))?.range_now(&then.function)?;
        history::of_lines(&self.tree.git, good, bad, &path, &range).await
    }
}

/// Commits between two releases that touched the functions of telling frames: those of the first frame first.
pub(super) async fn suspects(telling: &[&Found<'_>], good: &NamedRelease, bad: &NamedRelease) -> Vec<CodeCommit> {
    let mut suspects: Vec<CodeCommit> = Vec::new();
    for found in telling {
        let (tree, tags) = (found.tree, &found.moment.tags);
        let (good, bad) = (tree.commit_of(tags, good).await, tree.commit_of(tags, bad).await);
        let (Some((good, _)), Some((bad, _))) = (good, bad) else { continue };
        for commit in found.touched(&good, &bad).await.unwrap_or_default() {
            match suspects.iter_mut().find(|known| known.id == commit.id) {
                Some(known) if known.files.contains(&commit.files[0]) => {}
                Some(known) => known.files.extend(commit.files),
                None => suspects.push(commit),
            }
        }
    }
    suspects.truncate(SUSPECTS);
    suspects
}

/// The newest commit after the newest release that changed a telling function.
pub(super) async fn candidate_fix(telling: &[&Found<'_>], newest: Option<&NamedRelease>) -> Option<CodeCommit> {
    for found in telling {
        let Some(then) = &found.then else { continue };
        let newest = match newest {
            Some(newest) => found.tree.commit_of(&found.moment.tags, newest).await.map(|(commit, _)| commit),
            None => None,
        };
        let since = newest.unwrap_or_else(|| then.commit.clone());
        if let Some(fix) = found.changed(&since).await.and_then(|commits| commits.into_iter().next()) {
            return Some(fix);
        }
    }
    None
}
