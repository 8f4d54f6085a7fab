use std::fs;

use bson::{Bson, doc, rawdoc};
use tempfile::TempDir;

use super::super::{BsonWriter, Source, buckets_name, write_metadata};
use super::*;

const ACCOUNTS: &str = r#"{"options":{},"indexes":[{"v":2,"key":{"_id":1},"name":"_id_"},
    {"v":{"$numberInt":"2"},"unique":true,"key":{"b":1.0,"a":{"$numberLong":"-1"}},"name":"x"}],
    "uuid":"3043398633ae44248d5c8b97c53288d2"}"#;

/// A directory with these files; a name with a `/` is in a subdirectory.
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

fn bad(dump: &Dump) -> Vec<(&str, String)> {
    dump.bad.iter().map(|bad| (bad.collection.as_str(), bad.error.to_string())).collect()
}

/// The documents of a collection with its own file.
fn documents(collection: &DumpCollection) -> Vec<bson::RawDocumentBuf> {
    let source = match &collection.documents {
        Documents::File(path) => Source::open(path, None),
        Documents::Part(part) => Source::of_part(part),
        Documents::None(path) => Source::empty(path),
    };
    source.unwrap().map(|record| record.unwrap().document).collect()
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
        assert_eq!(dump.collections[1].metadata, None, "it says nothing of options and indexes");
        assert!(dump.skipped.is_empty() && dump.bad.is_empty());
    }
}

#[test]
fn of_several_databases_one_must_be_chosen() {
    let root = directory(&[("shop/a.bson", b""), ("blog/b.bson.gz", b"")]);
    let error = Dump::open(root.path(), None).unwrap_err();
    assert!(error.to_string().ends_with("several databases; choose one of: blog, shop"), "{error}");
    assert_eq!(names(&Dump::open(root.path(), Some("blog")).unwrap()), ["b"]);
    let error = Dump::open(root.path(), Some("bolg")).unwrap_err();
    assert!(error.to_string().ends_with("known databases: blog, shop"), "{error}");
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
        ("shop/%24admin.system.users.bson", b""),
        ("shop/._a.bson", b"\0\x05\x16\x07"),
        ("shop/._a.metadata.json", b"\0\x05\x16\x07"),
        ("__MACOSX/._a.bson", b"\0\x05\x16\x07"),
        ("._shop", b"\0\x05\x16\x07"),
        ("shop/n.metadata.json", b"{}"),
        ("shop/inner/a.bson", b""),
    ]);
    let dump = Dump::open(root.path(), None).unwrap();
    assert_eq!((dump.database.as_str(), names(&dump)), ("shop", vec!["a"]));
    let expected = [
        ("._shop", SkipReason::AppleDouble),
        ("__MACOSX", SkipReason::Unknown),
        ("notes.txt", SkipReason::Unknown),
        ("oplog.bson", SkipReason::Oplog),
        ("prelude.json.gz", SkipReason::Prelude),
        ("admin", SkipReason::ServerDatabase),
        ("%24admin.system.users.bson", SkipReason::SystemCollection),
        (".DS_Store", SkipReason::Unknown),
        ("._a.bson", SkipReason::AppleDouble),
        ("._a.metadata.json", SkipReason::AppleDouble),
        ("inner", SkipReason::Unknown),
        ("system.profile.metadata.json", SkipReason::SystemCollection),
        ("system.views.bson", SkipReason::SystemCollection),
        ("n.metadata.json", SkipReason::NoDocuments),
        ("system.buckets.t.bson", SkipReason::TimeSeries),
    ];
    assert_eq!(skipped(&dump), expected.map(|(name, reason)| (name.to_owned(), reason)));
}

#[test]
fn metadata_is_read_with_the_types_and_the_order_it_has() {
    let root = directory(&[("shop/a.bson", b""), ("shop/a.metadata.json", ACCOUNTS.as_bytes())]);
    let dump = Dump::open(root.path(), None).unwrap();
    let metadata = dump.collections[0].metadata.as_ref().unwrap();
    let expected = [
        doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" },
        doc! { "v": 2, "unique": true, "key": { "b": 1.0, "a": -1_i64 }, "name": "x" },
    ];
    assert_eq!(metadata.indexes, expected);
    assert_eq!(metadata.indexes[1].get_document("key").unwrap().keys().next().unwrap(), "b");
    assert_eq!(metadata.uuid.as_deref(), Some("3043398633ae44248d5c8b97c53288d2"));
}

#[test]
fn wrong_metadata_is_told_with_its_file_and_the_others_are_found() {
    for (content, reason) in [
        ("{", "invalid metadata"),
        ("[]", "expected a document"),
        (r#"{"indexes":{}}"#, "indexes must be"),
        (r#"{"indexes":[1]}"#, "indexes must be"),
        (r#"{"options":[]}"#, "options must be"),
        (r#"{"uuid":5}"#, "must be strings"),
    ] {
        let root = directory(&[
            ("shop/a.bson", b""),
            ("shop/a.metadata.json", content.as_bytes()),
            ("shop/b.bson", b""),
        ]);
        let dump = Dump::open(root.path(), None).unwrap();
        let bad = bad(&dump);
        assert!(bad.len() == 1 && bad[0].0 == "a", "{bad:?}");
        assert!(bad[0].1.contains("a.metadata.json: ") && bad[0].1.contains(reason), "{bad:?}");
        assert_eq!(names(&dump), ["b"]);
    }
}

#[test]
fn metadata_that_unpacks_to_more_than_any_has_is_refused_unread() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &vec![b' '; 33 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    let root = directory(&[("shop/a.bson", b""), ("shop/a.metadata.json.gz", &packed)]);
    let dump = Dump::open(root.path(), None).unwrap();
    assert!(bad(&dump)[0].1.contains("it exceeds"), "{dump:?}");
}

#[test]
fn two_files_for_one_collection_are_told_and_the_others_are_found() {
    let root = directory(&[("shop/a.bson", b""), ("shop/a.bson.gz", b""), ("shop/b.bson", b"")]);
    let dump = Dump::open(root.path(), None).unwrap();
    let bad = bad(&dump);
    assert!(bad.len() == 1 && bad[0].0 == "a" && bad[0].1.contains("same collection"), "{bad:?}");
    assert_eq!(names(&dump), ["b"]);
}

#[test]
fn a_file_name_that_cannot_be_decoded_is_told_and_the_others_are_found() {
    for stem in ["100%", "%ZZ", "%FF"] {
        let root = directory(&[(&format!("shop/{stem}.bson"), b""), ("shop/b.bson", b"")]);
        let dump = Dump::open(root.path(), None).unwrap();
        assert!(matches!(dump.bad[0].error, FormatError::CollectionFile { .. }), "{dump:?}");
        assert_eq!((dump.bad[0].collection.as_str(), names(&dump)), (stem, vec!["b"]));
    }
}

#[test]
fn a_view_and_a_time_series_are_collections_with_their_options() {
    let root = directory(&[
        ("shop/v.metadata.json", br#"{"options":{"viewOn":"a","pipeline":[]},"type":"view"}"#),
        (
            "shop/t.metadata.json",
            br#"{"options":{"timeseries":{"timeField":"t"}},"type":"timeseries"}"#,
        ),
        ("shop/system.buckets.t.bson", b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0"),
        ("shop/u.metadata.json", br#"{"options":{"timeseries":{"timeField":"t"}}}"#),
    ]);
    let dump = Dump::open(root.path(), None).unwrap();
    assert_eq!(names(&dump), ["t", "u", "v"]);
    let counts: Vec<_> = dump.collections.iter().map(|found| documents(found).len()).collect();
    assert_eq!(counts, [1, 0, 0]);
    assert!(dump.collections[2].metadata.as_ref().unwrap().is_view());
    assert!(dump.skipped.is_empty() && dump.bad.is_empty());
}

#[test]
fn indexes_of_an_old_dump_are_those_of_collections_without_metadata() {
    let index = |collection: &str, name: &str| {
        let namespace = format!("old.{collection}");
        rawdoc! { "v": 1, "key": { "a": 1 }, "ns": namespace, "name": name }.into_bytes()
    };
    let all = [index("a", "one"), index("a.b", "two"), index("c", "three")].concat();
    let root = directory(&[
        ("shop/system.indexes.bson", &all),
        ("shop/a.bson", b""),
        ("shop/a.b.bson", b""),
        ("shop/c.bson", b""),
        ("shop/c.metadata.json", ACCOUNTS.as_bytes()),
    ]);
    let dump = Dump::open(root.path(), None).unwrap();
    let indexes = |at: usize| dump.collections[at].metadata.as_ref().unwrap().indexes.clone();
    assert_eq!(names(&dump), ["a", "a.b", "c"]);
    assert_eq!(indexes(0)[0].get_str("name").unwrap(), "one");
    assert_eq!(indexes(1)[0].get_str("name").unwrap(), "two");
    assert_eq!((indexes(2).len(), indexes(2)[1].get_str("name").unwrap()), (2, "x"));

    let root = directory(&[("shop/system.indexes.bson", &all[1..]), ("shop/a.bson", b"")]);
    let dump = Dump::open(root.path(), None).unwrap();
    assert_eq!((names(&dump), bad(&dump)[0].0), (vec!["a"], "system.indexes"));
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
        assert_eq!(names::decode(file).as_deref(), Some(name));
        let root = directory(&[(&format!("{file}.bson"), b"")]);
        let alone = DumpCollection::of_file(&root.path().join(format!("{file}.bson"))).unwrap();
        assert_eq!(alone.unwrap().name, name, "a file alone is named so as well");
    }
}

#[test]
fn a_plus_is_a_space_unless_the_metadata_says_that_it_is_a_plus() {
    for (said, name) in [("a+b", "a+b"), ("a b", "a b"), ("other", "a b")] {
        let metadata = format!(r#"{{"collectionName":"{said}"}}"#);
        let files = [("shop/a+b.bson", &b""[..]), ("shop/a+b.metadata.json", metadata.as_bytes())];
        let dump = Dump::open(directory(&files).path(), None).unwrap();
        assert_eq!(names(&dump), [name]);
    }
}

#[test]
fn a_name_that_mongodump_cut_anywhere_is_found_in_the_metadata() {
    // As in mongodump 100.9: 208 bytes, `%24`, and 27 characters of a SHA-1 in base64.
    let name = "船".repeat(27);
    let stem = format!("{}%24{}", &"%E8%88%B9".repeat(27)[..208], "q1PzsA-_Vt3xkL0Gw8mYc7dQ2eR");
    assert_eq!(stem.len(), 238);
    let metadata = format!(r#"{{"indexes":[],"collectionName":"{name}","type":"collection"}}"#);
    let root = directory(&[
        (&format!("shop/{stem}.bson"), b""),
        (&format!("shop/{stem}.metadata.json"), metadata.as_bytes()),
    ]);
    let dump = Dump::open(root.path(), None).unwrap();
    assert_eq!((names(&dump), dump.bad.len()), (vec![name.as_str()], 0));
    let alone = DumpCollection::of_file(&root.path().join(format!("shop/{stem}.bson"))).unwrap();
    assert_eq!(alone.unwrap().name, name);
}

#[test]
fn any_collection_survives_being_written_and_found() {
    let long = |end: &str| format!("{}{end}", "имя ".repeat(30));
    let mut written =
        vec!["plain".to_owned(), "a/b c".to_owned(), long("1"), long("2"), "x".repeat(238)];
    written.extend(["oplog", "prelude", "a.metadata", "a.bson.gz", "%24admin."].map(str::to_owned));
    // Truncated after each of the three characters that encode a byte.
    written.extend((0..4).map(|at| format!("{}{}", "x".repeat(at), "船".repeat(27))));
    written.extend([format!("{}x", "é".repeat(40)), "ж".repeat(100), "x".repeat(250)]);
    let root = TempDir::new().unwrap();
    let directory = root.path().join("shop");
    fs::create_dir(&directory).unwrap();
    let metadata = Metadata {
        options: doc! { "validator": { "a": { "$type": "string" }, "b": { "$gt": 1.0 } } },
        indexes: vec![doc! { "v": 2, "key": { "a": 1.0, "b": -1_i64 }, "weights": Bson::MinKey }],
        uuid: Some("89bf6fb3a4f94c61a48126e7e5090f56".to_owned()),
        ..Metadata::default()
    };
    let series =
        Metadata { options: doc! { "timeseries": { "timeField": "t" } }, ..metadata.clone() };
    for (index, name) in written.iter().enumerate() {
        let (gzip, is_series) = (index % 2 == 0, index % 3 == 0);
        let file = if is_series { buckets_name(name) } else { name.clone() };
        let mut writer = BsonWriter::create(&directory, &file, gzip).unwrap();
        writer.write(&rawdoc! { "name": name.as_str() }).unwrap();
        writer.finish().unwrap();
        let metadata = if is_series { &series } else { &metadata };
        write_metadata(&directory, name, metadata, gzip).unwrap();
    }
    let dump = Dump::open(root.path(), None).unwrap();
    assert_eq!((dump.collections.len(), dump.bad.len()), (written.len(), 0), "{dump:?}");
    for collection in &dump.collections {
        let index = written.iter().position(|name| *name == collection.name).unwrap();
        assert_eq!(documents(collection)[0].get_str("name").unwrap(), collection.name);
        let (metadata, kind) =
            if index % 3 == 0 { (&series, "timeseries") } else { (&metadata, "collection") };
        let expected = Metadata {
            collection_name: Some(collection.name.clone()),
            kind: Some(kind.to_owned()),
            ..metadata.clone()
        };
        assert_eq!(collection.metadata.as_ref(), Some(&expected));
    }
}
