use super::*;

proptest! {
    #[test]
    fn random_bytes_never_make_a_reader_panic(content in any::<Vec<u8>>()) {
        for name in ["a.bson", "a.json", "a.jsonl", "a.csv"] {
            if let Ok(source) = open(name, &content, SourceOptions::default()) {
                prop_assert!(source.take(content.len() + 10).count() < content.len() + 10);
            }
            let name = format!("{name}.gz");
            for content in [&content, &gzip(&content)] {
                if let Ok(source) = open(&name, content, SourceOptions::default()) {
                    source.take(1000).for_each(drop);
                }
            }
        }
    }

    #[test]
    fn text_that_resembles_json_never_makes_a_reader_panic(
        content in r#"[{}\[\]",:\n\r \\1at]{0,80}"#,
    ) {
        read("a.json", content.as_bytes());
        read("a.jsonl", content.as_bytes());
        read("a.json", format!("[{{\"a\":1}}{content}").as_bytes());
    }

    #[test]
    fn damaged_bson_never_makes_a_reader_panic(
        documents in prop::collection::vec(arbitrary::document(), 1..4),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut content = concatenated(&documents);
        for (at, byte) in damage {
            let at = at.index(content.len());
            content[at] = byte;
        }
        for record in read("a.bson", &content).into_iter().flatten() {
            let _ = print_document(&record.document, Mode::Canonical, Layout::Compact).unwrap();
            Document::try_from(&record.document).unwrap();
        }
    }

    #[test]
    fn whatever_stands_in_a_line_of_json_lines_the_other_lines_are_read(bad in "[^\n]{0,60}") {
        let content = format!("{{\"a\":1}}\n{bad}\n{{\"a\":2}}\n");
        let found = outline("a.jsonl", content.as_bytes());
        prop_assert_eq!((found.first(), found.last()), (Some(&Ok(1)), Some(&Ok(2))));
    }
}
