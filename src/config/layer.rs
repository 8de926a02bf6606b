//! One source of settings: everything in it may be missing.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// How answers are shaped for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answers {
    /// By client: text alone where data would only cost the model tokens, else both.
    #[default]
    Auto,
    /// Text and data.
    Both,
    /// Text alone.
    Text,
    /// Data alone, with its JSON as text.
    Structured,
}

/// What redaction leaves or takes beside what its forms say: patterns of the `regex` crate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redact {
    /// Stays, though a form says otherwise; never what a name says is a secret.
    pub keep: Option<Vec<String>>,
    /// Goes, though no form says so.
    pub drop: Option<Vec<String>>,
}

/// Settings of one source. The names of the fields are those in the TOML file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the same fields as in Settings")]
pub struct Layer {
    pub store: Option<PathBuf>,
    pub sentry_url: Option<String>,
    pub sentry_org: Option<String>,
    pub sentry_ca: Option<PathBuf>,
    #[cfg(feature = "cluster")]
    pub clickhouse_url: Option<String>,
    #[cfg(feature = "cluster")]
    pub postgres_url: Option<String>,
    pub cache_dir: Option<PathBuf>,
    pub allow_writes: Option<bool>,
    pub project: Option<String>,
    pub environment: Option<String>,
    pub scope_locked: Option<bool>,
    pub answers: Option<Answers>,
    pub code: Option<Vec<PathBuf>>,
    pub no_code: Option<bool>,
    pub listen: Option<String>,
    pub allowed_hosts: Option<Vec<String>>,
    pub symbol_servers: Option<Vec<String>>,
    pub symbol_server_bytes: Option<u64>,
    pub public_url: Option<String>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub trusted_proxies: Option<Vec<String>>,
    pub audit_log: Option<PathBuf>,
    pub redact: Redact,
    pub forward: Option<String>,
    pub forward_sample: Option<f64>,
    pub retention: Option<String>,
    pub dump_retention: Option<String>,
    pub keep_lines: Option<u64>,
    pub max_compressed_bytes: Option<usize>,
    pub max_envelope_bytes: Option<usize>,
    pub max_event_bytes: Option<usize>,
    pub max_items: Option<usize>,
    pub max_depth: Option<usize>,
    pub max_releases: Option<u64>,
    pub max_issues: Option<u64>,
    pub max_requests: Option<u64>,
    pub users_by_address: Option<bool>,
    pub max_environments: Option<u64>,
    pub max_tag_keys: Option<u64>,
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("cannot read the configuration {0}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The file can't be understood.
    #[error("the configuration {0} is not right: {1}")]
    Malformed(PathBuf, String),
    /// Not an address.
    #[error("listen \"{0}\": say an address and a port, such as 127.0.0.1:8969")]
    Listen(String),
    /// Not an address on the web.
    #[error("public_url \"{0}\": say scheme and host, such as https://signal.example.com")]
    PublicUrl(String),
    /// One database of the cluster store without the other.
    #[cfg(feature = "cluster")]
    #[error("--clickhouse-url and --postgres-url go together")]
    Cluster,
    /// A certificate without a key, or a key without a certificate.
    #[error("--tls-cert and --tls-key go together")]
    Tls,
    /// Not the address of a proxy.
    #[error("trusted proxy \"{0}\": say an IP address")]
    Proxy(String),
    /// Not a length of time.
    #[error("retention \"{0}\": say a number of days or weeks, such as 90d")]
    Retention(String),
    /// No home folder.
    #[error("no folder for the store is known here: name one with --store PATH")]
    NoHome,
}

impl Layer {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// When it can't be read or has unknown names.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Unreadable(path.to_owned(), e))?;
        toml::from_str(&text).map_err(|e| ConfigError::Malformed(path.to_owned(), e.message().to_owned()))
    }

    /// Whether it names a Sentry server.
    pub fn names_sentry(&self) -> bool {
        self.sentry_url.is_some() || self.sentry_org.is_some()
    }

    /// Whether it names the databases of a cluster.
    #[cfg(feature = "cluster")]
    pub fn names_cluster(&self) -> bool {
        self.clickhouse_url.is_some() || self.postgres_url.is_some()
    }

    /// What is set here, else what is set there.
    pub fn over(self, other: Self) -> Self {
        Self {
            store: self.store.or(other.store),
            sentry_url: self.sentry_url.or(other.sentry_url),
            sentry_org: self.sentry_org.or(other.sentry_org),
            sentry_ca: self.sentry_ca.or(other.sentry_ca),
            #[cfg(feature = "cluster")]
            clickhouse_url: self.clickhouse_url.or(other.clickhouse_url),
            #[cfg(feature = "cluster")]
            postgres_url: self.postgres_url.or(other.postgres_url),
            cache_dir: self.cache_dir.or(other.cache_dir),
            allow_writes: self.allow_writes.or(other.allow_writes),
            project: self.project.or(other.project),
            environment: self.environment.or(other.environment),
            scope_locked: self.scope_locked.or(other.scope_locked),
            answers: self.answers.or(other.answers),
            code: self.code.or(other.code),
            no_code: self.no_code.or(other.no_code),
            listen: self.listen.or(other.listen),
            allowed_hosts: self.allowed_hosts.or(other.allowed_hosts),
            symbol_servers: self.symbol_servers.or(other.symbol_servers),
            symbol_server_bytes: self.symbol_server_bytes.or(other.symbol_server_bytes),
            public_url: self.public_url.or(other.public_url),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            trusted_proxies: self.trusted_proxies.or(other.trusted_proxies),
            audit_log: self.audit_log.or(other.audit_log),
            redact: Redact {
                keep: self.redact.keep.or(other.redact.keep),
                drop: self.redact.drop.or(other.redact.drop),
            },
            forward: self.forward.or(other.forward),
            forward_sample: self.forward_sample.or(other.forward_sample),
            retention: self.retention.or(other.retention),
            dump_retention: self.dump_retention.or(other.dump_retention),
            keep_lines: self.keep_lines.or(other.keep_lines),
            max_compressed_bytes: self.max_compressed_bytes.or(other.max_compressed_bytes),
            max_envelope_bytes: self.max_envelope_bytes.or(other.max_envelope_bytes),
            max_event_bytes: self.max_event_bytes.or(other.max_event_bytes),
            max_items: self.max_items.or(other.max_items),
            max_depth: self.max_depth.or(other.max_depth),
            max_releases: self.max_releases.or(other.max_releases),
            max_issues: self.max_issues.or(other.max_issues),
            max_requests: self.max_requests.or(other.max_requests),
            users_by_address: self.users_by_address.or(other.users_by_address),
            max_environments: self.max_environments.or(other.max_environments),
            max_tag_keys: self.max_tag_keys.or(other.max_tag_keys),
        }
    }
}
