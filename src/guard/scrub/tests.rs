//! What leaves an event, and what stays.

use serde_json::json;

use super::*;

fn scrubbed(mut event: Value) -> Value {
    Scrubber::new(Pseudonyms::new([3; 32])).event(&mut event);
    event
}

#[test]
fn people_get_pseudonyms_and_keep_their_country() {
    let pseudonyms = Pseudonyms::new([3; 32]);
    let event = scrubbed(json!({ "user": { "id": 21, "email": "ada@shop.example", "ip_address": "{{auto}}",
        "geo": { "country_code": "PT", "city": "Lisbon" }, "plan": "pro" } }));
    assert_eq!(event["user"]["id"], pseudonyms.named("user", "21"));
    assert!(event["user"]["email"].as_str().unwrap().starts_with("email-"));
    assert_eq!(event["user"]["ip_address"], "{{auto}}");
    assert_eq!(event["user"]["geo"], json!({ "country_code": "PT" }));
    assert_eq!(event["user"]["plan"], "pro");
}

#[test]
fn keys_decide_in_free_parts_and_not_in_the_protocols_own() {
    let event = scrubbed(json!({
        "event_id": "9f86d081884c7d659a2feaa0c55ad015", "release": "shop@2.3.0",
        "exception": { "values": [{ "type": "Error", "value": "no session", "mechanism": { "handled": false },
            "stacktrace": { "frames": [{ "function": "sign", "vars": { "api_password": "'hunter2'", "n": 3 } }] } }] },
        "request": { "headers": { "Authorization": "x", "Accept": "y" }, "cookies": { "sid": "1" },
            "data": "{\"password\":\"p\",\"zip\":\"1000\"}", "query_string": "token=abc123def&page=2" },
        "tags": [["session_id", "abc"], ["plan", "pro"]], "extra": { "auth": "a", "author": "b" },
    }));
    assert_eq!(event["event_id"], "9f86d081884c7d659a2feaa0c55ad015");
    assert_eq!(event["release"], "shop@2.3.0");
    let exception = &event["exception"]["values"][0];
    assert_eq!((&exception["value"], &exception["mechanism"]["handled"]), (&json!("no session"), &json!(false)));
    assert_eq!(exception["stacktrace"]["frames"][0]["vars"], json!({ "api_password": REDACTED, "n": 3 }));
    assert_eq!(event["request"]["headers"], json!({ "Authorization": REDACTED, "Accept": "y" }));
    assert_eq!(event["request"]["cookies"], json!({ "sid": REDACTED }));
    assert_eq!(event["request"]["data"], format!("{{\"password\":\"{REDACTED}\",\"zip\":\"1000\"}}"));
    assert_eq!(event["request"]["query_string"], format!("token={REDACTED}&page=2"));
    assert_eq!(event["tags"], json!([["session_id", REDACTED], ["plan", "pro"]]));
    assert_eq!(event["extra"], json!({ "auth": REDACTED, "author": "b" }));
}

#[test]
fn twice_is_the_same_as_once() {
    let once =
        scrubbed(json!({ "user": { "id": "7", "email": "a@b.example" }, "message": "mail a@b.example at 203.0.113.7",
        "extra": { "token": "x", "nested": "{\"secret\":1}" }, "request": { "cookies": "a=1; b=2" } }));
    let mut twice = once.clone();
    Scrubber::new(Pseudonyms::new([3; 32])).again(&mut twice);
    assert_eq!(twice, once);
}

#[test]
fn nobody_passes_for_somebody_else() {
    let pseudonyms = Pseudonyms::new([3; 32]);
    let other = pseudonyms.named("user", "victim");
    let event = scrubbed(json!({ "user": { "id": other, "name": "[redacted: Ada Lovelace", "username": "{{ada" } }));
    assert_ne!(event["user"]["id"], other);
    assert!(!event.to_string().contains("Ada") && !event.to_string().contains("ada\""), "{event}");
}

#[test]
fn the_events_own_user_goes_from_all_of_its_texts() {
    let event = scrubbed(
        json!({ "user": { "id": "cust-2nmjz", "email": "Zebra@Shop.example", "name": "Zebra Lantern" },
        "message": "no cart of cust-2nmjz (Zebra Lantern, zebra%40shop.example)",
        "request": { "url": "https://s.example/users/CUST-2NMJZ/zebra.lantern?q=zebra+lantern" },
        "breadcrumbs": { "values": [{ "message": "hello lantern, zebra" }, { "data": { "path": "/u/cust-2nmjz" } }] } }),
    );
    let text = event.to_string().to_lowercase();
    assert!(!text.contains("zebra") && !text.contains("2nmjz"), "{event}");
    let user = event["user"]["id"].as_str().unwrap();
    assert_eq!(text.matches(user).count(), 4, "{event}");
}

#[test]
fn people_go_by_key_in_free_parts() {
    let event = scrubbed(json!({ "extra": { "pan": 4_111_111_111_111_111u64, "phone": 4_915_112_345_678u64,
        "user": { "id": "u9", "name": "Zebra Lantern" }, "first_name": "Zebra", "credentials": { "value": 1, "key": "zebra" },
        "fields": [{ "name": "password", "value": "zebra" }], "argv": ["app", "--password", "zebra", "-v"],
        "address": "0x7ffd5e8c1000", "street": "Zebra Road 5", "name": "checkout" },
        "user": { "id": "u", "data": { "name": "Zebra Lantern" }, "geo": "Lisbon, Rua Zebra 5" } }));
    assert!(!event.to_string().to_lowercase().contains("zebra"), "{event}");
    assert!(!event.to_string().contains("4111111111111111") && !event.to_string().contains("4915112345678"));
    assert_eq!((&event["extra"]["address"], &event["extra"]["name"]), (&json!("0x7ffd5e8c1000"), &json!("checkout")));
}
