//! Node, Python, Ruby, Go, Java, PHP and Rust: forms of what the runtimes and their loaders say.

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
    rules.extend(ruby());
    rules.extend(go());
    rules.extend(java());
    rules.extend(php());
    rules.extend(rust());
    rules.extend(sockets());
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

fn ruby() -> Vec<Rule> {
    vec![
        rule("missing_module", Quote::Found, r"cannot load such file -- ([\w./\-]+)", install),
        rule("missing_module", Quote::Found, r"Could not find gem '([\w\-]+)[^']*'", install),
        rule("missing_module", Quote::Found, r"Could not find ([\w\-]+-\d[\w.]*) in any of the sources", install),
        rule(
            "advice",
            Quote::Line,
            r"To resolve this issue, run|Run `(?:bin/rails|rails|rake|bundle|bundler|gem) [^`]+`|Migrations are pending|You have already activated \S+ .*, but your Gemfile requires|Please (?:add|run) `?(?:gem|bundle|bin/)|Make sure that `?gem \S+`? is added to (?:the|your) Gemfile|Add `?gem ['\x22]|to your Gemfile",
            advice,
        ),
        // Ruby sets the names apart by spaces, below what went wrong.
        rule("did_you_mean", Quote::Line, r"(?m)^\s*Did you mean\? {1,4}(\S+)", |name| Action::UseInstead(name.into())),
        rule(
            "advice",
            Quote::Line,
            r"Declare links to your assets in|with [`']bin/\w+ [^`'\n]+[`']|put it in the ENV\[|run the same command with the environment variable|Please specify the Active Record release|A server is already running\. Check \S+|set default_url_options|Could not find a JavaScript runtime\. See \S+|Try to make it available on the PATH|You want to set webpacker\.yml",
            advice,
        ),
        rule("permission", Quote::Line, r"Blocked hosts?: ([^\s,]+)", |host| Action::Grant(host.into())),
    ]
}

fn go() -> Vec<Rule> {
    vec![
        rule("missing_module", Quote::Found, r"no required module provides package ([^\s;:]+)", install),
        rule("missing_module", Quote::Found, r"missing go\.sum entry for module providing package ([^\s;:]+)", install),
        rule("missing_module", Quote::Line, r"sql: unknown driver \x22([^\x22]+)\x22 \(forgotten import\?\)", |name| {
            Action::Install(name.into())
        }),
        rule(
            "advice",
            Quote::Line,
            r"to add (?:it|missing requirements):?|\bgo (?:get \S|mod tidy|mod download|install \S)|try setting GODEBUG|use `?-\w+=\S+`? to (?:bypass|ignore|override)|\(forgotten import\?\)|requires go >= \d",
            advice,
        ),
        rule("limit", Quote::Line, r"may need to increase max user processes \(ulimit -u\)", |_| {
            Action::Raise("the number of processes (ulimit -u)")
        }),
        rule(
            "advice",
            Quote::Line,
            r"requires cgo to work|\(use [\w.]+[.(]\S*|Fix and force version|could not find default credentials\. See https?://\S+|For verbose messaging see \S+",
            advice,
        ),
    ]
}

fn java() -> Vec<Rule> {
    vec![
        rule("missing_module", Quote::Found, r"java\.lang\.ClassNotFoundException: ([\w.$]+)", install),
        rule("limit", Quote::Line, r"Java heap space|GC overhead limit exceeded", |_| Action::Raise("the heap (-Xmx)")),
        rule("limit", Quote::Line, r"OutOfMemoryError: Metaspace|^Metaspace$", |_| {
            Action::Raise("the metaspace (-XX:MaxMetaspaceSize)")
        }),
        rule("limit", Quote::Line, r"Direct buffer memory", |_| {
            Action::Raise("direct memory (-XX:MaxDirectMemorySize)")
        }),
        rule(
            "advice",
            Quote::Line,
            r"(?m)^\s*(?:Action:)|Consider (?:defining|marking|renaming|revisiting|injecting|updating|changing|registering|declaring|making)|use @Lazy|by setting spring\.[\w.\-]+(?:=| to )|set 'spring\.[\w.\-]+'|add [\w.\-]*jackson-\w+ to enable handling|\(or add Creator|use --add-(?:opens|exports|modules)|--add-opens \S+|You may need to add|must be annotated with|has been compiled by a more recent version of the Java Runtime|set -Djava?\S+|Try using -D\S+|add the (?:following )?dependency",
            advice,
        ),
        rule(
            "limit",
            Quote::Line,
            r"is the value of the [\w.]+ configuration|This limit can be set by changing the \[[\w.\-]+\]",
            |_| Action::Raise("the limit that the words name"),
        ),
        rule(
            "advice",
            Quote::Line,
            r"add Module \x22[^\x22]+\x22 to enable|\(to avoid [\w ]+, (?:disable|enable|use|set) \S+|[Uu]se \w+\(\) or set \w+|or run repair to|write a custom TypeAdapter|Set fielddata=true|You can simply fix this by|Ensure that the compiler uses",
            advice,
        ),
    ]
}

fn php() -> Vec<Rule> {
    vec![
        rule("limit", Quote::Line, r"Allowed memory size of \d+ bytes exhausted", |_| {
            Action::Raise("the memory of a request (memory_limit)")
        }),
        rule("limit", Quote::Line, r"Maximum execution time of \d+ seconds? exceeded", |_| {
            Action::Raise("the time of a request (max_execution_time)")
        }),
        rule(
            "limit",
            Quote::Line,
            r"(?:exceeds|larger than) the (?:upload_max_filesize|post_max_size)(?: directive)?|exceeds the limit of \d+ bytes",
            |_| Action::Raise("the size of uploads (upload_max_filesize, post_max_size)"),
        ),
        rule(
            "limit",
            Quote::Line,
            r"Maximum function nesting level of '?\d+'? reached|To increase the limit change max_input_vars",
            |_| Action::Raise("the limit that the words name"),
        ),
        rule(
            "missing_module",
            Quote::Line,
            r"(?:requires the |require ext-|install the |extension )['`\x22]?([\w\-]+)['`\x22]? (?:PHP )?extension|requires PHP extension (\S+)",
            |name| if name.is_empty() { Action::AsItSays } else { Action::Install(name.into()) },
        ),
        rule(
            "advice",
            Quote::Line,
            r"[Tt]ry running [`\x22']composer require|composer (?:require|install|update|dump-autoload)|Did you forget a \x22?use\x22? statement|php artisan [\w:]+|bin/console [\w:]+|You need to (?:define|install|enable|configure)|Make sure the \S+ (?:extension|package) is|Have you enabled the|Generate (?:one|an application key)|Please provide a valid cache path|Run `?(?:npm|yarn) (?:run )?(?:build|dev)`?",
            advice,
        ),
        rule(
            "missing_module",
            Quote::Line,
            r"([A-Z]\w+) (?:PHP|Library) extension (?:is )?(?:not available|must be installed|not (?:loaded|installed|enabled)|required)",
            |name| Action::Install(name.into()),
        ),
        rule(
            "advice",
            Quote::Line,
            r"You should maybe alias|Composer dependencies require a PHP version|Add \[\w+\] to fillable property",
            advice,
        ),
    ]
}

fn rust() -> Vec<Rule> {
    vec![rule(
        "advice",
        Quote::Line,
        r"(?m)^\s*=?\s*help: \S|there is no reactor running, must be called from the context of|can call blocking only when running on the multi-threaded runtime|A Tokio 1\.x context was found, but (?:timers|IO) (?:are|is) disabled\. Call `|Call `enable_\w+`|use `spawn_blocking`|is required when the `\w+` feature|the `[\w\-]+` feature|[Ee]nable (?:the )?`[\w\-]+` feature|consider (?:setting|calling|enabling) `|(?m)^\s*tip: \S|Call \w+(?:::\w+)+\(\) before|run `cargo [^`]+`|For capture groups, use `",
        advice,
    )]
}

/// A port that is taken: who has it is to be found, or another port to be named.
fn sockets() -> Vec<Rule> {
    vec![rule(
        "advice",
        Quote::Line,
        r"(?i)\bEADDRINUSE\b|address already in use|only one usage of each socket address|port \d+ (?:is|was) already in use|port already in use|Web server failed to start\. Port",
        |_| Action::FreePort,
    )]
}
