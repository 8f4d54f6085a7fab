//! A change of one document, which is given.

use argon_query::commands::{FindAndModifyCommand, FoundChange};
use bson::raw::{RawBson, RawDocumentBuf, cstr};
use bson::{Bson, rawdoc};
use futures::FutureExt;

use super::super::{Call, Command, Effect, Reply};
use super::earlier::{self, Earlier};
use crate::failure::{CommandError, Result};
use crate::rights::{Need, Right};
use crate::views;

pub(super) const COMMAND: Command = Command {
    name: "findAndModify",
    aliases: &["findandmodify"],
    about: "Changes one document, and gives it as it was or as it is then.",
    fields: &[
        "arrayFilters",
        "bypassDocumentValidation",
        "bypassEmptyTsReplacement",
        "collation",
        "fields",
        "hint",
        "let",
        "new",
        "query",
        "remove",
        "sort",
        "update",
        "upsert",
    ],
    effect: Effect::Write,
    need: Need::Database(Right::Write),
    is_stable: true,
    run: |call| find_and_modify(call).boxed(),
};

async fn find_and_modify(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let mut command = parse(call)?;
    let (branch, head) = call.writable_head().await?;
    if command.collation.is_empty() {
        command.collation = views::default_collation(Some(&head), name.as_str());
    }
    if views::is_view(&head, name.as_str()) {
        let namespace = call.namespace(&name);
        return Err(CommandError::new(
            166,
            format!("Namespace {namespace} is a view, not a collection"),
        ));
    }
    let is_deletion = matches!(command.change, FoundChange::Delete);
    let found = if call.in_transaction {
        call.begin_on(&branch).await?;
        let mut state = call.session_state().await?;
        let transaction = call.writing(&mut state, &branch)?;
        transaction.find_and_modify(&name, &command).await
    } else if let Some(lsn) = Earlier::of(call, &branch).await?.first() {
        earlier::find_and_modify(call, &branch, lsn, &name, &command).await
    } else {
        let request = call.signed(&branch)?;
        let turns = &call.shared.turns;
        let _turn = match turns.of_document(&branch, &name, &command.filter).await {
            Some(turn) => turn,
            // Such as queues, whose clients all want the first document.
            None => turns.of_collection(&branch, &name).await,
        };
        let found = command.run_in(call.context(), &branch, &name, &|| request.clone()).await;
        call.shared.clock.tick(call.environment());
        found
    };
    let found =
        found.map_err(|error| CommandError::from(error).in_namespace(&call.namespace(&name)))?;
    let modified = found.modified;
    let is_upsert = modified.upserted.is_some();
    let n = i32::from(modified.matched > 0 || is_upsert);
    let mut last = rawdoc! { "n": n };
    if !is_deletion {
        last.append(cstr!("updatedExisting"), n > 0 && !is_upsert);
        if let Some(id) = modified.upserted {
            last.append(cstr!("upserted"), id);
        }
    }
    let mut body = RawDocumentBuf::new();
    body.append(cstr!("lastErrorObject"), last);
    body.append(cstr!("value"), found.document.map_or(RawBson::Null, RawBson::Document));
    Ok(Reply::raw(body))
}

fn parse(call: &Call<'_>) -> Result<FindAndModifyCommand> {
    let arguments = call.arguments;
    let update = arguments.bson("update")?;
    let (upsert, returns_new) = (arguments.is_set("upsert")?, arguments.is_set("new")?);
    let array_filters = arguments.document_list("arrayFilters")?;
    let change = match (arguments.is_set("remove")?, update) {
        (true, None) if upsert => {
            return Err(CommandError::failed_to_parse(
                "Cannot specify both upsert=true and remove=true",
            ));
        }
        (true, None) if returns_new => {
            return Err(CommandError::failed_to_parse(
                "Cannot specify both new=true and remove=true; 'remove' always returns the deleted document",
            ));
        }
        (true, None) => FoundChange::Delete,
        (true, Some(_)) => {
            return Err(CommandError::failed_to_parse(
                "Cannot specify both an update and remove=true",
            ));
        }
        (false, Some(update @ (Bson::Document(_) | Bson::Array(_)))) => {
            FoundChange::Update { update, upsert, array_filters }
        }
        (false, _) => {
            return Err(CommandError::failed_to_parse(
                "Either an update or remove=true must be specified",
            ));
        }
    };
    Ok(FindAndModifyCommand {
        filter: arguments.document("query")?,
        change,
        sort: arguments.document("sort")?,
        projection: arguments.document("fields")?,
        collation: arguments.document("collation")?,
        hint: arguments.bson("hint")?,
        returns_new,
        variables: arguments.document("let")?,
    })
}
