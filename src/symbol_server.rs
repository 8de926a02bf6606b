//! Servers of symbols: files are asked for by name and debug id, as Microsoft's, Electron's, Mozilla's and other servers lay
//! them out.
//! It uses `native`'s ids as text, and `reqwest`.
//! It never asks a server that nobody named, and sends it nothing but the file's name and id.

use std::time::Duration;

use reqwest::{Client, Url};

/// Longest that one file may take.
const LIMIT: Duration = Duration::from_secs(120);
/// Servers hand files over to where they keep them.
const REDIRECTS: usize = 3;
/// Longest name of a file that is asked for.
const NAME: usize = 200;

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
    bases: Vec<String>,
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
            Ok(url.as_str().trim_end_matches('/').to_owned())
        };
        let bases = urls.iter().map(base).collect::<Result<_, _>>()?;
        // A second provider in one process is none of our business: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS))
            .timeout(LIMIT)
            .user_agent(concat!("prodsignal/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(SymbolServerError::Tls)?;
        Ok(Self { client, bases })
    }

    /// The first file that a server has for a program or library, of at most so many bytes, with its name. A server that
    /// can't be asked, or has none, is passed over.
    pub async fn find(&self, file: &str, debug_id: &str, most: usize) -> Option<(String, Vec<u8>)> {
        for base in &self.bases {
            for path in paths(file, debug_id) {
                if let Some(bytes) = self.get(&format!("{base}/{path}"), most).await {
                    return Some((path.rsplit('/').next().unwrap_or(&path).to_owned(), bytes));
                }
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

/// Where a file may lie below a server's address: `NAME/ID/FILE`, first as Breakpad's text, then as the file itself, then in
/// a cabinet.
fn paths(file: &str, debug_id: &str) -> Vec<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | ' ');
    let Some(id) = id_of(debug_id).filter(|_| file.len() <= NAME && file.chars().all(fits) && !file.starts_with('.'))
    else {
        return Vec::new();
    };
    let stem = |end: &str| file.to_ascii_lowercase().ends_with(end).then(|| &file[..file.len() - end.len()]);
    let mut names = Vec::new();
    match stem(".exe").or_else(|| stem(".dll")) {
        // Electron names its files after the whole name, Microsoft after what stands before the dot.
        Some(stem) => names
            .extend([(format!("{file}.pdb"), format!("{file}.sym")), (format!("{stem}.pdb"), format!("{stem}.sym"))]),
        None => names.push((file.to_owned(), format!("{file}.sym"))),
    }
    let of = |(name, symbols): &(String, String)| {
        let mut files = vec![symbols.clone(), name.clone()];
        // Microsoft's servers keep some files in cabinets, by a name of their own.
        files.extend(name.strip_suffix(".pdb").map(|stem| format!("{stem}.pd_")));
        files.into_iter().map(|file| format!("{name}/{id}/{file}").replace(' ', "%20")).collect::<Vec<_>>()
    };
    names.iter().flat_map(of).collect()
}

/// A debug id as servers have it: 32 hex digits in capitals, then the age.
fn id_of(debug_id: &str) -> Option<String> {
    let plain: String = debug_id.chars().filter(|c| *c != '-').collect();
    let (guid, age) = plain.split_at_checked(32)?;
    let hex = plain.chars().all(|c| c.is_ascii_hexdigit()) && age.len() <= 8;
    hex.then(|| {
        format!(
            "{}{}",
            guid.to_ascii_uppercase(),
            if age.is_empty() { "0".to_owned() } else { age.to_ascii_uppercase() }
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "f23820df-71a7-73b6-2698-a1e7c88741b3";

    #[test]
    fn files_are_asked_for_as_servers_lay_them_out() {
        let id = "F23820DF71A773B62698A1E7C88741B30";
        assert_eq!(paths("kettle", ID), [format!("kettle/{id}/kettle.sym"), format!("kettle/{id}/kettle")]);
        let id = "F23820DF71A773B62698A1E7C88741B3A";
        let windows = paths("Desk.exe", &format!("{ID}-a"));
        assert_eq!(windows[0], format!("Desk.exe.pdb/{id}/Desk.exe.sym"));
        assert_eq!(windows[4..], ["Desk.pdb", "Desk.pd_"].map(|file| format!("Desk.pdb/{id}/{file}")));
    }

    #[test]
    fn names_and_ids_that_are_none_are_not_asked_for() {
        for (file, id) in
            [("../x", ID), ("a/b", ID), ("a?b", ID), ("..", ID), ("kettle", "no id"), ("kettle", ""), ("kéttle", ID)]
        {
            assert!(paths(file, id).is_empty(), "{file} {id}");
        }
    }
}
