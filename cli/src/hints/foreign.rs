//! Commands and arguments that users of git and of MongoDB's tools type, and what Argon has for them.

use std::ffi::OsString;

use crate::output::escape;

/// Names of commands elsewhere, and what to use here.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["checkout", "co"],
        "`argon switch BRANCH` goes to a branch, `argon switch -c NAME` makes one, and `argon restore reset REV -c \
         COLLECTION` restores a collection",
    ),
    (
        &["commit", "ci", "save"],
        "every write is a commit: `argon put`, `argon update`, `argon delete` and `argon import` take its message by -m",
    ),
    (
        &["add", "stage", "unstage"],
        "nothing is staged: `argon put -c COLLECTION` writes documents and commits them",
    ),
    (&["insert", "set", "write"], "`argon put -c COLLECTION JSON` writes documents"),
    (
        &["revert"],
        "`argon undo LSN` takes back a commit by a new one; `argon undo REV..REV` takes back several",
    ),
    (
        &["reset", "rollback"],
        "`argon restore reset REV` resets the branch and keeps a backup; with -c it restores one collection",
    ),
    (
        &["tag", "label"],
        "`argon pin create NAME [REV]` names a state; with --sign KEY it is signed",
    ),
    (
        &["push", "publish"],
        "a store on MongoDB or S3 is shared as it is; `argon migrate SOURCE TARGET` copies all history into another \
         store",
    ),
    (
        &["pull", "fetch"],
        "a store on MongoDB or S3 is always up to date; `argon merge BRANCH` brings in a branch, and `argon apply FILE` \
         a patch of another store",
    ),
    (
        &["clone"],
        "`argon init URL --existing` uses a store on a network from here; `argon migrate SOURCE TARGET` copies one",
    ),
    (&["remote"], "`argon store add NAME URL` names a store, which --store NAME uses"),
    (
        &["stash", "worktree"],
        "every write is a commit already: `argon switch -c NAME` puts the next ones on a branch, and `argon sandbox \
         create --ttl 1h` makes one that ends by itself",
    ),
    (
        &["rebase"],
        "history is never rewritten: `argon merge BRANCH` combines branches, and `argon cherry-pick REV …` repeats \
         commits on another",
    ),
    (
        &["squash", "amend"],
        "history is never rewritten: `argon undo` takes a commit back by a new one",
    ),
    (
        &["rm", "remove", "drop"],
        "`argon delete -c COLLECTION --id ID` deletes documents, and `argon collections drop NAME` a collection",
    ),
    (
        &["mv", "rename"],
        "`argon collections rename FROM TO` renames a collection, `argon branch rename` a branch",
    ),
    (
        &["grep", "search", "query"],
        "`argon find -c COLLECTION '{field: /text/}'` finds documents, and `argon log --grep PATTERN` commits",
    ),
    (
        &["cat", "cat-file"],
        "`argon get -c COLLECTION ID` prints a document, `argon show REV` a commit",
    ),
    (
        &["ls", "ls-files", "list"],
        "`argon collections` lists the collections, `argon find -c COLLECTION` documents",
    ),
    (&["annotate", "praise"], "`argon blame -c COLLECTION ID` shows who wrote each field"),
    (&["am", "patch"], "`argon apply FILE` applies a patch"),
    (&["format-patch"], "`argon diff A..B --patch > FILE` writes a patch"),
    (
        &["whatchanged", "shortlog"],
        "`argon log` lists the commits, `argon show` the changes of one",
    ),
    (
        &["rev-parse", "describe", "name-rev"],
        "`argon status -o json` has the branch and its LSN, `argon show REV` a commit",
    ),
    (&["prune", "repack"], "`argon gc` reclaims space"),
    (&["mongodump", "dump", "backup"], "`argon export DIR` writes a dump of any state"),
    (&["mongorestore", "load"], "`argon import PATH` reads a dump or a file"),
    (&["mongoimport"], "`argon import FILE -c COLLECTION` reads JSON, BSON or CSV"),
    (&["mongoexport"], "`argon export FILE -c COLLECTION` writes JSON, BSON or CSV"),
    (&["createindex"], "`argon import` takes over the indexes of a dump"),
];

/// What Argon has for a command of another program.
pub(crate) fn command(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let known = COMMANDS.iter().find(|(names, _)| names.contains(&name.as_str()));
    known.map(|(_, advice)| *advice)
}

/// What Argon has for arguments that a command takes elsewhere: `word` is the one that it does not know here.
pub(crate) fn argument(args: &[OsString], word: &str) -> Option<String> {
    let mut args = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    let command = args.find(|arg| !arg.starts_with('-'))?;
    let (is_option, quoted) = (word.starts_with('-'), escape::argument(word));
    let text = match (&*command, word) {
        ("branch", "-d" | "-D" | "--delete") => {
            "`argon branch delete NAME` deletes a branch".to_owned()
        }
        ("branch", "-m" | "-M" | "--move") => {
            "`argon branch rename FROM TO` renames a branch".to_owned()
        }
        ("branch", _) if !is_option => format!(
            "`argon branch create {quoted}` makes a branch, and `argon switch -c {quoted}` makes it the current one"
        ),
        ("switch", "-C") => "`argon switch -c NAME` makes a branch and goes to it".to_owned(),
        ("diff", "--cached" | "--staged") => {
            "nothing is staged: every write is a commit".to_owned()
        }
        ("diff", "--name-only" | "--shortstat") => "--stat prints the numbers".to_owned(),
        ("log", "-p" | "--patch") => "`argon show REV` shows the changes of a commit".to_owned(),
        ("log", "--all") => {
            "`argon log BRANCH` lists the commits of a branch, `argon branch` the branches"
                .to_owned()
        }
        ("restore", _) if !is_option => format!(
            "`argon restore preview {quoted}` shows what a reset would change, and `argon restore reset {quoted}` does it"
        ),
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn no_name_is_that_of_a_command_here_and_every_advice_names_commands_that_exist() {
        let root = Cli::command();
        for (names, advice) in COMMANDS {
            for name in *names {
                assert!(root.find_subcommand(name).is_none(), "{name}");
            }
            for named in advice.split('`').skip(1).step_by(2) {
                let mut command = &root;
                for word in named.split(' ').skip(1) {
                    let Some(below) = command.find_subcommand(word) else { break };
                    command = below;
                }
                assert_ne!(command.get_name(), root.get_name(), "{named}");
            }
        }
        assert_eq!(command("Commit"), command("commit"));
        assert_eq!(command("shw"), None);
    }

    #[test]
    fn arguments_of_git_are_known_by_their_command() {
        let advice = |line: &str, word: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            argument(&args, word).unwrap_or_default()
        };
        assert!(advice("argon branch try", "try").contains("`argon branch create try`"));
        assert!(advice("argon branch -d try", "-d").contains("branch delete"));
        assert!(advice("argon restore v1", "v1").contains("`argon restore preview v1`"));
        assert_eq!(advice("argon show --word-diff", "--word-diff"), "");
    }
}
