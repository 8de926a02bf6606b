//! Tests of what is passed on to another server: whole, whose it is changed, after a restart, and within its rate limits.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use serde_json::Value;

use crate::{
    feed::failure,
    program::{Server, Store, http},
};

/// Longest that a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server of Sentry's protocol: answers each request with the next of these (the last again and again), and hands over
/// what came: path, header and body.
fn sentry(listener: TcpListener, answers: Vec<&'static str>) -> Receiver<(String, String)> {
    let (sender, got) = channel();
    std::thread::spawn(move || {
        for n in 0.. {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                    break;
                }
                if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                head += &line;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = answers[n.min(answers.len() - 1)];
            let _ = write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if sender.send((head, String::from_utf8_lossy(&body).into_owned())).is_err() {
                return;
            }
        }
    });
    got
}

fn forwarding(store: &Store, port: u16) -> Server {
    let dsn = format!("http://theirs@127.0.0.1:{port}/42");
    Server::start(store.command(&["serve", "--listen", "127.0.0.1:0", "--forward", &dsn]))
}

/// Sends an envelope and expects that it is taken.
fn send(store: &Store, server: &Server, envelope: &str) {
    let dsn = server.dsn(store, "till");
    let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let (host, project) = place.split_once('/').unwrap();
    let url = format!("http://{host}/api/{project}/envelope/?sentry_key={key}");
    assert_eq!(http("POST", &url, &[], envelope.as_bytes()).status, 200);
}

#[test]
fn what_was_taken_reaches_the_other_server_also_after_a_restart() {
    let store = Store::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    // Nobody listens: the sender is answered all the same, and the program then ends without a word.
    let mut server = forwarding(&store, port);
    let sent =
        failure(1, "FirstError").replacen("{}", r#"{"dsn":"http://ours@here/1","trace":{"public_key":"ours"}}"#, 1);
    send(&store, &server, &sent);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let got = sentry(TcpListener::bind(("127.0.0.1", port)).unwrap(), vec!["503 x", "200 OK"]);
    let _again = forwarding(&store, port);
    let (first, _) = got.recv_timeout(PATIENCE).unwrap();
    assert!(first.starts_with("POST /api/42/envelope/ "), "{first}");
    assert!(first.to_ascii_lowercase().contains("sentry_key=theirs"), "{first}");
    let (_, body) = got.recv_timeout(PATIENCE).expect("a fault is tried again");
    let (header, rest) = body.split_once('\n').unwrap();
    let header: Value = serde_json::from_str(header).unwrap();
    assert_eq!(header["dsn"], format!("http://theirs@127.0.0.1:{port}/42"));
    assert_eq!(header["trace"]["public_key"], "theirs");
    assert_eq!(rest, sent.split_once('\n').unwrap().1, "the rest is as it came");
}

#[test]
fn what_is_under_a_limit_waits_and_lets_others_pass() {
    let store = Store::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let limited = "429 x\r\nx-sentry-rate-limits: 3600:error:organization";
    let got = sentry(listener, vec![limited, "200 OK"]);
    let server = forwarding(&store, port);
    send(&store, &server, &failure(1, "FirstError"));
    assert!(got.recv_timeout(PATIENCE).unwrap().1.contains("FirstError"));
    send(&store, &server, &failure(2, "SecondError"));
    let session = "{}\n{\"type\":\"session\"}\n{\"sid\":\"a\",\"init\":true,\"started\":\"2026-11-30T10:00:00Z\",\
        \"attrs\":{\"release\":\"till@1.2.0\"}}\n";
    send(&store, &server, session);
    let (_, next) = got.recv_timeout(PATIENCE).unwrap();
    assert!(next.contains("\"type\":\"session\"") && !next.contains("SecondError"), "errors are held back: {next}");
    let waiting = std::fs::read_dir(store.path().join("forward")).unwrap().count();
    assert!(waiting >= 2, "both errors wait: {waiting}");
}

#[test]
fn a_dsn_that_is_none_is_refused_at_the_start() {
    let store = Store::new();
    let done = store.run(&["serve", "--listen", "127.0.0.1:0", "--forward", "https://sentry.example/42"]);
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("--forward takes a DSN"), "{done:?}");
}
