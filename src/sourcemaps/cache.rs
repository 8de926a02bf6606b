//! What was made of stored files and used lately, within a bound of bytes.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// Things by the numbers of the files that they were made of.
pub struct Cache<K, T> {
    kept: Mutex<Kept<K, T>>,
    most_bytes: usize,
    size_of: fn(&T) -> usize,
}

struct Kept<K, T> {
    /// With the turn in which each was used last; `None`: its files can't be read.
    things: HashMap<K, (u64, Option<Arc<T>>)>,
    bytes: usize,
    turn: u64,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self { things: HashMap::new(), bytes: 0, turn: 0 }
    }
}

/// What one that can't be read counts for.
const BROKEN_BYTES: usize = 64;

impl<K: Eq + Hash + Clone, T> Cache<K, T> {
    /// Keeps at most so many bytes, each thing counted by `size_of`; one that is bigger is made each time.
    pub fn new(most_bytes: usize, size_of: fn(&T) -> usize) -> Self {
        Self { kept: Mutex::default(), most_bytes, size_of }
    }

    /// The thing of that key, made if it isn't kept.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get<E>(&self, key: K, make: impl FnOnce() -> Result<Option<T>, E>) -> Result<Option<Arc<T>>, E> {
        if let Some(thing) = self.lock().used(&key) {
            return Ok(thing);
        }
        // Made without the lock: two callers may make the same, none waits for another's.
        let thing = make()?.map(Arc::new);
        self.lock().keep(key, thing.clone(), self.most_bytes, self.size_of);
        Ok(thing)
    }

    /// Forgets all: numbers may mean other scripts now.
    pub fn forget(&self) {
        *self.lock() = Kept::default();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept<K, T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone, T> Kept<K, T> {
    fn used(&mut self, key: &K) -> Option<Option<Arc<T>>> {
        self.turn += 1;
        let (turn, thing) = self.things.get_mut(key)?;
        *turn = self.turn;
        Some(thing.clone())
    }

    fn keep(&mut self, key: K, thing: Option<Arc<T>>, most: usize, size_of: fn(&T) -> usize) {
        let size = |thing: &Option<Arc<T>>| thing.as_ref().map_or(BROKEN_BYTES, |thing| size_of(thing));
        if size(&thing) > most || self.things.contains_key(&key) {
            return;
        }
        self.bytes += size(&thing);
        self.turn += 1;
        self.things.insert(key, (self.turn, thing));
        while self.bytes > most {
            let oldest = self.things.iter().min_by_key(|(_, (turn, _))| *turn).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { return };
            if let Some((_, thing)) = self.things.remove(&oldest) {
                self.bytes -= size(&thing);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Script, *};

    #[test]
    fn the_one_used_longest_ago_goes_first() {
        let script = || {
            let map = br#"{"version":3,"sources":[],"names":[],"mappings":""}"#;
            Ok::<_, ()>(Some(Script::new(map, None).unwrap()))
        };
        let size = script().unwrap().unwrap().size_bytes();
        let cache = Cache::new(size * 2, Script::size_bytes);
        for id in [1, 2, 1, 3] {
            cache.get(id, script).unwrap();
        }
        let kept = |id| cache.get(id, || Err(())).is_ok();
        assert!(kept(1) && kept(3) && !kept(2));
        cache.forget();
        assert!(!kept(1));
    }
}
