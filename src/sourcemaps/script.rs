//! A minified script and its map.

use sourcemap::{DecodedMap, SourceMapIndex, SourceView, Token, decode_slice};

use super::{
    functions::{Function, functions},
    units::Units,
};

/// Lines before and after that a frame gets.
const CONTEXT: u32 = 5;
/// Characters of a source line that are kept.
const LINE: usize = 300;

/// A script whose places can be looked up.
pub struct Script {
    pub(super) map: DecodedMap,
    pub(super) code: Option<Code>,
    size: usize,
}

/// The text of a script, taken apart.
pub(super) struct Code {
    pub(super) text: String,
    pub(super) functions: Vec<Function>,
    /// First byte of each line.
    lines: Vec<usize>,
    units: Units,
}

/// Why bytes are no source map.
#[derive(Debug, thiserror::Error)]
#[error("not a source map: {0}")]
pub struct MapError(String);

/// A place in the source.
pub(super) struct Place<'a> {
    pub(super) source: &'a str,
    /// From 1.
    pub(super) line: u32,
    /// From 1.
    pub(super) column: u32,
    pub(super) context: Option<Context>,
}

/// Lines of the source.
pub(super) struct Context {
    pub(super) before: Vec<String>,
    pub(super) line: String,
    pub(super) after: Vec<String>,
}

/// Whether these bytes are a source map that can be used.
///
/// # Errors
/// [`MapError`] says why not.
pub fn check_map(map: &[u8]) -> Result<(), MapError> {
    decoded(map).map(drop)
}

/// Reads a map. An index map, whose sections count their lines from where each begins, becomes one map.
fn decoded(map: &[u8]) -> Result<DecodedMap, MapError> {
    let fault = |error: sourcemap::Error| MapError(error.to_string());
    match decode_slice(map).map_err(fault)? {
        DecodedMap::Index(index) => {
            if let Some(url) = elsewhere(&index) {
                return Err(MapError(format!(
                    "a section of the index map refers to another file ({url}), which is not read"
                )));
            }
            index.flatten().map(DecodedMap::Regular).map_err(fault)
        }
        map => Ok(map),
    }
}

/// The address of a section that is not in the map itself.
fn elsewhere(index: &SourceMapIndex) -> Option<String> {
    let section = index.sections().find(|section| section.get_sourcemap().is_none())?;
    Some(section.get_url().unwrap_or("without an address").chars().take(200).collect())
}

/// Whether bytes are a script: React Native's bundles are bytecode of Hermes, or empty.
fn is_text(code: &[u8]) -> bool {
    !code.iter().take(1_024).any(|byte| *byte == 0) && !code.is_empty()
}

impl Script {
    /// Reads a map, and the script that it is of where that is known.
    ///
    /// # Errors
    /// [`MapError`] says why the map can't be read.
    pub fn new(map: &[u8], code: Option<&[u8]>) -> Result<Self, MapError> {
        let decoded = decoded(map)?;
        let code = code.filter(|code| is_text(code)).map(|code| Code::new(String::from_utf8_lossy(code).into_owned()));
        let size = |code: &Code| {
            code.text.len()
                + code.functions.len() * size_of::<Function>()
                + code.lines.len() * 8
                + code.units.size_bytes()
        };
        let functions = code.as_ref().map_or(0, size);
        // Mappings of a few characters each become tokens of 28 bytes; sources are kept as they are.
        Ok(Self { map: decoded, size: map.len() * 4 + functions, code })
    }

    /// About how many bytes of memory it takes.
    pub fn size_bytes(&self) -> usize {
        self.size
    }

    /// The token at a place of the script; both from 1. Columns count UTF-16 units.
    pub(super) fn token(&self, line: u64, column: u64) -> Option<Token<'_>> {
        let (line, column) = (u32::try_from(line).ok()?.checked_sub(1)?, u32::try_from(column).ok()?.checked_sub(1)?);
        // The nearest before may stand on another line: then nothing is known of this one.
        self.map.lookup_token(line, column).filter(|token| token.get_dst_line() == line && token.has_source())
    }

    /// The source's place for one of the script; both count from 1.
    pub(super) fn place(&self, line: u64, column: u64) -> Option<Place<'_>> {
        let token = self.token(line, column)?;
        let (line, column) = (token.get_src_line(), token.get_src_col());
        Some(Place {
            source: token.get_source()?,
            line: line.checked_add(1)?,
            column: column.checked_add(1)?,
            context: token.get_source_view().and_then(|view| context(view, line)),
        })
    }
}

fn context(view: &SourceView, line: u32) -> Option<Context> {
    let at = |line: u32| view.get_line(line).map(shortened);
    Some(Context {
        line: at(line)?,
        before: (line.saturating_sub(CONTEXT)..line).filter_map(at).collect(),
        after: (1..=CONTEXT).map_while(|n| at(line.checked_add(n)?)).collect(),
    })
}

fn shortened(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

impl Code {
    fn new(text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { functions: functions(&text), lines, units: Units::new(&text), text }
    }

    /// The byte at a place; both from 1.
    pub(super) fn byte(&self, line: u64, column: u64) -> Option<usize> {
        let start = *self.lines.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        let units = self.units.before(&self.text, start)?.saturating_add(column);
        Some(self.units.byte(&self.text, units))
    }

    /// The place of a byte; both from 1.
    pub(super) fn place(&self, byte: usize) -> Option<(u64, u64)> {
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = *self.lines.get(line.checked_sub(1)?)?;
        let column = self.units.before(&self.text, byte)? - self.units.before(&self.text, start)?;
        Some((line as u64, column as u64 + 1))
    }
}
