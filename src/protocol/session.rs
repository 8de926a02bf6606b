//! Sessions, one by one or counted.

use serde_json::Value;

use super::{Clock, name, timestamp};
use crate::model::{SessionStatus, Timestamp, Untrusted};

/// What one `session` item says.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionUpdate {
    /// Names the session.
    pub sid: Untrusted,
    /// Names the user.
    pub did: Option<Untrusted>,
    /// When it started.
    pub started: Timestamp,
    /// When this was so.
    pub timestamp: Timestamp,
    /// How it stands.
    pub status: SessionStatus,
    /// Errors so far.
    pub errors: u64,
    /// Of which release and environment, with which browser.
    pub attributes: Attributes,
}

/// What is common to the sessions of an item.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Attributes {
    /// Release; a session without one counts nothing.
    pub release: Untrusted,
    /// Environment.
    pub environment: Option<Untrusted>,
    /// User agent.
    pub user_agent: Option<Untrusted>,
}

/// One line of a `sessions` item.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionAggregate {
    /// When they started, to the minute.
    pub started: Timestamp,
    /// Names the user, where one user's sessions were counted.
    pub did: Option<Untrusted>,
    /// Ended well.
    pub exited: u64,
    /// Had errors.
    pub errored: u64,
    /// Crashed.
    pub crashed: u64,
    /// Ended without a word.
    pub abnormal: u64,
    /// Had an unhandled error and went on.
    pub unhandled: u64,
    /// Of which release and environment.
    pub attributes: Attributes,
}

/// Reads a `session` item.
///
/// # Errors
/// What is missing, in the program's own words.
pub fn session(json: &Value, clock: &Clock) -> Result<SessionUpdate, &'static str> {
    let attributes = attributes(json)?;
    let time = |key: &str| json.get(key).and_then(timestamp).map(|t| clock.correct(t));
    let stamp = time("timestamp").unwrap_or_else(|| clock.received());
    let said = json.get("status").and_then(Value::as_str).unwrap_or("ok");
    Ok(SessionUpdate {
        sid: text(json, "sid").ok_or("a session without sid")?,
        did: text(json, "did"),
        started: time("started").unwrap_or(stamp),
        timestamp: stamp,
        status: match said {
            "ok" => SessionStatus::Ok,
            // An older word for one that ended, with errors.
            "exited" | "errored" => SessionStatus::Exited,
            "crashed" => SessionStatus::Crashed,
            "abnormal" => SessionStatus::Abnormal,
            "unhandled" => SessionStatus::Unhandled,
            _ => return Err("a session of unknown status"),
        },
        errors: count(json, "errors").max(u64::from(said == "errored")),
        attributes,
    })
}

/// Reads a `sessions` item; a line that is broken costs itself.
///
/// # Errors
/// What is missing, in the program's own words.
pub fn aggregates(json: &Value, clock: &Clock) -> Result<Vec<Result<SessionAggregate, &'static str>>, &'static str> {
    let attributes = attributes(json)?;
    let list = json.get("aggregates").and_then(Value::as_array).ok_or("sessions without aggregates")?;
    let one = |line: &Value| {
        let started = line.get("started").and_then(timestamp).ok_or("counted sessions without a time")?;
        Ok(SessionAggregate {
            started: clock.correct(started),
            did: text(line, "did"),
            exited: count(line, "exited"),
            errored: count(line, "errored"),
            crashed: count(line, "crashed"),
            abnormal: count(line, "abnormal"),
            unhandled: count(line, "unhandled"),
            attributes: attributes.clone(),
        })
    };
    Ok(list.iter().map(one).collect())
}

fn attributes(json: &Value) -> Result<Attributes, &'static str> {
    let attrs = json.get("attrs").or_else(|| json.get("attributes")).unwrap_or(&Value::Null);
    Ok(Attributes {
        release: attrs.get("release").and_then(name).ok_or("a session without release")?,
        environment: attrs.get("environment").and_then(name),
        user_agent: text(attrs, "user_agent"),
    })
}

fn text(json: &Value, key: &str) -> Option<Untrusted> {
    match json.get(key)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

fn count(json: &Value, key: &str) -> u64 {
    json.get(key).and_then(Value::as_u64).unwrap_or(0).min(1 << 32)
}
