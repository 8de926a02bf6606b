//! What is written by the program is as the program writes it now.

use std::{fs, path::Path};

use prodsignal::{cli, tools::TOOLS};

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
    let shown: Vec<_> = TOOLS
        .iter()
        .map(|t| serde_json::json!({ "name": t.name, "description": t.about, "inputSchema": (t.input)() }))
        .collect();
    let text = serde_json::Value::from(shown).to_string();
    let tokens = tiktoken_rs::o200k_base().unwrap().encode_ordinary(&text).len();
    assert!(tokens <= 2_400, "all tools cost {tokens} tokens; they may cost 2,400");
}

#[test]
fn schemas_are_of_the_kind_that_all_clients_read() {
    for tool in TOOLS {
        for (what, schema) in [("input", (tool.input)()), ("output", (tool.output)())] {
            let schema = serde_json::Value::Object(schema);
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
