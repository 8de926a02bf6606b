//! Runs of monitored jobs that failed, never ended, or never came.
//! It uses rows and the schedules that check-ins carry.
//! It never expects a run before the first that was seen.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use crate::{
    backend::embedded::{
        lines::Row,
        pack::{HOUR_US, moment},
    },
    model::Timestamp,
};

const MINUTE_US: i64 = HOUR_US / 60;
/// Minutes that a run may take where nothing is said, and come late, as Sentry has it.
const MAX_RUNTIME: i64 = 30;
const MARGIN: i64 = 1;
/// How far ahead of its minute a run may start, microseconds: clocks differ.
const EARLY_US: i64 = MINUTE_US;
/// Minutes of a schedule that are looked through: eight weeks.
const LOOK_BACK: i64 = 56 * 24 * 60;

/// When a job is to run.
#[derive(Clone, Debug, PartialEq)]
enum Schedule {
    /// So many microseconds after the run before.
    Interval(i64),
    /// Minute, hour, day of the month, month, day of the week: a bit each; and whether days are either of the two.
    Crontab { fields: [u64; 5], either_day: bool, zone: TimeZone },
}

/// What a check-in says of its job.
#[derive(Clone, Debug, PartialEq)]
struct Config {
    schedule: Option<Schedule>,
    runtime: i64,
    margin: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self { schedule: None, runtime: MAX_RUNTIME * MINUTE_US, margin: MARGIN * MINUTE_US }
    }
}

/// Says of each run how it came out, and adds rows for runs that never came, up to `until`.
pub(super) fn judge(rows: &mut Vec<Row>, until: i64) {
    let mut jobs: BTreeMap<[String; 3], (Config, i64, Vec<i64>)> = BTreeMap::new();
    for row in rows.iter_mut() {
        let (config, known) =
            row.values.remove("monitor_config").map_or_else(Default::default, |json| (read(&json), true));
        let job = jobs.entry(job_of(row)).or_insert_with(|| (Config::default(), i64::MIN, Vec::new()));
        let started = row.ts - row.values.get("duration").and_then(Json::as_f64).map_or(0, |ms| (ms * 1_000.0) as i64);
        job.2.push(started);
        if known && row.ts > job.1 {
            (job.0, job.1) = (config, row.ts);
        }
    }
    for row in rows.iter_mut() {
        let runtime = jobs.get(&job_of(row)).map_or(MAX_RUNTIME * MINUTE_US, |(config, ..)| config.runtime);
        let outcome = match row.values.get("status").and_then(Json::as_str) {
            Some("ok") => "ok",
            Some("in_progress") if until.saturating_sub(row.ts) > runtime => "never ended",
            Some("in_progress") => "running",
            Some("missed") => "never came",
            _ => "failed",
        };
        row.values.insert("outcome".into(), outcome.into());
    }
    for (job, (config, _, mut runs)) in jobs {
        runs.sort_unstable();
        let Some(schedule) = &config.schedule else { continue };
        rows.extend(gaps(schedule, &runs, config.margin, until).into_iter().map(|gap| missed(&job, gap)));
    }
}

/// Project, environment and name of the job that a row is of.
fn job_of(row: &Row) -> [String; 3] {
    ["project", "environment", "monitor"]
        .map(|key| row.values.get(key).and_then(Json::as_str).unwrap_or_default().to_owned())
}

/// Runs in a row that never came: when the first and the last were due, and how many.
type Gap = (i64, i64, u64);

fn missed([project, environment, monitor]: &[String; 3], (first, last, n): Gap) -> Row {
    let mut row = Row { ts: first, ..Row::default() };
    let texts = [
        ("kind", "check_in"),
        ("project", project),
        ("environment", environment),
        ("monitor", monitor),
        ("status", "missed"),
        ("outcome", "never came"),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        row.values.insert(key.to_owned(), text.into());
    }
    row.values.insert("missed".into(), n.into());
    row.values.insert("until".into(), moment(last).to_string().into());
    row
}

fn gaps(schedule: &Schedule, runs: &[i64], margin: i64, until: i64) -> Vec<Gap> {
    let Some(first) = runs.first() else { return Vec::new() };
    match schedule {
        Schedule::Interval(step) => {
            let ends = runs.iter().skip(1).chain([&until]);
            let gap = |(before, after): (&i64, &i64)| {
                // Of what was due in between the last is the run that came, within the margin.
                let n = (after - before - margin).div_euclid(*step);
                (n > 0).then(|| (before + step, before + n * step, n as u64))
            };
            runs.iter().zip(ends).filter_map(gap).collect()
        }
        Schedule::Crontab { .. } => {
            let minute = |at: i64| at.div_euclid(MINUTE_US) * MINUTE_US;
            let begin = minute(*first + EARLY_US).max(minute(until) - LOOK_BACK * MINUTE_US) + MINUTE_US;
            let came = |due: i64| {
                let from = runs.partition_point(|run| *run < due - EARLY_US);
                runs.get(from).is_some_and(|run| *run <= due + margin + MINUTE_US)
            };
            let mut gaps: Vec<Gap> = Vec::new();
            let mut open = false;
            for due in
                (begin..=until - margin - MINUTE_US).step_by(MINUTE_US as usize).filter(|at| schedule.is_due(*at))
            {
                match (came(due), gaps.last_mut().filter(|_| open)) {
                    (true, _) => open = false,
                    (false, Some(gap)) => (gap.1, gap.2) = (due, gap.2 + 1),
                    (false, None) => {
                        gaps.push((due, due, 1));
                        open = true;
                    }
                }
            }
            gaps
        }
    }
}

impl Schedule {
    /// Whether a run is due in the minute that begins then.
    fn is_due(&self, at: i64) -> bool {
        let Self::Crontab { fields, either_day, zone } = self else { return false };
        let Ok(time) = Timestamp::from_microsecond(at) else { return false };
        let local = zone.to_datetime(time);
        let has = |field: usize, value: i8| fields[field] & (1 << value) != 0;
        let (of_month, of_week) = (has(2, local.day()), has(4, local.weekday().to_sunday_zero_offset()));
        let day = if *either_day { of_month || of_week } else { of_month && of_week };
        day && has(0, local.minute()) && has(1, local.hour()) && has(3, local.month())
    }

    fn crontab(text: &str, zone: TimeZone) -> Option<Self> {
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = words[..] else { return None };
        let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
        let fields = [
            field(minute, 0, 59, &[])?,
            field(hour, 0, 23, &[])?,
            field(day, 1, 31, &[])?,
            field(month, 1, 12, &months)?,
            field(weekday, 0, 7, &days).map(|bits| (bits | bits >> 7) & 0x7f)?,
        ];
        // Where both days are restricted, either will do (POSIX crontab).
        Some(Self::Crontab { fields, either_day: !day.starts_with('*') && !weekday.starts_with('*'), zone })
    }
}

/// `*`, `*/5`, `1-5`, `1,2,30`, `mon-fri` as a bit for each value.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let value = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name)).map(|at| at as u32 + low);
        named.or_else(|| text.parse().ok()).filter(|value| (low..=high).contains(value))
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step: u32 = step.map_or(Some(1), |step| step.parse().ok().filter(|step| *step > 0))?;
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((from, to)) => (value(from)?, value(to)?),
            None if part.contains('/') => (value(range)?, high),
            None => (value(range)?, value(range)?),
        };
        (from..=to).step_by(step as usize).for_each(|value| bits |= 1u64 << value);
    }
    Some(bits)
}

/// What a check-in's configuration says; a schedule that can't be read is none.
fn read(json: &Json) -> Config {
    let minutes = |key: &str, default: i64| {
        json.get(key).and_then(Json::as_i64).filter(|n| (1..=1_000_000).contains(n)).unwrap_or(default) * MINUTE_US
    };
    let schedule = json.get("schedule");
    let of = |key: &str| schedule.and_then(|schedule| schedule.get(key));
    let interval = || {
        let minutes = match of("unit")?.as_str()? {
            "minute" => 1,
            "hour" => 60,
            "day" => 1_440,
            "week" => 10_080,
            "month" => 43_200,
            "year" => 525_600,
            _ => return None,
        };
        let n = of("value")?.as_i64().filter(|n| (1..=10_000).contains(n))?;
        Some(Schedule::Interval(n * minutes * MINUTE_US))
    };
    let zone = match json.get("timezone").and_then(Json::as_str) {
        None | Some("" | "UTC") => Some(TimeZone::UTC),
        Some(name) => TimeZone::get(name).ok(),
    };
    let schedule = match of("type").and_then(Json::as_str) {
        Some("interval") => interval(),
        Some("crontab") => {
            of("value").and_then(Json::as_str).zip(zone).and_then(|(text, zone)| Schedule::crontab(text, zone))
        }
        _ => None,
    };
    Config { schedule, runtime: minutes("max_runtime", MAX_RUNTIME), margin: minutes("checkin_margin", MARGIN) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn crontab(text: &str) -> Schedule {
        Schedule::crontab(text, TimeZone::UTC).unwrap()
    }

    #[test]
    fn schedules_are_read_as_crontab_means_them() {
        // A Monday.
        for (text, due, not) in [
            ("*/5 * * * *", "2026-11-30T14:55:00Z", "2026-11-30T14:56:00Z"),
            ("30 2 * * mon-fri", "2026-11-30T02:30:00Z", "2026-11-29T02:30:00Z"),
            ("0 0 1 * 1", "2026-11-30T00:00:00Z", "2026-11-29T00:00:00Z"),
            ("0 12 1 jan,dec *", "2026-12-01T12:00:00Z", "2026-11-30T12:00:00Z"),
            ("@weekly", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("0 0 * * 7", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"),
        ] {
            assert!(crontab(text).is_due(at(due)) && !crontab(text).is_due(at(not)), "{text}");
        }
        for text in ["", "* * * *", "61 * * * *", "*/0 * * * *", "x * * * *"] {
            assert_eq!(Schedule::crontab(text, TimeZone::UTC), None, "{text}");
        }
    }

    #[test]
    fn runs_that_never_came_are_one_row_a_gap() {
        let hour = Schedule::Interval(HOUR_US);
        let runs = [at("2026-11-30T01:00:00Z"), at("2026-11-30T02:00:30Z"), at("2026-11-30T05:00:00Z")];
        let until = at("2026-11-30T06:30:00Z");
        let missed = gaps(&hour, &runs, MINUTE_US, until);
        assert_eq!(
            missed,
            [
                (at("2026-11-30T03:00:30Z"), at("2026-11-30T04:00:30Z"), 2),
                (at("2026-11-30T06:00:00Z"), at("2026-11-30T06:00:00Z"), 1),
            ]
        );
        let missed = gaps(&crontab("0 * * * *"), &runs, MINUTE_US, until);
        assert_eq!(
            missed,
            [
                (at("2026-11-30T03:00:00Z"), at("2026-11-30T04:00:00Z"), 2),
                (at("2026-11-30T06:00:00Z"), at("2026-11-30T06:00:00Z"), 1),
            ]
        );
    }

    #[test]
    fn a_run_that_never_ended_is_told_once_its_time_is_over() {
        let row = |status: &str| {
            let mut row = Row { ts: at("2026-11-30T01:00:00Z"), ..Row::default() };
            row.values.insert("monitor".into(), "mail".into());
            row.values.insert("status".into(), status.into());
            row.values.insert("monitor_config".into(), json!({ "max_runtime": 5 }));
            row
        };
        let outcome = |status: &str, until: &str| {
            let mut rows = vec![row(status)];
            judge(&mut rows, at(until));
            rows[0].values["outcome"].as_str().unwrap().to_owned()
        };
        assert_eq!(outcome("in_progress", "2026-11-30T01:04:00Z"), "running");
        assert_eq!(outcome("in_progress", "2026-11-30T01:06:00Z"), "never ended");
        assert_eq!(outcome("error", "2026-11-30T01:06:00Z"), "failed");
        assert_eq!(outcome("ok", "2026-11-30T01:06:00Z"), "ok");
    }
}
