//! A part of a state: one collection, or some documents of it.

use argon_core::Error;
use argon_core::key::Key;
use argon_core::model::{CollectionName, Lsn};
use argon_core::restore::Part;
use argon_service::Workspace;
use argon_service::changes::Summary;
use argon_service::restore::{PartPreview, RestoredPart};
use clap::Args;

use crate::args::{Signature, document_id};
use crate::changes::summary_text;
use crate::commands::confirm::Confirmation;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::{note_indexes, note_rules, print_json};

/// The part of a state that is restored.
#[derive(Args, Default)]
pub(super) struct PartArgs {
    /// Only this collection; the branch keeps its history and gets a new commit
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    /// Only the document with this _id; may be given several times
    #[arg(long = "id", value_name = "ID", value_parser = document_id, requires = "collection",
          allow_negative_numbers = true)]
    ids: Vec<Key>,
}

impl PartArgs {
    /// The part, if not all of the state is meant.
    pub(super) fn part(self) -> Option<Part> {
        let Self { collection, ids } = self;
        collection.map(|collection| Part { collection, ids })
    }
}

/// A restore in words.
pub(super) fn describe(preview: &PartPreview, summary: &Summary) -> String {
    let (what, from) = (preview.what(), &preview.states.from);
    let changes = summary_text(summary);
    format!("{what} makes a commit on {} at LSN {}; documents: {changes}", from.branch, from.lsn)
}

/// Restores a part of a state, if the user agrees.
pub(super) async fn run(
    context: &Context,
    workspace: &Workspace,
    preview: PartPreview,
    confirmation: &Confirmation,
    signature: Signature,
) -> CommandResult {
    if preview.is_nothing() {
        let (branch, what) = (&workspace.branch, preview.what());
        context
            .output
            .note(&format!("{what} changes nothing: branch '{branch}' is like that already"));
    } else {
        context.output.say(&describe(&preview, &preview.count().await?));
        confirmation.ask(&format!("{} on {}?", preview.what(), workspace.branch))?;
    }
    let restored = preview.restore(signature.into()).await?;
    let RestoredPart { branch, lsn, unchecked, .. } = &restored;
    note_rules(&context.output, unchecked);
    let Some(lsn) = lsn else { return print_json(&context.output, &restored) };
    context.output.committed(Lsn::new(*lsn), branch);
    let words =
        format!("{} is LSN {lsn} of {branch}\n`argon undo {lsn}` takes it back", preview.what());
    context.output.reply(&words, &restored)?;
    note_indexes(&context.output, &restored.indexes);
    Ok(())
}

/// Refuses what signs a commit where none is made.
pub(super) fn refuse_signature(signature: &Signature) -> Result<(), Error> {
    let Signature { actor, message, notes } = signature;
    if actor.is_some() || message.is_some() || !notes.trailers()?.is_empty() {
        return Err(Error::invalid(
            "a reset of the whole branch makes no commit that could be signed; -c NAME restores one \
             collection by a commit",
        ));
    }
    Ok(())
}
