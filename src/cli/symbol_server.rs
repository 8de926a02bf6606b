//! Symbols of recent crashes that are missing here, asked of the servers that the operator named.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{doctor_newest::missing, parts};
use crate::{
    backend::embedded::EmbeddedStore,
    sourcemaps::checksum,
    store::{BundleOrder, DebugFileOrder, HostedStore, SignalStore, StoreError},
    symbol_server::{SymbolServers, WantedFile},
};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(60);
/// Largest file that is taken, in bytes.
const FILE: usize = 256 << 20;
/// Names of files that came from servers begin so: by them it is known how much room they take.
const FROM: &str = "symbol server: ";
/// Files that no server had are asked for once; past so many, all are forgotten.
const MISSES: usize = 10_000;

/// Looks at once, then every minute, until `end`. `most`: bytes that files of servers may take; past
/// them, those go first that no crash needed for longest.
pub async fn follow(store: Arc<EmbeddedStore>, servers: SymbolServers, most: u64, end: CancellationToken) {
    let mut asked = HashSet::new();
    let mut times = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            _ = times.tick() => {}
        }
        if let Err(error) = look(&store, &servers, most, &mut asked).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "symbols could not be looked for");
        }
    }
}

async fn look(
    store: &EmbeddedStore,
    servers: &SymbolServers,
    most: u64,
    asked: &mut HashSet<WantedFile>,
) -> Result<(), StoreError> {
    for slug in store.slugs().await? {
        let slug = slug.raw();
        for wanted in missing(store, slug).await? {
            if asked.len() >= MISSES {
                asked.clear();
            }
            if !asked.insert(wanted.clone()) {
                continue;
            }
            // One that is larger than all of the room would only push out the others.
            let largest = FILE.min(usize::try_from(most).unwrap_or(FILE));
            for file in servers.find(&wanted, largest).await {
                keep(store, slug, &file.name, file.bytes).await?;
                store.bound_debug_files(FROM, most).await?;
            }
        }
    }
    Ok(())
}

/// Takes a file as an upload is taken.
async fn keep(store: &EmbeddedStore, slug: &str, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
    let (sum, now) = (checksum(&bytes), parts::now());
    store.keep_chunk(sum, bytes, now).await?;
    let bundle = BundleOrder {
        checksum: sum,
        chunks: vec![sum],
        projects: vec![slug.to_owned()],
        release: None,
        dist: None,
        now,
    };
    let order = DebugFileOrder { bundle, name: format!("{FROM}{name}"), debug_id: None };
    let (done, _) = store.assemble_debug_file(order).await?;
    tracing::info!(?done, "a file of a symbol server");
    Ok(())
}
