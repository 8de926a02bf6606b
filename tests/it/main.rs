//! The one integration binary; it mirrors `src`.
#![allow(clippy::unwrap_used, missing_docs)]

mod api;
mod architecture;
mod attribution;
mod change;
mod cli;
mod clients;
mod embedded;
mod generated;
mod grouping;
mod ingest;
mod markers;
mod mcp;
mod program;
mod protocol;
mod release;
mod sdks;
mod search;
mod serve;
mod tools;
mod verify;
mod view;
mod world;
