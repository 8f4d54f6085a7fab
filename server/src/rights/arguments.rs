//! What the arguments of commands demand, for those whose name alone does not say it.

use argon_core::users::Scope;
use bson::raw::RawBsonRef;

use super::check::demands_of;
use super::{Demand, Right, of_pipeline, of_stages};
use crate::arguments::Arguments;
use crate::command::{Call, named};
use crate::failure::{CommandError, Result};
use crate::namespace::Database;

/// `aggregate`: what the pipeline reads and writes.
pub(crate) fn of_aggregate(call: &Call<'_>) -> Result<Vec<Demand>> {
    Ok(of_pipeline(call.database, &call.arguments.document_list("pipeline")?))
}

/// `explain`: what the explained command demands.
pub(crate) async fn of_explained(call: &Call<'_>) -> Result<Vec<Demand>> {
    let Some(inner) = call.arguments.raw_document("explain")? else { return Ok(Vec::new()) };
    let Some((name, _)) = inner.iter().next().transpose()? else { return Ok(Vec::new()) };
    // Others than those that run on a collection are refused by the command.
    match named(name.as_str()) {
        Some(command) if command.name != "explain" => {
            Box::pin(demands_of(&call.of(name.as_str(), inner), command.need)).await
        }
        _ => Ok(Vec::new()),
    }
}

/// `bulkWrite`: to write in every namespace.
pub(crate) fn of_bulk_write(call: &Call<'_>) -> Result<Vec<Demand>> {
    let names = call.arguments.documents("nsInfo", &call.request.sequences)?.unwrap_or_default();
    let mut demands = Vec::<Demand>::new();
    for name in &names {
        let namespace = Arguments::new("bulkWrite.nsInfo", name).required_text("ns")?;
        let demand = Demand::on(Right::Write, database_of(namespace));
        if !demands.contains(&demand) {
            demands.push(demand);
        }
    }
    Ok(demands)
}

/// `renameCollection`: to define collections in both databases.
pub(crate) fn of_rename(call: &Call<'_>) -> Result<Vec<Demand>> {
    let from = call.arguments.required_text("renameCollection")?;
    let to = call.arguments.required_text("to")?;
    Ok([from, to].map(|name| Demand::on(Right::Define, database_of(name))).into())
}

/// `create`: a view shows what its pipeline reads to all who may read the view.
pub(crate) fn of_create(call: &Call<'_>) -> Result<Vec<Demand>> {
    with_view(call, Right::Define)
}

/// `collMod`: the same.
pub(crate) fn of_modify(call: &Call<'_>) -> Result<Vec<Demand>> {
    with_view(call, Right::Administer)
}

fn with_view(call: &Call<'_>, right: Right) -> Result<Vec<Demand>> {
    let mut demands = vec![Demand::on(right, call.database)];
    let stages = call.arguments.document_list("pipeline")?;
    if !stages.is_empty() || call.arguments.value("viewOn")?.is_some() {
        demands.push(Demand::on(Right::Read, call.database));
        demands.extend(of_stages(call.database, &stages));
    }
    Ok(demands)
}

/// `getMore`: what the command demanded that opened the cursor, of the same user.
pub(crate) fn of_cursor(call: &Call<'_>) -> Result<Vec<Demand>> {
    match call.arguments.integer("getMore")? {
        Some(id) => of_cursors(call, [id]),
        None => Ok(Vec::new()),
    }
}

/// `killCursors`: the cursors are the user's own.
pub(crate) fn of_killed_cursors(call: &Call<'_>) -> Result<Vec<Demand>> {
    let mut ids = Vec::new();
    if let Some(cursors) = call.arguments.array("cursors")? {
        for id in cursors {
            if let RawBsonRef::Int64(id) = id? {
                ids.push(id);
            }
        }
    }
    // Closing a cursor is always allowed to its owner.
    of_cursors(call, ids).map(|_| Vec::new())
}

fn of_cursors(call: &Call<'_>, ids: impl IntoIterator<Item = i64>) -> Result<Vec<Demand>> {
    let mut demands = Vec::new();
    for id in ids {
        let Some(claim) = call.shared.cursors.claim(id) else { continue };
        if claim.user != call.claim.user {
            return Err(CommandError::new(
                13,
                format!("cursor id {id} was not created by the authenticated user"),
            ));
        }
        demands.extend(claim.demands.iter().cloned());
    }
    Ok(demands)
}

/// `killOp`: nothing for the user's own operations. Others are not for those who only watch the server.
pub(crate) fn of_kill(call: &Call<'_>) -> Result<Vec<Demand>> {
    let id = call.arguments.integer("op")?.and_then(|id| i32::try_from(id).ok());
    let operation = id.and_then(|id| call.shared.operations.get(id));
    let is_own = operation.is_some_and(|operation| operation.user == call.claim.user);
    Ok(if is_own { Vec::new() } else { vec![Demand::on_everything(Right::Administer)] })
}

/// What git has: it may name any state of the project, so the right is on all of that.
pub(crate) fn of_history(call: &Call<'_>) -> Result<Vec<Demand>> {
    let database = call.shared.places.parse(call.database)?;
    let scope = match database {
        Database::Internal => Scope::All,
        Database::Project { project, .. } => Scope::Project(project),
    };
    let names_one = matches!(call.arguments.value(call.name)?, Some(RawBsonRef::String(_)));
    let action = call.arguments.text("action")?;
    let right = match (call.name, action) {
        ("argonLog" | "argonDiff", _) | (_, Some("list" | "show" | "dry_run")) => Right::Read,
        ("argonBranch" | "argonMerge" | "argonPin" | "argonSandbox", None) if !names_one => {
            Right::Read
        }
        ("argonBranch", Some("delete" | "rename" | "protect"))
        | ("argonRestore", None | Some("reset")) => Right::Administer,
        ("argonBranch" | "argonPin" | "argonSandbox", _) => Right::Define,
        _ => Right::Write,
    };
    Ok(vec![Demand::on_scope(right, scope)])
}

/// The database of a namespace.
fn database_of(namespace: &str) -> &str {
    namespace.split_once('.').map_or(namespace, |(database, _)| database)
}
