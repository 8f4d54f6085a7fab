//! `argon verify`

use argon_core::model::{Digest, Lsn};
use argon_core::verify::{Demands, Met, Verified, verify};
use argon_core::{Error, ErrorKind, PublicKey, Revision, State};
use argon_service::keys::public_key;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Hint};
use crate::output::progress;
use crate::output::{Json, count};

const EXAMPLES: &str = "\
Examples:
  argon verify main
  argon verify v1 --key audit.pem.pub                       signed by that key, and as it was then
  argon verify main@1234 --expect 3f0c…                     against a digest that was written down";

/// Prove that the history of a state is as it was written; exit code 8 says that it is not.
///
/// Computes the digest of each commit again, from its content and the digest before, and checks the
/// pins on the way and their signatures. Changes nothing; `argon fsck` checks the whole store.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The state [default: the head of the current branch]
    #[arg(value_name = "REV")]
    revision: Option<Revision>,
    /// Begin after this state of the same history, and take what is up to it as it is
    #[arg(long, value_name = "REV")]
    from: Option<Revision>,
    /// The digest that the state must have: 64 hexadecimal digits
    #[arg(long, value_name = "DIGEST")]
    expect: Option<Digest>,
    /// All of the history must be signed by this key, or one of several: its file, or 64 hexadecimal
    /// digits. A pin that is verified must be signed itself, of another state some pin
    #[arg(long = "key", value_name = "PUBKEY", value_parser = public_key)]
    keys: Vec<PublicKey>,
}

impl VerifyArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.revision.as_ref()).await?;
        let mut from = None;
        if let Some(revision) = &self.from {
            let begin = workspace.state(Some(revision)).await?;
            if state.at(begin.lsn()).await.ok().as_ref().map(State::view) != Some(begin.view()) {
                let error = format!("'{revision}' is no earlier state of the same history");
                return Err(Error::invalid(error).into());
            }
            from = Some(begin.lsn());
        }
        let pin = match &self.revision {
            Some(revision) => revision.pin(&workspace.project).await?,
            None => None,
        };
        let demands = Demands { from, expect: self.expect, keys: &self.keys, pin: pin.as_ref() };
        let progress = progress::spinner("commits checked");
        let verified = verify(&workspace.project, &state, demands, &|commits| {
            progress.set_position(commits);
        })
        .await;
        progress.finish_and_clear();
        let verified = verified.hint_on(ErrorKind::Corrupt, || {
            "don't rely on this history; `argon fsck` says whether more of the store is damaged"
                .to_owned()
        })?;
        context.output.one(|| text(&verified), || json(&verified))
    }
}

fn text(verified: &Verified) -> String {
    let Verified { from, collected, commits, head, pins } = verified;
    let mut lines: Vec<String> = pins.iter().map(pin_text).collect();
    let after = match *from {
        Lsn::ZERO => String::new(),
        from if *collected => format!(", after LSN {from}; what is before was collected"),
        from => format!(", after LSN {from}"),
    };
    lines.push(format!(
        "verified {} up to LSN {}{after}\ndigest {}",
        count(*commits, "commit"),
        head.lsn,
        head.digest
    ));
    lines.join("\n")
}

fn pin_text(met: &Met) -> String {
    let signed = match &met.signed_by {
        Some(key) => format!("signed by {}", key.fingerprint()),
        None => "not signed".to_owned(),
    };
    format!("pin {} at LSN {}: {signed}", met.name, met.lsn)
}

fn json(verified: &Verified) -> Json {
    let Verified { from, collected, commits, head, pins } = verified;
    let pins = pins.iter().map(|met| {
        Json::object([
            ("pin", met.name.as_str().into()),
            ("lsn", met.lsn.get().into()),
            ("key", met.signed_by.map(|key| key.to_string()).into()),
            ("fingerprint", met.signed_by.as_ref().map(PublicKey::fingerprint).into()),
        ])
    });
    Json::object([
        ("commits", (*commits).into()),
        ("from", from.get().into()),
        ("collected", (*collected).into()),
        ("lsn", head.lsn.get().into()),
        ("digest", head.digest.to_string().into()),
        ("pins", Json::Array(pins.collect())),
    ])
}
