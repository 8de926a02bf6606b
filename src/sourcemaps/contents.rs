//! Sources that were uploaded beside a map which does not hold them (`sentry-cli sourcemaps upload --no-rewrite`).

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    bundle::{ArtifactFile, BundleError},
    paths::join,
};

/// The sources of a bundle: paths in it by their address.
pub(super) struct Sources<'a>(HashMap<&'a str, &'a str>);

impl<'a> Sources<'a> {
    pub(super) fn of(files: &'a Map<String, Value>) -> Self {
        let source = |(path, said): (&'a String, &'a Value)| {
            (said.get("type")?.as_str()? == "source").then_some(())?;
            Some((said.get("url")?.as_str()?, path.as_str()))
        };
        Self(files.iter().filter_map(source).collect())
    }

    /// Puts sources that the map names and does not hold into it.
    pub(super) fn fill(
        &self,
        map: &mut ArtifactFile,
        mut read: impl FnMut(&str) -> Result<Vec<u8>, BundleError>,
    ) -> Result<(), BundleError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(&map.bytes) else { return Ok(()) };
        let mut filled = false;
        for map_of in maps(&mut value) {
            filled |= self.fill_one(map_of, &map.url, &mut read)?;
        }
        if filled {
            map.bytes = value.to_string().into_bytes();
        }
        Ok(())
    }

    fn fill_one(
        &self,
        map: &mut Value,
        url: &str,
        read: &mut dyn FnMut(&str) -> Result<Vec<u8>, BundleError>,
    ) -> Result<bool, BundleError> {
        let root = map.get("sourceRoot").and_then(Value::as_str).unwrap_or("").trim_end_matches('/').to_owned();
        let names: Vec<String> = texts(map.get("sources")).map(|name| name.unwrap_or("").to_owned()).collect();
        let mut contents: Vec<Value> = map.get("sourcesContent").and_then(Value::as_array).cloned().unwrap_or_default();
        contents.resize(names.len(), Value::Null);
        let mut filled = false;
        for (name, content) in names.iter().zip(&mut contents).filter(|(_, content)| !content.is_string()) {
            let path = if root.is_empty() { name.clone() } else { format!("{root}/{name}") };
            let Some(file) = self.0.get(join(url, &path).as_str()).or_else(|| self.0.get(path.as_str())) else {
                continue;
            };
            *content = String::from_utf8_lossy(&read(file)?).into_owned().into();
            filled = true;
        }
        if filled {
            map["sourcesContent"] = contents.into();
        }
        Ok(filled)
    }
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = Option<&str>> {
    list.and_then(Value::as_array).into_iter().flatten().map(Value::as_str)
}

/// A map, or those in the sections of an index map.
fn maps(value: &mut Value) -> Vec<&mut Value> {
    if value.get("sections").is_some_and(Value::is_array) {
        let sections = value["sections"].as_array_mut().into_iter().flatten();
        return sections.filter_map(|section| section.get_mut("map")).filter(|map| map.is_object()).collect();
    }
    if value.is_object() { vec![value] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sourcemaps::bundle::FileKind;

    #[test]
    fn a_map_gets_the_sources_that_came_beside_it() {
        let files = json!({ "files/a": { "type": "source", "url": "~/src/a.ts" } });
        let sources = Sources::of(files.as_object().unwrap());
        let bytes = json!({ "version": 3, "sources": ["../src/a.ts", "b.ts"], "names": [], "mappings": "" });
        let mut map = ArtifactFile {
            kind: FileKind::Map,
            url: "~/dist/a.js.map".into(),
            debug_id: None,
            map_reference: None,
            bytes: bytes.to_string().into_bytes(),
        };
        sources.fill(&mut map, |path| Ok(format!("text of {path}").into_bytes())).unwrap();
        let filled: Value = serde_json::from_slice(&map.bytes).unwrap();
        assert_eq!(filled["sourcesContent"], json!(["text of files/a", null]));
    }
}
