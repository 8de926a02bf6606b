//! Forms of messages that carry their remedy, one rule a form.

use std::sync::LazyLock;

use regex::Regex;

use super::{Action, Remedy};

/// One form: the kind, the pattern, and what to make of the first group.
struct Rule {
    kind: &'static str,
    pattern: Regex,
    action: fn(&str) -> Action,
}

fn rule(kind: &'static str, pattern: &str, action: fn(&str) -> Action) -> Rule {
    Rule { kind, pattern: Regex::new(pattern).expect("the rule's pattern is a regular expression"), action }
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    vec![
        rule("database_hint", r"(?m)^\s*HINT:\s+(\S.*)$", |_| Action::FollowHint),
        rule(
            "missing_index",
            r"there is no unique or exclusion constraint matching the ON CONFLICT specification",
            |_| Action::CreateUniqueIndex,
        ),
        rule("missing_index", r"ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint", |_| {
            Action::CreateUniqueIndex
        }),
        rule("missing_index", r"no such index: (\S+)", |name| Action::CreateIndex(Some(name.into()))),
        rule("missing_index", r"The query requires an? (?:\w+ )?index\..*", |_| Action::CreateIndex(None)),
        rule("missing_object", r"no such table: (\S+)", |name| Action::CreateObject("table", name.into())),
        rule("missing_object", r"no such column: (\S+)", |name| Action::CreateObject("column", name.into())),
        rule("missing_object", r#"relation "([^"]+)" does not exist"#, |name| {
            Action::CreateObject("table", name.into())
        }),
        rule("missing_object", r#"column "?([\w.]+)"? (?:of relation "[^"]+" )?does not exist"#, |name| {
            Action::CreateObject("column", name.into())
        }),
        rule("missing_object", r"Table '([^']+)' doesn't exist", |name| Action::CreateObject("table", name.into())),
        rule("missing_object", r"Unknown column '([^']+)' in '[^']+'", |name| {
            Action::CreateObject("column", name.into())
        }),
        rule("missing_module", r"No module named '([^']+)'", |name| Action::Install(name.into())),
        rule("missing_module", r"Cannot find (?:module|package) '([^'./][^']*)'", |name| Action::Install(name.into())),
        rule(
            "permission",
            r"permission denied for (?:table|relation|schema|sequence|function|view|database) (\S+)",
            |name| Action::Grant(name.into()),
        ),
        rule("limit", r"JavaScript heap out of memory", |_| Action::Raise("the heap (--max-old-space-size)")),
        rule("limit", r"Packet for query is too large|Got a packet bigger than 'max_allowed_packet' bytes", |_| {
            Action::Raise("max_allowed_packet")
        }),
        rule("limit", r"sorry, too many clients already|Too many connections", |_| {
            Action::Raise("the number of connections")
        }),
        rule("did_you_mean", r"[Dd]id you mean:? ([^?]+)\?", |name| {
            Action::UseInstead(name.trim_matches(['\'', '"']).into())
        }),
    ]
});

/// What one text proposes.
pub(super) fn of_text(text: &str) -> Vec<Remedy> {
    RULES.iter().filter_map(|rule| of_rule(rule, text)).collect()
}

fn of_rule(rule: &Rule, text: &str) -> Option<Remedy> {
    let found = rule.pattern.captures(text)?;
    let whole = found.get(0)?.as_str().trim();
    let group = found.get(1).map_or("", |group| group.as_str());
    let evidence = if rule.kind == "database_hint" { group } else { whole };
    Some(Remedy { kind: rule.kind, action: (rule.action)(group), evidence: evidence.into() })
}
