//! Formats of documents: Extended JSON, BSON, JSON and CSV files, `mongodump` directories; with the feature
//! `columnar`, also Parquet and Arrow files.
//!
//! This crate knows no stores or branches. Reading is streaming: whatever the size of a file, one
//! document is in memory at a time, and it is [validated](validate()) before the caller gets it.
//! Writing uses a temporary name first, so a file under its final name is always complete.

#[cfg(test)]
mod arbitrary;
pub mod columns;
mod dump;
mod error;
pub mod extjson;
mod source;
mod validate;
mod write;

pub use dump::{
    Archive, ArchivePart, BadFile, Documents, Dump, DumpCollection, Metadata, SkipReason, Skipped,
};
pub use error::FormatError;
pub use source::{
    BadRecord, CellTypes, ColumnarFormat, CsvOptions, Format, Position, Record, Source,
    SourceOptions, digest_of_file, digest_of_part,
};
pub use validate::{InvalidDocument, MAX_DEPTH, MAX_DOCUMENT_BYTES, validate};
pub use write::{
    BsonWriter, ColumnarWriter, CsvColumns, CsvWriter, JsonLinesWriter, OpenOutput, Target,
    Written, buckets_name, remove_others, write_metadata,
};
