//! The frame of each page: head, header, and what browsers are told of it.

use axum::{
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    model::Timestamp,
    page::html::{Html, Said, html},
    serve::passes::Pass,
};

const STYLE: &str = include_str!("style.css");
const LIVE: &str = include_str!("live.js");
/// Only from here, only what is named; in no frame, no forms to elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A whole page. `entered`: with a way out for whoever came in by a token.
pub(super) fn page(status: StatusCode, title: &Html, body: &Html, entered: bool) -> Response {
    let out = entered.then(|| html!("<form method=post action=\"/logout\"><button>Log out</button></form>"));
    let whole = html!(
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content=\"width=device-width, initial-scale=1\">",
        "<meta name=color-scheme content=\"light dark\"><title>",
        title.without_tags(),
        "</title><link rel=stylesheet href=\"/assets/style.css\"><link rel=icon href=\"data:,\">",
        "<script src=\"/assets/live.js\" defer></script></head><body><a class=skip href=\"#main\">Skip to the content</a>",
        "<header class=top><a href=\"/\">prodsignal</a><span id=state role=status></span>",
        out,
        "</header><main id=main tabindex=-1>",
        body,
        "</main></body></html>\n"
    );
    with_headers(status, POLICY, whole.into_string())
}

/// A page that is whole already, under a policy of its own.
pub(super) fn with_headers(status: StatusCode, policy: &str, page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    (status, headers, page).into_response()
}

/// A page that says why there is no answer.
pub(super) fn sorry(status: StatusCode, message: &str, entered: bool) -> Response {
    let heading = if status == StatusCode::NOT_FOUND { "Not found" } else { "No answer" };
    let body = html!("<h1>", heading, "</h1><p>", Said(message), "</p><p><a href=\"/\">What broke</a></p>");
    page(status, &html!(heading, " · prodsignal"), &body, entered)
}

/// Whether a request came with a pass.
pub(super) fn entered(headers: &HeaderMap, now: Timestamp) -> bool {
    Pass::of(headers, now).is_some()
}

pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

pub(super) async fn live_script() -> Response {
    asset("text/javascript; charset=utf-8", LIVE)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
