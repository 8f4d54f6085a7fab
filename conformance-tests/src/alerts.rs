//! Alerts: delivered once when they are raised and once when they are cleared, by one of many.

use std::time::Duration;

use argon_core::Store;
use argon_core::alerts::{AlertState, CLAIM, Notice, Standing, observe, reported};
use futures::future::join_all;

use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::time;
use crate::subject::StoreLocation;

pub(crate) fn cases() -> Vec<Case> {
    cases!["alerts":
        an_alert_is_told_once_when_it_begins_and_once_when_it_ends,
        an_alert_is_raised_when_it_has_held_long_enough,
        of_many_evaluators_one_delivers,
        a_notice_that_was_not_delivered_is_delivered_later_with_the_same_id,
        a_claim_that_nobody_ends_is_taken_over,
        what_ends_during_its_delivery_is_cleared_after_it,
        an_alert_that_nobody_may_have_heard_of_is_cleared_all_the_same,
        an_alert_that_is_over_leaves_nothing,
    ]
}

const NAME: &str = "too much / of \"it\"";

async fn store(subject: &Subject) -> (StoreLocation, Store) {
    let (place, backend) = subject.backend().await;
    let store = place.store(backend);
    (place, store)
}

async fn at_once(store: &Store, holds: bool) -> Standing {
    observe(store, NAME, holds, Duration::ZERO).await.unwrap()
}

async fn notice(store: &Store, holds: bool) -> Notice {
    at_once(store, holds).await.notice.unwrap()
}

async fn an_alert_is_told_once_when_it_begins_and_once_when_it_ends(subject: Subject) {
    let (place, store) = store(&subject).await;
    let quiet = Standing { condition: AlertState::Quiet, notice: None, is_owed: false };
    assert_eq!(at_once(&store, false).await, quiet);
    let mut ids = Vec::new();
    for round in [0, 1000] {
        place.clock.set(round);
        let raised = notice(&store, true).await;
        assert_eq!((raised.raised, raised.at), (true, time(round)));
        reported(&store, NAME, &raised, true).await.unwrap();
        place.clock.set(round + 10);
        let again = at_once(&store, true).await;
        assert_eq!(again.condition, AlertState::Raised(time(round)));
        assert_eq!((again.notice, again.is_owed), (None, false));
        let cleared = notice(&store, false).await;
        assert_eq!((cleared.raised, cleared.at), (false, time(round + 10)));
        reported(&store, NAME, &cleared, true).await.unwrap();
        assert_eq!(at_once(&store, false).await, quiet);
        ids.extend([raised.id, cleared.id]);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let (other, holds) = ("another", Duration::ZERO);
    assert!(observe(&store, other, true, holds).await.unwrap().notice.is_some());
}

async fn an_alert_is_raised_when_it_has_held_long_enough(subject: Subject) {
    let (place, store) = store(&subject).await;
    let observed = async |at, holds| {
        place.clock.set(at);
        let standing = observe(&store, NAME, holds, Duration::from_secs(1)).await.unwrap();
        assert_eq!(standing.notice.is_some(), matches!(standing.condition, AlertState::Raised(_)));
        standing.condition
    };
    assert_eq!(observed(0, true).await, AlertState::Pending(time(0)));
    assert_eq!(observed(999, true).await, AlertState::Pending(time(0)));
    assert_eq!(observed(1000, false).await, AlertState::Quiet);
    assert_eq!(observed(1001, true).await, AlertState::Pending(time(1001)), "it begins anew");
    assert_eq!(observed(500, true).await, AlertState::Pending(time(1001)), "the clock went back");
    assert_eq!(observed(2001, true).await, AlertState::Raised(time(2001)));
}

async fn of_many_evaluators_one_delivers(subject: Subject) {
    let (_place, store) = store(&subject).await;
    for holds in [true, false] {
        let standings = join_all((0..8).map(|_| at_once(&store, holds))).await;
        let notices: Vec<_> = standings.iter().filter_map(|one| one.notice.clone()).collect();
        assert_eq!(notices.len(), 1);
        assert!(standings.iter().all(|standing| standing.is_owed));
        reported(&store, NAME, &notices[0], true).await.unwrap();
        assert!(!at_once(&store, holds).await.is_owed);
    }
}

async fn a_notice_that_was_not_delivered_is_delivered_later_with_the_same_id(subject: Subject) {
    let (_place, store) = store(&subject).await;
    for holds in [true, false] {
        let first = notice(&store, holds).await;
        reported(&store, NAME, &first, false).await.unwrap();
        let second = notice(&store, holds).await;
        assert_eq!((&second.id, second.at), (&first.id, first.at));
        reported(&store, NAME, &second, true).await.unwrap();
    }
}

async fn a_claim_that_nobody_ends_is_taken_over(subject: Subject) {
    let (place, store) = store(&subject).await;
    let lost = notice(&store, true).await;
    let end = i64::try_from(CLAIM.as_millis()).unwrap();
    place.clock.set(end - 1);
    let standing = at_once(&store, true).await;
    assert_eq!((standing.notice, standing.is_owed), (None, true));
    place.clock.set(end);
    let taken = notice(&store, true).await;
    assert_eq!(taken.id, lost.id);
    reported(&store, NAME, &lost, false).await.unwrap();
    assert_eq!(at_once(&store, true).await.notice, None, "the late one does not end the new claim");
    reported(&store, NAME, &taken, true).await.unwrap();
    assert!(!at_once(&store, true).await.is_owed);
}

async fn what_ends_during_its_delivery_is_cleared_after_it(subject: Subject) {
    let (_place, store) = store(&subject).await;
    let raised = notice(&store, true).await;
    let meanwhile = at_once(&store, false).await;
    assert_eq!((meanwhile.condition, meanwhile.notice), (AlertState::Quiet, None));
    reported(&store, NAME, &raised, true).await.unwrap();
    let cleared = notice(&store, false).await;
    assert!(!cleared.raised);
    reported(&store, NAME, &cleared, true).await.unwrap();
    assert!(!at_once(&store, false).await.is_owed);
}

/// An answer that was lost says nothing about what was received.
async fn an_alert_that_nobody_may_have_heard_of_is_cleared_all_the_same(subject: Subject) {
    let (_place, store) = store(&subject).await;
    let raised = notice(&store, true).await;
    reported(&store, NAME, &raised, false).await.unwrap();
    assert!(!notice(&store, false).await.raised);
}

async fn an_alert_that_is_over_leaves_nothing(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let store = place.store(backend.clone());
    at_once(&store, false).await;
    assert_eq!(backend.refs.list("").await.unwrap(), []);
    for (holds, left) in [(true, 1), (false, 0)] {
        let notice = notice(&store, holds).await;
        assert_eq!(backend.refs.list("alert/").await.unwrap().len(), 1);
        reported(&store, NAME, &notice, true).await.unwrap();
        assert_eq!(backend.refs.list("alert/").await.unwrap().len(), left);
    }
    observe(&store, NAME, true, Duration::from_secs(9)).await.unwrap();
    at_once(&store, false).await;
    assert_eq!(backend.refs.list("").await.unwrap(), []);
}
