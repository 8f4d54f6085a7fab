//! `argon merge resolve`

use argon_core::document::Path;
use argon_core::key::Key;
use argon_core::merge::{Choice, Resolutions};
use argon_core::model::CollectionName;
use argon_core::plan::{MergeResult, Plan, SavedPlan};
use argon_core::{Error, ErrorKind};
use argon_formats::extjson::parse_value;
use bson::RawBson;
use clap::{ArgGroup, Args};

use super::InPlan;
use crate::args::{ID_HELP, document_id};
use crate::context::Context;
use crate::exit::{CommandResult, Failure, Hint};
use crate::output::{Json, count};
use crate::plans::{next, place};

/// How many documents with conflicts an error names.
const NAMED: usize = 10;

const EXAMPLES: &str = "\
Examples:
  argon merge resolve 1f3a -c users 1 --path name --theirs
  argon merge resolve 1f3a -c users 1 --path visits --value 12
  argon merge resolve 1f3a -c users 1 --ours                     all conflicts of the document
  argon merge resolve 1f3a -c users --path options --theirs      the collection itself
  argon merge resolve 1f3a --all --theirs                        every conflict that is left";

/// Decide about conflicts of a plan; what was decided before may be decided otherwise.
///
/// Ours, theirs and base are taken conflict by conflict, so that what only one side changed is kept. A
/// value, or absent, replaces all that is at the path.
#[derive(Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("choice").required(true))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag, and clap refuses two of them")]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    plan: InPlan,
    /// The collection
    #[arg(short, long, value_name = "NAME", required_unless_present = "all")]
    collection: Option<CollectionName>,
    #[arg(value_name = "ID", value_parser = document_id, help = ID_HELP, requires = "collection")]
    id: Option<Key>,
    /// The path, as the conflict has it [default: all of the document]
    #[arg(long, value_name = "PATH", requires = "collection")]
    path: Option<Path>,
    /// Decide about every conflict that is left
    #[arg(long, conflicts_with_all = ["collection", "id", "path", "value", "absent"])]
    all: bool,
    /// Take what the target has
    #[arg(long, group = "choice")]
    ours: bool,
    /// Take what the source has
    #[arg(long, group = "choice")]
    theirs: bool,
    /// Take what was there before either side changed it
    #[arg(long, group = "choice")]
    base: bool,
    /// Take this value, in Extended JSON
    #[arg(long, group = "choice", value_name = "JSON", value_parser = value)]
    value: Option<RawBson>,
    /// Let nothing be there
    #[arg(long, group = "choice")]
    absent: bool,
}

fn value(text: &str) -> Result<RawBson, Error> {
    let value = parse_value(text).map_err(|error| Error::invalid(error.to_string()))?;
    RawBson::try_from(value)
        .map_err(|error| Error::invalid("the value is no BSON").with_source(error))
}

impl ResolveArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let mut stored = self.plan.open(&workspace).await?;
        stored.must_be_open()?;
        let choice = self.choice();
        match self.collection {
            Some(collection) => {
                let path = self.path.unwrap_or(Path::DOCUMENT);
                check(stored.plan(), &collection, self.id.as_ref(), &path, &choice).await?;
                stored.plan_mut().decide(collection, self.id, path, choice);
            }
            None => decide_all(&mut stored, &choice).await?,
        }
        // A decision that makes no document is refused here, before it is kept.
        let result = stored.plan().compute().await?;
        stored.save().await.hint_on(ErrorKind::Conflict, || {
            "somebody else decided at the same time; `argon merge show` shows it".to_owned()
        })?;
        say(context, &stored, &result)
    }

    fn choice(&self) -> Choice {
        match &self.value {
            Some(value) => Choice::Value(value.clone()),
            None if self.ours => Choice::Ours,
            None if self.theirs => Choice::Theirs,
            None if self.base => Choice::Base,
            None => Choice::Absent,
        }
    }
}

/// Refuses a decision about what is not in conflict, naming what is.
async fn check(
    plan: &Plan,
    collection: &CollectionName,
    key: Option<&Key>,
    path: &Path,
    choice: &Choice,
) -> CommandResult {
    let conflicting = plan.conflicting_paths(collection, key).await?;
    if !conflicting.is_empty() {
        let decision = Resolutions::from_iter([(path.clone(), choice.clone())]);
        return Ok(decision.check(&conflicting)?);
    }
    let result = plan.compute().await?;
    let named: Vec<String> = result
        .conflicts
        .iter()
        .take(NAMED)
        .map(|found| place(&found.collection, found.key.as_ref()))
        .collect();
    let error = Error::invalid(format!("there is no conflict in {}", place(collection, key)));
    let more = if result.conflicts.len() > NAMED { " and others" } else { "" };
    Err(Failure::from(error).hint(match named.as_slice() {
        [] => "no conflict is left; `argon merge apply` applies the plan".to_owned(),
        named => format!("conflicts are left in {}{more}", named.join("; ")),
    }))
}

/// Decides about every conflict that is left.
async fn decide_all(stored: &mut SavedPlan, choice: &Choice) -> CommandResult {
    let result = stored.plan().compute().await?;
    for document in result.conflicts {
        for conflict in document.conflicts {
            let (collection, key) = (document.collection.clone(), document.key.clone());
            stored.plan_mut().decide(collection, key, conflict.path, choice.clone());
        }
    }
    Ok(())
}

fn say(context: &Context, stored: &SavedPlan, result: &MergeResult) -> CommandResult {
    let (id, left) = (stored.id().to_string(), result.counts.conflicts);
    let words = format!("{} left in plan {id}", count(left, "conflict"));
    context.output.done(&format!("{words}\n{}", next(&id, result)), || {
        Json::object([
            ("id", id.as_str().into()),
            ("conflicts", left.into()),
            ("decisions", (stored.plan().decisions().len() as u64).into()),
        ])
    })
}
