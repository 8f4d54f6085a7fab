//! `argon bench`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use argon_benches::network::{RemoteLocation, ServerName};
use argon_benches::report::{
    AnyEngine, Saved, Verdict, chart, compare, comparison_table, svg, table,
};
use argon_benches::request::Request;
use argon_benches::subject::{EngineName, Scale};
use argon_core::Error;
use argon_core::storage::StoreUrl;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  argon bench
  argon bench --engine fjall --only commit,merge --full --save before.json
  argon bench --on 's3://archive/bench?region=eu-central-1' --chart s3.svg
  argon bench compare before.json after.json";

/// Measure this machine: each engine next to the bare engine with the same work in the same run.
///
/// Compare ratios: absolute times change with the load of the machine. Your stores are neither read
/// nor written; the measured stores are removed at the end.
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    command: Option<BenchCommand>,

    /// Which engines on this machine, of sled, fjall and memory, separated by commas
    /// [default: sled,fjall; none with --on]
    #[arg(long, value_delimiter = ',', value_name = "NAME", value_parser = engine)]
    engine: Vec<EngineName>,

    // Text in place of a comment: URLs in angle brackets are links there.
    #[arg(
        long,
        value_name = "URL",
        help = "A server to measure next to its own driver: mongodb://HOST/DATABASE or \
                s3://BUCKET/PREFIX, for databases or objects with names of their own below. Passwords \
                as for stores, never in the URL"
    )]
    on: Vec<String>,

    /// Only these workloads, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAME", value_parser = workloads())]
    only: Vec<String>,

    /// Measure the full sizes, up to a million documents: many minutes and some GB for an engine.
    /// Without it, the large sizes are cut down
    #[arg(long)]
    full: bool,

    /// The directory whose disk is measured
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,

    /// Write the figures to this file, for `argon bench compare`
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Draw the chart into this file, as SVG
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
}

#[derive(Subcommand)]
enum BenchCommand {
    /// Compare two saved runs, line by line; exit code 5 means that a line is worse by more than noise
    ///
    /// Where both runs have a floor, each figure is first taken in terms of the floor of its own run.
    #[command(after_help = "Example:\n  argon bench compare before.json after.json")]
    Compare {
        /// The earlier run
        before: PathBuf,
        /// The later run
        after: PathBuf,
    },
}

fn engine(name: &str) -> Result<EngineName, String> {
    match name.parse()? {
        AnyEngine::Embedded(engine) => Ok(engine),
        AnyEngine::Network(server) => {
            Err(format!("where is it? name the server by `--on {}://…`", server.scheme()))
        }
    }
}

fn workloads() -> PossibleValuesParser {
    Request::workloads().into()
}

impl BenchArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        if let Some(BenchCommand::Compare { before, after }) = &self.command {
            return compared(before, after, context);
        }
        let request = self.request()?;
        let mut rows = Vec::new();
        let begun = |engine: AnyEngine, workload: &str| {
            context.output.say(&format!("{engine}: {workload}"));
        };
        // Dropping the run removes what it has made.
        let finished = tokio::select! {
            finished = request.run(&mut rows, &begun) => finished.map_err(failed),
            ended = crate::teardown::asked_to_end() => ended.and(Err(Failure::Interrupted)),
        };
        let run = Saved::new(request.scale, output::time(context.environment.now()), rows);
        if let Some(path) = &self.save {
            run.write(path).map_err(|error| unwritten(error.to_string()))?;
        }
        if let Some(path) = &self.chart {
            std::fs::write(path, svg(&run.rows))
                .map_err(|error| unwritten(format!("can't write {}: {error}", path.display())))?;
        }
        if !run.rows.is_empty() {
            context.output.result(|| text(&run), &run)?;
        }
        finished
    }

    fn request(&self) -> CommandResult<Request> {
        let mut places = Vec::new();
        for url in &self.on {
            let parsed: StoreUrl = url.parse()?;
            if parsed.has_secrets() {
                return Err(Error::invalid(
                    "every user of this machine can see the password in the URL; put it into \
                     ARGON_STORE_PASSWORD, or ARGON_STORE_PASSWORD_FILE",
                )
                .into());
            }
            let server = ServerName::ALL.into_iter().find(|name| name.scheme() == parsed.scheme());
            let server = server.ok_or_else(|| {
                Error::invalid(format!(
                    "--on {}: mongodb://HOST/DATABASE or s3://BUCKET/PREFIX is expected",
                    parsed.scheme()
                ))
            })?;
            let place = RemoteLocation::new(server, url)
                .map_err(|error| Error::invalid(error.to_string()))?;
            places.push((place, false));
        }
        let engines = match (self.engine.is_empty(), places.is_empty()) {
            (true, true) => vec![EngineName::Sled, EngineName::Fjall],
            _ => self.engine.clone(),
        };
        Ok(Request {
            engines,
            places,
            only: self.only.clone(),
            scale: if self.full { Scale::Full } else { Scale::Quick },
            directory: self.directory.clone(),
            dump: None,
        })
    }
}

/// The failure of a run: an error of Argon as it is, any other as unavailable.
fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> Failure {
    match error.downcast::<Error>() {
        Ok(error) => (*error).into(),
        Err(other) => {
            Error::unavailable("the measurement ended early").with_source(other.to_string()).into()
        }
    }
}

fn unwritten(error: String) -> Failure {
    Error::denied(error).into()
}

/// The columns of a terminal, or of a page where there is none.
fn width() -> usize {
    if !std::io::stdout().is_terminal() {
        return 100;
    }
    rustix::termios::tcgetwinsize(std::io::stdout()).map_or(100, |size| size.ws_col.into())
}

fn text(run: &Saved) -> String {
    let scale = match run.scale {
        Scale::Full => "full sizes",
        Scale::Quick => "small sizes; --full measures what the bars are about",
    };
    let (version, machine) = (&run.version, &run.machine);
    format!(
        "{}\n\n{}\n\nargon {version} on {machine}; {scale}",
        table(&run.rows),
        chart(&run.rows, width())
    )
}

fn compared(before: &Path, after: &Path, context: &Context) -> CommandResult {
    let read = |path| Saved::read(path).map_err(|error| Error::invalid(error.to_string()));
    let (before, after) = (read(before)?, read(after)?);
    if before.machine != after.machine || before.scale != after.scale {
        context.output.note("the runs are of different machines or sizes; compare ratios at most");
    }
    let lines = compare(&before.rows, &after.rows);
    context.output.result(|| comparison_table(&lines), &lines)?;
    if lines.iter().any(|line| line.verdict == Verdict::Worse) {
        return Err(Failure::Reported(argon_core::ErrorKind::Conflict));
    }
    Ok(())
}
