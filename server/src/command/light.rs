//! Commands that read or write single documents, and compute nothing.
//!
//! The way to another thread would take as long as such a command. That it reads a view, or compares by the collation of
//! its collection, so that it computes after all, only the command itself can tell.

use bson::raw::{RawBsonRef, RawDocument};

use crate::wire::Request;

/// The most bytes of writes.
const MOST_BYTES: usize = 64 * 1024;
/// The most statements.
const MOST_STATEMENTS: usize = 100;

/// The fields of any command.
const COMMON: &[&str] = &[
    "$clusterTime",
    "$db",
    "$readPreference",
    "autocommit",
    "comment",
    "lsid",
    "maxTimeMS",
    "ordered",
    "readConcern",
    "startTransaction",
    "stmtId",
    "stmtIds",
    "txnNumber",
    "writeConcern",
];

/// Whether a command reads or writes single documents by their `_id`s, and computes nothing.
pub(super) fn is_light(request: &Request) -> bool {
    let body = &*request.body;
    let Some(Ok((name, _))) = body.iter().next() else { return false };
    match name.as_str() {
        "find" => is_find_by_id(body),
        "insert" => is_write(request, "insert", "documents", |_| true),
        "update" => is_write(request, "update", "updates", is_update_by_id),
        "delete" => is_write(request, "delete", "deletes", is_deletion_by_id),
        _ => false,
    }
}

fn is_find_by_id(body: &RawDocument) -> bool {
    is_by_id(body, "filter", |name, value| match (name, value) {
        ("projection", RawBsonRef::Document(projection)) => {
            all(projection, |(_, value)| is_switch(value))
        }
        ("find" | "limit" | "singleBatch" | "batchSize", _) => true,
        (name, _) => COMMON.contains(&name),
    })
}

/// Whether a command writes a few documents, each by a plain statement.
fn is_write(
    request: &Request,
    command: &str,
    field: &str,
    is_plain: impl Fn(&RawDocument) -> bool,
) -> bool {
    let of_sequences = request.sequences.iter().flat_map(|sequence| &sequence.documents);
    let (mut bytes, mut count) = (request.body.as_bytes().len(), 0);
    for document in of_sequences {
        bytes += document.as_bytes().len();
        count += 1;
        if bytes > MOST_BYTES || count > MOST_STATEMENTS || !is_plain(document) {
            return false;
        }
    }
    let mut in_body = |list: RawBsonRef<'_>| {
        let RawBsonRef::Array(list) = list else { return false };
        list.into_iter().all(|statement| {
            count += 1;
            let statement = statement.ok().and_then(RawBsonRef::as_document);
            count <= MOST_STATEMENTS && statement.is_some_and(&is_plain)
        })
    };
    bytes <= MOST_BYTES
        && all(&request.body, |(name, value)| match name {
            name if name == command => true,
            name if name == field => in_body(value),
            name => COMMON.contains(&name),
        })
}

/// An update by operators, or a replacement; one by a pipeline computes.
fn is_update_by_id(statement: &RawDocument) -> bool {
    is_by_id(statement, "q", |name, value| {
        matches!((name, value), ("u", RawBsonRef::Document(_)) | ("upsert" | "multi", _))
    })
}

fn is_deletion_by_id(statement: &RawDocument) -> bool {
    is_by_id(statement, "q", |name, _| name == "limit")
}

/// Whether a document has a filter by an `_id` in this field, and only plain ones beside it.
fn is_by_id(
    document: &RawDocument,
    filter: &str,
    is_plain: impl Fn(&str, RawBsonRef<'_>) -> bool,
) -> bool {
    let mut has_filter = false;
    let is_plain = all(document, |(name, value)| match value {
        RawBsonRef::Document(id) if name == filter => {
            has_filter = true;
            is_id(id)
        }
        value => is_plain(name, value),
    });
    is_plain && has_filter
}

/// Whether a filter is an `_id`.
fn is_id(filter: &RawDocument) -> bool {
    let mut count = 0;
    let is_id = all(filter, |(name, value)| {
        count += 1;
        name == "_id" && is_value(value)
    });
    is_id && count == 1
}

fn is_value(value: RawBsonRef<'_>) -> bool {
    !matches!(
        value,
        RawBsonRef::Document(_) | RawBsonRef::Array(_) | RawBsonRef::RegularExpression(_)
    )
}

/// Whether a field of a projection is taken or left out; a text may be the path of an expression.
fn is_switch(value: RawBsonRef<'_>) -> bool {
    is_value(value) && !matches!(value, RawBsonRef::String(_))
}

/// Whether all fields are so; false for malformed ones.
fn all<'d>(
    document: &'d RawDocument,
    mut is_so: impl FnMut((&'d str, RawBsonRef<'d>)) -> bool,
) -> bool {
    document.iter().all(|field| field.is_ok_and(|(name, value)| is_so((name.as_str(), value))))
}

#[cfg(test)]
mod tests {
    use bson::doc;
    use bson::raw::RawDocumentBuf;

    use super::*;
    use crate::testing::request;
    use crate::wire::Sequence;

    #[test]
    fn commands_on_single_documents_are_light() {
        for light in [
            doc! { "find": "c", "filter": { "_id": 7 }, "$db": "shop", "lsid": {} },
            doc! { "find": "c", "filter": { "_id": "x" }, "projection": { "a": 1 }, "limit": 1 },
            doc! { "insert": "c", "documents": [{ "a": 1 }, { "a": [1, 2] }], "ordered": true },
            doc! { "update": "c", "updates": [{ "q": { "_id": 1 }, "u": { "$set": { "a": 1 } } }] },
            doc! { "delete": "c", "deletes": [{ "q": { "_id": 1 }, "limit": 1 }], "txnNumber": 1_i64 },
        ] {
            assert!(is_light(&request(&light, Vec::new())), "{light}");
        }
    }

    #[test]
    fn what_scans_or_evaluates_is_not_light() {
        for heavy in [
            doc! { "find": "c" },
            doc! { "find": "c", "filter": { "_id": { "$gt": 7 } } },
            doc! { "find": "c", "filter": { "_id": 7, "$expr": "$a" } },
            doc! { "find": "c", "filter": { "_id": 7 }, "projection": { "a": "$b" } },
            doc! { "find": "c", "filter": { "_id": 7 }, "projection": { "a": { "$add": [1] } } },
            doc! { "find": "c", "filter": { "_id": 7 }, "let": { "a": { "$range": [0, 9] } } },
            doc! { "find": "c", "filter": { "_id": 7 }, "collation": { "locale": "de" } },
            doc! { "find": "c", "filter": { "_id": 7 }, "sort": { "a": 1 } },
            doc! { "aggregate": "c", "filter": { "_id": 7 } },
            doc! { "update": "c", "updates": [{ "q": { "a": 1 }, "u": { "$set": { "a": 1 } } }] },
            doc! { "update": "c", "updates": [{ "q": { "_id": 1 }, "u": [{ "$set": { "a": 1 } }] }] },
            doc! { "update": "c", "updates": [{ "q": { "_id": 1 }, "u": {}, "arrayFilters": [{}] }] },
            doc! { "update": "c", "updates": [{ "q": { "_id": 1 }, "u": {} }], "let": { "a": 1 } },
            doc! { "delete": "c", "deletes": [{ "q": {}, "limit": 0 }] },
            doc! { "insert": "c", "documents": vec![doc! {}; 101] },
            doc! { "insert": "c", "documents": [{ "a": "x".repeat(70_000) }] },
        ] {
            assert!(!is_light(&request(&heavy, Vec::new())), "{heavy}");
        }
        let large = RawDocumentBuf::try_from(&doc! { "a": "x".repeat(1_000) }).unwrap();
        let sequence = Sequence { name: "documents".into(), documents: vec![large; 70] };
        assert!(!is_light(&request(&doc! { "insert": "c" }, vec![sequence])));
    }
}
