//! Native code as it is seen without symbols: by the places in the files that were loaded.

use crate::model::{Event, Exception, Frame};

/// The event as if no symbols had been there; `None` where it has no native frames, or where its stack would have begun
/// elsewhere then, so that the key would be that of another bug.
pub(super) fn without_names(event: &Event) -> Option<Event> {
    let is_native = |frame: &Frame| frame.image.as_ref().is_some_and(|image| image.offset.is_some());
    if !event.exceptions.iter().any(|exception| exception.frames.iter().any(is_native)) {
        return None;
    }
    let mut nameless = event.clone();
    for (bare, named) in nameless.exceptions.iter_mut().zip(&event.exceptions) {
        if !bare.raw_frames.is_empty() {
            bare.frames = std::mem::take(&mut bare.raw_frames);
        }
        for frame in bare.frames.iter_mut().filter(|frame| is_native(frame)) {
            (frame.function, frame.file, frame.abs_path, frame.line) = (None, None, None, None);
        }
        if !begins_alike(bare, named) {
            return None;
        }
    }
    Some(nameless)
}

/// Whether the first frame of the application is the same place in both.
fn begins_alike(bare: &Exception, named: &Exception) -> bool {
    let first = |exception: &Exception| {
        let own = exception.frames.iter().find(|frame| frame.in_app)?;
        own.image.as_ref().map(|image| image.address)
    };
    first(bare) == first(named)
}
