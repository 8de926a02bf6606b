//! Node and Python: forms of what the runtimes and their loaders say.

use std::sync::LazyLock;

use super::{
    Action,
    rules::{Quote, Rule, rule},
};

fn install(name: &str) -> Action {
    if name.starts_with(['.', '/']) { Action::CreateFile(name.into()) } else { Action::Install(name.into()) }
}

fn advice(_: &str) -> Action {
    Action::AsItSays
}

pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules = node();
    rules.extend(python());
    rules
});

fn node() -> Vec<Rule> {
    vec![
        rule("missing_module", Quote::Found, r#"Cannot find (?:module|package) ['"]([^'"]+)['"]"#, install),
        rule(
            "missing_module",
            Quote::Found,
            r#"Could not resolve ['"]([^'"]+)['"]|Can't resolve ['"][^'"]+['"]"#,
            install,
        ),
        rule("limit", Quote::Line, r"JavaScript heap out of memory|Reached heap limit", |_| {
            Action::Raise("the heap (--max-old-space-size)")
        }),
        rule("limit", Quote::Line, r"System limit for number of file watchers reached", |_| {
            Action::Raise("the number of file watchers")
        }),
        rule("limit", Quote::Line, r"Use emitter\.setMaxListeners\(\) to increase limit", |_| {
            Action::Raise("the number of listeners")
        }),
        rule(
            "advice",
            Quote::Line,
            r#"Instead (?:change|rename|either)|To load an ES module,|Must use import to load ES Module|Please try re-?compiling|you can use import instead|can always be imported via the default export|To treat it as a CommonJS script|needs an import (?:attribute|assertion) of|Use import\(\) instead|was not handled with \.catch"#,
            advice,
        ),
    ]
}

fn python() -> Vec<Rule> {
    vec![
        rule("missing_module", Quote::Found, r"No module named '?([\w.\-]+)'?", install),
        rule("limit", Quote::Line, r"use sys\.set_int_max_str_digits\(\)", |_| {
            Action::Raise("the digits of an integer (sys.set_int_max_str_digits)")
        }),
        rule(
            "advice",
            Quote::Line,
            r"use an 0o prefix|forgotten to use the proper idiom|Reshape your data|To solve this,?|To avoid this error|is ambiguous\. Use a\.|You must either define the environment variable|You may need to add \S+ to ALLOWED_HOSTS",
            advice,
        ),
    ]
}
