//! The command `show`.

use argon_core::Error;

use super::session::Session;
use crate::exit::{CommandResult, Failure};

impl Session<'_> {
    /// Lists names, one a line.
    pub(super) async fn show(&mut self, what: &str) -> CommandResult {
        let workspace = self.workspace().await?;
        let listed = match what {
            "dbs" | "databases" | "projects" => {
                let projects = workspace.opened.store.projects().await;
                projects
                    .map(|all| all.into_iter().map(|of| of.name.to_string()).collect::<Vec<_>>())
            }
            "branches" => {
                let branches = workspace.project.branches().await;
                branches.map(|all| {
                    let all = all.into_iter().filter(|branch| !branch.name.is_backup());
                    all.map(|branch| branch.name.to_string()).collect()
                })
            }
            "collections" | "tables" => {
                let state = workspace.state(None).await?;
                Ok(state.collections().map(|info| info.name.to_string()).collect())
            }
            _ => Err(Error::invalid(format!(
                "unknown '{what}': show takes dbs, collections or branches"
            ))),
        };
        self.done_with(workspace).await;
        let mut listing = self.context.output.listing(&[]);
        for name in listed.map_err(Failure::from)? {
            listing.result(&name, &name)?;
        }
        listing.finish()
    }
}
