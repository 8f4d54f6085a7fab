//! The numbered contracts of `Refs`.

use std::collections::HashSet;
use std::sync::Arc;

use argon_core::storage::{CasResult, RefChange, RefVersion, Refs, Together};
use futures::TryStreamExt;
use futures::future::join_all;

use crate::Subject;
use crate::case::{Case, cases};
use crate::make::noise;

pub(crate) fn cases() -> Vec<Case> {
    cases!["refs":
        a_ref_that_was_never_set_is_not_there,
        a_ref_holds_what_was_set_last,
        a_swap_that_expects_another_version_changes_nothing,
        a_swap_that_expects_a_ref_that_is_gone_changes_nothing,
        a_ref_that_is_there_can_not_be_created,
        no_two_values_of_a_ref_have_one_version,
        names_that_begin_alike_are_different_refs,
        a_list_has_what_begins_with_the_prefix_in_order,
        of_racing_creations_one_wins,
        concurrent_increments_lose_nothing,
        values_of_any_bytes_come_back,
        a_value_that_shrinks_leaves_nothing_behind,
        changes_made_together_are_all_made_or_none,
    ]
}

/// Sets a ref that still has the version `expected`; gives its new version.
async fn set(
    refs: &dyn Refs,
    name: &str,
    expected: Option<&RefVersion>,
    value: &[u8],
) -> RefVersion {
    match refs.compare_and_set(name, expected, Some(value.to_vec())).await.unwrap() {
        CasResult::Done(Some(version)) => version,
        other => panic!("setting '{name}' gave {other:?}"),
    }
}

async fn remove(refs: &dyn Refs, name: &str, expected: &RefVersion) {
    let swap = refs.compare_and_set(name, Some(expected), None).await.unwrap();
    assert_eq!(swap, CasResult::Done(None));
}

async fn value(refs: &dyn Refs, name: &str) -> Option<Vec<u8>> {
    refs.get(name).await.unwrap().map(|stored| stored.value)
}

async fn a_ref_that_was_never_set_is_not_there(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    assert_eq!(value(&*backend.refs, "a").await, None);
    assert_eq!(backend.refs.list("").await.unwrap(), []);
}

async fn a_ref_holds_what_was_set_last(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    let first = set(refs, "a", None, b"1").await;
    let stored = refs.get("a").await.unwrap().unwrap();
    assert_eq!((stored.version, stored.value), (first.clone(), b"1".to_vec()));
    let second = set(refs, "a", Some(&first), b"2").await;
    let stored = refs.get("a").await.unwrap().unwrap();
    assert_eq!((stored.version, stored.value), (second.clone(), b"2".to_vec()));
    remove(refs, "a", &second).await;
    assert_eq!(value(refs, "a").await, None);
}

async fn a_swap_that_expects_another_version_changes_nothing(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    let first = set(refs, "a", None, b"1").await;
    set(refs, "a", Some(&first), b"2").await;
    let current = refs.get("a").await.unwrap();
    for new in [Some(b"3".to_vec()), None] {
        let swap = refs.compare_and_set("a", Some(&first), new).await.unwrap();
        assert_eq!(swap, CasResult::Moved(current.clone()), "the loser is told what is there");
    }
    assert_eq!(refs.get("a").await.unwrap(), current);
}

async fn a_swap_that_expects_a_ref_that_is_gone_changes_nothing(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    let first = set(refs, "a", None, b"1").await;
    remove(refs, "a", &first).await;
    for new in [Some(b"3".to_vec()), None] {
        let swap = refs.compare_and_set("a", Some(&first), new).await.unwrap();
        assert_eq!(swap, CasResult::Moved(None));
    }
    assert_eq!(value(refs, "a").await, None);
}

async fn a_ref_that_is_there_can_not_be_created(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    set(refs, "a", None, b"1").await;
    let current = refs.get("a").await.unwrap();
    let swap = refs.compare_and_set("a", None, Some(b"2".to_vec())).await.unwrap();
    assert_eq!(swap, CasResult::Moved(current.clone()));
    assert_eq!(refs.get("a").await.unwrap(), current);
}

async fn no_two_values_of_a_ref_have_one_version(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    let mut seen = HashSet::new();
    for round in 0..8 {
        let mut version = set(refs, "a", None, b"same").await;
        assert!(seen.insert(version.clone()), "round {round}: an old version came again");
        for _ in 0..3 {
            version = set(refs, "a", Some(&version), b"same").await;
            assert!(seen.insert(version.clone()), "round {round}: an old version came again");
        }
        remove(refs, "a", &version).await;
    }
}

async fn names_that_begin_alike_are_different_refs(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    let names = ["a", "a/", "a/b", "a/b/c", "a/bc", "ab", "a-", "a.", "A", "b"];
    for name in names {
        set(refs, name, None, name.as_bytes()).await;
    }
    for name in names {
        assert_eq!(value(refs, name).await, Some(name.as_bytes().to_vec()));
    }
    let version = refs.get("a/b").await.unwrap().unwrap().version;
    remove(refs, "a/b", &version).await;
    for name in names {
        assert_eq!(value(refs, name).await.is_some(), name != "a/b", "{name}");
    }
}

async fn a_list_has_what_begins_with_the_prefix_in_order(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    let mut names: Vec<String> =
        ["z", "a", "a/", "a/b", "a/b/c", "a/bc", "ab", "a-", "b/a", "a/~", "a0", "A/b"]
            .map(str::to_owned)
            .to_vec();
    names.extend((0..300).map(|number| format!("many/{number}")));
    for name in &names {
        set(refs, name, None, name.as_bytes()).await;
    }
    names.sort();
    for prefix in ["", "a", "a/", "a/b", "a/b/c", "ab", "b", "many/", "many/1", "none", "z"] {
        let listed = refs.list(prefix).await.unwrap();
        let found: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
        let expected: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| name.starts_with(prefix)).collect();
        assert_eq!(found, expected, "prefix '{prefix}'");
        for (name, stored) in listed {
            assert_eq!(Some(stored), refs.get(&name).await.unwrap(), "{name}");
        }
    }
}

async fn of_racing_creations_one_wins(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    for round in 0..5 {
        let name = format!("ref/{round}");
        let rivals = (0..16_u8).map(|rival| {
            let (refs, name) = (backend.refs.clone(), name.clone());
            tokio::spawn(async move {
                let swap = refs.compare_and_set(&name, None, Some(vec![rival])).await.unwrap();
                matches!(swap, CasResult::Done(_)).then_some(rival)
            })
        });
        let winners: Vec<u8> =
            join_all(rivals).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(winners.len(), 1, "winners: {winners:?}");
        assert_eq!(value(&*backend.refs, &name).await, Some(winners));
    }
}

async fn concurrent_increments_lose_nothing(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let (writers, each) = (8, 15);
    set(&*backend.refs, "counter", None, b"0").await;
    let tasks = (0..writers).map(|_| {
        let refs = backend.refs.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                increment(&refs).await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    let total = value(&*backend.refs, "counter").await.unwrap();
    assert_eq!(String::from_utf8(total).unwrap(), (writers * each).to_string());
}

async fn increment(refs: &Arc<dyn Refs>) {
    let mut current = refs.get("counter").await.unwrap().unwrap();
    loop {
        let count: u64 = String::from_utf8(current.value).unwrap().parse().unwrap();
        let next = Some((count + 1).to_string().into_bytes());
        match refs.compare_and_set("counter", Some(&current.version), next).await.unwrap() {
            CasResult::Done(_) => return,
            CasResult::Moved(moved) => current = moved.expect("nobody removes it"),
        }
    }
}

async fn values_of_any_bytes_come_back(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    let all: Vec<u8> = (0..=255).collect();
    for (number, bytes) in [vec![], vec![0], all, noise(8 * 1024, 1)].iter().enumerate() {
        let name = format!("value/{number}");
        set(refs, &name, None, bytes).await;
        assert_eq!(value(refs, &name).await.as_ref(), Some(bytes));
    }
}

async fn a_value_that_shrinks_leaves_nothing_behind(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    let mut version = set(refs, "a", None, &noise(100 * 1024, 1)).await;
    for size in [40 * 1024, 60 * 1024, 10] {
        let bytes = noise(size, 2);
        version = set(refs, "a", Some(&version), &bytes).await;
        assert_eq!(value(refs, "a").await, Some(bytes));
    }
    let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
    assert_eq!(findings, []);
}

async fn changes_made_together_are_all_made_or_none(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let refs = &*backend.refs;
    let first = set(refs, "a", None, b"1").await;
    let change = |name: &str, expected: Option<&RefVersion>, value: Option<&[u8]>| RefChange {
        name: name.to_owned(),
        expected: expected.cloned(),
        value: value.map(<[u8]>::to_vec),
    };
    let stale = RefVersion("0".to_owned());
    let changes = vec![change("a", Some(&first), None), change("b", Some(&stale), Some(b"2"))];
    let refused = refs.change_together(changes).await.unwrap();
    assert!(matches!(&refused, Together::NotOffered) || refused == Together::Moved("b".to_owned()));
    assert_eq!(value(refs, "a").await.as_deref(), Some(&b"1"[..]));
    assert_eq!(value(refs, "b").await, None);

    let changes = vec![change("a", Some(&first), None), change("b", None, Some(b"2"))];
    let done = refs.change_together(changes).await.unwrap() == Together::Done;
    assert_eq!(done, refused != Together::NotOffered);
    let expected = if done { (None, Some(b"2".to_vec())) } else { (Some(b"1".to_vec()), None) };
    assert_eq!((value(refs, "a").await, value(refs, "b").await), expected);
}
