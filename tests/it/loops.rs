//! No files of a room import each other in a circle: what two of them need lies in a third.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Rooms whose files lie side by side.
const ROOMS: [&str; 1] = ["backend/sentry"];

type Imports = BTreeMap<String, BTreeSet<String>>;

/// What each file of a room imports of the others.
fn imports(room: &str) -> Imports {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sources = files.filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, named(&fs::read_to_string(&path).unwrap()))
    };
    let mut found: Imports = sources.map(read).filter(|(name, _)| name != "mod").collect();
    let names: BTreeSet<String> = found.keys().cloned().collect();
    found.values_mut().for_each(|imported| imported.retain(|name| names.contains(name)));
    found
}

/// The modules named after `super::`, by themselves or in a list.
fn named(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or(source);
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("super::") {
        let after = &code[at + "super::".len()..];
        match after.strip_prefix('{') {
            None => drop(found.insert(word(after))),
            Some(list) => {
                let mut depth = 0;
                let whole = list.split(';').next().unwrap_or(list);
                let mut item = String::new();
                for c in whole.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => drop(found.insert(word(std::mem::take(&mut item).trim()))),
                        c => item.push(c),
                    }
                }
                found.insert(word(item.trim()));
            }
        }
    }
    found
}

/// Files from which a chain of imports leads back to them.
fn in_circles(imports: &Imports) -> Vec<&String> {
    let leads_back = |file: &&String| {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![*file]);
        while let Some(next) = waiting.pop() {
            for imported in imports.get(next).into_iter().flatten() {
                if imported == *file {
                    return true;
                }
                if seen.insert(imported) {
                    waiting.push(imported);
                }
            }
        }
        false
    };
    imports.keys().filter(leads_back).collect()
}

#[test]
fn files_of_a_room_import_each_other_in_no_circle() {
    for room in ROOMS {
        let imports = imports(room);
        assert!(imports.values().filter(|imported| !imported.is_empty()).count() > 10, "{room} was not read");
        assert_eq!(in_circles(&imports), Vec::<&String>::new(), "{room}");
    }
}

#[test]
fn a_planted_circle_is_found() {
    let source = |text: &str| named(text);
    let imports = Imports::from([
        ("a".to_owned(), source("use super::{\n    b::{X, Y},\n    d,\n};")),
        ("b".to_owned(), source("fn f() { super::c::g() }")),
        ("c".to_owned(), source("use super::a::Z;")),
        ("d".to_owned(), source("#[cfg(test)] use super::a;")),
    ]);
    assert_eq!(in_circles(&imports), ["a", "b", "c"]);
}
