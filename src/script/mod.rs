//! A replay as a test that does again what the user did: a spec for `@playwright/test`.
//! It uses `guard`, `model` and `replay`.
//! It never lets recorded text be anything but a literal in the code.

mod address;
mod code;
mod doubt;
mod failure;
mod field;
mod locator;
mod mock;
mod pace;
mod placeholder;
mod step;

pub use code::{Expr, Js, Lines};

use crate::{
    guard::{Clean, Guard},
    js,
    model::{EventId, Untrusted},
    replay::{Action, Failure, NavigationKind, Replay, Step, Viewport},
};
use doubt::Doubts;
use failure::Expected;
use locator::Finder;
use step::Writer;

/// A test that does again what the user did.
#[derive(Clone, Debug)]
pub struct Reproduction {
    /// A whole file.
    pub script: Clean,
    /// `typescript`.
    pub language: &'static str,
    /// How far to trust it, above 0 and below 1: 0.95 where all is known, less for each thing that isn't.
    pub confidence: f64,
    /// What could not be known.
    pub gaps: Vec<Clean>,
}

/// Which errors a script is about.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// All of the replay.
    All,
    /// Those whose events are among these.
    Events(&'a [EventId]),
}

/// Answers to native dialogs, which are not recorded.
const DIALOGS: &str = "\
  // Native dialogs are not recorded. A copy on this machine is told yes; anywhere else a question is closed unanswered.
  page.on('dialog', (dialog) =>
    /^(localhost|127\\.0\\.0\\.1|\\[::1\\])$/.test(new URL(page.url()).hostname) || dialog.type() === 'alert'
      ? dialog.accept()
      : dialog.dismiss(),
  );";

/// What error SDKs send is answered here: a test never reports to production.
const REPORTS: &str = "\
  // What the page's error SDK sends ends here: a test reports nothing to production.
  await page.route(/\\/api\\/\\d+\\/(envelope|store)\\/(\\?|$)/, (route) => route.fulfill({ status: 200, json: {} }));";

/// How long after an error what led to it may still be told, in milliseconds.
const SLACK_MS: i64 = 50;

/// Writes the script of a replay: its steps up to the last wanted error, and the expectation that no wanted error comes.
pub fn write(replay: &Replay, wanted: Wanted<'_>, guard: &mut Guard) -> Reproduction {
    let errors = wanted_errors(replay, wanted);
    let until = errors.iter().map(|(at, _)| *at + SLACK_MS).max().unwrap_or(i64::MAX);
    let tab = tab_of(replay, until);
    let steps: Vec<&Step> = replay.steps.iter().filter(|step| step.tab == tab && step.at_ms <= until).collect();
    let failures: Vec<&Failure> = errors.iter().map(|(_, failure)| failure).collect();
    let expected = Expected::of(&failures, replay);
    let mut doubts = Doubts::of(replay);
    let body = body(replay, &steps, guard, &mut doubts);
    let mocks = mock::of(&steps, body.origin.as_deref(), guard);
    if mocks.without_body > 0 {
        let text = "bodies of failed answers are not in the recording: the server's own are used where it fails the same way, \
                    else {}";
        doubts.gap(0.9, Clean::ours(text));
    }
    let list = expected.list(guard, &mut doubts);
    let last = steps.iter().filter(|step| step.kind().by_user()).map(|step| step.until_ms).max();
    let rest = errors.iter().map(|(at, _)| at - last.unwrap_or(0)).max().unwrap_or(0);
    let (gaps, confidence) = doubts.finish();

    let mut file = head(replay, &gaps, (body.hides || !mocks.helper.is_empty(), body.reaches));
    file.append(list);
    file.append(mocks.helper);
    file.append(body.helper);
    file.ours("test('the recorded error stays away', async ({ page }) => {");
    if body.long {
        file.ours("  test.setTimeout(120_000);");
    }
    file.append(expected.watch());
    file.ours(REPORTS);
    file.ours(DIALOGS);
    file.append(mocks.calls.indented());
    file.ours("");
    file.append(body.lines);
    file.ours("");
    file.append(pace::rest(rest));
    file.append(expected.expect());
    file.ours("});");
    Reproduction { script: file.finish(), language: "typescript", confidence, gaps }
}

fn wanted_errors<'a>(replay: &'a Replay, wanted: Wanted<'_>) -> Vec<&'a (i64, Failure)> {
    let is_wanted = |failure: &Failure| match wanted {
        Wanted::All => true,
        Wanted::Events(events) => events.contains(&failure.event),
    };
    replay.errors.iter().filter(|(_, failure)| is_wanted(failure)).collect()
}

/// The tab in which the last wanted error came; else the one with most steps.
fn tab_of(replay: &Replay, until: i64) -> u32 {
    let failed = replay.steps.iter().rev().filter(|step| step.at_ms <= until);
    let failed = failed.filter(|step| matches!(step.action, Action::Error(_))).map(|step| step.tab).next();
    failed.unwrap_or_else(|| {
        let steps = |tab: &u32| replay.steps.iter().filter(|step| step.tab == *tab).count();
        (0..replay.tabs.max(1)).max_by_key(steps).unwrap_or(0)
    })
}

/// The steps as lines, and what else they need.
struct Body {
    lines: Lines,
    helper: Lines,
    hides: bool,
    reaches: bool,
    long: bool,
    origin: Option<String>,
}

fn body(replay: &Replay, steps: &[&Step], guard: &mut Guard, doubts: &mut Doubts) -> Body {
    let urls = steps.iter().filter_map(|step| step.url.as_ref()).chain(&replay.urls);
    let origin = address::origin(urls);
    let finder = Finder { changed_state: !replay.from_start || !replay.complete };
    let mut writer = Writer {
        guard,
        doubts,
        lines: Lines::default(),
        finder,
        origin,
        hidden: false,
        hides: false,
        reaches: false,
        path: String::new(),
        opened: false,
        leads: Vec::new(),
    };
    // A recording that begins with a load opens that page by itself.
    let loads = steps.iter().find(|step| step.kind().by_user()).is_some_and(
        |step| matches!(&step.action, Action::Navigate(to) if to.how == NavigationKind::Load && to.caused_by.is_none()),
    );
    if !loads && let Some(url) = first_url(replay, steps) {
        writer.open(url);
    }
    let pauses = pace::pauses(steps);
    for (step, pause) in steps.iter().zip(&pauses) {
        writer.step(step);
        writer.opened = true;
        if let Some(ms) = pause {
            writer.lines.push(js!("  await page.waitForTimeout(", *ms, ");"));
        }
    }
    let mut helper = Lines::default();
    if writer.hides {
        helper.ours(step::SET_HIDDEN);
    }
    if writer.reaches {
        helper.ours(step::REACH);
    }
    let user_steps = steps.iter().filter(|step| step.kind().by_user()).count();
    let waited: u32 = pauses.iter().flatten().sum();
    Body {
        lines: writer.lines,
        helper,
        hides: writer.hides,
        reaches: writer.reaches,
        long: user_steps > 15 || waited > 8_000,
        origin: writer.origin,
    }
}

/// Where a recording begins that doesn't begin with a page load.
fn first_url<'a>(replay: &'a Replay, steps: &[&'a Step]) -> Option<&'a Untrusted> {
    let first = steps.iter().find(|step| step.kind().by_user());
    let navigated = first.and_then(|step| match &step.action {
        Action::Navigate(navigation) => navigation.from.as_ref().or(Some(&navigation.to)),
        _ => step.url.as_ref(),
    });
    replay.pages.first().map(|page| &page.url).or(navigated).or(replay.urls.first())
}

/// Comments, imports and settings.
fn head(replay: &Replay, gaps: &[Clean], (with_page, with_locator): (bool, bool)) -> Lines {
    let mut lines = Lines::default();
    let mut guard = Guard::new();
    let id = guard.literal(&replay.id.to_string().into());
    lines.push(js!(
        "// Does again what the visitor of replay ",
        id,
        " did. It fails while the recorded error comes back and passes"
    ));
    lines.ours("// once it is mended. Runs against `baseURL` of the configuration, or: BASE_URL=http://localhost:3000 npx playwright test");
    if !gaps.is_empty() {
        lines.ours("//\n// Not known from the recording:");
        for gap in gaps {
            // A sentence for people is data here too.
            lines.push(js!("// - ", guard.literal(&gap.as_str().into())));
        }
    }
    lines.push(js!(
        "import { expect, test",
        if with_locator { ", type Locator" } else { "" },
        if with_page { ", type Page" } else { "" },
        " } from '@playwright/test';\n"
    ));
    lines.ours("test.use({\n  ...(process.env.BASE_URL ? { baseURL: process.env.BASE_URL } : {}),");
    if let Some(browser) = replay.user_agent.as_ref().and_then(|agent| engine(agent.raw())) {
        lines.push(js!("  browserName: '", browser, "',"));
    }
    if let Some(Viewport { width, height }) = replay.viewport.filter(|v| v.width > 0 && v.height > 0) {
        lines.push(js!("  viewport: { width: ", width.min(10_000), ", height: ", height.min(10_000), " },"));
    }
    if let Some(locale) = replay.locale.as_ref().filter(|locale| is_locale(locale.raw())) {
        lines.push(js!("  locale: ", guard.literal(locale), ","));
    }
    if let Some(zone) = replay.timezone.as_ref().filter(|zone| is_timezone(zone.raw())) {
        lines.push(js!("  timezoneId: ", guard.literal(zone), ","));
    }
    lines.ours("});\n");
    lines
}

/// Playwright's name of the browser in which it was recorded, where that is another than its own default.
fn engine(agent: &str) -> Option<&'static str> {
    let has = |name: &str| agent.contains(name);
    match () {
        () if has("Firefox/") => Some("firefox"),
        () if has("Chrome/") || has("Chromium/") => None,
        () if has("AppleWebKit/") && has("Version/") => Some("webkit"),
        () => None,
    }
}

/// Whether a browser takes it as a language tag; it refuses to start with anything else.
fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    first && parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Whether it is the name of a time zone; a browser refuses to start with anything else.
fn is_timezone(text: &str) -> bool {
    text == "UTC"
        || (text.contains('/') && text.len() <= 40 && !text.starts_with('/') && !text.ends_with('/') && {
            text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+'))
        })
}
