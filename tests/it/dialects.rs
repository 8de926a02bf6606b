//! The dialects of JSON Schema that vendors read, each held by a test of its own. Every tool's schemas are looked at as they
//! are published.

use prodsignal::tools::TOOLS;
use serde_json::{Map, Value};

/// Every schema within a schema, with its path and depth.
fn each<'s>(schema: &'s Value, path: &str, depth: usize, see: &mut impl FnMut(&str, usize, &'s Value)) {
    see(path, depth, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        each(field, &format!("{path}.{name}"), depth + 1, see);
    }
    if let Some(items) = schema.get("items") {
        each(items, &format!("{path}[]"), depth + 1, see);
    }
}

/// Name, published input and output of each tool.
fn published() -> Vec<(&'static str, Value, Value)> {
    TOOLS.iter().map(|tool| (tool.name, (tool.input)().into(), (tool.output)().into())).collect()
}

fn words(schema: &Value) -> Vec<&str> {
    schema.as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// Anthropic, Messages API: names of tools and properties by a pattern, an object at the root, no alternatives there.
#[test]
fn anthropic() {
    let fits = |name: &str, more: &str, longest: usize| {
        (1..=longest).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    for (tool, input, _) in published() {
        assert!(fits(&format!("mcp__prodsignal__{tool}"), "_-", 64), "{tool}");
        assert_eq!(input["type"], "object", "{tool}");
        for word in ["oneOf", "anyOf", "allOf"] {
            assert!(input.get(word).is_none(), "{tool}: {word}");
        }
        each(&input, tool, 0, &mut |path, _, schema| {
            let names = schema["properties"].as_object().into_iter().flatten();
            names.for_each(|(name, _)| assert!(fits(name, "_.-", 64), "{path}.{name}"));
        });
    }
}

/// OpenAI, function calling: names, lengths, an object with properties at the root, arrays that say of what.
#[test]
fn openai() {
    for (tool, input, _) in published() {
        let about = TOOLS.iter().find(|listed| listed.name == tool).unwrap().about;
        assert!(tool.len() <= 64 && about.len() <= 1_024, "{tool}");
        assert!(input["type"] == "object" && input["properties"].is_object(), "{tool}");
        each(&input, tool, 0, &mut |path, _, schema| {
            assert!(schema["type"] != "array" || schema["items"]["type"].is_string(), "{path}: an array of what?");
        });
    }
}

/// OpenAI, strict: what its libraries make of a schema (closed objects, all properties required, optional ones nullable)
/// keeps within Structured Outputs.
#[test]
fn openai_strict() {
    const READ: &[&str] = &["type", "description", "enum", "items", "properties", "required", "additionalProperties"];
    for (tool, input, _) in published() {
        let strict = made_strict(&input);
        let (mut properties, mut choices, mut letters) = (0, 0, 0);
        each(&strict, tool, 0, &mut |path, depth, schema| {
            assert!(depth <= 5, "{path}: nested too deep");
            assert!(words(schema).iter().all(|word| READ.contains(word)), "{path}: {:?}", words(schema));
            let fields = schema["properties"].as_object();
            if let Some(fields) = fields {
                assert_eq!(schema["additionalProperties"], false, "{path}");
                assert_eq!(schema["required"].as_array().map(Vec::len), Some(fields.len()), "{path}");
                properties += fields.len();
                letters += fields.keys().map(String::len).sum::<usize>();
            }
            let values = schema["enum"].as_array().into_iter().flatten();
            values.for_each(|value| {
                choices += 1;
                letters += value.as_str().map_or(0, str::len);
            });
        });
        assert!(properties <= 100 && choices <= 500 && letters <= 15_000, "{tool}: {properties} {choices} {letters}");
    }
}

fn made_strict(schema: &Value) -> Value {
    let Value::Object(map) = schema else { return schema.clone() };
    let mut made: Map<String, Value> = map.clone();
    if let Some(fields) = map.get("properties").and_then(Value::as_object) {
        let required: Vec<&str> =
            schema["required"].as_array().map_or(Vec::new(), |names| names.iter().filter_map(Value::as_str).collect());
        let strict = fields.iter().map(|(name, field)| {
            let mut field = made_strict(field);
            if !required.contains(&name.as_str()) {
                field["type"] = vec![field["type"].clone(), "null".into()].into();
            }
            (name.clone(), field)
        });
        made.insert("properties".into(), strict.collect::<Map<_, _>>().into());
        made.insert("required".into(), fields.keys().cloned().collect());
        made.insert("additionalProperties".into(), false.into());
    }
    if let Some(items) = map.get("items") {
        made.insert("items".into(), made_strict(items));
    }
    made.into()
}

/// Gemini API, `FunctionDeclaration.parameters`: the subset of OpenAPI 3.0, one type each, enums of texts alone. What it does
/// not know (`additionalProperties`) is left out for its clients.
#[test]
fn gemini() {
    const READ: &[&str] =
        &["type", "format", "title", "description", "nullable", "enum", "items", "properties", "required"];
    for (tool, input, _) in published() {
        assert!(tool.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && tool.len() <= 63, "{tool}");
        each(&input, tool, 0, &mut |path, depth, schema| {
            let others: Vec<&str> = words(schema).into_iter().filter(|word| !READ.contains(word)).collect();
            assert!(others.is_empty() || (depth == 0 && others == ["additionalProperties"]), "{path}: {others:?}");
            let kind = schema["type"].as_str().unwrap_or_else(|| panic!("{path}: no single type"));
            assert!(schema.get("enum").is_none() || kind == "string", "{path}: an enum of {kind}");
            assert!(kind != "object" || schema["properties"].as_object().is_some_and(|all| !all.is_empty()), "{path}");
            let empty = schema["enum"].as_array().is_some_and(|values| values.iter().any(|value| value == ""));
            assert!(!empty, "{path}: an empty text in an enum");
        });
    }
}

/// Vertex AI refuses a schema with `anyOf` and anything beside it, references, and required names without a property.
#[test]
fn vertex() {
    for (tool, input, _) in published() {
        each(&input, tool, 0, &mut |path, _, schema| {
            for word in ["anyOf", "oneOf", "allOf", "$ref", "$defs", "const", "default", "not"] {
                assert!(schema.get(word).is_none(), "{path}: {word}");
            }
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(schema["properties"].get(name.as_str().unwrap()).is_some(), "{path}: {name} is nowhere");
            }
        });
    }
}

/// google-genai turns types to capitals and refuses words that its `Schema` has no field for; `clients.rs` runs the library.
#[test]
fn google_genai() {
    const TYPES: &[&str] = &["string", "number", "integer", "boolean", "array", "object"];
    for (tool, input, output) in published() {
        for schema in [&input, &output] {
            each(schema, tool, 0, &mut |path, _, schema| {
                assert!(
                    schema["type"].as_str().is_some_and(|kind| TYPES.contains(&kind)),
                    "{path}: {}",
                    schema["type"]
                );
            });
        }
    }
}

/// VS Code validates each tool's input before it offers the tool: arrays need items, names a pattern, no boolean schemas.
#[test]
fn vs_code() {
    for (tool, input, output) in published() {
        assert!(tool.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{tool}");
        for schema in [&input, &output] {
            each(schema, tool, 0, &mut |path, _, schema| {
                assert!(schema.is_object(), "{path}: a boolean schema");
                assert!(schema["type"] != "array" || schema.get("items").is_some_and(Value::is_object), "{path}");
            });
        }
    }
}

/// Cursor: server and tool together in sixty characters, forty tools of all servers, no untyped properties.
#[test]
fn cursor() {
    assert!(TOOLS.len() <= 20, "others need room too");
    for (tool, input, _) in published() {
        assert!("prodsignal".len() + 1 + tool.len() <= 60, "{tool}");
        each(&input, tool, 0, &mut |path, _, schema| assert!(schema["type"].is_string(), "{path}: no type"));
    }
}

/// The Inspector with `--strict` compiles schemas by Ajv in strict mode: no unknown words, no words of another type, required
/// names that are properties; `clients.rs` runs it.
#[test]
fn inspector_strict() {
    for (tool, input, output) in published() {
        for schema in [&input, &output] {
            jsonschema::draft202012::new(schema).unwrap_or_else(|error| panic!("{tool}: {error}"));
            each(schema, tool, 0, &mut |path, _, schema| {
                let of = |word: &str, kind: &str| {
                    assert!(schema.get(word).is_none() || schema["type"] == kind, "{path}: {word}")
                };
                of("properties", "object");
                of("required", "object");
                of("items", "array");
                assert!(schema.get("format").is_none(), "{path}: a format that Ajv does not know");
            });
        }
    }
}
