//! What a pipeline reads and writes besides its collection.

use bson::{Bson, Document};

use super::{Demand, Right, Target};

/// What running a pipeline on a database demands.
pub(crate) fn of_pipeline(database: &str, stages: &[Document]) -> Vec<Demand> {
    let mut demands = vec![Demand::on(Right::Read, database)];
    demands.extend(of_stages(database, stages));
    demands
}

/// What the stages demand besides reading the collection.
pub(crate) fn of_stages(database: &str, stages: &[Document]) -> Vec<Demand> {
    let mut demands = Vec::new();
    for stage in stages {
        for (name, argument) in stage {
            if matches!(name.as_str(), "$out" | "$merge") {
                let target = written_database(name, argument).unwrap_or(database);
                demands.push(Demand::on(Right::Write, target));
            }
        }
        visit(database, stage, &mut demands);
    }
    demands
}

/// The database that the last stage names.
fn written_database<'s>(stage: &str, argument: &'s Bson) -> Option<&'s str> {
    let target = match (stage, argument) {
        ("$out", Bson::Document(out)) => out,
        (_, Bson::Document(merge)) => merge.get_document("into").ok()?,
        _ => return None,
    };
    target.get_str("db").ok()
}

/// Looks at stages wherever they are: in `$facet`, in the pipelines of `$lookup` and `$unionWith`.
fn visit(database: &str, document: &Document, demands: &mut Vec<Demand>) {
    for (name, value) in document {
        match (name.as_str(), value) {
            ("$lookup" | "$unionWith" | "$graphLookup", Bson::Document(stage)) => {
                revision(database, stage, "at", demands);
                if let Ok(other) = stage.get_document("from").and_then(|from| from.get_str("db")) {
                    demands.push(Demand::on(Right::Read, other));
                }
                if let Ok(other) = stage.get_str("db") {
                    demands.push(Demand::on(Right::Read, other));
                }
            }
            ("$diff", Bson::Document(stage)) => {
                revision(database, stage, "from", demands);
                revision(database, stage, "to", demands);
            }
            ("$changeStream", Bson::Document(stage)) if matches!(stage.get("allChangesForCluster"), Some(value) if *value != Bson::Boolean(false)) =>
            {
                demands.push(Demand::on_everything(Right::Read));
            }
            _ => {}
        }
        visit_value(database, value, demands);
    }
}

fn visit_value(database: &str, value: &Bson, demands: &mut Vec<Demand>) {
    match value {
        Bson::Document(document) => visit(database, document, demands),
        Bson::Array(values) => {
            for value in values {
                visit_value(database, value, demands);
            }
        }
        _ => {}
    }
}

fn revision(database: &str, stage: &Document, field: &str, demands: &mut Vec<Demand>) {
    if let Ok(revision) = stage.get_str(field) {
        let (database, revision) = (database.to_owned(), revision.to_owned());
        let target = Target::Revision { database, revision };
        demands.push(Demand { right: Right::Read, target });
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn shown(stages: &[Document]) -> Vec<String> {
        let shown =
            of_pipeline("shop:try", stages).into_iter().map(
                |Demand { right, target }| match target {
                    Target::Scope(scope) => format!("{right:?} {scope}"),
                    Target::Database(database) => format!("{right:?} {database}"),
                    Target::Revision { revision, .. } => format!("{right:?} at {revision}"),
                },
            );
        shown.collect()
    }

    #[test]
    fn every_state_that_a_pipeline_names_is_demanded() {
        for (stages, more) in [
            (vec![doc! { "$match": { "at": "main" } }], vec![]),
            (vec![doc! { "$lookup": { "from": "a", "at": "main" } }], vec!["Read at main"]),
            (
                vec![
                    doc! { "$facet": { "x": [{ "$unionWith": { "coll": "a", "at": "v1", "pipeline": [
                        { "$graphLookup": { "from": "a", "at": "main~3" } },
                    ] } }] } },
                ],
                vec!["Read at v1", "Read at main~3"],
            ),
            (
                vec![doc! { "$diff": { "from": "main", "to": "try" } }],
                vec!["Read at main", "Read at try"],
            ),
            (vec![doc! { "$out": "a" }], vec!["Write shop:try"]),
            (vec![doc! { "$out": { "db": "other", "coll": "a" } }], vec!["Write other"]),
            (vec![doc! { "$merge": "a" }], vec!["Write shop:try"]),
            (
                vec![doc! { "$merge": { "into": { "db": "other", "coll": "a" } } }],
                vec!["Write other"],
            ),
            (
                vec![doc! { "$lookup": { "from": { "db": "other", "coll": "a" } } }],
                vec!["Read other"],
            ),
            (vec![doc! { "$changeStream": { "allChangesForCluster": true } }], vec!["Read *"]),
        ] {
            let mut expected = vec!["Read shop:try"];
            expected.extend(more);
            assert_eq!(shown(&stages), expected, "{stages:?}");
        }
    }
}
