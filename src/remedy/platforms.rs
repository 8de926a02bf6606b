//! Kubernetes and browsers: forms of their documented messages.

use std::sync::LazyLock;

use super::{
    Action,
    rules::{Quote, Rule, rule},
};

fn grant(name: &str) -> Action {
    Action::Grant(name.into())
}

fn advice(_: &str) -> Action {
    Action::AsItSays
}

pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules = kubernetes();
    rules.extend(browsers());
    rules
});

fn kubernetes() -> Vec<Rule> {
    vec![
        rule("permission", Quote::Line, r#"is forbidden: User "[^"]*" cannot (.+)$"#, |name| grant(first_line(name))),
        rule("permission", Quote::Line, r#"(?i)serviceaccount \S+ cannot (\w+) "#, grant),
        rule("limit", Quote::Line, r"exceeded quota: ([^,\s]+)", |_| Action::Raise("the quota of the namespace")),
        rule("limit", Quote::Line, r"\bOOMKilled\b", |_| Action::Raise("the container's memory")),
        rule("limit", Quote::Line, r"(?:maximum|minimum) (?:cpu|memory) usage per (?:Container|Pod) is", |_| {
            Action::Raise("the limit range of the namespace")
        }),
        rule(
            "advice",
            Quote::Line,
            r"may require '?docker login'?|turn validation off with|ensure CRDs are installed first|please apply your changes to the latest version|You must be logged in to the server",
            advice,
        ),
    ]
}

fn browsers() -> Vec<Rule> {
    vec![
        rule(
            "permission",
            Quote::Line,
            r"(?i)request header field (\S+) is not allowed by Access-Control-Allow-Headers",
            grant,
        ),
        rule("permission", Quote::Line, r"(?i)method (\S+) is not allowed by Access-Control-Allow-Methods", grant),
        rule("permission", Quote::Line, r"(?i)No '(Access-Control-Allow-Origin)' header is present", grant),
        rule("permission", Quote::Line, r"(?i)CORS header .(Access-Control-Allow-\w+). missing", grant),
        rule(
            "permission",
            Quote::Line,
            r#"(?i)violates the following Content Security Policy directive: "([^"]+)""#,
            grant,
        ),
        rule("permission", Quote::Line, r"(?i)missing token .([\w-]+). in CORS header", grant),
        rule(
            "advice",
            Quote::Line,
            r"is required to enable inline execution|set the request's mode to 'no-cors'|must be served over HTTPS|must be resumed \(or created\) after a user gesture|Must be handling a user gesture|Only secure origins are allowed|requires self\.crossOriginIsolated|use the non-minified dev environment|You likely forgot to export",
            advice,
        ),
    ]
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}
