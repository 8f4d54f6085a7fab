//! `argon bisect`

mod history;
mod matching;
mod program;

use std::ffi::OsString;

use argon_core::bisect::{Bisect, Step, Verdict};
use argon_core::model::{CollectionName, Lsn};
use argon_core::{Error, ErrorKind, Revision, State, log};
use argon_service::Workspace;
use clap::Args;
use futures::TryStreamExt;

use self::history::History;
use self::matching::Filter;
use self::program::Program;
use super::show;
use crate::changes::{Detail, origin_json};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json};

const EXAMPLES: &str = "\
Examples:
  argon bisect --good main@100 --bad main -c users --exists '{\"_id\": \"ada\"}'
  argon bisect --good main@2026-07-01 --bad main -c users --missing '{\"address.city\": \"Paris\"}'
  argon bisect --good main~50 --bad main -- sh -c 'test $(argon count -c users --at $ARGON_REV) -lt 9'

The command:
  It is run once for each state, with ARGON_REV (BRANCH@LSN or PIN~N), ARGON_STORE, ARGON_PROJECT
  and ARGON_BRANCH, and the store is free for it meanwhile. Its exit code says what the state is:
  0 good, 1 to 127 bad, but 125 that it can't be told; any other ends the search. What it prints
  goes to stderr. States that were collected (`argon gc`) are skipped, here and below.

What matches:
  A document of which all given fields have the given values, as in MongoDB's queries and in a mask's
  `keep`: names may be paths such as address.city or tags.0, or \"a\\\\.b\" for one whose
  name has a dot; an array matches a value that it has; null matches what is missing; numbers are equal if their values are, whatever their types. There
  are no operators such as $gt. With _id, one document is read for each state, otherwise the collection up to the first that matches.";

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
        bad: Box<State>,
        collection: CollectionName,
        filter: Filter,
        exists: bool,
    },
    Program(Program),
}

/// A search under way.
struct Search<'a> {
    context: &'a Context,
    history: History,
    test: Test,
}

impl BisectArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let revision = self.bad.clone().unwrap_or_else(|| workspace.head());
        let bad = workspace.state(Some(&revision)).await?;
        let good = workspace.state(Some(&self.good)).await?;
        let steps = Bisect::between(&good, &bad)?;
        let history = History::of(&workspace, &revision, &bad).await?;
        let test = self.test(context, workspace, &history, [good, bad]).await?;
        let search = Search { context, history, test };
        let found = search.find(steps).await?;
        search.report(found).await
    }

    /// The test; for one that is a program, the store is closed, so that the program can open it.
    async fn test(
        self,
        context: &Context,
        workspace: Workspace,
        history: &History,
        [good, bad]: [State; 2],
    ) -> CommandResult<Test> {
        let (text, exists) = match (self.exists, self.missing) {
            (Some(text), _) => (text, true),
            (None, Some(text)) => (text, false),
            (None, None) if self.command.is_empty() => {
                let needed = "there is nothing to look for: give --exists, --missing or -- COMMAND";
                return Err(Error::invalid(needed).into());
            }
            (None, None) => {
                history.must_keep_its_names()?;
                let has_gaps = log::floor(&bad).await? > good.lsn();
                let program = Program::new(self.command, &workspace, history, has_gaps)?;
                drop((workspace, good, bad, context.take_opened()));
                return Ok(Test::Program(program));
            }
        };
        let Some(collection) = self.collection else {
            return Err(Error::invalid("-c NAME is missing: the collection to look into").into());
        };
        if good.collection(&collection).is_err() {
            bad.collection(&collection)?;
        }
        let (workspace, bad) = (Box::new(workspace), Box::new(bad));
        Ok(Test::Documents { workspace, bad, collection, filter: Filter::parse(&text)?, exists })
    }
}

impl Search<'_> {
    async fn find(&self, mut steps: Bisect) -> CommandResult<Step> {
        let (good, bad) = steps.bounds();
        for (lsn, expected, word) in [(good, Verdict::Good, "good"), (bad, Verdict::Bad, "bad")] {
            let (verdict, revision) = (self.verdict(lsn).await?, self.history.revision(lsn));
            self.context.output.say(&format!("{revision}: {}", word_of(verdict)));
            if verdict != expected {
                return Err(Error::invalid(format!(
                    "{revision} should be {word}, and the test says {}; nothing was searched",
                    word_of(verdict)
                ))
                .into());
            }
        }
        loop {
            let step = steps.step();
            let Step::Try(lsn) = step else { return Ok(step) };
            let verdict = self.verdict(lsn).await?;
            steps.tell(lsn, verdict);
            let (revision, left) = (self.history.revision(lsn), steps.left());
            let word = word_of(verdict);
            self.context.output.say(&format!("{revision}: {word}, about {left} left"));
        }
    }

    /// What the state at `lsn` is; of one that was collected it can't be told.
    async fn verdict(&self, lsn: Lsn) -> CommandResult<Verdict> {
        match &self.test {
            Test::Program(program) => {
                let revision = self.history.revision(lsn);
                if program.has_gaps && !self.is_kept(&revision).await? {
                    return Ok(Verdict::Skip);
                }
                program.verdict(&revision).await
            }
            Test::Documents { bad, collection, filter, exists, .. } => {
                let state = match bad.at(lsn).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Verdict::Skip),
                    state => state?,
                };
                let there = filter.matches_any(&state, collection).await?;
                Ok(if there == *exists { Verdict::Bad } else { Verdict::Good })
            }
        }
    }

    /// Whether a state was not collected; the store is open meanwhile.
    async fn is_kept(&self, revision: &Revision) -> CommandResult<bool> {
        let workspace = self.context.workspace().await?;
        let found = revision.resolve(&workspace.project, &workspace.branch).await;
        drop((workspace, self.context.take_opened()));
        match found {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            found => Ok(found.map(drop).map(|()| true)?),
        }
    }

    async fn report(self, found: Step) -> CommandResult {
        let Self { context, history, test } = self;
        let lsn = match found {
            Step::Found(lsn) | Step::Try(lsn) => lsn,
            Step::Among(good, bad) => return report_range(context, &history, [good.next(), bad]),
        };
        let revision = history.revision(lsn);
        // The store stays open until all is printed.
        let (state, _workspace) = match test {
            Test::Documents { bad, workspace, .. } => (bad.at(lsn).await?, *workspace),
            Test::Program(_) => {
                let workspace = context.workspace().await?;
                (workspace.state(Some(&revision)).await?, workspace)
            }
        };
        if context.output.is_table() {
            context.output.say(&format!("the first bad commit is {lsn} of {history}"));
            return show::show(context, &state, &history.to_string(), Detail::Stat).await;
        }
        let json = commit_json(&state, &revision).await?;
        context.output.one(String::new, || json)
    }
}

fn word_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Bad => "bad",
        Verdict::Skip => "skipped",
    }
}

fn report_range(context: &Context, history: &History, [from, to]: [Lsn; 2]) -> CommandResult {
    let words = format!(
        "the first bad commit is one of {from} to {to} of {history}: what is between was skipped"
    );
    let json = || {
        let (from, to) = (from.get().into(), to.get().into());
        Json::object([("first_bad", None::<u64>.into()), ("from", from), ("to", to)])
    };
    context.output.one(|| words, json)
}

async fn commit_json(state: &State, revision: &Revision) -> CommandResult<Json> {
    let commit = log::headers(state).try_next().await?;
    let missing = || Error::corrupt("the commit is missing from the log");
    let commit = commit.ok_or_else(missing)?;
    let meta = commit.meta;
    Ok(Json::object([
        ("first_bad", meta.lsn.get().into()),
        ("revision", revision.to_string().into()),
        ("time", output::time(meta.time).into()),
        ("actor", meta.actor.as_str().into()),
        ("message", meta.message.as_str().into()),
        ("origin", origin_json(&meta.origin)),
        ("digest", commit.digest.to_string().into()),
    ]))
}
