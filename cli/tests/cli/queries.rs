//! Queries, updates and pipelines over states of branches.

use crate::support::{ENGINES, Place, has};

/// A store with three boats, the last of which came with the second commit.
fn boats(engine: &str) -> Place {
    let place = Place::with_project(engine);
    let run = place.run_with(
        &["put", "-c", "boats"],
        r#"{"_id":1,"name":"Ada","sails":[3,1],"crew":{"captain":"Grace"}}
           {"_id":2,"name":"Bea","sails":[],"crew":{"captain":"Joan"}}"#,
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    place.ok(&[
        "put",
        "-c",
        "boats",
        r#"{"_id":3,"name":"Cleo","sails":[5],"crew":{"captain":"Grace"}}"#,
    ]);
    place
}

#[test]
fn find_filters_sorts_and_projects_any_state() {
    for engine in ENGINES {
        let place = boats(engine);
        let find = |more: &[&str]| place.ok(&[&["find", "-c", "boats"], more].concat());
        assert_eq!(
            find(&["{'crew.captain': 'Grace'}", "--projection", "{name: 1, _id: 0}"]),
            "{\"name\":\"Ada\"}\n{\"name\":\"Cleo\"}\n"
        );
        assert_eq!(
            find(&["--sort", "{sails: -1}", "--projection", "{_id: 1}", "--limit", "2"]),
            "{\"_id\":3}\n{\"_id\":1}\n"
        );
        assert_eq!(
            find(&["{sails: 1}", "--projection", "{'sails.$': 1}"]),
            "{\"_id\":1,\"sails\":[1]}\n"
        );
        assert_eq!(
            find(&["{name: /^c/i}", "--projection", "{n: {$toUpper: '$name'}}"]),
            "{\"_id\":3,\"n\":\"CLEO\"}\n"
        );
        assert_eq!(
            find(&["{_id: {$gt: 1}}", "--at", "main~1", "--projection", "{_id: 1}"]),
            "{\"_id\":2}\n"
        );
        assert_eq!(find(&["{_id: 3}", "--at", "main~1"]), "");
        assert_eq!(
            place.ok(&["count", "-c", "boats", "{$expr: {$gt: [{$size: '$sails'}, 1]}}"]),
            "1\n"
        );
        assert_eq!(place.ok(&["distinct", "-c", "boats", "crew.captain"]), "\"Grace\"\n\"Joan\"\n");
        assert_eq!(place.ok(&["distinct", "-c", "boats", "sails", "{_id: 1}"]), "1\n3\n");
    }
}

#[test]
fn a_collation_compares_text_by_the_rules_of_a_language() {
    let place = Place::with_project("sled");
    place.run_with(
        &["put", "-c", "w"],
        r#"{"_id":"z"}{"_id":"é","n":"Émile"}{"_id":"E","n":"emile"}"#,
    );
    let german = "{locale: 'de', strength: 1}";
    let found =
        place.ok(&["find", "-c", "w", "{n: 'EMILE'}", "--collation", german, "--sort", "{_id: 1}"]);
    assert_eq!(found.lines().count(), 2, "{found}");
    assert_eq!(place.ok(&["count", "-c", "w", "{_id: 'e'}", "--collation", german]), "2\n");
    assert_eq!(
        place.ok(&[
            "find",
            "-c",
            "w",
            "--sort",
            "{_id: -1}",
            "--collation",
            german,
            "--limit",
            "1"
        ]),
        "{\"_id\":\"z\"}\n"
    );
    assert_eq!(place.ok(&["distinct", "-c", "w", "n", "--collation", german]).lines().count(), 1);
    let error = place
        .fails(2, &["find", "-c", "w", "--collation", "{locale: 'not a locale'}", "-o", "json"]);
    has(&error, &["locale"]);
    assert_eq!(place.ok(&["delete", "-c", "w", "{n: 'émile'}", "--collation", german]), "2\n");
}

#[test]
fn an_update_is_one_commit_that_its_filter_chooses_documents_for() {
    for engine in ENGINES {
        let place = boats(engine);
        let update = |more: &[&str]| place.ok(&[&["update", "-c", "boats"], more].concat());
        assert_eq!(
            update(&["{name: 'Ada'}", "{$set: {'crew.cook': 'Alan'}, $inc: {trips: 1}}"]),
            "1\n"
        );
        assert_eq!(
            place.ok(&["get", "-c", "boats", "1", "--canonical"]),
            "{\"_id\":{\"$numberInt\":\"1\"},\"name\":\"Ada\",\"sails\":[{\"$numberInt\":\"3\"},\
             {\"$numberInt\":\"1\"}],\"crew\":{\"captain\":\"Grace\",\"cook\":\"Alan\"},\"trips\":\
             {\"$numberInt\":\"1\"}}\n"
        );
        let before = place.ok(&["log", "-o", "jsonl"]).lines().count();
        assert_eq!(
            update(&["--many", "{'crew.captain': 'Grace'}", "[{$set: {n: {$size: '$sails'}}}]"]),
            "2\n"
        );
        assert_eq!(update(&["{sails: 1}", "{$set: {'sails.$': 9}}"]), "1\n");
        assert_eq!(update(&["{_id: 1}", "{$push: {sails: {$each: [2], $sort: 1}}}"]), "1\n");
        assert_eq!(
            place.ok(&["find", "-c", "boats", "{_id: 1}", "--projection", "{sails: 1, n: 1}"]),
            "{\"_id\":1,\"sails\":[2,3,9],\"n\":2}\n"
        );
        let after = place.ok(&["log", "-o", "jsonl"]).lines().count();
        assert_eq!(after - before, 3, "each update is one commit");
        // What is equal makes no commit.
        let run = place.run(&["update", "-c", "boats", "{_id: 1}", "{$set: {n: 2}}"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "0\n"));
        has(&run.stderr, &["1 matched, none changed: no commit was made"]);
        assert_eq!(place.ok(&["log", "-o", "jsonl"]).lines().count(), after);
        place.ok(&["undo", "main~1..main"]);
        assert_eq!(
            place.ok(&["find", "-c", "boats", "{_id: 1}", "--projection", "{sails: 1, _id: 0}"]),
            "{\"sails\":[3,9]}\n"
        );
    }
}

#[test]
fn an_upsert_inserts_what_the_filter_says_and_delete_takes_a_filter() {
    let place = boats("fjall");
    let upsert =
        ["update", "-c", "boats", "--upsert", "{_id: 'x', kind: 'raft'}", "{$inc: {n: 1}}"];
    let run = place.run(&upsert);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    has(&run.stderr, &["inserted \"x\" in commit 3 of main"]);
    place.ok(&upsert);
    assert_eq!(
        place.ok(&["get", "-c", "boats", "x"]),
        "{\"_id\":\"x\",\"kind\":\"raft\",\"n\":2}\n"
    );
    // A collection that does not exist yet.
    place.ok(&["update", "-c", "new", "--upsert", "{a: 1}", "{$set: {b: 2}}"]);
    has(&place.ok(&["find", "-c", "new"]), &["\"a\":1,\"b\":2"]);

    assert_eq!(place.ok(&["delete", "-c", "boats", "{'crew.captain': 'Grace'}"]), "2\n");
    assert_eq!(place.ok(&["delete", "-c", "boats", "{_id: 99}"]), "0\n");
    assert_eq!(
        place.ok(&["find", "-c", "boats", "--projection", "{_id: 1}"]),
        "{\"_id\":2}\n{\"_id\":\"x\"}\n"
    );
    let error = place.fails(2, &["delete", "-c", "boats"]);
    has(&error, &["FILTER"]);
}

#[test]
fn a_pipeline_reads_states_joins_them_and_writes_in_one_commit() {
    for engine in ENGINES {
        let place = boats(engine);
        let aggregate = |more: &[&str]| place.ok(&[&["aggregate", "-c", "boats"], more].concat());
        assert_eq!(
            aggregate(&["[{$group: {_id: '$crew.captain', boats: {$sum: 1}}}, {$sort: {_id: 1}}]"]),
            "{\"_id\":\"Grace\",\"boats\":2}\n{\"_id\":\"Joan\",\"boats\":1}\n"
        );
        assert_eq!(aggregate(&["{$count: 'n'}", "--at", "main~1"]), "{\"n\":2}\n");
        assert_eq!(
            aggregate(&[
                "[{$lookup: {from: 'boats', at: 'main~1', localField: '_id', foreignField: '_id', \
                 as: 'old'}}, {$match: {old: []}}, {$project: {name: 1}}]"
            ]),
            "{\"_id\":3,\"name\":\"Cleo\"}\n"
        );
        let commits = place.ok(&["log", "-o", "jsonl"]).lines().count();
        assert_eq!(
            aggregate(&["[{$match: {sails: {$ne: []}}}, {$out: 'sailing'}]", "-m", "copy"]),
            "2\n"
        );
        assert_eq!(place.ok(&["count", "-c", "sailing"]), "2\n");
        aggregate(&["[{$project: {seen: {$literal: true}}}, {$merge: 'sailing'}]"]);
        assert_eq!(
            place.ok(&["find", "-c", "sailing", "{name: null}"]),
            "{\"_id\":2,\"seen\":true}\n"
        );
        aggregate(&["[{$match: {_id: 1}}, {$out: 'sailing'}]"]);
        assert_eq!(place.ok(&["count", "-c", "sailing"]), "1\n");
        assert_eq!(place.ok(&["log", "-o", "jsonl"]).lines().count(), commits + 3);
    }
}

#[test]
fn what_is_wrong_with_a_query_is_named_with_its_place_or_its_code() {
    let place = boats("sled");
    let error = place.fails(2, &["find", "-c", "boats", "{name: }"]);
    has(&error, &["expected a value, found '}' (line 1, column 8)"]);
    let error = place.fails(2, &["find", "-c", "boats", "{a: {$near: [1, 2]}}", "-o", "json"]);
    has(&error, &["$near", "\"code\":2", "\"code_name\":\"BadValue\""]);
    let error = place.fails(2, &["find", "-c", "boats", "{$where: 'true'}"]);
    has(&error, &["$where", "JavaScript"]);
    let error = place.fails(2, &["aggregate", "-c", "boats", "[{$sum: 1}]"]);
    has(&error, &["Unrecognized pipeline stage name: '$sum'"]);
    let error = place.fails(2, &["update", "-c", "boats", "{_id: 1}", "{$inc: {name: 1}}"]);
    has(&error, &["Cannot apply $inc to a value of non-numeric type"]);
    let error = place.fails(2, &["update", "-c", "boats", "{_id: 1}", "{$set: {_id: 2}}"]);
    has(&error, &["_id"]);
    place.fails(2, &["aggregate", "-c", "boats", "[{$out: 'x'}]", "--at", "main~1"]);
    place.fails(3, &["find", "-c", "none", "{}"]);
    assert_eq!(place.ok(&["log", "-o", "jsonl"]).lines().count(), 2, "nothing was written");
}

#[test]
fn two_processes_that_increment_lose_nothing() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        place.ok(&["put", "-c", "counters", r#"{"_id":"n","n":0}"#]);
        let add =
            ["update", "-c", "counters", "{_id: 'n'}", "{$inc: {n: 1}}", "--lock-timeout", "60"];
        let started: Vec<_> = (0..4).map(|_| place.start(&add)).collect();
        for child in started {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert_eq!(place.ok(&["get", "-c", "counters", "n"]), "{\"_id\":\"n\",\"n\":4}\n");
    }
}

#[test]
fn a_merge_applies_its_rows_one_after_the_other() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        place.run_with(
            &["put", "-c", "orders"],
            r#"{"_id":1,"sku":"a","n":2}{"_id":2,"sku":"a","n":3}{"_id":3,"sku":"b","n":4}"#,
        );
        let total = "[{$project: {_id: '$sku', n: 1}}, {$merge: {into: 'stock', whenMatched: \
                     [{$set: {n: {$add: ['$n', '$$new.n']}}}]}}]";
        place.ok(&["aggregate", "-c", "orders", total]);
        assert_eq!(
            place.ok(&["find", "-c", "stock"]),
            "{\"_id\":\"a\",\"n\":5}\n{\"_id\":\"b\",\"n\":4}\n"
        );
        // By another field, a new document counts for the rows that follow.
        let by_sku = "[{$project: {_id: 0, sku: 1, n: 1}}, {$merge: {into: 'skus', on: 'sku', \
                      whenMatched: 'replace'}}]";
        place.ok(&["aggregate", "-c", "orders", by_sku]);
        assert_eq!(
            place.ok(&[
                "find",
                "-c",
                "skus",
                "--projection",
                "{_id: 0, n: 1}",
                "--sort",
                "{sku: 1}"
            ]),
            "{\"n\":3}\n{\"n\":4}\n"
        );
        // What identifies several documents is refused.
        let error = place.fails(
            2,
            &["aggregate", "-c", "skus", "[{$merge: {into: 'orders', on: 'sku'}}]", "-o", "json"],
        );
        has(&error, &["\"code\":51183"]);
    }
}

#[test]
fn an_upsert_of_an_id_that_another_document_has_is_a_duplicate_key() {
    let place = boats("sled");
    let error = place.fails(
        2,
        &[
            "update",
            "-c",
            "boats",
            "--upsert",
            "{_id: 1, version: 5}",
            "{$set: {version: 6}}",
            "-o",
            "json",
        ],
    );
    has(&error, &["E11000 duplicate key", "\"code\":11000"]);
    place.fails(2, &["delete", "-c", "boats", "--id", "1", "--collation", "{locale: 'en'}"]);
    place.fails(2, &["aggregate", "-c", "boats", "[]", "-m", "nothing"]);
}

#[test]
fn a_close_name_of_an_operator_is_suggested() {
    let place = boats("sled");
    for (arguments, parts) in [
        (&["find", "-c", "boats", "{sails: {$gtee: 1}}"][..], &["$gtee", "did you mean $gte?"][..]),
        (&["find", "-c", "boats", "{$ro: [{a: 1}]}"], &["did you mean $or?"]),
        (&["find", "-c", "boats", "{$exrp: true}"], &["did you mean $expr?"]),
        (
            &["find", "-c", "boats", "{sails: {$foo: 1}}"],
            &["the operator $foo, which is not supported; supported operators: $eq"],
        ),
        (
            &["find", "-c", "boats", "{$where: 'x'}"],
            &["$where is not supported: it runs JavaScript"],
        ),
        (&["aggregate", "-c", "boats", "[{$mach: {}}]"], &["'$mach'; did you mean $match?"]),
        (&["aggregate", "-c", "boats", "[{$set: {a: {$ad: [1, 2]}}}]"], &["did you mean $add?"]),
        (
            &["aggregate", "-c", "boats", "[{$group: {_id: 1, a: {$summ: 1}}}]"],
            &["did you mean $sum?"],
        ),
        (&["update", "-c", "boats", "{}", "{$sett: {a: 1}}"], &["did you mean $set?"]),
        (&["update", "-c", "boats", "{}", "[{$unst: 'a'}]"], &["did you mean $unset?"]),
    ] {
        has(&place.fails(2, arguments), parts);
    }
}

#[test]
fn a_collection_without_its_option_and_a_negative_number_are_explained() {
    let place = boats("sled");
    for (arguments, parts) in [
        (
            &["find", "boats"][..],
            &["invalid FILTER 'boats': expected a filter", "`argon find -c boats`"][..],
        ),
        (&["count", "boats"], &["`argon count -c boats`"]),
        (&["aggregate", "boats"], &["invalid PIPELINE 'boats'", "`argon aggregate -c boats`"]),
        (&["explain", "boats"], &["`argon explain -c boats`"]),
        (
            &["find", "-c", "boats", "--limit", "-1"],
            &["invalid --limit '-1': expected a number that is not negative", "without --limit"],
        ),
        (&["find", "-c", "boats", "--skip=-2"], &["invalid --skip '-2'", "without --skip"]),
        (&["find", "-c", "boats", "{a"], &["'{a'"]),
    ] {
        has(&place.fails(2, arguments), parts);
    }
}
