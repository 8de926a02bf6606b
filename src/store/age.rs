//! How old the parts of an answer are: a store that remembers some says so to whoever asked.

use std::{cell::Cell, time::Instant};

tokio::task_local! {
    static OLDEST: Cell<Option<Instant>>;
}

/// What some work gives, and when the oldest part that it had remembered was loaded; `None`: all of it is new.
pub async fn dated<T>(work: impl Future<Output = T>) -> (T, Option<Instant>) {
    let work = async {
        let done = work.await;
        (done, OLDEST.with(Cell::get))
    };
    OLDEST.scope(Cell::new(None), work).await
}

/// Takes note that a part of what is being worked on was loaded then.
pub fn remembered(loaded: Instant) {
    // Nobody may want to know.
    let _ = OLDEST.try_with(|oldest| oldest.set(Some(oldest.get().map_or(loaded, |known| known.min(loaded)))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_part_counts() {
        let (old, new) = (Instant::now(), Instant::now());
        let work = async {
            remembered(new);
            futures::future::join(async { remembered(old) }, async {}).await;
            remembered(new);
        };
        assert_eq!(dated(work).await, ((), Some(old)));
        assert_eq!(dated(async { 1 }).await, (1, None));
        remembered(new);
    }
}
