//! `argon connection-string`

use argon_core::model::BranchName;
use argon_service::connection_string::{MakeConnectionString, connection_string};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
The URL is for --store and ARGON_STORE of Argon; other drivers can't open a branch. It has no password;
ARGON_STORE_PASSWORD gives that. -p and -b, and ARGON_PROJECT and ARGON_BRANCH, override the names in
the URL.

Examples:
  argon connection-string
  ARGON_STORE=$(argon connection-string try) ./test-suite";

/// Print a URL that names a branch together with its store.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConnectionStringArgs {
    /// The branch [default: the current one]
    #[arg(value_name = "BRANCH")]
    name: Option<BranchName>,
}

impl ConnectionStringArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let mut workspace = context.workspace().await?;
        let request = MakeConnectionString { branch: self.name };
        let made = connection_string(&mut workspace, request).await?;
        context.output.result(|| made.url.clone(), &made)
    }
}
