//! Servers of symbols: files are asked for by name and ids, as Microsoft's, Electron's, Mozilla's, debuginfod and other
//! servers lay them out.
//! It uses `native`'s ids as text, and `reqwest`.
//! It never asks a server that nobody named, and sends it nothing but the file's names and ids.

mod layout;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

pub use layout::WantedFile;
use layout::{LAYOUTS, Layout, paths};
use reqwest::{Client, Url};

/// Longest that one file may take.
const LIMIT: Duration = Duration::from_secs(120);
/// Servers hand files over to where they keep them.
const REDIRECTS: usize = 3;
/// What Breakpad's text begins with.
const BREAKPAD: &[u8] = b"MODULE ";
/// Names of files that say nothing of what is in them.
const GENERAL: [&str; 5] = ["_.debug", "_.dwarf", "debuginfo", "executable", "breakpad"];

/// Why servers can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum SymbolServerError {
    /// Not an address.
    #[error("a symbol server's address is not an http or https URL: {0}")]
    Address(String),
    /// TLS can't be used.
    #[error("connections to symbol servers can't be made")]
    Tls(#[source] reqwest::Error),
}

/// The servers, in the order in which they are asked.
pub struct SymbolServers {
    client: Client,
    servers: Vec<SymbolServer>,
}

struct SymbolServer {
    base: String,
    /// How it lays files out; not known before it handed one out.
    layout: Mutex<Option<Layout>>,
}

impl SymbolServer {
    fn layouts(&self) -> Vec<Layout> {
        let known = *self.layout.lock().unwrap_or_else(PoisonError::into_inner);
        known.map_or_else(|| LAYOUTS.to_vec(), |layout| vec![layout])
    }

    fn lays_out(&self, layout: Layout) {
        *self.layout.lock().unwrap_or_else(PoisonError::into_inner) = Some(layout);
    }
}

/// A file of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedFile {
    /// What it is called, for people.
    pub name: String,
    /// Its bytes, as they came.
    pub bytes: Vec<u8>,
}

impl SymbolServers {
    /// Takes the servers' addresses.
    ///
    /// # Errors
    /// See [`SymbolServerError`].
    pub fn new(urls: &[String]) -> Result<Self, SymbolServerError> {
        let base = |text: &String| {
            let url = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            let url = url.ok_or_else(|| SymbolServerError::Address(text.clone()))?;
            Ok(SymbolServer { base: url.as_str().trim_end_matches('/').to_owned(), layout: Mutex::new(None) })
        };
        let servers = urls.iter().map(base).collect::<Result<_, _>>()?;
        // A second provider in one process is none of our business: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS))
            .timeout(LIMIT)
            .user_agent(concat!("prodsignal/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(SymbolServerError::Tls)?;
        Ok(Self { client, servers })
    }

    /// What the first server that knows a program or library has of it, each file of at most so many bytes: its symbols,
    /// and itself, unless the symbols are Breakpad's, which lack nothing. A server that can't be asked, or has none, is
    /// passed over.
    pub async fn find(&self, wanted: &WantedFile, most: usize) -> Vec<ServedFile> {
        for server in &self.servers {
            for layout in server.layouts() {
                let found = self.of_layout(server, wanted, layout, most).await;
                if !found.is_empty() {
                    server.lays_out(layout);
                    return found;
                }
            }
        }
        Vec::new()
    }

    async fn of_layout(
        &self,
        server: &SymbolServer,
        wanted: &WantedFile,
        layout: Layout,
        most: usize,
    ) -> Vec<ServedFile> {
        let paths = paths(wanted, layout);
        let symbols = self.first(server, wanted, &paths.symbols, most).await;
        if symbols.as_ref().is_some_and(|file| file.bytes.starts_with(BREAKPAD)) {
            return symbols.into_iter().collect();
        }
        symbols.into_iter().chain(self.first(server, wanted, &paths.program, most).await).collect()
    }

    async fn first(
        &self,
        server: &SymbolServer,
        wanted: &WantedFile,
        paths: &[String],
        most: usize,
    ) -> Option<ServedFile> {
        for path in paths {
            if let Some(bytes) = self.get(&format!("{}/{path}", server.base), most).await {
                let name = path.rsplit('/').next().unwrap_or(path);
                // Some layouts have one name for all files.
                let name = if GENERAL.contains(&name) { &wanted.file } else { name };
                return Some(ServedFile { name: name.to_owned(), bytes });
            }
        }
        None
    }

    async fn get(&self, url: &str, most: usize) -> Option<Vec<u8>> {
        let mut answer = self.client.get(url).send().await.ok()?.error_for_status().ok()?;
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.ok()? {
            if bytes.len() + part.len() > most {
                tracing::warn!("a file of a symbol server is larger than is taken");
                return None;
            }
            bytes.extend_from_slice(&part);
        }
        (!bytes.is_empty()).then_some(bytes)
    }
}
