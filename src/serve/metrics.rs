//! Counters in the text form of Prometheus. No label holds outside text.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::store::{Digest, ItemKind, Receipt, Record};

/// All counters.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: Mutex<BTreeMap<(&'static str, String), f64>>,
    /// Items on disk since the start.
    stored: AtomicU64,
}

/// Why a request was refused, as a label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal(&'static str);

impl Refusal {
    pub(super) fn of(status: u16) -> Self {
        Self(match status {
            400 => "unreadable",
            401 | 403 => "key",
            408 => "slow",
            413 => "too_large",
            429 => "busy",
            _ => "store",
        })
    }
}

/// How many items of each type a digest has.
pub(super) type Items = BTreeMap<&'static str, u64>;

impl Metrics {
    fn add(&self, name: &'static str, labels: String, amount: f64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((name, labels)).or_default() += amount;
    }

    pub(super) fn asked(&self) {
        self.add("prodsignal_requests_total", String::new(), 1.0);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.add("prodsignal_received_bytes_total", String::new(), bytes as f64);
    }

    pub(super) fn refused(&self, why: Refusal) {
        self.add("prodsignal_refused_total", format!("{{reason=\"{}\"}}", why.0), 1.0);
    }

    /// Counted before the digest is handed over.
    pub(super) fn items_of(&self, digest: &Digest) -> Items {
        for outcome in &digest.outcomes {
            let labels = format!("{{type=\"{}\",outcome=\"{}\"}}", outcome.item, outcome.outcome);
            self.add("prodsignal_items_total", labels, outcome.quantity as f64);
        }
        let mut items = Items::new();
        for record in &digest.records {
            *items.entry(item_type(record)).or_default() += 1;
        }
        items
    }

    /// What is on disk now, and what was there before.
    pub(super) fn stored(&self, items: &Items, receipt: &Receipt) {
        self.stored.fetch_add(items.values().sum(), Ordering::Relaxed);
        for (ty, n) in items {
            self.add("prodsignal_items_total", format!("{{type=\"{ty}\",outcome=\"taken\"}}"), *n as f64);
        }
        self.add("prodsignal_duplicates_total", String::new(), receipt.duplicates as f64);
        self.add("prodsignal_new_issues_total", String::new(), receipt.new_issues.len() as f64);
    }

    /// How many items came onto the disk since the start.
    pub(super) fn stored_so_far(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// One envelope on its way to another server: `sent`, `dropped`, `full`, `failed`.
    pub fn forwarded(&self, outcome: &'static str) {
        self.add("prodsignal_forwarded_total", format!("{{outcome=\"{outcome}\"}}"), 1.0);
    }

    /// One finished call of a tool.
    pub fn called(&self, tool: &'static str, failed: bool, seconds: f64) {
        self.add("prodsignal_tool_calls_total", format!("{{tool=\"{tool}\",failed=\"{failed}\"}}"), 1.0);
        self.add("prodsignal_tool_seconds_total", format!("{{tool=\"{tool}\"}}"), seconds);
    }

    /// All of them.
    pub fn text(&self) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let mut last = "";
        for ((name, labels), value) in counts.iter() {
            if *name != last {
                let _ = writeln!(text, "# TYPE {name} counter");
                last = name;
            }
            let _ = writeln!(text, "{name}{labels} {value}");
        }
        text
    }
}

fn item_type(record: &Record) -> &'static str {
    match record {
        Record::Event(_) => "event",
        Record::Session(_) => "session",
        Record::Sessions(_) => "sessions",
        Record::Part(_) => "otlp",
        Record::Dropped(_) => "client_report",
        Record::Item(item) => match item.kind {
            ItemKind::Transaction => "transaction",
            ItemKind::Span => "span",
            ItemKind::Log => "log",
            ItemKind::CheckIn => "check_in",
            ItemKind::Feedback => "feedback",
            ItemKind::Attachment => "attachment",
            ItemKind::Profile => "profile",
            ItemKind::Metric => "metric",
            ItemKind::ReplayEvent => "replay_event",
            ItemKind::ReplayRecording => "replay_recording",
        },
    }
}
