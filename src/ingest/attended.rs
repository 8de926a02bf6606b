//! Whether a job had an event by itself, so that it has no user: where that is not said, its user is not known.

use serde_json::Value;

/// Operations of spans in which SDKs run jobs.
/// Source: Sentry's list of span operations, and its integrations of Celery, RQ, Sidekiq, Resque, Active Job, Laravel, Quartz.
const JOBS: &[&str] = &[
    "queue.task",
    "queue.process",
    "queue.sidekiq",
    "queue.resque",
    "queue.active_job",
    "queue.delayed_job",
    "queue.execute",
    "task",
    "cron",
    "job",
];

/// Whether an event says that a job had it, and nothing of a person, a request, or a trace that led to the job.
pub(super) fn is_by_job(event: &Value) -> bool {
    let said = |key: &str| event.get(key).is_some_and(|value| !value.is_null());
    if said("user") || said("request") || event.pointer("/contexts/replay").is_some() {
        return false;
    }
    let trace = |key: &str| event.pointer("/contexts/trace").and_then(|trace| trace.get(key)).and_then(Value::as_str);
    let of = |op: &str| {
        JOBS.iter().any(|job| op.strip_prefix(job).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    trace("op").is_some_and(of) && trace("parent_span_id").is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_by_job;

    #[test]
    fn only_what_says_that_it_is_a_job_has_no_user() {
        let by = |trace: serde_json::Value| json!({ "contexts": { "trace": trace } });
        assert!(is_by_job(&by(json!({ "op": "queue.task.celery" }))));
        assert!(is_by_job(&by(json!({ "op": "cron" }))));
        for not in [
            json!({}),
            by(json!({ "op": "http.server" })),
            by(json!({ "op": "queue.publish" })),
            by(json!({ "op": "queue.process", "parent_span_id": "a".repeat(16) })),
        ] {
            assert!(!is_by_job(&not), "{not}");
        }
        for somebody in ["user", "request"] {
            let mut event = by(json!({ "op": "queue.process" }));
            event[somebody] = json!({});
            assert!(!is_by_job(&event), "{event}");
        }
    }
}
