//! Servers of symbols that the operator named, each in a layout of its own.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::mpsc,
};

use prodsignal::native::read_debug_file;

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

/// Takes a crash, has the program ask a server that has one file at a path, and looks for a function in the crash.
fn names_a_crash(dump: &str, path: &str, file: Vec<u8>, function: &str) {
    let store = Store::new();
    store.ok(&["project", "press"]);
    let server = store.serve();
    let id = crash(&server, &store, &data(dump));
    assert!(!functions(&event(&store, &id)).contains(&function));
    drop(server);
    let path = format!("/symbols/{path}");
    let (url, told) = stand_in(path.clone(), file);
    let _server = Server::start(store.command(&["--symbol-server", &url, "serve", "--listen", "127.0.0.1:0"]));
    let asked = told.iter().find(|asked| *asked == path);
    assert_eq!(asked, Some(path));
    // It is stored soon after it was sent.
    let named = (0..200).any(|_| functions(&event(&store, &id)).contains(&function));
    assert!(named, "{}", event(&store, &id));
}

#[test]
fn a_server_that_was_named_is_asked_for_what_crashes_lack() {
    let path = "kettle/F23820DF71A773B62698A1E7C88741B30/kettle.sym";
    names_a_crash("crashpad-e8e8fc68.dmp", path, data("kettle.sym"), "boil");
}

#[test]
fn servers_of_other_layouts_are_asked_by_build_id() {
    let file = data("press.debug");
    let id = read_debug_file("press.debug", None, &file).unwrap()[0].code_id.clone().unwrap();
    let (head, tail) = id.split_at(2);
    for path in [
        format!("buildid/{id}/debuginfo"),
        format!("_.debug/elf-buildid-sym-{id}/_.debug"),
        format!("{head}/{tail}/debuginfo"),
        format!("{head}/{tail}.debug"),
    ] {
        names_a_crash("null-next-1.dmp", &path, file.clone(), "sheet_width");
    }
}
