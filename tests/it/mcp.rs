//! Tests of the protocol of agents: what is written, who gets what, and how calls and the process end.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use prodsignal::{
    checkout::Checkouts,
    config::Answers,
    mcp::Server,
    model::{Project, Timestamp, Untrusted},
    store::{
        AffectedFacts, AffectedQuery, EventFacts, EventQuery, Freshness, IssueFacts, IssueQuery, IssueRef, Page,
        ReleaseFacts, ReleaseQuery, Scope, SearchQuery, SearchRow, SignalStore, Source, StoreError, StoreKind,
    },
    tools::{Ctx, Defaults, TOOLS},
};
use rmcp::{
    RoleClient, ServiceExt,
    model::{CallToolRequestParams, ClientRequest, Request},
    service::{PeerRequestOptions, RunningService},
};
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify};

use crate::program::{Store, http};

/// A peer that writes lines and reads lines.
struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Peer {
    fn start(store: &Store, words: &[&str]) -> Self {
        let mut command = store.command(words);
        // The loudest log there is: none of it may reach standard output.
        command.env("RUST_LOG", "trace").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
        stdin.flush().unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("not protocol ({e}): {line}"));
        assert_eq!(said["jsonrpc"], "2.0", "{line}");
        said
    }

    fn ask(&mut self, request: Value) -> Value {
        self.say(&request.to_string());
        loop {
            let said = self.hear();
            if said["id"] == request["id"] {
                return said;
            }
        }
    }

    fn greet(&mut self, version: &str, client: &str) -> Value {
        let answer = self.ask(json!({ "jsonrpc": "2.0", "id": "greet", "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": client, "version": "1" },
        } }));
        self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        answer
    }

    fn call(&mut self, tool: &str) -> Value {
        let params = json!({ "name": tool, "arguments": {} });
        self.ask(json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params }))["result"].clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nothing_but_protocol_is_written_and_the_end_of_input_ends_the_process() {
    let store = Store::new();
    let mut peer = Peer::start(&store, &["stdio"]);
    peer.greet("2025-11-25", "test");
    for nonsense in ["", "   ", "not json", "{\"jsonrpc\":\"2.0\"", "[]", "42", "{\"method\":5}", "\u{0}\u{1}"] {
        peer.say(nonsense);
    }
    peer.say(r#"{"jsonrpc":"2.0","id":99,"method":"no/such/method"}"#);
    let listed = peer.ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }));
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), TOOLS.iter().filter(|t| !t.writes).count());
    peer.call("list_issues");
    peer.stdin = None;
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut peer.stdout, &mut rest).unwrap();
    for line in rest.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        serde_json::from_slice::<Value>(line).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(line)));
    }
    assert!(peer.child.wait().unwrap().success());
}

#[test]
fn a_broken_line_is_answered_and_so_is_a_last_one_without_an_end() {
    let store = Store::new();
    let mut peer = Peer::start(&store, &["stdio"]);
    peer.greet("2025-11-25", "test");
    peer.say("{nope");
    assert_eq!(peer.hear()["error"]["code"], -32700);
    let lone = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"list_issues","arguments":{"query":"cart \ud83d"}}}"#;
    peer.say(lone);
    let said = peer.hear();
    assert_eq!((&said["id"], &said["result"]["isError"]), (&json!(5), &json!(false)), "{said}");
    write!(peer.stdin.as_mut().unwrap(), r#"{{"jsonrpc":"2.0","id":6,"method":"tools/list"}}"#).unwrap();
    peer.stdin = None;
    assert!(peer.hear()["result"]["tools"].is_array());
    assert!(peer.child.wait().unwrap().success());
}

#[test]
fn a_made_up_cursor_of_the_list_is_refused() {
    let store = Store::new();
    let mut peer = Peer::start(&store, &["stdio"]);
    peer.greet("2025-11-25", "test");
    let listed =
        |cursor: &str| json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "cursor": cursor } });
    assert_eq!(peer.ask(listed("x"))["error"]["code"], -32602);
    assert!(peer.ask(listed(""))["result"]["tools"].is_array());
}

/// What a server answers that can't open what it is to answer from.
fn of_a_broken_start(command: &mut std::process::Command) -> Value {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
    let mut peer = Peer { child, stdin, stdout };
    assert_eq!(peer.greet("2025-11-25", "test")["result"]["serverInfo"]["name"], "prodsignal");
    assert!(peer.ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }))["result"]["tools"].is_array());
    peer.call("list_issues")
}

#[test]
fn whatever_is_wrong_at_the_start_is_what_calls_answer() {
    let store = Store::new();
    std::fs::create_dir_all(store.path()).unwrap();
    std::fs::write(store.path().join("config.toml"), "colour = 1").unwrap();
    let config = store.path().join("config.toml");
    for (settings, kind, said) in [
        (vec!["--store", config.to_str().unwrap()], "internal", "--store"),
        (vec!["--config", config.to_str().unwrap()], "internal", "colour"),
        (vec!["--sentry-url", "http://127.0.0.1:9", "--sentry-org", "acme"], "unauthorized", "PRODSIGNAL_SENTRY_TOKEN"),
    ] {
        let [env, clock, program] = crate::program::program_words();
        let mut command = crate::program::on_the_clock(std::process::Command::new(env));
        command.args([clock, program]).args(&settings).arg("stdio").env("HOME", store.path());
        for name in ["SENTRY_AUTH_TOKEN", "SENTRY_ACCESS_TOKEN", "XDG_CONFIG_HOME"] {
            command.env_remove(name);
        }
        let answer = of_a_broken_start(&mut command);
        assert_eq!(answer["isError"], true, "{settings:?}: {answer}");
        assert_eq!(answer["structuredContent"]["error"]["kind"], kind, "{settings:?}: {answer}");
        assert!(answer["content"][0]["text"].as_str().unwrap().contains(said), "{settings:?}: {answer}");
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_is_as_if_it_were_not_set() {
    let store = Store::new();
    let mut command = store.command(&["stdio"]);
    let names = ["ANSWERS", "MAX_ITEMS", "SENTRY_URL", "PROJECT", "CONFIG", "LISTEN", "RETENTION", "ALLOW_WRITES"];
    for name in names {
        command.env(format!("PRODSIGNAL_{name}"), "");
    }
    let answer = of_a_broken_start(&mut command);
    assert_eq!(answer["isError"], false, "{answer}");
}

/// aden-hive/hive#3393, modelcontextprotocol/servers#4054: a value that can't be read must not end the server before anybody
/// is told.
#[test]
fn a_variable_that_cannot_be_read_is_what_calls_answer() {
    for (name, value) in [("ANSWERS", "loud"), ("MAX_ITEMS", "x"), ("FORWARD_SAMPLE", "half"), ("RETENTION", "soon")] {
        let store = Store::new();
        let mut command = store.command(&["stdio"]);
        command.env(format!("PRODSIGNAL_{name}"), value);
        let answer = of_a_broken_start(&mut command);
        assert_eq!(answer["isError"], true, "{name}: {answer}");
        let said = answer["content"][0]["text"].as_str().unwrap();
        assert!(said.contains(value) && said.contains("settings"), "{name}: {said}");
    }
    let wrong = Store::new().command(&["doctor", "--max-items", "x"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2), "another command ends at once");
}

#[test]
#[cfg(unix)]
fn sigterm_ends_the_process_cleanly() {
    let store = Store::new();
    let mut peer = Peer::start(&store, &["stdio"]);
    peer.greet("2025-11-25", "test");
    let sent = std::process::Command::new("kill").arg(peer.child.id().to_string()).status().unwrap();
    assert!(sent.success());
    assert_eq!(peer.child.wait().unwrap().code(), Some(0));
}

#[test]
fn each_revision_gets_its_own_back() {
    let store = Store::new();
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut peer = Peer::start(&store, &["stdio"]);
        let greeted = peer.greet(version, "test");
        assert_eq!(greeted["result"]["protocolVersion"], version, "{greeted}");
        assert_eq!(greeted["result"]["serverInfo"]["name"], "prodsignal");
        assert!(peer.call("list_projects")["content"][0]["text"].is_string());
    }
}

#[test]
fn the_newest_revision_needs_no_greeting_and_no_session() {
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {} });
    let params = json!({ "name": "list_projects", "arguments": {}, "_meta": meta });
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let store = Store::new();
    let said = Peer::start(&store, &["stdio"]).ask(request.clone());
    assert!(said["result"]["structuredContent"]["projects"].is_array(), "{said}");

    let server = store.serve();
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "list_projects"),
    ];
    let answer = http("POST", &format!("{}/mcp", server.url), &headers, request.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("mcp-session-id"), None);
    let data = answer.body.lines().find_map(|line| line.strip_prefix("data:").filter(|data| data.contains("result")));
    let said: Value = serde_json::from_str(data.unwrap_or(&answer.body)).unwrap();
    assert!(said["result"]["structuredContent"]["projects"].is_array(), "{said}");
}

#[test]
fn answers_are_shaped_by_client_unless_one_is_asked_for() {
    let store = Store::new();
    let shapes = [
        (vec!["stdio"], "claude-code", true, false),
        (vec!["stdio"], "Visual Studio Code", true, false),
        (vec!["stdio"], "codex-mcp-client", true, false),
        (vec!["stdio"], "somebody", true, true),
        (vec!["--answers", "both", "stdio"], "claude-code", true, true),
        (vec!["--answers", "text", "stdio"], "somebody", true, false),
        (vec!["--answers", "structured", "stdio"], "claude-code", false, true),
    ];
    for (words, client, text, data) in shapes {
        let mut peer = Peer::start(&store, &words);
        peer.greet("2025-06-18", client);
        let listed = peer.ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }));
        for tool in listed["result"]["tools"].as_array().unwrap() {
            assert_eq!(tool["outputSchema"].is_object(), data, "{words:?} {client}: {tool}");
            let hints = &tool["annotations"];
            assert_eq!((&hints["readOnlyHint"], &hints["destructiveHint"]), (&json!(true), &json!(false)), "{tool}");
            assert_eq!((&hints["idempotentHint"], &hints["openWorldHint"]), (&json!(true), &json!(false)), "{tool}");
        }
        let answer = peer.call("list_projects");
        assert_eq!(answer["structuredContent"].is_object(), data, "{words:?} {client}: {answer}");
        let said = answer["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(said).is_err(), text, "{words:?} {client}: {said}");
    }
}

#[test]
fn any_accept_that_can_be_served_is_and_failures_are_typed() {
    let store = Store::new();
    let server = store.serve();
    let url = format!("{}/mcp", server.url);
    let greeting = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } });
    let post = |accept: Option<&str>, body: &str| {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(accept.map(|accept| ("Accept", accept)));
        http("POST", &url, &headers, body.as_bytes())
    };
    for (accept, kind) in [
        (None, "text/event-stream"),
        (Some("*/*"), "text/event-stream"),
        (Some("text/event-stream"), "text/event-stream"),
        (Some("application/json"), "application/json"),
    ] {
        let answer = post(accept, &greeting.to_string());
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{accept:?}: {}", answer.body);
        let lines: Vec<_> = answer.body.lines().filter_map(|line| line.strip_prefix("data:")).collect();
        assert!(lines.iter().all(|data| data.contains("result")), "{accept:?}: an event without data: {}", answer.body);
        let said: Value = serde_json::from_str(lines.first().unwrap_or(&answer.body.as_str())).unwrap();
        assert_eq!(said["result"]["serverInfo"]["name"], "prodsignal", "{accept:?}");
    }
    for (accept, body, status) in [
        (Some("text/html"), greeting.to_string(), 406),
        (None, "{nope".to_owned(), 400),
        (None, json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string(), 400),
    ] {
        let answer = post(accept, &body);
        assert_eq!((answer.status, answer.header("content-type")), (status, Some("application/json")), "{body}");
        assert!(answer.json()["error"]["message"].is_string(), "{}", answer.body);
    }
    let odd = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "arguments": {} } });
    assert_eq!(post(None, &odd.to_string()).json()["error"]["code"], -32602);
}

/// A store whose `projects` does what the test wants.
struct Staged {
    act: Act,
    calls: AtomicUsize,
    dropped: Arc<AtomicBool>,
    reached: Arc<Notify>,
}

enum Act {
    Hang,
    PanicOnce,
    Together(Barrier),
}

struct OnDrop(Arc<AtomicBool>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

const UNASKED: StoreError = StoreError::Unsupported("not asked for in this test");

#[async_trait::async_trait]
impl SignalStore for Staged {
    fn source(&self) -> Source {
        Source { store: StoreKind::Embedded, freshness: Freshness::Live, age_s: 0 }
    }
    fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        Ok([0; 32])
    }
    async fn projects(&self, _: &Scope) -> Result<Vec<Project>, StoreError> {
        let _held = OnDrop(self.dropped.clone());
        let before = self.calls.fetch_add(1, Ordering::SeqCst);
        self.reached.notify_one();
        match &self.act {
            Act::Hang => std::future::pending().await,
            Act::PanicOnce => assert!(before > 0, "the first call fails"),
            Act::Together(all) => _ = all.wait().await,
        }
        Ok(Vec::new())
    }
    async fn releases(&self, _: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        Err(UNASKED)
    }
    async fn environments(&self, _: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        Err(UNASKED)
    }
    async fn issues(&self, _: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        Err(UNASKED)
    }
    async fn issue(&self, _: &IssueRef, _: &Scope) -> Result<IssueFacts, StoreError> {
        Err(UNASKED)
    }
    async fn event(&self, _: &EventQuery) -> Result<EventFacts, StoreError> {
        Err(UNASKED)
    }
    async fn affected(&self, _: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        Err(UNASKED)
    }
    async fn search(&self, _: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        Err(UNASKED)
    }
}

/// A client of a server over that store, in one process.
async fn client(act: Act) -> (RunningService<RoleClient, ()>, Arc<Staged>) {
    let store = Arc::new(Staged {
        act,
        calls: AtomicUsize::new(0),
        dropped: Arc::new(AtomicBool::new(false)),
        reached: Arc::new(Notify::new()),
    });
    let now = || Timestamp::from_second(1_800_000_000).unwrap();
    let ctx = Ctx { store: store.clone(), now, defaults: Defaults::default(), writes: None, code: Checkouts::none() };
    let server = Server::new(TOOLS, ctx, Answers::Both);
    let (near, far) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move { server.serve(far).await.unwrap().waiting().await });
    (().serve(near).await.unwrap(), store)
}

fn list_projects() -> CallToolRequestParams {
    CallToolRequestParams::new("list_projects")
}

#[tokio::test]
async fn a_cancelled_call_stops_its_work() {
    let (client, store) = client(Act::Hang).await;
    let request = ClientRequest::CallToolRequest(Request::new(list_projects()));
    let call = client.send_cancellable_request(request, PeerRequestOptions::no_options()).await.unwrap();
    store.reached.notified().await;
    assert!(!store.dropped.load(Ordering::SeqCst));
    call.cancel(None).await.unwrap();
    while !store.dropped.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn several_calls_run_at_once() {
    // Were one to wait for the other, neither would ever get past the barrier.
    let (client, _) = client(Act::Together(Barrier::new(3))).await;
    let (a, b, c) = tokio::join!(
        client.call_tool(list_projects()),
        client.call_tool(list_projects()),
        client.call_tool(list_projects())
    );
    for answer in [a, b, c] {
        assert_ne!(answer.unwrap().is_error, Some(true));
    }
}

#[tokio::test]
async fn a_panic_costs_the_call_and_not_the_connection() {
    let (client, _) = client(Act::PanicOnce).await;
    let failed = client.call_tool(list_projects()).await.unwrap();
    assert_eq!(failed.is_error, Some(true));
    assert_eq!(failed.structured_content.unwrap()["error"]["kind"], "internal");
    assert_ne!(client.call_tool(list_projects()).await.unwrap().is_error, Some(true));
}
