//! PostgreSQL, MySQL and MariaDB, SQLite, MongoDB, Firestore, Redis: forms of their documented messages.

use std::sync::LazyLock;

use super::{
    Action,
    rules::{Quote, Rule, rule},
};

fn index(name: &str) -> Action {
    Action::CreateIndex((!name.is_empty()).then(|| name.into()))
}

fn grant(name: &str) -> Action {
    Action::Grant(name.into())
}

fn hint(_: &str) -> Action {
    Action::FollowHint
}

fn advice(_: &str) -> Action {
    Action::AsItSays
}

pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules = postgresql();
    rules.extend(mysql());
    rules.extend(sqlite());
    rules.extend(mongodb());
    rules.extend(firestore());
    rules.extend(redis());
    rules
});

fn postgresql() -> Vec<Rule> {
    vec![
        // A hint may span lines: the further ones are indented.
        rule("database_hint", Quote::Group, r"(?mi)^\s*hint:\s+(\S.*(?:\n[ \t]+\S.*)*)$", hint),
        rule(
            "advice",
            Quote::Line,
            r"must appear in the GROUP BY clause or be used in an aggregate function|incompatible with sql_mode=only_full_group_by",
            advice,
        ),
        rule(
            "missing_index",
            Quote::Found,
            r"there is no unique or exclusion constraint matching the ON CONFLICT specification",
            |_| Action::CreateUniqueIndex,
        ),
        rule("limit", Quote::Line, r"sorry, too many clients already|remaining connection slots are reserved", |_| {
            Action::Raise("the number of connections")
        }),
    ]
}

fn mysql() -> Vec<Rule> {
    let connections = |_: &str| Action::Raise("the number of connections");
    vec![
        rule("limit", Quote::Line, r"\bToo many connections\b", connections),
        rule("limit", Quote::Line, r"(?i)max_user_connections", connections),
        rule(
            "limit",
            Quote::Line,
            r"(?i)Packet for query is too large|Got a packet bigger than '?max_allowed_packet'? bytes|larger than max_allowed_packet",
            |_| Action::Raise("max_allowed_packet"),
        ),
        rule("limit", Quote::Line, r"total number of locks exceeds the lock table size", |_| {
            Action::Raise("the size of the lock table")
        }),
        rule("retry", Quote::Line, r"try restarting transaction", |_| Action::Retry),
        rule("missing_index", Quote::Line, r"Can't find FULLTEXT index matching the column list", index),
        rule(
            "missing_index",
            Quote::Line,
            r"Missing (?:unique key|index) for constraint '[^']*' in the referenced table '([^']+)'",
            index,
        ),
        rule("missing_index", Quote::Line, r"Key '([^']+)' doesn't exist in table '[^']+'", index),
        rule("permission", Quote::Line, r"\b([A-Z][A-Z ,]*) command denied to user '[^']*'@'[^']*'", grant),
        rule("permission", Quote::Line, r"you need \(at least one of\) the (.+?) privilege\(?s?\)?", grant),
        rule(
            "advice",
            Quote::Line,
            r"\(you \*might\* want to use|You have to change some columns to|unblock with 'm\w+|To disable safe mode|consider upgrading M\w+ client|Use '?m\w+d? --thread_stack|check your WHERE and use SET|try to repair it|should be repaired|use SET SQL_BIG_SELECTS",
            advice,
        ),
    ]
}

fn sqlite() -> Vec<Rule> {
    vec![
        rule(
            "missing_index",
            Quote::Found,
            r"ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint",
            |_| Action::CreateUniqueIndex,
        ),
        rule("missing_index", Quote::Found, r"no such index: (\S+)", index),
        rule("did_you_mean", Quote::Line, r"should this be a string literal in single-quotes\?", advice),
        rule(
            "advice",
            Quote::Line,
            r"It is highly recommended that you instead just switch your application to Unicode strings",
            advice,
        ),
    ]
}

fn mongodb() -> Vec<Rule> {
    vec![
        rule("limit", Quote::Line, r"(?i)Pass allowDiskUse:\s?true", |_| {
            Action::Raise("memory of a sort or group, by allowDiskUse")
        }),
        rule(
            "missing_index",
            Quote::Line,
            r"unable to find index for (\$geoNear|\$\w+)? ?query|text index required for \$text query|need exactly one \$text index",
            index,
        ),
        rule("missing_index", Quote::Line, r"index not found with name \[?([^\]\s]+)\]?", index),
        rule(
            "missing_index",
            Quote::Line,
            r"(?i)hint provided does not correspond to an existing index|(?i)planner returned error:? ?bad hint",
            index,
        ),
        rule("permission", Quote::Line, r"not authorized on (\S+) to execute command", grant),
        rule("permission", Quote::Line, r"not allowed to do action \[([^\]]+)\] on \[", grant),
        rule(
            "advice",
            Quote::Line,
            r"Please add retryWrites=false|The 'cursor' option is required|Use mongoose\.model\(name, schema\)",
            advice,
        ),
    ]
}

fn firestore() -> Vec<Rule> {
    vec![
        rule(
            "missing_index",
            Quote::Line,
            r"The query requires an? (?:[\w ]+ )?index(?: for collection (\S+)(?: and field \S+)?)?",
            |name| index(name.trim_end_matches(['.', ',', ':'])),
        ),
        rule("missing_index", Quote::Line, r"no matching index found", index),
        rule(
            "advice",
            Quote::Line,
            r"Enable it by visiting|enable `?ignoreUndefinedProperties`?|Please visit https?://\S+ to (?:add|create|set up)|may be corrected by retrying with",
            advice,
        ),
    ]
}

fn redis() -> Vec<Rule> {
    vec![
        rule("limit", Quote::Line, r"used memory > '?maxmemory'?", |_| Action::Raise("maxmemory")),
        rule("limit", Quote::Line, r"max number of clients (?:\+ cluster connections )?reached", |_| {
            Action::Raise("maxclients")
        }),
        rule(
            "permission",
            Quote::Line,
            r"NOPERM .*?(?:permissions? to (?:run|execute|access) (.+?)|$)(?: command)?$",
            grant,
        ),
        rule(
            "advice",
            Quote::Line,
            r"Please use EVAL|You can only call SCRIPT KILL|You can only call FUNCTION KILL|Please check (?:the )?Redis logs|Just disable protected mode|otherwise you need to set this option",
            advice,
        ),
    ]
}
