//! Frames in a checkout: a work tree of an application with twenty commits, and repositories that mean harm.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::program::{Store, now};

const POSTINGS: &str = "import rates\n\n\ndef post(entries):\n    total = 0\n    for entry in entries:\n        total += \
    rate_for(entry[\"code\"]) * entry[\"amount\"]\n    return total\n\n\ndef rate_for(code):\n    if code not in \
    rates.TABLE:\n        return 0\n    return rates.TABLE[code]\n\n\ndef describe(code):\n    return \"rate \" + code\n";

/// A work tree in a folder of its own.
struct Repo {
    dir: tempfile::TempDir,
}

impl Repo {
    fn new() -> Self {
        let repo = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(repo.path()).unwrap();
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("till")
    }

    fn git(&self, words: &[&str]) -> String {
        let mut command = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        command
            .current_dir(self.path())
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .args(["-c", "user.name=Till", "-c", "user.email=till@shop.example", "-c", "core.autocrlf=false"])
            .args(words);
        let done = command.output().unwrap();
        assert!(done.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, file: &str, text: &str) {
        let place = self.path().join(file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    /// Changes part of a file.
    fn change(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join(file)).unwrap();
        assert!(text.contains(from), "{file}: {text}");
        self.write(file, &text.replacen(from, to, 1));
    }

    /// Commits everything, and gives the first digits of the hash.
    fn commit(&self, subject: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])[..12].to_owned()
    }
}

/// The commits that the answers should name.
struct Story {
    repo: Repo,
    broke: String,
    mended: String,
}

/// Twenty commits: three releases; the eighth breaks `rate_for`, the eighteenth mends it, the nineteenth moves the file.
fn story() -> Story {
    let repo = Repo::new();
    repo.write("lib/rates.py", "TABLE = {\"a\": 1}\n");
    repo.write("lib/postings.py", POSTINGS);
    repo.commit("Begin");
    repo.write("web/src/postings.ts", "export function post() {\n  return 0;\n}\n");
    repo.commit("Show postings");
    repo.write("tools/postings.py", "def post():\n    pass\n");
    repo.commit("Add a tool");
    repo.write("README.md", "Till\n");
    repo.commit("Describe it");
    repo.git(&["tag", "v1.0.0"]);
    repo.change("lib/rates.py", "1}", "1, \"b\": 2}");
    repo.commit("Add a rate");
    repo.change("lib/postings.py", "\"rate \" + code", "\"rate of \" + code");
    repo.commit("Word rates better");
    repo.commit("Nothing");
    repo.change("lib/postings.py", "    if code not in rates.TABLE:\n        return 0\n", "");
    let broke = repo.commit("Look rates up without a check");
    repo.write("README.md", "Till, again\n");
    repo.commit("Describe it again");
    repo.commit("Release 1.1.0");
    repo.git(&["tag", "-a", "v1.1.0", "-m", "Release"]);
    let text = fs::read_to_string(repo.path().join("lib/postings.py")).unwrap();
    repo.write("lib/postings.py", &format!("# Postings\n# of the ledger\n# of the till\n{text}"));
    repo.commit("Say what it is");
    repo.change("lib/postings.py", "\"rate of \"", "\"the rate of \"");
    repo.commit("Word rates better still");
    repo.commit("Nothing more");
    repo.commit("Nothing at all");
    repo.commit("Release 1.2.0");
    repo.git(&["tag", "till-1.2.0"]);
    repo.change("lib/rates.py", "2}", "2, \"c\": 3}");
    repo.commit("Add another rate");
    repo.commit("Nothing again");
    repo.change("lib/postings.py", "rates.TABLE[code]", "rates.TABLE.get(code, 0)");
    let mended = repo.commit("Take unknown rates for zero");
    fs::create_dir(repo.path().join("ledger")).unwrap();
    repo.git(&["mv", "lib/postings.py", "ledger/postings.py"]);
    repo.commit("Move postings");
    repo.write("README.md", "Till, the last\n");
    repo.commit("Describe it for the last time");
    assert_eq!(repo.git(&["rev-list", "--count", "HEAD"]), "20");
    Story { repo, broke, mended }
}

/// A `KeyError` in `rate_for`, as its lines are in a release.
fn failure(release: &str, hours_ago: i64, id: u32, lines: [u64; 2]) -> String {
    let frame = |function: &str, line: u64, source: &str| {
        json!({
            "function": function, "filename": "lib/postings.py", "abs_path": format!("/app/{release}/lib/postings.py"),
            "lineno": line, "context_line": source, "in_app": true,
        })
    };
    let source = "        total += rate_for(entry[\"code\"]) * entry[\"amount\"]";
    let frames = [frame("post", lines[0], source), frame("rate_for", lines[1], "    return rates.TABLE[code]")];
    event(release, hours_ago, id, "KeyError", json!({ "frames": frames }))
}

fn event(release: &str, hours_ago: i64, id: u32, ty: &str, stack: Value) -> String {
    let id = format!("{id:032x}");
    let at = now().as_second() - hours_ago * 3600;
    let event = json!({
        "event_id": id, "timestamp": at, "platform": "python", "release": release, "user": { "id": format!("u{id}") },
        "exception": { "values": [{ "type": ty, "value": "'x'", "stacktrace": stack }] },
    })
    .to_string();
    format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n", event.len())
}

/// Another failure, so that a release is known.
fn other(release: &str, hours_ago: i64, id: u32) -> String {
    let frame = json!({ "function": "run", "filename": "other/run.py", "lineno": 3, "in_app": true });
    event(release, hours_ago, id, "ValueError", json!({ "frames": [frame] }))
}

/// Events of three releases, and the short id of the `KeyError`.
fn signal() -> (Store, Value) {
    let store = Store::new();
    let mut sent = vec![other("till@1.0.0", 90, 1), other("till@1.0.0", 80, 2)];
    sent.extend((0..5).map(|n| failure("till@1.1.0", 60 - i64::from(n), 10 + n, [7, 12])));
    sent.extend((0..5).map(|n| failure("till@1.2.0", 30 - i64::from(n), 20 + n, [10, 15])));
    store.import("till", &sent);
    let issue = store.call("list_issues", json!({ "query": "KeyError" }))["issues"][0]["short_id"].clone();
    assert!(issue.is_string());
    (store, issue)
}

fn call(store: &Store, code: &Path, tool: &str, arguments: &Value) -> Value {
    let done = store.run(&["--code", code.to_str().unwrap(), "call", tool, &arguments.to_string(), "--json"]);
    serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&done.stderr)))
}

fn frame<'a>(frames: &'a Value, function: &str) -> &'a Value {
    frames.as_array().unwrap().iter().find(|frame| frame["function"] == function).unwrap()
}

#[test]
#[cfg_attr(not(has_git), ignore = "git is missing")]
fn frames_of_each_release_are_lines_of_today() {
    let Story { repo, mended, .. } = story();
    let (store, issue) = signal();
    for (release, line) in [("till@1.1.0", 12), ("till@1.2.0", 15)] {
        let asked = json!({ "issue": issue, "release": release, "max_tokens": 6000 });
        let answer = call(&store, &repo.path(), "diagnose_issue", &asked);
        let cause = frame(&answer["where"]["frames"], "rate_for");
        assert_eq!(cause["repo_path"], "ledger/postings.py", "{answer}");
        assert_eq!((&cause["line"], &cause["line_now"]), (&json!(line), &json!(15)), "{release}");
        assert_eq!(cause["changed_since"], json!([mended]), "{release}");
        let caller = frame(&answer["where"]["frames"], "post");
        assert_eq!((&caller["line_now"], &caller["changed_since"]), (&json!(10), &json!([])), "{release}");
        let event = call(&store, &repo.path(), "get_event", &asked);
        let shown = frame(&event["event"]["exceptions"][0]["frames"], "rate_for");
        assert_eq!((&shown["repo_path"], &shown["line_now"]), (&cause["repo_path"], &cause["line_now"]));
    }
}

#[test]
#[cfg_attr(not(has_git), ignore = "git is missing")]
fn the_commit_that_broke_it_and_the_one_that_mends_it_are_named() {
    let Story { repo, broke, mended } = story();
    let (store, issue) = signal();
    let asked = json!({ "issue": issue, "max_tokens": 6000 });
    let answer = call(&store, &repo.path(), "diagnose_issue", &asked);
    let named: Vec<&Value> = answer["suspects"].as_array().unwrap().iter().map(|suspect| &suspect["commit"]).collect();
    assert_eq!(named, [&json!(broke)], "{answer}");
    assert_eq!(answer["suspects"][0]["subject"], "Look rates up without a check");
    assert_eq!(answer["suspects"][0]["files"], json!(["lib/postings.py"]));
    assert_eq!(answer["candidate_fix"]["commit"], json!(mended));
    // As soon as a release has it, it is no fix that waits for one.
    repo.git(&["tag", "v1.3.0"]);
    store.import("till", &[other("till@1.3.0", 2, 99)]);
    assert_eq!(call(&store, &repo.path(), "diagnose_issue", &asked)["candidate_fix"], Value::Null);
    let brief = store.ok(&["--code", repo.path().to_str().unwrap(), "brief", issue.as_str().unwrap()]);
    assert!(brief.contains("ledger/postings.py") && brief.contains(&broke), "{brief}");
}

#[test]
#[cfg_attr(not(has_git), ignore = "git is missing")]
fn without_a_commit_of_the_release_the_quoted_line_is_looked_for() {
    let Story { repo, .. } = story();
    for tag in ["v1.1.0", "till-1.2.0"] {
        repo.git(&["tag", "-d", tag]);
    }
    let (store, issue) = signal();
    let answer = call(&store, &repo.path(), "diagnose_issue", &json!({ "issue": issue, "max_tokens": 6000 }));
    let caller = frame(&answer["where"]["frames"], "post");
    // `lib/postings.py` is gone, and two others have its name.
    assert_eq!(caller["repo_path"], Value::Null, "{answer}");
    repo.git(&["mv", "ledger/postings.py", "lib/postings.py"]);
    repo.commit("Move postings back");
    let answer = call(&store, &repo.path(), "diagnose_issue", &json!({ "issue": issue, "max_tokens": 6000 }));
    let caller = frame(&answer["where"]["frames"], "post");
    assert_eq!((&caller["repo_path"], &caller["line_now"]), (&json!("lib/postings.py"), &json!(10)), "{answer}");
    assert_eq!(caller["changed_since"], Value::Null);
    assert!(answer["warnings"].to_string().contains("no commit of this release"), "{answer}");
}

/// Every file below a folder with what it holds, links with where they lead.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let (path, ty) = (entry.as_ref().unwrap().path(), entry.as_ref().unwrap().file_type().unwrap());
        if ty.is_dir() {
            found.extend(contents(&path));
        } else if ty.is_symlink() {
            found.push((path.clone(), fs::read_link(&path).unwrap().to_string_lossy().into_owned().into_bytes()));
        } else if ty.is_file() {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[cfg(unix)]
#[test]
#[cfg_attr(not(has_git), ignore = "git is missing")]
fn nothing_that_a_repository_configures_is_run_and_nothing_is_written() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let Story { repo, mended, .. } = story();
    let (root, mark) = (repo.path(), repo.dir.path().join("run"));
    let harm = repo.dir.path().join("harm");
    fs::write(&harm, format!("#!/bin/sh\necho run >> '{}'\n", mark.display())).unwrap();
    fs::set_permissions(&harm, fs::Permissions::from_mode(0o755)).unwrap();
    let harm = harm.display();
    let config = format!(
        "[core]\n\tfsmonitor = {harm}\n\thooksPath = {}\n\tpager = {harm}\n\tsshCommand = {harm}\n\tgitProxy = {harm}\n\
         \trepositoryformatversion = 1\n[extensions]\n\tpartialClone = origin\n[remote \"origin\"]\n\tpromisor = true\n\
         \turl = ext::{harm}\n[protocol]\n\tallow = always\n[diff]\n\texternal = {harm}\n[diff \"x\"]\n\ttextconv = {harm}\n\
         [filter \"x\"]\n\tclean = {harm}\n\tsmudge = {harm}\n\tprocess = {harm}\n[log]\n\tshowSignature = true\n\
         [gpg]\n\tprogram = {harm}\n[include]\n\tpath = /dev/stdin\n[alias]\n\tlog = !{harm}\n\tls-tree = !{harm}\n",
        repo.dir.path().display(),
    );
    fs::write(root.join(".git/config"), config).unwrap();
    fs::write(root.join(".git/info/attributes"), "* filter=x diff=x\n").unwrap();
    fs::write(root.join(".gitattributes"), "* filter=x diff=x\n").unwrap();
    for hook in ["post-index-change", "reference-transaction", "fsmonitor-watchman"] {
        fs::copy(repo.dir.path().join("harm"), root.join(".git/hooks").join(hook)).unwrap();
    }
    // A file of the work tree that leads out of it is not read: the line is that of the commit.
    let secret = repo.dir.path().join("secret.py");
    fs::write(&secret, format!("#\n#\n{}", fs::read_to_string(root.join("ledger/postings.py")).unwrap())).unwrap();
    fs::remove_file(root.join("ledger/postings.py")).unwrap();
    symlink(&secret, root.join("ledger/postings.py")).unwrap();
    symlink(&secret, root.join(".git/refs/tags/v9")).unwrap();
    let before = contents(&root);
    let (store, issue) = signal();
    let answer = call(&store, &root, "diagnose_issue", &json!({ "issue": issue, "max_tokens": 6000 }));
    let cause = frame(&answer["where"]["frames"], "rate_for");
    assert_eq!((&cause["line_now"], &cause["changed_since"]), (&json!(15), &json!([mended])), "{answer}");
    call(&store, &root, "get_event", &json!({ "issue": issue }));
    assert!(!mark.exists(), "something of the repository was run");
    assert!(contents(&root) == before, "something was written");
}

#[cfg(unix)]
#[test]
#[cfg_attr(not(has_git), ignore = "git is missing")]
fn a_folder_that_leads_outside_is_refused_by_name() {
    let Story { repo, .. } = story();
    let (store, issue) = signal();
    let refused = |folder: &Path| {
        let done = store.run(&[
            "--code",
            folder.to_str().unwrap(),
            "call",
            "diagnose_issue",
            &json!({ "issue": issue }).to_string(),
        ]);
        assert!(!done.status.success());
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    let foreign = tempfile::tempdir().unwrap();
    assert!(refused(foreign.path()).contains("no git work tree"));
    fs::write(foreign.path().join(".git"), format!("gitdir: {}/.git\n", repo.path().display())).unwrap();
    assert!(refused(foreign.path()).contains("not its own"));
    // A further work tree of the repository is one: each names the other.
    let further = repo.dir.path().join("further");
    repo.git(&["worktree", "add", "--quiet", "--detach", further.to_str().unwrap(), "v1.1.0"]);
    let answer = call(&store, &further, "diagnose_issue", &json!({ "issue": issue, "max_tokens": 6000 }));
    assert_eq!(frame(&answer["where"]["frames"], "rate_for")["repo_path"], "lib/postings.py", "{answer}");
    fs::write(repo.path().join(".git/objects/info/alternates"), "/somewhere/else\n").unwrap();
    assert!(refused(&repo.path()).contains("alternates"));
}

#[test]
#[cfg_attr(not(has_git), ignore = "git is missing")]
fn stdio_takes_the_work_tree_that_it_starts_in() {
    use std::io::{BufRead, BufReader, Write};
    let Story { repo, .. } = story();
    let (store, issue) = signal();
    for (flags, wanted) in [(["stdio"].as_slice(), true), (&["stdio", "--no-code"], false)] {
        let mut command = store.command(flags);
        command.current_dir(repo.path()).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let call = json!({ "name": "diagnose_issue", "arguments": { "issue": issue, "max_tokens": 4000 } });
        for message in [
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-06-18",
                "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call }),
        ] {
            writeln!(stdin, "{message}").unwrap();
        }
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let answer = lines.find(|line| line.as_ref().unwrap().contains("\"id\":2")).unwrap().unwrap();
        drop(stdin);
        child.wait().unwrap();
        assert_eq!(answer.contains("ledger/postings.py"), wanted, "{answer}");
    }
}
