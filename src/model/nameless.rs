//! Files of native code that an event's stacks run through and whose symbols are missing.

use super::{Exception, Frame, Untrusted};

/// A loaded file with frames that have no name or no line for want of symbols.
#[derive(Clone, Debug, PartialEq)]
pub struct NamelessFile<'a> {
    /// The file's own name, without folders.
    pub name: &'a str,
    /// Names its build: what an upload must have.
    pub debug_id: &'a Untrusted,
    /// Names the build of the program or library itself.
    pub code_id: &'a Option<Untrusted>,
    /// The file with its symbols, as its build named it.
    pub debug_file: &'a Option<Untrusted>,
    /// The application's own code is in it.
    pub own: bool,
    /// How many such frames there are.
    pub frames: u64,
}

/// The files of an event's exceptions: those of the application first, then those of most frames. A file whose symbols are here is not among them, though
/// single places in it have no line: a start-up function, a library that came without lines.
pub fn nameless_files(exceptions: &[Exception]) -> Vec<NamelessFile<'_>> {
    let frames = || exceptions.iter().flat_map(|exception| &exception.frames);
    let mut files: Vec<NamelessFile<'_>> = Vec::new();
    for frame in frames().filter(|frame| frame.line.is_none()) {
        let Some(image) = &frame.image else { continue };
        let (Some(name), Some(debug_id)) = (image.package_name(), &image.debug_id) else { continue };
        let same = |other: &Frame| other.image.as_ref().is_some_and(|image| image.debug_id.as_ref() == Some(debug_id));
        let known = || frame.function.is_some() || frames().any(|other| other.line.is_some() && same(other));
        if image.has_symbols && known() {
            continue;
        }
        match files.iter_mut().find(|file| file.debug_id == debug_id) {
            Some(file) => (file.own, file.frames) = (file.own || frame.in_app, file.frames + 1),
            None => files.push(NamelessFile {
                name,
                debug_id,
                code_id: &image.code_id,
                debug_file: &image.debug_file,
                own: frame.in_app,
                frames: 1,
            }),
        }
    }
    files.sort_by_key(|file| (!file.own, std::cmp::Reverse(file.frames)));
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ImagePlace;

    #[test]
    fn a_file_whose_symbols_are_here_is_not_missing_for_a_place_without_a_line() {
        let frame = |id: &str, function: Option<&str>, line: Option<u64>, has_symbols: bool| {
            let image = ImagePlace {
                package: Some(id.into()),
                debug_id: Some(id.into()),
                has_symbols,
                ..ImagePlace::default()
            };
            Frame { function: function.map(Into::into), line, image: Some(Box::new(image)), ..Frame::default() }
        };
        let frames = vec![
            frame("press", Some("fold"), Some(11), true),
            frame("press", None, None, true),
            frame("libc.so.6", Some("abort"), None, true),
            frame("stripped", None, None, true),
            frame("libm.so.6", Some("exp"), None, false),
            frame("libm.so.6", None, None, false),
        ];
        let exceptions = [Exception { frames, ..Exception::default() }];
        let files = nameless_files(&exceptions);
        let names: Vec<(&str, u64)> = files.iter().map(|file| (file.name, file.frames)).collect();
        assert_eq!(names, [("libm.so.6", 2), ("stripped", 1)]);
    }
}
