//! `prodsignal verify ISSUE RELEASE`: the gate of a pipeline.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::parts;
use crate::{
    config::Settings,
    store::SignalStore,
    tools::{self, Ctx, Rendered},
};

/// How often the store is asked whether it has changed: one number, no query.
const LOOK: Duration = Duration::from_secs(1);
/// Changes come in swarms; after one, so long passes before the evidence is weighed again.
const SETTLE: Duration = Duration::from_secs(2);
/// Evidence grows by whole hours, also where nothing new arrives.
const HOUR_S: i64 = 3_600;

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// The issue: id, short id or URL
    pub issue: String,
    /// The first release that has the fix
    pub release: String,
    /// Wait so long for a verdict, such as 90m or 2h
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    wait: Option<Duration>,
    /// Stay so long [default: 30d], print each change of the verdict and tell the feed; with --allow-writes resolve the
    /// issue once the fix holds and open it again when it relapses
    #[arg(long, value_name = "SPAN", num_args = 0..=1, value_parser = parse_span, conflicts_with_all = ["wait", "as_of"])]
    pub watch: Option<Option<Duration>>,
    /// Share by which the rate must fall [default: 0.8]
    #[arg(long, value_name = "SHARE")]
    min_reduction: Option<f64>,
    /// Chance that no look ever gives a wrong verdict [default: 0.95]
    #[arg(long, value_name = "CHANCE")]
    confidence: Option<f64>,
    /// Answer as things stood then, in RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "wait")]
    as_of: Option<String>,
    /// Print the structured content
    #[arg(long = "json", id = "as_json", conflicts_with = "markdown")]
    as_json: bool,
    /// Print the evidence block alone
    #[arg(long)]
    markdown: bool,
}

impl Args {
    pub fn arguments(&self) -> Value {
        let mut arguments = json!({ "issue": self.issue, "release": self.release, "max_tokens": 60_000 });
        for (name, value) in [("min_reduction", self.min_reduction), ("confidence", self.confidence)] {
            if let Some(value) = value {
                arguments[name] = value.into();
            }
        }
        if let Some(as_of) = &self.as_of {
            arguments["as_of"] = as_of.as_str().into();
        }
        arguments
    }

    /// Shows an answer as it was asked for.
    pub fn print(&self, answer: &Rendered) {
        if self.as_json {
            println!("{}", answer.data);
        } else if self.markdown {
            println!("{}", answer.data["markdown"].as_str().unwrap_or_default());
        } else {
            println!("{}", answer.text);
        }
    }
}

pub fn run(settings: &Settings, args: &Args) -> anyhow::Result<ExitCode> {
    let ctx = parts::ctx(settings, &parts::store(settings)?)?;
    let answer = parts::block_on(verdict(&ctx, args))??;
    if answer.is_error {
        eprintln!("{}", answer.text);
        return Ok(ExitCode::from(if answer.data["error"]["kind"] == "invalid_input" { 2 } else { 1 }));
    }
    args.print(&answer);
    Ok(exit_code(&answer.data))
}

/// 0 fixed, 3 not known yet, 4 not.
pub fn exit_code(data: &Value) -> ExitCode {
    ExitCode::from(match data["verdict"].as_str() {
        Some("fixed") => 0,
        Some("insufficient_exposure" | "not_deployed") => 3,
        Some("reduced" | "not_fixed" | "regressed" | "moved") => 4,
        _ => 1,
    })
}

/// Asks, and as long as too little is known waits for the store to change or an hour to end, and asks again.
async fn verdict(ctx: &Ctx, args: &Args) -> anyhow::Result<Rendered> {
    let tool = tools::find("verify_fix_since_release").ok_or_else(|| anyhow::anyhow!("the tool is missing"))?;
    let until = Instant::now() + args.wait.unwrap_or_default();
    let mut said = None;
    loop {
        let seen = ctx.store.data_version().await.ok();
        let hour = hour(ctx);
        let answer = (tool.call)(ctx.clone(), args.arguments()).await;
        let verdict = answer.data["verdict"].as_str().map(str::to_owned);
        let open = matches!(verdict.as_deref(), Some("insufficient_exposure" | "not_deployed"));
        if !open || args.wait.is_none() || Instant::now() >= until {
            return Ok(answer);
        }
        if said != verdict {
            eprintln!("prodsignal: {}", answer.data["statement"].as_str().unwrap_or_default());
            said = verdict;
        }
        change(ctx.store.as_ref(), seen, until, || hour != self::hour(ctx)).await?;
    }
}

/// Waits for a change of the store, for the hour to end, or for the end of patience.
pub async fn change(
    store: &dyn SignalStore,
    seen: Option<u64>,
    until: Instant,
    hour_ended: impl Fn() -> bool,
) -> anyhow::Result<()> {
    while Instant::now() < until && !hour_ended() {
        let left = until.saturating_duration_since(Instant::now());
        tokio::time::sleep(LOOK.min(left)).await;
        if let Some(seen) = seen
            && store.data_version().await? != seen
        {
            tokio::time::sleep(SETTLE.min(until.saturating_duration_since(Instant::now()))).await;
            break;
        }
    }
    Ok(())
}

pub fn hour(ctx: &Ctx) -> i64 {
    (ctx.now)().as_second().div_euclid(HOUR_S)
}

pub fn parse_span(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let amount: u64 = digits.parse().map_err(|_| "a number and a unit, such as 90m or 2h".to_owned())?;
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("a number and one of s, m, h, d, such as 2h".to_owned()),
    };
    amount
        .checked_mul(seconds)
        .filter(|s| *s <= 30 * 86_400)
        .map(Duration::from_secs)
        .ok_or("30 days at most".to_owned())
}
