//! `prodsignal watch`: the feed on a terminal, to a command, to a webhook.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use jiff::civil::Time;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{near, parts, verify::parse_span};
use crate::{
    config::Settings,
    feed::{self, Choice, Exec, Filter, Form, Looker, Shaper, Stop, Target, Webhook, daily},
    store::{FINDING_KINDS, FeedStore, FindingKind},
    tools::Ctx,
};

/// Entries read at once.
const PAGE: usize = 200;

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// Print entries after this one first; 0: from the beginning
    #[arg(long, value_name = "ID")]
    since: Option<u64>,
    /// Print NDJSON, an entry a line
    #[arg(long = "json", id = "as_json")]
    as_json: bool,
    /// Look once, print what there is, and end
    #[arg(long)]
    once: bool,
    /// Run this command for each entry, which is its standard input
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,
    /// Longest that the command may run
    #[arg(long, value_name = "SPAN", default_value = "30m", value_parser = parse_span)]
    exec_limit: Duration,
    /// How often the command is tried for an entry
    #[arg(long, value_name = "N", default_value_t = 3)]
    exec_tries: u32,
    /// With --allow-writes and --exec: how long an issue is claimed for its command
    #[arg(long, value_name = "SPAN", default_value = "2h", value_parser = parse_span)]
    claim_for: Duration,
    /// Post each entry to this URL, signed with PRODSIGNAL_WEBHOOK_SECRET
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Shape of what is posted [default: by the host: Slack's, Discord's, else JSON]
    #[arg(long, value_enum, requires = "webhook")]
    webhook_form: Option<FormName>,
    /// Kinds that are told, with commas between: new, regressed, escalating, share, verified, relapsed, loss, quiet
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Issues with fewer users are not told of
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_users: u64,
    /// Issues that are not told of, by short id
    #[arg(long, value_name = "ISSUE", value_delimiter = ',')]
    mute: Vec<String>,
    /// Tell once a day, at this hour (UTC), of all that came since; with --once: now
    #[arg(long, value_name = "HH:MM", value_parser = parse_hour)]
    digest: Option<Time>,
    /// Tell of issues that hit this share of the active users, such as 0.05
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    share: Option<f64>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FormName {
    Json,
    Slack,
    Discord,
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "a number from 0 to 1, such as 0.05".to_owned())?;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err("a number from 0 to 1, such as 0.05".to_owned()) }
}

fn parse_hour(text: &str) -> Result<Time, String> {
    Time::strptime("%H:%M", text).map_err(|_| "an hour and minutes, UTC, such as 09:00".to_owned())
}

pub fn run(settings: &Settings, args: Args) -> anyhow::Result<ExitCode> {
    let kinds = match kinds(&args.kinds) {
        Ok(kinds) => kinds,
        Err(why) => {
            eprintln!("prodsignal: {why}");
            return Ok(ExitCode::from(2));
        }
    };
    let (ctx, feed) = parts::with_feed(settings)?;
    let feed: Arc<dyn FeedStore> = feed;
    let filter = Filter { kinds, mute: args.mute.clone(), min_users: args.min_users };
    let watcher = Watcher { ctx, feed, filter, claims: settings.allow_writes, args };
    parts::serve_on(watcher.run())??;
    Ok(ExitCode::SUCCESS)
}

fn kinds(asked: &[String]) -> Result<Vec<FindingKind>, String> {
    let known = || FINDING_KINDS.iter().map(|kind| kind.as_str());
    let of =
        |word: &String| FindingKind::of(word).ok_or_else(|| format!("no kind \"{word}\"{}", near::hint(word, known())));
    asked.iter().map(of).collect()
}

struct Watcher {
    ctx: Ctx,
    feed: Arc<dyn FeedStore>,
    filter: Filter,
    claims: bool,
    args: Args,
}

impl Watcher {
    async fn run(self) -> anyhow::Result<()> {
        let choice = Choice { share: self.args.share };
        let mut looker = Looker::new(self.ctx.clone(), self.feed.clone(), choice);
        // What was there before is old news, unless it is asked for.
        looker.look().await.context("looking for changes")?;
        let targets = self.targets()?;
        for target in &targets {
            self.feed.subscribe(&target.name(), self.args.since).await?;
        }
        let newest = self.feed.last_finding().await?;
        let end = CancellationToken::new();
        let asked = end.clone();
        tokio::spawn(async move {
            parts::asked_to_end().await;
            asked.cancel();
        });
        let (news, heard) = watch::channel(newest);
        let shaper = Shaper::new(self.ctx.clone(), self.feed.clone(), true);
        if !self.args.once {
            tokio::spawn(feed::follow(looker, news, end.clone()));
        }
        if let (true, Some(hour)) = (targets.is_empty(), self.args.digest) {
            return self.print_digests(shaper, self.args.since.unwrap_or(newest), hour, end).await;
        }
        if targets.is_empty() {
            return self.print(shaper, self.args.since.unwrap_or(newest), heard, end).await;
        }
        let each = targets.iter().map(|target| {
            let (feed, shaper) = (self.feed.clone(), shaper.clone());
            let stop = Stop { end: end.clone(), when_done: self.args.once };
            let heard = heard.clone();
            async move {
                match self.args.digest {
                    Some(hour) => feed::deliver_digests(target.as_ref(), hour, feed, shaper, self.ctx.now, stop).await,
                    None => feed::deliver(target.as_ref(), feed, shaper, self.ctx.now, heard, stop).await,
                }
            }
        });
        futures::future::try_join_all(each).await?;
        Ok(())
    }

    fn targets(&self) -> anyhow::Result<Vec<Box<dyn Target>>> {
        let mut targets: Vec<Box<dyn Target>> = Vec::new();
        if let Some(command) = &self.args.exec {
            targets.push(Box::new(Exec {
                command: command.clone(),
                limit: self.args.exec_limit,
                tries: self.args.exec_tries.max(1),
                filter: self.filter.clone(),
                claims: self.claims.then(|| self.feed.clone()),
                claim_for: self.args.claim_for,
                now: self.ctx.now,
            }));
        }
        if let Some(url) = &self.args.webhook {
            let secret = std::env::var("PRODSIGNAL_WEBHOOK_SECRET").ok().filter(|secret| !secret.is_empty());
            if secret.is_none() {
                eprintln!("prodsignal: PRODSIGNAL_WEBHOOK_SECRET is not set: what is posted is not signed");
            }
            let form = self.args.webhook_form.map(|form| match form {
                FormName::Json => Form::Json,
                FormName::Slack => Form::Slack,
                FormName::Discord => Form::Discord,
            });
            targets.push(Box::new(Webhook::new(url, secret, form, self.filter.clone())?));
        }
        Ok(targets)
    }

    async fn print(
        &self,
        shaper: Shaper,
        mut after: u64,
        mut news: watch::Receiver<u64>,
        end: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let page = self.feed.findings(after, PAGE).await?;
            for finding in &page {
                after = finding.id;
                if self.filter.takes(finding) {
                    self.line(&shaper.data(finding).await?);
                }
            }
            if !page.is_empty() {
                continue;
            }
            if self.args.once || end.is_cancelled() {
                return Ok(());
            }
            tokio::select! {
                () = end.cancelled() => {}
                _ = news.changed() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    async fn print_digests(
        &self,
        shaper: Shaper,
        mut after: u64,
        hour: Time,
        end: CancellationToken,
    ) -> anyhow::Result<()> {
        let now = self.ctx.now;
        let mut due = if self.args.once { now() } else { daily::next(hour, now()) };
        loop {
            if now() >= due {
                let mut all = Vec::new();
                loop {
                    let page = self.feed.findings(after, PAGE).await?;
                    let Some(last) = page.last() else { break };
                    after = last.id;
                    all.extend(page.into_iter().filter(|finding| self.filter.takes(finding)));
                }
                self.lines(&shaper.digest(&mut all).await?, all.len());
                due = daily::next(hour, now());
            }
            if self.args.once || end.is_cancelled() {
                return Ok(());
            }
            tokio::select! {
                () = end.cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    fn lines(&self, digest: &Value, all: usize) {
        if self.args.as_json {
            println!("{digest}");
            return;
        }
        let shown = digest["digest"].as_array().map_or(&[][..], Vec::as_slice);
        println!("{}", daily::heading(all));
        shown.iter().for_each(|data| self.line(data));
        if all > shown.len() {
            println!("… and {} more", all - shown.len());
        }
    }

    fn line(&self, data: &Value) {
        if self.args.as_json {
            println!("{data}");
            return;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let worth =
            data["actionable"]["level"].as_str().map_or(String::new(), |level| format!("  worth an agent: {level}"));
        let claimed = data["claimed"]["by"].as_str().map_or(String::new(), |by| format!("  claimed by {by}"));
        println!("{} {} {}{worth}{claimed}", data["id"], text(&data["at"]), text(&data["statement"]));
    }
}
