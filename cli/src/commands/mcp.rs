//! `argon mcp`

use std::io::BufRead;
use std::sync::Arc;

use argon_core::model::Actor;
use argon_core::users::{UserDatabase, UserName};
use argon_server::{AgentOptions, OperationOptions, ServeOptions, serve_agent};
use argon_service::{OpenStore, first_branch};
use clap::Args;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::runtime::Handle;

use crate::context::Context;
use crate::exit::CommandResult;

/// How many bytes of requests wait to be read.
const BUFFER: usize = 64 * 1024;

const EXAMPLES: &str = "\
Examples:
  argon mcp --store prod
  argon mcp --store prod --read-only
  argon mcp --store prod --user agent
  claude mcp add shop -- argon --store prod mcp
  argon log --actor claude-code
  argon undo --actor claude-code main@12..main

An agent gets tools to query any state, to work on a sandbox of its own, to look at differences and history, to
merge, and to take back what it has changed; collections are resources, argon://PROJECT@REVISION/COLLECTION. Its
program starts this command, and talks to it by standard input and output. Its commits are signed with the name
that the program gives itself, and have the run as the trailer Session. Clients ask before tools that move a
shared branch or remove something. With --user, it may do what the roles of that user allow (`argon user create`).
`argon serve` serves the same tools over HTTP, at /mcp. Other argon commands use a local store meanwhile.";

/// Serve the store to an agent, by the Model Context Protocol on standard input and output.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct McpArgs {
    /// Who signs what the agent changes [default: the name that its program gives itself]
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Actor::new(text), conflicts_with = "user")]
    actor: Option<Actor>,
    /// Act as this user of the server, whose roles say what the agent may do
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Offer no tools that write
    #[arg(long)]
    read_only: bool,
}

impl McpArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let user = self.user.map(|name| UserName::new(UserDatabase::Admin, &name)).transpose()?;
        let OpenStore { store, place, .. } = context.shared_or_joined_store().await?;
        let branch = context.options.branch.clone().unwrap_or_else(first_branch);
        let options = ServeOptions { read_only: self.read_only, ..ServeOptions::new(branch) };
        let operations =
            OperationOptions { place, settings: Some(Arc::new(context.settings().clone())) };
        let session = context.environment.object_id().to_hex();
        let agent = AgentOptions { actor: self.actor, user, session };
        let (ended, end) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            if crate::teardown::asked_to_end().await.is_ok() {
                let _ = ended.send(());
            }
        });
        let end = async {
            let _ = end.await;
        };
        let streams = (requests(), tokio::io::stdout());
        let serving = serve_agent(store, options, operations, agent, streams, end);
        Ok(Box::pin(serving).await?)
    }
}

/// Standard input, read by a thread of its own: a read that waits would hold the end of the process up.
fn requests() -> DuplexStream {
    let (reader, mut writer) = tokio::io::duplex(BUFFER);
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let Ok(bytes) = stdin.fill_buf().map(<[u8]>::to_vec) else { return };
            if bytes.is_empty() || runtime.block_on(writer.write_all(&bytes)).is_err() {
                return;
            }
            stdin.consume(bytes.len());
        }
    });
    reader
}
