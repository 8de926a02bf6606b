//! GlitchTip: what it has of all this, and what it lacks, said.

use super::{
    ask::Ask,
    json::{list, text, time, word},
    operation::{GLITCHTIP_EVENTS, ISSUES},
    row::Row,
    store::SentryStore,
};
use crate::{
    model::{Change, ChangeReason, Status, Timestamp},
    store::{
        AffectedFacts, AffectedQuery, Field, IssueFacts, IssueQuery, IssueSort, Op, Page, StoreError, TagShare, Test,
        TrendBucket,
    },
};

/// Pages of an issue's events that are read for who is affected.
const EVENTS: usize = 300;
/// Values shown of a tag.
const VALUES: usize = 20;

impl SentryStore {
    /// A list: sorted and filtered there as far as it can, for the rest here, and said.
    pub(super) async fn glitchtip_issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        if query.since.is_some() {
            return Err(StoreError::Unsupported(
                "GlitchTip does not tell the releases of issues: ask with period instead of since_release",
            ));
        }
        let mut terms = query.filter.clone();
        if let Some(typed) = &query.typed {
            let refused = |error: crate::store::SearchError| StoreError::Refused { said: error.to_string().into() };
            terms.extend(crate::store::parse_search(typed.raw(), self.span(&query.scope).1).map_err(refused)?);
        }
        let (search, dropped) = search(query, &terms);
        let sort = match query.sort {
            IssueSort::LastSeen => "-last_seen",
            IssueSort::FirstSeen => "-first_seen",
            IssueSort::Events | IssueSort::Impact | IssueSort::Users => "-count",
        };
        let (start, end) = self.span(&query.scope);
        let ask =
            Ask::new(&ISSUES).param("query", search).param("sort", sort).param("limit", "100").between(start, end);
        let pages = self.server.pages(self.scoped(ask, &query.scope).await?, "", query.skip + query.limit).await?;
        let mut found: Vec<IssueFacts> =
            pages.items.iter().filter_map(|json| self.row(json)).map(|row| self.glitchtip_facts(row)).collect();
        found.retain(|facts| facts.last_seen.is_none_or(|last| last >= start));
        found.retain(|facts| query.change.is_empty() || query.change.contains(&facts.change));
        let more = pages.more || found.len() > query.skip + query.limit;
        let mut warnings = vec!["GlitchTip counts no users of an issue and tells no releases of it"];
        if dropped {
            warnings.push("GlitchTip can't check all conditions of the query: the list is wider than asked");
        }
        let items = found.into_iter().skip(query.skip).take(query.limit).collect();
        Ok(Page { items, total: None, more, warnings, by_change: Vec::new() })
    }

    /// What a row says, without a history to judge it by.
    pub(super) fn glitchtip_facts(&self, row: Row) -> IssueFacts {
        let since = row.first_seen.unwrap_or(Timestamp::UNIX_EPOCH);
        let (change, why) = match row.issue.status {
            Status::Resolved => (Change::Resolved, ChangeReason::Marked { word: "resolved" }),
            _ => (Change::Ongoing, ChangeReason::Steady { since_release: None, since }),
        };
        IssueFacts {
            issue: row.issue,
            events: row.events,
            users: row.users,
            users_known: row.users > 0,
            active_users: 0,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            first_release: None,
            last_release: None,
            environments: Vec::new(),
            replays: 0,
            change,
            why,
            onset: None,
        }
    }

    /// From the newest events of the issue: their days, tags and users that are named.
    pub(super) async fn glitchtip_affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        let Some(issue) = &query.issue else {
            return Err(StoreError::Unsupported("GlitchTip can't be asked for all issues at once: name an issue"));
        };
        let row = self.issue_row(issue, &query.scope).await?;
        let ask = Ask::new(&GLITCHTIP_EVENTS).segment("issue", row.issue.id.to_string()).param("limit", "100");
        let pages = self.server.pages(ask, "", EVENTS).await?;
        let (start, end) = self.span(&query.scope);
        let within = |at: &Timestamp| (start..=end).contains(at);
        let mut facts = AffectedFacts { issue: Some(row.issue), ..AffectedFacts::default() };
        let mut users = std::collections::BTreeSet::new();
        let mut days = std::collections::BTreeMap::<i64, u64>::new();
        let mut tags = std::collections::BTreeMap::<(String, String), u64>::new();
        for event in &pages.items {
            let Some(at) = time(event, "dateCreated").filter(within) else { continue };
            facts.events += 1;
            *days.entry(super::exposure::day_of(at)).or_default() += 1;
            let user = event.get("user").and_then(|user| text(user, "id").or_else(|| text(user, "email")));
            match user {
                Some(user) => drop(users.insert(self.pseudonym(user.raw()))),
                None => facts.anonymous_events += 1,
            }
            for tag in list(event, "tags") {
                let pair = (word(tag, "key").to_owned(), word(tag, "value").to_owned());
                *tags.entry(pair).or_default() += 1;
            }
        }
        (facts.total, facts.in_period) = (users.len() as u64, users.len() as u64);
        facts.trend = days
            .into_iter()
            .map(|(day, events)| TrendBucket { start: super::exposure::start_of(day), users: 0, events })
            .collect();
        facts.breakdown = breakdown(query, tags);
        facts.warnings.push("GlitchTip has no counts of users: these are of the newest events of the issue alone");
        if pages.more {
            facts.warnings.push("the issue has more events than were read");
        }
        Ok(facts)
    }
}

type Shares = Vec<(crate::model::Untrusted, Vec<TagShare>)>;

fn breakdown(query: &AffectedQuery, tags: std::collections::BTreeMap<(String, String), u64>) -> Shares {
    let mut found: Shares = Vec::new();
    for ((key, value), events) in tags {
        if !query.by.is_empty() && !query.by.iter().any(|tag| tag.raw() == key) {
            continue;
        }
        let share = TagShare { value: value.into(), users: 0, events, baseline_users: 0 };
        match found.last_mut().filter(|(last, _)| last.raw() == key) {
            Some((_, shares)) => shares.push(share),
            None => found.push((key.into(), vec![share])),
        }
    }
    for (_, shares) in &mut found {
        shares.sort_by_key(|share| std::cmp::Reverse(share.events));
        shares.truncate(VALUES);
    }
    found
}

/// What it can check: `is:`, plain words and tags. Whatever else it is sent empties its list.
fn search(query: &IssueQuery, terms: &[crate::store::Term]) -> (String, bool) {
    let plain = |term: &&crate::store::Term| {
        !term.negated
            && match &term.test {
                Test::Text(_) | Test::Status(_) => true,
                Test::Field { field: Field::Tag(_), op: Op::Is, values } => values.len() == 1,
                _ => false,
            }
    };
    let kept: Vec<_> = terms.iter().filter(plain).cloned().collect();
    let dropped = kept.len() < terms.len() || query.level.is_some();
    let mut text = super::terms::write(&kept, super::terms::Of::Issues).text;
    if let [status] = query.status.as_slice() {
        super::terms::push(&mut text, &format!("is:{}", status.as_str()));
    }
    (text, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::parse_search;

    #[test]
    fn what_glitchtip_can_not_check_is_not_sent() {
        let sent = |typed: &str| {
            let terms = parse_search(typed, Timestamp::UNIX_EPOCH).unwrap();
            search(&IssueQuery::default(), &terms)
        };
        assert_eq!(sent("is:unresolved browser:Firefox boom"), ("is:unresolved browser:Firefox boom".into(), false));
        assert_eq!(sent("is:unresolved !browser:Firefox timesSeen:>3"), ("is:unresolved".into(), true));
        let open = IssueQuery { status: vec![Status::Unresolved], ..IssueQuery::default() };
        assert_eq!(search(&open, &[]), ("is:unresolved".into(), false));
    }
}
