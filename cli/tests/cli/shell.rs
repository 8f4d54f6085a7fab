//! `argon shell`.

use crate::support::{ENGINES, Place, has};

#[test]
fn statements_of_mongodbs_shell_query_and_change_documents() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        let script = "
            // A comment.
            db.users.insertMany([{_id: 1, n: 5}, {_id: 2, n: Long(7)}, {_id: 3, n: 9, t: 'it\\'s'}]);
            db.users.find({n: {$gt: 5}})
              .sort({n: -1});
            db.users.findOne({_id: 9}); db.users.countDocuments({n: 5})
            db.users.updateOne({_id: 1}, {$inc: {n: 1}})
            db.users.replaceOne({_id: 4}, {n: 1}, {upsert: true})
            db.users.deleteMany({n: {$gte: 7}})
            db.users.distinct('n')
            db.users.aggregate([{$group: {_id: null, n: {$sum: '$n'}}}])
            db.nobody.find(); db.nobody.countDocuments()
            show collections
        ";
        let run = place.run_with(&["shell", "-q"], script);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
        assert_eq!(
            run.stdout,
            "{ acknowledged: true, insertedIds: { '0': 1, '1': 2, '2': 3 } }\n\
             { _id: 3, n: 9, t: 'it\\'s' }\n{ _id: 2, n: Long('7') }\n\
             null\n1\n\
             {\n  acknowledged: true,\n  insertedId: null,\n  matchedCount: 1,\n  modifiedCount: 1,\n  \
             upsertedCount: 0\n}\n\
             {\n  acknowledged: true,\n  insertedId: 4,\n  matchedCount: 0,\n  modifiedCount: 0,\n  \
             upsertedCount: 1\n}\n\
             { acknowledged: true, deletedCount: 2 }\n\
             [ 1, 6 ]\n{ _id: null, n: 7 }\n0\nusers\n"
        );
        assert_eq!(place.ok(&["log", "-o", "jsonl"]).lines().count(), 4);
    }
}

#[test]
fn the_shell_makes_explains_and_drops_indexes() {
    let place = Place::with_project("sled");
    let script = "
        db.users.insertMany([{_id: 1, n: 5}, {_id: 2, n: 7}])
        db.users.createIndex({n: -1}, {unique: true})
        db.users.find({n: 7}).explain().queryPlanner
    ";
    let run = place.run_with(&["shell", "-q"], script);
    assert_eq!(run.code, Some(2), "only methods are called: {}", run.stderr);
    let script = "
        db.users.getIndexes()
        db.users.find({n: 7}).hint({n: -1}).explain('executionStats')
        db.users.find().hint({$natural: -1}); db.users.find({}, {}, {hint: 'n_-1'})
        db.users.insertOne({_id: 3, n: 7})
    ";
    let run = place.run_with(&["shell", "-q"], script);
    has(
        &run.stderr,
        &["E11000 duplicate key error collection: shop.users index: n_-1 dup key: { n: 7 }"],
    );
    has(
        &run.stdout,
        &[
            "{ v: 2, key: { n: -1 }, name: 'n_-1', unique: true }",
            "stage: 'IXSCAN'",
            "totalDocsExamined: 1",
            "{ _id: 2, n: 7 }\n{ _id: 1, n: 5 }\n{ _id: 2, n: 7 }\n{ _id: 1, n: 5 }\n",
        ],
    );
    let script = "
        db.users.createIndex({a: 1, b: 1}); db.users.createIndex({b: 1, a: 1})
        db.users.dropIndex({b: 1, a: 1.0}); db.users.dropIndex({n: -1}); db.users.dropIndex('n_-1')
    ";
    let run = place.run_with(&["shell", "-q"], script);
    assert_eq!(
        run.stdout,
        "a_1_b_1\nb_1_a_1\n{ nIndexesWas: 4, ok: 1 }\n{ nIndexesWas: 3, ok: 1 }\n"
    );
    has(&place.ok(&["index", "list", "-c", "users"]), &["a_1_b_1"]);
    has(&run.stderr, &["can't find index 'n_-1' of users"]);
}

#[test]
fn a_script_ends_at_its_first_error_which_names_the_statement() {
    let place = Place::with_project("sled");
    for (code, script, parts) in [
        (
            2,
            "db.a.insertOne({_id: 1}); foo; db.a.insertOne({_id: 2})",
            &["statement 2: foo is not defined"][..],
        ),
        (2, "db.a.fnd()", &["db.a.fnd is not a function; did you mean find?"]),
        (
            4,
            "db.a.insertOne({_id: 1})",
            &["E11000 duplicate key error collection: shop.a", "{ _id: 1 }"],
        ),
        (2, "db.a.find({", &["statement 1: the script ends within the statement"]),
        (2, "db.a.find({$foo: 1})", &["$foo"]),
        (3, "use nothing", &["'nothing'"]),
        (2, "show things", &["show takes dbs, collections or branches"]),
    ] {
        has(&place.fails(code, &["shell", "--eval", script]), parts);
    }
    assert_eq!(place.ok(&["count", "-c", "a"]), "1\n");
    assert_eq!(place.ok(&["shell", "--eval", "db.a.find(); exit; db.a.fnd()"]), "{ _id: 1 }\n");
}

#[test]
fn a_shell_goes_to_other_branches_for_itself() {
    let place = Place::with_project("sled");
    place.ok(&["branch", "create", "try"]);
    let script = "use shop@try\ndb.a.insertOne({_id: 1})\nuse @main\ndb.a.countDocuments()\nshow branches\nshow dbs\ndb";
    let run = place.run_with(&["shell", "-o", "jsonl"], script);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        run.stdout,
        "{\"acknowledged\":true,\"insertedId\":1}\n0\n\"main\"\n\"try\"\n\"shop\"\n\"shop\"\n"
    );
    has(&run.stderr, &["switched to branch try of project shop", "committed as LSN 1 of try"]);
    has(&place.ok(&["status"]), &["main"]);
}

#[test]
fn the_shell_finds_and_changes_one_document_and_writes_in_bulk() {
    let place = Place::with_project("sled");
    let script = "
        db.a.insertMany([{_id: 1, n: 5}, {_id: 2, n: 7}, {_id: 3, n: 9}])
        db.a.findOneAndUpdate({n: {$gt: 5}}, {$inc: {n: 1}}, {sort: {n: -1}})
        db.a.findOneAndUpdate({_id: 9}, {$set: {n: 0}}, {upsert: true, returnDocument: 'after'})
        db.a.findOneAndReplace({_id: 9}, {m: 1}, {returnNewDocument: true, projection: {_id: 0}})
        db.a.findOneAndDelete({}, {sort: {_id: -1}}); db.a.findOneAndDelete({_id: 77})
        db.a.bulkWrite([
          {insertOne: {document: {_id: 4, n: 1}}}, {updateOne: {filter: {_id: 1}, update: {$set: {n: 6}}}},
          {updateMany: {filter: {n: {$gt: 6}}, update: {$inc: {n: 1}}}},
          {replaceOne: {filter: {_id: 8}, replacement: {n: 8}, upsert: true}},
          {deleteOne: {filter: {_id: 4}}}, {deleteMany: {filter: {n: 8}}}])
        db.a.find()
    ";
    let run = place.run_with(&["shell", "-q", "-o", "jsonl"], script);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    assert_eq!(
        run.stdout,
        "{\"acknowledged\":true,\"insertedIds\":{\"0\":1,\"1\":2,\"2\":3}}\n\
         {\"_id\":3,\"n\":9}\n{\"_id\":9,\"n\":0}\n{\"m\":1}\n{\"_id\":9,\"m\":1}\nnull\n\
         {\"acknowledged\":true,\"insertedCount\":1,\"insertedIds\":{\"0\":4},\"matchedCount\":3,\
         \"modifiedCount\":3,\"deletedCount\":3,\"upsertedCount\":1,\"upsertedIds\":{\"3\":8}}\n\
         {\"_id\":1,\"n\":6}\n{\"_id\":3,\"n\":11}\n"
    );
}

#[test]
fn the_shell_explains_before_a_method_and_drops_all_indexes_at_once() {
    let place = Place::with_project("sled");
    let script = "
        db.a.insertMany([{_id: 1, n: 5, e: 'x'}, {_id: 2, n: 7, e: 'y'}])
        db.a.createIndex({n: 1}); db.a.createIndex({e: 1}, {unique: true})
        db.a.explain().find({n: 5}).limit(1); db.a.explain('executionStats').count({n: 5})
        db.a.explain().aggregate([{$match: {n: 5}}, {$unset: 'e'}])
        db.a.aggregate([{$match: {n: 5}}]).explain()
        db.a.explain().updateOne({n: 5}, {$set: {n: 6}}); db.a.countDocuments({n: 6}, {hint: 'n_1'})
    ";
    let script = script.replace(".count({n: 5})", ".countDocuments({n: 5})");
    let run = place.run_with(&["shell", "-q"], script);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    assert_eq!(run.stdout.matches("indexName: 'n_1'").count(), 5, "{}", run.stdout);
    has(&run.stdout, &["totalKeysExamined: 1", "stages: [ { $unset: 'e' } ]"]);
    assert!(run.stdout.ends_with("\n0\n"), "{}", run.stdout);
    for (script, parts) in [
        (
            "db.a.updateOne({_id: 2}, {$set: {e: 'x'}})",
            &["E11000 duplicate key error collection: shop.a index: e_1 dup key: { e: \"x\" }"][..],
        ),
        (
            "db.a.bulkWrite([{insertOne: {document: {_id: 5}}}, {insertOne: {document: {_id: 5}}}])",
            &["operation 1 of bulkWrite, after 1 commit: E11000", "_id_ dup key: { _id: 5 }"],
        ),
    ] {
        has(&place.fails(4, &["shell", "--eval", script]), parts);
    }
    for (script, parts) in [
        (
            "db.a.bulkWrite([{insert: {}}])",
            &["operation 0 of bulkWrite", "expected one of insertOne"][..],
        ),
        ("db.a.bulkWrite([])", &["the list of operations can't be empty"]),
        (
            "db.unordered.bulkWrite([{insertOne: {document: {_id: 6}}}, {insertOne: {document: {_id: 6}}}, \
             {insertOne: {document: {_id: 7}}}, {insertOne: {document: {_id: 7}}}], {ordered: false})",
            &[
                "2 operations of bulkWrite failed, after 2 commits: operation 3: E11000",
                "operation 1: E11000",
            ],
        ),
        ("db.a.explain().insertOne({})", &["insertOne can't be explained"]),
        ("db.a.explain()", &["missing method"]),
    ] {
        let run = place.run(&["shell", "--eval", script]);
        assert_ne!(run.code, Some(0), "{script}");
        has(&run.stderr, parts);
    }
    assert_eq!(
        place.ok(&["shell", "--eval", "db.a.dropIndexes()"]),
        "{ nIndexesWas: 3, msg: 'non-_id indexes dropped for collection', ok: 1 }\n"
    );
    has(&place.ok(&["log", "--oneline", "-n", "1"]), &["drop indexes n_1, e_1 of a"]);
    assert_eq!(place.ok(&["shell", "--eval", "db.a.getIndexes()"]).matches("name:").count(), 1);
    has(&place.ok(&["shell", "--eval", "help"]), &["bulkWrite", "dropIndexes", "findOneAndUpdate"]);
}
