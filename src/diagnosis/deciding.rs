//! Which exception of a chain decides what kind of fault it is.

use super::{
    FaultCategory, FaultClass,
    faults::{find, short_type},
};
use crate::model::{Event, Exception, Frame};

/// The exception that decides, and what it speaks of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deciding {
    pub(super) exception: usize,
    pub(super) fault: FaultClass,
}

/// The innermost exception that speaks of limits, surroundings or libraries; else the innermost that is known for
/// anything. Members of a group count where they show where they began.
pub(super) fn deciding(event: &Event) -> Option<Deciding> {
    if let Some(fault) = super::native::fault(event) {
        let says = |exception: &Exception| {
            find(exception.ty.as_ref(), exception.value.as_ref()).is_some_and(|found| found.sort == fault.sort)
        };
        return Some(Deciding { exception: event.exceptions.iter().rposition(says).unwrap_or(0), fault });
    }
    let counts = |exception: &Exception| !is_member(exception) || !exception.frames.is_empty();
    let known = event.exceptions.iter().enumerate().rev().filter(|(_, exception)| counts(exception));
    let known = known.filter_map(|(at, exception)| {
        let fault = find(exception.ty.as_ref(), exception.value.as_ref()).or_else(|| structural(exception))?;
        Some(Deciding { exception: at, fault })
    });
    let known: Vec<Deciding> = known.collect();
    let ambient = |found: &&Deciding| {
        matches!(
            found.fault.sort,
            FaultCategory::Resource | FaultCategory::Environment | FaultCategory::Dependency | FaultCategory::Mute
        )
    };
    known.iter().find(ambient).or(known.first()).copied()
}

fn is_member(exception: &Exception) -> bool {
    exception.mechanism.source.as_ref().is_some_and(|source| source.raw().starts_with("exceptions["))
}

/// What only the frames tell: a program that was to be started is not there.
fn structural(exception: &Exception) -> Option<FaultClass> {
    starts_program(exception)
        .then_some(FaultClass { name: "a program is not installed", sort: FaultCategory::Environment })
}

fn starts_program(exception: &Exception) -> bool {
    let starter = |frame: &Frame| {
        let of = |text: &Option<crate::model::Untrusted>| {
            text.as_ref().map_or(String::new(), |text| text.raw().to_lowercase())
        };
        let (module, path) = (of(&frame.module), of(&frame.file));
        ["subprocess", "child_process", "os/exec", "open3", "processbuilder"]
            .iter()
            .any(|name| module.contains(name) || path.contains(name))
    };
    is_missing_file(exception) && exception.frames.iter().take_while(|frame| !frame.in_app).any(starter)
}

/// Types that runtimes have for a file that is not there.
const MISSING_FILE: [&str; 6] = [
    "FileNotFoundError",
    "FileNotFoundException",
    "NoSuchFileException",
    "PathNotFoundException",
    "DirectoryNotFoundException",
    "ENOENT",
];
/// What systems and runtimes say of one, in small letters.
const FILE_MISSING: [&str; 10] = [
    "enoent",
    "no such file",
    "cannot find the file",
    "cannot find the path",
    "could not find file",
    "could not find a part of the path",
    "failed opening required",
    "file does not exist",
    "file not found",
    "unable to load asset",
];

/// Whether an exception says that a file is missing, by its type or its words.
pub(super) fn is_missing_file(exception: &Exception) -> bool {
    let ty = exception.ty.as_ref().map_or("", |ty| short_type(ty.raw()));
    let value = exception.value.as_ref().map_or(String::new(), |value| value.raw().to_lowercase());
    MISSING_FILE.contains(&ty) || FILE_MISSING.iter().any(|words| value.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_say_that_a_file_is_missing() {
        for line in include_str!("../../tests/data/missing_files.tsv").lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let [ty, value, missing] = std::array::from_fn(|_| cells.next().expect("three cells"));
            let exception = Exception { ty: Some(ty.into()), value: Some(value.into()), ..Exception::default() };
            assert_eq!(is_missing_file(&exception), missing == "yes", "{ty}: {value}");
        }
    }
}
