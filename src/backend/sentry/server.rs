//! What is asked once of a server and remembered: its region, what it is, the numbers of its projects. Much of it is
//! read in passing out of other answers.
//! None of it is signal.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as Lock, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use super::{
    address::Address,
    ask::Ask,
    fault::Fault,
    http::{Http, Reply},
    json::{count, list, text, word},
    operation::{ORG, PROJECTS, SETTINGS},
    options::{ConnectError, Options},
    token::Token,
};
use crate::model::{Timestamp, Untrusted};

/// How long the projects' numbers are remembered.
const REMEMBERED: Duration = Duration::from_secs(300);
/// Pages of a list that are followed at most, a hundred items each.
pub(super) const PAGES: usize = 10;

/// What kind of server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sentry, or what answers as Sentry does.
    Sentry,
    /// GlitchTip.
    GlitchTip,
}

/// One project, as names are looked up.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: u64,
    pub(super) slug: String,
    pub(super) json: Value,
}

/// A server and the way to it.
pub(super) struct Server {
    http: Http,
    named: Address,
    pub(super) org: String,
    pub(super) token: Token,
    pub(super) now: fn() -> Timestamp,
    region: OnceCell<Address>,
    kind: OnceCell<Kind>,
    projects: Mutex<Option<(Instant, Arc<Vec<Known>>)>>,
    /// Slugs of projects by number, as issues and releases name them.
    met: Lock<HashMap<u64, (Instant, String)>>,
}

impl Server {
    pub(super) fn new(options: Options) -> Result<Self, ConnectError> {
        let carried = options.token.carried();
        let named = Address::new(options.url.as_deref(), carried.as_ref())?;
        let org = options.org.clone().or(carried.and_then(|c| c.org)).ok_or(ConnectError::NoOrg)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if org.is_empty() || org.len() > 100 || !org.chars().all(fits) {
            return Err(ConnectError::Org);
        }
        let http = Http::new(&options)?;
        let (region, kind, projects, met) = (OnceCell::new(), OnceCell::new(), Mutex::default(), Lock::default());
        Ok(Self { http, named, org, token: options.token, now: options.now, region, kind, projects, met })
    }

    pub(super) fn address(&self) -> &Address {
        &self.named
    }

    /// The address of the region, looked up once; where that fails, the front forwards.
    async fn region(&self) -> &Address {
        if !self.named.is_control() {
            return &self.named;
        }
        let found = self.region.get_or_try_init(|| async {
            let reply = self.http.send(&self.named, &self.org, &Ask::new(&ORG)).await?;
            let region = reply.json.pointer("/links/regionUrl").and_then(Value::as_str);
            Ok::<_, Fault>(region.and_then(|url| self.named.region(url)).unwrap_or_else(|| self.named.clone()))
        });
        found.await.unwrap_or(&self.named)
    }

    /// Sends a request to the region.
    pub(super) async fn send(&self, ask: &Ask) -> Result<Reply, Fault> {
        let address = self.region().await;
        self.http.send(address, &self.org, ask).await
    }

    /// The items of a list, page after page: as many as are wanted, within what is followed at most.
    pub(super) async fn pages(&self, ask: Ask, key: &str, wanted: usize) -> Result<Pages, Fault> {
        let mut items: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let reply = self.send(&ask.clone().param_some("cursor", cursor.clone())).await?;
            let page = list(&reply.json, key);
            let empty = page.is_empty();
            items.extend(page.iter().cloned());
            // A page that ends where it began never ends.
            let next = reply.next.filter(|next| cursor.as_ref() != Some(next) && !empty);
            if next.is_none() {
                return Ok(Pages { items, more: false });
            }
            if items.len() >= wanted {
                break;
            }
            cursor = next;
        }
        Ok(Pages { items, more: true })
    }

    /// What kind it is, looked up once. Sentry's own service need not be asked.
    pub(super) async fn kind(&self) -> Kind {
        if self.named.is_saas() {
            return Kind::Sentry;
        }
        let found = self.kind.get_or_try_init(|| async {
            match self.http.send(&self.named, &self.org, &Ask::new(&SETTINGS)).await {
                Ok(reply) if reply.json.is_object() => Ok(Kind::GlitchTip),
                Ok(_) => Ok(Kind::Sentry),
                Err(fault) if fault.is_lacking() => Ok(Kind::Sentry),
                // Not known yet: the next call asks again.
                Err(fault) => Err(fault),
            }
        });
        found.await.copied().unwrap_or(Kind::Sentry)
    }

    /// Takes note of what issues or releases say in passing: numbers of projects, and marks that Sentry's alone have.
    pub(super) fn heard(&self, rows: &[Value]) {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            // GlitchTip's issues have neither.
            if row.get("substatus").is_some() || row.get("lifetime").is_some() {
                // What was found out before stays.
                let _ = self.kind.set(Kind::Sentry);
            }
            for project in row.get("project").into_iter().chain(list(row, "projects")) {
                if let (Some(id), slug) = (count(project, "id"), word(project, "slug"))
                    && !slug.is_empty()
                {
                    met.insert(id, (Instant::now(), slug.to_owned()));
                }
            }
        }
    }

    /// The projects that were met lately, by number.
    fn met(&self) -> HashMap<u64, String> {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = met.iter().filter(|(_, (at, _))| at.elapsed() < REMEMBERED);
        lately.map(|(id, (_, slug))| (*id, slug.clone())).collect()
    }

    /// The number of a project; `None`: there is none of that name.
    pub(super) async fn number_of(&self, slug: &str) -> Result<Option<u64>, Fault> {
        if let Some((id, _)) = self.met().into_iter().find(|(_, met)| met == slug) {
            return Ok(Some(id));
        }
        Ok(self.projects().await?.iter().find(|known| known.slug == slug).map(|known| known.id))
    }

    /// What kind it was found to be.
    pub(super) fn known_kind(&self) -> Option<Kind> {
        self.kind.get().copied()
    }

    /// All projects that the token may see.
    pub(super) async fn projects(&self) -> Result<Arc<Vec<Known>>, Fault> {
        let mut remembered = self.projects.lock().await;
        if let Some((at, known)) = remembered.as_ref()
            && at.elapsed() < REMEMBERED
        {
            return Ok(known.clone());
        }
        let pages = self.pages(Ask::new(&PROJECTS).param("per_page", "100"), "", usize::MAX).await?;
        let known = |json: Value| {
            let (id, slug) = (count(&json, "id")?, word(&json, "slug").to_owned());
            (!slug.is_empty()).then_some(Known { id, slug, json })
        };
        let known = Arc::new(pages.items.into_iter().filter_map(known).collect::<Vec<_>>());
        *remembered = Some((Instant::now(), known.clone()));
        Ok(known)
    }

    /// Slugs of projects by number, those of the numbers at least that exist.
    pub(super) async fn slugs(&self, numbers: impl IntoIterator<Item = u64>) -> Result<HashMap<u64, String>, Fault> {
        let met = self.met();
        if numbers.into_iter().all(|number| met.contains_key(&number)) {
            return Ok(met);
        }
        Ok(self.projects().await?.iter().map(|known| (known.id, known.slug.clone())).collect())
    }

    /// What the organisation says of itself.
    pub(super) async fn organisation(&self) -> Result<Reply, Fault> {
        self.send(&Ask::new(&ORG)).await
    }
}

/// Items of several pages.
#[derive(Clone, Default)]
pub(super) struct Pages {
    pub(super) items: Vec<Value>,
    /// Whether there are more than were asked for.
    pub(super) more: bool,
}

/// The name of an item, for lists of names.
pub(super) fn name_of(item: &Value) -> Option<Untrusted> {
    text(item, "name")
}
