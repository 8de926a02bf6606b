//! `prodsignal verify --watch`: stays with a fix after its release, and tells the feed.

use std::{process::ExitCode, time::Instant};

use super::{
    parts,
    verify::{Args, change, exit_code, hour},
};
use crate::{
    config::Settings,
    feed::{Choice, Looker},
    model::Untrusted,
    release,
    store::{IssueRef, ReleaseQuery, Scope, WatchedFix},
    tools::{self, Ctx},
};

/// Where it stays without an end of its own.
const FOR_EVER_S: u64 = 30 * 86_400;

pub fn run(settings: &Settings, args: &Args) -> anyhow::Result<ExitCode> {
    let (ctx, feed) = parts::with_feed(settings)?;
    parts::serve_on(async {
        let span = args.watch.flatten().unwrap_or(std::time::Duration::from_secs(FOR_EVER_S));
        let fix = fix(&ctx, args, span).await?;
        crate::store::FeedStore::watch_fix(feed.as_ref(), fix).await?;
        let mut looker = Looker::new(ctx.clone(), feed, Choice::default());
        let stay = stay(&ctx, args, &mut looker, Instant::now() + span);
        tokio::select! {
            last = stay => last,
            () = parts::asked_to_end() => Ok(ExitCode::from(3)),
        }
    })?
}

/// Asks whenever the store has changed; prints each change of the verdict; ends with the last one.
async fn stay(ctx: &Ctx, args: &Args, looker: &mut Looker, until: Instant) -> anyhow::Result<ExitCode> {
    let tool = tools::find("verify_fix_since_release").ok_or_else(|| anyhow::anyhow!("the tool is missing"))?;
    let mut said: Option<String> = None;
    loop {
        let seen = ctx.store.data_version().await.ok();
        let began = hour(ctx);
        let answer = (tool.call)(ctx.clone(), args.arguments()).await;
        if answer.is_error {
            eprintln!("{}", answer.text);
            return Ok(ExitCode::from(1));
        }
        let verdict = answer.data["verdict"].as_str().unwrap_or_default().to_owned();
        if said.as_ref() != Some(&verdict) {
            args.print(&answer);
            said = Some(verdict.clone());
        }
        looker.look().await?;
        if Instant::now() >= until {
            return Ok(exit_code(&answer.data));
        }
        change(ctx.store.as_ref(), seen, until, || hour(ctx) != began).await?;
    }
}

/// What is stayed with, by whole names.
async fn fix(ctx: &Ctx, args: &Args, span: std::time::Duration) -> anyhow::Result<WatchedFix> {
    let issue = ctx.store.bare_issue(&IssueRef::Named(args.issue.as_str().into()), &Scope::default()).await?;
    let scope = Scope { project: Some(issue.project.as_str().into()), ..Scope::default() };
    let mut known: Vec<_> = ctx
        .store
        .releases(&ReleaseQuery { scope, ..ReleaseQuery::default() })
        .await?
        .into_iter()
        .map(|facts| facts.release)
        .collect();
    known.reverse();
    let asked: Untrusted = args.release.as_str().into();
    // One that nobody has seen yet goes by the name that was typed.
    let release = release::resolve(&asked, &known).map_or(asked, |found| known[found.index].version.clone());
    let until = (ctx.now)().saturating_add(jiff::SignedDuration::try_from(span)?).unwrap_or(jiff::Timestamp::MAX);
    let environment = ctx.defaults.environment.clone().unwrap_or_default().into();
    Ok(WatchedFix { issue: issue.id.0, release, environment, until, verdict: None })
}
