//! Uploaded files with symbols: ELF, Mach-O, PE, PDB, WebAssembly, Breakpad's text, bundles of sources, mappings of R8
//! and of Dart. Each becomes what lookups need; the file itself is not kept.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proguard::ProguardMapping;
use symbolic_cfi::CfiCache;
use symbolic_debuginfo::{Archive, FileFormat, Object as DebugObject, ParseObjectOptions};
use symbolic_symcache::SymCacheConverter;

use super::{cabinet, code_key, debug_key};

/// Largest section of a file, unpacked, in bytes.
const SECTION_BYTES: usize = 512 << 20;
/// Largest file in a cabinet, in bytes.
const PACKED_BYTES: usize = 512 << 20;
/// Largest source file, and all of them, in bytes.
const SOURCE_BYTES: usize = 8 << 20;
const SOURCES_BYTES: usize = 512 << 20;
/// Most architectures of a file, and source files of a bundle.
const OBJECTS: usize = 32;
const SOURCES: usize = 50_000;
/// Deepest nesting of inlined calls that is kept.
const INLINE_DEPTH: u32 = 100;

/// What a file holds for one build of a program or library.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DebugFile {
    /// Debug id, as [`debug_key`] writes it.
    pub debug_id: String,
    /// Code id, as [`code_key`] writes it.
    pub code_id: Option<String>,
    /// Architecture: `x86_64`, `arm64` … `any` for mappings.
    pub arch: String,
    /// `elf`, `macho`, `pdb`, `pe`, `wasm`, `breakpad`, `sourcebundle`, `proguard`, `dartsymbolmap`.
    pub format: &'static str,
    /// `dbg`, `exe`, `lib`, `src` …: what kind of object it is.
    pub kind: String,
    /// What it is good for: `symtab`, `debug`, `unwind`, `sources`, `mapping`.
    pub features: Vec<&'static str>,
    /// What lookups need.
    pub found: Found,
}

/// The parts of a file that are kept; empty where it has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Functions and lines, in symbolic's format.
    pub symcache: Vec<u8>,
    /// Call-frame information, in Breakpad's text form.
    pub cfi: Vec<u8>,
    /// Source files.
    pub sources: Vec<Source>,
    /// Mapping of R8 or ProGuard, as it came.
    pub mapping: Vec<u8>,
    /// Names of Dart's types, as JSON: pairs of the plain name and the obfuscated one.
    pub dart: Vec<u8>,
}

/// A source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As the symbols name it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Why a file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DebugFileError {
    /// Of no known kind.
    #[error("not a file with symbols: known are ELF, Mach-O, PE, PDB, WebAssembly, Breakpad, source bundles, mappings")]
    Unknown,
    /// Of a known kind, and broken.
    #[error("the file is broken: {0}")]
    Broken(String),
    /// Nothing in it names a build.
    #[error("the file has no debug id: build with one (--build-id, -gcodeview …)")]
    NoId,
    /// It expands to more than is allowed.
    #[error("the file is too large: {0}")]
    TooLarge(&'static str),
}

/// Takes a file apart, in a cabinet or not. `name` and `debug_id` are what the sender says of it: mappings have no id of their own.
///
/// # Errors
/// See [`DebugFileError`].
pub fn read_debug_file(name: &str, debug_id: Option<&str>, bytes: &[u8]) -> Result<Vec<DebugFile>, DebugFileError> {
    let plain = |bytes: &[u8]| match Archive::peek(bytes) {
        FileFormat::Unknown => mapping(name, debug_id, bytes),
        _ => objects(bytes),
    };
    let read = || match cabinet::is_cabinet(bytes) {
        true => plain(&cabinet::unpacked(bytes, PACKED_BYTES).ok_or(DebugFileError::TooLarge(CABINET))?),
        false => plain(bytes),
    };
    // The readers are careful, but not ours; a fault in them costs this file and nothing else.
    let done = catch_unwind(AssertUnwindSafe(read));
    done.unwrap_or_else(|_| Err(DebugFileError::Broken("its reader gave up".to_owned())))
}

/// Why a cabinet was not taken.
const CABINET: &str = "its cabinet holds no file, or more than is allowed, or is cut";

fn broken(error: &dyn std::fmt::Display) -> DebugFileError {
    DebugFileError::Broken(error.to_string().chars().take(200).collect())
}

fn objects(bytes: &[u8]) -> Result<Vec<DebugFile>, DebugFileError> {
    let mut options = ParseObjectOptions::default();
    options.max_decompressed_section_size = Some(SECTION_BYTES);
    options.max_decompressed_embedded_source_size = Some(SOURCE_BYTES);
    options.max_inline_depth = Some(INLINE_DEPTH);
    let archive = Archive::parse_with_opts(bytes, options).map_err(|error| broken(&error))?;
    let mut files = Vec::new();
    for object in archive.objects().take(OBJECTS) {
        files.extend(of_object(&object.map_err(|error| broken(&error))?)?);
    }
    if files.is_empty() { Err(DebugFileError::NoId) } else { Ok(files) }
}

fn of_object(object: &DebugObject<'_>) -> Result<Option<DebugFile>, DebugFileError> {
    let Some(debug_id) = debug_key(&object.debug_id().to_string()) else { return Ok(None) };
    let mut file = DebugFile {
        debug_id,
        code_id: object.code_id().and_then(|id| code_key(id.as_str())),
        arch: object.arch().name().to_owned(),
        format: object.file_format().name(),
        kind: object.kind().name().to_owned(),
        ..DebugFile::default()
    };
    if object.file_format() == FileFormat::SourceBundle {
        file.features.push("sources");
        file.found.sources = sources(object)?;
        return Ok(Some(file));
    }
    if object.has_symbols() || object.has_debug_info() {
        file.found.symcache = symcache(object)?;
        file.features.extend(object.has_symbols().then_some("symtab"));
        file.features.extend(object.has_debug_info().then_some("debug"));
    }
    if object.has_unwind_info() {
        // Rules for one function that can't be read are left out; a file without any is of use all the same.
        let rules = CfiCache::from_object(object).map(|cache| cache.as_slice().to_vec());
        file.found.cfi = rules.unwrap_or_default();
        file.features.extend((!file.found.cfi.is_empty()).then_some("unwind"));
    }
    Ok(Some(file))
}

fn symcache(object: &DebugObject<'_>) -> Result<Vec<u8>, DebugFileError> {
    let mut converter = SymCacheConverter::new();
    converter.process_object(object).map_err(|error| broken(&error))?;
    let mut bytes = Vec::new();
    converter.serialize(&mut bytes).map_err(|error| broken(&error))?;
    Ok(bytes)
}

fn sources(object: &DebugObject<'_>) -> Result<Vec<Source>, DebugFileError> {
    let session = object.debug_session().map_err(|error| broken(&error))?;
    let mut sources = Vec::new();
    let mut bytes = 0;
    for file in session.files() {
        let path = file.map_err(|error| broken(&error))?.abs_path_str();
        let found = session.source_by_path(&path).map_err(|error| broken(&error))?;
        let Some(text) = found.as_ref().and_then(|found| found.contents()) else { continue };
        bytes += text.len();
        if bytes > SOURCES_BYTES || sources.len() >= SOURCES {
            return Err(DebugFileError::TooLarge("its sources expand to more than is allowed"));
        }
        sources.push(Source { path, text: text.to_owned() });
    }
    Ok(sources)
}

/// Mappings are text: R8's, or a list of Dart's names.
fn mapping(name: &str, debug_id: Option<&str>, bytes: &[u8]) -> Result<Vec<DebugFile>, DebugFileError> {
    let from_name = || {
        let base = name.rsplit('/').next().unwrap_or(name);
        debug_key(base.split_once('.').map_or(base, |(id, _)| id))
    };
    let id = debug_id.and_then(debug_key).or_else(from_name);
    let mut file = DebugFile { arch: "any".into(), kind: "dbg".into(), ..DebugFile::default() };
    if bytes.trim_ascii_start().starts_with(b"[") {
        let names: Vec<String> = serde_json::from_slice(bytes).map_err(|error| broken(&error))?;
        if !names.len().is_multiple_of(2) {
            return Err(DebugFileError::Broken("a map of Dart's names has pairs".to_owned()));
        }
        (file.format, file.found.dart) = ("dartsymbolmap", bytes.to_vec());
    } else {
        let mapping = ProguardMapping::new(bytes);
        if !mapping.is_valid() {
            return Err(DebugFileError::Unknown);
        }
        (file.format, file.found.mapping) = ("proguard", bytes.to_vec());
    }
    file.features.push("mapping");
    file.debug_id = id.ok_or(DebugFileError::NoId)?;
    Ok(vec![file])
}
