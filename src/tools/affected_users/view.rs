//! The answer's data.

use crate::{
    attribution::shares,
    guard::{Clean, Guard, Limit},
    model::Untrusted,
    store::{AffectedFacts, AffectedQuery, TagShare},
    tools::nothing,
    view,
    view::{Doc, Named, Omission, Seconds, View, Word, count, known_users, rounded},
};

view! {
    /// The answer.
    pub struct Out {
        /// The issue, for people, when one was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub issue: Option<Clean>,
        /// Where and when everything is counted.
        pub counted: Clean,
        /// How many users.
        pub users: Users,
        /// Whom they are compared with.
        pub baseline: BaselineView,
        /// When the issue's rate rose, by the hour; nothing when it did not.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub onset: Option<OnsetView>,
        /// Events in the period.
        pub events: u64,
        /// Events in the period that name no user.
        #[serde(skip_serializing_if = "is_zero")]
        pub events_without_user: u64,
        /// Sessions of the releases concerned.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sessions: Option<Sessions>,
        /// Over time, oldest first.
        pub trend: Vec<Bucket>,
        /// By tag: values with most affected users first.
        pub breakdown: Named<Vec<ShareView>>,
        /// Conditions that mark the affected, strongest first.
        pub attribution: Vec<ConditionView>,
        /// Where no condition stands out: what would have been seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub attribution_note: Option<Clean>,
        /// Some of the affected, by pseudonym.
        pub sample: Vec<SampleView>,
    }

    /// How many users.
    pub struct Users {
        /// Up to `as_of`; left out where no event names a user.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub total: Option<u64>,
        /// In the period; left out where no event names a user.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub in_period: Option<u64>,
        /// Of those in the period: hit before it, or on more than one day.
        pub returning: u64,
        /// Users with a session or any event in the period.
        pub active: u64,
        /// Affected of the active, 0 to 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub share: Option<f64>,
        /// By release, oldest first.
        pub per_release: Vec<ReleaseView>,
    }

    /// Whom the affected are compared with.
    pub struct BaselineView {
        /// `other_events`: users with other events and none of these; `sessions`; `all_users`: both.
        pub kind: Word,
        /// How many.
        pub users: u64,
    }

    /// When the rate rose.
    pub struct OnsetView {
        /// The likeliest hour.
        pub at: Seconds,
        /// Earliest hour that is nearly as likely.
        pub earliest: Seconds,
        /// Latest hour.
        pub latest: Seconds,
        /// How many times the rate before, at the same traffic.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub times: Option<f64>,
        /// Whether it still is.
        pub going_on: bool,
    }

    /// Users of one release.
    pub struct ReleaseView {
        /// Release.
        pub release: Clean,
        /// Affected users.
        pub users: u64,
        /// Users with a session or event of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub active_users: Option<u64>,
        /// Affected of the active, 0 to 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub share: Option<f64>,
    }

    /// Sessions.
    pub struct Sessions {
        /// All of the releases and the period concerned.
        pub total: u64,
        /// Those of affected users that ended badly, where sessions name users.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub affected: Option<u64>,
        /// Share that did not crash, 0 to 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub crash_free_rate: Option<f64>,
        /// Share without an error that nothing caught, 0 to 1, where sessions may end so without a crash.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub unhandled_free_rate: Option<f64>,
        /// Share of users with a session who had none that crashed, 0 to 1, where sessions name users.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub crash_free_users: Option<f64>,
    }

    /// One bucket of the trend.
    pub struct Bucket {
        /// Where it starts.
        pub start: Seconds,
        /// Distinct users.
        pub users: u64,
        /// Events.
        pub events: u64,
    }

    /// One value of a tag.
    pub struct ShareView {
        /// Value.
        pub value: Clean,
        /// Affected users with it.
        pub users: u64,
        /// Their events.
        pub events: u64,
        /// Of the affected, 0 to 1.
        pub share: f64,
        /// Of the baseline, 0 to 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub baseline_share: Option<f64>,
        /// How many times as often as in the baseline.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub lift: Option<f64>,
        /// Chance of such a difference without a cause, corrected for the number of values tested.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub q_value: Option<f64>,
    }

    /// A condition that marks the affected.
    pub struct ConditionView {
        /// One tag value, or two together.
        pub conditions: Vec<TagValue>,
        /// Affected users under it.
        pub users: u64,
        /// Of the affected, 0 to 1.
        pub coverage: f64,
        /// Of the baseline, 0 to 1.
        pub baseline_share: f64,
        /// How many times as often as in the baseline.
        pub lift: f64,
        /// Lower end of its 95 % interval.
        pub lift_low: f64,
        /// Upper end.
        pub lift_high: f64,
        /// Corrected chance.
        pub q_value: f64,
        /// In one sentence.
        pub statement: Clean,
    }

    /// A tag's value.
    pub struct TagValue {
        /// Tag; `release` and `time` too.
        pub tag: Clean,
        /// `>=` the version and later ones, `<=` it and earlier ones; without: that value.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub op: Option<Word>,
        /// Value.
        pub value: Clean,
    }

    /// One user.
    pub struct SampleView {
        /// Pseudonym.
        pub user: Clean,
        /// Events in the period.
        pub events: u64,
        /// Newest of them.
        pub last_seen: Seconds,
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

pub(super) fn of(facts: &AffectedFacts, query: &AffectedQuery, guard: &mut Guard) -> Out {
    let baseline = query.baseline;
    let (mut attribution, attribution_note) = super::attribution::found(&facts.conditions, guard);
    attribution.extend(super::window::found(facts, guard).filter(|_| attribution.len() < 3));
    let counted = nothing::counted(&query.scope, query.since.as_deref(), guard);
    // Users of earlier days are known even where no event of the period names one.
    let unattended = facts.issue.as_ref().is_some_and(|issue| issue.unattended);
    let in_period = known_users(facts.in_period, facts.anonymous_events, unattended);
    let per_release = |r: &crate::store::ReleaseUsers| ReleaseView {
        release: guard.line(&r.release, Limit::Tag),
        users: r.users,
        active_users: r.active_users,
        share: r.active_users.filter(|n| *n > 0).map(|n| rounded(r.users as f64 / n as f64)),
    };
    Out {
        counted,
        users: Users {
            total: known_users(facts.total, facts.events, unattended),
            in_period,
            returning: facts.returning,
            active: facts.active_users,
            share: in_period
                .filter(|_| facts.active_users > 0)
                .map(|users| rounded(users as f64 / facts.active_users as f64)),
            per_release: facts.per_release.iter().map(per_release).collect(),
        },
        baseline: BaselineView { kind: Word(baseline.as_str()), users: facts.baseline_users },
        onset: facts.onset.as_ref().map(super::window::onset),
        issue: facts.issue.as_ref().map(|i| guard.line(&i.short_id.as_str().into(), Limit::Tag)),
        events: facts.events,
        events_without_user: facts.anonymous_events,
        sessions: facts.sessions.map(|s| Sessions {
            total: s.counts.total,
            affected: s.affected,
            crash_free_rate: s.counts.crash_free_rate().map(rounded),
            unhandled_free_rate: s.counts.unhandled_free_rate().filter(|_| s.counts.unhandled > 0).map(rounded),
            crash_free_users: s.users.map(|(all, crashed)| rounded(1.0 - crashed as f64 / all as f64)),
        }),
        trend: facts.trend.iter().map(|b| Bucket { start: b.start.into(), users: b.users, events: b.events }).collect(),
        breakdown: breakdown(facts, guard),
        attribution,
        attribution_note,
        sample: facts
            .sample
            .iter()
            .map(|s| SampleView {
                user: guard.line(&Untrusted::from(s.user.as_str()), Limit::Tag),
                events: s.events,
                last_seen: s.last_seen.into(),
            })
            .collect(),
    }
}

/// Shares of each value among the affected and the baseline; the correction runs over all values of all tags shown.
fn breakdown(facts: &AffectedFacts, guard: &mut Guard) -> Named<Vec<ShareView>> {
    let counts: Vec<(u64, u64)> =
        facts.breakdown.iter().flat_map(|(_, values)| values).map(|v| (v.users, v.baseline_users)).collect();
    let mut tested = shares(&counts, facts.in_period, facts.baseline_users).into_iter();
    let mut value = |v: &TagShare| {
        let share = tested.next().unwrap_or_default();
        ShareView {
            value: guard.line(&v.value, Limit::Tag),
            users: v.users,
            events: v.events,
            share: rounded(share.share),
            baseline_share: share.baseline_share.map(rounded),
            lift: share.lift.map(two_digits),
            q_value: share.q_value.map(significant),
        }
    };
    let listed: Vec<(Untrusted, Vec<ShareView>)> =
        facts.breakdown.iter().map(|(tag, values)| (tag.clone(), values.iter().map(&mut value).collect())).collect();
    Named(listed.into_iter().map(|(tag, values)| (guard.line(&tag, Limit::Tag), values)).collect())
}

pub(super) fn two_digits(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Three significant digits: small chances differ by powers of ten.
pub(super) fn significant(p: f64) -> f64 {
    format!("{p:.2e}").parse().unwrap_or(p)
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        super::markdown::write(self, doc);
    }

    /// Sample, then quiet ends of the trend, then rare values, then whole tags, then releases.
    fn steps(&self) -> usize {
        12
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        let keep = 12 - step;
        let mut gone = 0;
        gone += cut(&mut self.sample, keep / 3);
        let buckets = self.trend.len().saturating_sub(2 * keep + 2);
        thin(&mut self.trend, buckets);
        for (_, values) in &mut self.breakdown.0 {
            gone += cut(values, keep.max(1));
        }
        gone += cut(&mut self.breakdown.0, keep);
        let releases = self.users.per_release.len().saturating_sub(2 * keep + 1);
        self.users.per_release.drain(..releases);
        if keep == 0 {
            self.trend.clear();
        }
        let what = count((gone + buckets + releases) as u64, "value, bucket or release", "values, buckets or releases");
        vec![Omission {
            what,
            call: Clean::ours("affected_users with by (one tag), a shorter period, or a larger max_tokens"),
        }]
    }
}

/// Takes buckets away: the oldest in which nothing happened, then the oldest.
fn thin(trend: &mut Vec<Bucket>, gone: usize) {
    for _ in 0..gone {
        let quiet = trend.iter().position(|bucket| bucket.events == 0).unwrap_or(0);
        trend.remove(quiet);
    }
}

fn cut<T>(list: &mut Vec<T>, keep: usize) -> usize {
    let gone = list.len().saturating_sub(keep);
    list.truncate(keep);
    gone
}
