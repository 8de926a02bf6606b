//! Failures as Sentry says them: `{"detail": "…"}`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    model::Kind,
    serve::body::Refused,
    store::{SearchError, StoreError},
};

/// Why a request is not answered.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    detail: String,
    retry_after_s: Option<u64>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after_s: None }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "The requested resource does not exist")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "detail": self.detail }))).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let status = match error.kind() {
            Kind::NotFound => return Self::missing(),
            Kind::InvalidInput => StatusCode::BAD_REQUEST,
            Kind::Unauthorized => StatusCode::UNAUTHORIZED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unsupported => StatusCode::BAD_REQUEST,
            Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Kind::Upstream => StatusCode::BAD_GATEWAY,
            Kind::Internal if matches!(error, StoreError::Full) => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(%error, "the API could not answer");
        }
        let retry_after_s = match error {
            StoreError::Busy { retry_after_s } => Some(retry_after_s),
            _ => None,
        };
        Self { retry_after_s, ..Self::new(status, error.to_string()) }
    }
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        Self::bad(format!("Error parsing search query: {error}"))
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large"),
            Refused::Busy => {
                Self { retry_after_s: Some(5), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too much at once") }
            }
            Refused::Broken => Self::new(StatusCode::REQUEST_TIMEOUT, "the body did not come whole"),
        }
    }
}

/// Whatever has no path of its own.
pub(super) async fn no_such_path() -> ApiError {
    ApiError::missing()
}
