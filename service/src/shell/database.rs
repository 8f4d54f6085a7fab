//! The methods of `db`.

use argon_core::Result;
use argon_core::model::CollectionName;
use argon_formats::extjson::ShellMethod;

use super::arguments::Arguments;
use super::operation::{ShellOperation, unknown};
use crate::collections::{CreateCollection, Signature};

/// The methods of `db`.
pub const METHODS: &[&str] =
    &["createCollection", "getCollection", "getCollectionNames", "getName"];

/// The operation of a method.
pub(super) fn operation(method: &ShellMethod) -> Result<ShellOperation> {
    let mut arguments = Arguments::of("db", method);
    let operation = match method.name.as_str() {
        "createCollection" => ShellOperation::CreateCollection(CreateCollection {
            collection: CollectionName::new(arguments.text()?)?,
            signature: Signature::default(),
        }),
        "getCollectionNames" => ShellOperation::CollectionNames,
        "getName" => ShellOperation::Name(None),
        _ => return Err(unknown("db", method, METHODS)),
    };
    arguments.end()?;
    Ok(operation)
}
