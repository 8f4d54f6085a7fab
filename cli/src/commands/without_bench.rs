//! `argon bench` in a build that leaves it out.

use std::future::{Ready, ready};

use argon_core::Error;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};

/// Measure this machine; left out of this build
#[derive(Args)]
pub(crate) struct BenchArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<String>,
}

impl BenchArgs {
    #[expect(clippy::unused_self, reason = "the command with the feature uses it")]
    pub(crate) fn run(self, _: &Context) -> Ready<CommandResult> {
        let error = Error::unsupported("this build of argon leaves out `argon bench`");
        let advice = "build it with `cargo build --release -p argon-cli --features bench`";
        ready(Err(Failure::from(error).hint(advice)))
    }
}
