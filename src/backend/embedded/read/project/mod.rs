//! Projects, environments and names: what a scope and a reference mean, and what each project has.

pub(super) mod hosted;
pub(super) mod life;
pub(super) mod list;
pub(super) mod named;
