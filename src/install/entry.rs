//! What is registered, and how each kind of client writes it.

use serde_json::{Map, Value, json};

use super::{Refusal, client::Style};

/// How an agent reaches the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// It starts a program and talks over its standard input and output.
    Program {
        /// Absolute path, or a name that every shell finds.
        command: String,
        /// Words after it.
        args: Vec<String>,
    },
    /// It talks to a running server over HTTP.
    Url {
        /// Address of the MCP endpoint.
        url: String,
        /// Name of the environment variable that holds the token.
        token_variable: Option<String>,
    },
}

/// One server in an agent's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How it is reached.
    pub start: Start,
}

/// Keys that say how a server is reached: an update replaces these and leaves what a person added.
pub(super) const OWN_KEYS: [&str; 16] = [
    "type",
    "source",
    "command",
    "args",
    "cmd",
    "url",
    "serverUrl",
    "httpUrl",
    "uri",
    "headers",
    "http_headers",
    "bearer_token_env_var",
    "enabled",
    "name",
    "timeout",
    "bundled",
];

impl Entry {
    /// As the client's file has it.
    pub(super) fn value(&self, style: Style) -> Result<Map<String, Value>, Refusal> {
        let value = match &self.start {
            Start::Program { command, args } => program(style, command, args),
            Start::Url { url, token_variable } => remote(style, url, token_variable.as_deref())?,
        };
        let Value::Object(map) = value else { return Err(Refusal::Unsupported("the entry is no table")) };
        Ok(map)
    }
}

fn program(style: Style, command: &str, args: &[String]) -> Value {
    match style {
        Style::Typed => json!({ "type": "stdio", "command": command, "args": args }),
        Style::Plain | Style::ServerUrl | Style::HttpUrl | Style::Codex => json!({ "command": command, "args": args }),
        Style::Zed => json!({ "source": "custom", "command": command, "args": args }),
        Style::OpenCode => {
            let words: Vec<&str> = std::iter::once(command).chain(args.iter().map(String::as_str)).collect();
            json!({ "type": "local", "command": words, "enabled": true })
        }
        Style::Goose => json!({
            "type": "stdio", "name": "prodsignal", "cmd": command, "args": args, "enabled": true, "timeout": 60
        }),
    }
}

fn remote(style: Style, url: &str, token: Option<&str>) -> Result<Value, Refusal> {
    let mut value = match style {
        Style::Typed => json!({ "type": "http", "url": url }),
        Style::Plain | Style::Zed | Style::Codex => json!({ "url": url }),
        Style::ServerUrl => json!({ "serverUrl": url }),
        Style::HttpUrl => json!({ "httpUrl": url }),
        Style::OpenCode => json!({ "type": "remote", "url": url, "enabled": true }),
        Style::Goose => json!({
            "type": "streamable_http", "name": "prodsignal", "uri": url, "enabled": true, "timeout": 60
        }),
    };
    if let Some(variable) = token {
        match style {
            Style::Codex => value["bearer_token_env_var"] = variable.into(),
            _ => value["headers"] = json!({ "Authorization": format!("Bearer {}", variable_in(style, variable)?) }),
        }
    }
    Ok(value)
}

/// How a client's file names an environment variable; the token itself is never written.
fn variable_in(style: Style, variable: &str) -> Result<String, Refusal> {
    match style {
        Style::Typed | Style::HttpUrl | Style::Goose => Ok(format!("${{{variable}}}")),
        Style::Plain | Style::ServerUrl => Ok(format!("${{env:{variable}}}")),
        Style::OpenCode => Ok(format!("{{env:{variable}}}")),
        Style::Zed | Style::Codex => {
            Err(Refusal::Unsupported("this client can't take a token from the environment for a URL"))
        }
    }
}
