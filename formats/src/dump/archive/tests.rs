use std::fs;

use bson::{RawDocumentBuf, rawdoc};

use super::super::super::Source;
use super::crc64::Crc64;
use super::*;

const END: [u8; 4] = [0xff; 4];

/// A builder of archives.
struct Builder {
    bytes: Vec<u8>,
    prelude: Vec<u8>,
}

impl Builder {
    fn new() -> Self {
        let mut prelude = MAGIC.to_le_bytes().to_vec();
        prelude.extend(rawdoc! { "version": "0.1", "tool_version": "100.9.0" }.as_bytes());
        Self { bytes: Vec::new(), prelude }
    }

    fn entry(mut self, database: &str, collection: &str, metadata: &str) -> Self {
        let entry = rawdoc! { "db": database, "collection": collection, "metadata": metadata };
        self.prelude.extend(entry.as_bytes());
        self
    }

    fn block(mut self, database: &str, collection: &str, documents: &[RawDocumentBuf]) -> Self {
        self.header(database, collection, None);
        for document in documents {
            self.bytes.extend(document.as_bytes());
        }
        self.bytes.extend(END);
        self
    }

    /// Appends the last block of a collection, which is empty, with the checksum of these
    /// documents.
    fn end(mut self, database: &str, collection: &str, documents: &[RawDocumentBuf]) -> Self {
        let mut checksum = Crc64::default();
        for document in documents {
            checksum.update(document.as_bytes());
        }
        self.header(database, collection, Some(checksum.get()));
        self.bytes.extend(END);
        self
    }

    fn header(&mut self, database: &str, collection: &str, end: Option<u64>) {
        self.bytes.extend(
            rawdoc! {
                "db": database, "collection": collection, "EOF": end.is_some(),
                "CRC": end.unwrap_or(0).cast_signed(),
            }
            .as_bytes(),
        );
    }

    fn build(self) -> Vec<u8> {
        [self.prelude, END.to_vec(), self.bytes].concat()
    }
}

fn number(number: i32) -> RawDocumentBuf {
    rawdoc! { "_id": number }
}

/// Two interleaved collections, a view, a time series, and the server's own.
fn shop() -> Vec<u8> {
    let (a, b, t) = ([number(1), number(2), number(3)], [number(7)], [number(9)]);
    Builder::new()
        .entry("shop", "a", r#"{"indexes":[],"options":{"capped":true}}"#)
        .entry("shop", "b", "")
        .entry("shop", "v", r#"{"options":{"viewOn":"a","pipeline":[]}}"#)
        .entry("shop", "t", r#"{"options":{"timeseries":{"timeField":"t"}}}"#)
        .entry("admin", "system.version", "")
        .block("shop", "a", &a[..2])
        .block("shop", "b", &b)
        .block("admin", "system.version", &b)
        .end("admin", "system.version", &b)
        .block("shop", "a", &a[2..])
        .end("shop", "b", &b)
        .end("shop", "a", &a)
        .block("shop", "system.buckets.t", &t)
        .end("shop", "system.buckets.t", &t)
        .end("shop", "system.views", &[])
        .build()
}

fn open(bytes: &[u8]) -> Result<Archive, FormatError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shop.archive");
    fs::write(&path, bytes).unwrap();
    assert!(Archive::is_at(&path) || bytes.len() < 4);
    Archive::open(&path)
}

fn ids(collection: &DumpCollection) -> Vec<i32> {
    let Documents::Part(part) = &collection.documents else { return Vec::new() };
    Source::of_part(part)
        .unwrap()
        .map(|record| record.unwrap().document.get_i32("_id").unwrap())
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_collections_of_an_archive_are_read_from_their_blocks_compressed_or_not() {
    for bytes in [shop(), gzip(&shop())] {
        let dump = open(&bytes).unwrap().dump(None).unwrap();
        assert_eq!(dump.database, "shop");
        let found: Vec<_> =
            dump.collections.iter().map(|found| (found.name.as_str(), ids(found))).collect();
        assert_eq!(
            found,
            [("a", vec![1, 2, 3]), ("b", vec![7]), ("t", vec![9]), ("v", Vec::new())]
        );
        let metadata = |at: usize| dump.collections[at].metadata.as_ref();
        assert!(metadata(0).unwrap().options.get_bool("capped").unwrap());
        assert!(metadata(1).is_none() && metadata(2).unwrap().is_time_series());
        assert!(metadata(3).unwrap().is_view());
        let skipped: Vec<_> = dump.skipped.iter().map(|skipped| skipped.reason).collect();
        assert_eq!(skipped, [SkipReason::ServerDatabase, SkipReason::SystemCollection]);
        assert!(dump.bad.is_empty());
    }
}

#[test]
fn of_several_databases_one_is_chosen_by_name() {
    let bytes = Builder::new()
        .entry("shop", "a", "")
        .entry("blog", "a", "")
        .block("blog", "a", &[number(1)])
        .end("blog", "a", &[number(1)])
        .end("shop", "a", &[])
        .build();
    let archive = open(&bytes).unwrap();
    assert!(matches!(archive.dump(None), Err(FormatError::SeveralDatabases { .. })));
    assert_eq!(ids(&archive.dump(Some("blog")).unwrap().collections[0]), [1]);
    assert!(ids(&archive.dump(Some("shop")).unwrap().collections[0]).is_empty());
    assert!(matches!(archive.dump(Some("x")), Err(FormatError::NoSuchDatabase { .. })));
}

#[test]
fn an_archive_cut_at_any_byte_is_refused() {
    let bytes = Builder::new()
        .entry("shop", "a", "")
        .block("shop", "a", &[number(1), number(2)])
        .end("shop", "a", &[number(1), number(2)])
        .build();
    assert!(open(&bytes).is_ok());
    let prelude = Builder::new().entry("shop", "a", "").build().len();
    for cut in 4..bytes.len() {
        let error = match open(&bytes[..cut]) {
            Err(error) => error,
            // It is truncated between two collections, so the others may be complete.
            Ok(archive) if cut == prelude => archive.dump(None).unwrap().bad.remove(0).error,
            Ok(archive) => panic!("cut at {cut}: {archive:?}"),
        };
        assert!(matches!(error, FormatError::Archive { .. }), "cut at {cut}: {error}");
    }
}

#[test]
fn a_changed_document_is_noticed_by_its_checksum() {
    let mut bytes = shop();
    let stored = number(3).into_bytes();
    let at = bytes.windows(stored.len()).position(|window| window == stored).unwrap();
    bytes[at + 9] ^= 1;
    let error = open(&bytes).unwrap_err().to_string();
    assert!(
        error.contains("invalid or incomplete mongodump archive") && error.contains("shop.a"),
        "{error}"
    );
}

#[test]
fn metadata_that_cannot_be_read_does_not_block_the_others() {
    let bytes =
        Builder::new().entry("shop", "a", "{").entry("shop", "b", "").end("shop", "b", &[]).build();
    let dump = open(&bytes).unwrap().dump(None).unwrap();
    assert_eq!((dump.bad.len(), dump.bad[0].collection.as_str()), (1, "a"));
    assert_eq!(dump.collections[0].name, "b");
}
