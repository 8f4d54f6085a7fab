//! `bench`: runs the workloads and prints one table.

mod arguments;

use std::fs;
use std::process::ExitCode;

use argon_benches::Result;
use argon_benches::report::{Row, table};
use argon_benches::subject::Subject;
use argon_benches::workloads::Workload;
use clap::Parser;

use crate::arguments::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // In a task, as a program's requests are, and not on the thread that waits for all of them.
    let finished = tokio::spawn(measure(arguments)).await.map_err(Into::into).flatten();
    match finished {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: Arguments) -> Result<()> {
    let mut rows: Vec<Row> = Vec::new();
    for engine in &arguments.engine {
        let subject = Subject::new(*engine, arguments.scale(), &arguments.directory())?;
        for workload in arguments.workloads() {
            eprintln!("{engine}: {}", workload.name);
            rows.extend(Workload::run(workload, &subject).await?);
        }
    }
    println!("{}", table(&rows));
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&rows)?)?;
    }
    Ok(())
}
