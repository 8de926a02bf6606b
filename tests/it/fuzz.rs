//! The bodies of the fuzz targets over their seeds, and over seeds changed in ways that are the same each time.

#[path = "../../fuzz/bodies.rs"]
mod bodies;
#[path = "../../fuzz/changes.rs"]
mod changes;

use std::{fs, path::Path};

use changes::{Random, changed};
use prodsignal::native::read_debug_file;

/// Changed seeds a target.
const CHANGED: u64 = 400;

/// The seeds of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn parsers_return_for_whatever_they_are_given() {
    for (target, body) in bodies::BODIES {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target} has no seeds");
        seeds.iter().for_each(|seed| body(seed));
        let mut random = Random(1);
        for nth in 0..CHANGED {
            let bytes = changed(&seeds[nth as usize % seeds.len()], &mut random);
            body(&bytes);
        }
    }
}

/// Seeds that are refused at their first bytes would test nothing.
#[test]
fn seeds_with_symbols_are_read_as_what_they_are_called() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/debug_file");
    for (seed, format) in [
        ("breakpad", "breakpad"),
        ("cabinet", "pe"),
        ("elf", "elf"),
        ("elf_arm", "elf"),
        ("elf_packed", "elf"),
        ("macho", "macho"),
        ("macho_fat", "macho"),
        ("pdb", "pdb"),
        ("pe", "pe"),
        ("pe32", "pe"),
        ("sourcebundle", "sourcebundle"),
        ("wasm", "wasm"),
    ] {
        let files = read_debug_file(seed, None, &fs::read(folder.join(seed)).unwrap());
        let files = files.unwrap_or_else(|error| panic!("{seed}: {error}"));
        assert_eq!(files[0].format, format, "{seed}");
    }
}
