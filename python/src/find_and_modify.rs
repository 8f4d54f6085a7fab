//! The command that finds one document and changes it: MongoDB's `findAndModify`.

use argon_query::commands::{FindAndModifyCommand, FoundChange};
use argon_query::find::FindCommand;
use argon_service::Result;
use bson::Document;

use crate::commands as parsed;

/// Reads the fields `filter`, `sort`, `projection`, `collation` and `hint`, then `remove`, or `update`, `upsert`,
/// `array_filters` and `new`.
///
/// # Errors
/// `Invalid` for a field of the wrong type.
pub(crate) fn parse(mut command: Document) -> Result<FindAndModifyCommand> {
    let change = if parsed::flag(&mut command, "remove") {
        FoundChange::Delete
    } else {
        let update = parsed::update(&mut command.clone())?;
        FoundChange::Update {
            update: update.update,
            upsert: update.upsert,
            array_filters: update.array_filters,
        }
    };
    let returns_new = parsed::flag(&mut command, "new");
    let FindCommand { filter, sort, projection, collation, hint, .. } = parsed::find(&mut command)?;
    let variables = Document::new();
    Ok(FindAndModifyCommand {
        filter,
        change,
        sort,
        projection,
        collation,
        hint,
        returns_new,
        variables,
    })
}
