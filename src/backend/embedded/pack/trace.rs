//! Where an event crashed, as numbers that are equal for equal places.
//! It uses `grouping`'s names of places.
//! It never keeps a name.

use super::bytes::digest64;
use crate::{
    backend::embedded::fault::Corrupt,
    grouping::{PlaceName, place_names},
    model::Event,
    store::StoreError,
};

/// The key of no frame: every issue that shows frames of the application has it, which counts them.
pub(in crate::backend::embedded) const ANY: i64 = 0;
/// Places of one event at most; deeper stacks repeat themselves.
const MOST: usize = 96;

/// The application's frames of one event.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(in crate::backend::embedded) struct Trace {
    /// Equal for equal stacks, lines aside; 0 without frames of the application.
    pub(in crate::backend::embedded) stack: i64,
    /// Keys of functions and of their files, each once.
    pub(in crate::backend::embedded) frames: Vec<i64>,
    /// Those nearest to the crash of the root cause: the function and its file.
    pub(in crate::backend::embedded) near: Vec<i64>,
}

/// The keys of a place: its function's, and its file's.
pub(in crate::backend::embedded) fn keys_of(place: &PlaceName) -> [i64; 2] {
    let function = place.function.as_deref().unwrap_or("?");
    let key = |text: String| digest64(&text).max(2) as i64;
    [key(format!("{}\u{0}{function}", place.module)), key(place.module.clone())]
}

impl Trace {
    /// Reads an event's exceptions.
    pub(in crate::backend::embedded) fn of(event: &Event) -> Self {
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

/// Packs keys.
pub(in crate::backend::embedded) fn encode_keys(keys: &[i64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(keys.len() * 8);
    keys.iter().for_each(|key| out.extend_from_slice(&key.to_be_bytes()));
    out
}

/// Unpacks keys.
pub(in crate::backend::embedded) fn decode_keys(bytes: &[u8]) -> Result<Vec<i64>, StoreError> {
    let (keys, rest) = bytes.as_chunks::<8>();
    if rest.is_empty() {
        Ok(keys.iter().map(|key| i64::from_be_bytes(*key)).collect())
    } else {
        Err(Corrupt("stack").into())
    }
}
