//! Processes that end at any moment: nothing acknowledged is lost, nothing counts twice.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::databases::{World, places};
use crate::{
    embedded::exact::block_on,
    program::{Server, http, program},
};

/// Rounds, each with a process that is killed; `PRODSIGNAL_FAULT_ROUNDS` asks for more.
fn rounds() -> u64 {
    std::env::var("PRODSIGNAL_FAULT_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

fn envelope(id: u64) -> String {
    let at = crate::program::now();
    let event = serde_json::json!({
        "event_id": format!("{id:032x}"), "timestamp": at.to_string(), "platform": "node", "release": "app@1",
        "user": { "id": format!("u{}", id % 50) },
        "exception": { "values": [{ "type": format!("Fault{}", id % 4), "value": "x" }] },
    });
    format!("{{\"event_id\":\"{id:032x}\"}}\n{{\"type\":\"event\"}}\n{event}")
}

/// The status of what a server that may be gone answers.
fn post(server: &str, path: &str, auth: &str, body: &str) -> Option<u16> {
    let host = server.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).ok()?;
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-Sentry-Auth: {auth}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
#[cfg_attr(
    not(all(has_postgres, has_python)),
    ignore = "needs PostgreSQL and Python: apt-get install postgresql python3 python3-pip"
)]
fn two_processes_of_which_one_is_killed_lose_nothing_and_count_nothing_twice() {
    let options = places();
    let start = || {
        let mut command = program();
        command.args(["--clickhouse-url", &options.clickhouse, "--postgres-url", &options.postgres]);
        // Only what is local to a process goes there: nothing of the signal.
        let local = std::env::temp_dir().join(format!("prodsignal-faults-{}", std::process::id()));
        command.env("XDG_DATA_HOME", local).args(["serve", "--listen", "127.0.0.1:0"]);
        Server::start(command)
    };
    let world = block_on(World::open(options.clone()));
    let project =
        block_on(async { prodsignal::store::SignalSink::ensure_project(&world.store, "shop").await.unwrap() });
    let (next, acknowledged) = (AtomicU64::new(1), Mutex::new(BTreeSet::new()));
    let auth = format!("Sentry sentry_version=7, sentry_key={}", project.public_key);
    let known = || acknowledged.lock().unwrap().len();
    let wait_for = |more: usize| {
        let before = known();
        while known() < before + more {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    for _ in 0..rounds() {
        let servers = [start(), start()];
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for server in servers.iter().chain(&servers) {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        let id = next.fetch_add(1, Ordering::Relaxed);
                        let path = format!("/api/{}/envelope/", project.id);
                        // Sent twice, as an SDK does that got no answer.
                        for _ in 0..2 {
                            if post(&server.url, &path, &auth, &envelope(id)).is_some_and(|status| status == 200) {
                                acknowledged.lock().unwrap().insert(id);
                            }
                        }
                    }
                });
            }
            wait_for(12);
            let pid = servers[0].child.id().to_string();
            let done = std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
            assert!(done.success());
            wait_for(6);
            ended.store(true, Ordering::Relaxed);
        });
    }
    // What a killed process held is another's once its lease is over.
    block_on(async {
        let (client, connection) = tokio_postgres::connect(&options.postgres, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("UPDATE outbox SET lease=NULL").await.unwrap();
        world.store.settle().await.unwrap();
    });
    let (address, name) = options.clickhouse.split_once("?database=").unwrap();
    let ask = |sql: &str| {
        let answer = http("POST", &format!("{address}?database={name}"), &[], sql.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    };
    let stored: BTreeSet<u64> = ask("SELECT lower(hex(id)) FROM event")
        .lines()
        .map(|hex| u64::from_str_radix(hex.trim(), 16).unwrap())
        .collect();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.is_subset(&stored), "lost: {:?}", acknowledged.difference(&stored).collect::<Vec<_>>());
    let counts = ["SELECT count() FROM event", "SELECT sum(events) FROM cell", "SELECT sum(events) FROM active"];
    for sql in counts {
        assert_eq!(ask(sql).trim(), stored.len().to_string(), "{sql}");
    }
}
