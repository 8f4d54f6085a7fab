use std::fs;

use bson::{Bson, doc, rawdoc};
use tempfile::TempDir;

use super::super::{BsonWriter, write_metadata};
use super::*;

const ACCOUNTS: &str = r#"{"options":{},"indexes":[{"v":2,"key":{"_id":1},"name":"_id_"},
    {"v":{"$numberInt":"2"},"unique":true,"key":{"b":1.0,"a":{"$numberLong":"-1"}},"name":"x"}],
    "uuid":"3043398633ae44248d5c8b97c53288d2"}"#;

/// A directory with these files; a name with a `/` is in a directory of its own.
fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

fn names(dump: &Dump) -> Vec<&str> {
    dump.collections.iter().map(|collection| collection.name.as_str()).collect()
}

fn skipped(dump: &Dump) -> Vec<(String, SkipReason)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    dump.skipped.iter().map(|skipped| (name(&skipped.path), skipped.reason)).collect()
}

#[test]
fn a_database_is_found_by_its_own_directory_or_by_the_root() {
    let root = directory(&[
        ("shop/b.bson", b""),
        ("shop/a.bson", b""),
        ("shop/a.metadata.json", ACCOUNTS.as_bytes()),
    ]);
    for dump in [
        Dump::open(root.path(), None).unwrap(),
        Dump::open(root.path(), Some("shop")).unwrap(),
        Dump::open(&root.path().join("shop"), None).unwrap(),
        Dump::open(&root.path().join("shop/../shop"), Some("shop")).unwrap(),
    ] {
        assert_eq!((dump.database.as_str(), names(&dump)), ("shop", vec!["a", "b"]));
        assert_eq!(dump.collections[1].metadata, Metadata::default());
        assert!(dump.skipped.is_empty());
    }
}

#[test]
fn of_several_databases_one_must_be_chosen() {
    let root = directory(&[("shop/a.bson", b""), ("blog/b.bson.gz", b"")]);
    let error = Dump::open(root.path(), None).unwrap_err();
    assert!(error.to_string().ends_with("several databases, choose one: blog, shop"), "{error}");
    assert_eq!(names(&Dump::open(root.path(), Some("blog")).unwrap()), ["b"]);
    let error = Dump::open(root.path(), Some("bolg")).unwrap_err();
    assert!(error.to_string().ends_with("no database bolg, only: blog, shop"), "{error}");
}

#[test]
fn a_directory_without_a_dump_is_refused() {
    let root = directory(&[("readme.txt", b""), ("photos/a.jpg", b"")]);
    assert!(matches!(Dump::open(root.path(), None), Err(FormatError::NotADump { .. })));
    let missing = root.path().join("missing");
    assert!(matches!(Dump::open(&missing, None), Err(FormatError::Io { .. })));
}

#[test]
fn what_is_not_a_collection_is_skipped_with_the_reason() {
    let root = directory(&[
        ("oplog.bson", b""),
        ("prelude.json.gz", b""),
        ("notes.txt", b""),
        ("admin/system.version.bson", b""),
        ("shop/a.bson", b""),
        ("shop/.DS_Store", b""),
        ("shop/system.views.bson", b""),
        ("shop/system.profile.metadata.json", b"{}"),
        ("shop/system.buckets.t.bson", b""),
        ("shop/t.metadata.json", br#"{"options":{"timeseries":{}},"type":"timeseries"}"#),
        ("shop/v.metadata.json", br#"{"options":{"viewOn":"a","pipeline":[]},"type":"view"}"#),
        ("shop/n.metadata.json", b"{}"),
        ("shop/inner/a.bson", b""),
    ]);
    let dump = Dump::open(root.path(), None).unwrap();
    assert_eq!((dump.database.as_str(), names(&dump)), ("shop", vec!["a"]));
    let expected = [
        ("notes.txt", SkipReason::Unknown),
        ("oplog.bson", SkipReason::Oplog),
        ("prelude.json.gz", SkipReason::Prelude),
        ("admin", SkipReason::ServerDatabase),
        (".DS_Store", SkipReason::Unknown),
        ("inner", SkipReason::Unknown),
        ("system.buckets.t.bson", SkipReason::TimeSeries),
        ("system.profile.metadata.json", SkipReason::SystemCollection),
        ("system.views.bson", SkipReason::SystemCollection),
        ("n.metadata.json", SkipReason::NoDocuments),
        ("t.metadata.json", SkipReason::TimeSeries),
        ("v.metadata.json", SkipReason::View),
    ];
    assert_eq!(skipped(&dump), expected.map(|(name, reason)| (name.to_owned(), reason)));
}

#[test]
fn metadata_is_read_with_the_types_and_the_order_it_has() {
    let root = directory(&[("shop/a.bson", b""), ("shop/a.metadata.json", ACCOUNTS.as_bytes())]);
    let dump = Dump::open(root.path(), None).unwrap();
    let metadata = &dump.collections[0].metadata;
    let expected = [
        doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" },
        doc! { "v": 2, "unique": true, "key": { "b": 1.0, "a": -1_i64 }, "name": "x" },
    ];
    assert_eq!(metadata.indexes, expected);
    assert_eq!(metadata.indexes[1].get_document("key").unwrap().keys().next().unwrap(), "b");
    assert_eq!(metadata.uuid.as_deref(), Some("3043398633ae44248d5c8b97c53288d2"));
}

#[test]
fn wrong_metadata_is_refused_with_its_file() {
    for (content, reason) in [
        ("{", "not the metadata"),
        ("[]", "expected a document"),
        (r#"{"indexes":{}}"#, "indexes must be"),
        (r#"{"indexes":[1]}"#, "indexes must be"),
        (r#"{"options":[]}"#, "options must be"),
        (r#"{"uuid":5}"#, "must be strings"),
    ] {
        let root = directory(&[("shop/a.bson", b""), ("shop/a.metadata.json", content.as_bytes())]);
        let error = Dump::open(root.path(), None).unwrap_err().to_string();
        assert!(error.contains("a.metadata.json: ") && error.contains(reason), "{error}");
    }
}

#[test]
fn two_files_for_one_collection_are_refused() {
    let root = directory(&[("shop/a.bson", b""), ("shop/a.bson.gz", b"")]);
    let error = Dump::open(root.path(), None).unwrap_err().to_string();
    assert!(error.contains("same collection"), "{error}");
}

#[test]
fn a_file_name_that_cannot_be_decoded_is_refused() {
    for name in ["shop/100%.bson", "shop/%ZZ.bson", "shop/%FF.bson"] {
        let root = directory(&[(name, b"")]);
        let error = Dump::open(root.path(), None).unwrap_err();
        assert!(matches!(error, FormatError::CollectionFile { .. }), "{error}");
    }
}

#[test]
fn names_are_encoded_as_mongodump_does() {
    for (name, file) in [
        ("plain.name-1_~", "plain.name-1_~"),
        ("a/b:c", "a%2Fb%3Ac"),
        ("a b+c%", "a+b%2Bc%25"),
        ("für", "f%C3%BCr"),
    ] {
        assert_eq!(encode(name), file);
        let path = PathBuf::from(format!("{file}.bson"));
        let decoded = File::Collection { kind: Kind::Documents, name: name.to_owned() };
        assert_eq!(names::classify(&path).unwrap(), decoded);
    }
}

#[test]
fn any_collection_survives_being_written_and_found() {
    let long = |end: &str| format!("{}{end}", "имя ".repeat(30));
    let written = ["plain".to_owned(), "a/b c".to_owned(), long("1"), long("2"), "x".repeat(238)];
    let root = TempDir::new().unwrap();
    let directory = root.path().join("shop");
    fs::create_dir(&directory).unwrap();
    let metadata = Metadata {
        options: doc! { "validator": { "a": { "$type": "string" }, "b": { "$gt": 1.0 } } },
        indexes: vec![doc! { "v": 2, "key": { "a": 1.0, "b": -1_i64 }, "weights": Bson::MinKey }],
        uuid: Some("89bf6fb3a4f94c61a48126e7e5090f56".to_owned()),
        ..Metadata::default()
    };
    for (index, name) in written.iter().enumerate() {
        let gzip = index % 2 == 0;
        let mut writer = BsonWriter::create(&directory, name, gzip).unwrap();
        writer.write(&rawdoc! { "name": name.as_str() }).unwrap();
        writer.finish().unwrap();
        write_metadata(&directory, name, &metadata, gzip).unwrap();
    }
    let dump = Dump::open(root.path(), None).unwrap();
    assert_eq!(dump.collections.len(), written.len());
    for collection in &dump.collections {
        assert!(written.contains(&collection.name));
        let records: Vec<_> = collection.source().unwrap().map(Result::unwrap).collect();
        assert_eq!(records[0].document.get_str("name").unwrap(), collection.name);
        let expected = Metadata {
            collection_name: Some(collection.name.clone()),
            kind: Some("collection".to_owned()),
            ..metadata.clone()
        };
        assert_eq!(collection.metadata, expected);
    }
}
