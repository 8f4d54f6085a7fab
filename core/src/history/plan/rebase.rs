//! Rebases plans whose branch has moved.

use crate::Result;
use crate::document::key::Key;
use crate::history::plan::base::documents;
use crate::history::plan::record::{PlanRecord, SourceRecord};
use crate::history::plan::saved::base_record;
use crate::history::plan::{Decisions, SavedPlan, Source, merge_source};
use crate::model::CollectionName;
use crate::store::{State, kept};

/// The decisions of a plan after a [rebase](SavedPlan::rebase).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebased {
    /// The number of kept decisions.
    pub kept: usize,
    /// The documents whose decisions were dropped, because they changed on the branch.
    pub taken_back: Vec<(CollectionName, Option<Key>)>,
}

impl SavedPlan {
    /// Recreates the plan for the current head of the branch. Decisions are kept, except those on
    /// documents that changed on the branch since.
    ///
    /// # Errors
    /// `Invalid` if the plan is closed, or the branch already has all of its changes; `Conflict` if
    /// another process changed the plan concurrently; `NotFound` if the head was collected
    /// concurrently. The plan is then unchanged.
    pub async fn rebase(&mut self) -> Result<Rebased> {
        self.must_be_open()?;
        let ours = self.plan.branch.head().await?;
        let mut plan = self.plan.clone();
        if let Source::Merge { name, theirs, .. } = &self.plan.source {
            plan.source = merge_source(&plan.branch, &ours, name, theirs).await?;
        }
        let rebased = self.keep_decisions(&mut plan.decisions, &ours).await?;
        plan.ours = ours;
        let record = PlanRecord {
            ours: base_record(&plan.ours).await?,
            source: SourceRecord::of(&plan.source)?,
            resolved: plan.decisions.to_records(),
            points: plan.points().into_iter().map(Into::into).collect(),
            ..self.record.clone()
        };
        let before = self.record.clone();
        self.set(record).await?;
        if let Err(error) = kept::confirm_all(&self.project.shared, &plan.views()).await {
            self.set(before).await?;
            return Err(error);
        }
        self.plan = plan;
        Ok(rebased)
    }

    /// Keeps the decisions on documents that are equal in ours and in `after`. Collections are
    /// found by their names at the time of the decision, which theirs may have set.
    async fn keep_decisions(&self, decisions: &mut Decisions, after: &State) -> Result<Rebased> {
        let before = &self.plan.ours;
        let mut taken_back = Vec::new();
        if !decisions.is_empty() {
            let result = self.plan.compute().await?;
            for (collection, key, _) in decisions.iter() {
                let mut catalogs = [result.proposed().catalog(), before.catalog()].into_iter();
                let found = catalogs.find_map(|catalog| catalog.get(collection));
                let same = match (key, found.map(|info| info.id)) {
                    (_, None) => false,
                    (Some(key), Some(id)) => {
                        let keys = [key.clone()];
                        documents(before, id, &keys).await? == documents(after, id, &keys).await?
                    }
                    (None, Some(id)) => {
                        let states = [before, after].map(State::catalog);
                        let [was, is] = states.map(|it| (it.by_id(id), it.get(collection)));
                        was == is
                    }
                };
                if !same {
                    taken_back.push((collection.clone(), key.cloned()));
                }
            }
        }
        decisions.retain(|collection, key| {
            !taken_back.iter().any(|(gone, of)| gone == collection && of.as_ref() == key)
        });
        Ok(Rebased { kept: decisions.len(), taken_back })
    }
}
