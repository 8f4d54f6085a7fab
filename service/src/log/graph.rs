//! The commits of a state with those that were merged into it, as a graph.
//!
//! A strand is the chain of a state. The first is that of the state itself; each merge begins another,
//! that of the merged state, unless its commits belong to a strand already. Strands end where they meet.

use std::collections::HashMap;
use std::pin::Pin;

use argon_core::model::{BranchName, Commit, Digest, Lsn, Origin, Point, Touched};
use argon_core::{Project, Revision, State};
use futures::{Stream, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ListedCommit;
use super::names::CollectionNames;
use crate::{Failure, Result, Workspace, json};

/// List the commits of a branch and those that were merged into it, each before its parents.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ShowGraph {
    /// The state that has the first commit of the list; default: the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
    /// Only commits that this state does not have, along forks and merges.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub above: Option<Revision>,
    /// The maximum number of commits.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// The place of a commit in the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct GraphPoint {
    /// Its timeline.
    pub timeline: String,
    /// Its position.
    pub lsn: u64,
}

/// A commit of the graph.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GraphCommit {
    /// The commit.
    #[serde(flatten)]
    pub commit: ListedCommit,
    /// Its timeline.
    pub timeline: String,
    /// The commits on which it builds: the one before it, then the merged one. Those that are not listed, because
    /// they were collected or left out, are named too.
    pub parents: Vec<GraphPoint>,
    /// The branches of which it is the head.
    #[schemars(with = "Vec<String>")]
    pub branches: Vec<BranchName>,
    /// A revision that names the commit now; null if no branch has it any more.
    pub revision: Option<String>,
}

impl GraphCommit {
    /// Its place.
    pub fn point(&self) -> GraphPoint {
        GraphPoint { timeline: self.timeline.clone(), lsn: self.commit.lsn }
    }
}

/// An entry of the graph.
#[derive(Debug, Clone)]
pub enum GraphEntry {
    /// A commit.
    Commit(Box<GraphCommit>),
    /// The graph was read to its first commit; those of the state up to this position were collected, if it is not
    /// 0.
    Floor(u64),
}

/// Lists the commits of a state and those that were merged into it, the newest first as far as each comes before its
/// parents. Memory: the merged states.
///
/// # Errors
/// `NotFound` if a state does not exist.
pub async fn graph(
    workspace: &Workspace,
    request: ShowGraph,
) -> Result<impl Stream<Item = Result<GraphEntry, Failure>> + Send + use<>> {
    let (state, name) = workspace.named_state(request.revision.as_ref()).await?;
    let above = match &request.above {
        Some(above) => Some(workspace.state(Some(above)).await?),
        None => None,
    };
    let mut graph = Graph {
        heads: heads(workspace).await?,
        project: workspace.project.clone(),
        left: request.limit.unwrap_or(usize::MAX),
        above,
        first: state.clone(),
        strands: Vec::new(),
        opened: Vec::new(),
        is_ended: false,
    };
    let branch = match state.view().point() {
        Some(point) => branch_with(&workspace.project, &name, point).await,
        None => None,
    };
    graph.open(state, branch).await?;
    Ok(stream::try_unfold(graph, |mut graph| async move {
        Ok(graph.next().await?.map(|entry| (entry, graph)))
    }))
}

/// The branches by their last commits.
async fn heads(workspace: &Workspace) -> Result<HashMap<Digest, Vec<BranchName>>> {
    let mut heads: HashMap<Digest, Vec<BranchName>> = HashMap::new();
    let branches = workspace.project.branches().await?;
    for info in branches.into_iter().filter(|info| !info.name.is_backup()) {
        heads.entry(info.head.digest).or_default().push(info.name);
    }
    Ok(heads)
}

type Commits = Pin<Box<dyn Stream<Item = argon_core::Result<Commit<Touched>>> + Send>>;

struct Strand {
    state: State,
    /// The branch that has its commits.
    branch: Option<BranchName>,
    names: CollectionNames,
    commits: Commits,
    /// The last position that is not listed.
    above: Lsn,
    next: Option<Commit<Touched>>,
}

struct Graph {
    project: Project,
    heads: HashMap<Digest, Vec<BranchName>>,
    left: usize,
    above: Option<State>,
    first: State,
    strands: Vec<Strand>,
    /// The states of all strands so far.
    opened: Vec<State>,
    is_ended: bool,
}

/// Whether a point is a commit of a state.
fn has(state: &State, point: Point) -> bool {
    let segment = state.view().segment_of(point.lsn);
    segment.is_some_and(|segment| segment.timeline == point.timeline)
}

impl Strand {
    /// Reads the next commit, if it is not known. False at the end.
    async fn advance(&mut self) -> Result<bool> {
        if self.next.is_none() {
            let next = self.commits.try_next().await?;
            self.next = next.filter(|commit| commit.meta.lsn > self.above);
        }
        Ok(self.next.is_some())
    }

    /// The place of the next commit.
    fn point(&self) -> Option<Point> {
        let next = self.next.as_ref()?;
        self.state.view().at(next.meta.lsn).point()
    }
}

impl Graph {
    async fn open(&mut self, state: State, branch: Option<BranchName>) -> Result {
        let above = match &self.above {
            Some(above) => above.merged_lsn(&state).await?,
            None => Lsn::ZERO,
        };
        self.opened.push(state.clone());
        self.strands.push(Strand {
            commits: Box::pin(argon_core::log::headers(&state)),
            names: CollectionNames::new(&state),
            state,
            branch,
            above,
            next: None,
        });
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<GraphEntry>> {
        if self.is_ended || self.left == 0 {
            return Ok(None);
        }
        let mut at = 0;
        while at < self.strands.len() {
            if self.strands[at].advance().await? {
                at += 1;
            } else {
                self.strands.remove(at);
            }
        }
        let Some(chosen) = self.choose() else {
            self.is_ended = true;
            let floor = argon_core::log::floor(&self.first).await?;
            return Ok(Some(GraphEntry::Floor(floor.get())));
        };
        self.left -= 1;
        self.take(chosen).await.map(Some)
    }

    /// The strand with the newest commit on which no next commit of another strand builds.
    fn choose(&self) -> Option<usize> {
        let builds_on = |strand: &Strand, point: Point| {
            strand.point().is_some_and(|next| next.lsn > point.lsn && has(&strand.state, point))
        };
        // Of equal ones, the first strand has precedence.
        let free = self.strands.iter().enumerate().rev().filter(|(_, strand)| {
            let point = strand.point();
            point.is_some_and(|point| !self.strands.iter().any(|other| builds_on(other, point)))
        });
        let newest = free.max_by_key(|(_, strand)| {
            strand.next.as_ref().map(|commit| (commit.meta.time, commit.meta.lsn))
        });
        newest.map(|(at, _)| at)
    }

    /// Takes the next commit of a strand; other strands that have arrived at it end there.
    async fn take(&mut self, chosen: usize) -> Result<GraphEntry> {
        let strand = &mut self.strands[chosen];
        let point = strand.point();
        let (Some(commit), Some(point)) = (strand.next.take(), point) else {
            return Err(argon_core::Error::internal("a strand without a commit was chosen").into());
        };
        let collections = strand.names.changed_by(&commit).await?;
        let revision = strand.branch.as_ref().map(|branch| format!("{branch}@{}", point.lsn));
        let before = strand.state.view().at(commit.meta.lsn.back(1).unwrap_or_default()).point();
        let merged = match &commit.meta.origin {
            Origin::Merge(merged) => {
                merged.parents.first().map(|point| (*point, merged.source.clone()))
            }
            _ => None,
        };
        self.strands.retain(|strand| strand.point() != Some(point));
        if let Some((merged, source)) = &merged {
            self.follow(*merged, source).await?;
        }
        let merged = merged.map(|(merged, _)| merged);
        let named = |point: &Point| GraphPoint {
            timeline: point.timeline.to_string(),
            lsn: point.lsn.get(),
        };
        Ok(GraphEntry::Commit(Box::new(GraphCommit {
            commit: ListedCommit::of(&commit, collections),
            timeline: point.timeline.to_string(),
            parents: before.iter().chain(&merged).map(named).collect(),
            branches: self.heads.get(&commit.digest).cloned().unwrap_or_default(),
            revision,
        })))
    }

    /// Begins the strand of a merged commit, unless it is masked, is gone, or belongs to a strand.
    async fn follow(&mut self, merged: Point, source: &str) -> Result {
        if self.first.is_masked() || self.opened.iter().any(|state| has(state, merged)) {
            return Ok(());
        }
        match self.first.at_point(merged).await? {
            Some(state) => {
                let branch = match source.parse() {
                    Ok(name) => branch_with(&self.project, &name, merged).await,
                    Err(_) => None,
                };
                self.open(state, branch).await
            }
            None => Ok(()),
        }
    }
}

/// The branch of this name, if it has a commit.
async fn branch_with(project: &Project, name: &BranchName, point: Point) -> Option<BranchName> {
    let head = project.branch(name).await.ok()?.head().await.ok()?;
    has(&head, point).then(|| name.clone())
}
