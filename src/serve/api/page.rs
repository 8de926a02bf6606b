//! A page of a list, with the `Link` header that says where the others are.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{ask::Ask, fault::ApiError};

/// A page that begins after `skip` rows.
pub(super) struct Listed {
    pub(super) body: Value,
    pub(super) link: String,
    pub(super) hits: Option<u64>,
}

impl Listed {
    /// `more`: whether there are rows after these.
    pub(super) fn new(ask: &Ask, body: Value, more: bool, hits: Option<u64>) -> Result<Self, ApiError> {
        let (skip, limit) = (ask.skip()?, ask.limit()?);
        let address = ask.address();
        let rel = |rel: &str, results: bool, cursor: String| {
            format!("<{address}cursor={cursor}>; rel=\"{rel}\"; results=\"{results}\"; cursor=\"{cursor}\"")
        };
        let previous = rel("previous", skip > 0, format!("0:{}:1", skip.saturating_sub(limit)));
        let next = rel("next", more, format!("0:{}:0", skip + limit));
        Ok(Self { body, link: format!("{previous}, {next}"), hits })
    }

    /// A page of a list that is whole here.
    pub(super) fn of_all(ask: &Ask, mut all: Vec<Value>) -> Result<Self, ApiError> {
        let (skip, limit, total) = (ask.skip()?, ask.limit()?, all.len());
        let page: Vec<Value> = all.drain(skip.min(total)..(skip + limit).min(total)).collect();
        Self::new(ask, page.into(), skip + limit < total, Some(total as u64))
    }
}

impl IntoResponse for Listed {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        let headers = response.headers_mut();
        if let Ok(link) = HeaderValue::from_str(&self.link) {
            headers.insert(header::LINK, link);
        }
        if let Some(hits) = self.hits {
            headers.insert(HeaderName::from_static("x-hits"), HeaderValue::from(hits));
        }
        response
    }
}
