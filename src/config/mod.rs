//! Settings: flags, then environment, then a TOML file, become one resolved [`Settings`].
//! It uses nothing else of the crate.
//! It never takes a credential from a flag's value.

mod layer;
mod paths;
mod retention;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

pub use layer::{Answers, ConfigError, Layer, Redact};
pub use paths::{default_config, default_store, home};
pub use retention::Retention;

/// What was configured, resolved.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the embedded store.
    pub store: PathBuf,
    /// The Sentry server that is asked instead; `None`: the embedded store answers.
    pub sentry: Option<SentrySettings>,
    /// The databases of the cluster store, which is asked instead.
    #[cfg(feature = "cluster")]
    pub cluster: Option<ClusterSettings>,
    /// Whether tools may change issues.
    pub allow_writes: bool,
    /// Default project of every tool, and of `import`.
    pub project: Option<String>,
    /// Default environment of every tool.
    pub environment: Option<String>,
    /// Whether calls are held to these two.
    pub scope_locked: bool,
    /// How answers are shaped.
    pub answers: Answers,
    /// Folders whose checkouts frames are matched to; `None`: what the command does unless told.
    pub code: Option<Vec<PathBuf>>,
    /// Where `serve` listens.
    pub listen: SocketAddr,
    /// Host names that `serve` answers to beside loopback's own.
    pub allowed_hosts: Vec<String>,
    /// Servers that are asked for symbols, in order.
    pub symbol_servers: Vec<String>,
    /// Most bytes that files of these take of a project.
    pub symbol_server_bytes: u64,
    /// Address that senders and people use, without a slash at its end; `None`: where `serve` listens.
    pub public_url: Option<String>,
    /// Certificate and key of `serve`, both PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Proxies whose word about their callers counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// Where `serve` writes down who asked and changed what.
    pub audit_log: Option<PathBuf>,
    /// What redaction leaves or takes beside what its forms say.
    pub redact: Redact,
    /// DSN of a Sentry server that each accepted envelope also goes to.
    pub forward: Option<String>,
    /// Share of envelopes that go there, 0 to 1.
    pub forward_sample: f64,
    /// How long events are kept; `None`: for ever.
    pub retention: Option<Retention>,
    /// How long minidumps are kept, the events that were read of them aside; `None`: as long as events.
    pub dump_retention: Option<Retention>,
    /// Spans and log lines of traces without a failure that are kept of a project a day.
    pub keep_lines: u64,
    /// Largest request as it comes, in bytes.
    pub max_compressed_bytes: usize,
    /// Largest request unpacked, in bytes.
    pub max_envelope_bytes: usize,
    /// Largest event, in bytes.
    pub max_event_bytes: usize,
    /// Most items of an envelope.
    pub max_items: usize,
    /// Deepest nesting of JSON.
    pub max_depth: usize,
    /// Most releases of a project, environments, keys of tags; what comes after goes by one name together.
    pub most_names: (u64, u64, u64),
    /// Most issues of a project; events of later ones share one.
    pub most_issues: u64,
    /// Most requests a minute with one project's key.
    pub most_requests: u64,
    /// Whether a sender's address stands for users that an SDK leaves to the server; else nobody is known there.
    pub users_by_address: bool,
}

/// Which Sentry server; its token comes from the environment alone and is never part of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentrySettings {
    /// Address; `None`: what the token says, else Sentry's own.
    pub url: Option<String>,
    /// Slug of the organisation; `None`: what the token says.
    pub org: Option<String>,
    /// Certificates (PEM) of an authority of one's own.
    pub ca: Option<PathBuf>,
}

/// Where the databases of the cluster store are; passwords come from the environment alone.
#[cfg(feature = "cluster")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// `http://user@host:8123/?database=name`.
    pub clickhouse: String,
    /// `postgres://user@host/database`.
    pub postgres: String,
}

#[cfg(feature = "cluster")]
impl ClusterSettings {
    /// Of a layer; a store or a server that is named for this run goes before databases that are named for all.
    fn of(first: &Layer, layer: &Layer) -> Result<Option<Self>, ConfigError> {
        if (first.store.is_some() || first.names_sentry()) && !first.names_cluster() {
            return Ok(None);
        }
        match (&layer.clickhouse_url, &layer.postgres_url) {
            (Some(clickhouse), Some(postgres)) => {
                Ok(Some(Self { clickhouse: clickhouse.clone(), postgres: postgres.clone() }))
            }
            (None, None) => Ok(None),
            _ => Err(ConfigError::Cluster),
        }
    }
}

/// Where `serve` listens unless told otherwise: loopback, the port that SDKs with `spotlight` send to.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8969";

impl Settings {
    /// Flags and environment before the file, the file before the defaults.
    ///
    /// # Errors
    /// When a value can't be read.
    pub fn resolve(first: Layer, file: Layer) -> Result<Self, ConfigError> {
        // A store that is named for this run goes before a server that is named for all.
        let embedded = first.store.is_some() && !first.names_sentry();
        #[cfg(feature = "cluster")]
        let named = first.clone();
        let layer = first.over(file);
        #[cfg(feature = "cluster")]
        let cluster = ClusterSettings::of(&named, &layer)?;
        let sentry = (layer.names_sentry() && !embedded).then(|| SentrySettings {
            url: layer.sentry_url.clone(),
            org: layer.sentry_org.clone(),
            ca: layer.sentry_ca.clone(),
        });
        let listen = layer.listen.as_deref().unwrap_or(DEFAULT_LISTEN);
        Ok(Self {
            store: layer.store.map_or_else(default_store, Ok)?,
            sentry,
            #[cfg(feature = "cluster")]
            cluster,
            allow_writes: layer.allow_writes.unwrap_or(false),
            project: layer.project,
            environment: layer.environment,
            scope_locked: layer.scope_locked.unwrap_or(false),
            answers: layer.answers.unwrap_or_default(),
            code: if layer.no_code.unwrap_or(false) { Some(Vec::new()) } else { layer.code },
            listen: address(listen)?,
            public_url: layer.public_url.as_deref().map(public_url).transpose()?,
            allowed_hosts: layer.allowed_hosts.unwrap_or_default(),
            symbol_servers: layer.symbol_servers.unwrap_or_default(),
            symbol_server_bytes: layer.symbol_server_bytes.unwrap_or(2 << 30),
            tls: match (layer.tls_cert, layer.tls_key) {
                (Some(certificate), Some(key)) => Some((certificate, key)),
                (None, None) => None,
                _ => return Err(ConfigError::Tls),
            },
            trusted_proxies: proxies(layer.trusted_proxies.unwrap_or_default())?,
            audit_log: layer.audit_log,
            redact: layer.redact,
            forward: layer.forward,
            forward_sample: layer.forward_sample.unwrap_or(1.0).clamp(0.0, 1.0),
            retention: layer.retention.as_deref().map(str::parse).transpose()?,
            dump_retention: layer.dump_retention.as_deref().map(str::parse).transpose()?,
            keep_lines: layer.keep_lines.unwrap_or(100_000),
            max_compressed_bytes: layer.max_compressed_bytes.unwrap_or(20 << 20),
            max_envelope_bytes: layer.max_envelope_bytes.unwrap_or(100 << 20),
            max_event_bytes: layer.max_event_bytes.unwrap_or(1 << 20),
            max_items: layer.max_items.unwrap_or(1_000),
            max_depth: layer.max_depth.unwrap_or(64),
            most_issues: layer.max_issues.unwrap_or(50_000),
            most_requests: layer.max_requests.unwrap_or(60_000),
            users_by_address: layer.users_by_address.unwrap_or(false),
            most_names: (
                layer.max_releases.unwrap_or(10_000),
                layer.max_environments.unwrap_or(2_000),
                layer.max_tag_keys.unwrap_or(2_000),
            ),
        })
    }
}

impl Settings {
    /// What answers in place of the embedded store, as a text that is the same for the same place.
    pub fn elsewhere(&self) -> Option<String> {
        #[cfg(feature = "cluster")]
        if let Some(cluster) = &self.cluster {
            return Some(format!("{} {}", cluster.clickhouse, cluster.postgres));
        }
        self.sentry.as_ref().map(|sentry| format!("{:?} {:?}", sentry.url, sentry.org))
    }

    /// Scheme, host and port that senders and people use, without a slash at the end.
    pub fn public_base(&self) -> String {
        match &self.public_url {
            Some(url) => url.clone(),
            None => base_of(if self.tls.is_some() { "https" } else { "http" }, self.listen),
        }
    }
}

/// An address as a URL; one that means every address of the machine reads as loopback.
fn base_of(scheme: &str, listen: SocketAddr) -> String {
    let shown = match listen {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], v4.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], v6.port())),
        other => other,
    };
    format!("{scheme}://{shown}")
}

fn address(text: &str) -> Result<SocketAddr, ConfigError> {
    let numeric = match text.split_once(':') {
        Some((host, port)) if host.eq_ignore_ascii_case("localhost") => format!("127.0.0.1:{port}"),
        _ => text.to_owned(),
    };
    numeric.parse().map_err(|_| ConfigError::Listen(text.to_owned()))
}

fn public_url(text: &str) -> Result<String, ConfigError> {
    let bad = || ConfigError::PublicUrl(text.to_owned());
    let trimmed = text.trim().trim_end_matches('/');
    let (scheme, rest) = trimmed.split_once("://").ok_or_else(bad)?;
    let fits = matches!(scheme, "http" | "https")
        && !rest.is_empty()
        && !rest.contains(['@', '?', '#', ' '])
        && !rest.starts_with('/');
    if fits { Ok(trimmed.to_owned()) } else { Err(bad()) }
}

fn proxies(named: Vec<String>) -> Result<Vec<IpAddr>, ConfigError> {
    named.into_iter().map(|text| text.trim().parse().map_err(|_| ConfigError::Proxy(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_an_address() {
        assert_eq!(address("localhost:8969").unwrap(), "127.0.0.1:8969".parse().unwrap());
        assert!(address("everywhere").is_err() && address("localhost").is_err());
    }

    #[test]
    fn every_address_of_the_machine_reads_as_loopback() {
        assert_eq!(base_of("http", "0.0.0.0:8969".parse().unwrap()), "http://127.0.0.1:8969");
        assert_eq!(base_of("http", "10.0.0.5:80".parse().unwrap()), "http://10.0.0.5:80");
    }

    #[test]
    fn a_public_url_has_scheme_and_host_alone() {
        assert_eq!(public_url("https://signal.example.com/").unwrap(), "https://signal.example.com");
        for bad in ["signal.example.com", "ftp://x", "https://", "https://u@x", "https://x?a"] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }
}
