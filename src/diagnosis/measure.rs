//! What events measured while they happened: memory, disk, uptime, the class of the device.

use crate::model::{Data, Event, Timestamp, Untrusted};

/// One measurement, the median over the events that carry it.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// Free memory of the machine, and all of it, in bytes.
    FreeMemory {
        /// Free.
        free: u64,
        /// All.
        of: Option<u64>,
    },
    /// Memory that the application held, in bytes.
    AppMemory(u64),
    /// Free disk, and all of it, in bytes.
    FreeStorage {
        /// Free.
        free: u64,
        /// All.
        of: Option<u64>,
    },
    /// How long the process had run, in seconds.
    Uptime(u64),
    /// The class of most devices: `low`, `medium`, `high`.
    DeviceClass(Untrusted),
    /// The system said that memory was low, in so many of so many events.
    LowMemory {
        /// Events that said so.
        events: u64,
        /// Of these.
        of: u64,
    },
}

/// Reads the measurements of several events of an issue.
pub fn measure(events: &[Event]) -> Vec<Measure> {
    let bytes =
        |context: &str, key: &str| median(events.iter().filter_map(|event| number(event, context, key)).collect());
    let mut found = Vec::new();
    if let Some(free) = bytes("device", "free_memory") {
        found.push(Measure::FreeMemory { free, of: bytes("device", "memory_size") });
    }
    if let Some(held) = bytes("app", "app_memory") {
        found.push(Measure::AppMemory(held));
    }
    if let Some(free) = bytes("device", "free_storage") {
        found.push(Measure::FreeStorage { free, of: bytes("device", "storage_size") });
    }
    if let Some(ran) = median(events.iter().filter_map(uptime).collect()) {
        found.push(Measure::Uptime(ran));
    }
    let low = events.iter().filter_map(|event| flag(event, "device", "low_memory"));
    let low: Vec<bool> = low.collect();
    if low.iter().any(|low| *low) {
        found.push(Measure::LowMemory { events: low.iter().filter(|low| **low).count() as u64, of: low.len() as u64 });
    }
    found.extend(class(events).map(Measure::DeviceClass));
    found
}

fn value<'e>(event: &'e Event, context: &str, key: &str) -> Option<&'e Data> {
    event.contexts.iter().find(|(name, _)| name.raw() == context).and_then(|(_, data)| data.get(key))
}

fn number(event: &Event, context: &str, key: &str) -> Option<u64> {
    match value(event, context, key)? {
        Data::Number(number) => number.as_u64(),
        _ => None,
    }
}

fn flag(event: &Event, context: &str, key: &str) -> Option<bool> {
    match value(event, context, key)? {
        Data::Bool(flag) => Some(*flag),
        _ => None,
    }
}

fn uptime(event: &Event) -> Option<u64> {
    let started: Timestamp = value(event, "app", "app_start_time")?.text()?.raw().parse().ok()?;
    u64::try_from(event.timestamp.as_second() - started.as_second()).ok()
}

fn class(events: &[Event]) -> Option<Untrusted> {
    let tag = |event: &'_ Event| {
        event.tags.iter().find(|(key, _)| key.raw() == "device.class").map(|(_, value)| value.clone())
    };
    let mut classes: Vec<Untrusted> = events.iter().filter_map(tag).collect();
    classes.sort_unstable();
    let runs = classes.chunk_by(|a, b| a == b);
    runs.max_by_key(|run| run.len()).and_then(|run| run.first().cloned())
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
