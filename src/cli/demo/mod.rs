//! `prodsignal demo`: captured signal, a question, one step further, and how to go on.

mod shift;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    intake::{Content, ExportedFacts, Incoming, Intake, Tally},
    parts,
};
use crate::{backend::embedded::EmbeddedStore, config::Settings, tools, tools::Ctx};

/// Two weeks of a shop: what the Sentry SDKs of a Node API and a Python worker sent, an envelope a line; then its customers'
/// browsers, two with a replay, and what the API sent in their traces.
const CAPTURED: [&[u8]; 2] =
    [include_bytes!("../../../demo/shop.ndjson.zst"), include_bytes!("../../../demo/web.ndjson.zst")];
/// The release whose story is told.
const RELEASE: &str = "shop@2.3.0";
/// What broke in browsers with it, and the release that mended it.
const IN_BROWSERS: &str = "SHOP-WEB-1";
const FIXED_IN: &str = "shop@2.3.1";

#[derive(Deserialize)]
struct Line {
    project: String,
    envelope: String,
}

pub fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let path = folder(&settings)?;
    let store = parts::store_at(&path)?;
    let tally = parts::serve_on(fill(&settings, &store))??;
    println!("A shop's API, its worker and its customers' browsers, two weeks, moved so that the newest event is now:");
    println!(
        "{} envelopes from three Sentry SDKs, {} items stored in {}\n",
        tally.envelopes,
        tally.stored,
        path.display()
    );

    let ctx = parts::ctx(&Settings { project: None, environment: None, scope_locked: false, ..settings }, &store)?;
    let broke = ask(&ctx, "list_issues", json!({ "since_release": RELEASE, "max_tokens": 1500 }))?;
    if let Some(worst) = broke["issues"][0]["short_id"].as_str() {
        ask(&ctx, "get_event", json!({ "issue": worst, "max_tokens": 1200 }))?;
    }
    ask(&ctx, "get_replay_summary", json!({ "issue": IN_BROWSERS, "max_tokens": 700 }))?;
    ask(&ctx, "verify_fix_since_release", json!({ "issue": IN_BROWSERS, "release": FIXED_IN, "max_tokens": 700 }))?;
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("prodsignal"));
    println!("Register this store with an agent, then ask it \"what broke since {RELEASE}?\":\n");
    println!("  claude mcp add prodsignal -- {} --store {} stdio", program.display(), path.display());
    Ok(ExitCode::SUCCESS)
}

/// A fresh folder beside the real store: what an earlier demonstration left is taken away, nothing else is.
fn folder(settings: &Settings) -> anyhow::Result<PathBuf> {
    let mut name = settings.store.file_name().unwrap_or_default().to_owned();
    name.push("-demo");
    let path = settings.store.with_file_name(name);
    if path.exists() {
        EmbeddedStore::remove(&path).with_context(|| format!("clearing {}", path.display()))?;
    }
    Ok(path)
}

async fn fill(settings: &Settings, store: &std::sync::Arc<EmbeddedStore>) -> anyhow::Result<Tally> {
    let mut lines: Vec<Line> = Vec::new();
    for captured in CAPTURED {
        let text = String::from_utf8(zstd::decode_all(captured)?)?;
        lines.extend(text.lines().map(serde_json::from_str).collect::<Result<Vec<Line>, _>>()?);
    }
    let envelopes: Vec<_> = lines.iter().map(|line| line.envelope.as_str()).collect();
    let moved = shift::to_now(&envelopes, parts::now());
    let mut tally = Tally::default();
    for project in ["shop-api", "shop-worker", "shop-web"] {
        let intake = Intake::new(settings, store, Some(project.to_owned()));
        let own = lines.iter().zip(&moved).filter(|(line, _)| line.project == project);
        let own = own.map(|(_, envelope)| Incoming {
            origin: "demo".to_owned(),
            content: Ok(Content::Envelope { body: envelope.clone().into_bytes(), of: ExportedFacts::default() }),
            exported: false,
        });
        tally.add(intake.all(own, |_| ()).await?);
    }
    Ok(tally)
}

/// Asks a tool and shows question and answer as an agent would see them.
fn ask(ctx: &Ctx, tool: &str, arguments: Value) -> anyhow::Result<Value> {
    println!("> {tool} {arguments}\n");
    let tool = tools::find(tool).context("a tool of that name")?;
    let answer = parts::block_on((tool.call)(ctx.clone(), arguments))?;
    println!("{}\n", answer.text);
    Ok(answer.data)
}
