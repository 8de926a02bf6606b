//! The way to a server: every read goes through the kept replies, within the time of the call that needs it.
//!
//! Its region, its kind and the numbers of its projects are remembered beside them; much of that is read in passing
//! out of replies. None of it is signal.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    address::Address,
    ask::Ask,
    call::Call,
    fault::RequestError,
    http::Http,
    json::{count, list, text, word},
    key::Tenant,
    life::Life,
    operation::{ORG, PROJECTS, SETTINGS},
    options::{ConnectError, Options},
    replies::{Replies, Reply},
    token::Token,
};
use crate::{
    model::{Timestamp, Untrusted},
    store::{Freshness, Source, StoreKind},
};

/// How long the slugs of projects that were met in passing are remembered.
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
pub(super) struct ProjectRow {
    pub(super) id: u64,
    pub(super) slug: String,
    pub(super) json: Value,
}

/// A server and the way to it, for one call of a tool or for none.
#[derive(Clone)]
pub(super) struct Server {
    shared: Arc<Shared>,
    call: Option<Arc<Call>>,
}

/// What all calls share.
struct Shared {
    http: Http,
    named: Address,
    org: String,
    token: Token,
    now: fn() -> Timestamp,
    call_timeout: Duration,
    tenant: Tenant,
    replies: Replies,
    region: OnceCell<Address>,
    kind: OnceCell<Kind>,
    /// Slugs of projects by number, as issues and releases name them.
    met: Mutex<HashMap<u64, (Instant, String)>>,
}

/// Forgets what was known as soon as it goes, whatever became of a write.
pub(super) struct Forgetting<'a>(&'a Replies);

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
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
        let shared = Shared {
            http: Http::new(&options)?,
            tenant: Tenant::new(&options.token.derive("cache"), &[named.base.as_str(), &org]),
            replies: Replies::new(options.cache_bytes, options.lives),
            named,
            org,
            token: options.token,
            now: options.now,
            call_timeout: options.call_timeout,
            region: OnceCell::new(),
            kind: OnceCell::new(),
            met: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), call: None })
    }

    /// The same server for one call: its requests share a deadline, and its source tells how old the oldest reply is.
    pub(super) fn for_call(&self) -> Self {
        Self { shared: self.shared.clone(), call: Some(Arc::new(Call::new(self.shared.call_timeout))) }
    }

    pub(super) fn call(&self) -> Option<&Call> {
        self.call.as_deref()
    }

    pub(super) fn source(&self) -> Source {
        let live = Source { store: StoreKind::Sentry, freshness: Freshness::Live, age_s: 0 };
        self.call().map_or(live, Call::source)
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.shared.now)()
    }

    pub(super) fn org(&self) -> &str {
        &self.shared.org
    }

    pub(super) fn token(&self) -> &Token {
        &self.shared.token
    }

    pub(super) fn address(&self) -> &Address {
        &self.shared.named
    }

    /// The address of the region, looked up once; where that fails, the front forwards.
    async fn region(&self) -> &Address {
        let Shared { http, named, org, .. } = &*self.shared;
        if !named.is_control() {
            return named;
        }
        let found = self.shared.region.get_or_try_init(|| async {
            let reply = Parsed::of(http.send(named, org, &Ask::new(&ORG)).await?)?;
            let region = reply.json.pointer("/links/regionUrl").and_then(Value::as_str);
            Ok::<_, RequestError>(region.and_then(|url| named.region(url)).unwrap_or_else(|| named.clone()))
        });
        found.await.unwrap_or(named)
    }

    /// The reply to a request, as it came.
    pub(super) async fn reply(&self, ask: &Ask) -> Result<Reply, RequestError> {
        let Shared { http, org, replies, tenant, .. } = &*self.shared;
        let load = async { http.send(self.region().await, org, ask).await };
        let left = self.call().map_or(self.shared.call_timeout, Call::left);
        if ask.operation.method != "GET" {
            return tokio::time::timeout(left, load).await.unwrap_or(Err(RequestError::Timeout));
        }
        let (reply, stale) = replies.get(tenant, (ask, self.now()), left, load).await?;
        self.took(ask, &reply, stale);
        Ok(reply)
    }

    fn took(&self, ask: &Ask, reply: &Reply, stale: bool) {
        // How old a name is matters to nobody.
        if let Some(call) = self.call().filter(|_| stale || ask.life != Life::Names) {
            call.took(reply, stale);
        }
    }

    /// What is answered to a request.
    pub(super) async fn send(&self, ask: &Ask) -> Result<Parsed, RequestError> {
        Parsed::of(self.reply(ask).await?)
    }

    /// Keeps what another request brought along as the reply to this one.
    pub(super) async fn also(&self, ask: &Ask, reply: Reply) {
        self.shared.replies.also(&self.shared.tenant, (ask, self.now()), reply).await;
    }

    /// Whatever is known is forgotten now, and again when what is given goes.
    pub(super) fn forgetting(&self) -> Forgetting<'_> {
        self.shared.replies.forget();
        Forgetting(&self.shared.replies)
    }

    /// The whole answer to a request of one page, where it is known.
    pub(super) async fn known(&self, ask: &Ask) -> Option<Parsed> {
        let reply = self.shared.replies.kept(&self.shared.tenant, (ask, self.now())).await?;
        self.took(ask, &reply, false);
        Parsed::of(reply).ok()
    }

    /// The items of a list, page after page: as many as are wanted, within what is followed at most.
    pub(super) async fn pages(&self, ask: Ask, key: &str, wanted: usize) -> Result<Pages, RequestError> {
        let mut items: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let reply = self.send(&ask.clone().param_some("cursor", cursor.clone())).await?;
            let page = list(&reply.json, key);
            let empty = page.is_empty();
            items.extend_from_slice(page);
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
        let Shared { http, named, org, .. } = &*self.shared;
        if named.is_saas() {
            return Kind::Sentry;
        }
        let found = self.shared.kind.get_or_try_init(|| async {
            match http.send(named, org, &Ask::new(&SETTINGS)).await {
                Ok(_) => Ok(Kind::GlitchTip),
                Err(fault) if fault.is_lacking() => Ok(Kind::Sentry),
                // Not known yet: the next call asks again.
                Err(fault) => Err(fault),
            }
        });
        found.await.copied().unwrap_or(Kind::Sentry)
    }

    /// Takes note of what issues or releases say in passing: numbers of projects, and marks that Sentry's alone have.
    pub(super) fn heard(&self, rows: &[Value]) {
        let mut met = self.shared.met.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            // GlitchTip's issues have neither.
            if row.get("substatus").is_some() || row.get("lifetime").is_some() {
                // What was found out before stays.
                let _ = self.shared.kind.set(Kind::Sentry);
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
        let met = self.shared.met.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = met.iter().filter(|(_, (at, _))| at.elapsed() < REMEMBERED);
        lately.map(|(id, (_, slug))| (*id, slug.clone())).collect()
    }

    /// The number of a project; `None`: there is none of that name.
    pub(super) async fn number_of(&self, slug: &str) -> Result<Option<u64>, RequestError> {
        if let Some((id, _)) = self.met().into_iter().find(|(_, met)| met == slug) {
            return Ok(Some(id));
        }
        Ok(self.projects().await?.iter().find(|known| known.slug == slug).map(|known| known.id))
    }

    /// What kind it was found to be.
    pub(super) fn known_kind(&self) -> Option<Kind> {
        self.shared.kind.get().copied()
    }

    /// All projects that the token may see.
    pub(super) async fn projects(&self) -> Result<Vec<ProjectRow>, RequestError> {
        let pages = self.pages(Ask::new(&PROJECTS).param("per_page", "100"), "", usize::MAX).await?;
        let known = |json: Value| {
            let (id, slug) = (count(&json, "id")?, word(&json, "slug").to_owned());
            (!slug.is_empty()).then_some(ProjectRow { id, slug, json })
        };
        Ok(pages.items.into_iter().filter_map(known).collect())
    }

    /// Slugs of projects by number, those of the numbers at least that exist.
    pub(super) async fn slugs(
        &self,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Result<HashMap<u64, String>, RequestError> {
        let met = self.met();
        if numbers.into_iter().all(|number| met.contains_key(&number)) {
            return Ok(met);
        }
        Ok(self.projects().await?.iter().map(|known| (known.id, known.slug.clone())).collect())
    }

    /// What the organisation says of itself.
    pub(super) async fn organisation(&self) -> Result<Parsed, RequestError> {
        self.send(&Ask::new(&ORG)).await
    }
}

/// A reply and what it says.
pub(super) struct Parsed {
    pub(super) json: Value,
    /// Where the next page begins.
    pub(super) next: Option<String>,
    /// The server's clock.
    pub(super) date: Option<Timestamp>,
    /// As it came.
    pub(super) reply: Reply,
}

impl Parsed {
    /// What it says, and when it came.
    pub(super) fn dated(self) -> (Value, Instant) {
        (self.json, self.reply.loaded)
    }

    fn of(reply: Reply) -> Result<Self, RequestError> {
        let json = match reply.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&reply.body)
                .map_err(|_| RequestError::Broken("answered with data that breaks off", Untrusted::default()))?,
        };
        Ok(Self { json, next: reply.next.clone(), date: reply.date, reply })
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
