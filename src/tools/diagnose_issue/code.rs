//! What the checkouts say of a diagnosis.

use super::{facts::Gathered, since};
use crate::{
    checkout::{CodeAnswer, CodeQuery, NamedRelease, Place},
    diagnosis::{Diagnosis, JudgedFrame, Role},
    guard::Clean,
    model::{Frame, Untrusted},
    store::Scope,
    tools::{Ctx, code},
};

/// Frames that are looked up.
const FRAMES: usize = 12;
/// Of these, whose functions are looked into for suspects.
const TELLING: usize = 4;

/// The answer, and which frames of the diagnosis it is about.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) answer: CodeAnswer,
    /// Indices into the frames of the diagnosis, in the order of the answer's places.
    order: Vec<usize>,
}

impl Looked {
    /// Where a frame of the diagnosis is.
    pub(super) fn place(&self, at: usize) -> Option<&Place> {
        let asked = self.order.iter().position(|own| *own == at)?;
        self.answer.places.get(asked)?.as_ref()
    }

    /// What keeps the answer from saying more.
    pub(super) fn warnings(&self) -> Vec<Clean> {
        if self.answer.reading {
            return vec![Clean::ours("the checkout is large and still being read: the next call finds places in it")];
        }
        let unknown = self.answer.checkout.as_ref().is_some_and(|checkout| checkout.release.is_none());
        let why = "the checkout has no commit of this release (no tag or hash of its name, no announced commit): what \
                   changed since is not told";
        if unknown { vec![Clean::ours(why)] } else { Vec::new() }
    }
}

/// Asks the checkouts, where there are any.
pub(super) async fn look(ctx: &Ctx, scope: &Scope, gathered: &Gathered, found: &Diagnosis) -> Looked {
    if ctx.code.is_empty() {
        return Looked::default();
    }
    let (order, telling) = order(&found.frames);
    let event = &gathered.facts.event;
    let frame =
        |at: &usize| -> &Frame { &event.exceptions[found.frames[*at].exception].frames[found.frames[*at].frame] };
    let since = since::of(gathered);
    let newest = gathered.releases.last().map(|newest| &newest.release.version);
    let named = async |version: Option<&Untrusted>| match version {
        Some(version) => Some(code::named_release(ctx, scope, version).await),
        None => None,
    };
    let last_good = since.as_ref().and_then(|since| since.last_good).map(|release| &release.version);
    let first_bad = since.as_ref().map(|since| &since.first_bad.version);
    let between: Option<(NamedRelease, NamedRelease)> = named(last_good).await.zip(named(first_bad).await);
    let query = CodeQuery {
        frames: order.iter().map(frame).collect(),
        telling,
        release: named(event.release.as_ref()).await,
        between,
        newest: named(newest).await,
    };
    Looked { answer: ctx.code.look(&query).await, order }
}

/// The cause and what is near it first, and how many these are.
fn order(frames: &[JudgedFrame]) -> (Vec<usize>, usize) {
    let of = |wanted: fn(Role) -> bool| (0..frames.len()).filter(move |at| wanted(frames[*at].role));
    let mut order: Vec<usize> = of(|role| role == Role::Cause).collect();
    order.extend(of(|role| role == Role::Around));
    order.truncate(TELLING);
    let telling = order.len();
    let others: Vec<usize> = of(|role| role != Role::Library).filter(|at| !order.contains(at)).collect();
    order.extend(others);
    order.truncate(FRAMES);
    (order, telling)
}
