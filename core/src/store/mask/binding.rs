//! A policy bound to the collections of a state.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::catalog::Catalog;
use crate::model::{CollectionId, Digest, Document, Lsn};
use crate::storage::{Version, record_to_bytes};
use crate::store::mask::hash::Secret;
use crate::store::mask::transform::Rules;
use crate::store::mask::{MaskPolicy, Unlisted};
use crate::{Error, Result};

/// The mask of a branch. Cheap to clone.
///
/// Collections are bound by number when the mask is created, under the last name of each at that
/// time. So no rename on the branch removes the mask, and no past state shows documents that the
/// present one hides. An unbound collection shows no original.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "MaskRecord", into = "MaskRecord")]
pub(crate) struct Mask {
    terms: Arc<Terms>,
    bound: Arc<HashMap<CollectionId, Bound>>,
    /// The last commit whose documents are originals.
    upto: Lsn,
}

/// The part of a mask that is the same on every branch that inherits it.
#[derive(Debug)]
struct Terms {
    policy: MaskPolicy,
    secret: Secret,
    /// Whether `\` in the policy's paths escapes a dot.
    escapes: bool,
    /// One per entry of the policy.
    rules: Vec<Rules>,
}

/// The rules of a bound collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// The entry of the policy with this index.
    Entry(usize),
    /// No rules: the policy shows unlisted collections.
    Shown,
}

/// The visibility of the originals of a collection.
enum Originals<'a> {
    None,
    All,
    By(&'a Rules),
}

/// A mask in the record of a branch.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MaskRecord {
    policy: MaskPolicy,
    key: Secret,
    /// Absent in masks created before paths had escapes; these keep their meaning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    escapes: bool,
    upto: i64,
    collections: Vec<BoundRecord>,
}

/// A collection and the policy entry that applies to it; without one, the collection is shown.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundRecord {
    collection: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<i64>,
}

impl Mask {
    /// Creates a mask for a branch that begins at the state with this catalog and position.
    ///
    /// # Errors
    /// `Invalid` if the policy can't be enforced.
    pub(crate) fn new(
        policy: MaskPolicy,
        key: [u8; 32],
        catalog: &Catalog,
        upto: Lsn,
    ) -> Result<Self> {
        policy.check()?;
        let terms = Arc::new(Terms::new(policy, Secret::new(key), true)?);
        Ok(Self { bound: terms.bind(catalog), terms, upto })
    }

    /// The same mask for a branch that is reset to a state of originals.
    pub(crate) fn onto(&self, catalog: &Catalog, upto: Lsn) -> Self {
        Self { terms: self.terms.clone(), bound: self.terms.bind(catalog), upto }
    }

    /// The same mask for a branch that begins at a state of the masked branch at `lsn`.
    pub(crate) fn at(&self, lsn: Lsn) -> Self {
        Self { upto: self.upto.min(lsn), ..self.clone() }
    }

    /// Whether both have the same policy and key.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let (a, b) = (&self.terms, &other.terms);
        a.policy == b.policy && a.secret == b.secret && a.escapes == b.escapes
    }

    /// A digest of what a state shows by this mask whose last commit has another one. The key of the mask, which is in
    /// it, keeps it from telling anything of the policy.
    pub(crate) fn digest(&self, last: Digest) -> Result<Digest> {
        let failed = |error| Error::internal("a mask can't be encoded").with_source(error);
        let record = record_to_bytes(&MaskRecord::from(self.clone())).map_err(failed)?;
        Ok(Digest::of(&[&last.as_bytes()[..], &record].concat()))
    }

    pub(crate) fn policy(&self) -> &MaskPolicy {
        &self.terms.policy
    }

    /// Whether the commit at `lsn` has originals in this collection.
    pub(super) fn covers(&self, collection: CollectionId, lsn: Lsn) -> bool {
        lsn <= self.upto && collection != CollectionId::CATALOG
    }

    /// Whether the commit at `lsn` has documents in this collection that are all hidden.
    pub(crate) fn hides(&self, collection: CollectionId, lsn: Lsn) -> bool {
        self.covers(collection, lsn)
            && match self.originals(collection) {
                Originals::None => true,
                Originals::All => false,
                Originals::By(rules) => rules.hides_all(),
            }
    }

    /// Whether documents of this collection may be hidden.
    pub(crate) fn filters(&self, collection: CollectionId) -> bool {
        collection != CollectionId::CATALOG
            && match self.originals(collection) {
                Originals::None => true,
                Originals::All => false,
                Originals::By(rules) => rules.hides_some(),
            }
    }

    /// Returns the masked form of a document that the commit at `lsn` wrote; `None` if it is
    /// hidden.
    pub(crate) fn shown(
        &self,
        collection: CollectionId,
        lsn: Lsn,
        document: Document,
    ) -> Result<Option<Document>> {
        if !self.covers(collection, lsn) {
            return Ok(Some(document));
        }
        match self.originals(collection) {
            Originals::None => Ok(None),
            Originals::All => Ok(Some(document)),
            Originals::By(rules) => rules.shown(&self.terms.secret, &document),
        }
    }

    pub(super) fn version(
        &self,
        collection: CollectionId,
        version: Version,
    ) -> Result<Option<Version>> {
        let Version { lsn, document } = version;
        let shown = self.shown(collection, lsn, document)?;
        Ok(shown.map(|document| Version { lsn, document }))
    }

    fn originals(&self, collection: CollectionId) -> Originals<'_> {
        match self.bound.get(&collection) {
            Some(Bound::Shown) => Originals::All,
            Some(Bound::Entry(at)) => {
                self.terms.rules.get(*at).map_or(Originals::None, Originals::By)
            }
            None => Originals::None,
        }
    }
}

impl Terms {
    fn new(policy: MaskPolicy, secret: Secret, escapes: bool) -> Result<Self> {
        let entries = policy.collections.iter();
        let rules = entries.map(|entry| Rules::new(entry, escapes)).collect::<Result<_>>()?;
        Ok(Self { policy, secret, escapes, rules })
    }

    fn bind(&self, catalog: &Catalog) -> Arc<HashMap<CollectionId, Bound>> {
        let bind = |name: &str| match self.policy.entry_for(name) {
            Some(at) => Some(Bound::Entry(at)),
            None => (self.policy.unlisted == Unlisted::Show).then_some(Bound::Shown),
        };
        let every = catalog.last_names();
        Arc::new(every.filter_map(|(id, name)| Some((id, bind(name.as_str())?))).collect())
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        self.is_like(other) && self.bound == other.bound && self.upto == other.upto
    }
}

impl Eq for Mask {}

impl From<Mask> for MaskRecord {
    fn from(mask: Mask) -> Self {
        let mut collections: Vec<BoundRecord> = mask
            .bound
            .iter()
            .map(|(collection, bound)| BoundRecord {
                collection: collection.get().cast_signed(),
                entry: match bound {
                    Bound::Entry(at) => i64::try_from(*at).ok(),
                    Bound::Shown => None,
                },
            })
            .collect();
        collections.sort_unstable_by_key(|bound| bound.collection);
        Self {
            policy: mask.terms.policy.clone(),
            key: mask.terms.secret.clone(),
            escapes: mask.terms.escapes,
            upto: mask.upto.get().cast_signed(),
            collections,
        }
    }
}

impl TryFrom<MaskRecord> for Mask {
    type Error = Error;

    fn try_from(record: MaskRecord) -> Result<Self> {
        let terms = Terms::new(record.policy, record.key, record.escapes)?;
        let mut bound = HashMap::with_capacity(record.collections.len());
        for BoundRecord { collection, entry } in record.collections {
            let bound_to = match entry {
                None => Bound::Shown,
                Some(entry) => {
                    let at = usize::try_from(entry).ok().filter(|at| *at < terms.rules.len());
                    Bound::Entry(at.ok_or_else(|| {
                        Error::corrupt(format!(
                            "a mask refers to entry {entry}, which its policy lacks"
                        ))
                    })?)
                }
            };
            bound.insert(CollectionId::new(collection.cast_unsigned()), bound_to);
        }
        let upto = Lsn::from_stored(record.upto);
        Ok(Self { terms: Arc::new(terms), bound: Arc::new(bound), upto })
    }
}
