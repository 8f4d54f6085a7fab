//! `bench`: runs the workloads and prints one table.

mod arguments;
mod servers;

use std::fs;
use std::process::ExitCode;

use argon_benches::Result;
use argon_benches::report::{AnyEngine, Row, table};
use clap::Parser;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let missing = arguments.servers_to_start()?;
    if !missing.is_empty() {
        return servers::run_again_with(&missing);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    // In a task, as a program's requests are, and not on the thread that waits for all of them.
    let measured = runtime.block_on(async { tokio::spawn(measure(arguments)).await });
    measured?.map(|()| ExitCode::SUCCESS)
}

/// Prints what was measured also if something fails in the end: it may have taken long.
async fn measure(arguments: Arguments) -> Result<()> {
    let mut rows: Vec<Row> = Vec::new();
    let begun = |engine: AnyEngine, workload: &str| eprintln!("{engine}: {workload}");
    let finished = arguments.request()?.run(&mut rows, &begun).await;
    println!("{}", table(&rows));
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&rows)?)?;
    }
    finished
}
