//! Addresses: loads of pages, and changes of the address within them.
//! It uses the `url` crate.
//! It never tells one navigation twice.

use url::Url;

use super::{Focus, Scene};
use crate::replay::{
    Action, Navigation, NavigationKind, PageLoad, Viewport,
    draft::{Draft, DraftNr, Log},
    event::Data,
};

/// How long after the types of events that a page load begins with its snapshot comes, in milliseconds.
const FRESH: i64 = 5_000;
/// How long a page may take from its navigation to its snapshot.
const LOADING: i64 = 60_000;
/// A breadcrumb and a span of one navigation within a page are so near.
const SAME: i64 = 500;
/// An address changes within so many milliseconds of the click that changes it, requests between included.
const CAUSED: i64 = 3_000;
/// What changes the address later than this after a click was waiting for something, or was the Back button.
const AT_ONCE: i64 = 500;

/// Where a tab is, and was.
#[derive(Debug, Default)]
pub(super) struct Address {
    url: Option<String>,
    /// Addresses by Back and Forward, and the present one's place.
    history: Vec<String>,
    here: usize,
    /// When events of a page load were seen last.
    loading: Option<i64>,
    /// A load that was told, whose page has not come yet; or one that a page told of, whose span may come.
    load: Option<(i64, DraftNr)>,
    /// Navigations within the page just told: time, address, whether a breadcrumb told it.
    told: Vec<(i64, String, bool)>,
}

impl Address {
    pub(super) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Events came that a page load begins with.
    pub(super) fn loading(&mut self, at: i64) {
        self.loading = Some(at);
    }

    /// Whether a snapshot at that time belongs to a page load.
    pub(super) fn is_fresh(&self, at: i64) -> bool {
        self.loading.is_some_and(|seen| at - seen <= FRESH)
    }

    /// A part of the recording is missing: navigations may be.
    pub(super) fn unsure(&mut self) {
        self.load = None;
        self.told.clear();
    }

    fn resolve(&self, to: &str) -> String {
        let base = self.url.as_deref().and_then(|url| Url::parse(url).ok());
        let full = match &base {
            Some(base) => base.join(to).ok(),
            None => Url::parse(to).ok(),
        };
        full.map_or_else(|| to.to_owned(), String::from)
    }

    fn go(&mut self, to: &str) {
        self.url = Some(to.to_owned());
        self.history.truncate(self.here + 1);
        if self.history.last().map(String::as_str) != Some(to) {
            self.history.push(to.to_owned());
        }
        self.here = self.history.len().saturating_sub(1);
    }

    fn is_back(&self, to: &str) -> bool {
        self.here.checked_sub(1).and_then(|at| self.history.get(at)).is_some_and(|url| url == to)
    }

    fn is_forward(&self, to: &str) -> bool {
        self.history.get(self.here + 1).is_some_and(|url| url == to)
    }
}

impl Scene {
    /// The address in full of what the page wrote.
    pub(super) fn absolute(&self, url: &str) -> Option<String> {
        self.address.url.as_ref()?;
        Some(self.address.resolve(url))
    }

    /// What stands before each snapshot: address and window.
    pub(super) fn meta(&mut self, data: &Data<'_>, at: i64, log: &mut Log) {
        if let (Some(width), Some(height)) = (data.width, data.height) {
            self.viewport = Some(Viewport { width: width as u32, height: height as u32 });
        }
        let Some(href) = data.href.as_deref() else { return };
        let told = self.address.load.is_some_and(|(loaded, _)| at - loaded <= LOADING);
        if self.address.is_fresh(at) && !told {
            let nr = self.load(href, NavigationKind::Load, at, log);
            self.address.load = Some((at, nr));
        } else if self.address.url() != Some(href) {
            self.address.go(href);
        }
    }

    /// A span says that a page was loaded. It may come after the page itself.
    pub(super) fn page_span(&mut self, to: &str, how: NavigationKind, at: i64, log: &mut Log) {
        let earlier = self.address.load.filter(|(seen, nr)| {
            let same = matches!(&log.drafts[*nr].action, Action::Navigate(n) if n.to.raw() == to);
            same && *seen >= at && seen - at <= LOADING
        });
        if let Some((_, nr)) = earlier {
            log.drafts[nr].at = at;
            if let Action::Navigate(navigation) = &mut log.drafts[nr].action {
                navigation.how = how;
            }
            return;
        }
        let nr = self.load(to, how, at, log);
        self.address.load = Some((at, nr));
    }

    fn load(&mut self, to: &str, how: NavigationKind, at: i64, log: &mut Log) -> DraftNr {
        let from = self.address.url.clone();
        let cause = self.last_user.filter(|nr| how == NavigationKind::Load && at - log.drafts[*nr].until <= CAUSED);
        if let Some(typing) = &self.typing
            && how == NavigationKind::Load
            && at - log.drafts[typing.draft].until <= CAUSED
            && let Action::Input(input) = &mut log.drafts[typing.draft].action
        {
            input.emptied = !input.submitted;
        }
        self.address.go(to);
        self.focus = Focus::None;
        let navigation = Navigation { how, from: from.map(Into::into), to: to.into(), caused_by: None };
        let mut draft = Draft::new(at, self.tab, Action::Navigate(navigation));
        draft.url = Some(to.to_owned());
        draft.cause = cause;
        self.done(draft, log)
    }

    /// The snapshot of a page that was loaded.
    pub(super) fn page_loaded(&mut self, at: i64, log: &mut Log) {
        let Some(url) = self.address.url.clone() else { return };
        let title = self.dom.title();
        log.pages.push((
            at,
            PageLoad {
                at_ms: 0,
                tab: self.tab,
                url: url.into(),
                title: title.map(Into::into),
                viewport: self.viewport,
            },
        ));
    }

    /// The address changed within the page: breadcrumb and span each tell it.
    pub(super) fn moved(&mut self, to: &str, by_breadcrumb: bool, at: i64, log: &mut Log) {
        let to = self.address.resolve(to);
        let twin = |(seen, url, breadcrumb): &(i64, String, bool)| {
            *breadcrumb != by_breadcrumb && *url == to && (at - seen).abs() <= SAME
        };
        if let Some(twin) = self.address.told.iter().position(twin) {
            self.address.told.remove(twin);
            return;
        }
        self.address.told.retain(|(seen, ..)| at - seen <= SAME);
        self.address.told.push((at, to.clone(), by_breadcrumb));
        let from = self.address.url.clone();
        let since = self.since_user(at, log);
        let spent = self.last_user.is_some_and(|nr| {
            log.drafts.iter().skip(nr + 1).any(|d| d.cause == Some(nr) && matches!(d.action, Action::Navigate(_)))
        });
        let alone = since > AT_ONCE || spent;
        let (how, cause) = match () {
            () if alone && self.address.is_back(&to) => (NavigationKind::Back, None),
            () if alone && self.address.is_forward(&to) => (NavigationKind::Forward, None),
            () => (NavigationKind::Within, self.last_user.filter(|_| since <= CAUSED)),
        };
        match how {
            NavigationKind::Back => self.address.here -= 1,
            NavigationKind::Forward => self.address.here += 1,
            _ => self.address.go(&to),
        }
        self.address.url = Some(to.clone());
        let navigation = Navigation { how, from: from.map(Into::into), to: to.as_str().into(), caused_by: None };
        let mut draft = Draft::new(at, self.tab, Action::Navigate(navigation));
        draft.url = Some(to);
        draft.cause = cause;
        // What the user's click caused is an answer; what nothing caused is the user's own.
        if cause.is_some() {
            self.noted(draft, log)
        } else {
            self.done(draft, log)
        };
    }
}
