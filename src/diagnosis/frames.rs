//! Which frames are the cause and which run nearby.

use std::collections::HashMap;

use super::{Case, FaultCategory, Verdict, deciding::Deciding};
use crate::model::{Event, Frame, FrameStats, IssueFrequency};

/// A function passes through at most this share of its issues as the one nearest to the crash.
const NEAR_AT_MOST: f64 = 0.34;
/// The same for a file: functions of its own may fail in it.
const FILE_NEAR_AT_MOST: f64 = 0.15;
/// What stands in that share of all issues is common,
const COMMON: f64 = 0.4;
/// or a function in this one, if it is so many issues. A file is in many by the number of its functions.
const FREQUENT: (f64, u64) = (0.15, 5);
/// With fewer issues nothing is common.
const LEAST_ISSUES: u64 = 3;
/// Library frames shown before the first of the application.
const LIBRARY: usize = 2;

/// What a frame has to do with the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The first frame outwards that is none of the others.
    Cause,
    /// Near the cause.
    Around,
    /// Many issues run through it.
    PassedThrough,
    /// It refuses, or a library below it does; it serves other callers too.
    Helper,
    /// It caught the cause and threw an error of its own.
    Rethrows,
    /// No frame is the cause: it only met what is wrong elsewhere.
    Met,
    /// Not the application's own code.
    Library,
}

impl Role {
    /// Whether it merely ran nearby.
    pub const fn is_bystander(self) -> bool {
        matches!(self, Self::PassedThrough | Self::Helper | Self::Rethrows | Self::Met)
    }
}

/// A frame and what it has to do with the failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedFrame {
    /// Index of the exception in the event.
    pub exception: usize,
    /// Index of the frame in it.
    pub frame: usize,
    /// How many times as often as in the project's issues; absent where the store counts none.
    pub specificity: Option<f64>,
    /// What it has to do with it.
    pub role: Role,
}

/// One frame of the application, each function once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    exception: usize,
    frame: usize,
    standing: Option<FrameStats>,
    role: Role,
}

/// The frames of the application from the crash of the root error outwards, judged.
pub(super) struct StackAnalysis {
    pub(super) places: Vec<Place>,
    /// How many of these belong to the root error.
    root_places: usize,
    /// Index of the cause in `places`.
    pub(super) cause: Option<usize>,
    /// The root error came out of library code that the application called.
    pub(super) from_library: bool,
    /// Index of the root exception.
    pub(super) root: Option<usize>,
}

impl StackAnalysis {
    pub(super) fn of(case: &Case<'_>, deciding: Option<&Deciding>) -> Self {
        let root = root(case.event);
        let mut walk = Self { places: Vec::new(), root_places: 0, cause: None, from_library: false, root };
        let Some(root) = root else { return walk };
        walk.collect(case, root);
        walk.root_places = walk.places.len();
        walk.from_library = library_above(&case.event.exceptions[root].frames);
        (0..root).rev().for_each(|outer| walk.collect(case, outer));
        let refused = walk.is_refused(case, deciding);
        walk.find_cause(case, refused);
        walk.mark_common(case);
        walk.mark_rethrown(case);
        walk
    }

    fn collect(&mut self, case: &Case<'_>, exception: usize) {
        for (at, frame) in case.event.exceptions[exception].frames.iter().enumerate() {
            if !is_own(frame) {
                continue;
            }
            let standing = case.standings.get(exception).and_then(|all| all.get(at).copied().flatten());
            let place = Place { exception, frame: at, standing, role: Role::Around };
            if !self.places.iter().any(|known| known.is_same(&place, case.event)) {
                self.places.push(place);
            }
        }
    }

    /// Whether the error refuses a call, so that whoever called may be at fault.
    fn is_refused(&self, case: &Case<'_>, deciding: Option<&Deciding>) -> bool {
        let sort = deciding.map(|deciding| deciding.fault.sort);
        let thrown = self.places.first().is_some_and(|place| throws(place.of(case.event)));
        match sort {
            // The language's own types are thrown by code, too.
            Some(FaultCategory::Language) => self.from_library || thrown,
            Some(FaultCategory::Usage | FaultCategory::Data) => true,
            _ => self.from_library || thrown,
        }
    }

    fn find_cause(&mut self, case: &Case<'_>, refused: bool) {
        for at in 0..self.root_places {
            let specific = |place: &Place| place.is_named() && !place.is_common(case);
            let caller = self.places[at + 1..self.root_places].iter().find(|place| specific(place)).copied();
            let place = &mut self.places[at];
            let Some(caller) = caller else {
                // Whoever is called by nothing but common code is the cause, common or not.
                self.cause = Some(at);
                break;
            };
            if place.is_function_common(case) || refused && place.is_file_common(case) {
                place.role = Role::PassedThrough;
            } else if refused && place.serves_more_than(&caller) {
                place.role = Role::Helper;
            } else {
                self.cause = Some(at);
                break;
            }
        }
        if let Some(cause) = self.cause {
            self.places[cause].role = Role::Cause;
        }
    }

    fn mark_common(&mut self, case: &Case<'_>) {
        for place in self.places.iter_mut().filter(|place| place.role == Role::Around) {
            if place.is_common(case) {
                place.role = Role::PassedThrough;
            }
        }
    }

    /// The frame in which an outer error began, where it stands around the function in which an inner one did.
    fn mark_rethrown(&mut self, case: &Case<'_>) {
        let Some(root) = self.root else { return };
        for outer in 0..root {
            let frames = &case.event.exceptions[outer].frames;
            let Some(at) = frames.iter().position(is_own) else { continue };
            let standing = case.standings.get(outer).and_then(|all| all.get(at).copied().flatten());
            let thrower = Place { exception: outer, frame: at, standing, role: Role::Around };
            let inner = self.places[..self.root_places].iter().skip(1).any(|p| p.is_same(&thrower, case.event));
            let same = |place: &&mut Place| place.role == Role::Around && place.is_same(&thrower, case.event);
            if inner && let Some(place) = self.places.iter_mut().find(same) {
                place.role = Role::Rethrows;
            }
        }
    }

    /// All frames to be shown, the most telling first.
    pub(super) fn judged(&self, case: &Case<'_>, verdict: Verdict) -> Vec<JudgedFrame> {
        let mut order: HashMap<(usize, usize), u8> = HashMap::new();
        let mut judged: Vec<JudgedFrame> = Vec::new();
        for (at, place) in self.places.iter().enumerate() {
            let role = self.role_under(at, verdict);
            order.insert((place.exception, place.frame), rank(role));
            judged.push(JudgedFrame {
                exception: place.exception,
                frame: place.frame,
                specificity: place.standing.map(|standing| specificity(&standing, case.issues)),
                role,
            });
        }
        // A stable sort: what ranks alike stays in the order from the crash outwards.
        judged.sort_by_key(|frame| order.get(&(frame.exception, frame.frame)).copied());
        judged.extend(self.library(case));
        judged
    }

    fn role_under(&self, at: usize, verdict: Verdict) -> Role {
        let place = &self.places[at];
        match (verdict, place.role) {
            (Verdict::Resource | Verdict::Environment | Verdict::Dependency, Role::Cause | Role::Around) => Role::Met,
            // What reads the data stands between whoever wants it and whatever wrote it.
            (Verdict::Data, Role::Cause) if self.reads_for_others(at) => Role::Helper,
            (Verdict::Data, Role::Cause) => Role::Around,
            (_, role) => role,
        }
    }

    fn reads_for_others(&self, at: usize) -> bool {
        let caller = self.places[at + 1..self.root_places].iter().find(|p| p.is_named() && p.role == Role::Around);
        caller.is_some_and(|caller| self.from_library || self.places[at].serves_more_than(caller))
    }

    /// Where library code threw; all there is, where the application shows none of its own.
    fn library(&self, case: &Case<'_>) -> Vec<JudgedFrame> {
        let Some(exception) = self.root.or_else(|| case.event.exceptions.len().checked_sub(1)) else {
            return Vec::new();
        };
        let frames = case.event.exceptions[exception].frames.iter().enumerate();
        let most = if self.places.is_empty() { 2 * LIBRARY } else { LIBRARY };
        let other = frames.take_while(|(_, frame)| !is_own(frame)).take(most);
        other.map(|(frame, _)| JudgedFrame { exception, frame, specificity: None, role: Role::Library }).collect()
    }
}

impl Place {
    pub(super) fn of<'e>(&self, event: &'e Event) -> &'e Frame {
        &event.exceptions[self.exception].frames[self.frame]
    }

    pub(super) fn spread(&self) -> Option<IssueFrequency> {
        self.standing.map(|standing| standing.function)
    }

    pub(super) fn at(&self) -> (usize, usize) {
        (self.exception, self.frame)
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    fn is_same(&self, other: &Self, event: &Event) -> bool {
        match (self.standing, other.standing) {
            (Some(one), Some(other)) if one.named && other.named => one.key == other.key,
            _ => {
                let (one, other) = (self.of(event), other.of(event));
                let offset = |frame: &Frame| frame.image.as_ref().and_then(|image| image.offset);
                (&one.function, &one.file, one.line) == (&other.function, &other.file, other.line)
                    && (one.function.is_some() || offset(one) == offset(other))
            }
        }
    }

    fn is_named(&self) -> bool {
        self.standing.is_none_or(|standing| standing.named)
    }

    fn is_common(&self, case: &Case<'_>) -> bool {
        self.is_function_common(case) || self.is_file_common(case)
    }

    fn is_function_common(&self, case: &Case<'_>) -> bool {
        self.standing.is_some_and(|standing| is_frequent(standing.function, case.issues))
    }

    fn is_file_common(&self, case: &Case<'_>) -> bool {
        self.standing.is_some_and(|standing| is_everywhere(standing.file, case.issues))
    }

    /// Whether more issues run through it than through its caller, or custom says that it is there for many.
    fn serves_more_than(&self, caller: &Self) -> bool {
        let (Some(own), Some(caller)) = (self.standing, caller.standing) else { return false };
        own.function.issues > caller.function.issues
            || own.shared_by_name && !caller.shared_by_name && own.function.issues == caller.function.issues
    }
}

fn is_frequent(function: IssueFrequency, all: u64) -> bool {
    let often = share(function, all) >= COMMON || share(function, all) >= FREQUENT.0 && function.issues >= FREQUENT.1;
    often && passes(function, all, NEAR_AT_MOST)
}

fn is_everywhere(file: IssueFrequency, all: u64) -> bool {
    share(file, all) >= COMMON && passes(file, all, FILE_NEAR_AT_MOST)
}

fn share(spread: IssueFrequency, all: u64) -> f64 {
    spread.issues as f64 / all.max(1) as f64
}

fn passes(spread: IssueFrequency, all: u64, near_at_most: f64) -> bool {
    all >= LEAST_ISSUES && spread.issues >= LEAST_ISSUES && spread.near as f64 <= near_at_most * spread.issues as f64
}

/// How many times as often as in the project's issues.
fn specificity(standing: &FrameStats, issues: u64) -> f64 {
    let everywhere = standing.function.issues.max(1) as f64 / issues.max(standing.function.issues).max(1) as f64;
    standing.share / everywhere
}

const fn rank(role: Role) -> u8 {
    match role {
        Role::Cause => 0,
        Role::Around => 1,
        Role::Met => 2,
        Role::Helper => 3,
        Role::Rethrows => 4,
        Role::PassedThrough => 5,
        Role::Library => 6,
    }
}

/// The error that the others come from: the last of the chain that shows frames of the application.
fn root(event: &Event) -> Option<usize> {
    event.exceptions.iter().rposition(|exception| exception.frames.iter().any(is_own))
}

/// Whether library code, not a builtin, stands between the crash and the application.
fn library_above(frames: &[Frame]) -> bool {
    frames.iter().take_while(|frame| !is_own(frame)).any(|frame| !is_native(frame))
}

/// The application's own code: not an extension's, and not what was generated while it ran.
pub(super) fn is_own(frame: &Frame) -> bool {
    frame.in_app && !is_extension(frame) && !is_generated(frame)
}

/// Code that the user's browser added.
pub(super) fn is_extension(frame: &Frame) -> bool {
    [&frame.abs_path, &frame.file].into_iter().flatten().any(|path| {
        path.raw()
            .split_once("://")
            .is_some_and(|(scheme, _)| scheme.ends_with("-extension") || scheme == "webkit-masked-url")
    })
}

fn path_of(frame: &Frame) -> Option<&str> {
    [&frame.file, &frame.abs_path].into_iter().flatten().map(|path| path.raw()).find(|path| !path.is_empty())
}

/// Code without a file: of an engine, of a template that was compiled while the program ran.
fn is_generated(frame: &Frame) -> bool {
    path_of(frame).is_some_and(|path| path.starts_with(['<', '[']) || path == "native")
}

/// Builtins of the language: nobody can be blamed for calling them.
pub(super) fn is_native(frame: &Frame) -> bool {
    let builtin = |path: &str| path.starts_with("node:");
    is_generated(frame) || path_of(frame).map_or(frame.image.is_none(), builtin)
}

/// Whether the line itself throws.
fn throws(frame: &Frame) -> bool {
    let line = frame.context_line.as_ref().map_or("", |line| line.raw().trim_start());
    let words = ["throw ", "throw(", "raise ", "raise(", "panic(", "panic!(", "abort(", "assert", "die(", "fail("];
    words.iter().any(|word| line.starts_with(word))
        || line.contains(" throw new ")
        || line.contains("{ throw ")
        || line.contains(" raise ")
}
