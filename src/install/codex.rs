//! TOML, as Codex has it.

use serde_json::{Map, Value};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, value};

use super::{Change, Refusal, client::Style, entry::OWN_KEYS};

const KEY: &str = "mcp_servers";

pub(super) fn edit(name: &str, before: &str, change: &Change) -> Result<String, Refusal> {
    let mut document = parse(before)?;
    let was = document.clone();
    match change {
        Change::Put(entry) => {
            let wanted = entry.value(Style::Codex)?;
            put(servers(&mut document)?, name, &wanted)?;
        }
        Change::Remove => {
            if let Some(item) = document.get_mut(KEY) {
                let table = item.as_table_like_mut().ok_or_else(|| Refusal::Shape(KEY.to_owned()))?;
                table.remove(name);
            }
        }
    }
    let after = document.to_string();
    if plain(was, name) != plain(parse(&after)?, name) {
        return Err(Refusal::Collateral);
    }
    Ok(after)
}

fn parse(text: &str) -> Result<DocumentMut, Refusal> {
    text.parse().map_err(|error: toml_edit::TomlError| Refusal::Broken {
        format: "TOML",
        why: error.to_string().trim().replace('\n', " "),
    })
}

fn servers(document: &mut DocumentMut) -> Result<&mut dyn TableLike, Refusal> {
    let item = document.entry(KEY).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    item.as_table_like_mut().ok_or_else(|| Refusal::Shape(KEY.to_owned()))
}

fn put(servers: &mut dyn TableLike, name: &str, wanted: &Map<String, Value>) -> Result<(), Refusal> {
    if servers.get(name).is_none() {
        servers.insert(name, Item::Table(Table::new()));
        if servers.get(name).is_some_and(Item::is_none) {
            return Err(Refusal::Unusual("\"mcp_servers\" is written in one line; write it as [mcp_servers.NAME]"));
        }
    }
    let entry = servers.get_mut(name).and_then(Item::as_table_like_mut).ok_or_else(|| Refusal::Shape(name.into()))?;
    let gone: Vec<String> = entry.iter().map(|(key, _)| key.to_owned()).collect();
    for key in gone.iter().filter(|key| OWN_KEYS.contains(&key.as_str()) && !wanted.contains_key(*key)) {
        if key != "enabled" && key != "timeout" {
            entry.remove(key);
        }
    }
    for (key, wanted) in wanted {
        let new = item(wanted);
        let same = entry.get(key).is_some_and(|old| old.to_string().trim() == new.to_string().trim());
        if !same {
            entry.insert(key, new);
        }
    }
    Ok(())
}

fn item(wanted: &Value) -> Item {
    match wanted {
        Value::String(text) => value(text.as_str()),
        Value::Bool(yes) => value(*yes),
        Value::Array(list) => value(list.iter().filter_map(Value::as_str).collect::<Array>()),
        other => value(other.to_string()),
    }
}

/// What the document says beside the entry, with neither order nor spacing.
fn plain(mut document: DocumentMut, name: &str) -> String {
    let empty = match document.get_mut(KEY).and_then(Item::as_table_like_mut) {
        Some(table) => {
            table.remove(name);
            table.is_empty()
        }
        None => false,
    };
    if empty {
        document.remove(KEY);
    }
    let mut lines: Vec<String> = flat("", document.as_table());
    lines.sort();
    lines.join("\n")
}

fn flat(path: &str, table: &dyn TableLike) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, item) in table.iter() {
        let path = format!("{path}\u{0}{key}");
        match (item.as_table_like(), item.as_array_of_tables()) {
            (Some(inner), _) => lines.extend(flat(&path, inner)),
            (None, Some(list)) => {
                for (at, inner) in list.iter().enumerate() {
                    lines.extend(flat(&format!("{path}\u{0}{at}"), inner));
                }
            }
            (None, None) => lines.push(format!("{path}={}", item.to_string().trim())),
        }
    }
    lines
}
