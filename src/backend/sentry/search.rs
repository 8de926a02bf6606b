//! Passes a typed search on as it stands: Sentry has a grammar of its own, and its meaning must not change on the way.
//!
//! Only what Sentry would refuse, or take for the name of a tag that nothing has, is written otherwise: names that these
//! tools have beside Sentry's, times counted back from an earlier moment, fractions of more than six digits.

use super::{ask::moment, terms::Of};
use crate::{
    model::Timestamp,
    store::{StoreError, Term, parse_search},
};

/// Names of the tools, and what Sentry calls them. Case and underscores don't matter.
const NAMES: [(&str, &str); 14] = [
    ("type", "error.type"),
    ("value", "error.value"),
    ("error.message", "error.value"),
    ("unhandled", "error.unhandled"),
    ("event", "id"),
    ("event.id", "id"),
    ("replay", "replayId"),
    ("replay.id", "replayId"),
    ("trace.id", "trace"),
    ("event.timestamp", "timestamp"),
    ("firstseen", "firstSeen"),
    ("lastseen", "lastSeen"),
    ("timesseen", "timesSeen"),
    ("firstrelease", "firstRelease"),
];
/// Fields of issues: a table of events would take them for tags and find nothing.
const OF_ISSUES: [&str; 17] = [
    "is",
    "status",
    "assigned",
    "assigned_or_suggested",
    "bookmarks",
    "subscribed",
    "linked",
    "issue.priority",
    "issue.category",
    "issue.type",
    "firstSeen",
    "lastSeen",
    "age",
    "timesSeen",
    "userCount",
    "firstRelease",
    "regressed_in_release",
];
const TIMES: [&str; 4] = ["timestamp", "firstSeen", "lastSeen", "age"];
/// Longest search.
const LONGEST: usize = 2_000;

/// A search as Sentry gets it, and what is checked here.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Passed {
    pub(super) text: String,
    pub(super) rest: Vec<Term>,
}

/// When a search is asked.
#[derive(Clone, Copy)]
pub(super) struct When {
    /// The moment that relative times count from.
    pub(super) from: Timestamp,
    /// Whether that is now.
    pub(super) is_now: bool,
}

/// Reads a typed search for what has to be written otherwise.
///
/// # Errors
/// For what a search of this kind can't be asked.
pub(super) fn pass(typed: &str, of: Of, when: When) -> Result<Passed, StoreError> {
    if typed.chars().count() > LONGEST {
        return Err(StoreError::Invalid("the search is longer than 2000 characters"));
    }
    let parts = parts(typed);
    let joined = parts.iter().any(|(_, part)| matches!(part.to_ascii_lowercase().as_str(), "or" | "(" | ")"));
    let mut passed = Passed::default();
    let mut end = 0;
    for (start, part) in parts {
        let written = match condition(part) {
            Some(condition) => condition.written(of, when, joined, &mut passed.rest)?,
            None => Some(part.to_owned()),
        };
        if let Some(written) = written {
            passed.text.push_str(&typed[end..start]);
            passed.text.push_str(&written);
        }
        end = start + part.len();
    }
    passed.text = passed.text.trim().to_owned();
    Ok(passed)
}

/// Whether a search asks for users.
pub(super) fn names_users(typed: &str) -> bool {
    parts(typed).into_iter().filter_map(|(_, part)| condition(part)).any(|condition| condition.key == "user")
}

/// The parts of a search and where they begin: conditions, words, phrases, parentheses. White space within quotes and lists belongs to them.
fn parts(typed: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start) = (Vec::new(), None);
    let (mut quoted, mut listed, mut escaped) = (false, false, false);
    for (at, c) in typed.char_indices() {
        let outside = !quoted && !listed;
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => listed = true,
            ']' if !quoted => listed = false,
            _ if outside && (c.is_whitespace() || c == '(' && start.is_none() || c == ')') => {
                found.extend(start.take().map(|start| (start, &typed[start..at])));
                if !c.is_whitespace() {
                    found.push((at, &typed[at..at + 1]));
                }
                continue;
            }
            _ => {}
        }
        start.get_or_insert(at);
    }
    found.extend(start.map(|start| (start, &typed[start..])));
    found
}

/// `!key:value`.
struct Condition<'a> {
    whole: &'a str,
    negated: bool,
    key: &'a str,
    value: &'a str,
}

fn condition(part: &str) -> Option<Condition<'_>> {
    let rest = part.strip_prefix('!').unwrap_or(part);
    let (key, value) = rest.split_once(':')?;
    let fits = |c: char| c.is_alphanumeric() || "._-@$".contains(c);
    let is_key = !key.is_empty() && key.chars().all(fits);
    is_key.then_some(Condition { whole: part, negated: rest.len() < part.len(), key, value })
}

impl Condition<'_> {
    /// As Sentry gets it; `None`: it is checked here.
    fn written(&self, of: Of, when: When, joined: bool, rest: &mut Vec<Term>) -> Result<Option<String>, StoreError> {
        let folded = |name: &str| name.replace('_', "").to_ascii_lowercase();
        let known = NAMES.iter().find(|(name, _)| folded(name) == folded(self.key));
        let key = known.map_or(self.key, |(_, name)| name);
        let asked = if key == "has" { self.value } else { key };
        let of_issues = OF_ISSUES.iter().any(|name| folded(name) == folded(asked));
        if of == Of::Events && of_issues {
            return Err(StoreError::Unsupported(
                "Sentry can't check this of events: is:, assigned:, issue.priority:, timesSeen, userCount, firstSeen, lastSeen, \
                 firstRelease and their like are of issues (list_issues)",
            ));
        }
        if folded(key) == "usercount" {
            if joined {
                return Err(StoreError::Unsupported(
                    "userCount is checked here, not by Sentry: it can't stand beside OR",
                ));
            }
            let refused = |error: crate::store::SearchError| StoreError::Refused { said: error.to_string().into() };
            rest.extend(parse_search(self.whole, when.from).map_err(refused)?);
            return Ok(None);
        }
        let sign = if self.negated { "!" } else { "" };
        let time = if TIMES.contains(&key) { time(self.value, when) } else { None };
        Ok(Some(format!("{sign}{key}:{}", time.as_deref().unwrap_or(self.value))))
    }
}

/// A time that has to be written otherwise.
fn time(value: &str, when: When) -> Option<String> {
    let bare = value.trim_start_matches(['<', '>', '=']);
    let sign = &value[..value.len() - bare.len()];
    if let Ok(at) = bare.parse::<Timestamp>() {
        let exact =
            bare.split_once('.').is_some_and(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).count() > 6);
        return exact.then(|| format!("{sign}{}", moment(at)));
    }
    let from_now = bare.strip_prefix("now");
    let span = from_now.unwrap_or(bare);
    let minutes = minutes(span.get(1..)?)?;
    let (within, back) = match span.chars().next()? {
        '-' => (true, minutes),
        '+' if from_now.is_none() => (false, minutes),
        _ => return None,
    };
    if from_now.is_none() && when.is_now {
        return None;
    }
    let at = when.from.checked_sub(jiff::SignedDuration::from_mins(back)).ok()?;
    let sign = match (sign, within) {
        ("", true) => ">=",
        ("", false) => "<=",
        (sign, _) => sign,
    };
    Some(format!("{sign}{}", moment(at)))
}

/// `24h`, `2d`, `1w`, `30m`.
fn minutes(span: &str) -> Option<i64> {
    let unit = match span.chars().last()? {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return None,
    };
    let number: i64 = span[..span.len() - 1].parse().ok().filter(|n| (0..100_000).contains(n))?;
    Some(number * unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(is_now: bool) -> When {
        When { from: "2026-11-20T12:00:00.123456789Z".parse().unwrap(), is_now }
    }

    fn issues(typed: &str) -> String {
        pass(typed, Of::Issues, at(true)).unwrap().text
    }

    #[test]
    fn what_sentry_reads_goes_out_as_it_stands() {
        for typed in [
            "is:unresolved is:for_review assigned:me issue.category:performance issue.priority:[high, medium]",
            "message:\"*QoS: 3*\" !message:foo user.email:ada@example.com user.id:42 user:id:42",
            "lastSeen:-24h firstSeen:+2d age:-1w firstSeen:>2026-01-02T03:04:05 timesSeen:>100",
            "release:latest firstRelease:[a@1, \"b 2\"] event.type:error sdk.name:sentry.python*",
            "(level:error OR level:fatal) AND tags[a b]:c !has:user device.family:\"a \\\" b\"",
            "http://x.example/a plain words 0123456789abcdef0123456789abcdef foo() \"a: b\"",
        ] {
            assert_eq!(issues(typed), typed);
        }
    }

    #[test]
    fn names_and_times_that_sentry_lacks_are_written_its_way() {
        for (typed, sent) in [
            ("type:KeyError !unhandled:true", "error.type:KeyError !error.unhandled:true"),
            (
                "first_seen:-1d lastseen:>2026-11-20T11:00:00.123456789Z",
                "firstSeen:-1d lastSeen:>2026-11-20T11:00:00.123456",
            ),
            ("lastSeen:>=now-24h", "lastSeen:>=2026-11-19T12:00:00.123456"),
        ] {
            assert_eq!(issues(typed), sent);
        }
        let before = |typed| pass(typed, Of::Issues, at(false)).unwrap().text;
        assert_eq!(before("lastSeen:-24h"), "lastSeen:>=2026-11-19T12:00:00.123456");
        assert_eq!(before("firstSeen:+7d x"), "firstSeen:<=2026-11-13T12:00:00.123456 x");
    }

    #[test]
    fn what_sentry_can_not_check_is_checked_here_or_refused() {
        let passed = pass("userCount:>3 is:unresolved", Of::Issues, at(true)).unwrap();
        assert_eq!((passed.text.as_str(), passed.rest.len()), ("is:unresolved", 1));
        assert!(pass("userCount:>3 OR is:unresolved", Of::Issues, at(true)).is_err());
        for typed in ["is:unresolved", "assigned:me", "issue.priority:high", "has:assigned", "timesseen:>3", "(is:new)"]
        {
            assert!(pass(typed, Of::Events, at(true)).is_err(), "{typed}");
        }
        assert_eq!(pass("issue:SHOP-1 level:error", Of::Events, at(true)).unwrap().text, "issue:SHOP-1 level:error");
        assert!(names_users("level:error user:user-1") && !names_users("\"user:x\" userland:1"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(typed in "[^\\p{C}\\s]{1,10}( [^\\p{C}\\s]{1,10}){0,4}") {
            let passed = pass(&typed, Of::Issues, at(true));
            if let Ok(Passed { text, rest }) = passed {
                prop_assert!(!rest.is_empty() || text.len() >= typed.len(), "{} of {}", text, typed);
            }
        }
    }
}
