//! What can go wrong on the way, and what it means to a caller.

use serde_json::Value;

use super::operation::Operation;
use crate::{model::Untrusted, store::StoreError};

/// Longest text of an upstream that is passed on, in characters.
const LONGEST: usize = 300;

/// A failure of one request.
#[derive(Clone, Debug)]
pub(super) enum RequestError {
    /// 404: it isn't there, isn't ours, or this server has no such thing.
    NotThere,
    /// 400: it does not understand the question.
    Refused(Untrusted),
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden(&'static Operation),
    /// 429, or a budget that is spent.
    Limited {
        /// Seconds until the next try.
        retry_after_s: u64,
    },
    /// No answer in time.
    Timeout,
    /// The connection or the server failed; another try of a read may help.
    Broken(&'static str, Untrusted),
    /// It answered with what is no answer; another try would do the same.
    Strange(&'static str),
}

impl RequestError {
    /// What a status means.
    pub(super) fn of_status(operation: &'static Operation, status: u16, body: &[u8]) -> Self {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let said = json.as_ref().map(said).unwrap_or_default();
        match status {
            400 | 422 => Self::Refused(said),
            401 if json.as_ref().is_some_and(needs_more) => Self::Forbidden(operation),
            401 => Self::Unauthorized,
            403 => Self::Forbidden(operation),
            404 => Self::NotThere,
            300..400 => Self::Strange("redirects to another address; the token was not sent there"),
            500 => Self::Broken("failed (500)", said),
            502..=504 => Self::Broken("is not reachable behind its proxy", Untrusted::default()),
            501 | 505..600 => Self::Broken("failed", said),
            _ => Self::Strange("answered with a status that means nothing here"),
        }
    }

    /// Whether a second try of a read may go better.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Broken(..))
    }

    /// Whether it tells that this server lacks what was asked for.
    pub(super) fn is_lacking(&self) -> bool {
        matches!(self, Self::NotThere | Self::Refused(_) | Self::Strange(_))
    }

    /// Whether the server fails, so that what it said before is better than nothing.
    pub(super) fn is_outage(&self) -> bool {
        matches!(self, Self::Limited { .. } | Self::Timeout | Self::Broken(..) | Self::Strange(_))
    }

    /// As a failure of the store, for the thing that was asked for.
    pub(super) fn at(self, what: &'static str, asked: &Untrusted) -> StoreError {
        match self {
            Self::NotThere => StoreError::NotFound { what, asked: asked.clone(), near: Vec::new() },
            other => other.into(),
        }
    }
}

/// An answer that can be done without, where this server does not have it.
pub(super) fn optional<T: Default>(answer: Result<T, RequestError>) -> Result<T, StoreError> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(fault) if fault.is_lacking() => Ok(T::default()),
        Err(fault) => Err(fault.into()),
    }
}

impl From<RequestError> for StoreError {
    fn from(fault: RequestError) -> Self {
        match fault {
            RequestError::NotThere => Self::Unsupported(
                "the upstream has nothing at this address: the organisation is not this token's, or this server lacks it",
            ),
            RequestError::Refused(said) => Self::Refused { said },
            RequestError::Unauthorized => Self::Unauthorized(
                "the upstream does not accept the token: it is wrong, expired or revoked; set PRODSIGNAL_SENTRY_TOKEN",
            ),
            RequestError::Forbidden(operation) => Self::Forbidden(forbidden(operation)),
            RequestError::Limited { retry_after_s } => Self::Busy { retry_after_s },
            RequestError::Timeout => Self::Timeout,
            RequestError::Broken(what, said) => Self::Upstream { what, said },
            RequestError::Strange(what) => Self::Upstream { what, said: Untrusted::default() },
        }
    }
}

fn forbidden(operation: &Operation) -> &'static str {
    match operation.right {
        "event:read" => {
            "the token lacks event:read (a token of an organisation carries org:ci alone); see `prodsignal doctor`"
        }
        "event:write" => "the token lacks event:write, which changing an issue needs",
        "project:read" => "the token lacks project:read; see `prodsignal doctor`",
        "project:releases" => "the token lacks project:releases or project:read; see `prodsignal doctor`",
        _ => "the token lacks org:read (a token of an organisation carries org:ci alone); see `prodsignal doctor`",
    }
}

/// A token that is right, but of somebody who has to do something first.
fn needs_more(json: &Value) -> bool {
    let code = json.pointer("/detail/code").or_else(|| json.get("code")).and_then(Value::as_str);
    code.is_some_and(|code| ["sso-required", "member-disabled-over-limit", "2fa-required"].contains(&code))
}

/// What an error body says, in each of the forms that it has.
fn said(json: &Value) -> Untrusted {
    let text = |at: &str| json.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let fields = || {
        let map = json.get("errors").unwrap_or(json).as_object()?;
        let (field, value) = map.iter().next()?;
        let value = value.as_str().or_else(|| value.get(0)?.as_str())?;
        Some(format!("{field}: {value}"))
    };
    let found = text("/detail").or_else(|| text("/detail/message")).or_else(|| text("/error")).or_else(fields);
    found.unwrap_or_default().chars().take(LONGEST).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{backend::sentry::operation::ISSUES, model::Kind};

    #[test]
    fn every_form_of_error_is_read() {
        for (json, want) in [
            (json!({"detail": "Invalid query"}), "Invalid query"),
            (json!({"detail": {"code": "x", "message": "Not so"}}), "Not so"),
            (json!({"start": ["No time"]}), "start: No time"),
            (json!({"error": "bad"}), "bad"),
            (json!({"errors": {"status": "wrong"}}), "status: wrong"),
            (json!([1]), ""),
        ] {
            assert_eq!(said(&json).raw(), want, "{json}");
        }
        let kind =
            |status, body: &str| StoreError::from(RequestError::of_status(&ISSUES, status, body.as_bytes())).kind();
        assert_eq!(kind(401, "{}"), Kind::Unauthorized);
        assert_eq!(kind(401, r#"{"detail":{"code":"sso-required"}}"#), Kind::Forbidden);
        assert_eq!(kind(403, "<html>"), Kind::Forbidden);
        assert_eq!(kind(400, "{}"), Kind::InvalidInput);
        assert_eq!(kind(502, "<html>"), Kind::Upstream);
        assert_eq!(kind(302, ""), Kind::Upstream);
    }
}
