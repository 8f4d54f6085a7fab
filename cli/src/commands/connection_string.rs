//! `argon connection-string`

use argon_core::Error;
use argon_core::model::BranchName;
use argon_core::storage::StoreUrl;
use argon_service::discover::{BRANCH, PROJECT, absolute};
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::Json;

const EXAMPLES: &str = "\
The URL is for Argon's own --store and ARGON_STORE: a branch is no database of its own that another
driver could open. It has no password; ARGON_STORE_PASSWORD gives that. -p and -b, and ARGON_PROJECT
and ARGON_BRANCH, go before what stands in it.

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
        workspace.branch = self.name.unwrap_or(workspace.branch);
        let branch = workspace.branch().await?.name().clone();
        let (store, project) = (&workspace.opened.place.url, workspace.project.name().clone());
        let url = format!("{}{PROJECT}{project}{BRANCH}{branch}", address(store)?);
        context.output.one(
            || url.clone(),
            || {
                Json::object([
                    ("url", url.clone().into()),
                    ("project", project.as_str().into()),
                    ("branch", branch.as_str().into()),
                ])
            },
        )
    }
}

/// The store's URL as it is found from any directory.
fn address(store: &StoreUrl) -> CommandResult<String> {
    if store.scheme() == "memory" {
        let error = Error::unsupported("a store in memory has no address");
        return Err(Failure::from(error));
    }
    let open = store.without_secrets().ok_or_else(|| {
        Error::invalid(
            "it can't be told where the password in the store's URL ends; escape '@' and '/' in it",
        )
    })?;
    let open = absolute(&open)?;
    Ok(format!("{}:{}", open.scheme(), open.rest()))
}
