//! The store on which commands meet faults, and the commands.

use super::disk::{self, Mode, Outcome};
use crate::support::{Place, copy_directory};

/// What a command owes that meets a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// All of it or nothing.
    Atomic,
    /// What is read stays, and the command may be run again.
    Upkeep,
    /// Whole batches, and the command may be run again.
    Import,
    /// A store, or what can become one.
    Init,
    /// The source as it was, and the command may be run again.
    Migrate,
}

/// A command.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) arguments: &'static [&'static str],
}

const fn of(kind: Kind, name: &'static str, arguments: &'static [&'static str]) -> Scenario {
    Scenario { name, kind, arguments }
}

/// Stands for the store's plan in the arguments.
const PLAN: &str = "PLAN";

pub(super) const SCENARIOS: [Scenario; 20] = [
    of(Kind::Atomic, "put", &["put", "-c", "c", r#"{"_id":"new"}"#]),
    of(Kind::Atomic, "branch create", &["branch", "create", "made"]),
    of(Kind::Atomic, "branch rename", &["branch", "rename", "b1", "b9"]),
    of(Kind::Atomic, "branch delete", &["branch", "delete", "b1", "--yes"]),
    of(Kind::Atomic, "merge apply", &["merge", "apply", PLAN]),
    of(Kind::Atomic, "merge", &["merge", "b1", "--yes"]),
    of(Kind::Atomic, "restore -c", &["restore", "reset", "main~1", "-c", "c", "--yes"]),
    of(Kind::Atomic, "restore reset", &["restore", "reset", "main~1", "--yes"]),
    of(Kind::Atomic, "undo", &["undo", "main~1..main"]),
    of(Kind::Atomic, "pin create", &["pin", "create", "v2"]),
    of(Kind::Atomic, "collections drop", &["collections", "drop", "c"]),
    of(Kind::Atomic, "project delete", &["project", "delete", "shop", "--yes"]),
    of(Kind::Upkeep, "gc", &["gc", "--retention", "0s", "--yes"]),
    of(Kind::Upkeep, "compact", &["compact", "--yes"]),
    of(Kind::Upkeep, "snapshot create", &["snapshot", "create"]),
    of(Kind::Upkeep, "merge preview", &["merge", "preview", "b1", "--into", "b2"]),
    of(Kind::Upkeep, "log", &["log"]),
    of(Kind::Import, "import", &["import", "docs.jsonl", "-c", "imported", "--batch", "20"]),
    of(Kind::Init, "init", &["init", "sled:new"]),
    of(Kind::Migrate, "migrate", &["migrate", ".argon", "fjall:new"]),
];

/// A directory with a store that has branches, a pin, a snapshot and a plan.
pub(super) struct Store {
    place: Place,
    plan: String,
}

impl Store {
    pub(super) fn make(engine: &str) -> Self {
        let mut place = Place::with_project(engine);
        // The project is said, so that what is current is of no matter when it is gone.
        place.variables.push(("ARGON_PROJECT", "shop".to_owned()));
        for id in 0..3 {
            place.ok(&["put", "-c", "c", &format!(r#"{{"_id":{id},"n":{id}}}"#)]);
        }
        place.ok(&["branch", "create", "b1"]);
        place.ok(&["branch", "create", "b2"]);
        place.ok(&["put", "-c", "c", r#"{"_id":10}"#, "-b", "b1"]);
        place.ok(&["put", "-c", "c", r#"{"_id":20}"#]);
        place.ok(&["pin", "create", "v1"]);
        place.ok(&["snapshot", "create", "main~1"]);
        let preview = ["merge", "preview", "b1", "--into", "main", "-o", "json", "--stat"];
        let preview: serde_json::Value = serde_json::from_str(&place.ok(&preview)).unwrap();
        let plan = preview["id"].as_str().unwrap().to_owned();
        let docs: String = (0..60).map(|id| format!("{{\"_id\":{id}}}\n")).collect();
        place.file("docs.jsonl", docs);
        Self { place, plan }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// A copy, to be broken.
    pub(super) fn copy(&self) -> Self {
        let mut place = Place::empty();
        copy_directory(&self.place.path(""), &place.path(""));
        place.variables.clone_from(&self.place.variables);
        Self { place, plan: self.plan.clone() }
    }

    /// Runs a scenario on a disk that fails at a change.
    pub(super) fn run(&self, scenario: &Scenario, mode: Mode, at: u64) -> Outcome {
        let arguments: Vec<&str> = scenario
            .arguments
            .iter()
            .map(|argument| if *argument == PLAN { &self.plan } else { *argument })
            .collect();
        // The system may know the directory by another path than the one that it was made by.
        let directory = self.place.path("").canonicalize().unwrap();
        let directory = match scenario.kind {
            Kind::Init | Kind::Migrate => directory.join("new"),
            _ => directory.join(".argon"),
        };
        disk::run(&self.place, &directory, mode, at, &arguments)
    }

    /// What can be read: the branches with their positions and documents, and the pins. Backups have
    /// names of their own time.
    pub(super) fn state(&self) -> String {
        if !self.place.ok(&["project", "list", "-o", "jsonl"]).contains("shop") {
            return "no project".to_owned();
        }
        let mut lines = Vec::new();
        for line in self.place.ok(&["branch", "list", "--all", "-o", "jsonl"]).lines() {
            let branch: serde_json::Value = serde_json::from_str(line).unwrap();
            let name = branch["branch"].as_str().unwrap();
            if let Some(backup) = name.strip_prefix("backup/") {
                let (of, _) = backup.split_once('/').unwrap();
                lines.push(format!("backup of {of} {}", branch["lsn"]));
            } else {
                let documents = self.place.digests(&["--at", name]);
                lines.push(format!("{name} {} {documents}", branch["lsn"]));
            }
        }
        lines.sort();
        for line in self.place.ok(&["pin", "list", "-o", "jsonl"]).lines() {
            let pin: serde_json::Value = serde_json::from_str(line).unwrap();
            lines.push(format!("pin {}", pin["pin"]));
        }
        lines.join("\n")
    }
}
