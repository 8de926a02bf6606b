//! The loop by the program's own commands, on the demonstration's store: break, feed, claim, fix, release, verdict on the
//! pull request, relapse, opened again.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::program::{Store, program_words};

/// Stands in for a forge's command: comments are files in the folder of `COMMENTS`.
const FORGE: &str = r#"#!/bin/sh
body=; method=; path=
for word in "$@"; do
  case "$word" in body=*) body=${word#body=} ;; PATCH) method=PATCH ;; repos/*) path=$word ;; esac
done
if [ -n "$body" ]; then
  n=1; [ -z "$method" ] || n=${path##*/}
  printf '%s\n' "$method" >> "$COMMENTS/calls"
  printf '%s\n' "$body" > "$COMMENTS/comment-$n"
elif [ -e "$COMMENTS/comment-1" ]; then
  echo 1
fi
"#;

/// An executable script in a folder of commands.
fn script(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The step of the workflow that writes to the pull request.
fn workflow_step() -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/pull-request-evidence.yml"));
    let text = text.unwrap();
    let (_, step) = text.split_once("        run: |\n").unwrap();
    step.lines().map(|line| line.strip_prefix("          ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

struct PullRequest {
    folder: PathBuf,
}

impl PullRequest {
    fn new(store: &Store) -> Self {
        let folder = store.path().parent().unwrap().join("forge");
        fs::create_dir_all(folder.join("bin")).unwrap();
        script(&folder.join("bin"), "gh", FORGE);
        // It would ask again in ten minutes: once is enough here.
        script(&folder.join("bin"), "sleep", "#!/bin/sh\nexit 1\n");
        // `npx -y prodsignal …` is this program over this store.
        let [.., program] = program_words();
        let words = format!("#!/bin/sh\nshift 2\nexec {program} --store {} \"$@\"\n", store.path().display());
        script(&folder.join("bin"), "npx", &words);
        Self { folder }
    }

    /// Runs the workflow's step; gives the comment that stands there now.
    fn evidence(&self, store: &Store, issue: &str, release: &str) -> String {
        let mut step = Command::new("bash");
        let path = format!("{}:{}", self.folder.join("bin").display(), std::env::var("PATH").unwrap());
        step.args(["-ec", &workflow_step()])
            .env("PATH", path)
            .env("COMMENTS", &self.folder)
            .env("GH_REPO", "shop/web")
            .env("PULL", "7")
            .env("ISSUE", issue)
            .env("RELEASE", release);
        let done = store.on_its_clock(step).output().unwrap();
        assert!(done.status.code().is_some(), "{done:?}");
        fs::read_to_string(self.folder.join("comment-1")).unwrap_or_else(|_| panic!("{done:?}"))
    }

    /// What was asked of the forge: `PATCH` for a comment that was there.
    fn calls(&self) -> String {
        fs::read_to_string(self.folder.join("calls")).unwrap()
    }
}

fn issue(store: &Store, short_id: &str) -> Value {
    let of = |status: &str| json!({ "period": "60d", "status": status, "limit": 100, "max_tokens": 60_000 });
    let mut issues = store.call("list_issues", of("unresolved"));
    if !issues.to_string().contains(&format!("\"{short_id}\"")) {
        issues = store.call("list_issues", of("resolved"));
    }
    let all = issues["issues"].as_array().unwrap().clone();
    all.into_iter().find(|issue| issue["short_id"] == short_id).unwrap_or_else(|| panic!("{issues}"))
}

/// The last three days of a release; where it is broken, every third visit fails.
fn traffic(store: &Store, release: &str, broken: bool) {
    let mut lines = String::new();
    for n in 0..860_i64 {
        let at = store.now().saturating_sub(jiff::SignedDuration::from_secs(300 * (n + 1))).unwrap().to_string();
        let (id, user) = (json!(format!("{:032x}", u64::from(crc(release, n)) << 16)), format!("visitor-{}", n % 250));
        let failed = broken && n % 3 == 0;
        let session = json!({ "sid": id, "did": user, "init": true, "started": at, "timestamp": at,
            "status": if failed { "crashed" } else { "exited" }, "errors": i32::from(failed),
            "attrs": { "release": release, "environment": "production" } });
        let mut envelope = format!("{{}}\n{{\"type\":\"session\"}}\n{session}\n");
        if failed {
            let frames =
                json!([{ "function": "currencyOf", "filename": "src/basket.js", "lineno": 8, "in_app": true }]);
            let event = json!({ "event_id": id, "timestamp": at, "platform": "node", "level": "error", "release": release,
                "environment": "production", "user": { "id": user }, "exception": { "values": [{ "type": "TypeError",
                "value": "basket has no currency", "mechanism": { "type": "generic", "handled": false },
                "stacktrace": { "frames": frames } }] } });
            envelope.push_str(&format!("{{\"type\":\"event\"}}\n{event}\n"));
        }
        lines.push_str(&format!("{}\n", json!({ "envelope": envelope })));
    }
    let file = store.path().join("traffic.ndjson");
    fs::write(&file, lines).unwrap();
    store.ok(&["--project", "shop-api", "import", file.to_str().unwrap()]);
}

/// A number for a visit.
fn crc(release: &str, n: i64) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(release.as_bytes());
    crc.update(&n.to_be_bytes());
    crc.sum()
}

/// Stays with the fix for two weeks until the verdict has closed the issue; what is stayed with outlives the command.
fn watched_until_resolved(store: &Store, broken: &str, release: &str) -> Value {
    let words = ["--allow-writes", "verify", broken, release, "--watch", "14d"];
    let mut child = store.command(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains("**fixed**")));
    // The verdict is printed first, and then decided upon.
    let mut now = issue(store, broken);
    for _ in 0..200 {
        if now["status"] == "resolved" {
            break;
        }
        now = issue(store, broken);
    }
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    child.wait().unwrap();
    assert_eq!(now["status"], "resolved", "{now}");
    now
}

#[test]
fn the_loop_is_closed_by_commands_from_the_break_to_the_relapse() {
    let mut store = Store::of_captures();
    store.ok(&["demo"]);
    fs::rename(store.path().with_file_name("store-demo"), store.path()).unwrap();
    let pull = PullRequest::new(&store);

    // Break, feed, claim: the command stands in for an agent.
    store.begin_at("2026-12-03T18:00:00Z");
    traffic(&store, "shop@2.4.0", true);
    let got = store.path().parent().unwrap().join("got");
    let agent = format!("cat >> {}", got.display());
    store.ok(&["--allow-writes", "watch", "--once", "--since", "0", "--kinds", "new", "--exec", &agent]);
    let told = fs::read_to_string(&got).unwrap();
    let mut told = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let handed = told.find(|finding| finding["brief"].to_string().contains("basket has no currency")).unwrap();
    let broken = handed["issue"]["short_id"].as_str().unwrap();
    assert!(issue(&store, broken)["claimed"]["by"].is_string(), "the agent holds it");

    // Its fix is released: the verdict closes the issue, and stands on the pull request.
    store.begin_at("2026-12-07T18:00:00Z");
    traffic(&store, "shop@2.4.1", false);
    let evidence = pull.evidence(&store, broken, "shop@2.4.1");
    assert!(evidence.starts_with(&format!("<!-- prodsignal {broken} -->")), "{evidence}");
    assert!(evidence.contains("**fixed**"), "{evidence}");
    let closed = watched_until_resolved(&store, broken, "shop@2.4.1");
    assert!(closed["claimed"].is_null(), "what is mended is nobody's work: {closed}");

    // It comes back in the same release.
    store.begin_at("2026-12-11T18:30:00Z");
    traffic(&store, "shop@2.4.1", true);
    let told = store.ok(&["--allow-writes", "watch", "--json", "--once", "--since", "0"]);
    let mut told = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let relapsed = told.find(|finding| finding["kind"] == "relapsed" && finding["issue"]["short_id"] == broken);
    assert!(relapsed.is_some());
    assert_eq!(issue(&store, broken)["status"], "unresolved", "opened again");
    let evidence = pull.evidence(&store, broken, "shop@2.4.1");
    assert!(!evidence.contains("**fixed**") && pull.calls().contains("PATCH"), "{evidence}");
}
