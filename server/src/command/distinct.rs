//! The different values of a field.

use argon_query::find::{FindCommand, collation_of, distinct_in};
use bson::raw::{RawArrayBuf, RawDocumentBuf, cstr};
use futures::FutureExt;

use super::find::Query;
use super::{Call, Command, Effect, Reply};
use crate::failure::{CommandError, Result};
use crate::rights::{Need, Right};

pub(super) const FIELDS: &[&str] = &["collation", "hint", "key", "query"];

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "distinct",
    aliases: &[],
    about: "Gives the different values of a field.",
    fields: FIELDS,
    effect: Effect::Read,
    need: Need::Database(Right::Read),
    is_stable: false,
    run: |call| distinct(call).boxed(),
}];

/// The most bytes of the values, as of a document.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The query of the documents whose values are given.
pub(super) fn query(call: &Call<'_>) -> Result<Query> {
    let arguments = call.arguments;
    let command = FindCommand {
        filter: arguments.document("query")?,
        collation: arguments.document("collation")?,
        hint: arguments.bson("hint")?,
        ..FindCommand::default()
    };
    Ok(Query { command })
}

async fn distinct(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let key = call.arguments.required_text("key")?;
    let query = query(call)?;
    let reading = call.read().await?;
    let rows = query.run(name.as_str(), &reading)?;
    let command = query.with_collation(reading.state.as_ref(), name.as_str());
    let collation = collation_of(&command.collation)?;
    let mut values = RawArrayBuf::new();
    let mut bytes = 0;
    for value in distinct_in(rows, key, collation.as_deref()).await? {
        values.push(value);
        bytes = values.as_bytes().len();
        if bytes > MAX_BYTES {
            break;
        }
    }
    if bytes > MAX_BYTES {
        return Err(CommandError::new(17217, "distinct too big, 16mb cap"));
    }
    let mut body = RawDocumentBuf::new();
    body.append(cstr!("values"), values);
    Ok(Reply::raw(body))
}
