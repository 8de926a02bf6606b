//! The gate: the one place that decides who may do what. Every request passes it before any route sees it.

use std::net::IpAddr;

use axum::{
    Json,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    App,
    access::{Caller, Right, is_local_origin, without_port},
    ingestion::CameFrom,
    listen::Peer,
    passes::Pass,
    people,
};
use crate::store::Locked;

/// Behind which kind of door a path lies. A new route lies behind one of them without a word of its own; one that
/// nobody thought of is a caller's, and needs what a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Tells nothing.
    Open,
    /// Ingestion: the key of a project opens it, later, since it may be in the body.
    Sender,
    /// Ingestion without a key: programs and pages of this machine.
    Local,
    /// MCP, metrics.
    Caller(Right),
    /// The page for people: a browser's pass opens it too.
    Page,
    /// Where a browser gets its pass, and gives it back.
    Login,
    /// The compatible API, which says refusals in Sentry's form.
    Api(Right),
}

fn door(method: &Method, path: &str) -> Door {
    if path == "/healthz"
        || path.starts_with("/assets/")
        || method == Method::OPTIONS
        || path.starts_with("/.well-known/")
    {
        return Door::Open;
    }
    match path {
        "/stream" => return Door::Local,
        "/login" | "/logout" => return Door::Login,
        "/" | "/live" => return Door::Page,
        _ if path.starts_with("/issue/") || path.starts_with("/replay/") => return Door::Page,
        _ => {}
    }
    if path.starts_with("/v1/") {
        return Door::Sender;
    }
    match path.strip_prefix("/api/") {
        Some(rest) if rest == "0" || rest.starts_with("0/") => Door::Api(right_of(method, rest)),
        Some(_) => Door::Sender,
        None if path == "/api/0" => Door::Api(Right::Read),
        None => Door::Caller(Right::Read),
    }
}

/// What a call of the API asks for: to read, to tell of releases and hand in files, or to change issues.
fn right_of(method: &Method, path: &str) -> Right {
    let told = ["/releases/", "/chunk-upload/", "/assemble/", "/files/"];
    match *method {
        Method::GET | Method::HEAD => Right::Read,
        _ if told.iter().any(|part| path.contains(part)) => Right::Ingest,
        _ => Right::Write,
    }
}

/// Why a request is not let in.
struct Refusal {
    status: StatusCode,
    why: &'static str,
}

/// Lets a request pass, or says why not.
pub(super) async fn pass(State(app): State<App>, mut request: Request, next: Next) -> Response {
    forget_strangers_word(&app, &mut request);
    if let Some(from) = address_of(&app, &request) {
        request.extensions_mut().insert(CameFrom(from));
    }
    let door = door(request.method(), request.uri().path());
    match let_in(&app, door, request.method(), request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.allowed());
            request.extensions_mut().insert(caller.clone());
            audited(&app, door, &caller, request, next).await
        }
        Err(refusal) => {
            // A person who has to log in first is not turned away.
            if (door, refusal.status) != (Door::Page, StatusCode::UNAUTHORIZED) {
                app.told.refused("callers", refusal.why);
            }
            refused(door, &refusal)
        }
    }
}

/// What a request says of who forwarded it counts from a named proxy alone.
fn forget_strangers_word(app: &App, request: &mut Request) {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical());
    if peer.is_some_and(|peer| app.trusted_proxies.contains(&peer)) {
        return;
    }
    for name in
        ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "forwarded", "x-real-ip"]
    {
        request.headers_mut().remove(name);
    }
}

/// Where a request came from: the peer, or the last that a named proxy was asked by.
fn address_of(app: &App, request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<Peer>()?.0.ip().to_canonical();
    let forwarded = request.headers().get("x-forwarded-for").and_then(|said| said.to_str().ok()).unwrap_or("");
    let mut hops =
        forwarded.split(',').filter_map(|hop| hop.trim().parse::<IpAddr>().ok()).map(|hop| hop.to_canonical());
    let stranger = hops.rfind(|hop| !app.trusted_proxies.contains(hop));
    Some(stranger.unwrap_or(peer))
}

/// Hands a request on, and writes down whose it was where somebody keeps a log.
async fn audited(app: &App, door: Door, caller: &Caller, request: Request, next: Next) -> Response {
    let Some(audit) = app.audit.clone().filter(|_| !matches!(door, Door::Open | Door::Sender | Door::Local)) else {
        return next.run(request).await;
    };
    let from = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_string());
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let response = next.run(request).await;
    audit.asked(caller.who(), from.as_deref(), &method, &path, response.status().as_u16());
    response
}

fn let_in(app: &App, door: Door, method: &Method, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let refuse = |status, why| Err(Refusal { status, why });
    let (right, api) = match door {
        Door::Open | Door::Sender => return Ok(Caller::nobody()),
        Door::Local => {
            return match !app.access.has_tokens() && lets_send(app, headers) {
                true => Ok(Caller::nobody()),
                false => refuse(StatusCode::FORBIDDEN, "only programs of this machine may send without a DSN"),
            };
        }
        Door::Caller(right) => (right, false),
        Door::Api(right) => (right, true),
        Door::Page | Door::Login => return let_look(app, door, headers),
    };
    if !app.access.is_known_host(headers) {
        return refuse(StatusCode::FORBIDDEN, "this name of the host is not allowed: see --allowed-hosts");
    }
    if has_foreign_origin(headers) {
        return refuse(StatusCode::FORBIDDEN, "pages of other origins may not call");
    }
    if api && !matches!(*method, Method::GET | Method::HEAD) && is_of_another_page(headers) {
        return refuse(StatusCode::FORBIDDEN, "pages may not change anything here");
    }
    let Some(caller) = app.access.caller(headers) else {
        return refuse(StatusCode::UNAUTHORIZED, "a token is needed");
    };
    if right == Right::Write && !app.allow_writes {
        return refuse(StatusCode::FORBIDDEN, "nothing may be changed here: start with --allow-writes");
    }
    match caller.may(right) {
        true => Ok(caller),
        false => refuse(StatusCode::FORBIDDEN, "this token has not the scope for that"),
    }
}

/// The page is for people with a browser: it has their pass, and no other page may open it or send its forms.
fn let_look(app: &App, door: Door, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let refuse = |status, why| Err(Refusal { status, why });
    if !app.access.is_known_host(headers) {
        return refuse(StatusCode::FORBIDDEN, "this name of the host is not allowed: see --allowed-hosts");
    }
    if is_of_another_page(headers) {
        return refuse(StatusCode::FORBIDDEN, "pages of other origins may not call");
    }
    if door == Door::Login {
        return Ok(Caller::nobody());
    }
    let with_pass = || app.access.looker(&app.passes, &Pass::of(headers, (app.now)())?);
    match app.access.caller(headers).or_else(with_pass) {
        Some(caller) if caller.may(Right::Read) => Ok(caller),
        Some(_) => refuse(StatusCode::FORBIDDEN, "this token has not the scope for that"),
        None => refuse(StatusCode::UNAUTHORIZED, "a token is needed"),
    }
}

fn refused(door: Door, refusal: &Refusal) -> Response {
    let Refusal { status, why } = *refusal;
    match (door, status) {
        (Door::Api(_), StatusCode::UNAUTHORIZED) => {
            (status, Json(json!({ "detail": "Invalid token" }))).into_response()
        }
        (Door::Api(_), _) => (status, Json(json!({ "detail": why }))).into_response(),
        (Door::Page, StatusCode::UNAUTHORIZED) => people::login_form(),
        (_, StatusCode::UNAUTHORIZED) => {
            (status, [(header::WWW_AUTHENTICATE, "Bearer")], format!("{why}\n")).into_response()
        }
        _ => (status, format!("{why}\n")).into_response(),
    }
}

/// Whether somebody may send without the key of a project: a program or page of this machine, or a caller who may.
pub(super) fn lets_send(app: &App, headers: &HeaderMap) -> bool {
    if !app.access.has_tokens() {
        return app.access.is_known_host(headers) && !has_foreign_origin(headers);
    }
    app.access.caller(headers).is_some_and(|caller| caller.may(Right::Ingest))
}

fn has_foreign_origin(headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| !is_local_origin(origin))
}

/// Whether a page sent this that is not this server's own: programs have no origin.
fn is_of_another_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let own = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    own.is_none() || own != text(header::HOST) || own.is_some_and(|host| without_port(host).is_empty())
}

/// The server's parts as a caller may see them: its store held to the caller's projects.
pub(super) struct Scoped(pub App);

impl FromRequestParts<App> for Scoped {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let mut app = app.clone();
        // Without the gate's word nobody sees anything.
        let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_else(Caller::nobody);
        if !caller.lock().is_open() {
            app.host = std::sync::Arc::new(Locked::new(app.host, caller.lock().clone()));
        }
        Ok(Self(app))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_lies_behind_a_door_and_an_unknown_one_behind_a_callers() {
        let cases = [
            ("GET", "/healthz", Door::Open),
            ("GET", "/mcp", Door::Caller(Right::Read)),
            ("POST", "/messages", Door::Caller(Right::Read)),
            ("GET", "/", Door::Page),
            ("GET", "/issue/SHOP-1", Door::Page),
            ("GET", "/replay/00", Door::Page),
            ("POST", "/login", Door::Login),
            ("GET", "/assets/style.css", Door::Open),
            ("GET", "/issues", Door::Caller(Right::Read)),
            ("POST", "/anything", Door::Caller(Right::Read)),
            ("POST", "/stream", Door::Local),
            ("POST", "/v1/traces", Door::Sender),
            ("POST", "/api/7/envelope/", Door::Sender),
            ("POST", "/api/07/minidump/", Door::Sender),
            ("GET", "/api/0/", Door::Api(Right::Read)),
            ("GET", "/api/0/organizations/x/issues/", Door::Api(Right::Read)),
            ("PUT", "/api/0/organizations/x/issues/", Door::Api(Right::Write)),
            ("DELETE", "/api/0/anything/", Door::Api(Right::Write)),
            ("POST", "/api/0/organizations/x/chunk-upload/", Door::Api(Right::Ingest)),
            ("POST", "/api/0/organizations/x/releases/", Door::Api(Right::Ingest)),
            ("POST", "/api/0/projects/x/y/files/dsyms/", Door::Api(Right::Ingest)),
        ];
        for (method, path, want) in cases {
            assert_eq!(door(&method.parse().unwrap(), path), want, "{method} {path}");
        }
    }

    #[test]
    fn a_page_of_this_server_is_its_own_and_others_are_not() {
        let of = |origin: &str| {
            HeaderMap::from_iter([
                (header::HOST, "localhost:8969".parse().unwrap()),
                (header::ORIGIN, origin.parse().unwrap()),
            ])
        };
        assert!(!is_of_another_page(&HeaderMap::new()));
        assert!(!is_of_another_page(&of("http://localhost:8969")));
        for origin in ["http://localhost:3000", "null", "http://evil.example", "localhost:8969"] {
            assert!(is_of_another_page(&of(origin)), "{origin}");
        }
    }
}
