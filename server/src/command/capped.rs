//! Capped collections: their options, and making a collection one.

use argon_core::model::CollectionName;
use argon_core::storage::Direction;
use argon_core::write::{CollectionChange, Outcome, Precondition};
use argon_core::{Backoff, Branch, CappedLimits, CollectionInfo, CollectionView};
use bson::{Bson, Document, doc};
use futures::{FutureExt, TryStreamExt};

use super::{Call, Command, Effect, Reply};
use crate::failure::{CommandError, Result};
use crate::place::Place;
use crate::rights::{Need, Right};
use crate::views;

/// The most bytes of a collection: MongoDB's 1 PB.
const MOST_BYTES: i64 = 1 << 50;
/// The most documents.
const MOST_DOCUMENTS: i64 = 0x7fff_ffff;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "convertToCapped",
    aliases: &[],
    about: "Makes a collection a capped one, and removes its oldest documents for which it has no room.",
    fields: &["size"],
    effect: Effect::Write,
    need: Need::Database(Right::Define),
    is_stable: false,
    run: |call| convert(call).boxed(),
}];

/// Checks the bounds in the options of a collection.
pub(super) fn check_options(options: &Document) -> Result<()> {
    let is_bounded = ["size", "max"].iter().any(|name| options.contains_key(name));
    match (options.contains_key("capped"), options.contains_key("size")) {
        (true, false) => {
            return Err(CommandError::new(
                72,
                "the 'size' field is required when 'capped' is true",
            ));
        }
        (false, _) if is_bounded && !options.contains_key("viewOn") => {
            return Err(CommandError::new(
                72,
                "the 'capped' field needs to be true when either the 'size' or 'max' fields are present",
            ));
        }
        _ => {}
    }
    if let Some(size) = options.get("size") {
        check_size(whole("size", size)?)?;
    }
    if let Some(max) = options.get("max")
        && whole("max", max)? > MOST_DOCUMENTS
    {
        return Err(CommandError::bad_value(
            "max in a capped collection has to be < 2^31 or not set",
        ));
    }
    Ok(())
}

fn check_size(size: i64) -> Result<()> {
    if size <= 0 {
        return Err(CommandError::bad_value(format!("size has to be > 0, actual value '{size}'")));
    }
    if size > MOST_BYTES {
        return Err(CommandError::bad_value("size cannot exceed 1 PB"));
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "a bound is a whole number")]
fn whole(name: &str, number: &Bson) -> Result<i64> {
    match number {
        Bson::Int32(number) => Ok((*number).into()),
        Bson::Int64(number) => Ok(*number),
        Bson::Double(number) => Ok(*number as i64),
        other => Err(CommandError::type_mismatch(format!(
            "BSON field '{name}' must be a number, found {other}"
        ))),
    }
}

/// The size that `collMod` sets.
pub(super) fn new_size(call: &Call<'_>, info: &CollectionInfo) -> Result<Bson> {
    let size = new_bound(call, info, "cappedSize")?;
    if (1..=MOST_BYTES).contains(&size) {
        return Ok(number(size));
    }
    Err(out_of_bounds("cappedSize", &format!("> 0 and <= {MOST_BYTES}"), size))
}

/// The number of documents that `collMod` sets; none if it is not positive.
pub(super) fn new_max(call: &Call<'_>, info: &CollectionInfo) -> Result<Bson> {
    let max = new_bound(call, info, "cappedMax")?;
    if max <= MOST_DOCUMENTS {
        return Ok(number(max));
    }
    Err(out_of_bounds("cappedMax", &format!("<= {MOST_DOCUMENTS}"), max))
}

fn new_bound(call: &Call<'_>, info: &CollectionInfo, name: &str) -> Result<i64> {
    if info.capped().is_none() {
        return Err(CommandError::new(
            72,
            format!("Collection must be capped to set '{name}': {}", call.namespace(&info.name)),
        ));
    }
    Ok(call.arguments.integer(name)?.unwrap_or_default())
}

fn out_of_bounds(name: &str, expected: &str, found: i64) -> CommandError {
    CommandError::new(
        51024,
        format!("BSON field 'collMod.{name}' value must be {expected}, actual value '{found}'"),
    )
}

/// A number of 32 bits if it fits.
fn number(number: i64) -> Bson {
    i32::try_from(number).map_or(Bson::Int64(number), Bson::Int32)
}

/// The bounds as `collStats` shows them.
pub(super) fn shown(limits: CappedLimits, scale: i64) -> Document {
    let bytes = limits.bytes.map_or(0, u64::cast_signed);
    let documents = limits.documents.map_or(MOST_DOCUMENTS, u64::cast_signed);
    doc! { "max": documents, "maxSize": bytes / scale }
}

async fn convert(call: &Call<'_>) -> Result<Reply> {
    let name = call.collection()?;
    let size = call.arguments.integer("size")?.ok_or_else(|| call.arguments.missing("size"))?;
    check_size(size)?;
    let Place::Head(_) = call.place().await? else {
        call.writable().await?;
        return Err(missing(call, &name));
    };
    let branch = call.writable().await?;
    let mut backoff = Backoff::new(call.environment());
    while backoff.attempt().await {
        if try_convert(call, &branch, &name, size).await? {
            call.shared.clock.tick(call.environment());
            return Reply::of(&Document::new());
        }
    }
    Err(CommandError::new(112, "others changed the branch on every attempt; try again later"))
}

/// Converts a collection as it is now; false if others have changed the branch meanwhile.
async fn try_convert(
    call: &Call<'_>,
    branch: &Branch,
    name: &CollectionName,
    size: i64,
) -> Result<bool> {
    let head = branch.head().await?;
    if views::is_view(&head, name.as_str()) {
        let namespace = call.namespace(name);
        return Err(CommandError::new(166, format!("cannot convert a view: {namespace}")));
    }
    let collection = head.find_collection(name).ok_or_else(|| missing(call, name))?;
    let mut options = collection.info().options.clone();
    options.remove("max");
    options.insert("capped", true);
    options.insert("size", number(size));
    let mut request = call.signed(branch)?;
    request.change_collection(CollectionChange::SetOptions { name: name.clone(), options });
    for key in oldest_beyond(&collection, size.cast_unsigned()).await? {
        request.delete(name.clone(), key, Precondition::Any);
    }
    request.set_after(head.last_digest().await?);
    match branch.commit(request).await? {
        Outcome::Moved { .. } => Ok(false),
        outcome => outcome.receipt().map(|_| true).map_err(CommandError::from),
    }
}

/// The oldest documents of a collection, without which the others have at most so many bytes.
async fn oldest_beyond(
    collection: &CollectionView,
    most: u64,
) -> Result<Vec<argon_core::key::Key>> {
    let mut rows = collection.in_insertion_order(Direction::Descending);
    let (mut bytes, mut beyond) = (0, Vec::new());
    while let Some((key, version)) = rows.try_next().await? {
        bytes += version.document.as_bytes().len() as u64;
        if bytes > most {
            beyond.push(key);
        }
    }
    Ok(beyond)
}

fn missing(call: &Call<'_>, name: &CollectionName) -> CommandError {
    let namespace = call.namespace(name);
    CommandError::new(26, format!("source collection {namespace} does not exist"))
}
