//! `argon pin keygen`

use std::path::PathBuf;

use argon_core::SigningKey;
use argon_service::keys;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

/// Make a key to sign pins with: FILE is secret, FILE.pub is for those who verify.
///
/// `openssl genpkey -algorithm ed25519 -out FILE` and `openssl pkey -in FILE -pubout` do the same.
#[derive(Args)]
#[command(after_help = "Example:\n  argon pin keygen audit.pem")]
pub(crate) struct KeygenArgs {
    /// Where to write it; nothing is written over
    file: PathBuf,
}

impl KeygenArgs {
    pub(crate) fn run(self, context: &Context) -> CommandResult {
        let key = SigningKey::generate(&context.environment);
        let public = key.public();
        let mut public_file = self.file.clone().into_os_string();
        public_file.push(".pub");
        let public_file = PathBuf::from(public_file);
        keys::write_new(&public_file, &public.to_pem()?, false)?;
        if let Err(error) = keys::write_new(&self.file, &key.to_pem()?, true) {
            // It is the public part of a key that nobody has.
            let _ = std::fs::remove_file(&public_file);
            return Err(error.into());
        }
        let words = format!(
            "made key {}\nsecret: {}\npublic: {}",
            public.fingerprint(),
            self.file.display(),
            public_file.display()
        );
        context.output.done(&words, || {
            Json::object([
                ("key", public.to_string().into()),
                ("fingerprint", public.fingerprint().into()),
            ])
        })
    }
}
