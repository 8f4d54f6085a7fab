//! The events of a change of a collection: created, renamed, dropped, its options or indexes changed.

use argon_core::CollectionInfo;
use argon_core::definition::identical;
use bson::{Bson, Document, doc};

use super::event::{Event, Operation};

/// The most events of one change, so that those of the next have other numbers.
pub(super) const MOST: u32 = 8;

/// The events of a change, from the number `number` on.
pub(super) fn events(
    before: Option<&CollectionInfo>,
    after: &CollectionInfo,
    dropped: bool,
    number: u32,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut add = |operation, info: &CollectionInfo, description: Option<Document>| {
        // At most five are added.
        let number = number + u32::try_from(events.len()).unwrap_or(0);
        let mut event = Event::of_collection(number, operation, info.name.clone());
        event.description = description;
        events.push(event);
    };
    if dropped {
        add(Operation::Drop, before.unwrap_or(after), None);
        return events;
    }
    let Some(before) = before else {
        let mut description = after.options.clone();
        let indexes = after.listed_indexes();
        let id_index = |index: &&Document| index.get_str("name").is_ok_and(|name| name == "_id_");
        if let Some(index) = indexes.iter().find(id_index) {
            description.insert("idIndex", index.clone());
        }
        add(Operation::Create, after, Some(description));
        let others: Vec<_> = indexes.iter().filter(|index| !id_index(index)).cloned().collect();
        if !others.is_empty() {
            add(Operation::CreateIndexes, after, Some(doc! { "indexes": others }));
        }
        return events;
    };
    if before.name != after.name {
        add(Operation::Rename, before, None);
    }
    if !identical(&before.options, &after.options) {
        let description = changed_options(&before.options, &after.options);
        add(Operation::Modify, after, Some(description));
    }
    let (old, new) = (before.listed_indexes(), after.listed_indexes());
    let name = |index: &Document| index.get_str("name").ok().map(str::to_owned);
    let missing_in = |some: &[Document], others: &[Document]| -> Vec<Document> {
        let is_missing = |index: &&Document| !others.iter().any(|other| name(other) == name(index));
        some.iter().filter(is_missing).cloned().collect()
    };
    let dropped = missing_in(&old, &new);
    if !dropped.is_empty() {
        add(Operation::DropIndexes, after, Some(doc! { "indexes": dropped }));
    }
    let created = missing_in(&new, &old);
    if !created.is_empty() {
        add(Operation::CreateIndexes, after, Some(doc! { "indexes": created }));
    }
    let changed = new.iter().find(|index| {
        old.iter().any(|other| name(other) == name(index) && !identical(other, index))
    });
    if let Some(index) = changed {
        add(Operation::Modify, after, Some(doc! { "index": index.clone() }));
    }
    for event in &mut events {
        if event.operation == Operation::Rename {
            event.renamed_to = Some(after.name.clone());
        }
    }
    events
}

/// The options that are new or have other values; null for those that are gone.
fn changed_options(before: &Document, after: &Document) -> Document {
    let set = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let set = set.map(|(name, value)| (name.clone(), value.clone()));
    let removed = before.keys().filter(|name| !after.contains_key(*name));
    set.chain(removed.map(|name| (name.clone(), Bson::Null))).collect()
}

#[cfg(test)]
mod tests {
    use argon_core::model::{CollectionId, CollectionName};

    use super::*;

    fn info(name: &str, options: Document, indexes: Vec<Document>) -> CollectionInfo {
        let name = CollectionName::new(name).unwrap();
        CollectionInfo { id: CollectionId::new(7), name, options, indexes }
    }

    fn operations(
        before: Option<&CollectionInfo>,
        after: &CollectionInfo,
        dropped: bool,
    ) -> Vec<(&'static str, u32)> {
        let events = events(before, after, dropped, 16);
        events.iter().map(|event| (event.operation.name(), event.number)).collect()
    }

    #[test]
    fn each_change_of_a_collection_is_an_event() {
        let id = doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" };
        let by_a = doc! { "v": 2, "key": { "a": 1 }, "name": "a_1" };
        let plain = info("boats", doc! {}, vec![]);
        let indexed = info("boats", doc! {}, vec![id.clone(), by_a]);
        let other = info("ships", doc! { "validator": { "a": 1 } }, vec![]);
        assert_eq!(operations(None, &plain, false), [("create", 16)]);
        assert_eq!(operations(None, &indexed, false), [("create", 16), ("createIndexes", 17)]);
        assert_eq!(operations(Some(&plain), &indexed, false), [("createIndexes", 16)]);
        assert_eq!(operations(Some(&indexed), &plain, false), [("dropIndexes", 16)]);
        assert_eq!(operations(Some(&plain), &other, false), [("rename", 16), ("modify", 17)]);
        assert_eq!(operations(Some(&plain), &plain, true), [("drop", 16)]);
        let renamed = events(Some(&plain), &other, false, 0);
        assert_eq!(renamed[0].renamed_to.as_ref().unwrap().as_str(), "ships");
        assert_eq!(renamed[0].collection.as_ref().unwrap().as_str(), "boats");
    }
}
