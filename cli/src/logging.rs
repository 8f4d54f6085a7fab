//! What argon tells of its work on stderr, for whoever operates it: operations as they end, with how
//! long they took, and what was repeated, recovered or swept on the way. Documents and secrets are in
//! none of it.

use std::io;

use argon_core::{Error, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::credentials;
use crate::settings::LogFormat;

const FILTER: &str = "RUST_LOG";

/// Begins to log if somebody has asked for it: by `RUST_LOG`, which says what, or by `--log-format`.
///
/// # Errors
/// `Invalid` if `RUST_LOG` can't be understood.
pub(crate) fn start(asked: Option<LogFormat>, configured: LogFormat) -> Result<()> {
    let filter = match (credentials::variable(FILTER)?, asked) {
        (None, None) => return Ok(()),
        (None, Some(_)) => EnvFilter::new("argon=info"),
        (Some(text), _) => EnvFilter::try_new(&text).map_err(|source| {
            Error::invalid(format!(
                "{FILTER}={text}: levels such as info, or argon_core=debug,mongodb=warn are expected"
            ))
            .with_source(source)
        })?,
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(io::stderr);
    let started = match asked.unwrap_or(configured) {
        LogFormat::Text => log.with_ansi(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    started.map_err(|source| Error::internal("the log can't be begun").with_source(source))
}
