//! What is answered.

use super::{block, statement};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{FixHistory, Side, Timestamp, Untrusted},
    release::split_name,
    say,
    verify::{Demand, Judgment, Needed, Proof, Sums, Verdict},
    view,
    view::{Doc, Omission, Seconds, View, Word},
};

/// Releases that adoption names at most.
const RELEASES: usize = 6;

/// All that the answer is made of.
pub(super) struct VerdictInput<'a> {
    pub(super) history: &'a FixHistory,
    pub(super) judgment: &'a Judgment,
    pub(super) demand: &'a Demand,
    pub(super) as_of: Timestamp,
    pub(super) environment: Option<&'a Untrusted>,
}

view! {
    /// The answer.
    pub struct Out {
        /// `fixed`, `reduced`, `not_fixed`, `regressed`, `moved`, `insufficient_exposure`, `not_deployed`.
        pub verdict: Word,
        /// Chance that no poll ever gives a wrong verdict.
        pub confidence: f64,
        /// The verdict in one sentence, with its numbers.
        pub statement: Clean,
        /// Short id.
        pub issue: Clean,
        /// The release that was asked for.
        pub release: Clean,
        /// First session or event of it or a later one; a store that knows the hour alone gives the hour's start.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub deployed_at: Option<Seconds>,
        /// Releases without the fix.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub before: Option<SideView>,
        /// Releases with it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub after: Option<SideView>,
        /// Hits that `after` would have had at the old rate.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub expected_hits: Option<f64>,
        /// By what share of itself the rate fell; valid at any poll. An end that is left out is unbounded.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reduction: Option<ReductionView>,
        /// Users hit before.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub returning_users: Option<ReturningView>,
        /// The condition under which the issue occurs.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub cohort: Option<CohortView>,
        /// Who runs what: share of the last day's exposure.
        pub adoption: Vec<AdoptionView>,
        /// Newest events of the issue with the fix.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub recurrences: Vec<RecurrenceView>,
        /// Issues under which it goes on.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub moved_to: Vec<MovedView>,
        /// What is missing for `fixed`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub needed: Option<NeededView>,
        /// When asking again may bring more.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub check_again_after: Option<Seconds>,
        /// Evidence for a pull request.
        #[serde(skip_serializing_if = "Clean::is_empty")]
        pub markdown: Clean,
    }

    /// One side.
    pub struct SideView {
        /// Releases, oldest first.
        pub releases: Vec<Clean>,
        /// From.
        pub start: Seconds,
        /// Until, itself not included.
        pub end: Seconds,
        /// How much it was used.
        pub exposure: f64,
        /// `user_hours`, `sessions` or `events`.
        pub exposure_unit: Word,
        /// Distinct users hit.
        pub affected: u64,
        /// Events.
        pub events: u64,
        /// Hits: a user counts once in 24 hours.
        pub hits: f64,
        /// Hits a unit of exposure.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rate: Option<f64>,
    }

    /// A share of the old rate.
    pub struct ReductionView {
        /// Most likely.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub estimate: Option<f64>,
        /// At least.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub low: Option<f64>,
        /// At most.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub high: Option<f64>,
    }

    /// What became of those hit before.
    pub struct ReturningView {
        /// Hit before the fix.
        pub eligible: u64,
        /// Of those, seen with it.
        pub active_after: u64,
        /// Of those, hit again.
        pub hit_again: u64,
    }

    /// A condition.
    pub struct CohortView {
        /// `tag=value`.
        pub conditions: Vec<Clean>,
        /// Exposure under it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub exposure_before: Option<f64>,
        /// Exposure under it with the fix.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub exposure_after: Option<f64>,
    }

    /// Share of a release.
    pub struct AdoptionView {
        /// Which.
        pub release: Clean,
        /// 0 to 1.
        pub share: f64,
    }

    /// An event of the issue with the fix.
    pub struct RecurrenceView {
        /// Its id.
        pub event: Clean,
        /// Its release.
        pub release: Clean,
        /// When.
        pub timestamp: Seconds,
    }

    /// An issue under which it goes on.
    pub struct MovedView {
        /// Short id.
        pub issue: Clean,
        /// Title.
        pub title: Clean,
        /// How alike, 0 to 1.
        pub similarity: f64,
        /// First event.
        pub first_seen: Seconds,
        /// Events.
        pub events: u64,
    }

    /// What is missing.
    pub struct NeededView {
        /// Further exposure without a hit.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub exposure: Option<f64>,
        /// In what.
        pub unit: Word,
        /// Seconds until then at the present rate of use.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub eta_s: Option<u64>,
        /// Why no amount would do.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reason: Option<Clean>,
    }
}

/// Four digits that tell something, whatever the size.
fn significant(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let scale = libm::pow(10.0, 3.0 - libm::log10(number.abs()).floor());
    (number * scale).round() / scale
}

/// Shares of the releases of the asked package, largest first; what other packages of the project do says nothing of it.
fn within_package(told: &VerdictInput<'_>) -> Vec<(usize, f64)> {
    let VerdictInput { history, judgment, .. } = told;
    let package = split_name(history.asked.raw()).0;
    let of_package = |place: usize| split_name(history.releases[place].version.raw()).0 == package;
    let shares = || judgment.adoption.iter().filter(|(place, _)| of_package(*place));
    let all: f64 = shares().map(|(_, share)| share).sum();
    shares().map(|(place, share)| (*place, share / all)).collect()
}

/// Makes the view.
pub(super) fn of(told: &VerdictInput<'_>, warnings: &[Clean], guard: &mut Guard) -> Out {
    let VerdictInput { history, judgment, demand, as_of, .. } = told;
    let proof = judgment.proof.as_ref();
    let adoption: Vec<AdoptionView> = within_package(told)
        .into_iter()
        .take(RELEASES)
        .map(|(place, share)| AdoptionView { release: release(told, place, guard), share: view::rounded(share) })
        .collect();
    let recurrences: Vec<RecurrenceView> = history
        .recurrences
        .iter()
        .map(|event| RecurrenceView {
            event: guard.line(&event.event.to_string().into(), Limit::Tag),
            release: guard.line(&event.release, Limit::Tag),
            timestamp: event.at.into(),
        })
        .collect();
    let mut out = Out {
        verdict: Word(judgment.verdict.as_str()),
        confidence: demand.confidence,
        statement: Clean::default(),
        issue: guard.line(&history.issue.short_id.as_str().into(), Limit::Tag),
        recurrences,
        release: guard.line(&history.asked, Limit::Tag),
        deployed_at: proof.map(|proof| proof.window.deploy.into()),
        before: proof.and_then(|proof| side_view(told, proof, Side::Control, guard)),
        after: proof.and_then(|proof| side_view(told, proof, Side::New, guard)),
        expected_hits: proof.map(|proof| significant(proof.expected)),
        reduction: proof.map(reduction),
        returning_users: history.returning.map(|r| ReturningView {
            eligible: r.eligible,
            active_after: r.active_after,
            hit_again: r.hit_again,
        }),
        cohort: proof.and_then(|proof| cohort(history, proof, guard)),
        adoption,
        moved_to: moved(told, guard),
        needed: proof.and_then(needed),
        check_again_after: again(judgment, *as_of),
        markdown: Clean::default(),
    };
    out.statement = statement::of(told, &out, guard);
    out.markdown = block::of(told, &out, warnings);
    out
}

fn release(told: &VerdictInput<'_>, place: usize, guard: &mut Guard) -> Clean {
    let version = &told.history.releases[place].version;
    if version.is_empty() { Clean::ours("(no release)") } else { guard.line(version, Limit::Tag) }
}

fn side_view(told: &VerdictInput<'_>, proof: &Proof, side: Side, guard: &mut Guard) -> Option<SideView> {
    let used = |place: &usize| {
        let is = told.history.releases[*place].side == side;
        is && (told.history.uses.iter().any(|part| part.release == *place)
            || told.history.hits.iter().any(|hit| hit.release == *place))
    };
    let places: Vec<usize> = (0..told.history.releases.len()).filter(used).collect();
    let (sums, start): (&Sums, i64) = match side {
        Side::New => (&proof.after, proof.window.deploy_hour),
        _ => (&proof.before, proof.window.start),
    };
    let moment = |hour: i64| Timestamp::from_second(hour.saturating_mul(3_600)).ok().map(Seconds);
    Some(SideView {
        releases: places.into_iter().map(|place| release(told, place, guard)).collect(),
        start: moment(start)?,
        end: moment(proof.window.cut.max(start))?,
        exposure: sums.exposure,
        exposure_unit: Word(proof.unit.as_str()),
        affected: sums.affected,
        events: sums.events,
        hits: sums.hits,
        rate: sums.rate().map(significant),
    })
}

/// Ends are rounded outwards, so that what is shown holds too.
fn reduction(proof: &Proof) -> ReductionView {
    let (estimate, low, high) = proof.interval.reduction();
    ReductionView {
        estimate: estimate.map(view::rounded),
        low: low.map(|low| (low * 10_000.0).floor() / 10_000.0),
        high: high.map(|high| (high * 10_000.0).ceil() / 10_000.0),
    }
}

fn cohort(history: &FixHistory, proof: &Proof, guard: &mut Guard) -> Option<CohortView> {
    let condition = &history.conditions[proof.cohort.condition()?];
    let value = guard.keyed(&condition.tag, &condition.value, Limit::Tag);
    Some(CohortView {
        conditions: vec![say!(guard.line(&condition.tag, Limit::Tag), "=", value)],
        exposure_before: proof.cohort_use.map(|part| part.before),
        exposure_after: proof.cohort_use.map(|part| part.after),
    })
}

fn moved(told: &VerdictInput<'_>, guard: &mut Guard) -> Vec<MovedView> {
    let proof = told.judgment.proof.as_ref();
    if !proof.is_some_and(|proof| proof.moved.is_some() || proof.held_back) {
        return Vec::new();
    }
    let mut candidates: Vec<_> = told.history.candidates.iter().collect();
    candidates.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(b.events.cmp(&a.events)));
    let view = |candidate: &crate::model::FixCandidate| MovedView {
        issue: guard.line(&candidate.issue.short_id.as_str().into(), Limit::Tag),
        title: guard.line(&candidate.issue.title, Limit::Title).shortened(80),
        similarity: view::rounded(candidate.similarity),
        first_seen: candidate.first_seen.into(),
        events: candidate.events,
    };
    candidates.into_iter().take(3).map(view).collect()
}

fn needed(proof: &Proof) -> Option<NeededView> {
    let unit = Word(proof.unit.as_str());
    let reason =
        |why: &'static str| Some(NeededView { exposure: None, unit, eta_s: None, reason: Some(Clean::ours(why)) });
    match proof.needed {
        Needed::Nothing => None,
        Needed::Exposure { exposure, eta_s } => {
            Some(NeededView { exposure: Some(exposure.ceil()), unit, eta_s: eta_s.map(|s| s as u64), reason: None })
        }
        Needed::ThinBaseline => {
            reason("it was hit too rarely before the fix: no exposure would do; ask for a lower min_reduction")
        }
        Needed::NoControl => reason("nothing is known of releases without the fix to compare with"),
    }
}

fn again(judgment: &Judgment, as_of: Timestamp) -> Option<Seconds> {
    let waits = matches!(judgment.verdict, Verdict::InsufficientExposure | Verdict::NotDeployed);
    let at = as_of.as_second().checked_add(judgment.again_after_s).filter(|_| waits)?;
    Timestamp::from_second(at).ok().map(Seconds)
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        block::text(self, doc);
    }

    fn steps(&self) -> usize {
        6
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        self.adoption.truncate(3);
        self.recurrences.truncate(if step > 1 { 1 } else { 3 });
        if step > 1 {
            self.markdown = block::without_chart(self);
        }
        if step > 2 {
            self.markdown = Clean::default();
        }
        if step > 3 {
            self.adoption.clear();
            self.recurrences.clear();
            self.cohort = None;
            for side in self.before.iter_mut().chain(self.after.iter_mut()) {
                side.releases.clear();
            }
        }
        if step > 4 {
            (self.before, self.after, self.returning_users) = (None, None, None);
            self.moved_to.truncate(1);
        }
        if step > 5 {
            (self.reduction, self.expected_hits, self.deployed_at) = (None, None, None);
        }
        let what = match step {
            1 => "older recurrences, rare releases",
            2 => "the chart, recurrences, rare releases",
            3 => "the evidence block, recurrences, rare releases",
            _ => "the evidence block and most numbers",
        };
        let call = Clean::ours("the same call with a larger max_tokens");
        vec![Omission { what: Clean::ours(what), call }]
    }
}
