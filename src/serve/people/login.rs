//! A token lets a browser in: it gets a pass for it, which opens the page and nothing else.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{App, frame};
use crate::{page::html::html, serve::passes::Passes};

/// `POST /login`.
pub(super) async fn enter(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let typed = url::form_urlencoded::parse(&body).find(|(name, _)| name == "token").map(|(_, token)| token);
    let Some(digest) = typed.and_then(|token| app.access.entering(&token)) else {
        return form("This token is not known here, or may not read.");
    };
    // Proxies that are not named can't say so: see the gate.
    let secure = app.tls || headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let cookie = app.passes.cookie(&digest, (app.now)(), secure);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// `POST /logout`.
pub(super) async fn leave() -> Response {
    ([(header::SET_COOKIE, Passes::no_cookie())], Redirect::to("/")).into_response()
}

/// The form, in place of a page that is not shown.
pub(in crate::serve) fn form(why: &'static str) -> Response {
    let body = html!(
        "<h1>Log in</h1><p role=alert>",
        why,
        "</p><form class=ask method=post action=\"/login\"><label>Token <input type=password name=token \
         autocomplete=current-password required autofocus></label> <button>Log in</button></form>",
        "<p class=dim>It is one of PRODSIGNAL_TOKEN, or of <code>prodsignal token make</code>.</p>"
    );
    frame::page(StatusCode::UNAUTHORIZED, &html!("Log in · prodsignal"), &body, false)
}
