//! Where an event crashed, as numbers that are equal for equal places.
//! It uses `grouping`'s names of places.
//! It never keeps a name.

use crate::{
    grouping::{PlaceName, place_names},
    model::Event,
};

/// 64 bits that stand for a text in columns, case aside (FNV-1a); never 0, which stands for none.
pub(crate) fn digest64(text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    let hash = text
        .bytes()
        .fold(start, |h: u64, b| (h ^ u64::from(b.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3));
    hash.max(1)
}

/// The key of no frame: every issue that shows frames of the application has it, which counts them.
pub(crate) const ANY: i64 = 0;
/// Places of one event at most; deeper stacks repeat themselves.
const MOST: usize = 96;

/// Different stacks kept of one issue: a recursion or a generated name makes no end of them.
pub(crate) const STACKS: i64 = 64;

/// The application's frames of one event.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Trace {
    /// Equal for equal stacks, lines aside; 0 without frames of the application.
    pub(crate) stack: i64,
    /// Keys of functions and of their files, each once.
    pub(crate) frames: Vec<i64>,
    /// Those nearest to the crash of the root cause: the function and its file.
    pub(crate) near: Vec<i64>,
}

/// The keys of a place: its function's, and its file's.
pub(crate) fn keys_of(place: &PlaceName) -> [i64; 2] {
    let function = place.function.as_deref().unwrap_or("?");
    let key = |text: String| digest64(&text).max(2) as i64;
    [key(format!("{}\u{0}{function}", place.module)), key(place.module.clone())]
}

impl Trace {
    /// Reads an event's exceptions.
    pub(crate) fn of(event: &Event) -> Self {
        let mut trace = Self::default();
        let mut order = String::new();
        for exception in &event.exceptions {
            let names = place_names(exception);
            let own = exception.frames.iter().zip(&names).filter(|(frame, _)| frame.in_app);
            let mut nearest = None;
            for place in own.filter_map(|(_, name)| name.as_ref()) {
                let keys = keys_of(place);
                nearest.get_or_insert(keys);
                for key in keys {
                    if trace.frames.len() < MOST && !trace.frames.contains(&key) {
                        trace.frames.push(key);
                    }
                }
                order.push_str(&keys[0].to_string());
            }
            trace.near = nearest.map_or(std::mem::take(&mut trace.near), Vec::from);
        }
        if !trace.frames.is_empty() {
            trace.frames.push(ANY);
            trace.stack = digest64(&order) as i64;
        }
        trace
    }
}
