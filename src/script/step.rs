//! One step of a replay as lines of the test.

use super::{
    Expr, Lines, address,
    doubt::{Doubts, named},
    field,
    locator::{Finder, Located},
};
use crate::{
    guard::{Clean, Guard, Limit},
    js,
    model::Untrusted,
    replay::{Action, Click, Drag, Key, Modifiers, Navigation, NavigationKind, Step, Target},
    say,
};

/// Names of keys that `keyboard.press` takes, besides single characters of a keyboard.
const KEYS: &[&str] = &[
    "ArrowDown",
    "ArrowLeft",
    "ArrowRight",
    "ArrowUp",
    "Backspace",
    "Delete",
    "End",
    "Enter",
    "Escape",
    "F1",
    "F2",
    "F3",
    "F4",
    "F5",
    "F6",
    "F7",
    "F8",
    "F9",
    "F10",
    "F11",
    "F12",
    "Home",
    "Insert",
    "PageDown",
    "PageUp",
    "Tab",
];

/// Function that hides and shows the tab, for scripts that need it.
pub const SET_HIDDEN: &str = "\
// Hides or shows the tab, as far as a page can tell.
const setHidden = (page: Page, hidden: boolean) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    Object.defineProperty(document, 'visibilityState', { value: hidden ? 'hidden' : 'visible', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    window.dispatchEvent(new Event(hidden ? 'blur' : 'focus'));
  }, hidden);
";

/// Function that moves the pointer over what stands around an element until it shows, for scripts that need it.
pub const REACH: &str = "\
// Brings out what shows only while the pointer is over what stands around it.
const reach = async (target: Locator) => {
  await target.waitFor({ state: 'attached' });
  let around = target;
  for (let i = 0; i < 5 && !(await target.isVisible()); i++) {
    around = around.locator('xpath=..');
    if (await around.isVisible()) await around.hover({ timeout: 1_500 }).catch(() => {});
  }
};
";

/// Writes steps in turn; remembers what one step has to know of those before it.
pub struct Writer<'a> {
    pub guard: &'a mut Guard,
    pub doubts: &'a mut Doubts,
    pub lines: Lines,
    pub finder: Finder,
    pub origin: Option<String>,
    /// The tab is hidden at this point.
    pub hidden: bool,
    /// The script hides it somewhere.
    pub hides: bool,
    /// The script reaches somewhere for what shows under the pointer alone.
    pub reaches: bool,
    /// Path of the page at this point.
    pub path: String,
    /// A page has been opened.
    pub opened: bool,
    /// Numbers of the steps that may lead to another page.
    pub leads: Vec<u32>,
}

impl Writer<'_> {
    fn line(&mut self, code: Expr) {
        self.lines.push(js!("  ", code));
    }

    /// Opens the first page.
    pub fn open(&mut self, url: &Untrusted) {
        self.goto(url);
        self.opened = true;
    }

    fn goto(&mut self, url: &Untrusted) {
        let Some(relative) = address::relative(url.raw(), self.origin.as_deref()) else { return self.elsewhere() };
        let literal = self.guard.literal(&relative.into());
        if !literal.exact() {
            let n = self
                .doubts
                .placeholder(0.85, |n| say!("placeholder ", n, ": parts of an address were masked or redacted"));
            self.line(js!("// PLACEHOLDER ", n, ": parts of this address are not known."));
        }
        self.line(js!("await page.goto(", literal, ");"));
        self.path = address::path(url.raw());
    }

    /// A page of another host: who recorded the visit chose it, so a test does not open it.
    fn elsewhere(&mut self) {
        let text = "a page of another host was opened: the script stays with the application and leaves it out";
        self.doubts.gap(0.5, Clean::ours(text));
        self.line(js!("// A page of another host was opened here; the test stays with the application's own."));
    }

    /// One step. Requests, console lines and errors are the page's own doing and leave no line.
    pub fn step(&mut self, step: &Step) {
        self.lead(step);
        if step.kind().by_user()
            && self.hidden
            && !matches!(step.action, Action::Visibility { .. } | Action::Navigate(_))
        {
            self.show();
        }
        match &step.action {
            Action::Navigate(navigation) => self.navigate(navigation),
            Action::Click(click) if !click.synthetic => self.click(step, click),
            Action::Input(input) => {
                let Some((target, at)) = self.element(step) else { return };
                let filled = field::fill(input, target, &at.code, self.guard, self.doubts);
                self.lines.append(filled.indented());
            }
            Action::Drag(drag) => self.drag(step, drag),
            Action::Key(key) => self.key(key, step.target.as_ref()),
            Action::Scroll { x, y } => self.scroll(step.target.as_ref(), *x, *y),
            Action::Resize(size) => {
                let (width, height) = (size.width.clamp(1, 10_000), size.height.clamp(1, 10_000));
                self.line(js!("await page.setViewportSize({ width: ", width, ", height: ", height, " });"));
            }
            Action::Visibility { hidden: true } => {
                self.line(js!("await setHidden(page, true);"));
                (self.hidden, self.hides) = (true, true);
            }
            Action::Visibility { hidden: false } if self.hidden => self.show(),
            _ => {}
        }
    }

    fn show(&mut self) {
        self.line(js!("await setHidden(page, false);"));
        self.hidden = false;
    }

    /// The step's element and its locator, or a gap.
    fn element<'s>(&mut self, step: &'s Step) -> Option<(&'s Target, Located)> {
        let located = step.target.as_ref().and_then(|t| Some((t, self.finder.locate(t, self.guard)?)));
        let Some((target, at)) = located else {
            let at = super::doubt::seconds(step.at_ms);
            self.doubts
                .gap(0.5, say!("what was used at ", at, " s (step ", step.n, ") is not known: the step is left out"));
            self.line(js!("// PLACEHOLDER: step ", step.n, " of the recording is left out: its element is not known."));
            return None;
        };
        if !at.sure {
            let name = named(target, self.guard);
            self.doubts.gap(
                0.85,
                say!("whether the locator of ", name, " (step ", step.n, ") finds the right element is not sure"),
            );
        }
        Some((target, at))
    }

    fn click(&mut self, step: &Step, click: &Click) {
        let Some((target, at)) = self.element(step) else { return };
        let at = at.code;
        let canvas = target.tag.raw() == "canvas";
        if let (true, Some((x, y))) = (canvas, click.at) {
            return self.line(js!("await page.mouse.click(", x, ", ", y, ");"));
        }
        let options = options(click);
        // A box that was clicked is clicked: `check` fails where the page draws it anew or takes it away.
        let call = if click.double { js!("dblclick(", options, ")") } else { js!("click(", options, ")") };
        if is_one_of_many(target) {
            self.reaches = true;
            self.line(js!("await reach(", at, ");"));
        }
        if click.count > 1 && !click.double {
            return self.line(js!("for (let i = 0; i < ", click.count.min(100), "; i++) await ", at, ".", call, ";"));
        }
        self.line(js!("await ", at, ".", call, ";"));
    }

    fn drag(&mut self, step: &Step, drag: &Drag) {
        let Some((target, from)) = self.element(step) else { return };
        let within = drag.onto.as_deref().is_none_or(|onto| onto == target) || target.tag.raw() == "canvas";
        let onto = drag.onto.as_deref().filter(|_| !within).and_then(|onto| self.finder.locate(onto, self.guard));
        match onto {
            Some(onto) => self.line(js!("await ", from.code, ".dragTo(", onto.code, ");")),
            None => {
                let ((x1, y1), (x2, y2)) = (drag.from, drag.to);
                self.line(js!("await page.mouse.move(", x1, ", ", y1, ");"));
                self.line(js!("await page.mouse.down();"));
                self.line(js!("await page.mouse.move(", x2, ", ", y2, ", { steps: 8 });"));
                self.line(js!("await page.mouse.up();"));
            }
        }
    }

    fn key(&mut self, key: &Key, target: Option<&Target>) {
        let raw = if key.key.raw() == " " { "Space" } else { key.key.raw() };
        let typed = raw.len() == 1 && raw.bytes().all(|b| b.is_ascii_graphic());
        if !typed && raw != "Space" && !KEYS.contains(&raw) {
            let shown = self.guard.line(&key.key, Limit::Tag).shortened(20);
            return self.doubts.gap(0.9, say!("the key ", shown, " can't be pressed by a script: left out"));
        }
        let mut chord = String::new();
        for (held, name) in held(key.modifiers).into_iter().filter(|(held, _)| *held) {
            debug_assert!(held);
            chord += name;
            chord.push('+');
        }
        let chord = self.guard.literal(&(chord + raw).into());
        let target = target.filter(|target| takes_keys(target));
        match target.and_then(|target| self.finder.locate(target, self.guard)).filter(|at| at.sure) {
            Some(at) => self.line(js!("await ", at.code, ".press(", chord, ");")),
            None => self.line(js!("await page.keyboard.press(", chord, ");")),
        }
    }

    fn scroll(&mut self, target: Option<&Target>, x: i64, y: i64) {
        match target.and_then(|target| self.finder.locate(target, self.guard)) {
            Some(at) => {
                self.line(js!("await ", at.code, ".evaluate((element) => element.scrollTo(", x, ", ", y, "));"))
            }
            None => self.line(js!("await page.evaluate(() => window.scrollTo(", x, ", ", y, "));")),
        }
    }

    fn navigate(&mut self, navigation: &Navigation) {
        let path = address::path(navigation.to.raw());
        let moved = path != self.path;
        match (navigation.how, navigation.caused_by) {
            (NavigationKind::Load, Some(cause)) => self.loaded(&navigation.to, &path, cause),
            (NavigationKind::Load, None) => {
                if self.opened && moved {
                    let text = "a page was opened with nothing in the recording that led there: opened by its address (a click or \
                                a form just before may have been lost)";
                    self.doubts.gap(0.85, Clean::ours(text));
                }
                self.goto(&navigation.to);
            }
            (NavigationKind::Reload, None) => self.line(js!("await page.reload();")),
            (NavigationKind::BackForward | NavigationKind::Back, None) => self.line(js!("await page.goBack();")),
            (NavigationKind::Forward, None) => self.line(js!("await page.goForward();")),
            _ => {}
        }
        self.path = path;
    }
}

impl Writer<'_> {
    /// A page that a step led to: what comes next is looked for on it, not on the one before.
    fn loaded(&mut self, to: &Untrusted, path: &str, cause: u32) {
        let moved = path != self.path && !address::varies(path);
        let known = self.leads.contains(&cause);
        let literal = self.guard.literal(&path.into());
        match (moved, known) {
            (true, true) => self.line(js!("await page.waitForURL((url) => url.pathname === ", literal, ");")),
            (false, true) => self.line(js!("await page.waitForLoadState();")),
            (_, false) => {
                let text = "a page was loaded with nothing in the recording that is known to lead there (a click or a sent form \
                            may have been lost): the script opens it by its address unless the page goes there by itself";
                self.doubts.gap(0.8, Clean::ours(text));
                let Some(relative) = address::relative(to.raw(), self.origin.as_deref()) else {
                    return self.elsewhere();
                };
                let address = self.guard.literal(&relative.into());
                self.line(js!("// PLACEHOLDER: what led to the next page is not in the recording."));
                self.line(js!("await page"));
                self.line(js!("  .waitForURL((url) => url.pathname === ", literal, ", { timeout: 2_000 })"));
                self.line(js!("  .catch(() => page.goto(", address, "));"));
            }
        }
    }

    /// Whether a step is sure to be what led to another page: a click on anything but a field, a sent form, a key. A choice
    /// may be, or a button pressed after it whose press was lost with the page.
    fn lead(&mut self, step: &Step) {
        let leads = match &step.action {
            Action::Click(click) => click.checked.is_none() || click.synthetic,
            Action::Input(input) => input.submitted || input.emptied,
            Action::Key(_) => true,
            _ => false,
        };
        if leads {
            self.leads.push(step.n);
        }
    }
}

fn held(modifiers: Modifiers) -> [(bool, &'static str); 4] {
    [(modifiers.ctrl, "Control"), (modifiers.alt, "Alt"), (modifiers.shift, "Shift"), (modifiers.meta, "Meta")]
}

/// `{ button: 'right', modifiers: ['Shift'] }`, or nothing.
fn options(click: &Click) -> Expr {
    let mut options = Vec::new();
    if click.right {
        options.push(js!("button: 'right'"));
    }
    let names: Vec<Expr> =
        held(click.modifiers).into_iter().filter(|(held, _)| *held).map(|(_, name)| js!("'", name, "'")).collect();
    if !names.is_empty() {
        options.push(js!("modifiers: [", Expr::join(&names, ", "), "]"));
    }
    if options.is_empty() { js!("") } else { js!("{ ", Expr::join(&options, ", "), " }") }
}

/// Whether it stands in a list of things alike: what can be done to one of them often shows only under the pointer.
fn is_one_of_many(target: &Target) -> bool {
    let item = |role: &Untrusted| matches!(role.raw(), "row" | "listitem" | "article" | "gridcell" | "treeitem");
    target.css.raw().contains(":nth-of-type(") || target.containers.iter().any(|c| c.role.as_ref().is_some_and(item))
}

/// Whether keys that it gets are meant for it, so that it takes the focus.
fn takes_keys(target: &Target) -> bool {
    let role = target.role.as_ref().map_or("", Untrusted::raw);
    matches!(target.tag.raw(), "a" | "button" | "input" | "select" | "textarea" | "summary")
        || matches!(
            role,
            "button" | "link" | "tab" | "menuitem" | "option" | "checkbox" | "radio" | "switch" | "textbox" | "slider"
        )
}
