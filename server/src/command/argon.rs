//! What git has, from a driver: branches, log, diff, merge, undo, restore, pins, sandboxes.
//!
//! A command is an operation of the service. Its value is the main field of the request, `action` says which
//! operation it is, and the other fields are those of the request in docs/JSON.md. The reply has `result`.

use argon_core::model::{BranchName, ProjectName};
use argon_core::storage::StoreUrl;
use argon_service::OpenStore;
use argon_service::config::Config;
use argon_service::credentials::SaidBy;
use argon_service::discover::Place as StorePlace;
use argon_service::operations::{Operation, Request, Target};
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use futures::FutureExt;

use super::{Call, Command, Effect, Reply};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::namespace::Database;
use crate::rights::{Need, Right, of_history};

/// An action of a command: its name, the operation, and the field that the value of the command is.
type Action = (&'static str, &'static str, Option<&'static str>);

/// The fields of requests that a plan is made by.
const PLAN: &[&str] = &[
    "action",
    "actor",
    "choice",
    "collection",
    "collections",
    "id",
    "into",
    "message",
    "path",
    "plan",
    "policy",
    "rebase",
    "source",
    "strategy",
    "strict",
    "value",
    "range",
    "by_actor",
    "force",
    "values",
];

/// A command whose actions are operations.
macro_rules! operation {
    ($name:literal, $about:literal, $fields:expr, $effect:expr, $actions:expr) => {
        Command {
            name: $name,
            aliases: &[],
            about: $about,
            fields: $fields,
            effect: $effect,
            need: Need::Arguments(|call| async { of_history(call) }.boxed()),
            is_stable: false,
            run: |call| run(call, $actions).boxed(),
        }
    };
}

pub(super) const COMMANDS: &[Command] = &[
    operation!(
        "argonBranch",
        "Creates the branch that its value names; with `action`, lists (the default without a name), deletes, \
         renames or protects branches.",
        &["action", "all", "from", "protected", "read_only", "to"],
        Effect::Write,
        &[
            ("create", "branch.create", Some("branch")),
            ("list", "branch.list", None),
            ("delete", "branch.delete", Some("branch")),
            ("rename", "branch.rename", Some("from")),
            ("protect", "branch.protect", Some("branch")),
        ]
    ),
    operation!(
        "argonLog",
        "Lists the commits up to a revision, the newest first.",
        &["above", "actor", "collections", "ids", "limit", "pattern", "since", "trailer", "until"],
        Effect::Read,
        &[("list", "log", Some("revision"))]
    ),
    operation!(
        "argonDiff",
        "Lists what differs between two states, by document and field.",
        &["collections", "fields", "from", "ids", "limit", "merge_base", "to", "values"],
        Effect::Read,
        &[("list", "diff", None)]
    ),
    operation!(
        "argonMerge",
        "Merges the revision that its value names into the branch; with `action`, previews (`dry_run`), saves a \
         plan (`save`), lists, shows, resolves, applies or aborts plans.",
        PLAN,
        Effect::Write,
        &[
            ("commit", "merge", Some("source")),
            ("dry_run", "merge", Some("source")),
            ("save", "merge", Some("source")),
            ("list", "plan.list", None),
            ("show", "plan.show", Some("plan")),
            ("resolve", "plan.resolve", Some("plan")),
            ("apply", "plan.apply", Some("plan")),
            ("abort", "plan.abort", Some("plan")),
        ]
    ),
    operation!(
        "argonUndo",
        "Takes back what the commits of a range changed, by one commit.",
        PLAN,
        Effect::Write,
        &[
            ("commit", "undo", Some("range")),
            ("dry_run", "undo", Some("range")),
            ("save", "undo", Some("range")),
        ]
    ),
    operation!(
        "argonRestore",
        "Resets the branch to a revision (the commits after it stay under a backup's name), or restores a collection \
         or some of its documents by a commit (`action: \"part\"`).",
        &["action", "actor", "collection", "ids", "message"],
        Effect::Write,
        &[("reset", "reset", Some("revision")), ("part", "restore", Some("revision"))]
    ),
    operation!(
        "argonPin",
        "Pins a state under the name that its value is; with `action`, lists or deletes pins.",
        &["action", "note", "revision"],
        Effect::Write,
        &[
            ("create", "pin.create", Some("pin")),
            ("list", "pin.list", None),
            ("delete", "pin.delete", Some("pin")),
        ]
    ),
    operation!(
        "argonSandbox",
        "Creates a sandbox that ends by itself after `ttl`; with `action`, lists, extends, keeps or discards \
         sandboxes.",
        &["action", "from", "new_name", "ttl"],
        Effect::Write,
        &[
            ("create", "sandbox.create", Some("branch")),
            ("list", "sandbox.list", None),
            ("extend", "sandbox.extend", Some("branch")),
            ("keep", "sandbox.keep", Some("branch")),
            ("discard", "sandbox.discard", Some("branch")),
        ]
    ),
    Command {
        name: "argonAt",
        aliases: &[],
        about: "Says which state the database is: project, branch, LSN, digest.",
        fields: &[],
        effect: Effect::Read,
        need: Need::Database(Right::Read),
        is_stable: false,
        run: |call| at(call).boxed(),
    },
];

/// Whether a command is one of these, with an action that changes nothing.
pub(super) fn only_reads(call: &Call<'_>) -> Result<bool> {
    let is_one = COMMANDS.iter().any(|command| command.name == call.command.name);
    Ok(is_one && of_history(call)?.iter().all(|demand| demand.right == Right::Read))
}

async fn run(call: &Call<'_>, actions: &[Action]) -> Result<Reply> {
    let arguments = call.arguments;
    let main = match arguments.raw().get(call.name)? {
        Some(RawBsonRef::String(main)) => Some(main),
        _ => None,
    };
    let (action, operation, field) = action(arguments, actions, main.is_some())?;
    let mut request = Document::new();
    for entry in arguments.raw() {
        let (name, value) = entry?;
        let is_field = call.command.fields.contains(&name.as_str()) && name.as_str() != "action";
        if is_field {
            request.insert(name.as_str(), Bson::try_from(value)?);
        }
    }
    match (field, main) {
        (Some(field), Some(main)) => drop(request.insert(field, main)),
        (Some("branch"), None) if operation == "sandbox.create" => {}
        (Some("revision"), None) if operation == "log" => {}
        (Some(field), None) => {
            return Err(CommandError::new(
                40414,
                format!("{} needs a value for '{action}': its {field}, as a string", call.name),
            ));
        }
        (None, _) => {}
    }
    if matches!(operation, "merge" | "undo") {
        request.insert("action", action);
    }
    if let Some(comment) = arguments.text("comment")?
        && call.command.fields.contains(&"message")
        && !request.contains_key("message")
    {
        request.insert("message", comment);
    }
    if call.claim.user.is_some() && request.contains_key("actor") && operation != "log" {
        return Err(CommandError::new(
            13,
            "what a user does is signed by the user: leave 'actor' out",
        ));
    }
    let (project, branch) = names(call)?;
    let request = Request::Json(Bson::Document(request).into_relaxed_extjson().to_string());
    let target = Target::new(opened(call)?, Some(project), branch);
    let bytes = Operation::named(operation)?.run_to_bson(&target, &request).await?;
    if call.command.effect == Effect::Write {
        // A branch may have been deleted or renamed.
        call.shared.places.forget_all();
        call.shared.clock.tick(call.environment());
    }
    Ok(Reply::raw(with_values(RawDocument::from_bytes(&bytes)?)?))
}

/// The action of a command: the one that it names, or else the first, or to list where nothing is named.
fn action(arguments: Arguments<'_>, actions: &[Action], has_main: bool) -> Result<Action> {
    let Some(name) = arguments.text("action")? else {
        let list = actions.iter().find(|(name, ..)| *name == "list").filter(|_| !has_main);
        return list
            .or(actions.first())
            .copied()
            .ok_or_else(|| CommandError::bad_value("no action"));
    };
    actions.iter().find(|(known, ..)| *known == name).copied().ok_or_else(|| {
        let known: Vec<_> = actions.iter().map(|(name, ..)| *name).collect();
        CommandError::bad_value(format!("unknown action '{name}': expected {}", known.join(", ")))
    })
}

/// The project and the branch of the database.
fn names(call: &Call<'_>) -> Result<(ProjectName, BranchName)> {
    let Database::Project { project, revision } = call.shared.places.parse(call.database)? else {
        return Err(CommandError::illegal(format!(
            "'{}' is no project: run the command on the database of a project",
            call.database
        )));
    };
    let default = &call.shared.options.branch;
    let branch = revision.as_ref().map_or(default, |revision| revision.branch_or(default)).clone();
    Ok((project, branch))
}

/// The store, with nothing current in it.
fn opened(call: &Call<'_>) -> Result<OpenStore> {
    let info = call.shared.store.info();
    let url = StoreUrl::new(info.engine, info.location);
    Ok(OpenStore {
        store: call.store()?,
        place: StorePlace::of_url(url, SaidBy::Argument),
        config: Config::default(),
        config_file: None,
    })
}

async fn at(call: &Call<'_>) -> Result<Reply> {
    let (project, branch) = names(call)?;
    let Some(state) = call.state().await? else {
        return Err(CommandError::new(26, format!("there is no project '{project}'")));
    };
    Reply::of(&doc! {
        "project": project.as_str(),
        "branch": branch.as_str(),
        "lsn": state.lsn().get().cast_signed(),
        "digest": state.last_digest().await?.to_string(),
    })
}

/// Puts the values of documents in place of the bytes that hold them.
fn with_values(document: &RawDocument) -> Result<RawDocumentBuf> {
    let mut whole = RawDocumentBuf::new();
    for field in document {
        let (name, value) = field?;
        whole.append(name, with_value(value)?);
    }
    Ok(whole)
}

fn with_value(value: RawBsonRef<'_>) -> Result<RawBson> {
    match value {
        RawBsonRef::Document(document) => Ok(RawBson::Document(with_values(document)?)),
        RawBsonRef::Array(array) => {
            let mut whole = RawArrayBuf::new();
            for value in array {
                whole.push(with_value(value?)?);
            }
            Ok(RawBson::Array(whole))
        }
        RawBsonRef::Binary(binary) => {
            let held = RawDocument::from_bytes(binary.bytes)?;
            Ok(held.get("v")?.map_or(RawBson::Null, RawBson::from))
        }
        other => Ok(RawBson::from(other)),
    }
}
