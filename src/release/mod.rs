//! The order of releases and what a name of one means.
//! It uses `model` alone.
//! It never does IO, never reads a clock.

mod name;
mod order;
mod product;
mod sides;
mod version;

pub use name::{Resolved, Unresolved, nearest, resolve};
pub use order::{before, since, sort_releases};
pub use product::product;
pub use sides::{Sides, sides};
pub use version::{Version, split_name};
