//! A plain model of branches that are written and merged: every commit holds its whole state, and
//! common ancestors are found by following every parent.

use std::collections::{BTreeMap, BTreeSet};

/// A document: its fields.
pub(super) type Fields = BTreeMap<String, i32>;

/// A state: documents by `_id`.
pub(super) type Documents = BTreeMap<i32, Fields>;

/// A commit, by its place in [`Model::commits`].
pub(super) type Node = usize;

#[derive(Debug, Clone)]
struct Commit {
    /// The commit before it on its branch, if any, and the one that it merged.
    parents: Vec<Node>,
    lsn: u64,
    documents: Documents,
}

/// All commits, and where the branches are. The first commit is the empty state.
#[derive(Debug, Clone)]
pub(super) struct Model {
    commits: Vec<Commit>,
    pub(super) heads: Vec<Node>,
}

/// Who has it where the sides contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wins {
    /// Nobody said; ours stands meanwhile.
    Nobody,
    Ours,
    Theirs,
}

/// What comes of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) documents: Documents,
    /// `id path`, sorted.
    pub(super) conflicts: BTreeSet<String>,
}

impl Model {
    pub(super) fn new() -> Self {
        let empty = Commit { parents: vec![], lsn: 0, documents: Documents::new() };
        Self { commits: vec![empty], heads: vec![0] }
    }

    pub(super) fn documents(&self, branch: usize) -> &Documents {
        &self.commits[self.heads[branch]].documents
    }

    pub(super) fn at(&self, branch: usize, lsn: u64) -> &Documents {
        let mut node = self.heads[branch];
        while self.commits[node].lsn > lsn {
            node = self.commits[node].parents[0];
        }
        &self.commits[node].documents
    }

    pub(super) fn lsn(&self, branch: usize) -> u64 {
        self.commits[self.heads[branch]].lsn
    }

    pub(super) fn fork(&mut self, branch: usize) {
        self.heads.push(self.heads[branch]);
    }

    pub(super) fn commit(&mut self, branch: usize, documents: Documents, merged: Option<Node>) {
        let head = self.heads[branch];
        let parents = [head].into_iter().chain(merged).collect();
        self.heads[branch] = self.commits.len();
        let lsn = self.commits[head].lsn + 1;
        self.commits.push(Commit { parents, lsn, documents });
    }

    fn ancestors(&self, node: Node) -> BTreeSet<Node> {
        let mut found = BTreeSet::new();
        let mut next = vec![node];
        while let Some(node) = next.pop() {
            if found.insert(node) {
                next.extend(&self.commits[node].parents);
            }
        }
        found
    }

    /// The common ancestors from which no other one descends, the latest first.
    pub(super) fn bases(&self, ours: Node, theirs: Node) -> Vec<Node> {
        let common: BTreeSet<Node> = &self.ancestors(ours) & &self.ancestors(theirs);
        let best = |node: &&Node| {
            !common.iter().any(|other| other != *node && self.ancestors(*other).contains(node))
        };
        common.iter().filter(best).copied().collect()
    }

    /// Whether there is anything to merge.
    pub(super) fn gains(&self, ours: Node, theirs: Node) -> bool {
        !self.ancestors(ours).contains(&theirs)
    }

    /// Merges with one base; with several only the store says.
    pub(super) fn merge(&self, base: Node, ours: Node, theirs: Node, wins: Wins) -> Outcome {
        let [base, ours, theirs] = [base, ours, theirs].map(|node| &self.commits[node].documents);
        merge(base, ours, theirs, wins)
    }
}

/// Merges documents by field; in a conflict theirs wins or ours stands.
pub(super) fn merge(base: &Documents, ours: &Documents, theirs: &Documents, wins: Wins) -> Outcome {
    let mut merged = ours.clone();
    let mut conflicts = BTreeSet::new();
    let ids: BTreeSet<i32> =
        [base, ours, theirs].into_iter().flat_map(|side| side.keys().copied()).collect();
    for id in ids {
        let [b, o, t] = [base, ours, theirs].map(|side| side.get(&id));
        if t == b || t == o {
            continue;
        }
        let result = match (b, o, t) {
            _ if o == b => t.cloned(),
            (Some(b), Some(o), Some(t)) => Some(merge_fields(b, o, t, id, wins, &mut conflicts)),
            // A strategy merges two inserted documents by field.
            (None, Some(o), Some(t)) if wins != Wins::Nobody => {
                Some(merge_fields(&Fields::new(), o, t, id, wins, &mut conflicts))
            }
            _ => {
                conflicts.insert(format!("{id} (document)"));
                if wins == Wins::Theirs { t.cloned() } else { o.cloned() }
            }
        };
        match result {
            Some(document) => drop(merged.insert(id, document)),
            None => drop(merged.remove(&id)),
        }
    }
    Outcome { documents: merged, conflicts }
}

fn merge_fields(
    base: &Fields,
    ours: &Fields,
    theirs: &Fields,
    id: i32,
    wins: Wins,
    conflicts: &mut BTreeSet<String>,
) -> Fields {
    let mut merged = ours.clone();
    let names: BTreeSet<&String> =
        [base, ours, theirs].into_iter().flat_map(BTreeMap::keys).collect();
    for name in names {
        let [b, o, t] = [base, ours, theirs].map(|side| side.get(name));
        if t == b || t == o {
            continue;
        }
        if o != b {
            conflicts.insert(format!("{id} {name}"));
            if wins != Wins::Theirs {
                continue;
            }
        }
        match t {
            Some(value) => drop(merged.insert(name.clone(), *value)),
            None => drop(merged.remove(name)),
        }
    }
    merged
}
