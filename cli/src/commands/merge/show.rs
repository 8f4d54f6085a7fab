//! `argon merge show`

use clap::Args;

use super::InPlan;
use crate::args::DocumentStyle;
use crate::changes::Detail;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::show;

const EXAMPLES: &str = "\
Examples:
  argon merge show 1f3a --stat
  argon merge show 1f3a -o json         what hooks get";

/// Show a plan: what it changes, the conflicts that are left, and what to do next.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    plan: InPlan,
    /// Print how many documents change, not the documents
    #[arg(long)]
    stat: bool,
    #[command(flatten)]
    style: DocumentStyle,
}

impl ShowArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let stored = self.plan.open(&workspace).await?;
        let detail = if self.stat { Detail::Stat } else { Detail::Changes(self.style.mode()) };
        show(context, &stored, detail).await
    }
}
