//! What a shell completes: commands, options, and the names that are in the store.
//!
//! The script of `argon completions` asks this program at each Tab. It must answer at once and say nothing
//! else: a store that is locked, missing or slow has no names.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use argon_service::Workspace;
use argon_service::pin::{self, ListPins};
use argon_service::plan::{self, ListPlans};
use clap::{Arg, Command, FromArgMatches};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::args::GlobalOptions;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::help;

/// The variable by which a completion script asks.
pub(crate) const VARIABLE: &str = "ARGON_COMPLETE";

/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_millis(800);

/// Names of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Projects,
    Branches,
    Collections,
    Pins,
    Plans,
    /// Branches and pins.
    States,
}

/// Answers a completion script; `None` for any other command line.
pub(crate) fn answer(args: &[OsString]) -> Option<ExitCode> {
    std::env::var_os(VARIABLE)?;
    let directory = std::env::current_dir().ok();
    let completed = CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .bin("argon")
        .try_complete(args.iter().cloned(), directory.as_deref());
    match completed {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => None,
        Err(_) => Some(ExitCode::FAILURE),
    }
}

/// The command line, with the arguments that are names of a store.
pub(crate) fn command() -> Command {
    with_names(help::command(), "")
}

fn with_names(command: Command, path: &str) -> Command {
    let command = command.mut_args(|arg| {
        // Hidden options are completed only if nothing else begins so.
        let arg = if arg.is_global_set() { arg.hide(true) } else { arg };
        match names_of(path, &arg) {
            Some(names) => arg.add(ArgValueCandidates::new(move || candidates(names))),
            None => arg,
        }
    });
    let below: Vec<String> = command.get_subcommands().map(|of| of.get_name().to_owned()).collect();
    below.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |below| with_names(below, path.trim_start()))
    })
}

/// The names that an argument of a command takes.
fn names_of(path: &str, arg: &Arg) -> Option<Names> {
    let (command, action) = path.split_once(' ').unwrap_or((path, ""));
    let is_new = matches!(action, "create" | "undelete" | "keygen" | "add");
    let value = arg.get_value_names().and_then(<[_]>::first).map_or("", |name| &**name);
    match (arg.get_id().as_str(), value) {
        (_, "REV") => Some(Names::States),
        (_, "PLAN") => Some(Names::Plans),
        (_, "PROJECT") | ("project", _) => Some(Names::Projects),
        (_, "BRANCH") | ("branch", "NAME") => Some(Names::Branches),
        ("collection", "NAME") => Some(Names::Collections),
        ("name" | "branch" | "from", _) if is_new => None,
        ("name" | "branch" | "from", _) => match command {
            "branch" | "sandbox" => Some(Names::Branches),
            "pin" => Some(Names::Pins),
            "project" => Some(Names::Projects),
            "collections" => Some(Names::Collections),
            _ => None,
        },
        _ => None,
    }
}

/// The names that are there; none if they can't be read at once.
fn candidates(names: Names) -> Vec<CompletionCandidate> {
    let (found, finds) = mpsc::channel();
    let search = move || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let Ok(runtime) = builder.worker_threads(1).enable_all().build() else { return };
        if let Ok(names) = runtime.block_on(read(names)) {
            // The store is closed before the answer, as the process ends with that.
            drop(runtime);
            let _ = found.send(names);
        }
    };
    if thread::Builder::new().spawn(search).is_err() {
        return Vec::new();
    }
    let names = finds.recv_timeout(PATIENCE).unwrap_or_default();
    names.into_iter().map(CompletionCandidate::new).collect()
}

async fn read(names: Names) -> CommandResult<BTreeSet<String>> {
    let mut options = options();
    options.lock_timeout = Some(Duration::ZERO);
    options.quiet = true;
    let Ok(context) = Context::new(options, false) else { return Ok(BTreeSet::new()) };
    context.output.hush();
    if names == Names::Projects {
        let projects = context.store().await?.store.projects().await?;
        return Ok(projects.into_iter().map(|project| project.name.to_string()).collect());
    }
    of_project(&context.workspace().await?, names).await
}

async fn of_project(workspace: &Workspace, names: Names) -> CommandResult<BTreeSet<String>> {
    let project = &workspace.project;
    let mut found = BTreeSet::new();
    if matches!(names, Names::Branches | Names::States) {
        let branches = project.branches().await?.into_iter().filter(|of| !of.name.is_backup());
        found.extend(branches.map(|branch| branch.name.to_string()));
    }
    if matches!(names, Names::Pins | Names::States) {
        let pins = pin::list(project, ListPins {}).await?;
        found.extend(pins.into_iter().map(|pin| pin.pin.clone()));
    }
    if names == Names::Plans {
        let plans = plan::list(project, ListPlans { all: false }).await?;
        found.extend(plans.into_iter().map(|plan| plan.id));
    }
    if names == Names::Collections {
        let state = workspace.state(None).await?;
        found.extend(state.collections().map(|info| info.name.to_string()));
    }
    Ok(found)
}

/// The options of the command line that is completed.
fn options() -> GlobalOptions {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let parse = |words: Vec<OsString>| {
        let matches = help::command().ignore_errors(true).try_get_matches_from(words)?;
        GlobalOptions::from_arg_matches(&matches)
    };
    let given = parse(words.collect());
    // They all may be left out.
    given.or_else(|_| parse(vec!["argon".into()])).unwrap_or_else(|error| error.exit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_has_the_names_of_what_it_means() {
        let command = help::command();
        let names = |path: &str, id: &str| {
            let below =
                path.split(' ').fold(&command, |of, name| of.find_subcommand(name).unwrap());
            let arg = below.get_arguments().find(|arg| arg.get_id() == id);
            names_of(path, arg.unwrap_or_else(|| panic!("{path} {id}")))
        };
        for (path, id, expected) in [
            ("switch", "target", Some(Names::Branches)),
            ("switch", "from", Some(Names::States)),
            ("find", "collection", Some(Names::Collections)),
            ("find", "at", Some(Names::States)),
            ("find", "limit", None),
            ("merge show", "plan", Some(Names::Plans)),
            ("use", "name", Some(Names::Projects)),
            ("branch create", "name", None),
            ("branch delete", "name", Some(Names::Branches)),
            ("pin delete", "name", Some(Names::Pins)),
            ("project create", "name", None),
        ] {
            assert_eq!(names(path, id), expected, "{path} {id}");
        }
    }
}
