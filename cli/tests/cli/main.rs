//! The `argon` command as its users meet it: the real program, run on real files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod bench;
mod beside_the_server;
mod bisect;
mod branches;
mod clients;
mod columns;
mod completion;
mod concurrency;
mod conditional;
mod console;
mod crash;
mod credentials;
mod damage;
mod deleted_projects;
mod documents;
mod dumps;
mod dvc;
#[cfg(unix)]
mod edit;
mod errors;
mod export;
#[cfg(target_os = "linux")]
mod faults;
mod gc;
mod health;
mod http;
mod import;
mod indexes;
mod legacy;
mod log;
mod masks;
mod mcp;
mod merge;
mod metrics;
mod migrate;
mod names;
mod other_programs;
mod output;
#[cfg(target_os = "linux")]
mod pager;
mod partial_restore;
mod patches;
mod pipes;
mod queries;
mod readme;
mod remote;
mod replace;
mod sample_dump;
mod server;
mod settings;
mod shell;
mod stories;
mod support;
#[cfg(feature = "otel")]
mod telemetry;
mod times;
mod users;
mod which;
