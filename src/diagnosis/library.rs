//! Whether an issue follows a library's version: which libraries differ between the events of an issue and the others,
//! and in which of these the crash lies.

use std::collections::{BTreeMap, HashMap};

use super::frames::{StackAnalysis, is_native};
use crate::model::{Event, Frame, LibraryChange};

/// Fewer events of an issue follow nothing.
const FEWEST: u64 = 3;
/// More events than that may be one flood: they count as so many.
const MOST: u64 = 30;
/// `ln` of the chance that all events of the issue carry one version though they could have carried the other.
const UNLIKELY: f64 = -6.9;
/// `ln` of the chance that events of that very version are spared; below it, the version is not what it follows.
const SPARED: f64 = -3.0;

/// Events that carry one list of libraries in one release.
#[derive(Clone, Copy, Debug)]
pub struct LibraryUse<'l> {
    /// Names and versions.
    pub libraries: &'l [(&'l str, &'l str)],
    /// Number of the release; 0 for none.
    pub release: u32,
    /// All of the project.
    pub events: u64,
    /// Of these, of the issue.
    pub own: u64,
    /// When the newest of them happened.
    pub last: i64,
}

/// Events without the issue, by what they carry of one library.
#[derive(Default)]
struct Others<'l> {
    /// The version that the issue has.
    same: u64,
    /// Another one.
    other: u64,
    /// Another one, in a release that has the issue.
    in_release: u64,
    /// The newest other version, and when it was last seen.
    newest: Option<(i64, &'l str)>,
}

/// The libraries of which all events of the issue carry other versions than enough events without it, by name.
pub fn changed(uses: &[LibraryUse<'_>]) -> Vec<LibraryChange> {
    let own: u64 = uses.iter().map(|used| used.own).sum();
    if own < FEWEST {
        return Vec::new();
    }
    let (failing, clean): (Vec<&LibraryUse<'_>>, Vec<_>) = uses.iter().partition(|used| used.own > 0);
    let beside: u64 = failing.iter().map(|used| used.events.saturating_sub(used.own)).sum();
    let mut versions: BTreeMap<&str, HashMap<&str, u64>> = BTreeMap::new();
    for used in &failing {
        for (name, version) in used.libraries {
            *versions.entry(name).or_default().entry(version).or_default() += used.own;
        }
    }
    let mut others: HashMap<&str, Others<'_>> = HashMap::new();
    for used in clean {
        let in_release = used.release != 0 && failing.iter().any(|one| one.release == used.release);
        for (name, version) in used.libraries {
            let Some(failing) = versions.get(name) else { continue };
            others.entry(name).or_default().count(used, version, failing.contains_key(version), in_release);
        }
    }
    // Events of other issues are how much each version was used; that all of the fell on one side is by chance:
    let chance = |others: u64| {
        let share = (beside as f64 + 1.0) / ((beside + others) as f64 + 1.0);
        own.min(MOST) as f64 * share.ln()
    };
    let found = versions.iter().filter_map(|(name, failing)| {
        let others = others.get(name)?;
        let (_, before) = others.newest?;
        let (after, _) = failing.iter().max_by_key(|(version, events)| (**events, **version))?;
        (chance(others.other) <= UNLIKELY && chance(others.same) > SPARED).then(|| LibraryChange {
            name: (*name).into(),
            before: before.into(),
            after: (*after).into(),
            events: own,
            others: others.other,
            same_release: chance(others.in_release) <= UNLIKELY,
        })
    });
    found.collect()
}

impl<'l> Others<'l> {
    fn count(&mut self, used: &LibraryUse<'l>, version: &'l str, same: bool, in_release: bool) {
        if same {
            self.same += used.events;
            return;
        }
        self.other += used.events;
        self.in_release += if in_release { used.events } else { 0 };
        self.newest = self.newest.max(Some((used.last, version)));
    }
}

/// A changed library, and how much of the crash lies in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuspectLibrary {
    /// Index among the changed libraries.
    pub library: usize,
    /// Frames of libraries, between the crash and the application, that lie in it.
    pub inside: u64,
    /// All frames between the crash and the application.
    pub of: u64,
}

/// The changed library in which it crashed, or in which most frames above the application lie. Without such frames, the
/// one library that changed while the program itself did not.
pub(super) fn blamed(event: &Event, walk: &StackAnalysis, changes: &[LibraryChange]) -> Option<SuspectLibrary> {
    let above = above(event, walk);
    let inside = |change: &LibraryChange| above.iter().filter(|frame| lies_in(frame, change.name.raw())).count() as u64;
    let counted = changes.iter().enumerate().map(|(library, change)| SuspectLibrary {
        library,
        inside: inside(change),
        of: above.len() as u64,
    });
    let most = counted.max_by_key(|blamed| blamed.inside).filter(|blamed| blamed.inside > 0);
    if let Some(most) = most {
        let crashed = above.first().is_some_and(|frame| lies_in(frame, changes[most.library].name.raw()));
        return (crashed || 2 * most.inside > most.of).then_some(most);
    }
    let mut same = changes.iter().enumerate().filter(|(_, change)| change.same_release);
    let (library, _) = same.next().filter(|_| changes.len() == 1)?;
    Some(SuspectLibrary { library, inside: 0, of: above.len() as u64 })
}

/// Library frames from the crash of the innermost error to the application's first.
fn above<'e>(event: &'e Event, walk: &StackAnalysis) -> Vec<&'e Frame> {
    let from = walk.root.unwrap_or(event.exceptions.len().saturating_sub(1));
    let errors = event.exceptions.get(from..).unwrap_or_default().iter().rev();
    let frames = errors.flat_map(|error| error.frames.iter().take_while(|frame| !super::frames::is_own(frame)));
    frames.filter(|frame| !is_native(frame)).collect()
}

/// Whether a frame is of a library, by where its files lie, else by the name of its module.
pub fn lies_in(frame: &Frame, library: &str) -> bool {
    let names = names(library);
    let path = [&frame.abs_path, &frame.file].into_iter().flatten().find_map(|path| installed(path.raw()));
    if let Some(path) = path {
        return names.iter().any(|name| begins(&path.to_lowercase(), name, &['/', '-', '@', '.', '\\']));
    }
    let module = frame.module.as_ref().map_or("", |module| module.raw()).to_lowercase();
    !frame.in_app && names.iter().any(|name| begins(&module, name, &['.', '/', ':', '\\']))
}

/// What stands below the folder of installed libraries.
fn installed(path: &str) -> Option<&str> {
    const FOLDERS: [&str; 7] =
        ["node_modules/", "site-packages/", "dist-packages/", "/gems/", "/vendor/", "/pkg/mod/", "node_modules\\"];
    FOLDERS.iter().filter_map(|folder| path.rfind(folder).map(|at| &path[at + folder.len()..])).min_by_key(|s| s.len())
}

fn begins(text: &str, name: &str, ends: &[char]) -> bool {
    text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(ends))
}

/// Names under which a library's code may go: packages of Python are imported under others than they are installed by.
fn names(library: &str) -> Vec<String> {
    /// Installed as, imported as.
    const IMPORTED: [(&str, &str); 14] = [
        ("pyyaml", "yaml"),
        ("pillow", "pil"),
        ("beautifulsoup4", "bs4"),
        ("scikit-learn", "sklearn"),
        ("opencv-python", "cv2"),
        ("attrs", "attr"),
        ("protobuf", "google/protobuf"),
        ("psycopg2-binary", "psycopg2"),
        ("mysqlclient", "mysqldb"),
        ("pyjwt", "jwt"),
        ("grpcio", "grpc"),
        ("msgpack-python", "msgpack"),
        ("djangorestframework", "rest_framework"),
        ("setuptools", "pkg_resources"),
    ];
    let library = library.to_lowercase();
    let mut names = vec![library.replace('-', "_")];
    names.extend(library.strip_prefix("python-").map(|name| name.replace('-', "_")));
    names.extend(IMPORTED.iter().filter(|(installed, _)| *installed == library).map(|(_, name)| (*name).to_owned()));
    names.push(library);
    names
}
