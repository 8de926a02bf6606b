//! Which kind of fault it is, and why.

use super::{
    Case, FaultCategory, FaultClass, Role,
    deciding::{Deciding, is_missing_file},
    faults::short_type,
    frames::{StackAnalysis, is_extension},
    library::SuspectLibrary,
};
use crate::model::{Event, Exception, IssueFrequency};

/// The kinds of fault, in the words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The program itself.
    Code,
    /// What it runs in.
    Environment,
    /// What it reads.
    Data,
    /// What it is built on.
    Dependency,
    /// What there is too little of.
    Resource,
    /// The evidence is weak.
    Unclear,
}

impl Verdict {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Environment => "environment",
            Self::Data => "data",
            Self::Dependency => "dependency",
            Self::Resource => "resource",
            Self::Unclear => "unclear",
        }
    }
}

/// One piece of evidence. A tool makes the sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// An exception of the chain, by index, speaks of this.
    Says {
        /// Index of the exception.
        exception: usize,
        /// What it is known for.
        fault: FaultClass,
    },
    /// Other issues of the project speak of the same limit or surroundings.
    SameElsewhere {
        /// How many.
        issues: u64,
    },
    /// The frame at which it began: (exception, frame).
    Begins {
        /// Where.
        at: (usize, usize),
        /// In how many issues the function stands.
        spread: Option<IssueFrequency>,
        /// Of how many.
        issues: u64,
    },
    /// A helper or library refuses what the cause hands over.
    Refuses {
        /// The helper: (exception, frame).
        helper: (usize, usize),
        /// In how many issues it stands.
        spread: Option<IssueFrequency>,
    },
    /// An outer error hides the cause.
    Rethrown {
        /// Where it was thrown again: (exception, frame).
        at: (usize, usize),
    },
    /// The innermost frame belongs to a library that the page loads.
    InVendoredScript {
        /// Where.
        at: (usize, usize),
    },
    /// It follows the version of a library.
    FollowsLibrary(SuspectLibrary),
    /// The innermost frame belongs to an extension of the browser.
    InExtension,
    /// A variable of the environment is not set.
    VariableMissing,
    /// A file is missing; who should have brought it is not told.
    FileMissing,
    /// Conditions of the surroundings mark the affected while no release explains when it began.
    SurroundingsChanged,
    /// All users had one record open.
    OneRecord {
        /// How many users.
        users: u64,
    },
    /// No frame of the application and no text that is known.
    NothingKnown,
    /// A message, not an error: somebody wrote it down on purpose.
    MessageOnly,
}

/// Python's `os.environ[…]` and its kin.
fn reads_environment(exception: &Exception) -> bool {
    let key = exception.ty.as_ref().is_some_and(|ty| short_type(ty.raw()) == "KeyError");
    let line = exception.frames.iter().find(|frame| frame.in_app).and_then(|frame| frame.context_line.as_ref());
    let reads = |line: &str| ["environ[", "ENV.fetch(", "ENV["].iter().any(|words| line.contains(words));
    key && line.is_some_and(|line| reads(line.raw()))
}

/// The verdict and its reasons.
pub(super) fn judge(
    case: &Case<'_>,
    deciding: Option<&Deciding>,
    walk: &StackAnalysis,
    library: Option<SuspectLibrary>,
) -> (Verdict, Vec<Reason>) {
    let says = deciding.map(|deciding| Reason::Says { exception: deciding.exception, fault: deciding.fault });
    let verdict = match deciding.map(|deciding| deciding.fault.sort) {
        Some(FaultCategory::Resource) => Verdict::Resource,
        Some(FaultCategory::Environment) => Verdict::Environment,
        Some(FaultCategory::Dependency) => Verdict::Dependency,
        // New code may read new data: only where the program stayed the same is the library that refuses it at fault.
        Some(FaultCategory::Data)
            if library.is_some_and(|blamed| blamed.inside > 0 && case.libraries[blamed.library].same_release) =>
        {
            Verdict::Dependency
        }
        Some(FaultCategory::Data) => Verdict::Data,
        Some(FaultCategory::Mute) => Verdict::Unclear,
        sort => return of_program(case, sort, says, walk, library),
    };
    let mut reasons: Vec<Reason> = says.into_iter().collect();
    if let Some(blamed) = library.filter(|_| verdict == Verdict::Dependency) {
        reasons.insert(0, Reason::FollowsLibrary(blamed));
    }
    if case.same_fault > 0 && matches!(verdict, Verdict::Resource | Verdict::Environment | Verdict::Dependency) {
        reasons.push(Reason::SameElsewhere { issues: case.same_fault });
    }
    if verdict == Verdict::Data && case.one_record {
        reasons.push(Reason::OneRecord { users: case.users });
    }
    (verdict, reasons)
}

/// No limit, no surroundings, no data that the error speaks of: is it the program?
fn of_program(
    case: &Case<'_>,
    sort: Option<FaultCategory>,
    says: Option<Reason>,
    walk: &StackAnalysis,
    library: Option<SuspectLibrary>,
) -> (Verdict, Vec<Reason>) {
    let Some(inner) = case.event.exceptions.last() else { return (Verdict::Unclear, vec![Reason::MessageOnly]) };
    if inner.frames.first().is_some_and(is_extension) {
        return (Verdict::Environment, vec![Reason::InExtension]);
    }
    let any = |test: fn(&Exception) -> bool| case.event.exceptions.iter().any(test);
    if any(reads_environment) {
        return (Verdict::Environment, vec![Reason::VariableMissing]);
    }
    let mut reasons: Vec<Reason> = says.into_iter().collect();
    if let Some(blamed) = library {
        reasons.insert(0, Reason::FollowsLibrary(blamed));
        return (Verdict::Dependency, reasons);
    }
    if case.surroundings_changed {
        reasons.insert(0, Reason::SurroundingsChanged);
        return (Verdict::Environment, reasons);
    }
    if sort.is_none() && is_missing_file(inner) {
        return (Verdict::Environment, vec![Reason::FileMissing]);
    }
    if let Some(at) = vendored(case.event, walk).filter(|_| sort == Some(FaultCategory::Language)) {
        reasons.push(Reason::InVendoredScript { at });
        return (Verdict::Dependency, reasons);
    }
    if case.one_record && sort.is_none() {
        reasons.push(Reason::OneRecord { users: case.users });
        return (Verdict::Data, reasons);
    }
    let Some(cause) = walk.cause.map(|at| &walk.places[at]) else {
        reasons.push(Reason::NothingKnown);
        let verdict = if sort == Some(FaultCategory::Language) { Verdict::Code } else { Verdict::Unclear };
        return (verdict, reasons);
    };
    reasons.push(Reason::Begins { at: cause.at(), spread: cause.spread(), issues: case.issues });
    for place in &walk.places {
        match place.role() {
            Role::Helper => reasons.push(Reason::Refuses { helper: place.at(), spread: place.spread() }),
            Role::Rethrows => reasons.push(Reason::Rethrown { at: place.at() }),
            _ => {}
        }
    }
    (Verdict::Code, reasons)
}

/// The crash lies in a script that the page loads beside the application's own.
fn vendored(event: &Event, walk: &StackAnalysis) -> Option<(usize, usize)> {
    let exception = walk.root.unwrap_or(event.exceptions.len().checked_sub(1)?);
    let frame = event.exceptions[exception].frames.first()?;
    let path = [&frame.abs_path, &frame.file]
        .into_iter()
        .flatten()
        .map(|path| path.raw())
        .find(|path| path.contains("://"))?;
    is_vendored(path).then_some((exception, 0))
}

fn is_vendored(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let file = path.rsplit('/').next().unwrap_or(path);
    let folder = ["/node_modules/", "/vendor/", "/vendors/", "/third-party/", "/third_party/", "/npm/", "/ajax/libs/"];
    folder.iter().any(|part| path.contains(part))
        || is_versioned(file)
        || file.starts_with("vendor")
        || file.starts_with("vendors")
}

/// `tinychart-2.1.0.min.js`: a name with three numbers is a library's.
fn is_versioned(file: &str) -> bool {
    file.split(['-', '_', '@']).any(|part| {
        let numbers: Vec<&str> = part.split('.').collect();
        numbers.len() >= 3 && numbers[..3].iter().all(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
    })
}
