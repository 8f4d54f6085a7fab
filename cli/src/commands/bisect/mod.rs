//! `argon bisect`

mod matching;
mod program;

use std::ffi::OsString;

use argon_core::bisect::{Bisect, Step, Verdict};
use argon_core::model::{BranchName, CollectionName, Lsn};
use argon_core::{Error, Revision, State, log};
use clap::Args;
use futures::TryStreamExt;

use self::matching::Filter;
use self::program::Program;
use super::show;
use crate::changes::{Detail, origin_text};
use crate::context::{Context, Workspace};
use crate::exit::CommandResult;
use crate::output::{self, Json};

const EXAMPLES: &str = "\
Examples:
  argon bisect --good main@100 --bad main -c users --exists '{\"_id\": \"ada\"}'
  argon bisect --good main@2026-07-01 --bad main -c users --missing '{\"address.city\": \"Paris\"}'
  argon bisect --good main~50 --bad main -- sh -c 'test $(argon count -c users --at $ARGON_REV) -lt 9'

The command:
  It is run once for each state, with ARGON_REV (BRANCH@LSN), ARGON_STORE, ARGON_PROJECT and
  ARGON_BRANCH, and the store is free for it meanwhile. Its exit code says what the state is:
  0 good, 1 to 127 bad, but 125 that it can't be told; any other ends the search. What it prints
  goes to stderr.

What matches:
  A document of which all given fields have the given values. Names may be paths such as
  address.city or tags.0; numbers are equal if their values are, whatever their types. With _id,
  one document is read for each state, otherwise the collection up to the first that matches.";

/// Find the first commit from which on something is so, by looking at about log2 of the states.
///
/// The good state must be in the history of the bad one. Both are looked at first.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[group(skip)]
pub(crate) struct BisectArgs {
    /// A state that is still good
    #[arg(long, value_name = "REV")]
    good: Revision,
    /// A later state that is bad [default: the head of the current branch]
    #[arg(long, value_name = "REV")]
    bad: Option<Revision>,
    /// The collection to look into
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    /// Find the first state in which a document matches
    #[arg(long, value_name = "JSON", requires = "collection", group = "test")]
    exists: Option<String>,
    /// Find the first state in which no document matches
    #[arg(long, value_name = "JSON", requires = "collection", group = "test")]
    missing: Option<String>,
    /// A command that tells good states from bad ones by its exit code
    #[arg(last = true, value_name = "COMMAND", group = "test")]
    command: Vec<OsString>,
}

/// How a state is looked at.
enum Test {
    Documents {
        workspace: Box<Workspace>,
        collection: CollectionName,
        filter: Filter,
        exists: bool,
    },
    Program(Program),
}

impl BisectArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let bad = self.bad.clone().unwrap_or_else(|| workspace.head());
        let branch = bad.branch_or(&workspace.branch).clone();
        let search = {
            let good = workspace.state(Some(&self.good)).await?;
            Bisect::between(&good, &workspace.state(Some(&bad)).await?)?
        };
        let test = self.test(context, workspace, &branch)?;
        let found = find(context, search, &test, &branch).await?;
        let workspace = match test {
            Test::Documents { workspace, .. } => *workspace,
            Test::Program(_) => context.workspace().await?,
        };
        report(context, &workspace, &branch, found).await
    }

    /// The test; for one that is a program, the store is closed, so that the program can open it.
    fn test(
        self,
        context: &Context,
        workspace: Workspace,
        branch: &BranchName,
    ) -> CommandResult<Test> {
        let (text, exists) = match (self.exists, self.missing) {
            (Some(text), _) => (text, true),
            (None, Some(text)) => (text, false),
            (None, None) if self.command.is_empty() => {
                let needed = "there is nothing to look for: give --exists, --missing or -- COMMAND";
                return Err(Error::invalid(needed).into());
            }
            (None, None) => {
                let program = Program::new(self.command, &workspace, branch)?;
                drop(workspace);
                drop(context.take_opened());
                return Ok(Test::Program(program));
            }
        };
        let Some(collection) = self.collection else {
            return Err(Error::invalid("-c NAME is missing: the collection to look into").into());
        };
        let (workspace, filter) = (Box::new(workspace), Filter::parse(&text)?);
        Ok(Test::Documents { workspace, collection, filter, exists })
    }
}

impl Test {
    async fn verdict(&self, branch: &BranchName, lsn: Lsn) -> CommandResult<Verdict> {
        match self {
            Self::Program(program) => program.verdict(lsn).await,
            Self::Documents { workspace, collection, filter, exists } => {
                let state = workspace.project.branch(branch).await?.at(lsn).await?;
                let there = filter.matches_any(&state, collection).await?;
                Ok(if there == *exists { Verdict::Bad } else { Verdict::Good })
            }
        }
    }
}

async fn find(
    context: &Context,
    mut search: Bisect,
    test: &Test,
    branch: &BranchName,
) -> CommandResult<Step> {
    let (good, bad) = search.bounds();
    for (lsn, expected, word) in [(good, Verdict::Good, "good"), (bad, Verdict::Bad, "bad")] {
        let verdict = test.verdict(branch, lsn).await?;
        context.output.say(&format!("{branch}@{lsn}: {}", word_of(verdict)));
        if verdict != expected {
            return Err(Error::invalid(format!(
                "{branch}@{lsn} should be {word}, and the test says {}; nothing was searched",
                word_of(verdict)
            ))
            .into());
        }
    }
    loop {
        let step = search.step();
        let Step::Try(lsn) = step else { return Ok(step) };
        let verdict = test.verdict(branch, lsn).await?;
        search.tell(lsn, verdict);
        let left = search.left();
        context.output.say(&format!("{branch}@{lsn}: {}, about {left} left", word_of(verdict)));
    }
}

fn word_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Bad => "bad",
        Verdict::Skip => "skipped",
    }
}

async fn report(
    context: &Context,
    workspace: &Workspace,
    branch: &BranchName,
    found: Step,
) -> CommandResult {
    let lsn = match found {
        Step::Found(lsn) | Step::Try(lsn) => lsn,
        Step::Among(good, bad) => {
            let words = format!(
                "the first bad commit is one of {} to {bad} of {branch}: what is between was skipped",
                good.next()
            );
            return context.output.one(
                || words,
                || {
                    let (from, to) = (good.next().get().into(), bad.get().into());
                    Json::object([("first_bad", None::<u64>.into()), ("from", from), ("to", to)])
                },
            );
        }
    };
    let revision: Revision = format!("{branch}@{lsn}").parse()?;
    if context.output.is_table() {
        context.output.say(&format!("the first bad commit is {lsn} of {branch}"));
        return show::show(context, workspace, &revision, Detail::Stat).await;
    }
    let state = workspace.state(Some(&revision)).await?;
    let json = commit_json(&state, &revision).await?;
    context.output.one(String::new, || json)
}

async fn commit_json(state: &State, revision: &Revision) -> CommandResult<Json> {
    let commit = log::headers(state).try_next().await?;
    let missing = || Error::corrupt("the commit is missing from the log; run `argon fsck`");
    let commit = commit.ok_or_else(missing)?;
    let meta = commit.meta;
    Ok(Json::object([
        ("first_bad", meta.lsn.get().into()),
        ("revision", revision.to_string().into()),
        ("time", output::time(meta.time).into()),
        ("actor", meta.actor.as_str().into()),
        ("message", meta.message.as_str().into()),
        ("origin", origin_text(&meta.origin).into()),
        ("digest", commit.digest.to_string().into()),
    ]))
}
