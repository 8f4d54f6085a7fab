//! What checks say of a result that is not published yet.

use std::collections::BTreeMap;

use argon_core::checks::{self, Check, Checks, Proposed, Reference, Unique, Violation};
use argon_core::key::Key;
use argon_core::model::{Change, CollectionId, CollectionName, Document, Image};
use argon_core::write::CollectionChange;
use argon_core::{Branch, ErrorKind, State};
use bson::{Document as BsonDocument, RawDocumentBuf, doc, rawdoc};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::Random;
use crate::make::{checked, collection, key};

pub(crate) fn cases() -> Vec<Case> {
    cases!["checks":
        a_proposed_state_reads_as_after_the_commit,
        only_what_the_changes_write_is_held_to_a_schema,
        a_validator_that_the_changes_bring_is_held_to_all_documents,
        a_moderate_validator_lets_pass_what_did_not_suit_it_before,
        a_policy_adds_schemas,
        a_schema_that_can_not_be_used_is_an_error_that_names_the_collection,
        two_documents_with_a_unique_value_are_found,
        unique_indexes_are_partial_sparse_and_multikey,
        a_unique_value_may_change_hands,
        duplicates_that_the_changes_do_not_touch_are_not_reported,
        a_new_unique_index_is_held_to_all_documents,
        a_changed_document_must_name_what_is_there,
        what_is_named_must_not_go_away,
        references_by_another_field_follow_its_values,
        dropping_what_is_named_leaves_all_references_without_aim,
        violations_come_in_a_fixed_order_up_to_a_number,
    ]
}

/// Changes of a state's collections.
struct Edit {
    state: State,
    changes: Vec<Change>,
}

impl Edit {
    async fn of(branch: &Branch) -> Self {
        Self { state: branch.head().await.unwrap(), changes: Vec::new() }
    }

    fn id(&self, name: &str) -> CollectionId {
        self.state.collection(&collection(name)).unwrap().info().id
    }

    fn put(mut self, name: &str, document: RawDocumentBuf) -> Self {
        let (key, document) = checked(document);
        let change = Change { collection: self.id(name), key, image: Image::Document(document) };
        self.changes.push(change);
        self
    }

    fn delete(mut self, name: &str, id: i32) -> Self {
        let change = Change { collection: self.id(name), key: key(id), image: Image::Deleted };
        self.changes.push(change);
        self
    }

    /// Changes a collection's metadata.
    fn describe(mut self, name: &str, indexes: Vec<BsonDocument>, dropped: bool) -> Self {
        let info = self.state.collection(&collection(name)).unwrap().info().clone();
        let entry = doc! {
            "_id": info.id.get().cast_signed(),
            "name": name,
            "options": info.options,
            "indexes": indexes,
            "dropped": dropped,
        };
        let (key, document) = checked(RawDocumentBuf::try_from(&entry).unwrap());
        let image = Image::Document(document);
        self.changes.push(Change { collection: CollectionId::CATALOG, key, image });
        self
    }

    fn proposed(self) -> Proposed {
        Proposed::of(self.state, self.changes).unwrap()
    }

    async fn check(self, checks: &Checks) -> Vec<Violation> {
        checks::run(checks, &self.proposed(), 100).await.unwrap().violations
    }
}

async fn fill(branch: &Branch, name: &str, documents: impl IntoIterator<Item = RawDocumentBuf>) {
    for document in documents {
        branch.collection(&collection(name)).put(document).await.unwrap();
    }
}

async fn change(branch: &Branch, change: CollectionChange) {
    branch.change_collection(change).await.unwrap();
}

/// Gives a collection a validator that wants an integer `n`.
async fn validate(branch: &Branch, name: &str, more: BsonDocument) {
    let schema = doc! { "required": ["n"], "properties": { "n": { "bsonType": "int" } } };
    let mut options = doc! { "validator": { "$jsonSchema": schema } };
    options.extend(more);
    change(branch, CollectionChange::SetOptions { name: collection(name), options }).await;
}

fn unique(name: &str, fields: &[&str]) -> Checks {
    let fields = fields.iter().map(|field| field.parse().unwrap()).collect();
    Checks { unique: vec![Unique { collection: collection(name), fields }], ..Checks::default() }
}

/// `orders.item` names `items`.
fn references(to_field: &str) -> Checks {
    let reference = Reference {
        collection: collection("orders"),
        field: "item".parse().unwrap(),
        to: collection("items"),
        to_field: to_field.parse().unwrap(),
    };
    Checks { references: vec![reference], ..Checks::default() }
}

/// The documents that violations are about, and the fields.
fn places(violations: &[Violation]) -> Vec<(Key, &str)> {
    let place = |violation: &'_ Violation| violation.key.clone().unwrap();
    violations.iter().map(|found| (place(found), found.path.as_deref().unwrap_or(""))).collect()
}

async fn a_validator_that_the_changes_bring_is_held_to_all_documents(subject: Subject) {
    let (_place, main) = subject.branch().await;
    fill(&main, "a", [rawdoc! { "_id": 1, "n": 1 }, rawdoc! { "_id": 3, "n": "x" }]).await;
    let head = main.head().await.unwrap();
    let fork = argon_core::model::BranchName::new("fork").unwrap();
    let fork = main.project().create_branch(&fork, &head, None).await.unwrap();
    fill(&main, "a", [rawdoc! { "_id": 2 }, rawdoc! { "_id": 4, "n": 4 }]).await;
    for (more, expected) in [
        (doc! {}, vec![(key(2), "n"), (key(3), "n")]),
        (doc! { "validationLevel": "moderate" }, vec![]),
        (doc! { "validationAction": "warn" }, vec![]),
    ] {
        validate(&fork, "a", more).await;
        let theirs = fork.head().await.unwrap();
        let rules = argon_core::plan::Rules::default();
        let plan = argon_core::plan::Plan::merge(&main, "fork", &theirs, rules).await.unwrap();
        let found = plan.check(&plan.compute().await.unwrap(), 100).await.unwrap().violations;
        assert_eq!(places(&found), expected);
    }
}

async fn a_proposed_state_reads_as_after_the_commit(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let mut random = Random::new(7);
    let name = collection("things");
    let mut request = branch.request();
    let mut model: BTreeMap<Key, Document> = BTreeMap::new();
    for id in (0..400).filter(|id| id % 3 != 0) {
        let (key, document) = checked(rawdoc! { "_id": id, "from": "state" });
        model.insert(key.clone(), document.clone());
        request.put(name.clone(), key, document, argon_core::write::Precondition::Any).unwrap();
    }
    branch.commit(request).await.unwrap();
    let mut edit = Edit::of(&branch).await;
    for _ in 0..150 {
        let id = i32::try_from(random.below(400)).unwrap();
        if random.below(2) == 0 {
            model.remove(&key(id));
            edit = edit.delete("things", id);
        } else {
            let (key, document) = checked(rawdoc! { "_id": id, "from": "changes" });
            model.insert(key, document);
            edit = edit.put("things", rawdoc! { "_id": id, "from": "changes" });
        }
    }
    let id = edit.id("things");
    let proposed = edit.proposed();
    let scanned: Vec<_> = proposed.scan(id).try_collect().await.unwrap();
    assert_eq!(scanned, model.clone().into_iter().collect::<Vec<_>>());
    let keys: Vec<Key> = (-1..401).map(key).collect();
    let found = proposed.get_many(id, keys.clone()).await.unwrap();
    assert_eq!(found, keys.iter().map(|key| model.get(key).cloned()).collect::<Vec<_>>());
    assert_eq!(proposed.get(id, &keys[2]).await.unwrap().as_ref(), model.get(&keys[2]));
    let nothing: Vec<_> = proposed.scan(CollectionId::new(12345)).try_collect().await.unwrap();
    assert!(nothing.is_empty());
}

async fn only_what_the_changes_write_is_held_to_a_schema(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "things", [rawdoc! { "_id": 1 }, rawdoc! { "_id": 2 }]).await;
    validate(&branch, "things", doc! {}).await;
    let edit = || async {
        let edit = Edit::of(&branch).await;
        edit.put("things", rawdoc! { "_id": 2, "n": "two" })
            .put("things", rawdoc! { "_id": 3, "n": 3 })
            .put("things", rawdoc! { "_id": 4 })
            .delete("things", 1)
    };
    let found = edit().await.check(&Checks::default()).await;
    assert_eq!(places(&found), [(key(2), "n"), (key(4), "n")]);
    assert!(found.iter().all(|found| found.check == Check::Schema));
    assert_eq!(found[0].problem, "n is of type string, expected int");
    let off = Checks { schema: false, ..Checks::default() };
    assert_eq!(edit().await.check(&off).await, []);
    for option in ["validationAction", "validationLevel"] {
        let value = if option == "validationAction" { "warn" } else { "off" };
        validate(&branch, "things", doc! { option: value }).await;
        assert_eq!(edit().await.check(&Checks::default()).await, [], "{option}");
    }
}

async fn a_moderate_validator_lets_pass_what_did_not_suit_it_before(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "things", [rawdoc! { "_id": 1 }, rawdoc! { "_id": 2, "n": 2 }]).await;
    validate(&branch, "things", doc! { "validationLevel": "moderate" }).await;
    let edit = Edit::of(&branch).await;
    let found = edit
        .put("things", rawdoc! { "_id": 1, "m": 1 })
        .put("things", rawdoc! { "_id": 2, "n": "x" })
        .put("things", rawdoc! { "_id": 3 })
        .check(&Checks::default())
        .await;
    assert_eq!(places(&found), [(key(2), "n"), (key(3), "n")]);
}

async fn a_policy_adds_schemas(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "things", [rawdoc! { "_id": 1 }]).await;
    let schema = doc! { "properties": { "n": { "minimum": 10 } } };
    let schemas: BTreeMap<CollectionName, _> =
        [(collection("things"), schema), (collection("not there"), doc! {})].into();
    let policy = Checks { schema: false, schemas, ..Checks::default() };
    let edit = Edit::of(&branch).await.put("things", rawdoc! { "_id": 2, "n": 9.5 });
    let found = edit.check(&policy).await;
    assert_eq!(places(&found), [(key(2), "n")]);
    assert_eq!(found[0].to_string(), "things 2: n is 9.5, expected at least 10");
}

async fn a_schema_that_can_not_be_used_is_an_error_that_names_the_collection(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let validator = Some(doc! { "$jsonSchema": { "properties": { "n": { "format": "date" } } } });
    fill(&branch, "things", [rawdoc! { "_id": 1 }]).await;
    let name = collection("things");
    change(&branch, CollectionChange::SetValidator { name, validator }).await;
    let written = Edit::of(&branch).await.put("things", rawdoc! { "_id": 2 }).proposed();
    let error = checks::run(&Checks::default(), &written, 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("collection 'things'"), "{error}");
    assert!(error.to_string().contains("properties.n.format"), "{error}");
}

async fn two_documents_with_a_unique_value_are_found(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "things", [rawdoc! { "_id": 1, "n": 1 }, rawdoc! { "_id": 2, "n": 2 }]).await;
    let edit = || async {
        let edit = Edit::of(&branch).await;
        edit.put("things", rawdoc! { "_id": 3, "n": 1.0 })
            .put("things", rawdoc! { "_id": 4, "n": "2" })
            .put("things", rawdoc! { "_id": 5 })
            .put("things", rawdoc! { "_id": 6 })
    };
    let found = edit().await.check(&unique("things", &["n"])).await;
    assert_eq!(places(&found), [(key(3), "n")]);
    assert_eq!(found[0].check, Check::Unique);
    assert_eq!(found[0].problem, "documents 1 and 3 have the same n, which must be unique");
    assert_eq!(edit().await.check(&unique("things", &["n", "m"])).await.len(), 1);
    // An index that is not sparse takes what is missing for null, of which there is one.
    let index = |more: BsonDocument| {
        let mut index = doc! { "key": { "n": 1 }, "name": "n_1", "unique": true };
        index.extend(more);
        CollectionChange::SetIndexes { name: collection("things"), indexes: vec![index] }
    };
    change(&branch, index(doc! { "sparse": true })).await;
    assert_eq!(edit().await.check(&Checks::default()).await.len(), 1);
    change(&branch, index(doc! {})).await;
    let found = edit().await.check(&Checks::default()).await;
    assert_eq!(places(&found), [(key(3), "n"), (key(5), "n")]);
    let off = Checks { schema: false, ..Checks::default() };
    assert_eq!(edit().await.check(&off).await, []);
}

async fn unique_indexes_are_partial_sparse_and_multikey(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "things", [rawdoc! { "_id": 1, "n": 1, "tags": ["a", "b"] }]).await;
    let tags = doc! { "key": { "tags": 1 } };
    let over = |least: i32| {
        doc! { "key": { "n": 1 }, "partialFilterExpression": { "n": { "$gt": least } } }
    };
    let both = doc! { "key": { "n": 1, "tags": 1 } };
    for (mut index, document, broken) in [
        (tags.clone(), rawdoc! { "_id": 2, "tags": ["b", "c"] }, Some(Check::Unique)),
        (tags, rawdoc! { "_id": 2, "tags": ["c"] }, None),
        (over(0), rawdoc! { "_id": 2, "n": 1 }, Some(Check::Unique)),
        (over(5), rawdoc! { "_id": 2, "n": 1 }, None),
        (doc! { "key": { "m": 1 } }, rawdoc! { "_id": 2 }, Some(Check::Unique)),
        (doc! { "key": { "m": 1 }, "sparse": true }, rawdoc! { "_id": 2 }, None),
        (both.clone(), rawdoc! { "_id": 2, "n": 1, "tags": ["z", "a"] }, Some(Check::Unique)),
        (both.clone(), rawdoc! { "_id": 2, "n": 2, "tags": ["a"] }, None),
        (both, rawdoc! { "_id": 2, "n": [2], "tags": ["c"] }, Some(Check::Index)),
    ] {
        index.extend(doc! { "name": "i", "unique": true });
        let name = collection("things");
        change(&branch, CollectionChange::SetIndexes { name, indexes: vec![index.clone()] }).await;
        let edit = Edit::of(&branch).await.put("things", document);
        let checked = checks::run(&Checks::default(), &edit.proposed(), 9).await.unwrap();
        let found: Vec<Check> = checked.violations.iter().map(|found| found.check).collect();
        assert_eq!(found, Vec::from_iter(broken), "{index}");
        assert_eq!(checked.unchecked, []);
    }
}

async fn a_unique_value_may_change_hands(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let documents = (1..=3).map(|id| rawdoc! { "_id": id, "n": id });
    fill(&branch, "things", documents).await;
    let edit = Edit::of(&branch).await;
    let found = edit
        .put("things", rawdoc! { "_id": 1, "n": 2 })
        .put("things", rawdoc! { "_id": 2, "n": 1 })
        .delete("things", 3)
        .put("things", rawdoc! { "_id": 4, "n": 3 })
        .check(&unique("things", &["n"]))
        .await;
    assert_eq!(found, []);
}

async fn duplicates_that_the_changes_do_not_touch_are_not_reported(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "things", [rawdoc! { "_id": 1, "n": 1 }, rawdoc! { "_id": 2, "n": 1 }]).await;
    let edit = Edit::of(&branch).await.put("things", rawdoc! { "_id": 3, "n": 3 });
    assert_eq!(edit.check(&unique("things", &["n"])).await, []);
}

async fn a_new_unique_index_is_held_to_all_documents(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let documents = [1, 1, 2, 1, 1].into_iter().zip(1..);
    let documents = documents.map(|(n, id): (i32, i32)| rawdoc! { "_id": id, "n": n });
    fill(&branch, "things", documents).await;
    let index = || vec![doc! { "key": { "n": 1 }, "name": "n_1", "unique": true }];
    let found =
        Edit::of(&branch).await.describe("things", index(), false).check(&Checks::default()).await;
    assert_eq!(places(&found), [(key(2), "n")]);
    let expected = "documents 1, 2, 4 and 1 more have the same n, which must be unique";
    assert_eq!(found[0].problem, expected);
    let name = collection("things");
    change(&branch, CollectionChange::SetIndexes { name, indexes: index() }).await;
    let same = Edit::of(&branch).await.describe("things", index(), false);
    assert_eq!(same.check(&Checks::default()).await, [], "it is not new any more");
}

async fn a_changed_document_must_name_what_is_there(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "items", [rawdoc! { "_id": 1 }, rawdoc! { "_id": 2 }]).await;
    fill(&branch, "orders", [rawdoc! { "_id": 1, "item": 77 }]).await;
    let edit = Edit::of(&branch).await;
    let found = edit
        .put("items", rawdoc! { "_id": 3 })
        .put("orders", rawdoc! { "_id": 2, "item": [1, 2.0, null] })
        .put("orders", rawdoc! { "_id": 3, "item": [3, 4, 4, "1"] })
        .put("orders", rawdoc! { "_id": 4 })
        .put("orders", rawdoc! { "_id": 5, "item": { "a": 1 } })
        .check(&references("_id"))
        .await;
    assert_eq!(places(&found), [(key(3), "item"), (key(3), "item"), (key(5), "item")]);
    assert!(found.iter().all(|found| found.check == Check::Reference));
    assert_eq!(found[0].problem, "item refers to 4, but no document in items has that _id");
}

async fn what_is_named_must_not_go_away(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "items", (1..=4).map(|id| rawdoc! { "_id": id })).await;
    let orders = [(1, 1), (2, 2), (3, 3), (4, 99)];
    fill(&branch, "orders", orders.map(|(id, item)| rawdoc! { "_id": id, "item": item })).await;
    let edit = Edit::of(&branch).await;
    let found = edit
        .delete("items", 1)
        .delete("items", 2)
        .delete("items", 4)
        .delete("items", 5)
        .put("orders", rawdoc! { "_id": 2, "item": 3 })
        .put("orders", rawdoc! { "_id": 5, "item": 99 })
        .check(&references("_id"))
        .await;
    assert_eq!(places(&found), [(key(1), "item"), (key(5), "item")]);
    let edit = Edit::of(&branch).await.delete("items", 1).delete("orders", 1);
    assert_eq!(edit.check(&references("_id")).await, []);
}

async fn references_by_another_field_follow_its_values(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let items = [(1, "a"), (2, "b"), (3, "b"), (4, "c")];
    fill(&branch, "items", items.map(|(id, code)| rawdoc! { "_id": id, "code": code })).await;
    let orders = [(1, "a"), (2, "b"), (3, "c")];
    fill(&branch, "orders", orders.map(|(id, item)| rawdoc! { "_id": id, "item": item })).await;
    let edit = Edit::of(&branch).await;
    let found = edit
        .put("items", rawdoc! { "_id": 1, "code": "A" })
        .delete("items", 2)
        .put("items", rawdoc! { "_id": 4, "code": "c", "n": 1 })
        .put("orders", rawdoc! { "_id": 4, "item": "A" })
        .put("orders", rawdoc! { "_id": 5, "item": 4 })
        .check(&references("code"))
        .await;
    assert_eq!(places(&found), [(key(1), "item"), (key(5), "item")]);
    let expected = "item refers to \"a\", but no document in items has that code";
    assert_eq!(found[0].problem, expected);
}

async fn dropping_what_is_named_leaves_all_references_without_aim(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "items", [rawdoc! { "_id": 1 }]).await;
    let orders = [rawdoc! { "_id": 1, "item": 1 }, rawdoc! { "_id": 2, "item": null }];
    fill(&branch, "orders", orders).await;
    let found =
        Edit::of(&branch).await.describe("items", Vec::new(), true).check(&references("_id")).await;
    assert_eq!(places(&found), [(key(1), "item")]);
    let both = Edit::of(&branch).await.describe("items", Vec::new(), true);
    let both = both.describe("orders", Vec::new(), true);
    assert_eq!(both.check(&references("_id")).await, []);
}

async fn violations_come_in_a_fixed_order_up_to_a_number(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    fill(&branch, "items", [rawdoc! { "_id": 1 }]).await;
    fill(&branch, "orders", [rawdoc! { "_id": 1, "item": 1, "n": 1 }]).await;
    validate(&branch, "orders", doc! {}).await;
    let rules = Checks { references: references("_id").references, ..unique("orders", &["u"]) };
    let edit = || async {
        let mut edit = Edit::of(&branch).await.delete("items", 1);
        for id in 2..6 {
            edit = edit.put("orders", rawdoc! { "_id": id, "u": id % 2, "item": 7 });
        }
        edit.proposed()
    };
    let all = checks::run(&rules, &edit().await, 100).await.unwrap().violations;
    let kinds: Vec<Check> = all.iter().map(|found| found.check).collect();
    assert_eq!(
        kinds,
        [[Check::Schema; 4].as_slice(), &[Check::Unique; 2], &[Check::Reference; 5]].concat()
    );
    for most in 0..=11 {
        let found = checks::run(&rules, &edit().await, most).await.unwrap().violations;
        assert_eq!(found, all[..most], "{most}");
    }
}
