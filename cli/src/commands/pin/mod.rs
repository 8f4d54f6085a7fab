//! `argon pin …`

mod create;
mod delete;
mod keygen;
mod list;

use argon_core::PublicKey;
use argon_core::pins::Pin;
use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row};

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

struct PinRow(Pin);

impl Row for PinRow {
    fn cells(&self) -> Vec<String> {
        let Pin { name, head, branch, created, actor, note, signed_by, .. } = &self.0;
        vec![
            name.to_string(),
            format!("{branch}@{}", head.lsn),
            head.digest.short(),
            output::time(*created),
            actor.clone(),
            signed_by.as_ref().map(PublicKey::fingerprint).unwrap_or_default(),
            note.lines().next().unwrap_or_default().to_owned(),
        ]
    }

    fn json(&self) -> Json {
        let Pin { name, head, point, branch, created, actor, note, signed_by } = &self.0;
        Json::object([
            ("pin", name.as_str().into()),
            ("branch", branch.as_str().into()),
            ("lsn", head.lsn.get().into()),
            ("timeline", point.map(|point| point.timeline.to_string()).into()),
            ("digest", head.digest.to_string().into()),
            ("created", output::time(*created).into()),
            ("actor", actor.as_str().into()),
            ("note", note.as_str().into()),
            ("key", signed_by.map(|key| key.to_string()).into()),
            ("fingerprint", signed_by.as_ref().map(PublicKey::fingerprint).into()),
        ])
    }
}
