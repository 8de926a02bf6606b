//! Scripts that were used lately, within a bound of bytes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::Script;

/// Scripts by the number that the store has for them.
pub struct Cache {
    kept: Mutex<Kept>,
    most_bytes: usize,
}

#[derive(Default)]
struct Kept {
    /// With the turn in which each was used last; `None`: its map can't be read.
    scripts: HashMap<i64, (u64, Option<Arc<Script>>)>,
    bytes: usize,
    turn: u64,
}

/// What one that can't be read counts for.
const BROKEN_BYTES: usize = 64;

impl Cache {
    /// Keeps at most so many bytes; a script that is bigger is made each time.
    pub fn new(most_bytes: usize) -> Self {
        Self { kept: Mutex::default(), most_bytes }
    }

    /// The script of that number, made if it isn't kept.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn script<E>(
        &self,
        id: i64,
        make: impl FnOnce() -> Result<Option<Script>, E>,
    ) -> Result<Option<Arc<Script>>, E> {
        if let Some(script) = self.lock().used(id) {
            return Ok(script);
        }
        // Made without the lock: two callers may make the same, none waits for another's.
        let script = make()?.map(Arc::new);
        self.lock().keep(id, script.clone(), self.most_bytes);
        Ok(script)
    }

    /// Forgets all: numbers may mean other scripts now.
    pub fn forget(&self) {
        *self.lock() = Kept::default();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn used(&mut self, id: i64) -> Option<Option<Arc<Script>>> {
        self.turn += 1;
        let (turn, script) = self.scripts.get_mut(&id)?;
        *turn = self.turn;
        Some(script.clone())
    }

    fn keep(&mut self, id: i64, script: Option<Arc<Script>>, most: usize) {
        let size = |script: &Option<Arc<Script>>| script.as_ref().map_or(BROKEN_BYTES, |script| script.size_bytes());
        if size(&script) > most || self.scripts.contains_key(&id) {
            return;
        }
        self.bytes += size(&script);
        self.turn += 1;
        self.scripts.insert(id, (self.turn, script));
        while self.bytes > most {
            let Some(oldest) = self.scripts.iter().min_by_key(|(_, (turn, _))| *turn).map(|(id, _)| *id) else {
                return;
            };
            if let Some((_, script)) = self.scripts.remove(&oldest) {
                self.bytes -= size(&script);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_used_longest_ago_goes_first() {
        let script = || {
            let map = br#"{"version":3,"sources":[],"names":[],"mappings":""}"#;
            Ok::<_, ()>(Some(Script::new(map, None).unwrap()))
        };
        let size = script().unwrap().unwrap().size_bytes();
        let cache = Cache::new(size * 2);
        for id in [1, 2, 1, 3] {
            cache.script(id, script).unwrap();
        }
        let kept = |id| cache.script(id, || Err(())).is_ok();
        assert!(kept(1) && kept(3) && !kept(2));
        cache.forget();
        assert!(!kept(1));
    }
}
