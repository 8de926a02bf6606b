//! prodsignal hands production signal to coding agents over the Model Context Protocol.
//!
//! The modules are floors: each uses only those below its own; see `ARCHITECTURE.md`.

pub mod config;
pub mod model;

pub mod attribution;
pub mod change;
pub mod diagnosis;
pub mod grouping;
pub mod guard;
pub mod install;
pub mod native;
pub mod otlp;
pub mod protocol;
pub mod release;
pub mod remedy;
pub mod replay;
pub mod sourcemaps;
pub mod stacktrace;
pub mod store;
pub mod verify;

mod answers;
pub mod ingest;
pub mod page;
pub mod script;
pub mod view;

pub mod backend;
pub mod checkout;

pub mod tools;

pub mod feed;
pub mod forward;
pub mod mcp;
pub mod skill;
pub mod symbol_server;

pub mod serve;

pub mod cli;
