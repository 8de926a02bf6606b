//! ClickHouse over HTTP: statements, rows, blocks.
//! It uses `reqwest` and `serde_json`.
//! It never puts a text into a statement but through [`text`].

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, header::HeaderMap};
use serde::de::DeserializeOwned;

use super::fault::unreachable_clickhouse;
use crate::store::StoreError;

/// Longest that a statement may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest that an insert may take: less than a block is leased for.
const INSERT_PATIENCE: Duration = Duration::from_secs(25);
/// Longest that a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest text of a failure that is kept, in characters.
const SAID: usize = 600;

/// Codes of failures after which the same block may be taken: too many parts, memory, timeouts, a table still loading,
/// shutting down.
const AGAIN: [u32; 8] = [159, 160, 202, 209, 210, 241, 242, 252];

/// One server, or the balancer in front of several.
pub(super) struct ClickHouse {
    http: Client,
    url: Url,
    password: Option<String>,
}

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// It was not reached, hangs, or is overloaded: the same may succeed later.
    Away(String),
    /// It refuses the statement.
    Refused(String),
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Away(said) => {
                tracing::warn!(said, "ClickHouse does not answer");
                unreachable_clickhouse()
            }
            Fault::Refused(said) => Self::Engine { context: "ClickHouse", source: said.into() },
        }
    }
}

impl ClickHouse {
    /// A client for `http://user@host:8123/?database=name`; nothing is asked yet.
    pub(super) fn new(url: &Url, password: Option<String>) -> Result<Self, StoreError> {
        // Another part of the process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(CONNECT)
            .no_proxy()
            .build()
            .map_err(|error| StoreError::Engine { context: "the client of ClickHouse", source: Box::new(error) })?;
        Ok(Self { http, url: url.clone(), password })
    }

    /// Rows of a question, each an array of its columns.
    pub(super) async fn rows<T: DeserializeOwned>(&self, question: &str) -> Result<Vec<T>, StoreError> {
        let settings = [
            ("default_format", "JSONCompactEachRow"),
            ("output_format_json_quote_64bit_integers", "0"),
            ("output_format_json_quote_denormals", "0"),
            ("max_query_size", "67108864"),
        ];
        let answer = self.send(&settings, question.as_bytes().to_vec(), None).await?;
        let mut rows = Vec::new();
        for line in answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // A failure in mid-stream is told after the rows, as text.
            let row = serde_json::from_slice(line).map_err(|error| {
                let said: String = String::from_utf8_lossy(line).chars().take(SAID).collect();
                StoreError::Engine { context: "an answer of ClickHouse", source: format!("{error}: {said}").into() }
            });
            rows.push(row?);
        }
        Ok(rows)
    }

    /// Runs a statement without an answer.
    pub(super) async fn run(&self, statement: &str) -> Result<(), StoreError> {
        self.send(&[], statement.as_bytes().to_vec(), None).await?;
        Ok(())
    }

    /// Inserts a block of `RowBinary`, squeezed with zstd, once: the same token again changes nothing.
    pub(super) async fn insert(&self, table: &str, token: &str, block: Vec<u8>) -> Result<(), Fault> {
        let statement = format!("INSERT INTO {table} FORMAT RowBinary");
        let settings = [
            ("query", statement.as_str()),
            ("insert_deduplicate", "1"),
            ("deduplicate_blocks_in_dependent_materialized_views", "1"),
            ("insert_deduplication_token", token),
            ("distributed_foreground_insert", "1"),
        ];
        self.send(&settings, block, Some("zstd")).await.map(drop)
    }

    async fn send(&self, settings: &[(&str, &str)], body: Vec<u8>, coding: Option<&str>) -> Result<Vec<u8>, Fault> {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(settings);
        let mut request = self.http.post(url).body(body);
        if let Some(coding) = coding {
            request = request.header("Content-Encoding", coding).timeout(INSERT_PATIENCE);
        }
        let user = if self.url.username().is_empty() { "default" } else { self.url.username() };
        if let Some(password) = &self.password {
            request = request.header("X-ClickHouse-User", user).header("X-ClickHouse-Key", password);
        }
        let response = request.send().await.map_err(|error| Fault::Away(error.without_url().to_string()))?;
        if response.status().is_success() {
            let bytes = response.bytes().await.map_err(|error| Fault::Away(error.without_url().to_string()))?;
            return Ok(bytes.to_vec());
        }
        Err(refusal(response).await)
    }
}

async fn refusal(response: Response) -> Fault {
    let (status, code) = (response.status(), code_of(response.headers()));
    let said: String = response.text().await.unwrap_or_default().chars().take(SAID).collect();
    let overloaded = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY)
        || matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT);
    match code {
        Some(code) if AGAIN.contains(&code) => Fault::Away(said),
        None if overloaded => Fault::Away(said),
        _ => Fault::Refused(said),
    }
}

fn code_of(headers: &HeaderMap) -> Option<u32> {
    headers.get("X-ClickHouse-Exception-Code")?.to_str().ok()?.parse().ok()
}

/// A text as a literal of a statement.
pub(super) fn text(raw: &str) -> String {
    let mut literal = String::with_capacity(raw.len() + 2);
    literal.push('\'');
    for c in raw.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("\\'"),
            '\0' => literal.push_str("\\0"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

/// Numbers as a list for `IN`; never empty, so that the statement stays well-formed.
pub(super) fn list<T: std::fmt::Display>(numbers: impl IntoIterator<Item = T>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|n| n.to_string()).collect();
    if numbers.is_empty() { "(NULL)".to_owned() } else { format!("({})", numbers.join(",")) }
}

/// Texts as a list for `IN`.
pub(super) fn texts<'t>(raw: impl IntoIterator<Item = &'t str>) -> String {
    list(raw.into_iter().map(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_within_their_quotes() {
        assert_eq!(text("it's"), r"'it\'s'");
        assert_eq!(text(r"\' OR 1=1 --"), r"'\\\' OR 1=1 --'");
        assert_eq!(text("a\0b"), r"'a\0b'");
        assert_eq!(texts(["a", "b'"]), r"('a','b\'')");
        assert_eq!(list(Vec::<u32>::new()), "(NULL)");
    }
}
