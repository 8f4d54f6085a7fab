//! `argon compact`

use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Json, size};

/// Give back the space of what is no longer used, and merge what lies in many small pieces.
///
/// Nothing that can be read is changed. Others may read and write meanwhile.
#[derive(Args)]
#[command(after_help = "Example:\n  argon compact")]
pub(crate) struct CompactArgs {}

impl CompactArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        let before = store.stored_bytes().await?;
        store.compact().await?;
        let after = store.stored_bytes().await?;
        let words = format!("the store took {}, and takes {} now", size(before), size(after));
        context.output.done(&words, || {
            Json::object([("bytes_before", before.into()), ("bytes_after", after.into())])
        })
    }
}
