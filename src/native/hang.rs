//! Programs that stopped answering: what their main thread waited for, and on whom.

use serde_json::{Value, json};

use super::holders::put;

/// Types and mechanisms by which SDKs tell of a main thread that stopped: Android's, Apple's, Windows', Node's.
const TYPES: &[&str] = &[
    "ApplicationNotResponding",
    "ApplicationNotRespondingException",
    "ANR",
    "BackgroundANR",
    "App Hanging",
    "App Hang",
    "Fatal App Hang",
    "AppHang",
    "AppHangB1",
    "MXHangDiagnostic",
    "EventLoopBlocked",
];
const MECHANISMS: &[&str] = &["ANR", "AppExitInfo", "AppHang", "mx_hang_diagnostic"];
/// Names of main threads, where none is marked.
const MAIN: &[&str] = &["main", "com.apple.main-thread"];
/// What a thread does to the lock of a frame, as SDKs number it.
const WAITING: u64 = 2;
const SLEEPING: u64 = 4;
const BLOCKED: u64 = 8;
/// Threads and frames that are looked at.
const THREADS: usize = 500;
const FRAMES: usize = 200;

/// Says in the context `crash` that the program hung, and on what. Tells whether anything changed.
pub(super) fn say(event: &mut Value) -> bool {
    if event.pointer("/contexts/crash").is_some() || !is_hang(event) {
        return false;
    }
    let mut crash = json!({ "kind": "hang" });
    if let Some(evidence) = evidence(event) {
        crash["evidence"] = evidence.into();
    }
    put(event, crash);
    true
}

fn is_hang(event: &Value) -> bool {
    let exception = event.pointer("/exception/values").and_then(Value::as_array).and_then(|list| list.last());
    exception.is_some_and(|exception| {
        let text = |pointer: &str| exception.pointer(pointer).and_then(Value::as_str).unwrap_or("");
        let ty = text("/type");
        TYPES.iter().any(|known| ty == *known || ty.starts_with(&format!("{known} ")))
            || MECHANISMS.contains(&text("/mechanism/type"))
    })
}

/// The lock that the main thread waited for with whoever held it, else where the thread stood.
fn evidence(event: &Value) -> Option<String> {
    let threads = event.pointer("/threads/values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let threads = &threads[..threads.len().min(THREADS)];
    let marked = |key: &str| threads.iter().find(|thread| thread.get(key) == Some(&Value::Bool(true)));
    let main = marked("main").or_else(|| threads.iter().find(|thread| MAIN.contains(&name_of(thread))));
    let main = main.or_else(|| marked("crashed")).or_else(|| marked("current"));
    let own = event.pointer("/exception/values").and_then(Value::as_array).and_then(|list| list.last());
    // The exception has the main thread's stack where the thread itself has none.
    let stacks = [own, main].into_iter().flatten().filter_map(frames);
    let locked = stacks.clone().flatten().rev().take(FRAMES).find_map(|frame| Some((frame, wait(frame)?)));
    if let Some((frame, (lock, what))) = locked {
        let holder = holder(lock, threads).map(|holder| format!(", which {holder}")).unwrap_or_default();
        return Some(format!("in {}, the main thread {what}{holder}", place(frame)));
    }
    let innermost = stacks.flatten().next_back()?;
    Some(format!("the main thread stood in {}", place(innermost)))
}

fn frames(holder: &Value) -> Option<&Vec<Value>> {
    holder.pointer("/stacktrace/frames").and_then(Value::as_array).filter(|frames| !frames.is_empty())
}

fn name_of(thread: &Value) -> &str {
    thread.get("name").and_then(Value::as_str).unwrap_or("")
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// What a frame does to a lock that it has not got.
fn wait(frame: &Value) -> Option<(&Value, String)> {
    let lock = frame.get("lock")?;
    let verb = match lock.get("type").and_then(Value::as_u64)? {
        BLOCKED => "was blocked by the lock of",
        WAITING => "waited for a signal on",
        SLEEPING => "slept on",
        _ => return None,
    };
    let class = text(lock, "class_name").unwrap_or("an object");
    let class = text(lock, "package_name").map_or_else(|| class.to_owned(), |package| format!("{package}.{class}"));
    Some((lock, format!("{verb} {class}")))
}

/// The thread that held a lock, with where it stood.
fn holder(lock: &Value, threads: &[Value]) -> Option<String> {
    let id = lock.get("thread_id").filter(|id| !id.is_null());
    let address = text(lock, "address");
    let holds = |thread: &&Value| {
        let held =
            address.is_some_and(|at| thread.get("held_locks").and_then(|locks| locks.get(at)).is_some_and(has_it));
        id.is_some_and(|id| same(thread.get("id"), id)) || id.is_none() && held
    };
    let thread = threads.iter().find(holds)?;
    let name = Some(name_of(thread)).filter(|name| !name.is_empty()).unwrap_or("another thread");
    let stood = frames(thread).and_then(|frames| frames.last()).map(|frame| format!(" while in {}", place(frame)));
    Some(format!("{name} held{}", stood.unwrap_or_default()))
}

/// Whether a thread has a lock: it took it, and does not wait for it.
fn has_it(lock: &Value) -> bool {
    lock.get("type").and_then(Value::as_u64).is_none_or(|what| what & (WAITING | SLEEPING | BLOCKED) == 0)
}

fn same(id: Option<&Value>, other: &Value) -> bool {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    id.is_some_and(|id| plain(id) == plain(other))
}

fn place(frame: &Value) -> String {
    let function = text(frame, "function").unwrap_or("an unnamed function");
    let within = text(frame, "module").or_else(|| text(frame, "package")).unwrap_or("");
    let within = within.rsplit(['/', '\\']).next().unwrap_or("");
    let name = if within.is_empty() { function.to_owned() } else { format!("{within}.{function}") };
    name.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(frames: &Value) -> Value {
        json!({ "frames": frames })
    }

    #[test]
    fn a_hang_names_the_lock_and_who_held_it() {
        let lock = json!({ "type": 8, "address": "0x0d3a2f0a", "package_name": "com.acme", "class_name": "Store", "thread_id": 5 });
        let main = json!([{ "module": "com.acme.Home", "function": "onClick" },
            { "module": "com.acme.Store", "function": "read", "lock": lock }]);
        let worker = json!([{ "module": "com.acme.Sync", "function": "run" }, { "module": "java.net.Socket", "function": "read0" }]);
        let event = json!({ "exception": { "values": [{ "type": "ApplicationNotResponding", "value": "x",
                "stacktrace": stack(&main) }] },
            "threads": { "values": [{ "id": 1, "name": "main", "main": true },
                { "id": 5, "name": "sync-1", "held_locks": { "0x0d3a2f0a": { "type": 1 } }, "stacktrace": stack(&worker) }] } });
        let want = "in com.acme.Store.read, the main thread was blocked by the lock of com.acme.Store, which sync-1 held \
            while in java.net.Socket.read0";
        let mut told = event.clone();
        assert!(say(&mut told) && !say(&mut told));
        assert_eq!(told["contexts"]["crash"], json!({ "kind": "hang", "evidence": want }));
        // Who held it is found by the lock's address too.
        let mut by_address = event;
        by_address["exception"]["values"][0]["stacktrace"]["frames"][1]["lock"]["thread_id"] = Value::Null;
        say(&mut by_address);
        assert_eq!(by_address["contexts"]["crash"]["evidence"], want);
    }

    #[test]
    fn without_a_lock_it_is_where_the_thread_stood_and_other_events_are_left_alone() {
        let frames =
            json!([{ "package": "/x/Meadow.app/Meadow", "function": "stack(hay:)" }, { "function": "semaphore_wait" }]);
        let mut hang = json!({ "exception": { "values": [{ "type": "App Hanging", "stacktrace": stack(&frames) }] } });
        assert!(say(&mut hang));
        assert_eq!(hang["contexts"]["crash"]["evidence"], "the main thread stood in semaphore_wait");
        let mut bare = json!({ "exception": { "values": [{ "type": "ANR" }] } });
        assert!(say(&mut bare) && bare["contexts"]["crash"] == json!({ "kind": "hang" }));
        for mut other in
            [json!({}), json!({ "exception": { "values": [{ "type": "ANRError" }] } }), json!({ "exception": 1 })]
        {
            assert!(!say(&mut other));
        }
    }
}
