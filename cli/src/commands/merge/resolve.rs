//! `argon merge resolve`

use argon_core::Error;
use argon_core::document::Path;
use argon_core::key::Key;
use argon_core::model::CollectionName;
use argon_core::plan::PlanId;
use argon_formats::extjson::parse_value;
use argon_service::Workspace;
use argon_service::changes::{Detail, Listing};
use argon_service::json::{Id, Value};
use argon_service::plan::{
    self, ChoiceKind, DecideConflicts, ResolveConflicts, ResolvedPlan, ShowPlan,
};
use bson::RawBson;
use clap::{ArgGroup, Args};

use super::InPlan;
use crate::args::{ID_HELP, document_id};
use crate::context::Context;
use crate::editor::{EditedFile, asks_again};
use crate::exit::CommandResult;
use crate::output::count;
use crate::plans::{conflict_list, decisions, next};

const EXAMPLES: &str = "\
Examples:
  argon merge resolve 1f3a -c users 1 --path name --theirs
  argon merge resolve 1f3a -c users 1 --path visits --value 12
  argon merge resolve 1f3a -c users 1 --ours                     all conflicts of the document
  argon merge resolve 1f3a -c users --path options --theirs      the collection itself
  argon merge resolve 1f3a --all --theirs                        every conflict that is left
  argon merge resolve 1f3a --edit                                the same, one by one in the editor";

/// Decide about conflicts of a plan; a decision can be changed until the plan is applied.
///
/// Ours, theirs and base are taken conflict by conflict, so that a change of only one side is kept. A value,
/// or absent, replaces everything at the path.
#[derive(Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("choice").required(true))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag, and clap refuses two of them")]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    plan: InPlan,
    /// The collection
    #[arg(short, long, value_name = "NAME", required_unless_present_any = ["all", "edit"])]
    collection: Option<CollectionName>,
    #[arg(value_name = "ID", value_parser = document_id, help = ID_HELP, requires = "collection")]
    id: Option<Key>,
    /// The path of the conflict [default: all of the document]
    #[arg(long, value_name = "PATH", requires = "collection")]
    path: Option<Path>,
    /// Decide about every conflict that is left
    #[arg(long, conflicts_with_all = ["collection", "id", "path", "value", "absent"])]
    all: bool,
    /// Decide about the conflicts that are left in $VISUAL or $EDITOR
    #[arg(long, group = "choice", conflicts_with_all = ["collection", "id", "path", "all"])]
    edit: bool,
    /// Take the value of the target
    #[arg(long, group = "choice")]
    ours: bool,
    /// Take the value of the source
    #[arg(long, group = "choice")]
    theirs: bool,
    /// Take the value before either side changed it
    #[arg(long, group = "choice")]
    base: bool,
    /// Take this value, in Extended JSON
    #[arg(long, group = "choice", value_name = "JSON", value_parser = value)]
    value: Option<RawBson>,
    /// Remove the value
    #[arg(long, group = "choice")]
    absent: bool,
}

fn value(text: &str) -> Result<RawBson, Error> {
    let value = parse_value(text).map_err(|error| Error::invalid(error.to_string()))?;
    RawBson::try_from(value)
        .map_err(|error| Error::invalid("the value can't be written as BSON").with_source(error))
}

impl ResolveArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        if self.edit {
            return edit(context, self.plan.plan).await;
        }
        let workspace = context.workspace().await?;
        let choice = self.choice();
        let request = ResolveConflicts {
            plan: self.plan.plan,
            collection: self.collection,
            id: self.id.map(Id),
            path: self.path,
            choice,
            value: self.value.map(Value),
        };
        report(context, &plan::resolve(&workspace, request).await?)
    }

    fn choice(&self) -> ChoiceKind {
        match self {
            Self { value: Some(_), .. } => ChoiceKind::Value,
            Self { ours: true, .. } => ChoiceKind::Ours,
            Self { theirs: true, .. } => ChoiceKind::Theirs,
            Self { base: true, .. } => ChoiceKind::Base,
            _ => ChoiceKind::Absent,
        }
    }
}

fn report(context: &Context, resolved: &ResolvedPlan) -> CommandResult {
    let (id, left) = (&resolved.id, count(resolved.conflicts, "conflict"));
    let next = next(id, resolved.next.as_ref());
    context.output.reply(&format!("{left} left in plan {id}\n{next}"), resolved)
}

/// Decides about conflicts in the editor. The store is closed meanwhile.
async fn edit(context: &Context, plan: PlanId) -> CommandResult {
    let workspace = context.workspace().await?;
    let listing = Listing { detail: Detail::Stat, canonical: false };
    let request = ShowPlan { plan: plan.clone(), listing };
    let shown = plan::show(&workspace, &request).await?.shown(listing).await?;
    let Workspace { opened, project, .. } = workspace;
    drop(project);
    context.close(opened.store).await;
    let file = EditedFile::with(&conflict_list(&shown), ".json")?;
    let decisions = loop {
        let text = file.edit()?;
        match decisions(&text) {
            Ok(decisions) => break decisions,
            Err(error) if asks_again(&error) => {}
            Err(error) => {
                context.output.note(&format!("the text is in {}", file.keep().display()));
                return Err(error.into());
            }
        }
    };
    if decisions.is_empty() {
        context.output.say("no conflict was decided");
        return Ok(());
    }
    let workspace = context.workspace().await?;
    let resolved = plan::decide(&workspace, DecideConflicts { plan, decisions }).await;
    let resolved = resolved.inspect_err(|_| {
        context.output.note(&format!("the text is in {}", file.keep().display()));
    });
    report(context, &resolved?)
}
