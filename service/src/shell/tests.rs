use argon_formats::extjson::{ParsedShell, ShellStatement, parse_shell_statement};
use bson::doc;

use super::ShellOperation;

fn operation(text: &str) -> argon_core::Result<ShellOperation> {
    match parse_shell_statement(text).unwrap() {
        ParsedShell::Statement(ShellStatement::Database(call), _) => ShellOperation::of(&call),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn the_methods_of_a_cursor_change_its_query() {
    let find = operation("db.users.find({a: 1}, {b: 1}).sort({c: -1}).skip(2).limit(5).pretty()");
    let Ok(ShellOperation::Find(find)) = find else { panic!("{find:?}") };
    assert_eq!(find.collection.as_str(), "users");
    assert_eq!((find.filter.0, find.projection.0), (doc! { "a": 1 }, doc! { "b": 1 }));
    assert_eq!((find.sort.0, find.skip, find.limit), (doc! { "c": -1 }, 2, Some(5)));
}

#[test]
fn what_comes_after_the_first_documents_is_another_query() {
    let find = operation("db.users.find().skip(2).limit(25)").unwrap();
    let Some(ShellOperation::Find(rest)) = find.after(20) else { panic!() };
    assert_eq!((rest.skip, rest.limit), (22, Some(5)));
    assert!(find.after(25).is_none());
    let aggregate = operation("db.users.aggregate([{$match: {}}])").unwrap();
    let Some(ShellOperation::Aggregate(rest)) = aggregate.after(20) else { panic!() };
    assert_eq!(rest.pipeline[1].0, doc! { "$skip": 20_i64 });
}

#[test]
fn an_error_names_the_method_and_what_it_expects() {
    for (text, message) in [
        ("db.users.fnd()", "db.users.fnd is not a function; did you mean find?"),
        ("db.users.zzz()", "db.users.zzz is not a function; supported methods: aggregate, "),
        ("db.users.find(5)", "db.users.find: argument 1: expected a document, found 5"),
        ("db.users.find().limit('x')", "cursor.limit: argument 1: expected a number"),
        ("db.users.find().forEach(1)", "function of JavaScript"),
        ("db.users.insertOne()", "db.users.insertOne: missing argument 1: expected a document"),
        ("db.users.updateOne({}, {a: 1})", "expected operators such as $set"),
        ("db.users.replaceOne({}, {$set: {a: 1}})", "without operators such as $set"),
        ("db.users.updateOne({}, {$set: {a: 1}}, {hint: 1})", "the name or the key of an index"),
        ("db.users.updateOne({}, {$set: {a: 1}}, {let: {}})", "unsupported option let"),
        ("db.users.findOneAndUpdate({}, {a: 1})", "expected operators such as $set"),
        ("db.users.findOneAndDelete({}, {upsert: true})", "unsupported option upsert"),
        ("db.users.bulkWrite([{insertOne: {}}])", "missing required field document"),
        ("db.users.createIndex('a')", "argument 1: expected a document"),
        ("db.users.createIndex({a: 1}, {key: {b: 1}})", "expected options without a key"),
        ("db.users.dropIndex(1)", "expected the name or the key of an index"),
        ("db.users.find().explain('all')", "expected 'queryPlanner'"),
        ("db.users.find().hint(1)", "expected the name or the key of an index"),
        ("db.users.drop(1)", "db.users.drop: unexpected argument 1: 1"),
        ("db.users.insertOne({}).limit(1)", "limit is not a function"),
        ("db.getSiblingDB('x')", "db.getSiblingDB is not a function"),
    ] {
        let error = operation(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}
