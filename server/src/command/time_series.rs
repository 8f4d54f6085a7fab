//! Time series: the options that MongoDB adds, and the other name of their documents.

use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_query::expression::Context;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, Document};

use crate::failure::Result;
use crate::shared::Shared;

/// MongoDB has the documents of a time series in a collection of this prefix and its name, by which the tools
/// dump and restore them. Here it is another name of the series.
const BUCKETS: &str = "system.buckets.";

/// The seconds of a bucket, by the granularity. The first is the one by default.
const SPANS: [(&str, i32); 3] = [("seconds", 3600), ("minutes", 86_400), ("hours", 2_592_000)];

/// The command by the name of a time series, if it names the buckets of one.
pub(super) async fn by_series(
    shared: &Shared,
    database: &str,
    command: &RawDocument,
) -> Result<Option<RawDocumentBuf>> {
    let Some(Ok((_, RawBsonRef::String(name)))) = command.iter().next() else { return Ok(None) };
    let Some(series) = name.strip_prefix(BUCKETS) else { return Ok(None) };
    // Whatever is wrong with the names is said by the command.
    let Ok(series) = CollectionName::new(series) else { return Ok(None) };
    let Ok(place) = shared.places.find(database).await else { return Ok(None) };
    let context = Arc::new(Context::of(shared.store.environment()));
    let state = place.read(&context).await?.state;
    let info = state.as_ref().and_then(|state| state.info(&series));
    let Some(Ok(options)) = info.map(|info| info.options.get_document("timeseries")) else {
        return Ok(None);
    };
    let mut body = RawDocumentBuf::new();
    for (position, field) in command.iter().enumerate() {
        match field? {
            (name, _) if position == 0 => body.append(name, series.as_str()),
            (name, RawBsonRef::Document(filter))
                if ["filter", "query"].contains(&name.as_str()) =>
            {
                body.append(name, of_documents(filter, options.get_str("metaField").ok())?);
            }
            (name, value) => body.append(name, value),
        }
    }
    Ok(Some(body))
}

/// A filter of buckets, which have the field of metadata as `meta`, as one of documents.
fn of_documents(filter: &RawDocument, meta: Option<&str>) -> Result<RawDocumentBuf> {
    let Some(meta) = meta else { return Ok(filter.to_owned()) };
    let renamed = Document::try_from(filter)?.into_iter().map(|(path, condition)| {
        match path.split_once('.') {
            None if path == "meta" => (meta.to_owned(), condition),
            Some(("meta", rest)) => (format!("{meta}.{rest}"), condition),
            _ => (path, condition),
        }
    });
    Ok(RawDocumentBuf::try_from(&renamed.collect::<Document>())?)
}

/// The options of a collection, those of a time series with their defaults.
pub(super) fn with_defaults(mut options: Document) -> Document {
    if let Ok(series) = options.get_document_mut("timeseries")
        && !series.contains_key("bucketMaxSpanSeconds")
    {
        let granularity = series.get_str("granularity").unwrap_or(SPANS[0].0).to_owned();
        if let Some((_, seconds)) = SPANS.into_iter().find(|(name, _)| *name == granularity) {
            series.insert("granularity", granularity);
            series.insert("bucketMaxSpanSeconds", seconds);
        }
    }
    options
}

/// The options of a time series after a change of some of them.
pub(super) fn changed(series: &Document, change: Bson) -> Bson {
    let Bson::Document(change) = change else { return change };
    let mut series = series.clone();
    // What is not said follows from the granularity.
    series.remove("bucketMaxSpanSeconds");
    series.extend(change);
    series.into()
}
