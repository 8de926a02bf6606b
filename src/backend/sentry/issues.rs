//! Issues: lists of them, and one by name.

use std::cmp::Ordering;

use super::{
    ask::Ask,
    fault::{Fault, optional},
    history::{Shared, TOGETHER},
    json::{count, list, text},
    operation::{EVENT_ID, GLITCHTIP_ISSUE, ISSUE, ISSUES},
    row::Row,
    server::Parsed,
    store::SentryStore,
    terms::{self, Of, any_of, push},
};
use crate::{
    change::{Weight, impact},
    model::{Change, Timestamp, Untrusted},
    store::{Field, IssueFacts, IssueQuery, IssueRef, IssueSort, Op, Page, Scope, StoreError, Term, Test},
};

/// Issues of one page of the upstream.
const BLOCK: usize = 100;
/// As many are judged, all of them, whatever the order.
const FEW: usize = 50;
/// Pages that are followed at most.
const BLOCKS: usize = 5;
/// Releases that fit into one search.
const RELEASES: usize = 50;

impl SentryStore {
    /// Answers `SignalStore::issues`: page after page in the upstream's order, each ranked and judged here.
    pub(super) async fn list_issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        let (ask, rest, mut warnings) = self.issues_ask(query).await?;
        let shared = Shared { scope: &query.scope, since: query.since.as_deref() };
        let mut judged_first = query.sort == IssueSort::Impact || !query.change.is_empty() || !rest.is_empty();
        let wanted = query.skip + query.limit;
        let (mut rows, mut found, mut by_change) = (Vec::new(), Vec::new(), Vec::new());
        let (mut cursor, mut more, mut together) = (None::<String>, false, 0);
        for block in 0..BLOCKS {
            let reply = self.server.send(&ask.clone().param_some("cursor", cursor.clone())).await;
            if block == 0 && self.turned_out_glitchtip(&reply).await {
                return self.glitchtip_issues(query).await;
            }
            let reply = reply?;
            self.server.heard(list(&reply.json, ""));
            let page: Vec<Row> = list(&reply.json, "").iter().filter_map(|json| self.row(json)).collect();
            let next = reply.next.filter(|next| cursor.as_ref() != Some(next) && !page.is_empty());
            // Few enough to say how many there are of each kind.
            judged_first |= block == 0 && next.is_none() && page.len() <= FEW;
            if judged_first {
                together = together.max(page.len());
                let mut facts = self.judged(page, &shared).await?;
                facts.retain(|facts| rest.iter().all(|term| holds(term, facts)) && has_status(query, facts));
                if block == 0 && next.is_none() {
                    by_change = counted(&facts);
                }
                facts.retain(|facts| is_wanted(query, facts.change));
                facts.sort_by(|a, b| order(query, a, b));
                found.extend(facts);
            } else {
                rows.extend(page);
            }
            more = next.is_some();
            cursor = next;
            if !more || found.len().max(rows.len()) >= wanted {
                break;
            }
        }
        let total = (!more).then_some(found.len().max(rows.len()) as u64);
        let more = more || found.len().max(rows.len()) > wanted;
        if judged_first {
            found = found.into_iter().skip(query.skip).take(query.limit).collect();
            if more && query.sort == IssueSort::Impact && total.is_none() {
                warnings
                    .push("ranked by hundreds, those with most users first: there are more issues than one page holds");
            }
        } else {
            let shown: Vec<Row> = rows.into_iter().skip(query.skip).take(query.limit).collect();
            together = shown.len();
            found = self.judged(shown, &shared).await?;
        }
        if together > TOGETHER {
            self.add_replays(&mut found, &shared).await?;
        }
        Ok(Page { items: found, total, more, warnings, by_change })
    }

    /// Whether the first list of a server shows it to be one. Sentry's rows have marks of their own; others are asked.
    async fn turned_out_glitchtip(&self, reply: &Result<Parsed, Fault>) -> bool {
        match reply {
            Ok(reply) => self.server.heard(list(&reply.json, "")),
            Err(fault) if !fault.is_lacking() => return false,
            Err(_) => {}
        }
        self.is_glitchtip().await
    }

    async fn issues_ask(&self, query: &IssueQuery) -> Result<(Ask, Vec<Term>, Vec<&'static str>), StoreError> {
        let mut warnings = Vec::new();
        let terms::Written { text: mut search, rest } = terms::write(&query.filter, Of::Issues);
        if let [status] = query.status.as_slice() {
            push(&mut search, &format!("is:{}", status.as_str()));
        }
        if let Some(level) = query.level {
            push(&mut search, &format!("level:{}", level.as_str()));
        }
        // Older servers refuse this; the service itself has issues of other kinds.
        if self.server.address().is_saas() {
            push(&mut search, "issue.category:error");
        }
        let mut scope = query.scope.clone();
        if let Some(since) = &query.since {
            if since.len() <= RELEASES {
                push(&mut search, &any_of("release", since.iter().map(Untrusted::raw)));
            } else {
                let known = self.known_releases(&self.whole(&scope)).await?;
                let first = known.iter().find(|facts| since.first() == Some(&facts.release.version));
                scope.start = first.map(|facts| facts.release.first_seen).or(scope.start);
                warnings
                    .push("too many releases since then for one search: issues are those seen since the first of them");
            }
        }
        let sort = match query.sort {
            IssueSort::Impact | IssueSort::Users => "user",
            IssueSort::LastSeen => "date",
            IssueSort::FirstSeen => "new",
            IssueSort::Events => "freq",
        };
        let (start, end) = self.span(&scope);
        let ask = Ask::new(&ISSUES)
            .param("query", search)
            .param("sort", sort)
            .param("limit", BLOCK.to_string())
            .param("groupStatsPeriod", "14d")
            .between(start, end);
        Ok((self.scoped(ask, &scope).await?, rest, warnings))
    }

    /// Answers `SignalStore::issue`.
    pub(super) async fn one_issue(&self, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError> {
        let row = self.issue_row(issue, scope).await?;
        if self.is_glitchtip_known() {
            return Ok(self.glitchtip_facts(row));
        }
        let query = format!("issue.id:{}", row.issue.id);
        let shared = Shared { scope, since: None };
        let (facts, counts) = tokio::join!(
            self.judged(vec![row.clone()], &shared),
            self.groups(scope, &query, &["count()", "count_unique(user)"], "-count()", 1)
        );
        let mut facts = facts?.pop().expect("one row in, one out");
        let counts = optional(counts)?;
        if let Some(row) = counts.items.first() {
            facts.events = count(row, "count()").unwrap_or(0);
            facts.users = count(row, "count_unique(user)").unwrap_or(0);
        }
        Ok(facts)
    }

    /// An issue by whatever names it.
    pub(super) async fn issue_row(&self, issue: &IssueRef, scope: &Scope) -> Result<Row, StoreError> {
        let (name, asked, what) = match issue {
            IssueRef::Named(asked) => (self.issue_name(asked)?, asked.clone(), "issue"),
            IssueRef::OfEvent(event) => {
                let asked: Untrusted = event.to_string().into();
                (self.issue_of_event(asked.raw()).await.map_err(|f| f.at("event", &asked))?, asked, "event")
            }
        };
        let found = self.issue_alone(&name, scope).await.map_err(|fault| fault.at(what, &asked))?;
        let row = self.row(&found.json).ok_or(Fault::Strange("answered with an issue that has no number"))?;
        for other in [row.issue.id.to_string(), row.issue.short_id.clone()] {
            if other != name {
                self.server.also(&self.issue_ask(&other, scope), found.reply.clone()).await;
            }
        }
        let of_scope = scope.project.as_ref().is_none_or(|slug| slug.raw() == row.issue.project);
        if of_scope { Ok(row) } else { Err(Fault::NotThere.at(what, &asked)) }
    }

    async fn issue_alone(&self, name: &str, scope: &Scope) -> Result<Parsed, Fault> {
        match self.server.send(&self.issue_ask(name, scope)).await {
            Err(fault) if fault.is_lacking() && !self.is_glitchtip_known() && self.is_glitchtip().await => {
                self.server.send(&self.issue_ask(name, scope)).await
            }
            found => {
                let found = found?;
                self.server.heard(std::slice::from_ref(&found.json));
                Ok(found)
            }
        }
    }

    /// Asks for an issue alone, as this kind of server takes it.
    fn issue_ask(&self, name: &str, scope: &Scope) -> Ask {
        if self.is_glitchtip_known() {
            return Ask::new(&GLITCHTIP_ISSUE).segment("issue", name);
        }
        let environment = scope.environment.as_ref().map(|name| name.raw().to_owned());
        Ask::new(&ISSUE).segment("issue", name).param_some("environment", environment)
    }

    async fn issue_of_event(&self, event: &str) -> Result<String, Fault> {
        let reply = self.server.send(&Ask::new(&EVENT_ID).segment("event", event)).await?;
        text(&reply.json, "groupId").map(Untrusted::into_raw).ok_or(Fault::NotThere)
    }

    /// A number, a short id, or the one in a web address of this server. Nothing is fetched from a pasted address.
    pub(super) fn issue_name(&self, asked: &Untrusted) -> Result<String, StoreError> {
        let text = asked.raw().trim();
        let name = match reqwest::Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                if !self.server.address().owns(&url) {
                    return Err(StoreError::Invalid(
                        "this address belongs to another server than the one that is configured (--sentry-url)",
                    ));
                }
                let mut parts = url.path_segments().into_iter().flatten().skip_while(|part| *part != "issues");
                parts.nth(1).unwrap_or_default().to_owned()
            }
            _ => text.to_owned(),
        };
        let digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        let short = name.rsplit_once('-').is_some_and(|(slug, number)| {
            !slug.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        let plain = name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if plain && (digits || short) { Ok(name) } else { Err(Fault::NotThere.at("issue", asked)) }
    }
}

fn counted(facts: &[IssueFacts]) -> Vec<(Change, u64)> {
    [Change::New, Change::Regressed, Change::Escalating, Change::Ongoing, Change::Resolved]
        .into_iter()
        .map(|change| (change, facts.iter().filter(|facts| facts.change == change).count() as u64))
        .filter(|(_, n)| *n > 0)
        .collect()
}

/// Since a release and by impact, without a filter, what broke is what is asked for.
fn is_wanted(query: &IssueQuery, change: Change) -> bool {
    let broke = matches!(change, Change::New | Change::Regressed | Change::Escalating);
    let by_default = query.since.is_none() || query.sort != IssueSort::Impact || !query.filter.is_empty() || broke;
    if query.change.is_empty() { by_default } else { query.change.contains(&change) }
}

fn has_status(query: &IssueQuery, facts: &IssueFacts) -> bool {
    query.status.is_empty() || query.status.contains(&facts.issue.status)
}

/// The order of one block; the upstream's own where it has it.
fn order(query: &IssueQuery, a: &IssueFacts, b: &IssueFacts) -> Ordering {
    let by_id = |a: &IssueFacts, b: &IssueFacts| a.issue.id.cmp(&b.issue.id);
    let ordered = match query.sort {
        IssueSort::Impact => rank(query, b).total_cmp(&rank(query, a)),
        IssueSort::LastSeen => b.last_seen.cmp(&a.last_seen),
        IssueSort::FirstSeen => b.first_seen.cmp(&a.first_seen),
        IssueSort::Events => b.events.cmp(&a.events),
        IssueSort::Users => (b.users, b.events).cmp(&(a.users, a.events)),
    };
    ordered.then_with(|| b.last_seen.cmp(&a.last_seen)).then_with(|| by_id(a, b))
}

/// What broke since a release comes before what was broken already: new, back, growing, in that order.
fn rank(query: &IssueQuery, facts: &IssueFacts) -> f64 {
    let first = match facts.change {
        _ if query.since.is_none() => 0.0,
        Change::New => 3e12,
        Change::Regressed => 2e12,
        Change::Escalating => 1e12,
        Change::Ongoing | Change::Resolved => 0.0,
    };
    let weight = Weight {
        users: facts.users,
        events: facts.events,
        active: facts.active_users,
        change: facts.change,
        why: &facts.why,
        unhandled: facts.issue.unhandled,
        status: facts.issue.status,
        as_of: query.scope.end.or(facts.last_seen).unwrap_or(Timestamp::UNIX_EPOCH),
    };
    first + impact(&weight)
}

/// Whether a condition holds that the upstream can't check.
fn holds(term: &Term, facts: &IssueFacts) -> bool {
    let holds = match &term.test {
        Test::Change(change) => facts.change == *change,
        Test::Status(status) => facts.issue.status == *status,
        Test::Field { field: Field::UserCount, op, values } => values.iter().any(|value| {
            let Ok(other) = value.raw().trim().parse::<f64>() else { return false };
            let own = facts.users as f64;
            match op {
                Op::Is => own == other,
                Op::Greater => own > other,
                Op::AtLeast => own >= other,
                Op::Less => own < other,
                Op::AtMost => own <= other,
            }
        }),
        _ => true,
    };
    holds != term.negated
}
