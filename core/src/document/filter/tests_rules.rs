//! Queries of Argon's own rules: masks, bisect.

use bson::{Document as BsonDocument, bson, doc, rawdoc};

use super::Filter;

#[test]
fn a_document_is_seen_only_if_each_path_means_one_field_of_it() {
    let query = Filter::rule(&doc! { "a.b": { "$ne": 1 }, "$or": [{ "c": 1 }] }).unwrap();
    let mut twice = rawdoc! { "a": { "b": 1 } };
    twice.append(bson::cstr!("a"), 2);
    let mut inside = rawdoc! { "x": 1 };
    inside.append(bson::cstr!("x"), 2);
    for (seen, document) in [
        (true, rawdoc! {}),
        (true, rawdoc! { "a": { "b": 1, "x.y": 1 }, "a.c": 1, "": 1, "x.c": 1 }),
        (true, rawdoc! { "a": [{ "b": 1 }, 5] }),
        (false, rawdoc! { "a": [[{ "b": 1 }]] }),
        (false, rawdoc! { "a.b": 1 }),
        (false, rawdoc! { "a.b.c": 1 }),
        (false, rawdoc! { "a.0.b": 1 }),
        (false, rawdoc! { "a": [{ "b.c": 1 }] }),
        (false, rawdoc! { "c": 1, "c.x": 1 }),
        (false, twice),
        (false, rawdoc! { "a": { "b": inside } }),
    ] {
        assert_eq!(query.sees(&document).unwrap(), seen, "{document:?}");
    }
}

#[test]
fn a_field_with_a_dot_in_its_name_is_seen_by_that_name() {
    let query = Filter::rule(&doc! { "a\\.b": { "$ne": 1 } }).unwrap();
    for (seen, matches, document) in [
        (true, false, rawdoc! { "a.b": 1 }),
        (true, true, rawdoc! { "a.b": 2 }),
        (true, true, rawdoc! { "a": { "b": 1 } }),
        (false, true, rawdoc! { "a.b.c": 1 }),
    ] {
        assert_eq!(query.sees(&document).unwrap(), seen, "{document:?}");
        assert_eq!(query.matches(&document).unwrap(), matches, "{document:?}");
    }
    let dollar = Filter::rule(&doc! { "\\$a": 1, "items\\[0\\]": 2, "owner.$id": 3 }).unwrap();
    let document = rawdoc! { "$a": 1, "items[0]": 2, "owner": { "$id": 3 } };
    assert!(dollar.matches(&document).unwrap());
}

#[test]
fn a_query_for_elements_of_an_array_sees_what_its_own_paths_mean() {
    let query = Filter::rule(&doc! { "a": { "$not": { "$elemMatch": { "b.c": 1 } } } }).unwrap();
    for (seen, document) in [
        (true, rawdoc! { "a": [{ "b": { "c": 1 } }, 5] }),
        (true, rawdoc! { "a": [{ "x.y": 1 }] }),
        (false, rawdoc! { "a": [{ "b.c": 1 }] }),
        (false, rawdoc! { "a": [{}, { "b": { "c": 1 }, "b.c": 2 }] }),
    ] {
        assert_eq!(query.sees(&document).unwrap(), seen, "{document:?}");
    }
    let nested = doc! { "a": { "$elemMatch": { "$elemMatch": { "b.c": { "$ne": 1 } } } } };
    let query = Filter::rule(&nested).unwrap();
    assert!(query.sees(&rawdoc! { "a": [[{ "b": 1 }]] }).unwrap());
    assert!(!query.sees(&rawdoc! { "a": [[{ "b.c": 1 }]] }).unwrap());
}

#[track_caller]
fn refused(query: &BsonDocument) -> String {
    let error = Filter::rule(query).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{query}");
    error.to_string()
}

#[test]
fn a_query_that_is_not_understood_is_refused_with_what_is() {
    for (query, part) in [
        (
            doc! { "$where": "x" },
            "the operator $where, which is not supported; supported operators: $eq",
        ),
        (doc! { "n": { "$near": [1, 2] } }, "the operator $near"),
        (doc! { "n": { "$in": 5 } }, "$in with 5; expected a list"),
        (doc! { "n": { "$not": 1 } }, "$not with 1"),
        (doc! { "$or": [] }, "a list of queries"),
        (doc! { "$and": [1] }, "a list of queries"),
        (doc! { "n": { "$gt": 1, "b": 2 } }, "the operator b"),
        (doc! { "n": { "$regex": "(" } }, "the pattern ("),
    ] {
        let error = refused(&query);
        assert!(error.contains(part), "{error}");
    }
    let deep = (0..120).fold(bson!({ "n": 1 }), |inner, _| bson!({ "$and": [inner] }));
    assert!(refused(deep.as_document().unwrap()).contains("100 nested levels"));
}

#[test]
fn a_query_that_could_match_nothing_as_it_is_written_is_refused_with_what_to_write() {
    for (path, part) in [
        ("a..b", "at character 3: a name is empty"),
        ("", "a name is empty"),
        ("items[0].n", "items.0 is the first element"),
        ("items.$.n", "at character 7"),
        ("items.$[].n", "\\$"),
        ("items.*.n", "through arrays by itself"),
    ] {
        let error = refused(&doc! { path: 1 });
        assert!(error.starts_with("the query has the invalid path"), "{error}");
        assert!(error.contains(part), "{error}");
        Filter::parse(&doc! { path: 1 }).unwrap();
    }
    let error = refused(&doc! { "a": { "b": { "$gt": 5 } } });
    assert!(error.contains("'$gt'") && error.contains("by its path"), "{error}");
    assert!(Filter::rule(&doc! { "a": { "$ref": "c", "$id": 1 } }).is_ok());
}
