//! A server of symbols that the operator named, in the layout of Breakpad's servers.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::mpsc,
};

use super::{crash, data, event, functions};
use crate::program::{Server, Store};

/// Hands one file out at its path, and tells each path that was asked for.
fn stand_in(path: String, file: Vec<u8>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/symbols/", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let asked = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or("").to_owned();
            lines.find(String::is_empty);
            let (status, body) = if asked == path { ("200 OK", &file[..]) } else { ("404 Not Found", &b""[..]) };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            if tell.send(asked).is_err() {
                return;
            }
        }
    });
    (url, told)
}

#[test]
fn a_server_that_was_named_is_asked_for_what_crashes_lack() {
    let store = Store::new();
    store.ok(&["project", "press"]);
    let server = store.serve();
    let id = crash(&server, &store, &data("crashpad-e8e8fc68.dmp"));
    assert!(!functions(&event(&store, &id)).contains(&"boil"));
    drop(server);
    let path = "/symbols/kettle/F23820DF71A773B62698A1E7C88741B30/kettle.sym";
    let (url, told) = stand_in(path.to_owned(), data("kettle.sym"));
    let _server = Server::start(store.command(&["--symbol-server", &url, "serve", "--listen", "127.0.0.1:0"]));
    let asked = told.iter().find(|asked| asked == path);
    assert_eq!(asked.as_deref(), Some(path));
    // It is stored soon after it was sent.
    let named = (0..200).any(|_| functions(&event(&store, &id)).contains(&"boil"));
    assert!(named, "{}", event(&store, &id));
}
