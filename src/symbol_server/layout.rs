//! Where servers of symbols keep a file, below their address.
//!
//! Sources: Microsoft's SymStore and symsrv (one tier, two tiers, cabinets), the key conventions of the Simple Symbol Query
//! Protocol (SSQP), Breakpad's and Electron's servers, debuginfod(8), GDB's folders of build ids, Symbolicator's unified layout.

/// Longest name of a file that is asked for.
const NAME: usize = 200;
/// Longest code id, in hex digits.
const CODE_ID: usize = 64;
/// Hex digits of a build id in SSQP's keys; shorter ids are filled up with zeros.
const BUILD_ID: usize = 40;

/// A program or library whose symbols are missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WantedFile {
    /// Its own name, without folders.
    pub file: String,
    /// The name of the file with its symbols, where the crash has it (`desk.pdb`); with folders or not.
    pub debug_file: Option<String>,
    /// Debug id.
    pub debug_id: String,
    /// Code id: a build id (ELF), a UUID (Mach-O), or time and size (PE).
    pub code_id: Option<String>,
}

/// One way in which servers lay files out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `NAME/ID/FILE`: Microsoft's, Breakpad's, Electron's, Mozilla's.
    Store,
    /// `NA/NAME/ID/FILE`: Microsoft's in two tiers.
    TwoTiers,
    /// `name/id/file` in small letters, with keys for ELF and Mach-O.
    Ssqp,
    /// `buildid/ID/debuginfo`.
    Debuginfod,
    /// `ab/cdef/debuginfo`: Symbolicator's unified layout.
    Unified,
    /// `ab/cdef.debug`: GDB's folders of build ids.
    BuildId,
}

/// All of them, in the order in which they are tried on a server that has handed out nothing yet.
pub(super) const LAYOUTS: [Layout; 6] =
    [Layout::Store, Layout::Ssqp, Layout::Debuginfod, Layout::Unified, Layout::BuildId, Layout::TwoTiers];

/// Where a file may lie, the best place of each list first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Paths {
    /// Its symbols.
    pub(super) symbols: Vec<String>,
    /// The program or library itself, for what the symbols lack: how stacks are unwound.
    pub(super) program: Vec<String>,
}

/// What paths are made of; only what is safe in one.
struct Names {
    file: String,
    /// The symbols' folder and their name in Breakpad's form.
    symbols: Vec<(String, String)>,
    /// 32 hex digits in capitals, then the age.
    debug: String,
    /// The id of a PE file: the time in capitals, the size in small letters.
    image: Option<String>,
    /// The build id of an ELF file, in small letters.
    build: Option<String>,
    /// The UUID of a Mach-O file, in small letters.
    uuid: Option<String>,
}

/// The paths of a file in a layout; none where its name or ids are not what they should be.
pub(super) fn paths(wanted: &WantedFile, layout: Layout) -> Paths {
    let Some(names) = Names::of(wanted) else { return Paths::default() };
    let mut paths = match layout {
        Layout::Store => names.store(),
        Layout::TwoTiers => names.two_tiers(),
        Layout::Ssqp => names.ssqp(),
        Layout::Debuginfod => names.debuginfod(),
        Layout::Unified => names.unified(),
        Layout::BuildId => names.build_id(),
    };
    for path in paths.symbols.iter_mut().chain(&mut paths.program) {
        *path = path.replace(' ', "%20").replace('+', "%2B");
    }
    paths
}

impl Names {
    fn of(wanted: &WantedFile) -> Option<Self> {
        let file = safe(&wanted.file)?;
        let debug = debug_id(&wanted.debug_id)?;
        let uuid = debug[..32].to_ascii_lowercase();
        let code = wanted.code_id.as_deref().map(|id| id.replace('-', "").to_ascii_lowercase());
        let code = code.filter(|id| id.len() <= CODE_ID && id.bytes().all(|b| b.is_ascii_hexdigit()));
        let own = wanted.debug_file.as_deref().and_then(|path| safe(path.rsplit(['/', '\\']).next()?));
        let is_pdb = own.as_deref().is_some_and(|name| stem(name, ".pdb").is_some());
        // Modules of Node are called alike on all systems; ids of time and size are short.
        let is_short = code.as_deref().is_some_and(|code| (9..=16).contains(&code.len()));
        let of_windows = is_pdb || is_program(&file) || is_short && stem(&file, ".node").is_some();
        let is_uuid = code.as_deref().is_none_or(|code| code == uuid);
        let image = code.as_deref().filter(|code| of_windows && code.len() > 8);
        let image = image.map(|code| format!("{}{}", code[..8].to_ascii_uppercase(), &code[8..]));
        let build = code.clone().filter(|code| !of_windows && !is_uuid && code.len() > 2);
        let symbols = symbol_names(&file, own.filter(|_| of_windows));
        Some(Self { file, symbols, debug, image, build, uuid: (!of_windows && is_uuid).then_some(uuid) })
    }

    fn store(&self) -> Paths {
        let mut paths = Paths::default();
        for (name, sym) in &self.symbols {
            paths.symbols.extend([sym, name].map(|file| format!("{name}/{}/{file}", self.debug)));
            paths.symbols.extend(packed(name).map(|file| format!("{name}/{}/{file}", self.debug)));
        }
        if let Some(id) = &self.image {
            let files = std::iter::once(self.file.clone()).chain(packed(&self.file));
            paths.program.extend(files.map(|file| format!("{}/{id}/{file}", self.file)));
        }
        paths
    }

    fn two_tiers(&self) -> Paths {
        // The first two letters of the name are a folder of their own.
        let tiered = |path: &String| Some(format!("{}/{path}", path.split('/').next()?.get(..2)?));
        let plain = self.store();
        let of = |paths: &[String]| paths.iter().filter_map(tiered).collect();
        Paths { symbols: of(&plain.symbols), program: of(&plain.program) }
    }

    fn ssqp(&self) -> Paths {
        let file = self.file.to_ascii_lowercase();
        if let Some(id) = &self.build {
            let id = format!("{id:0<BUILD_ID$}");
            return Paths {
                symbols: vec![format!("_.debug/elf-buildid-sym-{id}/_.debug")],
                program: vec![format!("{file}/elf-buildid-{id}/{file}")],
            };
        }
        if let Some(id) = &self.uuid {
            return Paths {
                symbols: vec![format!("_.dwarf/mach-uuid-sym-{id}/_.dwarf")],
                program: vec![format!("{file}/mach-uuid-{id}/{file}")],
            };
        }
        let plain = self.store();
        let lower = |paths: &[String]| paths.iter().map(|path| path.to_ascii_lowercase()).collect();
        Paths { symbols: lower(&plain.symbols), program: lower(&plain.program) }
    }

    fn debuginfod(&self) -> Paths {
        let of = |what: &str| self.build.iter().map(|id| format!("buildid/{id}/{what}")).collect();
        Paths { symbols: of("debuginfo"), program: of("executable") }
    }

    fn unified(&self) -> Paths {
        let id = self.build.clone().or_else(|| self.uuid.clone()).unwrap_or_else(|| self.debug.to_ascii_lowercase());
        let of = |what: &str, id: &str| format!("{}/{}/{what}", &id[..2], &id[2..]);
        Paths {
            symbols: vec![of("debuginfo", &id), of("breakpad", &self.debug.to_ascii_lowercase())],
            program: vec![of("executable", &id)],
        }
    }

    fn build_id(&self) -> Paths {
        let of = |end: &str| self.build.iter().map(|id| format!("{}/{}{end}", &id[..2], &id[2..])).collect();
        Paths { symbols: of(".debug"), program: of("") }
    }
}

/// The folder of a file's symbols and their name as Breakpad's text.
fn symbol_names(file: &str, own: Option<String>) -> Vec<(String, String)> {
    let named = |name: String| {
        let sym = format!("{}.sym", stem(&name, ".pdb").unwrap_or(&name));
        (name, sym)
    };
    if let Some(name) = own {
        return vec![named(name)];
    }
    match stem(file, ".exe").or_else(|| stem(file, ".dll")) {
        // Electron names its files after the whole name, Microsoft after what stands before the dot.
        Some(stem) => vec![named(format!("{file}.pdb")), named(format!("{stem}.pdb"))],
        None => vec![named(file.to_owned())],
    }
}

/// Whether a file is a program or library of Windows by its name.
fn is_program(file: &str) -> bool {
    [".exe", ".dll", ".sys", ".ocx"].iter().any(|end| stem(file, end).is_some())
}

/// The name of a file in a cabinet: `desk.pd_`.
fn packed(name: &str) -> Option<String> {
    (is_program(name) || stem(name, ".pdb").is_some()).then(|| format!("{}_", &name[..name.len() - 1]))
}

fn stem<'a>(name: &'a str, end: &str) -> Option<&'a str> {
    name.to_ascii_lowercase().ends_with(end).then(|| &name[..name.len() - end.len()])
}

fn safe(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | ' ');
    let plain = !name.is_empty() && name.len() <= NAME && name.chars().all(fits) && !name.starts_with('.');
    plain.then(|| name.to_owned())
}

/// A debug id as servers have it: 32 hex digits in capitals, then the age.
fn debug_id(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    let (guid, age) = plain.split_at_checked(32)?;
    let hex = plain.chars().all(|c| c.is_ascii_hexdigit()) && age.len() <= 8;
    let age = if age.is_empty() { "0".to_owned() } else { age.to_ascii_uppercase() };
    hex.then(|| format!("{}{age}", guid.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "497b72f6-390a-44fc-878e-5a2d63b6cc4b";
    const BUILD: &str = "180a373d6afbabf0eb1f09be1bc45bd796a71085";

    fn wanted(file: &str, debug_file: Option<&str>, debug_id: &str, code_id: Option<&str>) -> WantedFile {
        WantedFile {
            file: file.to_owned(),
            debug_file: debug_file.map(str::to_owned),
            debug_id: debug_id.to_owned(),
            code_id: code_id.map(str::to_owned),
        }
    }

    #[test]
    fn windows_files_lie_by_name_and_id_in_one_tier_or_two_packed_or_not() {
        let file = wanted("Foo.dll", Some(r"C:\build\Foo.pdb"), &format!("{GUID}-1"), Some("542d574ec2000"));
        let id = "497B72F6390A44FC878E5A2D63B6CC4B1";
        let paths = super::paths(&file, Layout::Store);
        assert_eq!(paths.symbols, ["Foo.sym", "Foo.pdb", "Foo.pd_"].map(|end| format!("Foo.pdb/{id}/{end}")));
        assert_eq!(paths.program, ["Foo.dll/542D574Ec2000/Foo.dll", "Foo.dll/542D574Ec2000/Foo.dl_"]);
        let paths = super::paths(&file, Layout::TwoTiers);
        assert_eq!(paths.symbols[1], format!("Fo/Foo.pdb/{id}/Foo.pdb"));
        assert_eq!(paths.program[0], "Fo/Foo.dll/542D574Ec2000/Foo.dll");
        let paths = super::paths(&file, Layout::Ssqp);
        assert_eq!(paths.symbols[1], "foo.pdb/497b72f6390a44fc878e5a2d63b6cc4b1/foo.pdb");
        assert_eq!(paths.program[0], "foo.dll/542d574ec2000/foo.dll");
        let paths = super::paths(&file, Layout::Unified);
        assert_eq!(paths.symbols[0], "49/7b72f6390a44fc878e5a2d63b6cc4b1/debuginfo");
        assert_eq!(paths.program, ["49/7b72f6390a44fc878e5a2d63b6cc4b1/executable"]);
        assert_eq!(super::paths(&file, Layout::Debuginfod), Paths::default());
        // Without the name of its symbols, both customs are tried.
        let bare = super::paths(&wanted("Desk.exe", None, &format!("{GUID}-a"), None), Layout::Store);
        assert_eq!(bare.symbols[0], "Desk.exe.pdb/497B72F6390A44FC878E5A2D63B6CC4BA/Desk.exe.sym");
        assert_eq!(bare.symbols[5], "Desk.pdb/497B72F6390A44FC878E5A2D63B6CC4BA/Desk.pd_");
    }

    #[test]
    fn elf_files_lie_by_build_id() {
        let file = wanted("foo.so", None, GUID, Some(BUILD));
        let of = |layout| super::paths(&file, layout);
        let (id, tail) = ("497B72F6390A44FC878E5A2D63B6CC4B0", &BUILD[2..]);
        assert_eq!(of(Layout::Store).symbols, [format!("foo.so/{id}/foo.so.sym"), format!("foo.so/{id}/foo.so")]);
        assert_eq!(of(Layout::Ssqp).symbols, [format!("_.debug/elf-buildid-sym-{BUILD}/_.debug")]);
        assert_eq!(of(Layout::Ssqp).program, [format!("foo.so/elf-buildid-{BUILD}/foo.so")]);
        assert_eq!(of(Layout::Debuginfod).symbols, [format!("buildid/{BUILD}/debuginfo")]);
        assert_eq!(of(Layout::Debuginfod).program, [format!("buildid/{BUILD}/executable")]);
        assert_eq!(of(Layout::Unified).symbols[0], format!("18/{tail}/debuginfo"));
        assert_eq!(of(Layout::BuildId).symbols, [format!("18/{tail}.debug")]);
        let short = wanted("foo.so", None, GUID, Some(&BUILD[..32]));
        let path = format!("_.debug/elf-buildid-sym-{}00000000/_.debug", &BUILD[..32]);
        assert_eq!(super::paths(&short, Layout::Ssqp).symbols, [path]);
    }

    #[test]
    fn mach_o_files_lie_by_uuid() {
        let plain = GUID.replace('-', "");
        for code_id in [None, Some(plain.as_str())] {
            let file = wanted("foo.dylib", None, GUID, code_id);
            let paths = super::paths(&file, Layout::Ssqp);
            assert_eq!(paths.symbols, [format!("_.dwarf/mach-uuid-sym-{plain}/_.dwarf")]);
            assert_eq!(paths.program, [format!("foo.dylib/mach-uuid-{plain}/foo.dylib")]);
            assert_eq!(super::paths(&file, Layout::Unified).program, [format!("49/{}/executable", &plain[2..])]);
            assert_eq!(super::paths(&file, Layout::Debuginfod), Paths::default());
        }
    }

    #[test]
    fn names_and_ids_that_are_none_are_not_asked_for() {
        for (file, id) in [
            ("../x", GUID),
            ("a/b", GUID),
            ("a?b", GUID),
            ("..", GUID),
            ("", GUID),
            ("kettle", "no id"),
            ("kéttle", GUID),
        ] {
            assert!(
                LAYOUTS.iter().all(|layout| super::paths(&wanted(file, None, id, None), *layout) == Paths::default())
            );
        }
        assert_eq!(super::paths(&wanted("v", None, GUID, None), Layout::TwoTiers), Paths::default());
        let odd = wanted("kettle", Some("../../etc"), GUID, Some("../../passwd"));
        for layout in LAYOUTS {
            let paths = super::paths(&odd, layout);
            assert!(paths.symbols.iter().chain(&paths.program).all(|path| !path.contains("..")), "{layout:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_makes_paths_below_the_server(
            file in ".{0,12}", debug_file in ".{0,12}", id in "[0-9a-f]{30,44}", code in "[0-9a-fxé]{0,44}",
        ) {
            for layout in LAYOUTS {
                let paths = super::paths(&wanted(&file, Some(&debug_file), &id, Some(&code)), layout);
                for path in paths.symbols.iter().chain(&paths.program) {
                    assert!(!path.split('/').any(|part| part.is_empty() || part.starts_with("..")), "{path}");
                }
            }
        }
    }
}
