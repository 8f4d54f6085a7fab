//! How often an operation waits for the server: requests that are under way together count once.

use std::collections::BTreeMap;
use std::time::Duration;

use argon_core::model::BranchName;
use argon_core::write::Precondition;
use argon_core::{Branch, CollectionView, State, Store};
use argon_test_servers::FaultProxy;

use crate::Result;
use crate::clock::time_of;
use crate::documents::key;
use crate::network::distance::Distance;
use crate::network::filled::{CHANGES, DEPTH, NAME, at_depth};
use crate::network::remote::open_at;
use crate::network::{Remote, RemoteLocation};
use crate::random::Random;
use crate::report::{Bar, Quantity, Row};
use crate::samples::Samples;
use crate::subject::collection;
use crate::workloads::diff::diff_of;
use crate::workloads::large::branch_with;
use crate::workloads::point_read::read_in;
use crate::writing::{IMPORT_COMMIT, commit};

/// How late the far server answers: far more than it needs for the answer.
const LATE: Duration = Duration::from_millis(100);

/// How often an operation is measured.
const ROUNDS: u64 = 7;

/// What is counted.
#[derive(Clone, Copy)]
enum Operation {
    Read { depth: usize, looked_up: bool },
    Branch { looked_up: bool },
    Put,
    Insert,
    Import,
    Diff,
    Open,
}

impl Operation {
    const ALL: [Self; 11] = [
        Self::Read { depth: 0, looked_up: false },
        Self::Read { depth: 0, looked_up: true },
        Self::Read { depth: 1, looked_up: false },
        Self::Read { depth: 1, looked_up: true },
        Self::Branch { looked_up: false },
        Self::Branch { looked_up: true },
        Self::Put,
        Self::Insert,
        Self::Import,
        Self::Diff,
        Self::Open,
    ];

    fn what(self) -> String {
        let head = |looked_up| if looked_up { "head looked up" } else { "head known" };
        match self {
            Self::Read { depth, looked_up } => {
                format!("a point read, {}, ancestry of {}", head(looked_up), DEPTHS[depth])
            }
            Self::Branch { looked_up } => format!("branch creation, {}", head(looked_up)),
            Self::Put => "a put".to_owned(),
            Self::Insert => "an insert".to_owned(),
            Self::Import => "a commit of 1,000 inserts".to_owned(),
            Self::Diff => format!("a diff of {CHANGES} changes"),
            Self::Open => "opening, to the first read".to_owned(),
        }
    }

    fn bar(self) -> Option<f64> {
        match self {
            Self::Read { depth: 0, .. } => Some(2.0),
            Self::Branch { looked_up: false } => Some(1.0),
            _ => None,
        }
    }
}

const DEPTHS: [u64; 2] = [1, DEPTH];

/// Measures the round trips of each operation: how much longer it takes if all answers come late,
/// through how late they come. The requests that it makes are named beside it, as a proxy before
/// the server counts them.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    remote.filled().await?;
    let Some(server) = remote.place().address() else {
        eprintln!("{}: no proxy can stand before this server to count", remote.server());
        return Ok(Vec::new());
    };
    let counting = FaultProxy::start(server)?;
    let distance = Distance::start(counting.addr(), LATE).await?;
    let near = Side::open("near", remote, remote.place().clone()).await?;
    let far = Side::open("far", remote, remote.place().by(distance.address())).await?;
    let mut rows = Vec::new();
    for operation in Operation::ALL {
        let (mut by_near, mut by_far) = (Samples::new(), Samples::new());
        for side in [&near, &far] {
            // Makes the connections.
            side.run(remote, operation).await?;
        }
        for _ in 0..ROUNDS {
            by_near.push(side_time(&near, remote, operation).await?);
            counting.reset();
            by_far.push(side_time(&far, remote, operation).await?);
        }
        let longer = by_far.median().saturating_sub(by_near.median());
        let trips = (longer.as_secs_f64() / LATE.as_secs_f64()).round();
        let (what, requests) = (operation.what(), listed(&counting.counts().requests));
        let what = format!("round trips of {what} ({requests})");
        let row = Row::new(what, remote.server(), Quantity::count(trips));
        rows.push(match operation.bar() {
            Some(most) => row.bar(Bar::AtMost(Quantity::count(most))),
            None => row,
        });
    }
    Ok(rows)
}

async fn side_time(side: &Side, remote: &Remote, operation: Operation) -> Result<Duration> {
    side.run(remote, operation).await
}

/// The store as seen from one distance, and what is held of it.
struct Side {
    place: RemoteLocation,
    _store: Store,
    documents: u64,
    main: Branch,
    head: State,
    changed: State,
    branches: [Branch; 2],
    heads: [CollectionView; 2],
    /// The branch that this side alone writes.
    own: Branch,
    name: &'static str,
}

impl Side {
    async fn open(name: &'static str, remote: &Remote, place: RemoteLocation) -> Result<Self> {
        let documents = remote.filled().await?.documents;
        let (store, main) = open_at(&place, NAME).await?;
        let head = main.head().await?;
        let changed = main.project().branch(&branch_with(CHANGES)?).await?.head().await?;
        let branches = [main.clone(), at_depth(&main, DEPTH).await?];
        let collection = collection()?;
        let heads =
            [head.collection(&collection)?, branches[1].head().await?.collection(&collection)?];
        let own = BranchName::new(format!("written/{name}"))?;
        let own = main.project().create_branch(&own, &head, Some(main.name())).await?;
        Ok(Self {
            place,
            _store: store,
            documents,
            main,
            head,
            changed,
            branches,
            heads,
            own,
            name,
        })
    }

    /// Does it once, with other documents each time; gives how long it took.
    async fn run(&self, remote: &Remote, operation: Operation) -> Result<Duration> {
        let number = remote.fresh(1).start;
        let any = key(Random::new(number).below(self.documents))?;
        match operation {
            Operation::Read { depth, looked_up: false } => read_in(&self.heads[depth], &any).await,
            Operation::Read { depth, looked_up: true } => {
                let collection = self.branches[depth].collection(&collection()?);
                let read = async { Ok(collection.get(&any).await?.ok_or("it is not there")?) };
                time_of(read).await
            }
            Operation::Branch { looked_up } => {
                let name = BranchName::new(format!("made/{}/{number}", self.name))?;
                time_of(self.create_branch(&name, looked_up)).await
            }
            Operation::Put => self.commit(remote, 1, Precondition::Any).await,
            Operation::Insert => self.commit(remote, 1, Precondition::Absent).await,
            Operation::Import => {
                self.commit(remote, IMPORT_COMMIT as u64, Precondition::Absent).await
            }
            Operation::Diff => diff_of(&self.head, &self.changed, CHANGES).await,
            Operation::Open => {
                time_of(async {
                    let (_store, main) = open_at(&self.place, NAME).await?;
                    let collection = main.collection(&collection()?);
                    Ok(collection.get(&any).await?.ok_or("it is not there")?)
                })
                .await
            }
        }
    }

    async fn create_branch(&self, name: &BranchName, looked_up: bool) -> Result<()> {
        let (main, found);
        main = &self.main;
        let head = if looked_up {
            found = main.head().await?;
            &found
        } else {
            &self.head
        };
        main.project().create_branch(name, head, Some(main.name())).await?;
        Ok(())
    }

    async fn commit(
        &self,
        remote: &Remote,
        count: u64,
        condition: Precondition,
    ) -> Result<Duration> {
        let documents = remote.fresh_documents(count)?;
        time_of(commit(&self.own, &collection()?, documents, condition)).await
    }
}

/// The kinds of requests, each with how many there were.
fn listed(requests: &[String]) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for request in requests {
        let kind = match request.split_once(' ') {
            Some(("GET", path)) if path.contains("list-type=") => "LIST",
            Some((method, _)) => method,
            None => request,
        };
        *kinds.entry(kind).or_default() += 1;
    }
    let named = |(kind, count): (&&str, &usize)| match count {
        1 => (*kind).to_owned(),
        count => format!("{count} {kind}"),
    };
    if kinds.is_empty() {
        return "no request".to_owned();
    }
    kinds.iter().map(named).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_listed_by_kind() {
        let requests = ["PUT /b/k", "GET /b/k", "GET /b?list-type=2", "PUT /b/l"];
        assert_eq!(listed(&requests.map(str::to_owned)), "GET, LIST, 2 PUT");
        assert_eq!(listed(&["find", "find", "insert"].map(str::to_owned)), "2 find, insert");
        assert_eq!(listed(&[]), "no request");
    }
}
