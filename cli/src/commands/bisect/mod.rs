//! `argon bisect`

mod program;

use std::ffi::OsString;

use argon_core::bisect::{Bisect, Step, Verdict};
use argon_core::model::{CollectionName, Lsn};
use argon_core::{Error, ErrorKind, Revision, log};
use argon_service::Workspace;
use argon_service::bisect::{
    self, BadIf, BisectCommits, BisectOutcome, DocumentFilter, FirstBadCommit, FirstBadRange,
    History,
};
use argon_service::changes::{CommitChanges, Detail, Listing};
use clap::Args;

use self::program::Program;
use super::show;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};

const EXAMPLES: &str = "\
Examples:
  argon bisect --good main@100 --bad main -c users --exists '{\"_id\": \"ada\"}'
  argon bisect --good main@2026-07-01 --bad main -c users --missing '{\"address.city\": \"Paris\"}'
  argon bisect --good main~50 --bad main -- sh -c 'test $(argon count -c users --at $ARGON_REV) -lt 9'

The command:
  It runs once for each state, with ARGON_REV (BRANCH@LSN or PIN~N), ARGON_STORE, ARGON_PROJECT and
  ARGON_BRANCH, and can open the store. Its exit code is the verdict: 0 good, 1 to 127 bad, except
  125, which skips the state; any other ends the search. Its output goes to stderr. States that were
  collected (`argon gc`) are skipped, here and below.

What matches:
  A document whose fields have the given values, as in MongoDB's queries and in a mask's `keep`.
  A name may be a path such as address.city or tags.0; \"a\\\\.b\" is a field whose name has a dot. An
  array matches each of its values; null matches a missing field; numbers of different types are
  equal if their values are. Operators such as $gt are not supported. With _id, each state costs one
  read of a document, otherwise a scan of the collection up to the first match.";

/// Find the first bad commit between two states, by testing about log2 of the states between them.
///
/// The good state must be in the history of the bad one. Both are tested first.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[group(skip)]
pub(crate) struct BisectArgs {
    /// A state that is good
    #[arg(long, value_name = "REV")]
    good: Revision,
    /// A later state that is bad [default: the head of the current branch]
    #[arg(long, value_name = "REV")]
    bad: Option<Revision>,
    /// The collection of --exists and --missing
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    /// Find the first state in which a document matches
    #[arg(long, value_name = "JSON", requires = "collection", group = "test")]
    exists: Option<String>,
    /// Find the first state in which no document matches
    #[arg(long, value_name = "JSON", requires = "collection", group = "test")]
    missing: Option<String>,
    /// A command that tests a state by its exit code
    #[arg(last = true, value_name = "COMMAND", group = "test")]
    command: Vec<OsString>,
}

impl BisectArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let (filter, bad_if) = match (&self.exists, &self.missing) {
            (Some(text), _) => (DocumentFilter::parse(text)?, BadIf::Exists),
            (None, Some(text)) => (DocumentFilter::parse(text)?, BadIf::Missing),
            (None, None) => return self.run_program(context, workspace).await,
        };
        let Some(collection) = self.collection else {
            return Err(Error::invalid("missing required option -c NAME: the collection").into());
        };
        let request = BisectCommits { good: self.good, bad: self.bad, collection, filter, bad_if };
        let outcome = bisect::bisect(&workspace, &request, &context.output).await?;
        report(context, outcome).await
    }

    /// Searches by a command. The store is closed while it runs, so that it can open the store.
    async fn run_program(self, context: &Context, workspace: Workspace) -> CommandResult {
        if self.command.is_empty() {
            let error = "missing required test: expected --exists, --missing or -- COMMAND";
            return Err(Error::invalid(error).into());
        }
        let revision = self.bad.unwrap_or_else(|| workspace.head());
        let revision = revision.explicit(&workspace.project).await?;
        let bad = workspace.state(Some(&revision)).await?;
        let good = workspace.state(Some(&self.good)).await?;
        let steps = Bisect::between(&good, &bad)?;
        let history = History::of(&workspace, &revision, &bad).await?;
        refuse_unstable(&history)?;
        let has_gaps = log::floor(&bad).await? > good.lsn();
        let program = Program::new(self.command, &workspace, &history)?;
        drop((workspace, good, bad, context.take_opened()));
        let test = async |lsn: Lsn| -> CommandResult<Verdict> {
            let revision = history.revision(lsn);
            if has_gaps && !is_kept(context, &revision).await? {
                return Ok(Verdict::Skip);
            }
            program.verdict(&revision).await
        };
        let step = bisect::search(steps, &history, test, &context.output).await?;
        // The store stays open until all is printed.
        let workspace = context.workspace().await?;
        let outcome = match step {
            Step::Found(lsn) | Step::Try(lsn) => {
                let state = workspace.state(Some(&history.revision(lsn))).await?;
                let commit = FirstBadCommit::of(&state, &history).await?;
                BisectOutcome::Commit(Box::new(state), Box::new(commit))
            }
            Step::Among(good, bad) => {
                BisectOutcome::Range(FirstBadRange::of(&history, good.next(), bad))
            }
        };
        report(context, outcome).await
    }
}

/// Refuses a history whose names mean another state as soon as its branch moves.
fn refuse_unstable(history: &History) -> CommandResult {
    let Some(last) = history.unstable_name() else { return Ok(()) };
    let error = Error::invalid(format!(
        "'{last}' is of an earlier history, whose states have no lasting names for a command"
    ));
    let advice = format!("`argon pin create NAME '{last}'` makes one; then use --bad NAME");
    Err(Failure::from(error).hint(advice))
}

/// Whether a state was not collected; the store is open meanwhile.
async fn is_kept(context: &Context, revision: &Revision) -> CommandResult<bool> {
    let workspace = context.workspace().await?;
    let resolved = revision.resolve(&workspace.project, &workspace.branch).await;
    drop((workspace, context.take_opened()));
    match resolved {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        resolved => Ok(resolved.map(drop).map(|()| true)?),
    }
}

async fn report(context: &Context, outcome: BisectOutcome) -> CommandResult {
    match outcome {
        BisectOutcome::Range(range) => {
            let FirstBadRange { branch, from, to, .. } = &range;
            let words = || {
                format!(
                    "the first bad commit is one of {from} to {to} of {branch}: the states between them \
                     were skipped"
                )
            };
            context.output.result(words, &range)
        }
        BisectOutcome::Commit(state, commit) if context.output.is_table() => {
            let FirstBadCommit { branch, first_bad, .. } = &*commit;
            context.output.say(&format!("the first bad commit is {first_bad} of {branch}"));
            let listing = Listing { detail: Detail::Stat, ..Listing::default() };
            show::show(context, &CommitChanges::last_of(&state, branch).await?, listing).await
        }
        BisectOutcome::Commit(_, commit) => context.output.result(String::new, &commit),
    }
}
