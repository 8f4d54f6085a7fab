//! `argon verify`

use argon_core::model::Digest;
use argon_core::{ErrorKind, PublicKey, Revision};
use argon_service::keys::public_key;
use argon_service::verify::{VerifiedHistory, VerifiedPin, VerifyHistory, verify};
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Hint};
use crate::output::count;
use crate::output::progress;

const EXAMPLES: &str = "\
Examples:
  argon verify main
  argon verify v1 --key audit.pem.pub                       signed by that key, and unchanged since
  argon verify main@1234 --expect 3f0c…                     against a digest that was written down";

/// Prove that the history of a state is unchanged; exit code 8 means that it is not.
///
/// Computes the digest of each commit again, from its content and the digest before, and checks the
/// pins of the history and their signatures. Changes nothing; `argon fsck` checks the whole store.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The state [default: the head of the current branch]
    #[arg(value_name = "REV")]
    revision: Option<Revision>,
    /// Begin after this state of the same history, and trust the commits up to it
    #[arg(long, value_name = "REV")]
    from: Option<Revision>,
    /// The digest that the state must have: 64 hexadecimal digits
    #[arg(long, value_name = "DIGEST")]
    expect: Option<Digest>,
    /// One of these keys must have signed the whole history: a file, or 64 hexadecimal digits. If REV is
    /// a pin, that pin must be signed, else any pin of the state
    #[arg(long = "key", value_name = "PUBKEY", value_parser = public_key)]
    keys: Vec<PublicKey>,
}

impl VerifyArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let Self { revision, from, expect, keys } = self;
        let request = VerifyHistory { revision, from, expect, keys };
        let progress = progress::spinner("commits checked");
        let verified = verify(&workspace, request, &|commits| progress.set_position(commits)).await;
        progress.finish_and_clear();
        let verified = verified.hint_on(ErrorKind::Corrupt, || {
            "don't rely on this history; `argon fsck` checks the rest of the store".to_owned()
        })?;
        context.output.result(|| text(&verified), &verified)
    }
}

fn text(verified: &VerifiedHistory) -> String {
    let VerifiedHistory { commits, from, collected, lsn, digest, pins } = verified;
    let mut lines: Vec<String> = pins.iter().map(pin_text).collect();
    let after = match *from {
        0 => String::new(),
        from if *collected => format!(", after LSN {from}; earlier commits were collected"),
        from => format!(", after LSN {from}"),
    };
    let commits = count(*commits, "commit");
    lines.push(format!("verified {commits} up to LSN {lsn}{after}\ndigest {digest}"));
    lines.join("\n")
}

fn pin_text(pin: &VerifiedPin) -> String {
    let signed = match &pin.fingerprint {
        Some(fingerprint) => format!("signed by {fingerprint}"),
        None => "not signed".to_owned(),
    };
    format!("pin {} at LSN {}: {signed}", pin.pin, pin.lsn)
}
