//! The answer's data.

use super::{
    actionable,
    code::Looked,
    facts::Gathered,
    place::{Where, places},
    plan, reasons, since,
};
use crate::{
    diagnosis::{self, Case, Diagnosis, Relation, Sibling, Verdict},
    guard::{Clean, Guard, Limit},
    model::Untrusted,
    say,
    store::{Comment, Scope},
    tools::{
        affected_users::{ConditionView, attribution},
        code::{self, FixView, SuspectView},
        nothing,
        remedies::{self, RemedyView},
        same_trace::SameTraceView,
        sentence,
    },
    view,
    view::{Doc, Millis, Omission, Seconds, View, Word, count, known_users, rounded},
};

view! {
    /// The answer.
    pub struct Out {
        /// The issue, for people.
        pub issue: Clean,
        /// What is at fault: `code`, `environment`, `data`, `dependency`, `resource`, `unclear`.
        pub verdict: Word,
        /// Why, strongest first.
        pub reasons: Vec<Clean>,
        /// Whether an agent could mend it.
        pub actionable: Actionable,
        /// What somebody decided about it.
        pub decided: DecidedView,
        /// What happens.
        pub what: What,
        /// Who is hit.
        pub who: Who,
        /// Since when.
        pub since: SinceView,
        /// Where.
        pub r#where: Where,
        /// Commits of the checkout between the last good and the first bad release that touched functions of telling frames.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub suspects: Vec<SuspectView>,
        /// A commit of the checkout that changed the failing function and is in no release yet.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub candidate_fix: Option<FixView>,
        /// What the error itself says to do; quotes from the event.
        pub remedies: Vec<RemedyView>,
        /// Replays that show it.
        pub replays: Vec<Clean>,
        /// Issues with events in the same traces, in any service.
        pub same_trace: Vec<SameTraceView>,
        /// What users wrote about it, the newest first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub feedback: Vec<Clean>,
        /// Issues that may have the same root cause.
        pub related: Vec<RelatedView>,
        /// What to ask next.
        pub next_calls: Vec<Clean>,
    }

    /// Whether an agent could mend it.
    pub struct Actionable {
        /// `high`, `medium`, `low`.
        pub level: Word,
        /// What speaks for it and against it.
        pub reasons: Vec<Clean>,
    }

    /// What somebody decided about an issue.
    pub struct DecidedView {
        /// `unresolved`, `resolved`, `ignored`.
        pub status: Word,
        /// Who has it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub assignee: Option<Clean>,
        /// The newest comments, newest first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub comments: Vec<CommentView>,
    }

    /// A comment.
    pub struct CommentView {
        /// When.
        pub at: Seconds,
        /// What it says.
        pub text: Clean,
    }

    /// What happens.
    pub struct What {
        /// One line that names it.
        pub title: Clean,
        /// From the one that was caught outermost to its root cause.
        pub exceptions: Vec<ErrorView>,
        /// Transaction, or function and file.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub culprit: Option<Clean>,
        /// How bad.
        pub level: Word,
        /// Nothing caught it.
        pub unhandled: bool,
        /// The event that tells most.
        pub event: Clean,
        /// When that event happened.
        pub timestamp: Millis,
        /// Its release.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub release: Option<Clean>,
    }

    /// One exception of the chain.
    pub struct ErrorView {
        /// Class.
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        pub ty: Option<Clean>,
        /// Text.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub value: Option<Clean>,
    }

    /// Who is hit.
    pub struct Who {
        /// Where and when everything is counted.
        pub counted: Clean,
        /// Distinct users in the period; left out where no event names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub users: Option<u64>,
        /// Events in the period.
        pub events: u64,
        /// By release, oldest first.
        pub per_release: Vec<ReleaseUsersView>,
        /// Conditions that mark the affected, in sentences, strongest first.
        pub attribution: Vec<Clean>,
        /// Where none does: what would have been seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub attribution_note: Option<Clean>,
    }

    /// Users of one release.
    pub struct ReleaseUsersView {
        /// Release.
        pub release: Clean,
        /// Affected users.
        pub users: u64,
        /// Users with a session or event of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub active_users: Option<u64>,
    }

    /// Since when.
    pub struct SinceView {
        /// The first release with it (again).
        #[serde(skip_serializing_if = "Option::is_none")]
        pub first_release: Option<Clean>,
        /// The release before that.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub last_good_release: Option<Clean>,
        /// When the first bad release began.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub released_at: Option<Seconds>,
        /// `new`, `regressed`, `escalating`, `ongoing`, `resolved`.
        pub change: Word,
        /// The numbers behind `change`.
        pub why: Clean,
        /// First event.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub first_seen: Option<Seconds>,
        /// Last event.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub last_seen: Option<Seconds>,
        /// When its rate rose, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub onset: Option<OnsetView>,
        /// Commits after the last good release up to the first bad one, those that touch files of the cause first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub commits: Vec<CommitView>,
        /// Libraries of which all of its events carry another version than enough events without it; those of its frames
        /// first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub libraries: Vec<LibraryView>,
        /// All that changed so, where there are more.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub libraries_changed: Option<u64>,
    }

    /// A library that changed.
    pub struct LibraryView {
        /// Its name.
        pub name: Clean,
        /// The version without the issue.
        pub before: Clean,
        /// The version with it.
        pub after: Clean,
        /// The release is the same on both sides.
        pub same_release: bool,
    }

    /// A commit.
    pub struct CommitView {
        /// Its hash.
        pub id: Clean,
        /// The first line of what it says.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub message: Option<Clean>,
        /// Files of it in which frames of the issue stand.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub touches: Vec<Clean>,
    }

    /// When the rate rose.
    pub struct OnsetView {
        /// The likeliest hour.
        pub at: Seconds,
        /// The earliest that is nearly as likely.
        pub low: Seconds,
        /// The latest.
        pub high: Seconds,
        /// The release that began then.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub release: Option<Clean>,
        /// In one sentence.
        pub statement: Clean,
    }

    /// An issue that may have the same root cause.
    pub struct RelatedView {
        /// The issue.
        pub issue: Clean,
        /// One line that names it.
        pub title: Clean,
        /// 0 to 1.
        pub similarity: f64,
        /// What speaks for it.
        pub why: Clean,
    }
}

/// What was asked for.
pub(super) struct Asked<'a> {
    pub(super) scope: &'a Scope,
    pub(super) release: Option<&'a Untrusted>,
    /// The scope as further calls have to say it.
    pub(super) words: &'a Clean,
}

/// What is at fault, and what was measured on the way there.
pub(super) struct Judged {
    pub(super) found: Diagnosis,
    conditions: Vec<ConditionView>,
    note: Option<Clean>,
    measured: Vec<diagnosis::Measure>,
}

/// Looks for what is at fault.
pub(super) fn judge(gathered: &Gathered, guard: &mut Guard) -> Judged {
    let facts = &gathered.facts;
    let (conditions, note) = attribution::found(&gathered.affected.conditions, guard);
    let measured = diagnosis::measure(&facts.samples);
    let case = Case {
        event: &facts.event,
        standings: &facts.standings,
        issues: facts.issues,
        same_fault: facts.same_fault,
        surroundings_changed: reasons::marks_surroundings(&conditions) && gathered.began_without_release(),
        users: gathered.affected.in_period,
        one_record: diagnosis::is_one_record(&facts.samples),
        libraries: &facts.libraries,
    };
    Judged { found: diagnosis::diagnose(&case), conditions, note, measured }
}

/// The whole answer, before it is fitted.
pub(super) fn of(gathered: &Gathered, judged: Judged, code: &Looked, asked: &Asked<'_>, guard: &mut Guard) -> Out {
    let facts = &gathered.facts;
    let Judged { found, conditions, note, measured } = judged;
    let related = related(gathered, guard);
    let remedies = remedies::of(&facts.event, guard);
    let cause = reasons::elsewhere(gathered, found.verdict);
    let mut sentences = reasons::sentences(&found, &measured, &conditions, facts, guard);
    if let Some(cause) = cause {
        sentences.insert(0, reasons::of_trace(cause, gathered, guard));
    }
    let mut next_calls = reasons::next_calls(gathered, &found, &related, asked.words);
    if let Some(cause) = cause {
        let issue = guard.line(&cause.issue, Limit::Tag);
        next_calls.insert(0, say!("diagnose_issue {\"issue\":\"", issue, "\"", asked.words, "}"));
    }
    Out {
        actionable: actionable::judge(gathered, &found, remedies.len(), cause, guard),
        issue: guard.line(&facts.issue.issue.short_id.as_str().into(), Limit::Tag),
        verdict: Word(cause.map_or(found.verdict, |_| Verdict::Dependency).as_str()),
        reasons: sentences,
        decided: decided(gathered, guard),
        what: what(gathered, guard),
        who: Who {
            counted: nothing::counted(asked.scope, asked.release.map(std::slice::from_ref), guard),
            users: known_users(gathered.affected.in_period, gathered.affected.events, facts.issue.issue.unattended),
            events: gathered.affected.events,
            per_release: gathered.affected.per_release.iter().map(|r| per_release(r, guard)).collect(),
            attribution: conditions.into_iter().map(|condition| condition.statement).collect(),
            attribution_note: note,
        },
        since: since::view(gathered, &found, guard),
        r#where: places(gathered, &found, code, guard),
        suspects: code::suspects(&code.answer, guard),
        candidate_fix: code::fix(&code.answer, guard),
        remedies,
        replays: facts.replays.iter().map(|id| say!(Id(*id))).collect(),
        same_trace: gathered.same_trace.issues.iter().map(|seen| seen.view(guard)).collect(),
        feedback: gathered.feedback.iter().map(|text| guard.line(text, Limit::Value)).collect(),
        next_calls,
        related,
    }
}

fn decided(gathered: &Gathered, guard: &mut Guard) -> DecidedView {
    let mut comment =
        |comment: &Comment| CommentView { at: Seconds(comment.at), text: guard.line(&comment.text, Limit::Breadcrumb) };
    let comments = gathered.decided.comments.iter().map(&mut comment).collect();
    DecidedView {
        status: Word(sentence::status(&gathered.facts.issue)),
        assignee: guard.opt(gathered.decided.assignee.as_ref(), Limit::Tag),
        comments,
    }
}

fn what(gathered: &Gathered, guard: &mut Guard) -> What {
    let (issue, event) = (&gathered.facts.issue.issue, &gathered.facts.event);
    let mut error = |exception: &crate::model::Exception| ErrorView {
        ty: guard.opt(exception.ty.as_ref(), Limit::Tag),
        value: guard.opt(exception.value.as_ref(), Limit::Value),
    };
    What {
        exceptions: event.exceptions.iter().map(&mut error).collect(),
        title: guard.line(&issue.title, Limit::Title),
        culprit: guard.opt(issue.culprit.as_ref(), Limit::Tag),
        level: Word(issue.level.as_str()),
        unhandled: issue.unhandled,
        event: say!(Id(event.id)),
        timestamp: event.timestamp.into(),
        release: guard.opt(event.release.as_ref(), Limit::Tag),
    }
}

fn per_release(release: &crate::store::ReleaseUsers, guard: &mut Guard) -> ReleaseUsersView {
    ReleaseUsersView {
        release: guard.line(&release.release, Limit::Tag),
        users: release.users,
        active_users: release.active_users,
    }
}

fn related(gathered: &Gathered, guard: &mut Guard) -> Vec<RelatedView> {
    let facts = &gathered.facts;
    let issues_with = facts.frames.iter().copied().collect();
    let Some(first_seen) = facts.issue.first_seen else { return Vec::new() };
    let frames = facts.frames.iter().map(|(frame, _)| *frame).collect();
    let own = Sibling { frames, first_seen, same_fault: false, same_type: false };
    let mut found: Vec<RelatedView> = Vec::new();
    for other in &facts.siblings {
        let sibling = Sibling {
            frames: other.frames.clone(),
            first_seen: other.first_seen,
            same_fault: other.same_fault,
            same_type: other.ty == facts.issue.issue.ty,
        };
        let Some(kinship) = diagnosis::related(&own, &sibling, &issues_with, facts.issues) else { continue };
        let by = match kinship.by {
            Relation::FaultClass => Clean::ours("the same limit or surroundings"),
            Relation::Frames { shared } => say!(count(shared, "telling frame", "telling frames"), " in common"),
        };
        found.push(RelatedView {
            issue: guard.line(&other.short_id.as_str().into(), Limit::Tag),
            title: guard.line(&other.title, Limit::Title),
            similarity: rounded(kinship.similarity),
            why: say!(by, ", began ", reasons::Span(kinship.apart_s), " apart"),
        });
    }
    found.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then_with(|| a.issue.cmp(&b.issue)));
    found.truncate(MOST_RELATED);
    found
}

/// Related issues shown.
const MOST_RELATED: usize = 5;

/// An id that the program parsed and prints itself.
pub(super) struct Id(pub(super) crate::model::EventId);

impl crate::guard::Say for Id {
    fn say(&self, out: &mut String) {
        out.push_str(&self.0.to_string());
    }
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        super::markdown::write(self, doc);
    }

    fn steps(&self) -> usize {
        plan::PLANS.len()
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        plan::PLANS[step - 1].apply(self)
    }
}
