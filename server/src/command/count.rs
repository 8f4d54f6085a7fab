//! Counts.

use argon_core::ErrorKind;
use argon_query::expression::Evaluation;
use argon_query::filter::FilterOptions;
use argon_query::find::{Selection, collation_of};
use argon_query::plan::Hint;
use bson::doc;
use futures::{FutureExt, TryStreamExt};

use super::find::Query;
use super::{Call, Command, Effect, Reply};
use crate::failure::Result;
use crate::rights::{Need, Right};
use crate::views;
use argon_query::find::FindCommand;

pub(super) const FIELDS: &[&str] =
    &["collation", "fields", "hint", "limit", "query", "queryHash", "skip"];

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "count",
    aliases: &[],
    about: "Counts the documents that match.",
    fields: FIELDS,
    effect: Effect::Read,
    need: Need::Database(Right::Read),
    is_stable: true,
    run: |call| count(call).boxed(),
}];

/// The query whose documents are counted.
pub(super) fn query(call: &Call<'_>) -> Result<Query> {
    let arguments = call.arguments;
    let command = FindCommand {
        filter: arguments.document("query")?,
        skip: arguments.count("skip")?,
        limit: arguments.integer("limit")?.unwrap_or(0).unsigned_abs(),
        collation: arguments.document("collation")?,
        hint: arguments.bson("hint")?,
        ..FindCommand::default()
    };
    Ok(Query { command })
}

async fn count(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let query = query(call)?;
    let reading = call.read().await?;
    let is_view = views::resolve(reading.state.as_ref(), name.as_str())?.is_some();
    let number = match &reading.state {
        Some(state) if !is_view && !call.in_transaction => match state.collection(&name) {
            Ok(collection) => {
                let command = query.with_collation(Some(state), name.as_str());
                let FindCommand { filter, skip, limit, collation, hint, .. } = &command;
                let hint = hint.as_ref().map(Hint::compile).transpose()?.flatten();
                let all = if filter.is_empty() && hint.is_none() {
                    collection.count().await?
                } else {
                    let collation = collation_of(collation)?;
                    let options = FilterOptions { collation, ..FilterOptions::default() };
                    let selection = Selection::compile(
                        filter,
                        &options,
                        Evaluation::new(call.context().clone()),
                    )?;
                    selection.with_hint(hint).count(&collection).await?
                };
                let rest = all.saturating_sub(*skip);
                if *limit > 0 { rest.min(*limit) } else { rest }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(error.into()),
        },
        _ => {
            let rows = query.run(name.as_str(), &reading)?;
            rows.try_fold(0, |sum, batch| async move { Ok(sum + batch.len() as u64) }).await?
        }
    };
    let number = match i32::try_from(number) {
        Ok(number) => bson::Bson::Int32(number),
        Err(_) => bson::Bson::Int64(number.cast_signed()),
    };
    Reply::of(&doc! { "n": number })
}
