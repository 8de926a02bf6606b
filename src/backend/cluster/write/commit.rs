//! One transaction: what many digests change, gathered so that each row is touched once.
//! It uses `tokio_postgres`.
//! It never commits: whoever opened the transaction does.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    names::{Names, Ordered},
    touch::Touched,
};
use crate::{
    answers::{DAY_US, day_of, micros},
    backend::cluster::{
        clickhouse::{ClickHouse, list},
        postgres::Lent,
        rows::{Block, Table},
    },
    model::{EventId, Untrusted, UserKey},
    store::{Digest, Outcome, Receipt, Record, StoreError},
};

/// Held by the one transaction that writes, of all processes: what is decided once needs no second look.
const LOCK: i64 = 0x7072_6f64_7369_6777;
/// How long ids are claimed, from when they came.
const CLAIMED_US: i64 = 3 * DAY_US;
/// Events older than that may have been claimed before: ClickHouse is asked.
const OLD_US: i64 = 2 * DAY_US;
/// Names of unknown types that are kept of a day; others count as `unknown`.
const UNKNOWN_NAMES: i64 = 50;
/// Bytes of a block past which another is begun.
const BLOCK_BYTES: usize = 16 << 20;

/// What claims of ids are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    Event = b'e' as isize,
    Item = b'i' as isize,
}

/// The key of a claim.
pub(super) fn claim(kind: Claim, id: &[u8; 16]) -> [u8; 17] {
    let mut key = [kind as u8; 17];
    key[1..].copy_from_slice(id);
    key
}

/// The transaction and what is to be written at its end.
pub(super) struct Commit<'t> {
    pub(super) lent: &'t Lent,
    clickhouse: &'t ClickHouse,
    pub(super) names: &'t mut Names,
    pub(super) touched: Touched,
    /// Claims that this transaction has and nothing was stored under yet.
    claimed: HashSet<(u64, [u8; 17])>,
    pub(super) blocks: BTreeMap<Table, Vec<Block>>,
    /// The next number of an event or item, in the order that they were stored.
    seq: u64,
    /// By day, project, item, outcome, reason.
    outcomes: BTreeMap<(i64, u64, String, &'static str, &'static str), i64>,
}

impl<'t> Commit<'t> {
    /// Waits for its turn.
    pub(super) async fn begin(
        lent: &'t Lent,
        clickhouse: &'t ClickHouse,
        names: &'t mut Names,
    ) -> Result<Self, StoreError> {
        lent.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        names.trim();
        Ok(Self {
            lent,
            clickhouse,
            names,
            touched: Touched::default(),
            claimed: HashSet::new(),
            blocks: BTreeMap::new(),
            seq: 0,
            outcomes: BTreeMap::new(),
        })
    }

    /// Bytes that wait for ClickHouse.
    pub(super) async fn outbox_bytes(&self) -> Result<i64, StoreError> {
        let sql = "SELECT coalesce(sum(bytes), 0)::bigint FROM outbox";
        Ok(self.lent.query_one(sql, &[]).await?.get(0))
    }

    /// Looks up, or makes, everything that the digests name, and claims their ids.
    pub(super) async fn learn(&mut self, digests: &[&Digest]) -> Result<(), StoreError> {
        let mut named = Named::default();
        digests.iter().for_each(|digest| named.see(digest));
        let lent = self.lent;
        self.names.learn_environments(lent, &named.environments).await?;
        self.names.learn_tag_keys(lent, &named.tag_keys).await?;
        self.names.learn_releases(lent, named.releases).await?;
        self.names.learn_users(lent, &named.users).await?;
        self.names.learn_issues(lent, named.hashes).await?;
        self.claim(digests, named.claims).await?;
        let sql = "SELECT setval('event_seq', nextval('event_seq') + $1 - 1) - $1 + 1";
        let records = digests.iter().map(|digest| digest.records.len() as i64).sum::<i64>().max(1);
        self.seq = lent.query_one(sql, &[&records]).await?.get::<_, i64>(0) as u64;
        Ok(())
    }

    async fn claim(&mut self, digests: &[&Digest], claims: Vec<(u64, [u8; 17], i64)>) -> Result<(), StoreError> {
        if claims.is_empty() {
            return Ok(());
        }
        let projects: Vec<i64> = claims.iter().map(|(project, ..)| *project as i64).collect();
        let keys: Vec<&[u8]> = claims.iter().map(|(_, key, _)| &key[..]).collect();
        let times: Vec<i64> = claims.iter().map(|(.., at)| *at).collect();
        let sql = "INSERT INTO seen(project, id, at) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[])
                   ON CONFLICT DO NOTHING RETURNING project, id";
        for row in self.lent.query(sql, &[&projects, &keys, &times]).await? {
            if let Ok(key) = row.get::<_, &[u8]>(1).try_into() {
                self.claimed.insert((row.get::<_, i64>(0) as u64, key));
            }
        }
        let latest = times.into_iter().max().unwrap_or(0);
        self.lent.execute("DELETE FROM seen WHERE at<$1", &[&(latest - CLAIMED_US)]).await?;
        self.release_stored(digests).await
    }

    /// Takes back claims of old events that are stored already: theirs may have been dropped.
    async fn release_stored(&mut self, digests: &[&Digest]) -> Result<(), StoreError> {
        let mut old: Vec<(u64, EventId)> = Vec::new();
        for digest in digests {
            let before = micros(digest.received) - OLD_US;
            old.extend(digest.records.iter().filter_map(|record| match record {
                Record::Event(event) if micros(event.event.timestamp) < before => {
                    Some((digest.project.id, event.event.id))
                }
                _ => None,
            }));
        }
        old.retain(|(project, id)| self.claimed.contains(&(*project, claim(Claim::Event, &id.0.to_be_bytes()))));
        if old.is_empty() {
            return Ok(());
        }
        let ids = list(old.iter().map(|(_, id)| format!("unhex('{:032x}')", id.0)));
        let sql = format!("SELECT project, hex(id) FROM event WHERE id IN {ids}");
        for (project, id) in self.clickhouse.rows::<(u64, String)>(&sql).await? {
            if let Ok(id) = u128::from_str_radix(&id, 16) {
                self.claimed.remove(&(project, claim(Claim::Event, &id.to_be_bytes())));
            }
        }
        Ok(())
    }

    /// Takes the claim of an id; false if somebody stored it before.
    pub(super) fn take(&mut self, project: u64, kind: Claim, id: &[u8; 16]) -> bool {
        self.claimed.remove(&(project, claim(kind, id)))
    }

    /// The next number in the order of storing.
    pub(super) fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq - 1
    }

    /// The block that the next row of a table goes to.
    pub(super) fn block(&mut self, table: Table) -> &mut Block {
        let blocks = self.blocks.entry(table).or_default();
        if blocks.last().is_none_or(|last| last.len() > BLOCK_BYTES) {
            blocks.push(Block::default());
        }
        let last = blocks.len() - 1;
        &mut blocks[last]
    }

    /// Stores one digest.
    pub(super) async fn store(&mut self, digest: &Digest) -> Result<Receipt, StoreError> {
        let (project, received) = (digest.project.id, digest.received);
        let mut receipt = Receipt::default();
        for record in &digest.records {
            let stored = match record {
                Record::Event(event) => self.event(project, received, event, &mut receipt).await?,
                Record::Session(session) => self.session(project, session),
                Record::Sessions(sessions) => self.session_counts(project, sessions),
                Record::Item(item) => self.item(project, item),
                Record::Dropped(dropped) => self.dropped(project, dropped).await?,
                Record::Part(_) => {
                    return Err(StoreError::Unsupported("the cluster store does not take traces of OpenTelemetry yet"));
                }
            };
            *(if stored { &mut receipt.stored } else { &mut receipt.duplicates }) += 1;
        }
        let day = day_of(micros(received));
        for outcome in &digest.outcomes {
            self.outcome(day, project, outcome).await?;
        }
        Ok(receipt)
    }

    async fn outcome(&mut self, day: i64, project: u64, outcome: &Outcome) -> Result<(), StoreError> {
        let named = match &outcome.named {
            Some(name) if self.may_name(day, name).await? => name,
            _ => outcome.item,
        };
        let key = (day, project, named.to_owned(), outcome.outcome, outcome.reason);
        *self.outcomes.entry(key).or_default() += outcome.quantity as i64;
        Ok(())
    }

    /// Whether one more name of an unknown type may be kept that day.
    async fn may_name(&self, day: i64, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT count(DISTINCT item)<$2 OR count(CASE WHEN item=$3 THEN 1 END)>0
                   FROM outcome WHERE day=$1 AND outcome='unknown'";
        Ok(self.lent.query_one(sql, &[&day, &UNKNOWN_NAMES, &name]).await?.get(0))
    }

    /// Writes what was gathered, and the blocks.
    pub(super) async fn finish(mut self) -> Result<(), StoreError> {
        let touched = std::mem::take(&mut self.touched);
        touched.write(self.lent, self.names).await?;
        for ((day, project, item, outcome, reason), n) in &self.outcomes {
            let sql = "INSERT INTO outcome(day, project, item, outcome, reason, n) VALUES($1, $2, $3, $4, $5, $6)
                       ON CONFLICT(day, project, item, outcome, reason) DO UPDATE SET n=outcome.n+excluded.n";
            self.lent.execute(sql, &[day, &(*project as i64), item, outcome, reason, n]).await?;
        }
        for (table, blocks) in &self.blocks {
            for block in blocks {
                self.send(*table, block).await?;
            }
        }
        Ok(())
    }

    async fn send(&self, table: Table, block: &Block) -> Result<(), StoreError> {
        let squeezed = block.squeezed()?;
        let mut token = [0_u8; 16];
        getrandom::fill(&mut token)
            .map_err(|error| StoreError::Engine { context: "random bytes", source: error.into() })?;
        let token = format!("{:032x}", u128::from_be_bytes(token));
        let sql = "INSERT INTO outbox(destination, token, rows, bytes, block) VALUES($1, $2, $3, $4, $5)";
        self.lent
            .execute(sql, &[&table.destination(), &token, &block.rows, &(squeezed.len() as i64), &squeezed])
            .await?;
        Ok(())
    }
}

/// Everything that digests name.
#[derive(Default)]
struct Named<'d> {
    environments: Ordered<&'d str>,
    tag_keys: Ordered<&'d str>,
    releases: BTreeMap<(u64, &'d str), i64>,
    users: Ordered<UserKey>,
    hashes: BTreeSet<(u64, [u8; 16])>,
    claims: Vec<(u64, [u8; 17], i64)>,
}

impl<'d> Named<'d> {
    fn see(&mut self, digest: &'d Digest) {
        let (project, received) = (digest.project.id, micros(digest.received));
        for record in &digest.records {
            match record {
                Record::Event(record) => {
                    let event = &record.event;
                    let at = micros(event.timestamp);
                    self.place(project, event.release.as_ref(), event.environment.as_ref(), at);
                    self.users.extend(record.user);
                    let keys = record.tags.iter().filter(|(key, value)| !key.is_empty() && !value.is_empty());
                    self.tag_keys.extend(keys.map(|(key, _)| key.raw()));
                    let group = &record.group;
                    let across = group.across.iter().flat_map(|a| [a.said[0], a.said[1], a.here, a.ambiguous]);
                    let hashes = std::iter::once(group.hash).chain(group.also.iter().copied()).chain(across);
                    self.hashes.extend(hashes.map(|hash| (project, hash)));
                    self.hashes.insert((project, super::event::OVERFLOW));
                    self.claims.push((project, claim(Claim::Event, &event.id.0.to_be_bytes()), received));
                }
                Record::Session(session) => {
                    let at = micros(session.started);
                    self.place(project, Some(&session.release), session.environment.as_ref(), at);
                    self.users.extend(session.user);
                }
                Record::Sessions(sessions) => {
                    let at = micros(sessions.started);
                    self.place(project, Some(&sessions.release), sessions.environment.as_ref(), at);
                    self.users.extend(sessions.user);
                }
                Record::Item(item) => {
                    let at = micros(item.timestamp);
                    self.place(project, item.release.as_ref(), item.environment.as_ref(), at);
                    self.users.extend(item.user);
                    self.users.extend(item.used.iter().filter_map(|used| used.user));
                    self.claims.extend(item.dedupe.map(|id| (project, claim(Claim::Item, &id), received)));
                }
                Record::Dropped(dropped) => {
                    let at = micros(dropped.timestamp);
                    self.place(project, dropped.release.as_ref(), dropped.environment.as_ref(), at);
                }
                Record::Part(_) => {}
            }
        }
    }

    fn place(&mut self, project: u64, release: Option<&'d Untrusted>, environment: Option<&'d Untrusted>, at: i64) {
        if let Some(version) = release.map(Untrusted::raw).filter(|version| !version.is_empty()) {
            let seen = self.releases.entry((project, version)).or_insert(at);
            *seen = at.min(*seen);
        }
        self.environments.extend(environment.map(Untrusted::raw).filter(|name| !name.is_empty()));
    }
}
