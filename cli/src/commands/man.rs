//! `argon man`

use std::path::PathBuf;

use argon_core::Error;
use clap::{Args, CommandFactory};

use crate::args::Cli;
use crate::context::Context;
use crate::exit::CommandResult;

/// Write the manual pages, argon.1 and one for each command, into a directory.
#[derive(Args)]
#[command(after_help = "Example:\n  argon man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The directory; it is made if it is not there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl ManArgs {
    pub(crate) fn run(self, context: &Context) -> CommandResult {
        let directory = &self.directory;
        std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), directory))
            .map_err(|source| {
                let context = format!("can't write manual pages into {}", directory.display());
                Error::unavailable(context).with_source(source)
            })?;
        context.output.say(&format!("wrote the manual pages into {}", directory.display()));
        Ok(())
    }
}
