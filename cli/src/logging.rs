//! What argon tells of its work, for whoever operates it: operations as they end, with how long they
//! took, and what was repeated, recovered or swept on the way. Documents and secrets are in none of it.

use std::io;

use argon_core::{Error, Result};
use argon_service::credentials;
use argon_service::settings::LogFormat;
use tracing::Span;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::exit::CommandResult;
use crate::output::Output;
#[cfg(feature = "otel")]
use crate::telemetry::Export;

const FILTER: &str = "RUST_LOG";

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// The log and the export of spans, until the process ends.
pub(crate) struct Logging {
    #[cfg(feature = "otel")]
    export: Option<Export>,
}

impl Logging {
    /// Begins to log on stderr if somebody has asked for it, by `RUST_LOG`, which says what, or by
    /// `--log-format`; and to export spans if the environment names a collector.
    ///
    /// # Errors
    /// `Invalid` if `RUST_LOG` can't be understood.
    #[cfg_attr(not(feature = "otel"), expect(unused_variables))]
    pub(crate) fn start(
        asked: Option<LogFormat>,
        configured: LogFormat,
        output: &Output,
    ) -> Result<Self> {
        let log = log(asked, configured)?;
        #[cfg(feature = "otel")]
        let export = Export::of_environment(output);
        #[cfg(feature = "otel")]
        let exported: Option<BoxedLayer> = export.as_ref().map(|export| export.layer().boxed());
        #[cfg(not(feature = "otel"))]
        let exported: Option<BoxedLayer> = None;
        let layers: Vec<BoxedLayer> = log.into_iter().chain(exported).collect();
        if !layers.is_empty() {
            let started = tracing_subscriber::registry().with(layers).try_init();
            let failed = |source| Error::internal("the log can't be begun").with_source(source);
            started.map_err(failed)?;
        }
        Ok(Self {
            #[cfg(feature = "otel")]
            export,
        })
    }

    /// Sends what is still to be sent.
    #[cfg_attr(not(feature = "otel"), expect(unused_variables, clippy::unused_self))]
    pub(crate) fn end(self, output: &Output) {
        #[cfg(feature = "otel")]
        if let Some(export) = self.export {
            export.end(output);
        }
    }
}

/// The log on stderr, if somebody has asked for it.
fn log(asked: Option<LogFormat>, configured: LogFormat) -> Result<Option<BoxedLayer>> {
    let filter = match (credentials::variable(FILTER)?, asked) {
        (None, None) => return Ok(None),
        (None, Some(_)) => EnvFilter::new("argon=info"),
        (Some(text), _) => EnvFilter::try_new(&text).map_err(|source| {
            Error::invalid(format!(
                "{FILTER}={text}: levels such as info, or argon_core=debug,mongodb=warn are expected"
            ))
            .with_source(source)
        })?,
    };
    let log = fmt::layer().with_span_events(FmtSpan::CLOSE).with_writer(io::stderr);
    Ok(Some(match asked.unwrap_or(configured) {
        LogFormat::Text => log.with_ansi(false).with_filter(filter).boxed(),
        LogFormat::Json => log.json().with_filter(filter).boxed(),
    }))
}

/// The span of a whole command; `name` is its name without arguments.
pub(crate) fn command_span(name: &str) -> Span {
    tracing::info_span!("command", otel.name = name, otel.status_code = tracing::field::Empty)
}

/// Records in its span whether a command succeeded. The message of its error stays on this machine: a
/// collector may belong to others.
pub(crate) fn command_ended(span: &Span, result: &CommandResult) {
    span.record("otel.status_code", if result.is_ok() { "OK" } else { "ERROR" });
}
