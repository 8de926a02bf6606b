//! The clients: where each keeps its list of servers, and in which shape.

use std::path::PathBuf;

use super::{
    Refusal,
    places::{Os, Places, join},
};

/// Whose list of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scope {
    /// All projects of this person.
    #[default]
    User,
    /// The project in this folder, for everybody who has it.
    Project,
}

/// Format of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Toml,
    Yaml,
}

/// How an entry is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `type`, `command`, `args`; `type`, `url`, `headers`.
    Typed,
    /// `command`, `args`; `url`, `headers`.
    Plain,
    /// As plain; remote ones by `serverUrl`.
    ServerUrl,
    /// As plain; remote ones by `httpUrl` (`url` means the old transport there).
    HttpUrl,
    Zed,
    OpenCode,
    Codex,
    Goose,
}

/// One client.
pub struct Client {
    /// The word for it on the command line.
    pub name: &'static str,
    /// Its own name.
    pub title: &'static str,
    /// Keys from the top of the file to its table of servers.
    pub(super) keys: &'static [&'static str],
    pub(super) format: Format,
    pub(super) style: Style,
    user: fn(&Places) -> Option<PathBuf>,
    project: &'static [&'static str],
    /// A folder or file that is there where the client is.
    sign: fn(&Places) -> Option<PathBuf>,
    /// What a person still has to do.
    pub after: &'static str,
}

const SERVERS: &[&str] = &["mcpServers"];

/// All of them, by the order of the help text.
pub static CLIENTS: &[Client] = &[
    Client {
        name: "claude-code",
        title: "Claude Code",
        keys: SERVERS,
        format: Format::Json,
        style: Style::Typed,
        user: |places| Some(places.in_home(&[".claude.json"])),
        project: &[".mcp.json"],
        sign: |places| Some(places.in_home(&[".claude.json"])),
        after: "start a new session; /mcp shows the server",
    },
    Client {
        name: "claude-desktop",
        title: "Claude Desktop",
        keys: SERVERS,
        format: Format::Json,
        style: Style::Plain,
        user: |places| Some(join(&places.app_data(), &["Claude", "claude_desktop_config.json"])),
        project: &[],
        sign: |places| Some(join(&places.app_data(), &["Claude"])),
        after: "restart Claude Desktop",
    },
    Client {
        name: "cursor",
        title: "Cursor",
        keys: SERVERS,
        format: Format::Json,
        style: Style::Plain,
        user: |places| Some(places.in_home(&[".cursor", "mcp.json"])),
        project: &[".cursor", "mcp.json"],
        sign: |places| Some(places.in_home(&[".cursor"])),
        after: "switch the server on in Cursor's settings, under MCP",
    },
    Client {
        name: "vscode",
        title: "VS Code",
        keys: &["servers"],
        format: Format::Json,
        style: Style::Typed,
        user: |places| Some(join(&places.app_data(), &["Code", "User", "mcp.json"])),
        project: &[".vscode", "mcp.json"],
        sign: |places| Some(join(&places.app_data(), &["Code", "User"])),
        after: "run \"MCP: List Servers\" and start it",
    },
    Client {
        name: "windsurf",
        title: "Windsurf",
        keys: SERVERS,
        format: Format::Json,
        style: Style::ServerUrl,
        user: |places| Some(places.in_home(&[".codeium", "windsurf", "mcp_config.json"])),
        project: &[],
        sign: |places| Some(places.in_home(&[".codeium", "windsurf"])),
        after: "refresh the list of servers in Windsurf's settings",
    },
    Client {
        name: "zed",
        title: "Zed",
        keys: &["context_servers"],
        format: Format::Json,
        style: Style::Zed,
        user: |places| Some(join(&zed(places), &["settings.json"])),
        project: &[".zed", "settings.json"],
        sign: |places| Some(zed(places)),
        after: "Zed reads it at once",
    },
    Client {
        name: "codex",
        title: "Codex",
        keys: &["mcp_servers"],
        format: Format::Toml,
        style: Style::Codex,
        user: |places| Some(join(&codex(places), &["config.toml"])),
        project: &[".codex", "config.toml"],
        sign: |places| Some(codex(places)),
        after: "start a new session; a project's file counts in trusted projects alone",
    },
    Client {
        name: "gemini",
        title: "Gemini CLI",
        keys: SERVERS,
        format: Format::Json,
        style: Style::HttpUrl,
        user: |places| Some(places.in_home(&[".gemini", "settings.json"])),
        project: &[".gemini", "settings.json"],
        sign: |places| Some(places.in_home(&[".gemini"])),
        after: "start a new session; /mcp shows the server",
    },
    Client {
        name: "jetbrains",
        title: "JetBrains (Junie)",
        keys: SERVERS,
        format: Format::Json,
        style: Style::Plain,
        user: |places| Some(places.in_home(&[".junie", "mcp", "mcp.json"])),
        project: &[".junie", "mcp", "mcp.json"],
        sign: |places| Some(places.in_home(&[".junie"])),
        after: "AI Assistant imports the same file: Settings, Tools, AI Assistant, MCP",
    },
    Client {
        name: "opencode",
        title: "OpenCode",
        keys: &["mcp"],
        format: Format::Json,
        style: Style::OpenCode,
        user: |places| Some(join(&places.config(), &["opencode", "opencode.json"])),
        project: &["opencode.json"],
        sign: |places| Some(join(&places.config(), &["opencode"])),
        after: "start a new session",
    },
    Client {
        name: "goose",
        title: "Goose",
        keys: &["extensions"],
        format: Format::Yaml,
        style: Style::Goose,
        user: |places| {
            Some(match places.os {
                Os::Windows => join(&places.roaming(), &["Block", "goose", "config", "config.yaml"]),
                _ => join(&places.config(), &["goose", "config.yaml"]),
            })
        },
        project: &[],
        sign: |places| {
            Some(match places.os {
                Os::Windows => join(&places.roaming(), &["Block", "goose"]),
                _ => join(&places.config(), &["goose"]),
            })
        },
        after: "start a new session",
    },
    Client {
        name: "cline",
        title: "Cline",
        keys: SERVERS,
        format: Format::Json,
        style: Style::Plain,
        user: |places| Some(join(&cline(places), &["settings", "cline_mcp_settings.json"])),
        project: &[],
        sign: |places| Some(cline(places)),
        after: "Cline reads it at once",
    },
    Client {
        name: "json",
        title: "plain JSON",
        keys: SERVERS,
        format: Format::Json,
        style: Style::Plain,
        user: |_| None,
        project: &["mcp.json"],
        sign: |_| None,
        after: "have the client read the file",
    },
];

fn zed(places: &Places) -> PathBuf {
    match places.os {
        Os::Windows => places.roaming().join("Zed"),
        Os::Linux => places.config().join("zed"),
        Os::Mac => places.in_home(&[".config", "zed"]),
    }
}

fn codex(places: &Places) -> PathBuf {
    places.codex_home.clone().unwrap_or_else(|| places.in_home(&[".codex"]))
}

fn cline(places: &Places) -> PathBuf {
    join(&places.app_data(), &["Code", "User", "globalStorage", "saoudrizwan.claude-dev"])
}

/// The client of that name; a space, a capital or a missing hyphen does no harm.
pub fn client(name: &str) -> Option<&'static Client> {
    let plain = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
    let asked = plain(name);
    let asked = match asked.as_str() {
        "claude" => "claudecode",
        "code" | "visualstudiocode" => "vscode",
        "geminicli" => "gemini",
        "codexcli" => "codex",
        "junie" | "intellij" => "jetbrains",
        "plainjson" => "json",
        other => other,
    };
    CLIENTS.iter().find(|client| plain(client.name) == asked)
}

impl Client {
    /// Its file.
    ///
    /// # Errors
    /// Where it has no list of servers in that scope.
    pub fn file(&self, scope: Scope, places: &Places) -> Result<PathBuf, Refusal> {
        match scope {
            Scope::User => (self.user)(places)
                .ok_or(Refusal::Unsupported("this client has no file for a user; use --scope project or --file")),
            Scope::Project if self.project.is_empty() => {
                Err(Refusal::Unsupported("this client has no file for a project; use --scope user"))
            }
            Scope::Project => Ok(places.in_project(self.project)),
        }
    }

    /// What is there where the client is.
    pub fn sign(&self, places: &Places) -> Option<PathBuf> {
        (self.sign)(places)
    }

    /// A link that makes the client ask its user whether to take the server, where it understands one.
    ///
    /// # Errors
    /// Where the entry can't be written for this client.
    pub fn link(&self, name: &str, entry: &super::Entry) -> Result<Option<String>, Refusal> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut value = entry.value(self.style)?;
        Ok(match self.name {
            "cursor" => {
                let config = BASE64_STANDARD.encode(serde_json::Value::Object(value).to_string());
                let (name, config) = (encoded(name), encoded(&config));
                Some(format!("cursor://anysphere.cursor-deeplink/mcp/install?name={name}&config={config}"))
            }
            "vscode" => {
                value.shift_insert(0, "name".to_owned(), name.into());
                Some(format!("vscode:mcp/install?{}", encoded(&serde_json::Value::Object(value).to_string())))
            }
            _ => None,
        })
    }
}
