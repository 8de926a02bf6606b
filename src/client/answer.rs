//! What can be kept: anything whose size is known.

use super::weigh::Weigh;

/// An answer of a store.
pub(super) trait Answer: Clone + Send + Sync + 'static {
    /// About how many bytes it takes.
    fn bytes(&self) -> u32;
}

impl<T: Weigh + Clone + Send + Sync + 'static> Answer for T {
    fn bytes(&self) -> u32 {
        u32::try_from(size_of::<T>() + self.weight()).unwrap_or(u32::MAX)
    }
}
