//! The shape of the house, held by reading the source: floors, sole users of crates, sizes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Every source file below a folder, with its path from the project's root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut waiting = vec![Path::new(ROOT).join(folder)];
    let mut found = Vec::new();
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(ROOT).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// One row of the table of floors in ARCHITECTURE.md.
struct Room {
    floor: u32,
    module: String,
    alone: Vec<String>,
}

/// The table of floors, read from the page that people read.
fn rooms() -> Vec<Room> {
    let page = fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let floor = cells.first()?.parse().ok()?;
        let names = |cell: &str| {
            let ticked = cell.split('`').skip(1).step_by(2);
            ticked.map(str::to_owned).collect::<Vec<_>>()
        };
        let module = names(cells.get(1)?).first()?.clone();
        Some(Room { floor, module, alone: names(cells.get(3)?) })
    });
    rows.collect()
}

/// The room that a file is in: the longest module path that its own begins with.
fn room_of<'a>(rooms: &'a [Room], file: &str) -> Option<&'a Room> {
    let path = file.strip_prefix("src/")?;
    let inside = |room: &&Room| path == format!("{}.rs", room.module) || path.starts_with(&format!("{}/", room.module));
    rooms.iter().filter(inside).max_by_key(|room| room.module.len())
}

/// What a file may not use, by the table.
fn faults(rooms: &[Room], file: &str, text: &str) -> Vec<String> {
    let Some(room) = room_of(rooms, file) else {
        return match file {
            "src/lib.rs" | "src/main.rs" | "src/backend/mod.rs" => Vec::new(),
            _ => vec![format!("{file} is in no room of ARCHITECTURE.md")],
        };
    };
    let code = without_tests_and_comments(text);
    let mut faults = Vec::new();
    for other in rooms.iter().filter(|other| other.module != room.module && other.floor >= room.floor) {
        if uses(&code, &other.module.replace('/', "::")) {
            faults.push(format!("{file} (floor {}) uses {} (floor {})", room.floor, other.module, other.floor));
        }
    }
    for other in rooms {
        for name in other.alone.iter().filter(|name| !room.alone.contains(name)) {
            if code.contains(&format!("{}::", name.replace('-', "_"))) {
                faults.push(format!("{file} uses {name}, which {} uses alone", other.module));
            }
        }
    }
    faults
}

/// Crates that a room is said to use alone and doesn't use at all.
fn unused(rooms: &[Room], sources: &[(String, String)]) -> Vec<String> {
    let mut unused = Vec::new();
    for room in rooms {
        let inside = |file: &str| room_of(rooms, file).is_some_and(|found| found.module == room.module);
        let own: Vec<_> = sources.iter().filter(|(file, _)| inside(file)).collect();
        for name in &room.alone {
            let word = format!("{name}::");
            if !own.iter().any(|(_, text)| without_tests_and_comments(text).contains(&word)) {
                unused.push(format!("{} is said to use {name} alone, and doesn't use it", room.module));
            }
        }
    }
    unused
}

#[test]
fn sole_users_use_their_crates() {
    assert_eq!(unused(&rooms(), &sources("src")), Vec::<String>::new());
    let planted = [Room { floor: 1, module: "guard".to_owned(), alone: vec!["semver".to_owned()] }];
    assert_eq!(unused(&planted, &sources("src/guard")).len(), 1);
}

/// The crates that a section of `Cargo.toml` names, as code writes them.
fn dependencies(manifest: &str, section: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| *line != format!("[{section}]")).skip(1);
    let own = lines.take_while(|line| !line.starts_with('['));
    let names = own.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim().replace('-', "_"));
    names.filter(|name| !name.starts_with('#')).collect()
}

/// Dependencies that no source of those folders names. `cargo machete` looks more closely, in CI.
fn unnamed(manifest: &str, section: &str, sources: &[(String, String)]) -> Vec<String> {
    let named = |name: &String| {
        let forms = [format!("{name}::"), format!("use {name} "), format!("use {name};"), format!("[{name}")];
        sources.iter().any(|(_, text)| forms.iter().any(|form| text.contains(form)))
    };
    dependencies(manifest, section).into_iter().filter(|name| !named(name)).collect()
}

#[test]
fn every_dependency_is_used() {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let program = sources("src");
    let all: Vec<_> = ["src", "tests", "benches"].into_iter().flat_map(sources).collect();
    assert!(dependencies(&manifest, "dependencies").len() > 20, "the manifest was not read");
    assert_eq!(unnamed(&manifest, "dependencies", &program), Vec::<String>::new());
    assert_eq!(unnamed(&manifest, "dev-dependencies", &all), Vec::<String>::new());
    assert_eq!(unnamed("[dependencies]\nhalf-used = \"1\"\n[lints]\n", "dependencies", &program), ["half_used"]);
}

/// Whether `crate::module` occurs, by itself or in a list of imports.
fn uses(code: &str, module: &str) -> bool {
    let first = module.split("::").next().unwrap();
    let flat: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = |text: &str, word: &str| {
        text.match_indices(word).any(|(at, _)| {
            let after = text[at + word.len()..].chars().next();
            let before = text[..at].chars().next_back();
            !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
                && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    };
    if named(&flat, &format!("crate::{module}")) {
        return true;
    }
    flat.split("use crate::{").skip(1).any(|list| {
        let end = list.find(';').unwrap_or(list.len());
        let tops = top_level(&list[..end]);
        let below = |part: &str| part == module || part.starts_with(&format!("{module}::"));
        // `backend::{…}` and `backend` alone may mean any room of that folder; `backend::embedded::…` means its own.
        let whole = |part: &str| part == first || part == format!("{first}::");
        tops.iter().any(|part| below(part) || whole(part))
    })
}

/// The parts of a list of imports, those in inner braces left out.
fn top_level(list: &str) -> Vec<String> {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            ' ' => {}
            _ if depth == 0 => parts.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    parts
}

fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_module_uses_floors_below_its_own_and_its_own_crates() {
    let rooms = rooms();
    assert!(rooms.len() > 15, "the table of floors was not read");
    let found: Vec<String> = sources("src").iter().flat_map(|(file, text)| faults(&rooms, file, text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Folders whose modules must not import each other in a loop, however long. What a module takes from the folder that it
/// is in is no loop.
const WITHOUT_LOOPS: [&str; 9] = [
    "src/backend/embedded/read",
    "src/backend/embedded/pack",
    "src/diagnosis",
    "src/grouping",
    "src/native",
    "src/remedy",
    "src/replay",
    "src/serve/api",
    "src/serve/people",
];

/// Loops of imports between the files of a folder: the files that lie on one, each with what it imports.
fn loops(sources: &[(String, String)]) -> Vec<String> {
    let modules: Vec<Vec<&str>> = sources.iter().map(|(file, _)| module_of(file)).collect();
    let reach: Vec<Vec<usize>> =
        sources.iter().zip(&modules).map(|((_, text), own)| imports(own, text, &modules)).collect();
    let mut found = Vec::new();
    for start in 0..sources.len() {
        let (mut waiting, mut seen) = (reach[start].clone(), vec![false; sources.len()]);
        while let Some(at) = waiting.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                waiting.extend(&reach[at]);
            }
        }
        if seen[start] {
            let names: Vec<&str> = reach[start].iter().map(|at| sources[*at].0.as_str()).collect();
            found.push(format!("{} imports {}", sources[start].0, names.join(", ")));
        }
    }
    found
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are both `a::b`.
fn module_of(file: &str) -> Vec<&str> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').collect()
}

/// The modules that a module takes something from, those that it lies in left out.
fn imports(own: &[&str], text: &str, modules: &[Vec<&str>]) -> Vec<usize> {
    let code = without_tests_and_comments(text).replace("pub(in ", "pub(").replace([' ', '\n'], "");
    let mut found = BTreeSet::new();
    for path in code.split(';').flat_map(paths) {
        let mut at: Vec<&str> = own.to_vec();
        let mut parts = path.split("::").peekable();
        match parts.peek() {
            Some(&"crate") => at.clear(),
            Some(&"super") => {}
            _ => continue,
        }
        parts.next_if(|part| *part == "crate");
        while parts.next_if(|part| *part == "super").is_some() {
            at.pop();
        }
        let mut taken = None;
        for part in parts {
            at.push(part);
            taken = modules.iter().position(|module| *module == at).or(taken);
        }
        found.extend(taken.filter(|taken| !own.starts_with(&modules[*taken])));
    }
    found.into_iter().collect()
}

/// The paths of a statement without white space, lists in braces taken apart.
fn paths(statement: &str) -> Vec<String> {
    let starts = ["crate::", "super::"].into_iter().flat_map(|word| statement.match_indices(word));
    let first = |at: usize| !statement[..at].ends_with("::");
    starts.filter(|(at, _)| first(*at)).flat_map(|(at, _)| expand(&statement[at..])).collect()
}

/// The paths that a text begins with.
fn expand(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (start, rest) = text.split_at(end);
    if !rest.starts_with('{') || !start.ends_with("::") {
        return vec![start.to_owned()];
    }
    let (mut depth, mut from, mut found) = (0, 1, Vec::new());
    for (at, c) in rest.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 || (depth == 1 && c == ',') {
            found.extend(expand(&rest[from..at]).into_iter().map(|path| format!("{start}{path}")));
            from = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    found
}

#[test]
fn no_modules_of_a_room_import_each_other_in_a_loop() {
    for folder in WITHOUT_LOOPS {
        assert_eq!(loops(&sources(folder)), Vec::<String>::new());
    }
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let planted = [
        file("src/a/mod.rs", "mod b;"),
        file("src/a/b.rs", "use super::{X, c::{self, Y}};"),
        file("src/a/c.rs", "use crate::{\n    a::d::Z,\n};"),
        file("src/a/d.rs", "fn x() { super::b::x(); }"),
        file("src/a/e.rs", "use super::b::W;"),
    ];
    assert_eq!(loops(&planted).len(), 3, "{:?}", loops(&planted));
}

#[test]
fn planted_faults_are_found() {
    let rooms = rooms();
    for (file, text) in [
        ("src/model/mod.rs", "use crate::store::Scope;"),
        ("src/grouping/mod.rs", "use crate::{\n    model::Event,\n    release,\n};"),
        ("src/store/mod.rs", "fn x() { crate::view::fit(); }"),
        ("src/tools/mod.rs", "use rusqlite::Connection;"),
        ("src/view/mod.rs", "use rmcp::model::Tool;"),
        ("src/elsewhere/mod.rs", ""),
    ] {
        assert_eq!(faults(&rooms, file, text).len(), 1, "{file}: {text}");
    }
    for (file, text) in [
        ("src/grouping/mod.rs", "use crate::model::{Event, Release};"),
        ("src/tools/mod.rs", "// rusqlite::Connection is not for here\nuse crate::{release, model::Event};"),
    ] {
        assert_eq!(faults(&rooms, file, text), Vec::<String>::new(), "{file}: {text}");
    }
}

#[test]
fn files_and_functions_stay_small() {
    let mut too_long = Vec::new();
    let mut lengths = Vec::new();
    for (file, text) in sources("src") {
        let lines = text.lines().count();
        lengths.push(lines);
        if lines > 500 {
            too_long.push(format!("{file} has {lines} lines"));
        }
        for (name, length) in functions(&text) {
            if length > 70 {
                too_long.push(format!("{file}: {name} has {length} lines"));
            }
        }
    }
    lengths.sort_unstable();
    assert!(lengths[lengths.len() / 2] <= 200, "the median file has {} lines", lengths[lengths.len() / 2]);
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

/// Functions and how many lines each has, told by indentation.
fn functions(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut open: Option<(String, usize, usize)> = None;
    for (at, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let word = line.trim_start().split(['(', '<']).next().unwrap_or("");
        match &open {
            Some((name, start, depth)) if indent == *depth && line.trim_start().starts_with('}') => {
                found.insert(name.clone(), at - start + 1);
                open = None;
            }
            None if (word.starts_with("fn ") || word.contains(" fn ")) && !line.trim_end().ends_with([';', '}']) => {
                let name = word.rsplit("fn ").next().unwrap().to_owned();
                open = Some((name, at, indent));
            }
            _ => {}
        }
    }
    found
}

/// Files of the program that no module lists: the compiler never sees them.
#[test]
fn no_source_file_is_forgotten() {
    let all = sources("src");
    let lists = |folder: &Path, name: &str| {
        let holders =
            [folder.join("mod.rs"), folder.with_extension("rs"), folder.join("lib.rs"), folder.join("main.rs")];
        let texts = all.iter().filter(|(file, _)| holders.iter().any(|holder| Path::new(file) == holder));
        let named = [format!("mod {name};"), format!("include!(\"{name}.rs\")")];
        texts.into_iter().any(|(_, text)| named.iter().any(|name| text.contains(name)))
    };
    for (file, _) in &all {
        let path = Path::new(file);
        let (folder, name) = (path.parent().unwrap(), path.file_stem().unwrap().to_str().unwrap());
        let listed = match name {
            "main" | "lib" => true,
            "mod" => lists(folder.parent().unwrap(), folder.file_name().unwrap().to_str().unwrap()),
            name => lists(folder, name),
        };
        assert!(listed, "{file} is in no module");
    }
}

#[test]
fn no_test_file_is_forgotten() {
    for (file, _) in sources("tests/it") {
        let path = Path::new(&file);
        let (folder, name) = (path.parent().unwrap(), path.file_stem().unwrap().to_str().unwrap());
        // The file that lists it, and its name there.
        let (list, name) = match (folder.ends_with("tests/it"), name) {
            (true, "main") => continue,
            (true, name) => (folder.join("main.rs"), name),
            (false, "mod") => (folder.parent().unwrap().join("main.rs"), folder.file_name().unwrap().to_str().unwrap()),
            (false, name) => (folder.join("mod.rs"), name),
        };
        let listed = fs::read_to_string(Path::new(ROOT).join(&list)).unwrap();
        assert!(listed.contains(&format!("mod {name};")), "{file} is not listed in {}", list.display());
    }
}

#[test]
fn outside_text_is_never_made_a_literal() {
    for (file, text) in sources("src") {
        let code = without_tests_and_comments(&text);
        assert!(!code.contains("Box::leak"), "{file}");
        if !file.starts_with("src/guard/") {
            for call in code.split("Clean::ours(").skip(1) {
                let argument = call.trim_start();
                let literal = argument.starts_with('"') || argument.starts_with("if ") || argument.len() < 2;
                let name = argument.split([')', ',']).next().unwrap_or("");
                let declared = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                assert!(literal || declared, "{file}: Clean::ours({name})");
            }
        }
    }
}
