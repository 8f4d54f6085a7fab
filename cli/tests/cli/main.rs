//! The `argon` command as its users meet it: the real program, run on real files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod bench;
mod bisect;
mod concurrency;
mod crash;
mod credentials;
mod damage;
mod deleted_projects;
mod documents;
mod dumps;
mod errors;
mod export;
#[cfg(target_os = "linux")]
mod faults;
mod gc;
mod health;
mod import;
mod legacy;
mod masks;
mod merge;
mod metrics;
mod migrate;
mod names;
mod output;
mod patches;
mod queries;
mod readme;
mod remote;
mod replace;
mod sample_dump;
mod settings;
mod stories;
mod support;
#[cfg(feature = "otel")]
mod telemetry;
mod which;
