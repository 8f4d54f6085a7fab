use super::*;

#[test]
fn csv_cells_get_the_types_that_mongoimport_gives_them() {
    let content = "\u{feff}name,i,l,d,e\r\nx,7,2147483648,1.5,\r\n\"y, z\",007, 5,1e3,NaNa\r\n";
    let expected = [
        doc! { "name": "x", "i": 7, "l": 2_147_483_648_i64, "d": 1.5, "e": "" },
        doc! { "name": "y, z", "i": 7, "l": 5, "d": 1000.0, "e": "NaNa" },
    ];
    assert_eq!(documents("a.csv", content.as_bytes()), expected);
    assert_eq!(documents("a.csv.gz", &gzip(content.as_bytes())), expected);
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
    assert_outline("a.csv", "a,field2\n1,2,3\n4,5\n", &[Err("field2 is taken"), Ok(4)]);
}

#[test]
fn blank_csv_cells_are_left_out_on_request() {
    let options = SourceOptions { ignore_blanks: true };
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
    assert_eq!(read("a.csv", b"a\n1\n")[0].as_ref().unwrap().offset, 2);
}
