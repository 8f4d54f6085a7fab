//! Parquet and Arrow files: those that are written here, those of others, and damaged ones.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, MapBuilder, StringBuilder};
use arrow_array::types::Int8Type;
use arrow_array::*;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Decimal128, oid::ObjectId};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::*;
use crate::columns::{Change, Fields};
use crate::{ColumnarWriter, Target};

const FORMATS: [(ColumnarFormat, &str); 2] =
    [(ColumnarFormat::Parquet, "a.parquet"), (ColumnarFormat::Arrow, "a.arrow")];

/// A table of documents, and what it changes.
fn table(directory: &TempDir, name: &str, documents: &[RawDocumentBuf]) -> (PathBuf, Vec<String>) {
    let path = directory.path().join(name);
    let mut fields = Fields::default();
    for document in documents {
        fields.add(document).unwrap();
    }
    fields.replace_empty_documents();
    let changes = fields.changes().iter().map(ToString::to_string).collect();
    let Some(Format::Columnar(format)) = Format::of_path(&path) else { panic!("{name}") };
    let gzip = name.ends_with("gz");
    let mut writer = ColumnarWriter::create(Target::File(&path), format, fields, gzip).unwrap();
    for document in documents {
        writer.write(document).unwrap();
    }
    assert_eq!(writer.finish().unwrap().documents, documents.len() as u64);
    (path, changes)
}

fn read_at(path: &Path) -> Vec<RawDocumentBuf> {
    let source = Source::open(path, None).unwrap();
    source.map(|record| record.unwrap().document).collect()
}

fn raw(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).unwrap()
}

/// The value with the fields of its documents sorted, and null for what is undefined.
fn sorted(value: Bson) -> Bson {
    match value {
        Bson::Document(document) => {
            let mut fields: Vec<_> = document.into_iter().collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Bson::Document(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Bson::Array(values) => Bson::Array(values.into_iter().map(sorted).collect()),
        Bson::Undefined => Bson::Null,
        other => other,
    }
}

fn all_sorted(documents: &[RawDocumentBuf]) -> Vec<RawDocumentBuf> {
    let one = |document: &RawDocumentBuf| {
        let sorted = sorted(Bson::Document(Document::try_from(document).unwrap()));
        raw(sorted.as_document().unwrap())
    };
    documents.iter().map(one).collect()
}

/// A file of others.
fn foreign(directory: &TempDir, name: &str, batches: &[RecordBatch]) -> PathBuf {
    let path = directory.path().join(name);
    let file = fs::File::create(&path).unwrap();
    let schema = batches[0].schema();
    if name.ends_with("parquet") {
        let groups = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let mut writer = ArrowWriter::try_new(file, schema, Some(groups)).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.close().unwrap();
    } else {
        let mut writer = FileWriter::try_new(file, &schema).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.finish().unwrap();
    }
    path
}

fn batch(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn column(name: &str, array: impl Array + 'static) -> (Field, ArrayRef) {
    (Field::new(name, array.data_type().clone(), true), Arc::new(array))
}

#[test]
fn a_table_gives_back_the_documents_it_was_made_of() {
    let uuid = Binary { subtype: BinarySubtype::Uuid, bytes: vec![7; 16] };
    let documents = [
        doc! {
            "_id": ObjectId::from_bytes([1; 12]), "a": 1, "b": 5_i64, "c": 1.5, "d": "x", "e": true,
            "f": DateTime::from_millis(-1), "g": "1.50".parse::<Decimal128>().unwrap(), "h": uuid.clone(),
            "i": [1, null, 3], "j": { "k": "y", "l": [{ "m": 1 }, { "n": "z" }] }, "o": null,
            "p": [], "q": { "r": null },
        },
        doc! { "_id": ObjectId::from_bytes([2; 12]), "i": [], "o": null, "q": { "r": 4 } },
    ];
    let documents = documents.map(|document| raw(&document));
    for name in ["a.parquet", "a.arrow", "a.feather", "a.parquet.gz", "a.ARROW.gz"] {
        let directory = TempDir::new().unwrap();
        let (path, changes) = table(&directory, name, &documents);
        assert!(changes.is_empty(), "{changes:?}");
        assert_eq!(read_at(&path), documents, "{name}");
    }
}

#[test]
fn what_a_table_changes_is_reported() {
    let binary = |subtype, byte| Binary { subtype, bytes: vec![byte] };
    let documents = [
        doc! { "_id": 1, "a": 1, "b": 1, "c": 1, "d": null, "e": {}, "f": binary(BinarySubtype::Uuid, 1), "g": [1, "x"] },
        doc! { "_id": 2, "a": "x", "b": 5_i64, "c": 0.5, "e": {}, "f": binary(BinarySubtype::Generic, 2), "g": [] },
    ];
    let documents = documents.map(|document| raw(&document));
    let directory = TempDir::new().unwrap();
    let (path, changes) = table(&directory, "a.parquet", &documents);
    assert_eq!(
        changes,
        [
            "column a has values of several types (int, string) and became text",
            "column b has numbers of several types (int, long) and became long",
            "column c has numbers of several types (double, int) and became double",
            "column d is null in some documents and missing in others, which became the same",
            "column e has values of type object, which became text",
            "column f has binary values of several subtypes and lost them",
            "column g.item has values of several types (int, string) and became text",
        ]
    );
    let generic = |byte| binary(BinarySubtype::Generic, byte);
    let expected = [
        doc! { "_id": 1, "a": r#"{"$numberInt":"1"}"#, "b": 1_i64, "c": 1.0, "e": "{}", "f": generic(1), "g": [r#"{"$numberInt":"1"}"#, "x"] },
        doc! { "_id": 2, "a": "x", "b": 5_i64, "c": 0.5, "e": "{}", "f": generic(2), "g": [] },
    ];
    assert_eq!(read_at(&path), expected.map(|document| raw(&document)));
}

#[test]
fn a_table_without_documents_is_a_file() {
    for (_, name) in FORMATS {
        let directory = TempDir::new().unwrap();
        let (path, _) = table(&directory, name, &[]);
        assert_eq!(read_at(&path), Vec::<RawDocumentBuf>::new());
    }
}

#[test]
fn a_table_of_many_rows_is_read_in_order_with_its_progress() {
    let documents: Vec<_> = (0..20_000).map(|i| rawdoc! { "_id": i, "x": i % 7 }).collect();
    for (_, name) in FORMATS {
        let directory = TempDir::new().unwrap();
        let (path, _) = table(&directory, name, &documents);
        let mut source = Source::open(&path, None).unwrap();
        let found: Vec<_> = source.by_ref().map(|record| record.unwrap()).collect();
        assert!(found.iter().map(|record| &record.document).eq(&documents));
        assert_eq!(source.bytes_read(), source.bytes_total());
        let Position::Row { row: 20_000, group } = found.last().unwrap().position else {
            panic!("{:?}", found.last())
        };
        assert_eq!(group, if name == "a.arrow" { 3 } else { 1 });
    }
}

#[test]
fn types_of_other_programs_become_those_of_bson() {
    let uuid = HashMap::from([("ARROW:extension:name".to_owned(), "arrow.uuid".to_owned())]);
    let field = Field::new("uuid", DataType::FixedSizeBinary(16), true).with_metadata(uuid);
    let uuids = FixedSizeBinaryArray::try_from_iter([vec![7_u8; 16], vec![8; 16]].into_iter());
    let mut texts = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    texts.keys().append_value("k");
    texts.values().append_value(1);
    texts.append(true).unwrap();
    texts.append(false).unwrap();
    let mut numbers = MapBuilder::new(None, Int32Builder::new(), Int32Builder::new());
    numbers.keys().append_value(5);
    numbers.values().append_null();
    numbers.append(true).unwrap();
    numbers.append(true).unwrap();
    let decimals = Decimal128Array::from(vec![Some(12345), None]).with_precision_and_scale(9, 2);
    let micros = TimestampMicrosecondArray::from(vec![Some(-1500), Some(2000)]);
    let categories: DictionaryArray<Int8Type> = vec![Some("x"), None].into_iter().collect();
    let lists = ListArray::from_iter_primitive::<arrow_array::types::Int64Type, _, _>([
        Some(vec![Some(1), None]),
        None,
    ]);
    let batch = batch(vec![
        column("u8", UInt8Array::from(vec![Some(255), None])),
        column("u32", UInt32Array::from(vec![u32::MAX, 0])),
        column("u64", UInt64Array::from(vec![u64::MAX, 1])),
        column("f32", Float32Array::from(vec![0.5, 1.5])),
        column("day", Date32Array::from(vec![1, -1])),
        column("second", TimestampSecondArray::from(vec![Some(2), None])),
        column("micro", micros),
        column("decimal", decimals.unwrap()),
        (field, Arc::new(uuids.unwrap())),
        column("bytes", BinaryArray::from(vec![Some(&b"x"[..]), None])),
        column("texts", texts.finish()),
        column("numbers", numbers.finish()),
        column("category", categories),
        column("list", lists),
    ]);
    let uuid = |byte| Binary { subtype: BinarySubtype::Uuid, bytes: vec![byte; 16] };
    let bytes = Binary { subtype: BinarySubtype::Generic, bytes: b"x".to_vec() };
    let day = 86_400_000;
    let expected = [
        doc! {
            "u8": 255, "u32": 4_294_967_295_i64, "u64": "18446744073709551615".parse::<Decimal128>().unwrap(),
            "f32": 0.5, "day": DateTime::from_millis(day), "second": DateTime::from_millis(2000),
            "micro": DateTime::from_millis(-2), "decimal": "123.45".parse::<Decimal128>().unwrap(), "uuid": uuid(7),
            "bytes": bytes, "texts": { "k": 1 }, "numbers": [{ "key": 5 }], "category": "x", "list": [1_i64, null],
        },
        doc! {
            "u32": 0_i64, "u64": 1_i64, "f32": 1.5, "day": DateTime::from_millis(-day),
            "micro": DateTime::from_millis(2), "uuid": uuid(8), "numbers": [],
        },
    ];
    for (_, name) in FORMATS {
        let directory = TempDir::new().unwrap();
        let path = foreign(&directory, name, std::slice::from_ref(&batch));
        let mut source = Source::open(&path, None).unwrap();
        let found: Vec<_> = source.by_ref().map(|record| record.unwrap().document).collect();
        assert_eq!(found, expected.clone().map(|document| raw(&document)), "{name}");
        assert_eq!(
            source.notes(),
            ["column micro has times with more than milliseconds, and lost what is finer"]
        );
    }
}

#[test]
fn a_column_that_documents_can_not_have_is_refused_by_its_name() {
    let lists = |item: Field| DataType::List(Arc::new(item));
    let times = |name: &str| Field::new(name, DataType::Time32(TimeUnit::Second), true);
    for (field, words) in [
        (times("t"), "column t has the type Time32(s), which documents do not have; convert it"),
        (Field::new("l", lists(times("e")), true), "column l.e has the type Time32(s)"),
    ] {
        let empty = RecordBatch::new_empty(Arc::new(Schema::new(vec![field])));
        for (_, name) in FORMATS {
            let directory = TempDir::new().unwrap();
            let path = foreign(&directory, name, std::slice::from_ref(&empty));
            let error = Source::open(&path, None).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains(name), "{error}");
        }
    }
    let twice =
        batch(vec![column("x", Int32Array::from(vec![1])), column("x", Int32Array::from(vec![1]))]);
    let directory = TempDir::new().unwrap();
    let path = foreign(&directory, "a.parquet", &[twice]);
    let error = Source::open(&path, None).unwrap_err().to_string();
    assert!(error.contains("column x is there twice"), "{error}");
}

#[test]
fn a_bad_value_is_named_by_row_row_group_and_column_and_the_next_one_follows() {
    let note = HashMap::from([("bson".to_owned(), "objectId".to_owned())]);
    let field = Field::new("id", DataType::Utf8, true).with_metadata(note);
    let good = "0123456789abcdef01234567";
    let array = StringArray::from(vec![good, good, "nothing", good]);
    let directory = TempDir::new().unwrap();
    let path = foreign(&directory, "a.parquet", &[batch(vec![(field, Arc::new(array))])]);
    let found: Vec<_> = Source::open(&path, None).unwrap().collect();
    let bad = found[2].as_ref().unwrap_err();
    let words =
        "row 3 (row group 2): column id: invalid ObjectId 'nothing': expected 24 hex digits";
    assert!(bad.to_string().ends_with(words) && bad.resumable, "{bad}");
    assert_eq!(found.iter().filter(|record| record.is_ok()).count(), 3);
}

#[test]
fn a_file_that_is_cut_or_changed_gives_an_error_or_documents_and_never_half_of_them() {
    let documents: Vec<_> =
        (0..300).map(|i| raw(&doc! { "_id": i, "s": format!("text {i}"), "l": [i, null], "d": { "x": i64::from(i) } })).collect();
    let directory = TempDir::new().unwrap();
    for (_, name) in FORMATS {
        let (path, _) = table(&directory, name, &documents);
        let content = fs::read(&path).unwrap();
        let steps = (0..content.len()).step_by(content.len() / 400 + 1);
        let cut = steps.clone().map(|at| (content[..at].to_vec(), true));
        let changed = steps.map(|at| {
            let mut changed = content.clone();
            changed[at] ^= 0x55;
            (changed, false)
        });
        for (content, is_cut) in cut.chain(changed) {
            fs::write(&path, content).unwrap();
            match Source::open(&path, None) {
                Ok(source) => {
                    assert!(!is_cut);
                    let is_fatal = |record: &Result<Record, BadRecord>| {
                        record.as_ref().is_err_and(|bad| !bad.resumable)
                    };
                    assert!(!source.take(1000).any(|record| is_fatal(&record)));
                }
                Err(error) => assert!(error.to_string().contains(name), "{error}"),
            }
        }
    }
}

#[test]
fn text_is_neither_a_parquet_nor_an_arrow_file() {
    for (_, name) in FORMATS {
        let error = open(name, b"a,b\n1,2\n", SourceOptions::default()).unwrap_err().to_string();
        assert!(error.contains("invalid or incomplete"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_documents_come_back_unless_it_is_reported(
        documents in prop::collection::vec(arbitrary::document(), 1..4),
        parquet in any::<bool>(),
    ) {
        let with_id = |document: &RawDocumentBuf| {
            let mut document = document.clone();
            document.append(bson::raw::cstr!("a long name"), 1);
            document
        };
        let documents: Vec<_> = documents.iter().map(with_id).collect();
        let directory = TempDir::new().unwrap();
        let name = if parquet { "a.parquet" } else { "a.arrow" };
        let (path, changes) = table(&directory, name, &documents);
        let found = read_at(&path);
        prop_assert_eq!(found.len(), documents.len());
        if changes.is_empty() {
            prop_assert_eq!(all_sorted(&found), all_sorted(&documents));
        }
    }
}

#[test]
fn some_fields_can_be_selected() {
    let mut fields = Fields::default();
    fields.add(&rawdoc! { "a": { "b": 1, "c": "x" }, "d": 1, "e": 5 }).unwrap();
    let path = |path: &str| path.split('.').map(str::to_owned).collect();
    let selected = fields.select(&["e", "a.c", "none", "a.none", "d.x"].map(path));
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("a.parquet");
    let mut writer =
        ColumnarWriter::create(Target::File(&file), ColumnarFormat::Parquet, selected, false)
            .unwrap();
    writer.write(&rawdoc! { "a": { "b": 1, "c": "x" }, "d": 1, "e": 5 }).unwrap();
    writer.finish().unwrap();
    assert_eq!(read_at(&file), [rawdoc! { "e": 5, "a": { "c": "x" } }]);
}

#[test]
fn a_change_tells_its_column_and_types() {
    let mut fields = Fields::default();
    fields.add(&rawdoc! { "a": { "b": [1, 2_i64] } }).unwrap();
    let changes = fields.changes();
    assert_eq!(changes[0].path, "a.b.item");
    assert_eq!(changes[0].change, Change::Number(vec!["int", "long"], "long"));
}
