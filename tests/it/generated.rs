//! What is written by the program is as the program writes it now.

use std::{fs, path::Path};

use prodsignal::{cli, tools::TOOLS};
use serde_json::{Value, json};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_published_schemas_are_those_of_the_tools() {
    let folder = Path::new(ROOT).join("schemas");
    for tool in TOOLS {
        let file = folder.join(format!("{}.json", tool.name));
        let published = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(published, cli::schema_text(tool), "{} is stale: run `cargo run -- schemas`", file.display());
    }
    let published = fs::read_dir(folder).unwrap().count();
    assert_eq!(published, TOOLS.len(), "schemas/ has a file of no tool");
}

#[test]
fn the_readme_lists_the_tools() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- tools -->\n").expect("a mark where the table begins");
    let (table, _) = rest.split_once("<!-- /tools -->").expect("a mark where the table ends");
    let mut wanted = String::from("| tool | what it answers |\n|---|---|\n");
    for tool in TOOLS {
        wanted += &format!("| `{}` | {} |\n", tool.name, tool.about);
    }
    assert_eq!(table, wanted, "put this between the marks in README.md:\n{wanted}");
}

#[test]
fn tools_are_sorted_and_named_once_and_cheap_to_list() {
    let names: Vec<_> = TOOLS.iter().map(|t| t.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
    for name in names {
        assert!(name.len() <= 30 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
    }
    let (mut asked, mut whole) = (Vec::new(), Vec::new());
    for tool in TOOLS {
        let mut listed = json!({ "name": tool.name, "description": tool.about, "inputSchema": (tool.input)() });
        asked.push(listed.clone());
        listed["title"] = tool.title.into();
        listed["outputSchema"] = (tool.output)().into();
        listed["annotations"] = json!({ "title": tool.title, "readOnlyHint": !tool.writes,
            "destructiveHint": tool.writes, "idempotentHint": true, "openWorldHint": false });
        whole.push(listed);
    }
    for (what, listed, most) in [("names, texts and inputs", asked, 1_800), ("tools/list", whole, 6_000)] {
        let text = Value::from(listed).to_string();
        let tokens = tiktoken_rs::o200k_base().unwrap().encode_ordinary(&text).len();
        assert!(tokens <= most, "{what} cost {tokens} tokens; they may cost {most}");
    }
}

/// Every schema within a schema, by its path.
fn each<'s>(schema: &'s Value, path: &str, see: &mut impl FnMut(&str, &'s Value)) {
    see(path, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        each(field, &format!("{path}.{name}"), see);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(inner).filter(|inner| !inner.is_boolean()) {
            each(inner, &format!("{path}[]"), see);
        }
    }
}

/// Vertex AI wants `anyOf` alone in its schema, OpenAI's strict mode closed objects, Gemini's enums are of texts, Copilot
/// refuses boolean schemas, Claude takes an untyped value for a text: words that all of them read.
#[test]
fn inputs_are_written_in_the_dialect_that_every_vendor_takes() {
    const WORDS: &[&str] = &["type", "description", "enum", "items", "properties", "required", "additionalProperties"];
    for tool in TOOLS {
        assert!(tool.about.len() <= 1_024 && format!("mcp__prodsignal__{}", tool.name).len() <= 60, "{}", tool.name);
        let input = Value::Object((tool.input)());
        each(&input, tool.name, &mut |path, schema| {
            let words: Vec<_> = schema.as_object().unwrap_or_else(|| panic!("{path}: no object")).keys().collect();
            assert!(words.iter().all(|word| WORDS.contains(&word.as_str())), "{path}: {words:?}");
            let kind = schema["type"].as_str().unwrap_or_else(|| panic!("{path}: no single type"));
            match kind {
                "object" => {
                    assert_eq!(schema["additionalProperties"], false, "{path}");
                    assert!(schema["properties"].as_object().is_some_and(|fields| !fields.is_empty()), "{path}");
                }
                "array" => assert!(schema["items"]["type"].is_string(), "{path}"),
                other => assert!(["string", "integer", "number", "boolean"].contains(&other), "{path}: {other}"),
            }
            assert!(schema.get("enum").is_none() || kind == "string", "{path}");
        });
        each(&Value::Object((tool.output)()), tool.name, &mut |path, schema| {
            assert!(schema["type"].is_string(), "{path} of the output has no single type");
            assert!(schema.get("description").is_none(), "{path} of the output says what its name says");
        });
    }
}

#[test]
fn schemas_are_of_the_kind_that_all_clients_read() {
    for tool in TOOLS {
        for (what, schema) in [("input", (tool.input)()), ("output", (tool.output)())] {
            let schema = Value::Object(schema);
            assert_eq!(schema["type"], "object", "{} {what}", tool.name);
            jsonschema::draft202012::new(&schema).unwrap_or_else(|e| panic!("{} {what}: {e}", tool.name));
            let text = schema.to_string();
            for word in ["\"$ref\"", "\"$defs\"", "\"format\":\"", "\"null\""] {
                assert!(!text.contains(word), "{} {what} has {word}", tool.name);
            }
        }
        assert!((tool.output)().get("required").is_none(), "{}: failures must fit the output schema too", tool.name);
    }
}
