use serde_json::json;

use super::*;

const TOMBSTONE: &str = "*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
Build fingerprint: 'acme/stove/stove:14/AB1A.240101.001/1:user/release-keys'
ABI: 'arm64'
Timestamp: 2026-11-20 10:11:12.123456789+0100
Process uptime: 12s
Cmdline: com.acme.kettle
pid: 2314, tid: 2331, name: Boiler  >>> com.acme.kettle <<<
uid: 10234
signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0000000000000010
Cause: null pointer dereference
    x0  0000000000000000  x1  0000000000000001
backtrace:
      #00 pc 0000000000001234  /data/app/~~ab==/com.acme.kettle-cd==/lib/arm64/libkettle.so (boil(int)+20) (BuildId: f4bae09e6e4bd7507a8efc7ed3144b73aabbccdd)
      #01 pc 0000000000002000  /data/app/~~ab==/com.acme.kettle-cd==/base.apk!libkettle.so (offset 0x4000) (Java_com_acme_Kettle_boil+48) (BuildId: f4bae09e6e4bd7507a8efc7ed3144b73aabbccdd)
      #02 pc 00000000000fc350  /apex/com.android.runtime/lib64/bionic/libc.so (__pthread_start(void*)+208) (BuildId: 11223344556677889900aabbccddeeff)
--- --- --- --- --- --- --- --- --- --- --- --- --- --- --- ---
pid: 2314, tid: 2320, name: Jit thread pool  >>> com.acme.kettle <<<
      #00 pc 0000000000050000  /apex/com.android.runtime/lib64/bionic/libc.so (syscall+32)
memory map (3 entries):
      #99 pc 0000000000000001  /nothing
";

const APPLE: &str = "Incident Identifier: 1C2D
Hardware Model:      iPhone14,2
Process:             Meadow [412]
Identifier:          com.acme.meadow
Version:             1.2.0 (345)
Code Type:           ARM-64 (Native)
OS Version:          iPhone OS 17.4 (21E219)
Date/Time:           2026-11-20 10:11:12.123 +0100

Exception Type:  EXC_CRASH (SIGABRT)
Exception Codes: 0x0000000000000000, 0x0000000000000000
Triggered by Thread:  0

Application Specific Information:
Fatal error: grass is too long

Thread 0 name:  Dispatch queue: com.apple.main-thread
Thread 0 Crashed:
0   libsystem_kernel.dylib \t0x00000001d0a5ef24 __pthread_kill + 8
1   Meadow                 \t0x0000000102a3c4e8 0x102a38000 + 17640
2   Meadow                 \t0x0000000102a3c600 mow(_:) + 44 (Lawn.swift:12)

Thread 1:
0   libsystem_kernel.dylib \t0x00000001d0a5e000 __semwait_signal + 8

Thread 0 crashed with ARM Thread State (64-bit):
    x0: 0x0000000000000000   x1: 0x0000000000000000

Binary Images:
       0x102a38000 -        0x102a4bfff Meadow arm64  <9ee0baf44b6e50d77a8efc7ed3144b73> /var/containers/Bundle/Application/0/Meadow.app/Meadow
       0x1d0a58000 -        0x1d0a91fff libsystem_kernel.dylib arm64e  <00112233445566778899aabbccddeeff> /usr/lib/system/libsystem_kernel.dylib
";

fn value<'a>(event: &'a Value, pointer: &str) -> &'a Value {
    event.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {event}"))
}

#[test]
fn a_tombstone_is_an_event_with_addresses_within_files() {
    assert!(is_report(TOMBSTONE.as_bytes()));
    let event = read_report(TOMBSTONE.as_bytes()).unwrap();
    let exception = value(&event, "/exception/values/0");
    assert_eq!((exception["type"].as_str(), exception["thread_id"].as_u64()), (Some("SIGSEGV"), Some(2331)));
    assert_eq!(exception["value"], "Null pointer: null pointer dereference");
    assert_eq!(value(&event, "/contexts/crash/kind"), "null_pointer");
    let frames = exception["stacktrace"]["frames"].as_array().unwrap();
    let innermost = frames.last().unwrap();
    assert_eq!(innermost["function"], "boil(int)");
    assert_eq!((&innermost["instruction_addr"], &innermost["addr_mode"]), (&json!("0x1234"), &json!("rel:0")));
    assert_eq!((frames.len(), &frames[1]["function"]), (3, &json!("Java_com_acme_Kettle_boil")));
    let images = value(&event, "/debug_meta/images").as_array().unwrap();
    assert_eq!(images[0]["debug_id"], "9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73");
    assert_eq!(event["timestamp"], "2026-11-20T10:11:12.123456789+01:00");
    let threads = value(&event, "/threads/values").as_array().unwrap();
    assert_eq!((threads.len(), threads[1]["name"].as_str()), (2, Some("Jit thread pool")));
    assert_eq!(threads[1]["stacktrace"]["frames"].as_array().unwrap().len(), 1);
}

#[test]
fn an_abort_says_its_message() {
    let text = TOMBSTONE
        .replace(
            "signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0000000000000010",
            "signal 6 (SIGABRT), code -1 (SI_QUEUE), fault addr --------",
        )
        .replace("Cause: null pointer dereference", "Abort message: 'Check failed: level < 4'");
    let event = read_report(text.as_bytes()).unwrap();
    assert_eq!(value(&event, "/exception/values/0/value"), "Assertion failed: Check failed: level < 4");
    assert_eq!(value(&event, "/contexts/crash/code"), "SI_QUEUE");
}

#[test]
fn a_crash_report_of_apple_is_an_event_with_its_images() {
    assert!(is_report(APPLE.as_bytes()));
    let event = read_report(APPLE.as_bytes()).unwrap();
    let exception = value(&event, "/exception/values/0");
    assert_eq!(exception["type"], "SIGABRT");
    assert_eq!(exception["value"], "Assertion failed: Fatal error: grass is too long");
    let frames = exception["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(
        (frames[0]["function"].as_str(), frames[0]["filename"].as_str(), frames[0]["lineno"].as_u64()),
        (Some("mow(_:)"), Some("Lawn.swift"), Some(12))
    );
    assert_eq!((&frames[1]["instruction_addr"], frames[1].get("function")), (&json!("0x102a3c4e8"), None));
    assert_eq!(event["release"], "com.acme.meadow@1.2.0+345");
    assert_eq!(event["timestamp"], "2026-11-20T10:11:12.123+01:00");
    assert_eq!(value(&event, "/contexts/os/version"), "17.4");
    let image = value(&event, "/debug_meta/images/0");
    assert_eq!(
        (&image["image_addr"], &image["image_size"], &image["debug_id"]),
        (&json!("0x102a38000"), &json!(0x14000), &json!("9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73"))
    );
    assert_eq!(value(&event, "/threads/values").as_array().unwrap().len(), 2);
}

#[test]
fn newer_reports_and_those_of_memory_are_read_too() {
    let head = |bug: &str| {
        json!({ "app_name": "Meadow", "timestamp": "2026-11-20 10:11:12.00 +0100", "app_version": "1.2.0", "build_version": "345",
        "bug_type": bug, "os_version": "iPhone OS 17.4 (21E219)", "bundleID": "com.acme.meadow" })
    };
    let body = json!({ "exception": { "type": "EXC_BAD_ACCESS", "signal": "SIGSEGV", "subtype": "KERN_INVALID_ADDRESS at 0x0000000000000008" },
        "faultingThread": 0, "threads": [{ "id": 7, "triggered": true, "queue": "com.apple.main-thread", "frames": [
            { "imageOffset": 17640, "imageIndex": 0 }, { "imageOffset": 100, "imageIndex": 0, "symbol": "main", "sourceFile": "main.swift", "sourceLine": 3 }] }],
        "usedImages": [{ "base": 0x1_0000_0000_u64, "size": 4096, "uuid": "9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73", "path": "/x/Meadow.app/Meadow", "arch": "arm64" }] });
    let event = read_report(format!("{}\n{body}", head("309")).as_bytes()).unwrap();
    assert_eq!(value(&event, "/contexts/crash/kind"), "null_pointer");
    let frames = value(&event, "/exception/values/0/stacktrace/frames").as_array().unwrap();
    assert_eq!((&frames[1]["instruction_addr"], &frames[0]["lineno"]), (&json!("0x1000044e8"), &json!(3)));
    let memory = json!({ "memoryStatus": { "pageSize": 16_384 }, "largestProcess": "Meadow",
        "processes": [{ "name": "other", "rpages": 10 }, { "name": "Meadow", "rpages": 128_000, "reason": "per-process-limit" }] });
    let event = read_report(format!("{}\n{memory}", head("298")).as_bytes()).unwrap();
    assert_eq!(value(&event, "/contexts/crash/kind"), "out_of_memory");
    assert_eq!(
        value(&event, "/exception/values/0/value"),
        "Out of memory: jetsam ended Meadow at 2000 MiB: per-process-limit"
    );
    assert_eq!(event["release"], "com.acme.meadow@1.2.0+345");
}

#[test]
fn what_is_no_report_is_none_and_cut_ones_are_read_as_far_as_they_go() {
    for other in
        [&b""[..], b"{\"bug_type\":1}", b"words", b"Process:  x", b"{\"bug_type\":\"309\",\"os_version\":\"x\"}\nno"]
    {
        assert!(read_report(other).is_none(), "{other:?}");
    }
    for text in [TOMBSTONE, APPLE] {
        for end in (0..text.len()).step_by(7).filter(|end| text.is_char_boundary(*end)) {
            let _ = read_report(&text.as_bytes()[..end]);
        }
    }
}
