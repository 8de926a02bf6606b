//! Why an issue happens: which frames are its cause and which merely run nearby, and what kind of fault it is.
//! It uses `model` alone.
//! It never does IO, never reads a clock, never makes sentences.
//!
//! **Frames.** A frame's *specificity* is how much more often it stands in the issue's stacks than in those of the project:
//! its share of the issue's events over its share of the project's issues. Each issue has one vote, so that a flood of one
//! does not make its own frames look common. The idea is that of spectrum-based fault localisation (Jones and Harrold,
//! *Empirical evaluation of the Tarantula automatic fault-localization technique*, 2005; Abreu, Zoeteweij, van Gemund,
//! *On the accuracy of spectrum-based fault localization*, 2007) with other issues in the place of passing tests, which
//! production doesn't report, and of crash bucketing by inverse frame frequency (Wu, Zhang, Cheung, Kim, *CrashLocator:
//! locating crashing faults based on crash stacks*, 2014). Frequency alone misleads in both directions, so the structure
//! of the stack counts too:
//!
//! - *passed through*: in many issues, in hardly any of them nearest to the crash (dispatchers, retries, timing);
//! - *rethrown*: nearest to the crash of an outer error, and around the function in which the linked inner one began;
//! - *helper*: it refuses, or a library below it does, and it serves more issues than its caller here: the caller is looked at;
//! - *the cause*: the first frame outwards from the crash of the root error that is none of these.
//!
//! **The kind of fault.** What types and texts of the chain speak of (see `faults`), the innermost first; limits and
//! surroundings are never the fault of the frames that met them, so all of these are bystanders then. Language errors and
//! refused calls are code. Where none of these speaks, and all events of the issue carry one version of a library and
//! enough others another, the library is at fault if the crash lies in it, or if it alone changed within a release. What nothing speaks for is `unclear`.

mod deciding;
mod faults;
mod frames;
mod library;
mod measure;
mod native;
mod record;
mod related;
mod verdict;

pub use faults::{FaultCategory, FaultClass};
pub use frames::{JudgedFrame, Role};
pub use library::{LibraryUse, SuspectLibrary, changed, lies_in};
pub use measure::{Measure, measure};
pub use record::is_one_record;
pub use related::{RelatedIssue, Relation, Sibling, related};
pub use verdict::{Reason, Verdict};

use crate::model::{Event, FrameStats, LibraryChange};

/// All that is looked at.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The event that tells most.
    pub event: &'a Event,
    /// For each exception of the event, for each of its frames; `None` where the store counts none.
    pub standings: &'a [Vec<Option<FrameStats>>],
    /// Issues of the project that show frames of the application.
    pub issues: u64,
    /// Other issues that speak of the same limit.
    pub same_fault: u64,
    /// Whether conditions of the surroundings (browser, system, device, host) mark most of the affected and few others,
    /// while no release explains when it began.
    pub surroundings_changed: bool,
    /// Users in scope.
    pub users: u64,
    /// The one record that all sampled users had open, if it was one.
    pub one_record: bool,
    /// Libraries whose version the issue follows.
    pub libraries: &'a [LibraryChange],
}

/// What comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The most telling first.
    pub frames: Vec<JudgedFrame>,
    /// Which kind of fault.
    pub verdict: Verdict,
    /// Why, strongest first; never empty.
    pub reasons: Vec<Reason>,
    /// The library whose version it follows, where its frames or the release tell one from the others that changed.
    pub library: Option<SuspectLibrary>,
}

/// Looks at everything.
pub fn diagnose(case: &Case<'_>) -> Diagnosis {
    let fault = deciding::deciding(case.event);
    let walk = frames::StackAnalysis::of(case, fault.as_ref());
    let library = library::blamed(case.event, &walk, case.libraries);
    let (verdict, reasons) = verdict::judge(case, fault.as_ref(), &walk, library);
    Diagnosis { frames: walk.judged(case, verdict), verdict, reasons, library }
}

/// The fault that the errors of an event are known for; of language errors and refused calls none.
pub fn fault_of(event: &Event) -> Option<FaultClass> {
    let ambient = |fault: &FaultClass| {
        matches!(fault.sort, FaultCategory::Resource | FaultCategory::Environment | FaultCategory::Dependency)
    };
    deciding::deciding(event).map(|deciding| deciding.fault).filter(ambient)
}
