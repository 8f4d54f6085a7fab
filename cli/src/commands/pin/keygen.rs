//! `argon pin keygen`

use std::path::PathBuf;

use argon_service::pin::{self, GenerateKey};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// Generate a key that signs pins: FILE is secret, FILE.pub verifies.
///
/// `openssl genpkey -algorithm ed25519 -out FILE` and `openssl pkey -in FILE -pubout` do the same.
#[derive(Args)]
#[command(after_help = "Example:\n  argon pin keygen audit.pem")]
pub(crate) struct KeygenArgs {
    /// The file of the secret key; an existing file is not overwritten
    file: PathBuf,
}

impl KeygenArgs {
    pub(crate) fn run(self, context: &Context) -> CommandResult {
        let request = GenerateKey { file: self.file };
        let generated = pin::keygen(&context.environment, &request)?;
        let words = format!(
            "made key {}\nsecret: {}\npublic: {}",
            generated.fingerprint,
            request.file.display(),
            generated.public_file.display()
        );
        context.output.reply(&words, &generated)
    }
}
