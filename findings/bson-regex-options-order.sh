#!/usr/bin/env bash
# The Rust crate bson sorts a regular expression's options in some calls and keeps them in others.
#
# Expected: one rule for the options: the crate sorts them everywhere, or keeps them everywhere.
#   (The BSON specification asks writers to store them in alphabetical order; the crate reads
#   and writes "xi" without an error, so nothing keeps such a document out.)
# Seen: from_bytes, RawDocumentBuf::append and Document::to_vec keep "xi"; RawBson::from(RawBsonRef),
#   Document::from_reader and a Document through serde give "ix". RawBson::from sorts a regular
#   expression itself, but not one inside a document.
# Why it matters: a store that hashes or compares BSON bytes gets two byte forms, so two hashes
#   and a false difference, for one value, depending on which call the bytes went through.
# Versions: bson 3.1.0 (feature serde), run with Rust 1.95. Date: 2026-11-28.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "bson-regex-options-order"
version = "0.0.0"
edition = "2021"
publish = false

[dependencies]
bson = { version = "=3.1.0", features = ["serde"] }

[workspace]
TOML

cat > "$work/src/main.rs" <<'RUST'
use bson::raw::{cstr, RawBson, RawBsonRef, RawDocument, RawDocumentBuf, RawRegexRef};
use bson::{Bson, Document, Regex, Utf8Lossy};
use std::error::Error;

type Res<T> = Result<T, Box<dyn Error>>;

/// The options of the regular expression in field "r".
fn in_doc(doc: &RawDocument) -> Res<String> {
    Ok(doc.get_regex("r")?.options.as_str().to_owned())
}

/// The options of the regular expression in field "r" of the document in field "d".
fn in_sub(doc: &RawDocument) -> Res<String> {
    in_doc(doc.get_document("d")?)
}

fn in_bson(value: &Bson) -> Res<String> {
    match value {
        Bson::RegularExpression(re) => Ok(re.options.as_str().to_owned()),
        other => Err(format!("not a regular expression: {other:?}").into()),
    }
}

fn in_raw(value: &RawBson) -> Res<String> {
    let re = value.as_regex().ok_or("not a regular expression")?;
    Ok(re.options.as_str().to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn main() -> Res<()> {
    // { r: /ab/xi }: length, type 0x0b, "r", pattern "ab", options "xi", end.
    let bytes: Vec<u8> = b"\x0e\0\0\0\x0br\0ab\0xi\0\0".to_vec();
    let raw = RawDocumentBuf::from_bytes(bytes.clone())?;
    let value: RawBsonRef = raw.get("r")?.ok_or("no field r")?;
    let element = || -> Res<_> { Ok(raw.iter_elements().next().ok_or("empty")??) };
    let by_hand = Regex { pattern: cstr!("ab").into(), options: cstr!("xi").into() };

    let mut doc_by_hand = Document::new();
    doc_by_hand.insert("r", by_hand.clone());
    let mut outer = RawDocumentBuf::new();
    outer.append(cstr!("d"), &raw);
    let appended = |f: &dyn Fn(&mut RawDocumentBuf)| -> Res<String> {
        let mut doc = RawDocumentBuf::new();
        f(&mut doc);
        in_doc(&doc)
    };
    let r = cstr!("r");
    let sub_raw = RawBson::from(outer.get("d")?.ok_or("no field d")?);
    let sub_bson = Bson::try_from(outer.get("d")?.ok_or("no field d")?)?;
    let lossy: Utf8Lossy<Document> = raw.as_ref().try_into()?;

    // (the call, the options after it, the options expected)
    let rows: Vec<(&str, String, &str)> = vec![
        ("RawDocumentBuf::from_bytes, get_regex", in_doc(&raw)?, "xi"),
        ("append(RawRegexRef)", appended(&|d| {
            d.append(r, RawRegexRef { pattern: cstr!("ab"), options: cstr!("xi") })
        })?, "xi"),
        ("append(Regex)", appended(&|d| d.append(r, by_hand.clone()))?, "xi"),
        ("append(RawBsonRef read from bytes)", appended(&|d| d.append(r, value))?, "xi"),
        ("append(RawBson::from(RawBsonRef))", appended(&|d| d.append(r, RawBson::from(value)))?, "ix"),
        ("RawBson::from(Regex)", in_raw(&RawBson::from(by_hand.clone()))?, "xi"),
        ("RawBson::from(RawBsonRef), regex itself", in_raw(&RawBson::from(value))?, "ix"),
        ("RawBson::from(RawBsonRef), regex in a document",
            in_doc(sub_raw.as_document().ok_or("not a document")?)?, "xi"),
        ("RawBson::try_from(RawElement)", in_raw(&RawBson::try_from(element()?)?)?, "ix"),
        ("RawElement::value_utf8_lossy", in_raw(&element()?.value_utf8_lossy()?)?, "xi"),
        ("Bson::try_from(RawBsonRef), regex itself", in_bson(&Bson::try_from(value)?)?, "ix"),
        ("Bson::try_from(RawBsonRef), regex in a document",
            in_bson(sub_bson.as_document().and_then(|d| d.get("r")).ok_or("no field r")?)?, "ix"),
        ("Document::try_from(&RawDocument)",
            in_bson(Document::try_from(raw.as_ref() as &RawDocument)?.get("r").ok_or("no r")?)?, "ix"),
        ("Utf8Lossy<Document>::try_from(&RawDocument)",
            in_bson(lossy.0.get("r").ok_or("no field r")?)?, "xi"),
        ("Document::from_reader",
            in_bson(Document::from_reader(bytes.as_slice())?.get("r").ok_or("no field r")?)?, "ix"),
        ("deserialize_from_slice::<Document>",
            in_bson(bson::deserialize_from_slice::<Document>(&bytes)?.get("r").ok_or("no r")?)?, "ix"),
        ("deserialize_from_slice::<RawDocumentBuf>",
            in_doc(&bson::deserialize_from_slice::<RawDocumentBuf>(&bytes)?)?, "xi"),
        ("Document::to_vec (Regex put in by hand)",
            in_doc(&RawDocumentBuf::from_bytes(doc_by_hand.to_vec()?)?)?, "xi"),
        ("serialize_to_vec (Regex put in by hand)",
            in_doc(&RawDocumentBuf::from_bytes(bson::serialize_to_vec(&doc_by_hand)?)?)?, "ix"),
        ("serialize_to_vec(&RawDocumentBuf)",
            in_doc(&RawDocumentBuf::from_bytes(bson::serialize_to_vec(&raw)?)?)?, "xi"),
        ("RawDocumentBuf::try_from(&Document)",
            in_doc(&RawDocumentBuf::try_from(&doc_by_hand)?)?, "xi"),
        ("append(&RawDocumentBuf), regex in a document", in_sub(&outer)?, "xi"),
    ];

    let mut changed = 0;
    println!("{:<50} {:<7} {}", "call (options given: \"xi\")", "after", "effect");
    for (call, got, want) in &rows {
        let effect = match got.as_str() {
            "xi" => "kept",
            "ix" => "sorted",
            _ => "other",
        };
        let note = if got == want { "" } else { "  <- CHANGED" };
        changed += usize::from(got != want);
        println!("{call:<50} {got:<7} {effect}{note}");
    }

    let again = Document::from_reader(bytes.as_slice())?.to_vec()?;
    println!("\nbytes read:                              {}", hex(&bytes));
    println!("Document::from_reader, Document::to_vec: {}", hex(&again));
    println!("same bytes: {}", again == bytes);
    let parsed = Regex { pattern: cstr!("ab").into(), options: cstr!("ix").into() };
    println!("Regex /ab/xi == Regex /ab/ix: {}", by_hand == parsed);
    if again == bytes || by_hand == parsed {
        changed += 1;
    }
    if changed > 0 {
        println!("\nthe behaviour changed in {changed} place(s)");
        std::process::exit(1);
    }
    Ok(())
}
RUST

cd "$work"
export CARGO_TARGET_DIR="$work/target"
rustc --version
cargo build --quiet
cargo tree --quiet --depth 1 --prefix none | grep '^bson v'
echo
"$CARGO_TARGET_DIR/debug/bson-regex-options-order"
echo
echo "as recorded: the crate sorts the options in some calls and keeps them in others"
