//! The OpenTelemetry SDK for Rust, as `tracing` hands it spans and events, sends to a running server.

use std::error::Error;

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{LogExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, logs::SdkLoggerProvider, trace::SdkTracerProvider};
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;

use crate::program::{Store, http};

/// How requests go out: applications leave it to `reqwest`, which says the same.
#[derive(Debug)]
struct Client;

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let headers: Vec<(&str, &str)> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let answer = http(request.method().as_str(), &request.uri().to_string(), &headers, request.body());
        Ok(Response::builder().status(answer.status).body(Bytes::from(answer.body))?)
    }
}

/// An error with a cause.
#[derive(Debug, thiserror::Error)]
#[error("the card was not charged")]
struct ChargeError(#[source] std::num::ParseIntError);

fn charge(amount: &str) -> Result<u32, ChargeError> {
    amount.parse().map_err(ChargeError)
}

/// A request that is worked on, of which one in three fails.
fn pay(visitor: u32) {
    let request = tracing::info_span!(
        "POST /pay/{id}",
        otel.kind = "server",
        http.request.method = "POST",
        http.route = "/pay/{id}",
        user.id = format!("visitor-{visitor}"),
        otel.status_code = tracing::field::Empty
    );
    let _in = request.enter();
    tracing::info!(basket = visitor, "charging the card");
    let amount = if visitor.is_multiple_of(3) { "12,40" } else { "1240" };
    if let Err(error) = tracing::info_span!("charge").in_scope(|| charge(amount)) {
        tracing::error!(error = &error as &dyn Error, "payment failed");
        request.record("otel.status_code", "ERROR");
    }
}

fn sent(endpoint: &str) {
    let resource = || {
        let attributes =
            [KeyValue::new("service.version", "1.2.0"), KeyValue::new("deployment.environment.name", "production")];
        Resource::builder().with_service_name("till-rs").with_attributes(attributes).build()
    };
    let spans = SpanExporter::builder().with_http().with_http_client(Client).with_protocol(Protocol::HttpBinary);
    let spans = spans.with_endpoint(format!("{endpoint}/v1/traces")).build().unwrap();
    let logs = LogExporter::builder().with_http().with_http_client(Client).with_protocol(Protocol::HttpBinary);
    let logs = logs.with_endpoint(format!("{endpoint}/v1/logs")).build().unwrap();
    let tracers = SdkTracerProvider::builder().with_resource(resource()).with_simple_exporter(spans).build();
    let loggers = SdkLoggerProvider::builder().with_resource(resource()).with_simple_exporter(logs).build();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(tracers.tracer("till-rs")))
        .with(OpenTelemetryTracingBridge::new(&loggers));
    tracing::subscriber::with_default(subscriber, || (0..6).for_each(pay));
    tracers.shutdown().unwrap();
    loggers.shutdown().unwrap();
}

fn rows(store: &Store, mut arguments: Value) -> Vec<Value> {
    // The SDK dates by the machine's clock, which isn't the tests'.
    arguments["period"] = "3650d".into();
    let found = store.call("search_events", arguments);
    found["rows"].as_array().unwrap_or_else(|| panic!("{found}")).clone()
}

#[test]
fn a_rust_service_needs_no_more_than_the_sdks_own_exporter() {
    let store = Store::new();
    let server = store.serve();
    sent(&server.url);
    let listed = store.call("list_issues", json!({ "period": "3650d", "max_tokens": 20_000 }));
    let issues = listed["issues"].as_array().unwrap_or_else(|| panic!("{listed}"));
    assert_eq!(issues.len(), 1, "{issues:?}");
    let issue = &issues[0];
    assert!(issue["title"].as_str().unwrap().contains("the card was not charged"), "{issue}");
    assert_eq!((&issue["events"], &issue["users"]), (&json!(2), &json!(2)), "{issue}");
    assert_eq!(issue["first_release"], "till-rs@1.2.0");
    let event = store.call("get_event", json!({ "issue": issue["short_id"], "max_tokens": 20_000 }));
    let chain: Vec<&str> =
        event["event"]["exceptions"].as_array().unwrap().iter().map(|e| e["value"].as_str().unwrap_or("")).collect();
    assert!(chain.contains(&"invalid digit found in string"), "the cause: {event}");
    assert_eq!(event["event"]["transaction"], "POST /pay/{id}");
    let requests = rows(
        &store,
        json!({ "kind": "transaction", "group_by": ["transaction"],
        "aggregate": ["count()", "count_unique(user)", "failure_rate()"] }),
    );
    assert_eq!((&requests[0]["count()"], &requests[0]["count_unique(user)"]), (&json!(6), &json!(6)), "{requests:?}");
    let trace = event["event"]["trace_id"].as_str().unwrap();
    let logs =
        rows(&store, json!({ "kind": "log", "query": format!("trace:{trace}"), "fields": ["message", "level"] }));
    assert!(logs.iter().any(|log| log["message"] == "charging the card"), "{logs:?}");
}
