//! The page for people: the same answers, no markup of strangers, a login where a token is set, and a real browser.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    feed::failure,
    markers::{REPLAY, envelopes},
    program::{Answer, Server, Store, http, node_tool, playwright_node},
};

/// What a browser would run, or leave its place by.
const MARKUP: &str = "</title></style></script><img src=x onerror=alert(1)><svg onload=alert(2)>";

/// The tags that the pages themselves have.
const TAGS: &[&str] = &[
    "a",
    "b",
    "body",
    "button",
    "circle",
    "code",
    "dd",
    "defs",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "form",
    "h1",
    "h2",
    "h3",
    "head",
    "header",
    "html",
    "i",
    "kbd",
    "label",
    "li",
    "line",
    "link",
    "main",
    "mark",
    "meta",
    "ol",
    "option",
    "p",
    "pattern",
    "pre",
    "q",
    "rect",
    "script",
    "section",
    "select",
    "span",
    "strong",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "time",
    "title",
    "tr",
    "ul",
];

/// A store in which every field of an event and of a replay is hostile.
fn hostile() -> Store {
    let store = Store::new();
    store.import("marked", &envelopes().map(|envelope| with_markup(&envelope)));
    store
}

/// Markup in each text; what is attached keeps its length.
fn with_markup(envelope: &str) -> String {
    let lines = envelope.split('\n').map(|line| match line.starts_with('{') {
        true => line.replace("</tool_result>", MARKUP),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn get(server: &Server, path: &str) -> Answer {
    http("GET", &format!("{}{path}", server.url), &[], b"")
}

/// Every page of a store with one issue.
fn pages(store: &Store) -> Vec<String> {
    let releases = store.call("list_releases", json!({}));
    let release = releases["releases"][0]["version"].as_str().unwrap();
    let release: String = url::form_urlencoded::byte_serialize(release.as_bytes()).collect();
    vec!["/".to_owned(), format!("/issue/MARKED-1?release={release}"), format!("/replay/{REPLAY}")]
}

#[test]
fn the_page_shows_what_broke_and_no_markup_of_strangers() {
    let store = hostile();
    let server = store.serve();
    for path in pages(&store) {
        let page = get(&server, &path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(page.body.contains("mark-"), "{path} shows something of the event: {}", page.body);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for part in page.body.split('<').skip(1) {
            let name = part.trim_start_matches(['/', '!']);
            let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
            assert!(TAGS.contains(&name) || name == "doctype", "<{name} on {path}");
        }
        assert!(!page.body.contains("Sup3rSecret") && !page.body.contains("ada@shop.example"), "{path}");
    }
    assert_eq!(get(&server, "/issue/MARKED-99").status, 404);
    assert_eq!(get(&server, "/replay/00000000000000000000000000000000").status, 404);
    for asset in ["style.css", "live.js"] {
        assert_eq!(get(&server, &format!("/assets/{asset}")).status, 200, "{asset}");
    }
}

#[test]
fn an_empty_store_and_one_without_releases_have_a_page_too() {
    let store = Store::new();
    let server = store.serve();
    let empty = get(&server, "/");
    assert_eq!(empty.status, 200, "{}", empty.body);
    assert!(empty.body.contains("Nothing new broke"), "{}", empty.body);
    let unnamed = failure(1, "FirstError").replace("\"release\":\"till@1.2.0\",", "");
    assert!(!unnamed.contains("1.2.0"));
    store.import("till", &[unnamed]);
    assert!(get(&server, "/").body.contains("FirstError"));
    let asked = get(&server, "/?since=till@9.9.9");
    assert!((400..500).contains(&asked.status) && asked.body.contains("9.9.9"), "{}", asked.body);
}

#[test]
fn a_token_opens_the_page_by_a_form_and_the_pass_opens_the_page_alone() {
    let store = Store::new();
    store.import("till", &[failure(1, "FirstError")]);
    let made = store.ok(&["token", "make", "ada", "--scope", "read"]);
    let token = made.split_whitespace().find(|word| word.starts_with("psig_")).unwrap().to_owned();
    let server = store.serve();
    let shut = get(&server, "/");
    assert_eq!(shut.status, 401);
    assert!(shut.body.contains("type=password") && !shut.body.contains("TILL-1"), "{}", shut.body);
    let login = |token: &str, origin: &str| {
        let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", origin)];
        http("POST", &format!("{}/login", server.url), &form, format!("token={token}").as_bytes())
    };
    assert_eq!(login("wrong", &server.url).status, 401);
    assert_eq!(login(&token, "http://evil.example").status, 403, "a form of another page");
    let entered = login(&token, &server.url);
    assert_eq!(entered.status, 303, "{}", entered.body);
    let cookie = entered.header("set-cookie").unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(&token), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let with = |path: &str, headers: &[(&str, &str)]| http("GET", &format!("{}{path}", server.url), headers, b"");
    let home = with("/", &[("Cookie", pair)]);
    assert!(home.status == 200 && home.body.contains("TILL-1") && home.body.contains("Log out"), "{}", home.body);
    assert_eq!(with("/", &[("Cookie", "prodsignal=1.00")]).status, 401);
    assert_eq!(with("/", &[("Cookie", pair), ("Origin", "http://localhost:1")]).status, 403, "another page");
    for path in ["/metrics", "/mcp", "/api/0/organizations/x/issues/"] {
        assert_eq!(with(path, &[("Cookie", pair)]).status, 401, "{path}: the pass opens the page alone");
    }
    store.ok(&["token", "revoke", "ada"]);
    assert_eq!(with("/", &[("Cookie", pair)]).status, 401, "it ends with its token");
}

#[test]
fn a_token_of_one_project_shows_that_project_alone() {
    let store = Store::new();
    store.import("till", &[failure(1, "FirstError")]);
    store.import("bank", &[failure(2, "SecondError")]);
    let made = store.ok(&["token", "make", "ada", "--scope", "read", "--only-project", "till"]);
    let token = made.split_whitespace().find(|word| word.starts_with("psig_")).unwrap();
    let server = store.serve();
    let bearer = format!("Bearer {token}");
    let with = |path: &str| http("GET", &format!("{}{path}", server.url), &[("Authorization", &bearer)], b"");
    let home = with("/").body;
    assert!(home.contains("FirstError") && !home.contains("SecondError") && !home.contains("bank"), "{home}");
    let other = with("/issue/BANK-1");
    assert!(other.status == 404 && !other.body.contains("SecondError"), "{}", other.body);
    assert!(!with("/?project=bank").body.contains("SecondError"));
}

/// What Chromium saw of these pages.
fn looked_at(server: &Server, paths: &[String], more: &[&str]) -> Value {
    let axe = node_tool("axe", "axe-core@4.14.1").join("node_modules/axe-core/axe.min.js");
    let mut look = playwright_node("look_at_people.mjs");
    let done = look.arg(&server.url).arg(axe).arg(json!(paths).to_string()).args(more).output().unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    let seen: Value = serde_json::from_slice(&done.stdout).unwrap();
    // Among them `shifts`: nothing moves while a page loads.
    for none in ["problems", "elsewhere", "faults", "wider", "handlers", "shifts"] {
        assert_eq!(seen[none], json!([]), "{none}: {seen}");
    }
    for tag in seen["tags"].as_array().unwrap() {
        assert!(TAGS.contains(&tag.as_str().unwrap()), "{tag}");
    }
    seen
}

#[test]
#[cfg_attr(not(all(has_node, has_chromium)), ignore = "needs Node and Chromium: apt-get install nodejs npm chromium")]
fn a_real_browser_runs_nothing_of_strangers() {
    let store = hostile();
    let server = store.serve();
    looked_at(&server, &pages(&store), &[]);
}

#[test]
#[cfg_attr(not(all(has_node, has_chromium)), ignore = "needs Node and Chromium: apt-get install nodejs npm chromium")]
fn a_real_browser_shows_the_demonstration_and_what_comes_in_by_itself() {
    let store = Store::new();
    store.ok(&["demo"]);
    fs::rename(store.path().with_file_name("store-demo"), store.path()).unwrap();
    let server = store.serve();
    let paths = ["/", "/?since=shop%402.3.0", "/issue/SHOP-API-1?release=shop%402.3.1"].map(str::to_owned);
    assert!(get(&server, &paths[2]).body.contains("Rate of the failure over time"), "the verification is drawn");
    let dsn = server.dsn(&store, "shop-api");
    let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let (host, id) = place.split_once('/').unwrap();
    let ingestion = format!("http://{host}/api/{id}/envelope/?sentry_key={key}");
    let sent = store.path().join("sent.envelope");
    fs::write(&sent, failure(9, "FreshError")).unwrap();
    let seen = looked_at(&server, &paths, &[&ingestion, Path::to_str(&sent).unwrap(), "FreshError"]);
    assert_eq!(seen["live"], 200, "{seen}");
    assert!(seen["tabs"][0].as_str().unwrap().contains("Skip"), "{seen}");
}
