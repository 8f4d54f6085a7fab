//! The command line of `bench`.

use std::path::PathBuf;

use argon_benches::subject::{EngineName, Scale};
use argon_benches::workloads::Workload;
use clap::Parser;
use clap::builder::PossibleValuesParser;

/// Measures Argon next to the bare engines it is built on, and prints one table.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub(crate) struct Arguments {
    /// Which engines, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "sled,fjall,memory")]
    pub(crate) engine: Vec<EngineName>,

    /// Only these workloads, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = names(), value_name = "NAME")]
    only: Vec<String>,

    /// Cut the large sizes down, to see quickly where one stands
    #[arg(long)]
    quick: bool,

    /// Write the figures to this file as well, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Put the stores here, on the disk that is to be measured; they are removed in the end
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

fn names() -> PossibleValuesParser {
    Workload::ALL.map(|workload| workload.name).into()
}

impl Arguments {
    pub(crate) fn scale(&self) -> Scale {
        if self.quick { Scale::Quick } else { Scale::Full }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.directory.clone().unwrap_or_else(std::env::temp_dir)
    }

    pub(crate) fn workloads(&self) -> impl Iterator<Item = Workload> {
        let wanted = |workload: &Workload| {
            self.only.is_empty() || self.only.iter().any(|name| name == workload.name)
        };
        Workload::ALL.into_iter().filter(wanted)
    }
}
