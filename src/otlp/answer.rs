//! Answers, in the encoding of the request.

use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse},
    metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse},
    trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse},
};
use prost::Message;
use serde_json::json;

use super::{Encoding, Signal};

/// `google.rpc.Status`, as far as OTLP uses it.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The body of a 200: empty, or how many records could not be taken and why.
pub fn accepted(signal: Signal, encoding: Encoding, rejected: u64, why: &str) -> Vec<u8> {
    if encoding == Encoding::Json {
        let key = match signal {
            Signal::Traces => "rejectedSpans",
            Signal::Logs => "rejectedLogRecords",
            Signal::Metrics => "rejectedDataPoints",
        };
        let partial = json!({ "partialSuccess": { key: rejected.to_string(), "errorMessage": why } });
        return if rejected == 0 { b"{}".to_vec() } else { partial.to_string().into_bytes() };
    }
    if rejected == 0 {
        return Vec::new();
    }
    let (rejected, error_message) = (i64::try_from(rejected).unwrap_or(i64::MAX), why.to_owned());
    match signal {
        Signal::Traces => ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess { rejected_spans: rejected, error_message }),
        }
        .encode_to_vec(),
        Signal::Logs => ExportLogsServiceResponse {
            partial_success: Some(ExportLogsPartialSuccess { rejected_log_records: rejected, error_message }),
        }
        .encode_to_vec(),
        Signal::Metrics => ExportMetricsServiceResponse {
            partial_success: Some(ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message }),
        }
        .encode_to_vec(),
    }
}

/// The body of a failure: `google.rpc.Status`, its code read from that of HTTP.
pub fn refused(encoding: Encoding, http: u16, message: &str) -> Vec<u8> {
    let code = match http {
        400 | 413 | 415 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        408 | 504 => 4,
        429 => 8,
        502 | 503 => 14,
        _ => 13,
    };
    match encoding {
        Encoding::Json => json!({ "code": code, "message": message }).to_string().into_bytes(),
        Encoding::Protobuf => RpcStatus { code, message: message.to_owned() }.encode_to_vec(),
    }
}
