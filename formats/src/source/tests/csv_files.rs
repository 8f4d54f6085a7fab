use bson::Bson;

use super::*;

fn csv(csv: CsvOptions) -> SourceOptions {
    SourceOptions { csv, ..SourceOptions::default() }
}

fn documents_with(content: &str, options: CsvOptions) -> Vec<Document> {
    let source = open("a.csv", content.as_bytes(), csv(options)).unwrap();
    source.map(|record| Document::try_from(&record.unwrap().document).unwrap()).collect()
}

#[test]
fn csv_cells_get_the_types_that_mongoimport_gives_them_on_request() {
    let content = "\u{feff}name,i,l,d,e\r\nx,7,2147483648,1.5,\r\n\"y, z\",007, 5,1e3,NaNa\r\n";
    let expected = [
        doc! { "name": "x", "i": 7, "l": 2_147_483_648_i64, "d": 1.5, "e": "" },
        doc! { "name": "y, z", "i": 7, "l": 5, "d": 1000.0, "e": "NaNa" },
    ];
    let options = CsvOptions { types: CellTypes::Mongoimport, ..CsvOptions::default() };
    assert_eq!(documents_with(content, options), expected);
    let source = open("a.csv.gz", &gzip(content.as_bytes()), csv(options)).unwrap();
    assert_eq!(source.map(Result::unwrap).count(), 2);
    assert_eq!(documents_with("a,b\n\" 5\",Infinity\n", options)[0].get_i32("a").unwrap(), 5);
}

#[test]
fn csv_cells_are_numbers_only_where_nothing_of_them_is_lost() {
    for (cell, number) in [
        ("7", Bson::Int32(7)),
        ("-7 ", Bson::Int32(-7)),
        (" \t0", Bson::Int32(0)),
        ("2147483648", Bson::Int64(2_147_483_648)),
        ("1.50", Bson::Double(1.5)),
        ("-0.5", Bson::Double(-0.5)),
        (".5", Bson::Double(0.5)),
        ("1e3", Bson::Double(1000.0)),
    ] {
        assert_eq!(documents("a.csv", format!("a\n{cell}\n").as_bytes()), [doc! { "a": number }]);
    }
    for text in [
        "01234",
        "-01",
        "00.5",
        "+49731",
        "NaN",
        "Infinity",
        "inf",
        "1e999",
        "12345678901234567890",
        "-",
        "1 000",
        "0x10",
        "1_000",
    ] {
        assert_eq!(documents("a.csv", format!("a\n{text}\n").as_bytes()), [doc! { "a": text }]);
    }
}

#[test]
fn blanks_around_a_csv_cell_are_no_part_of_it_unless_it_is_quoted() {
    let found = documents("a.csv", b"a,b,c,d\n 5 ,\tx y ,  \" 5\"  ,\"7\"\n");
    assert_eq!(found, [doc! { "a": 5, "b": "x y", "c": " 5", "d": "7" }]);
    let found = documents("a.csv", b" a , \"b\" ,c\n \"\" , ,\"x\"\"y\"\n");
    assert_eq!(found, [doc! { "a": "", "b": "", "c": "x\"y" }]);
}

#[test]
fn all_csv_cells_are_strings_on_request() {
    let options = CsvOptions { types: CellTypes::Strings, ..CsvOptions::default() };
    assert_eq!(documents_with("a,b\n5, 1.5\n", options), [doc! { "a": "5", "b": "1.5" }]);
}

#[test]
fn csv_cells_stand_between_other_separators_on_request() {
    for (separator, content) in [(b';', "a;b\n1,5; x\n"), (b'\t', "a\tb\n1,5\t x\n")] {
        let options = CsvOptions { separator, ..CsvOptions::default() };
        assert_eq!(documents_with(content, options), [doc! { "a": "1,5", "b": "x" }]);
    }
    let options = CsvOptions { separator: b'\t', ..CsvOptions::default() };
    assert_eq!(documents_with("a\tb\tc\n\t \t\n", options), [doc! { "a": "", "b": "", "c": "" }]);
}

#[test]
fn a_csv_quote_is_text_in_a_bare_cell_and_doubled_in_a_quoted_one() {
    let content =
        "_id,size\n1,5\" pipe\n2,\"5\"\" pipe\"\n3,\"two\r\nlines, one cell\"\n4,a\"\"b\"\n";
    let expected = [
        doc! { "_id": 1, "size": "5\" pipe" },
        doc! { "_id": 2, "size": "5\" pipe" },
        doc! { "_id": 3, "size": "two\r\nlines, one cell" },
        doc! { "_id": 4, "size": "a\"\"b\"" },
    ];
    assert_eq!(documents("a.csv", content.as_bytes()), expected);
}

#[test]
fn text_behind_a_closing_csv_quote_is_refused_and_the_next_row_is_read() {
    let text_behind = Err("column 2 has text after its closing quote");
    for row in
        ["7,\"x\"y", "7,\"5\" pipe,\"a\nb\"", "7,\"HC 73 BOX 95, \"D\"\",data", "7,\"a\" \"b\""]
    {
        let content = format!("a,b\n1,x\n{row}\n3,z\n");
        assert_outline("a.csv", &content, &[Ok(1), text_behind, Ok(3)]);
    }
    let content = b"a,b\n1,\"two\nlines\"x\n3,z\n";
    assert_eq!(outline("a.csv", content)[0].as_ref().unwrap_err()[..7], *"line 3:");
}

#[test]
fn a_csv_quote_that_is_never_closed_is_refused_with_its_line() {
    let content = "a,b\n1,x\n2,\"Ann\n3,Bea\n4,Cid\n";
    assert_outline("a.csv", content, &[Ok(1), Err("line 3: the file ends inside the quoted cell")]);
    assert_outline("a.csv", "a,b\n1,\"", &[Err("line 2: the file ends inside")]);
    assert_outline("a.csv", "a,b\n1,\"x\"", &[Ok(1)]);
    let error = open("a.csv", b"a,\"b\n1,2\n", SourceOptions::default()).unwrap_err();
    assert!(error.to_string().contains("line 1: the file ends inside"), "{error}");
}

#[test]
fn a_csv_row_of_too_many_cells_is_refused() {
    let content = [b"a\n1\n".as_slice(), &vec![b','; 3 * 1024 * 1024]].concat();
    let found = outline("a.csv", &content);
    assert!(found[1].as_ref().unwrap_err().contains("more than 2097152 cells"), "{found:?}");
}

#[test]
fn csv_lines_end_in_any_of_the_three_ways_and_empty_ones_are_passed_over() {
    for end in ["\n", "\r\n", "\r"] {
        let content = ["", "a,b", "", "1,x", "2,", "", "3,z"].join(end);
        let found = read("a.csv", content.as_bytes());
        let lines: Vec<_> =
            found.iter().map(|record| record.as_ref().unwrap().position.line()).collect();
        assert_eq!(lines, [Some(4), Some(5), Some(7)], "{end:?}");
    }
}

#[test]
fn a_csv_header_may_give_types() {
    let header = "zip.string(),born.date(2006-01-02),n.int32(),l.int64(),d.double(),m.decimal(),\
                  t.boolean(),a.b.auto(),x.binary(hex),y.binary(base32),z.binary(base64)";
    let content =
        format!("{header}\n01234,1999-05-04,\"7\",8,1.5,1.20,TRUE,007,ff00,74======,AQI=\n");
    let bytes = |bytes: &[u8]| bson::Binary {
        subtype: bson::spec::BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    };
    let expected = doc! {
        "zip": "01234",
        "born": bson::DateTime::parse_rfc3339_str("1999-05-04T00:00:00Z").unwrap(),
        "n": 7,
        "l": 8_i64,
        "d": 1.5,
        "m": "1.20".parse::<bson::Decimal128>().unwrap(),
        "t": true,
        "a": { "b": "007" },
        "x": bytes(&[0xff, 0]),
        "y": bytes(&[0xff]),
        "z": bytes(&[1, 2]),
    };
    assert_eq!(documents("a.csv", content.as_bytes()), [expected]);
}

#[test]
fn a_csv_cell_that_is_not_of_its_columns_type_is_refused() {
    for (kind, cell, expected) in [
        ("int32()", "2147483648", "32-bit integer"),
        ("int64()", "1.5", "64-bit integer"),
        ("int32()", "", "32-bit integer"),
        ("double()", "x", "a number"),
        ("double()", "1e999", "a number"),
        ("decimal()", ".", "a decimal number"),
        ("boolean()", "yes", "true, false, 1 or 0"),
        ("binary(hex)", "f", "bytes in Hex"),
        ("binary(base32)", "74=", "bytes in Base32"),
        ("date(2006-01-02)", "4.5.1999", "a date like 2006-01-02"),
    ] {
        let content = format!("n.{kind},a.auto()\n{cell},1\n");
        let found = outline("a.csv", content.as_bytes());
        let fault = found[0].as_ref().unwrap_err();
        assert!(fault.contains("the column 'n' has") && fault.contains(expected), "{fault}");
    }
    let options = CsvOptions { ignore_blanks: true, ..CsvOptions::default() };
    assert_eq!(documents_with("n.int32(),b.string()\n,x\n", options), [doc! { "b": "x" }]);
}

#[test]
fn a_csv_header_with_types_that_can_not_be_used_is_refused() {
    for (header, reason) in [
        ("a.string(),b", "write b.auto() or b.string()"),
        ("a.binary()", "binary(base32)"),
        ("a.int32(x)", "takes no argument"),
        ("a.date(yyyy)", "date(2006-01-02"),
        ("a.string(),a.int32()", "\"a\" occurs twice"),
    ] {
        let error = open("a.csv", header.as_bytes(), SourceOptions::default()).unwrap_err();
        assert!(error.to_string().contains(reason), "{header}: {error}");
    }
    let strings = CsvOptions { types: CellTypes::Strings, ..CsvOptions::default() };
    assert!(open("a.csv", b"a.int32()\n1\n", csv(strings)).is_err());
    assert_eq!(
        documents("a.csv", b"f(x),g.max(y)\n1,2\n"),
        [doc! { "f(x)": 1, "g": { "max(y)": 2 } }]
    );
}

#[test]
fn csv_names_with_dots_make_nested_documents() {
    let found = documents("a.csv", b"a.b,c,a.d.e,a.d.f\n1,2,3,4\n");
    assert_eq!(found, [doc! { "a": { "b": 1, "d": { "e": 3, "f": 4 } }, "c": 2 }]);
}

#[test]
fn csv_rows_may_be_short_or_long() {
    let found = documents("a.csv", b"a,b\n1\n1,2,3,x\n");
    assert_eq!(found, [doc! { "a": 1 }, doc! { "a": 1, "b": 2, "field2": 3, "field3": "x" }]);
    assert_outline("a.csv", "a,field2\n1,2,3\n4,5\n", &[Err("field2 already exists"), Ok(4)]);
}

#[test]
fn blank_csv_cells_are_left_out_on_request() {
    let options = csv(CsvOptions { ignore_blanks: true, ..CsvOptions::default() });
    let source = open("a.csv", b"a,b.c,d\n1,,\n", options).unwrap();
    let found: Vec<_> = source.map(|record| record.unwrap().document).collect();
    assert_eq!(found, [rawdoc! { "a": 1 }]);
}

#[test]
fn a_csv_header_that_makes_no_documents_is_refused() {
    for (header, reason) in [
        ("a,a", "\"a\" occurs twice"),
        ("a,b,a.b", "\"a\" can't be a value, because \"a.b\""),
        ("a.b.c,a.b,a.bb", "\"a.b\" can't be a value"),
        ("a,$b", "\"$b\" begins with a $"),
        ("a.", "dot"),
        (".a", "dot"),
        ("a..b", "dot"),
    ] {
        let error = open("a.csv", header.as_bytes(), SourceOptions::default()).unwrap_err();
        assert!(error.to_string().contains(reason), "{header}: {error}");
    }
}

#[test]
fn a_bad_csv_row_is_skipped_and_told_with_its_line() {
    let found = outline("a.csv", b"a,b\n1,x\n2,\xff\n3,\"x\ny\"\n4,z\n");
    assert_eq!(found.len(), 4);
    assert_eq!(found[1], Err("line 3: the cell in column 2 is not UTF-8".to_owned()));
    assert_eq!(read("a.csv", b"a\n1\n")[0].as_ref().unwrap().position, Position::in_line(2, 2));
}
