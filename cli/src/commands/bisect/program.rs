//! A command that tests states.

use std::ffi::OsString;
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use argon_core::bisect::Verdict;
use argon_core::{Error, Revision};
use argon_service::Workspace;
use argon_service::bisect::History;
use argon_service::credentials::SaidBy;
use argon_service::discover;

use crate::exit::{CommandResult, Failure};

/// The exit code that skips a state, as with `git bisect run`.
const SKIP: i32 = 125;

/// The last exit code that is a verdict.
const LAST: i32 = 127;

/// The first and the longest pause between two checks whether the command has ended.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];

/// How long a command may run after Ctrl-C before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// A command, and the variables that name the store.
pub(super) struct Program {
    command: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    /// A variable that would contradict those.
    unset: Option<&'static str>,
}

impl Program {
    pub(super) fn new(
        command: Vec<OsString>,
        workspace: &Workspace,
        history: &History,
    ) -> CommandResult<Self> {
        let branch = history.branch().unwrap_or(&workspace.branch);
        let place = &workspace.opened.place;
        let mut variables: Vec<(&'static str, OsString)> = vec![
            ("ARGON_PROJECT", workspace.project.name().as_str().into()),
            ("ARGON_BRANCH", branch.as_str().into()),
        ];
        // A URL that the user keeps in a file stays there.
        let unset = match place.found.said_by() {
            Some(SaidBy::Environment) => None,
            Some(SaidBy::File(path)) => {
                variables.push(("ARGON_STORE_FILE", discover::absolute_path(path)?.into()));
                Some("ARGON_STORE")
            }
            Some(SaidBy::Argument | SaidBy::Settings | SaidBy::Name(..)) | None => {
                let url = discover::absolute(&place.url)?;
                let url = format!("{}:{}", url.scheme(), url.rest());
                variables.push(("ARGON_STORE", url.into()));
                Some("ARGON_STORE_FILE")
            }
        };
        Ok(Self { command, variables, unset })
    }

    /// Runs the command for a state. The store must be closed.
    ///
    /// # Errors
    /// `Invalid` if it can't be run, or its exit code is not a verdict; `Interrupted` after Ctrl-C,
    /// once the command has ended.
    pub(super) async fn verdict(&self, revision: &Revision) -> CommandResult<Verdict> {
        let status = ended(self.start(&revision.to_string())?).await?;
        match status.code() {
            Some(0) => Ok(Verdict::Good),
            Some(SKIP) => Ok(Verdict::Skip),
            Some(code) if (1..=LAST).contains(&code) => Ok(Verdict::Bad),
            _ => Err(Error::invalid(format!(
                "invalid verdict for {revision}: the command ended with {status}; expected 0 for good, 1 to \
                 {LAST} for bad, {SKIP} to skip"
            ))
            .into()),
        }
    }

    fn start(&self, revision: &str) -> CommandResult<Child> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Error::invalid("missing required command").into());
        };
        let mut command = Command::new(program);
        if let Some(name) = self.unset {
            command.env_remove(name);
        }
        // Standard output is for the result.
        command.args(arguments).stdin(Stdio::null()).stdout(io::stderr());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("ARGON_REV", revision);
        command.spawn().map_err(|source| {
            let name = program.to_string_lossy();
            Error::invalid(format!("the command '{name}' can't be run")).with_source(source).into()
        })
    }
}

/// Waits for a command. Ctrl-C on a terminal reaches it too; if it does not end then, it is killed.
async fn ended(mut child: Child) -> CommandResult<ExitStatus> {
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut pause = PAUSES[0];
    loop {
        if let Some(status) = child.try_wait().map_err(lost)? {
            return Ok(status);
        }
        tokio::select! {
            biased;
            _ = &mut interrupted => break,
            () = tokio::time::sleep(pause) => pause = (2 * pause).min(PAUSES[1]),
        }
    }
    let mut waited = Duration::ZERO;
    while child.try_wait().map_err(lost)?.is_none() {
        if waited >= GRACE {
            child.kill().and_then(|()| child.wait()).map_err(lost)?;
            break;
        }
        tokio::time::sleep(PAUSES[1]).await;
        waited += PAUSES[1];
    }
    Err(Failure::Interrupted)
}

fn lost(source: io::Error) -> Failure {
    Error::unavailable("the command can't be waited for").with_source(source).into()
}
