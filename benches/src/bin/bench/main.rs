//! `bench`: runs the workloads and prints one table.

mod arguments;
mod servers;

use std::fs;
use std::process::ExitCode;

use argon_benches::Result;
use argon_benches::network::{Remote, ServerName};
use argon_benches::report::{AnyEngine, Row, table};
use argon_benches::subject::{EngineName, Subject};
use argon_benches::workloads::Workload;
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
    let mut finished = Ok(());
    for engine in &arguments.engine {
        finished = match engine {
            AnyEngine::Embedded(engine) => embedded(*engine, &arguments, &mut rows).await,
            AnyEngine::Network(server) => network(*server, &arguments, &mut rows).await,
        };
        if finished.is_err() {
            break;
        }
    }
    println!("{}", table(&rows));
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&rows)?)?;
    }
    finished
}

async fn embedded(engine: EngineName, arguments: &Arguments, rows: &mut Vec<Row>) -> Result<()> {
    let subject = Subject::new(engine, arguments.scale(), &arguments.directory())?;
    run_all(&Workload::<Subject>::ALL, &subject, engine, arguments, rows).await
}

async fn network(server: ServerName, arguments: &Arguments, rows: &mut Vec<Row>) -> Result<()> {
    let place = arguments.place(server)?;
    let remote = Remote::new(place, arguments.scale(), arguments.dump.clone()).await?;
    let measured = run_all(&Workload::<Remote>::ALL, &remote, server, arguments, rows).await;
    if arguments.keep.contains(&server.into()) {
        return measured;
    }
    let removed = remote.remove().await;
    measured.and(removed)
}

async fn run_all<S>(
    workloads: &[Workload<S>],
    subject: &S,
    engine: impl Into<AnyEngine>,
    arguments: &Arguments,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let engine = engine.into();
    for workload in workloads.iter().filter(|workload| arguments.wants(workload.name)) {
        eprintln!("{engine}: {}", workload.name);
        rows.extend(workload.run(subject).await?);
    }
    Ok(())
}
