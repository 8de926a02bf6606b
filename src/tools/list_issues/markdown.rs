//! The list of issues as Markdown, and shorter.

use super::{EchoView, IssueView, Out, SinceView, Total};
use crate::{
    guard::Clean,
    say,
    view::{Doc, Omission, View, count},
};

/// `19 new, 1 regressed`.
fn totals<'t>(totals: impl Iterator<Item = &'t Total>) -> Clean {
    let mut parts = Clean::default();
    for total in totals {
        parts = say!(parts.clone(), if parts.is_empty() { "" } else { ", " }, total.issues, " ", total.change);
    }
    if parts.is_empty() { Clean::ours("nothing broke") } else { parts }
}

impl View for Out {
    fn markdown(&self, doc: &mut Doc) {
        match &self.since {
            Some(since) => since.markdown(doc),
            None => doc.heading("Issues"),
        }
        if !self.totals.is_empty() {
            let listed = |total: &&Total| self.noise.is_none() || !matches!(total.change.0, "ongoing" | "resolved");
            let noise = self.noise.as_ref().map(|noise| say!("; not listed: ", noise.clone()));
            let page = (self.issues.len() as u64) < self.total;
            let shown = page.then(|| say!("; shown here: ", self.issues.len()));
            doc.line("In all: ", &[&totals(self.totals.iter().filter(listed)), &shown, &noise]);
        }
        if let Some(worse) = &self.performance {
            doc.line("Slower or failing more: ", &[worse]);
        }
        if !self.issues.is_empty() {
            doc.line("Counted: ", &[&self.counted]);
        }
        if self.issues.is_empty() {
            doc.line("None in ", &[&self.searched]);
            if let Some(elsewhere) = &self.elsewhere {
                doc.line("But: ", &[elsewhere]);
            }
        }
        let mut root: Option<&IssueView> = None;
        for issue in &self.issues {
            // Below its root an echo is part of that entry.
            let below = issue.echo_of.as_ref().filter(|echo| root.is_some_and(|root| root.short_id == echo.issue));
            match below {
                _ if issue.kind.is_some() => issue.as_performance(doc),
                Some(echo) => issue.as_echo(echo, doc),
                None => issue.markdown(doc),
            }
            root = if below.is_some() { root } else { Some(issue) };
        }
    }

    /// First the tail of the list goes, issue by issue; of the last that is left, what the title says already.
    fn steps(&self) -> usize {
        self.issues.len() + 1
    }

    fn reduce(&mut self, step: usize) -> Vec<Omission> {
        let all = self.issues.len();
        let keep = all.saturating_sub(step).max(1);
        let dropped = all.saturating_sub(keep);
        self.issues.truncate(keep);
        if step > all {
            self.issues.iter_mut().for_each(IssueView::thin);
        }
        let what = match dropped {
            0 => Clean::ours("details of the issue"),
            n => count(n as u64, "more issue", "more issues"),
        };
        vec![Omission { what, call: Clean::ours("cursor, or a larger max_tokens") }]
    }
}

impl SinceView {
    fn markdown(&self, doc: &mut Doc) {
        doc.heading("What broke");
        let later = self.releases.len() - 1;
        match later {
            0 => doc.line("Since ", &[&self.release, &", released ", &self.released_at]),
            n => doc.line(
                "Since ",
                &[
                    &self.release,
                    &", released ",
                    &self.released_at,
                    &", and ",
                    &count(n as u64, "later release", "later releases"),
                ],
            ),
        }
    }
}

impl IssueView {
    /// Requests that got worse.
    fn as_performance(&self, doc: &mut Doc) {
        doc.bullet(&say!("**performance** ", &self.title));
        doc.under("", &[&self.why]);
    }

    /// One line below the issue that it follows from.
    fn as_echo(&self, echo: &EchoView, doc: &mut Doc) {
        let users = self.users.map(|users| say!(", ", count(users, "user", "users")));
        let events = count(self.events, "event", "events");
        doc.under(
            "",
            &[
                &echo.said(true),
                &": **",
                &self.short_id,
                &"** ",
                &self.change,
                &users,
                &", ",
                &events,
                &": ",
                &self.title,
            ],
        );
    }

    fn thin(&mut self) {
        (self.ty, self.value, self.culprit, self.top_frame) = (None, None, None, None);
        self.title = self.title.shortened(80);
        self.why = self.why.shortened(80);
    }

    fn markdown(&self, doc: &mut Doc) {
        let caught = if self.unhandled { ", unhandled" } else { "" };
        doc.bullet(&say!(
            "**",
            self.short_id,
            "** ",
            self.change,
            ", ",
            self.level,
            caught,
            ": ",
            self.users.map_or_else(|| Clean::ours("users not known"), |users| count(users, "user", "users")),
            ", ",
            count(self.events, "event", "events"),
            ": ",
            self.title
        ));
        if self.status.0 != "unresolved" {
            doc.under("status ", &[&self.status]);
        }
        if let Some(claim) = &self.claimed {
            doc.under("claimed by ", &[&claim.by, &" until ", &claim.until]);
        }
        if let Some(echo) = &self.echo_of {
            doc.under("", &[&echo.said(false)]);
        }
        let mut place = Clean::default();
        if let Some(frame) = &self.top_frame {
            let file = frame.file.clone().map(|file| say!(" in ", file));
            place = say!(frame.function.clone().unwrap_or_else(|| Clean::ours("?")), file);
            if let Some(line) = frame.line.filter(|_| frame.file.is_some()) {
                place = say!(place, ":", line);
            }
        }
        // The function of the frame that is shown is not said twice; a message or log line has no place.
        let function = self.top_frame.as_ref().and_then(|frame| frame.function.as_ref()).map(Clean::as_str);
        let culprit = self.culprit.as_ref().filter(|culprit| match function {
            Some(function) => !culprit.as_str().starts_with(function),
            None => self.ty.is_some() || !place.is_empty(),
        });
        match culprit {
            Some(culprit) if place.is_empty() => doc.under("at ", &[culprit]),
            Some(culprit) => doc.under("at ", &[&place, &", ", culprit]),
            None if !place.is_empty() => doc.under("at ", &[&place]),
            None => {}
        }
        doc.under("", &[&self.why, &"; last ", &self.last_seen, &if self.replays > 0 { "; with replay" } else { "" }]);
    }
}
