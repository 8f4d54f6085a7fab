use super::*;

#[test]
fn json_is_read_in_every_layout() {
    for content in [
        "{\"a\":1}\n{\"a\":2}\n",
        "{\"a\":1}\r\n{\"a\":2}\r\n",
        "\u{feff}{\"a\":1}\n\n\n{\"a\":2}",
        "{\"a\":1}{\"a\":2}",
        "{\"a\":1} \t {\"a\":2}",
        "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n",
        "{\r\n\"b\":\r\n{\"c\": [\r\n{},\r\n{}\r\n]},\"a\": 1}\r\n{\"a\":2}",
        "[{\"a\":1},{\"a\":2}]",
        "\u{feff}[\n{\"a\":1},\n{\"a\":2}\n]\n",
        " [\r\n  {\r\n    \"a\": 1\r\n  },\r\n  {\"a\": 2}\r\n]",
        "[{\"a\":1,\"s\":\"}]{[\\\"\"},{\"a\":2,\"s\":\"\\\\\"}]",
    ] {
        assert_outline("a.json", content, &[Ok(1), Ok(2)]);
    }
}

#[test]
fn json_records_know_their_offset_and_line() {
    let found = read("a.json", "\u{feff}{\"a\":1}\n\n{\n\"a\":2}\n {\"a\":3}".as_bytes());
    let places: Vec<_> =
        found.iter().map(|record| record.as_ref().unwrap()).map(|r| r.position).collect();
    assert_eq!(
        places,
        [(3, 1), (12, 3), (22, 5)].map(|(offset, line)| Position::in_line(offset, line))
    );
}

#[test]
fn a_bad_json_line_does_not_swallow_the_next() {
    for name in ["a.json", "a.jsonl"] {
        for bad in [
            "{\"a\": tru}",
            "{\"a\" 1}",
            "{\"a\": 1",
            "{\"a\": 1, ",
            "{\"a\": \"open}",
            "{\"a\": \"open\\",
            "{\"a\": [1}",
            "{\"a\": [[[",
            "{\"a\": 1]",
            "{a: 1}",
            "{\"a\": 1, \"a\": 2}",
            "{\"_id\": {\"$oid\": \"xyz\"}}",
            "garbage",
            "5",
            "]",
            "}",
            ",",
            "{\"a\": \"\u{0}\"}",
        ] {
            if name == "a.json" && bad.ends_with("[[[") {
                // A document may follow here, if this one has several lines.
                continue;
            }
            let content = format!("{{\"a\":1}}\n{bad}\n{{\"a\":2}}\n{{\"a\":3}}\n");
            let found = outline(name, content.as_bytes());
            let good: Vec<_> = found.iter().flatten().copied().collect();
            assert_eq!(good, [1, 2, 3], "{name}: {bad} gave {found:?}");
            assert!(found.iter().filter(|record| record.is_err()).count() == 1, "{found:?}");
        }
    }
}

#[test]
fn in_json_lines_not_even_a_line_that_could_go_on_swallows_the_next() {
    let content = "{\"a\":\n{\"a\":1}\n[{\"a\":0}]\n{\"a\":[\n{\"a\":2}\n{\"a\":3";
    let not_closed = Err("isn't closed on its line");
    assert_outline(
        "a.jsonl",
        content,
        &[not_closed, Ok(1), Err("expected {"), not_closed, Ok(2), Err("file ends")],
    );
    assert_outline("a.json", "{\"a\":\n{\"a\":0}\n{\"a\":1}", &[Err("before the next"), Ok(1)]);
}

#[test]
fn bad_utf8_in_json_is_a_bad_record() {
    let found = outline("a.json", b"{\"a\":1}\n{\"b\":\"\xff\"}\n\xff\n{\"a\":2}");
    assert_eq!(found.len(), 4);
    assert!(found[0].is_ok() && found[1].is_err() && found[2].is_err() && found[3] == Ok(2));
}

#[test]
fn a_bad_document_of_several_lines_is_one_bad_record() {
    let content = "{\n  \"a\": 1\n}\n{\n  \"a\": \"open,\n  \"b\": {\n  }\n}\n{\n  \"a\": 2\n}\n";
    assert_outline("a.json", content, &[Ok(1), Err("line 5: a string isn't closed"), Ok(2)]);
    let content = "{\n  \"a\": 1,\n  \"b\" 2\n}\n{\"a\": 2}";
    assert_outline("a.json", content, &[Err("line 3: expected `:` (column"), Ok(2)]);
}

#[test]
fn a_json_array_goes_on_after_a_bad_element() {
    assert_outline("a.json", "[{\"a\":1},{\"a\" 1},{\"a\":2}]", &[Ok(1), Err("expected"), Ok(2)]);
    assert_outline("a.json", "[\n{\"a\":1},\n{\"a\n{\"a\":2}\n]", &[Ok(1), Err("string"), Ok(2)]);
    assert_outline("a.json", "[\n{\"a\":1},\n7,\n{\"a\":2}\n]", &[Ok(1), Err("expected {"), Ok(2)]);
    assert_outline("a.json", "[\n{\"a\":1}\n{\"a\":2}\n]", &[Ok(1), Err("a comma"), Ok(2)]);
}

#[test]
fn a_json_array_that_cannot_be_read_on_says_so() {
    let found = read("a.json", b"[{\"a\":1},7,{\"a\":2}]");
    let fault = found[1].as_ref().unwrap_err();
    assert!(!fault.resumable && fault.reason.contains("the rest of the array"), "{fault}");
    assert_eq!(found.len(), 2);
}

#[test]
fn what_follows_an_array_and_an_array_without_an_end_are_faults() {
    assert_outline("a.json", "[{\"a\":1}] {\"a\":2}", &[Ok(1), Err("content after the end")]);
    assert_outline("a.json", "[{\"a\":1}", &[Ok(1), Err("ends inside the array")]);
    assert_outline("a.json", "[{\"a\":1},", &[Ok(1), Err("ends inside the array")]);
    assert_outline("a.json", "[{\"a\":1},{\"a\"", &[Ok(1), Err("ends inside the document")]);
}

#[test]
fn deeply_nested_json_is_a_bad_record() {
    for levels in [110, 200, 100_000] {
        let deep = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert_outline("a.json", &format!("{deep}\n{{\"a\":2}}"), &[Err("deep"), Ok(2)]);
    }
}

#[test]
fn a_field_that_occurs_twice_is_kept_on_request() {
    let options = SourceOptions { doubled_names: DoubledNames::Keep, ..SourceOptions::default() };
    let content = br#"{"_id":1,"f":"first","g":{"x":1,"x":{"$numberLong":"2"}},"f":"second"}"#;
    let mut inner = rawdoc! { "x": 1 };
    inner.append(bson::raw::cstr!("x"), 2_i64);
    let mut expected = rawdoc! { "_id": 1, "f": "first", "g": inner };
    expected.append(bson::raw::cstr!("f"), "second");
    let found = open("a.json", content, options).unwrap().next().unwrap().unwrap().document;
    assert_eq!(found.as_bytes(), expected.as_bytes());
}

#[test]
fn utf_16_is_named() {
    for name in ["a.json", "a.jsonl", "a.csv"] {
        for content in ["\u{feff}{\"a\":1}", "{\"a\":1}"] {
            let little = content.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
            let big = content.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
            for content in [little, big] {
                let error = open(name, &content, SourceOptions::default()).unwrap_err();
                let cause = std::error::Error::source(&error).unwrap().to_string();
                assert!(cause.contains("UTF-16") && cause.contains("iconv"), "{cause}");
            }
        }
    }
}
