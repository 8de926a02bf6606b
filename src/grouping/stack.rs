//! Which frames of a stack are the place of a bug.

use std::collections::{BTreeSet, HashMap};

use super::place::Place;
use super::saying::{MessageSignature, ThrowOrigin};
use super::{PlaceName, anonymous, frame, generated, minified, module};
use crate::model::Frame;

/// Minified frames that are looked through for a name that survives the next build.
const MINIFIED_REACH: usize = 6;

/// Frames outwards among which the caller is looked for.
const CALLER_REACH: usize = 6;

/// The frames that matter, from the crash outwards.
pub(super) struct Stack<'a> {
    pub(super) places: Vec<Place<'a>>,
    /// They are the application's own.
    pub(super) in_app: bool,
    /// Other code was called by the first of them and threw.
    refused: bool,
}

/// Where it happened, for a key.
pub(super) struct Where {
    pub(super) parts: Vec<String>,
    /// Nothing but the shape of the stack was left.
    pub(super) by_shape: bool,
    /// Names were lost, so the text must tell more.
    pub(super) names_lost: bool,
}

impl<'a> Stack<'a> {
    /// Picks the frames: the application's own, else those of an extension, else the system's.
    pub(super) fn of(frames: &'a [Frame], mapped: bool) -> Self {
        let useful: Vec<&Frame> = frames.iter().filter(|f| !frame::is_machinery(f) && frame::says_where(f)).collect();
        let own = |f: &&&Frame| f.in_app && !frame::is_extension(f) && !frame::is_native(f);
        let mut picked: Vec<&Frame> = useful.iter().filter(own).copied().collect();
        let in_app = !picked.is_empty();
        if !in_app {
            picked = useful.iter().filter(|f| frame::is_extension(f)).copied().collect();
        }
        if picked.is_empty() {
            picked = useful;
        }
        let first_other = picked.iter().position(|f| !frame::is_wrapper(f)).unwrap_or(0);
        picked.drain(..first_other);
        let refused = in_app && threw_above(frames, picked.first().copied());
        Self { places: places(&picked, mapped), in_app, refused }
    }

    /// Whether a build took the names of types away: Dart's and Android's obfuscation.
    pub(super) fn is_obfuscated(&self) -> bool {
        self.places.iter().any(|place| {
            let path = module::path_of(place.frame);
            path.ends_with(".dart") || path.starts_with("package:") || ["SourceFile", "Unknown Source"].contains(&path)
        })
    }

    /// Whether it is of JavaScript, whose bundlers name classes anew in each build.
    pub(super) fn is_script(&self) -> bool {
        self.places.first().is_some_and(|place| minified::is_script(module::path_of(place.frame)))
    }

    /// Names the first frame where it has no name of its own.
    pub(super) fn name_first(&mut self, function: &str) {
        if let Some(first) = self.places.first_mut().filter(|first| first.frame.function.is_none()) {
            first.name = Some(generated::steady(function, false));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place of what was said. `caller`: the caller may count.
    pub(super) fn place(&self, said: &MessageSignature, caller: bool) -> Where {
        if said.recursion
            && let Some(parts) = self.cycle()
        {
            return Where { parts, by_shape: false, names_lost: false };
        }
        let Some(top) = self.places.first() else {
            return Where { parts: Vec::new(), by_shape: false, names_lost: false };
        };
        if top.minified && top.name.is_none() {
            return self.minified_place();
        }
        let mut parts = vec![self.identity(0)];
        let on_behalf = said.thrower == ThrowOrigin::Code || self.refused || module::is_shared(top.frame);
        if caller && on_behalf && self.in_app {
            parts.extend(self.caller());
        }
        Where { parts, by_shape: false, names_lost: top.minified }
    }

    fn identity(&self, at: usize) -> String {
        let place = &self.places[at];
        let name = place.name.clone().unwrap_or_else(|| anonymous::identity(place, &self.places[at + 1..]));
        format!("{}|{name}", place.module)
    }

    /// Who called the first function: the nearest that isn't itself shared by many callers, else the nearest.
    fn caller(&self) -> Option<String> {
        let top = self.identity(0);
        let around = |at: &usize| {
            let identity = self.identity(*at);
            identity != top && !top.ends_with(&format!("? in {}", self.places[*at].name.as_deref().unwrap_or("-")))
        };
        let callers: Vec<usize> = (1..self.places.len().min(CALLER_REACH)).filter(around).collect();
        let telling = callers.iter().find(|at| !module::is_shared(self.places[**at].frame));
        telling.or(callers.first()).map(|at| self.identity(*at))
    }

    /// Functions that repeat, whichever of them ran out of stack.
    fn cycle(&self) -> Option<Vec<String>> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for place in &self.places {
            let name = place.name.as_deref().unwrap_or("?");
            *seen.entry(format!("{}|{name}", place.module)).or_default() += 1;
        }
        let repeated: BTreeSet<String> = seen.into_iter().filter(|(_, n)| *n >= 3).map(|(name, _)| name).collect();
        (!repeated.is_empty()).then(|| repeated.into_iter().collect())
    }

    /// Without the minifier's names: from the crash to the first name that survives. Without any, the shape.
    fn minified_place(&self) -> Where {
        let reach = &self.places[..self.places.len().min(MINIFIED_REACH)];
        let named = reach.iter().position(|place| place.name.is_some());
        let upto = named.map_or(reach, |at| &reach[..=at]);
        let name = |place: &Place<'_>| format!("{}|{}", place.module, place.name.as_deref().unwrap_or("~"));
        let mut parts: Vec<String> = upto.iter().map(name).collect();
        if named.is_none() {
            parts.push(order_in_file(reach));
        }
        Where { parts, by_shape: named.is_none(), names_lost: true }
    }
}

/// Which frame stands before which in the bundle: bundlers keep the order of modules from build to build.
fn order_in_file(places: &[Place<'_>]) -> String {
    let at = |place: &Place<'_>| (place.frame.line.unwrap_or(0), place.frame.column.unwrap_or(0));
    let mut sorted: Vec<_> = places.iter().map(at).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let ranks = places.iter().map(|place| sorted.iter().position(|p| *p == at(place)).unwrap_or(0).to_string());
    ranks.collect::<Vec<_>>().join(",")
}

/// Whether library code stands between the crash and the first of the frames picked.
fn threw_above(frames: &[Frame], first: Option<&Frame>) -> bool {
    let above = frames.iter().take_while(|f| first.is_none_or(|first| !std::ptr::eq(*f, first)));
    above.filter(|f| !f.in_app && !frame::is_machinery(f)).any(|f| !frame::is_native(f))
}

/// A name for each frame that says where it is.
pub(super) fn place_names(frames: &[Frame], mapped: bool) -> Vec<Option<PlaceName>> {
    let all: Vec<&Frame> = frames.iter().collect();
    let named = places(&all, mapped).into_iter().map(|place| {
        let useful =
            !frame::is_machinery(place.frame) && !frame::is_extension(place.frame) && frame::says_where(place.frame);
        useful.then_some(PlaceName { module: place.module, function: place.name })
    });
    named.collect()
}

fn places<'a>(frames: &[&'a Frame], mapped: bool) -> Vec<Place<'a>> {
    let generated: BTreeSet<&str> = frames
        .iter()
        .filter(|f| !mapped && minified::looks_minified(f, frame::bare_name(f).as_deref()))
        .map(|f| module::path_of(f))
        .collect();
    let place = |f: &&'a Frame| {
        let minified = generated.contains(module::path_of(f));
        let name = frame::bare_name(f).filter(|name| !(minified && minified::is_minified_name(name)));
        let name = name.or_else(|| module::offset_of(f));
        let module =
            if frame::is_extension(f) { "browser extension".to_owned() } else { module::module_key(f, mapped) };
        Place { frame: f, module, name, minified }
    };
    frames.iter().map(place).collect()
}
