//! What `prodsignal doctor` says of a Sentry server.

use super::parts;
use crate::{
    backend::sentry::{Rights, ToolRight},
    config::Settings,
    guard::{Guard, Limit},
    model::Untrusted,
    store::StoreError,
};

/// Prints what the connection is worth; whether all is well.
pub fn run(settings: &Settings) -> anyhow::Result<bool> {
    let store = match parts::sentry_store(settings) {
        Ok(store) => store,
        Err(error) => {
            println!("store: sentry; {error:#}");
            return Ok(false);
        }
    };
    let rights = parts::block_on(store.rights())?;
    let mut guard = Guard::new();
    let mut shown = |text: &Untrusted| guard.line(text, Limit::Tag).as_str().to_owned();
    println!("store: sentry, {} ({}), organisation {}", rights.url, rights.kind, rights.org);
    if let Some(name) = &rights.name {
        println!("  name: {}", shown(name));
    }
    let access: Vec<String> = rights.access.iter().map(&mut shown).collect();
    let told = if access.is_empty() { "rights not told".to_owned() } else { format!("rights {}", access.join(" ")) };
    println!("  token: {}, {told}", rights.token);
    let healthy = projects(&rights) & clock(&rights) & tools(&rights.tools);
    if !healthy && rights.token == "organisation token" {
        println!(
            "  an organisation token carries org:ci alone: releases work, issues, events, replays and sessions don't"
        );
    }
    if rights
        .tools
        .iter()
        .any(|tool| matches!(tool.fault, Some(StoreError::Forbidden(_) | StoreError::Unauthorized(_))))
    {
        println!("  to do: make a token with the scopes org:read project:read event:read (and event:write for");
        println!("  --allow-writes, member:read for names of assignees) and set PRODSIGNAL_SENTRY_TOKEN");
    }
    Ok(healthy)
}

fn projects(rights: &Rights) -> bool {
    match &rights.projects {
        Ok(slugs) if slugs.is_empty() => {
            println!("  projects: none that this token may see; add its owner to a team");
            false
        }
        Ok(slugs) => {
            let shown: Vec<&str> = slugs.iter().take(20).map(String::as_str).collect();
            let more = slugs.len().saturating_sub(shown.len());
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            println!("  projects: {}{rest}", shown.join(", "));
            true
        }
        Err(error) => {
            println!("  projects: {error}");
            false
        }
    }
}

fn clock(rights: &Rights) -> bool {
    match rights.ahead_s {
        None => println!("  clock: the server doesn't tell its own"),
        Some(ahead) if ahead.abs() <= 5 => println!("  clock: in sync"),
        Some(ahead) => {
            let way = if ahead > 0 { "ahead of" } else { "behind" };
            println!("  clock: the server's is {} s {way} ours; set this machine's clock by NTP", ahead.abs());
        }
    }
    rights.ahead_s.is_none_or(|ahead| ahead.abs() <= 60)
}

fn tools(tools: &[ToolRight]) -> bool {
    for tool in tools {
        match &tool.fault {
            None => println!("  {}: works", tool.tools),
            Some(StoreError::Forbidden(_)) => println!("  {}: not allowed, needs {}", tool.tools, tool.needs),
            Some(StoreError::Unsupported(_) | StoreError::Upstream { .. }) => {
                println!("  {}: this server lacks it", tool.tools);
            }
            Some(error) => println!("  {}: {error}", tool.tools),
        }
    }
    // What a server lacks is no fault of the connection.
    tools.iter().all(|tool| matches!(&tool.fault, None | Some(StoreError::Unsupported(_))))
}
