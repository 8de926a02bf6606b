//! Commands over the cluster store.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use futures::future::BoxFuture;

use super::{Command, brief, call, import, intake, parts, project, serve, verify};
use crate::{
    backend::{
        cluster::{Caps, ClusterStore, Options},
        embedded::TransferRecord,
    },
    config::{ClusterSettings, Settings},
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    mcp,
    store::{Digest, Locked, Receipt, SignalSink, StoreError},
    tools::TOOLS,
};

/// Runs a command; those that would work on the embedded store in silence are refused.
pub fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    let Some(cluster) = settings.cluster.clone() else { bail!("no databases are configured") };
    match command {
        Command::Call(args) => call::run(settings, args),
        Command::Verify(args) => verify::run(&settings, &args),
        Command::Brief(args) => brief::run(&settings, &args),
        Command::Import(args) => {
            let store = open(&settings, &cluster)?;
            let intake = intake::Intake::over(
                store.clone(),
                Ingest::new(scrubber(&store), parts::limits(&settings)),
                Ingest::new(scrubber(&store).returning(), parts::limits(&settings)),
                settings.project.clone(),
            );
            let code = import::from(&settings, &args, &intake)?;
            // What is asked next finds all of it.
            parts::block_on(store.settle())??;
            Ok(code)
        }
        Command::Project(args) if args.alone().is_some() => {
            let store = open(&settings, &cluster)?;
            let made = parts::block_on(store.ensure_project(args.alone().unwrap_or_default()))??;
            println!("{}", project::dsn(&settings, &made));
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve(_) => serve_it(settings, &cluster),
        _ => bail!("this command does not work over the cluster store yet: docs/cluster.md lists what does"),
    }
}

/// Serves the store; blocks that other processes left are handed over too.
fn serve_it(settings: Settings, cluster: &ClusterSettings) -> anyhow::Result<ExitCode> {
    let store = open(&settings, cluster)?;
    let ctx = parts::configured(&settings)?;
    let server = mcp::Server::new(TOOLS, ctx, settings.answers);
    let ingest = Arc::new(Ingest::new(scrubber(&store), parts::limits(&settings)));
    let host = Arc::new(Locked::new(store.clone(), parts::lock(&settings)));
    let left = store.clone();
    let beside: BoxFuture<'static, ()> = Box::pin(async move { left.forward().await });
    let served = serve::Served { server, sink: store, host, ingest, own: None, beside: Some(beside) };
    serve::serve_store(settings, served)
}

fn scrubber(store: &ClusterStore) -> Scrubber {
    Scrubber::new(Pseudonyms::new(store.pseudonym_key()))
}

/// The store of the settings. Its tables are made with a runtime of their own: nobody's is needed, whoever asks.
pub fn open(settings: &Settings, cluster: &ClusterSettings) -> anyhow::Result<Arc<ClusterStore>> {
    let (releases, environments, tag_keys) = settings.most_names;
    let password = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let options = Options {
        clickhouse_password: password("PRODSIGNAL_CLICKHOUSE_PASSWORD"),
        postgres_password: password("PRODSIGNAL_POSTGRES_PASSWORD"),
        caps: Caps { releases, issues: settings.most_issues, environments, tag_keys },
        ..Options::new(&cluster.clickhouse, &cluster.postgres)
    };
    let opening = std::thread::spawn(move || parts::block_on(ClusterStore::open(options)));
    let opened = opening.join().map_err(|_| anyhow::anyhow!("opening the cluster store failed"))??;
    Ok(Arc::new(opened.context("opening the cluster store")?))
}

#[async_trait::async_trait]
impl intake::Store for ClusterStore {
    async fn write_in_order(&self, digests: Vec<Digest>) -> Result<Vec<Receipt>, StoreError> {
        Self::write_in_order(self, digests).await
    }

    async fn restore(&self, records: Vec<TransferRecord>) -> Result<Vec<(usize, String)>, StoreError> {
        let why = "the cluster store does not take what an export tells beside envelopes yet";
        Ok((0..records.len()).map(|place| (place, why.to_owned())).collect())
    }
}
