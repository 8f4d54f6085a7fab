//! docs/QUERY.md is made from the operators that the code has. `ARGON_WRITE_GOLDEN=1` writes it anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use argon_query::Code;
use argon_query::accumulator::accumulators;
use argon_query::expression::{Definition, families};
use argon_query::filter::{self, FilterOptions};
use argon_query::pipeline::{refused_stages, stage_names};
use argon_query::update::update_operators;
use argon_query::window::window_functions;
use bson::{Bson, Document, doc};

const INTRODUCTION: &str = "\
# The query language

Argon has MongoDB's query language over any state of any branch: `argon find`, `count`, `distinct`,
`aggregate`, `update` and `delete`, and the crate `argon-query`. This page is made from the code by
`query/tests/reference.rs`: change that, not this page.

Answers, their types and errors are meant to be those of MongoDB 8.0. An error has MongoDB's code and
its name as the details `code` and `code_name` (`-o json`), and one about a duplicate key `key_pattern` and
`key_value`. No server was at hand to compare with: the
golden cases in `query/tests/golden` come from MongoDB's documentation, its source and its own tests.
Two other engines of the language ran them as well (`query/tests/peers`), and cases of FerretDB, which its
authors checked against MongoDB, are in `query/tests/compat`.

What a query may be written as, on the command line: Extended JSON, or as in MongoDB's shell (names
without quotes, `'text'`, `ObjectId(\"…\")`, `ISODate(\"…\")`, `NumberLong(\"5\")`, `/^a/i`).

## Limits

- A collation applies to filters, sorts and `distinct`, also those of updates and pipelines. Expressions, groups
  and what operators of updates compare are byte by byte: such stages and operators, and `$expr` in a filter, are
  refused with a collation. `$jsonSchema` compares byte by byte, as in MongoDB. Its locale is one of those that MongoDB
  documents.
- A scan is in the order of the `_id`s, or of insertion in a capped collection; `{$natural: -1}` is the reverse, as a hint or
  as a sort of `find`, updates and `findAndModify`.
- A hint is the name of an index, its key, or `{$natural: 1}` for none. A sparse or partial
  index that is named leaves out documents, as in MongoDB; without entries at the state it is refused, as is a partial one
  whose filter the query does not imply. An ordinary index without entries is replaced by a scan, which `explain` says.
- Documents nest at most 100 levels, which is what MongoDB documents; its server takes some more.
- Indexes are used on sled, fjall, in memory and on MongoDB, in the states from their creation on; otherwise a
  query reads by `_id` (equality, `$in`, ranges), or scans. A collation other than simple, text and geo indexes are
  kept as definitions only. `argon explain` shows what a query reads, and why.
- A stage holds 100 MiB, then continues in a temporary file; a partition of `$setWindowFields` may take
  512 MiB, `$facet` and `$graphLookup` 100 MiB.
- An update, a deletion, `$out` and `$merge` are one commit, so they may change as much as fits into one.

## Beyond MongoDB

- `{$lookup: {from: \"users\", at: \"main~3\", …}}`, and `at` in `$graphLookup` and `$unionWith`: another state of
  the project, in the names of revisions (`argon help revisions`).
- `{$history: {}}` as the first stage: all versions of the documents of a collection, the newest first, or
  of one document with `{$history: {_id: …}}`.
- `{$diff: {from: \"main~1\", to: \"main\"}}` as the first stage: the documents that differ between two
  states, before and after.
";

/// The operators of filters, each with an example of its argument; `None` for those at the top.
const FILTERS: &[(&str, &str)] = &[
    ("Comparison", "$eq $gt $gte $in $lt $lte $ne $nin"),
    ("Logical", "$and $nor $not $or"),
    ("Element", "$exists $type"),
    ("Evaluation", "$expr $jsonSchema $mod $regex $sampleRate $text $where"),
    ("Geospatial", "$geoIntersects $geoWithin $near $nearSphere"),
    ("Array", "$all $elemMatch $size"),
    ("Bitwise", "$bitsAllClear $bitsAllSet $bitsAnyClear $bitsAnySet"),
    ("Miscellaneous", "$alwaysFalse $alwaysTrue $comment"),
];

/// A filter with an operator.
fn example(operator: &str) -> Document {
    let top = |argument: Bson| doc! { operator: argument };
    let field = |argument: Bson| doc! { "a": { operator: argument } };
    match operator {
        "$and" | "$or" | "$nor" => top(Bson::Array(vec![doc! { "a": 1 }.into()])),
        "$expr" => top(doc! { "$gt": ["$a", 1] }.into()),
        "$jsonSchema" => top(doc! { "required": ["a"] }.into()),
        "$sampleRate" => top(0.5.into()),
        "$text" => top(doc! { "$search": "word" }.into()),
        "$where" | "$comment" => top("true".into()),
        "$alwaysFalse" | "$alwaysTrue" => top(1.into()),
        "$in" | "$nin" | "$all" => field(Bson::Array(vec![1.into()])),
        "$not" => field(doc! { "$gt": 1 }.into()),
        "$elemMatch" => field(doc! { "b": 1 }.into()),
        "$mod" => field(Bson::Array(vec![4.into(), 0.into()])),
        "$regex" => field("^a".into()),
        "$type" => field("int".into()),
        "$near" | "$nearSphere" | "$geoIntersects" | "$geoWithin" => {
            field(doc! { "$geometry": { "type": "Point", "coordinates": [0, 0] } }.into())
        }
        _ => field(1.into()),
    }
}

/// `works`, or the code with which an operator is refused.
fn status(refused: Option<Code>) -> String {
    match refused {
        None => "works".to_owned(),
        Some(code) => format!("refused: {} ({code})", code.number()),
    }
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page += "\n## Filters\n\n| operator | | kind |\n| --- | --- | --- |\n";
    for (family, operators) in FILTERS {
        for operator in operators.split(' ') {
            let compiled = filter::compile(&example(operator), &FilterOptions::default());
            let refused = compiled.err().map(|error| Code::of(&error).expect("a code"));
            writeln!(page, "| `{operator}` | {} | {family} |", status(refused)).unwrap();
        }
    }
    page += "\n## Stages\n\n| stage | |\n| --- | --- |\n";
    let mut stages: BTreeMap<&str, String> =
        stage_names().map(|name| (name, status(None))).collect();
    stages.extend(refused_stages().map(|(name, reason)| {
        (name, format!("{}: it {reason}", status(Some(Code::COMMAND_NOT_SUPPORTED))))
    }));
    for (name, status) in stages {
        writeln!(page, "| `{name}` | {status} |").unwrap();
    }
    page += "\nAn unknown stage is refused with 40324.\n";
    page += "\n## Operators of expressions\n\n| operator | | kind |\n| --- | --- | --- |\n";
    let mut operators = BTreeMap::new();
    for (family, definitions) in families() {
        for definition in *definitions {
            let refused = match definition {
                Definition::Refused { code, .. } => Some(*code),
                _ => None,
            };
            operators.insert(definition.name(), (status(refused), *family));
        }
    }
    for (name, (status, family)) in operators {
        writeln!(page, "| `{name}` | {status} | {family} |").unwrap();
    }
    page += "\nAn unknown operator is refused with 168 (InvalidPipelineOperator).\n";
    list(&mut page, "Accumulators of `$group`", accumulators().keys().copied());
    list(&mut page, "Functions of `$setWindowFields`", window_functions());
    list(&mut page, "Operators of updates", update_operators());
    page
}

fn list<'n>(page: &mut String, title: &str, names: impl Iterator<Item = &'n str>) {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    writeln!(page, "\n## {title}\n\n{}", names.join(", ")).unwrap();
}

#[test]
fn the_page_is_what_the_code_has() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/QUERY.md");
    let page = page();
    if std::env::var_os("ARGON_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/QUERY.md is not what the code has; ARGON_WRITE_GOLDEN=1 writes it anew"
    );
}
