//! `argon pin …`

mod create;
mod delete;
mod keygen;
mod list;

use argon_service::pin::ShownPin;
use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// Name states that are kept for good, and sign them.
#[derive(Subcommand)]
pub(crate) enum PinCommand {
    Create(create::CreateArgs),
    List(list::ListArgs),
    Delete(delete::DeleteArgs),
    Keygen(keygen::KeygenArgs),
}

impl PinCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Delete(args) => args.run(context).await,
            Self::Keygen(args) => args.run(context),
        }
    }
}

impl Cells for ShownPin {
    fn cells(&self) -> Vec<String> {
        vec![
            self.pin.clone(),
            format!("{}@{}", self.branch, self.lsn),
            self.short_digest().to_owned(),
            self.created.to_string(),
            self.actor.clone(),
            self.fingerprint.clone().unwrap_or_default(),
            self.note.lines().next().unwrap_or_default().to_owned(),
        ]
    }
}
