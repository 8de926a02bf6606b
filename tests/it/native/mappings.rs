//! Names that compilers took away: `sentry-cli` uploads the mappings, and events are shown with the plain names.

use serde_json::{Value, json};

use super::{data, event};
use crate::{
    api::commands::{said, sentry_cli},
    program::{Server, Store, http},
};

const ID: &str = "9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73";

fn send(server: &Server, store: &Store, id: &str, mut body: Value) {
    body["event_id"] = id.into();
    let dsn = server.dsn(store, "press");
    let (key, rest) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let url = format!("{}/api/{}/store/?sentry_key={key}", server.url, rest.rsplit('/').next().unwrap());
    assert_eq!(http("POST", &url, &[], body.to_string().as_bytes()).status, 200);
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn classes_of_r8_and_types_of_dart_have_their_names_again() {
    let store = Store::new();
    store.ok(&["project", "press"]);
    let server = store.serve();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let java = |id: &str| {
        let frames =
            json!([{ "module": "a.b", "function": "a", "filename": "SourceFile", "lineno": 1, "in_app": true }]);
        send(
            &server,
            &store,
            id,
            json!({ "platform": "java", "exception": { "values": [{ "type": "b", "module": "a", "value": "x",
            "stacktrace": { "frames": frames } }] }, "debug_meta": { "images": [{ "type": "proguard", "uuid": ID }] } }),
        );
    };
    java("0123456789abcdef0123456789abce01");
    let mapping = b"com.acme.Basket -> a.b:\n    1:1:void pay():5:5 -> a\n";
    let mapping = file("mapping.txt", mapping);
    said(sentry_cli(&server, "press").args(["upload-proguard", "--require-one", "--uuid", ID, &mapping]));
    java("0123456789abcdef0123456789abce02");
    for id in ["0123456789abcdef0123456789abce01", "0123456789abcdef0123456789abce02"] {
        let shown = event(&store, id);
        let exception = &shown["exceptions"][0];
        assert_eq!(
            (exception["type"].as_str(), exception["frames"][0]["function"].as_str()),
            (Some("Basket"), Some("pay")),
            "{shown}"
        );
        assert_eq!(exception["frames"][0]["module"], "com.acme.Basket", "{shown}");
    }
    let map = file("map.json", br#"["Basket","xY","Cart","aQ"]"#);
    let program = file("app.debug", &data("press.debug"));
    said(sentry_cli(&server, "press").args(["dart-symbol-map", "upload", &map, &program]));
    send(
        &server,
        &store,
        "0123456789abcdef0123456789abce03",
        json!({ "platform": "dart", "exception": { "values": [{ "type": "xY", "value": "x" }] },
        "debug_meta": { "images": [{ "type": "elf", "image_addr": "0x1000", "debug_id": ID }] } }),
    );
    assert_eq!(event(&store, "0123456789abcdef0123456789abce03")["exceptions"][0]["type"], "Basket");
}
