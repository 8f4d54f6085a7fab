//! The commands by task.

use std::fmt::Write as _;

/// A task, and the commands for it: those of a line belong together.
struct Task {
    name: &'static str,
    lines: &'static [(&'static str, &'static str)],
}

const TASKS: &[Task] = &[
    Task {
        name: "Begin",
        lines: &[
            ("init, status, doctor", "Create a store, show what is current, explain what is wrong"),
            ("project, use", "Create, list and delete projects; choose the current one"),
            ("import, export, dvc", "Read dumps and files; write any state; lock files for DVC"),
        ],
    },
    Task {
        name: "Documents",
        lines: &[
            ("get, find, count", "Read and count documents of any state"),
            ("aggregate, distinct, shell", "Run pipelines, list values, query at a prompt"),
            ("put, update, delete, edit", "Write, update, delete documents; edit one in $EDITOR"),
            ("collections, index, explain", "Collections; indexes, and how queries use them"),
        ],
    },
    Task {
        name: "Branches",
        lines: &[
            ("branch, switch", "Create, list, protect, delete branches; choose the current one"),
            ("sandbox, pin", "Branches that expire; names for a state that stay, also signed"),
            ("diff, apply", "Compare two states; apply the difference as a patch"),
            ("merge, cherry-pick, undo", "Combine branches; repeat commits; take commits back"),
        ],
    },
    Task {
        name: "History",
        lines: &[
            ("log, show, history", "List commits, show one, list the versions of a document"),
            ("blame, bisect", "Find who wrote a value, and the commit that broke something"),
            ("restore, reflog", "Return to an earlier state; list where a branch was"),
        ],
    },
    Task {
        name: "Stores",
        lines: &[
            ("config, store", "Settings; names for stores"),
            ("migrate, snapshot", "Copy all history into another store; speed up reads"),
            ("storage, gc, compact", "Show what takes space, free it, shrink the files"),
            (
                "fsck, verify, health",
                "Find damage; prove that history is unchanged; check thresholds",
            ),
            ("serve, console, mcp", "Serve drivers and HTTP; open the console; serve an agent"),
            ("user, token, audit", "Who may use the server, and what they did and were refused"),
            (
                "metrics, serve-metrics, top",
                "Print counters, serve them to Prometheus, watch them live",
            ),
        ],
    },
    Task {
        name: "Other",
        lines: &[
            #[cfg(feature = "bench")]
            ("bench, completions, man, help", "Measurements; completions, manual pages, topics"),
            #[cfg(not(feature = "bench"))]
            ("completions, man, help", "Shell completions, manual pages, topics of help"),
            #[cfg(feature = "legacy")]
            ("flush, jobs, workers", "Stores of version 2 (deprecated)"),
            #[cfg(not(feature = "legacy"))]
            ("flush", "Stores of version 2 (deprecated)"),
            ("projects, branches, wal", "The commands of version 2 (deprecated)"),
            ("connection-string", "The URL for a program of version 2 (deprecated)"),
        ],
    },
];

const FIRST_STEPS: &str = "\
First steps:
  argon init && argon project create shop && argon import dump/shop
  argon switch -c try
  argon put -c users '{\"_id\": 1}' && argon diff main try";

const TOPICS: &str = "\
`argon help COMMAND` describes a command, with examples. Topics: `argon help options`,
`argon help revisions` (how to name a state), `argon help exit-codes`.";

/// What `argon` without a command prints.
pub(super) fn screen() -> String {
    let mut text = String::from(
        "Git for MongoDB-shaped data: branch, change, look back and restore databases.\n\n\
         Usage: argon [OPTIONS] COMMAND\n",
    );
    for Task { name, lines } in TASKS {
        let _ = write!(text, "\n{name}:\n");
        for (commands, what) in *lines {
            let _ = writeln!(text, "  {commands:<31}{what}");
        }
    }
    text + "\n" + FIRST_STEPS + "\n\n" + TOPICS + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn every_command_is_listed_once_and_all_fit_a_screen() {
        let mut listed: BTreeMap<&str, usize> = BTreeMap::new();
        let lines = TASKS.iter().flat_map(|task| task.lines);
        lines.flat_map(|(names, _)| names.split(", ")).for_each(|name| {
            *listed.entry(name).or_default() += 1;
        });
        let command = Cli::command();
        let expected: BTreeMap<&str, usize> = command
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(|command| (command.get_name(), 1))
            .collect();
        assert_eq!(listed, expected);
        let text = screen();
        assert!(text.lines().count() <= 48, "{} lines", text.lines().count());
        assert!(text.lines().all(|line| line.len() <= 96));
    }

    #[test]
    fn the_help_of_a_command_has_an_example_and_its_own_options_only() {
        fn look(command: &clap::Command, path: &str, missing: &mut Vec<String>) {
            let mut command = command.clone();
            let help = command.render_long_help().to_string();
            if !path.is_empty() {
                assert!(!help.contains("\n      --lock-timeout"), "{path}\n{help}");
                if !command.has_subcommands() && !help.contains("\nExample") {
                    missing.push(path.to_owned());
                }
            }
            for below in command.get_subcommands() {
                look(below, &format!("{path} {}", below.get_name()), missing);
            }
        }
        let mut command = crate::help::command();
        command.build();
        let mut missing = Vec::new();
        look(&command, "", &mut missing);
        assert!(missing.is_empty(), "without an example: {missing:#?}");
    }
}
