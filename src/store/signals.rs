//! Questions about signal beside errors: logs, spans, transactions, check-ins, feedback, sessions, metrics.

use super::{Scope, Term};
use crate::model::Untrusted;

/// The kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignalKind {
    /// Log lines.
    Log,
    /// Spans.
    Span,
    /// Requests, jobs, page loads: spans that nothing of the same service stands around.
    Transaction,
    /// Runs of monitored jobs.
    CheckIn,
    /// What users wrote.
    Feedback,
    /// Sessions.
    Session,
    /// Points of metrics.
    Metric,
    /// All of these, and errors.
    All,
}

impl SignalKind {
    /// Reads the word of the contract.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.trim().to_ascii_lowercase().as_str() {
            "log" | "logs" => Self::Log,
            "span" | "spans" => Self::Span,
            "transaction" | "transactions" => Self::Transaction,
            "check_in" | "check-in" | "checkin" | "check_ins" | "cron" => Self::CheckIn,
            "feedback" => Self::Feedback,
            "session" | "sessions" => Self::Session,
            "metric" | "metrics" => Self::Metric,
            "all" => Self::All,
            _ => return None,
        })
    }

    /// The columns that are shown where none are asked for.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Log => &["timestamp", "project", "level", "message", "trace"],
            Self::Span => &["timestamp", "project", "op", "name", "duration", "status", "trace"],
            Self::Transaction => &["timestamp", "project", "transaction", "duration", "status", "user", "trace"],
            Self::CheckIn => &["timestamp", "project", "monitor", "outcome", "missed", "duration", "release"],
            Self::Feedback => &["timestamp", "project", "message", "issue", "event", "url", "user"],
            Self::Session => &["timestamp", "project", "status", "release", "user"],
            Self::Metric => &["timestamp", "project", "name", "value", "unit"],
            Self::All => &["timestamp", "kind", "project", "message", "user", "trace"],
        }
    }
}

/// What is computed for a group; durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stat {
    /// `count()`
    Count,
    /// `count_unique(key)`
    Unique(Untrusted),
    /// `min(key)`
    Min(Untrusted),
    /// `max(key)`
    Max(Untrusted),
    /// `avg(key)`
    Average(Untrusted),
    /// `sum(key)`
    Sum(Untrusted),
    /// `p50(key)` to `p99(key)`: what so many per cent don't exceed, between the two nearest values by how near each is.
    Percentile(u8, Untrusted),
    /// `failure_rate()`: the share that failed.
    FailureRate,
}

impl Stat {
    /// Reads one; without an argument, percentiles are of the duration.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (function, rest) = text.split_once('(').unwrap_or((&text, ""));
        let argument = rest.trim_end_matches(')').trim();
        let of = || Untrusted::from(if argument.is_empty() { "duration" } else { argument });
        Some(match function.trim() {
            "count" => Self::Count,
            "count_unique" | "uniq" => Self::Unique(of()),
            "min" => Self::Min(of()),
            "max" => Self::Max(of()),
            "avg" | "mean" => Self::Average(of()),
            "sum" => Self::Sum(of()),
            "median" => Self::Percentile(50, of()),
            "failure_rate" => Self::FailureRate,
            other => Self::Percentile(other.strip_prefix('p')?.parse().ok().filter(|p| (1..=99).contains(p))?, of()),
        })
    }

    /// The name that answers use.
    pub fn name(&self) -> Untrusted {
        let of = |function: &str, key: &Untrusted| Untrusted::from(format!("{function}({})", key.raw()));
        match self {
            Self::Count => "count()".into(),
            Self::Unique(key) => of("count_unique", key),
            Self::Min(key) => of("min", key),
            Self::Max(key) => of("max", key),
            Self::Average(key) => of("avg", key),
            Self::Sum(key) => of("sum", key),
            Self::Percentile(share, key) => of(&format!("p{share}"), key),
            Self::FailureRate => "failure_rate()".into(),
        }
    }

    /// The key that it is computed from.
    pub fn key(&self) -> Option<&Untrusted> {
        match self {
            Self::Count | Self::FailureRate => None,
            Self::Unique(key) | Self::Min(key) | Self::Max(key) | Self::Average(key) | Self::Sum(key) => Some(key),
            Self::Percentile(_, key) => Some(key),
        }
    }
}

/// Asks for signal as a table.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct SignalQuery {
    /// Where.
    pub scope: Scope,
    /// What.
    pub kind: SignalKind,
    /// Conditions, all of which must hold.
    pub filter: Vec<Term>,
    /// Columns of rows; not used where there is an aggregate.
    pub fields: Vec<Untrusted>,
    /// Keys that groups are made by; `hour` and `day` are of the time.
    pub group_by: Vec<Untrusted>,
    /// What is computed for each group, or for all.
    pub aggregate: Vec<Stat>,
    /// At most so many rows.
    pub limit: usize,
    /// Left out at the start.
    pub skip: usize,
}
