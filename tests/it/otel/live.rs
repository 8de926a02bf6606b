//! Real OpenTelemetry SDKs, a real collector and a real browser send to a running server; the tools show what they sent.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::program::{Server, Store, http, node_tool, python, python_packages};

const PYTHON: &str = "opentelemetry-distro==0.66b1 opentelemetry-exporter-otlp-proto-http==1.45.1 \
    opentelemetry-instrumentation-flask==0.66b1 opentelemetry-instrumentation-logging==0.66b1 flask==3.1.3";
const NODE: &str = "@opentelemetry/api@1.9.1 @opentelemetry/api-logs@0.223.0 @opentelemetry/sdk-node@0.223.0 \
    @opentelemetry/instrumentation-http@0.223.0 @opentelemetry/instrumentation-express@0.71.1 express@5.2.1";
const WEB: &str = "@playwright/test@1.65.1 esbuild@0.28.2 @opentelemetry/api@1.9.1 @opentelemetry/api-logs@0.223.0 \
    @opentelemetry/browser-instrumentation@0.6.0 @opentelemetry/exporter-logs-otlp-http@0.223.0 \
    @opentelemetry/exporter-trace-otlp-http@0.223.0 @opentelemetry/instrumentation@0.223.0 \
    @opentelemetry/instrumentation-fetch@0.223.0 @opentelemetry/resources@2.12.0 @opentelemetry/sdk-logs@0.223.0 \
    @opentelemetry/sdk-trace-web@2.12.0";
const SENTRY: &str = "sentry-sdk==2.75.0 opentelemetry-distro==0.66b1 opentelemetry-exporter-otlp-proto-http==1.45.1";
/// A collector that comes as a package: it takes OTLP, batches, and sends on over OTLP/HTTP.
const COLLECTOR: &str = "rotel==0.0.1a15";

/// The variables that the README and `doctor` name, as they name them.
fn told(command: &mut Command, endpoint: &str, service: &str) {
    command.envs([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_SERVICE_NAME", service),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.version=1.2.0,deployment.environment.name=production"),
        ("OTEL_METRICS_EXPORTER", "none"),
        // Node's SDK sends no logs unless it is told to.
        ("OTEL_LOGS_EXPORTER", "otlp"),
    ]);
}

/// Runs it to its end.
fn ran(mut command: Command) -> String {
    let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// The Flask service, sending there.
fn kiosk(endpoint: &str) -> Command {
    let packages = python_packages("otel", PYTHON);
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", &packages).arg(packages.join("bin/opentelemetry-instrument")).arg("python3");
    command.arg(client("otel_python.py"));
    told(&mut command, endpoint, "kiosk");
    command
}

fn client(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

fn issues(store: &Store, project: &str) -> Vec<Value> {
    // SDKs date by the machine's clock, which isn't the tests'.
    let listed = store.call("list_issues", json!({ "project": project, "period": "3650d", "max_tokens": 20_000 }));
    listed["issues"].as_array().unwrap_or_else(|| panic!("{listed}")).clone()
}

fn rows(store: &Store, mut arguments: Value) -> Vec<Value> {
    arguments["period"] = "3650d".into();
    let found = store.call("search_events", arguments);
    found["rows"].as_array().unwrap_or_else(|| panic!("{found}")).clone()
}

/// The lines of an event's trace. Whether they went before it can't be told here: the machine's clock, which SDKs date by, may be
/// ahead of the tests', and then all is dated by when it came.
fn logs_of(store: &Store, event: &Value) -> String {
    let trace = event["event"]["trace_id"].as_str().unwrap_or_else(|| panic!("{event}"));
    json!(rows(store, json!({ "kind": "log", "query": format!("trace:{trace}") }))).to_string()
}

/// What the Flask service sent: of each failure three records, of one request none.
fn shows_kiosk(store: &Store) {
    let issues = issues(store, "kiosk");
    assert_eq!(issues.len(), 2, "{issues:?}");
    let crash = issues.iter().find(|issue| issue["title"] == "TicketError: no price for CH").unwrap();
    assert_eq!((&crash["events"], &crash["users"], &crash["unhandled"]), (&json!(3), &json!(3), &json!(true)));
    assert_eq!(crash["top_frame"]["function"], "vat_of");
    assert_eq!(crash["first_release"], "kiosk@1.2.0");
    assert!(crash["why"].as_str().unwrap().contains("3 of 20 active users"), "{crash}");
    let event = store.call("get_event", json!({ "issue": crash["short_id"], "max_tokens": 20_000 }));
    let chain = &event["event"]["exceptions"];
    assert_eq!((&chain[0]["type"], &chain[1]["type"]), (&json!("TicketError"), &json!("KeyError")));
    assert_eq!(chain[1]["frames"][0]["context"]["line"].as_str().unwrap().trim(), "return RATES[country]");
    assert!(logs_of(store, &event).contains("no VAT rate cached for CH"));
    assert_eq!(
        (&event["event"]["tags"]["kiosk.plan"], &event["event"]["environment"]),
        (&json!("pro"), &json!("production"))
    );
    assert!(!event.to_string().contains("visitor-"), "the user's id must not be shown");
    let logged = issues.iter().find(|issue| issue["title"] == "KeyError: 'XX'").unwrap();
    assert_eq!((&logged["events"], &logged["unhandled"]), (&json!(1), &json!(false)));
    let requests = rows(
        store,
        json!({ "kind": "transaction", "project": "kiosk", "group_by": ["transaction"],
        "aggregate": ["count()", "count_unique(user)"] }),
    );
    let of =
        |name: &str| requests.iter().find(|row| row["transaction"] == name).unwrap_or_else(|| panic!("{requests:?}"));
    assert_eq!(of("GET /health")["count_unique(user)"], 20);
    assert_eq!(of("POST /tickets/<country>")["count()"], 3);
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn a_flask_service_needs_environment_variables_alone() {
    let store = Store::new();
    let server = store.serve();
    ran(kiosk(&server.url));
    shows_kiosk(&store);
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn a_collector_passes_on_all_of_it() {
    let store = Store::new();
    let server = store.serve();
    let (port, grpc) = (free_port(), free_port());
    let mut collector = Collector::start(&server, &store.path(), port, grpc);
    let mut kiosk = kiosk(&format!("http://127.0.0.1:{port}"));
    kiosk.env("OTEL_WAIT", format!("127.0.0.1:{port}"));
    ran(kiosk);
    // It sends what it still holds before it ends.
    collector.end();
    shows_kiosk(&store);
}

struct Collector(Child);

impl Collector {
    fn start(server: &Server, folder: &Path, port: u16, grpc: u16) -> Self {
        let pid = folder.join("collector.pid");
        let program = python_packages("rotel", COLLECTOR).join("rotel/rotel-agent");
        let mut command = Command::new(program);
        command.args([
            "start",
            "--pid-file",
            &pid.to_string_lossy(),
            "--exporter",
            "otlp",
            "--otlp-exporter-protocol",
            "http",
        ]);
        command.args(["--otlp-exporter-endpoint", &server.url]);
        command.args(["--otlp-http-endpoint", &format!("127.0.0.1:{port}")]);
        command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn end(&mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn two_node_services_of_which_one_fails_have_one_issue() {
    let store = Store::new();
    let server = store.serve();
    let script = node_tool("otel-node", NODE).join("otel_node.cjs");
    std::fs::copy(client("otel_node.cjs"), &script).unwrap();
    let mut command = Command::new("node");
    command.arg(script);
    told(&mut command, &server.url, "said-by-the-program");
    ran(command);
    // Neither what the other service made of it, nor what the service itself did that asked itself, is a failure of its own.
    assert_eq!(issues(&store, "depot-front").len(), 0, "{:?}", issues(&store, "depot-front"));
    let stock = issues(&store, "depot-stock");
    assert_eq!(stock.len(), 1, "{stock:?}");
    assert_eq!(stock[0]["title"], "TypeError: Cannot read properties of undefined (reading 'map')");
    assert_eq!((&stock[0]["events"], &stock[0]["users"]), (&json!(4), &json!(4)));
    assert_eq!(stock[0]["top_frame"]["function"], "reserve");
    let event = store.call("get_event", json!({ "issue": stock[0]["short_id"], "max_tokens": 20_000 }));
    assert!(logs_of(&store, &event).contains("looking at shelf"));
    assert_eq!(event["event"]["transaction"], "GET /shelf/:id");
    let trace = &event["event"]["trace_id"];
    let spans =
        rows(&store, json!({ "kind": "span", "query": format!("trace:{}", trace.as_str().unwrap()), "limit": 100 }));
    assert!(spans.iter().any(|span| span["project"] == "depot-front" || span["op"] == "client"), "{spans:?}");
}

#[test]
#[cfg_attr(not(all(has_node, has_chromium)), ignore = "needs Node and Chromium: apt-get install nodejs npm chromium")]
fn a_page_in_a_real_browser_may_send() {
    let store = Store::new();
    let server = store.serve();
    let folder = node_tool("otel-web", WEB);
    for name in ["otel_page.js", "otel_browser.mjs"] {
        std::fs::copy(client(name), folder.join(name)).unwrap();
    }
    let mut command = Command::new("node");
    command.arg(folder.join("otel_browser.mjs")).arg(&server.url);
    assert_eq!(ran(command).trim(), "[]", "what the browser refused");
    let issues = issues(&store, "desk-site");
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert_eq!(issues[0]["title"], "TypeError: Cannot read properties of undefined (reading 'text')");
    assert_eq!((&issues[0]["unhandled"], &issues[0]["users"]), (&json!(true), &json!(1)));
    assert_eq!(
        (&issues[0]["top_frame"]["function"], &issues[0]["first_release"]),
        (&json!("openArticle"), &json!("desk-site@3.0.0"))
    );
    let spans =
        rows(&store, json!({ "kind": "span", "project": "desk-site", "fields": ["http.status_code", "op", "user"] }));
    assert_eq!((&spans[0]["op"], &spans[0]["http.status_code"]), (&json!("client"), &json!(200)), "{spans:?}");
}

/// That SDK reports errors that are logged as issues: one export that is refused is an issue of its own.
#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn an_sdk_that_reports_failed_exports_has_none_to_report() {
    let store = Store::new();
    let server = store.serve();
    let packages = python_packages("otel-sentry", SENTRY);
    let mut command = python("otel_sentry.py", &packages);
    command.arg(server.dsn(&store, "till"));
    ran(command);
    let issues = issues(&store, "till");
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert_eq!((&issues[0]["title"], &issues[0]["events"]), (&json!("KeyError: 'grams'"), &json!(1)));
    let event = store.call("get_event", json!({ "issue": issues[0]["short_id"] }));
    let trace = event["event"]["trace_id"].as_str().unwrap();
    let spans =
        rows(&store, json!({ "kind": "span", "query": format!("trace:{trace}"), "fields": ["name", "project"] }));
    assert_eq!((&spans[0]["name"], &spans[0]["project"]), (&json!("weigh parcels"), &json!("till")), "{spans:?}");
    // A signal that there is not is refused by a status that nobody tries again, and named.
    let json = ("Content-Type", "application/json");
    let unknown = http("POST", &format!("{}/v1development/profiles", server.url), &[json], b"{}");
    assert_eq!(unknown.status, 404, "{}", unknown.body);
}
