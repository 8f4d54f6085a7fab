use super::*;

#[test]
fn the_name_of_a_file_says_its_format() {
    for (name, format) in [
        ("a.bson", Some(Format::Bson)),
        ("a.b.BSON.GZ", Some(Format::Bson)),
        ("a.json", Some(Format::Json)),
        ("a.jsonl", Some(Format::JsonLines)),
        ("a.ndjson.gz", Some(Format::JsonLines)),
        ("a.csv", Some(Format::Csv)),
        ("a.gz", None),
        ("a", None),
        ("a.xlsx", None),
    ] {
        assert_eq!(Format::of_path(Path::new(name)), format, "{name}");
    }
}

#[test]
fn an_unknown_name_is_refused_unless_the_format_is_said() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("data.txt");
    fs::write(&path, "{\"a\": 1}").unwrap();
    let error = Source::open(&path, None).unwrap_err();
    assert!(matches!(&error, FormatError::UnknownFormat { .. }));
    assert!(error.to_string().contains(".ndjson"));
    assert_eq!(Source::open(&path, Some(Format::Json)).unwrap().count(), 1);
}

#[test]
fn a_missing_file_and_a_directory_are_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.bson");
    assert!(matches!(Source::open(&path, None), Err(FormatError::Io { action: "open", .. })));
    fs::create_dir(&path).unwrap();
    assert!(matches!(Source::open(&path, None), Err(FormatError::Io { action: "read", .. })));
}

#[test]
fn empty_files_have_no_documents() {
    for name in ["a.bson", "a.json", "a.jsonl", "a.csv"] {
        assert_eq!(read(name, b"").len(), 0, "{name}");
        assert_eq!(read(&format!("{name}.gz"), &gzip(b"")).len(), 0, "{name}.gz");
    }
    assert_eq!(read("a.json", b"\xef\xbb\xbf \r\n ").len(), 0);
    assert_eq!(read("a.json", b"[]").len(), 0);
    assert_eq!(read("a.json", b" [ \n ] \n").len(), 0);
}

#[test]
fn a_cut_or_damaged_gzip_file_says_so() {
    let content = gzip(&concatenated(&vec![three()[1].clone(); 500]));
    for name in ["a.bson.gz", "a.json.gz"] {
        let found = read(name, &content[..content.len() / 2]);
        let fault = found.last().unwrap().as_ref().unwrap_err();
        assert!(!fault.resumable && fault.reason.contains("gzip file is truncated"), "{fault}");
    }
    let found = read("a.bson.gz", b"not gzip at all");
    assert!(found[0].as_ref().unwrap_err().reason.contains("gzip"));
}

#[test]
fn a_fault_is_told_with_file_byte_and_line() {
    let found = read("a.json", b"{\"a\":1}\n{\"a\":tru}\n");
    let text = found[1].as_ref().unwrap_err().to_string();
    assert!(text.ends_with("a.json: byte 8 (line 2): expected ident (column 9)"), "{text}");
    let found = read("a.bson", b"\x05");
    let text = found[0].as_ref().unwrap_err().to_string();
    assert!(text.ends_with("a.bson: byte 0: the file ends 1 bytes into a document's length"));
}

#[test]
fn progress_counts_the_bytes_on_disk() {
    let content = gzip(&concatenated(&vec![three()[1].clone(); 5000]));
    let mut source = open("a.bson.gz", &content, SourceOptions::default()).unwrap();
    assert_eq!(source.bytes_total(), content.len() as u64);
    assert!(source.bytes_read() <= source.bytes_total());
    assert_eq!(source.by_ref().count(), 5000);
    assert_eq!(source.bytes_read(), content.len() as u64);
}

#[cfg(not(feature = "columnar"))]
#[test]
fn a_build_without_tables_says_so() {
    for (name, words) in [
        ("a.parquet", "a.parquet: this build has no Parquet files"),
        ("a.feather", "a.feather: this build has no Arrow files"),
    ] {
        let error = open(name, b"PAR1", SourceOptions::default()).unwrap_err().to_string();
        assert!(error.ends_with(words), "{error}");
        let Some(Format::Columnar(format)) = Format::of_path(Path::new(name)) else {
            panic!("{name}")
        };
        assert!(format.check(Path::new(name)).is_err());
    }
}
