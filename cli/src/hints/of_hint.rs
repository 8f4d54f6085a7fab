//! Hints of the libraries as commands and options: the one place that spells operations of `argon`.

use argon_core::storage::Remedy;
use argon_core::{Error, ErrorKind, Hint};

use crate::output::escape;

/// Advice about an error, as a sentence without a full stop: the hint of the error, then the advice `said` of the
/// command that met it, if any.
pub(crate) fn advice(error: &Error, said: Option<String>) -> Option<String> {
    let hint = error.hint();
    // What is true of every error of a kind gives way to what a command knows better.
    let is_general = matches!(hint, Some(Hint::CheckStore | Hint::CheckLog | Hint::ReportDefect));
    let own = hint.as_ref().and_then(|hint| match (hint, error.kind()) {
        (Hint::FreeSpace, ErrorKind::Indeterminate) => {
            Some("the disk is full: make room, and look at `argon log` before you try again".into())
        }
        _ => command(hint),
    });
    match (own, said) {
        (Some(own), Some(said)) if !is_general => Some(format!("{own}; {said}")),
        (own, said) => said.or(own),
    }
}

/// The remedy of a failed check.
pub(super) fn of_remedy(remedy: &Remedy) -> Option<String> {
    match remedy {
        Remedy::Hint(Hint::CreateStore { url: None }) => {
            Some("`argon init` with this URL makes one".to_owned())
        }
        Remedy::Hint(hint) => words(hint).map(|words| match words {
            Words::Hint(text) | Words::Instead(text) => text,
            Words::Behind(text) => text.trim_start_matches([';', ':', ',', ' ']).to_owned(),
        }),
        Remedy::Text(text) => Some(text.clone()),
    }
}

/// How a hint is shown.
pub(super) enum Words {
    /// On a line of its own, as a sentence without a full stop.
    Hint(String),
    /// After the message of the error.
    Behind(String),
    /// In place of the message.
    Instead(String),
}

/// A hint on a line of its own; `None` if it is not shown like that.
fn command(hint: &Hint) -> Option<String> {
    match words(hint) {
        Some(Words::Hint(text)) => Some(text),
        _ => None,
    }
}

/// A hint in the words of this program; `None` if it has none for it.
pub(super) fn words(hint: &Hint) -> Option<Words> {
    let sentence = on_store(hint)
        .or_else(|| on_branch(hint))
        .or_else(|| on_plan(hint))
        .or_else(|| on_import(hint));
    sentence.map(Words::Hint).or_else(|| in_message(hint))
}

/// Hints about the store and its upkeep.
fn on_store(hint: &Hint) -> Option<String> {
    let text = match hint {
        Hint::CheckStore => "`argon fsck` says what is damaged; write nothing until then",
        Hint::CheckLog => "look at `argon log` before you try again",
        Hint::CreateStore { url: None } => "`argon init` makes one",
        Hint::CreateStore { url: Some(url) } => {
            return Some(format!("`argon init {}` makes one", escape::argument(url)));
        }
        Hint::ChooseStore => {
            "`argon init` makes one here; --store URL or ARGON_STORE names another"
        }
        Hint::WaitForStore => "close it there, or wait longer by --lock-timeout SECONDS",
        Hint::Diagnose => "`argon doctor` looks at what the store needs, one thing after the other",
        Hint::GenerateKey => "`argon pin keygen FILE` makes a key",
        Hint::ListJobs => "`argon jobs list` shows all jobs",
        Hint::RetryJob { id } => return Some(format!("`argon jobs retry {id}` tries it again")),
        Hint::RetryJobs => {
            "`argon jobs show ID` shows the error; `argon jobs retry --all` tries them again"
        }
        Hint::AddWorkers => "`argon workers scale N` or `argon workers run` adds workers",
        Hint::RunWorkers => {
            "`argon workers run` works on the queue; `argon jobs list` shows the jobs that wait"
        }
        Hint::FreeSpace => "the disk is full: make room, then try again",
        Hint::CompactStore => "make room, or run `argon compact` once there is a little",
        Hint::ReclaimSpace => "make room; `argon gc` and `argon compact` need some themselves",
        Hint::TrustClock => "set the clock; if it is right, add --trust-clock",
        Hint::RemoveStoreName { name } => {
            return Some(format!("`argon store remove {name}` removes the name"));
        }
        Hint::SetSetting { key } => {
            return Some(format!("`argon config set {key} VALUE` sets it"));
        }
        Hint::ReportDefect => "this is a defect in argon; please report it",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Hints about projects, branches and states.
fn on_branch(hint: &Hint) -> Option<String> {
    Some(match hint {
        Hint::CreateProject { project } => format!("`argon project create {project}` makes it"),
        Hint::ChooseProject { known } if known.is_empty() => {
            "`argon project create NAME` makes one".to_owned()
        }
        Hint::ChooseProject { known } => {
            format!("`argon use NAME` or -p NAME chooses one of: {}", known.join(", "))
        }
        Hint::UseProject { project } => format!("`argon use {project}` makes it current"),
        Hint::ListDeletedProjects => "`argon project list --deleted` lists them".to_owned(),
        Hint::ChooseNewName => "--as NAME gives it another name".to_owned(),
        Hint::NameProjectAndBranch => {
            "use -p and -b, or set ARGON_PROJECT and ARGON_BRANCH".to_owned()
        }
        Hint::CreateBranch { branch } => {
            format!("`argon branch create {branch}` makes it; `argon switch NAME` goes to another")
        }
        Hint::SwitchBranch { branch } => format!("`argon switch {branch}` makes it current"),
        Hint::ListBranches => "`argon branch` lists the branches".to_owned(),
        Hint::LeaveBranch => "`argon switch NAME` goes to another first".to_owned(),
        Hint::SandboxEnded { first } => {
            format!("it may have ended; `argon switch {first}` goes to another branch")
        }
        Hint::MaskNewBranch => "an existing branch can't get a mask".to_owned(),
        Hint::AllowWrites { branch } => format!(
            "`argon branch read-write {branch}` lets it take commits; `argon branch create NAME \
             --from {branch}` makes a branch from it"
        ),
        Hint::Unprotect { branch } => {
            format!("`argon branch unprotect {branch}` ends the protection")
        }
        Hint::ExtendSandbox { branch } => {
            format!("`argon sandbox extend {branch}` extends its life")
        }
        Hint::DeleteBranch { branch } => format!("`argon branch delete {branch}` deletes it"),
        Hint::UsePin { pin } => format!(
            "`--at {pin}` reads it; `argon branch create NAME --from {pin}` makes a branch of it"
        ),
        Hint::ListCommits { branch } => {
            format!("`argon log` lists the commits of '{branch}'; -b NAME works on another branch")
        }
        Hint::CreateSnapshot => "`argon snapshot create` makes one".to_owned(),
        Hint::ListPlans => "`argon merge list` lists the plans".to_owned(),
        Hint::ShowReflog { branch } => format!("`argon reflog {branch}` says when it was"),
        Hint::ListRetainedStates => "`argon reflog` and `argon log` say what is kept".to_owned(),
        Hint::RestoreState => "`argon restore` goes back to a state that is kept".to_owned(),
        Hint::ExportState => "`argon export` takes the documents of a state".to_owned(),
        _ => return None,
    })
}

/// Hints about comparisons, plans and resets.
fn on_plan(hint: &Hint) -> Option<String> {
    Some(match hint {
        Hint::NameTwoStates { branch } => {
            format!("name two states, such as `argon diff {branch}~1 {branch}`")
        }
        Hint::ParentGone { branch, parent } => {
            format!("'{branch}' was made from '{parent}', which is gone; name two states")
        }
        Hint::NothingApplied => "nothing was applied".to_owned(),
        Hint::RepairDocuments => {
            "nothing was applied; repair the documents, or change the decisions".to_owned()
        }
        Hint::AllowUnchecked => {
            "nothing was applied; without --strict the result is applied, and the \
                                 rules are named in notes"
                .to_owned()
        }
        Hint::TryAgain => "nothing was applied; try again".to_owned(),
        Hint::RebasePlan => {
            "--rebase-plan rebases the plan on the present head, and keeps its decisions".to_owned()
        }
        Hint::AllowHooks => {
            "nothing was applied; --run-hooks runs them and applies the plan".to_owned()
        }
        Hint::ApplyPlan { id } => {
            format!("no conflict is left; `argon merge apply {id}` applies the plan")
        }
        Hint::ConflictsIn { places, more } => {
            let more = if *more { " and others" } else { "" };
            format!("conflicts are left in {}{more}", places.join("; "))
        }
        Hint::PlanChanged { id } => format!(
            "somebody else decided at the same time; `argon merge show {id}` shows the decisions"
        ),
        Hint::BranchMoved => {
            "somebody else moved the branch; preview the reset again, and repeat it".to_owned()
        }
        _ => return None,
    })
}

const CONTINUES: &str = "what was committed stays; --on-duplicate skip continues from there";

/// Hints about imports and exports.
fn on_import(hint: &Hint) -> Option<String> {
    Some(match hint {
        Hint::NameCollection => "name the collection by -c NAME".to_owned(),
        Hint::BadFiles { more, pattern } => {
            let others = match more {
                0 => String::new(),
                more => format!("{more} more can't be loaded; "),
            };
            format!(
                "{others}--skip-bad-files leaves such files out, --ns-exclude {} this one, \
                 and -c NAME takes one collection; `argon import FILE -c NAME` gives a file's \
                 collection another name",
                escape::argument(pattern)
            )
        }
        Hint::ImportContinues => CONTINUES.to_owned(),
        Hint::BadDocument => format!("--keep-going passes over bad documents; {CONTINUES}"),
        Hint::DuplicateImported => {
            format!("{CONTINUES}, --on-duplicate replace takes the new ones")
        }
        Hint::DuplicateRehearsed => "--on-duplicate skip leaves those that are there, \
                                     --on-duplicate replace takes the new ones"
            .to_owned(),
        Hint::ReplacementContinues => {
            "what was committed stays; the same command continues from there".to_owned()
        }
        Hint::ChooseCollection { known } => format!("-c chooses one of: {}", known.join(", ")),
        Hint::LinkExistingStore => {
            "`argon init URL --existing` lets .argon here name it".to_owned()
        }
        Hint::NameLocalStore => "name a store on this machine by --store".to_owned(),
        Hint::RemoveStoreLink => "remove .argon to create another store here".to_owned(),
        Hint::SplitCommit => {
            "--each makes a commit of each document; `argon import -` splits them".to_owned()
        }
        Hint::ExportBson => {
            "export a name that ends in .bson, or let it become another by --lossy".to_owned()
        }
        Hint::Overwrite => "choose another name, or overwrite it by --force".to_owned(),
        _ => return None,
    })
}

/// Hints that are part of the message.
fn in_message(hint: &Hint) -> Option<Words> {
    let behind = |words: &str| Words::Behind(words.to_owned());
    let instead = |words: &str| Words::Instead(words.to_owned());
    Some(match hint {
        Hint::ChooseProjectAgain => behind(" and run `argon use PROJECT`"),
        Hint::ListSettings => behind("; `argon config list` lists all settings"),
        Hint::AddStoreName => behind(", or use `argon store add` for a store"),
        Hint::UseUserSettings => behind(": use --user"),
        Hint::MoveToUserSettings => {
            behind("; `argon config set` and `argon store add` write it there")
        }
        Hint::BranchWithoutEnd => behind("; `argon branch create` makes a branch without an end"),
        Hint::DefinitionsDiffer => behind(
            "; --on-duplicate skip keeps them, --on-duplicate replace takes those of the dump",
        ),
        Hint::FormatOfDirectory => instead("--format is of one file, and this is a directory"),
        Hint::DatabaseOfFile => instead("--database chooses from a dump, and this is a file"),
        Hint::PatternsOfFile => {
            instead("--ns-include and --ns-exclude choose from a dump, and this is a file")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn full() -> io::Error {
        io::ErrorKind::StorageFull.into()
    }

    #[test]
    fn a_hint_is_a_command_and_what_a_command_says_comes_after_it_or_in_place_of_what_is_general() {
        let protected =
            || Error::denied("x").with_hint(Hint::Unprotect { branch: "try".to_owned() });
        let unprotect = "`argon branch unprotect try` ends the protection";
        for (error, said, expected) in [
            (protected(), None, Some(unprotect.to_owned())),
            (protected(), Some("try again"), Some(format!("{unprotect}; try again"))),
            (Error::denied("x"), Some("try again"), Some("try again".to_owned())),
            (Error::denied("x"), None, None),
            (Error::corrupt("x"), Some("take a backup"), Some("take a backup".to_owned())),
        ] {
            assert_eq!(advice(&error, said.map(str::to_owned)), expected);
        }
        assert!(advice(&Error::corrupt("x"), None).unwrap().contains("`argon fsck`"));
    }

    #[test]
    fn a_full_disk_is_named_and_so_is_the_log_if_the_write_may_have_happened() {
        let said = advice(&Error::unavailable("x").with_source(full()), None).unwrap();
        assert!(said.contains("disk is full") && !said.contains("argon log"), "{said}");
        let said = advice(&Error::indeterminate("x").with_source(full()), None).unwrap();
        assert!(said.contains("disk is full") && said.contains("argon log"), "{said}");
    }

    #[test]
    fn a_remedy_is_a_command_or_words() {
        let hint = Hint::CreateStore { url: Some("sled:x".to_owned()) };
        assert_eq!(of_remedy(&hint.into()).unwrap(), "`argon init sled:x` makes one");
        assert_eq!(of_remedy(&"set the clock".into()).unwrap(), "set the clock");
    }
}
