//! Lines counted in groups.
//! It uses rows, and columns of blocks.
//! It never estimates: each value is kept until the group is told.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

use super::{codes::Codes, test::text_of};
use crate::{
    backend::embedded::{
        lines::Row,
        pack::{DAY_US, HOUR_US, moment},
    },
    store::{SignalQuery, Stat, Value},
};

struct Group {
    n: u64,
    failed: u64,
    numbers: Vec<Vec<f64>>,
    unique: Vec<BTreeSet<String>>,
}

/// Groups by the texts of their keys.
pub(super) struct Groups<'q> {
    query: &'q SignalQuery,
    groups: BTreeMap<Vec<String>, Group>,
}

/// What a block's lines have, as far as groups need it.
pub(super) struct Columns {
    /// By each key of `group_by`.
    pub(super) by: Vec<Codes>,
    /// By each stat; of `count()` and rates none.
    pub(super) of: Vec<Option<Codes>>,
    /// Whether each line tells of a failure.
    pub(super) failed: Vec<bool>,
}

impl<'q> Groups<'q> {
    pub(super) fn new(query: &'q SignalQuery) -> Self {
        Self { query, groups: BTreeMap::new() }
    }

    fn group(&mut self, key: Vec<String>) -> &mut Group {
        let stats = self.query.aggregate.len();
        self.groups.entry(key).or_insert_with(|| Group {
            n: 0,
            failed: 0,
            numbers: vec![Vec::new(); stats],
            unique: vec![BTreeSet::new(); stats],
        })
    }

    pub(super) fn line(&mut self, row: &Row) {
        let query = self.query;
        let group = self.group(query.group_by.iter().map(|by| part(row, by.raw())).collect());
        group.n += 1;
        group.failed += u64::from(row.failed());
        for (at, stat) in query.aggregate.iter().enumerate() {
            let Some(value) = stat.key().and_then(|key| found(row, key.raw())) else { continue };
            match stat {
                Stat::Unique(_) => drop(group.unique[at].insert(text_of(&value))),
                _ => group.numbers[at].extend(number(&value)),
            }
        }
    }

    /// Lines of a block, by their places in it.
    pub(super) fn lines(&mut self, lines: &[u32], columns: &Columns) {
        let query = self.query;
        let mut alike: HashMap<Vec<u32>, Vec<u32>> = HashMap::new();
        for line in lines {
            let key = columns.by.iter().map(|codes| codes.of[*line as usize]).collect();
            alike.entry(key).or_default().push(*line);
        }
        for (key, lines) in alike {
            let text = |(codes, code): (&Codes, &u32)| codes.value(*code).map_or(String::new(), text_of);
            let group = self.group(columns.by.iter().zip(&key).map(text).collect());
            group.n += lines.len() as u64;
            group.failed += lines.iter().filter(|line| columns.failed[**line as usize]).count() as u64;
            for (at, (stat, codes)) in query.aggregate.iter().zip(&columns.of).enumerate() {
                let Some(codes) = codes else { continue };
                let each = lines.iter().map(|line| codes.of[*line as usize]);
                match stat {
                    Stat::Unique(_) => {
                        let different: HashSet<u32> = each.collect();
                        group.unique[at]
                            .extend(different.into_iter().filter_map(|code| codes.value(code)).map(text_of));
                    }
                    _ => {
                        let numbers: Vec<Option<f64>> = codes.values.iter().map(number).collect();
                        let of = |code: u32| (code as usize).checked_sub(1).and_then(|at| numbers[at]);
                        group.numbers[at].extend(each.filter_map(of));
                    }
                }
            }
        }
    }

    /// Groups with their values in the order of the columns, the largest first; those by time in its order.
    pub(super) fn told(self) -> Vec<Vec<Value>> {
        let query = self.query;
        let by_time = query.group_by.iter().any(|by| matches!(by.raw(), "hour" | "day"));
        let mut list: Vec<(u64, Vec<Value>)> =
            self.groups.into_iter().map(|(key, group)| (group.n, told(&key, group, query))).collect();
        if !by_time {
            list.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
        }
        list.into_iter().map(|(_, values)| values).collect()
    }
}

fn number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn found(row: &Row, key: &str) -> Option<Json> {
    if key == "timestamp" { Some(row.ts.into()) } else { row.get(key).cloned() }
}

fn part(row: &Row, by: &str) -> String {
    match time_of(by, row.ts) {
        Some(time) => text_of(&time),
        None => row.get(by).map_or(String::new(), text_of),
    }
}

/// The hour or day that a group is of; `None`: `by` is no time.
pub(super) fn time_of(by: &str, ts: i64) -> Option<Json> {
    match by {
        "hour" => Some(moment(ts.div_euclid(HOUR_US) * HOUR_US).to_string().into()),
        "day" => Some(moment(ts.div_euclid(DAY_US) * DAY_US).strftime("%Y-%m-%d").to_string().into()),
        _ => None,
    }
}

fn told(key: &[String], group: Group, query: &SignalQuery) -> Vec<Value> {
    let text = |part: &String| if part.is_empty() { Value::None } else { Value::Text(part.as_str().into()) };
    let mut values: Vec<Value> = key.iter().map(text).collect();
    for (at, stat) in query.aggregate.iter().enumerate() {
        let mut numbers = group.numbers[at].clone();
        numbers.sort_by(f64::total_cmp);
        let sum: f64 = numbers.iter().sum();
        let number = match stat {
            Stat::Count => {
                values.push(Value::Count(group.n));
                continue;
            }
            Stat::Unique(_) => {
                values.push(Value::Count(group.unique[at].len() as u64));
                continue;
            }
            Stat::Min(_) => numbers.first().copied(),
            Stat::Max(_) => numbers.last().copied(),
            Stat::Sum(_) => Some(sum),
            Stat::Average(_) => (!numbers.is_empty()).then(|| sum / numbers.len() as f64),
            Stat::Percentile(share, _) => percentile(&numbers, f64::from(*share) / 100.0),
            Stat::FailureRate => Some(group.failed as f64 / group.n as f64),
        };
        let is_time = stat.key().is_some_and(|key| key.raw() == "timestamp");
        values.push(match number {
            Some(at) if is_time => Value::Time(moment(at as i64)),
            Some(number) if number.fract() == 0.0 && (0.0..1e15).contains(&number) => Value::Count(number as u64),
            Some(number) => Value::Number((number * 1_000.0).round() / 1_000.0),
            None => Value::None,
        });
    }
    values
}

/// Of sorted numbers, between the two nearest ranks by how near each is: the median of an even count is the mean of its middle two.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
    Some(below + (above - below) * rank.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_the_nearest_ranks() {
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[3.0], 0.95), Some(3.0));
        assert_eq!(percentile(&[1.0, 2.0, 4.0, 9.0], 0.5), Some(3.0));
        assert_eq!(percentile(&[0.0, 10.0], 0.75), Some(7.5));
    }
}
