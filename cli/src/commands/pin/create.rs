//! `argon pin create`

use std::path::PathBuf;

use argon_core::model::PinName;
use argon_core::{ErrorKind, Revision};
use argon_service::keys;
use argon_service::pin::{self, CreatePin};
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Hint};

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
        let request = CreatePin { pin: self.name, revision: self.revision, note: self.note };
        let pin = pin::create(&workspace, request, key.as_ref()).await?;
        let mut words = format!(
            "pinned {} at LSN {} as {}\ndigest {}",
            pin.branch, pin.lsn, pin.pin, pin.digest
        );
        if let Some(fingerprint) = &pin.fingerprint {
            words.push_str(&format!("\nsigned by {fingerprint}"));
        }
        context.output.reply(&words, &pin)
    }
}
