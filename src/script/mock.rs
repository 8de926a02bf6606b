//! Requests that failed: made to fail the same way again, unless the server does so by itself.

use super::{Expr, Lines, address};
use crate::{
    guard::Guard,
    js,
    replay::{Action, Request, Step},
};

/// What the script needs for it, besides the calls.
const HELPER: &str = "\
// Lets requests fail as they failed then, in their order. Where the server answers with the same status by itself, its
// answer is used; `body` stands in for an answer that was not recorded.
async function failAgain(page: Page, method: string, path: string, statuses: number[], body = '{}', type = 'application/json') {
  let asked = 0;
  await page.route((url) => [url.pathname + url.search, url.href].includes(path), async (route) => {
    if (route.request().method() !== method) return route.fallback();
    const status = statuses[asked++] ?? 200;
    if (status === 0) return route.abort();
    if (status < 400) return route.fallback();
    const real = await route.fetch().catch(() => null);
    if (real?.status() === status) return route.fulfill({ response: real });
    return route.fulfill({ status, contentType: type, body });
  });
}
";

/// All requests to one address by one method, in turn.
struct Asked<'a> {
    method: &'a str,
    path: String,
    requests: Vec<&'a Request>,
}

/// Calls that let failed requests fail again, and the function that they call.
#[derive(Debug, Default)]
pub struct Mocks {
    /// To stand before the test; empty when nothing failed.
    pub helper: Lines,
    /// To stand at the start of the test.
    pub calls: Lines,
    /// How many addresses are answered with a body that is not known.
    pub without_body: u32,
}

/// Mocks for the failed requests among steps.
pub fn of(steps: &[&Step], origin: Option<&str>, guard: &mut Guard) -> Mocks {
    let mut mocks = Mocks::default();
    for asked in by_address(steps, origin).iter().filter(|asked| asked.requests.iter().any(|r| r.failed())) {
        let (method, path) = (guard.literal(&asked.method.into()), guard.literal(&asked.path.as_str().into()));
        if !method.exact() || !path.exact() {
            continue;
        }
        let statuses: Vec<Expr> = asked.requests.iter().map(|r| js!(u32::from(r.status.unwrap_or(0)))).collect();
        let statuses = Expr::join(&statuses, ", ");
        let failed = asked.requests.iter().rev().find(|r| r.failed());
        let body = failed.and_then(|r| r.response_body.as_ref()).map(|body| guard.literal(body)).filter(|b| b.exact());
        let ty = failed.and_then(|r| r.response_type.as_ref()).map(|ty| guard.literal(ty));
        let answer = match (body, ty) {
            (Some(body), Some(ty)) => js!(", ", body, ", ", ty),
            (Some(body), None) => js!(", ", body),
            (None, _) => {
                mocks.without_body += u32::from(failed.is_some_and(|r| r.status.is_some()));
                js!("")
            }
        };
        mocks.calls.push(js!("await failAgain(page, ", method, ", ", path, ", [", statuses, "]", answer, ");"));
    }
    if !mocks.calls.is_empty() {
        mocks.helper.ours(HELPER);
    }
    mocks
}

fn by_address<'a>(steps: &[&'a Step], origin: Option<&str>) -> Vec<Asked<'a>> {
    let mut all: Vec<Asked<'a>> = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let Action::Request(request) = &step.action else { continue };
        if request.status.unwrap_or(0) == 0 && left_behind(step, &steps[i + 1..]) {
            continue;
        }
        let url = request.absolute.as_ref().unwrap_or(&request.url).raw();
        let path = match (address::split(url), origin) {
            (Some((of, _)), Some(origin)) if of != origin => url.split('#').next().unwrap_or("").to_owned(),
            _ => address::path_and_query(url),
        };
        let method = request.method.raw();
        match all.iter_mut().find(|asked| asked.method == method && asked.path == path) {
            Some(asked) => asked.requests.push(request),
            None => all.push(Asked { method, path, requests: vec![request] }),
        }
    }
    all
}

/// Whether the page gave the request up: it was left, or asked the same path anew meanwhile.
fn left_behind(step: &Step, later: &[&Step]) -> bool {
    let Action::Request(request) = &step.action else { return false };
    let end = step.at_ms + i64::try_from(request.duration_ms).unwrap_or(0) + 50;
    later.iter().take_while(|next| next.at_ms <= end).any(|next| match &next.action {
        Action::Navigate(_) => true,
        Action::Request(next) => address::path(next.url.raw()) == address::path(request.url.raw()),
        _ => false,
    })
}
