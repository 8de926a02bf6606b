//! Tests of install: what becomes of an agent's own configuration file.

use std::path::PathBuf;

use prodsignal::install::{CLIENTS, Change, Client, Entry, Os, Places, Refusal, Scope, Start, client, edit};
use serde_json::{Value, json};

use crate::program::Store;

fn entry() -> Entry {
    let args = ["--store", "/var/lib/signal", "stdio"].map(str::to_owned).to_vec();
    Entry { start: Start::Program { command: "/opt/prodsignal".to_owned(), args } }
}

fn put(name: &str, before: &str) -> Result<Option<String>, Refusal> {
    edit(named(name), "prodsignal", Some(before), &Change::Put(entry()))
}

fn named(name: &str) -> &'static Client {
    client(name).unwrap_or_else(|| panic!("no client {name}"))
}

/// Files as people have them, each valid for its client.
fn corpus() -> Vec<(&'static str, String)> {
    let mut files: Vec<(&str, String)> = Vec::new();
    let json = [
        "",
        "\n",
        "{}",
        "{ }\n",
        "{\n}\n",
        "// nothing yet\n{}\n",
        "{\"KEY\":{\"other\":{\"command\":\"x\",\"args\":[\"a\",\"b\"]}}}",
        "{\n  \"KEY\": {}\n}\n",
        "{\n  // servers\n  \"KEY\": {\n    \"other\": { \"command\": \"x\" }, // mine\n  },\n  \"theme\": \"dark\",\n}\n",
        "{\n\t\"theme\": \"dark\", /* keep */\n\t\"KEY\": {\n\t\t\"other\": {\n\t\t\t\"command\": \"x\",\n\t\t\t\"env\": { \"A\": \"1\" }\n\t\t}\n\t}\n}\n",
        "{\n        \"KEY\": {\n  \"odd\": {\"command\": \"x\"},\n              \"indent\": {\"command\": \"y\"}\n   }\n}",
        "{ \"theme\": \"dark\", \"numbers\": [1, 2.50, 1e3], \"text\": \"\\u00e4 \\\" \\\\ // no comment\" }",
        "{\n  \"theme\": \"dark\"\n  // the end\n}\n",
    ];
    for client in CLIENTS.iter().filter(|client| !matches!(client.name, "codex" | "goose")) {
        let key = match client.name {
            "vscode" => "servers",
            "zed" => "context_servers",
            "opencode" => "mcp",
            _ => "mcpServers",
        };
        files.extend(json.iter().map(|text| (client.name, text.replace("KEY", key))));
    }
    for text in [
        "",
        "# mine\nmodel = \"o3\"   # the best\n",
        "model = \"o3\"\n\n[mcp_servers.other]\ncommand = \"x\" # why\nargs = [\"a\",\n  \"b\", # second\n]\n\n[profiles.fast]\nmodel = 'mini'\n",
        "[mcp_servers]\n\n[mcp_servers.other]\ncommand = \"x\"\n",
        "mcp_servers.other.command = \"x\"\n",
        "notes = \"\"\"\n  kept as it is\n\"\"\"\n[[things]]\na = 1\n[[things]]\na = 2",
    ] {
        files.push(("codex", text.to_owned()));
    }
    for text in [
        "",
        "# mine\nGOOSE_MODEL: gpt  # the best\n",
        "GOOSE_MODEL: gpt\nextensions:\n  other:\n    type: stdio\n    cmd: x   # why\n    args: [a, b]\n\n  # the second\n  second:\n    enabled: false\nlast: 1\n",
        "extensions:\n    other:\n        cmd: x\n",
        "extensions: {}\nlast: 1\n",
        "extensions:\nlast: 1\n",
        "text: |\n  extensions:\n    not: this\nlast: 1",
    ] {
        files.push(("goose", text.to_owned()));
    }
    let crlf: Vec<_> = files.iter().map(|(name, text)| (*name, text.replace('\n', "\r\n"))).collect();
    files.extend(crlf);
    let marked: Vec<_> = files.iter().step_by(7).map(|(name, text)| (*name, format!("\u{feff}{text}"))).collect();
    files.extend(marked);
    files
}

/// Whether every line of one text is in the other, in order; a comma or an opened bracket more does no harm.
fn keeps(before: &str, after: &str) -> bool {
    let bare = |line: &str| line.trim().trim_end_matches(['{', '}', ',', ' ']).to_owned();
    let mut lines = after.lines().map(bare);
    before.lines().map(bare).filter(|line| !line.is_empty()).all(|line| lines.any(|found| found.contains(&line)))
}

#[test]
fn entries_are_added_once_and_nothing_else_is_touched() {
    for (name, before) in corpus() {
        let after = put(name, &before).unwrap_or_else(|e| panic!("{name}: {e}\n{before}")).expect("something to add");
        assert!(after.contains("/opt/prodsignal") && after.contains("/var/lib/signal"), "{name}:\n{after}");
        if before.lines().count() > 1 {
            assert!(keeps(&before, &after), "{name}:\n{before}\n--- became ---\n{after}");
        }
        assert_eq!(after.contains('\u{feff}'), before.contains('\u{feff}'), "{name}");
        if before.contains("\r\n") {
            assert_eq!(
                after.matches('\n').count(),
                after.matches("\r\n").count(),
                "{name}: mixed line ends\n{after:?}"
            );
        }
        assert_eq!(put(name, &after), Ok(None), "{name}: twice\n{after}");
    }
}

#[test]
fn what_was_added_is_taken_out_again_and_the_rest_stays() {
    for (name, before) in corpus() {
        let after = put(name, &before).unwrap().unwrap();
        let gone =
            edit(named(name), "prodsignal", Some(&after), &Change::Remove).unwrap().expect("something to remove");
        assert!(!gone.contains("prodsignal"), "{name}:\n{gone}");
        if before.lines().count() > 1 {
            assert!(keeps(&before, &gone), "{name}:\n{before}\n--- became ---\n{gone}");
        }
        let again = edit(named(name), "prodsignal", Some(&gone), &Change::Remove);
        assert_eq!(again, Ok(None), "{name}: removing twice");
    }
}

#[test]
fn a_file_that_is_not_right_is_refused_with_the_reason() {
    let cases = [
        ("cursor", "{", "JSON"),
        ("cursor", "{\"mcpServers\": {\"a\": }}", "JSON"),
        ("cursor", "{'mcpServers': {}}", "JSON"),
        ("cursor", "{\"a\": 1 \"b\": 2}", "JSON"),
        ("cursor", "[]", "whole file"),
        ("cursor", "{\"mcpServers\": []}", "mcpServers"),
        ("cursor", "{\"mcpServers\": \"none\"}", "mcpServers"),
        ("cursor", "{\"mcpServers\": {}, \"mcpServers\": {}}", "twice"),
        ("vscode", "{\"servers\": 5}", "servers"),
        ("codex", "[mcp_servers", "TOML"),
        ("codex", "a = 1\na = 2\n", "TOML"),
        ("codex", "mcp_servers = 5\n", "mcp_servers"),
        ("goose", "extensions: [a\n", "YAML"),
        ("goose", "- a\n- b\n", "whole file"),
        ("goose", "extensions: {other: {cmd: x}}\n", "one line"),
        ("goose", "a: 1\n---\nb: 2\n", "several documents"),
    ];
    for (name, before, reason) in cases {
        let refused = put(name, before).expect_err(before).to_string();
        assert!(refused.contains(reason), "{name} {before}: {refused}");
    }
}

#[test]
fn an_entry_is_brought_up_to_date_and_keeps_what_a_person_added() {
    let before = "{\n  \"mcpServers\": {\n    \"prodsignal\": {\n      \"command\": \"/old/prodsignal\", // moved\n      \"args\": [\"stdio\"],\n      \"env\": { \"PRODSIGNAL_PROJECT\": \"shop\" },\n      \"disabled\": true\n    }\n  }\n}\n";
    let after = put("cursor", before).unwrap().unwrap();
    let read: Value = serde_json::from_str(&after.replace("// moved", "")).unwrap();
    let entry = &read["mcpServers"]["prodsignal"];
    assert_eq!(entry["command"], "/opt/prodsignal");
    assert_eq!(entry["env"], json!({ "PRODSIGNAL_PROJECT": "shop" }));
    assert_eq!(entry["disabled"], true);
    assert!(after.contains("// moved"), "{after}");
    let before = "[mcp_servers.prodsignal]\ncommand = \"/old\" # moved\nstartup_timeout_sec = 20\n";
    let after = put("codex", before).unwrap().unwrap();
    assert!(after.contains("startup_timeout_sec = 20") && after.contains("/opt/prodsignal"), "{after}");
    let before = "extensions:\n  prodsignal:\n    cmd: /old\n    envs:\n      A: b\n  other:\n    cmd: x\n";
    let after = put("goose", before).unwrap().unwrap();
    assert!(after.contains("A: b") && after.contains("/opt/prodsignal") && !after.contains("/old"), "{after}");
}

#[test]
fn each_client_gets_its_own_shape() {
    let empty = |name: &str, entry: Entry| edit(named(name), "prodsignal", None, &Change::Put(entry)).unwrap().unwrap();
    let read = |name: &str| serde_json::from_str::<Value>(&empty(name, entry())).unwrap();
    let args = json!(["--store", "/var/lib/signal", "stdio"]);
    assert_eq!(
        read("claude-code")["mcpServers"]["prodsignal"],
        json!({ "type": "stdio", "command": "/opt/prodsignal", "args": args })
    );
    assert_eq!(read("vscode")["servers"]["prodsignal"]["type"], "stdio");
    assert_eq!(read("zed")["context_servers"]["prodsignal"]["source"], "custom");
    assert_eq!(read("opencode")["mcp"]["prodsignal"]["command"][3], "stdio");
    assert!(empty("codex", entry()).starts_with("[mcp_servers.prodsignal]\n"), "{}", empty("codex", entry()));
    assert!(empty("goose", entry()).starts_with("extensions:\n  prodsignal:\n"));
    let token_variable = Some("PRODSIGNAL_TOKEN".to_owned());
    let remote = Entry { start: Start::Url { url: "https://signal.example.com/mcp".to_owned(), token_variable } };
    for (name, wanted) in [
        ("claude-code", "Bearer ${PRODSIGNAL_TOKEN}"),
        ("cursor", "Bearer ${env:PRODSIGNAL_TOKEN}"),
        ("gemini", "\"httpUrl\": \"https://signal.example.com/mcp\""),
        ("windsurf", "\"serverUrl\": \"https://signal.example.com/mcp\""),
        ("codex", "bearer_token_env_var = \"PRODSIGNAL_TOKEN\""),
        ("goose", "uri: \"https://signal.example.com/mcp\""),
    ] {
        let text = empty(name, remote.clone());
        assert!(text.contains(wanted), "{name}: {text}");
    }
}

#[test]
fn opencodes_second_form_is_kept() {
    let before = "{\"mcp\": {\"servers\": {\"other\": {\"type\": \"local\"}}}}";
    let after: Value = serde_json::from_str(&put("opencode", before).unwrap().unwrap()).unwrap();
    assert_eq!(after["mcp"]["servers"]["prodsignal"]["type"], "local");
    assert!(after["mcp"].get("prodsignal").is_none());
}

#[test]
fn files_lie_where_each_system_has_them() {
    let places = |os| Places {
        os,
        home: PathBuf::from("/home/ada"),
        xdg_config: None,
        appdata: (os == Os::Windows).then(|| PathBuf::from("/appdata")),
        codex_home: None,
        project: PathBuf::from("/code/shop"),
    };
    let file = |name: &str, os| named(name).file(Scope::User, &places(os)).unwrap().display().to_string();
    let mac = "/home/ada/Library/Application Support";
    for (name, linux, macos, windows) in [
        (
            "claude-code",
            "/home/ada/.claude.json".to_owned(),
            "/home/ada/.claude.json".to_owned(),
            "/home/ada/.claude.json",
        ),
        (
            "claude-desktop",
            "/home/ada/.config/Claude/claude_desktop_config.json".to_owned(),
            format!("{mac}/Claude/claude_desktop_config.json"),
            "/appdata/Claude/claude_desktop_config.json",
        ),
        (
            "vscode",
            "/home/ada/.config/Code/User/mcp.json".to_owned(),
            format!("{mac}/Code/User/mcp.json"),
            "/appdata/Code/User/mcp.json",
        ),
        (
            "zed",
            "/home/ada/.config/zed/settings.json".to_owned(),
            "/home/ada/.config/zed/settings.json".to_owned(),
            "/appdata/Zed/settings.json",
        ),
        (
            "goose",
            "/home/ada/.config/goose/config.yaml".to_owned(),
            "/home/ada/.config/goose/config.yaml".to_owned(),
            "/appdata/Block/goose/config/config.yaml",
        ),
    ] {
        assert_eq!(
            [file(name, Os::Linux), file(name, Os::Mac), file(name, Os::Windows)],
            [linux, macos, windows.into()]
        );
    }
    let project = named("cursor").file(Scope::Project, &places(Os::Linux)).unwrap();
    assert_eq!(project, PathBuf::from("/code/shop/.cursor/mcp.json"));
    assert!(named("windsurf").file(Scope::Project, &places(Os::Linux)).is_err());
}

#[test]
fn links_carry_the_entry() {
    let cursor = named("cursor").link("prodsignal", &entry()).unwrap().unwrap();
    assert!(cursor.starts_with("cursor://anysphere.cursor-deeplink/mcp/install?name=prodsignal&config="), "{cursor}");
    let vscode = named("vscode").link("prodsignal", &entry()).unwrap().unwrap();
    assert!(vscode.starts_with("vscode:mcp/install?%7B%22name%22%3A%22prodsignal%22"), "{vscode}");
    assert_eq!(named("zed").link("prodsignal", &entry()), Ok(None));
}

/// The command over a home folder of its own.
fn run(home: &std::path::Path, words: &[&str]) -> std::process::Output {
    let store = Store::new();
    let mut command = store.command(words);
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME").env_remove("CODEX_HOME").env_remove("APPDATA");
    command.current_dir(home).output().unwrap()
}

#[test]
fn the_command_writes_keeps_a_copy_and_undoes_itself() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".cursor/mcp.json");
    let before = "{\n  // mine\n  \"mcpServers\": {}\n}\n";
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, before).unwrap();
    let said = run(home.path(), &["install", "cursor", "--print"]);
    assert!(said.status.success() && String::from_utf8_lossy(&said.stdout).contains("\"prodsignal\""), "{said:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before, "--print changes nothing");
    assert!(run(home.path(), &["install", "cursor"]).status.success());
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(after.contains("\"prodsignal\"") && after.contains("// mine"), "{after}");
    assert_eq!(std::fs::read_to_string(home.path().join(".cursor/mcp.json.before-prodsignal")).unwrap(), before);
    assert!(run(home.path(), &["install", "cursor", "--uninstall"]).status.success());
    assert!(!std::fs::read_to_string(&file).unwrap().contains("prodsignal"));
    assert!(run(home.path(), &["install", "codex"]).status.success());
    assert!(
        std::fs::read_to_string(home.path().join(".codex/config.toml")).unwrap().contains("[mcp_servers.prodsignal]")
    );
}

#[test]
fn every_client_that_is_there_is_found() {
    let home = tempfile::tempdir().unwrap();
    for folder in [".cursor", ".gemini", ".config/goose"] {
        std::fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    let said = run(home.path(), &["install", "--all"]);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.status.success() && text.contains("Cursor") && text.contains("Gemini") && text.contains("Goose"),
        "{said:?}"
    );
    assert!(!text.contains("Zed"), "{text}");
}

#[test]
#[cfg(unix)]
fn a_broken_or_read_only_file_is_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".cursor/mcp.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "{ broken").unwrap();
    let said = run(home.path(), &["install", "cursor"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&said.stderr).contains("left as it is"), "{said:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{ broken");
    std::fs::write(&file, "{}").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let said = run(home.path(), &["install", "cursor"]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("read-only"), "{said:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{}");
}

#[test]
#[cfg(unix)]
fn a_link_to_the_file_stays_a_link() {
    let home = tempfile::tempdir().unwrap();
    let real = home.path().join("dotfiles.json");
    std::fs::write(&real, "{}").unwrap();
    std::fs::create_dir_all(home.path().join(".cursor")).unwrap();
    std::os::unix::fs::symlink(&real, home.path().join(".cursor/mcp.json")).unwrap();
    assert!(run(home.path(), &["install", "cursor"]).status.success());
    assert!(std::fs::read_to_string(&real).unwrap().contains("prodsignal"));
    assert!(home.path().join(".cursor/mcp.json").is_symlink());
}

#[test]
fn a_mistyped_client_gets_the_nearest_name() {
    let home = tempfile::tempdir().unwrap();
    let said = run(home.path(), &["install", "curser"]);
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&said.stderr).contains("did you mean \"cursor\"?"), "{said:?}");
}
