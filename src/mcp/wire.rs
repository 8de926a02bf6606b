//! One message as it comes from a peer, read the same way on every transport.
//!
//! Peers send bytes that are not UTF-8, halves of surrogate pairs (`JSON.stringify` writes them), `[]` or `""` for no
//! arguments, `null` for no parameters. What has a plain meaning is taken; what has none is answered with a JSON-RPC
//! error that bears the request's id, so that nobody waits in vain.

use std::borrow::Cow;

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorCode, ErrorData, JsonRpcError, NumberOrString};
use serde_json::{Map, Value, json};

/// What bytes from a peer are.
pub enum Incoming {
    /// A message that can be handed over.
    Message(Box<ClientJsonRpcMessage>),
    /// What to answer instead.
    Refused(JsonRpcError),
    /// Nothing that wants an answer.
    Nothing,
}

/// Reads one message.
pub fn read(bytes: &[u8]) -> Incoming {
    match mended(bytes) {
        Ok(None) => Incoming::Nothing,
        Ok(Some(value)) => checked(&value),
        Err(refusal) => Incoming::Refused(refusal),
    }
}

/// The message as JSON that the protocol's types can read; `None` for white space.
#[expect(clippy::result_large_err, reason = "a refused message is answered, not handed on")]
fn mended(bytes: &[u8]) -> Result<Option<Value>, JsonRpcError> {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes));
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = serde_json::from_str(&without_lone_surrogates(text));
    let mut value: Value = parsed.map_err(|e| error(id_in(text), ErrorCode::PARSE_ERROR, &format!("not JSON: {e}")))?;
    let Value::Object(message) = &mut value else {
        let why = if value.is_array() { "batches are not taken: send one message at a time" } else { "not an object" };
        return Err(error(None, ErrorCode::INVALID_REQUEST, why));
    };
    mend(message)?;
    Ok(Some(value))
}

#[expect(clippy::result_large_err, reason = "a refused message is answered, not handed on")]
fn mend(message: &mut Map<String, Value>) -> Result<(), JsonRpcError> {
    if let Some(id) = message.get("id").and_then(Value::as_f64).filter(|id| id.fract() == 0.0 && id.abs() < 9e15) {
        message.insert("id".into(), json!(id as i64));
    }
    let id = id_of(message);
    let method = message.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
    match message.get_mut("params") {
        Some(Value::Null) => _ = message.remove("params"),
        Some(Value::Array(list)) if list.is_empty() => _ = message.remove("params"),
        Some(Value::Object(params)) => {
            params
                .retain(|name, value| !(value.is_null() && ["_meta", "cursor", "arguments"].contains(&name.as_str())));
        }
        Some(_) if !method.is_empty() => return Err(error(id, ErrorCode::INVALID_PARAMS, "params is an object")),
        _ => {}
    }
    match method.as_str() {
        "tools/call" => {
            let params = message.entry("params").or_insert_with(|| json!({}));
            call(params).map_err(|why| error(id, ErrorCode::INVALID_PARAMS, why))
        }
        "initialize" => {
            greeting(message.entry("params").or_insert_with(|| json!({})));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Which tool, and its arguments as an object.
fn call(params: &mut Value) -> Result<(), &'static str> {
    let Value::Object(params) = params else { return Err("params is an object") };
    if !params.get("name").is_some_and(Value::is_string) {
        return Err("params.name is the name of a tool; tools/list has them all");
    }
    if !params.contains_key("arguments") {
        // Names that some clients have for it.
        let other = ["args", "input", "parameters"].into_iter().find(|name| params.contains_key(*name));
        if let Some(sent) = other.and_then(|name| params.remove(name)) {
            params.insert("arguments".into(), sent);
        }
    }
    let arguments = match params.get("arguments") {
        None | Some(Value::Object(_)) => return Ok(()),
        Some(Value::Array(list)) if list.is_empty() => json!({}),
        Some(Value::String(text)) if text.trim().is_empty() => json!({}),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Value::Object(map),
            _ => return Err("params.arguments is an object, such as {\"limit\":10}"),
        },
        Some(_) => return Err("params.arguments is an object, such as {\"limit\":10}"),
    };
    params.insert("arguments".into(), arguments);
    Ok(())
}

/// What a client says of itself, as far as it says it: a name or version that is missing stops nobody.
fn greeting(params: &mut Value) {
    let Value::Object(params) = params else { return };
    let has = |params: &Map<String, Value>, name: &str| params.get(name).is_some_and(Value::is_object);
    for name in ["capabilities", "clientInfo"] {
        if !has(params, name) {
            params.insert(name.into(), json!({}));
        }
    }
    if !params.get("protocolVersion").is_some_and(Value::is_string) {
        params.insert("protocolVersion".into(), json!("2025-03-26"));
    }
    for name in ["name", "version"] {
        if !params["clientInfo"][name].is_string() {
            params["clientInfo"][name] = json!("unknown");
        }
    }
}

/// The message in the protocol's types.
fn checked(value: &Value) -> Incoming {
    let Value::Object(message) = value else { return Incoming::Nothing };
    let id = id_of(message);
    let method = message.get("method").and_then(Value::as_str);
    let Some(method) = method else { return response(value, message, id) };
    if !message.contains_key("id") {
        // Nobody waits for the answer to a notification.
        return parsed(value).map_or(Incoming::Nothing, Incoming::Message);
    }
    if id.is_none() {
        return Incoming::Refused(error(None, ErrorCode::INVALID_REQUEST, "id is a text or a whole number"));
    }
    let known = METHODS.contains(&method);
    let read = |value: &Value| parsed(value).filter(|read| !(known && is_custom(read)));
    let read = read(value).or_else(|| (method == "initialize").then(|| read(&without_capabilities(value))).flatten());
    match read {
        Some(read) => Incoming::Message(read),
        None if known => Incoming::Refused(error(id, ErrorCode::INVALID_PARAMS, "params don't fit the method")),
        None => Incoming::Refused(error(id, ErrorCode::INVALID_REQUEST, "not a JSON-RPC 2.0 request")),
    }
}

/// Methods of the protocol: one that is read as an unknown method had wrong parameters.
const METHODS: &[&str] = &[
    "initialize",
    "server/discover",
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "resources/subscribe",
    "resources/unsubscribe",
    "subscriptions/listen",
    "completion/complete",
    "logging/setLevel",
];

fn response(value: &Value, message: &Map<String, Value>, id: Option<NumberOrString>) -> Incoming {
    match parsed(value) {
        Some(read) => Incoming::Message(read),
        None if message.contains_key("result") || message.contains_key("error") => Incoming::Nothing,
        None => Incoming::Refused(error(id, ErrorCode::INVALID_REQUEST, "method is a text")),
    }
}

fn parsed(value: &Value) -> Option<Box<ClientJsonRpcMessage>> {
    serde_json::from_value(value.clone()).ok().map(Box::new)
}

fn is_custom(message: &ClientJsonRpcMessage) -> bool {
    matches!(message, ClientJsonRpcMessage::Request(request) if matches!(request.request, ClientRequest::CustomRequest(_)))
}

/// Capabilities of a client are not used here: those of a shape that is not known yet are passed over.
fn without_capabilities(value: &Value) -> Value {
    let mut value = value.clone();
    let info = &value["params"]["clientInfo"];
    let info = json!({ "name": info["name"], "version": info["version"] });
    value["params"] = json!({
        "protocolVersion": value["params"]["protocolVersion"], "capabilities": {}, "clientInfo": info,
    });
    value
}

fn id_of(message: &Map<String, Value>) -> Option<NumberOrString> {
    serde_json::from_value(message.get("id")?.clone()).ok()
}

/// The id of a message that is no JSON, where the beginning of the message still tells it: whoever sent it waits for
/// that id.
fn id_in(text: &str) -> Option<NumberOrString> {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}', '[', ']', '"']) {
        let found = &rest[at..];
        rest = &found[1..];
        match found.as_bytes()[0] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {
                let (name, after) = string(rest)?;
                rest = after;
                let value = after.trim_start().strip_prefix(':').map(str::trim_start);
                if let Some(value) = value.filter(|_| depth == 1 && name == "id") {
                    return id_at(value);
                }
            }
        }
    }
    None
}

/// What a string says, from behind its first quote, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((&text[..end], &text[end + 1..]))
}

fn id_at(value: &str) -> Option<NumberOrString> {
    match value.strip_prefix('"') {
        Some(rest) => string(rest).map(|(id, _)| NumberOrString::String(id.into())),
        None => {
            let end = value.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(value.len());
            value[..end].parse().ok().map(NumberOrString::Number)
        }
    }
}

fn error(id: Option<NumberOrString>, code: ErrorCode, why: &str) -> JsonRpcError {
    JsonRpcError::new(id, ErrorData::new(code, why.to_owned(), None))
}

/// `\ud83d` without its other half becomes `\ufffd`: JSON allows it, UTF-8 has no such character.
fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // An escape is two characters, or six with a code; a broken one is left for the parser to refuse.
        let (length, shown) = match (code(rest), rest.get(6..).and_then(code)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, &rest[..12]),
            (Some(0xD800..=0xDFFF), _) => (6, "\\ufffd"),
            (Some(_), _) => (6, &rest[..6]),
            (None, _) => {
                let length = rest.chars().take(2).map(char::len_utf8).sum();
                (length, &rest[..length])
            }
        };
        out.push_str(shown);
        rest = &rest[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The code of an escape such as `\ud83d` at the text's start.
fn code(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &[u8]) -> Value {
        match read(text) {
            Incoming::Message(message) => serde_json::to_value(message).unwrap(),
            Incoming::Refused(refusal) => serde_json::to_value(refusal).unwrap(),
            Incoming::Nothing => Value::Null,
        }
    }

    fn called(params: &str) -> Value {
        told(format!(r#"{{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{params}}}"#).as_bytes())
    }

    #[test]
    fn a_call_without_arguments_is_one_however_that_is_written() {
        for arguments in ["", r#","arguments":null"#, r#","arguments":[]"#, r#","arguments":"""#, r#","arguments":{}"#]
        {
            let said = called(&format!(r#"{{"name":"x"{arguments}}}"#));
            assert_eq!(said["params"]["name"], "x", "{arguments}: {said}");
            assert!(said["params"].get("arguments").is_none_or(|a| a == &json!({})), "{said}");
        }
        assert_eq!(called(r#"{"name":"x","arguments":"{\"a\":1}"}"#)["params"]["arguments"], json!({ "a": 1 }));
    }

    #[test]
    fn what_is_no_json_is_answered_with_the_id_that_it_began_with() {
        for (sent, id) in [
            (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"x":NaN}}"#, json!(7)),
            (r#"{"jsonrpc":"2.0","id":"a\"b","method":"ping","params":{"id":3,}}"#, json!("a\\\"b")),
            (r#"{"method":"x","params":{"id":3,"t":"{\"id\":4"},"id": -5, bad"#, json!(-5)),
            (r#"{"params":{"id":3,"#, Value::Null),
            ("nonsense", Value::Null),
        ] {
            let said = told(sent.as_bytes());
            assert_eq!(said["error"]["code"], -32700, "{sent}: {said}");
            assert_eq!(said.get("id").cloned().unwrap_or_default(), id, "{sent}: {said}");
        }
    }

    #[test]
    fn arguments_by_another_name_are_taken() {
        assert_eq!(called(r#"{"name":"x","args":{"a":1}}"#)["params"]["arguments"], json!({ "a": 1 }));
        assert_eq!(called(r#"{"name":"x","input":"{\"a\":1}"}"#)["params"]["arguments"], json!({ "a": 1 }));
    }

    #[test]
    fn a_call_that_is_none_is_refused_with_its_id() {
        for params in ["null", "[]", "5", "\"x\"", "{}", r#"{"name":5}"#, r#"{"name":"x","arguments":[1]}"#] {
            let said = called(params);
            assert_eq!((&said["error"]["code"], &said["id"]), (&json!(-32602), &json!(3)), "{params}: {said}");
        }
        let said = told(br#"{"jsonrpc":"2.0","id":"a","method":"resources/read","params":{"uri":5}}"#);
        assert_eq!((&said["error"]["code"], &said["id"]), (&json!(-32602), &json!("a")), "{said}");
    }

    #[test]
    fn broken_text_is_answered_and_broken_characters_are_replaced() {
        assert_eq!(told(b"{nope")["error"]["code"], -32700);
        assert_eq!(told(b"[]")["error"]["code"], -32600);
        assert_eq!(told(br#"{"id":1}"#)["error"]["code"], -32600);
        assert_eq!(told(br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#)["error"]["code"], -32600);
        assert_eq!(told(b" \r\n"), Value::Null);
        for (sent, meant) in [
            (b"caf\xe9".as_slice(), "caf\u{fffd}"),
            (br"cart \ud83d", "cart \u{fffd}"),
            (br"\ude00 cart", "\u{fffd} cart"),
            (br"\ud83d\ude00", "\u{1f600}"),
            (br"\\ud83d", "\\ud83d"),
            (br"\ud83d\n\ud83d\ud83d\ude00", "\u{fffd}\n\u{fffd}\u{1f600}"),
        ] {
            let text = [br#"{"name":"x","arguments":{"q":""#, sent, br#""}}"#].concat();
            let line = [br#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":"#.as_slice(), &text, b"}"].concat();
            assert_eq!(told(&line)["params"]["arguments"]["q"], meant);
        }
    }

    #[test]
    fn a_greeting_is_taken_whatever_a_client_leaves_out_or_adds() {
        for params in [
            r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x"}}"#,
            r#"{"protocolVersion":"2025-06-18","capabilities":{"roots":true,"sampling":[],"tasks":5},"clientInfo":{"name":"x","version":"1","icons":7}}"#,
            r#"{"capabilities":null}"#,
            "null",
        ] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#);
            let Incoming::Message(message) = read(line.as_bytes()) else { panic!("{params}") };
            assert!(!is_custom(&message), "{params}");
        }
        assert_eq!(told(br#"{"jsonrpc":"2.0","id":5.0,"method":"ping"}"#)["id"], 5);
    }
}
