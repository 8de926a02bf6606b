//! Complaints from public trackers about grouping and titles, made small; each names where it was reported.

use prodsignal::grouping::group;
use serde_json::{Value, json};

use super::read;

/// An event of one exception; frames from the outermost to the crash, each `(module, function, file)`.
fn event(platform: &str, ty: &str, value: &str, frames: &[(&str, &str, &str)]) -> Value {
    json!({ "platform": platform, "exception": { "values": [exception(ty, value, frames)] } })
}

fn exception(ty: &str, value: &str, frames: &[(&str, &str, &str)]) -> Value {
    let frame = |(module, function, file): &(&str, &str, &str)| json!({ "module": module, "function": function, "filename": file, "lineno": 9, "in_app": true });
    json!({ "type": ty, "value": value, "stacktrace": { "frames": frames.iter().map(frame).collect::<Vec<_>>() } })
}

fn hash(event: &Value) -> [u8; 16] {
    group(&read::event(event)).hash
}

fn title(event: &Value) -> String {
    group(&read::event(event)).title.raw().to_owned()
}

fn apart(events: &[Value]) {
    for (i, one) in events.iter().enumerate() {
        events[i + 1..].iter().for_each(|other| assert_ne!(hash(one), hash(other), "{one}\n{other}"));
    }
}

fn same(events: &[Value]) {
    events.windows(2).for_each(|pair| assert_eq!(hash(&pair[0]), hash(&pair[1]), "{}\n{}", pair[0], pair[1]));
}

/// A Java event that fails in `module.function`, called by a controller.
fn java(module: &str, function: &str) -> Value {
    let frames = [("shop.web.Orders", "get", "Orders.java"), (module, function, "Foo.java")];
    event("java", "shop.Lost", "entry not found", &frames)
}

#[test]
fn errors_of_one_reporting_function_are_told_apart_by_what_they_say() {
    let frames = [("api", "request", "src/api.ts"), ("log", "logApiError", "src/log.ts")];
    let of = |ty: &str, value: &str| event("javascript", ty, value, &frames);
    // getsentry/sentry#71630, streamyfin/streamyfin#1994
    apart(
        &["400", "409", "502", "504"].map(|code| of("AxiosError", &format!("Request failed with status code {code}"))),
    );
    // getsentry/sentry#3229
    apart(&[of("Error", "Unexpected error"), of("Error", "Incorrect password"), of("Error", "Attempt limit exceeded")]);
    // getsentry/sentry#42006
    apart(&[
        of("Error", "Command failed with exit code 1: adb"),
        of("Error", "Command failed with exit code 137: adb"),
    ]);
    // tloncorp/tlon-apps#6549
    apart(&[of("BadResponseError", "Bad response, status 502"), of("BadResponseError", "Bad response, status 503")]);
    // koala73/worldmonitor#4723
    apart(&[of("Error", "feed-digest HTTP 404"), of("Error", "get-country-intel-brief HTTP 401")]);
    // ceph/teuthology#1593
    let python = [("run", "wait", "teuthology/run.py")];
    let failed = |code: &str| {
        event("python", "CommandFailedError", &format!("Command failed on host7 with status {code}"), &python)
    };
    apart(&[failed("124"), failed("200")]);
    // getsentry/sentry#23791
    let lambda = |n: &str, said: &str| event("java", "java.lang.Exception", said, &[("shop.Main", n, "Main.java")]);
    apart(&[lambda("lambda$onCreate$1", "unset user button"), lambda("lambda$onCreate$2", "set user button")]);
}

#[test]
fn values_in_a_text_split_nothing() {
    // tinyhumansai/openhuman#1183
    let at =
        |time: &str| json!({ "platform": "javascript", "message": format!("Manual test from staging UI @ {time}") });
    same(&[at("2026-05-04T10:11:12.123Z"), at("2026-05-05T20:01:02.009Z")]);
}

#[test]
fn ports_and_places_in_a_text_split_nothing() {
    // gethouston/houston#521: the port of a helper is another at each start, the column of a parser at each text.
    let drop = |port: &str| json!({ "platform": "javascript", "message": format!("read_agent_file: Failed to fetch (127.0.0.1:{port})") });
    same(&[drop("56736"), drop("61449")]);
    let broken = |column: &str| {
        let said = format!("Failed to parse event: invalid type: null, expected i32 at line 1 column {column}");
        json!({ "platform": "native", "message": said })
    };
    same(&[broken("190"), broken("300")]);
}

#[test]
fn names_that_a_bundler_gave_to_classes_split_nothing() {
    let of = |ty: &str, said: &str, release: &str| {
        let frames = [("cart", "Cart.redeem", "src/cart.ts"), ("api", "remove", "src/api.ts")];
        let mut event = event("javascript", ty, said, &frames);
        event["release"] = release.into();
        event
    };
    // koala73/worldmonitor#7053
    same(&[of("At", "get-country-risk HTTP 400", "1"), of("kt", "get-country-risk HTTP 400", "2")]);
    // opslane/opslane#320
    same(&[of("Nu", "Error deleting Assets", "1"), of("rl", "Error deleting Assets", "2")]);
    // neondatabase/mcp-server-neon#307
    same(&[of("s", "Network error: no response", "1"), of("r", "Network error: no response", "2")]);
    apart(&[of("s", "Network error: no response", "1"), of("s", "request failed with status 520", "1")]);
}

#[test]
fn generated_classes_of_java_split_nothing() {
    // getsentry/sentry-java#698
    same(&[java("shop.Foo$HibernateProxy$SzXDkaYB", "load"), java("shop.Foo$HibernateProxy$Qa8kPpLm", "load")]);
    // getsentry/sentry#6514
    same(&[java("com.sun.proxy.$Proxy15555", "rengashinnat"), java("com.sun.proxy.$Proxy204", "rengashinnat")]);
    // getsentry/sentry#8165
    same(&[java("shop.Foo_$$_javassist_42", "load"), java("shop.Foo_$$_javassist_seam_7", "load")]);
    // getsentry/sentry-java#134
    same(&[java("shop.Foo$$Lambda$30/2081171245", "work"), java("shop.Foo$$Lambda$31/1071133241", "work")]);
    same(&[java("shop.Foo", "lambda$work$1"), java("shop.Foo", "lambda$work$12")]);
    // getsentry/sentry-java#796, #1018
    same(&[java("shop.Foo$$EnhancerByGuice$$4b5dab1", "load"), java("shop.Foo$$EnhancerByGuice$$9fe01c22", "load")]);
    // getsentry/sentry#6283
    same(&[
        java("shop.Foo$$FastClassBySpringCGLIB$$4ed8b6b", "invoke"),
        java("shop.Foo$$FastClassBySpringCGLIB$$8aebfe38", "invoke"),
    ]);
    apart(&[java("shop.Foo$$Lambda$30/2081171245", "work"), java("shop.Bar$$Lambda$30/2081171245", "work")]);
}

#[test]
fn wrappers_of_frameworks_name_nothing() {
    let chain = |outer: Value, inner: Value| json!({ "platform": "java", "exception": { "values": [inner, outer] } });
    // getsentry/sentry#64074
    let outer = exception(
        "RuntimeException",
        "Unable to start activity ComponentInfo{shop/shop.Main}: java.io.IOException: disk",
        &[],
    );
    let inner = exception("IOException", "disk", &[("shop.Store", "open", "Store.kt")]);
    assert_eq!(title(&chain(outer, inner)), "IOException: disk");
    // spring-projects/spring-framework#10196
    let outer = exception(
        "NestedServletException",
        "Request processing failed; nested exception is java.lang.NullPointerException",
        &[],
    );
    let inner = exception("NullPointerException", "", &[("shop.Cart", "total", "Cart.java")]);
    assert_eq!(title(&chain(outer, inner)), "NullPointerException");
    // The opposite wish, getsentry/sentry#59679: an application's own wrapper keeps its title.
    let outer = exception("shop.CheckoutFailed", "checkout of cart failed", &[]);
    let inner = exception("IOException", "disk", &[("shop.Store", "open", "Store.kt")]);
    assert_eq!(title(&chain(outer, inner)), "shop.CheckoutFailed: checkout of cart failed");
}
