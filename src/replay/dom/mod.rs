//! A page rebuilt from a recording: the tree of nodes as it stands at one moment.
//! It uses the recording's events.
//! It never keeps styles, scripts or anything that can't name an element.

mod build;
mod name;
mod node;
mod role;
mod selector;
mod target;
mod text;

pub(super) use build::{Change, TEXTS};
pub(super) use node::Dom;
pub(super) use text::is_masked;
