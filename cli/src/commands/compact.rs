//! `argon compact`

use argon_core::gc::{self, Garbage};
use clap::Args;

use super::confirm::Confirmation;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, count, size};

/// Give back the space of what is no longer used, and merge what lies in many small pieces.
///
/// Nothing that can be read is changed. Others may read and write meanwhile. A store on this machine is
/// written anew, beside its old files, which are removed then; until it is done, it takes the room of
/// both. What `argon gc` gave up can be in the old files, and is not in the new ones: if there is any,
/// the command says how much, and asks first.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon compact\n  argon compact --yes")]
pub(crate) struct CompactArgs {
    #[command(flatten)]
    confirmation: Confirmation,
}

impl CompactArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let store = opened.store;
        if !opened.place.is_remote()
            && let Some(Garbage { since, versions, commits, bytes }) = gc::garbage(&store).await?
        {
            let number = |count: i64| u64::try_from(count).unwrap_or_default();
            self.confirmation.ask(&format!(
                "rewrite the files without {} and {} ({}) that `argon gc` gave up since {}?",
                count(number(versions), "version"),
                count(number(commits), "commit"),
                size(number(bytes)),
                output::time(since),
            ))?;
        }
        let before = store.stored_bytes().await?;
        store.compact().await?;
        let after = store.stored_bytes().await?;
        let words = format!("the store took {}, and takes {} now", size(before), size(after));
        context.output.done(&words, || {
            Json::object([("bytes_before", before.into()), ("bytes_after", after.into())])
        })
    }
}
