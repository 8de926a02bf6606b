//! The symbols of one image, ready for looking up.

use std::{collections::HashMap, sync::OnceLock};

use minidump_unwind::SymbolFile;
use symbolic_common::{CodeId, DebugId};
use symbolic_symcache::SymCache;

use super::{Found, classes::Classes, demangle::demangle_name};

/// Longest code id that is kept, in characters: a build id has 40.
pub const CODE_ID_BYTES: usize = 128;
/// Bytes around an instruction that the compiler made of no line (line 0) among which one with a line is looked for.
const NEAR: u64 = 64;
/// Inlined calls of one address that are told.
const INLINES: usize = 100;

/// Functions of the linker's that call nothing: an address in them on a stack is none that a call returns to.
const CALLS_NOBODY: &[&str] = &["_fini", "__do_global_dtors_aux", "frame_dummy", "register_tm_clones"];

/// What is known of a build: functions, lines and call-frame information of an image, or the names of its classes.
#[derive(Default)]
pub struct Object {
    /// In symbolic's format; empty where the file had no functions.
    symcache: Vec<u8>,
    /// In Breakpad's text form; empty where the file had none.
    cfi: Vec<u8>,
    /// Read when a stack is unwound through the image for the first time.
    rules: OnceLock<Option<Box<SymbolFile>>>,
    classes: Option<Classes>,
    /// Plain names of Dart's types by the obfuscated ones.
    dart: HashMap<String, String>,
}

/// A function that was running at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name for people.
    pub function: String,
    /// Its name as the linker has it, where that is another.
    pub symbol: Option<String>,
    /// Source file, as the compiler was told.
    pub path: Option<String>,
    /// Line in it.
    pub line: Option<u32>,
}

impl Object {
    /// Of what [`super::read_debug_file`] made of files; parts that can't be read count as missing.
    pub fn new(found: Found) -> Self {
        let pairs: Vec<String> = serde_json::from_slice(&found.dart).unwrap_or_default();
        Self {
            symcache: found.symcache,
            cfi: found.cfi,
            rules: OnceLock::new(),
            classes: (!found.mapping.is_empty()).then(|| Classes::new(&found.mapping)),
            dart: pairs.chunks_exact(2).map(|pair| (pair[1].clone(), pair[0].clone())).collect(),
        }
    }

    /// About how many bytes it holds. Rules of unwinding take several times their text.
    pub fn size_bytes(&self) -> usize {
        let dart: usize = self.dart.iter().map(|(key, value)| key.len() + value.len() + 64).sum();
        self.symcache.len() + 6 * self.cfi.len() + self.classes.as_ref().map_or(0, Classes::size_bytes) + dart + 256
    }

    /// Whether it names functions.
    pub fn has_functions(&self) -> bool {
        self.cache().is_some()
    }

    /// The classes that R8 renamed.
    pub(super) fn classes(&self) -> Option<&Classes> {
        self.classes.as_ref()
    }

    /// The plain name of an obfuscated type of Dart.
    pub(super) fn dart_type(&self, name: &str) -> Option<&str> {
        self.dart.get(name).map(String::as_str)
    }

    fn cache(&self) -> Option<SymCache<'_>> {
        if self.symcache.is_empty() { None } else { SymCache::parse(&self.symcache).ok() }
    }

    /// What ran at an offset into the image: the innermost of inlined calls first. Symbols of sections name nothing.
    pub fn places(&self, offset: u64) -> Vec<Place> {
        let Some(cache) = self.cache() else { return Vec::new() };
        let place = |found: symbolic_symcache::SourceLocation<'_, '_>| {
            let name = found.function().name_for_demangling();
            let function = demangle_name(&name);
            let symbol = (name.as_str() != function).then(|| name.as_str().to_owned());
            let path = found.file().map(|file| file.full_path()).filter(|path| !path.is_empty());
            let line = Some(found.line()).filter(|line| *line > 0);
            Place { line: line.or_else(|| line_near(&cache, offset, found.function().name())), function, symbol, path }
        };
        let places = cache.lookup(offset).take(INLINES).map(place);
        places.filter(|place| !is_section(&place.function)).collect()
    }

    /// Whether a function that calls others is known at an offset; `None`: this image's symbols name no functions.
    pub(super) fn knows(&self, offset: u64) -> Option<bool> {
        let cache = self.cache()?;
        let name = cache.lookup(offset).last().map(|found| found.function().name().to_owned());
        Some(name.is_some_and(|name| {
            !CALLS_NOBODY.contains(&name.as_str()) && (!is_section(&name) || name.starts_with("<.text "))
        }))
    }

    /// How to step from a function to its caller.
    pub(super) fn rules(&self) -> Option<&SymbolFile> {
        let read = || {
            let file = (!self.cfi.is_empty()).then(|| SymbolFile::from_bytes(&self.cfi).ok());
            file.flatten().map(Box::new)
        };
        self.rules.get_or_init(read).as_deref()
    }
}

/// The line of the nearest instruction of a function that has one: those before it first, as they ran before.
fn line_near(cache: &SymCache<'_>, offset: u64, function: &str) -> Option<u32> {
    let at = |offset: u64| {
        let same = cache.lookup(offset).find(|found| found.function().name() == function)?;
        Some(same.line()).filter(|line| *line > 0)
    };
    let before = (1..=NEAR).map_while(|back| offset.checked_sub(back)).find_map(at);
    before.or_else(|| (1..=NEAR).map(|on| offset.saturating_add(on)).find_map(at))
}

/// Names that tools make up for a stretch of a file without symbols: `<.plt.got ELF section in press>`.
fn is_section(name: &str) -> bool {
    name.starts_with("<.") && name.contains(" ELF section in ")
}

/// The debug id that belongs to a build id of ELF: its first 16 bytes as a UUID, the first three fields turned round.
pub(super) fn debug_id_of_build(build_id: &str) -> Option<String> {
    let hex: String = build_id.chars().filter(char::is_ascii_hexdigit).collect();
    let mut bytes =
        (0..16).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()).collect::<Option<Vec<u8>>>()?;
    bytes[0..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    debug_key(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// A debug id in the one form that files and events are compared by: small letters, with the age where it is not 0.
pub fn debug_key(text: &str) -> Option<String> {
    let text = text.trim();
    let parsed = text.parse::<DebugId>().or_else(|_| DebugId::from_breakpad(text)).ok().filter(|id| !id.is_nil())?;
    Some(parsed.to_string().to_ascii_lowercase())
}

/// A code id in the one form that files and events are compared by.
pub fn code_key(text: &str) -> Option<String> {
    let id = CodeId::new(text.trim().to_owned());
    (!id.is_nil() && id.as_str().len() <= CODE_ID_BYTES).then(|| id.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_form() {
        let plain = "9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73";
        let want = Some(plain.to_owned());
        for text in ["9EE0BAF44B6E50D77A8EFC7ED3144B730", "9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73"] {
            assert_eq!(debug_key(text), want, "{text}");
        }
        assert_eq!(debug_key("9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73-a"), Some(format!("{plain}-a")));
        for bad in ["", "0", "00000000-0000-0000-0000-000000000000", "no id"] {
            assert_eq!(debug_key(bad), None, "{bad}");
        }
        assert_eq!(code_key("5AB380779000"), Some("5ab380779000".to_owned()));
        assert_eq!(code_key(""), None);
        assert_eq!(
            debug_id_of_build("f4bae09e6e4bd7507a8efc7ed3144b73aabbccdd").as_deref(),
            Some("9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73")
        );
        assert_eq!(debug_id_of_build("f4ba"), None);
    }

    #[test]
    fn what_is_broken_names_nothing() {
        let (symcache, cfi) = (b"SYMC\xff\xff\xff\xff rubbish".to_vec(), b"no rules \xff".to_vec());
        let object = Object::new(Found { symcache, cfi, dart: b"[1]".to_vec(), ..Found::default() });
        assert!(!object.has_functions() && object.places(16).is_empty() && object.knows(16).is_none());
    }
}
