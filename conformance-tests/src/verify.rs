//! Proving a history: what is as it was written passes, and the first thing that is not is named.

use argon_core::model::{Digest, Lsn, PinName};
use argon_core::pins::NewPin;
use argon_core::storage::Backend;
use argon_core::verify::{Demands, Verified, verify};
use argon_core::{Branch, ErrorKind, PublicKey, Result, SigningKey, State, snapshot};

use crate::Subject;
use crate::case::{Case, cases};
use crate::fsck::{Damage, Kind, overwrite_ref};
use crate::make::branch as name;
use crate::pins::{commit, pin, pin_name};
use crate::subject::{StoreLocation, first_branch};

pub(crate) fn cases() -> Vec<Case> {
    cases!["verify":
        a_sound_history_is_proved_through_its_forks,
        the_first_altered_commit_is_named,
        a_missing_commit_is_named,
        a_walk_that_begins_later_leaves_out_what_is_before,
        a_digest_that_was_written_down_must_be_the_state_s,
        an_empty_history_is_proved,
        what_was_collected_is_left_out,
        a_signature_is_checked_on_the_way,
        a_pin_that_was_altered_is_named,
        a_pin_with_another_digest_than_the_log_is_named,
        a_key_must_have_signed_all_of_the_history,
    ]
}

/// A store with a branch of five commits, and a fork of it at 3 with two more.
async fn sample(subject: &Subject) -> (StoreLocation, Backend, Branch, Branch) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    for message in ["1", "2", "3", "4", "5"] {
        commit(&main, message).await;
    }
    let third = main.at(Lsn::new(3)).await.unwrap();
    let fork = main.project().create_branch(&name("fork"), &third, None).await.unwrap();
    for message in ["4 of fork", "5 of fork"] {
        commit(&fork, message).await;
    }
    // So that the heads can be opened where they are read from log and snapshots.
    for branch in [&main, &fork] {
        snapshot::create(&branch.head().await.unwrap()).await.unwrap();
    }
    (place, backend, main, fork)
}

async fn check(branch: &Branch, demands: Demands<'_>) -> Result<Verified> {
    let head = branch.head().await.unwrap();
    verify(branch.project(), &head, demands, &|_| {}).await
}

async fn plain(branch: &Branch) -> Result<Verified> {
    check(branch, Demands::default()).await
}

/// The sentences of an error that must be of damage.
fn damage(result: Result<Verified>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    error.to_string()
}

/// The same branch over a backend whose log gives a commit wrongly.
async fn damaged(
    place: &StoreLocation,
    backend: &Backend,
    branch: &Branch,
    lsn: u64,
    kind: Kind,
) -> Branch {
    let lsn = Lsn::new(lsn);
    let timeline = branch.head().await.unwrap().view().segment_of(lsn).unwrap().timeline;
    let backend = Damage { timeline, lsn, kind }.to(backend);
    place.project_again(backend).await.branch(branch.name()).await.unwrap()
}

async fn a_sound_history_is_proved_through_its_forks(subject: Subject) {
    let (_place, _backend, main, fork) = sample(&subject).await;
    for branch in [main, fork] {
        let verified = plain(&branch).await.unwrap();
        assert_eq!((verified.commits, verified.from), (5, Lsn::ZERO));
        assert_eq!(verified.head, branch.info().await.unwrap().head);
        assert!(!verified.collected);
        assert_eq!(verified.pins, []);
    }
}

async fn the_first_altered_commit_is_named(subject: Subject) {
    let (place, backend, main, fork) = sample(&subject).await;
    for (branch, lsn) in [(&main, 1), (&main, 5), (&fork, 2), (&fork, 4)] {
        let branch = damaged(&place, &backend, branch, lsn, Kind::Altered).await;
        let what = damage(plain(&branch).await);
        assert!(what.starts_with(&format!("commit {lsn} ")), "{what}");
    }
    let elsewhere = damaged(&place, &backend, &main, 4, Kind::Altered).await;
    let fork = elsewhere.project().branch(fork.name()).await.unwrap();
    assert!(plain(&fork).await.is_ok(), "what is not of its history is no matter");
}

async fn a_missing_commit_is_named(subject: Subject) {
    let (place, backend, main, fork) = sample(&subject).await;
    for (branch, lsn) in [(&main, 1), (&main, 5), (&fork, 3), (&fork, 4)] {
        let branch = damaged(&place, &backend, branch, lsn, Kind::Missing).await;
        let what = damage(plain(&branch).await);
        assert!(what.starts_with(&format!("commit {lsn} ")), "{what}");
    }
}

async fn a_walk_that_begins_later_leaves_out_what_is_before(subject: Subject) {
    let (place, backend, main, fork) = sample(&subject).await;
    let from = |lsn| Demands { from: Some(Lsn::new(lsn)), ..Demands::default() };
    for lsn in 0..=5 {
        let verified = check(&fork, from(lsn)).await.unwrap();
        assert_eq!((verified.commits, verified.from.get()), (5 - lsn, lsn));
    }
    assert_eq!(check(&main, from(6)).await.unwrap_err().kind(), ErrorKind::NotFound);
    let main = damaged(&place, &backend, &main, 3, Kind::Altered).await;
    assert!(check(&main, from(3)).await.is_ok());
    damage(check(&main, from(2)).await);
}

async fn a_digest_that_was_written_down_must_be_the_state_s(subject: Subject) {
    let (_place, _backend, main, fork) = sample(&subject).await;
    let digest = main.info().await.unwrap().head.digest;
    let expect = |digest| Demands { expect: Some(digest), ..Demands::default() };
    assert!(check(&main, expect(digest)).await.is_ok());
    let what = damage(check(&fork, expect(digest)).await);
    assert!(what.contains(&digest.to_string()), "{what}");
}

async fn an_empty_history_is_proved(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let expect = Demands { expect: Some(Digest::ZERO), ..Demands::default() };
    let verified = check(&main, expect).await.unwrap();
    assert_eq!((verified.commits, verified.head.lsn), (0, Lsn::ZERO));
}

async fn what_was_collected_is_left_out(subject: Subject) {
    let (place, backend, main, fork) = sample(&subject).await;
    for (lsn, from, left) in [(1, 2, 3), (4, 5, 0), (5, 5, 0)] {
        let main = damaged(&place, &backend, &main, lsn, Kind::Collected).await;
        let verified = plain(&main).await.unwrap();
        let expected = (true, from, left);
        assert_eq!((verified.collected, verified.from.get(), verified.commits), expected);
        assert_eq!(verified.head.lsn.get(), 5);
    }
    let elsewhere = damaged(&place, &backend, &main, 3, Kind::Collected).await;
    let fork = elsewhere.project().branch(fork.name()).await.unwrap();
    let verified = plain(&fork).await.unwrap();
    let expected = (true, 4, 1);
    assert_eq!((verified.collected, verified.from.get(), verified.commits), expected);
}

/// Pins commit 2 of a branch, signed by a new key.
async fn signed(branch: &Branch, called: &str) -> SigningKey {
    let key = SigningKey::generate(&crate::environment::seeded(7));
    let state = branch.at(Lsn::new(2)).await.unwrap();
    let new = NewPin { branch: branch.name(), note: "why", key: Some(&key) };
    let pin = branch.project().create_pin(&pin_name(called), &state, new).await.unwrap();
    assert_eq!(pin.signed_by, Some(key.public()));
    key
}

async fn a_signature_is_checked_on_the_way(subject: Subject) {
    let (_place, _backend, main, fork) = sample(&subject).await;
    let key = signed(&main, "v2").await;
    pin(&main, "v5", &main.head().await.unwrap()).await.unwrap();
    let verified = plain(&main).await.unwrap();
    let met: Vec<_> =
        verified.pins.iter().map(|pin| (pin.name.as_str(), pin.lsn.get(), pin.signed_by)).collect();
    assert_eq!(met, [("v2", 2, Some(key.public())), ("v5", 5, None)]);
    let verified = plain(&fork).await.unwrap();
    assert_eq!(verified.pins.len(), 1, "the other is not of its history");
}

/// Changes a field of the record of pin `v2`.
async fn altered(backend: &Backend, change: impl FnOnce(&mut bson::Document)) {
    let record = overwrite_ref(backend, "pin/", "/v2", Vec::new()).await;
    let mut record: bson::Document = bson::deserialize_from_slice(&record).unwrap();
    change(&mut record);
    overwrite_ref(backend, "pin/", "/v2", bson::serialize_to_vec(&record).unwrap()).await;
}

async fn a_pin_that_was_altered_is_named(subject: Subject) {
    let (_place, backend, main, _fork) = sample(&subject).await;
    signed(&main, "v2").await;
    altered(&backend, |record| drop(record.insert("note", "another"))).await;
    let what = damage(plain(&main).await);
    assert!(what.contains("signature of pin 'v2'"), "{what}");
    altered(&backend, |record| drop(record.insert("note", "why"))).await;
    assert!(plain(&main).await.is_ok());
    altered(&backend, |record| {
        let signature = record.get_document_mut("signature").unwrap();
        let mut key = signature.get_binary_generic("key").unwrap().clone();
        key[0] ^= 1;
        signature.insert(
            "key",
            bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: key },
        );
    })
    .await;
    damage(plain(&main).await);
}

async fn a_pin_with_another_digest_than_the_log_is_named(subject: Subject) {
    let (_place, backend, main, _fork) = sample(&subject).await;
    pin(&main, "v2", &main.at(Lsn::new(2)).await.unwrap()).await.unwrap();
    altered(&backend, |record| {
        let other = Digest::of(b"another history").to_string();
        record.get_document_mut("state").unwrap().insert("digest", other);
    })
    .await;
    let what = damage(plain(&main).await);
    assert!(what.contains("pin 'v2'") && what.contains("commit 2"), "{what}");
}

async fn a_key_must_have_signed_all_of_the_history(subject: Subject) {
    let (_place, _backend, main, _fork) = sample(&subject).await;
    let key = signed(&main, "v2").await;
    let other = SigningKey::generate(&crate::environment::seeded(8)).public();
    let second = main.at(Lsn::new(2)).await.unwrap();
    let by = async |state: &State, keys: &[PublicKey], pin: Option<&PinName>| {
        verify(main.project(), state, Demands { keys, pin, ..Demands::default() }, &|_| {}).await
    };
    assert!(by(&second, &[key.public()], None).await.is_ok());
    assert!(by(&second, &[other, key.public()], Some(&pin_name("v2"))).await.is_ok());
    let what = damage(by(&second, &[other], None).await);
    assert!(what.contains(&other.fingerprint()), "{what}");

    let head = main.head().await.unwrap();
    let what = damage(by(&head, &[key.public()], None).await);
    assert!(what.contains("up to LSN 2") && what.contains("3 later commits are not"), "{what}");
    pin(&main, "copy", &second).await.unwrap();
    let what = damage(by(&second, &[key.public()], Some(&pin_name("copy"))).await);
    assert!(what.contains("pin 'copy' is not signed"), "{what}");

    main.project().delete_pin(&pin_name("v2")).await.unwrap();
    damage(by(&second, &[key.public()], None).await);
}
