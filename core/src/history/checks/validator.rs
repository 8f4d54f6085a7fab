//! Validators: a `$jsonSchema`, query operators, or both.
//!
//! Documents that the changes write must match their collection's own validator (unless its
//! `validationAction` is `warn` or its `validationLevel` is `off`; with `moderate`, a document that
//! did not match before either is accepted), and the policy's schema for the collection. Existing
//! documents are not read, unless the changes give the collection a new validator that all must
//! match: then one scan checks all.

use futures::TryStreamExt;

use crate::Result;
use crate::document::definition::identical;
use crate::document::key::Key;
use crate::engine::catalog::CollectionInfo;
use crate::engine::rules::validator::{VALIDATOR, Validator, enforced};
use crate::history::checks::unchecked::Findings;
use crate::history::checks::{Check, Checks, Proposed, Violation};
use crate::model::{CollectionName, Document};

const POLICY: &str = "schema of the policy";

/// Returns whether the changes give an existing collection a validator that all its documents must
/// match.
fn is_brought(info: &CollectionInfo, proposed: &Proposed) -> bool {
    let for_all = |info| enforced(info).filter(|(_, level)| *level != "moderate");
    let Some((after, _)) = for_all(info) else { return false };
    let Some(before) = proposed.state().catalog().by_id(info.id) else { return false };
    for_all(before).is_none_or(|(before, _)| !identical(before, after))
}

/// Returns the policy's schema for a collection.
fn of_policy(checks: &Checks, name: &CollectionName) -> Result<Option<Validator>> {
    let schema = checks.schemas.get(name);
    schema.map(|schema| Validator::of_schema(name, schema, POLICY)).transpose()
}

/// The validators of a collection that the changes affect.
struct AffectedValidators {
    own: Option<Validator>,
    policy: Option<Validator>,
    /// Whether all documents must match the collection's own.
    all: bool,
}

impl AffectedValidators {
    fn of(
        checks: &Checks,
        info: &CollectionInfo,
        proposed: &Proposed,
        found: &mut Findings,
    ) -> Result<Option<Self>> {
        let brought = checks.schema && is_brought(info, proposed);
        if !brought && proposed.written(info.id).next().is_none() {
            return Ok(None);
        }
        let own = if checks.schema { Validator::of_collection(info)? } else { None };
        let policy = of_policy(checks, &info.name)?;
        for validator in [&own, &policy].into_iter().flatten() {
            for (rule, what) in validator.unknown() {
                found.unknown(&info.name, rule, what);
            }
        }
        Ok(Some(Self { all: brought && own.is_some(), own, policy }))
    }
}

/// Records what can't be checked, without reading documents.
pub(super) fn prepare(checks: &Checks, proposed: &Proposed, found: &mut Findings) -> Result<()> {
    checks.validate()?;
    for info in proposed.catalog().iter() {
        // An invalid one is an error of the check itself.
        if let Err(error) = AffectedValidators::of(checks, info, proposed, found) {
            found.unchecked(&info.name, VALIDATOR, error.to_string());
        }
    }
    Ok(())
}

pub(super) async fn check(
    checks: &Checks,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    checks.validate()?;
    for info in proposed.catalog().iter() {
        let Some(held) = AffectedValidators::of(checks, info, proposed, found)? else { continue };
        if let (true, Some(own)) = (held.all, &held.own) {
            check_all(own, held.policy.as_ref(), info, proposed, found).await?;
            continue;
        }
        for (key, document) in proposed.written(info.id) {
            for validator in [&held.own, &held.policy].into_iter().flatten() {
                if found.wanted() > 0 {
                    check_document(validator, info, proposed, (key, document), found).await?;
                }
            }
        }
    }
    Ok(())
}

/// Checks all documents of a collection by its own validator, and written documents by the policy's
/// too. O(documents).
async fn check_all(
    own: &Validator,
    policy: Option<&Validator>,
    info: &CollectionInfo,
    proposed: &Proposed,
    found: &mut Findings,
) -> Result<()> {
    let mut documents = proposed.scan(info.id);
    while found.wanted() > 0
        && let Some((key, document)) = documents.try_next().await?
    {
        let policy = policy.filter(|_| proposed.image(info.id, &key).is_some());
        for validator in [Some(own), policy].into_iter().flatten() {
            check_document(validator, info, proposed, (&key, &document), found).await?;
        }
    }
    Ok(())
}

async fn check_document(
    validator: &Validator,
    info: &CollectionInfo,
    proposed: &Proposed,
    (key, document): (&Key, &Document),
    found: &mut Findings,
) -> Result<()> {
    let most = found.wanted();
    let problems = validator.problems(document, most, |rule, why| {
        found.unchecked(&info.name, rule, format!("{why} for document {key}"));
    })?;
    if problems.is_empty()
        || (validator.moderate && was_invalid(validator, info, proposed, key).await?)
    {
        return Ok(());
    }
    for (path, problem) in problems {
        found.push(Violation {
            check: Check::Schema,
            collection: info.name.clone(),
            key: Some(key.clone()),
            path,
            problem,
        });
    }
    Ok(())
}

async fn was_invalid(
    validator: &Validator,
    info: &CollectionInfo,
    proposed: &Proposed,
    key: &Key,
) -> Result<bool> {
    let before = proposed.below(info.id, vec![key.clone()]).await?.pop().flatten();
    before.map_or(Ok(false), |before| Ok(!validator.problems(&before, 1, |_, _| {})?.is_empty()))
}
