//! Checks of a result that is not published yet: schemas, unique fields, references.
//!
//! Merge, undo and the like make changes on top of a state. Together they are a [`Proposed`] state,
//! and [`run`] says what is wrong with it: each rule that it breaks is a [`Violation`]. A rule holds
//! what the changes do to account, not what was there before them.
//!
//! # What is checked
//! 1. **Schemas**: every document that the changes write, against the collection's own validator
//!    and the policy's schemas. O(changes). See `schema`, which says what `MongoDB` has that is
//!    not enforced.
//! 2. **Unique fields**: no two documents have the values that a changed document has. One scan of
//!    each collection that has a rule and is changed, in memory of O(changes). See `unique`.
//! 3. **References**: what changed documents name is there, and nothing names what the changes take
//!    away. At most one scan of either collection, in memory of O(changes). See `references`.
//!
//! Hooks are commands, and so for the command line to run; here they are only part of a policy.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `policy.rs` | what is to be checked, as a policy file and a stored plan have it |
//! | `proposed.rs` | a state with changes on top |
//! | `path.rs` | fields by dotted path |
//! | `schema/` | `$jsonSchema` |
//! | `unique.rs`, `references.rs` | the rules between documents |
//! | `violation.rs` | what is found |

mod path;
mod policy;
mod proposed;
mod references;
mod schema;
mod unique;
mod violation;

pub use path::FieldPath;
pub use policy::{Checks, Hook, Reference, Unique};
pub use proposed::{KeyedDocuments, Proposed};
pub use violation::{Check, Violation};

use crate::Result;
use crate::checks::violation::Violations;

/// Checks a result; gives at most `most` violations, the same ones in the same order every time:
/// schemas before unique fields before references, each by collection or rule, then by key.
///
/// ```
/// # use bson::rawdoc;
/// # use argon_core::checks::{self, Checks, Proposed};
/// # use argon_core::model::{Change, CollectionName, Document, Image};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let branch = argon_backends::memory_branch().await?;
/// let users = CollectionName::new("users")?;
/// branch.collection(&users).insert(rawdoc! { "_id": 1, "email": "ada@example.org" }).await?;
/// let head = branch.head().await?;
///
/// let (key, document) = Document::checked(rawdoc! { "_id": 2, "email": "ada@example.org" })?;
/// let collection = head.collection(&users)?.info().id;
/// let change = Change { collection, key, image: Image::Document(document) };
/// let proposed = Proposed::of(head, [change])?;
///
/// let rules = Checks {
///     unique: vec![checks::Unique { collection: users, fields: vec!["email".parse()?] }],
///     ..Checks::default()
/// };
/// let violations = checks::run(&rules, &proposed, 10).await?;
/// assert_eq!(violations[0].problem, "documents 1 and 2 have the same email, which must be unique");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Invalid` for a schema that can't be used, naming its collection.
pub async fn run(checks: &Checks, proposed: &Proposed, most: usize) -> Result<Vec<Violation>> {
    let mut found = Violations::at_most(most);
    schema::check(checks, proposed, &mut found).await?;
    unique::check(checks, proposed, &mut found).await?;
    references::check(checks, proposed, &mut found).await?;
    Ok(found.into_vec())
}
