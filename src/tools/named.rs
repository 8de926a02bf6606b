//! Names of issues, events, replays and releases in arguments: ids, short ids, web addresses. An address means the very
//! thing that it names, or is refused.

use super::{Ctx, ToolError, input::Text};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{EventId, Untrusted},
    say,
    store::{IssueRef, Named, Pick, Scope, WebAddress, WhichEvent},
};

/// What an argument named, once its address belongs to the store.
enum Meant {
    /// It is no address.
    Text,
    At(Named),
}

/// An issue: id, short id, or the address of it or of one of its events.
pub(super) fn issue(ctx: &Ctx, text: &Text) -> Result<IssueRef, ToolError> {
    if let Some((_, operation)) = text.raw().strip_prefix("performance:").and_then(|rest| rest.split_once(':')) {
        let operation = Guard::new().line(&Untrusted::from(operation), Limit::Title);
        return Err(ToolError::invalid(say!(
            "requests that got worse have no events: search_events {\"kind\":\"transaction\",\"query\":\"transaction:\\\"",
            operation,
            "\\\"\",\"group_by\":[\"release\"],\"aggregate\":[\"count()\",\"p50\",\"p95\",\"max(queries)\"]} tells them by release"
        )));
    }
    match meant(ctx, "issue", text)? {
        Meant::Text => Ok(match bare(text.raw()).parse() {
            // An event's id means the issue that it is of.
            Ok(event) => IssueRef::OfEvent(event),
            Err(_) => IssueRef::Named(bare(text.raw()).into()),
        }),
        Meant::At(Named::Issue(issue) | Named::EventOf { issue, .. }) => Ok(IssueRef::Named(issue.into())),
        Meant::At(Named::Event(event)) => Ok(IssueRef::OfEvent(event)),
        Meant::At(other) => Err(another("issue", "an issue", &other)),
    }
}

/// The event that an address names, where the issue is named by the address of one of its events.
pub(super) fn event_in_issue(ctx: &Ctx, text: &Text) -> Result<Option<Pick>, ToolError> {
    match meant(ctx, "issue", text)? {
        Meant::At(named @ (Named::EventOf { .. } | Named::Event(_))) => picked(named).map(Some),
        _ => Ok(None),
    }
}

/// An event: its id, or an address that names one.
pub(super) fn event(ctx: &Ctx, text: &Text) -> Result<Pick, ToolError> {
    match meant(ctx, "event", text)? {
        Meant::Text => id("event", text).map(Pick::Id),
        Meant::At(named) => picked(named),
    }
}

/// A replay: its id, or an address that names one.
pub(super) fn replay(ctx: &Ctx, text: &Text) -> Result<EventId, ToolError> {
    match meant(ctx, "replay", text)? {
        Meant::Text => id("replay", text),
        Meant::At(Named::Replay(replay)) => Ok(replay),
        Meant::At(other) => Err(another("replay", "a replay", &other)),
    }
}

/// A release: as typed, or the one that an address names.
pub(super) fn release(ctx: &Ctx, text: &Text) -> Result<Untrusted, ToolError> {
    match meant(ctx, "release", text)? {
        Meant::Text => Ok(text.untrusted()),
        Meant::At(Named::Release(version)) => Ok(version.into()),
        Meant::At(other) => Err(another("release", "a release", &other)),
    }
}

/// Refuses an event that is not of the issue which was named beside it, or in the address of it.
pub(super) async fn agree(
    ctx: &Ctx,
    scope: &Scope,
    (issue, event): (Option<&Text>, Option<&Text>),
    found: &crate::model::Issue,
) -> Result<(), ToolError> {
    let mut named = Vec::new();
    for text in [issue, event].into_iter().flatten() {
        if let Meant::At(Named::EventOf { issue, .. }) = meant(ctx, "event", text)? {
            named.push(IssueRef::Named(issue.into()));
        }
    }
    if let (Some(issue), Some(_)) = (issue, event) {
        named.push(self::issue(ctx, issue)?);
    }
    for issue in named {
        if ctx.store.bare_issue(&issue, scope).await?.id != found.id {
            let short_id = Guard::new().line(&found.short_id.as_str().into(), Limit::Tag);
            let why = say!("issue and event disagree: the event is of ", short_id, "; leave one of them out");
            return Err(ToolError::invalid(why));
        }
    }
    Ok(())
}

/// A name without what a sentence, Markdown or a query put around it: `issue SHOP-4K.`, `**SHOP-4K**`, `event:ID`.
pub(super) fn bare(text: &str) -> &str {
    let inner = text.trim_matches(AROUND);
    // A link of Markdown: what it shows is the name.
    let inner = inner.split_once("](").map_or(inner, |(shown, _)| shown);
    let rest = ["issue", "event", "replay"].iter().find_map(|word| {
        let head = inner.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word))?;
        let rest = &inner[head.len()..];
        rest.starts_with([' ', ':', '#']).then(|| rest.trim_matches(AROUND))
    });
    match rest {
        Some(rest) if !rest.is_empty() => rest,
        _ => inner,
    }
}

/// What stands around names, and in none.
const AROUND: &[char] = &[' ', '`', '*', '<', '>', '(', ')', '[', ']', '#', '"', '\'', '.', ',', ';', ':', '!', '?'];

fn meant(ctx: &Ctx, field: &'static str, text: &Text) -> Result<Meant, ToolError> {
    if let Some(named) = resource(text.raw()) {
        return Ok(Meant::At(named));
    }
    // Names of releases may look like a host and a path.
    let bare_address = || (field != "release").then(|| WebAddress::read_without_scheme(text.raw())).flatten();
    let Some(address) = WebAddress::read(text.raw()).or_else(bare_address) else { return Ok(Meant::Text) };
    ctx.store.owns(&address)?;
    if ctx.defaults.host.as_ref().is_some_and(|own| !is_own(own, &address.host)) {
        let host = Guard::new().line(&address.host.as_str().into(), Limit::Tag);
        return Err(ToolError::invalid(say!(
            field,
            ": this address is of ",
            host,
            ", not of this store; give the short id or the id itself, or say with \
             --public-url where this store is"
        )));
    }
    address.names.map(Meant::At).ok_or_else(|| {
        let asked = Guard::new().line(&text.untrusted(), Limit::Value);
        ToolError::invalid(say!(field, " \"", asked, "\": this address names no issue, event, replay or release"))
    })
}

/// Whether a host is the one that this store's pages are at, or this machine.
fn is_own(own: &str, host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |h| h.0);
    let is_loopback = |name: &str| {
        let ip = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        name.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
    };
    own.eq_ignore_ascii_case(host) || is_loopback(name)
}

/// What one of this server's own resources is of: `signal://issue/SHOP-4K`.
fn resource(text: &str) -> Option<Named> {
    let (kind, id) = text.strip_prefix("signal://")?.split_once('/')?;
    let id = percent_encoding::percent_decode_str(id.trim_end_matches('/')).decode_utf8().ok()?.into_owned();
    Some(match kind {
        "issue" => Named::Issue(id),
        "event" => Named::Event(id.parse().ok()?),
        "replay" => Named::Replay(id.parse().ok()?),
        "release" => Named::Release(id),
        _ => return None,
    })
}

fn picked(named: Named) -> Result<Pick, ToolError> {
    let by_name = |issue: String| IssueRef::Named(issue.into());
    Ok(match named {
        Named::Event(event) | Named::EventOf { which: WhichEvent::Id(event), .. } => Pick::Id(event),
        Named::EventOf { issue, which: WhichEvent::Latest } => Pick::Latest(by_name(issue)),
        Named::EventOf { issue, which: WhichEvent::Oldest } => Pick::Oldest(by_name(issue)),
        Named::EventOf { issue, which: WhichEvent::Recommended } => Pick::Recommended(by_name(issue)),
        other => return Err(another("event", "an event", &other)),
    })
}

fn another(field: &'static str, wanted: &'static str, named: &Named) -> ToolError {
    ToolError::invalid(say!(field, ": this address names ", named.what(), ", not ", wanted))
}

/// The id that a text is, or that an address of an event or a replay holds.
pub fn id_in(text: &str) -> Option<EventId> {
    match WebAddress::read(text) {
        // `PROJECT:REPLAY` is an older form.
        None => bare(text).rsplit(':').next()?.parse().ok(),
        Some(address) => match address.names? {
            Named::Event(id) | Named::Replay(id) | Named::EventOf { which: WhichEvent::Id(id), .. } => Some(id),
            _ => None,
        },
    }
}

fn id(what: &'static str, text: &Text) -> Result<EventId, ToolError> {
    id_in(text.raw()).ok_or_else(|| {
        let asked = Guard::new().line(&text.untrusted(), Limit::Tag);
        ToolError::invalid(say!(what, " \"", asked, "\": its id has 32 hex digits"))
    })
}

/// Exactly one of an issue and an event has to be named.
pub(super) fn missing() -> ToolError {
    ToolError::invalid(Clean::ours("say which: issue (such as SHOP-4K) or event (32 hex digits)"))
}
