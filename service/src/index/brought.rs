//! Indexes whose definitions a commit brought, such as that of a merge.

use argon_core::model::Lsn;
use argon_core::{Branch, BroughtIndex};

use super::BuiltIndex;

/// The most documents that are read for entries right after a commit: about a second's work.
const MOST_DOCUMENTS: usize = 20_000;

/// Makes the entries of the indexes that came after a state, or of all, if that is quick; returns the
/// indexes that had none. The commit is made already, so a failure here is not one of it: what is not built
/// stays so, with the reason.
pub(crate) async fn build_brought(branch: &Branch, since: Option<Lsn>) -> Vec<BuiltIndex> {
    match branch.build_brought_indexes(since, MOST_DOCUMENTS).await {
        Ok(found) => found.into_iter().map(BuiltIndex::from).collect(),
        Err(error) => {
            tracing::warn!(
                %error,
                branch = %branch.name(),
                "the indexes of a commit could not be read; those without entries are not built"
            );
            Vec::new()
        }
    }
}

/// The state before a commit, which the definitions of the commit are compared with.
pub(crate) fn before(lsn: Lsn) -> Option<Lsn> {
    lsn.get().checked_sub(1).map(Lsn::new)
}

impl From<BroughtIndex> for BuiltIndex {
    fn from(BroughtIndex { collection, index, unbuilt }: BroughtIndex) -> Self {
        Self { collection, index, unbuilt }
    }
}

#[cfg(test)]
mod tests {
    use argon_core::model::CollectionName;
    use argon_core::write::CollectionChange;
    use bson::{Document, doc, rawdoc};

    use super::*;

    fn name(name: &str) -> CollectionName {
        CollectionName::new(name).unwrap()
    }

    /// A branch with some documents in two collections.
    async fn two_collections(documents: i32) -> Branch {
        let branch = argon_backends::memory_branch().await.unwrap();
        for collection in ["a", "b"] {
            let collection = branch.collection(&name(collection));
            for id in 0..documents {
                collection.put(rawdoc! { "_id": id, "n": id }).await.unwrap();
            }
        }
        branch
    }

    /// Commits definitions without their entries, as a merge does.
    async fn bring(branch: &Branch, collections: &[&str], fields: &[&str]) -> Lsn {
        let mut request = branch.request();
        for collection in collections {
            let indexes = fields.iter().map(|field| -> Document {
                doc! { "v": 2, "name": format!("{field}_1"), "key": { *field: 1 } }
            });
            let (name, indexes) = (name(collection), indexes.collect());
            request.change_collection(CollectionChange::SetIndexes { name, indexes });
        }
        branch.commit(request).await.unwrap().committed().unwrap().lsn
    }

    async fn unbuilt(branch: &Branch, collection: &str) -> Vec<String> {
        let view = branch.head().await.unwrap().collection(&name(collection)).unwrap();
        let indexes = view.indexes().await.unwrap().unreadable;
        indexes.into_iter().map(|index| index.name).collect()
    }

    #[tokio::test]
    async fn only_the_indexes_of_the_commit_are_built() {
        let branch = two_collections(5).await;
        bring(&branch, &["a"], &["n"]).await;
        let lsn = bring(&branch, &["a"], &["n", "m"]).await;
        let built = build_brought(&branch, before(lsn)).await;
        let built: Vec<_> = built.into_iter().map(|index| (index.index, index.unbuilt)).collect();
        assert_eq!(built, [("m_1".to_owned(), None)]);
        assert_eq!(unbuilt(&branch, "a").await, ["n_1"]);
    }

    #[tokio::test]
    async fn what_is_read_for_all_collections_and_indexes_is_bounded() {
        for (collections, fields, most) in
            [(&["a", "b"][..], &["n"][..], 9), (&["a"], &["n", "m"], 9), (&["a"], &["n"], 4)]
        {
            let branch = two_collections(5).await;
            let lsn = bring(&branch, collections, fields).await;
            let found = branch.build_brought_indexes(before(lsn), most).await.unwrap();
            assert_eq!(found.len(), collections.len() * fields.len());
            let last = found.last().unwrap().unbuilt.clone().unwrap_or_default();
            assert!(last.starts_with("is not built yet"), "{last}");
            let mut left = unbuilt(&branch, collections.last().unwrap()).await;
            left.sort_unstable();
            assert_eq!(left.len(), fields.len());
            let found = branch.build_brought_indexes(before(lsn), 10).await.unwrap();
            assert!(found.iter().all(|index| index.unbuilt.is_none()), "{found:?}");
        }
    }

    #[tokio::test]
    async fn large_documents_count_by_their_bytes() {
        let branch = argon_backends::memory_branch().await.unwrap();
        let text = "x".repeat(1 << 20);
        branch.collection(&name("a")).put(rawdoc! { "_id": 1, "n": text }).await.unwrap();
        let lsn = bring(&branch, &["a"], &["m"]).await;
        let found = branch.build_brought_indexes(before(lsn), 10).await.unwrap();
        assert!(found[0].unbuilt.is_some(), "{found:?}");
    }

    #[tokio::test]
    async fn a_commit_without_definitions_builds_nothing() {
        let branch = two_collections(1).await;
        bring(&branch, &["a"], &["n"]).await;
        let other = branch.collection(&name("b")).put(rawdoc! { "_id": 9 }).await;
        other.unwrap();
        let head = branch.head().await.unwrap().lsn();
        assert!(build_brought(&branch, before(head)).await.is_empty(), "no definition came");
    }
}
