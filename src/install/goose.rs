//! YAML, as Goose has it: one block below `extensions:`, edited by lines and read back.

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Map, Value};

use super::{Change, Refusal, client::Style};

const KEY: &str = "extensions";

pub(super) fn edit(name: &str, before: &str, change: &Change) -> Result<String, Refusal> {
    read(before)?;
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    let block = Block::find(&lines)?;
    match change {
        Change::Put(entry) => {
            let wanted = entry.value(Style::Goose)?;
            put(&mut lines, block, name, &wanted);
        }
        Change::Remove => {
            if let Some((start, end)) = block.and_then(|block| block.child(&lines, name)) {
                lines.drain(start..end);
            }
        }
    }
    let mut after = lines.join("\n");
    if (before.ends_with('\n') || before.is_empty()) && !after.is_empty() {
        after.push('\n');
    }
    check(before, &after, name, matches!(change, Change::Put(_)))?;
    Ok(after)
}

/// The block of extensions, by lines.
struct Block {
    head: usize,
    /// After its last line.
    end: usize,
    indent: usize,
}

impl Block {
    fn find(lines: &[String]) -> Result<Option<Self>, Refusal> {
        let heads: Vec<usize> =
            (0..lines.len()).filter(|at| indent(&lines[*at]) == 0 && key_of(&lines[*at]) == Some(KEY)).collect();
        let head = match heads.as_slice() {
            [] => return Ok(None),
            [head] => *head,
            _ => return Err(Refusal::Twice(KEY.to_owned())),
        };
        let rest = lines[head].split_once(':').map_or("", |(_, rest)| rest).trim();
        let rest = if rest.starts_with('#') { "" } else { rest };
        if !matches!(rest, "" | "{}" | "null" | "~") {
            return Err(Refusal::Unusual("\"extensions\" is written in one line; write each extension as a block"));
        }
        let mut end = head + 1;
        for (at, line) in lines.iter().enumerate().skip(head + 1) {
            let trimmed = line.trim_start();
            if trimmed.is_empty() || trimmed.starts_with('#') && indent(line) == 0 {
                continue;
            }
            if indent(line) == 0 {
                break;
            }
            end = at + 1;
        }
        let first =
            lines[head + 1..end].iter().find(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
        Ok(Some(Self { head, end, indent: first.map_or(2, |line| indent(line)) }))
    }

    /// Lines of one extension.
    fn child(&self, lines: &[String], name: &str) -> Option<(usize, usize)> {
        let is_child = |line: &String| indent(line) == self.indent && !line.trim_start().starts_with('#');
        let start = (self.head + 1..self.end).find(|at| is_child(&lines[*at]) && key_of(&lines[*at]) == Some(name))?;
        let next = |at: &usize| indent(&lines[*at]) <= self.indent && !lines[*at].trim().is_empty();
        Some((start, (start + 1..self.end).find(next).unwrap_or(self.end)))
    }
}

fn put(lines: &mut Vec<String>, block: Option<Block>, name: &str, wanted: &Map<String, Value>) {
    let step = |n: usize| " ".repeat(n);
    let block = block.unwrap_or_else(|| {
        lines.push(format!("{KEY}:"));
        Block { head: lines.len() - 1, end: lines.len(), indent: 2 }
    });
    if block.end == block.head + 1 {
        lines[block.head] = format!("{KEY}:");
    }
    let mut new = vec![format!("{}{name}:", step(block.indent))];
    for (key, value) in wanted {
        new.push(format!("{}{key}: {}", step(block.indent * 2), scalar(value)));
    }
    match block.child(lines, name) {
        None => drop(lines.splice(block.end..block.end, new)),
        Some((start, end)) => {
            // Lines that a person added stay.
            let kept: Vec<String> = lines[start + 1..end]
                .iter()
                .filter(|line| {
                    indent(line) > block.indent * 2 || key_of(line).is_none_or(|key| !wanted.contains_key(key))
                })
                .cloned()
                .collect();
            drop(lines.splice(start..end, new.into_iter().chain(kept)));
        }
    }
}

/// JSON's own form, which YAML reads.
fn scalar(value: &Value) -> String {
    value.to_string()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start().split_once(':')?;
    let key = key.trim();
    (!key.starts_with(['#', '-'])).then(|| key.trim_matches(['"', '\'']))
}

fn read(text: &str) -> Result<Option<Yaml<'_>>, Refusal> {
    let broken = |why: String| Refusal::Broken { format: "YAML", why };
    let mut documents = Yaml::load_from_str(text).map_err(|error| broken(error.to_string()))?;
    match documents.len() {
        0 => Ok(None),
        1 => match documents.remove(0) {
            mapping @ Yaml::Mapping(_) => Ok(Some(mapping)),
            other if other.is_null() => Ok(None),
            _ => Err(Refusal::Shape("the whole file".to_owned())),
        },
        _ => Err(Refusal::Unusual("the file holds several documents")),
    }
}

/// That nothing but the entry has changed.
fn check(before: &str, after: &str, name: &str, wanted: bool) -> Result<(), Refusal> {
    let (was, now) = (read(before)?, read(after)?);
    let there = entry(now.as_ref(), name).is_some();
    if there == wanted && others(was.as_ref(), name) == others(now.as_ref(), name) {
        Ok(())
    } else {
        Err(Refusal::Collateral)
    }
}

fn entry<'a, 'b>(document: Option<&'a Yaml<'b>>, name: &str) -> Option<&'a Yaml<'b>> {
    document?.as_mapping_get(KEY)?.as_mapping_get(name)
}

/// What stands beside the entry, by path.
fn others(document: Option<&Yaml<'_>>, name: &str) -> Vec<String> {
    let Some(Yaml::Mapping(map)) = document else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in map {
        match value {
            Yaml::Mapping(inner) if key.as_str() == Some(KEY) => {
                let rest = inner.iter().filter(|(key, _)| key.as_str() != Some(name));
                found.extend(rest.map(|(key, value)| format!("{KEY}/{key:?}={value:?}")));
            }
            value if key.as_str() == Some(KEY) && value.is_null() => {}
            value => found.push(format!("{key:?}={value:?}")),
        }
    }
    found
}
