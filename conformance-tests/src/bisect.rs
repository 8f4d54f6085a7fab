//! The search for the first bad commit.

use argon_core::bisect::{Bisect, Step, Verdict};
use argon_core::model::Lsn;
use argon_core::{Branch, ErrorKind};
use bson::rawdoc;

use crate::Subject;
use crate::case::{Case, cases};
use crate::make::{branch as name, collection, key};

pub(crate) fn cases() -> Vec<Case> {
    cases!["bisect":
        the_commit_that_brought_a_document_is_found_through_forks,
        a_good_state_that_is_not_in_the_history_is_refused,
    ]
}

async fn commits(branch: &Branch, ids: std::ops::RangeInclusive<i32>) {
    for id in ids {
        branch.collection(&collection("a")).insert(rawdoc! { "_id": id }).await.unwrap();
    }
}

async fn fork(main: &Branch, called: &str) -> Branch {
    let head = main.head().await.unwrap();
    main.project().create_branch(&name(called), &head, None).await.unwrap()
}

async fn the_commit_that_brought_a_document_is_found_through_forks(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commits(&main, 1..=6).await;
    let side = fork(&main, "side").await;
    commits(&main, 100..=102).await;
    commits(&side, 7..=12).await;
    for wanted in [1, 4, 6, 7, 12] {
        let good = main.at(Lsn::ZERO).await.unwrap();
        let mut search = Bisect::between(&good, &side.head().await.unwrap()).unwrap();
        let mut steps = 0;
        while let Step::Try(lsn) = search.step() {
            let state = side.at(lsn).await.unwrap();
            let there =
                state.collection(&collection("a")).unwrap().get(&key(wanted)).await.unwrap();
            search.tell(lsn, if there.is_some() { Verdict::Bad } else { Verdict::Good });
            steps += 1;
        }
        assert_eq!(search.step(), Step::Found(Lsn::new(u64::try_from(wanted).unwrap())));
        assert!(steps <= 4, "{steps} steps");
    }
}

async fn a_good_state_that_is_not_in_the_history_is_refused(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commits(&main, 1..=2).await;
    let side = fork(&main, "side").await;
    commits(&side, 3..=3).await;
    commits(&main, 3..=4).await;
    let (main, side) = (main.head().await.unwrap(), side.head().await.unwrap());
    let error = Bisect::between(&side, &main).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("share the history up to LSN 2"), "{error}");
    assert!(Bisect::between(&main, &main).is_err());
}
