//! The hand-off for an agent that shall mend an issue: everything it needs, in one piece.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    CommonInput, Ctx, Resolved, Tool, ToolError,
    code::{self, SuspectView},
    diagnose_issue::{self, Actionable, DiagnoseIssue, FrameView},
    input::Text,
    remedies::RemedyView,
};
use crate::{
    guard::Clean,
    say, view,
    view::{Answer, Doc, Omission, View, Word, count, users},
};

/// The hand-off.
pub struct Brief;

/// Its input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {
    /// Id or URL
    issue: Text,
}

view! {
    /// The hand-off.
    pub struct Out {
        /// The issue, for people.
        pub issue: Clean,
        /// One line.
        pub title: Clean,
        /// Whether an agent could mend it.
        pub actionable: Actionable,
        /// What broke: the errors, outermost first.
        pub what: Vec<Clean>,
        /// For whom.
        pub who: Vec<Clean>,
        /// Since when.
        pub since: Vec<Clean>,
        /// What is at fault.
        pub verdict: Word,
        /// Why.
        pub reasons: Vec<Clean>,
        /// Where the cause is.
        pub cause: Vec<FrameView>,
        /// Frames that merely ran nearby.
        pub bystanders: Vec<Clean>,
        /// What the error itself says to do.
        pub remedies: Vec<RemedyView>,
        /// How to see it again.
        pub reproduction: Vec<Clean>,
        /// The command that verifies the fix.
        pub verify: Clean,
    }
}

impl Tool for Brief {
    const NAME: &'static str = "brief";
    const TITLE: &'static str = "Hand-off of an issue";
    const ABOUT: &'static str = "What an agent needs to mend an issue.";
    const TOKENS: usize = 1_500;
    const SHARED: &'static [CommonInput] =
        &[CommonInput::Project, CommonInput::Environment, CommonInput::Period, CommonInput::MaxTokens];
    type In = In;
    type Out = Out;

    async fn call(ctx: &Ctx, asked: Resolved, input: In) -> Result<Answer<Out>, ToolError> {
        let asked_of = diagnose_issue::In { issue: input.issue, release: None };
        let Answer { body, common, .. } = DiagnoseIssue::call(ctx, asked, asked_of).await?;
        Ok(Answer { body: of(body), common, cursor_after: None })
    }
}

fn of(found: diagnose_issue::Out) -> Out {
    let since = since(&found);
    let (cause, others): (Vec<FrameView>, Vec<FrameView>) =
        found.r#where.frames.into_iter().partition(|frame| matches!(frame.role.0, "cause" | "around"));
    let error = |error: diagnose_issue::ErrorView| say!(error.ty, ": ", error.value);
    let reproduction = found
        .replays
        .iter()
        .map(|id| say!("prodsignal replay ", id, " --playwright reproduce.spec.ts (fails while the error comes back)"));
    Out {
        verify: say!("prodsignal verify ", found.issue, " RELEASE_WITH_THE_FIX --wait 2h"),
        issue: found.issue,
        title: found.what.title,
        actionable: found.actionable,
        what: found.what.exceptions.into_iter().map(error).collect(),
        who: who(&found.who),
        since,
        verdict: found.verdict,
        reasons: found.reasons,
        cause,
        bystanders: others.into_iter().filter(|frame| frame.bystander).map(|frame| place(&frame)).collect(),
        remedies: found.remedies,
        reproduction: reproduction.take(2).collect(),
    }
}

fn who(who: &diagnose_issue::Who) -> Vec<Clean> {
    let mut lines = vec![say!(users(who.users), ", ", count(who.events, "event", "events"))];
    lines.extend(who.attribution.iter().take(3).cloned());
    lines
}

fn since(found: &diagnose_issue::Out) -> Vec<Clean> {
    let since = &found.since;
    let mut lines = vec![say!(since.change, ": ", since.why)];
    if let Some(good) = &since.last_good_release {
        lines.push(say!("last release without it: ", good));
    }
    let suspect = |suspect: &SuspectView| say!("suspect commit ", suspect.commit, " ", suspect.subject);
    lines.extend(found.suspects.iter().take(3).map(suspect));
    if let Some(fix) = &found.candidate_fix {
        lines.push(say!("already changed in ", fix.commit, " ", fix.subject, ", not released yet"));
    }
    let commit = |commit: &diagnose_issue::CommitView| {
        say!(
            "commit ",
            commit.id.shortened(12),
            " ",
            commit.message,
            commit.touches.first().map(|f| say!(", touches ", f))
        )
    };
    lines.extend(since.commits.iter().take(3).map(commit));
    let library = |library: &diagnose_issue::LibraryView| {
        say!("library ", library.name, ": ", library.before, " before, ", library.after, " with it")
    };
    lines.extend(since.libraries.iter().take(2).map(library));
    lines
}

fn place(frame: &FrameView) -> Clean {
    let line = frame.line.map(|line| say!(":", line));
    let file = frame.repo_path.as_ref().or(frame.file.as_ref()).map(|file| say!(", ", file));
    let drift = code::drift(frame.line, frame.line_now, frame.changed_since.as_deref());
    say!(frame.function.clone().unwrap_or_else(|| Clean::ours("?")), file, line, drift)
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        doc.heading("Hand-off");
        doc.line("Issue: ", &[&self.issue, &", worth an agent: ", &self.actionable.level]);
        doc.open();
        doc.line("Title: ", &[&self.title]);
        for (label, lines) in [("What: ", &self.what), ("Who: ", &self.who), ("Since: ", &self.since)] {
            lines.iter().for_each(|line| doc.line(label, &[line]));
        }
        doc.line("Fault: ", &[&self.verdict]);
        self.reasons.iter().for_each(|reason| doc.bullet(reason));
        for frame in &self.cause {
            doc.line("Cause: ", &[&place(frame), &frame.source.as_ref().map(|source| say!(" | ", source))]);
        }
        for frame in &self.bystanders {
            doc.line("Bystander, not the cause: ", &[frame]);
        }
        for remedy in &self.remedies {
            doc.line("The error itself: ", &[&remedy.action, &" (\"", &remedy.evidence, &"\")"]);
        }
        doc.close();
        self.reproduction.iter().for_each(|line| doc.line("Reproduce: ", &[line]));
        doc.line("Verify after the release: ", &[&self.verify]);
    }

    fn steps(&self) -> usize {
        6
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        let keep = 6_usize.saturating_sub(step);
        let chars = [1_000, 500, 300, 160, 100, 60][step.clamp(1, 6) - 1];
        self.bystanders.truncate(keep / 2);
        self.remedies.truncate(keep.max(1));
        self.reasons.truncate(keep.max(1));
        self.cause.truncate(keep.max(1));
        for lines in [&mut self.what, &mut self.who, &mut self.since] {
            lines.truncate(keep.max(1));
            lines.iter_mut().for_each(|line| *line = line.shortened(chars));
        }
        self.reasons.iter_mut().for_each(|line| *line = line.shortened(chars));
        self.title = self.title.shortened(chars);
        self.remedies.iter_mut().for_each(|remedy| remedy.evidence = remedy.evidence.shortened(chars));
        self.cause.iter_mut().for_each(|frame| frame.vars = None);
        let call = say!("diagnose_issue {\"issue\":\"", self.issue, "\"}");
        vec![Omission { what: Clean::ours("details of the diagnosis"), call }]
    }
}
