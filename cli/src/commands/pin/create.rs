//! `argon pin create`

use std::path::PathBuf;

use argon_core::model::PinName;
use argon_core::pins::NewPin;
use argon_core::{ErrorKind, Revision};
use argon_service::keys;
use clap::Args;

use super::PinRow;
use crate::context::Context;
use crate::exit::{CommandResult, Hint};
use crate::output::Row;

const EXAMPLES: &str = "\
Examples:
  argon pin create v1
  argon pin create end-of-2026 main@2027-01-01 --note 'for the auditors' --sign audit.pem";

/// Name a state, which is kept from then on whatever becomes of the branch.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateArgs {
    /// Letters, digits, '-', '_', '.' and '/'; no branch may have the name
    name: PinName,
    /// The state [default: the head of the current branch]
    #[arg(value_name = "REV")]
    revision: Option<Revision>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Sign the pin with the ed25519 key in this file: PKCS#8 in PEM
    #[arg(long, value_name = "KEYFILE")]
    sign: Option<PathBuf>,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let key = self
            .sign
            .as_deref()
            .map(keys::read_private)
            .transpose()
            .hint_on(ErrorKind::NotFound, || "`argon pin keygen FILE` makes a key".to_owned())?;
        let workspace = context.workspace().await?;
        let state = workspace.state(self.revision.as_ref()).await?;
        let current = &workspace.branch;
        let branch = self.revision.as_ref().map_or(current, |rev| rev.branch_or(current));
        let new = NewPin { branch, note: &self.note, key: key.as_ref() };
        let pin = workspace.project.create_pin(&self.name, &state, new).await?;
        let (name, head) = (&pin.name, &pin.head);
        let mut words =
            format!("pinned {branch} at LSN {} as {name}\ndigest {}", head.lsn, head.digest);
        if let Some(key) = &pin.signed_by {
            words.push_str(&format!("\nsigned by {}", key.fingerprint()));
        }
        context.output.done(&words, || PinRow(pin.clone()).json())
    }
}
