//! Flags, each with its environment variable and its name in the TOML file.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::config::{Answers, Layer, Redact, Settings, default_config};

/// Said below every help text.
pub const AFTER_HELP: &str = "Each setting comes from its flag, else its environment variable, else its name in the TOML \
    file (--config). Tokens are never flags: set PRODSIGNAL_TOKEN for callers of `serve`, \
    PRODSIGNAL_SENTRY_TOKEN (or SENTRY_AUTH_TOKEN, SENTRY_ACCESS_TOKEN) for Sentry.";

/// The settings as flags; they may stand before or after the command.
#[derive(Args, Debug, Default)]
pub struct Flags {
    /// Configuration file [default: the platform's, if there is one]
    #[arg(long, global = true, env = "PRODSIGNAL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the embedded store [toml: store] [default: the platform's data folder]
    #[arg(long, global = true, env = "PRODSIGNAL_STORE", value_name = "PATH")]
    store: Option<PathBuf>,
    /// Sentry server that is asked instead of the embedded store [toml: sentry_url] [default: what the token says]
    #[arg(long, global = true, env = "PRODSIGNAL_SENTRY_URL", value_name = "URL")]
    sentry_url: Option<String>,
    /// Its organisation [toml: sentry_org] [default: what the token says]
    #[arg(long, global = true, env = "PRODSIGNAL_SENTRY_ORG", value_name = "SLUG")]
    sentry_org: Option<String>,
    /// Certificates (PEM) of the authority that signed the server's [toml: sentry_ca]
    #[arg(long, global = true, env = "PRODSIGNAL_SENTRY_CA", value_name = "FILE")]
    sentry_ca: Option<PathBuf>,
    /// ClickHouse of the cluster store, such as http://user@host:8123/?database=signal; its password is taken from
    /// PRODSIGNAL_CLICKHOUSE_PASSWORD [toml: clickhouse_url]
    #[cfg(feature = "cluster")]
    #[arg(long, global = true, env = "PRODSIGNAL_CLICKHOUSE_URL", value_name = "URL")]
    clickhouse_url: Option<String>,
    /// PostgreSQL of the cluster store, such as postgres://user@host/signal; its password is taken from
    /// PRODSIGNAL_POSTGRES_PASSWORD [toml: postgres_url]
    #[cfg(feature = "cluster")]
    #[arg(long, global = true, env = "PRODSIGNAL_POSTGRES_URL", value_name = "URL")]
    postgres_url: Option<String>,
    /// Does nothing any more: what a Sentry server answers is kept in memory alone
    #[arg(long, global = true, env = "PRODSIGNAL_CACHE_DIR", value_name = "PATH", hide = true)]
    cache_dir: Option<PathBuf>,
    /// Offer the tool that changes issues [toml: allow_writes]
    #[arg(long, global = true, env = "PRODSIGNAL_ALLOW_WRITES")]
    allow_writes: bool,
    /// Default project of every tool [toml: project]
    #[arg(long, global = true, env = "PRODSIGNAL_PROJECT", value_name = "SLUG")]
    project: Option<String>,
    /// Default environment of every tool [toml: environment]
    #[arg(long, global = true, env = "PRODSIGNAL_ENVIRONMENT", value_name = "NAME")]
    environment: Option<String>,
    /// Hold every call to the default project and environment [toml: scope_locked]
    #[arg(long, global = true, env = "PRODSIGNAL_SCOPE_LOCKED")]
    scope_locked: bool,
    /// Shape of answers: auto, both, text, structured [toml: answers] [default: auto]
    #[arg(long, global = true, env = "PRODSIGNAL_ANSWERS", value_name = "SHAPE", value_parser = parse_answers)]
    answers: Option<Answers>,
    /// Folder in a git work tree that frames are matched to; may be repeated [toml: code] [default of stdio: where it starts]
    #[arg(long, global = true, env = "PRODSIGNAL_CODE", value_name = "DIR", value_delimiter = ',')]
    code: Option<Vec<PathBuf>>,
    /// Match frames to no checkout [toml: no_code]
    #[arg(long, global = true, env = "PRODSIGNAL_NO_CODE", conflicts_with = "code")]
    no_code: bool,
    /// How long events are kept, such as 90d [toml: retention] [default: for ever]
    #[arg(long, global = true, env = "PRODSIGNAL_RETENTION", value_name = "DAYS")]
    retention: Option<String>,
    /// How long minidumps are kept, such as 30d [toml: dump_retention] [default: as long as events]
    #[arg(long, global = true, env = "PRODSIGNAL_DUMP_RETENTION", value_name = "DAYS", hide_short_help = true)]
    dump_retention: Option<String>,
    /// Where `serve` listens; port 0 picks one [toml: listen] [default: 127.0.0.1:8969]
    #[arg(long, global = true, env = "PRODSIGNAL_LISTEN", value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Servers that `serve` asks for symbols of crashes, in order; none is asked that is not named [toml: symbol_servers]
    #[arg(
        long = "symbol-server",
        global = true,
        env = "PRODSIGNAL_SYMBOL_SERVERS",
        value_name = "URL",
        value_delimiter = ','
    )]
    symbol_servers: Option<Vec<String>>,
    /// Most bytes that files of symbol servers take; those not needed for longest go first [toml: symbol_server_bytes] [default: 2 GiB]
    #[arg(long, global = true, env = "PRODSIGNAL_SYMBOL_SERVER_BYTES", value_name = "BYTES", hide_short_help = true)]
    symbol_server_bytes: Option<u64>,
    /// Host names that `serve` answers to beside loopback's [toml: allowed_hosts]
    #[arg(long, global = true, env = "PRODSIGNAL_ALLOWED_HOSTS", value_name = "HOST", value_delimiter = ',')]
    allowed_hosts: Option<Vec<String>>,
    /// Address that senders and people use, where it is another than `serve` listens on [toml: public_url]
    #[arg(long, global = true, env = "PRODSIGNAL_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Certificate of `serve` and what vouches for it, PEM [toml: tls_cert]
    #[arg(long, global = true, env = "PRODSIGNAL_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM [toml: tls_key]
    #[arg(long, global = true, env = "PRODSIGNAL_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Addresses of proxies whose X-Forwarded headers count [toml: trusted_proxies]
    #[arg(long, global = true, env = "PRODSIGNAL_TRUSTED_PROXIES", value_name = "IP", value_delimiter = ',')]
    trusted_proxies: Option<Vec<String>>,
    /// File that `serve` adds a line to for each request and call [toml: audit_log] [default: none]
    #[arg(long, global = true, env = "PRODSIGNAL_AUDIT_LOG", value_name = "FILE")]
    audit_log: Option<PathBuf>,
    /// DSN of a Sentry server that `serve` passes each accepted envelope on to [toml: forward] [default: none]
    #[arg(long, global = true, env = "PRODSIGNAL_FORWARD", value_name = "DSN", hide_short_help = true)]
    forward: Option<String>,
    /// Share of envelopes that are passed on, 0 to 1; those of one trace go together [toml: forward_sample] [default: 1]
    #[arg(long, global = true, env = "PRODSIGNAL_FORWARD_SAMPLE", value_name = "SHARE", hide_short_help = true)]
    forward_sample: Option<f64>,
    /// Spans and log lines of traces without a failure that are kept of a project a day; past them, one trace in a hundred
    /// [toml: keep_lines] [default: 100000]
    #[arg(long, global = true, env = "PRODSIGNAL_KEEP_LINES", value_name = "N", hide_short_help = true)]
    keep_lines: Option<u64>,
    /// Largest request as it comes [toml: max_compressed_bytes] [default: 20 MiB]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_COMPRESSED_BYTES", value_name = "BYTES", hide_short_help = true)]
    max_compressed_bytes: Option<usize>,
    /// Largest request unpacked [toml: max_envelope_bytes] [default: 100 MiB]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_ENVELOPE_BYTES", value_name = "BYTES", hide_short_help = true)]
    max_envelope_bytes: Option<usize>,
    /// Largest event [toml: max_event_bytes] [default: 1 MiB]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_EVENT_BYTES", value_name = "BYTES", hide_short_help = true)]
    max_event_bytes: Option<usize>,
    /// Most items of an envelope [toml: max_items] [default: 1000]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_ITEMS", value_name = "N", hide_short_help = true)]
    max_items: Option<usize>,
    /// Deepest nesting of JSON [toml: max_depth] [default: 64]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_DEPTH", value_name = "N", hide_short_help = true)]
    max_depth: Option<usize>,
    /// Most releases of a project; later ones count as "(others)" [toml: max_releases] [default: 10000]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_RELEASES", value_name = "N", hide_short_help = true)]
    max_releases: Option<u64>,
    /// Most issues of a project; events of later ones share the issue "(others)" [toml: max_issues] [default: 50000]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_ISSUES", value_name = "N", hide_short_help = true)]
    max_issues: Option<u64>,
    /// Most requests a minute with one project's key [toml: max_requests] [default: 60000]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_REQUESTS", value_name = "N", hide_short_help = true)]
    max_requests: Option<u64>,
    /// Take a sender's address for the user where an SDK leaves that to the server, kept as a pseudonym
    /// [toml: users_by_address]
    #[arg(long, global = true, env = "PRODSIGNAL_USERS_BY_ADDRESS", hide_short_help = true)]
    users_by_address: bool,
    /// Most environments; later ones count as "(others)" [toml: max_environments] [default: 2000]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_ENVIRONMENTS", value_name = "N", hide_short_help = true)]
    max_environments: Option<u64>,
    /// Most keys of tags; later ones count as "(others)" [toml: max_tag_keys] [default: 2000]
    #[arg(long, global = true, env = "PRODSIGNAL_MAX_TAG_KEYS", value_name = "N", hide_short_help = true)]
    max_tag_keys: Option<u64>,
}

impl Flags {
    /// What an agent's command needs to reach the same store with the same rights, as words.
    pub fn words(&self) -> Vec<String> {
        let path = |path: &Option<PathBuf>| {
            path.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string())
        };
        let valued = [
            ("--config", path(&self.config)),
            ("--store", path(&self.store)),
            ("--sentry-url", self.sentry_url.clone()),
            ("--sentry-org", self.sentry_org.clone()),
            ("--sentry-ca", path(&self.sentry_ca)),
            #[cfg(feature = "cluster")]
            ("--clickhouse-url", self.clickhouse_url.clone()),
            #[cfg(feature = "cluster")]
            ("--postgres-url", self.postgres_url.clone()),
            ("--cache-dir", path(&self.cache_dir)),
            ("--project", self.project.clone()),
            ("--environment", self.environment.clone()),
        ];
        let set =
            [("--allow-writes", self.allow_writes), ("--scope-locked", self.scope_locked), ("--no-code", self.no_code)];
        let folders = self.code.iter().flatten().map(|folder| ("--code", path(&Some(folder.clone()))));
        let valued =
            valued.into_iter().chain(folders).filter_map(|(flag, value)| Some([flag.to_owned(), value?])).flatten();
        valued.chain(set.iter().filter(|(_, set)| *set).map(|(flag, _)| (*flag).to_owned())).collect()
    }

    /// Flags and environment over the file.
    pub fn resolve(self) -> anyhow::Result<Settings> {
        let file = match &self.config {
            Some(path) => Layer::read(path)?,
            None => match default_config().filter(|path| path.exists()) {
                Some(path) => Layer::read(&path)?,
                None => Layer::default(),
            },
        };
        if self.cache_dir.is_some() || file.cache_dir.is_some() {
            eprintln!(
                "note: the setting cache_dir does nothing any more: a Sentry server's answers are kept in memory"
            );
        }
        let first = Layer {
            store: self.store,
            sentry_url: self.sentry_url,
            sentry_org: self.sentry_org,
            sentry_ca: self.sentry_ca,
            #[cfg(feature = "cluster")]
            clickhouse_url: self.clickhouse_url,
            #[cfg(feature = "cluster")]
            postgres_url: self.postgres_url,
            cache_dir: self.cache_dir,
            allow_writes: self.allow_writes.then_some(true),
            project: self.project,
            environment: self.environment,
            scope_locked: self.scope_locked.then_some(true),
            answers: self.answers,
            code: self.code,
            no_code: self.no_code.then_some(true),
            listen: self.listen,
            allowed_hosts: self.allowed_hosts,
            symbol_servers: self.symbol_servers,
            symbol_server_bytes: self.symbol_server_bytes,
            public_url: self.public_url,
            tls_cert: self.tls_cert,
            tls_key: self.tls_key,
            trusted_proxies: self.trusted_proxies,
            audit_log: self.audit_log,
            // Patterns are too long for a command line: the file has them.
            redact: Redact::default(),
            forward: self.forward,
            forward_sample: self.forward_sample,
            retention: self.retention,
            dump_retention: self.dump_retention,
            keep_lines: self.keep_lines,
            max_compressed_bytes: self.max_compressed_bytes,
            max_envelope_bytes: self.max_envelope_bytes,
            max_event_bytes: self.max_event_bytes,
            max_items: self.max_items,
            max_depth: self.max_depth,
            max_releases: self.max_releases,
            max_issues: self.max_issues,
            max_requests: self.max_requests,
            users_by_address: self.users_by_address.then_some(true),
            max_environments: self.max_environments,
            max_tag_keys: self.max_tag_keys,
        };
        Settings::resolve(first, file).context("settings")
    }
}

fn parse_answers(text: &str) -> Result<Answers, String> {
    match text {
        "auto" => Ok(Answers::Auto),
        "both" => Ok(Answers::Both),
        "text" => Ok(Answers::Text),
        "structured" => Ok(Answers::Structured),
        _ => Err("one of auto, both, text, structured".to_owned()),
    }
}
