//! Plans whose branch has moved on.

use crate::Result;
use crate::document::key::Key;
use crate::history::plan::base::documents;
use crate::history::plan::record::{PlanRecord, SourceRecord};
use crate::history::plan::saved::base_record;
use crate::history::plan::{Decisions, SavedPlan, Source, merge_source};
use crate::model::CollectionName;
use crate::store::{State, kept};

/// What became of the decisions of a plan that was [rebased](SavedPlan::rebase).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebased {
    /// How many still hold.
    pub kept: usize,
    /// The documents whose decisions were taken back, as they have changed on the branch since.
    pub taken_back: Vec<(CollectionName, Option<Key>)>,
}

impl SavedPlan {
    /// Makes the plan anew for the present head of the branch. Decisions are kept, but for those about
    /// documents that have changed on the branch since.
    ///
    /// # Errors
    /// `Invalid` if it is closed, or the branch has all of it by now; `Conflict` if somebody else
    /// changed the plan meanwhile; `NotFound` if the head was collected meanwhile. It stays as it was
    /// then.
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

    /// Keeps the decisions about what is the same in ours as in `after`. Their collections are found by
    /// the names that they had when it was decided, which theirs may have given them.
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
