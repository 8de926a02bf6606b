//! `list_issues`: what is broken, and what broke since a release.

mod echo;
mod markdown;
mod performance;
mod quiet;

use schemars::JsonSchema;
use serde::Deserialize;

use echo::EchoView;

use super::{
    CommonInput, Ctx, Resolved, Tool, ToolError,
    claim::ClaimView,
    input::Text,
    nothing,
    resolve::{self, Since},
    sentence, terms,
};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{Change, Kind, Level, Status},
    say,
    store::{Claim, Echo, IssueFacts, IssueQuery, IssueSort, Page, ReleaseFacts},
    view,
    view::{Answer, Seconds, Word, count},
};

/// The tool.
pub struct ListIssues;

/// Its input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {
    /// 2.3.0, v2.3, latest, previous: what changed since
    since_release: Option<Text>,
    /// The last one
    until_release: Option<Text>,
    change: Option<Vec<ChangeName>>,
    status: Option<StatusName>,
    /// Sentry search, e.g. is:unresolved timeout
    query: Option<Text>,
    level: Option<LevelName>,
    /// impact by default
    sort: Option<SortName>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ChangeName {
    New,
    Regressed,
    Escalating,
    Ongoing,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum StatusName {
    Unresolved,
    Resolved,
    Ignored,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LevelName {
    Debug,
    Info,
    Warning,
    Error,
    Fatal,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SortName {
    Impact,
    LastSeen,
    FirstSeen,
    Events,
    Users,
}

view! {
    /// The answer.
    pub struct Out {
        /// The release that was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub since: Option<SinceView>,
        /// Issues of each kind of change in the scope, whatever was asked for.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub totals: Vec<Total>,
        /// Issues left out since they did not change.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub noise: Option<Clean>,
        /// What became slower or fails more often, the worst.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub performance: Option<Clean>,
        /// The issues; after them a few requests that got worse.
        pub issues: Vec<IssueView>,
        /// Issues that fit the call, on all pages.
        pub total: u64,
        /// Where and when everything is counted.
        pub counted: Clean,
        /// Where was looked, if nothing was found.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub searched: Option<Clean>,
        /// Where the same question finds something.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub elsewhere: Option<Clean>,
    }

    /// A release that was asked for, and what counts since.
    pub struct SinceView {
        /// As typed.
        pub asked: Clean,
        /// Its name.
        pub release: Clean,
        /// Its deploy, else its first event or session.
        pub released_at: Seconds,
        /// It and the later ones, oldest first.
        pub releases: Vec<Clean>,
    }

    /// How many issues changed in one way.
    pub struct Total {
        /// Kind of change.
        pub change: Word,
        /// Issues.
        pub issues: u64,
    }

    /// One issue.
    pub struct IssueView {
        /// Its number.
        pub id: Clean,
        /// For people.
        pub short_id: Clean,
        /// One line.
        pub title: Clean,
        /// Type of the exception.
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        pub ty: Option<Clean>,
        /// Text of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub value: Option<Clean>,
        /// Where.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub culprit: Option<Clean>,
        /// How bad.
        pub level: Word,
        /// What somebody decided.
        pub status: Word,
        /// What changed.
        pub change: Word,
        /// `performance`: no error, but requests that got worse; absent for issues.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub kind: Option<Word>,
        /// Nothing caught it.
        pub unhandled: bool,
        /// First event.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub first_seen: Option<Seconds>,
        /// Last event.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub last_seen: Option<Seconds>,
        /// First release with it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub first_release: Option<Clean>,
        /// Last release with it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub last_release: Option<Clean>,
        /// Events in scope.
        pub events: u64,
        /// Distinct users in scope, where they are counted.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub users: Option<u64>,
        /// Of the users who were active in scope, 0 to 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub share: Option<f64>,
        /// Where it crashes.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub top_frame: Option<TopFrameView>,
        /// Events with a replay.
        pub replays: u64,
        /// Who works on it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub claimed: Option<ClaimView>,
        /// The issue of another service that it mostly follows from, by the traces that both failed in.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub echo_of: Option<EchoView>,
        /// Page of the issue, where the store has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub url: Option<Clean>,
        /// The numbers behind `change`.
        pub why: Clean,
    }

    /// Where an issue crashes.
    pub struct TopFrameView {
        /// Function.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub function: Option<Clean>,
        /// File.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub file: Option<Clean>,
        /// Line.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub line: Option<u64>,
    }
}

impl Tool for ListIssues {
    const NAME: &'static str = "list_issues";
    const TITLE: &'static str = "List issues";
    const ABOUT: &'static str = "Production failures grouped into issues, worst first: users, events, what changed. With \
        since_release: what broke since (new, regressed, escalating).";
    const SHARED: &'static [CommonInput] = &[
        CommonInput::Project,
        CommonInput::Environment,
        CommonInput::Period,
        CommonInput::AsOf,
        CommonInput::Limit,
        CommonInput::Cursor,
        CommonInput::MaxTokens,
    ];
    type In = In;
    type Out = Out;

    async fn call(ctx: &Ctx, asked: Resolved, input: In) -> Result<Answer<Out>, ToolError> {
        let since = match &input.since_release {
            Some(release) => match resolve::since(ctx, &asked.scope, release, input.until_release.as_ref()).await {
                Err(error) if error.kind == Kind::NotFound => {
                    let announced = resolve::announced(ctx, &asked.scope, release).await?;
                    return announced.map(|facts| silent(ctx, &asked, release, &facts)).ok_or(error);
                }
                since => Some(since?),
            },
            None if input.until_release.is_some() => {
                return Err(ToolError::invalid(Clean::ours("until_release needs since_release")));
            }
            None => None,
        };
        let typed = input.query.as_ref().filter(|_| !ctx.store.reads_search());
        let (kind, rest) = typed.map_or((None, String::new()), |text| performance::kind_of(text.raw()));
        let rest =
            if kind.is_some() { (!rest.trim().is_empty()).then(|| Text::from(rest)) } else { input.query.clone() };
        let filter = terms::read(ctx, &asked, rest.as_ref()).await?;
        let query = query(&asked, &input, since.as_ref(), filter);
        let mut page = ctx.store.issues(&query).await?;
        let slowed = match kind {
            Some(true) => performance::find(ctx, &query).await?,
            None if query.since.is_some() && query.filter.is_empty() && asked.skip == 0 => {
                performance::find(ctx, &query).await?
            }
            _ => Vec::new(),
        };
        if kind == Some(true) {
            page = Page { items: Vec::new(), total: Some(0), more: false, by_change: Vec::new(), ..page };
        }
        let held = ctx.store.held(asked.as_of).await?;
        let elsewhere = match page.items.is_empty() && asked.skip == 0 && kind.is_none() {
            true => nothing::issues(ctx, &query).await?,
            false => None,
        };
        let echoes = echo::find(ctx, &query, &page).await?;
        let quiet = quiet::warnings(ctx, &query.scope, asked.as_of).await?;
        let mut guard = Guard::new();
        let worse = performance::line(&slowed, since.as_ref(), &mut guard);
        let alias = since.as_ref().and_then(|since| resolve::alias_warning(since, &mut guard));
        let mut answer = answer(ctx, asked, since, &query, page, (&held, &echoes));
        answer.body.performance = worse;
        let rows = slowed.iter().take(performance::shown(&slowed, kind == Some(true)));
        answer.body.issues.extend(rows.map(|slowed| performance::row(slowed, &mut guard)));
        answer.body.elsewhere = elsewhere;
        answer.common.warnings.extend(alias);
        answer.common.warnings.extend(quiet);
        Ok(answer)
    }
}

fn query(asked: &Resolved, input: &In, since: Option<&Since>, (filter, typed): terms::Searched) -> IssueQuery {
    IssueQuery {
        // Since a release, its own time is the period; else what happened lately.
        scope: if since.is_some() { asked.scope.clone() } else { asked.scope_of_days(14) },
        since: since.map(Since::names),
        change: input.change.iter().flatten().map(|c| (*c).into()).collect(),
        status: input.status.map(Status::from).into_iter().collect(),
        level: input.level.map(Level::from),
        filter,
        typed,
        sort: input.sort.map(IssueSort::from).unwrap_or_default(),
        limit: asked.limit_or(25),
        skip: asked.skip,
    }
}

fn answer(
    ctx: &Ctx,
    asked: Resolved,
    since: Option<Since>,
    query: &IssueQuery,
    mut page: Page<IssueFacts>,
    (held, echoes): (&[Claim], &[Echo]),
) -> Answer<Out> {
    let mut guard = Guard::new();
    let since = since.map(|s| SinceView {
        asked: guard.line(&s.asked, Limit::Tag),
        release: guard.line(&s.first().release.version, Limit::Tag),
        released_at: released_at(&s.first().release).into(),
        releases: s.names().iter().map(|n| guard.line(n, Limit::Tag)).collect(),
    });
    if query.sort == IssueSort::Impact {
        echo::roots_first(&mut page.items, echoes);
    }
    let more = page.more;
    let listed = page.by_change.iter().map(|(_, n)| n).sum::<u64>() != page.total.unwrap_or(0);
    let quiet = since.is_some() && query.change.is_empty() && listed;
    let body = Out {
        performance: None,
        noise: quiet.then(|| noise(&page.by_change)).flatten(),
        since,
        totals: page.by_change.iter().map(|(c, n)| Total { change: Word(c.as_str()), issues: *n }).collect(),
        issues: page.items.iter().map(|facts| issue_view(ctx, facts, (held, echoes), &mut guard)).collect(),
        total: page.total.unwrap_or(page.items.len() as u64),
        counted: nothing::counted(&query.scope, query.since.as_deref(), &mut guard),
        searched: page.items.is_empty().then(|| nothing::searched(&query.scope, &mut guard)),
        elsewhere: None,
    };
    let mut warnings: Vec<Clean> = page.warnings.into_iter().map(Clean::ours).collect();
    warnings.extend(guard.warnings());
    let common = asked.common(ctx, warnings);
    let whole = body.issues.len();
    Answer {
        body,
        common,
        cursor_after: Some(Box::new(move |shown: &Out| {
            let n = shown.issues.iter().filter(|issue| issue.kind.is_none()).count();
            (more || n < whole).then(|| asked.cursor_after(n))
        })),
    }
}

/// The answer for a release that was announced and not seen yet.
fn silent(ctx: &Ctx, asked: &Resolved, typed: &Text, facts: &ReleaseFacts) -> Answer<Out> {
    let mut guard = Guard::new();
    let release = guard.line(&facts.release.version, Limit::Tag);
    let since = SinceView {
        asked: guard.line(&typed.untrusted(), Limit::Tag),
        release: release.clone(),
        released_at: released_at(&facts.release).into(),
        releases: vec![release.clone()],
    };
    let body = Out {
        since: Some(since),
        totals: Vec::new(),
        noise: None,
        performance: None,
        issues: Vec::new(),
        total: 0,
        counted: nothing::counted(&asked.scope, None, &mut guard),
        searched: Some(nothing::searched(&asked.scope, &mut guard)),
        elsewhere: None,
    };
    let warning = say!(release, " was announced; no signal of it has come yet, so nothing can be said of it");
    Answer { body, common: asked.common(ctx, vec![warning]), cursor_after: None }
}

/// What did not break since the release, in one line.
fn noise(by_change: &[(Change, u64)]) -> Option<Clean> {
    let quiet = by_change.iter().filter(|(change, _)| matches!(change, Change::Ongoing | Change::Resolved));
    let n: u64 = quiet.map(|(_, n)| n).sum();
    let issues = count(n, "unchanged older issue", "unchanged older issues");
    (n > 0).then(|| say!(issues, " (show with change: [\"ongoing\"])"))
}

/// When a release began: its first deploy, else its first event or session.
fn released_at(release: &crate::model::Release) -> crate::model::Timestamp {
    release.deploys.first().map_or(release.first_seen, |d| d.at)
}

fn issue_view(ctx: &Ctx, facts: &IssueFacts, (held, echoes): (&[Claim], &[Echo]), guard: &mut Guard) -> IssueView {
    let issue = &facts.issue;
    let users = view::known_users(facts.users, facts.events, issue.unattended).filter(|_| facts.users_known);
    IssueView {
        id: say!(issue.id.0),
        short_id: guard.line(&issue.short_id.as_str().into(), Limit::Tag),
        title: guard.line(&issue.title, Limit::Title),
        ty: guard.opt(issue.ty.as_ref(), Limit::Tag),
        value: guard.opt(issue.value.as_ref(), Limit::Title),
        culprit: guard.opt(issue.culprit.as_ref(), Limit::Tag),
        level: Word(issue.level.as_str()),
        status: Word(sentence::status(facts)),
        change: Word(facts.change.as_str()),
        kind: None,
        unhandled: issue.unhandled,
        first_seen: facts.first_seen.map(Seconds),
        last_seen: facts.last_seen.map(Seconds),
        first_release: guard.opt(facts.first_release.as_ref(), Limit::Tag),
        last_release: guard.opt(facts.last_release.as_ref(), Limit::Tag),
        events: facts.events,
        users,
        share: users
            .filter(|_| facts.active_users > 0)
            .map(|users| view::rounded(users as f64 / facts.active_users as f64)),
        top_frame: issue.top_frame.as_ref().map(|f| TopFrameView {
            function: guard.opt(f.function.as_ref(), Limit::Tag),
            file: guard.opt(f.file.as_ref(), Limit::Tag),
            line: f.line,
        }),
        replays: facts.replays,
        claimed: held.iter().find(|claim| claim.issue == issue.id.0).map(|claim| ClaimView::of(claim, guard)),
        echo_of: echoes.iter().find(|echo| echo.issue == issue.id).map(|echo| EchoView::of(echo, guard)),
        url: ctx.store.issue_url(issue.id).map(|url| guard.line(&url.into(), Limit::Value)),
        why: why(facts, guard),
    }
}

/// The numbers behind the change, and how many of the active are hit.
fn why(facts: &IssueFacts, guard: &mut Guard) -> Clean {
    let reason = sentence::why(&facts.why, guard);
    if facts.users == 0 || facts.active_users == 0 {
        return reason;
    }
    let share = view::percent(facts.users as f64 / facts.active_users as f64);
    say!(reason, "; ", facts.users, " of ", count(facts.active_users, "active user", "active users"), " (", share, ")")
}

macro_rules! named {
    ($from:ident => $to:ident: $($name:ident),*) => {
        impl From<$from> for $to {
            fn from(name: $from) -> Self {
                match name { $($from::$name => Self::$name),* }
            }
        }
    };
}
named!(ChangeName => Change: New, Regressed, Escalating, Ongoing);
named!(StatusName => Status: Unresolved, Resolved, Ignored);
named!(LevelName => Level: Debug, Info, Warning, Error, Fatal);
named!(SortName => IssueSort: Impact, LastSeen, FirstSeen, Events, Users);
